"""The text of a flat file in parts: encodings, the header, and the rows as columns of text."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO

import pyarrow as pa

from airflow_provider_ssis.engine.data_flow.flat_files.exact_reader import FileRow, RowReader
from airflow_provider_ssis.engine.data_flow.flat_files.fast_reader import FastReader, fast_reader
from airflow_provider_ssis.engine.data_flow.flat_files.file_format import UTF_8, FileFormat
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions.text import join_units, split_units

BIG_ENDIAN = 0xC020902D
UTF_8_AS_UNICODE = 0xC020902E
_FIRST_READ = 1 << 18
_SMALLEST_READ, _LARGEST_READ = 1 << 16, 1 << 23
_MARKS = {codecs.BOM_UTF16_BE: BIG_ENDIAN, codecs.BOM_UTF8: UTF_8_AS_UNICODE}


@dataclass(frozen=True, slots=True)
class TextRows:
    """Some rows of a file, as text.

    :param columns: the texts of each column of the file; empty for columns that a row lacks.
    :param bad: the rows whose text the code page cannot decode, by the index of the column.
    :param raw: returns the rows as the file has them, without their delimiters.
    """

    columns: tuple[pa.StringArray, ...]
    bad: dict[int, list[int]]
    raw: Callable[[], list[str]]

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.columns[0])


class FlatFileTexts:
    """Reads the rows of a flat file as text.

    :param found: the format.
    :param file: the file, open for reading bytes.
    :param batch_rows: about how many rows to return at once.
    :param exact: never use the fast reader. Default: False.
    :param read_bytes: how much to read at once. Default: None, enough for a batch.
    """

    def __init__(
        self,
        found: FileFormat,
        file: IO[bytes],
        batch_rows: int,
        *,
        exact: bool = False,
        read_bytes: int | None = None,
    ) -> None:
        self._file = file
        self._batch_rows = batch_rows
        self._is_units = found.is_unicode and not found.is_delimited
        is_bytes = found.is_byte_safe or (not found.is_unicode and not found.is_delimited)
        self._encoding = found.encoding if is_bytes else "utf-8"
        self._decoder: codecs.IncrementalDecoder | None = None
        if not is_bytes:
            self._decoder = codecs.getincrementaldecoder(found.encoding)(
                "surrogatepass" if self._is_units else "strict"
            )
        self._format = found
        # The text in an encoding that extends ASCII needs no decoding where it is ASCII.
        self._extends_ascii = not is_bytes or found.extends_ascii
        self._reader = RowReader(_in_form(found, None if self._is_units else self._encoding))
        is_exact = exact or self._is_units or not self._extends_ascii
        self._fast: FastReader | None = None if is_exact else fast_reader(found)
        self._pending: bytes | str = "" if self._is_units else b""
        self._at_end = False
        self._adapts = read_bytes is None
        self._read_size = read_bytes or _FIRST_READ
        self.ends_in_header = False
        self.has_partial_row = False

    # -- the text ------------------------------------------------------------------------------------------------------

    def _more(self) -> None:
        data = self._file.read(self._read_size)
        self._at_end = not data
        if self._decoder is None:
            assert isinstance(self._pending, bytes)  # noqa: S101 the form without a decoder
            self._pending += data
            return
        text = self._decoder.decode(data, self._at_end)
        if isinstance(self._pending, str):
            self._pending += split_units(text)
        else:
            self._pending += text.encode("utf-8", "surrogatepass")

    def start(self) -> None:
        """Skip the byte-order mark, the header and the rows to skip.

        :raises TaskFailure: the file has another encoding than its connection manager says.
        """
        mark = self._file.read(3)
        if self._format.is_unicode:
            for wrong, code in _MARKS.items():
                if mark.startswith(wrong):
                    raise TaskFailure(
                        "The file is not UTF-16 (little endian), as its connection manager says. Correct the property "
                        "Unicode or CodePage, or convert the file.",
                        code,
                    )
            self._file.seek(2 if mark.startswith(codecs.BOM_UTF16_LE) else 0)
        else:
            self._file.seek(3 if self._format.code_page == UTF_8 and mark == codecs.BOM_UTF8 else 0)
        for _ in range(self._format.header_rows + self._format.has_names):
            self._skip_line()
        skipped = 0
        while skipped < self._format.rows_to_skip:
            found = self._exact(self._format.rows_to_skip - skipped)
            if not found:
                break
            skipped += len(found)

    def _skip_line(self) -> None:
        delimiter = self._format.header_delimiter
        mark: bytes | str = delimiter if self._is_units else delimiter.encode(self._encoding)
        while True:
            at = self._pending.find(mark)  # type: ignore[arg-type]
            if at >= 0:
                self._pending = self._pending[at + len(mark) :]
                return
            if self._at_end:
                self.ends_in_header = True
                self._pending = self._pending[:0]
                return
            self._more()

    # -- rows ----------------------------------------------------------------------------------------------------------

    def rows(self) -> Iterator[TextRows]:
        """Yield the rows.

        :raises TaskFailure: the structure of a row is wrong.
        """
        while True:
            size = len(self._pending)
            if not self._at_end and size < self._read_size:
                self._more()
            if self._at_end and not self._pending:
                return
            if self._fast is not None and (found := self._quickly(self._fast)) is not None:
                yield found
                continue
            rows = self._exact(self._batch_rows)
            if rows:
                yield self._columns(rows)
            elif self._at_end:
                return

    def _quickly(self, fast: FastReader) -> TextRows | None:
        """Rows that the fast reader can read; None if the exact reader must read the next ones."""
        data = self._pending
        assert isinstance(data, bytes)  # noqa: S101 the fast reader reads no units
        size = len(data) if self._at_end else fast.complete_rows(data)
        if not size:
            return None
        part = data[:size]
        if self._encoding != "utf-8" and not part.isascii():
            try:
                utf8 = part.decode(self._encoding).encode()
            except UnicodeDecodeError:
                return None
        else:
            utf8 = part
        batch = fast.read(utf8)
        if batch is None or not batch.num_rows:
            return None
        self._pending = data[size:]
        if self._adapts:
            wanted = size * self._batch_rows * 19 // (20 * batch.num_rows)
            self._read_size = max(_SMALLEST_READ, min(_LARGEST_READ, wanted))
        return TextRows(tuple(batch.columns), {}, lambda: self._raw_rows(part))

    def _raw_rows(self, part: bytes) -> list[str]:
        """The rows that the fast reader has read, as the file has them."""
        text = part.decode("latin-1")
        rows = self._reader.rows(text, 0, is_last=True)
        return [self._decoded(text[row.start : row.end])[0] for row in rows]

    def _exact(self, most: int) -> list[_Row]:
        """The next rows, by the exact reader; none only at the end of the file."""
        while True:
            text = self._pending if isinstance(self._pending, str) else self._pending.decode("latin-1")
            found: list[_Row] = []
            for row in self._reader.rows(text, 0, is_last=self._at_end):
                found.append(_Row(row, text[row.start : row.end]))
                if len(found) == most:
                    break
            if found or self._at_end:
                self._pending = self._pending[self._reader.position :]
                self.has_partial_row |= self._reader.has_partial
                return found
            if self._adapts:
                self._read_size = min(_LARGEST_READ, 2 * self._read_size)
            self._more()

    def _columns(self, rows: list[_Row]) -> TextRows:
        columns = []
        bad: dict[int, list[int]] = {}
        for index in range(len(self._format.columns)):
            texts: list[str] = []
            for number, row in enumerate(rows):
                text, is_good = self._decoded(row.row.fields[index])
                if not is_good:
                    bad.setdefault(index, []).append(number)
                texts.append(text)
            columns.append(pa.array(texts, pa.string()))
        return TextRows(tuple(columns), bad, lambda: [self._decoded(row.raw)[0] for row in rows])

    def _decoded(self, text: str) -> tuple[str, bool]:
        """A text of the file decoded, and whether the code page has all of it."""
        if self._extends_ascii and text.isascii():
            return text, True
        if self._is_units:
            joined = join_units(text)
            good = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in joined)
            return good, good == joined
        data = text.encode("latin-1")
        try:
            return data.decode(self._encoding), True
        except UnicodeDecodeError:
            if self._encoding == "utf-8":
                return data.decode(self._encoding, "replace"), False
        try:
            # Windows maps a byte without a character to the control character with its number.
            return "".join(_character(byte, self._encoding) for byte in data), True
        except UnicodeDecodeError:
            return data.decode(self._encoding, "replace"), False


@dataclass(frozen=True, slots=True)
class _Row:
    row: FileRow
    raw: str


def _character(byte: int, encoding: str) -> str:
    try:
        return bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        if 0x80 <= byte < 0xA0 and encoding.startswith("cp125"):
            return chr(byte)
        raise


def _in_form(found: FileFormat, encoding: str | None) -> FileFormat:
    """The format with delimiters and qualifier as the exact reader sees the text: one character for each byte."""

    def form(text: str) -> str:
        return text if encoding is None else text.encode(encoding).decode("latin-1")

    columns = tuple(replace(column, delimiter=form(column.delimiter)) for column in found.columns)
    return replace(found, columns=columns, qualifier=form(found.qualifier))
