"""Columns of record batches to vectors, and vectors to columns."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from airflow_provider_ssis.datatypes import DATES, DECIMALS, STRINGS, TIMES, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import dates
from airflow_provider_ssis.expressions.arrow.vectors import (
    DTYPES,
    Array,
    Mask,
    Vector,
    from_list,
    to_list,
)
from airflow_provider_ssis.expressions.number_types import scale_of

_T = DataTypeCode
_UNIX_EPOCH = (date(1970, 1, 1).toordinal() - 1) * dates.DAY
_TICKS_OF_UNIT = {"s": 10_000_000, "ms": 10_000, "us": 10}
_MICROSECOND_SCALE = 6

_ARROW: dict[DataTypeCode, pa.DataType] = {
    _T.DT_BOOL: pa.bool_(),
    _T.DT_I1: pa.int8(),
    _T.DT_I2: pa.int16(),
    _T.DT_I4: pa.int32(),
    _T.DT_I8: pa.int64(),
    _T.DT_UI1: pa.uint8(),
    _T.DT_UI2: pa.uint16(),
    _T.DT_UI4: pa.uint32(),
    _T.DT_UI8: pa.uint64(),
    _T.DT_R4: pa.float32(),
    _T.DT_R8: pa.float64(),
    _T.DT_STR: pa.string(),
    _T.DT_WSTR: pa.string(),
    _T.DT_TEXT: pa.large_string(),
    _T.DT_NTEXT: pa.large_string(),
    _T.DT_IMAGE: pa.large_binary(),
    _T.DT_BYTES: pa.binary(),
    _T.DT_GUID: pa.binary(16),
    _T.DT_DATE: pa.timestamp("ms"),
    _T.DT_DBDATE: pa.date32(),
    _T.DT_DBTIME: pa.time32("s"),
    _T.DT_DBTIME2: pa.time64("ns"),
    _T.DT_DBTIMESTAMP: pa.timestamp("ms"),
    _T.DT_FILETIME: pa.int64(),
    _T.DT_DBTIMESTAMPOFFSET: pa.struct([("ticks", pa.int64()), ("minutes", pa.int16())]),
}


def arrow_type(type_: ColumnType) -> pa.DataType:
    """Return the Arrow type of a column.

    Decimals have 38 digits: the precision of DT_NUMERIC is metadata. DT_DBTIMESTAMP2 with seven fraction digits is the
    number of ticks of 100 ns since 0001-01-01, because Arrow's nanoseconds end in 2262; DT_FILETIME is the number of
    ticks since 1601-01-01; DT_DBTIMESTAMPOFFSET is the number of ticks in UTC, and the offset in minutes. The bytes of
    DT_GUID are in the order of its text.

    :param type_: the column's type.
    """
    if type_.code in DECIMALS:
        return pa.decimal128(19 if type_.code is _T.DT_CY else 38, scale_of(type_))
    if type_.code is _T.DT_DBTIMESTAMP2:
        return pa.timestamp("us") if type_.scale <= _MICROSECOND_SCALE else pa.int64()
    return _ARROW[type_.code]


def _numbers(array: pa.Array, dtype: Any) -> Array:
    """The values of an array of fixed width; those of NULLs are arbitrary."""
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(len(array), dtype=dtype)
    return np.frombuffer(buffer, dtype=dtype, count=len(array) + array.offset)[array.offset :]


def _validity(array: pa.Array) -> Mask | None:
    if array.null_count == 0:
        return None
    mask: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return mask


def from_arrow(column: pa.Array | pa.ChunkedArray, type_: ColumnType) -> Vector:
    """Return the vector of a column.

    :param column: the values, of the type that :func:`arrow_type` returns or one that Arrow casts to it without loss.
    :param type_: the column's type.
    :raises pyarrow.ArrowInvalid: a value does not fit.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    wanted = arrow_type(type_)
    is_same = array.type == wanted or (
        pa.types.is_decimal128(array.type) and pa.types.is_decimal128(wanted) and array.type.scale == wanted.scale
    )
    if not is_same:
        array = array.cast(wanted)
    code = type_.code
    if code in STRINGS:
        return Vector(type_, array)
    valid = _validity(array)
    if code is _T.DT_BOOL:
        return Vector(type_, array.fill_null(False).to_numpy(zero_copy_only=False), valid)
    if code in DECIMALS:
        return _from_decimals(array, type_, valid)
    if code in DATES | TIMES and code is not _T.DT_DBTIMESTAMPOFFSET:
        return Vector(type_, _ticks(array, type_), valid)
    if code in DTYPES:
        return Vector(type_, _numbers(array, DTYPES[code]), valid)
    return from_list(type_, [_object(value, code) for value in array.to_pylist()])


