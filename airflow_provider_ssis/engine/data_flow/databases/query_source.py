"""The base of the sources that read a table or query of a database."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyodbc

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.column_source import ColumnSource
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted
from airflow_provider_ssis.engine.data_flow.databases.database import Database, open_database, other_users
from airflow_provider_ssis.engine.data_flow.databases.external_columns import check_external_columns
from airflow_provider_ssis.engine.data_flow.databases.reading import QueryBatch, read_values
from airflow_provider_ssis.engine.data_flow.databases.table_names import Quoting
from airflow_provider_ssis.engine.data_flow.memory.stored_rows import StoredRows
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure

MISSING_COMMAND = 0xC0202001
"""DTS_E_MISSINGSQLCOMMAND."""


@dataclass(frozen=True, slots=True)
class Query:
    """The query of a source.

    :param table: the name of the table as the package stores it; empty for a statement.
    :param sql: the statement; empty for a table.
    :param parameters: the values of the statement's markers.
    :param timeout: the longest time of the statement, in seconds; 0 for no limit.
    """

    table: str = ""
    sql: str = ""
    parameters: tuple[Any, ...] = ()
    timeout: int = 0


class QuerySource(ColumnSource):
    """A source that reads a table or query of a database."""

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._resources = ExitStack()

    @abstractmethod
    def query(self, context: TaskContext, connection: pyodbc.Connection) -> Query:
        """Return the table or query.

        :raises TaskFailure: nothing is chosen, or a variable has no value.
        """

    def validate(self, context: TaskContext) -> None:
        """Compare the columns of a table with the external columns. Those of a statement are compared when it runs."""
        super().validate(context)
        if not self.plan.stored.validate_external_metadata:
            return
        with open_database(context, self.plan.stored) as database:
            query = self.query(context, database.connection)
            if query.table:
                used = set(self._names.values())
                check_external_columns(
                    context, self.plan, database.connection, query.table, self.plan.main_output.external_columns, used
                )

    def open(self, context: TaskContext) -> None:
        """Connect."""
        self._database: Database = self._resources.enter_context(open_database(context, self.plan.stored))
        self._query = self.query(context, self._database.connection)
        self._options = context.options

    def close(self, *, failed: bool) -> None:
        """Close the connection."""
        self._resources.close()

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Yield the rows of the table or query, and the rows with errors."""
        wanted, query = self.wanted, self._query
        sql = query.sql or self._select(wanted)
        rows = self.plan.buffer_rows
        read = read_values(self._database, sql, query.parameters, wanted, rows, timeout=query.timeout)
        # Closed with the component: after a failure, the traceback would keep its connection open.
        batches: Iterator[QueryBatch] = self._resources.enter_context(closing(read))
        if self._database.is_shared and other_users(self.plan.stored):
            batches = self._read_first(batches)
        for batch in batches:
            yield from self.sort_out(batch)

    def _read_first(self, batches: Iterator[QueryBatch]) -> Iterator[QueryBatch]:
        """Read all rows before the first one is passed on: a connection has one open result at a time."""
        with StoredRows(self.wanted.arrow, self._options) as stored:
            read: list[tuple[int, QueryBatch]] = []
            with self._database.use:
                for batch in batches:
                    stored.append(batch.rows)
                    read.append((batch.rows.num_rows, replace(batch, rows=batch.rows.slice(0, 0))))
            table = stored.table()
            for count, batch in read:
                part = table.slice(batch.first_row - 1, count).combine_chunks().to_batches()
                yield replace(batch, rows=part[0]) if part else batch

    def _select(self, wanted: RowSchema) -> str:
        quoting = Quoting(self._database.connection)
        names = ", ".join(quoting.quote(column.name) for column in wanted.columns) or "1"
        # Names cannot be parameters; they are quoted.
        return f"SELECT {names} FROM {quoting.table(self._query.table)}"


def text_of_variable(context: TaskContext, variable: str, what: str) -> str:
    """Return a text from a variable.

    :param variable: the name of the variable.
    :param what: its purpose, in messages.
    :raises TaskFailure: there is no such variable, or it is empty.
    """
    value = context.read(variable) if variable else None
    if not isinstance(value, str) or not value.strip():
        named = f"The variable {variable}" if variable else "No variable is chosen, which"
        raise TaskFailure(f"{named} must contain {what}.", MISSING_COMMAND)
    return value
