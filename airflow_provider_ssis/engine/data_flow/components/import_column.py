"""Import Column: reads files into new columns. Facts: data flow, sections 1.13 and 3.23.

A path that is NULL gives NULL.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import pyarrow as pa

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import Emitted
from airflow_provider_ssis.engine.data_flow.file_columns import (
    CANNOT_READ,
    NO_BOM,
    FileColumn,
    FileColumnCodes,
    FileColumnComponent,
    Problem,
)
from airflow_provider_ssis.engine.data_flow.file_values import NoBomError, from_content
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, OUTPUT_COLUMN, StoredParts

_UNKNOWN_COLUMN = 0xC0208029
_CANNOT_OPEN, _NO_FOLDER = 0xC0209091, 0xC02090BE
_CODES = {
    errno.ENOENT: 0xC02090BC,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EMFILE: 0xC02090C0,
    errno.EACCES: 0xC02090C2,
    errno.EPERM: 0xC02090C2,
    errno.EISDIR: 0xC02090C2,
    errno.EIO: CANNOT_READ,
}
_PART_BYTES = 32 * 1024 * 1024
"""The most bytes of the files of a part of a batch."""


@dataclass(frozen=True, slots=True)
class _Import(FileColumn):
    """A column with paths, and the new column for the content of the files."""

    expects_bom: bool


class ImportColumn(FileColumnComponent):
    """Reads files, and adds their content to the rows."""

    classes: ClassVar[tuple[str, ...]] = ("Inserter",)
    parts: ClassVar[StoredParts] = StoredParts(
        {INPUT_COLUMN: frozenset({"FileDataColumnID", "ExpectBOM"})},
        dispositions=frozenset({INPUT_COLUMN, OUTPUT_COLUMN}),
    )
    verb = "read"
    check_codes = FileColumnCodes(no_columns=0xC0208037, no_text=0xC0208039, no_blob=0xC0208038)

    def validate(self, context: TaskContext) -> None:
        """Check the columns."""
        self.check(self._imports)

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Read the files of a batch, in parts that fit into memory."""
        start = 0
        while start < batch.num_rows:
            count, values, problems = self._read(batch.slice(start))
            part = batch.slice(start, count)
            rows = self._with_values(part, values)
            yield from self.sort_out(part, rows, list(zip(self._imports, problems, strict=True)))
            start += count

    def _read(self, batch: pa.RecordBatch) -> tuple[int, list[list[Any]], list[dict[int, Problem]]]:
        """Read the files of the first rows; returns their number, the values and the problems of each column."""
        paths = [batch.column(one.path.lineage_id).to_pylist() for one in self._imports]
        values: list[list[Any]] = [[] for _ in self._imports]
        problems: list[dict[int, Problem]] = [{} for _ in self._imports]
        size = 0
        for row in range(batch.num_rows):
            self._context.cancel.check()
            for index, one in enumerate(self._imports):
                value, code, reason = self._value(one, paths[index][row])
                values[index].append(value)
                if code:
                    problems[index][row] = (code, reason)
                size += len(value or b"")
            if size > _PART_BYTES:
                return row + 1, values, problems
        return batch.num_rows, values, problems

    def _with_values(self, batch: pa.RecordBatch, values: list[list[Any]]) -> pa.RecordBatch:
        schema = self.plan.outputs[self.plan.main_output.key].arrow
        read = {one.data.lineage_id: column for one, column in zip(self._imports, values, strict=True)}
        arrays = [
            pa.array(read[field.name], field.type) if field.name in read else batch.column(field.name)
            for field in schema
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _value(self, one: _Import, path: str | None) -> tuple[str | bytes | None, int, str]:
        """The content of a file, or the code of an error and its reason."""
        if path is None:
            return None, 0, ""
        file = self._context.connections.path(path)
        try:
            return from_content(file.read_bytes(), one.data.type, expect_bom=one.expects_bom), 0, ""
        except NoBomError:
            return None, NO_BOM, f"it does not begin with a byte order mark: {path}."
        except ValueError as error:
            return None, CANNOT_READ, f"{error}: {path}."
        except OSError as error:
            code = _CODES.get(error.errno or 0, _CANNOT_OPEN)
            if error.errno == errno.ENOENT and not file.parent.exists():
                code = _NO_FOLDER
            return None, code, f"{error.strerror}: {path}."

    @cached_property
    def _imports(self) -> list[_Import]:
        output = self.plan.main_output
        types = self.plan.outputs[output.key].by_lineage
        columns = {column.lineage_id: column for column in output.columns}
        lineage_ids = {column.key: column.lineage_id for column in output.columns}
        found = []
        for column, path, reference, _ in self.references():
            lineage_id = lineage_ids.get(reference, reference)
            if lineage_id not in columns:
                self.fail(f"has no column for the files in {path.name}", _UNKNOWN_COLUMN)
            found.append(
                _Import(column, columns[lineage_id], path, types[lineage_id], flag_of(column.properties, "ExpectBOM"))
            )
        return found
