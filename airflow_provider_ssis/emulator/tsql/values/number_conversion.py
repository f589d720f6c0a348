"""Values as numbers."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.values import moments, number_text
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import (
    APPROXIMATE,
    DECIMALS,
    INTEGERS,
    LARGEST_PRECISION,
    MONEY,
    family,
)

INTEGER_BYTES: Final = {"bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}
"""The bytes of the integer types."""

_INTEGER_RANGES: Final = {
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}


def to_number(value: Any, source: SqlType, target: SqlType, style: int | None) -> Any:
    """A value as a number."""
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
    if target.name in INTEGERS and not _in_integer_range(number, target):
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
        if not _in_integer_range(whole, target):
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
    scale = 4 if target.name in MONEY else target.scale or 0
    exact = number_text.from_float(value) if isinstance(value, float) else Decimal(value)
    rounded = number_text.rounded(exact, scale)
    if not in_range(rounded, target):
        raise SqlError(8115, f"Arithmetic overflow: a {source.name} value is out of the range of {target}.")
    return rounded


def in_range(value: Decimal, target: SqlType) -> bool:
    """Whether a decimal, money or smallmoney has a value. Money is an integer of 8 or 4 bytes, in 1/10,000.

    :param value: the value; of a decimal, rounded to the scale of the type.
    :param target: the type.
    """
    if target.name in MONEY:
        limit = Decimal(2**63 if target.name == "money" else 2**31).scaleb(-4)
        return -limit <= value < limit
    precision = LARGEST_PRECISION if target.precision is None else target.precision
    return value.copy_abs() < Decimal(10) ** (precision - (target.scale or 0))


def _in_integer_range(value: int, target: SqlType) -> bool:
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
    size = INTEGER_BYTES[target.name]
    padded = value[-size:].rjust(size, b"\0")
    return int.from_bytes(padded, "big", signed=target.name != "tinyint")
