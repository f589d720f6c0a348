"""Sort: orders rows by columns, and can keep one row for each key.

The order is that of Windows, see :mod:`airflow_provider_ssis.engine.data_flow.sorting.linguistic`. NULL is the lowest
value. The order of rows with equal keys is not defined, nor is which of several duplicates remains, as in Integration
Services. Facts: data flow, sections 1.9, 2.5 and 3.13.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import ClassVar, NoReturn

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.copied_columns import check_copy
from airflow_provider_ssis.engine.data_flow.memory.work_database import Feed, WorkDatabase
from airflow_provider_ssis.engine.data_flow.sorting.sort_keys import GroupStarts, KeyColumn, order_by, quoted
from airflow_provider_ssis.engine.data_flow.sorting.sorted_inputs import sort_keys
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, input_column, number_of, reference_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_NO_KEY, _SAME_POSITION, _NO_INPUT_COLUMN = 0xC0208009, 0xC020800A, 0xC0208008
_IS_THE_SAME = 0x802020F7


class Sort(FlowComponent):
    """Orders rows on DuckDB, which writes to disk what exceeds the memory."""

    classes = ("Sort",)
    parts: ClassVar[StoredParts] = StoredParts(
        {
            INPUT_COLUMN: frozenset({"NewSortKeyPosition", "NewComparisonFlags"}),
            OUTPUT_COLUMN: frozenset({"SortColumnId"}),
        }
    )
    keeps_rows = True

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._database: WorkDatabase | None = None

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield the unsupported properties of this Sort."""
        yield from unknown_properties(plan, {"EliminateDuplicates", "MaximumThreads"})
        for key in cls(plan).keys:
            yield from key.refusals(plan.path, plan.locale_id)

    @cached_property
    def keys(self) -> list[KeyColumn]:
        """The key columns, the most important first."""
        found = []
        for one in self.plan.stored.inputs:
            known = self.plan.inputs[one.key].by_lineage if one.key in self.plan.inputs else {}
            for column in one.columns:
                position = number_of(column.properties, "NewSortKeyPosition")
                if position and column.lineage_id in known:
                    arriving = known[column.lineage_id]
                    flags = number_of(column.properties, "NewComparisonFlags")
                    key = KeyColumn(column.lineage_id, arriving.name, arriving.type, flags, position < 0)
                    found.append((abs(position), key))
        return [key for _, key in sorted(found, key=lambda each: each[0])]

    def validate(self, context: TaskContext) -> None:
        """Check the keys, and that each output column has an input column."""
        if not self.keys:
            self._fail("has no key column. Choose at least one column to sort by", _NO_KEY)
        positions = Counter(
            abs(number_of(column.properties, "NewSortKeyPosition"))
            for one in self.plan.stored.inputs
            for column in one.columns
        )
        if repeated := [position for position, count in positions.items() if position and count > 1]:
            self._fail(f"has two key columns with the position {repeated[0]}", _SAME_POSITION)
        _ = self._sources
        if self.keys == sort_keys(self.plan, next(iter(self.plan.inputs))):
            text = f"The rows that arrive at {self.plan.stored.name} are already sorted in this way. Remove the Sort."
            context.warning(text, _IS_THE_SAME, subcomponent=self.plan.subcomponent)

    def open(self, context: TaskContext) -> None:
        """Open the private database."""
        self._database = WorkDatabase(context.options, context.cancel, self.plan.subcomponent)

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Read all rows, then yield them in order."""
        assert self._database is not None  # noqa: S101 open was called
        (input_key, batches) = next(iter(inputs.items()))
        output = self.plan.main_output.key
        schema = self.plan.outputs[output].arrow
        columns = [quoted(source) for source in self._sources]
        removes = flag_of(self.plan.stored.properties, "EliminateDuplicates")
        if removes:
            columns += [key.expression(self.plan.locale_id) for key in self.keys]
        named = ", ".join(f"{column} AS c{index}" for index, column in enumerate(columns))
        sql = f"SELECT {named} FROM arriving ORDER BY {order_by(self.keys, self.plan.locale_id)}"
        feed = Feed(batches, self.plan.inputs[input_key].arrow)
        starts = GroupStarts()
        for batch in self._database.stream(sql, self.plan.buffer_rows, {"arriving": feed}):
            kept = batch
            if removes:
                is_first = starts.of(batch.columns[len(schema) :])
                kept = batch if is_first.all() else batch.filter(pa.array(is_first))
            if kept.num_rows:
                yield output, self._database.conform(kept, schema)

    def close(self, *, failed: bool) -> None:
        """Remove the private database."""
        if self._database is not None:
            self._database.close()

    @cached_property
    def _sources(self) -> list[str]:
        """The lineage id of the input column of each output column."""
        found = []
        known = next(iter(self.plan.inputs.values())).by_lineage
        declared = self.plan.outputs[self.plan.main_output.key].by_lineage
        for column in self.plan.main_output.columns:
            source = input_column(self.plan.stored, reference_of(column.properties, "SortColumnId"))
            if source is None:
                self._fail(f"has the output column {column.name}, which belongs to no input column", _NO_INPUT_COLUMN)
            check_copy(self.plan, known[source[1].lineage_id], declared[column.lineage_id])
            found.append(source[1].lineage_id)
        return found

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)
