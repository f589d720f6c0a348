"""DataReader Destination: its rows are for the program that started the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.refusals import Refusal


class DataReaderDestination(RowComponent):
    """DataReader Destination. A tap on the path to it passes the rows on; without one they are discarded."""

    classes: ClassVar[tuple[str, ...]] = ("DataReaderDestinationAdapter",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self.counts.rows = 0

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, {"DataReader", "FailOnTimeout", "ReadTimeout"})

    def process(self, input_key: str, batch: pa.RecordBatch) -> tuple[Emitted, ...]:
        """Count the rows."""
        self.counts.rows = (self.counts.rows or 0) + batch.num_rows
        return ()
