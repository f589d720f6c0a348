"""Balanced Data Distributor: sends whole buffers to its outputs in turn. Facts: data flow, section 3.23."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.refusals import Refusal


class BalancedDataDistributor(RowComponent):
    """Sends each buffer to the next output that has a path."""

    classes: ClassVar[tuple[str, ...]] = ("BDD",)

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, ())

    def open(self, context: TaskContext) -> None:
        """Start with the first output."""
        attached = [output.key for output in self.plan.stored.outputs if output.key in self.plan.attached]
        self._next = cycle(attached)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Send the rows to one output."""
        key = next(self._next, None)
        if key is not None:
            yield key, batch
