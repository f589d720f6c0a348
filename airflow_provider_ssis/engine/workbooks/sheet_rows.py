"""The rows of a sheet as XML: finding the last one, and adding others after it without building a tree.

What is not changed is copied byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO

from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.workbooks.parts import CANNOT_OPEN, column_letters, column_number

_CHUNK = 2**16
_PREFIX = rb"(?:[A-Za-z_][\w.-]*:)?"
_TAG = re.compile(
    rb"<(?:(?P<close>/)" + _PREFIX + rb"sheetData\b"
    rb"|(?P<prefix>" + _PREFIX + rb")(?:(?P<row>row)\b(?P<attributes>[^>]*?)(?:/>|>\s*(?P<cell><" + _PREFIX + rb"c\b)?)"
    rb"|(?P<data>sheetData)\b[^>]*?(?P<empty>/?)>"
    rb"|(?P<dimension>dimension)\b[^>]*?(?:/>|>\s*</" + _PREFIX + rb"dimension\s*>)))"
)
_NUMBER = re.compile(rb"""\br\s*=\s*["'](\d+)["']""")
_REFERENCE = re.compile(rb"""\bref\s*=\s*["'](?:[A-Z]+\d+:)?([A-Z]+)\d+["']""")
_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']""")


@dataclass(slots=True)
class SheetLayout:
    """Where the rows of a sheet are in its part.

    :param prefix: the prefix of its elements with a colon, such as ``x:``; empty for none.
    :param last_row: the number of the last row that has cells, from 1; 0 for none.
    :param last_column: the number of the last column of the used range that the sheet states, from 1; 0 for none.
    :param start_of_rows: the offset of the first row.
    :param end_of_last_row: the offset after the last row that has cells.
    :param end_of_rows: the offset after all rows; -1 if the part is not a sheet.
    :param later_rows: number and offset of the rows without cells after the last row that has cells.
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
    :raises TaskFailure: it is not a sheet, or its XML has parts that no program for sheets writes.
    """
    scanner = _Scanner(name)
    while not scanner.is_done and (chunk := part.read(_CHUNK)):
        check()
        scanner.feed(chunk)
    scanner.feed(b"", is_last=True)
    layout = scanner.layout
    if layout.end_of_rows < 0:
        raise TaskFailure(f"{name} has no rows: it is a chart, or its file is damaged.", CANNOT_OPEN)
    if layout.end_of_last_row < 0:
        layout.end_of_last_row = layout.later_rows[0][1] if layout.later_rows else layout.end_of_rows
    return layout


class _Scanner:
    """Finds the tags of rows. "<" is always the start of a tag, because comments and CDATA sections are refused.

    A parser of XML would call a function for each cell, which takes a hundred times as long.
    """

    def __init__(self, name: str) -> None:
        self.layout = SheetLayout()
        self.is_done = False
        self._name = name
        self._buffer = b""
        self._offset = 0
        """The offset of the buffer in the part."""
        self._row = 0
        self._is_in_rows = self._is_behind_row = False

    def feed(self, data: bytes, *, is_last: bool = False) -> None:
        if self._offset == 0 and not self._buffer:
            self._check_encoding(data)
        self._buffer += data
        if b"<!" in self._buffer:
            raise self._failure("it contains comments or CDATA sections")
        # A tag counts when the next one begins in the buffer too, with its name.
        last = self._buffer.rfind(b"<")
        end = len(self._buffer) if is_last else self._buffer.rfind(b"<", 0, max(last, 0))
        if end <= 0:
            return
        for match in _TAG.finditer(self._buffer):
            if match.start() >= end or self.is_done:
                break
            self._tag(match)
        self._offset += end
        self._buffer = self._buffer[end:]

    def _check_encoding(self, data: bytes) -> None:
        encoding = _ENCODING.match(data)
        if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (encoding and encoding[1].lower() not in (b"utf-8", b"utf8")):
            raise self._failure("its encoding is not UTF-8")

    def _failure(self, why: str) -> TaskFailure:
        return TaskFailure(f"{self._name} cannot be changed: {why}. Save the file in Excel.", CANNOT_OPEN)

    def _tag(self, match: re.Match[bytes]) -> None:
        start = self._offset + match.start()
        if match["dimension"]:
            self.layout.dimension = (start, self._offset + match.end())
            used = _REFERENCE.search(match[0])
            self.layout.last_column = column_number(used[1].decode()) if used else 0
        elif match["data"]:
            self.layout.prefix = match["prefix"].decode()
            self._is_in_rows = True
            if match["empty"]:
                self.layout.start_of_rows = self.layout.end_of_rows = self._offset + match.end()
                self.is_done = True
        elif self._is_in_rows:
            if self.layout.start_of_rows < 0:
                self.layout.start_of_rows = start
            if self._is_behind_row:
                self.layout.end_of_last_row = start
                self._is_behind_row = False
            if match["close"]:
                self.layout.end_of_rows = start
                self.is_done = True
            else:
                self._row_tag(match, start)

    def _row_tag(self, match: re.Match[bytes], start: int) -> None:
        number = _NUMBER.search(match["attributes"])
        row = int(number[1]) if number else self._row + 1
        if row <= self._row:
            raise self._failure("its rows are not in order")
        self._row = row
        if not match["cell"]:
            self.layout.later_rows.append((row, start))
            return
        self.layout.last_row = row
        self.layout.later_rows = []
        self._is_behind_row = True


def write_with_rows(
    source: IO[bytes], target: IO[bytes], layout: SheetLayout, rows: Iterable[bytes], end: tuple[int, int]
) -> None:
    """Copy a sheet and add rows after its last one.

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
