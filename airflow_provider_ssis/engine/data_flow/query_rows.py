"""Queries that a component repeats with other parameters, and their rows as record batches of SSIS types."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa
import pyodbc

from airflow_provider_ssis.datatypes import DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.databases.database import open_database, provider_failure
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.expressions import dates
from airflow_provider_ssis.project.package.data_flow import Component


@contextmanager
def open_cursor(context: TaskContext, component: Component) -> Iterator[pyodbc.Cursor]:
    """Open a cursor on the database of a component; cancelling the run ends its query.

    :param context: the running task.
    :param component: the component, with one connection manager.
    :raises TaskFailure: the database reports an error; 0xC0202009.
    """
    with open_database(context, component) as database, closing(database.connection.cursor()) as cursor:
        try:
            with context.cancel.interrupts(cursor.cancel):
                yield cursor
        except pyodbc.Error as error:
            context.cancel.check()
            raise provider_failure(error, f"The query of {component.name}") from error


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
