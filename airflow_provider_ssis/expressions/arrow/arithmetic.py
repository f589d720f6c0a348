"""Kernels of operators on numbers, of comparisons, and of mathematical functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import (
    DATES,
    DECIMALS,
    INTEGER_RANGES,
    INTEGERS,
    NUMBERS,
    REALS,
    STRINGS,
    TIMES,
    DataTypeCode,
)
from airflow_provider_ssis.expressions.arrow.vectors import (
    DTYPES,
    Array,
    Errors,
    Mask,
    Vector,
    both_valid,
    either_errors,
    marked,
    unscaled,
)
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.number_types import scale_of
from airflow_provider_ssis.expressions.operators import common_code
from airflow_provider_ssis.expressions.typed import Typed

Kernel = Callable[[Typed, Sequence[Vector], int], Vector | None]
"""Computes an operation for all rows; None if it cannot, and the rows are computed one by one."""

_T = DataTypeCode
_LIMIT = 2**63
_MAX_SHIFT = 18


def numbers_of(vector: Vector) -> Any:
    """The numbers of a vector, or the number of all rows; None if they are Python objects."""
    if vector.is_objects:
        return None
    if vector.data is not None:
        return vector.data
    value = unscaled(vector.value, vector.type) if vector.type.code in DECIMALS else vector.value
    dtype = DTYPES.get(vector.type.code)
    if dtype is None or (dtype is np.int64 and not -_LIMIT <= value < _LIMIT):
        return None
    return dtype(value)


# -- arithmetic --------------------------------------------------------------------------------------------------------


def binary_arithmetic(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of ``+ - * / %`` on numbers."""
    if typed.code not in NUMBERS:
        return None
    left, right = (numbers_of(operand) for operand in operands)
    if left is None or right is None:
        return None
    valid = both_valid(operands)
    sign = typed.node.lexeme
    with np.errstate(all="ignore"):
        if typed.code in INTEGERS:
            return _checked(typed, sign, left, right, valid) or _integers(typed, sign, left, right, valid)
        if typed.code in REALS:
            convert = DTYPES[typed.code]
            sides = [_as_real(side, operand, convert) for side, operand in zip((left, right), operands, strict=True)]
            if sides[0] is None or sides[1] is None:
                return None
            return _reals(typed, sign, sides[0], sides[1], valid)
        return _decimals(typed, sign, [(left, operands[0]), (right, operands[1])], valid)


def _as_real(side: Any, operand: Vector, convert: Any) -> Any:
    if operand.type.code not in DECIMALS:
        return side.astype(convert)
    reals = decimals_to_reals(side, scale_of(operand.type))
    return None if reals is None else reals.astype(convert)


def decimals_to_reals(numbers: Any, scale: int) -> Any:
    """Decimals as DT_R8; None if the quotient would be rounded twice."""
    if np.any(np.abs(numbers) > 2**53) or scale > 22:
        return None
    return numbers.astype(np.float64) / np.float64(10**scale)


def _divided(left: Any, right: Any) -> tuple[Array, Array]:
    """The quotient and the remainder, both toward zero; the divisor is not 0."""
    quotient = left // right
    remainder = left - quotient * right
    away = (remainder != 0) & ((left < 0) != (right < 0))
    return quotient + away.astype(quotient.dtype), np.where(away, remainder - right, remainder)


_CHECKED = {
    "+": pc.add_checked,
    "-": pc.subtract_checked,
    "*": pc.multiply_checked,
    "/": pc.divide_checked,
}


def _checked(typed: Typed, sign: str, left: Any, right: Any, valid: Mask | None) -> Vector | None:
    """The result if no row has an error, not even one that is NULL; else None."""
    if sign not in _CHECKED:
        return None
    dtype = DTYPES[typed.code]
    try:
        numbers = (left.astype(dtype), right.astype(dtype))
        sides = [pa.array(side) if side.ndim else pa.scalar(side) for side in numbers]
        result = _CHECKED[sign](*sides)
    except pa.ArrowInvalid:
        return None
    return Vector(typed.type, result.to_numpy(), valid)


def _integers(typed: Typed, sign: str, left: Any, right: Any, valid: Mask | None) -> Vector:
    low, high = INTEGER_RANGES[typed.code]
    wide: Any = np.uint64 if typed.code in (_T.DT_UI4, _T.DT_UI8) else np.int64
    left, right = left.astype(wide), right.astype(wide)
    zero: Errors | None = None
    if sign in "/%":
        is_zero = np.asarray(right == 0)
        shape = np.broadcast_shapes(left.shape, is_zero.shape)
        zero = marked(np.broadcast_to(is_zero, shape), Code.DTS_E_EXPREVALDIVBYZERO, valid)
        # Nothing remains of a division by -1, and the lowest number by -1 is not a number.
        is_whole = is_zero | (right == -1) if sign == "%" and low else is_zero
        right = np.where(is_whole, wide(1), right)
        left, right = (np.ascontiguousarray(side) for side in np.broadcast_arrays(left, right))
        result = pc.divide(left, right).to_numpy()
        if sign == "%":
            result = left - result * right
        wrapped = (left == low) & (right == -1) if sign == "/" and low < 0 else np.zeros(result.shape, np.bool_)
    else:
        result, wrapped = _wrapping(sign, left, right)
    beyond = wrapped | (result > high)
    if wide is np.int64:
        beyond |= result < low
    overflow = marked(beyond, Code.DTS_E_EXPREVALBINARYOPOVERFLOW, valid)
    return Vector(typed.type, result.astype(DTYPES[typed.code]), valid, either_errors(zero, overflow))


