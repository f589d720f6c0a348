"""The exact reader of flat files: row by row, with all rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_ssis.engine.data_flow.flat_files.file_format import FileColumn, FileFormat
from airflow_provider_ssis.engine.errors import TaskFailure

NOT_CLOSED = 0xC0202011
NO_DELIMITER = 0xC0202055


@dataclass(frozen=True, slots=True)
class FileRow:
    """A row of a file.

    :param fields: the text of each column; empty for columns that the row lacks.
    :param start: where the row begins in the text.
    :param end: where its delimiter begins.
    """

    fields: list[str]
    start: int
    end: int


class _NeedsMore(Exception):
    """The text ends inside a row, and the file continues."""


class _Partial(Exception):
    """The file ends inside a row."""


class RowReader:
    """Reads rows from a text that grows.

    In a file of a code page whose delimiters are safe, the text has one character for each byte; else it is decoded.

    :param found: the format, with delimiters and qualifier in the form of the text.
    """

    def __init__(self, found: FileFormat) -> None:
        self._format = found
        self._last = len(found.columns) - 1
        self._qualifier = found.qualifier

    def rows(self, text: str, start: int, *, is_last: bool) -> Iterator[FileRow]:
        """Yield the complete rows of a text.

        :param text: a part of the file.
        :param start: where the first row begins.
        :param is_last: whether the file ends with the text.
        :returns: through ``StopIteration.value`` nothing; the next row begins at :attr:`position`.
        :raises TaskFailure: a qualifier is not closed, or a delimiter is missing.
        """
        self.position = start
        self.has_partial = False
        size = len(text)
        while self.position < size:
            try:
                row, following = self._row(text, self.position, is_last)
            except _NeedsMore:
                return
            except _Partial:
                self.has_partial = True
                self.position = size
                return
            self.position = following
            yield row

    def _row(self, text: str, start: int, is_last: bool) -> tuple[FileRow, int]:
        fields: list[str] = []
        at = start
        for index, column in enumerate(self._format.columns):
            field, end, following, ends_row = self._field(text, at, index, column, is_last)
            fields.append(field)
            at = following
            if ends_row:
                fields.extend([""] * (self._last - index))
                return FileRow(fields, start, end), following
        return FileRow(fields, start, end), at

    def _field(self, text: str, at: int, index: int, column: FileColumn, is_last: bool) -> tuple[str, int, int, bool]:
        """The field at a position, its end, the start of the next field, and whether the row ends behind it."""
        if column.width:
            return self._fixed(text, at, index, column, is_last)
        if self._qualifier and column.qualified and text.startswith(self._qualifier, at):
            return self._quoted(text, at, index, column, is_last)
        if self._qualifier and column.qualified and not is_last and len(text) - at < len(self._qualifier):
            raise _NeedsMore
        end, following, ends_row = self._delimiter(text, at, index, column, is_last)
        return text[at:end], end, following, ends_row

    def _delimiter(self, text: str, at: int, index: int, column: FileColumn, is_last: bool) -> tuple[int, int, bool]:
        """The position of the delimiter behind a field, the one behind it, and whether it ends the row."""
        delimiter = column.delimiter
        end = text.find(delimiter, at)
        row_delimiter = self._format.row_delimiter
        if index == self._last:
            if end >= 0:
                return end, end + len(delimiter), True
            if not is_last:
                raise _NeedsMore
            return len(text), len(text), True
        if self._format.checks_rows and row_delimiter and row_delimiter != delimiter:
            early = text.find(row_delimiter, at, len(text) if end < 0 else end)
            if early >= 0:
                return early, early + len(row_delimiter), True
            if end >= 0 and not is_last and end + len(row_delimiter) > len(text):
                raise _NeedsMore
        if end >= 0:
            return end, end + len(delimiter), False
        raise _Partial if is_last else _NeedsMore

    def _quoted(self, text: str, at: int, index: int, column: FileColumn, is_last: bool) -> tuple[str, int, int, bool]:
        qualifier = self._qualifier
        size = len(qualifier)
        parts: list[str] = []
        begin = at + size
        while True:
            end = text.find(qualifier, begin)
            if end < 0 or (not is_last and end + 2 * size > len(text)):
                if not is_last:
                    raise _NeedsMore
                if end < 0:
                    raise TaskFailure(f'The text qualifier of the column "{column.name}" is not closed.', NOT_CLOSED)
            parts.append(text[begin:end])
            if not text.startswith(qualifier, end + size):
                break
            parts.append(qualifier)
            begin = end + 2 * size
        behind = end + size
        field = "".join(parts)
        longest = max(len(column.delimiter), len(self._format.row_delimiter))
        if not is_last and behind + longest > len(text):
            raise _NeedsMore
        if text.startswith(column.delimiter, behind):
            return field, behind, behind + len(column.delimiter), index == self._last
        row_delimiter = self._format.row_delimiter
        if self._format.checks_rows and row_delimiter and text.startswith(row_delimiter, behind):
            return field, behind, behind + len(row_delimiter), True
        if behind >= len(text):
            if index == self._last:
                return field, behind, behind, True
            raise _Partial
        raise TaskFailure(
            f'The delimiter after the text qualifier of the column "{column.name}" is missing.', NO_DELIMITER
        )

    def _fixed(self, text: str, at: int, index: int, column: FileColumn, is_last: bool) -> tuple[str, int, int, bool]:
        end = at + column.width
        row_delimiter = self._format.row_delimiter
        if self._format.checks_rows and row_delimiter:
            early = text.find(row_delimiter, at, end + len(row_delimiter) - 1)
            if early >= 0 and early < end:
                return text[at:early], early, early + len(row_delimiter), True
            if not is_last and end + len(row_delimiter) > len(text):
                raise _NeedsMore
        if end > len(text):
            if not is_last:
                raise _NeedsMore
            if index == self._last and at < len(text) and row_delimiter:
                return text[at:], len(text), len(text), True
            raise _Partial
        return text[at:end], end, end, index == self._last
