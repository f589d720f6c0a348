"""DATEADD, DATEDIFF, DATEPART, DATENAME, DATETRUNC on Python values."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.values.date_styles import MONTHS, offset_text
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.moments import narrowed, widened

_NAMES: Final = {
    "year": ("year", "yy", "yyyy"),
    "quarter": ("quarter", "qq", "q"),
    "month": ("month", "mm", "m"),
    "dayofyear": ("dayofyear", "dy", "y"),
    "day": ("day", "dd", "d"),
    "week": ("week", "wk", "ww"),
    "weekday": ("weekday", "dw", "w"),
    "hour": ("hour", "hh"),
    "minute": ("minute", "mi", "n"),
    "second": ("second", "ss", "s"),
    "millisecond": ("millisecond", "ms"),
    "microsecond": ("microsecond", "mcs"),
    "nanosecond": ("nanosecond", "ns"),
    "tzoffset": ("tzoffset", "tz"),
    "iso_week": ("iso_week", "isowk", "isoww"),
}
_PARTS: Final = {alias: part for part, aliases in _NAMES.items() for alias in aliases}
_MICROSECONDS: Final = {
    "week": 604_800_000_000,
    "weekday": 86_400_000_000,
    "dayofyear": 86_400_000_000,
    "day": 86_400_000_000,
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1000,
    "microsecond": 1,
}
_MONTHS_OF: Final = {"year": 12, "quarter": 3, "month": 1}
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST_DAY: Final = dt.datetime(1, 1, 1)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
SUNDAY: Final = 7
"""SET DATEFIRST as it is for us_english."""
BY_FIRST_DAY: Final = frozenset({"week", "weekday"})
"""The parts that depend on SET DATEFIRST."""
_TIME_ONLY: Final = frozenset({"hour", "minute", "second", "millisecond", "microsecond", "nanosecond"})


def part_named(word: str, function: str) -> str:
    """The date part that a word such as ``dd`` or ``DAY`` names.

    :raises SqlError: 155.
    """
    try:
        return _PARTS[word.lower()]
    except KeyError:
        raise SqlError(155, f"{word!r} is not a recognized {function.lower()} option.", severity=15) from None


def add(part: str, number: int, value: Any, type: SqlType) -> Any:  # noqa: A002 - the field's own word
    """``DATEADD``: a value of the same type.

    :raises SqlError: 517 (beyond the calendar), 9810 (the type has no such part).
    """
    _check(part, type)
    moment = widened(value)
    try:
        if part in _MONTHS_OF:
            moved = _add_months(moment, number * _MONTHS_OF[part])
        elif part == "nanosecond":
            moved = moment + round(number / 1000) * _MICROSECOND
        else:
            moved = moment + number * _MICROSECONDS[part] * _MICROSECOND
        return narrowed(moved, type)
    except (OverflowError, ValueError):
        raise SqlError(517, f"Adding to a {type.name} value caused an overflow of the calendar.") from None


def difference(part: str, start: Any, end: Any) -> int:
    """``DATEDIFF``: how many boundaries of the part lie between, in the calendar of UTC for values with an offset."""
    one, other = _utc(start), _utc(end)
    if part in _MONTHS_OF:
        return _month_number(other) // _MONTHS_OF[part] - _month_number(one) // _MONTHS_OF[part]
    if part == "week":
        return _sundays(other) - _sundays(one)
    if part == "nanosecond":
        return ((other - one) // _MICROSECOND) * 1000
    size = _MICROSECONDS[part]
    return _count(other) // size - _count(one) // size


def extract(part: str, value: Any, type: SqlType, first_day: int = SUNDAY) -> int:  # noqa: A002 - the field's own word
    """``DATEPART``.

    :param first_day: of a week, from Monday (1) to Sunday (7).
    :raises SqlError: 9810, the type has no such part.
    """
    _check(part, type)
    moment = widened(value)
    match part:
        case "quarter":
            return (moment.month + 2) // 3
        case "dayofyear":
            return moment.timetuple().tm_yday
        case "week":
            before = _since_first_day(dt.date(moment.year, 1, 1), first_day)
            return (moment.timetuple().tm_yday + before - 1) // 7 + 1
        case "weekday":
            return _since_first_day(moment, first_day) + 1
        case "iso_week":
            return moment.isocalendar().week
        case "millisecond":
            return moment.microsecond // 1000
        case "nanosecond":
            return moment.microsecond * 1000
        case "tzoffset":
            return (moment.utcoffset() or dt.timedelta(0)) // dt.timedelta(minutes=1)
        case _:
            return int(getattr(moment, part))


def _since_first_day(day: dt.date, first_day: int) -> int:
    """How many days of its week are before a day."""
    return (day.isoweekday() - first_day) % 7


def name(part: str, value: Any, type: SqlType, first_day: int = SUNDAY) -> str:  # noqa: A002 - the field's own word
    """``DATENAME``; ``first_day`` as in :func:`extract`."""
    moment = widened(value)
    if part == "month":
        return MONTHS[moment.month - 1]
    if part == "weekday":
        return _DAYS[moment.weekday()]
    if part == "tzoffset":
        return offset_text(moment.utcoffset() or dt.timedelta(0))
    return str(extract(part, value, type, first_day))


def truncate(part: str, value: Any, type: SqlType, first_day: int = SUNDAY) -> Any:  # noqa: A002 - the field's own word
    """``DATETRUNC``: the beginning of the part; ``first_day`` as in :func:`extract`."""
    _check(part, type)
    moment = widened(value)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match part:
        case "year":
            start = midnight.replace(month=1, day=1)
        case "quarter":
            start = midnight.replace(month=(moment.month - 1) // 3 * 3 + 1, day=1)
        case "month":
            start = midnight.replace(day=1)
        case "week":
            start = midnight - dt.timedelta(days=_since_first_day(moment, first_day))
        case "iso_week":
            start = midnight - dt.timedelta(days=moment.weekday())
        case "day" | "dayofyear":
            start = midnight
        case "hour" | "minute" | "second" | "millisecond" | "microsecond":
            start = midnight + (moment - midnight) // (_MICROSECONDS[part] * _MICROSECOND) * (
                _MICROSECONDS[part] * _MICROSECOND
            )
        case _:
            raise SqlError(155, f"{part!r} is not a recognized datetrunc option.", severity=15)
    return narrowed(start, type)


def end_of_month(value: Any, months: int = 0) -> dt.date:
    """``EOMONTH``."""
    try:
        first = _add_months(widened(value).replace(day=1), months)
    except OverflowError:
        raise SqlError(517, "EOMONTH caused an overflow of the calendar.") from None
    return first.date().replace(day=calendar.monthrange(first.year, first.month)[1])


def _check(part: str, type: SqlType) -> None:  # noqa: A002 - the field's own word
    if (type.name == "date" and part in _TIME_ONLY) or (type.name == "time" and part not in _TIME_ONLY):
        raise SqlError(9810, f"The date part {part} is not supported for the data type {type.name}.")
    if part == "tzoffset" and type.name not in ("datetimeoffset", "datetime2"):
        raise SqlError(9810, f"The date part {part} is not supported for the data type {type.name}.")


def _add_months(moment: dt.datetime, months: int) -> dt.datetime:
    number = _month_number(moment) + months
    year, month = divmod(number, 12)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        raise OverflowError("beyond the calendar")
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _month_number(moment: dt.datetime) -> int:
    return moment.year * 12 + moment.month - 1


def _utc(value: Any) -> dt.datetime:
    moment = widened(value)
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo is not None else moment


def _count(moment: dt.datetime) -> int:
    return (moment - _FIRST_DAY) // _MICROSECOND


def _sundays(moment: dt.datetime) -> int:
    # Day 1 of the calendar is a Monday: the first Sunday is day 7.
    return moment.toordinal() // 7
