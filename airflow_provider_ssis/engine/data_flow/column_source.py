"""The base of the sources whose error output has a copy of each column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.databases.reading import QueryBatch
from airflow_provider_ssis.engine.data_flow.databases.statuses import SOURCE_CODES, Codes, row_codes
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.rows import RowColumn, RowSchema
from airflow_provider_ssis.project.package.data_flow import NOT_USED, OutputColumn

_NO_EXTERNAL_COLUMN = 0xC020822C
_FAIL = "FailComponent"


class ColumnSource(FlowComponent):
    """A source whose columns are found by the names of its external columns."""

    codes: ClassVar[Codes] = SOURCE_CODES

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._schema = plan.outputs[plan.main_output.key]
        self._stored = {column.lineage_id: column for column in plan.main_output.columns}
        external = {column.key: column.name for column in plan.main_output.external_columns}
        self._names = {
            lineage_id: external[column.external_key]
            for lineage_id, column in self._stored.items()
            if column.external_key in external
        }
        """The names of the columns in the table, result or sheet, by lineage id."""

    @property
    def wanted(self) -> RowSchema:
        """The columns to read: lineage ids and types of the output, names of the external columns."""
        return RowSchema(
            tuple(
                RowColumn(column.lineage_id, self._names[column.lineage_id], column.type)
                for column in self._schema.columns
                if column.lineage_id in self._names
            )
        )

    def _dispositions(self, column: OutputColumn) -> tuple[str, str]:
        return column.error_disposition, column.truncation_disposition

    def validate(self, context: TaskContext) -> None:
        """Warn of output columns without an external column."""
        for column in self._schema.columns:
            if column.lineage_id not in self._names:
                text = f"The output column {column.name} has no external column: all its values are NULL."
                context.warning(text, _NO_EXTERNAL_COLUMN, subcomponent=self.plan.subcomponent)

    def sort_out(self, batch: QueryBatch) -> Iterator[Emitted]:
        """Apply the dispositions of the columns; yield the rows of the outputs."""
        rows = self._complete(batch.rows)
        found = apply_dispositions(self.plan, rows, self._errors(batch), batch.first_row)
        if found.kept is not None:
            rows = rows.filter(pa.array(found.kept))
        if rows.num_rows:
            yield self.plan.main_output.key, rows
        if found.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, found.redirected

    def _errors(self, batch: QueryBatch) -> Sequence[ColumnErrors]:
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
        return errors

    def _complete(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with the columns that have no external column."""
        if rows.schema == self._schema.arrow:
            return rows
        given = dict(zip(rows.schema.names, rows.columns, strict=True))
        arrays = [given.get(field.name, pa.nulls(rows.num_rows, field.type)) for field in self._schema.arrow]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema.arrow)
