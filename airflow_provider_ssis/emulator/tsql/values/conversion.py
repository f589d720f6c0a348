"""CAST, CONVERT, TRY_CAST, TRY_CONVERT and implicit conversions, on Python values.

The allowed conversions, implicit and explicit, are those of the table in "CAST and CONVERT (Transact-SQL)".
A failed conversion raises SQL Server's error number.
"""

from __future__ import annotations

import datetime as dt
import math
import struct
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType, Variant, cut_utf16, utf16_length
from airflow_provider_ssis.emulator.tsql.values import date_styles, moments, number_text
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import (
    APPROXIMATE,
    BINARIES,
    DECIMALS,
    FIXED_WIDTH,
    INTEGERS,
    MOMENTS,
    MONEY,
    NUMBERS,
    STRINGS,
    UNICODE,
    operand_clash,
)

CODE_PAGE: Final = "cp1252"
"""The code page of char and varchar under the server's collation."""

_IMPLICIT: Final = "implicit"
_EXPLICIT: Final = "explicit"
_NEVER: Final = "never"

# From family to family; within a family a conversion is implicit unless _special says otherwise.
_RULES: Final[dict[tuple[str, str], str]] = {
    ("number", "string"): _IMPLICIT,
    ("number", "binary"): _IMPLICIT,
    ("number", "datetime"): _IMPLICIT,
    ("string", "number"): _IMPLICIT,
    ("string", "binary"): _EXPLICIT,
    ("string", "datetime"): _IMPLICIT,
    ("string", "moment"): _IMPLICIT,
    ("string", "guid"): _IMPLICIT,
    ("binary", "number"): _IMPLICIT,
    ("binary", "string"): _IMPLICIT,
    ("binary", "datetime"): _IMPLICIT,
    ("binary", "guid"): _IMPLICIT,
    ("datetime", "number"): _EXPLICIT,
    ("datetime", "string"): _IMPLICIT,
    ("datetime", "binary"): _EXPLICIT,
    ("datetime", "moment"): _IMPLICIT,
    ("moment", "string"): _IMPLICIT,
    ("moment", "datetime"): _IMPLICIT,
    ("guid", "string"): _IMPLICIT,
    ("guid", "binary"): _IMPLICIT,
}

