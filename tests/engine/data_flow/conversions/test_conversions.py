"""Conversions between types of columns. Facts: data flow, sections 2.2 and 2.3."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.engine.data_flow.conversions.conversions import Conversion, parsed
from airflow_provider_ssis.engine.data_flow.conversions.parsing import ConversionError, Status, parse
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import Settings
from airflow_provider_ssis.expressions.arrow import as_column, as_values
from airflow_provider_ssis.expressions.locales import LOCALES
from airflow_provider_ssis.expressions.values import from_python, to_python

_T = DataTypeCode
_TEXT = ColumnType(_T.DT_WSTR, length=100)
_INTEGER = ColumnType(_T.DT_I4)
_BYTE = ColumnType(_T.DT_UI1)
_SINGLE = ColumnType(_T.DT_R4)
_REAL = ColumnType(_T.DT_R8)
_DECIMAL = ColumnType(_T.DT_DECIMAL, scale=2)
_OLE_DATE = ColumnType(_T.DT_DATE)
_MONEY = ColumnType(_T.DT_CY)
_STAMP = ColumnType(_T.DT_DBTIMESTAMP)
_DATE = ColumnType(_T.DT_DBDATE)
_NUMERIC = ColumnType(_T.DT_NUMERIC, precision=5, scale=2)


def _converted(source: ColumnType, target: ColumnType, *values: Any, **options: Any) -> list[Any]:
    """The converted values; the status instead of a value that failed, and with it for a cut one."""
    column = as_column([from_python(value, source) for value in values], source)
    found = Conversion(source, target, **options).convert(column)
    results: list[Any] = [to_python(value, target) for value in as_values(found.values, target)]
    if found.statuses is None:
        return results
    return [
        value if status == Status.GOOD else Status(status) if value is None else (Status(status), value)
        for value, status in zip(results, found.statuses.tolist(), strict=True)
    ]


_CANNOT, _CUT, _OVERFLOW, _SIGN = Status.CANNOT_CONVERT, Status.TRUNCATED, Status.OVERFLOW, Status.SIGN_MISMATCH


@pytest.mark.parametrize(
    ("target", "texts", "results"),
    [
        (_INTEGER, ["1", " -2 ", "+3", "4-", "1,234", "(5)", "$6"], [1, -2, 3, -4, 1234, -5, 6]),
        (_INTEGER, ["x", "", "1.5", "0x10", "1 2", "99999999999"], [_CANNOT] * 5 + [_OVERFLOW]),
        (_INTEGER, [None, "1e3"], [None, 1000]),
        (_BYTE, ["255", "256", "-1"], [255, _OVERFLOW, _SIGN]),
        (_REAL, ["1.5", ".5", "1e-3", "1,234.5", "1e400", "."], [1.5, 0.5, 0.001, 1234.5, _OVERFLOW, _CANNOT]),
        (_MONEY, ["1.23456", "$1,000.5"], [Decimal("1.2346"), Decimal("1000.5000")]),
        (
            _NUMERIC,
            ["999.99", "1000", "1.005", "-0.1"],
            [Decimal("999.99"), _OVERFLOW, Decimal("1.00"), Decimal("-0.10")],
        ),
        (ColumnType(_T.DT_BOOL), ["True", "false", "0", "-1", "yes"], [True, False, False, True, _CANNOT]),
        (_DATE, ["2001-02-03", "2/3/2001", "3-Feb-01", "Feb 3, 2001"], [date(2001, 2, 3)] * 4),
        (_DATE, ["2001-02-30", "20010203", "2001-02-03T04:05:06"], [_CANNOT] * 3),
        (_STAMP, ["2/3/2001 4:05 PM", "2001-02-03 16:05:00"], [datetime(2001, 2, 3, 16, 5)] * 2),
        (_STAMP, ["1/1/29", "1/1/30"], [datetime(2029, 1, 1), datetime(1930, 1, 1)]),
    ],
)
def test_the_standard_parse_of_english(target: ColumnType, texts: list[str | None], results: list[Any]) -> None:
    assert _converted(_TEXT, target, *texts) == results


@pytest.mark.parametrize(
    ("locale_id", "target", "text", "result"),
    [
        (1031, _REAL, "1.234,5", 1234.5),
        (1031, _REAL, "1,5 €", 1.5),
        (1031, _DATE, "03.02.2001", date(2001, 2, 3)),
        (1031, _DATE, "3. März 2001", date(2001, 3, 3)),
        (1036, _REAL, "1\u00a0234,5", 1234.5),
        (1036, _DATE, "3 févr. 2001", date(2001, 2, 3)),
        (2057, _DATE, "3/2/2001", date(2001, 2, 3)),
        (1041, _DATE, "2001/2/3", date(2001, 2, 3)),
        (2055, _REAL, "1'234.5", 1234.5),
        (11274, _REAL, "1.234,5", 1234.5),
        (13322, _DATE, "03-02-2001", date(2001, 2, 3)),
        (10250, _REAL, "S/ 1,234.5", 1234.5),
        (10250, _DATE, "3 febrero 2001", date(2001, 2, 3)),
        (21514, _DATE, "2/3/2001", date(2001, 2, 3)),
        (1048, _REAL, "1.234,5 lei", 1234.5),
        (3084, _DATE, "2001-02-03", date(2001, 2, 3)),
    ],
)
def test_the_standard_parse_of_other_locales(locale_id: int, target: ColumnType, text: str, result: Any) -> None:
    assert _converted(_TEXT, target, text, locale_id=locale_id) == [result]


@pytest.mark.parametrize(
    ("target", "texts", "results"),
    [
        (_INTEGER, ["1", " -2", None, "x", "99999999999"], [1, -2, None, _CANNOT, _OVERFLOW]),
        (_REAL, ["12", "-"], [12.0, _CANNOT]),
        (ColumnType(_T.DT_BOOL), ["True", "0"], [True, False]),
        (_DATE, ["2001-02-03", "2001-02-30", "never"], [date(2001, 2, 3), _CANNOT, _CANNOT]),
        (_STAMP, ["2001-02-03 16:05:00"], [datetime(2001, 2, 3, 16, 5)]),
    ],
)
def test_forms_of_all_locales_are_read_in_an_unknown_one(
    target: ColumnType, texts: list[str | None], results: list[Any]
) -> None:
    """Windows writes LocaleID 4096 or 8192 for languages without a number, such as English of Hungary."""
    assert _converted(_TEXT, target, *texts, locale_id=8192) == results


@pytest.mark.parametrize(
    ("target", "text"),
    [(_INTEGER, "1,000"), (_INTEGER, "1.5"), (_REAL, "1e3"), (_REAL, "5 kr"), (_DATE, "2/3/2001"), (_DATE, "3 Feb 01")],
)
def test_what_depends_on_an_unknown_locale_fails_in_each_disposition(target: ColumnType, text: str) -> None:
    with pytest.raises(TaskFailure, match="locale 4096") as caught:
        _converted(_TEXT, target, "1", text, locale_id=4096)
    assert caught.value.code == 0xC00470C1


def test_dates_of_a_locale_with_another_calendar_are_refused() -> None:
    with pytest.raises(ValueError, match="locale 1054"):
        Conversion(_TEXT, _DATE, 1054)
    assert _converted(_TEXT, _INTEGER, "1", locale_id=1054) == [1]
    assert _converted(_TEXT, _DATE, "20010203", locale_id=1054, fast=True) == [date(2001, 2, 3)]


@pytest.mark.parametrize(
    ("target", "texts", "results"),
    [
        (_INTEGER, ["  ", "\t-5", "1,000", "$1"], [0, -5, _CANNOT, _CANNOT]),
        (
            _DATE,
            ["20010203", "2001-02-03", "2001-02", "2001", "2/3/2001"],
            [date(2001, 2, 3)] * 2 + [date(2001, 2, 1), date(2001, 1, 1), _CANNOT],
        ),
        (
            _STAMP,
            ["2001-02-03T04:05:06.5", "20010203 040506,25"],
            [datetime(2001, 2, 3, 4, 5, 6, 500000), datetime(2001, 2, 3, 4, 5, 6, 250000)],
        ),
        (_STAMP, ["2001-02-03T24:00", "2001-02-03T25:00"], [datetime(2001, 2, 4), _CANNOT]),
    ],
)
def test_the_fast_parse(target: ColumnType, texts: list[str], results: list[Any]) -> None:
    assert _converted(_TEXT, target, *texts, fast=True) == results


def test_text_is_measured_in_the_units_of_its_type() -> None:
    short = ColumnType(_T.DT_WSTR, length=3)
    assert _converted(_TEXT, short, "abc", "abcd", "a😀b", "ab😀") == [
        "abc",
        (_CUT, "abc"),
        (_CUT, "a😀"),
        (_CUT, "ab"),
    ]
    latin = ColumnType(_T.DT_STR, length=3, code_page=1252)
    assert _converted(_TEXT, latin, "äöü", "日本", "abcd") == ["äöü", (_CUT, "??"), (_CUT, "abc")]
    utf8 = ColumnType(_T.DT_STR, length=3, code_page=65001)
    assert _converted(_TEXT, utf8, "äö", "日本", "abc") == [(_CUT, "ä"), (_CUT, "日"), "abc"]


def test_text_of_another_code_page_is_refused() -> None:
    with pytest.raises(ValueError, match="0xC02020DB"):
        Conversion(ColumnType(_T.DT_STR, length=5, code_page=1252), ColumnType(_T.DT_STR, length=5, code_page=1251))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (_TEXT, ColumnType(_T.DT_BYTES, length=4)),
        (ColumnType(_T.DT_BYTES, length=4), _TEXT),
        (_INTEGER, ColumnType(_T.DT_BYTES, length=4)),
        (_INTEGER, ColumnType(_T.DT_GUID)),
    ],
)
def test_conversions_whose_results_are_not_known_are_refused(source: ColumnType, target: ColumnType) -> None:
    with pytest.raises(ValueError, match="there is no conversion"):
        Conversion(source, target)


def test_fractions_round_half_to_even_and_large_numbers_overflow() -> None:
    assert _converted(_REAL, _INTEGER, 0.5, 1.5, 2.5, -0.5, 1e10) == [0, 2, 2, 0, _OVERFLOW]
    assert _converted(ColumnType(_T.DT_BOOL), _INTEGER, True, False) == [-1, 0]
    assert _converted(_INTEGER, ColumnType(_T.DT_BOOL), 2, 0) == [True, False]


def test_digits_that_a_smaller_scale_loses_are_a_truncation() -> None:
    wide = ColumnType(_T.DT_NUMERIC, precision=10, scale=4)
    assert _converted(wide, _NUMERIC, Decimal("1.2300"), Decimal("1.2345"), Decimal(12345)) == [
        Decimal("1.23"),
        (_CUT, Decimal("1.23")),
        _OVERFLOW,
    ]


def test_negative_numbers_have_no_place_in_unsigned_types() -> None:
    """Facts 1.13: the sign has a separate code."""
    unsigned = ColumnType(_T.DT_UI4)
    assert _converted(_INTEGER, unsigned, -1, 5) == [_SIGN, 5]
    money = ColumnType(_T.DT_CY)
    assert _converted(money, unsigned, Decimal("-1.5"), Decimal(2**33)) == [_SIGN, _OVERFLOW]
    assert _converted(_REAL, unsigned, -0.25, -3.0) == [0, _SIGN]


def test_dates_and_times() -> None:
    precise = ColumnType(_T.DT_DBTIMESTAMP2, scale=6)
    moment = datetime(2001, 2, 3, 4, 5, 6, 123456)
    assert _converted(precise, _STAMP, moment) == [(_CUT, datetime(2001, 2, 3, 4, 5, 6, 123000))]
    assert _converted(precise, _STAMP, datetime(1752, 12, 31)) == [_OVERFLOW]
    early = datetime(1752, 12, 31, 12, tzinfo=UTC)
    assert _converted(ColumnType(_T.DT_DBTIMESTAMPOFFSET, scale=7), _STAMP, early) == [_OVERFLOW]
    assert _converted(precise, _DATE, moment) == [date(2001, 2, 3)]
    now = Settings(clock=lambda: datetime(2020, 5, 6, 7, 8, tzinfo=UTC))
    found = _converted(ColumnType(_T.DT_DBTIME), _STAMP, moment.time().replace(microsecond=0), settings=now)
    assert found == [datetime(2020, 5, 6, 4, 5, 6)]


def test_text_forms() -> None:
    assert _converted(_STAMP, _TEXT, datetime(2001, 2, 3, 4, 5, 6), datetime(2001, 2, 3, 4, 5, 6, 7000)) == [
        "2001-02-03 04:05:06",
        "2001-02-03 04:05:06.007000000",
    ]
    assert _converted(_REAL, _TEXT, 0.5, 1e20) == ["0.5", "1E+20"]
    assert _converted(_INTEGER, ColumnType(_T.DT_WSTR, length=2), 12, 123) == ["12", (_CUT, "12")]


_NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.decimals(-10_000, 10_000, places=3).map(str),
    st.floats().map(str),
    st.text(st.sampled_from("0123456789.,-+()$eE x"), max_size=6),
)
_MOMENTS = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda moment: str(moment.replace(microsecond=0))),
    st.builds("{}/{}/{}".format, st.integers(0, 13), st.integers(0, 32), st.integers(98, 2100)),
    st.builds("{}/{}/{} {}:{:02}".format, *[st.integers(1, 13)] * 2, st.integers(1, 9999), *[st.integers(0, 61)] * 2),
)


@settings(max_examples=300, deadline=None)
@given(
    texts=st.one_of(*[st.lists(st.one_of(st.none(), each), max_size=6) for each in (_NUMBERS, _MOMENTS)]),
    target=st.sampled_from([_INTEGER, _BYTE, _SINGLE, _REAL, _MONEY, _DECIMAL, _NUMERIC, _STAMP, _OLE_DATE, _DATE]),
    locale_id=st.sampled_from([1033, 1031, 2057, 1041]),
)
def test_whole_columns_are_read_as_single_texts_are(
    texts: list[str | None], target: ColumnType, locale_id: int
) -> None:
    locale = LOCALES[locale_id]
    found = parsed(as_column(texts, _TEXT), target, locale)
    statuses = [0] * len(texts) if found.statuses is None else found.statuses.tolist()
    for text, value, status in zip(texts, as_values(found.values, target), statuses, strict=True):
        try:
            expected, expected_status = None if text is None else parse(text, target, locale), Status.GOOD
        except ConversionError as error:
            expected, expected_status = None, error.status
        assert (value, status) == (expected, expected_status), text
