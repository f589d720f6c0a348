"""Flat File Source: reads text files with delimiters or fixed widths."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import DECIMALS, INTEGERS, REALS, STRINGS, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.paths import hint_of_case
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, FlowComponent
from airflow_provider_ssis.engine.data_flow.conversions.conversions import Conversion
from airflow_provider_ssis.engine.data_flow.conversions.parsing import Status
from airflow_provider_ssis.engine.data_flow.flat_files.file_columns import COLUMN_MISMATCH, file_columns
from airflow_provider_ssis.engine.data_flow.flat_files.file_format import FileFormat, problems, read_format
from airflow_provider_ssis.engine.data_flow.flat_files.file_locale import file_locale
from airflow_provider_ssis.engine.data_flow.flat_files.texts import FlatFileTexts, TextRows
from airflow_provider_ssis.engine.data_flow.row_errors import REDIRECT, ColumnErrors, apply_dispositions, status_errors
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import column_type, flag_of, text_of
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import OUTPUT_COLUMN, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.project.package.data_flow import OutputColumn

_T = DataTypeCode
_TEXT = ColumnType(_T.DT_WSTR, length=2**31 - 1)
CODES = {
    Status.CANNOT_CONVERT: 0xC0209084,
    Status.TRUNCATED: 0xC0209085,
    Status.SIGN_MISMATCH: 0xC0209086,
    Status.OVERFLOW: 0xC0209087,
}
"""The codes DTS_E_FLATFILESOURCEADAPTERSTATIC_... by the status of a value."""

_REASONS = {
    Status.CANNOT_CONVERT: (2, "the value cannot be converted without losing data"),
    Status.TRUNCATED: (4, "the text is too long, or its code page lacks a character"),
    Status.SIGN_MISMATCH: (5, "the type has no negative values"),
    Status.OVERFLOW: (6, "the value is out of the range of the type"),
}
STARTED, TOTAL_ROWS, ENDED = 0x402090DC, 0x402090DE, 0x402090DD
CANNOT_OPEN = 0xC020200E
ERROR_READING = 0xC0202092
CONVERSION_FAILED = 0xC02020A1
PARTIAL_ROW, END_IN_HEADER = 0x8020200F, 0x8020202B
COLUMN_COUNT = 0xC020820A
_EMPTY_DATES = {_T.DT_DATE: "1899-12-30", _T.DT_DBTIMESTAMP: "1753-01-01"}


@dataclass(frozen=True, slots=True)
class _Read:
    """A column of the output, and the column of the file that gives its values."""

    stored: OutputColumn
    index: int
    type: ColumnType
    fast: bool


class FlatFileSource(FlowComponent):
    """Flat File Source."""

    classes: ClassVar[tuple[str, ...]] = ("FlatFileSource",)
    parts: ClassVar[StoredParts] = StoredParts(
        {OUTPUT_COLUMN: frozenset({"FastParse", "UseBinaryFormat"})}, dispositions=frozenset({OUTPUT_COLUMN})
    )

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self._reads: Sequence[_Read] = _reads(plan)
        self._retains_nulls = flag_of(plan.stored.properties, "RetainNulls")

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Unknown properties, and columns of types that cannot be read."""
        yield from unknown_properties(plan, {"RetainNulls", "FileNameColumnName"})
        if not plan.stored.connections:
            yield Refusal(plan.path, "the connection", "there is none", "Choose a flat file connection manager.")
        for read in _reads(plan):
            what = f"the column {read.stored.name!r}"
            if flag_of(read.stored.properties, "UseBinaryFormat"):
                yield Refusal(plan.path, f"the property UseBinaryFormat of {what}", "its format is not documented")
            try:
                Conversion(_TEXT, read.type, plan.locale_id, fast=read.fast)
            except ValueError as error:
                yield Refusal(plan.path, what, str(error), "Read it as text, and convert it in the data flow.")

    def validate(self, context: TaskContext) -> None:
        """Compare the columns with those of the connection manager. The file may be created later."""
        found, connection = self._format(context)
        for problem in problems(found):
            raise TaskFailure(
                f"The flat file connection manager {connection.name} cannot be used: {problem}.", 0xC0202093
            )
        external = self.plan.main_output.external_columns
        if self.plan.stored.validate_external_metadata and external and len(external) != len(found.columns):
            raise TaskFailure(
                f"{self.plan.stored.name} has {len(external)} external columns, and its connection manager "
                f"{connection.name} has {len(found.columns)}. Open the source in Visual Studio to update it.",
                COLUMN_COUNT,
            )
        for read in self._placed(found):
            self._check_type(read, found)
        self._conversions_of(found)

    def _placed(self, found: FileFormat) -> Sequence[_Read]:
        """The columns with the indices that the connection manager has for their names."""
        places = file_columns(self.plan, self.plan.main_output.external_columns, found)
        return [
            replace(read, index=places[read.index]) if read.index < len(places) else read for read in _reads(self.plan)
        ]

    def _conversions_of(self, found: FileFormat) -> list[Conversion]:
        locale_id = file_locale(self.plan, found.locale_id)
        try:
            return [Conversion(_TEXT, read.type, locale_id, fast=read.fast) for read in self._reads]
        except ValueError as error:
            raise TaskFailure(f"{self.plan.stored.name} cannot read its file: {error}.", 0xC0202093) from error

    def _check_type(self, read: _Read, found: FileFormat) -> None:
        code = read.type.code
        name = read.stored.name
        if read.index >= len(found.columns):
            raise TaskFailure(f'The connection manager has no column for "{name}".', COLUMN_MISMATCH)
        if code is _T.DT_NTEXT and not found.is_unicode:
            raise TaskFailure(f'"{name}" is DT_NTEXT, which only Unicode files have. Use DT_TEXT.', 0xC020802E)
        if code is _T.DT_TEXT and found.is_unicode:
            raise TaskFailure(f'"{name}" is DT_TEXT, which Unicode files do not have. Use DT_NTEXT.', 0xC020802F)
        if code is _T.DT_IMAGE:
            raise TaskFailure(f'"{name}" is DT_IMAGE, which flat files do not have.', 0xC0208030)

    def _format(self, context: TaskContext) -> tuple[FileFormat, RunConnection]:
        stored = self.plan.stored.connections[0]
        connection = context.connections.get(stored.manager_ref_id or stored.manager_id)
        return read_format(connection), connection

    def open(self, context: TaskContext) -> None:
        """Read the format, look for the files and report them."""
        self._context = context
        self._found, connection = self._format(context)
        self._paths = _paths(connection, context)
        self._shown = [connection.connection_string] if len(self._paths) == 1 else list(map(str, self._paths))
        self._reads = self._placed(self._found)
        self._conversions = self._conversions_of(self._found)
        for path in self._paths:
            if not path.exists():
                raise _cannot_open(path, "there is no such file")
            self._inform(f'The processing of file "{path}" has started.', STARTED)

    def close(self, *, failed: bool) -> None:
        """Report the end of the files."""
        for path in getattr(self, "_paths", ()):
            self._inform(f'The processing of file "{path}" has ended.', ENDED)

    def _inform(self, text: str, code: int) -> None:
        self._context.information(text, code, subcomponent=self.plan.subcomponent)

    def rows(self, inputs: Mapping[str, Iterator[pa.RecordBatch]]) -> Iterator[Emitted]:
        """Read the files."""
        for path, shown in zip(self._paths, self._shown, strict=True):
            yield from self._file_rows(path, shown)

    def _file_rows(self, path: Path, shown: str) -> Iterator[Emitted]:
        number = 1
        try:
            with path.open("rb") as file:
                texts = FlatFileTexts(self._found, file, self.plan.buffer_rows)
                texts.start()
                if texts.ends_in_header:
                    self._warn(f'The file "{path}" ends inside its header rows.', END_IN_HEADER)
                for rows in texts.rows():
                    self._context.cancel.check()
                    yield from self._converted(rows, number, shown)
                    number += rows.count
                if texts.has_partial_row:
                    self._warn(f'The file "{path}" ends inside a row. That row was not read.', PARTIAL_ROW)
        except OSError as error:
            raise _cannot_open(path, error.strerror or str(error)) from error
        except UnicodeDecodeError as error:
            text = f"The file is not in the code page of its connection manager: {error.reason}."
            raise _reading_failed(path, number, TaskFailure(text, CONVERSION_FAILED)) from error
        except TaskFailure as failure:
            raise _reading_failed(path, number, failure) from failure
        total = number - 1 + self._found.has_names
        self._inform(f'The total number of data rows processed for file "{path}" is {total}.', TOTAL_ROWS)

    def _warn(self, text: str, code: int) -> None:
        self._context.warning(text, code, subcomponent=self.plan.subcomponent)

    def _converted(self, rows: TextRows, number: int, shown: str) -> Iterator[Emitted]:
        values: dict[str, pa.Array] = {}
        errors: list[ColumnErrors] = []
        for read, conversion in zip(self._reads, self._conversions, strict=True):
            texts = self._prepared(rows.columns[read.index], read)
            converted = conversion.convert(texts)
            values[read.stored.lineage_id or read.stored.key] = converted.values
            statuses = converted.statuses
            if read.index in rows.bad and read.type.code in STRINGS:
                statuses = np.zeros(rows.count, np.uint8) if statuses is None else statuses.copy()
                statuses[rows.bad[read.index]] = Status.TRUNCATED
            if statuses is not None:
                name = f'the column "{read.stored.name}"'
                detail = _Detail(read.stored.name, statuses)
                errors += status_errors(statuses, CODES, read.stored, name, detail)
        has_redirects = any(each.disposition == REDIRECT for each in errors)
        found = apply_dispositions(self.plan, self._raw_rows(rows, wanted=has_redirects), errors, number)
        output = self.plan.main_output.key
        schema = self.plan.outputs[output]
        arrays = [
            values[column.lineage_id] if column.lineage_id in values else pa.repeat(pa.scalar(shown), rows.count)
            for column in schema.columns
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema.arrow)
        if found.kept is not None:
            batch = batch.filter(pa.array(found.kept))
        for start in range(0, batch.num_rows, self.plan.buffer_rows):
            yield output, batch.slice(start, self.plan.buffer_rows)
        error_output = self.plan.error_output
        if found.redirected is not None and error_output is not None:
            yield error_output.key, found.redirected

    def _prepared(self, texts: pa.StringArray, read: _Read) -> pa.StringArray:
        """The texts with NULL or the value of an empty field."""
        code = read.type.code
        is_text = code in STRINGS or code in (_T.DT_TEXT, _T.DT_NTEXT)
        if is_text and not self._retains_nulls:
            return _until_nul(texts)
        if pc.min(pc.binary_length(texts)).as_py() == 0:
            is_empty = pc.equal(texts, "")
            if self._retains_nulls:
                texts = pc.if_else(is_empty, pa.scalar(None, pa.string()), texts)
            elif code in INTEGERS or code in REALS or code in DECIMALS or code is _T.DT_BOOL:
                texts = pc.if_else(is_empty, "0", texts)
            elif code in _EMPTY_DATES:
                texts = pc.if_else(is_empty, _EMPTY_DATES[code], texts)
        return _until_nul(texts) if is_text else texts

    def _raw_rows(self, rows: TextRows, *, wanted: bool) -> pa.RecordBatch:
        """The rows as the file has them, for the error output."""
        error_output = self.plan.error_output
        names = [
            column.lineage_id or column.key
            for column in (() if error_output is None else error_output.columns)
            if not column.special_flags
        ]
        if not wanted or not names or error_output is None or error_output.key not in self.plan.attached:
            return pa.RecordBatch.from_arrays([pa.nulls(rows.count)], ["-"])
        schema = self.plan.outputs[error_output.key]
        wanted = schema.arrow.field(names[0]).type
        return pa.RecordBatch.from_arrays([pa.array(rows.raw(), pa.string()).cast(wanted)], [names[0]])


