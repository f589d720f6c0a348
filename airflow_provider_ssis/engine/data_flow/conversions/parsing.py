"""Reading one text as a number, a date or a time: the standard parse by locale, and the fast parse without.

Standard parse: the rules of OLE Automation; fast parse: Microsoft Learn, "Fast Parse".
"""

from __future__ import annotations

import re
import uuid
from datetime import date
from decimal import Decimal
from enum import IntEnum

from airflow_provider_ssis.datatypes import DATES, INTEGERS, NUMBERS, REALS, TIMES, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import ExpressionCode, dates
from airflow_provider_ssis.expressions.conversion import Value
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.locales import Locale
from airflow_provider_ssis.expressions.number_types import to_number
from airflow_provider_ssis.expressions.settings import ENGLISH_US

_T = DataTypeCode
_MAX_DIGITS = 400


class Status(IntEnum):
    """The result of the conversion of a value."""

    GOOD = 0
    CANNOT_CONVERT = 1
    TRUNCATED = 2
    OVERFLOW = 3
    SIGN_MISMATCH = 4


class ConversionError(Exception):
    """A text has no value of the wanted type."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


_BAD = ConversionError(Status.CANNOT_CONVERT)


def parse(text: str, target: ColumnType, locale: Locale, *, fast: bool = False) -> Value:
    """Return the value of a text.

    :param text: the text; not empty.
    :param target: a type of numbers, dates, times, DT_BOOL or DT_GUID.
    :param locale: the locale of the component.
    :param fast: use the fast parse, which exists for whole numbers, dates and times. Default: False.
    :returns: as the scalar evaluator of expressions has it.
    :raises ConversionError: the text has no such value.
    """
    try:
        if target.code in INTEGERS:
            return _integer(text, target, locale, fast)
        if target.code in NUMBERS:
            return _number(text, target, locale)
        if target.code is _T.DT_BOOL:
            return _boolean(text, locale)
        if target.code in DATES or target.code in TIMES:
            return _fast_date(text, target) if fast else _date(text, target, locale)
        if target.code is _T.DT_GUID:
            return _guid(text)
    except Fault as fault:
        is_overflow = fault.code is ExpressionCode.DTS_E_EXPREVALDATACONVERSIONOVERFLOW
        raise ConversionError(Status.OVERFLOW if is_overflow else Status.CANNOT_CONVERT) from None
    raise _BAD


def fast_parse_applies(target: ColumnType) -> bool:
    """Whether the fast parse exists for a type."""
    return target.code in INTEGERS or target.code in DATES or target.code in TIMES


# -- numbers -----------------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"([0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?|\.([0-9]+)(?:[eE]([+-]?[0-9]{1,3}))?")
_FAST_INTEGER = re.compile(r"[+-]?[0-9]+")


def _decimal_text(text: str, locale: Locale) -> str:
    """The number in a text as Python reads it: blanks, signs, parentheses, currency and thousands are removed."""
    rest = text.strip(" \t")
    negative = False
    if rest.startswith("(") and rest.endswith(")"):
        rest, negative = rest[1:-1].strip(" \t"), True
    for currency in locale.currencies:
        if rest.startswith(currency):
            rest = rest.removeprefix(currency).lstrip(" \t\u00a0")
            break
        if rest.endswith(currency):
            rest = rest.removesuffix(currency).rstrip(" \t\u00a0")
            break
    if not negative:
        if rest[:1] in ("+", "-"):
            negative, rest = rest[0] == "-", rest[1:].lstrip(" \t")
        elif rest[-1:] in ("+", "-"):
            negative, rest = rest[-1] == "-", rest[:-1].rstrip(" \t")
    for currency in locale.currencies:
        if rest.startswith(currency):
            rest = rest.removeprefix(currency).lstrip(" \t\u00a0")
    whole, mark, fraction = rest.partition(locale.decimal)
    if any(sign in fraction for sign in locale.groups) or not (whole or fraction):
        raise _BAD
    if any(sign in whole for sign in locale.groups):
        if not whole[:1].isdigit():
            raise _BAD
        for sign in locale.groups:
            whole = whole.replace(sign, "")
    number = f"{whole}.{fraction}" if mark else whole
    if not number.isascii() or len(number) > _MAX_DIGITS or not _PLAIN.fullmatch(number):
        raise _BAD
    return f"-{number}" if negative else number


def _integer(text: str, target: ColumnType, locale: Locale, fast: bool) -> int:
    if fast:
        stripped = text.strip(" \t")
        if not stripped:
            return 0
        if not _FAST_INTEGER.fullmatch(stripped) or len(stripped) > _MAX_DIGITS:
            raise _BAD
        value = Decimal(stripped)
    else:
        value = Decimal(_decimal_text(text, locale))
        if value != value.to_integral_value():
            raise _BAD  # the conversion would lose the fraction
    if value < 0 and target.code in (_T.DT_UI1, _T.DT_UI2, _T.DT_UI4, _T.DT_UI8):
        raise ConversionError(Status.SIGN_MISMATCH)
    return int(to_number(target)(value))


def _number(text: str, target: ColumnType, locale: Locale) -> Value:
    plain = _decimal_text(text, locale)
    return to_number(target)(float(plain) if target.code in REALS else Decimal(plain))


def _boolean(text: str, locale: Locale) -> bool:
    word = text.strip(" ").lower()
    if word in ("true", "false"):
        return word == "true"
    return Decimal(_decimal_text(text, locale)) != 0


def _guid(text: str) -> uuid.UUID:
    stripped = text.strip(" ")
    if not re.fullmatch(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?", stripped):
        raise _BAD
    if stripped.startswith("{") != stripped.endswith("}"):
        raise _BAD
    return uuid.UUID(stripped.strip("{}"))


# -- dates, standard ---------------------------------------------------------------------------------------------------

_CLOCK = r"(?: *(?P<clock>[0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]{1,9})?)?(?: *[AaPp][Mm])?))?"
_DIGITS = re.compile(r"(?P<a>[0-9]{1,4})(?P<mark>[/.-])(?P<b>[0-9]{1,2})(?P=mark)(?P<c>[0-9]{1,4})" + _CLOCK)
_DAY_FIRST = re.compile(r"(?P<day>[0-9]{1,2})\.?[ -]*(?P<month>[^\W\d]+)\.?(?:[ ,-]+(?P<year>[0-9]{2,4}))" + _CLOCK)
_MONTH_FIRST = re.compile(r"(?P<month>[^\W\d]+)\.? *(?P<day>[0-9]{1,2}),?[ ]+(?P<year>[0-9]{4}|[0-9]{2})" + _CLOCK)


def _date(text: str, target: ColumnType, locale: Locale) -> Value:
    stripped = text.strip(" \t")
    ordered = _local_date(stripped, locale)
    return dates.parse_date(stripped if ordered is None else ordered, target, ENGLISH_US)


def _local_date(text: str, locale: Locale) -> str | None:
    """The date with the year first, if its form depends on the locale."""
    if match := _DIGITS.fullmatch(text):
        first, second, third = match["a"], match["b"], match["c"]
        if len(first) >= 3:
            if match["mark"] == "-" and len(first) == 4:
                return None  # ISO
            year, month, day = first, second, third
        elif locale.order == "ymd" and len(third) <= 2:
            year, month, day = first, second, third
        else:
            is_month_first = locale.order == "mdy"
            year, (month, day) = third, (first, second) if is_month_first else (second, first)
            if int(month) > 12:
                month, day = day, month
        return _iso(year, int(month), int(day), match["clock"])
    match = _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    if match is None:
        return None
    return _iso(match["year"], _month(match["month"], locale), int(match["day"]), match["clock"])


def _month(name: str, locale: Locale) -> int:
    word = name.lower()
    found = [number for number, month in enumerate(locale.months, 1) if len(word) >= 3 and month.startswith(word)]
    if len(found) != 1:
        raise _BAD
    return found[0]


def _iso(year: str, month: int, day: int, clock: str | None) -> str:
    number = dates.full_year(int(year)) if len(year) <= 2 else int(year)
    try:
        date(number, month, day)
    except ValueError:
        raise _BAD from None
    # The form with slashes is the only one whose time may have AM or PM.
    return f"{month}/{day}/{number:04}" + (f" {clock}" if clock else "")


# -- dates, fast -------------------------------------------------------------------------------------------------------

_FAST_DATE = re.compile(r"(?P<y>[0-9]{4})(?:-?(?P<m>[0-9]{2})(?:-?(?P<d>[0-9]{2}))?)?")
_FAST_TIME = re.compile(
    r"(?P<h>[0-9]{2})(?::?(?P<n>[0-9]{2})(?::?(?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?)?"
    r" *(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


def _fast_date(text: str, target: ColumnType) -> Value:
    stripped = text.strip(" \t")
    if target.code in TIMES:
        return _whole_steps(_fast_time(stripped)[0] % dates.DAY, target)
    day_text, mark, time_text = stripped.partition("T")
    if not mark:
        day_text, mark, time_text = stripped.partition(" ")
    match = _FAST_DATE.fullmatch(day_text)
    if match is None or (mark and not time_text):
        raise _BAD
    try:
        day = date(int(match["y"]), int(match["m"] or 1), int(match["d"] or 1))
    except ValueError:
        raise _BAD from None
    ticks, minutes = _fast_time(time_text.strip()) if time_text else (0, 0)
    ticks = _whole_steps((day.toordinal() - 1) * dates.DAY + ticks, target)
    if target.code is _T.DT_DBTIMESTAMPOFFSET:
        return dates.Offset(dates.check_range(ticks - minutes * dates.MINUTE, target), minutes)
    return dates.check_range(ticks, target)


def _fast_time(text: str) -> tuple[int, int]:
    """The ticks of a time, and the minutes of its zone."""
    match = _FAST_TIME.fullmatch(text)
    if match is None:
        raise _BAD
    hour, minute, second = int(match["h"]), int(match["n"] or 0), int(match["s"] or 0)
    fraction = int((match["f"] or "0")[:7].ljust(7, "0"))
    is_midnight = hour == 24 and not (minute or second or fraction)
    if not is_midnight and (hour > 23 or minute > 59 or second > 60):
        raise _BAD
    zone = match["zone"] or "Z"
    minutes = 0
    if zone != "Z":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:] if len(zone) > 3 else 0)
        minutes = -minutes if zone[0] == "-" else minutes
    return hour * dates.HOUR + minute * dates.MINUTE + second * dates.SECOND + fraction, minutes


def _whole_steps(ticks: int, target: ColumnType) -> int:
    return ticks - ticks % dates.fraction_of(target)
