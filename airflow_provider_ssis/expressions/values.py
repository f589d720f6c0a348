"""Values of expressions from and to Python's types, text and JSON."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_ssis.datatypes import (
    COLUMN_TYPES,
    DECIMALS,
    INTEGERS,
    NUMBERS,
    REALS,
    STRINGS,
    TIMES,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.expressions import dates
from airflow_provider_ssis.expressions.conversion import Value, converter
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.number_types import number_text, quantize, real_text, to_number
from airflow_provider_ssis.expressions.operators import text_type
from airflow_provider_ssis.expressions.settings import DEFAULT_SETTINGS
from airflow_provider_ssis.expressions.text import units

_T = DataTypeCode

_VARIABLE_TYPES: dict[str, DataTypeCode] = {
    name: code
    for code, names in {
        _T.DT_BOOL: "boolean bool",
        _T.DT_I1: "sbyte",
        _T.DT_UI1: "byte",
        _T.DT_I2: "int16 short",
        _T.DT_UI2: "uint16 char ushort",
        _T.DT_I4: "int32 int integer",
        _T.DT_UI4: "uint32 uint",
        _T.DT_I8: "int64 long",
        _T.DT_UI8: "uint64 ulong",
        _T.DT_R4: "single float",
        _T.DT_R8: "double",
        _T.DT_DECIMAL: "decimal",
        _T.DT_CY: "currency",
        _T.DT_DATE: "datetime date",
        _T.DT_WSTR: "string",
        _T.DT_GUID: "guid",
    }.items()
    for name in names.split()
}
_UNUSABLE = frozenset({"object", "dbnull", "empty"})
_COLUMN_TYPES = {name.lower(): code for name, code in COLUMN_TYPES.items()}


def type_code(name: str) -> DataTypeCode | None:
    """Return the data type of a type's name, in upper or lower case.

    :param name: a name such as ``DT_I4`` or ``i4``, or that of a variable's type, such as ``Int32``.
    :returns: the data type; None for types of variables that expressions cannot use: Object, DBNull and Empty.
    :raises ValueError: there is no such type.
    """
    lower = name.strip().lower().removeprefix("system.")
    if lower in _UNUSABLE:
        return None
    code = _VARIABLE_TYPES.get(lower) or _COLUMN_TYPES.get(lower) or _T.__members__.get(lower.upper())
    if code is None or code in (_T.DT_EMPTY, _T.DT_NULL):
        raise ValueError(f"{name!r} is not a type: use one such as DT_I4, Int32 or String")
    return code


def variable_type(code: DataTypeCode, value: Value | None) -> ColumnType:
    """Return the type of a variable, whose metadata follow from its value.

    :param code: the data type.
    :param value: the value; None is NULL.
    """
    if code in STRINGS:
        return text_type(units(value) if isinstance(value, str) else 0)
    if code is _T.DT_DECIMAL:
        return ColumnType(code, scale=_scale(value))
    if code is _T.DT_NUMERIC:
        digits = len(value.as_tuple().digits) if isinstance(value, Decimal) else 1
        return ColumnType(code, precision=max(digits, _scale(value)), scale=_scale(value))
    if code in (_T.DT_DBTIME2, _T.DT_DBTIMESTAMP2, _T.DT_DBTIMESTAMPOFFSET):
        return ColumnType(code, scale=7)
    return ColumnType(code)


def _scale(value: Value | None) -> int:
    return max(-int(value.as_tuple().exponent), 0) if isinstance(value, Decimal) else 0


def from_python(value: Any, type_: ColumnType) -> Value | None:
    """Return the value of a Python object: a number, text, bytes, UUID, datetime, date, time or text of one of them.

    :param value: the object; None is NULL.
    :param type_: its type.
    :raises ValueError: it is not a value of the type.
    """
    if value is None:
        return None
    try:
        return _from_python(value, type_)
    except Fault as fault:
        raise ValueError(fault.reason) from None
    except (InvalidOperation, OverflowError, TypeError) as error:
        raise ValueError(f"{value!r} is not a value of {type_}") from error


def _from_python(value: Any, type_: ColumnType) -> Value:
    code = type_.code
    if code in STRINGS or code in (_T.DT_TEXT, _T.DT_NTEXT):
        return value if isinstance(value, str) else str(value)
    if code in (_T.DT_BYTES, _T.DT_IMAGE):
        return bytes.fromhex(value) if isinstance(value, str) else bytes(value)
    if code is _T.DT_GUID:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
    if dates.is_date_or_time(code):
        return _date_from_python(value, type_)
    if code in DECIMALS:
        exact = Decimal(str(value).strip())
        scale = 4 if code is _T.DT_CY else type_.scale
        return quantize(exact, scale) if exact.is_finite() else to_number(type_)(float(exact))
    if isinstance(value, str):
        return converter(text_type(units(value)), type_, DEFAULT_SETTINGS)(value)
    if code is _T.DT_BOOL:
        return bool(value)
    if code in INTEGERS and not isinstance(value, bool) and int(value) != value:
        raise ValueError(f"{value!r} is not a whole number")
    if code in NUMBERS:
        return to_number(type_)(value)
    raise ValueError(f"{value!r} is not a value of {type_}")


def _date_from_python(value: Any, type_: ColumnType) -> Value:
    if isinstance(value, str):
        return dates.parse_date(value.replace("T", " ", 1).removesuffix("Z"), type_, DEFAULT_SETTINGS.locale)
    if isinstance(value, time):
        ticks = dates.ticks_of(datetime.combine(date.min, value))
        return ticks - ticks % dates.fraction_of(type_)
    if isinstance(value, datetime):
        offset = value.utcoffset()
        minutes = int(offset.total_seconds()) // 60 if offset else 0
        ticks = dates.ticks_of(value)
        if type_.code is _T.DT_DBTIMESTAMPOFFSET:
            return dates.Offset(ticks - minutes * dates.MINUTE, minutes)
        source = ColumnType(_T.DT_DBTIMESTAMP2, scale=7)
        return dates.convert_date(ticks, source, type_, 0)
    if isinstance(value, date):
        return dates.convert_date((value.toordinal() - 1) * dates.DAY, ColumnType(_T.DT_DBDATE), type_, 0)
    raise ValueError(f"{value!r} is not a date or time")


def to_python(value: Value | None, type_: ColumnType) -> Any:
    """Return a value as Python has it: dates as datetime or date, times as time, without a seventh fraction digit.

    :param value: the value; None is NULL.
    :param type_: its type.
    """
    if value is None or not dates.is_date_or_time(type_.code):
        return value
    if isinstance(value, dates.Offset):
        return datetime.fromisoformat(
            dates.date_text(value, type_, DEFAULT_SETTINGS.locale).replace(" +", "+").replace(" -", "-")
        )
    moment = dates.datetime_of(value)
    if type_.code in TIMES:
        return moment.time()
    return moment.date() if type_.code is _T.DT_DBDATE else moment


def to_json(value: Value | None, type_: ColumnType) -> Any:
    """Return a value for JSON: decimals, dates, times and GUIDs as text, bytes as hexadecimal digits.

    :param value: the value; None is NULL.
    :param type_: its type.
    """
    if value is None or isinstance(value, bool) or type_.code in INTEGERS:
        return value
    if type_.code in REALS:
        return float(real_text(value, is_single=type_.code is _T.DT_R4))
    return to_text(value, type_)


def to_text(value: Value, type_: ColumnType) -> str:
    """Return a value as text; DT_DATE as yyyy-mm-dd hh:mm:ss, in each locale.

    :param value: the value.
    :param type_: its type.
    """
    code = type_.code
    if isinstance(value, str):
        return value
    if code in NUMBERS:
        return number_text(value, type_)
    if code in (_T.DT_BYTES, _T.DT_IMAGE):
        return bytes(value).hex().upper()
    if code is _T.DT_GUID:
        return f"{{{value}}}".upper()
    if dates.is_date_or_time(code):
        shown = ColumnType(_T.DT_DBTIMESTAMP) if code is _T.DT_DATE else type_
        return dates.date_text(value, shown, DEFAULT_SETTINGS.locale)
    return str(value)
