"""Dates and times as text: the styles of CONVERT, and the forms that SQL Server reads.

Facts from "CAST and CONVERT (Transact-SQL)", section "Date and time styles". Month names are
those of the language us_english.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

MDY: Final = "mdy"
DMY: Final = "dmy"
YMD: Final = "ymd"
DATE_ORDERS: Final = (MDY, DMY, YMD)
"""The orders of month, day and year in a text."""

_TIME_24: Final = "HH:mi:ss"
_TIME_24_FRACTION: Final = "HH:mi:ss.f"
_TIME_24_COLON_FRACTION: Final = "HH:mi:ss:f"

# Date part, separator, time part.
_STYLES: Final[dict[int, tuple[str, str, str]]] = {
    1: ("mm/dd/yy", "", ""),
    2: ("yy.mm.dd", "", ""),
    3: ("dd/mm/yy", "", ""),
    4: ("dd.mm.yy", "", ""),
    5: ("dd-mm-yy", "", ""),
    6: ("dd mon yy", "", ""),
    7: ("mon dd, yy", "", ""),
    10: ("mm-dd-yy", "", ""),
    11: ("yy/mm/dd", "", ""),
    12: ("yymmdd", "", ""),
    22: ("mm/dd/yy", " ", "hh:mi:ss AM"),
    23: ("yyyy-mm-dd", "", ""),
    101: ("mm/dd/yyyy", "", ""),
    102: ("yyyy.mm.dd", "", ""),
    103: ("dd/mm/yyyy", "", ""),
    104: ("dd.mm.yyyy", "", ""),
    105: ("dd-mm-yyyy", "", ""),
    106: ("dd mon yyyy", "", ""),
    107: ("mon dd, yyyy", "", ""),
    110: ("mm-dd-yyyy", "", ""),
    111: ("yyyy/mm/dd", "", ""),
    112: ("yyyymmdd", "", ""),
    126: ("yyyy-mm-dd", "T", "HH:mi:ss.?"),
    127: ("yyyy-mm-dd", "T", "HH:mi:ss.?"),
    **dict.fromkeys((0, 100), ("mon _d yyyy", " ", "hh:miAM")),
    **dict.fromkeys((8, 24, 108), ("", "", _TIME_24)),
    **dict.fromkeys((9, 109), ("mon _d yyyy", " ", "hh:mi:ss:fAM")),
    **dict.fromkeys((13, 113), ("dd mon yyyy", " ", _TIME_24_COLON_FRACTION)),
    **dict.fromkeys((14, 114), ("", "", _TIME_24_COLON_FRACTION)),
    **dict.fromkeys((20, 120), ("yyyy-mm-dd", " ", _TIME_24)),
    **dict.fromkeys((21, 25, 121), ("yyyy-mm-dd", " ", _TIME_24_FRACTION)),
}
_DAY_FIRST: Final = frozenset({3, 4, 5, 103, 104, 105})
_STYLES_OF_SESSION: Final = (None, 0, 100)
"""The styles with which SET DATEFORMAT decides."""
_SHORT_YEAR: Final = 2
_ISO_UTC_STYLE: Final = 127
_DEFAULT_OF_NEW_TYPES: Final = 121
_HIJRI: Final = frozenset({130, 131})
"""Styles of CONVERT with another calendar."""
_OLD_TYPES: Final = ("datetime", "smalldatetime")
_TOKEN = re.compile(r"yyyy|yy|mon|mm|dd|_d|HH|hh|mi|ss|[.:]f|\.\?|AM")

_LATEST_TWO_DIGIT_YEAR: Final = 49
_EMPTY_DATE: Final = dt.date(1900, 1, 1)
KEPT_DIGITS: Final = 6
"""The digits of a fraction of seconds that values keep."""
_OFFSET_LIMIT: Final = dt.timedelta(hours=14)


def check_style(style: int | None, conversion: str) -> None:
    """Check that CONVERT has a style for dates and times.

    :param conversion: the source and target types, for the error: ``varchar to date``.
    :raises SqlError: 281, there is no such style; 40514, the style is not supported.
    """
    if style in _HIJRI:
        raise not_supported(f"The style {style} (the Hijri calendar)")
    if style is not None and style not in _STYLES:
        raise SqlError(281, f"{style} is not a valid style for converting {conversion}.")


def render(value: dt.date | dt.time, type: SqlType, style: int | None) -> str:  # noqa: A002 - the field's own word
    """A date or time as text.

    :param style: the style of CONVERT. None, for CAST, is 0 for datetime and smalldatetime and 121 for other types.
    :raises ValueError: the style is unknown, or has no part that the type has.
    """
    if style is None:
        style = 0 if type.name in _OLD_TYPES else _DEFAULT_OF_NEW_TYPES
    date_form, between, time_form = _STYLES[style]
    date, time, offset = _parts(value)
    if style == _ISO_UTC_STYLE and offset is not None and isinstance(value, dt.datetime):
        date, time, _ = _parts(value.astimezone(dt.UTC))
    date_text = _write(date_form, date, time, type) if type.name != "time" else ""
    time_text = _write(time_form, date, time, type) if type.name != "date" else ""
    if not date_text and not time_text:
        raise ValueError(f"style {style} shows no part of a {type.name}")
    text = date_text + (between if date_text and time_text else "") + time_text
    if offset is not None and date_text and time_text:
        text += "Z" if style == _ISO_UTC_STYLE else (" " if between == " " else "") + offset_text(offset)
    return text


def offset_text(offset: dt.timedelta) -> str:
    """An offset as ``+02:00``."""
    minutes = offset // dt.timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def parse_offset(text: str) -> dt.timedelta:
    """The offset that text such as ``+02:00`` or ``Z`` names.

    :raises ValueError: it names none, or one beyond 14 hours.
    """
    if text.upper() == "Z":
        return dt.timedelta(0)
    match = re.fullmatch(r"([+-])(\d{1,2}):(\d{2})", text.strip())
    if match is None:
        raise ValueError(f"not an offset: {text!r}")
    offset = dt.timedelta(hours=int(match[2]), minutes=int(match[3]))
    if int(match[3]) >= 60 or offset > _OFFSET_LIMIT:
        raise ValueError(f"not an offset: {text!r}")
    return -offset if match[1] == "-" else offset


@dataclass(frozen=True, slots=True)
class Moment:
    """The parts of date and time in a text; a missing part is None."""

    date: dt.date | None
    time: dt.time | None
    offset: dt.timedelta | None = None
    fraction_digits: int = 0
    rounds_up: bool = False
    """Whether the seventh digit of the fraction, which the time does not keep, is 5 or more."""
    iso_utc: bool = False
    """Written as ISO 8601 has it, with a Z: the one form of an offset that the older types take."""

    def local(self) -> dt.datetime:
        """Date and time without the offset; a missing date is 1900-01-01, a missing time midnight."""
        return dt.datetime.combine(self.date or _EMPTY_DATE, self.time or dt.time())


def parse(text: str, style: int | None = None, order: str = MDY, *, is_old: bool = False) -> Moment:
    """Read a date, a time or both.

    :param style: the style of CONVERT; it matters where day and month could be confused.
    :param order: SET DATEFORMAT, one of :data:`DATE_ORDERS`; it applies where no style says otherwise.
    :param is_old: whether it becomes a datetime or smalldatetime, which read 2024-01-02 as year, day and month where
        the day comes before the month.
    :raises OutOfCalendarError: the text names no day of the calendar, or no time of a day.
    :raises ValueError: it is none of the forms that are read.
    """
    rest = text.strip()
    if not rest:
        return Moment(None, None)
    match = _MOMENT.fullmatch(rest)
    if match is None:
        raise ValueError(f"not a date or time: {text!r}")
    if style in _DAY_FIRST:
        order = DMY
    elif style not in _STYLES_OF_SESSION:
        order = MDY
    date = _date(match, order, is_old=is_old) if match["date"] else None
    time = _time(match) if match["clock"] else None
    fraction = match["fraction"] or ""
    offset = parse_offset(match["offset"]) if match["offset"] else None
    rounds_up = len(fraction) > KEPT_DIGITS and fraction[KEPT_DIGITS] >= "5"
    return Moment(date, time, offset, len(fraction), rounds_up, iso_utc=_ISO_UTC.fullmatch(rest) is not None)


_ISO_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?Z", re.IGNORECASE)
_MONTH = r"(?P<month{0}>[A-Za-z]{{3,9}})"
_MOMENT = re.compile(
    r"(?P<date>"
    r"(?P<y1>\d{4})[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})"
    r"|(?P<y2>\d{4})(?P<m2>\d{2})(?P<d2>\d{2})"
    r"|(?P<y6>\d{2})(?P<m6>\d{2})(?P<d6>\d{2})"
    r"|(?P<year>\d{4})"
    r"|(?P<a3>\d{1,2})[-/.](?P<b3>\d{1,2})[-/.](?P<y3>\d{4}|\d{2})"
    rf"|{_MONTH.format(4)}\s+(?P<d4>\d{{1,2}})\s*,?\s+(?P<y4>\d{{4}}|\d{{2}})"
    rf"|(?P<d5>\d{{1,2}})[\s-]*{_MONTH.format(5)}[\s,-]*(?P<y5>\d{{4}}|\d{{2}})"
    r")?"
    r"(?:(?:(?<=\d)(?:(?P<iso>T)|\s+)|^)"
    r"(?P<clock>(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.:](?P<fraction>\d{1,7}))?)?)?"
    r"(?P<half>\s*[AaPp][Mm])?))?"
    r"\s*(?P<offset>Z|[+-]\d{1,2}:\d{2})?",
    re.IGNORECASE,
)


class OutOfCalendarError(ValueError):
    """A text has the form of a date or time, and names none."""


def _day(year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError as error:
        raise OutOfCalendarError(str(error)) from None


def _date(match: re.Match[str], order: str, *, is_old: bool) -> dt.date:
    if match["y1"] and is_old and order == DMY and not match["iso"]:
        return _day(int(match["y1"]), int(match["d1"]), int(match["m1"]))
    if match["year"]:
        return _day(int(match["year"]), 1, 1)
    for form in "126":
        if match[f"y{form}"]:
            return _day(_year(match[f"y{form}"]), int(match[f"m{form}"]), int(match[f"d{form}"]))
    for form in "45":
        if match[f"y{form}"]:
            return _day(_year(match[f"y{form}"]), _month(match[f"month{form}"]), int(match[f"d{form}"]))
    first, second, third = match["a3"], match["b3"], match["y3"]
    if order == YMD and len(third) <= _SHORT_YEAR:
        return _day(_year(first), int(second), int(third))
    day, month = (first, second) if order == DMY else (second, first)
    return _day(_year(third), int(month), int(day))


def _time(match: re.Match[str]) -> dt.time:
    half = (match["half"] or "").strip().upper()
    if not half and match["minute"] is None:
        raise ValueError("an hour alone needs AM or PM")
    hour = int(match["hour"])
    if half:
        if not 0 <= hour <= 12:
            raise OutOfCalendarError("an hour before AM or PM is at most 12")
        hour = hour % 12 + (12 if half == "PM" else 0)
    # A seventh digit is cut off, as on the wire: rounding up would leave the day, or the calendar.
    microseconds = int((match["fraction"] or "")[:KEPT_DIGITS].ljust(KEPT_DIGITS, "0"))
    try:
        return dt.time(hour, int(match["minute"] or 0), int(match["second"] or 0), microseconds)
    except ValueError as error:
        raise OutOfCalendarError(str(error)) from None


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:
        return year
    return year + (2000 if year <= _LATEST_TWO_DIGIT_YEAR else 1900)


def _month(name: str) -> int:
    for number, month in enumerate(MONTHS, start=1):
        if name.lower() in (month.lower(), month[:3].lower()):
            return number
    raise ValueError(f"not a month: {name!r}")


def _parts(value: dt.date | dt.time) -> tuple[dt.date, dt.time, dt.timedelta | None]:
    if isinstance(value, dt.datetime):
        return value.date(), value.time(), value.utcoffset()
    if isinstance(value, dt.time):
        return _EMPTY_DATE, value, None
    return value, dt.time(), None


def _write(form: str, date: dt.date, time: dt.time, type: SqlType) -> str:  # noqa: A002 - the field's own word
    def token(match: re.Match[str]) -> str:
        match match[0]:
            case "yyyy":
                return f"{date.year:04}"
            case "yy":
                return f"{date.year % 100:02}"
            case "mon":
                return MONTHS[date.month - 1][:3]
            case "mm":
                return f"{date.month:02}"
            case "dd":
                return f"{date.day:02}"
            case "_d":
                return f"{date.day:2}"
            case "HH":
                return f"{time.hour:02}"
            case "hh":
                return f"{time.hour % 12 or 12:{1 if type.name == 'time' else 2}}"
            case "mi":
                return f"{time.minute:02}"
            case "ss":
                return f"{time.second:02}"
            case "AM":
                return "AM" if time.hour < 12 else "PM"
            case ".?":
                digits = fraction_text(time, type)
                return f".{digits}" if digits and (time.microsecond or type.name not in _OLD_TYPES) else ""
            case fraction:
                digits = fraction_text(time, type)
                separator = fraction[0] if type.name in _OLD_TYPES else "."
                return f"{separator}{digits}" if digits else ""

    return _TOKEN.sub(token, form)


def fraction_text(time: dt.time, type: SqlType) -> str:  # noqa: A002 - the field's own word
    """The fractional digits of seconds that a type shows."""
    if type.name == "datetime":
        return f"{time.microsecond // 1000:03}"
    if type.name == "smalldatetime":
        return "000"
    scale = type.scale or 0
    return f"{time.microsecond:06}0"[:scale]
