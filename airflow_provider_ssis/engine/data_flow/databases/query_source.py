"""The base of the sources that read a table or query of a database."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyodbc

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.databases.database import Database, open_database
from airflow_provider_ssis.engine.data_flow.databases.external_columns import check_external_columns
from airflow_provider_ssis.engine.data_flow.databases.reading import QueryBatch, read_values
from airflow_provider_ssis.engine.data_flow.databases.statuses import SOURCE_CODES, Codes, row_codes
from airflow_provider_ssis.engine.data_flow.databases.table_names import Quoting
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.project.package.data_flow import NOT_USED, OutputColumn

MISSING_COMMAND = 0xC0202001
"""DTS_E_MISSINGSQLCOMMAND."""

_NO_EXTERNAL_COLUMN = 0xC020822C
_FAIL = "FailComponent"


@dataclass(frozen=True, slots=True)
class Query:
    """What a source reads.

    :param table: the name of the table as the package stores it; empty for a statement.
    :param sql: the statement; empty for a table.
    :param parameters: the values of the statement's markers.
    :param timeout: the longest time of the statement, in seconds; 0 for no limit.
    """

    table: str = ""
    sql: str = ""
    parameters: tuple[Any, ...] = ()
    timeout: int = 0


class QuerySource(FlowComponent):
    """A source that reads a table or query of a database."""

    codes: ClassVar[Codes] = SOURCE_CODES

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._resources = ExitStack()
        self._schema = plan.outputs[plan.main_output.key]
        self._stored = {column.lineage_id: column for column in plan.main_output.columns}
        external = {column.key: column.name for column in plan.main_output.external_columns}
        self._names = {
            lineage_id: external[column.external_key]
            for lineage_id, column in self._stored.items()
            if column.external_key in external
        }
        """The names of the columns in the table or result, by lineage id."""

    @abstractmethod
    def query(self, context: TaskContext, connection: pyodbc.Connection) -> Query:
        """Return what to read.

        :raises TaskFailure: nothing is chosen, or a variable has no value.
        """

    def _dispositions(self, column: OutputColumn) -> tuple[str, str]:
        return column.error_disposition, column.truncation_disposition

    def validate(self, context: TaskContext) -> None:
        """Compare the columns of a table with the external columns. Those of a statement are compared when it runs."""
        for column in self._schema.columns:
            if column.lineage_id not in self._names:
                text = f"The output column {column.name} has no external column: all its values are NULL."
                context.warning(text, _NO_EXTERNAL_COLUMN, subcomponent=self.plan.subcomponent)
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

    def close(self, *, failed: bool) -> None:
        """Close the connection."""
        self._resources.close()

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Yield the rows of the table or query, and the rows with errors."""
        wanted = RowSchema(
            tuple(
                RowColumn(column.lineage_id, self._names[column.lineage_id], column.type)
                for column in self._schema.columns
                if column.lineage_id in self._names
            )
        )
        for batch in read_values(
            self._database,
            self._query.sql or self._select(wanted),
            self._query.parameters,
            wanted,
            self.plan.buffer_rows,
            timeout=self._query.timeout,
        ):
            yield from self._sorted(batch)

    def _select(self, wanted: RowSchema) -> str:
        quoting = Quoting(self._database.connection)
        names = ", ".join(quoting.quote(column.name) for column in wanted.columns) or "1"
        # Names cannot be parameters; they are quoted.
        return f"SELECT {names} FROM {quoting.table(self._query.table)}"

    def _sorted(self, batch: QueryBatch) -> Iterator[Emitted]:
        rows = self._complete(batch.rows)
        errors: list[ColumnErrors] = []
        for column in self._schema.columns:
            statuses = batch.statuses.get(column.lineage_id)
            if statuses is None:
                continue
            dispositions = self._dispositions(self._stored[column.lineage_id])
            for truncated, disposition in zip((False, True), dispositions, strict=True):
                codes = row_codes(statuses, self.codes, truncated=truncated)
                if codes.any():
                    chosen = _FAIL if disposition == NOT_USED else disposition
                    name = f'the column "{column.name}"'
                    errors.append(ColumnErrors(codes, truncated, chosen, column.lineage_id, name))
        found = apply_dispositions(self.plan, rows, errors, batch.first_row)
        if found.kept is not None:
            rows = rows.filter(pa.array(found.kept))
        if rows.num_rows:
            yield self.plan.main_output.key, rows
        if found.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, found.redirected

    def _complete(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with the columns that have no external column."""
        if rows.schema == self._schema.arrow:
            return rows
        given = dict(zip(rows.schema.names, rows.columns, strict=True))
        arrays = [given.get(field.name, pa.nulls(rows.num_rows, field.type)) for field in self._schema.arrow]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema.arrow)


def text_of_variable(context: TaskContext, variable: str, what: str) -> str:
    """Return a text from a variable.

    :param variable: the name of the variable.
    :param what: what it is for, in messages.
    :raises TaskFailure: there is no such variable, or it is empty.
    """
    value = context.read(variable) if variable else None
    if not isinstance(value, str) or not value.strip():
        named = f"The variable {variable}" if variable else "No variable is chosen, which"
        raise TaskFailure(f"{named} must contain {what}.", MISSING_COMMAND)
    return value
