"""Writes values: how each data type is sent (MS-TDS, 2.2.5.4 to 2.2.5.6).

:func:`type_info` and :func:`encoder` are tables of small functions, one for each type; a new type is a new row.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType, Variant, cut_utf16
from airflow_provider_ssis.emulator.tds.type_tokens import (
    CHARACTER,
    CODE_PAGE,
    COLLATION,
    DAY_ONE,
    EPOCH_1900,
    FIXED,
    MAX_LENGTH,
    PLP_NULL,
    SHORT_NULL,
    TICKS_PER_SECOND,
)

_EXACT: Final = Context(prec=80)
"""Wide enough for every decimal; the default one rounds to 28 digits."""
_LARGEST_VARIANT: Final = 8009

Encoder = Callable[[Any], bytes]
"""Writes a value without a length before it."""

PieceEncoder = Callable[[Any], bytes | tuple[bytes, ...]]
"""Writes a value as it follows its type info; a large one in pieces, so that it is not copied again."""


def type_info(type: SqlType, *, nullable: bool = True) -> bytes:  # noqa: A002 - the field's own word
    """The TYPE_INFO under which values of a type are sent.

    :param nullable: False for a column without NULL. Numbers and times of fixed size then have a separate form.
        Microsoft's driver relies on this form, and ignores the flag in COLMETADATA.
    """
    type = _SENT_AS.get(type.name, type)  # noqa: A001
    name = type.name
    if not nullable and name in _FIXED_TOKENS:
        return bytes((_FIXED_TOKENS[name],))
    if name in _SIZED_TOKENS:
        return bytes(_SIZED_TOKENS[name])
    if name in ("decimal", "numeric"):
        return bytes((0x6A if name == "decimal" else 0x6C, 17, type.precision or 18, type.scale or 0))
    if name in _SCALED_TOKENS:
        return bytes((_SCALED_TOKENS[name], 7 if type.scale is None else type.scale))
    if name in _SHORT_TOKENS:
        token, unit = _SHORT_TOKENS[name]
        size = MAX_LENGTH if is_chunked(type) else (type.length or 1) * unit
        return struct.pack("<BH", token, size) + (COLLATION if name in CHARACTER else b"")
    if name == "sql_variant":
        return struct.pack("<BI", 0x62, _LARGEST_VARIANT)
    raise ValueError(f"values of type {type} cannot be sent")


def encoder(type: SqlType, *, nullable: bool = True) -> PieceEncoder:  # noqa: A002 - the field's own word
    """The function that writes values of a type as they follow its :func:`type_info`."""
    sent = _SENT_AS.get(type.name, type)
    if sent.name == "sql_variant":
        return _write_variant
    body = _body_writer(sent)
    if not nullable and sent.name in _FIXED_TOKENS:
        return body
    if sent.name in _SHORT_TOKENS:
        return _chunked(body) if is_chunked(sent) else _prefixed(_bounded(body, sent), "<H", SHORT_NULL)
    return _prefixed(body, "<B", 0)


def _bounded(body: Encoder, type: SqlType) -> Encoder:  # noqa: A002 - the field's own word
    """Write no more bytes than the type info announced; with more, the client misreads the rest of the stream."""
    unit = _SHORT_TOKENS[type.name][1]
    size = (type.length or 1) * unit

    def write(value: Any) -> bytes:
        data = body(value)
        return data if len(data) <= size else cut_utf16(data, size) if unit > 1 else data[:size]

    return write


def sent_as(type: SqlType) -> SqlType:  # noqa: A002 - the field's own word
    """The type under which values are sent: newer types replace deprecated ones."""
    return _SENT_AS.get(type.name, type)


def is_fixed(type: SqlType) -> bool:  # noqa: A002 - the field's own word
    """Whether values of a column without NULL are sent without a length."""
    return type.name in _FIXED_TOKENS


def is_chunked(type: SqlType) -> bool:  # noqa: A002 - the field's own word
    """Whether values are sent in chunks."""
    limit = 4000 if type.name in ("nchar", "nvarchar") else 8000
    return type.length == MAX or (type.length or 1) > limit


def _prefixed(body: Encoder, layout: str, null: int) -> Encoder:
    length = struct.Struct(layout)
    null_bytes = length.pack(null)

    def encode(value: Any) -> bytes:
        if value is None:
            return null_bytes
        data = body(value)
        return length.pack(len(data)) + data

    return encode


def _chunked(body: Encoder) -> PieceEncoder:
    def encode(value: Any) -> bytes | tuple[bytes, ...]:
        if value is None:
            return struct.pack("<Q", PLP_NULL)
        data = body(value)
        if not data:
            return struct.pack("<QI", 0, 0)
        return struct.pack("<QI", len(data), len(data)), data, b"\0\0\0\0"

    return encode


def _body_writer(type: SqlType) -> Encoder:  # noqa: A002 - the field's own word
    """The function that writes a value without a length before it."""
    name = type.name
    if name in ("decimal", "numeric"):
        scale, size = type.scale or 0, decimal_size(type.precision or 18)
        return lambda value: _write_decimal(value, scale, size)
    if name in _SCALED_TOKENS:
        scale = 7 if type.scale is None else type.scale
        write = _SCALED_WRITERS[name]
        return lambda value: write(value, scale)
    return _BODY_WRITERS[name]


def _write_variant(value: Variant | None) -> bytes:
    if value is None:
        return b"\0\0\0\0"
    body = _body_writer(value.type)(value.value)
    head = _variant_head(value.type)
    return struct.pack("<I", len(head) + len(body)) + head + body


def _variant_head(type: SqlType) -> bytes:  # noqa: A002 - the field's own word
    name = type.name
    if name in ("decimal", "numeric"):
        return bytes((0x6A if name == "decimal" else 0x6C, 2, type.precision or 18, type.scale or 0))
    if name in _SCALED_TOKENS:
        return bytes((_SCALED_TOKENS[name], 1, 7 if type.scale is None else type.scale))
    if name in _SHORT_TOKENS:
        token, unit = _SHORT_TOKENS[name]
        size = struct.pack("<H", min(8000, (type.length or 1) * unit if type.length != MAX else 8000))
        return bytes((token, 7)) + COLLATION + size if name in CHARACTER else bytes((token, 2)) + size
    return bytes((_VARIANT_FIXED_TOKENS[name], 0))


def decimal_size(precision: int) -> int:
    """The bytes of a decimal without its sign."""
    return 4 if precision <= 9 else 8 if precision <= 19 else 12 if precision <= 28 else 16


def _write_decimal(value: Decimal | int, scale: int, size: int) -> bytes:
    number = int(_EXACT.scaleb(Decimal(value), scale).to_integral_value(context=_EXACT))
    return bytes((number >= 0,)) + abs(number).to_bytes(size, "little")


def _write_date(value: dt.date) -> bytes:
    return (value.toordinal() - DAY_ONE).to_bytes(3, "little")


def _write_time(value: dt.time | dt.datetime, scale: int) -> bytes:
    microseconds = ((value.hour * 60 + value.minute) * 60 + value.second) * 10**6 + value.microsecond
    size = 3 if scale <= 2 else 4 if scale <= 4 else 5
    units: int = microseconds * 10**scale // 10**6
    return units.to_bytes(size, "little")


def _write_datetime2(value: dt.datetime, scale: int) -> bytes:
    return _write_time(value, scale) + _write_date(value.date())


def _write_datetimeoffset(value: dt.datetime, scale: int) -> bytes:
    offset = value.utcoffset() or dt.timedelta()
    utc = value.replace(tzinfo=None) - offset
    minutes = offset // dt.timedelta(minutes=1)
    return _write_datetime2(utc, scale) + minutes.to_bytes(2, "little", signed=True)


def _write_datetime(value: dt.datetime) -> bytes:
    since = value - EPOCH_1900
    ticks = round(((since.seconds * 10**6) + since.microseconds) * TICKS_PER_SECOND / 10**6)
    days = since.days
    if ticks == 86_400 * TICKS_PER_SECOND:
        days, ticks = days + 1, 0
    return struct.pack("<iI", days, ticks)


def _write_smalldatetime(value: dt.datetime) -> bytes:
    since = value - EPOCH_1900 + dt.timedelta(seconds=30)
    return struct.pack("<HH", since.days, since.seconds // 60)


def _write_money(value: Decimal | int) -> bytes:
    number = int(_EXACT.scaleb(Decimal(value), 4).to_integral_value(context=_EXACT))
    return struct.pack("<iI", number >> 32, number & 0xFFFFFFFF)


def _utf16(value: str) -> bytes:
    return value.encode("utf-16-le", "surrogatepass")


def _code_page(value: str) -> bytes:
    return value.encode(CODE_PAGE, "replace")


_SENT_AS: Final = {
    "text": SqlType("varchar", length=MAX),
    "ntext": SqlType("nvarchar", length=MAX),
    "xml": SqlType("nvarchar", length=MAX),
    "image": SqlType("varbinary", length=MAX),
}
"""Deprecated types, which are sent as the types that replaced them."""

_BODY_WRITERS: Final[dict[str, Encoder]] = {
    "bit": lambda value: b"\1" if value else b"\0",
    "tinyint": struct.Struct("<B").pack,
    "smallint": struct.Struct("<h").pack,
    "int": struct.Struct("<i").pack,
    "bigint": struct.Struct("<q").pack,
    "real": struct.Struct("<f").pack,
    "float": struct.Struct("<d").pack,
    "money": _write_money,
    "smallmoney": lambda value: int(Decimal(value).scaleb(4)).to_bytes(4, "little", signed=True),
    "datetime": _write_datetime,
    "smalldatetime": _write_smalldatetime,
    "date": _write_date,
    "uniqueidentifier": lambda value: value.bytes_le,
    "binary": bytes,
    "varbinary": bytes,
    "char": _code_page,
    "varchar": _code_page,
    "nchar": _utf16,
    "nvarchar": _utf16,
}
_SCALED_WRITERS: Final[dict[str, Callable[[Any, int], bytes]]] = {
    "time": _write_time,
    "datetime2": _write_datetime2,
    "datetimeoffset": _write_datetimeoffset,
}
_SIZED_TOKENS: Final[dict[str, tuple[int, ...]]] = {
    "bit": (0x68, 1),
    "tinyint": (0x26, 1),
    "smallint": (0x26, 2),
    "int": (0x26, 4),
    "bigint": (0x26, 8),
    "real": (0x6D, 4),
    "float": (0x6D, 8),
    "money": (0x6E, 8),
    "smallmoney": (0x6E, 4),
    "datetime": (0x6F, 8),
    "smalldatetime": (0x6F, 4),
    "date": (0x28,),
    "uniqueidentifier": (0x24, 16),
}
_SCALED_TOKENS: Final = {"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}
_SHORT_TOKENS: Final = {
    "varbinary": (0xA5, 1),
    "varchar": (0xA7, 1),
    "binary": (0xAD, 1),
    "char": (0xAF, 1),
    "nvarchar": (0xE7, 2),
    "nchar": (0xEF, 2),
}
_FIXED_TOKENS: Final = {name: token for token, (name, _) in FIXED.items()}
_VARIANT_FIXED_TOKENS: Final = _FIXED_TOKENS | {
    "date": 0x28,
    "uniqueidentifier": 0x24,
}
