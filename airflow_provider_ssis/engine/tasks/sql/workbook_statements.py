"""SQL on Excel files: the statements that create and drop tables.

Source of the types: Microsoft Learn, "Equivalent ANSI SQL Data Types" of Microsoft Access SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.transactions import refuse_file_in_transaction
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure

_FAILED = 0xC002F210
_TOKEN = re.compile(
    r"\s*(?:`(?P<back>[^`]+)`|\[(?P<bracket>[^\]]+)\]|\"(?P<double>[^\"]+)\"|(?P<word>[\w$.]+)|(?P<mark>[(),;]))"
)
_TYPES = frozenset(
    "BIT BOOLEAN LOGICAL LOGICAL1 YESNO BYTE INTEGER1 SHORT SMALLINT INTEGER2 LONG INT INTEGER INTEGER4 BIGINT"
    " SINGLE FLOAT4 REAL IEEESINGLE DOUBLE FLOAT FLOAT8 NUMBER IEEEDOUBLE CURRENCY MONEY DECIMAL DEC NUMERIC"
    " DATETIME DATE TIME TIMESTAMP CHAR CHARACTER VARCHAR NCHAR NVARCHAR STRING TEXT ALPHANUMERIC"
    " LONGTEXT LONGCHAR MEMO NOTE NTEXT".split()
)
_ADVICE = "On Excel the engine runs CREATE TABLE name (column type, …) and DROP TABLE name."


@dataclass(frozen=True, slots=True)
class CreateTable:
    """``CREATE TABLE`` with the names of the columns. Excel does not keep their types."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropTable:
    """``DROP TABLE``."""

    name: str


def workbook_statements(text: str) -> list[CreateTable | DropTable]:
    """Read the statements of a batch.

    :raises TaskFailure: it contains others.
    """
    reader = _Reader(text)
    found: list[CreateTable | DropTable] = []
    while not reader.is_at_end:
        if reader.takes(";"):
            continue
        if reader.takes("CREATE") and reader.takes("TABLE"):
            found.append(_create(reader))
        elif reader.takes("DROP") and reader.takes("TABLE"):
            found.append(DropTable(reader.name()))
        else:
            reader.fail()
        if not reader.is_at_end and not reader.takes(";"):
            reader.fail()
    return found


def run_on_workbook(context: TaskContext, manager: RunConnection, parts: list[str]) -> None:
    """Run the batches of a statement on the file of an EXCEL connection manager.

    :raises TaskFailure: a batch contains other statements, or the file cannot be changed.
    """
    from airflow_provider_ssis.engine.data_flow.excel.sheets import excel_file
    from airflow_provider_ssis.engine.workbooks.editing import create_table, drop_table

    refuse_file_in_transaction(context.connections, manager.name)
    statements = [statement for part in parts for statement in workbook_statements(part)]
    file = excel_file(context, manager)
    if not file.has_header or file.is_read_only:
        option = "IMEX=1" if file.is_read_only else "HDR=NO"
        raise TaskFailure(
            f'The connection manager "{manager.name}" has the option {option}, with which no tables can be created or '
            "dropped. Use another connection manager.",
            _FAILED,
        )
    for statement in statements:
        context.cancel.check()
        try:
            if isinstance(statement, CreateTable):
                create_table(file.path, statement.name, statement.columns, context.cancel)
            else:
                drop_table(file.path, statement.name, context.cancel)
        except TaskFailure as failure:
            text = f'The statement on "{manager.name}" failed: {failure.text}'
            raise TaskFailure(text, _FAILED, causes=[failure]) from failure


def _create(reader: _Reader) -> CreateTable:
    name = reader.name()
    reader.expect("(")
    columns = []
    while True:
        columns.append(reader.name())
        type_name = reader.name()
        if type_name.upper() not in _TYPES:
            raise TaskFailure(f"The drivers of Excel have no type {type_name}. {_ADVICE}", _FAILED)
        if reader.takes("("):
            reader.name()
            if reader.takes(","):
                reader.name()
            reader.expect(")")
        reader.takes("NULL")
        if reader.takes(")"):
            return CreateTable(name, tuple(columns))
        reader.expect(",")


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, bool]] = []
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                self.fail()
            word = match["word"] or match["mark"]
            self._tokens.append((word or match["back"] or match["bracket"] or match["double"], word is None))
            position = match.end()
        self._index = 0

    @property
    def is_at_end(self) -> bool:
        return self._index >= len(self._tokens)

    def takes(self, word: str) -> bool:
        """Read a word or mark if it is the next one."""
        if self.is_at_end or self._tokens[self._index][1] or self._tokens[self._index][0].upper() != word:
            return False
        self._index += 1
        return True

    def expect(self, word: str) -> None:
        if not self.takes(word):
            self.fail()

    def name(self) -> str:
        if self.is_at_end or self._tokens[self._index][0] in "(),;":
            self.fail()
        self._index += 1
        return self._tokens[self._index - 1][0]

    def fail(self) -> NoReturn:
        raise TaskFailure(
            f"The engine cannot run this statement on an Excel file. {_ADVICE} It begins with "
            f"{self._text.strip()[:40]!r}.",
            _FAILED,
        )
