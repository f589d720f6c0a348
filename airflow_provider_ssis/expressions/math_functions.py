"""The functions on numbers, on values."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from airflow_provider_ssis.datatypes import DECIMALS, INTEGER_RANGES, INTEGERS, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.number_types import quantize, scale_of, single
from airflow_provider_ssis.expressions.operators import size_of


def overflow(function: str) -> Fault:
    """The error of a result that is too large."""
    return Fault(Code.DTS_E_EXPREVALFUNCTIONOVERFLOW, f"The result of {function} is too large")


def absolute(type_: ColumnType) -> Callable[[Value], Value]:
    """The function ABS for a type."""
    if type_.code not in INTEGERS:
        return abs
    high = INTEGER_RANGES[type_.code][1]

    def checked(value: int) -> int:
        result = abs(value)
        if result > high:
            raise overflow("ABS")
        return result

    return checked


def _to_whole(type_: ColumnType, rounding: str, of_real: Callable[[float], float]) -> Callable[[Value], Value]:
    if type_.code in INTEGERS:
        return lambda value: value
    if type_.code in DECIMALS:
        scale = scale_of(type_)
        return lambda value: quantize(value.to_integral_value(rounding), scale)
    return of_real


def ceiling(type_: ColumnType) -> Callable[[Value], Value]:
    """The function CEILING for a type."""
    return _to_whole(type_, ROUND_CEILING, lambda value: float(math.ceil(value)))


def floor(type_: ColumnType) -> Callable[[Value], Value]:
    """The function FLOOR for a type."""
    return _to_whole(type_, ROUND_FLOOR, lambda value: float(math.floor(value)))


def round_number(type_: ColumnType) -> Callable[[Value, int], Value]:
    """The function ROUND for a type; halves are rounded away from zero."""

    def checked(value: Value, digits: int) -> Value:
        if digits < 0:
            reason = f"The length of ROUND is negative: {digits}"
            raise Fault(Code.DTS_E_EXPREVALFUNCTIONCOMPUTEFAILED, reason)
        if type_.code in INTEGERS:
            return value
        if type_.code in DECIMALS:
            scale = scale_of(type_)
            return quantize(quantize(value, min(digits, scale), ROUND_HALF_UP), scale)
        exact = Decimal(repr(value))
        if -int(exact.as_tuple().exponent) <= digits:
            return value
        rounded = float(quantize(exact, digits, ROUND_HALF_UP))
        return single(rounded) if type_.code is DataTypeCode.DT_R4 else rounded

    return checked


def sign(value: Value) -> int:
    """-1, 0 or 1."""
    return int(value > 0) - int(value < 0)


def exponential(value: Value) -> float:
    """e to a power."""
    try:
        return math.exp(value)
    except OverflowError:
        raise overflow("EXP") from None


def natural_logarithm(value: Value) -> float:
    """The logarithm with base e."""
    if value <= 0:
        raise Fault(Code.DTS_E_EXPREVALLNINVALIDPARAM, f"LN needs a number above 0, not {value}")
    return math.log(float(value))


def logarithm(value: Value) -> float:
    """The logarithm with base 10."""
    if value <= 0:
        raise Fault(Code.DTS_E_EXPREVALLOGINVALIDPARAM, f"LOG needs a number above 0, not {value}")
    return math.log10(float(value))


def power(base: Value, exponent: Value) -> float:
    """A number to a power."""
    try:
        result = math.pow(base, exponent)
    except ValueError:
        reason = f"POWER has no result for {base} and {exponent}"
        raise Fault(Code.DTS_E_EXPREVALPOWERINVALIDPARAM, reason) from None
    except OverflowError:
        raise overflow("POWER") from None
    return result


def square_root(value: Value) -> float:
    """The square root."""
    if value < 0:
        raise Fault(Code.DTS_E_EXPREVALSQRTINVALIDPARAM, f"SQRT needs a number from 0, not {value}")
    return math.sqrt(value)


def square(value: Value) -> float:
    """The square."""
    result = float(value) * float(value)
    if math.isinf(result):
        raise overflow("SQUARE")
    return result


def hexadecimal(type_: ColumnType) -> Callable[[int], str]:
    """The function HEX for an integer type; negative numbers as two's complement."""
    mask = (1 << 8 * size_of(type_.code)) - 1
    return lambda value: format(value & mask, "X")
