"""Flat File Destination: writes text files with delimiters or fixed widths."""

from __future__ import annotations

import codecs
import errno
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, ClassVar

import pyarrow as pa

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.conversions.conversions import Conversion
from airflow_provider_ssis.engine.data_flow.conversions.parsing import Status
from airflow_provider_ssis.engine.data_flow.flat_files.file_columns import file_columns
from airflow_provider_ssis.engine.data_flow.flat_files.file_format import FileFormat, problems, read_format
from airflow_provider_ssis.engine.data_flow.flat_files.file_locale import file_locale
from airflow_provider_ssis.engine.data_flow.flat_files.writer import CANNOT_WRITE_VALUE, RowWriter
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import flag_of, text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal

_T = DataTypeCode
_TEXT = ColumnType(_T.DT_NTEXT)
_WIDE = ColumnType(_T.DT_WSTR, length=4000)
_BINARY = (_T.DT_IMAGE, _T.DT_BYTES)
STARTED, ENDED = 0x402090DC, 0x402090DD
CANNOT_OPEN, DISK_FULL, CANNOT_WRITE = 0xC020200E, 0xC02090AD, 0xC020209D
COLUMN_COUNT, NO_FORMAT = 0xC020820A, 0xC0202093


@dataclass(frozen=True, slots=True)
class _Written:
    """A column that arrives, and the index of the column of the file that it goes to."""

    name: str
    lineage_id: str
    index: int
    type: ColumnType


