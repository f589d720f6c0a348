"""Dates and times as numbers of ticks, their text, and casts between them.

A date is the number of ticks of 100 ns since 0001-01-01, and a time the number of ticks since midnight: Python's
``datetime`` has microseconds, and Integration Services has 100 ns.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple

from airflow_provider_ssis.datatypes import DATES, TIMES, ColumnType, DataTypeCode
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.locales import LOCALES
from airflow_provider_ssis.expressions.settings import ENGLISH_US

MILLISECOND = 10_000
SECOND = 1000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
END = (date.max.toordinal()) * DAY
"""The first tick after 9999-12-31."""

OLE_EPOCH = (date(1899, 12, 30).toordinal() - 1) * DAY
"""Day 0 of DT_DATE."""

OLE_START = (date(100, 1, 1).toordinal() - 1) * DAY
FILETIME_EPOCH = (date(1601, 1, 1).toordinal() - 1) * DAY
_MAX_OFFSET = 14 * 60

_MDY = "mdy"


class Offset(NamedTuple):
    """A value of DT_DBTIMESTAMPOFFSET.

    :param ticks: the time in UTC, in ticks.
    :param minutes: the distance of the local time from UTC, in minutes.
    """

    ticks: int
    minutes: int


def ticks_of(value: datetime) -> int:
    """The ticks of a date and time, without its time zone."""
    since = value.replace(tzinfo=None) - datetime.min
    return since.days * DAY + since.seconds * SECOND + since.microseconds * 10


def datetime_of(ticks: int) -> datetime:
    """The reverse of :func:`ticks_of`; the last digit of the ticks is cut."""
    return datetime.min + timedelta(microseconds=ticks // 10)


def fraction_of(type_: ColumnType) -> int:
    """The ticks of the smallest step of a date or time type."""
    match type_.code:
        case DataTypeCode.DT_DBTIME2 | DataTypeCode.DT_DBTIMESTAMP2 | DataTypeCode.DT_DBTIMESTAMPOFFSET:
            return int(10 ** (7 - type_.scale))
        case DataTypeCode.DT_DBDATE:
            return DAY
        case DataTypeCode.DT_DBTIME:
            return SECOND
        case DataTypeCode.DT_FILETIME:
            return 1
        case _:
            return MILLISECOND


def check_range(ticks: int, type_: ColumnType) -> int:
    """Return the ticks of a date if the type has such a date.

    :raises Fault: it does not.
    """
    low = {DataTypeCode.DT_DATE: OLE_START, DataTypeCode.DT_FILETIME: FILETIME_EPOCH}.get(type_.code, 0)
    if not low <= ticks < END:
        raise Fault(Code.DTS_E_EXPREVALDATACONVERSIONOVERFLOW, f"{type_.code.name} has no such date")
    return ticks


# -- text to date ------------------------------------------------------------------------------------------------------

_TIME_TEXT = r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.:](?P<fraction>\d{1,9}))?)?"
_ISO = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    rf"(?: +{_TIME_TEXT}(?: *(?P<offset>[+-] *\d{{1,2}}:\d{{2}}))?)?",
    re.ASCII,
)
_LOCAL = re.compile(
    r"(?P<first>\d{1,4})(?P<mark>[/.-])(?P<second_number>\d{1,2})(?P=mark)(?P<third>\d{1,4})"
    rf"(?: +{_TIME_TEXT}(?: *(?P<half>[AaPp][Mm]))?)?",
    re.ASCII,
)
_LAST_YEAR_OF_2000 = 29
_TIME = re.compile(rf"{_TIME_TEXT}(?: *(?P<half>[AaPp][Mm]))?", re.ASCII)


def parse_date(text: str, type_: ColumnType, locale: int) -> int | Offset:
    """Return the value of a date's or time's text.

    ISO dates are read in each locale, other forms in the order of the locale's short dates, with years of two or four
    digits. A date without a time is midnight. Fraction digits beyond the type's are cut.

    :param text: the text; blanks around it do not count.
    :param type_: a date or time type.
    :param locale: the LocaleID.
    :raises Fault: the text is not a date, or the locale's dates are not known.
    """
    text = text.strip(" ")
    if type_.code in TIMES and (time := _TIME.fullmatch(text)):
        ticks = _time_ticks(time, text)
        return ticks - ticks % fraction_of(type_)
    if iso := _ISO.fullmatch(text):
        ticks = _date_ticks(int(iso["year"]), int(iso["month"]), int(iso["day"]), text) + _time_ticks(iso, text)
        offset = iso["offset"]
    else:
        ticks, offset = _local_ticks(text, locale), None
    if offset is not None and type_.code is not DataTypeCode.DT_DBTIMESTAMPOFFSET:
        raise _not_a_date(text)
    if type_.code in TIMES:
        ticks %= DAY
        return ticks - ticks % fraction_of(type_)
    ticks -= ticks % fraction_of(type_)
    if type_.code is DataTypeCode.DT_DBTIMESTAMPOFFSET:
        minutes = _offset_minutes(offset, text) if offset else 0
        return Offset(check_range(ticks - minutes * MINUTE, type_), minutes)
    return check_range(ticks, type_)


def full_year(number: int) -> int:
    """Return the year of two digits, as OLE Automation reads it: up to 29 of this century."""
    return number + (2000 if number <= _LAST_YEAR_OF_2000 else 1900)


def _not_a_date(text: str) -> Fault:
    shown = text if len(text) <= 60 else text[:60] + "…"
    return Fault(Code.DTS_E_EXPREVALDATACONVERSIONFAILED, f"The text {shown!r} is not a date or time of this type")


def _date_ticks(year: int, month: int, day: int, text: str) -> int:
    try:
        return (date(year, month, day).toordinal() - 1) * DAY
    except ValueError:
        raise _not_a_date(text) from None


def _time_ticks(match: re.Match[str], text: str) -> int:
    groups = match.groupdict()
    if groups["hour"] is None:
        return 0
    hour, minute, second = int(groups["hour"]), int(groups["minute"]), int(groups["second"] or 0)
    if half := groups.get("half"):
        if not 1 <= hour <= 12:
            raise _not_a_date(text)
        hour = hour % 12 + 12 * (half.upper() == "PM")
    if hour > 23 or minute > 59 or second > 59:
        raise _not_a_date(text)
    return hour * HOUR + minute * MINUTE + second * SECOND + int((groups["fraction"] or "0")[:7].ljust(7, "0"))


def _offset_minutes(offset: str, text: str) -> int:
    hours, minutes = offset[1:].strip().split(":")
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > _MAX_OFFSET:
        raise _not_a_date(text)
    return -total if offset[0] == "-" else total


def _local_ticks(text: str, locale: int) -> int:
    match = _LOCAL.fullmatch(text)
    if match is None:
        raise _not_a_date(text)
    found = LOCALES.get(locale)
    if found is None:
        reason = (
            f"The text {text[:60]!r} needs the date format of locale {locale}, which is not supported: use yyyy-mm-dd"
        )
        raise Fault(Code.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED, reason)
    first, second, third = match["first"], match["second_number"], match["third"]
    if len(first) == 4 or found.order == "ymd":
        year, month, day = first, second, third
    else:
        year, (month, day) = third, (first, second) if found.order == _MDY else (second, first)
        if int(month) > 12:
            month, day = day, month
    if len(year) not in (2, 4):
        raise _not_a_date(text)
    number = full_year(int(year)) if len(year) == 2 else int(year)
    return _date_ticks(number, int(month), int(day), text) + _time_ticks(match, text)


# -- date to text ------------------------------------------------------------------------------------------------------


def _clock_text(ticks: int) -> str:
    ticks %= DAY
    return f"{ticks // HOUR:02}:{ticks // MINUTE % 60:02}:{ticks // SECOND % 60:02}"


def _fraction_text(ticks: int, digits: int) -> str:
    return f".{ticks % SECOND:07}".ljust(10, "0")[: digits + 1] if digits else ""


def _day_text(ticks: int) -> str:
    return date.fromordinal(ticks // DAY + 1).isoformat()


def date_text(value: int | Offset, type_: ColumnType, locale: int) -> str:
    """Return the text that a cast makes of a date or time.

    :param value: the value.
    :param type_: its type.
    :param locale: the LocaleID, for DT_DATE.
    :raises Fault: the text of DT_DATE in this locale is not known.
    """
    if isinstance(value, Offset):
        local = value.ticks + value.minutes * MINUTE
        sign = "-" if value.minutes < 0 else "+"
        hours, minutes = divmod(abs(value.minutes), 60)
        fraction = _fraction_text(local, type_.scale)
        return f"{_day_text(local)} {_clock_text(local)}{fraction} {sign}{hours:02}:{minutes:02}"
    match type_.code:
        case DataTypeCode.DT_DBDATE:
            return _day_text(value)
        case DataTypeCode.DT_DBTIME:
            return _clock_text(value)
        case DataTypeCode.DT_DBTIME2:
            return _clock_text(value) + _fraction_text(value, type_.scale)
        case DataTypeCode.DT_DBTIMESTAMP2:
            return f"{_day_text(value)} {_clock_text(value)}{_fraction_text(value, type_.scale)}"
        case DataTypeCode.DT_FILETIME:
            return f"{_day_text(value)} {_clock_text(value)}:{value % SECOND // MILLISECOND:03}"
        case DataTypeCode.DT_DATE:
            return _general_text(value, locale)
        case _:
            fraction = _fraction_text(value, 9) if value % SECOND else ""
            return f"{_day_text(value)} {_clock_text(value)}{fraction}"


def _general_text(ticks: int, locale: int) -> str:
    """Return the text of a DT_DATE as OLE Automation writes it: without midnight, and without its first day."""
    if locale != ENGLISH_US:
        reason = (
            f"The text of DT_DATE in locale {locale} is not supported: cast to DT_DBTIMESTAMP first, whose text is the "
            "same in each locale"
        )
        raise Fault(Code.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED, reason)
    day = date.fromordinal(ticks // DAY + 1)
    hour = ticks // HOUR % 24
    clock = f"{hour % 12 or 12}:{ticks // MINUTE % 60:02}:{ticks // SECOND % 60:02} {'PM' if hour >= 12 else 'AM'}"
    if ticks // DAY == OLE_EPOCH // DAY:
        return clock
    shown = f"{day.month}/{day.day}/{day.year}"
    return shown if ticks % DAY < SECOND else f"{shown} {clock}"


# -- date to date ------------------------------------------------------------------------------------------------------


def convert_date(value: int | Offset, source: ColumnType, target: ColumnType, today: int) -> int | Offset:
    """Convert between date and time types.

    :param value: the value.
    :param source: its type.
    :param target: the type of the result.
    :param today: the ticks of the current day, which a time gets that becomes a date.
    :raises Fault: the target has no such date.
    """
    offset = value.minutes if isinstance(value, Offset) else 0
    ticks = value.ticks if isinstance(value, Offset) else value
    if target.code in TIMES:
        ticks %= DAY
        return ticks - ticks % fraction_of(target)
    if source.code in TIMES:
        ticks += today
    if target.code is DataTypeCode.DT_DBTIMESTAMPOFFSET:
        ticks -= ticks % fraction_of(target)
        return Offset(check_range(ticks, target), offset)
    return check_range(ticks - ticks % fraction_of(target), target)


def is_date_or_time(code: DataTypeCode) -> bool:
    """Whether a type is a date or a time."""
    return code in DATES or code in TIMES
