"""Casts: which exist, and what they do with values."""

from __future__ import annotations

import math
import re
import struct
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from airflow_provider_ssis.datatypes import (
    DECIMALS,
    INTEGER_RANGES,
    INTEGERS,
    NUMBERS,
    REALS,
    STRINGS,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.expressions import dates
from airflow_provider_ssis.expressions.codes import ExpressionCode as Code
from airflow_provider_ssis.expressions.errors import Fault
from airflow_provider_ssis.expressions.locales import LOCALES
from airflow_provider_ssis.expressions.settings import Settings
from airflow_provider_ssis.expressions.text import codec, encoded_length, join_units, split_units, units

Value = Any
"""int, float, Decimal, bool, str, bytes, UUID, ticks (int) of dates and times, or Offset; never None."""

Converter = Callable[[Value], Value]

_T = DataTypeCode
_EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN, Emax=9999, Emin=-9999)

_COLUMNS = (
    "I1 I2 I4 R4 R8 CY DATE BOOL NUMERIC DECIMAL UI1 UI2 UI4 I8 UI8 GUID BYTES STR WSTR DBDATE DBTIME DBTIME2 "
    "DBTIMESTAMP DBTIMESTAMP2 DBTIMESTAMPOFFSET FILETIME IMAGE TEXT NTEXT"
).split()
_SMALL = "I1 I2 I4 R4 R8 CY BOOL NUMERIC DECIMAL UI1 UI2 UI4 I8 UI8"
_STORED = "DATE DBDATE DBTIME DBTIMESTAMP"
_CALENDAR = "DATE DBDATE DBTIME DBTIME2 DBTIMESTAMP DBTIMESTAMP2 DBTIMESTAMPOFFSET"

# Source: the diagram on Microsoft's page on the cast operator. The page's examples and packages also cast between text
# and the three types with a scale, which the diagram lacks.
_LEGAL_TEXT = {
    "I1 I2 R4 R8 UI1 UI2": f"{_SMALL} {_STORED} STR WSTR",
    "I4 UI4": f"{_SMALL} {_STORED} BYTES STR WSTR",
    "CY BOOL NUMERIC": f"{_SMALL} STR WSTR",
    "BOOL NUMERIC": "DATE",
    "DECIMAL": f"{_SMALL} DBDATE DBTIME DBTIMESTAMP STR WSTR",
    "I8 UI8": f"{_SMALL} BYTES STR WSTR FILETIME",
    "DATE": f"I1 I2 I4 R4 R8 BOOL NUMERIC UI1 UI2 UI4 I8 UI8 STR WSTR {_CALENDAR}",
    "DBDATE DBTIME DBTIMESTAMP": f"STR WSTR {_CALENDAR} FILETIME",
    "DBTIME2 DBTIMESTAMP2 DBTIMESTAMPOFFSET": f"STR WSTR {_CALENDAR} FILETIME",
    "FILETIME": f"I8 UI8 STR WSTR {_CALENDAR} FILETIME",
    "GUID": "GUID BYTES STR WSTR",
    "BYTES": "R4 UI4 I8 UI8 GUID BYTES STR WSTR IMAGE TEXT NTEXT",
    "STR WSTR": f"{_SMALL} GUID BYTES STR WSTR {_CALENDAR} FILETIME IMAGE TEXT NTEXT",
    "IMAGE": "BYTES IMAGE TEXT NTEXT",
    "TEXT": "STR IMAGE TEXT NTEXT",
    "NTEXT": "WSTR IMAGE TEXT NTEXT",
}
LEGAL: dict[DataTypeCode, frozenset[DataTypeCode]] = {
    DataTypeCode[f"DT_{source}"]: frozenset(
        DataTypeCode[f"DT_{target}"]
        for sources, targets in _LEGAL_TEXT.items()
        if source in sources.split()
        for target in targets.split()
    )
    for source in _COLUMNS
}
"""The types to which each type can be cast."""

_INTEGER_TEXT = re.compile(r"[+-]?[0-9]+")
_NUMBER_TEXT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_GUID_TEXT = re.compile(r"\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}")
_MAX_DIGITS = 400
_FRACTIONS = (NUMBERS - INTEGERS) | {_T.DT_BOOL}
"""The types whose text can have a fraction."""
_LARGEST_DECIMAL = 2**96


def overflow(type_: ColumnType) -> Fault:
    """The error of a value that is too large for the type of a cast."""
    return Fault(Code.DTS_E_EXPREVALDATACONVERSIONOVERFLOW, f"The value is out of the range of {type_}")


def failed(text: str, type_: ColumnType) -> Fault:
    """The error of a text that is no value of a type."""
    shown = text if len(text) <= 60 else text[:60] + "…"
    return Fault(Code.DTS_E_EXPREVALDATACONVERSIONFAILED, f"The text {shown!r} is not a value of {type_}")


