"""Values of variables and parameters: their types, defaults, and conversion."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import islice
from typing import Any, Final

from airflow_provider_ssis.expressions import Variable
from airflow_provider_ssis.expressions.property_values import variable_of
from airflow_provider_ssis.project.datatypes import VARIABLE_TYPES, parse_value

OBJECT: Final = "Object"
_TYPES: Final = {data_type.name: data_type for data_type in VARIABLE_TYPES}
_REALS: Final = ("Single", "Double")
_DECIMALS: Final = ("Decimal", "Currency")
_LARGEST: Final[Mapping[str, tuple[Decimal, int]]] = {
    "Decimal": (Decimal(2**96 - 1), 28),
    "Currency": (Decimal("922337203685477.5807"), 4),
}
"""The largest value of a type, and its most decimal places."""
_DIGITS: Final = 120
_FIRST_DATE: Final = datetime(1899, 12, 30)
_UNTYPED: Final = ("Object", "Empty", "DBNull")
_LOST_IN_DATE: Final = re.compile(
    r".*\d[T ]\d.*?(?:(?P<digits>[.,]\d{6}0*[1-9]\d*(?: [AP]M)?)"
    r"|(?P<offset>Z|[+-]\d{2}(?::?\d{2}(?::?\d{2}(?:\.\d+)?)?)?))",
    re.IGNORECASE | re.DOTALL,
)
"""A text of a date and time with parts that a variable does not keep."""
_MOST_ELEMENTS: Final = 1_000_000
_OFFSET: Final = "it has a UTC offset, which a DateTime does not keep. Give the time without one"


def default_of(type_name: str) -> Any:
    """Return the value of a variable without a stored value: 0, an empty text, False, 1899-12-30, None for an Object.

    :param type_name: the type: ``Int32``, ``String``, ...
    """
    if type_name in ("String", "Char"):
        return ""
    if type_name == "Boolean":
        return False
    if type_name == "DateTime":
        return _FIRST_DATE
    if type_name in _DECIMALS:
        return Decimal(0)
    if type_name in _REALS:
        return 0.0
    return None if type_name in _UNTYPED or type_name not in _TYPES else 0


def stored_value(text: str, type_name: str) -> Any:
    """Return the value of a text that a package, a configuration or the user gives.

    :param text: the text, as :func:`airflow_provider_ssis.project.datatypes.parse_value` reads it.
    :param type_name: the type.
    :raises ValueError: the type is unknown, or the text is not a value of it.
    """
    data_type = _TYPES.get(type_name)
    if data_type is None:
        raise ValueError(f"the type {type_name} is unknown")
    found = parse_value(text, data_type)
    return default_of(type_name) if found is None else _fitting(found, type_name)


def given_value(value: Any, type_name: str) -> Any:
    """Return a value that the user gives: a text is read as a value of the type, other values are converted.

    :param value: the value.
    :param type_name: the type.
    :raises ValueError: it is not a value of the type.
    """
    if isinstance(value, str) and type_name not in _UNTYPED:
        if type_name == "DateTime" and (lost := _LOST_IN_DATE.fullmatch(value.strip())) is not None:
            raise ValueError(_OFFSET if lost["offset"] else "it has more than six digits after the second")
        return stored_value(value, type_name)
    return converted(value, type_name)


def converted(value: Any, type_name: str) -> Any:
    """Return a value as a variable of a type stores it.

    As in Integration Services, there is no conversion between types: a text is not a number. Types of Python fit each
    type that has their values: an int fits all types of numbers in whose range it is.

    :param value: the value.
    :param type_name: the type of the variable.
    :returns: the value; for an iterator, which would be empty for its second reader, the list of its elements.
    :raises ValueError: the value does not fit, or is an iterator with more than a million elements.
    """
    if type_name in _UNTYPED:
        if isinstance(value, Iterator):
            elements = list(islice(value, _MOST_ELEMENTS + 1))
            if len(elements) > _MOST_ELEMENTS:
                raise ValueError(
                    f"the iterator has more than {_MOST_ELEMENTS} elements. Give a list, or fewer elements"
                )
            return elements
        return value
    data_type = _TYPES.get(type_name)
    if data_type is None:
        raise ValueError(f"the type {type_name} is unknown")
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    if type_name == "Boolean" and isinstance(value, bool):
        return value
    if type_name == "String" and isinstance(value, str):
        return value
    if type_name == "Char" and isinstance(value, str) and len(value) == 1:
        return value
    if type_name == "DateTime" and isinstance(value, date):
        if isinstance(value, datetime) and value.tzinfo is not None:
            raise ValueError(_OFFSET)
        return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    if type_name in _REALS and is_number and not isinstance(value, Decimal):
        return _fitting(float(value), type_name)
    if type_name in _DECIMALS and is_number:
        # OLE Automation keeps 15 digits of a real number.
        return _fitting(Decimal(f"{value:.15g}") if isinstance(value, float) else Decimal(value), type_name)
    if data_type.low is not None and data_type.high is not None and isinstance(value, int) and is_number:
        if not data_type.low <= value <= data_type.high:
            raise ValueError(f"the value does not fit: {type_name} has {data_type.low} to {data_type.high}")
        return value
    found = "NULL" if value is None else f"a value of Python's type {type(value).__name__}"
    raise ValueError(f"{found} is not a value of {type_name}")


def _fitting(value: Any, type_name: str) -> Any:
    """Return a number in the range and with the digits of its type; other values are returned as they are.

    :raises ValueError: it is out of the range.
    """
    if type_name == "Single" and isinstance(value, float) and math.isfinite(value):
        try:
            return float(struct.unpack("<f", struct.pack("<f", value))[0])
        except OverflowError:
            raise ValueError("the value does not fit: it is out of the range of Single") from None
    if type_name not in _LARGEST or not isinstance(value, Decimal):
        return value
    largest, places = _LARGEST[type_name]
    with localcontext(prec=_DIGITS):
        found = value
        if found.is_finite():
            places = min(places, max(-int(found.as_tuple().exponent), 0))
            found = _rounded(found, places)
            while places and type_name == "Decimal" and abs(found.scaleb(places)) > largest:
                places -= 1
                found = _rounded(found, places)
        if not found.is_finite() or abs(found) > largest:
            raise ValueError(f"the value does not fit: {type_name} has -{largest} to {largest}")
    return found


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN) if value.adjusted() < _DIGITS // 2 else value


def for_expressions(value: Any, type_name: str) -> Variable:
    """Return a value as expressions read it; without a type if expressions cannot use it.

    :param value: the value.
    :param type_name: the type of the variable.
    """
    return variable_of(type_name, "" if value is None and type_name == "String" else value)
