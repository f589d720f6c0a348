"""Writes many rows at once: Arrow arrays in, ROW tokens out.

Each column says how many bytes its value has in each row. With that, the place of every value is known, and the bytes
of a column are written to all of its places with numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tds.bulk_layout import ROW, Bytes, Positions
from airflow_provider_ssis.emulator.tds.type_tokens import CODE_PAGE
from airflow_provider_ssis.emulator.tds.value_encoding import decimal_size, is_chunked, is_fixed, sent_as

_DAYS_BEFORE_1970: Final = 719_162
_DAYS_1900_TO_1970: Final = 25_567
_DAY: Final = 86_400_000_000
_TICKS_IN_DAY: Final = 25_920_000
_GUID_ORDER: Final = (3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15)
_GUID_DIGITS: Final = [place for place in range(36) if place not in (8, 13, 18, 23)]


@dataclass(frozen=True, slots=True)
class _Part:
    """A column of some rows.

    :param sizes: bytes of the value in each row, with its length.
    :param write: writes the values to their places in the bytes of all rows.
    """

    sizes: Positions
    write: Callable[[Bytes, Positions], None]


def encoded(columns: Sequence[Column], arrays: Sequence[Any], count: int) -> bytes | None:
    """The ROW tokens of some rows.

    :param arrays: of pyarrow, as :class:`~airflow_provider_ssis.emulator.session.ArrowRows` has them.
    :returns: None where a text is longer than its type, which has to be cut.
    """
    if not count:
        return b""
    parts = []
    for column, array in zip(columns, arrays, strict=True):
        part = _part(column, pa.concat_arrays([array]) if array.offset else array)
        if part is None:
            return None
        parts.append(part)
    sizes = np.ones(count, np.int64)
    for part in parts:
        sizes += part.sizes
    ends = np.cumsum(sizes)
    position = ends - sizes
    out = np.empty(int(ends[-1]), np.uint8)
    out[position] = ROW
    position = position + 1
    for part in parts:
        part.write(out, position)
        position = position + part.sizes
    return out.tobytes()


def _part(column: Column, array: Any) -> _Part | None:
    sent = sent_as(column.type)
    nulls: NDArray[np.bool_] = array.is_null().to_numpy(zero_copy_only=False)
    if sent.name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        return _text(sent, array, nulls)
    values = _MATRICES[sent.name](sent, array)
    return _fixed(values) if not column.nullable and is_fixed(sent) else _sized(values, nulls)


def _scatter(out: Bytes, position: Positions, values: Bytes) -> None:
    out[position[:, None] + np.arange(values.shape[1])] = values


def _fixed(values: Bytes) -> _Part:
    return _Part(np.full(len(values), values.shape[1], np.int64), lambda out, position: _scatter(out, position, values))


def _sized(values: Bytes, nulls: NDArray[np.bool_]) -> _Part:
    """Values with their length before them in one byte, which is 0 for NULL."""
    width = values.shape[1]
    lengths = np.where(nulls, 0, width)

    def write(out: Bytes, position: Positions) -> None:
        out[position] = lengths
        if nulls.any():
            _scatter(out, position[~nulls] + 1, values[~nulls])
        else:
            _scatter(out, position + 1, values)

    return _Part(lengths + 1, write)


# --- numbers, dates and times


def _bytes_of(numbers: NDArray[Any], layout: str) -> Bytes:
    return np.ascontiguousarray(numbers.astype(layout)).view(np.uint8).reshape(len(numbers), -1)


def _numbers(layout: str) -> Callable[[SqlType, Any], Bytes]:
    return lambda type_, array: _bytes_of(array.fill_null(0).to_numpy(zero_copy_only=False), layout)


def _bits(type_: SqlType, array: Any) -> Bytes:
    return _bytes_of(array.fill_null(False).to_numpy(zero_copy_only=False), "<u1")


def _halves(array: Any, precision: int, scale: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The lower and the higher half of decimals as whole numbers; those of NULL may be any."""
    wanted = pa.decimal128(precision, scale)
    exact = array if array.type == wanted else pa.concat_arrays([array.cast(wanted)])
    halves = np.frombuffer(exact.buffers()[1], "<u8")[: 2 * len(exact)].reshape(-1, 2)
    return halves[:, 0], halves[:, 1]


