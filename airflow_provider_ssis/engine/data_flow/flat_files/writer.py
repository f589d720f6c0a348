"""Writing rows as text with delimiters or fixed widths."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.engine.data_flow.flat_files.file_format import UTF_8, FileColumn, FileFormat
from airflow_provider_ssis.engine.errors import TaskFailure

CANNOT_WRITE_VALUE = 0xC02020A1


@dataclass(frozen=True, slots=True)
class RowWriter:
    """Makes the bytes of rows.

    :param found: the format of the file.
    :param escapes: whether a qualifier inside of a value is doubled.
    """

    found: FileFormat
    escapes: bool

    def header(self) -> bytes | memoryview:
        """The row with the names of the columns.

        :raises UnicodeEncodeError: the code page lacks a character of a name.
        """
        for column in self.found.columns:
            column.name.encode(self.found.encoding)
        names = [pa.array([column.name]) for column in self.found.columns]
        if self.found.is_delimited:
            last = replace(self.found.columns[-1], delimiter=self.found.header_delimiter)
            found = replace(self.found, columns=(*self.found.columns[:-1], last))
            return RowWriter(found, self.escapes).rows(names, 1)
        text = "".join(
            column.name[: column.width].ljust(column.width) if column.width else column.name + column.delimiter
            for column in self.found.columns
        )
        return text.encode(self.found.encoding) + self.found.header_delimiter.encode(self.found.encoding)

    def rows(self, texts: list[pa.StringArray], first_row: int) -> bytes | memoryview:
        """The bytes of rows.

        :param texts: the texts of each column of the file.
        :param first_row: the number of the first row, for messages.
        :raises TaskFailure: a value does not fit, or the code page lacks a character.
        """
        columns = self.found.columns
        fields = [
            self._fixed(each, column, first_row) if column.width else self._delimited(each, column)
            for each, column in zip(texts, columns, strict=True)
        ]
        delimiters = [column.delimiter for column in columns]
        joined = fields[-1]
        if len(set(delimiters[:-1])) == 1:
            joined = pc.binary_join_element_wise(*fields[:-1], joined, delimiters[0])
        elif delimiters[:-1]:
            parts: list[object] = []
            for field, delimiter in zip(fields[:-1], delimiters[:-1], strict=True):
                parts += [field, delimiter]
            joined = pc.binary_join_element_wise(*parts, joined, "")
        lines = pc.binary_join_element_wise(joined, delimiters[-1], "") if delimiters[-1] else joined
        return self._encoded(lines, first_row)

    def _delimited(self, texts: pa.StringArray, column: FileColumn) -> pa.StringArray:
        qualifier = self.found.qualifier
        filled = texts.fill_null("") if texts.null_count else texts
        if not (qualifier and column.qualified):
            return filled
        if self.escapes:
            filled = pc.replace_substring(filled, qualifier, 2 * qualifier)
        return pc.binary_join_element_wise(qualifier, filled, qualifier, "")

    def _fixed(self, texts: pa.StringArray, column: FileColumn, first_row: int) -> pa.StringArray:
        filled = texts.fill_null("") if texts.null_count else texts
        if self.found.extends_ascii and pc.all(pc.string_is_ascii(filled), min_count=0).as_py():
            sizes = pc.utf8_length(filled).to_numpy(zero_copy_only=False)
            padded = pc.utf8_rpad(filled, column.width, " ")
        else:
            encoded = [self._size(text) for text in filled.to_pylist()]
            sizes = np.array(encoded)
            padded = pa.array(
                [
                    text + " " * max(0, column.width - size)
                    for text, size in zip(filled.to_pylist(), encoded, strict=True)
                ]
            )
        too_long = np.flatnonzero(sizes > column.width)
        if len(too_long):
            row = first_row + int(too_long[0])
            raise TaskFailure(
                f'In row {row}, the text of the column "{column.name}" has {sizes[too_long[0]]} characters, and the '
                f"width of the column is {column.width}. Widen the column, or shorten the text before.",
                CANNOT_WRITE_VALUE,
            )
        return padded

    def _size(self, text: str) -> int:
        if self.found.is_unicode:
            return len(text.encode("utf-16-le")) // 2
        return len(text.encode(self.found.encoding, "replace"))

    def _encoded(self, lines: pa.StringArray, first_row: int) -> bytes | memoryview:
        data = _joined(lines)
        found = self.found
        if not found.is_unicode and found.code_page == UTF_8:
            return data
        text = str(data, "utf-8")
        if self.found.extends_ascii and text.isascii():
            return data
        try:
            return text.encode(found.encoding)
        except UnicodeEncodeError:
            row = next(index for index, line in enumerate(lines.to_pylist()) if not _can_encode(line, found.encoding))
            raise TaskFailure(
                f"In row {first_row + row}, the code page {found.code_page} lacks a character of the text. Choose the "
                "code page 65001 (UTF-8) or a Unicode file.",
                CANNOT_WRITE_VALUE,
            ) from None


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _joined(lines: pa.StringArray) -> memoryview:
    """The texts one after the other, without a copy."""
    buffers = lines.buffers()
    if not len(lines) or buffers[2] is None:
        return memoryview(b"")
    offsets = np.frombuffer(buffers[1], np.int32, len(lines) + 1, lines.offset * 4)
    return memoryview(buffers[2])[int(offsets[0]) : int(offsets[-1])]
