"""Reading the rows of a query as record batches in SSIS types.

SQL Server is read with the Arrow reader of mssql-python. It opens its own connection and keeps six fraction digits, so
pyodbc reads what needs the connection of the package (a retained one, or one in a transaction), parameters, a column
with seven fraction digits or a time zone, and every other driver. arrow-odbc is not used for other databases: it cannot
cancel a query, cannot use an open connection, passes all parameters as text, and needs a limit for long text.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyodbc

from airflow_provider_ssis.datatypes import DATES, LARGE_OBJECTS, STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.database import ERROR_OF_PROVIDER, Database, provider_failure
from airflow_provider_ssis.engine.data_flow.databases.driver_columns import convert_values
from airflow_provider_ssis.engine.data_flow.databases.statuses import Statuses, ValueStatus
from airflow_provider_ssis.engine.data_flow.databases.time_limit import time_limit
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure

if TYPE_CHECKING:
    import mssql_python

_T = DataTypeCode
_MICROSECOND_SCALE = 6
_MAX_BATCH_BYTES = 32 * 1024 * 1024
"""The size of the buffers for one fetch, where a table has wide columns."""
_ROWS_AT_ONCE, _LARGE_BYTES = 100, 32 * 1024 * 1024
"""Rows with large objects that are fetched together, and the size after which a batch gets no more of them."""

_REAL_BITS = 24
"""The precision of a real of SQL Server."""

_LOSE_OFFSET = STRINGS | LARGE_OBJECTS

COLUMN_NOT_FOUND = 0xC0202005
"""DTS_E_COLUMNNOTFOUND."""


@dataclass(frozen=True, slots=True, eq=False)
class QueryBatch:
    """Rows of a query.

    :param rows: the rows, with the columns of the schema.
    :param statuses: the status of each value, by lineage id, for the columns where one is not OK.
    :param first_row: the number of the first row in the result, from 1.
    """

    rows: pa.RecordBatch
    first_row: int
    statuses: Mapping[str, Statuses] = field(default_factory=dict)


def read_query(
    database: Database,
    sql: str,
    parameters: Sequence[Any],
    schema: RowSchema,
    batch_rows: int,
    *,
    timeout: int = 0,
) -> Generator[pa.RecordBatch, None, None]:
    """Yield the rows of a query; a value that does not fit its type fails.

    :param database: the connection.
    :param sql: the query; the first of its results that has columns is read.
    :param parameters: the values of its ``?``: bool, int, float, Decimal, str, bytes, datetime, UUID, or None.
    :param schema: the columns to read: their names are those of the result.
    :param batch_rows: the most rows of a batch.
    :param timeout: the longest time of the query, in seconds. Default: 0, no limit.
    :raises TaskFailure: the query failed, a column is missing, or a value does not fit.
    :raises Cancelled: the run was cancelled.
    """
    with closing(read_values(database, sql, parameters, schema, batch_rows, timeout=timeout)) as batches:
        for batch in batches:
            _check(batch, schema)
            yield batch.rows


def _check(batch: QueryBatch, schema: RowSchema, number: int | None = None) -> None:
    """Fail for the first value that does not fit.

    :param number: the number of the row in its query. Default: the position in the result.
    """
    for lineage_id, statuses in batch.statuses.items():
        row = int((statuses != 0).argmax())
        column = schema.by_lineage[lineage_id]
        status = ValueStatus(int(statuses[row])).name.lower()
        place = batch.first_row + row if number is None else number
        raise TaskFailure(
            f"The value of the column {column.name} in row {place} of the query does not fit the type {column.type} "
            f"({status}). Change the type of the column, or convert it in the query.",
            0xC02020C5,
        )


def read_values(
    database: Database,
    sql: str,
    parameters: Sequence[Any],
    schema: RowSchema,
    batch_rows: int,
    *,
    timeout: int = 0,
) -> Generator[QueryBatch, None, None]:
    """Yield the rows of a query with the status of each value, as :func:`read_query` does."""
    wants_ticks = any(_needs_ticks(column.type) for column in schema.columns)
    arrow = None if parameters or wants_ticks or database.is_shared else database.connect_arrow()
    if arrow is None:
        yield from _of_pyodbc(database, sql, parameters, schema, batch_rows, timeout)
    else:
        with closing(arrow):
            arrow.timeout = timeout
            yield from _of_mssql(database, arrow, sql, schema, batch_rows)


def _needs_ticks(type_: ColumnType) -> bool:
    """Whether a type keeps what Arrow's microseconds lose."""
    is_precise = type_.code is _T.DT_DBTIMESTAMP2 and type_.scale > _MICROSECOND_SCALE
    return is_precise or type_.code is _T.DT_DBTIMESTAMPOFFSET


