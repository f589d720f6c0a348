"""Audit: adds columns with facts about the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.datatypes import STRINGS, DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.conversions.conversions import fit
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions.arrow import as_column
from airflow_provider_ssis.expressions.values import from_python

VARIABLES = (
    "ExecutionInstanceGUID",
    "PackageID",
    "PackageName",
    "VersionGUID",
    "StartTime",
    "MachineName",
    "UserName",
    "TaskName",
    "TaskID",
)
"""The system variable of each value of LineageItemSelected."""

_TRUNCATED = 0xC02092B3


class Audit(RowComponent):
    """Audit."""

    classes: ClassVar[tuple[str, ...]] = ("Lineage",)
    parts: ClassVar[StoredParts] = StoredParts({OUTPUT_COLUMN: frozenset({"LineageItemSelected"})})

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, and unknown facts."""
        yield from unknown_properties(plan, ())
        for column in plan.main_output.columns:
            item = text_of(column.properties, "LineageItemSelected")
            if not item.isdecimal() or int(item) >= len(VARIABLES):
                yield Refusal(
                    plan.path, f"the column {column.name!r}", f"LineageItemSelected is {item!r}, which is unknown"
                )

    def open(self, context: TaskContext) -> None:
        """Read the system variables."""
        output = self.plan.main_output
        columns = self.plan.outputs[output.key].by_lineage
        self._values: list[pa.Array] = []
        for stored in output.columns:
            column = columns[stored.lineage_id or stored.key]
            name = VARIABLES[int(text_of(stored.properties, "LineageItemSelected"))]
            found = context.read(f"System::{name}")
            value = str(found) if column.type.code in STRINGS else from_python(found, column.type)
            if name == "MachineName" and column.type.code in STRINGS:
                # Windows cuts the name of a machine to 15 characters, the default length of the column.
                value = fit(str(value), column.type)
            if column.type.code in STRINGS and fit(str(value), column.type) != value:
                text = f'In {self.plan.stored.name}, the column "{column.name}" is too short for {name}.'
                raise TaskFailure(text, _TRUNCATED)
            if column.type.code is DataTypeCode.DT_GUID and isinstance(value, str):
                value = from_python(value, column.type)
            self._values.append(as_column([value], column.type))

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Add the columns."""
        output = self.plan.main_output
        added = [pa.repeat(value[0], batch.num_rows) for value in self._values]
        schema = self.plan.outputs[output.key].arrow
        yield output.key, pa.RecordBatch.from_arrays([*batch.columns, *added], schema=schema)
