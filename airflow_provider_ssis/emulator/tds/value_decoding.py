"""Reads values: how each data type arrives on the wire (MS-TDS, 2.2.5.4 to 2.2.5.6).

:func:`read_type` is a table of small functions, one for each type; a new type is a new row.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import MAX, Column, SqlType, TableValue, Variant
from airflow_provider_ssis.emulator.tds.packets import InvalidValue, ProtocolError
from airflow_provider_ssis.emulator.tds.reader import MessageReader, decode_utf16
from airflow_provider_ssis.emulator.tds.type_tokens import (
    CHARACTER,
    CODE_PAGE,
    DAY_ONE,
    EPOCH_1900,
    FIXED,
    MAX_LENGTH,
    PLP_NULL,
    SHORT_NULL,
    TICKS_PER_SECOND,
)

_PLP_UNKNOWN_LENGTH: Final = 0xFFFFFFFFFFFFFFFE
_LONG_NULL: Final = 0xFFFFFFFF
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_LARGEST_PRECISION: Final = 38
_TABLE_NULL: Final = 0xFFFF
_DEFAULT_COLUMN: Final = 0x0200

Decoder = Callable[[MessageReader], Any]


@dataclass(frozen=True, slots=True)
class WireType:
    """A data type on the wire, with the function that reads its values."""

    type: SqlType
    decode: Decoder


def read_type(reader: MessageReader) -> WireType:
    """Read a TYPE_INFO.

    :raises ProtocolError: the type is unknown or its facets cannot be.
    """
    token = reader.u8()
    fixed = FIXED.get(token)
    if fixed is not None:
        name, size = fixed
        return WireType(SqlType(name), lambda data: _scalar(name, data.take(size)))
    try:
        read = _VARIABLE[token]
    except KeyError:
        raise ProtocolError(f"data type 0x{token:02x} is not supported") from None
    return read(reader)


def _sized(names: dict[int, str]) -> Callable[[MessageReader], WireType]:
    """Types that differ only in their size (INTN, FLTN, ...)."""

    def read(reader: MessageReader) -> WireType:
        size = reader.u8()
        if size not in names:
            raise ProtocolError(f"a number of {size} bytes")
        name = names[size]

        def decode(data: MessageReader) -> Any:
            length = data.u8()
            if length == 0:
                return None
            if length not in names:
                raise ProtocolError(f"a {name} of {length} bytes")
            return _scalar(names[length], data.take(length))

        return WireType(SqlType(name), decode)

    return read


def _decimal(name: str) -> Callable[[MessageReader], WireType]:
    def read(reader: MessageReader) -> WireType:
        reader.u8()
        precision, scale = reader.u8(), reader.u8()
        if not (1 <= precision <= _LARGEST_PRECISION and scale <= precision):
            raise ProtocolError(f"a {name} of precision {precision} and scale {scale}")

        def decode(data: MessageReader) -> Decimal | None:
            length = data.u8()
            return _read_decimal(data.take(length), precision, scale) if length else None

        return WireType(SqlType(name, precision=precision, scale=scale), decode)

    return read


def _date(reader: MessageReader) -> WireType:
    def decode(data: MessageReader) -> dt.date | None:
        length = data.u8()
        return _read_date(data.take(length)) if length else None

    return WireType(SqlType("date"), decode)


def _scaled(name: str, read_value: Callable[[memoryview, int], Any]) -> Callable[[MessageReader], WireType]:
    """time, datetime2 and datetimeoffset: the type contains the number of fractional digits."""

    def read(reader: MessageReader) -> WireType:
        scale = reader.u8()
        if scale > 7:
            raise ProtocolError(f"a {name} of scale {scale}")

        def decode(data: MessageReader) -> Any:
            length = data.u8()
            return read_value(data.take(length), scale) if length else None

        return WireType(SqlType(name, scale=scale), decode)

    return read


def _guid(reader: MessageReader) -> WireType:
    reader.u8()

    def decode(data: MessageReader) -> uuid.UUID | None:
        length = data.u8()
        return _scalar("uniqueidentifier", data.take(length)) if length else None

    return WireType(SqlType("uniqueidentifier"), decode)


def _short(name: str, from_bytes: Callable[[memoryview], Any], unit: int) -> Callable[[MessageReader], WireType]:
    """The character and binary types with a length of two bytes, or in chunks where they are ``(max)``.

    :param unit: bytes of a character.
    """

    def read(reader: MessageReader) -> WireType:
        largest = reader.u16()
        if name in CHARACTER:
            reader.take(5)
        if largest == MAX_LENGTH:
            return WireType(SqlType(name, length=MAX), lambda data: _read_chunks(data, from_bytes))

        def decode(data: MessageReader) -> Any:
            length = data.u16()
            return None if length == SHORT_NULL else from_bytes(data.take(length))

        return WireType(SqlType(name, length=max(1, largest // unit)), decode)

    return read


def _long(name: str, from_bytes: Callable[[memoryview], Any]) -> Callable[[MessageReader], WireType]:
    """text, ntext and image as parameters: older clients send long values so."""

    def read(reader: MessageReader) -> WireType:
        reader.u32()
        if name != "image":
            reader.take(5)

        def decode(data: MessageReader) -> Any:
            length = data.u32()
            if length == _LONG_NULL:
                return None
            sink = BytesIO()
            data.copy(length, sink)
            return _value_of(sink, from_bytes)

        return WireType(SqlType(name), decode)

    return read


def _xml(reader: MessageReader) -> WireType:
    if reader.u8():
        reader.b_varchar()
        reader.b_varchar()
        reader.us_varchar()
    return WireType(SqlType("xml"), lambda data: _read_chunks(data, decode_utf16))


def _variant(reader: MessageReader) -> WireType:
    reader.u32()
    return WireType(SqlType("sql_variant"), _read_variant)


def _table(reader: MessageReader) -> WireType:
    reader.b_varchar()
    schema, name = reader.b_varchar(), reader.b_varchar()
    count = reader.u16()
    columns: list[Column] = []
    decoders: list[Decoder | None] = []
    if count != _TABLE_NULL:
        for _ in range(count):
            reader.u32()
            flags = reader.u16()
            wire = read_type(reader)
            columns.append(Column(reader.b_varchar(), wire.type))
            decoders.append(None if flags & _DEFAULT_COLUMN else wire.decode)

    def decode(data: MessageReader) -> TableValue:
        while token := data.u8():
            # Order and uniqueness of columns, which say nothing that the values do not.
            if token == 0x10:
                data.take(data.u16() * 3)
            elif token == 0x11:
                data.take(data.u16() * 2)
            else:
                raise ProtocolError(f"unknown token 0x{token:02x} in a table value")
        rows = []
        while token := data.u8():
            if token != 0x01:
                raise ProtocolError(f"unknown token 0x{token:02x} in a table value")
            rows.append(tuple(None if read is None else read(data) for read in decoders))
        return TableValue(tuple(columns), tuple(rows))

    return WireType(SqlType(name, schema=schema or "dbo"), decode)


def _read_chunks(reader: MessageReader, from_bytes: Callable[[memoryview], Any]) -> Any:
    """A ``(max)`` value: a length that may be unknown, then chunks up to an empty one."""
    total = reader.u64()
    if total == PLP_NULL:
        return None
    sink = BytesIO()
    while length := reader.u32():
        reader.copy(length, sink)
    if total not in (_PLP_UNKNOWN_LENGTH, sink.tell()):
        raise ProtocolError(f"a value of {total} bytes has chunks of {sink.tell()}")
    return _value_of(sink, from_bytes)


def _value_of(sink: BytesIO, from_bytes: Callable[[memoryview], Any]) -> Any:
    """A value from its collected bytes, which are copied only where they become text."""
    return sink.getvalue() if from_bytes is bytes else from_bytes(sink.getbuffer())


def _read_variant(reader: MessageReader) -> Variant | None:
    total = reader.u32()
    if total == 0:
        return None
    value = MessageReader(reader.take(total))
    token = value.u8()
    properties = value.take(value.u8())
    if token in FIXED:
        name, size = FIXED[token]
        return Variant(SqlType(name), _scalar(name, value.take(size)))
    name = _VARIANT_TOKENS.get(token, "")
    rest = value.take(total - value.position)
    if name in ("decimal", "numeric") and len(properties) == 2:
        precision, scale = properties
        return Variant(SqlType(name, precision=precision, scale=scale), _read_decimal(rest, precision, scale))
    if name in ("time", "datetime2", "datetimeoffset") and len(properties) == 1:
        return Variant(SqlType(name, scale=properties[0]), _SCALED_READERS[name](rest, properties[0]))
    if name == "date":
        return Variant(SqlType(name), _read_date(rest))
    if name == "uniqueidentifier":
        return Variant(SqlType(name), _scalar(name, rest))
    if name in ("binary", "varbinary"):
        return Variant(SqlType(name, length=max(1, len(rest))), bytes(rest))
    if name in ("nchar", "nvarchar"):
        return Variant(SqlType(name, length=max(1, len(rest) // 2)), decode_utf16(rest))
    if name in ("char", "varchar"):
        return Variant(SqlType(name, length=max(1, len(rest))), _decode_code_page(rest))
    raise ProtocolError(f"a sql_variant of type 0x{token:02x} with {len(properties)} property bytes")


def _scalar(name: str, data: memoryview) -> Any:
    """A value of a type without facets."""
    try:
        return _SCALARS[name](data)
    except (ValueError, OverflowError, struct.error) as error:
        raise InvalidValue(f"not a {name}: {error}") from None


def _read_decimal(data: memoryview, precision: int, scale: int) -> Decimal:
    if len(data) < 2:
        raise ProtocolError(f"a decimal of {len(data)} bytes")
    number = int.from_bytes(data[1:], "little")
    if number >= 10**precision:
        raise InvalidValue(f"a decimal with more than {precision} digits")
    digits = tuple(map(int, str(number)))
    return Decimal((0 if data[0] else 1, digits, -scale))


def _read_date(data: memoryview) -> dt.date:
    try:
        return dt.date.fromordinal(int.from_bytes(data, "little") + DAY_ONE)
    except (ValueError, OverflowError):
        raise InvalidValue("a date outside the calendar") from None


def _read_time(data: memoryview, scale: int) -> dt.time:
    return (EPOCH_1900 + _since_midnight(data, scale)).time()


def _since_midnight(data: memoryview, scale: int) -> dt.timedelta:
    microseconds = int.from_bytes(data, "little") * 10**6 // 10**scale
    if microseconds >= 86_400 * 10**6:
        raise InvalidValue("a time of day past midnight")
    return dt.timedelta(microseconds=microseconds)


def _read_datetime2(data: memoryview, scale: int) -> dt.datetime:
    if len(data) < 6:
        raise ProtocolError(f"a datetime2 of {len(data)} bytes")
    return dt.datetime.combine(_read_date(data[-3:]), _read_time(data[:-3], scale))


def _read_datetimeoffset(data: memoryview, scale: int) -> dt.datetime:
    if len(data) < 8:
        raise ProtocolError(f"a datetimeoffset of {len(data)} bytes")
    minutes = int.from_bytes(data[-2:], "little", signed=True)
    if abs(minutes) > 14 * 60:
        raise InvalidValue(f"a time zone offset of {minutes} minutes")
    utc = _read_datetime2(data[:-2], scale).replace(tzinfo=dt.UTC)
    try:
        return utc.astimezone(dt.timezone(dt.timedelta(minutes=minutes)))
    except OverflowError:
        raise InvalidValue("a datetimeoffset outside the calendar") from None


def _read_datetime(data: memoryview) -> dt.datetime:
    days, ticks = struct.unpack("<iI", data)
    microseconds = round(ticks * 10**6 / TICKS_PER_SECOND / 1000) * 1000
    return EPOCH_1900 + dt.timedelta(days=days, microseconds=microseconds)


def _read_smalldatetime(data: memoryview) -> dt.datetime:
    days, minutes = struct.unpack("<HH", data)
    return EPOCH_1900 + dt.timedelta(days=days, minutes=minutes)


def _finite(data: memoryview, layout: str) -> float:
    value: float = struct.unpack(layout, data)[0]
    if not math.isfinite(value):
        raise ValueError("infinity and NaN are not supported")
    return value


def _read_money(data: memoryview) -> Decimal:
    high, low = struct.unpack("<iI", data)
    return Decimal((high << 32) | low).scaleb(-4)


def _decode_code_page(data: memoryview) -> str:
    return str(data, CODE_PAGE, "replace")


def _unpack(layout: str) -> Callable[[memoryview], Any]:
    unpacker = struct.Struct(layout)
    return lambda data: unpacker.unpack(data)[0]


_SCALARS: Final[dict[str, Callable[[memoryview], Any]]] = {
    "bit": lambda data: bool(data[0]),
    "tinyint": _unpack("<B"),
    "smallint": _unpack("<h"),
    "int": _unpack("<i"),
    "bigint": _unpack("<q"),
    "real": lambda data: _finite(data, "<f"),
    "float": lambda data: _finite(data, "<d"),
    "money": _read_money,
    "smallmoney": lambda data: Decimal(int.from_bytes(data, "little", signed=True)).scaleb(-4),
    "datetime": _read_datetime,
    "smalldatetime": _read_smalldatetime,
    "uniqueidentifier": lambda data: uuid.UUID(bytes_le=bytes(data)),
}

_SCALED_READERS: Final[dict[str, Callable[[memoryview, int], Any]]] = {
    "time": _read_time,
    "datetime2": _read_datetime2,
    "datetimeoffset": _read_datetimeoffset,
}

_VARIABLE: Final[dict[int, Callable[[MessageReader], WireType]]] = {
    0x22: _long("image", bytes),
    0x23: _long("text", _decode_code_page),
    0x24: _guid,
    0x26: _sized({1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}),
    0x28: _date,
    0x29: _scaled("time", _read_time),
    0x2A: _scaled("datetime2", _read_datetime2),
    0x2B: _scaled("datetimeoffset", _read_datetimeoffset),
    0x62: _variant,
    0x63: _long("ntext", decode_utf16),
    0x68: _sized({1: "bit"}),
    0x6A: _decimal("decimal"),
    0x6C: _decimal("numeric"),
    0x6D: _sized({4: "real", 8: "float"}),
    0x6E: _sized({4: "smallmoney", 8: "money"}),
    0x6F: _sized({4: "smalldatetime", 8: "datetime"}),
    0xA5: _short("varbinary", bytes, 1),
    0xA7: _short("varchar", _decode_code_page, 1),
    0xAD: _short("binary", bytes, 1),
    0xAF: _short("char", _decode_code_page, 1),
    0xE7: _short("nvarchar", decode_utf16, 2),
    0xEF: _short("nchar", decode_utf16, 2),
    0xF1: _xml,
    0xF3: _table,
}

_VARIANT_TOKENS: Final[dict[int, str]] = {
    0x24: "uniqueidentifier",
    0x28: "date",
    0x29: "time",
    0x2A: "datetime2",
    0x2B: "datetimeoffset",
    0x6A: "decimal",
    0x6C: "numeric",
    0xA5: "varbinary",
    0xA7: "varchar",
    0xAD: "binary",
    0xAF: "char",
    0xE7: "nvarchar",
    0xEF: "nchar",
}
