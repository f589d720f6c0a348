"""Pivot: makes a row of the rows of a set, with a column for each value of the pivot key.

A set ends where the set key changes: the input must be sorted by it. A pivot key value that occurs twice in a set, and
one without a column, is an error of the row. With PassThroughUnmatchedPivotKeys, the rows of values without a column
are ignored, and the values reported at the end. Facts: data flow, section 3.20.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import ClassVar, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.pivot_keys import typed_keys
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.sorting.sort_keys import GroupStarts, comparable
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import (
    column_type,
    fits,
    flag_of,
    input_column,
    number_of,
    reference_of,
    text_of,
)
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions.arrow import as_values
from airflow_provider_ssis.expressions.values import to_text
from airflow_provider_ssis.project.package.data_flow import InputColumn

_PASSED, _SET_KEY, _PIVOT_KEY, _VALUE = 0, 1, 2, 3
_BAD_USAGE, _SEVERAL_KEYS, _NO_KEY, _NO_SOURCE = 0xC0202082, 0xC0202083, 0xC0202084, 0xC0202087
_REPEATED_VALUE, _BAD_TYPE = 0xC0202089, 0xC020208E
DUPLICATE, UNKNOWN_VALUE = 0xC02020D0, 0xC02020BB
"""The codes of errors of rows."""
_REPORTED = 100
"""The most values of a pivot key in a report."""


class Pivot(FlowComponent):
    """Makes columns of rows."""

    classes = ("Pivot",)
    parts: ClassVar[StoredParts] = StoredParts(
        {INPUT_COLUMN: frozenset({"PivotUsage"}), OUTPUT_COLUMN: frozenset({"SourceColumn", "PivotKeyValue"})},
        dispositions=frozenset({INPUT_COLUMN}),
    )

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._first_row = 1
        self._ignored: dict[str, None] = {}

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, {"PassThroughUnmatchedPivotKeys"})

    def validate(self, context: TaskContext) -> None:
        """Check the usage of the columns."""
        usages = [number_of(column.properties, "PivotUsage") for column in self.plan.stored.inputs[0].columns]
        if unknown := set(usages) - {_PASSED, _SET_KEY, _PIVOT_KEY, _VALUE}:
            self._fail(f"has a column with the unknown PivotUsage {min(unknown)}", _BAD_USAGE)
        if usages.count(_PIVOT_KEY) != 1:
            code = _SEVERAL_KEYS if _PIVOT_KEY in usages else _NO_KEY
            self._fail(f"needs one pivot key column, not {usages.count(_PIVOT_KEY)}", code)
        _ = self._outputs, self._keys

    def open(self, context: TaskContext) -> None:
        """Keep the context for the report of ignored values."""
        self._context = context

    def close(self, *, failed: bool) -> None:
        """Report the values of the pivot key whose rows were ignored."""
        if self._ignored and not failed:
            texts = list(self._ignored)
            shown = ", ".join(texts[:_REPORTED]) + " and others" * (len(texts) > _REPORTED)
            name = self.plan.stored.name
            text = f"{name} ignored the rows with these values of the pivot key, which have no output column: {shown}."
            self._context.information(text, 0, subcomponent=self.plan.subcomponent)

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Yield a row for each set."""
        input_key, batches = next(iter(inputs.items()))
        waiting = self.plan.inputs[input_key].arrow.empty_table()
        for batch in batches:
            if not batch.num_rows:
                continue
            rows = pa.concat_tables([waiting, pa.Table.from_batches([batch])])
            starts = np.flatnonzero(self._starts(rows))
            last = int(starts[-1]) if len(starts) else 0
            waiting = rows.slice(last)
            if last:
                yield from self._pivoted(rows.slice(0, last))
        if waiting.num_rows:
            yield from self._pivoted(waiting)

    def _starts(self, rows: pa.Table) -> npt.NDArray[np.bool_]:
        if not self._set_keys:
            is_first: npt.NDArray[np.bool_] = np.arange(rows.num_rows) == 0
            return is_first
        return GroupStarts().of([comparable(rows.column(name).combine_chunks()) for name in self._set_keys])

    def _pivoted(self, table: pa.Table) -> Iterator[Emitted]:
        batch = table.combine_chunks().to_batches()[0]
        first_row, self._first_row = self._first_row, self._first_row + batch.num_rows
        groups = np.cumsum(self._starts(table)) - 1
        numbers = pc.index_in(comparable(batch.column(self._key_column.lineage_id)), value_set=comparable(self._keys))
        keys = numbers.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        pairs = groups * len(self._keys) + keys
        if self._ignores_unknown and len(self._ignored) <= _REPORTED:
            self._note_ignored(batch.column(self._key_column.lineage_id).filter(pa.array(keys < 0)))
        known = np.flatnonzero(keys >= 0)
        _, first = np.unique(pairs[known], return_index=True)
        used = np.zeros(batch.num_rows, np.bool_)
        used[known[first]] = True
        errors = self._errors(keys < 0, (keys >= 0) & ~used)
        result = apply_dispositions(self.plan, batch, errors, first_row)
        if result.redirected is not None and self.plan.error_output is not None:
            yield from self._parts(self.plan.error_output.key, result.redirected)
        rows = np.flatnonzero(used)
        if not len(rows):
            return
        present, group_of_row = np.unique(groups[rows], return_inverse=True)
        first_rows = rows[np.unique(group_of_row, return_index=True)[1]]
        schema = self.plan.outputs[self.plan.main_output.key].arrow
        arrays = []
        for source, key in self._outputs:
            column = batch.column(source)
            if key < 0:
                arrays.append(column.take(pa.array(first_rows)))
                continue
            places = np.full(len(present), -1, np.int64)
            of_key = keys[rows] == key
            places[group_of_row[of_key]] = rows[of_key]
            arrays.append(column.take(pa.array(places, mask=places < 0)))
        yield from self._parts(self.plan.main_output.key, pa.RecordBatch.from_arrays(arrays, schema=schema))

    def _note_ignored(self, values: pa.Array) -> None:
        """Keep the texts of ignored values for the report."""
        distinct = values if pa.types.is_struct(values.type) else values.unique()
        for value in as_values(distinct, self._key_type):
            self._ignored["NULL" if value is None else to_text(value, self._key_type)] = None
            if len(self._ignored) > _REPORTED:
                break

    def _parts(self, output: str, rows: pa.RecordBatch) -> Iterator[Emitted]:
        """The rows in parts of the size of a buffer: a set may have many."""
        for start in range(0, rows.num_rows, self.plan.buffer_rows):
            yield output, rows.slice(start, self.plan.buffer_rows)

    def _errors(self, unknown: npt.NDArray[np.bool_], duplicate: npt.NDArray[np.bool_]) -> list[ColumnErrors]:
        key = self._key_column
        if self._ignores_unknown:
            unknown = np.zeros(len(unknown), np.bool_)
        codes = np.where(unknown, np.uint32(UNKNOWN_VALUE), np.where(duplicate, np.uint32(DUPLICATE), np.uint32(0)))
        name = self.plan.inputs[self.plan.stored.inputs[0].key].by_lineage[key.lineage_id].name
        return [ColumnErrors(codes, False, key.error_disposition, key.lineage_id, f'the pivot key column "{name}"')]

    @cached_property
    def _ignores_unknown(self) -> bool:
        return flag_of(self.plan.stored.properties, "PassThroughUnmatchedPivotKeys")

    @cached_property
    def _set_keys(self) -> list[str]:
        columns = self.plan.stored.inputs[0].columns
        return [one.lineage_id for one in columns if number_of(one.properties, "PivotUsage") == _SET_KEY]

    @cached_property
    def _key_column(self) -> InputColumn:
        columns = self.plan.stored.inputs[0].columns
        return next(one for one in columns if number_of(one.properties, "PivotUsage") == _PIVOT_KEY)

    @cached_property
    def _key_type(self) -> ColumnType:
        return self.plan.inputs[self.plan.stored.inputs[0].key].by_lineage[self._key_column.lineage_id].type

    @cached_property
    def _key_texts(self) -> list[str]:
        texts = [text_of(column.properties, "PivotKeyValue") for column in self.plan.main_output.columns]
        return list(dict.fromkeys(text for text in texts if text))

    @cached_property
    def _keys(self) -> pa.Array:
        """The values of the pivot key that have columns."""
        return typed_keys(self.plan, self._key_texts, self._key_type)

    @cached_property
    def _outputs(self) -> list[tuple[str, int]]:
        """For each output column the input column, and the number of the pivot key value; -1 for none."""
        types = self.plan.inputs[self.plan.stored.inputs[0].key].by_lineage
        found = []
        for column in self.plan.main_output.columns:
            source = input_column(self.plan.stored, reference_of(column.properties, "SourceColumn"))
            if source is None:
                self._fail(f"has the output column {column.name}, which belongs to no input column", _NO_SOURCE)
            text = text_of(column.properties, "PivotKeyValue")
            is_value = number_of(source[1].properties, "PivotUsage") == _VALUE
            if is_value != bool(text):
                self._fail(
                    f"has the output column {column.name}, whose pivot key value does not suit the usage of its input "
                    "column",
                    _BAD_USAGE,
                )
            wanted, arriving = column_type(column.data_type), types[source[1].lineage_id].type
            if not fits(arriving, wanted):
                self._fail(
                    f"has the output column {column.name} of type {wanted}, whose input column has the type {arriving}",
                    _BAD_TYPE,
                )
            found.append((source[1].lineage_id, self._key_texts.index(text) if text else -1))
        if len({one for one in found if one[1] >= 0}) < sum(one[1] >= 0 for one in found):
            self._fail("has two output columns for one pivot key value and input column", _REPEATED_VALUE)
        return found

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)
