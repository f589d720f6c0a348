"""The Raw File Source: reads the file of a Raw File Destination."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.raw_files import (
    MISSING_COLUMN,
    OTHER_TYPE,
    RawFile,
    batches_of,
    open_raw_file,
    path_of,
)
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import other_values, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal


class RawFileSource(FlowComponent):
    """Reads a raw file of the engine."""

    classes: ClassVar[tuple[str, ...]] = ("RawSource",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        output = plan.main_output
        external = {column.key: column.name for column in output.external_columns}
        self._schema = plan.outputs[output.key]
        stored = {column.lineage_id: column for column in output.columns}
        self._names = [
            external.get(stored[column.lineage_id].external_key, column.name) for column in self._schema.columns
        ]

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties."""
        yield from unknown_properties(plan, {"AccessMode", "FileName", "FileNameVariable"})
        why = "the engine does not know this access mode"
        yield from other_values(plan, "AccessMode", ("0", "1"), why, "Set it to 0 (a name) or 1 (a variable).")

    def open(self, context: TaskContext) -> None:
        """Find the file."""
        self._path = path_of(context, self.plan)
        self._cancel = context.cancel

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Yield the rows of the file."""
        with open_raw_file(self._path) as (file, reader):
            self._check(file)
            for batch in batches_of(file, reader):
                self._cancel.check()
                arrays = [batch.column(name) for name in self._names]
                yield self.plan.main_output.key, pa.RecordBatch.from_arrays(arrays, schema=self._schema.arrow)

    def _check(self, file: RawFile) -> None:
        for name, column in zip(self._names, self._schema.columns, strict=True):
            if name not in file.columns:
                raise TaskFailure(f"{file.path} has no column {name}.", MISSING_COLUMN)
            if file.columns[name] != str(column.type):
                raise TaskFailure(
                    f"The column {name} of {file.path} has the type {file.columns[name]}, and {self.plan.stored.name} "
                    f"expects {column.type}.",
                    OTHER_TYPE,
                )
