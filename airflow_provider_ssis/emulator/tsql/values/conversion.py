"""CAST, CONVERT, TRY_CAST, TRY_CONVERT and implicit conversions, on Python values.

The allowed conversions, implicit and explicit, are those of the table in "CAST and CONVERT (Transact-SQL)".
A failed conversion raises SQL Server's error number.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType, Variant, utf16_length
from airflow_provider_ssis.emulator.tsql.values import number_text
from airflow_provider_ssis.emulator.tsql.values.binary_conversion import to_binary, to_guid
from airflow_provider_ssis.emulator.tsql.values.date_styles import MDY
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.moment_conversion import to_moment
from airflow_provider_ssis.emulator.tsql.values.number_conversion import in_range, to_number
from airflow_provider_ssis.emulator.tsql.values.precedence import (
    APPROXIMATE,
    BINARIES,
    MONEY,
    STRINGS,
    UNICODE,
    family,
    operand_clash,
)
from airflow_provider_ssis.emulator.tsql.values.string_conversion import to_string

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
    if "xml" in (source.name, target.name) and not {family(source), family(target)} <= {"string", "binary"}:
        return _NEVER
    if source.name == "xml" and target.name != "xml":
        return _EXPLICIT
    if source.name in MONEY and target.name in STRINGS:
        return _EXPLICIT
    if source.name in BINARIES and target.name in APPROXIMATE:
        return _NEVER
    one, other = family(source), family(target)
    return _IMPLICIT if one == other and source.schema == target.schema else _RULES.get((one, other), _NEVER)


def convert(value: Any, source: SqlType, target: SqlType, style: int | None = None, order: str = MDY) -> Any:
    """``CONVERT(target, value, style)``, or ``CAST(value AS target)`` when the style is None.

    A string or binary that is too long is cut without a word, as SQL Server does.

    :param order: SET DATEFORMAT, for dates in strings; here and below.
    :raises SqlError: 529, 245, 8114, 220, 8115, 241, 242, 244, 248, 281, 295, 8169 ...
    """
    check(source, target, explicit=True)
    return None if value is None else _convert(value, source, target, style, order)


def try_convert(value: Any, source: SqlType, target: SqlType, style: int | None = None, order: str = MDY) -> Any:
    """``TRY_CONVERT``: None where the value does not convert.

    :raises SqlError: 529, when no value of the type ever would.
    """
    check(source, target, explicit=True)
    if value is None:
        return None
    try:
        return _convert(value, source, target, style, order)
    except SqlError:
        return None


def assign(value: Any, source: SqlType, target: SqlType, order: str = MDY) -> Any:
    """The conversion of a value given to a variable or to a procedure's parameter; strings are cut without a word.

    :raises SqlError: as :func:`convert`, and 257 and 206.
    """
    if value is None or source == target:
        return value
    check(source, target, explicit=False)
    return _convert(value, source, target, None, order)


def store(value: Any, source: SqlType, target: SqlType, *, table: str, column: str, order: str = MDY) -> Any:
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
    return _convert(value, source, target, None, order)


def is_valid(value: Any, type: SqlType) -> bool:  # noqa: A002 - the field's own word
    """Whether a value that a client sent is in the range of its type."""
    if isinstance(value, Decimal):
        return value.is_finite() and in_range(value, type)
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
            raise ValueError(f"a {type(value).__name__} is not a value of SQL Server")


# --- one function for each target family ----------------------------------------------------------------------------


def _convert(value: Any, source: SqlType, target: SqlType, style: int | None, order: str) -> Any:
    if target.name == "sql_variant":
        return value if isinstance(value, Variant) else Variant(source, value)
    if isinstance(value, Variant):
        check(value.type, target, explicit=True)
        return _convert(value.value, value.type, target, style, order)
    kind = family(target)
    if kind in ("datetime", "moment"):
        return to_moment(value, source, target, style, order)
    return _TO[kind](value, source, target, style)


_TO: Final[dict[str, Callable[[Any, SqlType, SqlType, int | None], Any]]] = {
    "number": to_number,
    "string": to_string,
    "binary": to_binary,
    "guid": to_guid,
}
