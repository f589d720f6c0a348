"""The Raw File Destination: writes a file for a Raw File Source."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.raw_files import (
    CANNOT_APPEND,
    CANNOT_WRITE,
    EXISTS,
    OTHER_TYPE,
    batches_of,
    check_types,
    open_raw_file,
    path_of,
    schema_of,
)
from airflow_provider_ssis.engine.data_flow.rows import RowColumn
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import number_of
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import other_values, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_CREATE_ALWAYS, _CREATE_ONCE, _APPEND, _TRUNCATE_AND_APPEND = range(4)


class RawFileDestination(RowComponent):
    """Writes a raw file. It replaces the file at the end, so that a failure leaves the file before."""

    classes: ClassVar[tuple[str, ...]] = ("RawDestination",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self.counts.rows = 0
        input_ = plan.stored.inputs[0]
        external = {column.key: column.name for column in input_.external_columns}
        flow = plan.inputs[input_.key].by_lineage if input_.key in plan.inputs else {}
        self._lineage_ids = [column.lineage_id for column in input_.columns if column.lineage_id in flow]
        self._columns = tuple(
            RowColumn(
                column.lineage_id,
                external.get(column.external_key) or column.name or flow[column.lineage_id].name,
                flow[column.lineage_id].type,
            )
            for column in input_.columns
            if column.lineage_id in flow
        )
        self._option = number_of(plan.stored.properties, "WriteOption")
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._part: Path | None = None

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties and write options."""
        yield from unknown_properties(plan, {"AccessMode", "FileName", "FileNameVariable", "WriteOption"})
        why = "the engine does not know this access mode"
        yield from other_values(plan, "AccessMode", ("0", "1"), why, "Set it to 0 (a name) or 1 (a variable).")
        option = number_of(plan.stored.properties, "WriteOption")
        if option not in (_CREATE_ALWAYS, _CREATE_ONCE, _APPEND, _TRUNCATE_AND_APPEND):
            yield Refusal(plan.path, f"the write option {option}", "it is not one of a Raw File Destination (0 to 3)")

    def validate(self, context: TaskContext) -> None:
        """Check the types of the columns."""
        check_types(self.plan, self._columns)

    def open(self, context: TaskContext) -> None:
        """Begin a new file next to the old one."""
        self._path = path_of(context, self.plan)
        self._schema = schema_of(self._columns)
        exists = self._path.exists()
        if self._option == _CREATE_ONCE and exists:
            raise TaskFailure(f"The raw file {self._path} exists, and it is created only once.", EXISTS)
        if self._option in (_APPEND, _TRUNCATE_AND_APPEND) and not exists:
            raise TaskFailure(f"The raw file {self._path} does not exist, so nothing can be appended.", CANNOT_APPEND)
        self._part = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex}.part")
        try:
            self._writer = pa.ipc.new_file(str(self._part), self._schema)
            if self._option in (_APPEND, _TRUNCATE_AND_APPEND):
                self._take_over()
        except OSError as error:
            raise self._failure(error) from error

    def _take_over(self) -> None:
        """Check the columns of the old file, and copy its rows if they stay."""
        with open_raw_file(self._path) as (file, reader):
            types = {column.name: str(column.type) for column in self._columns}
            if file.columns != types:
                raise TaskFailure(
                    f"{self._path} has other columns than {self.plan.stored.name} writes, so nothing can be appended.",
                    OTHER_TYPE,
                )
            if self._option == _APPEND and self._writer is not None:
                for batch in batches_of(file, reader):
                    arrays = [batch.column(column.name) for column in self._columns]
                    self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterable[Emitted]:
        """Write a batch."""
        arrays = [batch.column(lineage_id) for lineage_id in self._lineage_ids]
        try:
            if self._writer is not None:
                self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        except OSError as error:
            raise self._failure(error) from error
        self.counts.rows = (self.counts.rows or 0) + batch.num_rows
        return ()

    def finish(self) -> Iterable[Emitted]:
        """Replace the file."""
        try:
            if self._writer is not None and self._part is not None:
                self._writer.close()
                self._writer = None
                self._part.replace(self._path)
        except OSError as error:
            raise self._failure(error) from error
        return ()

    def _failure(self, error: OSError) -> TaskFailure:
        return TaskFailure(f"The raw file {self._path} cannot be written: {error.strerror or error}.", CANNOT_WRITE)

    def close(self, *, failed: bool) -> None:
        """Remove an incomplete file."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
        if self._part is not None:
            self._part.unlink(missing_ok=True)
