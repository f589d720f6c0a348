"""Percentage Sampling: selects each row with a probability. Facts: data flow, section 3.23."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.samples import generator, sample_outputs, sample_refusals
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import number_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_INVALID_PERCENTAGE = 0xC02020D5


class PercentageSampling(RowComponent):
    """Selects rows at random."""

    classes: ClassVar[tuple[str, ...]] = ("PctSampling",)
    parts: ClassVar[StoredParts] = StoredParts({OUTPUT: frozenset({"Selected"})})

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, {"SamplingValue", "SamplingSeed"})
        yield from sample_refusals(plan)

    def validate(self, context: TaskContext) -> None:
        """Check the percentage."""
        percentage = number_of(self.plan.stored.properties, "SamplingValue")
        if not 0 <= percentage <= 100:
            raise TaskFailure(
                f"{self.plan.stored.name} cannot select {percentage} percent of the rows. Choose 0 to 100.",
                _INVALID_PERCENTAGE,
                subcomponent=self.plan.subcomponent,
            )

    def open(self, context: TaskContext) -> None:
        """Start the random numbers."""
        self._random = generator(self.plan)
        self._share = number_of(self.plan.stored.properties, "SamplingValue") / 100
        self._selected, self._others = sample_outputs(self.plan)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Send each row to one of the outputs."""
        is_selected = self._random.random(batch.num_rows) < self._share
        for key, mask in ((self._selected, is_selected), (self._others, ~is_selected)):
            if key is not None and mask.any():
                yield key, batch.filter(pa.array(mask))