class FlatFileDestination(RowComponent):
    """Flat File Destination."""

    classes: ClassVar[tuple[str, ...]] = ("FlatFileDestination",)
    has_thread: ClassVar[bool] = True

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._columns = _written(plan)
        self._overwrites = flag_of(plan.stored.properties, "Overwrite", default=True)
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self.counts.rows = 0

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, and columns of types that are not text."""
        yield from unknown_properties(plan, {"Overwrite", "Header", "EscapeQualifier"})
        if not plan.stored.connections:
            yield Refusal(plan.path, "the connection", "there is none", "Choose a flat file connection manager.")
        for column in _written(plan):
            what = f"the column {column.name!r}"
            if column.type.code in _BINARY:
                yield Refusal(plan.path, what, f"flat files have no {column.type.code.name}", "Convert it to text.")
                continue
            try:
                _conversion(column.type, plan.locale_id)
            except ValueError as error:
                yield Refusal(plan.path, what, str(error), "Convert it to text before.")

    def _format(self, context: TaskContext) -> tuple[FileFormat, RunConnection]:
        stored = self.plan.stored.connections[0]
        connection = context.connections.get(stored.manager_ref_id or stored.manager_id)
        if connection.kind == "MULTIFLATFILE":
            text = f"{self.plan.stored.name} cannot write to several files ({connection.name})."
            raise TaskFailure(text, CANNOT_OPEN)
        found = read_format(connection)
        for problem in problems(found):
            raise TaskFailure(f"The connection manager {connection.name} cannot be used: {problem}.", NO_FORMAT)
        return found, connection

    def validate(self, context: TaskContext) -> None:
        """Compare the columns with those of the connection manager."""
        found, _ = self._format(context)
        for column in self._placed(found):
            if column.index >= len(found.columns):
                text = f'The connection manager of {self.plan.stored.name} has no column for "{column.name}".'
                raise TaskFailure(text, COLUMN_COUNT)
        self._conversions_of(found)

    def _placed(self, found: FileFormat) -> tuple[_Written, ...]:
        """The columns with the indices that the connection manager has for their names."""
        places = file_columns(self.plan, self.plan.stored.inputs[0].external_columns, found)
        return tuple(replace(column, index=places[column.index]) for column in _written(self.plan))

    def _conversions_of(self, found: FileFormat) -> list[Conversion | None]:
        locale_id = file_locale(self.plan, found.locale_id)
        try:
            return [_conversion(column.type, locale_id) for column in self._columns]
        except ValueError as error:
            raise TaskFailure(f"{self.plan.stored.name} cannot write its file: {error}.", NO_FORMAT) from error

    def open(self, context: TaskContext) -> None:
        """Open the file, and write the header and the names."""
        self._context = context
        found, connection = self._format(context)
        self._found = found
        self._path = context.connections.path(connection.connection_string)
        self._writer = RowWriter(found, flag_of(self.plan.stored.properties, "EscapeQualifier"))
        self._columns = self._placed(found)
        self._conversions = self._conversions_of(found)
        self._inform(f'The processing of file "{self._path}" has started.', STARTED)
        try:
            self._file = self._path.open("wb" if self._overwrites else "ab", buffering=1 << 20)
            if found.is_unicode and self._file.tell() == 0:
                self._file.write(codecs.BOM_UTF16_LE)
            header = text_of(self.plan.stored.properties, "Header")
            if header:
                self._file.write((header + found.header_delimiter).encode(found.encoding))
            if found.has_names:
                self._file.write(self._writer.header())
        except UnicodeEncodeError as error:
            raise TaskFailure(
                f"The code page {found.code_page} lacks a character of the header or of the names of the columns. "
                "Choose the code page 65001 (UTF-8) or a Unicode file.",
                CANNOT_WRITE_VALUE,
            ) from error
        except OSError as error:
            raise self._failure(error, CANNOT_OPEN) from error

    def process(self, input_key: str, batch: pa.RecordBatch) -> tuple[Emitted, ...]:
        """Write the rows."""
        assert self._file is not None  # noqa: S101 open sets it
        texts: list[pa.StringArray] = [pa.nulls(batch.num_rows, pa.string())] * len(self._found.columns)
        rows = self.counts.rows or 0
        for column, conversion in zip(self._columns, self._conversions, strict=True):
            values = batch.column(column.lineage_id)
            texts[column.index] = values if conversion is None else _texts(values, conversion, column.name, rows + 1)
        data = self._writer.rows(texts, rows + 1)
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failure(error, CANNOT_WRITE) from error
        self.counts.rows = rows + batch.num_rows
        return ()

    def finish(self) -> tuple[Emitted, ...]:
        """Write what is still in memory."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                raise self._failure(error, CANNOT_WRITE) from error
        return ()

    def close(self, *, failed: bool) -> None:
        """Close the file. After a failure it has the rows that were written before."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.close()
        except OSError as error:
            if not failed:
                raise self._failure(error, CANNOT_WRITE) from error
        self._inform(f'The processing of file "{self._path}" has ended.', ENDED)

    def _failure(self, error: OSError, code: int) -> TaskFailure:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            code = DISK_FULL
        reason = error.strerror or str(error)
        written = "the file is incomplete" if self.counts.rows else "no row was written"
        return TaskFailure(f'The file "{self._path}" cannot be written: {reason}; {written}.', code)

    def _inform(self, text: str, code: int) -> None:
        self._context.information(text, code, subcomponent=self.plan.subcomponent)


def _written(plan: ComponentPlan) -> tuple[_Written, ...]:
    stored = plan.stored.inputs[0]
    schema = plan.inputs.get(stored.key)
    if schema is None:
        return ()
    external = {column.key: index for index, column in enumerate(stored.external_columns)}
    return tuple(
        _Written(found.name, found.lineage_id, external[column.external_key], found.type)
        for column in stored.columns
        if column.external_key in external and (found := schema.by_lineage.get(column.lineage_id)) is not None
    )


def _conversion(type_: ColumnType, locale_id: int) -> Conversion | None:
    """The conversion to text; None for text."""
    if type_.code in (_T.DT_STR, _T.DT_WSTR):
        return None
    is_large = type_.code in (_T.DT_TEXT, _T.DT_NTEXT)
    return Conversion(type_, _TEXT if is_large else _WIDE, locale_id)


def _texts(values: pa.Array, conversion: Conversion, name: str, first_row: int) -> pa.StringArray:
    converted = conversion.convert(values)
    if converted.statuses is not None and converted.statuses.any():
        row = int(converted.statuses.nonzero()[0][0])
        status = Status(int(converted.statuses[row])).name
        text = f'In row {first_row + row}, the value of the column "{name}" cannot be written as text ({status}).'
        raise TaskFailure(text, 0xC02020A1)
    return converted.values.cast(pa.string())