@dataclass(frozen=True, slots=True)
class _Detail:
    """Makes the message of a value that was not converted."""

    name: str
    statuses: np.ndarray

    def __call__(self, row: int) -> TaskFailure:
        number, reason = _REASONS[Status(int(self.statuses[row]))]
        text = f'The data conversion of the column "{self.name}" returned the status value {number}: {reason}.'
        return TaskFailure(text, CONVERSION_FAILED)


def _until_nul(texts: pa.StringArray) -> pa.StringArray:
    """Texts until their first NUL, as DT_STR and DT_WSTR end there."""
    buffer = texts.buffers()[2]
    if buffer is None or b"\0" not in memoryview(buffer).tobytes():
        return texts
    return pa.array([None if text is None else text.partition("\0")[0] for text in texts.to_pylist()], pa.string())


def _reads(plan: ComponentPlan) -> tuple[_Read, ...]:
    """The output columns that have a column in the file."""
    output = plan.main_output
    external = {column.key: index for index, column in enumerate(output.external_columns)}
    file_name = text_of(plan.stored.properties, "FileNameColumnName")
    reads = []
    for position, column in enumerate(output.columns):
        if column.name == file_name and column.external_key not in external:
            continue
        type_ = column_type(column.data_type)
        index = external.get(column.external_key, position)
        reads.append(_Read(column, index, type_, flag_of(column.properties, "FastParse")))
    return tuple(reads)


def _paths(connection: RunConnection, context: TaskContext) -> Sequence[Path]:
    """The files of a connection manager: several by ``|`` or by wildcards for the type MULTIFLATFILE."""
    if connection.kind != "MULTIFLATFILE":
        return (context.connections.path(connection.connection_string),)
    found: list[Path] = []
    for part in connection.connection_string.split("|"):
        path = context.connections.path(part.strip())
        if glob.has_magic(path.name):
            found += sorted(each for each in path.parent.glob(path.name) if each.is_file())
        else:
            found.append(path)
    return found


def _cannot_open(path: Path, reason: str) -> TaskFailure:
    return TaskFailure(f'The file "{path}" cannot be opened: {reason}.{hint_of_case(path)}', CANNOT_OPEN)


def _reading_failed(path: Path, number: int, cause: TaskFailure) -> TaskFailure:
    text = f'Reading the file "{path}" failed at or after its data row {number}. See the messages before this one.'
    return TaskFailure(text, ERROR_READING, causes=(cause,))
