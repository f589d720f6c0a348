"""Values as dates and times."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.values import date_styles, moments
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import family

_TO_UTC: Final = 1
"""The style that converts a datetimeoffset to UTC; every other style drops the offset."""


def to_moment(value: Any, source: SqlType, target: SqlType, style: int | None, order: str) -> Any:
    """A value as a date or a time.

    :param order: SET DATEFORMAT.
    """
    match family(source):
        case "string":
            parsed = _moment_from_text(value, source, target, style, order)
        case "number":
            parsed = moments.from_days_since_1900(value, target)
        case "binary":
            parsed = moments.from_datetime_bytes(value)
        case _:
            parsed = moments.widened(value)
            if source.name == "datetime" and family(target) == "moment":
                parsed = moments.of_ticks(parsed)
            if style == _TO_UTC and parsed.tzinfo is not None and target.name != "datetimeoffset":
                parsed = _in_utc(parsed, target)
    return moments.narrowed(parsed, target)


def _in_utc(value: dt.datetime, target: SqlType) -> dt.datetime:
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise SqlError(242, f"The time in UTC is out of the range of {target.name}.") from None


def _moment_from_text(text: str, source: SqlType, target: SqlType, style: int | None, order: str) -> dt.datetime:
    failed = SqlError(
        295 if target.name == "smalldatetime" else 241,
        f"Conversion failed: a {source.name} value cannot be read as {target.name}.",
    )
    date_styles.check_style(style, f"{source.name} to {target.name}")
    try:
        moment = date_styles.parse(text, style, order, is_old=family(target) == "datetime")
        local = moment.local()
        if moment.rounds_up and target.scale == date_styles.KEPT_DIGITS:
            local += dt.timedelta(microseconds=1)
    except date_styles.OutOfCalendarError:
        if family(target) != "datetime":
            raise failed from None
        text = f"Conversion failed: a {source.name} value is out of the range of {target.name}."
        raise SqlError(242, text, state=3) from None
    except (ValueError, OverflowError):
        raise failed from None
    if family(target) == "datetime":
        if moment.fraction_digits > 3 or (moment.offset is not None and not moment.iso_utc):
            raise failed
        return local
    return local.replace(tzinfo=dt.timezone(moment.offset)) if moment.offset is not None else local
