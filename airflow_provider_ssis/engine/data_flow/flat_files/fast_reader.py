"""The fast reader of flat files: Arrow's CSV reader, for text that it provably reads as the exact reader does.

The exact reader reads the parts of a file that are not so regular.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv

from airflow_provider_ssis.engine.data_flow.flat_files.file_format import FileFormat

_LINE_ENDS = ("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class FastReader:
    """Reads parts of a file with Arrow.

    :param names: the names for the columns of the result.
    :param reads_empty_lines: whether an empty line is a row: where rows can end early.
    """

    names: tuple[str, ...]
    delimiter: str
    row_delimiter: bytes
    qualifier: str
    all_qualified: bool
    reads_empty_lines: bool

    def complete_rows(self, data: bytes) -> int:
        """The length of the rows that are complete in some bytes; 0 for none."""
        end = len(data)
        quote = self.qualifier.encode()
        while (found := data.rfind(self.row_delimiter, 0, end)) >= 0:
            if not quote or data.count(quote, 0, found) % 2 == 0:
                return found + len(self.row_delimiter)
            end = found
        return 0

    def read(self, data: bytes) -> pa.RecordBatch | None:
        """Return the texts of complete rows, or None if the exact reader must read them.

        :param data: complete rows in UTF-8.
        """
        if not self._is_regular(data):
            return None
        has_quotes = bool(self.qualifier) and self.qualifier.encode() in data
        try:
            table = pyarrow.csv.read_csv(
                pa.BufferReader(data),
                pyarrow.csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=list(self.names)),
                pyarrow.csv.ParseOptions(
                    delimiter=self.delimiter,
                    quote_char=self.qualifier if has_quotes else False,
                    double_quote=True,
                    escape_char=False,
                    newlines_in_values=has_quotes,
                    ignore_empty_lines=False,
                ),
                pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.string()),
                    null_values=[],
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        batches = table.combine_chunks().to_batches()
        return batches[0] if len(batches) == 1 else None

    def _is_regular(self, data: bytes) -> bool:
        if b"\0" in data:
            return False
        end = self.row_delimiter
        if not self.reads_empty_lines and (data.startswith(end) or 2 * end in data):
            return False
        returns = data.count(b"\r")
        if self.row_delimiter == b"\n":
            if returns:
                return False
        elif not returns == data.count(b"\n") == data.count(b"\r\n"):
            return False
        quote = self.qualifier.encode()
        if not quote or quote not in data:
            return True
        return self.all_qualified and self._has_regular_quotes(data)

    def _has_regular_quotes(self, data: bytes) -> bool:
        """Whether each qualifier begins or ends a field, or is one of two in a row inside of a field."""
        values = np.frombuffer(data, np.uint8)
        quote = ord(self.qualifier)
        places = np.flatnonzero(values == quote)
        if len(places) % 2:
            return False
        opening, closing = places[::2], places[1::2]
        borders = np.array([ord(self.delimiter), 0x0A], np.uint8)
        before = values[np.maximum(opening - 1, 0)]
        # A quote that opens directly after one that closes is the second half of a doubled one.
        follows = np.concatenate([[False], opening[1:] == closing[:-1] + 1])
        if not np.all((opening == 0) | np.isin(before, borders) | follows):
            return False
        last = len(values) - 1
        after = values[np.minimum(closing + 1, last)]
        precedes = np.concatenate([opening[1:] == closing[:-1] + 1, [False]])
        ends = np.array([ord(self.delimiter), self.row_delimiter[0]], np.uint8)
        return bool(np.all((closing == last) | np.isin(after, ends) | precedes))


def fast_reader(found: FileFormat) -> FastReader | None:
    """Return the fast reader for a format; None if there is none."""
    names = tuple(str(index) for index in range(len(found.columns)))
    delimiters = {column.delimiter for column in found.columns[:-1]}
    if not found.is_delimited or len(delimiters) != 1 or found.row_delimiter not in _LINE_ENDS:
        return None
    delimiter = delimiters.pop()
    qualified = any(column.qualified for column in found.columns)
    qualifier = found.qualifier if qualified else ""
    is_simple = len(delimiter) == 1 and delimiter.isascii() and delimiter not in "\r\n\0"
    if not is_simple or len(qualifier) > 1 or not qualifier.isascii() or qualifier in ("\r", "\n", "\0", delimiter):
        return None
    all_qualified = all(column.qualified for column in found.columns)
    end = found.row_delimiter.encode()
    return FastReader(names, delimiter, end, qualifier, all_qualified, found.checks_rows)