# -- mssql-python ------------------------------------------------------------------------------------------------------


def _of_mssql(
    database: Database, connection: mssql_python.Connection, sql: str, schema: RowSchema, batch_rows: int
) -> Iterator[QueryBatch]:
    import mssql_python

    cursor = connection.cursor()

    def interrupt() -> None:
        # The library has no public method that cancels a statement before its rows arrive.
        if cursor.hstmt is not None:
            cursor.hstmt._cancel()

    with closing(cursor):
        try:
            with database.cancel.interrupts(interrupt):
                cursor.execute(sql)
                while not cursor.description:
                    if not cursor.nextset():
                        raise no_result()
            positions = column_positions([column[0] for column in cursor.description], schema)
            rows = _fitting_rows(cursor.description, batch_rows)
            fetch = _fetched_rows if _has_large_objects(cursor.description) else _fetched_batch
            first_row = 1
            while True:
                with database.cancel.interrupts(interrupt):
                    arrays = fetch(cursor, rows, positions, schema)
                if not arrays or not len(arrays[0]):
                    return
                yield converted_batch(arrays, schema, first_row)
                first_row += len(arrays[0])
        except (mssql_python.Error, RuntimeError) as error:
            database.cancel.check()
            raise provider_failure(error, "A query") from error


def _has_large_objects(description: Sequence[Sequence[Any]]) -> bool:
    """Whether a result has columns of the types (max), xml and others."""
    return any(column[1] in (str, bytes, bytearray) and not column[3] for column in description)


def _fetched_batch(
    cursor: mssql_python.Cursor, rows: int, positions: Sequence[int], _schema: RowSchema
) -> list[pa.Array]:
    batch = cursor.arrow_batch(rows)
    return [batch.column(position) for position in positions]


def _fetched_rows(
    cursor: mssql_python.Cursor, rows: int, positions: Sequence[int], schema: RowSchema
) -> list[pa.Array]:
    """The columns of rows with large objects.

    While ``arrow_batch`` waits for the rest of one, it keeps the interpreter lock, so that no other thread runs:
    cancelling has no effect then, and a server in the same process cannot answer. The values are those of
    ``arrow_batch``.

    :raises TaskFailure: a column of the type sql_variant has values of several types.
    """
    found = _large_rows(cursor, rows)
    for position, column in zip(positions, schema.columns, strict=True):
        if len({type(row[position]) for row in found} - {type(None)}) > 1:
            raise TaskFailure(
                f"The column {column.name} has values of several types (sql_variant). Convert it to one type in the "
                "query.",
                ERROR_OF_PROVIDER,
            )
    return _arrays(found, positions, schema, _reals(cursor.description or ()))


def _reals(description: Sequence[Sequence[Any]]) -> frozenset[int]:
    """The positions of columns of SQL Server's type real: their texts have fewer digits than those of float."""
    return frozenset(
        position for position, column in enumerate(description) if column[1] is float and column[4] <= _REAL_BITS
    )


def _large_rows(cursor: Any, most: int) -> list[Any]:
    """The next rows of a result with large objects: fewer, if they are large."""
    found: list[Any] = []
    size = 0
    while len(found) < most and size < _LARGE_BYTES:
        rows = cursor.fetchmany(min(_ROWS_AT_ONCE, most - len(found)))
        if not rows:
            break
        found += rows
        size += sum(len(value) for row in rows for value in row if isinstance(value, (str, bytes)))
    return found


