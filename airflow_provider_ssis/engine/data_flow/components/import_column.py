"""Import Column: reads files into new columns. Facts: data flow, sections 1.13 and 3.23.

A path that is NULL gives NULL.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NoReturn

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import LARGE_OBJECTS, STRINGS
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.file_values import NoBomError, from_content, message_code
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.rows import RowColumn
from airflow_provider_ssis.engine.data_flow.stored_columns import flag_of, reference_of
from airflow_provider_ssis.engine.data_flow.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import InputColumn

_UNKNOWN_COLUMN, _NOT_REFERENCED, _NO_BLOB, _NO_TEXT = 0xC0208029, 0xC0208037, 0xC0208038, 0xC0208039
_CANNOT_OPEN, _CANNOT_READ, _NO_BOM, _NO_FOLDER = 0xC0209091, 0xC0209094, 0xC02090C4, 0xC02090BE
_CODES = {
    errno.ENOENT: 0xC02090BC,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EMFILE: 0xC02090C0,
    errno.EACCES: 0xC02090C2,
    errno.EPERM: 0xC02090C2,
    errno.EISDIR: 0xC02090C2,
    errno.EIO: _CANNOT_READ,
}
_PART_BYTES = 32 * 1024 * 1024
"""What the files of a part of a batch may have, before the part goes on."""


@dataclass(frozen=True, slots=True)
class _Import:
    """A column with paths, and the column for the content of the files."""

    stored: InputColumn
    path: RowColumn
    data: RowColumn
    expects_bom: bool


class ImportColumn(RowComponent):
    """Reads files, and adds their content to the rows."""

    classes: ClassVar[tuple[str, ...]] = ("Inserter",)

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._first_row = 1

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties."""
        yield from unknown_properties(plan, ())

    def validate(self, context: TaskContext) -> None:
        """Check the columns."""
        if not self._imports:
            self._fail("imports no column", _NOT_REFERENCED)
        for one in self._imports:
            if one.path.type.code not in STRINGS:
                self._fail(f"has paths in the column {one.path.name} of type {one.path.type}. Paths are text", _NO_TEXT)
            if one.data.type.code not in LARGE_OBJECTS:
                self._fail(
                    f"imports into the column {one.data.name} of type {one.data.type}. It needs DT_TEXT, DT_NTEXT or "
                    "DT_IMAGE",
                    _NO_BLOB,
                )

    def open(self, context: TaskContext) -> None:
        """Keep the context, which maps paths."""
        self._context = context

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterator[Emitted]:
        """Read the files of a batch, in parts that fit into memory."""
        start = 0
        while start < batch.num_rows:
            rows, values, errors = self._read(batch.slice(start))
            yield from self._emitted(batch.slice(start, rows), values, errors)
            start += rows

    def _read(self, batch: pa.RecordBatch) -> tuple[int, list[list[Any]], list[dict[int, tuple[int, str]]]]:
        """Read the files of the first rows; returns their number, the values and the errors of each column."""
        paths = [batch.column(one.path.lineage_id).to_pylist() for one in self._imports]
        values: list[list[Any]] = [[] for _ in self._imports]
        errors: list[dict[int, tuple[int, str]]] = [{} for _ in self._imports]
        size = 0
        for row in range(batch.num_rows):
            self._context.cancel.check()
            for index, one in enumerate(self._imports):
                value, code, reason = self._value(one, paths[index][row])
                values[index].append(value)
                if code:
                    errors[index][row] = (code, reason)
                size += len(value or b"")
            if size > _PART_BYTES:
                return row + 1, values, errors
        return batch.num_rows, values, errors

    def _emitted(
        self, batch: pa.RecordBatch, values: list[list[Any]], errors: list[dict[int, tuple[int, str]]]
    ) -> Iterator[Emitted]:
        first_row, self._first_row = self._first_row, self._first_row + batch.num_rows
        found = [
            self._column_errors(one, reasons, batch.num_rows)
            for one, reasons in zip(self._imports, errors, strict=True)
        ]
        result = apply_dispositions(self.plan, batch, found, first_row)
        if result.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, result.redirected
        key = self.plan.main_output.key
        schema = self.plan.outputs[key].arrow
        read = {one.data.lineage_id: column for one, column in zip(self._imports, values, strict=True)}
        arrays = [
            pa.array(read[field.name], field.type) if field.name in read else batch.column(field.name)
            for field in schema
        ]
        rows = pa.RecordBatch.from_arrays(arrays, schema=schema)
        yield key, rows if result.kept is None else rows.filter(pa.array(result.kept))

    def _column_errors(self, one: _Import, reasons: dict[int, tuple[int, str]], rows: int) -> ColumnErrors:
        codes = np.zeros(rows, np.uint32)
        for row, (code, _) in reasons.items():
            codes[row] = code

        def detail(row: int) -> TaskFailure:
            code, reason = reasons[row]
            text = f"{self.plan.stored.name} could not read the file: {reason}"
            return TaskFailure(text, message_code(code), subcomponent=self.plan.subcomponent)

        name = f'the column "{one.path.name}"'
        return ColumnErrors(codes, False, one.stored.error_disposition, one.path.lineage_id, name, detail)

    def _value(self, one: _Import, path: str | None) -> tuple[str | bytes | None, int, str]:
        """The content of a file, or the code of an error and its reason."""
        if path is None:
            return None, 0, ""
        file = self._context.connections.path(path)
        try:
            return from_content(file.read_bytes(), one.data.type, expect_bom=one.expects_bom), 0, ""
        except NoBomError:
            return None, _NO_BOM, f"it does not begin with a byte order mark: {path}."
        except ValueError as error:
            return None, _CANNOT_READ, f"{error}: {path}."
        except OSError as error:
            code = _CODES.get(error.errno or 0, _CANNOT_OPEN)
            if error.errno == errno.ENOENT and not file.parent.exists():
                code = _NO_FOLDER
            return None, code, f"{error.strerror}: {path}."

    @cached_property
    def _imports(self) -> list[_Import]:
        output = self.plan.main_output
        types = self.plan.outputs[output.key].by_lineage
        lineage_ids = {column.key: column.lineage_id for column in output.columns}
        found = []
        for one in self.plan.stored.inputs:
            known = self.plan.inputs[one.key].by_lineage
            for column in one.columns:
                reference = reference_of(column.properties, "FileDataColumnID")
                lineage_id = lineage_ids.get(reference, reference)
                if not reference:
                    continue
                if lineage_id not in types:
                    self._fail(f"has no column for the files in {known[column.lineage_id].name}", _UNKNOWN_COLUMN)
                bom = flag_of(column.properties, "ExpectBOM")
                found.append(_Import(column, known[column.lineage_id], types[lineage_id], bom))
        return found

    def _fail(self, text: str, code: int) -> NoReturn:
        raise TaskFailure(f"{self.plan.stored.name} {text}.", code, subcomponent=self.plan.subcomponent)
