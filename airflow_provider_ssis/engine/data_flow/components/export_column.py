"""Export Column: writes the values of large columns to files. Facts: data flow, sections 1.13 and 3.23.

NULL makes an empty file. Files that were written stay when the data flow fails.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NoReturn

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import LARGE_OBJECTS, STRINGS, DataTypeCode
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.file_values import BOM, message_code, to_content
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.rows import RowColumn
from airflow_provider_ssis.engine.data_flow.stored_columns import flag_of, input_column, reference_of
from airflow_provider_ssis.engine.data_flow.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import InputColumn

_NOT_REFERENCED, _NO_DATA_COLUMN, _NO_BLOB, _NO_TEXT = 0xC0208026, 0xC0208027, 0xC0208028, 0xC0208032
_APPENDS_AND_TRUNCATES = 0xC0208033
_CANNOT_OPEN, _CANNOT_WRITE, _FILE_EXISTS, _DISK_FULL = 0xC0209093, 0xC0209095, 0xC02090A7, 0xC02090AE
_CODES = {
    errno.ENOENT: 0xC02090A1,
    errno.ENOTDIR: 0xC02090A1,
    errno.EMFILE: 0xC02090A3,
    errno.EACCES: 0xC02090A5,
    errno.EPERM: 0xC02090A5,
    errno.EISDIR: 0xC02090A5,
    errno.EEXIST: _FILE_EXISTS,
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
}


@dataclass(frozen=True, slots=True)
class _Export:
    """A column whose values become files, and the column with their paths."""

    stored: InputColumn
    path: RowColumn
    data: RowColumn
    appends: bool
    truncates: bool
    writes_bom: bool


class ExportColumn(RowComponent):
    """Writes files, and passes the rows on."""

    classes: ClassVar[tuple[str, ...]] = ("Extractor",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._first_row = 1

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, ())

    def validate(self, context: TaskContext) -> None:
        """Check the columns."""
        if not self._exports:
            self._fail("exports no column", _NOT_REFERENCED)
        for one in self._exports:
            if one.path.type.code not in STRINGS:
                self._fail(f"has paths in the column {one.path.name} of type {one.path.type}. Paths are text", _NO_TEXT)
            if one.data.type.code not in LARGE_OBJECTS:
                self._fail(
                    f"exports the column {one.data.name} of type {one.data.type}. Convert it to DT_TEXT, DT_NTEXT or "
                    "DT_IMAGE",
                    _NO_BLOB,
                )
            if one.appends and one.truncates:
                self._fail(
                    f"has both AllowAppend and ForceTruncate for the column {one.data.name}. Choose one",
                    _APPENDS_AND_TRUNCATES,
                )

    def open(self, context: TaskContext) -> None:
        """Keep the context, which maps paths."""
        self._context = context

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Write the files of a batch."""
        first_row, self._first_row = self._first_row, self._first_row + batch.num_rows
        errors = [self._exported(batch, one) for one in self._exports]
        result = apply_dispositions(self.plan, batch, errors, first_row)
        if result.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, result.redirected
        kept = batch if result.kept is None else batch.filter(pa.array(result.kept))
        yield self.plan.main_output.key, kept

    def _exported(self, batch: pa.RecordBatch, one: _Export) -> ColumnErrors:
        paths = batch.column(one.path.lineage_id).to_pylist()
        values = batch.column(one.data.lineage_id)
        codes = np.zeros(batch.num_rows, np.uint32)
        reasons: dict[int, str] = {}
        disposition = one.stored.error_disposition
        for row, path in enumerate(paths):
            self._context.cancel.check()
            code, reason = self._write(one, path, values[row].as_py())
            codes[row] = code
            if code:
                reasons[row] = reason
                if disposition not in ("IgnoreFailure", "RedirectRow"):
                    break

        def detail(row: int) -> TaskFailure:
            text = f"{self.plan.stored.name} could not write the file: {reasons[row]}"
            return TaskFailure(text, message_code(int(codes[row])), subcomponent=self.plan.subcomponent)

        return ColumnErrors(codes, False, disposition, one.path.lineage_id, f'the column "{one.path.name}"', detail)

    def _write(self, one: _Export, path: str | None, value: str | bytes | None) -> tuple[int, str]:
        """Write a file; returns the code of an error and its reason, or 0."""
        if path is None:
            return _CANNOT_OPEN, "the path is NULL."
        try:
            content = to_content(value, one.data.type)
        except ValueError as error:
            return _CANNOT_WRITE, f"{error}."
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
        for one in self.plan.stored.inputs:
            known = self.plan.inputs[one.key].by_lineage
            for column in one.columns:
                reference = reference_of(column.properties, "FileDataColumnID")
                if not reference:
                    continue
                data = input_column(self.plan.stored, reference)
                if data is None:
                    name = known[column.lineage_id].name
                    self._fail(f"has no column with the values for the paths in {name}", _NO_DATA_COLUMN)
                both = (column.properties, data[1].properties)
                found.append(
                    _Export(
                        column,
                        known[column.lineage_id],
                        known[data[1].lineage_id],
                        *(
                            any(flag_of(properties, name) for properties in both)
                            for name in ("AllowAppend", "ForceTruncate", "WriteBOM")
                        ),
                    )
                )
        return found

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)