def _fitting_rows(description: Sequence[Sequence[Any]], batch_rows: int) -> int:
    width = sum(4 * (column[3] or 0) + 16 for column in description)
    return max(1, min(batch_rows, _MAX_BATCH_BYTES // width))


# -- pyodbc ------------------------------------------------------------------------------------------------------------


def _of_pyodbc(
    database: Database, sql: str, parameters: Sequence[Any], schema: RowSchema, batch_rows: int, timeout: int
) -> Iterator[QueryBatch]:
    connection = database.connection
    with exact_values(connection, schema), closing(connection.cursor()) as cursor:
        try:
            with time_limit(timeout, cursor.cancel), database.cancel.interrupts(cursor.cancel):
                cursor.execute(sql, *parameters)
                while cursor.description is None:
                    if not cursor.nextset():
                        raise no_result()
            positions = column_positions([column[0] for column in cursor.description], schema)
            most = _fitting_rows(cursor.description, batch_rows)
            reals = _reals(cursor.description or ()) if database.is_sql_server else ()
            fetch = partial(_large_rows, cursor) if _has_large_objects(cursor.description) else cursor.fetchmany
            first_row = 1
            while True:
                with database.cancel.interrupts(cursor.cancel):
                    rows = fetch(most)
                if not rows:
                    return
                yield converted_batch(_arrays(rows, positions, schema, reals), schema, first_row)
                first_row += len(rows)
        except pyodbc.Error as error:
            database.cancel.check()
            raise provider_failure(error, "A query") from error


@contextmanager
def exact_values(connection: pyodbc.Connection, schema: RowSchema) -> Iterator[None]:
    """Read the structures of the driver where a datetime of Python would lose a digit or the time zone."""
    if not any(_needs_ticks(column.type) for column in schema.columns):
        yield
        return
    functions = {pyodbc.SQL_TYPE_TIMESTAMP: _ticks_of_timestamp, _SQL_SS_TIMESTAMPOFFSET: _offset_of_timestamp}
    before = {number: connection.get_output_converter(number) for number in functions}
    for number, function in functions.items():
        connection.add_output_converter(number, function)
    try:
        yield
    finally:
        for number, function in before.items():
            if function is None:
                connection.remove_output_converter(number)
            else:
                connection.add_output_converter(number, function)


_SQL_SS_TIMESTAMPOFFSET = -155
_TIMESTAMP = struct.Struct("<hHHHHHI")
_OFFSET = struct.Struct("<hHHHHHIhh")
_DATETIME = struct.Struct("<iI")
_TICKS_PER_DAY = 864_000_000_000
_YEAR_1900 = date(1900, 1, 1).toordinal() - 1


def _ticks_of_timestamp(value: bytes | None) -> int | None:
    if value is None:
        return None
    if len(value) == _DATETIME.size:
        days, three_hundredths = _DATETIME.unpack(value)
        milliseconds = (three_hundredths * 10 + 1) // 3
        return int((_YEAR_1900 + days) * _TICKS_PER_DAY + milliseconds * 10_000)
    return _ticks(*_TIMESTAMP.unpack(value))


def _ticks(year: int, month: int, day: int, hour: int, minute: int, second: int, fraction: int) -> int:
    days = date(year, month, day).toordinal() - 1
    return days * _TICKS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 10_000_000 + fraction // 100


def _offset_of_timestamp(value: bytes | None) -> dict[str, int] | None:
    if value is None:
        return None
    *parts, hours, minutes = _OFFSET.unpack(value)
    offset = hours * 60 + minutes
    return {"ticks": _ticks(*parts) - offset * 600_000_000, "minutes": offset}


_ARROW_OF_PYTHON: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    str: pa.large_string(),
    float: pa.float64(),
    datetime: pa.timestamp("us"),
    date: pa.date32(),
    time: pa.time64("us"),
    bytes: pa.large_binary(),
    bytearray: pa.large_binary(),
    dict: pa.struct([("ticks", pa.int64()), ("minutes", pa.int16())]),
}


def _arrays(rows: Sequence[Any], positions: Sequence[int], schema: RowSchema, reals: Collection[int]) -> list[pa.Array]:
    """The columns of rows that a driver returns; none without rows."""
    columns = list(zip(*rows, strict=True))
    if not columns:
        return []
    arrays = [
        _array(columns[position], column.type) for position, column in zip(positions, schema.columns, strict=True)
    ]
    return [
        array.cast(pa.float32()) if position in reals else array
        for position, array in zip(positions, arrays, strict=True)
    ]


def _array(values: Sequence[Any], type_: ColumnType) -> pa.Array:
    """The values of a driver as a column."""
    sample = next((value for value in values if value is not None), None)
    if sample is None:
        return pa.nulls(len(values))
    if isinstance(sample, uuid.UUID):
        if type_.code is _T.DT_GUID:
            return pa.array([None if value is None else value.bytes for value in values], pa.binary(16))
        # As ``arrow_batch`` and pyodbc return it.
        return pa.array([None if value is None else str(value).upper() for value in values], pa.large_string())
    if isinstance(sample, Decimal):
        return pa.array(values)
    if isinstance(sample, int) and not isinstance(sample, bool):
        array = pa.array(values, pa.int64()) if type_.code is not _T.DT_UI8 else pa.array(values)
        is_ticks = type_.code in DATES and not _needs_ticks(type_)
        return _microseconds(array) if is_ticks else array
    if isinstance(sample, datetime) and sample.tzinfo is not None:
        return pa.array(values, pa.timestamp("us", "UTC"))
    return pa.array(values, _ARROW_OF_PYTHON[type(sample)])


_MICROSECONDS_BEFORE_UNIX = (date(1970, 1, 1).toordinal() - 1) * 86_400_000_000


def _microseconds(ticks: pa.Array) -> pa.Array:
    return pc.subtract(pc.divide(ticks, 10), _MICROSECONDS_BEFORE_UNIX).cast(pa.timestamp("us"))


# -- both --------------------------------------------------------------------------------------------------------------


def column_positions(names: Sequence[str], schema: RowSchema) -> list[int]:
    """Return the position in a result of each column of a schema, by name; letter case decides only between two.

    :param names: the names of the result. A column without a name is found by its position, if all columns are read.
    :param schema: the columns to read.
    :raises TaskFailure: 0xC0202005, a column is missing.
    """
    left = dict(enumerate(names))
    positions = []
    for index, column in enumerate(schema.columns):
        wanted = column.name
        exact = [position for position, name in left.items() if name == wanted]
        similar = exact or [position for position, name in left.items() if name.lower() == wanted.lower()]
        if not similar and len(names) == len(schema.columns) and left.get(index) == "":
            similar = [index]
        if not similar:
            raise TaskFailure(
                f"The query returns no column {wanted!r}; it returns {', '.join(map(repr, names))}. Update the columns "
                "of the component, or the query.",
                COLUMN_NOT_FOUND,
            )
        positions.append(similar[0])
        del left[similar[0]]
    return positions


def no_result() -> TaskFailure:
    """Return the failure of a query whose results have no columns."""
    return TaskFailure(
        "The statement returns no rows: none of its results has columns. Write a query that returns rows.",
        COLUMN_NOT_FOUND,
    )


def batch_of_first_rows(rows: Sequence[Sequence[Any]], schema: RowSchema) -> pa.RecordBatch:
    """Return rows of pyodbc, each the first one of a query, in the types of a schema.

    :param rows: their values, in the order of the schema.
    :param schema: the columns.
    :raises TaskFailure: a value does not fit its type.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema.columns)
    if len(rows) > 1 and any(len(set(map(type, column)) - {type(None)}) > 1 for column in columns):
        # A column of the type sql_variant: each value is converted as its type wants.
        batches = [batch_of_first_rows([row], schema) for row in rows]
        return pa.Table.from_batches(batches, schema.arrow).combine_chunks().to_batches()[0]
    arrays = [_array(values, column.type) for values, column in zip(columns, schema.columns, strict=True)]
    batch = converted_batch(arrays, schema, 1)
    _check(batch, schema, 1)
    return batch.rows


def converted_batch(arrays: Sequence[pa.Array], schema: RowSchema, first_row: int) -> QueryBatch:
    """Return the columns of a driver as rows of a schema.

    :param arrays: the values of each column of the schema.
    :param schema: the columns.
    :param first_row: the number of the first row, from 1.
    :raises TaskFailure: text would have to have a datetimeoffset, of which the drivers return the time in UTC only.
    """
    for array, column in zip(arrays, schema.columns, strict=True):
        if pa.types.is_timestamp(array.type) and array.type.tz is not None and column.type.code in _LOSE_OFFSET:
            raise TaskFailure(
                f"The column {column.name} is a datetimeoffset in the database and {column.type.code.name} in the component, "
                "which would lose the offset. Convert it to text in the query, or choose DT_DBTIMESTAMPOFFSET.",
                ERROR_OF_PROVIDER,
            )
    columns = [convert_values(array, column.type) for array, column in zip(arrays, schema.columns, strict=True)]
    statuses = {
        column.lineage_id: converted.statuses
        for column, converted in zip(schema.columns, columns, strict=True)
        if converted.statuses is not None and converted.statuses.any()
    }
    rows = pa.RecordBatch.from_arrays([converted.values for converted in columns], schema=schema.arrow)
    return QueryBatch(rows, first_row, statuses)
