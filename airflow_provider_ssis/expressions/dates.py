"""Dates and times as numbers of ticks, and their text.

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
_ORDER_OF_LOCALE = {
    ENGLISH_US: _MDY,
    127: _MDY,  # the invariant culture
    2057: "dmy",  # English (United Kingdom)
    3081: "dmy",  # English (Australia)
    1031: "dmy",  # German
    1036: "dmy",  # French
    1040: "dmy",  # Italian
    3082: "dmy",  # Spanish
    1043: "dmy",  # Dutch
    1045: "dmy",  # Polish
    1046: "dmy",  # Portuguese (Brazil)
    1049: "dmy",  # Russian
    1041: "ymd",  # Japanese
    2052: "ymd",  # Chinese
    1053: "ymd",  # Swedish
}


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
_TIME = re.compile(rf"{_TIME_TEXT}(?: *(?P<half>[AaPp][Mm]))?", re.ASCII)


def parse_date(text: str, type_: ColumnType, locale: int) -> int | Offset:
    """Return the value of a date's or time's text.

    ISO dates are read in each locale, other forms in the order of the locale's short dates. A date without a time is
    midnight. Fraction digits beyond the type's are cut.

    :param text: the text; blanks around it do not count.
    :param type_: a date or time type.
    :param locale: the LocaleID.
    :raises Fault: the text is no date, or the locale's dates are not known.
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
    order = _ORDER_OF_LOCALE.get(locale)
    if order is None:
        reason = (
            f"The text {text[:60]!r} needs the date format of locale {locale}, which is not supported: use yyyy-mm-dd"
        )
        raise Fault(Code.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED, reason)
    first, second, third = match["first"], match["second_number"], match["third"]
    if len(first) == 4 or order == "ymd":
        year, month, day = first, second, third
    else:
        year, (month, day) = third, (first, second) if order == _MDY else (second, first)
        if int(month) > 12:
            month, day = day, month
    if len(year) != 4:
        raise _not_a_date(text)
    return _date_ticks(int(year), int(month), int(day), text) + _time_ticks(match, text)


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
    if locale != ENGLISH_US:
        reason = (
            f"The text of DT_DATE in locale {locale} is not supported: cast to DT_DBTIMESTAMP first, whose text is the "
            "same in each locale"
        )
        raise Fault(Code.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED, reason)
    day = date.fromordinal(ticks // DAY + 1)
    hour = ticks // HOUR % 24
    clock = f"{hour % 12 or 12}:{ticks // MINUTE % 60:02}:{ticks // SECOND % 60:02}"
    return f"{day.month}/{day.day}/{day.year} {clock} {'PM' if hour >= 12 else 'AM'}"


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


# -- parts and arithmetic ----------------------------------------------------------------------------------------------

PARTS: dict[str, str] = {
    name: part
    for part, names in {
        "year": "year yy yyyy",
        "quarter": "quarter qq q",
        "month": "month mm m",
        "dayofyear": "dayofyear dy y",
        "day": "day dd d",
        "week": "week wk ww",
        "weekday": "weekday dw w",
        "hour": "hour hh",
        "minute": "minute mi n",
        "second": "second ss s",
        "millisecond": "millisecond ms",
    }.items()
    for name in names.split()
}
"""The names of date parts, in lower case."""

_STEPS = 300
"""The old OLE date clock has 300 steps a second."""


def clock_steps(ticks: int) -> int:
    """Round ticks to steps of the old OLE date clock, since 0001-01-01."""
    seconds, rest = divmod(ticks, SECOND)
    return seconds * _STEPS + (rest * _STEPS * 2 + SECOND) // (2 * SECOND)


def ticks_of_steps(steps: int) -> int:
    """The ticks of a number of steps of the old OLE date clock, in whole milliseconds that end in 0, 3 or 7."""
    seconds, rest = divmod(steps, _STEPS)
    return seconds * SECOND + (rest * 20 + 3) // 6 * MILLISECOND


def on_clock(ticks: int) -> int:
    """Round a date to the steps of the old OLE date clock."""
    return ticks_of_steps(clock_steps(ticks))


def date_part(part: str, ticks: int) -> int:
    """Return a part of a date.

    :param part: a value of :data:`PARTS`.
    :param ticks: the date.
    """
    ticks = min(on_clock(ticks), END - 1)
    if part in ("hour", "minute", "second", "millisecond"):
        return {
            "hour": ticks // HOUR % 24,
            "minute": ticks // MINUTE % 60,
            "second": ticks // SECOND % 60,
            "millisecond": ticks // MILLISECOND % 1000,
        }[part]
    day = date.fromordinal(ticks // DAY + 1)
    match part:
        case "year":
            return day.year
        case "quarter":
            return (day.month + 2) // 3
        case "month":
            return day.month
        case "day":
            return day.day
        case "weekday":
            return day.isoweekday() % 7 + 1
    day_of_year = day.timetuple().tm_yday
    if part == "dayofyear":
        return day_of_year
    first = date(day.year, 1, 1).isoweekday() % 7
    return (day_of_year - 1 + first) // 7 + 1


def add_to_date(part: str, number: int, ticks: int) -> int:
    """Add to a date; steps of months end on the last day of a shorter month.

    :param part: a value of :data:`PARTS`.
    :param number: how many of the part; negative numbers subtract.
    :param ticks: the date.
    :raises Fault: the result is not between the years 1 and 9999.
    """
    steps = clock_steps(ticks)
    months = {"year": 12, "quarter": 3, "month": 1}.get(part)
    if months:
        days, rest = divmod(steps, 86400 * _STEPS)
        steps = _add_months(days, number * months) * 86400 * _STEPS + rest
    elif part == "millisecond":
        steps += (abs(number) * 3 + 5) // 10 * (1 if number >= 0 else -1)
    else:
        length = {"week": 7 * DAY, "hour": HOUR, "minute": MINUTE, "second": SECOND}.get(part, DAY)
        steps += number * (length // SECOND * _STEPS)
    result = ticks_of_steps(steps)
    if not 0 <= result < END:
        raise _beyond()
    return result


def _beyond() -> Fault:
    return Fault(Code.DTS_E_EXPREVALFUNCTIONOVERFLOW, "The date is not between the years 1 and 9999")


def _add_months(days: int, months: int) -> int:
    if not 0 <= days < END // DAY:
        raise _beyond()
    day = date.fromordinal(days + 1)
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise _beyond()
    following = date(year + month // 11, (month + 1) % 12 + 1, 1) if (year, month) != (9999, 11) else None
    last = 31 if following is None else (following - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last)).toordinal() - 1


def date_difference(part: str, start: int, end: int) -> int:
    """Return how many boundaries of a part are between two dates; negative if the end is first.

    :param part: a value of :data:`PARTS`.
    :param start: the first date.
    :param end: the last date.
    """
    months = {"year": 12, "quarter": 3, "month": 1}.get(part)
    if months:
        return _months(end) // months - _months(start) // months
    if part == "week":
        # 0001-01-01 is a Monday, and weeks begin on Sunday.
        return (end // DAY + 1) // 7 - (start // DAY + 1) // 7
    length = {"hour": HOUR, "minute": MINUTE, "second": SECOND, "millisecond": MILLISECOND}.get(part, DAY)
    return end // length - start // length


def _months(ticks: int) -> int:
    day = date.fromordinal(ticks // DAY + 1)
    return day.year * 12 + day.month - 1


def is_date_or_time(code: DataTypeCode) -> bool:
    """Whether a type is a date or a time."""
    return code in DATES or code in TIMES
