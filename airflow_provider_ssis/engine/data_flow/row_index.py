"""An exact index over the keys of rows: finds the first row with the same key, for whole batches at once.

Keys are equal if they have the same values: case, width and trailing blanks count, and NULL equals NULL. A key is
written as words of 64 bits, next to the number of its row in an open hash table: one access to memory finds both. Long
keys have one word, a hash; equal hashes are confirmed by comparing the values.
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
Mask = npt.NDArray[np.bool_]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)
_NULL_WORD = np.uint64(0x7FB5D329728EA185)
_WORD = 8
_SHORT = 7
"""The bytes of a text that fit into a word together with their number."""
_CHUNK = 100_000
_FEW, _SEVERAL = 20, 16
_MOST_WORDS = 6
"""The words of a key that is stored as it is."""


class RowIndex:
    """Finds rows by their keys.

    :param columns: the key columns; each may be in chunks.
    """

    def __init__(self, columns: Sequence[pa.Array | pa.ChunkedArray]) -> None:
        self._columns = _plain([pa.chunked_array([c]) if isinstance(c, pa.Array) else c for c in columns])
        self._widths = [_width(column) for column in self._columns]
        self._has_nulls = any(column.null_count for column in self._columns)
        self._is_exact = sum(self._widths) + self._has_nulls <= _MOST_WORDS
        self.duplicates, self._collisions = self._repeated(self._fill(self._keys()))

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

    def _words(self, columns: Sequence[pa.Array]) -> tuple[list[Words], Mask | None]:
        """The words of each key, and which keys can be in the index at all; None for all."""
        if not self._is_exact:
            return [_hash(columns)], None
        words: list[Words] = []
        nulls = np.zeros(len(columns[0]), np.uint64)
        possible: Mask | None = None
        for place, (column, width) in enumerate(zip(columns, self._widths, strict=True)):
            found = _exact_words(column, width)
            valid: Mask | None = None
            if column.null_count:
                valid = column.is_valid().to_numpy(zero_copy_only=False)
                nulls |= np.where(valid, np.uint64(0), np.uint64(1 << place))
                found = [np.where(valid, part, np.uint64(0)) for part in found]
            words += found
            if width == 1 and _is_text(column.type):
                short = _lengths(column) <= _SHORT
                possible = _both(possible, short if valid is None else short | ~valid)
            if valid is not None and not self._has_nulls:
                possible = _both(possible, valid)
        return ([*words, nulls] if self._has_nulls else words), possible

    def _repeated(self, first: Rows) -> tuple[int, dict[tuple[pa.Scalar, ...], int]]:
        """The number of duplicates, and rows whose hash another key has.

        :param first: the first row with the words of each row.
        """
        later = np.flatnonzero(first != np.arange(len(first)))
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

    def _equal(self, columns: Sequence[pa.Array], rows: Rows, found: Rows) -> Mask:
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

    def _keys(self) -> npt.NDArray[np.uint64]:
        """A line for each row: its number from 1, then the words of its key."""
        width = sum(self._widths) + self._has_nulls if self._is_exact else 1
        keys = np.empty((len(self._columns[0]), 1 + width), np.uint64)
        start = 0
        for chunks in _aligned(self._columns):
            end = start + len(chunks[0])
            keys[start:end, 0] = np.arange(start + 1, end + 1, dtype=np.uint64)
            for place, words in enumerate(self._words(chunks)[0], start=1):
                keys[start:end, place] = words
            start = end
        return keys

    def _fill(self, keys: npt.NDArray[np.uint64]) -> Rows:
        """Give each key a slot with the first row that has it; returns this row for each row."""
        rows, width = keys.shape
        bits = max(4, int(2 * rows).bit_length())
        self._shift = np.uint64(64 - bits)
        self._mask = (1 << bits) - 1
        # As the lines of the keys; zeros in a free slot.
        self._entries = np.zeros((1 << bits, width), np.uint64)
        first = np.empty(rows, np.int64)
        waiting, slots = np.arange(rows), self._slots(keys[:, 1:].T)
        while len(waiting):
            # Of the rows that want a free slot the first gets it: the last assignment remains, so it is made last.
            free = np.flatnonzero(self._entries[slots, 0] == 0)[::-1]
            self._entries[slots[free]] = keys[waiting[free]]
            holders = self._entries[slots, 0].astype(np.int64) - 1
            lost = np.flatnonzero(holders != waiting)
            first[waiting] = holders
            same = (self._entries[slots[lost], 1:] == keys[waiting[lost], 1:]).all(axis=1)
            rest = lost[~same]
            waiting, slots = waiting[rest], (slots[rest] + 1) & self._mask
        return first

    def _slots(self, words: Sequence[Words] | npt.NDArray[np.uint64]) -> Rows:
        total = words[0]
        for word in words[1:]:
            total = _blend(total) + word
        return ((_mix(total) * _MULTIPLIER) >> self._shift).astype(np.int64)

    def _probe(self, words: list[Words]) -> Rows:
        slots = self._slots(words)
        found, pending = self._in_slot(slots, words)
        step = 1
        while len(pending):
            # Most rows end after one or two slots; for the few others, several slots are read at once.
            width = 1 if len(pending) > len(found) // _FEW else _SEVERAL
            left = [word[pending] for word in words]
            if width == 1:
                rows, again = self._in_slot(slots[pending] + step & self._mask, left)
            else:
                rows, again = self._in_slots(slots[pending, None] + np.arange(step, step + width) & self._mask, left)
            found[pending] = rows
            pending, step = pending[again], step + width
        return found

    def _in_slot(self, slots: Rows, words: Sequence[Words]) -> tuple[Rows, Rows]:
        """Return the row in each slot, -1 unless it has the key; and the places where the slot has another key."""
        taken = self._entries.take(slots, axis=0)
        rows = taken[:, 0].astype(np.int64) - 1
        differs = taken[:, 1] != words[0]
        for place, word in enumerate(words[1:], start=2):
            differs |= taken[:, place] != word
        others = np.flatnonzero(differs & (rows >= 0))
        rows[differs] = -1
        return rows, others

    def _in_slots(self, slots: Rows, words: Sequence[Words]) -> tuple[Rows, Rows]:
        """As :meth:`_in_slot`, with several slots for each key, which follow one another."""
        taken = self._entries.take(slots, axis=0)
        numbers = taken[:, :, 0].astype(np.int64)
        same = np.ones(slots.shape, np.bool_)
        for place, word in enumerate(words, start=1):
            same &= taken[:, :, place] == word[:, None]
        same &= numbers > 0
        ends = same | (numbers == 0)
        lines, first = np.arange(len(slots)), ends.argmax(axis=1)
        rows = np.where(same[lines, first], numbers[lines, first] - 1, -1)
        return rows, np.flatnonzero(~ends[lines, first])


def _plain(columns: Sequence[Any]) -> list[Any]:
    """The columns, with the fields of a struct as columns."""
    return [one for column in columns for one in (column.flatten() if pa.types.is_struct(column.type) else [column])]


def _aligned(columns: Sequence[pa.ChunkedArray]) -> list[list[pa.Array]]:
    names = [str(index) for index in range(len(columns))]
    batches = pa.table(list(columns), names).to_batches(max_chunksize=_CHUNK)
    return [batch.columns for batch in batches]


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


def _width(column: pa.ChunkedArray) -> int:
    """The words of a value: texts have one for their length, unless they are short."""
    if _is_text(column.type):
        longest = max((int(_lengths(chunk).max(initial=0)) for chunk in column.chunks), default=0)
        return 1 if longest <= _SHORT else 1 + -(-longest // _WORD)
    return 2 if _has_two_words(column.type) else 1


def _has_two_words(type_: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(type_) or pa.types.is_fixed_size_binary(type_))


def _both(left: Mask | None, right: Mask) -> Mask:
    return right if left is None else left & right


def _lengths(column: pa.Array) -> npt.NDArray[np.int64]:
    return np.diff(_offsets(column)).astype(np.int64)


def _offsets(column: pa.Array) -> npt.NDArray[Any]:
    is_large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    buffer = column.buffers()[1]
    if buffer is None:
        return np.zeros(len(column) + 1, np.int64)
    offsets = np.frombuffer(buffer, np.int64 if is_large else np.int32)
    return offsets[column.offset : column.offset + len(column) + 1]


def _hash(columns: Sequence[pa.Array]) -> Words:
    """A hash of each key."""
    total: Words | None = None
    for column in columns:
        words = _text_words(column) if _is_text(column.type) else _summed(_fixed_words(column))
        if column.null_count:
            words = np.where(column.is_valid().to_numpy(zero_copy_only=False), words, _NULL_WORD)
        total = words if total is None else _blend(total) + words
    assert total is not None  # noqa: S101 a key has a column
    return total


def _summed(words: Sequence[Words]) -> Words:
    return words[0] if len(words) == 1 else words[0] + _blend(words[1])


def _exact_words(column: pa.Array, width: int) -> list[Words]:
    """The words that determine each value; those of NULL are arbitrary.

    :param width: the number of words, which is that of the index for texts.
    """
    if not _is_text(column.type):
        return _fixed_words(column)
    if width == 1:
        return [_text_words(column)]
    lengths = _lengths(column)
    return [lengths.astype(np.uint64), *_text_parts(column, lengths, width - 1)]


def _fixed_words(column: pa.Array) -> list[Words]:
    if column.null_count == len(column):
        return [np.zeros(len(column), np.uint64)] * (2 if _has_two_words(column.type) else 1)
    if pa.types.is_boolean(column.type):
        flags: npt.NDArray[Any] = column.cast(pa.uint8()).fill_null(0).to_numpy(zero_copy_only=False)
        return [flags.astype(np.uint64)]
    buffer = column.buffers()[1]
    if _has_two_words(column.type):
        pairs = np.frombuffer(buffer, np.uint64)[2 * column.offset : 2 * (column.offset + len(column))]
        return [pairs[0::2], pairs[1::2]]
    dtype = np.dtype(f"i{column.type.bit_width // 8}")
    numbers = np.frombuffer(buffer, dtype)[column.offset : column.offset + len(column)]
    return [numbers.astype(np.int64).view(np.uint64)]


def _text_words(column: pa.Array) -> Words:
    """A word for each text: for up to seven bytes the bytes and the length, otherwise a hash."""
    lengths = _lengths(column)
    words = lengths.astype(np.uint64) << np.uint64(56)
    for place, part in enumerate(_text_parts(column, lengths, -(-int(lengths.max(initial=0)) // _WORD))):
        words = words + part if place == 0 else np.where(lengths > place * _WORD, _blend(words ^ _MIXER) + part, words)
    return words


def _text_parts(column: pa.Array, lengths: npt.NDArray[np.int64], parts: int) -> list[Words]:
    """The bytes of texts in words: eight in each, and zeros behind the end of a text.

    :param parts: the number of words.
    """
    offsets = _offsets(column)
    low, high = int(offsets[0]), int(offsets[-1])
    data = np.zeros(high - low + parts * _WORD, np.uint8)
    if high > low:
        data[: high - low] = np.frombuffer(column.buffers()[2], np.uint8)[low:high]
    loaded = np.ndarray(shape=(max(0, len(data) - _WORD + 1),), dtype="<u8", buffer=data, strides=(1,))
    starts = offsets[:-1].astype(np.int64) - low
    shortest = int(lengths.min(initial=0 if not len(lengths) else 2**62))
    found = []
    for place in range(parts):
        words = loaded[starts + place * _WORD]
        if shortest < (place + 1) * _WORD:
            bits = (np.clip(lengths - place * _WORD, 0, _WORD) * 8).astype(np.uint64)
            words &= np.where(bits >= 64, ~np.uint64(0), (np.uint64(1) << (bits & np.uint64(63))) - np.uint64(1))
        found.append(words)
    return found
