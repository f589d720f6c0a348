"""Reading the rows of a query as record batches in SSIS types.

SQL Server is read with the Arrow reader of mssql-python. It opens its own connection and keeps six fraction digits.
pyodbc reads all other queries: those on a connection of the package (a retained one, or one in a transaction), with
parameters, with columns of seven fraction digits or a time zone, and those of other databases. arrow-odbc is not used
for other databases: it cannot cancel a query, cannot use an open connection, passes all parameters as text, and needs a
limit for long text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyodbc

from airflow_provider_ssis.datatypes import LARGE_OBJECTS, STRINGS, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.database import ERROR_OF_PROVIDER, Database, provider_failure
from airflow_provider_ssis.engine.data_flow.databases.driver_columns import convert_values
from airflow_provider_ssis.engine.data_flow.databases.driver_rows import (
    exact_values,
    needs_ticks,
    real_positions,
    row_arrays,
    value_array,
)
from airflow_provider_ssis.engine.data_flow.databases.statuses import Statuses, ValueStatus
from airflow_provider_ssis.engine.data_flow.databases.time_limit import time_limit
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure

if TYPE_CHECKING:
    import mssql_python

_T = DataTypeCode
_MAX_BATCH_BYTES = 32 * 1024 * 1024
"""The size of the buffers for one fetch, where a table has wide columns."""
_ROWS_AT_ONCE, _LARGE_BYTES = 100, 32 * 1024 * 1024
"""Rows with large objects that are fetched together, and the size after which a batch gets no more of them."""

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
    """Yield the rows of a query with the status of each value, as :func:`read_query` does.

    :param database: the database.
    :param sql: the query.
    :param parameters: the values of its parameters.
    :param schema: the columns of the rows, with the types to which values are converted.
    :param batch_rows: the most rows of a batch.
    :param timeout: seconds until the query fails. Default: 0, no limit.
    """
    wants_ticks = any(needs_ticks(column.type) for column in schema.columns)
    arrow = None if parameters or wants_ticks or database.is_shared else database.connect_arrow()
    if arrow is None:
        yield from _of_pyodbc(database, sql, parameters, schema, batch_rows, timeout)
    else:
        with closing(arrow):
            arrow.timeout = timeout
            yield from _of_mssql(database, arrow, sql, schema, batch_rows)


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
    return row_arrays(found, positions, schema, real_positions(cursor.description or ()))


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
            reals = real_positions(cursor.description or ()) if database.is_sql_server else ()
            fetch = partial(_large_rows, cursor) if _has_large_objects(cursor.description) else cursor.fetchmany
            first_row = 1
            while True:
                with database.cancel.interrupts(cursor.cancel):
                    rows = fetch(most)
                if not rows:
                    return
                yield converted_batch(row_arrays(rows, positions, schema, reals), schema, first_row)
                first_row += len(rows)
        except pyodbc.Error as error:
            database.cancel.check()
            raise provider_failure(error, "A query") from error


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
    arrays = [value_array(values, column.type) for values, column in zip(columns, schema.columns, strict=True)]
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
                f"The column {column.name} is a datetimeoffset in the database and {column.type.code.name} in the "
                "component, which would lose the offset. Convert it to text in the query, or choose "
                "DT_DBTIMESTAMPOFFSET.",
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
