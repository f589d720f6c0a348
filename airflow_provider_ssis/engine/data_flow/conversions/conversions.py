"""Conversions between the types of columns, for all rows of a batch.

The rules are those of Data Conversion and of flat files, which differ from casts in expressions: text is read by locale
or with the fast parse, digits that are lost are a truncation, and a value may be kept although it was cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_provider_ssis.datatypes import (
    DATES,
    DECIMALS,
    NUMBERS,
    STRINGS,
    TIMES,
    UNSIGNED,
    ColumnType,
    DataTypeCode,
)
from airflow_provider_ssis.engine.data_flow.conversions.parsing import (
    ConversionError,
    Status,
    fast_parse_applies,
    parse,
)
from airflow_provider_ssis.engine.data_flow.conversions.quick_parsing import read_quickly, usual_rows
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import (
    Column,
    Expression,
    ExpressionCode,
    ExpressionError,
    Scope,
    Settings,
    compile_expression,
)
from airflow_provider_ssis.expressions import dates as date_values
from airflow_provider_ssis.expressions.arrow import arrow_type, as_column, as_values, evaluate_batch
from airflow_provider_ssis.expressions.legal_casts import LEGAL
from airflow_provider_ssis.expressions.locales import LOCALES, Locale
from airflow_provider_ssis.expressions.text import codec, encoded_length, join_units, split_units, units

Statuses = npt.NDArray[np.uint8]

_T = DataTypeCode
_TEXTS = STRINGS | {_T.DT_TEXT, _T.DT_NTEXT}
_WIDE = ColumnType(_T.DT_WSTR, length=4000)
_FIRST_OF_DATETIME = (date(1753, 1, 1).toordinal() - 1) * date_values.DAY
_WITH_EARLY_DATES = (_T.DT_DBTIMESTAMP2, _T.DT_DBTIMESTAMPOFFSET)
_LANGUAGE = 0x3FF
_LANGUAGES_WITH_CALENDAR = (0x01, 0x1E, 0x29, 0x63, 0x8C)
"""Arabic, Thai, Persian, Pashto and Dari: years may be those of another calendar."""
_NUMBER_OF_ALL = r"^[ \t]*[+-]?[0-9]+[ \t]*$"
_DATE_OF_ALL = r"^ *([0-9]{4}-[0-9]{2}-[0-9]{2})?( ?[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)? *$"
_NO_DIGIT = r"^[^\p{N}]*$"
_PARSED = "[c]"
_BINARY_PAIRS = frozenset(
    {
        (_T.DT_BYTES, _T.DT_BYTES),
        (_T.DT_BYTES, _T.DT_IMAGE),
        (_T.DT_IMAGE, _T.DT_IMAGE),
        (_T.DT_IMAGE, _T.DT_BYTES),
        (_T.DT_BYTES, _T.DT_GUID),
        (_T.DT_GUID, _T.DT_BYTES),
    }
)
"""The conversions of bytes whose results are known."""


@dataclass(frozen=True, slots=True)
class Converted:
    """The values of a conversion.

    :param values: NULL where the conversion has failed; cut where it was a truncation.
    :param statuses: a :class:`Status` for each row; None if all are good.
    """

    values: pa.Array
    statuses: Statuses | None = None


class Conversion:
    """A conversion from one type of column to another.

    :param source: the type of the values.
    :param target: the type of the results.
    :param locale_id: the locale by which text is read. Of one whose formats are not known, only numbers and dates in
        forms of all locales are read; others fail. Default: 1033, English (United States).
    :param fast: use the fast parse where it exists. Default: False.
    :param settings: the clock, for times that become dates. Default: the clock of the machine.
    :raises ValueError: there is no such conversion; the text says why.
    """

    def __init__(
        self,
        source: ColumnType,
        target: ColumnType,
        locale_id: int = 1033,
        *,
        fast: bool = False,
        settings: Settings | None = None,
    ) -> None:
        self.source = source
        self.target = target
        self._fast = fast and fast_parse_applies(target)
        self._locale_id = locale_id
        self._locale: Locale | None = None
        self._expression: Expression | None = None
        is_text = source.code in _TEXTS
        if is_text and target.code in _TEXTS:
            _check_text(source, target)
            return
        legal = target.code in LEGAL.get(source.code, frozenset()) or source.code is target.code
        is_binary = bool({source.code, target.code} & {_T.DT_BYTES, _T.DT_IMAGE})
        if not legal or (is_binary and (source.code, target.code) not in _BINARY_PAIRS):
            raise ValueError(f"there is no conversion from {source} to {target}, or its result is not documented")
        if is_text:
            self._locale = LOCALES.get(locale_id)
            has_calendar = locale_id & _LANGUAGE in _LANGUAGES_WITH_CALENDAR and target.code in DATES
            if self._locale is None and has_calendar and not self._fast:
                raise ValueError(
                    f"the dates of the locale {locale_id} are not supported; choose another locale or the fast parse"
                )
            return
        if source == target:
            return
        chosen = replace(settings or Settings(), locale=locale_id, cut_text=False)
        # Text is measured here, to know the rows that are too long.
        wanted = _WIDE if target.code in STRINGS else target
        try:
            self._expression = compile_expression(_PARSED, Scope(columns=[Column("c", source)]), chosen, target=wanted)
        except ExpressionError as error:
            raise ValueError(str(error)) from error

    def convert(self, values: pa.Array) -> Converted:
        """Convert all rows.

        :param values: the column, of the Arrow type of ``source``.
        """
        if self.source == self.target:
            return Converted(values)
        if self.source.code in _TEXTS and self.target.code in _TEXTS:
            return fitted(values, self.source, self.target)
        if self._expression is None:
            return self._parsed(values)
        return self._cast(values)

    def _parsed(self, values: pa.Array) -> Converted:
        texts = values if values.type == pa.string() else values.cast(pa.string())
        if self._locale is None and not self._fast:
            _refuse_local_forms(texts, self.target, self._locale_id)
        return parsed(texts, self.target, self._locale or LOCALES[1033], fast=self._fast)

    def _cast(self, values: pa.Array) -> Converted:
        assert self._expression is not None  # noqa: S101 convert checks it
        result = evaluate_batch(self._expression, [values], len(values))
        statuses = None if result.errors is None else _statuses(result.errors)
        if statuses is not None and self.target.code in UNSIGNED and self.source.code in NUMBERS:
            is_negative = pc.less(values, pa.scalar(0, values.type)).fill_null(False)
            mask = is_negative.to_numpy(zero_copy_only=False) & (statuses == Status.OVERFLOW)
            statuses[mask] = Status.SIGN_MISMATCH
        if self.target.code in STRINGS:
            fit = fitted(result.values, _WIDE, self.target)
            return Converted(fit.values, _merged(statuses, fit.statuses))
        lost = _lost_digits(values, result.values, self.source, self.target)
        if lost is not None:
            statuses = _merged(statuses, np.where(lost, np.uint8(Status.TRUNCATED), np.uint8(0)))
        converted = result.values
        if self.source.code in _WITH_EARLY_DATES and self.target.code is _T.DT_DBTIMESTAMP:
            early = pc.less(converted, pa.scalar(_milliseconds(_FIRST_OF_DATETIME), pa.int64()).cast(converted.type))
            mask = early.fill_null(False).to_numpy(zero_copy_only=False)
            if mask.any():
                statuses = _merged(np.where(mask, np.uint8(Status.OVERFLOW), np.uint8(0)), statuses)
                converted = pc.if_else(early, pa.scalar(None, converted.type), converted)
        return Converted(converted, statuses)


def _milliseconds(ticks: int) -> int:
    unix = (date(1970, 1, 1).toordinal() - 1) * date_values.DAY
    return (ticks - unix) // date_values.MILLISECOND


def _check_text(source: ColumnType, target: ColumnType) -> None:
    pages = {each.code_page for each in (source, target) if each.code in (_T.DT_STR, _T.DT_TEXT) and each.code_page}
    if len(pages) > 1:
        raise ValueError(
            f"the code pages {source.code_page} and {target.code_page} differ (0xC02020DB); convert to DT_WSTR first"
        )
    for page in pages:
        if codec(page) is None:
            raise ValueError(f"the code page {page} is not supported")


def refuse_unsupported(errors: npt.NDArray[np.uint32]) -> None:
    """Fail if a conversion of a row is not supported: no disposition may turn that into NULL.

    :raises TaskFailure: it is not.
    """
    code = ExpressionCode.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED
    if (errors == code).any():
        text = (
            "A value cannot be converted here as Integration Services would: its result is not documented. Examples "
            "are a number with a point where the locale has a decimal comma, and a date of an unknown locale."
        )
        raise TaskFailure(f"{text} Convert it in steps, or choose another locale or type.", int(code))


def _refuse_local_forms(texts: pa.StringArray, target: ColumnType, locale_id: int) -> None:
    """Fail if the meaning of a text depends on a locale that is not known: no disposition may turn that into NULL.

    A text without a digit is neither a number nor a date in any locale.

    :raises TaskFailure: it does.
    """
    if target.code is _T.DT_GUID:
        return
    same_everywhere = _DATE_OF_ALL if target.code in DATES | TIMES else _NUMBER_OF_ALL
    is_clear = pc.or_(pc.match_substring_regex(texts, same_everywhere), pc.match_substring_regex(texts, _NO_DIGIT))
    unclear = texts.filter(pc.invert(is_clear))
    if len(unclear):
        raise TaskFailure(
            f"The meaning of the text {unclear[0].as_py()[:60]!r} depends on the formats of the locale {locale_id}, "
            "which are not known. Only whole numbers and dates of the form yyyy-mm-dd hh:mm:ss can be read in it. "
            "Choose another LocaleID.",
            int(ExpressionCode.DTS_E_EXPREVALDATACONVERSIONNOTSUPPORTED),
        )


def _merged(first: Statuses | None, second: Statuses | None) -> Statuses | None:
    if first is None or second is None:
        return second if first is None else first
    return np.where(first != 0, first, second)


def _statuses(errors: npt.NDArray[np.uint32]) -> Statuses:
    refuse_unsupported(errors)
    statuses = np.where(errors != 0, np.uint8(Status.CANNOT_CONVERT), np.uint8(0))
    statuses[errors == ExpressionCode.DTS_E_EXPREVALDATACONVERSIONOVERFLOW] = Status.OVERFLOW
    statuses[errors == ExpressionCode.DTS_E_EXPREVALTRUNCATIONASERROR] = Status.TRUNCATED
    return statuses


# -- digits that are lost ----------------------------------------------------------------------------------------------


def _lost_digits(
    before: pa.Array, after: pa.Array, source: ColumnType, target: ColumnType
) -> npt.NDArray[np.bool_] | None:
    """The rows whose digits after the point were cut or rounded away; None if the types cannot lose any."""
    if source.code in DECIMALS and target.code in DECIMALS:
        if _scale(target) >= _scale(source):
            return None
        same = pc.equal(after.cast(pa.decimal256(60, _scale(source))), before.cast(pa.decimal256(60, _scale(source))))
    elif source.code in DATES | TIMES and target.code in DATES | TIMES and target.code is not _T.DT_DBDATE:
        if date_values.fraction_of(target) <= date_values.fraction_of(source):
            return None
        step = date_values.fraction_of(target)
        remainder = [None if value is None else _ticks(value) % step for value in as_values(before, source)]
        same = pc.equal(pa.array(remainder, pa.int64()), 0)
    else:
        return None
    is_lost = pc.invert(same).fill_null(False)
    mask: npt.NDArray[np.bool_] = is_lost.to_numpy(zero_copy_only=False)
    return mask if mask.any() else None


def _scale(type_: ColumnType) -> int:
    return 4 if type_.code is _T.DT_CY else type_.scale


def _ticks(value: int | date_values.Offset) -> int:
    return value.ticks if isinstance(value, date_values.Offset) else value


# -- text to text ------------------------------------------------------------------------------------------------------


def fitted(values: pa.Array, source: ColumnType, target: ColumnType) -> Converted:
    """Return text that fits a type of text: longer text is cut, and characters that the code page lacks become ``?``.

    :param values: the texts.
    :param source: their type.
    :param target: DT_STR, DT_WSTR, DT_TEXT or DT_NTEXT.
    """
    wanted = arrow_type(target)
    fits = source.code is target.code and source.length <= target.length and target.code in STRINGS
    if fits and source.code_page == target.code_page:
        return Converted(values)
    texts = values if values.type == wanted else values.cast(wanted)
    has_code_page = target.code in (_T.DT_STR, _T.DT_TEXT) and target.code_page != 65001
    is_ascii = pc.all(pc.string_is_ascii(texts), min_count=0).as_py()
    if target.code not in STRINGS and (is_ascii or not has_code_page):
        return Converted(texts)
    if target.code in STRINGS:
        longest = pc.max(pc.binary_length(texts)).as_py() or 0
        # UTF-8 has at least as many bytes as UTF-16 has units, and as many as each code page of Windows but UTF-7.
        if longest <= target.length and (is_ascii or not has_code_page) and target.code_page != 65000:
            return Converted(texts)
    if is_ascii and target.code_page != 65000:
        too_long = pc.greater(pc.binary_length(texts), target.length).fill_null(False)
        mask = too_long.to_numpy(zero_copy_only=False)
        statuses = np.where(mask, np.uint8(Status.TRUNCATED), np.uint8(0)) if mask.any() else None
        return Converted(pc.utf8_slice_codeunits(texts, 0, target.length) if mask.any() else texts, statuses)
    return _fitted_one_by_one(texts, target)


def _fitted_one_by_one(texts: pa.Array, target: ColumnType) -> Converted:
    statuses = np.zeros(len(texts), np.uint8)
    fitting: list[str | None] = []
    for index, text in enumerate(texts.to_pylist()):
        if text is None or (text.isascii() and len(text) <= target.length and target.code in STRINGS):
            fitting.append(text)
            continue
        found = fit(text, target)
        if found != text:
            statuses[index] = Status.TRUNCATED
        fitting.append(found)
    return Converted(pa.array(fitting, texts.type), statuses if statuses.any() else None)


def fit(text: str, target: ColumnType) -> str:
    """Return a text that fits a type of text; see :func:`fitted`."""
    has_code_page = target.code in (_T.DT_STR, _T.DT_TEXT) and target.code_page
    if has_code_page and encoded_length(text, target.code_page) is None:
        text = "".join(each if encoded_length(each, target.code_page) is not None else "?" for each in text)
    if target.code is _T.DT_WSTR and units(text) > target.length:
        cut = join_units(split_units(text)[: target.length])
        return cut[:-1] if cut and "\ud800" <= cut[-1] <= "\udfff" else cut
    if target.code is _T.DT_STR and (encoded_length(text, target.code_page) or 0) > target.length:
        size, end = 0, 0
        for character in text:
            size += encoded_length(character, target.code_page) or 0
            if size > target.length:
                break
            end += 1
        return text[:end]
    return text


# -- text to values ----------------------------------------------------------------------------------------------------


def parsed(texts: pa.StringArray, target: ColumnType, locale: Locale, *, fast: bool = False) -> Converted:
    """Read texts as values of a type.

    :param texts: the texts; NULL stays NULL.
    :param target: a type of numbers, dates, times, DT_BOOL or DT_GUID.
    :param locale: the locale.
    :param fast: use the fast parse. Default: False.
    """
    quick = read_quickly(texts, target, locale)
    if quick is not None:
        return Converted(quick)
    usual = usual_rows(texts, target, locale)
    if usual is not None:
        nothing = pa.scalar(None, pa.string())
        quick = read_quickly(pc.if_else(usual, texts, nothing), target, locale)
        if quick is not None:
            rest = _parsed_one_by_one(pc.if_else(usual, nothing, texts), target, locale, fast)
            return Converted(pc.coalesce(quick, rest.values), rest.statuses)
    return _parsed_one_by_one(texts, target, locale, fast)


def _parsed_one_by_one(texts: pa.StringArray, target: ColumnType, locale: Locale, fast: bool) -> Converted:
    encoded = texts.dictionary_encode()
    values: list[object] = []
    found = np.zeros(len(encoded.dictionary) + 1, np.uint8)
    for index, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(parse(text, target, locale, fast=fast))
        except ConversionError as error:
            values.append(None)
            found[index] = error.status
    indices = encoded.indices
    taken = as_column(values, target).take(indices)
    statuses = found[indices.fill_null(len(values)).to_numpy(zero_copy_only=False)]
    return Converted(taken, statuses if statuses.any() else None)
