"""Row Sampling: selects a number of rows at random, after all rows have arrived. Facts: data flow, section 3.23."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.memory.stored_rows import StoredRows
from airflow_provider_ssis.engine.data_flow.samples import generator, sample_outputs, sample_refusals
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import input_column, number_of, reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT, OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_INVALID_NUMBER, _NO_INPUT_COLUMN = 0xC02020D6, 0xC0208008


class RowSampling(FlowComponent):
    """Selects a number of rows; all of them if there are fewer. Each set of rows has the same probability."""

    classes: ClassVar[tuple[str, ...]] = ("RowSampling",)
    parts: ClassVar[StoredParts] = StoredParts(
        {OUTPUT: frozenset({"Selected"}), OUTPUT_COLUMN: frozenset({"InputColumnLineageID"})}
    )
    keeps_rows = True

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, {"SamplingValue", "SamplingSeed"})
        yield from sample_refusals(plan)

    def validate(self, context: TaskContext) -> None:
        """Check the number of rows, and that each output column has an input column."""
        if number_of(self.plan.stored.properties, "SamplingValue") < 0:
            raise self._failure("cannot select a negative number of rows", _INVALID_NUMBER)
        for output in self.plan.stored.outputs:
            self._sources(output.key)

    def open(self, context: TaskContext) -> None:
        """Keep the options."""
        self._options = context.options

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Read all rows, then yield them in their order, each on one of the outputs."""
        input_key, batches = next(iter(inputs.items()))
        with StoredRows(self.plan.inputs[input_key].arrow, self._options) as stored:
            for batch in batches:
                stored.append(batch)
            table = stored.table()
            wanted = min(number_of(self.plan.stored.properties, "SamplingValue"), table.num_rows)
            is_selected = np.zeros(table.num_rows, np.bool_)
            is_selected[generator(self.plan).choice(table.num_rows, wanted, replace=False)] = True
            selected, others = sample_outputs(self.plan)
            for key, mask in ((selected, is_selected), (others, ~is_selected)):
                if key is not None:
                    yield from self._emitted(key, table, mask)

    def _emitted(self, key: str, table: pa.Table, mask: npt.NDArray[np.bool_]) -> Iterator[Emitted]:
        schema = self.plan.outputs[key].arrow
        sources = self._sources(key)
        start = 0
        for batch in table.to_batches(max_chunksize=self.plan.buffer_rows):
            part = mask[start : start + batch.num_rows]
            start += batch.num_rows
            if part.any():
                rows = batch.filter(pa.array(part))
                yield key, pa.RecordBatch.from_arrays([rows.column(source) for source in sources], schema=schema)

    def _sources(self, key: str) -> list[str]:
        """The input column of each column of an output."""
        output = next(one for one in self.plan.stored.outputs if one.key == key)
        found = []
        for column in output.columns:
            source = input_column(self.plan.stored, reference_of(column.properties, "InputColumnLineageID"))
            if source is None:
                text = f"has the output column {column.name}, which belongs to no input column"
                raise self._failure(text, _NO_INPUT_COLUMN)
            found.append(source[1].lineage_id)
        return found

    def _failure(self, text: str, code: int) -> TaskFailure:
        return TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)
