"""Numbers of each type: their ranges, their rounding, and their text."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from airflow_provider_ssis.datatypes import DECIMALS, INTEGER_RANGES, INTEGERS, REALS, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.errors import Fault

Number = Any
"""int, float or Decimal, as its type says."""

_T = DataTypeCode
_EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN, Emax=9999, Emin=-9999)
_LARGEST_DECIMAL = 2**96


def overflow(type_: ColumnType) -> Fault:
    """The error of a value that is too large for the type of a cast."""
    return Fault(Code.DTS_E_EXPREVALDATACONVERSIONOVERFLOW, f"The value is out of the range of {type_}")


def single(value: float) -> float:
    """Round to the nearest DT_R4; infinity if there is none."""
    try:
        result: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return result


def quantize(value: Decimal, scale: int, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return a decimal with a number of digits after the point; zero has no sign."""
    result = value.quantize(Decimal(1).scaleb(-scale), rounding=rounding, context=_EXACT)
    return result or abs(result)


def fits(value: Decimal, type_: ColumnType) -> bool:
    """Whether a value with the type's scale is in the range of DT_CY, DT_DECIMAL or DT_NUMERIC."""
    unscaled = abs(int(value.scaleb(type_.scale, context=_EXACT)))
    if type_.code is _T.DT_CY:
        return -(2**63) <= int(value.scaleb(4, context=_EXACT)) < 2**63
    return unscaled < (_LARGEST_DECIMAL if type_.code is _T.DT_DECIMAL else 10**type_.precision)


def scale_of(type_: ColumnType) -> int:
    """The digits after the point of a number type."""
    return 4 if type_.code is _T.DT_CY else type_.scale


def number_text(value: Number, type_: ColumnType) -> str:
    """The text of a number."""
    if type_.code in INTEGERS:
        return str(value)
    if type_.code in DECIMALS:
        return format(value, "f")
    return real_text(value, is_single=type_.code is _T.DT_R4)


def real_text(value: float, *, is_single: bool) -> str:
    """The shortest text that reads as the same real; with an exponent from 1E+15, and up to 1E-05.

    :param value: the number.
    :param is_single: whether it is a DT_R4.
    """
    text = repr(value)
    if is_single:
        text = next(text for digits in range(1, 10) if single(float(text := f"{value:.{digits}g}")) == value)
    sign, digits_, exponent = Decimal(text).normalize(_EXACT).as_tuple()
    if not any(digits_):
        return "0"
    digits_text = "".join(map(str, digits_))
    magnitude = len(digits_text) - 1 + int(exponent)
    minus = "-" if sign else ""
    if -5 < magnitude < 15:
        return minus + format(Decimal((0, digits_, int(exponent))), "f")
    fraction = "." + digits_text[1:] if len(digits_text) > 1 else ""
    return f"{minus}{digits_text[0]}{fraction}E{'-' if magnitude < 0 else '+'}{abs(magnitude):02}"


def to_number(target: ColumnType) -> Callable[[Number], Number]:
    """Return the function that converts int, float and Decimal to a number type; it raises Fault on overflow."""
    code = target.code
    if code in INTEGERS:
        low, high = INTEGER_RANGES[code]

        def integer(value: Number) -> int:
            if isinstance(value, Decimal):
                result = int(value.to_integral_value(ROUND_HALF_EVEN, context=_EXACT))
            else:
                result = round(value)
            if not low <= result <= high:
                raise overflow(target)
            return result

        return integer
    if code in REALS:

        def real(value: Number) -> float:
            try:
                result = float(value)
            except OverflowError:
                raise overflow(target) from None
            if code is _T.DT_R4:
                result = single(result)
            if not math.isfinite(result):
                raise overflow(target)
            return result

        return real
    scale = scale_of(target)

    def decimal(value: Number) -> Decimal:
        exact = (
            value
            if isinstance(value, Decimal)
            else Decimal(repr(value))
            if isinstance(value, float)
            else Decimal(value)
        )
        if exact.adjusted() > 60:
            raise overflow(target)
        result = quantize(exact, scale)
        if not fits(result, target):
            raise overflow(target)
        return result

    return decimal
