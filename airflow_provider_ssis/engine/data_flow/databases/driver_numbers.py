"""Numbers of a driver, converted to a declared type."""

from __future__ import annotations

from decimal import ROUND_DOWN, Context, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import INTEGER_RANGES, UNSIGNED, ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.databases.converted import Converted, Mask, marked, mask_of
from airflow_provider_ssis.engine.data_flow.databases.statuses import ValueStatus
from airflow_provider_ssis.expressions.arrow import arrow_type
from airflow_provider_ssis.expressions.number_types import scale_of

_T = DataTypeCode
_S = ValueStatus
_EXACT_FLOATS = 2.0**53
_DOUBLE_DIGITS = 1e-15


def to_bool(array: pa.Array, _type: ColumnType) -> Converted:
    """Numbers other than 0 are true."""
    return Converted(array if pa.types.is_boolean(array.type) else pc.not_equal(array, pa.scalar(0, array.type)))


def int_of_int(array: pa.Array, type_: ColumnType) -> Converted:
    """Integers; a negative number has no place in an unsigned type."""
    wanted = arrow_type(type_)
    try:
        return Converted(array.cast(wanted))
    except pa.ArrowInvalid:
        lowest, highest = INTEGER_RANGES[type_.code]
    wide = array.cast(pa.decimal128(38, 0)) if pa.types.is_uint64(array.type) else array.cast(pa.int64())
    negative = mask_of(pc.less(wide, pa.scalar(0, wide.type))) & (type_.code in UNSIGNED)
    numbers = array.to_pylist()
    outside = np.array([value is not None and not lowest <= value <= highest for value in numbers], np.bool_)
    values = pa.array([None if wrong else value for value, wrong in zip(numbers, outside, strict=True)], wanted)
    statuses = np.zeros(len(array), np.uint8)
    statuses[outside] = _S.OVERFLOW
    statuses[outside & negative] = _S.SIGN
    return Converted(values, statuses)


def to_float(array: pa.Array, type_: ColumnType) -> Converted:
    """Reals."""
    wanted = arrow_type(type_)
    values = array.cast(wanted, safe=False)
    if not pa.types.is_float64(array.type) or not pa.types.is_float32(wanted):
        return Converted(values)
    return marked(values, _S.OVERFLOW, mask_of(pc.and_(pc.is_inf(values), pc.invert(pc.is_inf(array)))))


def decimal_of_int(array: pa.Array, type_: ColumnType) -> Converted:
    """Decimals from integers."""
    return to_decimal(array.cast(pa.decimal128(38, 0)), type_)


def to_decimal(array: pa.Array, type_: ColumnType) -> Converted:
    """Digits after the point that do not fit are cut, and reported as a truncation."""
    wanted = arrow_type(type_)
    source = array.type
    outside = _outside(array, wanted.precision - wanted.scale)
    if outside.any():
        array = pc.if_else(pa.array(outside), pa.scalar(None, source), array)
    values = pc.cast(array, options=pc.CastOptions(wanted, allow_decimal_truncate=True))
    statuses = np.zeros(len(array), np.uint8)
    if source.scale > wanted.scale:
        wide = pa.decimal256(76, source.scale)
        lost = mask_of(pc.not_equal(values.cast(wide), array.cast(wide)))
        statuses[lost] = _S.TRUNCATED
    if type_.code is _T.DT_NUMERIC and source.precision - source.scale > type_.precision - type_.scale:
        too_large = _outside(values, type_.precision - type_.scale)
        values = pc.if_else(pa.array(too_large), pa.scalar(None, wanted), values)
        outside = outside | too_large
    statuses[outside] = _S.OVERFLOW
    return Converted(values, statuses if statuses.any() else None)


def _outside(array: pa.Array, digits: int) -> Mask:
    """Which numbers have more than some digits before the point."""
    if array.type.precision - array.type.scale <= digits:
        return np.zeros(len(array), np.bool_)
    wide = pa.decimal256(76, array.type.scale)
    return mask_of(pc.greater_equal(pc.abs(array.cast(wide)), pa.scalar(Decimal(10) ** digits, wide)))


def decimal_of_float(array: pa.Array, type_: ColumnType) -> Converted:
    """Digits after the point that do not fit are cut, not rounded, and not reported."""
    scale = scale_of(type_)
    digits = (type_.precision if type_.code is _T.DT_NUMERIC else arrow_type(type_).precision) - scale
    numbers = array.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
    shifted = numbers * 10.0**scale
    bad = ~np.isfinite(numbers) | (np.abs(numbers) >= 10.0**digits)
    if (np.abs(shifted[~bad]) >= _EXACT_FLOATS).any():
        return _decimal_of_large_float(array, type_, bad)
    shifted[bad] = 0.0
    # The fifteen digits that a double has decide, so that 0.29 at scale 2 is not cut to 0.28.
    nearest = np.rint(shifted)
    is_near = np.abs(shifted - nearest) <= np.abs(shifted) * _DOUBLE_DIGITS
    whole = np.where(is_near, nearest, np.trunc(shifted)).astype(np.int64)
    words = np.stack([whole, whole >> 63], axis=1)
    values = pa.Array.from_buffers(arrow_type(type_), len(array), [None, pa.py_buffer(np.ascontiguousarray(words))])
    if array.null_count:
        values = pc.if_else(array.is_valid(), values, pa.scalar(None, values.type))
    return marked(values, _S.OVERFLOW, bad)


def _decimal_of_large_float(array: pa.Array, type_: ColumnType, bad: Mask) -> Converted:
    context = Context(prec=60, rounding=ROUND_DOWN)
    unit = Decimal(1).scaleb(-scale_of(type_))
    values = [
        None if value is None or wrong else Decimal(repr(value)).quantize(unit, context=context)
        for value, wrong in zip(array.to_pylist(), bad, strict=True)
    ]
    return marked(pa.array(values, arrow_type(type_)), _S.OVERFLOW, bad)
