"""Merge Join: joins two sorted inputs.

The rows have the order of the key; within a key each left row is followed by the next with all its right rows. All
rows of one key are in memory at a time. Facts: data flow, sections 1.9 and 3.14.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import ClassVar, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.copied_columns import check_copy
from airflow_provider_ssis.engine.data_flow.memory.work_database import WorkDatabase
from airflow_provider_ssis.engine.data_flow.sorting.merging import Merged, MergeSide, Numbers, merge
from airflow_provider_ssis.engine.data_flow.sorting.sorted_inputs import common_keys, key_refusals
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, input_column, number_of, reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_FULL, _LEFT, _INNER = 0, 1, 2
_NO_INPUT_COLUMN, _BAD_KEY_COUNT = 0xC02020B7, 0xC02020B1


class MergeJoin(FlowComponent):
    """Joins two sorted inputs: inner, left outer or full outer."""

    classes = ("MergeJoin",)
    parts: ClassVar[StoredParts] = StoredParts({OUTPUT_COLUMN: frozenset({"InputColumnID"})})
    keeps_rows = True

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._database: WorkDatabase | None = None
        self._type = number_of(plan.stored.properties, "JoinType", _INNER)

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield the unsupported properties of this Merge Join."""
        yield from unknown_properties(plan, {"JoinType", "NumKeyColumns", "TreatNullsAsEqual", "MaxBuffersPerInput"})
        yield from key_refusals(plan)
        join_type = number_of(plan.stored.properties, "JoinType", _INNER)
        if join_type not in (_FULL, _LEFT, _INNER):
            yield Refusal(plan.path, "the property JoinType", f"the value {join_type} is unknown")

    def validate(self, context: TaskContext) -> None:
        """Check that both inputs are sorted by the same key, and that each output column has an input column."""
        count = number_of(self.plan.stored.properties, "NumKeyColumns", 1)
        if count < 1:
            self._fail(f"joins by {count} key columns", _BAD_KEY_COUNT)
        common_keys(self.plan, count)
        _ = self._sources

    def open(self, context: TaskContext) -> None:
        """Open the private database, which computes the keys of text."""
        self._database = WorkDatabase(context.options, context.cancel, self.plan.subcomponent)

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Join the inputs while they arrive."""
        assert self._database is not None  # noqa: S101 open was called
        keys = common_keys(self.plan, number_of(self.plan.stored.properties, "NumKeyColumns", 1))
        nulls_equal = flag_of(self.plan.stored.properties, "TreatNullsAsEqual", default=True)
        left, right = (
            MergeSide(inputs[one.key], self.plan.inputs[one.key].arrow, key, self._database, self.plan.locale_id)
            for one, key in zip(self.plan.stored.inputs, keys, strict=True)
        )
        output = self.plan.main_output.key
        schema = self.plan.outputs[output].arrow
        for step in merge(left, right, [key.descending for key in keys[0]]):
            for left_rows, right_rows in self._joined(step, nulls_equal):
                columns = [
                    _taken(step.left if is_left else step.right, lineage_id, left_rows if is_left else right_rows)
                    for is_left, lineage_id in self._sources
                ]
                yield output, pa.RecordBatch.from_arrays(columns, schema=schema)

    def close(self, *, failed: bool) -> None:
        """Remove the private database."""
        if self._database is not None:
            self._database.close()

    def _joined(self, step: Merged, nulls_equal: bool) -> Iterator[tuple[Numbers, Numbers]]:
        """The rows of both sides for the rows of the output, -1 for none, in parts of the size of a buffer."""
        left_runs, right_runs = step.left_runs, step.right_runs
        if not nulls_equal:
            left_runs, right_runs = _separated(left_runs, right_runs, step.left_null)
        kept = np.ones(len(left_runs), np.bool_)
        if self._type != _FULL:
            kept &= left_runs >= 0
        if self._type == _INNER:
            kept &= right_runs >= 0
        left_runs, right_runs = left_runs[kept], right_runs[kept]
        left_counts, right_counts = _counts(step.left_starts, left_runs), _counts(step.right_starts, right_runs)
        ends = np.cumsum(np.maximum(left_counts, 1) * np.maximum(right_counts, 1))
        total = int(ends[-1]) if len(ends) else 0
        for start in range(0, total, self.plan.buffer_rows):
            numbers = np.arange(start, min(start + self.plan.buffer_rows, total))
            pair = np.searchsorted(ends, numbers, "right")
            width = np.maximum(right_counts, 1)[pair]
            offset = numbers - (ends - np.maximum(left_counts, 1) * np.maximum(right_counts, 1))[pair]
            yield (
                _rows(step.left_starts, left_runs[pair], offset // width),
                _rows(step.right_starts, right_runs[pair], offset % width),
            )

    @cached_property
    def _sources(self) -> list[tuple[bool, str]]:
        """For each output column whether it comes from the left input, and its lineage id."""
        found = []
        declared = self.plan.outputs[self.plan.main_output.key].by_lineage
        for column in self.plan.main_output.columns:
            source = input_column(self.plan.stored, reference_of(column.properties, "InputColumnID"))
            if source is None:
                self._fail(f"has the output column {column.name}, which belongs to no input column", _NO_INPUT_COLUMN)
            known = self.plan.inputs[source[0].key].by_lineage
            check_copy(self.plan, known[source[1].lineage_id], declared[column.lineage_id])
            found.append((source[0] is self.plan.stored.inputs[0], source[1].lineage_id))
        return found

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)


def _separated(left_runs: Numbers, right_runs: Numbers, left_null: npt.NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
    """The runs, with those of keys with NULL as without a partner."""
    pairs = (left_runs >= 0) & (right_runs >= 0)
    pairs[pairs] = left_null[left_runs[pairs]]
    if not pairs.any():
        return left_runs, right_runs
    positions = np.repeat(np.arange(len(pairs)), pairs + 1)
    is_second = np.concatenate(([False], positions[1:] == positions[:-1]))
    is_first = np.concatenate((is_second[1:], [False]))
    return (
        np.where(is_second, -1, left_runs[positions]),
        np.where(is_first, -1, right_runs[positions]),
    )


def _counts(starts: Numbers, runs: Numbers) -> Numbers:
    counts = np.zeros(len(runs), np.int64)
    has_rows = runs >= 0
    counts[has_rows] = starts[runs[has_rows] + 1] - starts[runs[has_rows]]
    return counts


def _rows(starts: Numbers, runs: Numbers, offsets: Numbers) -> Numbers:
    rows = np.full(len(runs), -1, np.int64)
    has_rows = runs >= 0
    rows[has_rows] = starts[runs[has_rows]] + offsets[has_rows]
    return rows


def _taken(table: pa.Table, name: str, rows: Numbers) -> pa.Array:
    column = table.column(name)
    missing = rows < 0
    taken = column.take(pa.array(rows, mask=missing) if missing.any() else pa.array(rows))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken
