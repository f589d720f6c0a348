"""Fuzz target: flat files of random formats, compared with a reader that takes one character at a time."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from airflow_provider_ssis.engine.data_flow.flat_files.exact_reader import NO_DELIMITER, NOT_CLOSED
from airflow_provider_ssis.engine.data_flow.flat_files.file_format import FileColumn, FileFormat
from airflow_provider_ssis.engine.data_flow.flat_files.texts import FlatFileTexts
from airflow_provider_ssis.engine.errors import TaskFailure
from tests.fuzz.target import FaultFound

_COLUMN_DELIMITERS = (",", "|", "\t", "::")
_ROW_DELIMITERS = ("\n", "\r\n")
_QUALIFIERS = ("", '"', "''")
_CODE_PAGES = {1252: "cp1252", 65001: "utf-8", 932: "cp932", 1251: "cp1251"}
_LETTERS = ("a", "1", " ", "é", "日", "я", "\0", "{", "\x81", "", "x" * 9)
_OTHER_CODE_PAGE = "text of another code page"
_MARK = "\ufeff"


@dataclass(frozen=True)
class _Wrong(Exception):
    """The file is malformed."""

    code: int


class _End(Exception):
    """The file ends inside a row."""


class FlatFiles:
    """Flat files."""

    name = "flat-files"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Nothing to prepare."""
        yield

    def make(self, chance: Random) -> bytes:
        """A line with the format, and the file."""
        kind = chance.choice(("delimited", "delimited", "fixed", "ragged"))
        count = chance.randint(1, 4)
        row_delimiter = chance.choice(_ROW_DELIMITERS)
        delimiters = [chance.choice(_COLUMN_DELIMITERS) for _ in range(count - 1)] + [row_delimiter]
        widths = [0] * count
        if kind != "delimited":
            widths = [chance.randint(1, 4) for _ in range(count)]
            delimiters = [""] * count
            if kind == "ragged":
                widths[-1], delimiters[-1] = 0, row_delimiter
        given: dict[str, Any] = {
            "delimiters": delimiters,
            "widths": widths,
            "qualified": [chance.random() < 0.8 for _ in range(count)],
            "qualifier": chance.choice(_QUALIFIERS),
            "code_page": chance.choice(list(_CODE_PAGES)),
            "unicode": chance.random() < 0.2,
            "header_rows": chance.choice((0, 0, 0, 1, 2)),
            "header_delimiter": chance.choice(_ROW_DELIMITERS),
            "has_names": chance.random() < 0.3,
            "rows_to_skip": chance.choice((0, 0, 0, 1, 3)),
            "checks_rows": chance.random() < 0.7,
        }
        encoding = "utf-16-le" if given["unicode"] else _CODE_PAGES[given["code_page"]]
        if chance.random() < 0.1:
            data = chance.randbytes(chance.randint(0, 60))
        else:
            marks = [each for each in (*delimiters, row_delimiter, given["qualifier"], given["qualifier"] * 2) if each]
            tokens = [chance.choice(marks if chance.random() < 0.5 else _LETTERS) for _ in range(chance.randint(0, 60))]
            data = "".join(tokens).encode(encoding, "replace")
            if chance.random() < 0.1:
                data = (_MARK.encode(encoding, "ignore") if encoding.startswith("utf") else b"") + data
        return json.dumps(given).encode() + b"\n" + data

    def feed(self, data: bytes) -> None:
        """Read the file at once, in small parts, and with the model."""
        line, _, content = data.partition(b"\n")
        given = json.loads(line)
        columns = tuple(
            FileColumn(f"c{index}", delimiter, width, qualified)
            for index, (delimiter, width, qualified) in enumerate(
                zip(given["delimiters"], given["widths"], given["qualified"], strict=True)
            )
        )
        found = FileFormat(
            columns,
            given["code_page"],
            given["unicode"],
            given["header_rows"],
            given["header_delimiter"],
            given["has_names"],
            given["rows_to_skip"],
            given["qualifier"],
            given["checks_rows"],
            1033,
        )
        outcomes = [_outcome(found, content, size, exact) for size in (None, 1, 7) for exact in (False, True)]
        for other in outcomes[1:]:
            if other != outcomes[0]:
                raise FaultFound(f"the readers differ: {outcomes[0]!r} and {other!r}")
        expected = _Model(found).outcome(content)
        if expected is not None and expected != outcomes[0]:
            raise FaultFound(f"read {outcomes[0]!r}, and the model {expected!r}")


def _outcome(found: FileFormat, data: bytes, size: int | None, exact: bool) -> object:
    """The rows of a file, or the code of the failure."""
    texts = FlatFileTexts(found, io.BytesIO(data), 3, exact=exact, read_bytes=size)
    rows: list[list[str]] = []
    is_bad = False
    try:
        texts.start()
        for part in texts.rows():
            is_bad |= bool(part.bad)
            rows += [list(row) for row in zip(*(column.to_pylist() for column in part.columns), strict=True)]
    except TaskFailure as failure:
        return failure.code
    except UnicodeDecodeError:
        return _OTHER_CODE_PAGE
    except Exception as error:
        raise FaultFound(f"{type(error).__name__}: {error}") from error
    return _OTHER_CODE_PAGE if is_bad else rows


class _Model:
    """Reads a file by the rules, one character after the other; those of a fixed width are bytes."""

    def __init__(self, found: FileFormat) -> None:
        self._format = found
        self._encoding = "utf-16-le" if found.is_unicode else _CODE_PAGES[found.code_page]
        self._counts_bytes = not found.is_unicode and any(column.width for column in found.columns)

    def outcome(self, data: bytes) -> object:
        """The rows or the code of the failure; None for files whose bytes are not text of the code page."""
        mark = _MARK.encode(self._encoding) if self._encoding.startswith("utf") else b""
        if self._format.is_unicode and data.startswith((b"\xfe\xff", b"\xef\xbb\xbf")):
            return None
        data = data[len(mark) :] if mark and data.startswith(mark) else data
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError:
            return None
        if any(ord(character) > 0xFFFF for character in text) and self._format.is_unicode:
            return None  # widths count units, and the model characters
        if self._counts_bytes:
            text = data.decode("latin-1")
        try:
            rows = list(self._rows(text))
            return [[self._decoded(field) for field in row] for row in rows]
        except _Wrong as wrong:
            return wrong.code
        except UnicodeDecodeError:
            return None

    def _decoded(self, field: str) -> str:
        return field.encode("latin-1").decode(self._encoding) if self._counts_bytes else field

    def _bytes(self, text: str) -> str:
        return text.encode(self._encoding).decode("latin-1") if self._counts_bytes else text

    def _rows(self, text: str) -> Iterator[list[str]]:
        position = 0
        for _ in range(self._format.header_rows + self._format.has_names):
            while position < len(text) and not text.startswith(self._format.header_delimiter, position):
                position += 1
            position += len(self._format.header_delimiter)
        number = 0
        while position < len(text):
            try:
                row, position = self._row(text, position)
            except _End:
                return
            number += 1
            if number > self._format.rows_to_skip:
                yield row

    def _row(self, text: str, position: int) -> tuple[list[str], int]:
        columns = self._format.columns
        row: list[str] = []
        for index, column in enumerate(columns):
            field, position, ends = self._field(text, position, column, index == len(columns) - 1)
            row.append(field)
            if ends:
                break
        return row + [""] * (len(columns) - len(row)), position

    def _field(self, text: str, position: int, column: FileColumn, is_last: bool) -> tuple[str, int, bool]:
        row_end = self._bytes(self._format.columns[-1].delimiter)
        checks = bool(self._format.checks_rows and row_end)
        if column.width:
            return self._fixed(text, position, column.width, row_end if checks else "", is_last and bool(row_end))
        delimiter, qualifier = self._bytes(column.delimiter), self._bytes(self._format.qualifier)
        if qualifier and column.qualified and text.startswith(qualifier, position):
            field, position = self._quoted(text, position + len(qualifier), qualifier)
            if text.startswith(delimiter, position):
                return field, position + len(delimiter), is_last
            if checks and text.startswith(row_end, position):
                return field, position + len(row_end), True
            if position < len(text):
                raise _Wrong(NO_DELIMITER)
            if not is_last:
                raise _End
            return field, position, True
        start = position
        while position < len(text):
            if text.startswith(delimiter, position):
                return text[start:position], position + len(delimiter), is_last
            if checks and text.startswith(row_end, position):
                return text[start:position], position + len(row_end), True
            position += 1
        if not is_last:
            raise _End
        return text[start:], position, True

    def _quoted(self, text: str, position: int, qualifier: str) -> tuple[str, int]:
        field = ""
        while position < len(text):
            if not text.startswith(qualifier, position):
                field += text[position]
                position += 1
            elif text.startswith(qualifier, position + len(qualifier)):
                field += qualifier
                position += 2 * len(qualifier)
            else:
                return field, position + len(qualifier)
        raise _Wrong(NOT_CLOSED)

    def _fixed(self, text: str, position: int, width: int, row_end: str, can_be_short: bool) -> tuple[str, int, bool]:
        for end in range(position, position + width):
            if row_end and text.startswith(row_end, end):
                return text[position:end], end + len(row_end), True
            if end >= len(text):
                raise _End
        return text[position : position + width], position + width, False
