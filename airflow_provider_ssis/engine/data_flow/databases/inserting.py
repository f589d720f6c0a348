"""Writing rows with INSERT statements through pyodbc: single rows, and fast load where no bulk load is possible."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyodbc

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.database import Database, driver_text
from airflow_provider_ssis.engine.data_flow.databases.table_names import Quoting
from airflow_provider_ssis.engine.data_flow.databases.table_writer import (
    TableColumn,
    TableWriter,
    WriteError,
    WriteOptions,
    status_of,
)
from airflow_provider_ssis.engine.data_flow.databases.time_limit import time_limit

_T = DataTypeCode
_MOST_PARAMETERS = 2000
_MOST_ROWS = 1000
"""The limits of SQL Server for one INSERT … VALUES."""
_MANY_ROWS = ("Microsoft SQL Server", "PostgreSQL", "MySQL", "MariaDB")
"""Databases with INSERT … VALUES of several rows.

Arrays of parameters would not help: most drivers send them row by row, and pyodbc holds Python's lock while Microsoft's
driver asks the server for their types, which stops an embedded server in the same process.
"""

_SAVEPOINTS = {
    True: ("SAVE TRANSACTION ssis_rows", "ROLLBACK TRANSACTION ssis_rows"),
    False: ("SAVEPOINT ssis_rows", "ROLLBACK TO SAVEPOINT ssis_rows"),
}
"""The statements that begin and undo a part of a transaction, for SQL Server and for other databases."""

Row = tuple[Any, ...]


class InsertWriter(TableWriter):
    """Writes rows with INSERT statements.

    :param database: the connection.
    :param options: how the table is written.
    :param table: the columns of the table.
    :param single_transaction: whether everything is committed at the end.
    """

    def __init__(
        self, database: Database, options: WriteOptions, table: Sequence[TableColumn], *, single_transaction: bool
    ) -> None:
        self._database = database
        self._options = options
        self._single = single_transaction
        self._is_open = False
        self._in_transaction = database.in_transaction
        self._quoting = Quoting(database.connection)
        self._table = self._quoting.table(options.table)
        known = {column.name.lower(): column for column in table}
        self._identity = any(column.is_identity for column in table)
        columns = list(enumerate(options.columns))
        if options.is_fast and not options.keep_identity:
            # The values for identity columns are ignored: the database numbers the rows.
            columns = [each for each in columns if not _is_identity(known, each[1].name)]
        self._columns = columns
        replaces_nulls = options.is_fast and not options.keep_nulls
        self._defaults = [
            position
            for position, (_index, column) in enumerate(columns)
            if replaces_nulls and column.name.lower() in known and known[column.name.lower()].has_default
        ]
        name = str(database.connection.getinfo(pyodbc.SQL_DBMS_NAME))
        self._has_many_rows = name in _MANY_ROWS
        if options.keep_identity and self._identity and database.is_sql_server:
            self._execute(f"SET IDENTITY_INSERT {self._table} ON")

    def write(self, rows: pa.RecordBatch) -> None:
        """Write and commit rows, all or none of them."""
        values = self._values(rows)
        connection = self._database.connection
        with self._database.use, self._transaction():
            cursor = connection.cursor()
            try:
                with (
                    time_limit(self._options.timeout, cursor.cancel),
                    self._database.cancel.interrupts(cursor.cancel),
                ):
                    for pattern, group in self._by_pattern(values):
                        self._insert(cursor, pattern, group)
            except pyodbc.Error as error:
                self._database.cancel.check()
                raise WriteError(status_of(error), driver_text(error)) from error
            finally:
                with suppress(pyodbc.Error):
                    cursor.close()

    def finish(self) -> None:
        """Commit what is not committed yet."""
        if self._is_open:
            self._database.connection.commit()
            self._database.connection.autocommit = True
            self._is_open = False

    def close(self, *, failed: bool) -> None:
        """Roll back what is not committed."""
        with suppress(pyodbc.Error):
            if self._is_open:
                self._database.connection.rollback()
                self._database.connection.autocommit = True
            if self._options.keep_identity and self._identity and self._database.is_sql_server:
                self._execute(f"SET IDENTITY_INSERT {self._table} OFF")

    def _execute(self, sql: str) -> None:
        with closing(self._database.connection.cursor()) as cursor:
            cursor.execute(sql)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or none of the rows: a transaction, or a part of the one that is open."""
        connection = self._database.connection
        if self._in_transaction:
            with self._savepoint():
                yield
            return
        connection.autocommit = False
        self._is_open = True
        try:
            yield
        except BaseException:
            with suppress(pyodbc.Error):
                connection.rollback()
            connection.autocommit = True
            self._is_open = False
            raise
        if not self._single:
            self.finish()

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        """A part of a transaction, which is undone after an error."""
        begin, undo = _SAVEPOINTS[self._database.is_sql_server]
        self._execute(begin)
        try:
            yield
        except BaseException:
            with suppress(pyodbc.Error):
                self._execute(undo)
            raise

    def _values(self, rows: pa.RecordBatch) -> list[Row]:
        columns = [driver_values(rows.column(index), column.target) for index, column in self._columns]
        return list(zip(*columns, strict=True)) if columns else [()] * rows.num_rows

    def _by_pattern(self, values: list[Row]) -> Iterator[tuple[frozenset[int], list[Row]]]:
        """The rows by the columns that get their default, because the flow has NULL."""
        if not self._defaults:
            yield frozenset(), values
            return
        groups: dict[frozenset[int], list[Row]] = defaultdict(list)
        for row in values:
            groups[frozenset(position for position in self._defaults if row[position] is None)].append(row)
        for pattern, group in groups.items():
            kept = [position for position in range(len(self._columns)) if position not in pattern]
            yield pattern, [tuple(row[position] for position in kept) for row in group]

    def _insert(self, cursor: pyodbc.Cursor, pattern: frozenset[int], rows: list[Row]) -> None:
        names = [
            self._quoting.quote(column.name)
            for position, (_index, column) in enumerate(self._columns)
            if position not in pattern
        ]
        if not names:
            for _row in rows:
                cursor.execute(f"INSERT INTO {self._table} DEFAULT VALUES")
            return
        head = f"INSERT INTO {self._table} ({', '.join(names)}) VALUES "
        one = f"({', '.join('?' * len(names))})"
        if self._has_many_rows and len(names) <= _MOST_PARAMETERS:
            size = min(_MOST_ROWS, _MOST_PARAMETERS // len(names))
            for start in range(0, len(rows), size):
                part = rows[start : start + size]
                cursor.execute(head + ", ".join([one] * len(part)), [value for row in part for value in row])
            return
        cursor.executemany(head + one, rows)


def _is_identity(known: dict[str, TableColumn], name: str) -> bool:
    return name.lower() in known and known[name.lower()].is_identity


def driver_values(array: pa.Array, type_: ColumnType) -> list[Any]:
    """Return the values of a column as a driver takes them.

    :param array: the values.
    :param type_: their type.
    """
    is_exact_time = type_.code is _T.DT_DBTIME2 and type_.scale > 6 and pa.types.is_time64(array.type)
    values = (array.cast(pa.int64()) if is_exact_time else array).to_pylist()
    convert = _text_of_time if is_exact_time else _converter(type_)
    return values if convert is None else [None if value is None else convert(value) for value in values]


def _converter(type_: ColumnType) -> Callable[[Any], Any] | None:
    """The function from the values that Arrow returns to those that a driver takes; None if they are the same."""
    match type_.code:
        case _T.DT_GUID:
            return lambda value: str(uuid.UUID(bytes=value)).upper()
        case _T.DT_DBTIMESTAMP2 if type_.scale > 6:
            return _text_of_ticks
        case _T.DT_DBTIMESTAMPOFFSET:
            return _text_of_offset
        case _T.DT_FILETIME:
            return _date_of_file_time
        case _T.DT_UI8:
            return _wide
    return None


def _wide(value: int) -> Any:
    return value if value < 2**63 else Decimal(value)


_TICKS_PER_DAY = 864_000_000_000
_FILE_TIME = datetime(1601, 1, 1)


def _text_of_ticks(ticks: int) -> str:
    days, rest = divmod(ticks, _TICKS_PER_DAY)
    return f"{date.fromordinal(days + 1)} {_text_of_time(rest * 100)}"


def _date_of_file_time(ticks: int) -> datetime | str:
    """Return a date with a time; as text if it has a seventh digit, which Python's do not have."""
    microseconds, rest = divmod(ticks, 10)
    if rest:
        return _text_of_ticks(ticks + _TICKS_PER_DAY * (_FILE_TIME.toordinal() - 1))
    return _FILE_TIME + timedelta(microseconds=microseconds)


def _text_of_time(nanoseconds: int) -> str:
    seconds, fraction = divmod(nanoseconds // 100, 10_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:07}"


def _text_of_offset(value: dict[str, int]) -> str:
    minutes = value["minutes"]
    sign = "-" if minutes < 0 else "+"
    local = _text_of_ticks(value["ticks"] + minutes * 600_000_000)
    return f"{local} {sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
