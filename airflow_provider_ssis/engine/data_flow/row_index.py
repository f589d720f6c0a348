"""An exact index over the keys of rows: finds the first row with the same key, for whole batches at once.

Keys are equal if they have the same values: case, width and trailing blanks count, and NULL equals NULL. Each key gets
a number of 64 bits; equal numbers are confirmed by comparing the values, unless the number determines the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)
_NULL_WORD = np.uint64(0x7FB5D329728EA185)
_WORD = 8
_SHORT = 7


class RowIndex:
    """Finds rows by their keys.

    :param columns: the key columns; each may be in chunks.
    """

    def __init__(self, columns: Sequence[pa.Array | pa.ChunkedArray]) -> None:
        self._columns = _plain([pa.chunked_array([c]) if isinstance(c, pa.Array) else c for c in columns])
        rows = len(self._columns[0])
        self._is_short = all(_is_short(column) for column in self._columns)
        self._is_exact = len(self._columns) == 1 and self._is_short and self._columns[0].null_count == 0
        words = np.empty(rows, np.uint64)
        start = 0
        for chunks in _aligned(self._columns):
            words[start : start + len(chunks[0])] = self._words(chunks)[0]
            start += len(chunks[0])
        self.duplicates, self._collisions = self._repeated(words, self._fill(words))

    def find(self, columns: Sequence[pa.Array]) -> Rows:
        """Return the number of the first row with the key of each row, -1 for none.

        :param columns: the keys, of the types of the key columns.
        """
        columns = _plain(columns)
        words, possible = self._words(columns)
        found = self._probe(words)
        if possible is not None:
            found[~possible] = -1
        if self._is_exact:
            return found
        hits = np.flatnonzero(found >= 0)
        if len(hits):
            wrong = hits[~self._equal(columns, hits, found[hits])]
            found[wrong] = -1
            if self._collisions:
                for row in wrong:
                    found[row] = self._collisions.get(tuple(column[int(row)] for column in columns), -1)
        return found

    def _words(self, columns: Sequence[pa.Array]) -> tuple[Words, npt.NDArray[np.bool_] | None]:
        """The number of each key, and which keys can be in the index at all; None for all."""
        possible: npt.NDArray[np.bool_] | None = None
        total: Words | None = None
        for column in columns:
            words = _column_words(column)
            if column.null_count:
                valid = column.is_valid().to_numpy(zero_copy_only=False)
                words = np.where(valid, words, _NULL_WORD)
                if self._is_exact:
                    possible = valid if possible is None else possible & valid
            if self._is_exact and _is_text(column.type):
                short = _lengths(column) <= _SHORT
                possible = short if possible is None else possible & short
            total = words if total is None else _blend(total) + words
        assert total is not None  # noqa: S101 a key has a column
        return total, possible

    def _repeated(self, words: Words, first: Rows) -> tuple[int, dict[tuple[pa.Scalar, ...], int]]:
        """The number of duplicates, and rows whose number another key has.

        :param first: the first row with the number of each row.
        """
        later = np.flatnonzero(first != np.arange(len(words)))
        if not len(later) or self._is_exact:
            return len(later), {}
        keys = [column.take(pa.array(later)).combine_chunks() for column in self._columns]
        collided = np.flatnonzero(~self._equal(keys, np.arange(len(later)), first[later]))
        collisions: dict[tuple[pa.Scalar, ...], int] = {}
        duplicates = len(later) - len(collided)
        for position in collided:
            key = tuple(column[int(position)] for column in keys)
            duplicates += key in collisions
            collisions.setdefault(key, int(later[position]))
        return duplicates, collisions

    def _equal(self, columns: Sequence[pa.Array], rows: Rows, found: Rows) -> npt.NDArray[np.bool_]:
        """Whether the keys of rows equal those of rows of the index."""
        equal = np.ones(len(rows), np.bool_)
        mine, theirs = pa.array(rows), pa.array(found)
        for column, indexed in zip(columns, self._columns, strict=True):
            left = column if len(rows) == len(column) else column.take(mine)
            right = indexed.take(theirs).combine_chunks()
            same = pc.fill_null(pc.equal(left, right), False)
            if left.null_count and right.null_count:
                same = pc.or_(same, pc.and_(left.is_null(), right.is_null()))
            equal &= same.to_numpy(zero_copy_only=False)
        return equal

    def _fill(self, words: Words) -> Rows:
        """Give each number a slot with the first row that has it; returns this row for each row."""
        bits = max(4, int(2 * len(words)).bit_length())
        self._shift = np.uint64(64 - bits)
        self._mask = (1 << bits) - 1
        self._slot_rows: npt.NDArray[Any] = np.full(1 << bits, -1, np.int32 if len(words) < 2**31 else np.int64)
        self._slot_words = np.zeros(1 << bits, np.uint64)
        first = np.empty(len(words), np.int64)
        waiting, slots, own = np.arange(len(words)), self._slots(words), words
        while len(waiting):
            # Of the rows that want a free slot the first gets it: the last assignment remains, so it is made last.
            free = np.flatnonzero(self._slot_rows[slots] < 0)[::-1]
            self._slot_rows[slots[free]] = waiting[free]
            winners = self._slot_rows[slots]
            won = winners[free] == waiting[free]
            self._slot_words[slots[free[won]]] = own[free[won]]
            same = self._slot_words[slots] == own
            first[waiting[same]] = winners[same]
            rest = ~same
            waiting, slots, own = waiting[rest], (slots[rest] + 1) & self._mask, own[rest]
        return first

    def _slots(self, words: Words) -> Rows:
        return ((_mix(words) * _MULTIPLIER) >> self._shift).astype(np.int64)

    def _probe(self, words: Words) -> Rows:
        slots = self._slots(words)
        rows = self._slot_rows[slots]
        found = np.where(self._slot_words[slots] == words, rows, -1).astype(np.int64)
        pending = np.flatnonzero((found < 0) & (rows >= 0))
        slots = slots[pending]
        while len(pending):
            slots = (slots + 1) & self._mask
            rows = self._slot_rows[slots]
            hit = (self._slot_words[slots] == words[pending]) & (rows >= 0)
            found[pending[hit]] = rows[hit]
            go_on = ~hit & (rows >= 0)
            pending, slots = pending[go_on], slots[go_on]
        return found


def _plain(columns: Sequence[Any]) -> list[Any]:
    """The columns, with the fields of a struct as columns."""
    return [one for column in columns for one in (column.flatten() if pa.types.is_struct(column.type) else [column])]


def _aligned(columns: Sequence[pa.ChunkedArray]) -> list[list[pa.Array]]:
    names = [str(index) for index in range(len(columns))]
    return [batch.columns for batch in pa.table(list(columns), names).to_batches()]


def _mix(words: Words) -> Words:
    return (words ^ (words >> _SHIFT)) * _MIXER


def _blend(words: Words) -> Words:
    """Mix so that sums of the numbers of several columns are spread."""
    words = words * _MULTIPLIER
    return (words ^ (words >> _SHIFT)) * _MIXER


def _is_text(type_: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
    )


def _is_short(column: pa.ChunkedArray) -> bool:
    """Whether the number of each value determines the value."""
    if _is_text(column.type):
        return all(len(chunk) == 0 or int(_lengths(chunk).max()) <= _SHORT for chunk in column.chunks)
    return not (pa.types.is_decimal(column.type) or pa.types.is_fixed_size_binary(column.type))


def _lengths(column: pa.Array) -> npt.NDArray[np.int64]:
    return np.diff(_offsets(column)).astype(np.int64)


def _offsets(column: pa.Array) -> npt.NDArray[Any]:
    is_large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    buffer = column.buffers()[1]
    if buffer is None:
        return np.zeros(len(column) + 1, np.int64)
    offsets = np.frombuffer(buffer, np.int64 if is_large else np.int32)
    return offsets[column.offset : column.offset + len(column) + 1]


def _column_words(column: pa.Array) -> Words:
    if column.null_count == len(column):
        return np.zeros(len(column), np.uint64)
    if _is_text(column.type):
        return _text_words(column)
    if pa.types.is_boolean(column.type):
        flags: npt.NDArray[Any] = column.cast(pa.uint8()).fill_null(0).to_numpy(zero_copy_only=False)
        return flags.astype(np.uint64)
    if pa.types.is_decimal(column.type) or pa.types.is_fixed_size_binary(column.type):
        buffer = column.buffers()[1]
        pairs = np.frombuffer(buffer, np.uint64)[2 * column.offset : 2 * (column.offset + len(column))]
        return pairs[0::2] + _blend(pairs[1::2])
    width = column.type.bit_width // 8
    buffer = column.buffers()[1]
    dtype = np.dtype(f"i{width}")
    numbers = np.frombuffer(buffer, dtype)[column.offset : column.offset + len(column)]
    return numbers.astype(np.int64).view(np.uint64)


def _text_words(column: pa.Array) -> Words:
    """The number of each text: for up to seven bytes the bytes and the length, otherwise a hash."""
    offsets = _offsets(column)
    starts, lengths = offsets[:-1].astype(np.int64), np.diff(offsets).astype(np.int64)
    words = lengths.astype(np.uint64) << np.uint64(56)
    longest = int(lengths.max(initial=0))
    if not longest:
        return words
    low, high = int(offsets[0]), int(offsets[-1])
    data = np.zeros(high - low + _WORD, np.uint8)
    data[:-_WORD] = np.frombuffer(column.buffers()[2], np.uint8)[low:high]
    loaded = np.ndarray(shape=(len(data) - _WORD + 1,), dtype="<u8", buffer=data, strides=(1,))
    starts = starts - low
    for position in range(0, longest, _WORD):
        rows = np.flatnonzero(lengths > position) if position else slice(None)
        left = lengths[rows] - position
        parts = loaded[starts[rows] + position]
        bits = (np.minimum(left, _WORD) * 8).astype(np.uint64)
        parts &= np.where(bits >= 64, ~np.uint64(0), (np.uint64(1) << (bits & np.uint64(63))) - np.uint64(1))
        words[rows] = parts + (words[rows] if position == 0 else _blend(words[rows] ^ _MIXER))
    return words
