"""Multicast: each output gets all rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.refusals import Refusal


class Multicast(RowComponent):
    """Multicast."""

    classes: ClassVar[tuple[str, ...]] = ("Multicast",)

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, ())

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Send the rows to each output."""
        for output in self.plan.stored.outputs:
            yield output.key, batch
