"""Merge: combines two sorted inputs to one sorted output. Of equal keys the rows of the first input come first.

Facts: data flow, sections 1.9 and 3.15.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import ClassVar, NoReturn

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.memory.work_database import WorkDatabase
from airflow_provider_ssis.engine.data_flow.sorting.merging import Merged, MergeSide, Numbers, merge
from airflow_provider_ssis.engine.data_flow.sorting.sorted_inputs import common_keys, key_refusals
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import fits, reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_INCOMPATIBLE, _NO_OUTPUT = 0xC02090A9, 0xC0208008


class Merge(FlowComponent):
    """Combines two sorted inputs while they arrive."""

    classes = ("Merge",)
    parts: ClassVar[StoredParts] = StoredParts({INPUT_COLUMN: frozenset({"OutputColumnLineageID"})})

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._database: WorkDatabase | None = None

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield the unsupported properties of this Merge."""
        yield from unknown_properties(plan, ())
        yield from key_refusals(plan)

    def validate(self, context: TaskContext) -> None:
        """Check that both inputs are sorted by the same key, and that the columns fit the output."""
        common_keys(self.plan)
        _ = self._sources

    def open(self, context: TaskContext) -> None:
        """Open the private database, which computes the keys of text."""
        self._database = WorkDatabase(context.options, context.cancel, self.plan.subcomponent)

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Combine the inputs while they arrive."""
        assert self._database is not None  # noqa: S101 open was called
        keys = common_keys(self.plan)
        left, right = (
            MergeSide(inputs[one.key], self.plan.inputs[one.key].arrow, key, self._database, self.plan.locale_id)
            for one, key in zip(self.plan.stored.inputs, keys, strict=True)
        )
        output = self.plan.main_output.key
        schema = self.plan.outputs[output].arrow
        for step in merge(left, right, [key.descending for key in keys[0]]):
            both = pa.concat_tables([self._shaped(step.left, 0, schema), self._shaped(step.right, 1, schema)])
            ordered = both.combine_chunks().take(pa.array(_order(step)))
            for batch in ordered.to_batches(max_chunksize=self.plan.buffer_rows):
                yield output, batch

    def close(self, *, failed: bool) -> None:
        """Remove the private database."""
        if self._database is not None:
            self._database.close()

    def _shaped(self, table: pa.Table, side: int, schema: pa.Schema) -> pa.Table:
        """The rows of an input with the columns of the output; NULL for a column that the input does not have."""
        sources = self._sources[side]
        return pa.table(
            [
                table.column(sources[field.name]) if field.name in sources else pa.nulls(table.num_rows, field.type)
                for field in schema
            ],
            schema=schema,
        )

    @cached_property
    def _sources(self) -> list[dict[str, str]]:
        """For each input the column that each output column has from it."""
        found: list[dict[str, str]] = []
        known = {column.key: column for column in self.plan.main_output.columns}
        known |= {column.lineage_id: column for column in self.plan.main_output.columns}
        types = self.plan.outputs[self.plan.main_output.key].by_lineage
        for one in self.plan.stored.inputs:
            sources = {}
            for column in one.columns:
                reference = reference_of(column.properties, "OutputColumnLineageID")
                if not reference:
                    continue
                arriving = self.plan.inputs[one.key].by_lineage[column.lineage_id]
                if reference not in known:
                    self._fail(f"maps the column {arriving.name} to an output column that does not exist", _NO_OUTPUT)
                output = types[known[reference].lineage_id]
                if not fits(arriving.type, output.type):
                    self._fail(
                        f"maps the column {arriving.name} of type {arriving.type} to the column {output.name} of type "
                        f"{output.type}, which it does not fit. Convert it before",
                        _INCOMPATIBLE,
                    )
                sources[output.lineage_id] = column.lineage_id
            found.append(sources)
        return found

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)


def _order(step: Merged) -> Numbers:
    """The rows of the left side, then of the right side, in the order of their keys."""
    left_counts, right_counts = np.diff(step.left_starts), np.diff(step.right_starts)
    count = len(step.left_runs)
    left_rank, right_rank = np.zeros(len(left_counts), np.int64), np.zeros(len(right_counts), np.int64)
    has_left, has_right = step.left_runs >= 0, step.right_runs >= 0
    left_rank[step.left_runs[has_left]] = np.arange(count)[has_left]
    right_rank[step.right_runs[has_right]] = np.arange(count)[has_right]
    ranks = np.concatenate((np.repeat(left_rank, left_counts), np.repeat(right_rank, right_counts)))
    return np.argsort(ranks, kind="stable")
