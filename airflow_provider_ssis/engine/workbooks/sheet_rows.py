"""The rows of a sheet as XML: finding the last one, and adding others behind it without building a tree.

What is not changed is copied byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.workbooks.parts import CANNOT_OPEN, column_letters, column_number

_CHUNK = 2**16


@dataclass(slots=True)
class SheetLayout:
    """Where the rows of a sheet are in its part.

    :param prefix: the prefix of its elements with a colon, such as ``x:``; empty for none.
    :param last_row: the number of the last row that has cells, from 1; 0 for none.
    :param last_column: the number of the last column that has cells, from 1; 0 for none.
    :param start_of_rows: the offset of the first row.
    :param end_of_last_row: the offset behind the last row that has cells.
    :param end_of_rows: the offset behind all rows; -1 if the part is no sheet.
    :param later_rows: number and offset of the rows without cells behind the last row that has cells.
    :param dimension: the offsets of the element with the used range, from and to; None if there is none.
    """

    prefix: str = ""
    last_row: int = 0
    last_column: int = 0
    start_of_rows: int = -1
    end_of_last_row: int = -1
    end_of_rows: int = -1
    later_rows: list[tuple[int, int]] = field(default_factory=list)
    dimension: tuple[int, int] | None = None


def scan(part: IO[bytes], name: str, check: Callable[[], None]) -> SheetLayout:
    """Read a sheet to find its last row.

    :param part: the part of the sheet.
    :param name: the sheet, for errors.
    :param check: is called now and then; raises an exception to end the work.
    :raises TaskFailure: it is no sheet, or is damaged.
    """
    reader = _Reader(name)
    while chunk := part.read(_CHUNK):
        check()
        reader.feed(chunk)
    reader.feed(b"", is_last=True)
    layout = reader.layout
    if layout.end_of_rows < 0:
        raise TaskFailure(f"{name} has no rows: it is a chart, not a sheet of cells.", CANNOT_OPEN)
    if layout.end_of_last_row < 0:
        layout.end_of_last_row = layout.later_rows[0][1] if layout.later_rows else layout.end_of_rows
    return layout


class _Reader:
    def __init__(self, name: str) -> None:
        self.layout = SheetLayout()
        self._name = name
        self._row = self._column = 0
        self._has_cells = False
        self._row_start = 0
        self._is_behind_row = self._is_in_dimension = self._is_at_start = False
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._document_type

    def feed(self, data: bytes, *, is_last: bool = False) -> None:
        try:
            self._parser.Parse(data, is_last)
        except (expat.ExpatError, ValueError) as error:
            raise self._failure(f"it is damaged: {error}") from None

    def _failure(self, why: str) -> TaskFailure:
        return TaskFailure(f"{self._name} cannot be changed: {why}.", CANNOT_OPEN)

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
            raise self._failure(f"its encoding is {encoding}, not UTF-8. Save the file in Excel")

    def _document_type(self, *_: object) -> None:
        raise self._failure("it has a document type declaration")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._note_position()
        kind = name.rpartition(":")[2]
        if kind == "c":
            reference = attributes.get("r", "").rstrip("0123456789")
            self._column = column_number(reference) if reference else self._column + 1
            self._has_cells = True
            self.layout.last_column = max(self.layout.last_column, self._column)
        elif kind == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column, self._has_cells = 0, False
            self._row_start = self._parser.CurrentByteIndex
        elif kind == "sheetData":
            self.layout.prefix = name[: -len(kind)]
            self._is_at_start = True
        elif kind == "dimension":
            self.layout.dimension = (self._parser.CurrentByteIndex, -1)
            self._is_in_dimension = True

    def _end(self, name: str) -> None:
        self._note_position()
        kind = name.rpartition(":")[2]
        if kind == "row":
            if self._has_cells:
                if self._row <= self.layout.last_row:
                    raise self._failure("its rows are not in order")
                self.layout.last_row = self._row
                self.layout.later_rows = []
                self._is_behind_row = True
            else:
                self.layout.later_rows.append((self._row, self._row_start))
        elif kind == "sheetData":
            self.layout.end_of_rows = self._parser.CurrentByteIndex

    def _note_position(self) -> None:
        """Note where an element begins or ends: the parser has no offset of the end of a tag."""
        position = self._parser.CurrentByteIndex
        if self._is_at_start:
            self.layout.start_of_rows = position
            self._is_at_start = False
        if self._is_behind_row:
            self.layout.end_of_last_row = position
            self._is_behind_row = False
        if self._is_in_dimension and self.layout.dimension is not None and position > self.layout.dimension[0]:
            self.layout.dimension = (self.layout.dimension[0], position)
            self._is_in_dimension = False


def write_with_rows(
    source: IO[bytes], target: IO[bytes], layout: SheetLayout, rows: Iterable[bytes], end: tuple[int, int]
) -> None:
    """Copy a sheet and add rows behind its last one.

    :param source: the part of the sheet.
    :param target: takes the new part.
    :param layout: what :func:`scan` found.
    :param rows: the XML of the rows, in pieces.
    :param end: the number of the last new row and of the last column of all rows.
    """
    copy = _Copy(source, target)
    last_row, last_column = end
    tag = layout.prefix
    if layout.dimension is not None:
        copy.until(layout.dimension[0])
        copy.skip_until(layout.dimension[1])
        target.write(f'<{tag}dimension ref="A1:{column_letters(max(last_column, 1))}{max(last_row, 1)}"/>'.encode())
    is_empty_tag = copy.until_rows(layout.end_of_last_row)
    for piece in rows:
        target.write(piece)
    # Rows without cells have formats and heights. Those that the new rows replace are left out.
    kept = next((offset for number, offset in layout.later_rows if number > last_row), layout.end_of_rows)
    copy.skip_until(kept)
    if is_empty_tag:
        target.write(f"</{tag}sheetData>".encode())
    copy.rest()


def write_without_rows(source: IO[bytes], target: IO[bytes], layout: SheetLayout) -> None:
    """Copy a sheet without its rows."""
    copy = _Copy(source, target)
    copy.until(layout.start_of_rows)
    copy.skip_until(layout.end_of_rows)
    copy.rest()


class _Copy:
    """Copies bytes by their offsets."""

    def __init__(self, source: IO[bytes], target: IO[bytes]) -> None:
        self._source = source
        self._target = target
        self._position = 0

    def until(self, offset: int) -> None:
        while self._position < offset:
            self._target.write(self._read(offset))

    def until_rows(self, offset: int) -> bool:
        """Copy to the place of the new rows; returns whether the element of the rows has no end tag."""
        self.until(max(offset - 2, self._position))
        last = self._read(offset)
        is_empty_tag = last == b"/>"
        self._target.write(b">" if is_empty_tag else last)
        return is_empty_tag

    def skip_until(self, offset: int) -> None:
        while self._position < offset:
            self._read(offset)

    def rest(self) -> None:
        while chunk := self._source.read(_CHUNK):
            self._target.write(chunk)

    def _read(self, offset: int) -> bytes:
        chunk = self._source.read(min(offset - self._position, _CHUNK))
        if not chunk and offset > self._position:
            raise EOFError("the part of the sheet is shorter than before")
        self._position += len(chunk)
        return chunk
