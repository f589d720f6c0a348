"""Keys as words of 64 bits, for whole columns at once: words that determine a value, and hashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_NULL_WORD = np.uint64(0x7FB5D329728EA185)
_BYTES = 8
"""The bytes of a word."""


def word_count(column: pa.ChunkedArray) -> int:
    """Return the number of words that determine any value of a column."""
    type_ = column.type
    if _is_text(type_) or _is_binary(type_):
        longest = max((int(_lengths(chunk).max(initial=0)) for chunk in column.chunks), default=0)
        return max(1, -(-longest // _BYTES)) + _is_binary(type_)
    return 2 if _has_two_words(type_) else 1


def exact_words(column: pa.Array, count: int) -> tuple[list[Words], Mask | None]:
    """Return the words that determine each value, those of NULL are arbitrary; and which values fit into the words.

    Text is filled up with a byte that UTF-8 does not have. For bytes, of which there are no such ones, the first word
    is their number.

    :param count: the number of words, of :func:`word_count`; for text and bytes possibly that of another column.
    :returns: the words, and a mask; None if all values fit.
    """
    type_ = column.type
    if not (_is_text(type_) or _is_binary(type_)):
        return _fixed_words(column), None
    lengths = _lengths(column)
    parts = count - _is_binary(type_)
    words = _text_words(column, lengths, parts, fill=not _is_binary(type_))
    if _is_binary(type_):
        words.insert(0, lengths.astype(np.uint64))
    longest = int(lengths.max(initial=0))
    return words, None if longest <= parts * _BYTES else lengths <= parts * _BYTES


def hashes(columns: Sequence[pa.Array]) -> Words:
    """Return a hash of each key. NULL has a hash as well.

    :param columns: the columns of the keys.
    """
    return mixed([_hash(column) for column in columns])


def mixed(words: Sequence[Words]) -> Words:
    """Return a hash of the words of each key."""
    total = words[0]
    for word in words[1:]:
        total = _blend(total) + word
    spread = total >> _HALF
    spread ^= total
    spread *= _MIXER
    spread *= _MULTIPLIER
    return spread


def _hash(column: pa.Array) -> Words:
    if _is_text(column.type) or _is_binary(column.type):
        lengths = _lengths(column)
        words = lengths.astype(np.uint64)
        parts = -(-int(lengths.max(initial=0)) // _BYTES)
        for place, part in enumerate(_text_words(column, lengths, parts, fill=False)):
            words = np.where(lengths > place * _BYTES, _blend(words) + part, words)
    else:
        fixed = _fixed_words(column)
        words = fixed[0] if len(fixed) == 1 else fixed[0] + _blend(fixed[1])
    if column.null_count:
        words = np.where(column.is_valid().to_numpy(zero_copy_only=False), words, _NULL_WORD)
    return words


def _blend(words: Words) -> Words:
    """Mix so that sums of the numbers of several columns are spread."""
    words = words * _MULTIPLIER
    words ^= words >> _HALF
    words *= _MIXER
    return words


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _is_binary(type_: pa.DataType) -> bool:
    return bool(pa.types.is_binary(type_) or pa.types.is_large_binary(type_))


def _has_two_words(type_: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(type_) or pa.types.is_fixed_size_binary(type_))


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
    return [numbers.astype(np.int64, copy=False).view(np.uint64)]


def _lengths(column: pa.Array) -> npt.NDArray[np.int64]:
    return np.diff(_offsets(column)).astype(np.int64)


def _offsets(column: pa.Array) -> npt.NDArray[Any]:
    is_large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    buffer = column.buffers()[1]
    if buffer is None:
        return np.zeros(len(column) + 1, np.int64)
    offsets = np.frombuffer(buffer, np.int64 if is_large else np.int32)
    return offsets[column.offset : column.offset + len(column) + 1]


def _text_words(column: pa.Array, lengths: npt.NDArray[np.int64], parts: int, *, fill: bool) -> list[Words]:
    """The bytes of texts in words, eight in each.

    :param parts: the number of words; what exceeds them is left out.
    :param fill: set all bits after the end of a text, instead of clearing them.
    """
    if not len(lengths):
        return [np.empty(0, np.uint64)] * parts
    offsets = _offsets(column)
    low, high = int(offsets[0]), int(offsets[-1])
    shortest, longest = int(lengths.min()), int(lengths.max())
    data = np.zeros(high - low + parts * _BYTES, np.uint8)
    if high > low:
        data[: high - low] = np.frombuffer(column.buffers()[2], np.uint8)[low:high]
    starts = offsets[:-1].astype(np.int64) - low
    found = []
    for place in range(parts):
        if shortest == longest:
            words = np.ndarray((len(lengths),), "<u8", data, place * _BYTES, (longest,))
            used: Any = np.int64(longest)
        else:
            words = np.ndarray((len(data) - _BYTES + 1,), "<u8", data, 0, (1,))[starts + place * _BYTES]
            used = lengths
        if shortest < (place + 1) * _BYTES:
            bits = (np.clip(used - place * _BYTES, 0, _BYTES) * _BYTES).astype(np.uint64)
            behind = np.where(bits >= 64, np.uint64(0), ~np.uint64(0) << (bits & np.uint64(63)))
            words = words | behind if fill else words & ~behind
        found.append(np.ascontiguousarray(words))
    return found