def _from_decimals(array: pa.Array, type_: ColumnType, valid: Mask | None) -> Vector:
    words = _numbers(array, np.dtype((np.int64, 2))) if array.buffers()[1] else np.zeros((len(array), 2), np.int64)
    low, high = words[:, 0], words[:, 1]
    too_large = high != low >> 63
    if valid is not None:
        too_large &= valid
    if not too_large.any():
        return Vector(type_, np.ascontiguousarray(low), valid)
    return from_list(type_, array.to_pylist())


def _ticks(array: pa.Array, type_: ColumnType) -> Array:
    match type_.code:
        case _T.DT_DBDATE:
            return _numbers(array, np.int32).astype(np.int64) * dates.DAY + _UNIX_EPOCH
        case _T.DT_DBTIME:
            return _numbers(array, np.int32).astype(np.int64) * dates.SECOND
        case _T.DT_DBTIME2:
            return _numbers(array, np.int64) // 100
        case _T.DT_FILETIME:
            return _numbers(array, np.int64) + dates.FILETIME_EPOCH
    numbers = _numbers(array, np.int64)
    if pa.types.is_int64(array.type):
        return numbers
    return numbers * _TICKS_OF_UNIT[array.type.unit] + _UNIX_EPOCH


def _object(value: Any, code: DataTypeCode) -> Any:
    if value is None:
        return None
    if code is _T.DT_DBTIMESTAMPOFFSET:
        return dates.Offset(value["ticks"], value["minutes"])
    return uuid.UUID(bytes=value) if code is _T.DT_GUID else value


def to_arrow(vector: Vector, rows: int) -> pa.Array:
    """Return the column of a vector, of the type that :func:`arrow_type` returns.

    :param vector: the vector.
    :param rows: the number of rows.
    """
    type_ = vector.type
    wanted = arrow_type(type_)
    if vector.data is None:
        vector = from_list(type_, to_list(vector, 1))
        return pa.repeat(to_arrow(vector, 1)[0], rows)
    if isinstance(vector.data, pa.Array):
        return vector.data
    missing = None if vector.valid is None else ~vector.valid
    if type_.code in DECIMALS:
        return _to_decimals(vector, wanted)
    if vector.is_objects:
        return pa.array([_plain(value, type_.code) for value in to_list(vector, rows)], wanted)
    if type_.code in DATES | TIMES:
        return _to_dates(vector.data, type_, wanted, missing)
    return pa.array(vector.data, wanted, mask=missing)


def _to_decimals(vector: Vector, wanted: pa.DataType) -> pa.Array:
    data = vector.data
    assert isinstance(data, np.ndarray)  # noqa: S101 constants and text are handled before
    if vector.is_objects:
        return pa.array(to_list(vector, len(data)), wanted)
    words = np.empty((len(data), 2), dtype=np.int64)
    words[:, 0] = data
    words[:, 1] = data >> 63
    validity = None
    if vector.valid is not None:
        validity = pa.py_buffer(np.packbits(vector.valid, bitorder="little"))
    return pa.Array.from_buffers(wanted, len(data), [validity, pa.py_buffer(words)])


def _to_dates(data: Array, type_: ColumnType, wanted: pa.DataType, missing: Mask | None) -> pa.Array:
    match type_.code:
        case _T.DT_DBDATE:
            return pa.array(((data - _UNIX_EPOCH) // dates.DAY).astype(np.int32), mask=missing).cast(wanted)
        case _T.DT_DBTIME:
            return pa.array((data // dates.SECOND).astype(np.int32), mask=missing).cast(wanted)
        case _T.DT_DBTIME2:
            return pa.array(data * 100, mask=missing).cast(wanted)
        case _T.DT_FILETIME:
            return pa.array(data - dates.FILETIME_EPOCH, mask=missing)
    if pa.types.is_int64(wanted):
        return pa.array(data, mask=missing)
    return pa.array((data - _UNIX_EPOCH) // _TICKS_OF_UNIT[wanted.unit], mask=missing).cast(wanted)


def _plain(value: Any, code: DataTypeCode) -> Any:
    if value is None:
        return None
    if code is _T.DT_DBTIMESTAMPOFFSET:
        return {"ticks": value.ticks, "minutes": value.minutes}
    return value.bytes if code is _T.DT_GUID else value


def as_values(column: pa.Array, type_: ColumnType) -> list[Any]:
    """Return the values of a column as the scalar evaluator has them.

    :param column: the column.
    :param type_: its type.
    """
    vector = from_arrow(column, type_)
    return to_list(vector, len(column))


def as_column(values: list[Any], type_: ColumnType) -> pa.Array:
    """Return a column of values of the scalar evaluator.

    :param values: the values; None is NULL.
    :param type_: their type.
    """
    return to_arrow(from_list(type_, values), len(values))