_INTEGER_RANGES: Final = {
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
_INTEGER_BYTES: Final = {"bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}


_TO_UTC: Final = 1
"""The style that converts a datetimeoffset to UTC; every other style drops the offset."""


def family(type: SqlType) -> str:  # noqa: A002 - the field's own word
    """number, string, binary, datetime, moment, guid or variant: the kinds of types in the rules of conversion."""
    if type.name in NUMBERS or type.name == "bit":
        return "number"
    if type.name in STRINGS:
        return "string"
    if type.name in BINARIES:
        return "binary"
    if type.name in ("datetime", "smalldatetime"):
        return "datetime"
    if type.name in MOMENTS:
        return "moment"
    return {"uniqueidentifier": "guid", "sql_variant": "variant"}.get(type.name, type.name)


def check(source: SqlType, target: SqlType, *, explicit: bool) -> None:
    """See whether one type can be converted to another.

    :raises SqlError: 529 (never), 257 (only by CONVERT), 206 (incompatible types).
    """
    rule = _rule(source, target)
    if rule == _IMPLICIT or (rule == _EXPLICIT and explicit):
        return
    if rule == _EXPLICIT:
        raise SqlError(
            257, f"A value of type {source.name} is not converted to {target.name} implicitly. Use CONVERT or CAST."
        )
    if explicit:
        raise SqlError(529, f"A value of type {source.name} cannot be converted to {target.name}.")
    raise operand_clash(source, target)


def _rule(source: SqlType, target: SqlType) -> str:
    if target.name == "sql_variant":
        holds = source.length != MAX and source.name not in ("text", "ntext", "image", "xml")
        return _IMPLICIT if holds else _NEVER
    if source.name == "sql_variant":
        return _EXPLICIT
    if {source.name, target.name} == {"date", "time"}:
        return _NEVER
    if source.name in MONEY and target.name in STRINGS:
        return _EXPLICIT
    if source.name in BINARIES and target.name in APPROXIMATE:
        return _NEVER
    one, other = family(source), family(target)
    return _IMPLICIT if one == other and source.schema == target.schema else _RULES.get((one, other), _NEVER)


def convert(value: Any, source: SqlType, target: SqlType, style: int | None = None) -> Any:
    """``CONVERT(target, value, style)``, or ``CAST(value AS target)`` when the style is None.

    A string or binary that is too long is cut without a word, as SQL Server does.

    :raises SqlError: 529, 245, 8114, 220, 8115, 241, 242, 244, 248, 281, 295, 8169 ...
    """
    check(source, target, explicit=True)
    return None if value is None else _convert(value, source, target, style)


def try_convert(value: Any, source: SqlType, target: SqlType, style: int | None = None) -> Any:
    """``TRY_CONVERT``: None where the value does not convert.

    :raises SqlError: 529, when no value of the type ever would.
    """
    check(source, target, explicit=True)
    if value is None:
        return None
    try:
        return _convert(value, source, target, style)
    except SqlError:
        return None


def assign(value: Any, source: SqlType, target: SqlType) -> Any:
    """The conversion of a value given to a variable or to a procedure's parameter; strings are cut without a word.

    :raises SqlError: as :func:`convert`, and 257 and 206.
    """
    if value is None or source == target:
        return value
    check(source, target, explicit=False)
    return _convert(value, source, target, None)


def store(value: Any, source: SqlType, target: SqlType, *, table: str, column: str) -> Any:
    """The conversion of a value written to a column: a value that is too long is an error.

    :raises SqlError: as :func:`assign`, and 2628.
    """
    if value is None:
        return None
    check(source, target, explicit=False)
    if target.length not in (None, MAX) and family(source) == family(target) and target.length is not None:
        kept = value.rstrip(" ") if isinstance(value, str) else value
        length = utf16_length(kept) if target.name in UNICODE else len(kept)
        if length > target.length:
            raise SqlError(
                2628,
                f"Column {column!r} of table {table!r} takes {target.length} "
                f"{'characters' if isinstance(value, str) else 'bytes'}; the value has {length}.",
                ends_batch=False,
            )
    return _convert(value, source, target, None)


def is_valid(value: Any, type: SqlType) -> bool:  # noqa: A002 - the field's own word
    """Whether a value that a client sent is in the range of its type."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            return False
        whole = {"money": 15, "smallmoney": 6}.get(type.name, (type.precision or 38) - (type.scale or 0))
        return value.copy_abs() < Decimal(10) ** whole
    return not isinstance(value, float) or math.isfinite(value)


def type_of(value: Any) -> SqlType:
    """The narrowest T-SQL type of a Python value, for values that come without one.

    :raises ValueError: no SQL Server type has such values.
    """
    match value:
        case None:
            return SqlType("int")
        case bool():
            return SqlType("bit")
        case int():
            return SqlType("int" if -(2**31) <= value < 2**31 else "bigint")
        case float():
            return SqlType("float")
        case Decimal():
            return number_text.decimal_type(value)
        case str():
            length = utf16_length(value)
            return SqlType("nvarchar", length=max(length, 1) if length <= 4000 else MAX)
        case bytes():
            return SqlType("varbinary", length=max(len(value), 1) if len(value) <= 8000 else MAX)
        case uuid.UUID():
            return SqlType("uniqueidentifier")
        case dt.datetime() if value.tzinfo is not None:
            return SqlType("datetimeoffset", scale=7)
        case dt.datetime():
            return SqlType("datetime2", scale=7)
        case dt.date():
            return SqlType("date")
        case dt.time():
            return SqlType("time", scale=7)
        case Variant():
            return SqlType("sql_variant")
        case _:
            raise ValueError(f"a {type(value).__name__} is no value of SQL Server")


# --- one function for each target family ----------------------------------------------------------------------------


def _convert(value: Any, source: SqlType, target: SqlType, style: int | None) -> Any:
    if target.name == "sql_variant":
        return value if isinstance(value, Variant) else Variant(source, value)
    if isinstance(value, Variant):
        check(value.type, target, explicit=True)
        return _convert(value.value, value.type, target, style)
    return _TO[family(target)](value, source, target, style)


def _to_number(value: Any, source: SqlType, target: SqlType, style: int | None) -> Any:
    if source == target:
        return value
    match family(source):
        case "string":
            return _number_from_text(value, source, target)
        case "binary":
            return _number_from_bytes(value, target)
        case "datetime":
            return _number(moments.days_since_1900(value), source, target)
        case _:
            return _number(value, source, target)


def _number_from_text(text: str, source: SqlType, target: SqlType) -> Any:
    try:
        if target.name == "bit":
            return number_text.parse_bit(text)
        if target.name in INTEGERS:
            number: Any = number_text.parse_integer(text)
        elif target.name in DECIMALS:
            number = number_text.parse_decimal(text)
        elif target.name in MONEY:
            number = number_text.parse_money(text)
        else:
            number = number_text.parse_float(text)
    except ValueError:
        raise _unreadable(text, source, target) from None
    if target.name in INTEGERS and not _in_range(number, target):
        overflow = {"tinyint": 244, "smallint": 244, "int": 248}.get(target.name, 8115)
        raise SqlError(overflow, f"The {source.name} value {text!r} is out of the range of {target.name}.")
    return _number(number, source, target)


def _unreadable(text: str, source: SqlType, target: SqlType) -> SqlError:
    if target.name in MONEY:
        return SqlError(235, f"A {source.name} value cannot be read as {target.name}: it is not an amount of money.")
    if target.name in DECIMALS | APPROXIMATE | {"bigint"}:
        return SqlError(8114, f"Error converting data type {source.name} to {target.name}.")
    return SqlError(245, f"Conversion failed: the {source.name} value {text!r} cannot be converted to {target.name}.")


def _number(value: Any, source: SqlType, target: SqlType) -> Any:
    """A number as another kind of number."""
    if target.name == "bit":
        return bool(value)
    if isinstance(value, bool):
        value = int(value)
    if target.name in INTEGERS:
        whole = (
            int(moments.round_half_up(value)) if source.name in MONEY or family(source) == "datetime" else int(value)
        )
        if not _in_range(whole, target):
            raise _integer_overflow(whole, source, target)
        return whole
    if target.name in APPROXIMATE:
        try:
            reached = number_text.single(float(value)) if target.name == "real" else float(value)
            if math.isinf(reached):
                raise OverflowError
            return reached
        except OverflowError:
            raise SqlError(
                232, f"Arithmetic overflow: a {source.name} value is out of the range of {target.name}."
            ) from None
    precision, scale = {"money": (19, 4), "smallmoney": (10, 4)}.get(target.name, (target.precision, target.scale))
    exact = number_text.from_float(value) if isinstance(value, float) else Decimal(value)
    rounded = number_text.rounded(exact, scale or 0)
    limit = {"money": Decimal(2**63) / 10000, "smallmoney": Decimal(2**31) / 10000}.get(
        target.name, Decimal(10) ** ((precision or 0) - (scale or 0))
    )
    if rounded.copy_abs() >= limit:
        raise SqlError(8115, f"Arithmetic overflow: a {source.name} value is out of the range of {target}.")
    return rounded


def _in_range(value: int, target: SqlType) -> bool:
    low, high = _INTEGER_RANGES[target.name]
    return low <= value <= high


def _integer_overflow(value: int, source: SqlType, target: SqlType) -> SqlError:
    if target.name in ("tinyint", "smallint") and source.name in INTEGERS:
        return SqlError(220, f"Arithmetic overflow: {value} is out of the range of {target.name}.")
    if source.name in APPROXIMATE:
        return SqlError(232, f"Arithmetic overflow: {value} is out of the range of {target.name}.")
    return SqlError(8115, f"Arithmetic overflow: a {source.name} value is out of the range of {target.name}.")


def _number_from_bytes(value: bytes, target: SqlType) -> Any:
    if target.name == "bit":
        return any(value[-1:])
    if target.name in MONEY:
        size = 8 if target.name == "money" else 4
        return Decimal(int.from_bytes(value[-size:].rjust(size, b"\0"), "big", signed=True)).scaleb(-4)
    if target.name not in INTEGERS:
        raise SqlError(
            8114,
            f"Error converting data type varbinary to {target.name}: this server does not support its internal format.",
        )
    size = _INTEGER_BYTES[target.name]
    padded = value[-size:].rjust(size, b"\0")
    return int.from_bytes(padded, "big", signed=target.name != "tinyint")


def _to_string(value: Any, source: SqlType, target: SqlType, style: int | None) -> str:
    match family(source):
        case "string":
            text = value
        case "binary":
            text = _text_from_bytes(value, target, style)
        case "guid":
            text = str(value).upper()
            if target.length not in (None, MAX) and (target.length or 0) < len(text):
                raise SqlError(8170, "A uniqueidentifier needs 36 characters as a string.")
        case "datetime" | "moment":
            text = _text_from_moment(value, source, style)
        case _:
            text = number_text.render(value, source, style)
            if target.length not in (None, MAX) and (target.length or 0) < len(text):
                return _number_too_long(source, target)
    return fit_string(text, target)


def _number_too_long(source: SqlType, target: SqlType) -> str:
    if source.name in INTEGERS | {"bit"} and target.name in ("varchar", "char"):
        return fit_string("*", target)
    raise SqlError(8115, f"Arithmetic overflow: a {source.name} value is out of the range of {target}.")


def fit_string(text: str, target: SqlType) -> str:
    """Text as a string type holds it: cut, padded, and in char and varchar only with characters of the code page."""
    if target.name not in UNICODE and not text.isascii():
        text = text.encode(CODE_PAGE, "replace").decode(CODE_PAGE)
    if target.length is None or target.length == MAX:
        return text
    if target.name in UNICODE and not text.isascii():
        text = cut_utf16(text.encode("utf-16-le", "surrogatepass"), target.length * 2).decode(
            "utf-16-le", "surrogatepass"
        )
    else:
        text = text[: target.length]
    return text.ljust(target.length - utf16_length(text) + len(text)) if target.name in FIXED_WIDTH else text


def _text_from_bytes(value: bytes, target: SqlType, style: int | None) -> str:
    if style in (1, 2):
        text = value.hex().upper()
        return f"0x{text}" if style == 1 else text
    if target.name in UNICODE:
        return (value if len(value) % 2 == 0 else value + b"\0").decode("utf-16-le", "replace")
    return value.decode(CODE_PAGE, "replace")


def _text_from_moment(value: Any, source: SqlType, style: int | None) -> str:
    if style is not None and not date_styles.known(style):
        raise SqlError(281, f"{style} is not a valid style for converting {source.name} to a string.")
    try:
        return date_styles.render(value, source, style)
    except ValueError as error:
        raise SqlError(8114, f"Error converting data type {source.name} to a string: {error}.") from None


def _to_binary(value: Any, source: SqlType, target: SqlType, style: int | None) -> bytes:
    match family(source):
        case "binary":
            data = value
        case "guid":
            data = value.bytes_le
        case "string":
            data = _bytes_from_text(value, source, style)
        case "number":
            return _fit_number(_bytes_from_number(value, source), target)
        case _ if source.name == "datetime":
            return _fit_number(moments.datetime_bytes(value), target)
        case _:
            raise SqlError(
                529,
                f"Converting {source.name} to {target.name} is not supported by this server. "
                "Convert it to a string first.",
            )
    if target.length is None or target.length == MAX:
        return bytes(data)
    data = data[: target.length]
    return bytes(data.ljust(target.length, b"\0") if target.name in FIXED_WIDTH else data)


def _fit_number(data: bytes, target: SqlType) -> bytes:
    """Numbers lose, or get, bytes on the left."""
    if target.length is None or target.length == MAX:
        return data
    data = data[-target.length :]
    return data.rjust(target.length, b"\0") if target.name in FIXED_WIDTH else data


def _bytes_from_text(text: str, source: SqlType, style: int | None) -> bytes:
    if style in (1, 2):
        digits = text[2:] if style == 1 and text[:2].lower() == "0x" else text if style == 2 else None
        try:
            if digits is None or any(character.isspace() for character in digits):
                raise ValueError(text)
            return bytes.fromhex(digits)
        except ValueError:
            raise SqlError(8114, f"Error converting data type {source.name} to varbinary.") from None
    return text.encode("utf-16-le", "surrogatepass") if source.name in UNICODE else text.encode(CODE_PAGE, "replace")


def _bytes_from_number(value: Any, source: SqlType) -> bytes:
    if source.name in _INTEGER_BYTES:
        return int(value).to_bytes(_INTEGER_BYTES[source.name], "big", signed=int(value) < 0)
    if source.name in MONEY:
        return int(value * 10000).to_bytes(8 if source.name == "money" else 4, "big", signed=True)
    if source.name in APPROXIMATE:
        return struct.pack(">d" if source.name == "float" else ">f", value)
    raise SqlError(
        529, f"Converting {source.name} to varbinary is not supported by this server. Convert it to a string first."
    )


def _to_guid(value: Any, source: SqlType, target: SqlType, style: int | None) -> uuid.UUID:
    if isinstance(value, uuid.UUID):
        return value
    if isinstance(value, bytes):
        if len(value) < 16:
            raise SqlError(8169, "A uniqueidentifier needs 16 bytes.")
        return uuid.UUID(bytes_le=value[:16])
    text = value.strip()
    digits = text[1:37] if text.startswith("{") and text[37:38] == "}" else text[:36]
    if [len(part) for part in digits.split("-")] == [8, 4, 4, 4, 12]:
        try:
            return uuid.UUID(digits)
        except ValueError:
            pass
    raise SqlError(8169, "Conversion failed: a string is not a valid uniqueidentifier.")


def _to_moment(value: Any, source: SqlType, target: SqlType, style: int | None) -> Any:
    match family(source):
        case "string":
            parsed = _moment_from_text(value, source, target, style)
        case "number":
            parsed = moments.from_days_since_1900(value, target)
        case "binary":
            parsed = moments.from_datetime_bytes(value)
        case _:
            parsed = moments.widened(value)
            if style == _TO_UTC and parsed.tzinfo is not None and target.name != "datetimeoffset":
                parsed = _in_utc(parsed, target)
    return moments.narrowed(parsed, target)


def _in_utc(value: dt.datetime, target: SqlType) -> dt.datetime:
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise SqlError(242, f"The time in UTC is out of the range of {target.name}.") from None


def _moment_from_text(text: str, source: SqlType, target: SqlType, style: int | None) -> dt.datetime:
    failed = SqlError(
        295 if target.name == "smalldatetime" else 241,
        f"Conversion failed: a {source.name} value cannot be read as {target.name}.",
    )
    if style is not None and not date_styles.known(style):
        raise SqlError(281, f"{style} is not a valid style for converting {source.name} to {target.name}.")
    try:
        moment = date_styles.parse(text, style)
        local = moment.local()
    except (ValueError, OverflowError):
        raise failed from None
    if family(target) == "datetime":
        if moment.fraction_digits > 3 or (moment.offset is not None and not moment.iso_utc):
            raise failed
        return local
    return local.replace(tzinfo=dt.timezone(moment.offset)) if moment.offset is not None else local


_TO: Final[dict[str, Callable[[Any, SqlType, SqlType, int | None], Any]]] = {
    "number": _to_number,
    "string": _to_string,
    "binary": _to_binary,
    "guid": _to_guid,
    "datetime": _to_moment,
    "moment": _to_moment,
}
