"""The values that a driver returns, converted to the SSIS type that a column declares.

Nothing is converted silently to something else: a value that does not fit gets a status, and the disposition of the
column decides what happens. Text that is too long is cut, other values with a status are NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import (
    DATES,
    DECIMALS,
    INTEGERS,
    REALS,
    STRINGS,
    TIMES,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.engine.data_flow.databases import driver_dates, driver_numbers, driver_text
from airflow_provider_ssis.engine.data_flow.databases.converted import Converted, marked, mask_of
from airflow_provider_ssis.engine.data_flow.databases.statuses import ValueStatus
from airflow_provider_ssis.expressions import ExpressionError, compile_expression
from airflow_provider_ssis.expressions.arrow import arrow_type, evaluate_batch
from airflow_provider_ssis.expressions.codes import ExpressionCode
from airflow_provider_ssis.expressions.compiled import Expression
from airflow_provider_ssis.expressions.scope import Column, Scope
from airflow_provider_ssis.expressions.settings import Settings

_T = DataTypeCode
_S = ValueStatus


def convert_values(array: pa.Array, type_: ColumnType) -> Converted:
    """Convert the values of a driver.

    :param array: the values, of any type that a driver returns; timestamps are in microseconds, or, where a column
        keeps seven fraction digits, ticks of 100 ns since 0001-01-01 as int64.
    :param type_: the declared type.
    """
    wanted = arrow_type(type_)
    if pa.types.is_null(array.type):
        return Converted(pa.nulls(len(array), wanted))
    if pa.types.is_fixed_size_binary(array.type) and type_.code is not _T.DT_GUID:
        array = array.cast(pa.binary())
    kind = _kind(array.type)
    if kind == "timestamp" and array.type != pa.timestamp("us"):
        # A time with a zone counts in UTC.
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False).cast(pa.int64()).cast(pa.timestamp("us"))
    converter = _CONVERTERS.get((kind, _target_kind(type_.code)), _by_cast)
    return converter(array, type_)


def _kind(type_: pa.DataType) -> str:
    types = pa.types
    tests: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
        (types.is_boolean, "bool"),
        (types.is_integer, "int"),
        (types.is_floating, "float"),
        (types.is_decimal, "decimal"),
        (types.is_string, "text"),
        (types.is_large_string, "text"),
        (types.is_binary, "bytes"),
        (types.is_large_binary, "bytes"),
        (types.is_fixed_size_binary, "bytes"),
        (types.is_date, "date"),
        (types.is_time, "time"),
        (types.is_timestamp, "timestamp"),
        (types.is_struct, "struct"),
    )
    for test, name in tests:
        if test(type_):
            return name
    raise TypeError(f"No driver returns {type_}")


def _target_kind(code: DataTypeCode) -> str:
    groups = ((INTEGERS, "int"), (REALS, "float"), (DECIMALS, "decimal"), (STRINGS, "text"), (TIMES, "time"))
    for group, name in groups:
        if code in group:
            return name
    return code.name


def _struct(array: pa.Array, type_: ColumnType) -> Converted:
    if type_.code is _T.DT_DBTIMESTAMPOFFSET:
        return Converted(array.cast(arrow_type(type_)))
    # Converted to UTC first.
    return _by_ticks(array.field("ticks"), array.is_null(), type_)


def _by_ticks(ticks: pa.Array, missing: pa.Array, type_: ColumnType) -> Converted:
    numbers = pc.divide(pc.subtract(ticks, driver_dates.TICKS_BEFORE_UNIX), 10)
    values = pc.if_else(missing, pa.scalar(None, pa.int64()), numbers).cast(pa.timestamp("us"))
    return convert_values(values, type_)


def _by_cast(array: pa.Array, type_: ColumnType) -> Converted:
    return cast_values(array, _natural(array.type), type_)


def cast_values(array: pa.Array, source: ColumnType | None, type_: ColumnType) -> Converted:
    """Convert values as a cast of the expression language does.

    :param array: the values.
    :param source: their SSIS type; None for a type that converts to nothing.
    :param type_: the declared type.
    """
    if pa.types.is_large_string(array.type):
        array = array.cast(pa.string())
    if pa.types.is_large_binary(array.type):
        array = array.cast(pa.binary())
    expression = None if source is None else _cast(source, type_, cut=False)
    if expression is None or source is None:
        return marked(pa.nulls(len(array), arrow_type(type_)), _S.CONVERSION, mask_of(array.is_valid()))
    result = evaluate_batch(expression, [array], len(array))
    if result.errors is None:
        return Converted(result.values)
    statuses = np.zeros(len(array), np.uint8)
    statuses[result.errors != 0] = _S.CONVERSION
    for code, status in _STATUS_OF_CODE.items():
        statuses[result.errors == code] = status
    values = result.values
    if (statuses == _S.TRUNCATED).any() and (cutting := _cast(source, type_, cut=True)) is not None:
        values = evaluate_batch(cutting, [array], len(array)).values
    return Converted(values, statuses)


_STATUS_OF_CODE = {
    ExpressionCode.DTS_E_EXPREVALTRUNCATIONASERROR: _S.TRUNCATED,
    ExpressionCode.DTS_E_EXPREVALDATACONVERSIONOVERFLOW: _S.OVERFLOW,
    ExpressionCode.DTS_E_EXPREVALSTATIC_DATACONVERSIONOVERFLOW: _S.OVERFLOW,
}


@lru_cache(maxsize=512)
def _cast(source: ColumnType, target: ColumnType, *, cut: bool) -> Expression | None:
    scope = Scope(columns=(Column("c", source),))
    try:
        return compile_expression(f"({target})[c]", scope, Settings(cut_text=cut))
    except ExpressionError:
        return None


def _natural(type_: pa.DataType) -> ColumnType | None:
    """The SSIS type of the values of a driver."""
    for code in (*INTEGERS, *REALS, _T.DT_BOOL, _T.DT_DBDATE):
        if arrow_type(ColumnType(code)) == type_:
            return ColumnType(code)
    if pa.types.is_decimal128(type_):
        return ColumnType(_T.DT_NUMERIC, precision=type_.precision, scale=type_.scale)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return ColumnType(_T.DT_WSTR, length=4000)
    if pa.types.is_timestamp(type_):
        return ColumnType(_T.DT_DBTIMESTAMP2, scale=6)
    if pa.types.is_time(type_):
        return ColumnType(_T.DT_DBTIME2, scale=6)
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return ColumnType(_T.DT_BYTES, length=8000)
    return None


Converter = Callable[[pa.Array, ColumnType], Converted]

_CONVERTERS: dict[tuple[str, str], Converter] = {
    ("bool", "DT_BOOL"): driver_numbers.to_bool,
    ("int", "DT_BOOL"): driver_numbers.to_bool,
    ("text", "DT_BOOL"): driver_text.bool_of_text,
    ("int", "int"): driver_numbers.int_of_int,
    ("int", "float"): driver_numbers.to_float,
    ("float", "float"): driver_numbers.to_float,
    ("decimal", "float"): driver_numbers.to_float,
    ("int", "decimal"): driver_numbers.decimal_of_int,
    ("float", "decimal"): driver_numbers.decimal_of_float,
    ("decimal", "decimal"): driver_numbers.to_decimal,
    ("text", "text"): driver_text.to_text,
    ("text", "DT_NTEXT"): driver_text.to_long_text,
    ("text", "DT_TEXT"): driver_text.to_long_text,
    ("bytes", "DT_BYTES"): driver_text.to_bytes,
    ("bytes", "DT_IMAGE"): driver_text.to_long_bytes,
    ("text", "DT_GUID"): driver_text.guid_of_text,
    ("bytes", "DT_GUID"): driver_text.guid_of_bytes,
    ("date", "DT_DBDATE"): driver_dates.to_date,
    ("timestamp", "DT_DBDATE"): driver_dates.to_date,
    ("date", "DT_DBTIMESTAMP"): driver_dates.to_timestamp,
    ("timestamp", "DT_DBTIMESTAMP"): driver_dates.to_timestamp,
    ("date", "DT_DATE"): driver_dates.to_timestamp,
    ("timestamp", "DT_DATE"): driver_dates.to_timestamp,
    ("date", "DT_DBTIMESTAMP2"): driver_dates.to_timestamp2,
    ("timestamp", "DT_DBTIMESTAMP2"): driver_dates.to_timestamp2,
    ("int", "DT_DBTIMESTAMP2"): driver_dates.to_timestamp2,
    ("time", "time"): driver_dates.to_time,
    ("timestamp", "time"): driver_dates.to_time,
    ("struct", "DT_DBTIMESTAMPOFFSET"): _struct,
} | {("struct", code.name): _struct for code in DATES}
