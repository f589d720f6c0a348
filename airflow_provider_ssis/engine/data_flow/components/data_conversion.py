"""Data Conversion: adds columns with the values of others in another type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.conversions.conversions import Conversion
from airflow_provider_ssis.engine.data_flow.conversions.parsing import Status
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions, status_errors
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import OutputColumn

CODES = {
    Status.CANNOT_CONVERT: 0xC020907F,
    Status.TRUNCATED: 0xC0209080,
    Status.SIGN_MISMATCH: 0xC0209081,
    Status.OVERFLOW: 0xC0209082,
}
"""The codes DTS_E_TXDATACONVERTSTATIC_... by the status of a value."""


@dataclass(frozen=True, slots=True)
class _Converted:
    stored: OutputColumn
    source: str
    conversion: Conversion


class DataConversion(RowComponent):
    """Data Conversion."""

    classes: ClassVar[tuple[str, ...]] = ("DataConvert",)
    parts: ClassVar[StoredParts] = StoredParts(
        {OUTPUT_COLUMN: frozenset({"SourceInputColumnLineageID", "FastParse"})}, dispositions=frozenset({OUTPUT_COLUMN})
    )

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._rows = 0
        self._columns = [
            _Converted(column, reference_of(column.properties, "SourceInputColumnLineageID"), conversion)
            for column in plan.main_output.columns
            if isinstance(conversion := _conversion(plan, column), Conversion)
        ]

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, and conversions that do not exist."""
        yield from unknown_properties(plan, ())
        for column in plan.main_output.columns:
            problem = _conversion(plan, column)
            if isinstance(problem, str):
                advice = "Choose another type, or convert in two steps."
                yield Refusal(plan.path, f"the column {column.name!r}", problem, advice)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Convert the columns."""
        values: list[pa.Array] = list(batch.columns)
        errors: list[ColumnErrors] = []
        for column in self._columns:
            converted = column.conversion.convert(batch.column(column.source))
            values.append(converted.values)
            if converted.statuses is not None:
                name = f'the column "{column.stored.name}"'
                errors += status_errors(converted.statuses, CODES, column.stored, name)
        found = apply_dispositions(self.plan, batch, errors, self._rows + 1)
        self._rows += batch.num_rows
        output = self.plan.main_output.key
        result = pa.RecordBatch.from_arrays(values, schema=self.plan.outputs[output].arrow)
        yield output, result if found.kept is None else result.filter(pa.array(found.kept))
        error_output = self.plan.error_output
        if found.redirected is not None and error_output is not None:
            yield error_output.key, found.redirected


def _conversion(plan: ComponentPlan, column: OutputColumn) -> Conversion | str | None:
    """The conversion of a column, or why there is none; None if no rows arrive."""
    schema = next(iter(plan.inputs.values()), None)
    if schema is None:
        return None
    source = schema.by_lineage.get(reference_of(column.properties, "SourceInputColumnLineageID"))
    if source is None:
        return "the column that it converts does not arrive at the input"
    target = plan.outputs[plan.main_output.key].by_lineage[column.lineage_id or column.key].type
    try:
        return Conversion(source.type, target, plan.locale_id, fast=flag_of(column.properties, "FastParse"))
    except ValueError as error:
        return str(error)
