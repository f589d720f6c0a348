"""FORMAT: the common .NET format strings for numbers and dates, culture en-US."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.values.date_styles import MONTHS, offset_text
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.number_text import WIDE, rounded

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_STANDARD_DATES: Final = {
    "d": "M/d/yyyy",
    "D": "dddd, MMMM d, yyyy",
    "f": "dddd, MMMM d, yyyy h:mm tt",
    "F": "dddd, MMMM d, yyyy h:mm:ss tt",
    "g": "M/d/yyyy h:mm tt",
    "G": "M/d/yyyy h:mm:ss tt",
    "m": "MMMM d",
    "M": "MMMM d",
    "s": "yyyy-MM-ddTHH:mm:ss",
    "t": "h:mm tt",
    "T": "h:mm:ss tt",
    "u": "yyyy-MM-dd HH:mm:ssZ",
    "y": "MMMM yyyy",
    "Y": "MMMM yyyy",
}
_DATE_TOKEN = re.compile(
    r"'[^']*'|\"[^\"]*\"|\\.|d{1,4}|M{1,4}|y{1,5}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|f{1,7}|F{1,7}|t{1,2}|z{1,3}"
)
_NUMBER = re.compile(r"([CcDdEeFfGgNnPpXx])(\d{0,2})")
_CUSTOM_NUMBER = re.compile(r"(?P<before>[^0#.,]*)(?P<whole>[0#,]+)(?:\.(?P<places>[0#]+))?(?P<after>[^0#.,]*)")


def format_value(value: Any, form: str, culture: str = "en-US") -> str:
    """``FORMAT(value, form, culture)``.

    :raises SqlError: 8116 for a value that is neither number nor date; 9818 for an unsupported culture or form.
    """
    if culture.lower() not in ("en-us", "en", ""):
        raise SqlError(9818, f"FORMAT supports only the culture en-US on this server, not {culture!r}.")
    if isinstance(value, dt.date):
        return _date(value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time()), form)
    if isinstance(value, dt.time):
        return _date(dt.datetime.combine(dt.date(1900, 1, 1), value), form)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        with localcontext(WIDE):
            return _number(Decimal(str(value)), form, whole=isinstance(value, int))
    raise SqlError(8116, "The first argument of FORMAT must be a number or a date.")


def _date(value: dt.datetime, form: str) -> str:
    if form in ("o", "O"):
        text = value.strftime("%Y-%m-%dT%H:%M:%S") + f".{value.microsecond:06}0"
        offset = value.utcoffset()
        return text + (offset_text(offset) if offset is not None else "")
    if len(form) == 1:
        try:
            form = _STANDARD_DATES[form]
        except KeyError:
            raise SqlError(9818, f"The form {form!r} of FORMAT is not supported for dates.") from None
    return _DATE_TOKEN.sub(lambda match: _date_part(value, match[0]), form)


def _date_part(value: dt.datetime, token: str) -> str:
    if token[0] in "'\"\\":
        return token[1:-1] if token[0] != "\\" else token[1]
    if token[0] in "fF":
        return f"{value.microsecond:06}0"[: len(token)]
    if token[0] == "z":
        offset = offset_text(value.utcoffset() or dt.timedelta(0))
        return offset if len(token) == 3 else offset[:3]
    return _DATE_PARTS[token](value)


_DATE_PARTS: Final[dict[str, Callable[[dt.datetime], str]]] = {
    "d": lambda value: str(value.day),
    "dd": lambda value: f"{value.day:02}",
    "ddd": lambda value: _DAYS[value.weekday()][:3],
    "dddd": lambda value: _DAYS[value.weekday()],
    "M": lambda value: str(value.month),
    "MM": lambda value: f"{value.month:02}",
    "MMM": lambda value: MONTHS[value.month - 1][:3],
    "MMMM": lambda value: MONTHS[value.month - 1],
    "y": lambda value: str(value.year % 100),
    "yy": lambda value: f"{value.year % 100:02}",
    "yyy": lambda value: f"{value.year:03}",
    "yyyy": lambda value: f"{value.year:04}",
    "yyyyy": lambda value: f"{value.year:05}",
    "H": lambda value: str(value.hour),
    "HH": lambda value: f"{value.hour:02}",
    "h": lambda value: str(value.hour % 12 or 12),
    "hh": lambda value: f"{value.hour % 12 or 12:02}",
    "m": lambda value: str(value.minute),
    "mm": lambda value: f"{value.minute:02}",
    "s": lambda value: str(value.second),
    "ss": lambda value: f"{value.second:02}",
    "t": lambda value: "A" if value.hour < 12 else "P",
    "tt": lambda value: "AM" if value.hour < 12 else "PM",
}


def _number(value: Decimal, form: str, *, whole: bool) -> str:
    standard = _NUMBER.fullmatch(form)
    if standard is not None:
        return _standard_number(value, standard[1].upper(), standard[2], whole=whole)
    custom = _CUSTOM_NUMBER.fullmatch(form)
    if custom is None:
        raise SqlError(9818, f"The form {form!r} of FORMAT is not supported for numbers.")
    return _custom_number(value, custom)


def _standard_number(value: Decimal, kind: str, digits: str, *, whole: bool) -> str:
    places = int(digits) if digits else 2
    match kind:
        case "N":
            return f"{rounded(value, places):,.{places}f}"
        case "F":
            return f"{rounded(value, places):.{places}f}"
        case "C":
            text = f"${abs(rounded(value, places)):,.{places}f}"
            return f"({text})" if value < 0 else text
        case "P":
            return f"{rounded(value * 100, places):,.{places}f}%"
        case "E":
            mantissa, exponent = f"{value:.{int(digits) if digits else 6}E}".split("E")
            return f"{mantissa}E{exponent[0]}{exponent[1:].zfill(3)}"
        case "D" if whole:
            return f"{'-' if value < 0 else ''}{abs(int(value)):0{int(digits or 0)}}"
        case "X" if whole and value >= 0:
            return f"{int(value):0{int(digits or 0)}X}"
        case "G" if not digits:
            return f"{value:f}"
        case _:
            raise SqlError(9818, f"The form {kind}{digits} of FORMAT is not supported for this number.")


def _custom_number(value: Decimal, form: re.Match[str]) -> str:
    places = form["places"] or ""
    number = rounded(abs(value) * (100 if "%" in form["after"] else 1), len(places))
    whole, _, fraction = f"{number:f}".partition(".")
    wanted = form["whole"].replace(",", "")
    whole = whole.lstrip("0")
    whole = whole.zfill(wanted.count("0"))
    if "," in form["whole"] and whole:
        whole = f"{int(whole):,}" if len(whole) > 3 else whole
    kept = len(places.rstrip("#"))
    fraction = fraction[:kept] + fraction[kept:].rstrip("0")
    sign = "-" if value < 0 and number else ""
    return f"{sign}{form['before']}{whole}{'.' + fraction if fraction else ''}{form['after']}"
