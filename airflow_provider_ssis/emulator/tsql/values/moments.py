"""Dates and times from one type to another: rounding, ranges, and conversion from numbers and bytes."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_EPOCH: Final = dt.datetime(1900, 1, 1)
_DAY: Final = dt.timedelta(days=1)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_TICKS: Final = 300
"""A datetime counts in three-hundredths of a second."""
_LONGEST_YEAR: Final = 366
_EARLIEST_DATETIME_YEAR: Final = 1753
_SMALLDATETIME_YEARS: Final = range(1900, 2080)


def widened(value: dt.date | dt.time) -> dt.datetime:
    """Any date or time as date and time; a missing part is 1900-01-01 or midnight."""
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.time):
        return dt.datetime.combine(_EPOCH.date(), value)
    return dt.datetime.combine(value, dt.time())


def narrowed(value: dt.datetime, target: SqlType) -> Any:
    """Date and time as a type holds it, rounded to its fraction.

    :raises SqlError: 242, the type does not reach there.
    """
    try:
        match target.name:
            case "datetimeoffset":
                aware = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
                return _to_scale(aware, target.scale)
            case "date":
                return value.date()
            case "time":
                return _to_scale(value.replace(tzinfo=None), target.scale).time()
            case "datetime2":
                return _to_scale(value.replace(tzinfo=None), target.scale)
            case "datetime":
                return _in_years(to_ticks(value.replace(tzinfo=None)), range(_EARLIEST_DATETIME_YEAR, 10000), target)
            case _:
                return _in_years(_to_minutes(value.replace(tzinfo=None)), _SMALLDATETIME_YEARS, target)
    except OverflowError:
        raise _out_of_range(target) from None


def to_ticks(value: dt.datetime) -> dt.datetime:
    """The nearest datetime: it ends in 0, 3 or 7 milliseconds."""
    midnight = value.replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = (((value - midnight) // _MICROSECOND) * _TICKS + 500_000) // 1_000_000
    milliseconds = (ticks * 1000 * 2 + _TICKS) // (_TICKS * 2)
    return midnight + dt.timedelta(milliseconds=milliseconds)


def of_ticks(value: dt.datetime) -> dt.datetime:
    """A datetime as the newer types hold it: its three-hundredths of a second are exact, so .003 is .003333."""
    ticks = (value.microsecond // 1000 * _TICKS + 500) // 1000
    return value.replace(microsecond=(ticks * 2_000_000 + _TICKS) // (_TICKS * 2))


def days_since_1900(value: dt.datetime) -> Decimal:
    """A datetime as the number that CAST gives: days, with the time as the fraction."""
    return Decimal((value - _EPOCH) // _MICROSECOND) / Decimal(_DAY // _MICROSECOND)


def from_days_since_1900(value: Any, target: SqlType) -> dt.datetime:
    """The datetime that a number of days since 1900 names.

    :raises SqlError: 8115, there is no such day.
    """
    beyond = SqlError(8115, f"Arithmetic overflow: the number is out of the range of {target.name}.")
    days = Decimal(str(int(value) if isinstance(value, bool) else value))
    if abs(days) > dt.MAXYEAR * _LONGEST_YEAR:
        raise beyond
    try:
        return _EPOCH + int(round_half_up(days * (_DAY // _MICROSECOND))) * _MICROSECOND
    except OverflowError:
        raise beyond from None


def datetime_bytes(value: dt.datetime) -> bytes:
    """A datetime as its eight bytes: days since 1900, ticks since midnight."""
    since = value - _EPOCH
    ticks = ((since % _DAY) // _MICROSECOND * _TICKS + 500_000) // 1_000_000
    return (since // _DAY).to_bytes(4, "big", signed=True) + ticks.to_bytes(4, "big")


def from_datetime_bytes(value: bytes) -> dt.datetime:
    """The datetime of eight bytes.

    :raises SqlError: 241, they name none.
    """
    data = value[-8:].rjust(8, b"\0")
    ticks = int.from_bytes(data[4:], "big")
    try:
        return _EPOCH + dt.timedelta(
            days=int.from_bytes(data[:4], "big", signed=True), milliseconds=(ticks * 1000 * 2 + _TICKS) // (_TICKS * 2)
        )
    except OverflowError:
        raise SqlError(241, "Conversion failed: the bytes are not a valid datetime.") from None


def round_half_up(value: Any) -> Decimal:
    """The nearest whole number; halves go away from zero."""
    exact: Decimal = value if isinstance(value, Decimal) else Decimal(repr(value))
    return exact.quantize(Decimal(1), rounding=ROUND_HALF_UP)


def _to_scale(value: dt.datetime, scale: int | None) -> dt.datetime:
    if scale is None or scale >= 6:
        return value
    step: int = 10 ** (6 - scale)
    over = value.microsecond % step
    return value + (step - over if over * 2 >= step else -over) * _MICROSECOND


def _to_minutes(value: dt.datetime) -> dt.datetime:
    minute = value.replace(second=0, microsecond=0)
    return minute + dt.timedelta(minutes=1) if value - minute > dt.timedelta(seconds=29, milliseconds=998) else minute


def _in_years(value: dt.datetime, years: range, target: SqlType) -> dt.datetime:
    if value.year not in years:
        raise _out_of_range(target)
    return value


def _out_of_range(target: SqlType) -> SqlError:
    return SqlError(242, f"The value is out of the range of {target.name}.")
