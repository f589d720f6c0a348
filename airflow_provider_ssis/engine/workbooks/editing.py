"""Changes of a workbook: adding rows, and creating and dropping tables.

The new file replaces the old one when it is complete.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from lxml import etree

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.file_locks import is_at, try_lock
from airflow_provider_ssis.engine.workbooks.cells import CellColumn, rows_xml
from airflow_provider_ssis.engine.workbooks.parts import (
    CANNOT_OPEN,
    MOST_ROWS,
    NEW_PARTS,
    NEW_SHEET,
    Area,
    Workbook,
    check_format,
    open_archive,
)
from airflow_provider_ssis.engine.workbooks.sheet_rows import (
    SheetLayout,
    scan,
    write_with_rows,
    write_without_rows,
)

_WAIT = 0.05
"""Seconds between two attempts to lock a workbook."""
_MACRO_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_MOST_FIELDS = 255
"""The most columns that the drivers of Excel create."""
_MOST_NAME = 31
_DEFINED_NAME = re.compile(r"[^\W\d][\w.]*")
_ADDRESS_LIKE = re.compile(r"[A-Za-z]{1,3}\d+|[Rr]\d*[Cc]\d*|[RrCc]")
"""Names that Excel would take for the address of a cell."""
_NOT_IN_NAMES = frozenset("[]:*?/\\")
FULL = "The sheet is full: it has at most 1,048,576 rows."


class RowSource(Protocol):
    """The rows to add."""

    count: int
    """The number of rows."""

    def pieces(self) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield the rows in pieces: for each the values of the columns; see :func:`cells.rows_xml`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows are added.

    :param sheet: the name of the sheet.
    :param name: the named range to which they belong; empty for the whole sheet. Default: empty.
    """

    sheet: str
    name: str = ""


def last_row(path: Path, place: Place, cancel: CancelToken) -> int:
    """Return the number of the last row before the place of new rows, from 1; 0 for none.

    :raises TaskFailure: the workbook has no such sheet, or cannot be read.
    """
    with open_archive(path) as archive:
        book = Workbook(archive, path.name)
        return _layout(archive, book, place, cancel)[1]


