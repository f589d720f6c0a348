"""The Bulk Insert task: the server of the destination reads a file with BULK INSERT.

The server opens the file, so its path is sent as the package has it; a server on this machine gets the path to which a
rule of the run maps it. BULK INSERT takes no parameters: the server itself puts the statement together from parameters,
which it quotes.

Source: Microsoft Learn, "Bulk Insert Task" and "BULK INSERT (Transact-SQL)".
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.driver_errors import driver_message
from airflow_provider_ssis.engine.connections.interruption import interruptible
from airflow_provider_ssis.engine.connections.provider_string import parse_odbc_string
from airflow_provider_ssis.engine.context import RunOptions, TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.package.elements import is_true
from airflow_provider_ssis.project.package.tasks import BulkInsertTask as Stored

_FLAGS: Mapping[str, tuple[str, bool]] = {
    "tablelock": ("TABLOCK", False),
    "checkconstraints": ("CHECK_CONSTRAINTS", True),
    "firetriggers": ("FIRE_TRIGGERS", False),
    "keepidentity": ("KEEPIDENTITY", False),
    "keepnulls": ("KEEPNULLS", False),
}
"""The option for each property, and whether it is set where the property is absent.

CheckConstraints is set, so that wrong rows fail; Visual Studio sets it too."""
_NUMBERS: Mapping[str, str] = {
    "batchsize": "BATCHSIZE",
    "firstrow": "FIRSTROW",
    "lastrow": "LASTROW",
    "maxerrors": "MAXERRORS",
    "maximumerrors": "MAXERRORS",
}
_FILE_TYPES: Mapping[str, str] = {
    "char": "char",
    "native": "native",
    "widechar": "widechar",
    "widenative": "widenative",
    **dict(zip("0123", ("char", "native", "widechar", "widenative"), strict=True)),
}
_CODE_PAGES = re.compile(r"ACP|OEM|RAW|\d{1,5}", re.IGNORECASE)
_OWN = frozenset(
    {
        "sourceconnectionname",
        "destinationconnectionname",
        "destinationtablename",
        "fieldterminator",
        "rowterminator",
        "datafiletype",
        "codepage",
        *_FLAGS,
        *_NUMBERS,
    }
)
_PART = re.compile(r'\s*(?:\[((?:[^\]]|\]\])*)\]|"((?:[^"]|"")*)"|([^.\[\]"\s][^.\[\]"]*?))\s*(\.|$)')
_NAMED = re.compile(r"\{([^{}]*)\}")
_CONTROL = {"CR": "\r", "LF": "\n", "t": "\t", "TAB": "\t"}
_QUOTED = "N'N''' + REPLACE(CAST(? AS nvarchar(max)), N'''', N'''''') + N''''"


@dataclass(frozen=True, slots=True)
class BulkStatement:
    """An expression of T-SQL whose value is the statement, and the values of its parameters."""

    expression: str
    values: tuple[str, ...]


class BulkInsertTask(Task):
    """Lets the server load a file into a table."""

    data: Stored

    def refusals(self, options: RunOptions) -> Iterator[Refusal]:
        """Yield properties that have no counterpart, and values that cannot be read."""
        for name, value in self.data.properties.items():
            if name.lower() not in _OWN and value.strip() and not _is_off(value):
                yield Refusal(self.container.path, f"the property {name} of Bulk Insert", "it is not supported")
        for what, value, known in (
            ("data file type", self._file_type, _FILE_TYPES),
            ("code page", self._property("codepage"), _CODE_PAGES),
        ):
            if value and not (known.fullmatch(value) if isinstance(known, re.Pattern) else value in known):
                yield Refusal(self.container.path, f"the {what} {value!r}", "it is unknown")
        for name in _NUMBERS:
            value = self._property(name)
            if value and not value.isdecimal():
                yield Refusal(self.container.path, f"the property {name} {value!r}", "it is not a whole number")

    def validate(self, context: TaskContext) -> None:
        """Check the connection managers, the table and the terminators."""
        self._statement(context)

    def run(self, context: TaskContext) -> int | None:
        """Run BULK INSERT.

        :returns: the number of rows; None if the server did not report it.
        """
        import pyodbc

        statement = self._statement(context)
        with context.connections.odbc(self.data.destination_connection) as connection:
            cursor = connection.cursor()
            try:
                with interruptible(cursor, context.cancel):
                    cursor.execute(
                        f"DECLARE @statement nvarchar(max) = {statement.expression}; EXEC (@statement);",
                        *statement.values,
                    )
                    rows = cursor.rowcount
                    while cursor.nextset():
                        rows = max(rows, cursor.rowcount)
            except pyodbc.Error as error:
                failure = TaskFailure(
                    f"The server could not load the file into {self.data.destination_table}: "
                    f"{driver_message(error).removesuffix('.')}. The server opens the file with its own path and"
                    " account. --map-path applies to servers on this machine.",
                )
            else:
                return None if rows < 0 else rows
            finally:
                cursor.close()
        raise failure

    @property
    def _file_type(self) -> str:
        return self._property("datafiletype").rpartition("_")[2].lower()

    def _property(self, name: str) -> str:
        return next((text.strip() for key, text in self.data.properties.items() if key.lower() == name), "")

    def _code_page(self) -> str:
        found = self._property("codepage")
        if not _CODE_PAGES.fullmatch(found):
            raise TaskFailure(f"The code page {found!r} of Bulk Insert is unknown.")
        return found

    def _statement(self, context: TaskContext) -> BulkStatement:
        destination = self._manager(context, self.data.destination_connection, "destination")
        if destination.kind != "OLEDB":
            raise TaskFailure(f'The destination "{destination.name}" of Bulk Insert is not an OLEDB connection.')
        source = self._manager(context, self.data.source_connection, "source")
        if not source.connection_string.strip():
            raise TaskFailure(f'The connection manager "{source.name}" of Bulk Insert names no file.')
        names = table_parts(self.data.destination_table)
        texts = [self._file(context, source)]
        options = ["N'DATAFILETYPE = ''" + _FILE_TYPES[self._file_type or "char"] + "'''"]
        for name, text in (
            ("FIELDTERMINATOR", self.data.field_terminator),
            ("ROWTERMINATOR", self.data.row_terminator),
        ):
            options.append(f"N'{name} = ' + {_QUOTED}")
            texts.append(terminator(text))
        if self._property("codepage"):
            # Its characters were checked.
            options.append(f"N'CODEPAGE = ''{self._code_page()}'''")
        numbers = {option: self._property(name) for name, option in _NUMBERS.items() if self._property(name)}
        options += [f"N'{option} = {int(text)}'" for option, text in {"MAXERRORS": "0", **numbers}.items()]
        for name, (option, default) in _FLAGS.items():
            if is_true(self._property(name), default):
                options.append(f"N'{option}'")
        if self._property("sorteddata"):
            raise TaskFailure("The property SortedData of Bulk Insert is not supported.")
        table = " + N'.' + ".join("QUOTENAME(?)" for _ in names)
        given = " + N', ' + ".join(options)
        return BulkStatement(
            f"N'BULK INSERT ' + {table} + N' FROM ' + {_QUOTED} + N' WITH (' + {given} + N')'", (*names, *texts)
        )

    def _file(self, context: TaskContext, source: RunConnection) -> str:
        """The path that the server reads: a server on this machine gets the path to which a rule maps it."""
        text = source.connection_string.strip()
        if context.connections.maps(text) and self._server_is_here(context):
            return str(context.connections.path(text))
        return text

    def _server_is_here(self, context: TaskContext) -> bool:
        reference = self.data.destination_connection
        try:
            keys = parse_odbc_string(context.connections.odbc_string(reference), reference)
        except TaskFailure:  # the run reports it when it connects
            return False
        return is_this_machine(keys.get("server", ""))

    def _manager(self, context: TaskContext, reference: str, end: str) -> RunConnection:
        if not reference:
            raise TaskFailure(f"The task has no {end} connection manager. Choose one.")
        return context.connections.get(reference)


def is_this_machine(server: str) -> bool:
    r"""Return True if an ODBC connection string names a server on this machine.

    :param server: the value of its key Server: ``tcp:db1,1433``, ``db1\Sales``.
    """
    host = re.split(r"[,\\]", server.partition(":")[2] if server.lower().startswith(("tcp:", "np:")) else server)[0]
    return host.strip().lower() in ("localhost", ".", "(local)", "127.0.0.1", "::1", socket.gethostname().lower())


def _is_off(value: str) -> bool:
    return value.strip().lower() in ("false", "0")


def table_parts(name: str) -> list[str]:
    """Return the parts of the name of a table, without quotes.

    :param name: the name: ``[dbo].[Sales]``, ``Sales``.
    :raises TaskFailure: it is not a name of up to three parts.
    """
    parts: list[str] = []
    position = 0
    while True:
        found = _PART.match(name, position)
        if found is None or len(parts) == 3:
            raise TaskFailure(f"The destination table {name!r} of Bulk Insert does not have the form [dbo].[Sales].")
        bracketed, quoted, plain = found[1], found[2], found[3]
        if bracketed is not None:
            parts.append(bracketed.replace("]]", "]"))
        elif quoted is not None:
            parts.append(quoted.replace('""', '"'))
        else:
            parts.append(plain)
        if not found[4]:
            return parts
        position = found.end()


def terminator(text: str) -> str:
    r"""Return a terminator as BULK INSERT reads it.

    :param text: as Integration Services stores it: ``Comma {,}``, ``Vertical Bar {|}``, ``Tab``, ``{CR}{LF}``.
    """
    named = _NAMED.findall(text)
    characters = "".join(_CONTROL.get(name, name) for name in named) if named else text
    if not named and text.strip().lower() == "tab":
        characters = "\t"
    if characters == "\t":
        return "\\t"
    if characters and all(character in "\r\n\t" for character in characters):
        # Hexadecimal, because \n stands for both characters there.
        return "0x" + characters.encode().hex()
    return characters