def _decimals(type_: SqlType, array: Any) -> Bytes:
    low, high = _halves(array, type_.precision or 18, type_.scale or 0)
    negative = (high >> np.uint64(63)) == 1
    low, high = (
        np.where(negative, ~low + np.uint64(1), low),
        np.where(negative, ~high + (low == 0).astype(np.uint64), high),
    )
    digits = np.ascontiguousarray(np.column_stack((low, high))).view(np.uint8).reshape(-1, 16)
    sign = (~negative).astype(np.uint8)[:, None]
    return np.hstack((sign, digits[:, : decimal_size(type_.precision or 18)]))


def _money(type_: SqlType, array: Any) -> Bytes:
    low, _ = _halves(array, 19, 4)
    numbers = low.view(np.int64)
    return _bytes_of(
        np.column_stack((numbers >> 32, numbers & 0xFFFFFFFF)).astype(np.int64).reshape(-1), "<u4"
    ).reshape(-1, 8)


def _smallmoney(type_: SqlType, array: Any) -> Bytes:
    low, _ = _halves(array, 10, 4)
    return _bytes_of(low.view(np.int64), "<i4")


def _whole(array: Any, kind: Any) -> NDArray[np.int64]:
    result: NDArray[np.int64] = array.cast(kind).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return result


def _dates(type_: SqlType, array: Any) -> Bytes:
    return _bytes_of(_whole(array, pa.int32()) + _DAYS_BEFORE_1970, "<u4")[:, :3]


def _units(microseconds: NDArray[np.int64], scale: int) -> Bytes:
    units = microseconds * 10 if scale == 7 else microseconds // 10 ** (6 - scale)
    return _bytes_of(units, "<u8")[:, : 3 if scale <= 2 else 4 if scale <= 4 else 5]


def _scale(type_: SqlType) -> int:
    return 7 if type_.scale is None else type_.scale


def _times(type_: SqlType, array: Any) -> Bytes:
    return _units(_whole(array, pa.int64()), _scale(type_))


def _moments(microseconds: NDArray[np.int64], scale: int) -> Bytes:
    days, rest = np.divmod(microseconds, _DAY)
    return np.hstack((_units(rest, scale), _bytes_of(days + _DAYS_BEFORE_1970, "<u4")[:, :3]))


def _timestamps(array: Any) -> NDArray[np.int64]:
    return _whole(array.cast(pa.timestamp("us")), pa.int64())


def _datetime2s(type_: SqlType, array: Any) -> Bytes:
    return _moments(_timestamps(array), _scale(type_))


def _datetimeoffsets(type_: SqlType, array: Any) -> Bytes:
    microseconds, minutes = (_whole(array.field(name), pa.int64()) for name in ("us", "minutes"))
    return np.hstack((_moments(microseconds, _scale(type_)), _bytes_of(minutes, "<i2")))


def _datetimes(type_: SqlType, array: Any) -> Bytes:
    days, rest = np.divmod(_timestamps(array), _DAY)
    ticks = (rest * 3 + 5000) // 10_000
    days = days + _DAYS_1900_TO_1970 + ticks // _TICKS_IN_DAY
    return _bytes_of(np.column_stack((days, ticks % _TICKS_IN_DAY)).reshape(-1), "<i4").reshape(-1, 8)


