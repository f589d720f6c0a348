"""Casts: what they do with values. :mod:`~airflow_provider_ssis.expressions.legal_casts` has those that exist."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from airflow_provider_ssis.datatypes import (
    DECIMALS,
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
from airflow_provider_ssis.expressions.number_types import number_text, overflow, real_text, to_number
from airflow_provider_ssis.expressions.settings import Settings
from airflow_provider_ssis.expressions.text import encoded_length, join_units, split_units, units

Value = Any
"""int, float, Decimal, bool, str, bytes, UUID, ticks (int) of dates and times, or Offset; never None."""

Converter = Callable[[Value], Value]

_T = DataTypeCode

_INTEGER_TEXT = re.compile(r"[+-]?[0-9]+")
_NUMBER_TEXT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_GUID_TEXT = re.compile(r"\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}")
_MAX_DIGITS = 400
_FRACTIONS = (NUMBERS - INTEGERS) | {_T.DT_BOOL}
"""The types whose text can have a fraction."""


def failed(text: str, type_: ColumnType) -> Fault:
    """The error of a text that is not a value of a type."""
    shown = text if len(text) <= 60 else text[:60] + "…"
    return Fault(Code.DTS_E_EXPREVALDATACONVERSIONFAILED, f"The text {shown!r} is not a value of {type_}")


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
    """Return whether the decimal sign of a locale, which is not a point, matters to a cast.

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