def single(value: float) -> float:
    """Round to the nearest DT_R4; infinity if there is none."""
    try:
        result: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return result


def quantize(value: Decimal, scale: int, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return a decimal with a number of digits after the point; zero has no sign."""
    result = value.quantize(Decimal(1).scaleb(-scale), rounding=rounding, context=_EXACT)
    return result or abs(result)


def fits(value: Decimal, type_: ColumnType) -> bool:
    """Whether a value with the type's scale is in the range of DT_CY, DT_DECIMAL or DT_NUMERIC."""
    unscaled = abs(int(value.scaleb(type_.scale, context=_EXACT)))
    if type_.code is _T.DT_CY:
        return -(2**63) <= int(value.scaleb(4, context=_EXACT)) < 2**63
    return unscaled < (_LARGEST_DECIMAL if type_.code is _T.DT_DECIMAL else 10**type_.precision)


def scale_of(type_: ColumnType) -> int:
    """The digits after the point of a number type."""
    return 4 if type_.code is _T.DT_CY else type_.scale


def number_text(value: Value, type_: ColumnType) -> str:
    """The text of a number."""
    if type_.code in INTEGERS:
        return str(value)
    if type_.code in DECIMALS:
        return format(value, "f")
    return real_text(value, is_single=type_.code is _T.DT_R4)


def real_text(value: float, *, is_single: bool) -> str:
    """The shortest text that reads as the same real; with an exponent from 1E+15, and up to 1E-05.

    :param value: the number.
    :param is_single: whether it is a DT_R4.
    """
    text = repr(value)
    if is_single:
        text = next(text for digits in range(1, 10) if single(float(text := f"{value:.{digits}g}")) == value)
    sign, digits_, exponent = Decimal(text).normalize(_EXACT).as_tuple()
    if not any(digits_):
        return "0"
    digits_text = "".join(map(str, digits_))
    magnitude = len(digits_text) - 1 + int(exponent)
    minus = "-" if sign else ""
    if -5 < magnitude < 15:
        return minus + format(Decimal((0, digits_, int(exponent))), "f")
    fraction = "." + digits_text[1:] if len(digits_text) > 1 else ""
    return f"{minus}{digits_text[0]}{fraction}E{'-' if magnitude < 0 else '+'}{abs(magnitude):02}"


def fit_text(text: str, type_: ColumnType, *, cut: bool) -> str:
    """Return a text that is not longer than its type.

    :param text: the text.
    :param type_: DT_STR or DT_WSTR.
    :param cut: whether a longer text is cut instead of an error.
    :raises Fault: the text is too long, or the code page lacks a character.
    """
    if type_.code is _T.DT_WSTR:
        if units(text) <= type_.length:
            return text
        if cut:
            return join_units(split_units(text)[: type_.length])
    else:
        length = encoded_length(text, type_.code_page)
        if length is None:
            reason = f"Code page {type_.code_page} lacks a character of the text"
            raise Fault(Code.DTS_E_EXPREVALDATACONVERSIONFAILED, reason)
        if length <= type_.length:
            return text
        if cut:
            return _cut_bytes(text, type_)
    reason = f"The text is longer than {type_}: it would be cut"
    raise Fault(Code.DTS_E_EXPREVALTRUNCATIONASERROR, reason)


def _cut_bytes(text: str, type_: ColumnType) -> str:
    length = 0
    for index, character in enumerate(text):
        length += encoded_length(character, type_.code_page) or 0
        if length > type_.length:
            return text[:index]
    return text


def converter(source: ColumnType, target: ColumnType, settings: Settings) -> Converter:
    """Return the function that casts values; it raises :class:`Fault` where a value does not fit.

    :param source: the type of the values.
    :param target: the type of the results; a type in :data:`LEGAL` for the source, or the same type.
    :param settings: clock, locale, and whether text is cut.
    """
    if target.code in STRINGS:
        to_text = _to_text(source, settings)
        return lambda value: fit_text(to_text(value), target, cut=settings.cut_text)
    if source.code in NUMBERS or source.code is _T.DT_BOOL:
        return _from_number(source, target)
    if source.code in STRINGS:
        return _from_text(target, settings)
    if dates.is_date_or_time(source.code):
        return _from_date(source, target, settings)
    return _from_binary(source, target)


def _unsupported(source: ColumnType, target: ColumnType) -> Converter:
    def refuse(_value: Value) -> Value:
        reason = f"Values of {source.code.name} cannot be cast to {target.code.name}: the layout is not documented"
        raise Fault(Code.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED, reason)

    return refuse


def _to_text(source: ColumnType, settings: Settings) -> Converter:
    code = source.code
    if code in STRINGS or code in (_T.DT_TEXT, _T.DT_NTEXT):
        return lambda value: value
    if code is _T.DT_BOOL:
        return str
    if code in INTEGERS:
        return str
    if code in NUMBERS:
        return _number_writer(source, settings.locale)
    if dates.is_date_or_time(code):
        return lambda value: dates.date_text(value, source, settings.locale)
    if code is _T.DT_GUID:
        return lambda value: f"{{{value}}}".upper()
    return _unsupported(source, ColumnType(_T.DT_WSTR))


def depends_on_locale(source: ColumnType, target: ColumnType, locale: int) -> bool:
    """Return whether the decimal sign of a locale, which is no point, matters to a cast.

    :param source: the type of the values.
    :param target: the type of the results.
    :param locale: the LocaleID.
    """
    is_between = any(first.code in STRINGS and second.code in _FRACTIONS for first, second in _both(source, target))
    return is_between and _decimal_sign(locale) != "."


def _both(first: ColumnType, second: ColumnType) -> tuple[tuple[ColumnType, ColumnType], ...]:
    return (first, second), (second, first)


def _decimal_sign(locale: int) -> str:
    """The sign before the fraction of a number; empty for a locale that is not known."""
    found = LOCALES.get(locale)
    return "" if found is None else found.decimal


def _unknown_sign(text: str, locale: int) -> Fault:
    reason = (
        f"The text {text[:60]!r} of a number with a fraction is not supported in locale {locale}: use a decimal comma "
        "if the locale has one, a Data Conversion, or a component with the LocaleID 1033"
    )
    return Fault(Code.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED, reason)


def _number_writer(source: ColumnType, locale: int) -> Converter:
    """Return the function that writes numbers with the decimal sign of a locale, as OLE Automation does."""
    sign = _decimal_sign(locale)
    if sign == ".":
        return lambda value: number_text(value, source)

    def write(value: Value) -> str:
        text = number_text(value, source)
        if "." in text and not sign:
            raise _unknown_sign(text, locale)
        return text.replace(".", sign)

    return write


def to_number(target: ColumnType) -> Converter:
    """Return the function that converts int, float and Decimal to a number type; it raises Fault on overflow."""
    code = target.code
    if code in INTEGERS:
        low, high = INTEGER_RANGES[code]

        def integer(value: Value) -> int:
            if isinstance(value, Decimal):
                result = int(value.to_integral_value(ROUND_HALF_EVEN, context=_EXACT))
            else:
                result = round(value)
            if not low <= result <= high:
                raise overflow(target)
            return result

        return integer
    if code in REALS:

        def real(value: Value) -> float:
            try:
                result = float(value)
            except OverflowError:
                raise overflow(target) from None
            if code is _T.DT_R4:
                result = single(result)
            if not math.isfinite(result):
                raise overflow(target)
            return result

        return real
    scale = scale_of(target)

    def decimal(value: Value) -> Decimal:
        exact = (
            value
            if isinstance(value, Decimal)
            else Decimal(repr(value))
            if isinstance(value, float)
            else Decimal(value)
        )
        if exact.adjusted() > 60:
            raise overflow(target)
        result = quantize(exact, scale)
        if not fits(result, target):
            raise overflow(target)
        return result

    return decimal


def _from_number(source: ColumnType, target: ColumnType) -> Converter:
    if target.code is _T.DT_BOOL:
        return bool
    if target.code in NUMBERS:
        convert = to_number(target)
        if source.code is _T.DT_BOOL:
            return lambda value: convert(-1 if value else 0)
        if source.code is _T.DT_R4 and target.code in DECIMALS:
            return lambda value: convert(float(real_text(value, is_single=True)))
        return convert
    if target.code is _T.DT_FILETIME:
        return lambda value: dates.check_range(value + dates.FILETIME_EPOCH, target)
    if dates.is_date_or_time(target.code):
        return lambda value: _date_of_number(-int(value) if source.code is _T.DT_BOOL else value, target)
    return _unsupported(source, target)


def _date_of_number(value: Value, target: ColumnType) -> Value:
    """A number of days since 1899-12-30; the fraction of a negative number counts forward from midnight."""
    if abs(value) > 4_000_000:
        raise overflow(target)
    whole = int(value)
    milliseconds = round(abs(value - whole) * 86_400_000)
    ticks = dates.OLE_EPOCH + whole * dates.DAY + milliseconds * dates.MILLISECOND
    date = dates.check_range(ticks, ColumnType(_T.DT_DATE))
    return dates.convert_date(date, ColumnType(_T.DT_DATE), target, 0)


def _from_text(target: ColumnType, settings: Settings) -> Converter:
    code = target.code
    if code in INTEGERS:
        convert = to_number(target)

        def integer(text: str) -> int:
            stripped = text.strip(" ")
            if not _INTEGER_TEXT.fullmatch(stripped):
                raise failed(text, target)
            if len(stripped) > _MAX_DIGITS:
                raise overflow(target)
            return int(convert(int(stripped)))

        return integer
    if code in NUMBERS or code is _T.DT_BOOL:
        return _number_of_text(target, settings.locale)
    if dates.is_date_or_time(code):
        return lambda text: dates.parse_date(text, target, settings.locale)
    if code is _T.DT_GUID:
        return lambda text: _guid(text, target)
    if code in (_T.DT_TEXT, _T.DT_NTEXT):
        return lambda text: text
    return _unsupported(ColumnType(_T.DT_WSTR), target)


def _number_of_text(target: ColumnType, locale: int) -> Converter:
    code = target.code
    sign = _decimal_sign(locale)
    convert = to_number(target) if code in NUMBERS else bool

    def number(text: str) -> Value:
        stripped = text.strip(" ")
        if code is _T.DT_BOOL and stripped.lower() in ("true", "false"):
            return stripped.lower() == "true"
        if sign != "." and ("." in stripped or "," in stripped):
            # A point separates thousands there, which is not documented for expressions.
            if sign != "," or "." in stripped:
                raise _unknown_sign(text, locale)
            stripped = stripped.replace(",", ".")
        if not _NUMBER_TEXT.fullmatch(stripped):
            raise failed(text, target)
        if len(stripped) > _MAX_DIGITS:
            raise overflow(target)
        value = float(stripped) if code in REALS else Decimal(stripped)
        return convert(value)

    return number


def _guid(text: str, target: ColumnType) -> uuid.UUID:
    if not _GUID_TEXT.fullmatch(text.strip(" ")):
        raise failed(text, target)
    return uuid.UUID(text.strip(" "))


def _from_date(source: ColumnType, target: ColumnType, settings: Settings) -> Converter:
    if dates.is_date_or_time(target.code):

        def convert(value: Value) -> Value:
            today = dates.ticks_of(settings.clock()) // dates.DAY * dates.DAY
            return dates.convert_date(value, source, target, today)

        return convert
    if source.code is _T.DT_FILETIME:
        number = to_number(target)
        return lambda value: number(value - dates.FILETIME_EPOCH)
    number = bool if target.code is _T.DT_BOOL else to_number(target)
    return lambda value: number(_days(value))


def _days(ticks: int) -> float:
    """The number of days since 1899-12-30, with the time as its fraction, as OLE Automation counts them."""
    days, rest = divmod(ticks - dates.OLE_EPOCH, dates.DAY)
    fraction = rest / dates.DAY
    return days - fraction if days < 0 else days + fraction


def _from_binary(source: ColumnType, target: ColumnType) -> Converter:
    pair = (source.code, target.code)
    if pair == (_T.DT_GUID, _T.DT_BYTES):
        return lambda value: _fit_bytes(value.bytes_le, target)
    if pair == (_T.DT_BYTES, _T.DT_GUID):
        return lambda value: _guid_of_bytes(value, target)
    if pair in ((_T.DT_BYTES, _T.DT_BYTES), (_T.DT_IMAGE, _T.DT_BYTES)):
        return lambda value: _fit_bytes(value, target)
    if source.code is target.code or pair in (
        (_T.DT_BYTES, _T.DT_IMAGE),
        (_T.DT_TEXT, _T.DT_NTEXT),
        (_T.DT_NTEXT, _T.DT_TEXT),
    ):
        return lambda value: value
    return _unsupported(source, target)


def _fit_bytes(value: bytes, target: ColumnType) -> bytes:
    if len(value) > target.length:
        raise Fault(Code.DTS_E_EXPREVALTRUNCATIONASERROR, f"The value is longer than {target}: it would be cut")
    return value


def _guid_of_bytes(value: bytes, target: ColumnType) -> uuid.UUID:
    if len(value) != 16:
        raise Fault(Code.DTS_E_EXPREVALDATACONVERSIONFAILED, f"A value of {target} needs 16 bytes, not {len(value)}")
    return uuid.UUID(bytes_le=value)


def code_pages_differ(source: ColumnType, target: ColumnType) -> bool:
    """Whether a cast goes from one code page to another, which does not exist."""
    coded = (_T.DT_STR, _T.DT_TEXT)
    return source.code in coded and target.code in coded and source.code_page != target.code_page


def known_code_page(code_page: int) -> bool:
    """Whether a number is a code page for DT_STR and DT_TEXT."""
    return codec(code_page) is not None
