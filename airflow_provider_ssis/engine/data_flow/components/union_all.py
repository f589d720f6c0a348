"""Union All: the rows of several inputs on one output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions.arrow import arrow_type


class UnionAll(RowComponent):
    """Union All. An output column that an input does not feed is NULL for its rows."""

    classes: ClassVar[tuple[str, ...]] = ("UnionAll",)
    parts: ClassVar[StoredParts] = StoredParts({INPUT_COLUMN: frozenset({"OutputColumnLineageID"})})

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._schema = plan.outputs[plan.main_output.key]
        self._sources = {one: _sources(plan, one) for one in plan.inputs}

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, and columns of different types."""
        yield from unknown_properties(plan, ())
        targets = plan.outputs[plan.main_output.key].by_lineage
        for one, schema in plan.inputs.items():
            for target, source in _sources(plan, one).items():
                found, wanted = schema.by_lineage[source], targets.get(target)
                if wanted is None:
                    yield Refusal(plan.path, f"the input column {found.name!r}", "it feeds an unknown output column")
                elif _kind(found.type) != _kind(wanted.type):
                    yield Refusal(
                        plan.path,
                        f"the input column {found.name!r}",
                        f"its type {found.type} is not {wanted.type}, the type of {wanted.name!r}",
                        "Convert it before with Data Conversion.",
                    )
                elif found.type.length > wanted.type.length:
                    yield Refusal(
                        plan.path,
                        f"the input column {found.name!r}",
                        f"its length {found.type.length} is greater than {wanted.type.length}, that of {wanted.name!r}",
                        "Open Union All in Visual Studio, and map the column again.",
                    )

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Map the columns."""
        sources = self._sources[input_key]
        arrays = []
        for column, field in zip(self._schema.columns, self._schema.arrow, strict=True):
            source = sources.get(column.lineage_id)
            if source is None:
                arrays.append(pa.nulls(batch.num_rows, field.type))
            else:
                arrays.append(batch.column(source))
        yield self.plan.main_output.key, pa.RecordBatch.from_arrays(arrays, schema=self._schema.arrow)


def _kind(type_: ColumnType) -> tuple[object, ...]:
    """The parts of a type that an input column and its output column must share."""
    return type_.code, type_.code_page, arrow_type(type_)


def _sources(plan: ComponentPlan, input_key: str) -> dict[str, str]:
    """The lineage id of the input column that feeds each output column."""
    found: dict[str, str] = {}
    stored = next(one for one in plan.stored.inputs if one.key == input_key)
    known = plan.inputs[input_key].by_lineage
    for column in stored.columns:
        target = reference_of(column.properties, "OutputColumnLineageID")
        if target and column.lineage_id in known:
            found[target] = column.lineage_id
    return found
