"""Values of variables and parameters as packages and manifests store them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.datatypes import VARIABLE_TYPES, DataType, manifest_text, parse_value
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.choices import number_problem

if TYPE_CHECKING:
    from airflow_provider_ssis.project.models import ParameterValue

_BY_NAME = {data_type.name: data_type for data_type in VARIABLE_TYPES}
_INT32 = 2**31


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value and its type.

    :param package_text: the text in a package.
    :param manifest_text: the text in a manifest or .params file.
    """

    data_type: DataType
    package_text: str
    manifest_text: str


def stored_value(value: ParameterValue, type_name: str | None, owner: str, part: str) -> StoredValue:
    """Return a value with its type, and the texts that store it.

    :param value: the value. None is the default of its type, and an Object without a type.
    :param type_name: the name of the type, as in the catalog's views. Default type of a Python value: Boolean, Int32
        (Int64 if it is larger), Double, Decimal, DateTime, String.
    :param owner: the variable or parameter, for errors.
    :param part: the file, for errors.
    :raises BuildError: the type is unknown, or cannot store the value.
    """
    data_type = _BY_NAME.get(type_name or _type_of(value))
    if data_type is None:
        known = ", ".join(_BY_NAME)
        raise BuildError(f"the {owner} has the unknown type {type_name!r}", part=part, advice=f"Types: {known}")
    if value is None:
        value = _default(data_type)
    if value is None:
        return StoredValue(data_type, "", "")
    package_text = _package_text(value)
    try:
        is_same = parse_value(package_text, data_type) == value
    except ValueError:
        is_same = False
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if not is_same or not is_finite or isinstance(value, bool) is not (data_type.name == "Boolean"):
        raise BuildError(
            f"the {owner} cannot store the value in its type {data_type.name}",
            part=part,
            advice="Choose another type, or a value of that type (dates without fractions of a second and offset)",
        )
    return StoredValue(data_type, package_text, manifest_text(value))


def check_number(owner: str, name: str, value: object) -> None:
    """Check a number of an executable.

    :param owner: the option or object, for errors.
    :param name: the stored name of the property.
    :param value: the number.
    :raises BuildError: it is not a whole number, or SSIS has no such value.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    problem = number_problem(name, value) if is_number else "is a whole number"  # type: ignore[arg-type]
    if problem is not None:
        raise BuildError(f"{owner} {problem}", advice=f"The value is {value!r}")


def _type_of(value: ParameterValue) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "Int32" if -_INT32 <= value < _INT32 else "Int64"
    names = {bool: "Boolean", float: "Double", Decimal: "Decimal", datetime: "DateTime", str: "String"}
    return names.get(type(value), "Object")


def _default(data_type: DataType) -> ParameterValue:
    if data_type.name in ("Object", "Empty", "DBNull"):
        return None
    others: dict[str, ParameterValue] = {
        "Boolean": False,
        "String": "",
        "Char": "",
        "DateTime": datetime(1899, 12, 30),
    }
    return others.get(data_type.name, 0)


def _package_text(value: ParameterValue) -> str:
    if isinstance(value, bool):
        return "-1" if value else "0"
    return _us_date(value) if isinstance(value, datetime) else manifest_text(value)


def _us_date(value: date) -> str:
    day = f"{value.month}/{value.day}/{value.year:04d}"
    if not isinstance(value, datetime) or value.time() == datetime.min.time():
        return day
    half = "AM" if value.hour < 12 else "PM"
    return f"{day} {value.hour % 12 or 12}:{value.minute:02d}:{value.second:02d} {half}"
