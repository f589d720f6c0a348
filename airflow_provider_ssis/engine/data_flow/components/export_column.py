"""Export Column: writes the values of large columns to files. Facts: data flow, sections 1.13 and 3.23.

NULL makes an empty file. Files that were written stay when the data flow fails.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from airflow_provider_ssis.datatypes import DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import Emitted
from airflow_provider_ssis.engine.data_flow.file_columns import (
    CANNOT_WRITE,
    DISK_FULL,
    FileColumn,
    FileColumnCodes,
    FileColumnComponent,
    Problem,
)
from airflow_provider_ssis.engine.data_flow.file_values import BOM, to_content
from airflow_provider_ssis.engine.data_flow.row_errors import IGNORE, REDIRECT
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, input_column
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT_COLUMN, StoredParts

_NO_DATA_COLUMN = 0xC0208027
_APPENDS_AND_TRUNCATES = 0xC0208033
_CANNOT_OPEN, _FILE_EXISTS = 0xC0209093, 0xC02090A7
_CODES = {
    errno.ENOENT: 0xC02090A1,
    errno.ENOTDIR: 0xC02090A1,
    errno.EMFILE: 0xC02090A3,
    errno.EACCES: 0xC02090A5,
    errno.EPERM: 0xC02090A5,
    errno.EISDIR: 0xC02090A5,
    errno.EEXIST: _FILE_EXISTS,
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
}


@dataclass(frozen=True, slots=True)
class _Export(FileColumn):
    """A column with paths, and the column whose values become the files."""

    appends: bool
    truncates: bool
    writes_bom: bool


class ExportColumn(FileColumnComponent):
    """Writes files, and passes the rows on."""

    classes: ClassVar[tuple[str, ...]] = ("Extractor",)
    parts: ClassVar[StoredParts] = StoredParts(
        {INPUT_COLUMN: frozenset({"FileDataColumnID", "AllowAppend", "ForceTruncate", "WriteBOM"})},
        dispositions=frozenset({INPUT_COLUMN}),
    )
    verb = "write"
    check_codes = FileColumnCodes(no_columns=0xC0208026, no_text=0xC0208032, no_blob=0xC0208028)

    def validate(self, context: TaskContext) -> None:
        """Check the columns."""
        self.check(self._exports)
        for one in self._exports:
            if one.appends and one.truncates:
                self.fail(
                    f"has both AllowAppend and ForceTruncate for the column {one.data.name}. Choose one",
                    _APPENDS_AND_TRUNCATES,
                )

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Write the files of a batch."""
        yield from self.sort_out(batch, batch, [(one, self._exported(batch, one)) for one in self._exports])

    def _exported(self, batch: pa.RecordBatch, one: _Export) -> dict[int, Problem]:
        """Write the files of a column, until the first problem if it fails the component."""
        paths = batch.column(one.path.lineage_id).to_pylist()
        values = batch.column(one.data.lineage_id)
        problems: dict[int, Problem] = {}
        for row, path in enumerate(paths):
            self._context.cancel.check()
            code, reason = self._write(one, path, values[row].as_py())
            if code:
                problems[row] = (code, reason)
                if one.disposition(code) not in (IGNORE, REDIRECT):
                    break
        return problems

    def _write(self, one: _Export, path: str | None, value: str | bytes | None) -> tuple[int, str]:
        """Write a file; returns the code of an error and its reason, or 0."""
        if path is None:
            return _CANNOT_OPEN, "the path is NULL."
        try:
            content = to_content(value, one.data.type)
        except ValueError as error:
            return CANNOT_WRITE, f"{error}."
        file = self._context.connections.path(path)
        mode = "ab" if one.appends else "wb" if one.truncates else "xb"
        try:
            begins = not (one.appends and file.exists() and file.stat().st_size)
            bom = BOM if begins and one.writes_bom and one.data.type.code is DataTypeCode.DT_NTEXT else b""
            with Path(file).open(mode) as opened:
                opened.write(bom + content)
        except OSError as error:
            return _CODES.get(error.errno or 0, _CANNOT_OPEN), f"{error.strerror}: {path}."
        return 0, ""

    @cached_property
    def _exports(self) -> list[_Export]:
        found = []
        for column, path, reference, known in self.references():
            data = input_column(self.plan.stored, reference)
            if data is None:
                self.fail(f"has no column with the values for the paths in {path.name}", _NO_DATA_COLUMN)
            both = (column.properties, data[1].properties)
            flags = [
                any(flag_of(properties, name) for properties in both)
                for name in ("AllowAppend", "ForceTruncate", "WriteBOM")
            ]
            found.append(_Export(column, data[1], path, known[data[1].lineage_id], *flags))
        return found