def add_rows(
    path: Path, place: Place, columns: Sequence[tuple[int, int]], rows: RowSource, cancel: CancelToken
) -> None:
    """Add rows after the last row of a sheet or named range.

    :param path: the workbook, which is locked meanwhile.
    :param place: the sheet or named range.
    :param columns: the number of each column, from 1 and ascending, and the built-in number format of its cells; 0 for
        none.
    :param rows: the rows.
    :param cancel: cancels the work; the file stays as it was.
    :raises TaskFailure: the rows do not fit, or the file cannot be read or written. The file stays as it was.
    """
    with _locked(path, cancel), open_archive(path) as archive:
        book = Workbook(archive, path.name)
        layout, before = _layout(archive, book, place, cancel)
        if before + rows.count > MOST_ROWS:
            raise TaskFailure(FULL, CANNOT_OPEN)
        cells = [CellColumn(number, book.cell_format(form) if form else 0) for number, form in columns]
        in_1904 = book.starts_in_1904
        book.calculate_when_opened()
        if place.name and (area := book.area(place.name)) is not None:
            book.name_area(place.name, replace(area, bottom=area.bottom + rows.count))

        def xml() -> Iterator[bytes]:
            number = before + 1
            for values in rows.pieces():
                cancel.check()
                yield b"".join(rows_xml(cells, values, number, layout.prefix, in_1904=in_1904))
                number += len(values[0])

        end = (before + rows.count, max([layout.last_column, *(number for number, _ in columns)]))
        part = book.sheets[place.sheet]

        def write(target: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
            with archive.open(part) as source, target.open(info, "w", force_zip64=True) as file:
                write_with_rows(source, file, layout, xml(), end)

        _save(path, archive, book, {part: write}, cancel)


def _layout(archive: zipfile.ZipFile, book: Workbook, place: Place, cancel: CancelToken) -> tuple[SheetLayout, int]:
    """The layout of a sheet, and the number of the row after which rows are added."""
    part = book.sheets.get(place.sheet, "")
    try:
        with archive.open(part) as file:
            layout = scan(file, f"The sheet {place.sheet}", cancel.check)
    except KeyError:
        raise TaskFailure(f"The workbook no longer has the sheet {place.sheet}.", CANNOT_OPEN) from None
    if not place.name:
        return layout, layout.last_row
    area = book.area(place.name)
    if area is None:
        raise TaskFailure(f"The workbook no longer has the named range {place.name}.", CANNOT_OPEN)
    if layout.last_row > area.bottom:
        raise TaskFailure(
            f"The named range {place.name} cannot be expanded: the sheet {place.sheet} has cells below it. Write to "
            f"the sheet ({place.sheet}$), or clear these cells.",
            CANNOT_OPEN,
        )
    return layout, area.bottom


# -- tables ------------------------------------------------------------------------------------------------------------


def create_table(path: Path, name: str, columns: Sequence[str], cancel: CancelToken) -> None:
    """Create a table as the drivers of Excel do: a sheet with the names of the columns, and a named range over them.

    The drivers write underscores for the blanks in the name of a table.

    :param path: the workbook, which is created if it does not exist.
    :param name: the name of the table.
    :param columns: the names of the columns.
    :param cancel: cancels the work.
    :raises TaskFailure: the table exists, a name is invalid, or the file cannot be written.
    """
    name = table_name(name)
    _check_names(name, columns)
    check_format(path)
    if path.exists() or not _create_workbook(path, name, columns, cancel):
        with _locked(path, cancel):
            _create_table(path, name, columns, cancel)


def _create_workbook(path: Path, name: str, columns: Sequence[str], cancel: CancelToken) -> bool:
    """Create a workbook with a table; returns False if another task has created the file meanwhile."""
    part = _temporary_path(path)
    try:
        _write_empty_workbook(part, has_macros=path.suffix.lower() == ".xlsm")
        _create_table(part, name, columns, cancel)
        _publish(part, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise TaskFailure(
            f"The Excel file {path} cannot be created: {error.strerror or error}.", CANNOT_OPEN
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return True


def _publish(part: Path, path: Path) -> None:
    """Give a complete file its name.

    :raises FileExistsError: there is a file of that name.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:
        # Some network file systems have no links. A replacement alone would not fail if the file exists.
        path.touch(exist_ok=False)
        part.replace(path)


def _create_table(path: Path, name: str, columns: Sequence[str], cancel: CancelToken) -> None:
    header = [[each] for each in columns]
    with open_archive(path) as archive:
        book = Workbook(archive, path.name)
        sheet = book.sheet_name(name)
        if book.area(name) is not None:
            raise TaskFailure(f"The table {name} already exists in {path.name}. Drop it first.", CANNOT_OPEN)
        cells = [CellColumn(number) for number in range(1, len(columns) + 1)]
        layout = None if sheet is None else _layout(archive, book, Place(sheet), cancel)[0]
        if layout is not None and layout.last_row:
            raise TaskFailure(f"The sheet {sheet} of {path.name} is not empty. Drop the table first.", CANNOT_OPEN)
        part = book.add_sheet(name) if sheet is None else book.sheets[sheet]
        if _DEFINED_NAME.fullmatch(name) and not _ADDRESS_LIKE.fullmatch(name):
            book.name_area(name, Area(sheet or name, 1, 1, 1, len(columns)))

        def write(target: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
            prefix = "" if layout is None else layout.prefix
            rows = rows_xml(cells, header, 1, prefix, in_1904=False)
            with target.open(info, "w", force_zip64=True) as file:
                if layout is None:
                    start, _, end = NEW_SHEET.partition("<sheetData/>")
                    file.write(f"{start}<sheetData>".encode() + b"".join(rows) + f"</sheetData>{end}".encode())
                else:
                    with archive.open(part) as source:
                        write_with_rows(source, file, layout, rows, (1, len(columns)))

        _save(path, archive, book, {part: write}, cancel)


def drop_table(path: Path, name: str, cancel: CancelToken) -> None:
    """Drop a table as the drivers of Excel do: the sheet stays, without cells, and the named range is removed.

    :param path: the workbook.
    :param name: the table: a sheet, with or without ``$``.
    :param cancel: cancels the work.
    :raises TaskFailure: there is no such sheet, or the file cannot be written.
    """
    check_format(path)
    with _locked(path, cancel), open_archive(path) as archive:
        book = Workbook(archive, path.name)
        sheet = find_sheet(book, name)
        if sheet is None:
            raise TaskFailure(
                f"{path.name} has no table {name}. The engine drops whole sheets, not other named ranges.", CANNOT_OPEN
            )
        layout = _layout(archive, book, Place(sheet), cancel)[0]
        area = book.area(table_name(name))
        if area is not None and area.sheet == sheet:
            book.remove_name(table_name(name))
        book.calculate_when_opened()
        part = book.sheets[sheet]

        def write(target: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
            with archive.open(part) as source, target.open(info, "w", force_zip64=True) as file:
                write_without_rows(source, file, layout)

        _save(path, archive, book, {part: write}, cancel)


def table_name(name: str) -> str:
    """Return the name that the drivers give to the sheet and the named range of a table that they create."""
    return name.strip().removesuffix("$").replace(" ", "_")


def find_sheet(book: Workbook, name: str) -> str | None:
    """Return the sheet of a table: with its name, or with underscores for blanks; None if there is none."""
    plain = name.strip().removesuffix("$")
    return book.sheet_name(plain) or book.sheet_name(table_name(plain))


def _check_names(name: str, columns: Sequence[str]) -> None:
    if not name or len(name) > _MOST_NAME or set(name) & _NOT_IN_NAMES or name[0] == "'" or name[-1] == "'":
        raise TaskFailure(
            f"{name!r} is not a sheet name of Excel. Sheet names have 1 to {_MOST_NAME} characters without []:*?/\\.",
            CANNOT_OPEN,
        )
    if len(columns) > _MOST_FIELDS:
        raise TaskFailure(
            f"The table {name} has {len(columns)} columns. The drivers of Excel create at most {_MOST_FIELDS}.",
            CANNOT_OPEN,
        )
    seen: set[str] = set()
    for column in columns:
        if not column.strip() or column.casefold() in seen:
            raise TaskFailure(f"The table {name} has two columns {column!r}, or one without a name.", CANNOT_OPEN)
        seen.add(column.casefold())


# -- files -------------------------------------------------------------------------------------------------------------


@contextmanager
def _locked(path: Path, cancel: CancelToken) -> Iterator[None]:
    """Hold a workbook against other changes, by threads and processes of this engine."""
    path = path.resolve()
    while True:
        try:
            file = os.open(path, os.O_RDWR)
        except OSError as error:
            raise TaskFailure(
                f"The Excel file {path} cannot be opened for writing: {error.strerror}.", CANNOT_OPEN
            ) from error
        try:
            while not try_lock(file):
                cancel.wait(_WAIT)
            if is_at(file, path):
                yield
                return
            # Another one has replaced the file meanwhile.
        finally:
            os.close(file)


_Write = Callable[[zipfile.ZipFile, zipfile.ZipInfo], None]


def _save(
    path: Path, archive: zipfile.ZipFile, book: Workbook, written: dict[str, _Write], cancel: CancelToken
) -> None:
    """Write the file again with changed parts, and replace the old one with it."""
    path = path.resolve()
    with _replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as target:
        infos = {info.filename: info for info in archive.infolist()}
        for name in dict.fromkeys((*infos, *book.changed, *written)):
            cancel.check()
            info = zipfile.ZipInfo(name) if name not in infos else _copied(infos[name])
            if name not in infos:
                info.compress_type = zipfile.ZIP_DEFLATED
            if name in written:
                written[name](target, info)
            elif name in book.changed:
                target.writestr(info, _document(book.changed[name]))
            else:
                with archive.open(name) as source, target.open(info, "w", force_zip64=True) as file:
                    shutil.copyfileobj(source, file)
        cancel.check()


def _copied(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    copy = zipfile.ZipInfo(info.filename, info.date_time)
    copy.compress_type, copy.external_attr = info.compress_type, info.external_attr
    return copy


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A new file next to another one, which takes its place if the block ends without an error."""
    part = _temporary_path(path)
    try:
        part.touch()
        with suppress(FileNotFoundError, PermissionError):
            shutil.copymode(path, part)
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise TaskFailure(
            f"The Excel file {path} cannot be written: {error.strerror or error}.", CANNOT_OPEN
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _temporary_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")


def _write_empty_workbook(path: Path, *, has_macros: bool) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in NEW_PARTS.items():
            changed = text.replace(_MAIN_TYPE, _MACRO_TYPE) if has_macros else text
            target.writestr(name, _document(etree.fromstring(changed)))


def _document(root: etree._Element) -> bytes:
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8", standalone=True)
