"""The positions of a bulk load's values in the bytes of a message.

A row begins where the one before it ends, so the rows are walked one after the other, with a function that is made for
the columns. All that follows is done for all rows at once, with numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from airflow_provider_ssis.emulator.tds.packets import ProtocolError

ROW: Final = 0xD1
ROW_WITH_NULLS: Final = 0xD2
"""A row (NBCROW) with a bitmap of its NULLs, which have no bytes."""

Positions = NDArray[np.int64]
Bytes = NDArray[np.uint8]


class Prefix(Enum):
    """The length in front of the bytes of a value."""

    NONE = 0
    BYTE = 1
    SHORT = 2
    CHUNKS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """How the values of a column are laid out.

    :param size: bytes of a value without a prefix.
    """

    prefix: Prefix
    size: int = 0


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a column.

    :param starts: the position of each value's first byte, after its prefix; that of a NULL means nothing.
    :param lengths: in bytes; of chunks, the first one's position counts from the length of the value.
    :param nulls: True for NULL.
    """

    starts: Positions
    lengths: Positions
    nulls: NDArray[np.bool_]


Walk = Callable[[bytes | bytearray, int, int, list[int]], int]
"""Walks over the whole rows in some bytes: from, to, and the list that gets their positions. Returns the end."""

_STEPS: Final = {
    Prefix.NONE: "q += {size}",
    Prefix.BYTE: "q += 1 + b[q]",
    Prefix.SHORT: "n = b[q] | b[q + 1] << 8; q += 2 if n == 65535 else n + 2",
    Prefix.CHUNKS: "q = chunks(b, q, end)",
}


def walker(layouts: Sequence[Layout]) -> Walk:
    """The function that finds the rows of these columns."""
    lines = [
        "def walk(b, p, end, starts):",
        "    add = starts.append",
        "    try:",
        "        while p < end:",
        "            t = b[p]",
        "            if t == 209:",
        "                q = p + 1",
        *(f"                {_STEPS[layout.prefix].format(size=layout.size)}" for layout in layouts),
        "            elif t == 210:",
        f"                q = p + 1 + {_bitmap_size(layouts)}",
        *(
            f"                if not b[p + 1 + {place // 8}] & {1 << place % 8}:\n"
            f"                    {_STEPS[layout.prefix].format(size=layout.size)}"
            for place, layout in enumerate(layouts)
        ),
        "            else:",
        "                return p",
        "            if q > end:",
        "                return p",
        "            add(p)",
        "            p = q",
        "    except IndexError:",
        "        pass",
        "    return p",
    ]
    names: dict[str, Any] = {"chunks": _behind_chunks}
    exec("\n".join(lines), names)  # noqa: S102 - made of the lines above and of numbers
    walk: Walk = names["walk"]
    return walk


def _bitmap_size(layouts: Sequence[Layout]) -> int:
    return (len(layouts) + 7) // 8


_NO_VALUE: Final = b"\xff" * 8


def _behind_chunks(data: bytes | bytearray, position: int, end: int) -> int:
    """The end of a value in chunks.

    :raises IndexError: not all of it is there.
    """
    if position + 8 > end:
        raise IndexError
    if data[position : position + 8] == _NO_VALUE:
        return position + 8
    position += 8
    while True:
        if position + 4 > end:
            raise IndexError
        length = int.from_bytes(data[position : position + 4], "little")
        position += 4 + length
        if not length:
            return position


def values_of(data: bytes, rows: Positions, layouts: Sequence[Layout]) -> list[Values]:
    """The values of each column.

    :param rows: the positions of the rows.
    """
    buffer: Bytes = np.frombuffer(data, np.uint8)
    with_nulls = buffer[rows] == ROW_WITH_NULLS
    position = rows + 1 + np.where(with_nulls, _bitmap_size(layouts), 0)
    found = []
    for place, layout in enumerate(layouts):
        absent = with_nulls & ((_at(buffer, rows + 1 + place // 8) >> place % 8 & 1) == 1)
        values, following = _column(data, buffer, position, layout, absent)
        position = np.where(absent, position, following)
        found.append(values)
    return found


def _column(
    data: bytes, buffer: Bytes, position: Positions, layout: Layout, absent: NDArray[np.bool_]
) -> tuple[Values, Positions]:
    match layout.prefix:
        case Prefix.NONE:
            lengths = np.full(len(position), layout.size, np.int64)
            return Values(position, lengths, absent), position + layout.size
        case Prefix.BYTE:
            lengths = _at(buffer, position).astype(np.int64)
            return Values(position + 1, lengths, absent | (lengths == 0)), position + 1 + lengths
        case Prefix.SHORT:
            lengths = _at(buffer, position).astype(np.int64) | _at(buffer, position + 1).astype(np.int64) << 8
            is_null = lengths == 0xFFFF
            lengths = np.where(is_null, 0, lengths)
            return Values(position + 2, lengths, absent | is_null), position + 2 + lengths
    places = position.tolist()
    ends = [
        at if is_null else _behind_chunks(data, at, len(data))
        for at, is_null in zip(places, absent.tolist(), strict=True)
    ]
    following = np.array(ends, np.int64)
    return Values(position, following - position, absent | (following - position == 8)), following


def _at(buffer: Bytes, position: Positions) -> Bytes:
    """The bytes at some positions; one after the end belongs to a NULL, and may be any."""
    return buffer[np.minimum(position, len(buffer) - 1)]


def whole_value(data: bytes, position: int) -> bytes:
    """The bytes of a value in chunks.

    :raises ProtocolError: the chunks are not as long as the value.
    """
    total = int.from_bytes(data[position : position + 8], "little")
    position += 8
    parts = []
    while length := int.from_bytes(data[position : position + 4], "little"):
        parts.append(data[position + 4 : position + 4 + length])
        position += 4 + length
    value = parts[0] if len(parts) == 1 else b"".join(parts)
    if total not in (0xFFFFFFFFFFFFFFFE, len(value)):
        raise ProtocolError(f"a value of {total} bytes has chunks of {len(value)}")
    return value
