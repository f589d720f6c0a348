"""Copy Column: adds copies of columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.refusals import Refusal


class CopyColumn(RowComponent):
    """Copy Column."""

    classes: ClassVar[tuple[str, ...]] = ("CopyMap",)
    parts: ClassVar[StoredParts] = StoredParts({OUTPUT_COLUMN: frozenset({"copyColumnId"})})

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, and copies of a column that does not arrive."""
        yield from unknown_properties(plan, ())
        for schema in plan.inputs.values():
            for column in plan.main_output.columns:
                source = schema.by_lineage.get(reference_of(column.properties, "copyColumnId"))
                copy = plan.outputs[plan.main_output.key].by_lineage[column.lineage_id or column.key]
                if source is None:
                    yield Refusal(plan.path, f"the column {column.name!r}", "the column that it copies does not arrive")
                elif source.type != copy.type:
                    why = f"its type {copy.type} is not {source.type}, the type of {source.name!r}"
                    yield Refusal(plan.path, f"the column {column.name!r}", why)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Add the copies."""
        output = self.plan.main_output
        copies = [batch.column(reference_of(column.properties, "copyColumnId")) for column in output.columns]
        schema = self.plan.outputs[output.key].arrow
        yield output.key, pa.RecordBatch.from_arrays([*batch.columns, *copies], schema=schema)
