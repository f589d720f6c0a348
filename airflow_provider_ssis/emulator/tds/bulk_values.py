"""The values of a bulk load as Arrow arrays, all rows of a column at once.

The arrays have the types that the T-SQL engine keeps values in: a uniqueidentifier is its text, a datetimeoffset is a
struct of microseconds in UTC and minutes of offset.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tds.bulk_layout import Bytes, Layout, Prefix, Values, whole_value
from airflow_provider_ssis.emulator.tds.packets import InvalidValue, ProtocolError
from airflow_provider_ssis.emulator.tds.type_tokens import CODE_PAGE

_SIZES: Final = {
    "bit": 1,
    "tinyint": 1,
    "smallint": 2,
    "int": 4,
    "bigint": 8,
    "real": 4,
    "float": 8,
    "smallmoney": 4,
    "money": 8,
    "smalldatetime": 4,
    "datetime": 8,
    "uniqueidentifier": 16,
    "date": 3,
}
_NUMBERS: Final = {
    "tinyint": "<u1",
    "smallint": "<i2",
    "int": "<i4",
    "bigint": "<i8",
    "real": "<f4",
    "float": "<f8",
}
_DAYS_BEFORE_1970: Final = 719_162
_DAYS_1900_TO_1970: Final = 25_567
_LAST_DAY: Final = 3_652_058
_DAY: Final = 86_400_000_000
_OFFSET_LIMIT: Final = 14 * 60
_LARGE: Final = 10**18


def to_arrow(type: SqlType, layout: Layout, data: bytes, values: Values) -> tuple[pa.Array, int]:  # noqa: A002 - the field's own word
    """The values of a column, and the length of the longest text or bytes: characters as nchar counts them.

    :raises ProtocolError: the bytes are not values of the type.
    """
    if type.name in _TEXTS:
        return _texts(type, layout, data, values)
    buffer: Bytes = np.frombuffer(data, np.uint8)
    if type.name in ("decimal", "numeric"):
        return _decimals(buffer, values, type.precision or 38, type.scale or 0), 0
    if type.name in _SCALED:
        return _SCALED[type.name](buffer, values, type.scale if type.scale is not None else 7), 0
    size = _SIZES[type.name]
    _check_lengths(type, values, size)
    gathered = _gather(buffer, values, size)
    dtype = _NUMBERS.get(type.name)
    if dtype is None:
        return _FIXED[type.name](gathered, values.nulls), 0
    numbers = gathered.view(dtype).reshape(-1)
    if type.name in ("real", "float") and not np.isfinite(numbers[~values.nulls]).all():
        raise InvalidValue("infinity and NaN are not supported")
    return pa.array(numbers, mask=values.nulls), 0


def _check_lengths(type: SqlType, values: Values, size: int) -> None:  # noqa: A002 - the field's own word
    if (values.lengths[~values.nulls] != size).any():
        raise ProtocolError(f"a {type.name} of another length than {size} bytes")


def _gather(buffer: Bytes, values: Values, size: int) -> Bytes:
    """The bytes of values of one size, one value after the other."""
    starts = np.where(values.nulls, 0, values.starts)
    wanted = np.minimum(starts[:, None] + np.arange(size), len(buffer) - 1)
    return np.ascontiguousarray(buffer[wanted])


def _unsigned(gathered: Bytes) -> NDArray[np.int64]:
    """Little-endian numbers of up to seven bytes."""
    weights = np.left_shift(np.int64(1), np.arange(gathered.shape[1]) * 8)
    result: NDArray[np.int64] = gathered.astype(np.int64) @ weights
    return result


# --- numbers


def _bits(gathered: Bytes, nulls: NDArray[np.bool_]) -> pa.Array:
    return pa.array(gathered[:, 0] != 0, mask=nulls)


def _money(gathered: Bytes, nulls: NDArray[np.bool_]) -> pa.Array:
    halves = gathered.view("<u4").reshape(-1, 2).astype(np.int64)
    numbers = (halves[:, 0] << 32) | halves[:, 1]
    return _decimal_array(numbers.view(np.uint64), (numbers >> 63).view(np.uint64), nulls, 19, 4)


def _smallmoney(gathered: Bytes, nulls: NDArray[np.bool_]) -> pa.Array:
    numbers = gathered.view("<i4").reshape(-1).astype(np.int64)
    return _decimal_array(numbers.view(np.uint64), (numbers >> 63).view(np.uint64), nulls, 10, 4)


def _decimals(buffer: Bytes, values: Values, precision: int, scale: int) -> pa.Array:
    lengths = np.where(values.nulls, 1, values.lengths)
    if ((lengths < 1) | (lengths > 17)).any():
        raise ProtocolError("a decimal of more than 16 bytes")
    gathered = _gather(buffer, values, 17)
    sign, digits = gathered[:, 0], gathered[:, 1:]
    digits = np.where(np.arange(16) < (lengths - 1)[:, None], digits, 0).astype(np.uint8)
    halves = np.ascontiguousarray(digits).view("<u8").reshape(-1, 2)
    low, high = halves[:, 0].copy(), halves[:, 1].copy()
    limit = 10**precision
    most_high, most_low = np.uint64(limit >> 64), np.uint64(limit & (2**64 - 1))
    too_large = (high > most_high) | ((high == most_high) & (low >= most_low))
    if (too_large & ~values.nulls).any():
        raise InvalidValue(f"a decimal with more than {precision} digits")
    negative = sign == 0
    low, high = (
        np.where(negative, ~low + np.uint64(1), low),
        np.where(negative, ~high + (low == 0).astype(np.uint64), high),
    )
    return _decimal_array(low, high, values.nulls, precision, scale)


def _decimal_array(
    low: NDArray[np.uint64], high: NDArray[np.uint64], nulls: NDArray[np.bool_], precision: int, scale: int
) -> pa.Array:
    data = pa.py_buffer(np.ascontiguousarray(np.column_stack((low, high))).tobytes())
    kind = pa.decimal128(precision, scale)
    return pa.Array.from_buffers(kind, len(nulls), [_validity(nulls), data])


def _validity(nulls: NDArray[np.bool_]) -> pa.Buffer | None:
    if not nulls.any():
        return None
    return pa.py_buffer(np.packbits(~nulls, bitorder="little").tobytes())


# --- dates and times


def _checked_days(days: NDArray[np.int64], nulls: NDArray[np.bool_]) -> NDArray[np.int64]:
    if ((days < 0) | (days > _LAST_DAY))[~nulls].any():
        raise InvalidValue("a date outside the calendar")
    return np.where(nulls, _DAYS_BEFORE_1970, days) - _DAYS_BEFORE_1970


def _dates(gathered: Bytes, nulls: NDArray[np.bool_]) -> pa.Array:
    days = _checked_days(_unsigned(gathered), nulls)
    return pa.array(days.astype(np.int32), pa.int32(), mask=nulls).cast(pa.date32())


def _timestamps(microseconds: NDArray[np.int64], nulls: NDArray[np.bool_]) -> pa.Array:
    return pa.array(microseconds, pa.int64(), mask=nulls).cast(pa.timestamp("us"))


def _datetimes(gathered: Bytes, nulls: NDArray[np.bool_]) -> pa.Array:
    parts = gathered.view("<i4").reshape(-1, 2).astype(np.int64)
    # Ticks are 300ths of a second; shown rounded to milliseconds.
    milliseconds = ((parts[:, 1] & 0xFFFFFFFF) * 20 + 3) // 6
    _checked_days(parts[:, 0] + _DAYS_BEFORE_1970 - _DAYS_1900_TO_1970, nulls)
    return _timestamps((parts[:, 0] - _DAYS_1900_TO_1970) * _DAY + milliseconds * 1000, nulls)


def _smalldatetimes(gathered: Bytes, nulls: NDArray[np.bool_]) -> pa.Array:
    parts = gathered.view("<u2").reshape(-1, 2).astype(np.int64)
    return _timestamps((parts[:, 0] - _DAYS_1900_TO_1970) * _DAY + parts[:, 1] * 60_000_000, nulls)


def _time_size(scale: int) -> int:
    return 3 if scale <= 2 else 4 if scale <= 4 else 5


def _since_midnight(gathered: Bytes, scale: int, nulls: NDArray[np.bool_]) -> NDArray[np.int64]:
    units = _unsigned(gathered)
    microseconds = units // 10 if scale == 7 else units * 10 ** (6 - scale)
    if (microseconds >= _DAY)[~nulls].any():
        raise InvalidValue("a time of day past midnight")
    return np.where(nulls, 0, microseconds)


def _times(buffer: Bytes, values: Values, scale: int) -> pa.Array:
    size = _time_size(scale)
    _check_lengths(SqlType("time"), values, size)
    microseconds = _since_midnight(_gather(buffer, values, size), scale, values.nulls)
    return pa.array(microseconds, pa.int64(), mask=values.nulls).cast(pa.time64("us"))


def _moments(gathered: Bytes, scale: int, nulls: NDArray[np.bool_]) -> NDArray[np.int64]:
    size = _time_size(scale)
    days = _checked_days(_unsigned(gathered[:, size : size + 3]), nulls)
    return days * _DAY + _since_midnight(gathered[:, :size], scale, nulls)


def _datetime2s(buffer: Bytes, values: Values, scale: int) -> pa.Array:
    size = _time_size(scale) + 3
    _check_lengths(SqlType("datetime2"), values, size)
    return _timestamps(_moments(_gather(buffer, values, size), scale, values.nulls), values.nulls)


def _datetimeoffsets(buffer: Bytes, values: Values, scale: int) -> pa.Array:
    size = _time_size(scale) + 5
    _check_lengths(SqlType("datetimeoffset"), values, size)
    gathered = _gather(buffer, values, size)
    minutes = np.ascontiguousarray(gathered[:, -2:]).view("<i2").reshape(-1)
    if (np.abs(minutes[~values.nulls]) > _OFFSET_LIMIT).any():
        raise InvalidValue("a time zone offset of more than 14 hours")
    moments = pa.array(_moments(gathered, scale, values.nulls), pa.int64())
    return pa.StructArray.from_arrays(
        [moments, pa.array(minutes, pa.int16())], ["us", "minutes"], mask=pa.array(values.nulls)
    )


_HEX: Final[Bytes] = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8).reshape(256, 2)
_GUID_ORDER: Final = (3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15)


def _guids(gathered: Bytes, nulls: NDArray[np.bool_]) -> pa.Array:
    digits = np.ascontiguousarray(_HEX[gathered[:, _GUID_ORDER]]).reshape(len(nulls), 32)
    offsets = pa.py_buffer(np.arange(0, 32 * (len(nulls) + 1), 32, dtype=np.int32).tobytes())
    return pa.Array.from_buffers(pa.string(), len(nulls), [_validity(nulls), offsets, pa.py_buffer(digits.tobytes())])


# --- texts and bytes


def _texts(type: SqlType, layout: Layout, data: bytes, values: Values) -> tuple[pa.Array, int]:  # noqa: A002 - the field's own word
    nulls = values.nulls
    starts = values.starts.tolist()
    if layout.prefix is Prefix.CHUNKS:
        parts = [b"" if is_null else whole_value(data, at) for at, is_null in zip(starts, nulls.tolist(), strict=True)]
        lengths = np.array([len(part) for part in parts], np.int64)
    else:
        lengths = np.where(nulls, 0, values.lengths)
        parts = [data[at : at + length] for at, length in zip(starts, lengths.tolist(), strict=True)]
    joined = b"".join(parts)
    wide = type.name in _WIDE
    longest = int(lengths.max(initial=0)) // (2 if wide else 1)
    if type.name not in ("binary", "varbinary"):
        joined, lengths = (_from_utf16 if wide else _from_code_page)(joined, lengths)
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    kind = pa.large_binary() if type.name in ("binary", "varbinary") else pa.large_string()
    buffers = [_validity(nulls), pa.py_buffer(offsets.tobytes()), pa.py_buffer(joined)]
    return pa.Array.from_buffers(kind, len(nulls), buffers), longest


def _from_utf16(joined: bytes, lengths: NDArray[np.int64]) -> tuple[bytes, NDArray[np.int64]]:
    """UTF-16 as UTF-8, and the lengths of the values in it."""
    if len(joined) % 2 or (lengths % 2).any():
        raise ProtocolError("text of an odd number of bytes")
    units = np.frombuffer(joined, "<u2")
    if not (units >= 0x80).any():
        return units.astype(np.uint8).tobytes(), lengths // 2
    sizes = np.where(units < 0x80, 1, np.where(units < 0x800, 2, 3)).astype(np.int64)
    surrogates = (units & 0xF800) == 0xD800
    # Both halves of a pair are four bytes together.
    sizes[surrogates] = 2
    try:
        converted = joined.decode("utf-16-le").encode()
    except UnicodeError:
        raise InvalidValue("text with half of a surrogate pair") from None
    return converted, _sums(sizes, lengths // 2)


_CODE_PAGE_SIZES: Final = np.array(
    [len(bytes([byte]).decode(CODE_PAGE, "replace").encode()) for byte in range(256)], np.int64
)


def _from_code_page(joined: bytes, lengths: NDArray[np.int64]) -> tuple[bytes, NDArray[np.int64]]:
    if joined.isascii():
        return joined, lengths
    sizes = _CODE_PAGE_SIZES[np.frombuffer(joined, np.uint8)]
    return joined.decode(CODE_PAGE, "replace").encode(), _sums(sizes, lengths)


def _sums(sizes: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum of the first so many sizes, of the next ones, and so on."""
    totals = np.concatenate(([0], np.cumsum(sizes)))
    ends = np.cumsum(counts)
    result: NDArray[np.int64] = totals[ends] - totals[ends - counts]
    return result


_WIDE: Final = ("nchar", "nvarchar", "xml")
_TEXTS: Final = (*_WIDE, "char", "varchar", "binary", "varbinary")
_SCALED: Final[dict[str, Callable[[Bytes, Values, int], pa.Array]]] = {
    "time": _times,
    "datetime2": _datetime2s,
    "datetimeoffset": _datetimeoffsets,
}
_FIXED: Final[dict[str, Callable[[Bytes, NDArray[np.bool_]], pa.Array]]] = {
    "bit": _bits,
    "money": _money,
    "smallmoney": _smallmoney,
    "date": _dates,
    "datetime": _datetimes,
    "smalldatetime": _smalldatetimes,
    "uniqueidentifier": _guids,
}
SUPPORTED: Final = frozenset({*_SIZES, *_TEXTS, *_SCALED, "decimal", "numeric"})
"""The types that a bulk load can have."""