def _smalldatetimes(type_: SqlType, array: Any) -> Bytes:
    days, rest = np.divmod(_timestamps(array) + 30_000_000, _DAY)
    pairs = np.column_stack((days + _DAYS_1900_TO_1970, rest // 60_000_000))
    return _bytes_of(pairs.reshape(-1), "<u2").reshape(-1, 4)


_NIBBLES: Final = np.zeros(256, np.uint8)
for _place, _digit in enumerate("0123456789abcdef"):
    _NIBBLES[[ord(_digit), ord(_digit.upper())]] = _place


def _guids(type_: SqlType, array: Any) -> Bytes:
    _, data = _joined(array.fill_null("0" * 8 + "-0000-0000-0000-" + "0" * 12))
    digits = _NIBBLES[np.frombuffer(data, np.uint8).reshape(-1, 36)[:, _GUID_DIGITS]]
    return np.ascontiguousarray((digits[:, 0::2] << 4 | digits[:, 1::2])[:, _GUID_ORDER])


# --- texts and bytes


def _joined(array: Any) -> tuple[Positions, bytes]:
    """The lengths of texts or bytes, and all of them one after the other."""
    wide = array.cast(pa.large_binary())
    if wide.offset:
        wide = pa.concat_arrays([wide])
    offsets = np.frombuffer(wide.buffers()[1], np.int64)[: len(wide) + 1]
    data = wide.buffers()[2]
    return np.diff(offsets), b"" if data is None else data.to_pybytes()[int(offsets[0]) : int(offsets[-1])]


_UTF16_SIZES: Final = np.zeros(256, np.int64)
_UTF16_SIZES[:0x80] = 2
_UTF16_SIZES[0xC0:0xF0] = 2
_UTF16_SIZES[0xF0:] = 4
_CHARACTERS: Final = (_UTF16_SIZES > 0).astype(np.int64)


def _sums(sizes: Positions, counts: Positions) -> Positions:
    """The sum of the first so many sizes, of the next ones, and so on."""
    totals = np.concatenate(([0], np.cumsum(sizes)))
    ends = np.cumsum(counts)
    result: Positions = totals[ends] - totals[ends - counts]
    return result


def _text(type_: SqlType, array: Any, nulls: NDArray[np.bool_]) -> _Part | None:
    lengths, data = _joined(array.fill_null(b"" if pa.types.is_binary(array.type) else ""))
    is_wide = type_.name in ("nchar", "nvarchar")
    if type_.name not in ("binary", "varbinary"):
        raw = np.frombuffer(data, np.uint8)
        if is_wide:
            lengths = lengths * 2 if data.isascii() else _sums(_UTF16_SIZES[raw], lengths)
            data = data.decode().encode("utf-16-le")
        elif not data.isascii():
            lengths = _sums(_CHARACTERS[raw], lengths)
            data = data.decode().encode(CODE_PAGE, "replace")
    if is_chunked(type_):
        return _in_chunks(lengths, data, nulls)
    if int(lengths.max(initial=0)) > (type_.length or 1) * (2 if is_wide else 1):
        return None

    def write(out: Bytes, position: Positions) -> None:
        announced = np.where(nulls, 0xFFFF, lengths)
        out[position] = announced & 0xFF
        out[position + 1] = announced >> 8
        _scatter_texts(out, position + 2, lengths, data)

    return _Part(lengths + 2, write)


def _in_chunks(lengths: Positions, data: bytes, nulls: NDArray[np.bool_]) -> _Part:
    """Values with their length in eight bytes, then one chunk and an empty one."""
    full = lengths > 0
    sizes = np.where(nulls, 8, np.where(full, 16 + lengths, 12))

    def write(out: Bytes, position: Positions) -> None:
        _scatter(out, position, _bytes_of(np.where(nulls, -1, lengths), "<i8"))
        given = ~nulls
        _scatter(out, position[given] + 8, _bytes_of(lengths[given], "<u4"))
        _scatter_texts(out, position + 12, lengths, data)
        _scatter(out, position[full] + 12 + lengths[full], np.zeros((int(full.sum()), 4), np.uint8))

    return _Part(sizes, write)


def _scatter_texts(out: Bytes, position: Positions, lengths: Positions, data: bytes) -> None:
    before = np.cumsum(lengths) - lengths
    out[np.repeat(position - before, lengths) + np.arange(len(data))] = np.frombuffer(data, np.uint8)


_MATRICES: Final[dict[str, Callable[[SqlType, Any], Bytes]]] = {
    "bit": _bits,
    "tinyint": _numbers("<u1"),
    "smallint": _numbers("<i2"),
    "int": _numbers("<i4"),
    "bigint": _numbers("<i8"),
    "real": _numbers("<f4"),
    "float": _numbers("<f8"),
    "decimal": _decimals,
    "numeric": _decimals,
    "money": _money,
    "smallmoney": _smallmoney,
    "date": _dates,
    "time": _times,
    "datetime": _datetimes,
    "smalldatetime": _smalldatetimes,
    "datetime2": _datetime2s,
    "datetimeoffset": _datetimeoffsets,
    "uniqueidentifier": _guids,
}
