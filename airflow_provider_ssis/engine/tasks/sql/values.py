"""Values between variables and databases."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from airflow_provider_ssis.datatypes import ColumnType
from airflow_provider_ssis.datatypes import DataTypeCode as T
from airflow_provider_ssis.expressions.values import from_python, to_python, to_text, type_code


def text_of(value: object) -> str:
    """Return a value as text, as expressions of Integration Services write it, the same in each locale.

    :param value: a value of a variable or of a database.
    :raises ValueError: bytes and other objects have no text.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    kind = _type_of(value)
    converted = from_python(value, kind)
    return "" if converted is None else to_text(converted, kind)


def _type_of(value: object) -> ColumnType:
    if isinstance(value, int):
        return ColumnType(T.DT_I8 if abs(value) < 2**63 else T.DT_NUMERIC, precision=38)
    if isinstance(value, float):
        return ColumnType(T.DT_R8)
    if isinstance(value, Decimal):
        return ColumnType(T.DT_NUMERIC, precision=38, scale=max(-int(value.as_tuple().exponent), 0))
    if isinstance(value, uuid.UUID):
        return ColumnType(T.DT_GUID)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return ColumnType(T.DT_DBTIMESTAMPOFFSET, scale=7)
        return ColumnType(T.DT_DBTIMESTAMP2, scale=7) if value.microsecond % 1000 else ColumnType(T.DT_DBTIMESTAMP)
    if isinstance(value, date):
        return ColumnType(T.DT_DBDATE)
    if isinstance(value, time):
        return ColumnType(T.DT_DBTIME2, scale=7) if value.microsecond else ColumnType(T.DT_DBTIME)
    raise ValueError(f"a value of the type {type(value).__name__} has no text")


def text_in(value: object, kind: ColumnType) -> str:
    """Return a value as the text of a type, with all digits of the type.

    :param value: the value; not None.
    :param kind: the type.
    :raises ValueError: it does not convert.
    """
    converted = from_python(value, kind)
    return "" if converted is None else to_text(converted, kind)


def python_value(value: object, kind: ColumnType) -> Any:
    """Return a value in a type.

    :param value: the value; None is NULL.
    :param kind: the type.
    :raises ValueError: it does not convert without loss.
    """
    return to_python(from_python(value, kind), kind)


def variable_value(value: object, type_name: str) -> Any:
    """Return a value of a database in the type of a variable, if it converts without loss.

    :param value: the value; None is NULL.
    :param type_name: the type of the variable: ``Int32``, ``String``, ``Object``, ...
    :raises ValueError: it does not convert; only Object takes NULL.
    """
    if type_name == "Object":
        return value
    if value is None:
        raise ValueError(f"NULL does not fit into a variable of the type {type_name}")
    if type_name in ("String", "Char"):
        return text_of(value)
    code = type_code(type_name)
    if code is None:
        raise ValueError(f"a variable of the type {type_name} holds no value")
    if isinstance(value, bool) and code is not T.DT_BOOL:
        value = int(value)
    if isinstance(value, (datetime, date, time)) != (code is T.DT_DATE) and not isinstance(value, str):
        raise ValueError(f"a value of the type {type(value).__name__} is not of the type {type_name}")
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise ValueError(f"a time with a time zone is not of the type {type_name}")
    if code is T.DT_DATE and isinstance(value, datetime):
        return value
    scale = max(-int(value.as_tuple().exponent), 0) if isinstance(value, Decimal) else 10
    return python_value(value, ColumnType(code, scale=scale if code is T.DT_DECIMAL else 0))