def _wrapping(sign: str, left: Any, right: Any) -> tuple[Array, Array]:
    """The result in 64 bits, and where it does not fit in them."""
    is_signed = left.dtype == np.int64
    if sign == "+":
        result = left + right
        return result, ((left ^ result) & (right ^ result)) < 0 if is_signed else result < left
    if sign == "-":
        result = left - right
        return result, ((left ^ right) & (left ^ result)) < 0 if is_signed else left < right
    result = left * right
    divisor = np.where(left == 0, left.dtype.type(1), left)
    wrapped = (left != 0) & (result // divisor != right)
    if is_signed:
        wrapped |= (left == -1) & (right == -_LIMIT)
    return result, wrapped


def _reals(typed: Typed, sign: str, left: Any, right: Any, valid: Mask | None) -> Vector:
    zero: Errors | None = None
    if sign == "/":
        is_zero = np.broadcast_to(right == 0, np.broadcast_shapes(np.shape(left), np.shape(right)))
        zero = marked(is_zero, Code.DTS_E_EXPREVALDIVBYZERO, valid)
        right = np.where(right == 0, right.dtype.type(1), right)
    result = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}[sign](left, right)
    overflow = marked(~np.isfinite(result), Code.DTS_E_EXPREVALBINARYOPOVERFLOW, valid)
    return Vector(typed.type, result, valid, either_errors(zero, overflow))


def rescaled(numbers: Any, scale: int, target: int) -> Any:
    """Numbers without their point, with more digits after it; None if one does not fit in 64 bits."""
    if scale == target:
        return numbers.astype(np.int64)
    if target - scale > _MAX_SHIFT:
        return None
    factor = 10 ** (target - scale)
    if np.any(np.abs(numbers.astype(np.float64)) >= (_LIMIT - 1024) / factor):
        return None
    return numbers.astype(np.int64) * np.int64(factor)


def _decimals(typed: Typed, sign: str, sides: Sequence[tuple[Any, Vector]], valid: Mask | None) -> Vector | None:
    scales = [scale_of(vector.type) for _, vector in sides]
    target = scale_of(typed.type)
    if typed.code is _T.DT_CY or any(np.any(numbers == -_LIMIT) for numbers, _ in sides):
        return None
    if sign in "+-":
        if target != max(scales):
            return None
        left, right = (rescaled(numbers, scale, target) for (numbers, _), scale in zip(sides, scales, strict=True))
        if left is None or right is None:
            return None
        result, wrapped = _wrapping(sign, left, right)
    elif sign == "*":
        if target != sum(scales):
            return None
        left, right = (numbers.astype(np.int64) for numbers, _ in sides)
        result, wrapped = _wrapping(sign, left, right)
    else:
        return _quotients(typed, sides, target - scales[0] + scales[1], valid)
    if wrapped.any():
        return None
    return Vector(typed.type, result, valid)


def _quotients(typed: Typed, sides: Sequence[tuple[Any, Vector]], shift: int, valid: Mask | None) -> Vector | None:
    left = rescaled(sides[0][0], 0, shift) if shift >= 0 else None
    if left is None:
        return None
    right = sides[1][0].astype(np.int64)
    is_zero = np.broadcast_to(right == 0, np.broadcast_shapes(np.shape(left), np.shape(right)))
    result, _ = _divided(left, np.where(right == 0, np.int64(1), right))
    return Vector(typed.type, result, valid, marked(is_zero, Code.DTS_E_EXPREVALDIVBYZERO, valid))


# -- bits and comparisons ----------------------------------------------------------------------------------------------

_BITS: dict[str, Any] = {"&": np.bitwise_and, "|": np.bitwise_or, "^": np.bitwise_xor}


