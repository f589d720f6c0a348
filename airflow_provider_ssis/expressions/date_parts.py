"""The parts of dates, and arithmetic with them: the functions DATEPART, DATEADD and DATEDIFF, on ticks."""

from __future__ import annotations

from datetime import date, timedelta

from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.dates import DAY, END, HOUR, MILLISECOND, MINUTE, SECOND
from airflow_provider_ssis.expressions.errors import Fault

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
