"""SSIS data types: which Python values fit them, and as which SQL Server type a value goes to the catalog.

The catalog takes parameter values as ``sql_variant`` and refuses one whose base type does not match the parameter's
SSIS type (error 27147). So a value goes as text together with the SQL Server type to cast it to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.requests import ParameterValue

MAX_STRING = 4000
"""A sql_variant holds at most 8000 bytes, which is so many characters of nvarchar."""


class ValueDoesNotFit(ValueError):
    """The value cannot be a value of that SSIS type; the text says why, without showing the value."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value on its way to the server: canonical text, and the SQL Server type to cast the text to."""

    text: str
    sql_type: str


def literal(value: ParameterValue, data_type: str) -> Literal:
    """The literal for a value of an SSIS type.

    SSIS's DateTime knows no time zone: the wall-clock time of an aware ``datetime`` goes as it is.

    :param value: the value; text is read as the type.
    :param data_type: an SSIS data type as the catalog names it, ``Int32`` for instance; upper and lower case are one.
    :raises ValueDoesNotFit: the value is no value of that type, or values of the type cannot be sent.
    """
    encode = _ENCODERS.get(data_type.lower())
    if encode is None:
        raise ValueDoesNotFit(f"values of type {data_type} cannot be set through the catalog")
    return encode(value)


def fitting_literals(value: ParameterValue) -> dict[str, Literal]:
    """The literals for a value by SSIS type, for every type that the value fits."""
    found: dict[str, Literal] = {}
    for data_type in SSIS_TYPES:
        try:
            found[data_type] = literal(value, data_type)
        except ValueDoesNotFit:
            continue
    return found


def property_text(value: ParameterValue) -> str:
    """A value as text for a property override, which SSIS itself converts to the property's type."""
    return value.isoformat() if isinstance(value, date) else str(value)


def data_type_of(value: ParameterValue) -> str:
    """The SSIS type that a Python value has by itself: what a new environment variable gets by default."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Int32" if -(2**31) <= value < 2**31 else "Int64"
    if isinstance(value, float):
        return "Double"
    if isinstance(value, Decimal):
        return "Decimal"
    if isinstance(value, date):
        return "DateTime"
    return "String"


def _boolean(value: ParameterValue) -> Literal:
    word = value.strip().lower() if isinstance(value, str) else value
    if isinstance(word, bool) or word in ("true", "false"):
        return Literal("1" if word in (True, "true") else "0", "bit")
    number = _finite_number(word)
    if number is None or number not in (0, 1):
        raise ValueDoesNotFit("a Boolean is true, false, 1 or 0")
    return Literal(str(int(number)), "bit")


def _integer(name: str, low: int, high: int, sql_type: Callable[[int], str]) -> Callable[[ParameterValue], Literal]:
    def encode(value: ParameterValue) -> Literal:
        number = _whole_number(value)
        if number is None:
            raise ValueDoesNotFit(f"a value of type {name} is a whole number, this is not")
        if not low <= number <= high:
            raise ValueDoesNotFit(f"a value of type {name} lies between {low} and {high}, this does not")
        return Literal(str(number), sql_type(number))

    return encode


def _whole_number(value: ParameterValue) -> int | None:
    if isinstance(value, int):
        return None if isinstance(value, bool) else value
    number = _finite_number(value)
    # The bound keeps a text such as 1e999999999 from being written out in full.
    if number is None or number.adjusted() > 30 or number != number.to_integral_value():
        return None
    return int(number)


def _finite_number(value: ParameterValue) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _int_or_bigint(number: int) -> str:
    return "int" if number < 2**31 else "bigint"


def _floating(name: str, largest: float, sql_type: str) -> Callable[[ParameterValue], Literal]:
    def encode(value: ParameterValue) -> Literal:
        number = _finite_number(value)
        if number is None:
            raise ValueDoesNotFit(f"a value of type {name} is a finite number, this is not")
        if abs(number) > Decimal(largest):
            raise ValueDoesNotFit(f"a value of type {name} lies between -{largest:g} and {largest:g}, this does not")
        return Literal(str(value) if isinstance(value, int | float) else str(float(number)), sql_type)

    return encode


def _decimal(value: ParameterValue) -> Literal:
    number = _finite_number(value)
    if number is None:
        raise ValueDoesNotFit("a value of type Decimal is a finite number, this is not")
    _, digits, exponent = number.as_tuple()
    scale = max(0, -int(exponent))
    if number.adjusted() > 28 or len(digits) > 29 or scale > 28 or abs(number) > _LARGEST_DECIMAL:
        raise ValueDoesNotFit("a value of type Decimal has at most 28 digits, this has more")
    # The integral digits of such a number and its scale fit SQL Server's 38 digits together.
    return Literal(f"{number:f}", f"decimal({_SQL_DIGITS}, {scale})")


def _date_time(value: ParameterValue) -> Literal:
    moment = value
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.strip())
        except ValueError:
            raise ValueDoesNotFit("a value of type DateTime is written as 2024-02-29 or 2024-02-29T13:45:00") from None
    if not isinstance(moment, date):
        raise ValueDoesNotFit("a value of type DateTime is a date with or without a time of day")
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    return Literal(moment.replace(tzinfo=None).isoformat(), "datetime2(7)")


def _string(value: ParameterValue) -> Literal:
    text = property_text(value)
    if len(text.encode("utf-16-le")) > 2 * MAX_STRING:
        raise ValueDoesNotFit(f"a value of type String has at most {MAX_STRING} characters, this has {len(text)}")
    return Literal(text, f"nvarchar({MAX_STRING})")


_SQL_DIGITS = 38
_LARGEST_DECIMAL = Decimal(2**96 - 1)

_BY_TYPE: dict[str, Callable[[ParameterValue], Literal]] = {
    "Boolean": _boolean,
    "Byte": _integer("Byte", 0, 2**8 - 1, lambda _: "tinyint"),
    "SByte": _integer("SByte", -(2**7), 2**7 - 1, lambda _: "smallint"),
    "Int16": _integer("Int16", -(2**15), 2**15 - 1, lambda _: "smallint"),
    "Int32": _integer("Int32", -(2**31), 2**31 - 1, lambda _: "int"),
    "Int64": _integer("Int64", -(2**63), 2**63 - 1, lambda _: "bigint"),
    "UInt32": _integer("UInt32", 0, 2**32 - 1, _int_or_bigint),
    "UInt64": _integer("UInt64", 0, 2**63 - 1, lambda _: "bigint"),
    "Single": _floating("Single", 3.4028234663852886e38, "real"),
    "Double": _floating("Double", 1.7976931348623157e308, "float"),
    "Decimal": _decimal,
    "DateTime": _date_time,
    "String": _string,
}
_ENCODERS = {name.lower(): encode for name, encode in _BY_TYPE.items()}

SSIS_TYPES = tuple(_BY_TYPE)
"""The SSIS types whose values the catalog takes, as it spells them."""
