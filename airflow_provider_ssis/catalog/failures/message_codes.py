"""Codes of event messages: their symbols, which ones are only consequences of others, and advice for the others."""

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
"""Codes of messages about a failed connection, which may succeed later."""

ROWS_WRITTEN = 0x4004300B
"""DTS_I_ROWS_WRITTEN: a destination reports how many rows it wrote."""

PHASES = frozenset({0x40043006, 0x40043007, 0x40043008, 0x40043009, 0x4004300A, 0x4004300C})
"""DTS_I_EXECUTIONPHASE_*: a data flow reports that its next phase begins."""

FAILED_VALIDATION = frozenset({"0xC0024107", "0xC004706B", "0xC004700C"})
"""Codes of messages about a failed validation of a task or component."""

CONSEQUENCES = FAILED_VALIDATION | {
    "0x80019002",
    "0xC0047021",
    "0xC0047022",
    "0xC0047038",
    "0xC02020C4",
}
"""Codes of messages that are only consequences of others (Microsoft Learn, "Integration Services Error and Message
Reference")."""

ADVICE = {
    # Connections
    "0xC0202009": "See the database provider's own message and error code in the text.",
    "0xC020801C": "Check the connection manager: connection string, driver, and that the run's account may log in.",
    "0xC020801F": "Check the ADO.NET connection manager: connection string, and that the run's account may log in.",
    "0xC0208452": "Check the ADO.NET connection manager: connection string, and that the run's account may log in.",
    "0xC00291EC": "Check the Execute SQL task's connection manager: its name, server, driver and login.",
    "0xC001000E": "A task uses a connection manager (name or id) that the package does not have.",
    "0xC001401D": "Check server, path and login of the connection manager, from the server that runs the package.",
    "0xC0014015": "Check the connection string, and the parameter or expression that sets it.",
    "0xC0014019": "The connection manager was deployed in offline mode: set WorkOffline to false.",
    "0xC0014005": "The provider or component is not installed, or only for 32 bits: use the 32-bit runtime.",
    "0xC0016005": "Check the login of the connection manager in the message.",
    "0xC0016009": "A timeout: check the server that the connection manager uses, or raise its timeout.",
    # Files
    "0xC001401E": "Check the path for the account that runs the package: UNC path instead of drive letter, rights.",
    "0xC020200E": "The file cannot be opened: check path, permissions of the run's account, and other processes.",
    "0xC020207E": "Check the file name, and the expression or parameter that sets it.",
    "0xC0202091": "The file has fewer lines than the header rows that the connection manager skips.",
    "0xC0202092": "See the row in the message: columns or delimiters of the file differ from the connection manager.",
    "0xC0202055": "See the row in the message: a delimiter is missing, or a text qualifier is not closed.",
    "0xC02020A0": "See the column in the message: the value in the file cannot be converted to the column's type.",
    "0xC0202094": "Open the flat file connection manager and define its columns again.",
    "0xC0202053": "The file cannot be written: the disk is full, or a permission is missing.",
    "0xC0029163": "The file of the File System task does not exist at that moment.",
    "0xC002F30C": "The file or folder of the File System task does not exist at that moment.",
    "0xC0029153": "The program does not exist at that path on the server that runs the package.",
    "0xC002918A": "Check the remote path and the FTP login's permissions. A mask without matches is an error, too.",
    "0xC002918F": "Check the FTP server's name, port and login, and the firewall; passive mode may be needed.",
    # Protection and versions
    "0xC0016016": "Check the protection level: secrets saved with another user's key or password cannot be read.",
    "0xC0016017": "The connection string is encrypted with another user's key: give it as a parameter instead.",
    "0xC001405F": "The package's password is missing or wrong.",
    "0xC0011007": "The server cannot load the package: it is of a newer version, or a component is not installed.",
    "0xC0010018": "A property cannot be read: the package is of a newer version, or a component is not installed.",
    "0xC0011008": "The server cannot load the package: it is of a newer version, or a component is not installed.",
    "0xC0011002": "The package file does not exist, or the run's account may not read it.",
    "0xC001000A": "The package does not exist in the msdb store.",
    "0xC00470FE": "The component needs a higher edition of SQL Server.",
    "0xC0012024": "The task needs a higher edition of SQL Server, or Integration Services is not installed there.",
    "0xC004706D": "The component is not installed on the server that runs the package, or only for the other bitness.",
    "0xC0012050": "The child package of an Execute Package Task fails validation.",
    # Data
    "0xC0209029": "See the column in the message: a row could not be processed, and the component fails on errors.",
    "0xC020902A": "See the column in the message: a text is longer than the column, and truncation is an error there.",
    "0xC02020A1": "A source value cannot be converted to the column: check type, code page and length.",
    "0xC02020C5": "A value cannot be converted to the output column: check type, code page, length, and nulls.",
    "0xC02020F6": "Convert between Unicode and code page text with a Data Conversion or Derived Column component.",
    "0xC0202025": "The table's columns differ from the package's metadata: refresh the component, deploy again.",
    "0xC0202045": "The table's columns differ from the package's metadata: refresh the component, deploy again.",
    "0xC0202040": "The destination table does not exist, or its name, owner or the login's permissions are wrong.",
    "0xC02020E8": "The source's table or view does not exist, or the login may not read it.",
    "0xC0204026": "The query's columns cannot be determined: simplify it, or describe them WITH RESULT SETS.",
    "0xC020844B": "See the database's own error in the text. Constraints and nulls are the usual causes.",
    "0xC020901E": "A row had no match in the Lookup, which fails then: redirect or ignore such rows.",
    "0xC0047062": "A script or custom component raised a .NET exception; its text follows.",
    "0xC0202071": "A SQL Server Destination loads only into its own server and needs the permission for bulk loads.",
    # Tasks, variables, expressions
    "0xC002F210": "See the SQL error in the text, and the task's ResultSet and parameter settings.",
    "0xC0029151": "Compare the process's exit code with the expected one of the task.",
    "0xC0024104": "The task's own code failed. Its text follows; see also the exception of the Script task.",
    "0xC00291B0": "The Script task's compiled script cannot be loaded: build it again, with the server's version.",
    "0xC00291B1": "The Script task's code raised a .NET exception; its text follows.",
    "0xC0010001": "Check the variable's name and namespace (both case-sensitive), and that it is in the task's scope.",
    "0xC0014054": "Check the variable's spelling in the task's list of variables, and whether another task locks it.",
    "0xC001404D": "Two tasks wait for each other's variables: lock them for less time, or run one after the other.",
    "0xC0017003": "Check the property expression, and the values of the parameters and variables in it.",
    "0xC0017004": "The result of the property expression does not fit the property: check type and value.",
    "0xC0019004": "Check the variable's expression, and the values of the parameters and variables in it.",
    "0xC004707B": "A divisor is zero in an expression: test for it with the conditional operator.",
    "0xC001C012": "The loop's value cannot be converted to the type of the variable that it is mapped to.",
    # The machine
    "0xC0047012": "The server is out of memory: run fewer packages at once, with smaller buffers, or limit SQL Server.",
    "0xC0047048": "The data flow cannot write its spool files: disk full, or no permission on BufferTempStoragePath.",
    "0xC0047070": "The data flow cannot write its spool files: disk full, or no permission on BLOBTempStoragePath.",
    "0xC001401A": "No distributed transaction: MSDTC must run on both sides, and both firewalls must let it through.",
    "0xC001404B": "The package's own log provider cannot be opened: check its file or connection, or remove it.",
}
"""What to check, for the codes that fail packages most often."""


def symbol_of(code: str) -> str | None:
    """The symbolic name of an error or a warning, such as ``DTS_E_OLEDBERROR``.

    :param code: the code as ``0x`` and eight digits.
    :return: None for a code that Microsoft's reference lacks, such as a newer one.
    """
    return _symbols().get(code)


@cache
def _symbols() -> dict[str, str]:
    # Read only when the first package has failed, because there are two thousand names.
    lines = files(__package__).joinpath("message_symbols.txt").read_text("ascii").splitlines()
    return {f"0x{code}": symbol for code, symbol in (line.split() for line in lines)}
