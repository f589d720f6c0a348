"""The columns of a sheet as the drivers Jet and ACE return them: sampled types, and NULL for other cells."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import pyarrow as pa
import python_calamine

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.connections.paths import hint_of_case
from airflow_provider_ssis.engine.connections.provider_string import parse_provider_string
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.databases.statuses import Statuses, ValueStatus
from airflow_provider_ssis.engine.data_flow.excel.ranges import NO_SHEET, CellRange
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.workbooks.editing import Place
from airflow_provider_ssis.engine.workbooks.parts import CANNOT_OPEN, Workbook, open_archive

_SAMPLE_ROWS = 8
_BASE_DATE = dt.date(1899, 12, 30)
_DIGITS = 15
_OPTIONS = {"HDR": ("YES", "NO", ""), "IMEX": ("0", "1", "2", "")}
"""The options of Extended Properties after the version of Excel, with their values."""
_NEEDS_QUOTES = re.compile(r"\W|^\d")
_OTHER_CHARACTERS = str.maketrans({".": "#", "!": "_", "`": "_", "[": "(", "]": ")"})
"""Characters that the drivers replace in the names of columns and sheets."""


class CellKind(Enum):
    """The type of a cell, and of a column."""

    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ExcelFile:
    """An Excel file with the options of its connection string.

    :param has_header: whether the first row has the names of the columns (HDR).
    :param mixes: whether a column with cells of several types in the sample is read as text (IMEX=1).
    :param is_read_only: whether the drivers open it only for reading (IMEX=1).
    """

    path: Path
    has_header: bool
    mixes: bool
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class SheetTable:
    """The columns of a table of a workbook that exists, to write to it.

    :param place: the sheet or named range.
    :param first_column: the number of its first column, from 1.
    :param names: the names of its columns.
    """

    place: Place
    first_column: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SheetColumn:
    """A column of a sheet.

    :param values: all values, in the Arrow type of its kind.
    :param statuses: the status of each value; None if all are OK.
    """

    name: str
    kind: CellKind
    values: pa.Array
    statuses: Statuses | None


def excel_file(context: TaskContext, manager: RunConnection) -> ExcelFile:
    """Return the file of a connection manager.

    :param context: the running task, which maps the path.
    :param manager: the connection manager, of the kind EXCEL or with a provider that reads Excel files.
    :raises TaskFailure: it names no file, or has an option that the engine does not know.
    """
    pairs = {
        key.strip().lower(): value for key, value in parse_provider_string(manager.connection_string, manager.name)
    }
    source = pairs.get("data source", "")
    if not source:
        raise TaskFailure(f'The connection manager "{manager.name}" names no Excel file (Data Source).', CANNOT_OPEN)
    options = {}
    for part in pairs.get("extended properties", "").strip("\"' ").split(";"):
        key, _, value = part.partition("=")
        name, chosen = key.strip().upper(), value.strip().upper()
        if name and not name.startswith("EXCEL") and chosen not in _OPTIONS.get(name, ()):
            raise TaskFailure(
                f'The connection manager "{manager.name}" has the option {part.strip()}, which the engine does not '
                "know. It knows HDR=YES, HDR=NO and IMEX=0, 1 and 2. Remove the option.",
                CANNOT_OPEN,
            )
        options[name] = chosen
    is_import = options.get("IMEX") == "1"
    return ExcelFile(context.connections.path(source), options.get("HDR") != "NO", is_import, is_import)


def read_sheet(file: ExcelFile, cells: CellRange) -> list[SheetColumn]:
    """Read the columns of a range.

    :param file: the file.
    :param cells: the range.
    :raises TaskFailure: the file cannot be read, or has no such sheet.
    """
    rows = _rows(file, cells)
    names = _names(rows[0], file.has_header) if rows else []
    data = rows[1:] if file.has_header else rows
    while data and all(value is None for value in data[-1]):
        data.pop()
    columns = list(zip(*data, strict=True)) if data else [()] * len(names)
    return [_column(name, values, file) for name, values in zip(names, columns, strict=True)]


def table_names(file: ExcelFile) -> list[str]:
    """Return the names of the tables of a file as the drivers list them: sheets and named ranges, by name.

    :param file: the file.
    :raises TaskFailure: it cannot be read, or its names are not known.
    """
    if file.path.suffix.lower() not in (".xlsx", ".xlsm"):
        text = (
            f"The tables of {file.path} cannot be listed: only .xlsx and .xlsm files are read for that. Save it as one."
        )
        raise TaskFailure(text, CANNOT_OPEN)
    with _opened(file) as book:
        kinds = python_calamine.SheetTypeEnum
        sheets = [each.name for each in book.sheets_metadata if each.typ == kinds.WorkSheet]
    with open_archive(file.path) as archive:
        names = Workbook(archive, file.path.name).names
    local = sorted({name for name, is_local in names if is_local})
    if local:
        text = (
            f"The tables of {file.path} cannot be listed: it has names that belong to a sheet ({', '.join(local)}), "
            "such as filters and print areas. Remove them."
        )
        raise TaskFailure(text, CANNOT_OPEN)
    tables = [f"{name}$".translate(_OTHER_CHARACTERS) for name in sheets]
    quoted = [f"'{name}'" if _NEEDS_QUOTES.search(name[:-1]) else name for name in tables]
    return sorted([*quoted, *(name for name, _ in names)], key=lambda name: name.strip("'").casefold())


def sheet_table(file: ExcelFile, cells: CellRange) -> SheetTable:
    """Find the columns of a sheet or named range.

    :param file: the workbook.
    :param cells: the whole sheet, or a named range.
    :raises TaskFailure: the file cannot be read, or has no such sheet or named range.
    """
    with _opened(file) as book:
        found = _resolved(file, cells, book.sheet_names)
        sheet = book.get_sheet_by_name(found.sheet)
        if found.top is None:
            first = sheet.start
            left = 0 if first is None else first[1]
            header = sheet.to_python(nrows=1)[:1]
        else:
            left = found.left
            rows = sheet.to_python(skip_empty_area=False, nrows=found.top + 1)[found.top :]
            header = [(rows[0] if rows else [])[left : found.right + 1]]
            header = [header[0] + [""] * (found.right + 1 - left - len(header[0]))]
    names = _names([_value(cell) for cell in header[0]], file.has_header) if header else []
    if not header and not file.has_header:
        names = ["F1"]
    return SheetTable(Place(found.sheet, found.name), left + 1, tuple(names))


@contextmanager
def _opened(file: ExcelFile) -> Iterator[python_calamine.CalamineWorkbook]:
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(file.path))
    except (OSError, python_calamine.CalamineError) as error:
        text = f"The Excel file {file.path} cannot be read: {error}.{hint_of_case(file.path)}"
        raise TaskFailure(text, CANNOT_OPEN) from error
    try:
        yield book
    finally:
        book.close()


def _resolved(file: ExcelFile, cells: CellRange, names: Sequence[str]) -> CellRange:
    """The cells with the name of their sheet as the workbook has it."""
    if cells.name:
        label = cells.name.replace(" ", "_")
        is_open_format = file.path.suffix.lower() in (".xlsx", ".xlsm")
        with open_archive(file.path) if is_open_format else nullcontext() as archive:
            area = None if archive is None else Workbook(archive, file.path.name).area(label)
        if area is not None:
            cells = CellRange(area.sheet, area.top - 1, area.left - 1, area.bottom - 1, area.right - 1, label)
        else:
            cells = CellRange(cells.name)
    wanted = cells.sheet.casefold()
    exact = {name.casefold(): name for name in names}
    listed = {name.translate(_OTHER_CHARACTERS): exact[name] for name in exact}
    found = exact.get(wanted) or listed.get(wanted) or exact.get(wanted.replace(" ", "_"))
    if found is not None:
        return replace(cells, sheet=found)
    raise TaskFailure(f"{file.path} has no sheet {cells.sheet}. It has: {', '.join(names)}.", NO_SHEET)


def _rows(file: ExcelFile, cells: CellRange) -> list[list[Any]]:
    with _opened(file) as book:
        cells = _resolved(file, cells, book.sheet_names)
        sheet = book.get_sheet_by_name(cells.sheet)
        if cells.top is None:
            return [[_value(cell) for cell in row] for row in sheet.to_python()]
        found = sheet.to_python(skip_empty_area=False)
    width = cells.right - cells.left + 1
    chosen = [row[cells.left : cells.right + 1] for row in found[cells.top : cells.bottom + 1]]
    return [[_value(cell) for cell in row] + [None] * (width - len(row)) for row in chosen]


def _value(cell: Any) -> Any:
    return None if cell == "" else cell


def _names(first: Sequence[Any], has_header: bool) -> list[str]:
    """The names of the columns: those of the header, and F1, F2, … without one; a repeated name gets a number."""
    names: list[str] = []
    for number, cell in enumerate(first, 1):
        name = "" if cell is None or not has_header else _text(cell) or str(cell)
        name = name.strip().translate(_OTHER_CHARACTERS) or f"F{number}"
        unique, repeat = name, 0
        while unique.lower() in (each.lower() for each in names):
            repeat += 1
            unique = f"{name}{repeat}"
        names.append(unique)
    return names


def _kind(value: Any) -> CellKind:
    if isinstance(value, bool):
        return CellKind.BOOLEAN
    if isinstance(value, int | float):
        return CellKind.NUMBER
    return CellKind.TEXT if isinstance(value, str) else CellKind.DATE


def _column(name: str, values: Sequence[Any], file: ExcelFile) -> SheetColumn:
    sample = Counter(_kind(value) for value in values[:_SAMPLE_ROWS] if value is not None)
    if not sample:
        kind = CellKind.TEXT
    elif file.mixes and len(sample) > 1:
        kind = CellKind.TEXT
        return _mixed(name, values)
    else:
        most = max(sample.values())
        kinds = [one for one, count in sample.items() if count == most]
        kind = CellKind.NUMBER if CellKind.NUMBER in kinds else kinds[0]
    kept = [value if value is not None and _kind(value) is kind else None for value in values]
    return SheetColumn(name, kind, _array(kept, kind), None)


def _mixed(name: str, values: Sequence[Any]) -> SheetColumn:
    """A column of cells of several types as text. The text of a date depends on the format of its cell: an error."""
    texts = [None if value is None else _text(value) for value in values]
    array = pa.array(texts, pa.large_string())
    bad = [value is not None and text is None for value, text in zip(values, texts, strict=True)]
    statuses = pa.array(bad).cast(pa.uint8()).to_numpy(zero_copy_only=False) * int(ValueStatus.CONVERSION)
    return SheetColumn(name, CellKind.TEXT, array, statuses.astype("uint8") if any(bad) else None)


def _text(value: Any) -> str | None:
    """A cell as text: a number with up to fifteen digits; None for a date."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return f"{value:.{_DIGITS}g}"
    return None


def _array(values: Sequence[Any], kind: CellKind) -> pa.Array:
    if kind is CellKind.DATE:
        return pa.array([None if value is None else _datetime(value) for value in values], pa.timestamp("us"))
    types = {CellKind.NUMBER: pa.float64(), CellKind.BOOLEAN: pa.bool_(), CellKind.TEXT: pa.large_string()}
    if kind is CellKind.NUMBER:
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, types[kind])


def _datetime(value: Any) -> dt.datetime:
    """A date, or a time of the base date of Excel."""
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    if isinstance(value, dt.timedelta):
        return dt.datetime.combine(_BASE_DATE, dt.time()) + value
    return dt.datetime.combine(_BASE_DATE, value)
