"""Kernels of casts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
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
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.expressions import dates
from airflow_provider_ssis.expressions.arrow.arithmetic import Kernel, decimals_to_reals, numbers_of, rescaled
from airflow_provider_ssis.expressions.arrow.calendar import first_day
from airflow_provider_ssis.expressions.arrow.carriers import arrow_type
from airflow_provider_ssis.expressions.arrow.rows import compute_rows
from airflow_provider_ssis.expressions.arrow.texts import contains_byte, has_single_units, is_ascii
from airflow_provider_ssis.expressions.arrow.vectors import (
    DTYPES,
    Array,
    Mask,
    Vector,
    marked,
    valid_rows,
    without_errors,
)
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.number_types import scale_of
from airflow_provider_ssis.expressions.typed import Typed

_T = DataTypeCode
_FULL = frozenset({_T.DT_DATE, _T.DT_DBTIMESTAMP, _T.DT_DBTIMESTAMP2, _T.DT_DBDATE})
_UNIX_EPOCH = (date(1970, 1, 1).toordinal() - 1) * dates.DAY
_WINDOWS_1252 = 1252
_UTF_8 = 65001
_INTEGER_TEXT = r"^[+-]?[0-9]{1,18}$"
_REAL_TEXT = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"
_DATE_TEXT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2})?$"


def cast(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of explicit and implicit casts."""
    operand = operands[0]
    source, target = operand.type, typed.type
    if source.code in STRINGS:
        if target.code in STRINGS:
            return _fitting(typed, operand)
        return _from_text(typed, operand, rows)
    if operand.is_objects:
        return None
    if target.code in STRINGS:
        text = _to_text(operand)
        return None if text is None else _fitting(typed, text)
    if source.code in NUMBERS or source.code is _T.DT_BOOL:
        return _from_number(typed, operand)
    if source.code in DATES | TIMES and target.code in DATES | TIMES:
        return _between_dates(typed, operand)
    return None


# -- to text -----------------------------------------------------------------------------------------------------------


