"""The types and values of operators."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

from airflow_provider_ssis.datatypes import (
    DATES,
    DECIMALS,
    INTEGER_RANGES,
    INTEGERS,
    LARGE_OBJECTS,
    MAX_PRECISION,
    MAX_WSTR_LENGTH,
    NUMBERS,
    REALS,
    SIGNED,
    STRINGS,
    TIMES,
    UNSIGNED,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.dates import Offset
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.number_types import fits, quantize, scale_of, single
from airflow_provider_ssis.expressions.text import collation_key, join_units
from airflow_provider_ssis.expressions.typed import Compute

_T = DataTypeCode
BOOLEAN = ColumnType(_T.DT_BOOL)

MAX_TEXT = 1024 * 1024
"""The longest text that an operator or function returns, in characters. Microsoft states no limit."""

_EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN, Emax=9999, Emin=-9999)
_LEAST_SCALE = 6
_DIGITS = {1: 3, 2: 5, 4: 10}
_SIZES = {code: (high - low + 1).bit_length() // 8 for code, (low, high) in INTEGER_RANGES.items()}


def size_of(code: DataTypeCode) -> int:
    """The bytes of an integer type."""
    return _SIZES[code]


def common_code(left: DataTypeCode, right: DataTypeCode) -> DataTypeCode | None:
    """Return the type in which two numbers are computed; None if there is none.

    Source: Microsoft's diagram of the results of binary operations.
    """
    if left not in NUMBERS or right not in NUMBERS:
        return None
    both = {left, right}
    for code in (_T.DT_R8, _T.DT_R4):
        if code in both:
            return code
    if both == {_T.DT_CY}:
        return _T.DT_CY
    if both & DECIMALS:
        return _T.DT_NUMERIC
    if left is right or both <= SIGNED or both <= UNSIGNED:
        return max(both, key=size_of)
    signed, unsigned = (left, right) if left in SIGNED else (right, left)
    if unsigned is _T.DT_UI8:
        return None
    size = max(size_of(signed), min(2 * size_of(unsigned), 8))
    if signed is _T.DT_I4 and unsigned is _T.DT_UI2:
        size = 4
    return next(code for code in SIGNED if size_of(code) == size)


def as_numeric(type_: ColumnType) -> tuple[int, int]:
    """The precision and scale with which a number enters an operation in DT_NUMERIC."""
    if type_.code in INTEGERS:
        size = size_of(type_.code)
        return _DIGITS.get(size, 19 if type_.code in SIGNED else 20), 0
    if type_.code is _T.DT_CY:
        return 19, 4
    if type_.code is _T.DT_DECIMAL:
        return 29, type_.scale
    return type_.precision, type_.scale


def numeric_result(sign: str, left: ColumnType, right: ColumnType) -> ColumnType:
    """Return the DT_NUMERIC of an operation, by SQL Server's formulas.

    :param sign: ``+``, ``-``, ``*``, ``/``, or ``?`` for the conditional operator.
    :param left: the type of the left operand.
    :param right: the type of the right operand.
    """
    (p1, s1), (p2, s2) = as_numeric(left), as_numeric(right)
    if sign == "*":
        scale, precision = s1 + s2, p1 + p2 + 1
    elif sign == "/":
        scale = max(_LEAST_SCALE, s1 + p2 + 1)
        precision = p1 - s1 + s2 + scale
    else:
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + (sign != "?")
    if precision > MAX_PRECISION:
        scale = max(MAX_PRECISION - (precision - scale), min(scale, _LEAST_SCALE))
        precision = MAX_PRECISION
    return ColumnType(_T.DT_NUMERIC, precision=precision, scale=scale)


def text_type(length: int) -> ColumnType:
    """DT_WSTR with a length."""
    return ColumnType(_T.DT_WSTR, length=length)


def mismatch(sign: str, left: ColumnType, right: ColumnType) -> Fault:
    """The error of two types that do not go together."""
    reason = f"{left.code.name} and {right.code.name} do not go together with {sign}: cast one of them"
    return Fault(Code.DTS_E_EXPREVALBINARYTYPEMISMATCH, reason)


def _unsupported(sign: str, left: ColumnType) -> Fault:
    return Fault(Code.DTS_E_EXPREVALUNSUPPORTEDBINARYTYPE, f"{left.code.name} has no operator {sign}")


# -- unary -------------------------------------------------------------------------------------------------------------


def bind_unary(sign: str, operand: ColumnType) -> tuple[ColumnType, Compute]:
    """Return the type of ``-``, ``!`` or ``~``, and the function of its operand.

    :raises Fault: the type has no such operator.
    """
    code = operand.code
    if sign == "!" and code is _T.DT_BOOL:
        return BOOLEAN, operator.not_
    if sign == "~" and code in INTEGERS:
        if code in SIGNED:
            return operand, operator.invert
        mask = INTEGER_RANGES[code][1]
        return operand, lambda value: value ^ mask
    if sign == "-" and code in SIGNED:
        low = INTEGER_RANGES[code][0]

        def negate(value: int) -> int:
            if value == low:
                reason = f"The value is out of the range of {code.name}"
                raise Fault(Code.DTS_E_EXPREVALUNARYOPOVERFLOW, reason)
            return -value

        return operand, negate
    if sign == "-" and code in REALS:
        return operand, operator.neg
    if sign == "-" and code in DECIMALS:
        return operand, lambda value: -value if value else value
    raise Fault(Code.DTS_E_EXPREVALUNSUPPORTEDUNNARYTYPE, f"{code.name} has no operator {sign}")


# -- binary ------------------------------------------------------------------------------------------------------------


def bind_binary(sign: str, left: ColumnType, right: ColumnType) -> tuple[ColumnType, Compute]:
    """Return the type of a binary operator other than ``&&`` and ``||``, and the function of its operands.

    :raises Fault: the types do not go together, or have no such operator.
    """
    if sign in _COMPARISONS:
        return BOOLEAN, _bind_comparison(sign, left, right)
    if sign in _BITS:
        return _bind_bits(sign, left, right)
    if sign == "+" and left.code not in NUMBERS and right.code not in NUMBERS:
        if concatenation := _bind_concatenation(left, right):
            return concatenation
        raise _unsupported(sign, left) if left.code is right.code else mismatch(sign, left, right)
    if left.code not in NUMBERS or right.code not in NUMBERS:
        same_kind = left.code is right.code or (left.code in STRINGS and right.code in STRINGS)
        same_kind = same_kind or (left.code in DATES and right.code in DATES)
        raise _unsupported(sign, left) if same_kind else mismatch(sign, left, right)
    if sign == "%":
        for type_ in (left, right):
            if type_.code not in INTEGERS:
                raise _unsupported(sign, type_)
    code = common_code(left.code, right.code)
    if code is None:
        raise mismatch(sign, left, right)
    if code in INTEGERS:
        return ColumnType(code), _integer_arithmetic(sign, code)
    if code in REALS:
        return ColumnType(code), _real_arithmetic(sign, code)
    type_ = ColumnType(code) if code is _T.DT_CY else numeric_result(sign, left, right)
    return type_, _decimal_arithmetic(sign, type_)


def _division_by_zero(sign: str) -> Fault:
    return Fault(Code.DTS_E_EXPREVALDIVBYZERO, f"The right side of {sign} is zero")


def _overflow(sign: str, code: DataTypeCode) -> Fault:
    return Fault(Code.DTS_E_EXPREVALBINARYOPOVERFLOW, f"The result of {sign} is out of the range of {code.name}")


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise _division_by_zero("/")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise _division_by_zero("%")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


_INTEGER_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
}


def _integer_arithmetic(sign: str, code: DataTypeCode) -> Compute:
    low, high = INTEGER_RANGES[code]
    compute = _INTEGER_ARITHMETIC[sign]

    def checked(left: int, right: int) -> int:
        result = compute(left, right)
        if not low <= result <= high:
            raise _overflow(sign, code)
        return result

    return checked


def _real_quotient(left: float, right: float) -> float:
    if right == 0:
        raise _division_by_zero("/")
    return left / right


_REAL_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _real_quotient,
}


def to_real(code: DataTypeCode) -> Callable[[Value], float]:
    """The function that makes a number a DT_R4 or DT_R8."""
    return float if code is _T.DT_R8 else lambda value: single(float(value))


def _real_arithmetic(sign: str, code: DataTypeCode) -> Compute:
    compute, convert = _REAL_ARITHMETIC[sign], to_real(code)

    def checked(left: Value, right: Value) -> float:
        result = convert(compute(convert(left), convert(right)))
        if math.isinf(result) or math.isnan(result):
            raise _overflow(sign, code)
        return result

    return checked


def _decimal_quotient(left: Decimal, right: Decimal) -> Decimal:
    if right == 0:
        raise _division_by_zero("/")
    return _EXACT.divide(left, right)


_DECIMAL_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _EXACT.add,
    "-": _EXACT.subtract,
    "*": _EXACT.multiply,
    "/": _decimal_quotient,
}


def _decimal_arithmetic(sign: str, type_: ColumnType) -> Compute:
    compute, scale = _DECIMAL_ARITHMETIC[sign], scale_of(type_)
    rounding = ROUND_DOWN if sign == "/" and type_.code is _T.DT_NUMERIC else ROUND_HALF_EVEN

    def checked(left: Value, right: Value) -> Decimal:
        result = quantize(compute(Decimal(left), Decimal(right)), scale, rounding)
        if not fits(result, type_):
            if type_.code is _T.DT_CY:
                raise _overflow(sign, type_.code)
            reason = f"The result of {sign} has more than 38 digits"
            raise Fault(Code.DTS_E_EXPREVALBINARYOPNUMERICOVERFLOW, reason)
        return result

    return checked


def _bind_concatenation(left: ColumnType, right: ColumnType) -> tuple[ColumnType, Compute] | None:
    large = [type_.code in (_T.DT_TEXT, _T.DT_NTEXT) for type_ in (left, right)]
    if not all(type_.code in STRINGS or is_large for type_, is_large in zip((left, right), large, strict=True)):
        return None
    if all(large):
        return None
    length = MAX_WSTR_LENGTH if any(large) else left.length + right.length

    def concatenate(first: str, second: str) -> str:
        if len(first) + len(second) > MAX_TEXT:
            reason = f"The text is longer than {MAX_TEXT} characters"
            raise Fault(Code.DTS_E_EXPREVALBINARYOPOVERFLOW, reason)
        together = first + second
        return join_units(together) if first[-1:] >= "\ud800" else together

    return text_type(length), concatenate


_BITS: dict[str, Callable[[int, int], int]] = {"&": operator.and_, "|": operator.or_, "^": operator.xor}


def _bind_bits(sign: str, left: ColumnType, right: ColumnType) -> tuple[ColumnType, Compute]:
    for type_, other in ((left, right), (right, left)):
        if type_.code not in INTEGERS:
            raise mismatch(sign, left, right) if other.code in INTEGERS else _unsupported(sign, type_)
    if (left.code in SIGNED) != (right.code in SIGNED):
        reason = f"{sign} needs two signed or two unsigned integers, not {left.code.name} and {right.code.name}"
        raise Fault(Code.DTS_E_EXPREVALBINARYSIGNMISMATCH, reason)
    return max((left, right), key=lambda type_: size_of(type_.code)), _BITS[sign]


_COMPARISONS: dict[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_EQUALITIES = ("==", "!=")
_EQUAL_ONLY = LARGE_OBJECTS | {_T.DT_BOOL, _T.DT_GUID, _T.DT_BYTES}


def _ticks(value: int | Offset) -> int:
    return value.ticks if isinstance(value, Offset) else value


def _bind_comparison(sign: str, left: ColumnType, right: ColumnType) -> Compute:
    compare = _COMPARISONS[sign]
    codes = {left.code, right.code}
    if codes <= NUMBERS:
        code = common_code(left.code, right.code)
        if code is None:
            raise mismatch(sign, left, right)
        if code in REALS:
            convert = to_real(code)
            return lambda first, second: compare(convert(first), convert(second))
        return compare
    if codes <= STRINGS:
        if sign in _EQUALITIES:
            return compare
        return lambda first, second: compare(collation_key(first), collation_key(second))
    if codes <= DATES:
        return lambda first, second: compare(_ticks(first), _ticks(second))
    if codes <= TIMES:
        return compare
    if left.code is not right.code:
        raise mismatch(sign, left, right)
    if left.code not in _EQUAL_ONLY or sign not in _EQUALITIES:
        raise _unsupported(sign, left)
    if left.code is _T.DT_TEXT and left.code_page != right.code_page:
        reason = f"The code pages {left.code_page} and {right.code_page} differ"
        raise Fault(Code.DTS_E_EXPREVALBINARYOPERATORCODEPAGEMISMATCH, reason)
    return compare


# -- conditional -------------------------------------------------------------------------------------------------------


def branch_type(yes: ColumnType, no: ColumnType) -> ColumnType:
    """Return the type of ``? :``.

    :param yes: the type of the branch for TRUE, with text as DT_WSTR.
    :param no: the type of the branch for FALSE, with text as DT_WSTR.
    :raises Fault: the branches have no common type.
    """
    codes = {yes.code, no.code}
    if codes <= NUMBERS:
        code = common_code(yes.code, no.code)
        if yes.code is no.code is _T.DT_DECIMAL:
            return ColumnType(_T.DT_DECIMAL, scale=max(yes.scale, no.scale))
        if code is _T.DT_NUMERIC:
            return numeric_result("?", yes, no)
        if code is not None:
            return ColumnType(code)
    elif codes in ({_T.DT_WSTR}, {_T.DT_BYTES}):
        return max((yes, no), key=lambda type_: type_.length)
    elif codes == {_T.DT_TEXT}:
        if yes.code_page == no.code_page:
            return yes
        reason = f"The branches have the code pages {yes.code_page} and {no.code_page}"
        raise Fault(Code.DTS_E_EXPREVALCONDITIONALOPCODEPAGEMISMATCH, reason)
    elif len(codes) == 1:
        return max((yes, no), key=lambda type_: type_.scale)
    elif codes <= DATES:
        scale = max(yes.scale, no.scale)
        for code in (_T.DT_DBTIMESTAMPOFFSET, _T.DT_DBTIMESTAMP2):
            if code in codes:
                return ColumnType(code, scale=scale)
        return ColumnType(_T.DT_DBTIMESTAMP)
    elif codes <= TIMES:
        return ColumnType(_T.DT_DBTIME2, scale=max(yes.scale, no.scale))
    reason = f"The branches of ? : are {yes.code.name} and {no.code.name}, which have no common type: cast one of them"
    raise Fault(Code.DTS_E_EXPREVALCONDITIONALOPTYPEMISMATCH, reason)
