"""SSIS data types: which Python values fit them, and as which SQL Server type a value is sent.

The catalog takes parameter values as ``sql_variant`` and rejects a value whose base type does not match the parameter's
SSIS type (error 27147). So a value is sent as text together with the SQL Server type to cast it to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.requests import ParameterValue

MAX_STRING = 4000
"""Characters of a String value: a sql_variant holds at most 8,000 bytes."""


class ValueDoesNotFit(ValueError):
    """The value does not fit the SSIS type. The text says why, without the value."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it is sent: canonical text, which may be a secret, and the SQL Server type to cast it to."""

    text: str = field(repr=False)
    sql_type: str


def literal(value: ParameterValue, data_type: str) -> Literal:
    """The literal for a value of an SSIS type.

    SSIS's DateTime has no time zone. So a date with an offset does not fit it: neither dropping the offset nor choosing
    a time zone would be right for every package.

    :param value: the value; text is read as the type.
    :param data_type: an SSIS data type as the catalog names it, ``Int32`` for instance, in upper or lower case.
    :raises ValueDoesNotFit: the value does not fit the type, or values of the type cannot be sent.
    """
    check_value(value)
    encode = _ENCODERS.get(data_type.lower())
    if encode is None:
        raise ValueDoesNotFit(f"values of type {data_type} cannot be set through the catalog")
    return encode(value)


def check_value(value: object) -> None:
    """Reject what is not a value, because its text would not be one: ``None`` would be sent as the text "None".

    :param value: what was given.
    :raises ValueDoesNotFit: it is of another type than those of a ``ParameterValue``.
    """
    if not isinstance(value, bool | int | float | Decimal | str | date | UUID):
        what = "None" if value is None else f"an object of type {type(value).__name__}"
        raise ValueDoesNotFit(
            f"{what} is not a value for SSIS. Values are bool, int, float, Decimal, str, date, datetime and UUID"
        )


def fitting_literals(value: ParameterValue) -> dict[str, Literal]:
    """The literals of a value, for each SSIS type that it fits."""
    found: dict[str, Literal] = {}
    is_word = isinstance(value, str) and _finite_number(value) is None
    for data_type in _NOT_NUMERIC if is_word else SSIS_TYPES:
        try:
            found[data_type] = literal(value, data_type)
        except ValueDoesNotFit:
            continue
    return found


def property_text(value: ParameterValue) -> str:
    """A value as text, for a property override or a String. A UTC offset stays in it.

    :param value: the value.
    """
    return value.isoformat() if isinstance(value, date) else str(value)


def data_type_of(value: ParameterValue) -> str:
    """The SSIS type of a Python value: the default for a new environment variable."""
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
        raise ValueDoesNotFit("a value of type Boolean must be true, false, 1 or 0")
    return Literal(str(int(number)), "bit")


def _integer(
    name: str, low: int, high: int, sql_type: Callable[[int], str], *, reason: str = ""
) -> Callable[[ParameterValue], Literal]:
    def encode(value: ParameterValue) -> Literal:
        number = _whole_number(value)
        if number is None:
            raise ValueDoesNotFit(f"a value of type {name} must be a whole number")
        if not low <= number <= high:
            raise ValueDoesNotFit(f"a value of type {name} must be from {low} to {high}{reason}")
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
            raise ValueDoesNotFit(f"a value of type {name} must be a finite number")
        if abs(number) > Decimal(largest):
            raise ValueDoesNotFit(f"a value of type {name} must be from -{largest:g} to {largest:g}")
        return Literal(str(value) if isinstance(value, int | float) else str(float(number)), sql_type)

    return encode


def _decimal(value: ParameterValue) -> Literal:
    number = _finite_number(value)
    if number is None:
        raise ValueDoesNotFit("a value of type Decimal must be a finite number")
    _, digits, exponent = number.as_tuple()
    scale = max(0, -int(exponent))
    # .NET's Decimal is a 96-bit integer divided by a power of ten up to 10 ** 28. The first checks keep the last one
    # from building a huge integer.
    is_too_long = number.adjusted() > _DECIMAL_SCALE or len(digits) > _DECIMAL_SCALE + 1 or scale > _DECIMAL_SCALE
    if is_too_long or abs(int(number.scaleb(scale, _EXACT))) > _LARGEST_DECIMAL:
        raise ValueDoesNotFit(
            f"a value of type Decimal must be from -{_LARGEST_DECIMAL} to {_LARGEST_DECIMAL}, with at most "
            f"{_DECIMAL_SCALE} decimal places and 28 to 29 digits in all"
        )
    # 29 digits before the point and the scale fit SQL Server's 38 digits together, because all digits are at most 29.
    return Literal(f"{number:f}", f"decimal({_SQL_DIGITS}, {scale})")


def _date_time(value: ParameterValue) -> Literal:
    moment = value
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.strip())
        except ValueError:
            raise ValueDoesNotFit(
                "a value of type DateTime must be a date that exists, written as 2024-02-29 or 2024-02-29T13:45:00"
            ) from None
    if not isinstance(moment, date):
        raise ValueDoesNotFit("a value of type DateTime must be a date with an optional time")
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)
    if moment.tzinfo is not None:
        raise ValueDoesNotFit(OFFSET_REJECTED)
    return Literal(moment.isoformat(), "datetime2(7)")


def _string(value: ParameterValue) -> Literal:
    text = property_text(value)
    try:
        length = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError as error:
        raise ValueDoesNotFit(
            f"a value of type String must not contain half a surrogate pair (position {error.start + 1})"
        ) from None
    if length > MAX_STRING:
        raise ValueDoesNotFit(f"a value of type String must have at most {MAX_STRING} characters, this has {length}")
    return Literal(text, f"nvarchar({MAX_STRING})")


OFFSET_REJECTED = (
    "a date and time for SSIS must have no UTC offset, because SSIS has no time zones: convert it to the time zone "
    "that the package expects, in a template with {{ value.in_timezone('Europe/Berlin').naive() }} for instance"
)
"""Why a value with an offset is rejected, and what to do."""
_DECIMAL_SCALE = 28
_EXACT = Context(prec=60)
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
    "UInt64": _integer(
        "UInt64", 0, 2**63 - 1, lambda _: "bigint", reason=", because the catalog stores UInt64 as SQL Server's bigint"
    ),
    "Single": _floating("Single", 3.4028234663852886e38, "real"),
    "Double": _floating("Double", 1.7976931348623157e308, "float"),
    "Decimal": _decimal,
    "DateTime": _date_time,
    "String": _string,
}
_ENCODERS = {name.lower(): encode for name, encode in _BY_TYPE.items()}

SSIS_TYPES = tuple(_BY_TYPE)
"""The SSIS types whose values the catalog takes, as it spells them."""

_NOT_NUMERIC = ("Boolean", "DateTime", "String")
"""The types that a text which is not a number can fit."""


def is_same_value(one: ParameterValue, other: ParameterValue, data_type: str) -> bool:
    """Whether two values are the same value of an SSIS type.

    :param one: a value; text is read as the type.
    :param other: the other value.
    :param data_type: an SSIS data type as the catalog names it.
    """
    try:
        texts = literal(one, data_type).text, literal(other, data_type).text
    except ValueDoesNotFit:
        return False
    if data_type.lower() in ("single", "double"):
        return float(texts[0]) == float(texts[1])
    return Decimal(texts[0]) == Decimal(texts[1]) if data_type.lower() == "decimal" else texts[0] == texts[1]
