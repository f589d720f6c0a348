"""The operators on two values of one type: the same in Python as in a query."""

from __future__ import annotations

import datetime as dt
import math
import struct
from collections.abc import Callable
from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import MAX, NVARCHAR_MAX, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.values.conversion import convert
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.limits import check_size
from airflow_provider_ssis.emulator.tsql.values.number_conversion import in_range
from airflow_provider_ssis.emulator.tsql.values.number_text import rounded, single
from airflow_provider_ssis.emulator.tsql.values.precedence import (
    APPROXIMATE,
    INTEGERS,
    LARGEST_PRECISION,
    STRINGS,
    UNICODE,
    combined,
    family,
)
from airflow_provider_ssis.emulator.tsql.values.string_conversion import fit_string
from airflow_provider_ssis.emulator.tsql.values.text_order import lowered, text_key

_RANGES: Final = {
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
_EXACT: Final = Context(prec=100)
_TRUNCATING: Final = Context(prec=100, rounding=ROUND_DOWN)
_BITWISE: Final[dict[str, Callable[[int, int], int]]] = {
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}
_SIGN_BIT: Final = 1 << 63
_SORTED_DIGITS: Final = LARGEST_PRECISION * 2 + 2
_ABOVE_ALL_NUMBERS: Final = 10 ** (_SORTED_DIGITS - 1)
_ALL_BITS: Final = (1 << 64) - 1
_LAST_FAMILY: Final = 99
_VARIANT_FAMILIES: Final = ("variant", "moment", "datetime", "number", "string", "binary", "guid")


def operate(operator: str, type: SqlType, first: Any, second: Any) -> Any:  # noqa: A002 - the field's own word
    """``first operator second`` for numbers, as a value of the result's type.

    :param operator: one of ``+ - * / % & | ^``.
    :raises SqlError: 8134 (division by zero), 8115 (overflow).
    """
    if operator in "/%" and not second:
        raise division_by_zero()
    if type.name in APPROXIMATE:
        return _approximate(operator, type, float(first), float(second))
    if type.name in INTEGERS or type.name == "bit":
        return _integer(operator, type, int(first), int(second))
    return _exact(operator, type, Decimal(first), Decimal(second))


def concatenate(type: SqlType, first: Any, second: Any) -> Any:  # noqa: A002 - the field's own word
    """``first + second`` for strings or binaries, cut to the longest that is not ``(max)``."""
    check_size(len(first) + len(second))
    joined = first + second
    if isinstance(joined, str):
        return fit_string(joined, type)
    return joined if type.length in (None, MAX) else joined[: type.length]


def division_by_zero() -> SqlError:
    """Error 8134."""
    return SqlError(8134, "Divide by zero error encountered.")


def overflow(type: SqlType) -> SqlError:  # noqa: A002 - the field's own word
    """Error 8115 for an operator's result."""
    return SqlError(8115, f"Arithmetic overflow: the result is out of the range of {type}.")


def fitting(value: Any, type: SqlType) -> Any:  # noqa: A002 - the field's own word
    """An exact number, if it is in the range of a type.

    :raises SqlError: 8115, it is not.
    """
    if type.name in _RANGES or type.name == "bit":
        low, high = _RANGES.get(type.name, _RANGES["int"])
        inside = low <= value <= high
    else:
        inside = in_range(value, type)
    if not inside:
        raise overflow(type)
    return value


def folded(text: str) -> str:
    """What two strings that compare equal have in common: case and trailing blanks do not matter."""
    return lowered(text.rstrip(" "))


def compare(type: SqlType, first: Any, second: Any) -> int:  # noqa: A002 - the field's own word
    """Below, at or above zero, as the first value is less than, equal to or greater than the second."""
    if type.name in STRINGS and folded(first) == folded(second):
        return 0
    if type.name == "sql_variant":
        return compare_variants(first, second)
    one, other = order_key(type, first), order_key(type, second)
    return int(one > other) - int(one < other)


def order_key(type: SqlType, value: Any) -> Any:  # noqa: A002 - the field's own word
    """The key by which Python sorts values of a type."""
    if type.name in STRINGS:
        return text_key(value, is_unicode=type.name in UNICODE)
    if type.name == "uniqueidentifier":
        data = value.bytes
        return data[10:16] + data[8:10] + value.bytes_le[6:8] + value.bytes_le[4:6] + value.bytes_le[:4]
    if family(type) == "binary":
        return value.rstrip(b"\0")
    return value


def compare_variants(first: Variant, second: Variant) -> int:
    """Compare two sql_variants: by the families of their base types first, by value within a family."""
    one = _variant_family(first)
    other = _variant_family(second)
    if one != other:
        return -1 if one > other else 1
    if family(first.type) == "number":
        # Exact numbers compare with one another as they are, floats with floats; no conversion can overflow.
        return int(first.value > second.value) - int(first.value < second.value)
    # Strings of all types have one order, so that a sort has one too.
    shared = NVARCHAR_MAX if family(first.type) == "string" else combined(first.type, second.type)
    return compare(shared, convert(first.value, first.type, shared), convert(second.value, second.type, shared))


def variant_sort_text(value: Variant) -> str:
    """Text that sorts as the sql_variants do."""
    key = order_key(NVARCHAR_MAX if family(value.type) == "string" else value.type, value.value)
    if isinstance(key, bytes):
        text = key.hex()
    elif isinstance(key, dt.datetime):
        text = (key.astimezone(dt.UTC) if key.tzinfo is not None else key.replace(tzinfo=dt.UTC)).isoformat()
    elif isinstance(key, dt.date | dt.time):
        text = key.isoformat()
    elif isinstance(key, float):
        bits = int.from_bytes(struct.pack(">d", key + 0.0), "big")
        text = f"{bits ^ (_ALL_BITS if bits >> 63 else _SIGN_BIT):016x}"
    else:
        text = f"{int(_EXACT.scaleb(Decimal(key), LARGEST_PRECISION)) + _ABOVE_ALL_NUMBERS:0{_SORTED_DIGITS}}"
    return f"{_LAST_FAMILY - _variant_family(value):02}|{text}"


def _variant_family(variant: Variant) -> int:
    # Approximate numbers rank above exact ones: "sql_variant (Transact-SQL)", comparing sql_variant values.
    name = "moment" if family(variant.type) == "datetime" else family(variant.type)
    return _VARIANT_FAMILIES.index(name) * 2 + (0 if variant.type.name in APPROXIMATE else 1)


def _approximate(operator: str, type: SqlType, first: float, second: float) -> float:  # noqa: A002
    try:
        match operator:
            case "+":
                result = first + second
            case "-":
                result = first - second
            case "*":
                result = first * second
            case "/":
                result = first / second
            case _:
                raise SqlError(402, f"The data types float and float are incompatible in the operator {operator!r}.")
        result = single(result) if type.name == "real" else result
    except OverflowError:
        raise overflow(type) from None
    if math.isinf(result) or math.isnan(result):
        raise overflow(type)
    return result


def _integer(operator: str, type: SqlType, first: int, second: int) -> int:  # noqa: A002 - the field's own word
    match operator:
        case "+":
            result = first + second
        case "-":
            result = first - second
        case "*":
            result = first * second
        case "/":
            result = abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)
        case "%":
            result = int(math.copysign(1, first)) * (abs(first) % abs(second))
        case _:
            result = _BITWISE[operator](first, second)
    return int(fitting(result, type))


def _exact(operator: str, type: SqlType, first: Decimal, second: Decimal) -> Decimal:  # noqa: A002
    scale = 4 if type.name in ("money", "smallmoney") else type.scale or 0
    try:
        match operator:
            case "+":
                result = _EXACT.add(first, second)
            case "-":
                result = _EXACT.subtract(first, second)
            case "*":
                result = _EXACT.multiply(first, second)
            case "/":
                # SQL Server cuts a quotient, it does not round it.
                quotient = _TRUNCATING.divide(first, second)
                result = quotient.quantize(Decimal(1).scaleb(-scale), context=_TRUNCATING)
            case "%":
                result = _EXACT.remainder(first, second)
            case _:
                raise SqlError(
                    402, f"The data types {type.name} and {type.name} are incompatible in the operator {operator!r}."
                )
    except (InvalidOperation, Inexact):
        raise overflow(type) from None
    return Decimal(fitting(rounded(result, scale), type))
