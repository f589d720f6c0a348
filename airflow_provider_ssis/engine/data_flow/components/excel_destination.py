"""The Excel Destination: adds rows to a sheet or named range of a workbook.

The rows are kept until the end, in memory or in a temporary file. Then the file is written again and replaced, so that
a failure or a cancelled run leaves the old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import INTEGERS, REALS, DataTypeCode
from airflow_provider_ssis.engine.connections.transactions import refuse_file_in_transaction
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import ComponentPlan, Emitted, RowComponent
from airflow_provider_ssis.engine.data_flow.databases.converted import Converted, Mask, mask_of
from airflow_provider_ssis.engine.data_flow.databases.database import connection_reference
from airflow_provider_ssis.engine.data_flow.databases.external_columns import (
    MISSING_COLUMN,
    NEEDS_NEW_METADATA,
    NEW_COLUMN,
    OUT_OF_SYNC,
)
from airflow_provider_ssis.engine.data_flow.databases.query_source import text_of_variable
from airflow_provider_ssis.engine.data_flow.databases.statuses import DESTINATION_CODES, ValueStatus
from airflow_provider_ssis.engine.data_flow.databases.table_destination import NO_COLUMNS, NO_TABLE
from airflow_provider_ssis.engine.data_flow.databases.target_columns import TargetColumn, target_columns
from airflow_provider_ssis.engine.data_flow.databases.target_rows import convert_columns, target_rows
from airflow_provider_ssis.engine.data_flow.excel.ranges import CellRange, parse_range
from airflow_provider_ssis.engine.data_flow.excel.sheets import ExcelFile, SheetTable, excel_file, sheet_table
from airflow_provider_ssis.engine.data_flow.memory.stored_rows import StoredRows
from airflow_provider_ssis.engine.data_flow.row_errors import ColumnErrors, apply_dispositions
from airflow_provider_ssis.engine.data_flow.stored.stored_columns import column_type
from airflow_provider_ssis.engine.data_flow.stored.stored_parts import INPUT, StoredParts
from airflow_provider_ssis.engine.data_flow.stored.stored_properties import other_values, unknown_properties
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.workbooks.cells import MOST_CHARACTERS, has_serial_number
from airflow_provider_ssis.engine.workbooks.editing import FULL, add_rows, last_row
from airflow_provider_ssis.engine.workbooks.parts import CANNOT_OPEN, MOST_ROWS, check_format
from airflow_provider_ssis.project.package.data_flow import NOT_USED

_T = DataTypeCode
_SHEET, _SHEET_OF_VARIABLE = "0", "1"
_PROPERTIES = frozenset(
    (
        "AccessMode",
        "CommandTimeout",
        "FastLoadKeepIdentity",
        "FastLoadKeepNulls",
        "FastLoadMaxInsertCommitSize",
        "FastLoadOptions",
        "OpenRowset",
        "OpenRowsetVariable",
        "SqlCommand",
    )
)
"""CommandTimeout, SqlCommand and those of a fast load have no effect in the access modes of a sheet."""

_DATES = frozenset((_T.DT_DATE, _T.DT_DBDATE, _T.DT_DBTIMESTAMP))
_TEXT = frozenset((_T.DT_WSTR, _T.DT_NTEXT))
_TYPES = INTEGERS | REALS | _DATES | _TEXT | {_T.DT_BOOL, _T.DT_CY, _T.DT_DECIMAL, _T.DT_NUMERIC}
_DATE_FORMAT, _DATE_AND_TIME_FORMAT = 14, 22
"""The numbers of the built-in formats of a date, and of a date with time."""
_PIECE = 1000
_CANNOT_OPEN_ROWSET = 0xC02020E8
"""DTS_E_CANNOTOPENDESTINATIONROWSET."""
_FULL_STATUS = ValueStatus.UNKNOWN


class ExcelDestination(RowComponent):
    """Adds rows to a workbook."""

    classes: ClassVar[tuple[str, ...]] = ("ExcelDestination",)
    parts: ClassVar[StoredParts] = StoredParts(dispositions=frozenset({INPUT}))
    has_thread: ClassVar[bool] = True
    keeps_rows = True

    def __init__(self, plan: ComponentPlan) -> None:
        super().__init__(plan)
        self.counts.rows = 0
        self._input = plan.stored.inputs[0]
        stored = self._input.error_disposition
        self._disposition = "FailComponent" if stored == NOT_USED else stored
        self._next_row = 1
        self._rows: StoredRows | None = None

    @classmethod
    def refusals(cls, plan: ComponentPlan) -> Iterator[Refusal]:
        """Yield unknown properties, SQL commands, ranges without a name, and types that Excel does not have."""
        yield from unknown_properties(plan, _PROPERTIES)
        why = "the engine writes to sheets and named ranges, not through an SQL command"
        yield from other_values(plan, "AccessMode", (_SHEET, _SHEET_OF_VARIABLE), why, "Choose a sheet (0, 1).")
        if plan.text("AccessMode", _SHEET) == _SHEET and plan.text("OpenRowset").strip():
            try:
                _table(plan.text("OpenRowset"))
            except TaskFailure as failure:
                yield Refusal(plan.path, "the sheet", failure.text.rstrip("."))
        used = {column.external_key for column in plan.stored.inputs[0].columns}
        for column in plan.stored.inputs[0].external_columns:
            if column.key in used and column_type(column.data_type).code not in _TYPES:
                yield Refusal(
                    plan.path,
                    f"the type {column.data_type.name} of the external column {column.name}",
                    "the drivers of Excel have no such type",
                    "Use DT_WSTR, DT_NTEXT, DT_R8, DT_CY, DT_BOOL or DT_DATE, and convert before the destination.",
                )

    def _cells(self, context: TaskContext) -> CellRange:
        plan = self.plan
        if plan.text("AccessMode", _SHEET) == _SHEET_OF_VARIABLE:
            return _table(text_of_variable(context, plan.text("OpenRowsetVariable"), "the name of a sheet"))
        if not plan.text("OpenRowset").strip():
            raise TaskFailure(f"{plan.stored.name} has no sheet. Choose one.", NO_TABLE)
        return _table(plan.text("OpenRowset"))

    def _file(self, context: TaskContext) -> ExcelFile:
        manager = context.connections.get(connection_reference(self.plan.stored))
        file = excel_file(context, manager)
        check_format(file.path)
        if file.is_read_only:
            raise TaskFailure(
                f'The connection manager "{manager.name}" has the option IMEX=1, with which the drivers of Excel only '
                "read. Remove the option, or use another connection manager for writing.",
                CANNOT_OPEN,
            )
        return file

    def _opened(self, context: TaskContext) -> tuple[ExcelFile, SheetTable]:
        file = self._file(context)
        try:
            return file, sheet_table(file, self._cells(context))
        except TaskFailure as failure:
            text = (
                f"{self.plan.stored.name} cannot open its sheet. If a task creates it, set DelayValidation of the Data "
                "Flow task, or ValidateExternalMetadata of the component to False."
            )
            raise TaskFailure(text, _CANNOT_OPEN_ROWSET, causes=[failure]) from failure

    def validate(self, context: TaskContext) -> None:
        """Compare the external columns with the sheet."""
        targets = target_columns(self.plan, self._input)
        if not targets:
            raise TaskFailure(
                f"{self.plan.stored.name} writes nothing: no column is mapped to a column of the sheet. Map one.",
                NO_COLUMNS,
            )
        self._file(context)
        if not self.plan.stored.validate_external_metadata:
            return
        _, table = self._opened(context)
        names = {name.lower() for name in table.names}
        known = {column.name.lower() for column in self._input.external_columns}
        missing = [column.name for column in self._input.external_columns if column.name.lower() not in names]
        new = [name for name in table.names if name.lower() not in known]
        if missing or new:
            subcomponent = self.plan.subcomponent
            text = f"The external columns of {self.plan.stored.name} differ from {table.place.sheet}."
            context.warning(text, OUT_OF_SYNC, subcomponent=subcomponent)
            for name in missing:
                context.warning(
                    f"The sheet no longer has the column {name}.", MISSING_COLUMN, subcomponent=subcomponent
                )
            for name in new:
                context.warning(f"The column {name} of the sheet is new.", NEW_COLUMN, subcomponent=subcomponent)
        self._numbers(table, targets)

    def _numbers(self, table: SheetTable, targets: Sequence[TargetColumn]) -> list[int]:
        """The numbers of the columns of the sheet, from 1."""
        numbers = {name.lower(): table.first_column + index for index, name in enumerate(table.names)}
        missing = [column.name for column in targets if column.name.lower() not in numbers]
        if missing:
            raise TaskFailure(
                f"{self.plan.stored.name} needs new metadata (VS_NEEDSNEWMETADATA): {table.place.sheet} has no column "
                f"{', '.join(missing)}. Its columns: {', '.join(table.names) or 'none'}.",
                NEEDS_NEW_METADATA,
            )
        return [numbers[column.name.lower()] for column in targets]

    def open(self, context: TaskContext) -> None:
        """Find the sheet, its columns and its last row."""
        self._cancel = context.cancel
        reference = connection_reference(self.plan.stored)
        refuse_file_in_transaction(context.connections, context.connections.get(reference).name)
        file, table = self._opened(context)
        targets = target_columns(self.plan, self._input)
        numbers = self._numbers(table, targets)
        order = sorted(range(len(targets)), key=numbers.__getitem__)
        self._targets = [targets[index] for index in order]
        self._columns = [(numbers[index], _number_format(targets[index])) for index in order]
        self._path, self._place = file.path, table.place
        self._left = MOST_ROWS - last_row(file.path, table.place, context.cancel)
        schema = pa.schema(
            [pa.field(column.name, values.type) for column, values in zip(self._targets, self._empty(), strict=True)]
        )
        self._rows = StoredRows(schema, context.options)

    def _empty(self) -> list[pa.Array]:
        rows = pa.RecordBatch.from_pylist([], self.plan.inputs[self._input.key].arrow)
        return [each.values for each in convert_columns(rows, self._targets)]

    def process(self, input_key: str, batch: pa.RecordBatch) -> Iterable[Emitted]:
        """Keep the rows; returns those with errors."""
        assert self._rows is not None  # noqa: S101 set by open
        first_row = self._next_row
        self._next_row += batch.num_rows
        converted = [
            _checked(each, column)
            for each, column in zip(convert_columns(batch, self._targets), self._targets, strict=True)
        ]
        target = target_rows(self._targets, converted, DESTINATION_CODES, self._disposition)
        errors, bad = target.errors, target.bad
        good = np.flatnonzero(~bad)
        if len(good) > self._left:
            codes = np.zeros(batch.num_rows, np.uint32)
            codes[good[self._left :]] = DESTINATION_CODES[_FULL_STATUS]
            name = f'the input "{self._input.name}"'
            detail = TaskFailure(FULL, CANNOT_OPEN, subcomponent=self.plan.subcomponent)
            errors = [*errors, ColumnErrors(codes, False, self._disposition, "", name, lambda _row: detail)]
            good = good[: self._left]
        found = apply_dispositions(self.plan, batch, errors, first_row)
        rows = target.rows if len(good) == batch.num_rows else target.rows.take(pa.array(good))
        self._rows.append(rows.cast(self._rows.schema))
        self._left -= len(good)
        if found.redirected is not None and self.plan.error_output is not None:
            yield self.plan.error_output.key, found.redirected

    def finish(self) -> Iterable[Emitted]:
        """Write the workbook again."""
        assert self._rows is not None  # noqa: S101 set by open
        self._cancel.check()
        if self._rows.rows:
            add_rows(self._path, self._place, self._columns, _Pieces(self._rows), self._cancel)
            self.counts.rows = self._rows.rows
        return ()

    def close(self, *, failed: bool) -> None:
        """Remove the rows."""
        if self._rows is not None:
            self._rows.close()


class _Pieces:
    """The kept rows as Python values."""

    def __init__(self, rows: StoredRows) -> None:
        self._rows = rows
        self.count = rows.rows

    def pieces(self) -> Iterator[Sequence[Sequence[Any]]]:
        for batch in self._rows.table().to_batches(max_chunksize=_PIECE):
            yield [_values(column) for column in batch.columns]


def _values(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if pa.types.is_date(column.type):
        return [None if each is None else datetime.combine(each, time()) for each in values]
    return values


def _table(text: str) -> CellRange:
    cells = parse_range(text)
    if cells.top is not None:
        raise TaskFailure(
            f"The engine writes to sheets and named ranges of Excel, such as Sheet1$ and MyRange, not to {text!r}.",
            NO_TABLE,
        )
    return cells


def _number_format(column: TargetColumn) -> int:
    if column.target.code is _T.DT_DBDATE:
        return _DATE_FORMAT
    return _DATE_AND_TIME_FORMAT if column.target.code in _DATES else 0


def _checked(converted: Converted, column: TargetColumn) -> Converted:
    """Mark the values that a cell cannot have: infinite numbers, dates before 1900 and very long text."""
    values, code = converted.values, column.target.code
    if code in REALS:
        bad = mask_of(pc.invert(pc.is_finite(values)))
        return _marked(converted, bad, ValueStatus.OVERFLOW)
    if code in _DATES:
        first = pa.scalar(date(1900, 1, 1) if pa.types.is_date(values.type) else datetime(1900, 1, 1), values.type)
        early = mask_of(pc.less(values, first))
        if early.any():
            bad = np.array([each is not None and not has_serial_number(each) for each in _values(values)])
            return _marked(converted, bad, ValueStatus.OVERFLOW)
    if code in _TEXT:
        long = mask_of(pc.greater(pc.binary_length(values), MOST_CHARACTERS))
        if long.any():
            units = [0 if each is None else len(each.encode("utf-16-le")) // 2 for each in values.to_pylist()]
            return _marked(converted, np.array(units) > MOST_CHARACTERS, ValueStatus.TRUNCATED)
    return converted


def _marked(converted: Converted, bad: Mask, status: ValueStatus) -> Converted:
    if not bad.any():
        return converted
    statuses = np.zeros(len(bad), np.uint8) if converted.statuses is None else converted.statuses
    return replace(converted, statuses=np.where(bad & (statuses == 0), np.uint8(status), statuses))