def _to_text(operand: Vector) -> Vector | None:
    """The text of integers, decimals, Booleans and dates."""
    code = operand.type.code
    data = numbers_of(operand)
    if data is None:
        return None
    missing = None if operand.valid is None else ~operand.valid
    wide = ColumnType(_T.DT_WSTR)
    if code in INTEGERS:
        return Vector(wide, pa.array(data, mask=missing).cast(pa.string()))
    if code is _T.DT_BOOL:
        return Vector(wide, pc.if_else(pa.array(data, mask=missing), "True", "False"))
    if code in DECIMALS and scale_of(operand.type) < 18 and not np.any(data == -(2**63)):
        return Vector(wide, _decimal_text(data, scale_of(operand.type), missing))
    if code is _T.DT_DBDATE:
        days = ((data - _UNIX_EPOCH) // dates.DAY).astype(np.int32)
        return Vector(wide, pa.array(days, mask=missing).cast(pa.date32()).cast(pa.string()))
    if code is _T.DT_DBTIMESTAMP and not np.any(data % dates.SECOND):
        seconds = (data - _UNIX_EPOCH) // dates.SECOND
        return Vector(wide, pa.array(seconds, mask=missing).cast(pa.timestamp("s")).cast(pa.string()))
    return None


def _decimal_text(data: Array, scale: int, missing: Mask | None) -> pa.StringArray:
    magnitude = np.abs(data)
    whole = pa.array(magnitude // 10**scale, mask=missing).cast(pa.string())
    sign = pc.if_else(pa.array(data < 0), "-", "")
    if not scale:
        return pc.binary_join_element_wise(sign, whole, "")
    fraction = pc.utf8_lpad(pa.array(magnitude % 10**scale).cast(pa.string()), width=scale, padding="0")
    return pc.binary_join_element_wise(sign, whole, ".", fraction, "")


def _fitting(typed: Typed, text: Vector) -> Vector | None:
    """Text that fits its type; None if the scalar evaluator must measure, cut or refuse a text."""
    data = text.data
    if not isinstance(data, pa.Array):
        return None
    target = typed.type
    if target.code is _T.DT_STR and not (is_ascii(data) and target.code_page in (_WINDOWS_1252, _UTF_8)):
        return None
    if not has_single_units(data):
        return None
    lengths = pc.utf8_length(data).fill_null(0).to_numpy(zero_copy_only=False)
    too_long = lengths > target.length
    return None if too_long.any() else Vector(target, data)


# -- from text ---------------------------------------------------------------------------------------------------------


def _from_text(typed: Typed, operand: Vector, rows: int) -> Vector | None:
    code = typed.code
    data = operand.data
    if not isinstance(data, pa.Array):
        return None
    if code in INTEGERS:
        if (plain := _plain_integers(typed, operand)) is not None:
            return plain
        return _matched(typed, operand, pc.utf8_trim(data, characters=" "), _INTEGER_TEXT, "0", _integers_of, rows)
    if code is _T.DT_R8:
        return _matched(typed, operand, pc.utf8_trim(data, characters=" "), _REAL_TEXT, "0", _reals_of, rows)
    if code in _FULL:
        return _matched(typed, operand, data, _DATE_TEXT, "2000-01-01", _dates_of, rows)
    return None


def _matched(
    typed: Typed,
    operand: Vector,
    text: pa.StringArray,
    pattern: str,
    harmless: str,
    convert: Callable[[Typed, pa.StringArray], tuple[Array, Mask]],
    rows: int,
) -> Vector | None:
    """Convert the rows that match a pattern, and leave the others to the scalar evaluator."""
    matching = pc.match_substring_regex(text, pattern).fill_null(False)
    usual = matching.to_numpy(zero_copy_only=False)
    numbers, good = convert(typed, pc.if_else(matching, text, harmless))
    valid = valid_rows(operand)
    usual = usual & good
    unusual = ~usual if valid is None else valid & ~usual
    if not unusual.any():
        return Vector(typed.type, numbers, valid)
    indices = np.flatnonzero(unusual)
    assert isinstance(operand.data, pa.Array)  # noqa: S101 the form of text
    selected = replace(operand, data=operand.data.take(pa.array(indices)))
    others = without_errors(compute_rows(typed, [selected], len(indices)))
    if others.is_objects or not isinstance(others.data, np.ndarray):
        return None
    numbers = numbers.copy()
    numbers[indices] = others.data
    errors = None
    if others.errors is not None:
        errors = np.zeros(rows, dtype=np.uint32)
        errors[indices] = others.errors
    return Vector(typed.type, numbers, valid, errors)


def _plain_integers(typed: Typed, operand: Vector) -> Vector | None:
    """The integers if each row has one without blanks and plus signs; else None."""
    assert isinstance(operand.data, pa.Array)  # noqa: S101 the form of text
    if contains_byte(operand.data, b"xX"):
        return None  # Arrow reads hexadecimal numbers
    try:
        numbers = operand.data.cast(arrow_type(typed.type))
    except pa.ArrowInvalid:
        return None
    valid = valid_rows(operand)
    return Vector(typed.type, numbers.fill_null(0).to_numpy(), valid)


def _integers_of(typed: Typed, text: pa.StringArray) -> tuple[Array, Mask]:
    numbers = pc.utf8_ltrim(text, characters="+").cast(pa.int64()).to_numpy(zero_copy_only=False)
    low, high = INTEGER_RANGES[typed.code]
    good = np.ones(len(numbers), np.bool_)
    if low > -(2**63):
        good = (numbers >= low) & (numbers <= min(high, 2**63 - 1))
    return np.where(good, numbers, 0).astype(DTYPES[typed.code]), good


def _reals_of(_typed: Typed, text: pa.StringArray) -> tuple[Array, Mask]:
    numbers = pc.utf8_ltrim(text, characters="+").cast(pa.float64()).to_numpy(zero_copy_only=False)
    return numbers, np.isfinite(numbers)


def _digits(text: pa.StringArray, start: int, stop: int) -> Array:
    part = pc.utf8_slice_codeunits(text, start=start, stop=stop)
    numbers: Array = pc.if_else(pc.equal(part, ""), "0", part).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return numbers


def _dates_of(typed: Typed, text: pa.StringArray) -> tuple[Array, Mask]:
    year, month, day = _digits(text, 0, 4), _digits(text, 5, 7), _digits(text, 8, 10)
    hour, minute, second = _digits(text, 11, 13), _digits(text, 14, 16), _digits(text, 17, 19)
    low = 100 if typed.code is _T.DT_DATE else 1
    good = (year >= low) & (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(good, year * 12 + month - 1, 2000 * 12)
    first = first_day(months)
    good &= (day >= 1) & (day <= first_day(months + 1) - first)
    ticks = (first + day - 1) * dates.DAY + hour * dates.HOUR + minute * dates.MINUTE + second * dates.SECOND
    return ticks - ticks % dates.fraction_of(typed.type), good


# -- numbers -----------------------------------------------------------------------------------------------------------


def _from_number(typed: Typed, operand: Vector) -> Vector | None:
    source, target = operand.type, typed.type
    data = numbers_of(operand)
    if data is None:
        return None
    if target.code is _T.DT_BOOL:
        return Vector(target, data != 0, operand.valid)
    if target.code not in NUMBERS:
        return None
    if source.code is _T.DT_BOOL:
        data = -data.astype(np.int8)
    if target.code in INTEGERS:
        return _to_integers(target, source, data, operand.valid)
    if target.code in REALS:
        return _to_reals(target, source, data, operand.valid)
    return _to_decimals(target, source, data, operand.valid)


def _to_integers(target: ColumnType, source: ColumnType, data: Array, valid: Mask | None) -> Vector | None:
    low, high = INTEGER_RANGES[target.code]
    if source.code in DECIMALS:
        rounded = _half_even(data, scale_of(source))
        if rounded is None:
            return None
        data = rounded
    if source.code in REALS:
        data = np.rint(data)
        # The limits of 64 bits are not doubles, but the next double is: below it, each double fits.
        beyond = (data < low) | (data >= float(high + 1))
        data = np.where(beyond, 0, data)
    elif data.dtype == np.uint64:
        beyond = data > np.uint64(high)
    else:
        beyond = (data < max(low, -(2**63))) | (data > min(high, 2**63 - 1))
    overflow = marked(beyond, Code.DTS_E_EXPREVALDATACONVERSIONOVERFLOW, valid)
    return Vector(target, data.astype(DTYPES[target.code]), valid, overflow)


def _half_even(data: Array, scale: int) -> Array | None:
    """Numbers without their point, rounded to whole numbers."""
    if scale > 17:
        return None
    factor = 10**scale
    quotient, rest = np.divmod(data, factor)
    up = (rest * 2 > factor) | ((rest * 2 == factor) & (quotient % 2 != 0))
    rounded: Array = quotient + up
    return rounded


def _to_reals(target: ColumnType, source: ColumnType, data: Any, valid: Mask | None) -> Vector | None:
    if source.code in DECIMALS:
        data = decimals_to_reals(data, scale_of(source))
        if data is None:
            return None
    with np.errstate(over="ignore"):
        # Through DT_R8, as the scalar evaluator rounds: numbers of 64 bits would be rounded differently.
        result = data.astype(np.float64).astype(DTYPES[target.code])
    overflow = marked(~np.isfinite(result), Code.DTS_E_EXPREVALDATACONVERSIONOVERFLOW, valid)
    return Vector(target, result, valid, overflow)


def _to_decimals(target: ColumnType, source: ColumnType, data: Array, valid: Mask | None) -> Vector | None:
    if source.code in REALS or (data.dtype == np.uint64 and np.any(data >= 2**63)):
        return None
    before, after = scale_of(source), scale_of(target)
    result = rescaled(data, before, after) if after >= before else _half_even(data, before - after)
    if result is None:
        return None
    overflow = None
    if target.code is _T.DT_NUMERIC and target.precision <= 18:
        beyond = np.abs(result) >= 10**target.precision
        overflow = marked(beyond, Code.DTS_E_EXPREVALDATACONVERSIONOVERFLOW, valid)
    return Vector(target, result, valid, overflow)


# -- dates -------------------------------------------------------------------------------------------------------------


def _between_dates(typed: Typed, operand: Vector) -> Vector | None:
    source, target = operand.type, typed.type
    data = numbers_of(operand)
    if data is None or _T.DT_DBTIMESTAMPOFFSET in (source.code, target.code):
        return None
    if target.code in TIMES:
        data = data % dates.DAY
        return Vector(target, data - data % dates.fraction_of(target), operand.valid)
    if source.code in TIMES or target.code not in _FULL:
        return None  # the current day, or another range
    if target.code is _T.DT_DATE and np.any(data < dates.OLE_START):
        return None
    return Vector(target, data - data % dates.fraction_of(target), operand.valid)


KERNELS: dict[str, Kernel] = {"cast": cast, "convert": cast}
