"""Rows of a query of a component, as record batches of SSIS types."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_provider_ssis.datatypes import DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import dates

if TYPE_CHECKING:
    import pyodbc

OLE_DB_ERROR = 0xC0202009
"""DTS_E_OLEDBERROR: an error of the database."""

_ROWS = 10_000


@contextmanager
def open_cursor(context: TaskContext, reference: str, subcomponent: str) -> Iterator[pyodbc.Cursor]:
    """Open a cursor on the database of a connection manager; cancelling the run ends its query.

    :param context: the running task.
    :param reference: the connection manager.
    :param subcomponent: the component, for messages.
    :raises TaskFailure: the database reports an error; 0xC0202009.
    """
    import pyodbc

    with context.connections.odbc(reference) as connection:
        cursor = connection.cursor()
        try:
            with context.cancel.interrupts(cursor.cancel):
                yield cursor
        except pyodbc.Error as error:
            context.cancel.check()
            raise TaskFailure(
                f"SSIS Error Code DTS_E_OLEDBERROR. The database reported an error to {subcomponent}: {error.args[-1]}",
                OLE_DB_ERROR,
                subcomponent=subcomponent,
            ) from error
        finally:
            cursor.close()


def read_query(
    context: TaskContext, reference: str, sql: str, schema: RowSchema, subcomponent: str
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a query that has the columns of a schema, by name.

    :param context: the running task.
    :param reference: the connection manager.
    :param sql: the query.
    :param schema: the columns that are wanted; their order and that of the query may differ.
    :param subcomponent: the component, for messages.
    :raises TaskFailure: the query fails, or lacks a column; 0xC0202009, 0xC0202005.
    """
    with open_cursor(context, reference, subcomponent) as cursor:
        cursor.execute(sql)
        while cursor.description is None and cursor.nextset():
            pass
        positions = positions_of(cursor.description or (), schema, subcomponent)
        while rows := cursor.fetchmany(_ROWS):
            yield to_batch([[row[position] for position in positions] for row in rows], schema)


def positions_of(description: Sequence[Sequence[Any]], schema: RowSchema, subcomponent: str) -> list[int]:
    """Return where the columns of a schema are in a result.

    :param description: as a cursor describes its result.
    :raises TaskFailure: a column is missing; 0xC0202005.
    """
    names = [str(column[0]).lower() for column in description]
    missing = [column.name for column in schema.columns if column.name.lower() not in names]
    if missing:
        raise TaskFailure(
            f"The query of {subcomponent} returns no column {missing[0]}. It returns: {', '.join(names) or 'no rows'}.",
            0xC0202005,
            subcomponent=subcomponent,
        )
    return [names.index(column.name.lower()) for column in schema.columns]


def to_batch(rows: Sequence[Sequence[Any]], schema: RowSchema) -> pa.RecordBatch:
    """Return rows of Python values as a record batch.

    :param rows: the rows, each with a value for each column.
    :param schema: the columns.
    """
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema.columns)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([_value(value, column) for value in values], field.type)
            for values, column, field in zip(columns, schema.columns, schema.arrow, strict=True)
        ],
        schema=schema.arrow,
    )


def _value(value: Any, column: RowColumn) -> Any:
    if value is None:
        return None
    if column.type.code is DataTypeCode.DT_GUID:
        return (value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))).bytes
    if column.type.code is DataTypeCode.DT_DBTIMESTAMP2 and column.type.scale > 6:
        return dates.ticks_of(value)
    return value
