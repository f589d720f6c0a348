"""Unpivot: makes a row of each of several columns.

A row with NULL in all columns of a key is left out. If that leaves no row, there is one row with NULL as its key and
value. Facts: data flow, section 3.20, and Microsoft's description of Unpivot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import ClassVar, NoReturn

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.pivot_keys import typed_keys
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import fits, flag_of, reference_of, text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import OutputColumn

_DUPLICATE_KEY, _NO_DESTINATION, _DIFFERENT_KEYS, _DIFFERENT_TYPES = 0xC02020A3, 0xC02020A4, 0xC02020A5, 0xC02020A6
_SEVERAL_KEYS, _UNMAPPED, _NO_KEY, _UNKNOWN_OUTPUT = 0xC02020A8, 0xC02020A9, 0xC02020AA, 0xC02020AB


class Unpivot(FlowComponent):
    """Makes rows of columns."""

    classes = ("UnPivot",)
    parts: ClassVar[StoredParts] = StoredParts(
        {INPUT_COLUMN: frozenset({"DestinationColumn", "PivotKeyValue"}), OUTPUT_COLUMN: frozenset({"PivotKey"})}
    )

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, ())

    def validate(self, context: TaskContext) -> None:
        """Check that all new columns have the same keys, and columns of one type."""
        if sum(flag_of(column.properties, "PivotKey") for column in self._columns) > 1:
            self._fail("has several columns for the pivot key", _SEVERAL_KEYS)
        _ = self._key_column
        if not self._sources:
            self._fail("unpivots no column", _NO_DESTINATION)
        wanted = list(next(iter(self._sources.values())))
        for lineage_id, sources in self._sources.items():
            name = self._outputs[lineage_id].name
            if set(sources) != set(wanted):
                self._fail(f"has other pivot key values for {name} than for its other new columns", _DIFFERENT_KEYS)
            for source in sources.values():
                self._check_type(lineage_id, source)
        for lineage_id, source in self._passed.items():
            self._check_type(lineage_id, source)
        for column in self._columns:
            if column.lineage_id not in {*self._sources, *self._passed, self._key_column.lineage_id}:
                self._fail(f"has the output column {column.name}, to which no input column leads", _UNMAPPED)
        _ = self._keys

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Yield the rows in the order of the input, and within a row of the keys."""
        output = self.plan.main_output.key
        for batch in next(iter(inputs.values())):
            # Each row has at most as many rows as there are keys.
            step = max(1, self.plan.buffer_rows // len(self._keys))
            for start in range(0, batch.num_rows, step):
                yield output, self._unpivoted(batch.slice(start, step))

    def _unpivoted(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        keys = list(next(iter(self._sources.values())))
        valid = np.zeros((batch.num_rows, len(keys)), np.bool_)
        for sources in self._sources.values():
            for number, key in enumerate(keys):
                valid[:, number] |= batch.column(sources[key]).is_valid().to_numpy(zero_copy_only=False)
        is_empty = np.asarray(~valid.any(axis=1))
        valid[is_empty, 0] = True
        rows, numbers = np.nonzero(valid)
        schema = self.plan.outputs[self.plan.main_output.key].arrow
        arrays = []
        for field in schema:
            if field.name in self._sources:
                sources = self._sources[field.name]
                every = pa.concat_arrays([batch.column(sources[key]) for key in keys])
                arrays.append(every.take(pa.array(numbers * batch.num_rows + rows)))
            elif field.name == self._key_column.lineage_id:
                missing = is_empty[rows]
                arrays.append(self._keys.take(pa.array(numbers, mask=missing if missing.any() else None)))
            else:
                arrays.append(batch.column(self._passed[field.name]).take(pa.array(rows)))
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    @cached_property
    def _columns(self) -> tuple[OutputColumn, ...]:
        return self.plan.main_output.columns

    @cached_property
    def _outputs(self) -> dict[str, OutputColumn]:
        return {column.lineage_id: column for column in self._columns}

    @cached_property
    def _key_column(self) -> OutputColumn:
        found = [column for column in self._columns if flag_of(column.properties, "PivotKey")]
        if not found:
            self._fail("has no column for the pivot key", _NO_KEY)
        return found[0]

    @cached_property
    def _sources(self) -> dict[str, dict[str, str]]:
        """For each new column the input column of each pivot key value."""
        found: dict[str, dict[str, str]] = {}
        for target, source, key in self._mapped():
            if key:
                if key in found.setdefault(target, {}):
                    name = self._outputs[target].name
                    self._fail(f"has the pivot key value {key!r} twice for the column {name}", _DUPLICATE_KEY)
                found[target][key] = source
        return found

    @cached_property
    def _passed(self) -> dict[str, str]:
        """The input column of each column that is passed on."""
        return {target: source for target, source, key in self._mapped() if not key}

    def _mapped(self) -> Iterator[tuple[str, str, str]]:
        known = {column.key: column.lineage_id for column in self._columns}
        for column in self.plan.stored.inputs[0].columns:
            reference = reference_of(column.properties, "DestinationColumn")
            if not reference:
                continue
            target = known.get(reference, reference)
            if target not in self._outputs:
                self._fail(f"maps the column {self._name(column.lineage_id)} to no output column", _UNKNOWN_OUTPUT)
            yield target, column.lineage_id, text_of(column.properties, "PivotKeyValue")

    @cached_property
    def _keys(self) -> pa.Array:
        type_ = self.plan.outputs[self.plan.main_output.key].by_lineage[self._key_column.lineage_id].type
        return typed_keys(self.plan, list(next(iter(self._sources.values()))), type_)

    def _check_type(self, lineage_id: str, source: str) -> None:
        wanted = self.plan.outputs[self.plan.main_output.key].by_lineage[lineage_id].type
        found = self.plan.inputs[self.plan.stored.inputs[0].key].by_lineage[source].type
        if not fits(found, wanted):
            self._fail(
                f"maps the column {self._name(source)} of type {found} to the column {self._outputs[lineage_id].name} "
                f"of type {wanted}. Convert it before",
                _DIFFERENT_TYPES,
            )

    def _name(self, lineage_id: str) -> str:
        return self.plan.inputs[self.plan.stored.inputs[0].key].by_lineage[lineage_id].name

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)
