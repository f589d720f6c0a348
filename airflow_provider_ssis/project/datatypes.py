"""The data types of parameters and variables: names, codes, and values as SSIS files write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ssis.project.models import ParameterValue


@dataclass(frozen=True, slots=True)
class DataType:
    """A data type.

    :param name: the SSIS name, as in the catalog's views.
    :param type_code: the code in manifests and .params files (.NET's ``System.TypeCode``).
    :param variant_type: the code in packages (OLE Automation's ``VARTYPE``).
    :param low: the smallest value of an integer type. Default: None, it is not an integer type.
    :param high: the largest value of an integer type. Default: None, it is not an integer type.
    """

    name: str
    type_code: int
    variant_type: int
    low: int | None = None
    high: int | None = None


DATA_TYPES = (
    DataType("Boolean", 3, 11),
    DataType("SByte", 5, 16, -(2**7), 2**7 - 1),
    DataType("Byte", 6, 17, 0, 2**8 - 1),
    DataType("Int16", 7, 2, -(2**15), 2**15 - 1),
    DataType("Int32", 9, 3, -(2**31), 2**31 - 1),
    DataType("UInt32", 10, 19, 0, 2**32 - 1),
    DataType("Int64", 11, 20, -(2**63), 2**63 - 1),
    DataType("UInt64", 12, 21, 0, 2**64 - 1),
    DataType("Single", 13, 4),
    DataType("Double", 14, 5),
    DataType("Decimal", 15, 14),
    DataType("DateTime", 16, 7),
    DataType("String", 18, 8),
)
"""The types of parameters."""

VARIABLE_TYPES = (
    *DATA_TYPES,
    DataType("Empty", 0, 0),
    DataType("DBNull", 2, 1),
    DataType("Char", 4, 18),
    DataType("Currency", 15, 6),
    DataType("Object", 1, 13),
)
"""The types of variables."""

TYPE_CODES = {data_type.name: data_type.type_code for data_type in DATA_TYPES}
BY_TYPE_CODE = {data_type.type_code: data_type for data_type in DATA_TYPES}
BY_VARIANT_TYPE = {data_type.variant_type: data_type for data_type in VARIABLE_TYPES}

_WITHOUT_VALUES = ("Empty", "DBNull", "Object")
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?|[+-]?(inf|nan)", re.IGNORECASE)
_INVARIANT_DATE = re.compile(
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})"
    r"(?: (?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,7}))?)?"
    r"(?: (?P<half>[AP]M))?)?",
    re.IGNORECASE,
)
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2})?( [AP]M)?", re.IGNORECASE)
_FIRST_DATE = "12/30/1899"


def parse_value(text: str, data_type: DataType) -> ParameterValue:
    """Return the value of a text.

    Dates are read in ISO 8601 and in .NET's invariant format (month/day/year), which Visual Studio writes. The local
    time of a date with a UTC offset is used as it is written: SSIS's DateTime has no offset. A time
    without a date is a time of 1899-12-30, the first day of OLE Automation's dates.

    :param text: the text of a property ``Value``.
    :param data_type: the type of the parameter or variable.
    :returns: the value; None for an empty text, unless the type is String or Char, and None for an Object.
    :raises ValueError: the text is not a value of the type.
    """
    if data_type.name in ("String", "Char"):
        return text
    text = text.strip()
    if not text or data_type.name in _WITHOUT_VALUES:
        return None
    if data_type.name == "Boolean":
        return _boolean(text)
    if data_type.name == "DateTime":
        return _date(text)
    if data_type.low is not None and data_type.high is not None:
        if not _INTEGER.fullmatch(text) or not data_type.low <= int(text) <= data_type.high:
            raise ValueError(f"not a whole number from {data_type.low} to {data_type.high}")
        return int(text)
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number")
    if data_type.name in ("Decimal", "Currency"):
        value = Decimal(text)
        if not value.is_finite():
            raise ValueError("not a number")
        return value
    return float(text)


def manifest_text(value: ParameterValue) -> str:
    """Return the text of a value in a manifest or .params file; dates in ISO 8601, without a culture.

    :param value: the value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1", "-1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise ValueError("neither True nor False")


def _date(text: str) -> datetime:
    match = _INVARIANT_DATE.fullmatch(f"{_FIRST_DATE} {text}" if _TIME.fullmatch(text) else text)
    if match is None:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=None)
        except ValueError as error:
            raise ValueError("not a date like 2024-12-31T23:59:59 or 12/31/2024 11:59:59 PM") from error
    hour = int(match["hour"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("its hour is not between 1 and 12")
        hour = hour % 12 + (12 if match["half"].upper() == "PM" else 0)
    return datetime(
        int(match["year"]),
        int(match["month"]),
        int(match["day"]),
        hour,
        int(match["minute"] or 0),
        int(match["second"] or 0),
        int((match["fraction"] or "0")[:6].ljust(6, "0")),
    )
