"""Kernels of functions on dates. Dates are ticks of 100 ns since 0001-01-01."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import DATES
from airflow_provider_ssis.expressions import date_parts, dates
from airflow_provider_ssis.expressions.arrow.arithmetic import Kernel, numbers_of
from airflow_provider_ssis.expressions.arrow.vectors import Array, Vector, both_valid, marked
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.typed import Typed

_UNIX_DAYS = 719_162
"""The days from 0001-01-01 to 1970-01-01."""

_UNIX_YEAR = 1970
_STEPS = 300
_DAY_STEPS = 86_400 * _STEPS
_LENGTHS = {"hour": dates.HOUR, "minute": dates.MINUTE, "second": dates.SECOND, "millisecond": dates.MILLISECOND}
_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_LAST_STEP = 998 * dates.MILLISECOND
"""From here on, fractions of a second can be rounded up to the next second."""

_MOST = 4_000_000_000
"""No larger number can be added to a date, in any part but milliseconds."""


_ARROW_PARTS = {"year": pc.year, "quarter": pc.quarter, "month": pc.month, "day": pc.day}


def month_number(days: Any) -> Array:
    """The months since January of the year 0, of days since 0001-01-01."""
    months = (np.asarray(days) - _UNIX_DAYS).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    number: Array = months + _UNIX_YEAR * 12
    return number


def first_day(months: Any) -> Array:
    """The days since 0001-01-01 of the first day of a month, which counts from January of the year 0."""
    days = (np.asarray(months) - _UNIX_YEAR * 12).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    number: Array = days + _UNIX_DAYS
    return number


def _steps(ticks: Any) -> Array:
    seconds, rest = np.divmod(np.asarray(ticks), dates.SECOND)
    steps: Array = seconds * _STEPS + (rest * (_STEPS * 2) + dates.SECOND) // (2 * dates.SECOND)
    return steps


def _ticks_of_steps(steps: Any) -> Array:
    seconds, rest = np.divmod(steps, _STEPS)
    ticks: Array = seconds * dates.SECOND + (rest * 20 + 3) // 6 * dates.MILLISECOND
    return ticks


def _dates(vector: Vector) -> Array | None:
    """The ticks of dates; None of times, which need the clock, and of dates with an offset."""
    if vector.type.code not in DATES:
        return None
    ticks = numbers_of(vector)
    return None if ticks is None else np.asarray(ticks)


def date_part(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of DATEPART, YEAR, MONTH and DAY."""
    given = _dates(operands[-1])
    if given is None:
        return None
    name = operands[0].value if len(operands) > 1 else typed.operation.removeprefix("function ")
    part = date_parts.PARTS[name.lower()]
    ticks = given
    if part == "millisecond" or np.any(given % dates.SECOND >= _LAST_STEP):
        ticks = np.minimum(_ticks_of_steps(_steps(given)), dates.END - 1)
    if part in _LENGTHS:
        modulus = {"hour": 24, "millisecond": 1000}.get(part, 60)
        result = ticks // _LENGTHS[part] % modulus
    else:
        result = _day_part(part, ticks // dates.DAY)
    return Vector(typed.type, result.astype(np.int32), operands[-1].valid)


def _day_part(part: str, days: Array) -> Array:
    if part == "weekday":
        return (days + 1) % 7 + 1
    if part in _ARROW_PARTS:
        calendar_days = pa.array((days - _UNIX_DAYS).astype(np.int32)).cast(pa.date32())
        return np.asarray(_ARROW_PARTS[part](calendar_days))
    months = month_number(days)
    new_year = first_day(months // 12 * 12)
    if part == "dayofyear":
        return np.asarray(days - new_year + 1)
    return np.asarray((days - new_year + (new_year + 1) % 7) // 7 + 1)


def date_add(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of DATEADD."""
    part = date_parts.PARTS[operands[0].value.lower()]
    ticks = _dates(operands[2])
    number = numbers_of(operands[1])
    if ticks is None or number is None:
        return None
    number = np.asarray(number)
    if number.dtype == np.uint64 or (part != "millisecond" and np.any(np.abs(number.astype(np.int64)) > _MOST)):
        return None
    number = number.astype(np.int64)
    if part == "millisecond" and np.any(np.abs(number) > 2**60):
        return None
    steps = _steps(ticks)
    outside = np.zeros(np.broadcast_shapes(steps.shape, number.shape), dtype=np.bool_)
    if part in _MONTHS:
        days, rest = np.divmod(steps, _DAY_STEPS)
        days = np.clip(days, 0, dates.END // dates.DAY - 1)
        before = month_number(days)
        after = before + number * _MONTHS[part]
        outside = (after < 12) | (after >= 12 * 10_000)
        after = np.where(outside, 12, after)
        last = first_day(after + 1) - first_day(after)
        steps = (first_day(after) + np.minimum(days - first_day(before), last - 1)) * _DAY_STEPS + rest
    elif part == "millisecond":
        steps = steps + (np.abs(number) * 3 + 5) // 10 * np.where(number >= 0, 1, -1)
    else:
        length = {"week": 7 * dates.DAY}.get(part, _LENGTHS.get(part, dates.DAY))
        steps = steps + number * (length // dates.SECOND * _STEPS)
    end = dates.END // dates.SECOND * _STEPS
    outside = outside | (steps < 0) | (steps >= end)
    result = _ticks_of_steps(np.clip(steps, 0, end - 1))
    outside = outside | (result >= dates.END)
    valid = both_valid(operands)
    overflow = marked(outside, Code.DTS_E_EXPREVALFUNCTIONOVERFLOW, valid)
    return Vector(typed.type, np.broadcast_to(result, outside.shape), valid, overflow)


def date_difference(typed: Typed, operands: Sequence[Vector], rows: int) -> Vector | None:
    """The kernel of DATEDIFF."""
    part = date_parts.PARTS[operands[0].value.lower()]
    start, end = _dates(operands[1]), _dates(operands[2])
    if start is None or end is None:
        return None
    if part in _MONTHS:
        sides = [month_number(ticks // dates.DAY) // _MONTHS[part] for ticks in (start, end)]
    elif part == "week":
        sides = [(ticks // dates.DAY + 1) // 7 for ticks in (start, end)]
    else:
        sides = [ticks // _LENGTHS.get(part, dates.DAY) for ticks in (start, end)]
    result = sides[1] - sides[0]
    valid = both_valid(operands)
    beyond = (result < -(2**31)) | (result >= 2**31)
    overflow = marked(beyond, Code.DTS_E_EXPREVALFUNCTIONOVERFLOW, valid)
    return Vector(typed.type, result.astype(np.int32), valid, overflow)


KERNELS: dict[str, Kernel] = {
    "function DATEPART": date_part,
    "function YEAR": date_part,
    "function MONTH": date_part,
    "function DAY": date_part,
    "function DATEADD": date_add,
    "function DATEDIFF": date_difference,
}
