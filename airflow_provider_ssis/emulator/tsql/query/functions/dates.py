"""T-SQL's functions of date and time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from airflow_provider_ssis.emulator.datatypes import BIGINT, DATETIMEOFFSET, INT, SqlType
from airflow_provider_ssis.emulator.tsql.query.functions import session_values
from airflow_provider_ssis.emulator.tsql.query.functions.table import Function, Plain, taken
from airflow_provider_ssis.emulator.tsql.query.rules.conversions import coerced
from airflow_provider_ssis.emulator.tsql.values import date_parts, date_styles
from airflow_provider_ssis.emulator.tsql.values.arithmetic import overflow
from airflow_provider_ssis.emulator.tsql.values.conversion import try_convert, type_of
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.moments import narrowed, widened

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder
    from airflow_provider_ssis.emulator.tsql.query.typed import Typed

_DATETIME: Final = SqlType("datetime")
_DATE: Final = SqlType("date")
_FIRST_DAY: Final = "@@datefirst"
_INT_RANGE: Final = range(-(2**31), 2**31)


def _part(node: exp.Expr, function: str) -> str:
    """The date part that the first argument names: a bare word."""
    if not isinstance(node, exp.Column) or len(node.parts) != 1:
        raise SqlError(1023, f"The first argument of {function.upper()} must be the name of a date part.", severity=15)
    return date_parts.part_named(node.name, function)


def _dateadd(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    part = _part(nodes[0], "dateadd")
    if part in ("tzoffset", "iso_week"):
        raise SqlError(9810, f"The date part {part} is not supported by DATEADD.", severity=15)
    number = taken(binder, binder.value(nodes[1]), "int", "dateadd", 2)
    given = binder.value(nodes[2])
    literal = given.type.name not in ("date", "time", "datetime", "smalldatetime", "datetime2", "datetimeoffset")
    # A string or number in place of a date is a datetime.
    moment = coerced(binder, given, _DATETIME) if literal else given
    return binder.call(
        f"dateadd {part}",
        lambda count, value: date_parts.add(part, count, value, moment.type),
        [number, moment],
        moment.type,
    )


def _datediff(result: SqlType) -> Callable[[Binder, Sequence[exp.Expr]], Typed]:
    name = "datediff" if result == INT else "datediff_big"

    def rule(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
        part = _part(nodes[0], name)
        if part in ("tzoffset", "iso_week"):
            raise SqlError(9806, f"The date part {part} is not supported by {name.upper()}.", severity=15)
        moments = [
            taken(binder, binder.value(node), "moment", name, position)
            for position, node in enumerate(nodes[1:], start=2)
        ]

        def compute(start: Any, end: Any) -> int:
            count = date_parts.difference(part, start, end)
            if result == INT and count not in _INT_RANGE:
                raise SqlError(
                    535, "The result of DATEDIFF is out of the range of int. Use DATEDIFF_BIG or a larger date part."
                )
            return count

        return binder.call(f"{name} {part}", compute, moments, result)

    return rule


def _of_part(
    name: str, result: SqlType | None, compute: Callable[..., Any]
) -> Callable[[Binder, Sequence[exp.Expr]], Typed]:
    def rule(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
        part = _part(nodes[0], name)
        moment = taken(binder, binder.value(nodes[1]), "moment", name, 2)
        type_ = moment.type
        arguments = [moment]
        if part in date_parts.BY_FIRST_DAY:
            arguments.append(binder.session_value(_FIRST_DAY, session_values.GLOBALS[_FIRST_DAY]))
        return binder.call(
            f"{name} {part}",
            lambda value, *first_day: compute(part, value, type_, *first_day),
            arguments,
            result or type_,
        )

    return rule


def _same_part(part: str) -> Plain:
    return Plain(("moment",), INT, lambda value: date_parts.extract(part, value, SqlType("datetime2", scale=7)))


def _from_parts(*numbers: int) -> dt.datetime:
    year, month, day, hour, minute, second, microsecond = (*numbers, *[0] * (7 - len(numbers)))
    try:
        return dt.datetime(year, month, day, hour, minute, second, microsecond)
    except (ValueError, OverflowError):
        raise SqlError(289, "Cannot construct a date or time: an argument is out of range.") from None


def _fraction(fraction: int, precision: int) -> int:
    if not 0 <= precision <= 7 or fraction >= 10**precision:
        raise SqlError(289, "Cannot construct a date or time: the fraction does not fit the precision.")
    return int(fraction * 10 ** (6 - precision)) if precision <= 6 else fraction // 10


def _datetimefromparts(*numbers: int) -> dt.datetime:
    found: dt.datetime = narrowed(_from_parts(*numbers[:6], numbers[6] * 1000), _DATETIME)
    return found


def _smalldatetimefromparts(*numbers: int) -> dt.datetime:
    found: dt.datetime = narrowed(_from_parts(*numbers), _SMALLDATETIME)
    return found


def _datetime2fromparts(*numbers: int) -> dt.datetime:
    return _from_parts(*numbers[:6], _fraction(numbers[6], numbers[7]))


def _timefromparts(hour: int, minute: int, second: int, fraction: int, precision: int) -> dt.time:
    return _from_parts(1900, 1, 1, hour, minute, second, _fraction(fraction, precision)).time()


def _offset(value: Any) -> dt.timezone:
    if not isinstance(value, str | int | float | Decimal):
        raise SqlError(8116, "The offset of a time zone must be a string (+hh:mm) or a number of minutes.")
    try:
        offset = date_styles.parse_offset(value) if isinstance(value, str) else dt.timedelta(minutes=int(value))
        if abs(offset) > _LARGEST_OFFSET:
            raise OverflowError
        return dt.timezone(offset)
    except (ValueError, OverflowError):
        text = f"{value!r} is not the offset of a time zone: write it as +hh:mm up to 14:00, or as a number of minutes."
        raise SqlError(9812, text) from None


def _switchoffset(value: Any, zone: Any) -> dt.datetime:
    moment = widened(value)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    try:
        return aware.astimezone(_offset(zone))
    except OverflowError:
        raise overflow(DATETIMEOFFSET) from None


def _todatetimeoffset(value: Any, zone: Any) -> dt.datetime:
    return widened(value).replace(tzinfo=_offset(zone))


def _isdate(binder: Binder, nodes: Sequence[exp.Expr]) -> Typed:
    order = binder.compilation.date_order

    def is_date(value: Any) -> int:
        if isinstance(value, str) and not value.strip():
            return 0
        source = SqlType("varchar", length=8000) if isinstance(value, str) else type_of(value)
        return int(try_convert(value, source, _DATETIME, order=order) is not None)

    return binder.call(f"isdate {order}", is_date, binder.values(nodes), INT, strict=False)


def _clock(rule: Callable[[Binder], Typed]) -> Function:
    return Function(0, 0, lambda binder, nodes: rule(binder))


TAKE_DATE_PART: Final = frozenset({"dateadd", "datediff", "datediff_big", "datename", "datepart", "datetrunc"})
"""The functions whose first argument is the name of a date part, which only looks like a column."""

_LARGEST_OFFSET: Final = dt.timedelta(hours=14)
_SMALLDATETIME: Final = SqlType("smalldatetime")
_TIME7: Final = SqlType("time", scale=7)
_DATETIME2: Final = SqlType("datetime2", scale=7)

FUNCTIONS: Final[dict[str, Function]] = {
    "dateadd": Function(3, 3, _dateadd),
    "datediff": Function(3, 3, _datediff(INT)),
    "datediff_big": Function(3, 3, _datediff(BIGINT)),
    "datename": Function(2, 2, _of_part("datename", SqlType("nvarchar", length=30), date_parts.name)),
    "datepart": Function(2, 2, _of_part("datepart", INT, date_parts.extract)),
    "datetrunc": Function(2, 2, _of_part("datetrunc", None, date_parts.truncate)),
    "isdate": Function(1, 1, _isdate),
    "getdate": _clock(session_values.getdate),
    "getutcdate": _clock(session_values.getutcdate),
    "sysdatetime": _clock(session_values.sysdatetime),
    "sysutcdatetime": _clock(session_values.sysutcdatetime),
    **{
        name: plain.function(name)
        for name, plain in {
            "datefromparts": Plain(("int", "int", "int"), _DATE, lambda *numbers: _from_parts(*numbers).date()),
            "datetimefromparts": Plain(("int",) * 7, _DATETIME, _datetimefromparts),
            "datetime2fromparts": Plain(("int",) * 8, _DATETIME2, _datetime2fromparts),
            "day": _same_part("day"),
            "eomonth": Plain(("moment", "int"), _DATE, date_parts.end_of_month, least=1),
            "month": _same_part("month"),
            "smalldatetimefromparts": Plain(("int",) * 5, _SMALLDATETIME, _smalldatetimefromparts),
            "switchoffset": Plain(("moment", "any"), DATETIMEOFFSET, _switchoffset),
            "timefromparts": Plain(("int",) * 5, _TIME7, _timefromparts),
            "todatetimeoffset": Plain(("moment", "any"), DATETIMEOFFSET, _todatetimeoffset),
            "year": _same_part("year"),
        }.items()
    },
}
