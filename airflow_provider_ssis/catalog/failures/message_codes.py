"""The codes of event messages: their symbols, which of them only follow from others, and what to look at for those that
have their own causes.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

CONNECTION_FAILURES = frozenset(
    {
        "0xC020801C",
        "0xC020801F",
        "0xC0202003",
        "0xC0208452",
        "0xC00291EC",
        "0xC00291D8",
        "0xC00291E0",
        "0xC0029111",
        "0xC0029192",
        "0xC002F312",
        "0xC002918F",
        "0xC0016004",
        "0xC0016005",
        "0xC0016009",
    }
)
"""Codes of messages that say that something could not be connected to: it may be there again a little later."""

ROWS_WRITTEN = 0x4004300B
"""DTS_I_ROWS_WRITTEN: a destination reports how many rows it wrote."""

PHASES = frozenset({0x40043006, 0x40043007, 0x40043008, 0x40043009, 0x4004300A, 0x4004300C})
"""DTS_I_EXECUTIONPHASE_*: a data flow reports that its next phase begins."""

FAILED_VALIDATION = frozenset({"0xC0024107", "0xC004706B", "0xC004700C"})
"""Codes of messages that say that a task or component failed its validation."""

CONSEQUENCES = FAILED_VALIDATION | {
    "0x80019002",
    "0xC0047021",
    "0xC0047022",
    "0xC0047038",
    "0xC02020C4",
}
"""Codes of messages that only follow from others (Microsoft's reference of Integration Services errors)."""

ADVICE = {
    # Connections
    "0xC0202009": "Look at the database provider's own message and error code in the text.",
    "0xC020801C": "Check the connection manager: connection string, driver, and that the run's account may log in.",
    "0xC020801F": "Check the ADO.NET connection manager: connection string, and that the run's account may log in.",
    "0xC0208452": "Check the ADO.NET connection manager: connection string, and that the run's account may log in.",
    "0xC00291EC": "Check the Execute SQL task's connection manager: its name, server, driver and login.",
    "0xC001000E": "A connection manager is missing in the package: the name or id that a task uses is another one.",
    "0xC001401D": "Check server, path and login of the connection manager named, as seen from the server that runs it.",
    "0xC0014015": "Check the connection string's spelling, and the parameter or expression that makes it.",
    "0xC0014019": "The connection manager was deployed as one that works offline: set WorkOffline to false.",
    "0xC0014005": "The server lacks the provider or component, or has it for 32 bits only: try the 32-bit runtime.",
    "0xC0016005": "Check the login of the connection manager named.",
    "0xC0016009": "Something did not answer in time: check the server it goes to, or raise the timeout.",
    # Files
    "0xC001401E": "Check the file's path, as the account of the run sees it: UNC path instead of drive letter, rights.",
    "0xC020200E": "The file cannot be opened: check path, rights of the run's account, and who else has it open.",
    "0xC020207E": "Check the file name, and the expression or parameter that makes it.",
    "0xC0202091": "The file has fewer or other lines than the connection manager's header rows to skip.",
    "0xC0202092": "Look at the row named: the file's columns or delimiters differ from the connection manager's.",
    "0xC0202055": "Look at the row named: a delimiter is missing, or a text qualifier is not closed.",
    "0xC02020A0": "Look at the column named: the value in the file does not convert to the column's type.",
    "0xC0202094": "Open the flat file connection manager and define its columns again.",
    "0xC0202053": "The file cannot be written: disk full, or no rights.",
    "0xC0029163": "The file that the File System task works on is not there at that moment.",
    "0xC002F30C": "The file or folder that the File System task works on is not there at that moment.",
    "0xC0029153": "The program is not at that path on the server that runs the package.",
    "0xC002918A": "Check the remote path and the FTP login's rights; a mask that matches nothing is an error too.",
    "0xC002918F": "Check the FTP server's name, port and login, and the firewall; passive mode may be needed.",
    # Protection and versions
    "0xC0016016": "Check the protection level: secrets saved with another user's key or password cannot be read.",
    "0xC0016017": "The connection string is encrypted with another user's key: give it as a parameter instead.",
    "0xC001405F": "The package's password is missing or wrong.",
    "0xC0011007": "The server cannot load the package: a newer version's, or with a component not installed.",
    "0xC0010018": "A property of the package cannot be read: a newer version's, or a component's not installed.",
    "0xC0011008": "The server cannot load the package: a newer version's, or with a component not installed.",
    "0xC0011002": "The package file is not there, or the run's account may not read it.",
    "0xC001000A": "The package to run is not in the msdb store.",
    "0xC00470FE": "The component needs a higher edition of SQL Server.",
    "0xC0012024": "The task needs a higher edition of SQL Server, or Integration Services is not installed there.",
    "0xC004706D": "The component is not installed on the server that runs the package, or for other bits only.",
    "0xC0012050": "The child package of an Execute Package Task fails validation.",
    # Data
    "0xC0209029": "Look at the column named: a row could not be processed and the component fails on errors.",
    "0xC020902A": "Look at the column named: a text is longer than the column, and truncation is an error there.",
    "0xC02020A1": "A source value does not convert to the column: check type, code page and length.",
    "0xC02020C5": "A value does not convert to the output column: check type, code page, length, and what is null.",
    "0xC02020F6": "Convert between Unicode and code page text with a Data Conversion or Derived Column component.",
    "0xC0202025": "The table's columns differ from what the package knows: refresh the component, deploy again.",
    "0xC0202045": "The table's columns differ from what the package knows: refresh the component, deploy again.",
    "0xC0202040": "The destination table is missing, or its name, owner or the login's rights are wrong.",
    "0xC02020E8": "The source's table or view is missing, or the login may not read it.",
    "0xC0204026": "The query's columns could not be found out: simplify it, or describe them WITH RESULT SETS.",
    "0xC020844B": "Look at the text for the database's own error; constraints and nulls are the usual ones.",
    "0xC020901E": "A row found no match in the Lookup, and the Lookup fails then: redirect or ignore such rows.",
    "0xC0047062": "A script or custom component raised a .NET exception; its text follows.",
    "0xC0202071": "A SQL Server Destination loads only into the server it runs on and needs rights for bulk loads.",
    # Tasks, variables, expressions
    "0xC002F210": "Look at the SQL error in the text, and at the task's ResultSet and parameter settings.",
    "0xC0029151": "Compare the process's exit code with the one that the task expects.",
    "0xC0024104": "A task's own code failed; its text follows, or look at the exception of the Script task.",
    "0xC00291B0": "The Script task's compiled script cannot be loaded: build it again, with the server's version.",
    "0xC00291B1": "The Script task's code raised a .NET exception; its text follows.",
    "0xC0010001": "Check the variable's name and namespace, case-sensitive both, and that it is in the task's scope.",
    "0xC0014054": "Check the variable's spelling in the task's list of variables; or it is locked by another task.",
    "0xC001404D": "Two tasks wait for each other's variables: lock them for less time, or run one after the other.",
    "0xC0017003": "Check the property expression, and the values of the parameters and variables in it.",
    "0xC0017004": "The property expression's result does not fit the property: check type and value.",
    "0xC0019004": "Check the variable's expression, and the values of the parameters and variables in it.",
    "0xC004707B": "A divisor is zero in an expression: test for it with the conditional operator.",
    "0xC001C012": "The loop's value does not convert to the type of the variable that it is mapped to.",
    # The machine
    "0xC0047012": "The server is out of memory: fewer runs at once, smaller buffers, or less memory for SQL Server.",
    "0xC0047048": "The data flow cannot write its spool files: disk full, or no rights on BufferTempStoragePath.",
    "0xC0047070": "The data flow cannot write its spool files: disk full, or no rights on BLOBTempStoragePath.",
    "0xC001401A": "No distributed transaction: MSDTC must run, and be let through the firewall, on both sides.",
    "0xC001404B": "The package's own log provider cannot be opened: check its file or connection, or remove it.",
}
"""What to look at, by code: those that fail packages most."""


def symbol_of(code: str) -> str | None:
    """The symbolic name of an error or a warning, such as ``DTS_E_OLEDBERROR``.

    :param code: the code as ``0x`` and eight digits.
    :return: None for one that Microsoft's reference does not have; newer ones are missing there.
    """
    return _symbols().get(code)


@cache
def _symbols() -> dict[str, str]:
    # A file, and read when the first package has failed: some two thousand names.
    lines = files(__package__).joinpath("message_symbols.txt").read_text("ascii").splitlines()
    return {f"0x{code}": symbol for code, symbol in (line.split() for line in lines)}