def bits(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of ``& | ^``."""
    dtype = DTYPES[typed.code]
    left, right = (numbers_of(operand).astype(dtype) for operand in operands)
    return Vector(typed.type, _BITS[typed.node.lexeme](left, right), both_valid(operands))


_COMPARISONS: dict[str, Any] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
}


def comparison(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of comparisons of numbers, dates and times, and of equality of text."""
    codes = {operand.type.code for operand in operands}
    compare = _COMPARISONS[typed.node.lexeme]
    if codes <= STRINGS:
        return _equal_text(typed, operands)
    left, right = (numbers_of(operand) for operand in operands)
    if left is None or right is None:
        return None
    if codes <= DATES or codes <= TIMES or codes == {_T.DT_BOOL}:
        return Vector(typed.type, compare(left, right), both_valid(operands))
    if not codes <= NUMBERS:
        return None
    code = common_code(operands[0].type.code, operands[1].type.code)
    if code in REALS:
        sides = [_as_real(side, operand, DTYPES[code]) for side, operand in zip((left, right), operands, strict=True)]
    elif code in DECIMALS:
        scale = max(scale_of(operand.type) for operand in operands)
        sides = [
            rescaled(side, scale_of(operand.type), scale)
            if side.dtype != np.uint64 or not np.any(side >= _LIMIT)
            else None
            for side, operand in zip((left, right), operands, strict=True)
        ]
    else:
        sides = [side.astype(DTYPES[code]) for side in (left, right)] if code is not None else [None]
    if any(side is None for side in sides):
        return None
    return Vector(typed.type, compare(*sides), both_valid(operands))


def _equal_text(typed: Typed, operands: Sequence[Vector]) -> Vector | None:
    if typed.node.lexeme not in ("==", "!="):
        return None
    sides = [pa.scalar(operand.value, pa.string()) if operand.is_constant else operand.data for operand in operands]
    compare = pc.equal if typed.node.lexeme == "==" else pc.not_equal
    result = compare(*sides)
    return Vector(typed.type, result.fill_null(False).to_numpy(zero_copy_only=False), both_valid(operands))


# -- unary operators and functions -------------------------------------------------------------------------------------


def unary(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of ``- ! ~``."""
    operand = operands[0]
    data = numbers_of(operand)
    if data is None:
        return None
    match typed.node.lexeme:
        case "!":
            return Vector(typed.type, ~data, operand.valid)
        case "~":
            return Vector(typed.type, np.invert(data), operand.valid)
    if typed.code in REALS:
        return Vector(typed.type, -data, operand.valid)
    lowest = -_LIMIT if typed.code in DECIMALS else INTEGER_RANGES[typed.code][0]
    at_end = data == lowest
    if typed.code in DECIMALS and at_end.any():
        return None
    return Vector(typed.type, -data, operand.valid, marked(at_end, Code.DTS_E_EXPREVALUNARYOPOVERFLOW, operand.valid))


def absolute(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of ABS."""
    operand = operands[0]
    data = numbers_of(operand)
    if data is None or (typed.code in DECIMALS and (data == -_LIMIT).any()):
        return None
    overflow = None
    if typed.code in INTEGERS and INTEGER_RANGES[typed.code][0]:
        at_end = data == INTEGER_RANGES[typed.code][0]
        overflow = marked(at_end, Code.DTS_E_EXPREVALFUNCTIONOVERFLOW, operand.valid)
    return Vector(typed.type, np.abs(data), operand.valid, overflow)


def sign(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of SIGN."""
    data = numbers_of(operands[0])
    return None if data is None else Vector(typed.type, np.sign(data).astype(np.int32), operands[0].valid)


def whole(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of CEILING and FLOOR."""
    operand = operands[0]
    data = numbers_of(operand)
    if data is None or typed.code in INTEGERS:
        return operand if data is not None else None
    is_floor = typed.operation == "function FLOOR"
    if typed.code in REALS:
        return Vector(typed.type, (np.floor if is_floor else np.ceil)(data) + 0.0, operand.valid)
    scale = scale_of(typed.type)
    if scale > _MAX_SHIFT - 1 or np.any(np.abs(data.astype(np.float64)) > _LIMIT // 4):
        return None
    factor = np.int64(10**scale)
    return Vector(typed.type, (data // factor if is_floor else -(-data // factor)) * factor, operand.valid)


def square_root(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of SQRT."""
    operand = operands[0]
    data = numbers_of(operand)
    reals = None if data is None else _as_real(data, operand, np.float64)
    if reals is None:
        return None
    negative = marked(reals < 0, Code.DTS_E_EXPREVALSQRTINVALIDPARAM, operand.valid)
    return Vector(typed.type, np.sqrt(np.where(reals < 0, 0.0, reals)), operand.valid, negative)


KERNELS: dict[str, Kernel] = {
    **{f"binary {each}": binary_arithmetic for each in "+-*/%"},
    **{f"binary {each}": bits for each in _BITS},
    **{f"binary {each}": comparison for each in _COMPARISONS},
    **{f"unary {each}": unary for each in "-!~"},
    "function ABS": absolute,
    "function SIGN": sign,
    "function CEILING": whole,
    "function FLOOR": whole,
    "function SQRT": square_root,
}
