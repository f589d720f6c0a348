"""CAST, CONVERT and implicit conversions of Python values."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.datatypes import SqlType, Variant
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import arithmetic_type, combined, concatenated

D = Decimal
T = SqlType.parse
AT = dt.datetime(2026, 11, 3, 7, 5, 9, 126700)
ZONED = AT.replace(tzinfo=dt.timezone(dt.timedelta(hours=-5)))

CONVERSIONS: list[tuple[Any, str, str, int | None, Any]] = [
    ("  42 ", "varchar(9)", "int", None, 42),
    ("", "varchar(9)", "int", None, 0),
    ("+7", "varchar(9)", "tinyint", None, 7),
    ("TRUE", "varchar(9)", "bit", None, True),
    ("2", "varchar(9)", "bit", None, True),
    ("0", "varchar(9)", "bit", None, False),
    (0.4, "float", "bit", None, True),
    ("1.255", "varchar(9)", "decimal(5,2)", None, D("1.26")),
    ("-1.255", "varchar(9)", "decimal(5,2)", None, D("-1.26")),
    ("1e-3", "varchar(9)", "float", None, 0.001),
    ("-$1,234.5", "varchar(20)", "money", None, D("-1234.5000")),
    (D("-922337203685477.5808"), "decimal(19,4)", "money", None, D("-922337203685477.5808")),
    (D("-214748.36484"), "decimal(19,5)", "smallmoney", None, D("-214748.3648")),
    (D("2.9"), "decimal(5,1)", "int", None, 2),
    (D("-2.9"), "decimal(5,1)", "int", None, -2),
    (D("2.5000"), "money", "int", None, 3),
    (1e10, "float", "bigint", None, 10**10),
    (0.1, "float", "decimal(5,3)", None, D("0.100")),
    (1.1, "float", "real", None, 1.100000023841858),
    (True, "bit", "int", None, 1),
    (True, "bit", "nvarchar(5)", None, "1"),
    (D("1.50"), "decimal(9,2)", "varchar(10)", None, "1.50"),
    (1.5, "float", "varchar(30)", None, "1.5"),
    (1e20, "float", "varchar(30)", None, "1e+020"),
    (1 / 3, "float", "varchar(30)", None, "0.333333"),
    (1 / 3, "float", "varchar(30)", 2, "3.333333333333333e-001"),
    (D("1234.5678"), "money", "varchar(30)", None, "1234.57"),
    (D("1234.5678"), "money", "varchar(30)", 1, "1,234.57"),
    (D("1234.5678"), "money", "varchar(30)", 2, "1234.5678"),
    (b"AB", "varbinary(9)", "varchar(9)", None, "AB"),
    ("AB".encode("utf-16-le"), "varbinary(9)", "nvarchar(9)", None, "AB"),
    (b"\x0a\xff", "varbinary(9)", "varchar(9)", 1, "0x0AFF"),
    (b"\x0a\xff", "varbinary(9)", "varchar(9)", 2, "0AFF"),
    ("0AFF", "varchar(9)", "varbinary(9)", 2, b"\x0a\xff"),
    ("Łódź Čapek Đ €", "nvarchar(20)", "varchar(20)", None, "Lódz Capek Ð €"),
    ("Ω−１ʼ日😀", "nvarchar(20)", "varchar(20)", None, "O-1'???"),
    ("ő", "varchar(9)", "varbinary(9)", None, b"o"),
    ("2024", "varchar(9)", "date", None, dt.date(2024, 1, 1)),
    ("é", "varchar(9)", "varbinary(9)", None, b"\xe9"),
    ("é", "nvarchar(9)", "varbinary(9)", None, b"\xe9\x00"),
    (1, "int", "varbinary(8)", None, b"\0\0\0\x01"),
    (1, "int", "binary(8)", None, b"\0\0\0\0\0\0\0\x01"),
    (-1, "smallint", "varbinary(8)", None, b"\xff\xff"),
    (b"\xff\xff\xff\xff", "binary(4)", "int", None, -1),
    (b"\x01", "varbinary(4)", "bigint", None, 1),
    (b"abcdef", "varbinary(9)", "binary(3)", None, b"abc"),
    (uuid.UUID(int=1), "uniqueidentifier", "varbinary(16)", None, uuid.UUID(int=1).bytes_le),
    (uuid.UUID(int=1).bytes_le, "binary(16)", "uniqueidentifier", None, uuid.UUID(int=1)),
    ("日本", "nvarchar(5)", "varchar(5)", None, "??"),
    ("ab", "varchar(5)", "nchar(4)", None, "ab  "),
    (AT, "datetime2", "datetime", None, dt.datetime(2026, 11, 3, 7, 5, 9, 127000)),
    (dt.datetime(2026, 1, 1, 0, 0, 0, 999999), "datetime2", "datetime", None, dt.datetime(2026, 1, 1, 0, 0, 1)),
    (dt.datetime(2026, 1, 1, 0, 0, 29, 999000), "datetime2", "smalldatetime", None, dt.datetime(2026, 1, 1, 0, 1)),
    (AT, "datetime2", "datetime2(2)", None, dt.datetime(2026, 11, 3, 7, 5, 9, 130000)),
    (AT.replace(microsecond=123000), "datetime", "datetime2", None, AT.replace(microsecond=123333)),
    (AT.replace(microsecond=127000), "datetime", "datetime2(3)", None, AT.replace(microsecond=127000)),
    (AT.replace(microsecond=127000), "datetime", "time(4)", None, dt.time(7, 5, 9, 126700)),
    (
        AT.replace(microsecond=997000),
        "datetime",
        "datetimeoffset(6)",
        None,
        AT.replace(microsecond=996667, tzinfo=dt.UTC),
    ),
    ("10:00:00.1234565", "varchar(20)", "time(6)", None, dt.time(10, 0, 0, 123457)),
    ("10:00:00.1234995", "varchar(20)", "time(3)", None, dt.time(10, 0, 0, 123000)),
    (dt.time(15, 15, 35), "time(7)", "nvarchar(16)", 0, "3:15PM"),
    (dt.datetime(2011, 6, 7, 15, 15), "datetime2(7)", "nvarchar(32)", 0, "Jun  7 2011  3:15PM"),
    (dt.datetime(2011, 6, 7, 15, 15), "smalldatetime", "varchar(32)", 126, "2011-06-07T15:15:00"),
    (AT, "datetime2(0)", "varchar(32)", 121, "2026-11-03 07:05:09"),
    (AT, "datetime2(2)", "varchar(32)", 113, "03 Nov 2026 07:05:09.12"),
    (ZONED, "datetimeoffset(1)", "varchar(40)", None, "2026-11-03 07:05:09.1 -05:00"),
    (AT, "datetime2", "time(0)", None, dt.time(7, 5, 9)),
    (AT, "datetime2", "datetimeoffset", None, AT.replace(tzinfo=dt.UTC)),
    (ZONED, "datetimeoffset", "datetime2", None, AT),
    (ZONED, "datetimeoffset", "date", None, dt.date(2026, 11, 3)),
    (dt.time(1, 2), "time", "datetime", None, dt.datetime(1900, 1, 1, 1, 2)),
    (1.5, "float", "datetime", None, dt.datetime(1900, 1, 2, 12)),
    (dt.datetime(1900, 1, 2, 12), "datetime", "int", None, 2),
    (dt.datetime(1900, 1, 2, 12), "datetime", "float", None, 1.5),
    (dt.datetime(1900, 1, 2, 0, 0, 1), "datetime", "binary(8)", None, b"\0\0\0\x01\0\0\x01\x2c"),
    (b"\0\0\0\x01\0\0\x01\x2c", "binary(8)", "datetime", None, dt.datetime(1900, 1, 2, 0, 0, 1)),
    ("23:59:59.9999999", "varchar(20)", "time", None, dt.time(23, 59, 59, 999999)),
    (
        "9999-12-31 23:59:59.9999999 +00:00",
        "varchar(40)",
        "datetimeoffset",
        None,
        dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
    ),
    ("2020-01-31T10:11:12Z", "varchar(30)", "datetime", 127, dt.datetime(2020, 1, 31, 10, 11, 12)),
    ("2020-01-31T10:11:12.123Z", "varchar(30)", "datetime", None, dt.datetime(2020, 1, 31, 10, 11, 12, 123000)),
    ("2020-01-31T10:11:12Z", "varchar(30)", "smalldatetime", None, dt.datetime(2020, 1, 31, 10, 11)),
    (3e38, "float", "real", None, 3.0000000054977558e38),
    (5, "int", "sql_variant", None, Variant(T("int"), 5)),
    (Variant(T("varchar(3)"), "12"), "sql_variant", "int", None, 12),
    (None, "int", "nvarchar(5)", None, None),
]


@pytest.mark.parametrize(("value", "source", "target", "style", "expected"), CONVERSIONS)
def test_a_value_converts(value: Any, source: str, target: str, style: int | None, expected: Any) -> None:
    converted = conversion.convert(value, T(source), T(target), style)
    assert converted == expected
    assert type(converted) is type(expected)


STYLES = [
    (None, "Nov  3 2026  7:05AM", "2026-11-03 07:05:09.1267000 -05:00"),
    (0, "Nov  3 2026  7:05AM", "Nov  3 2026  7:05AM -05:00"),
    (1, "11/03/26", "11/03/26"),
    (3, "03/11/26", "03/11/26"),
    (100, "Nov  3 2026  7:05AM", "Nov  3 2026  7:05AM -05:00"),
    (101, "11/03/2026", "11/03/2026"),
    (102, "2026.11.03", "2026.11.03"),
    (103, "03/11/2026", "03/11/2026"),
    (104, "03.11.2026", "03.11.2026"),
    (105, "03-11-2026", "03-11-2026"),
    (106, "03 Nov 2026", "03 Nov 2026"),
    (107, "Nov 03, 2026", "Nov 03, 2026"),
    (108, "07:05:09", "07:05:09"),
    (110, "11-03-2026", "11-03-2026"),
    (111, "2026/11/03", "2026/11/03"),
    (112, "20261103", "20261103"),
    (113, "03 Nov 2026 07:05:09:127", "03 Nov 2026 07:05:09.1267000 -05:00"),
    (114, "07:05:09:127", "07:05:09.1267000"),
    (120, "2026-11-03 07:05:09", "2026-11-03 07:05:09 -05:00"),
    (121, "2026-11-03 07:05:09.127", "2026-11-03 07:05:09.1267000 -05:00"),
    (126, "2026-11-03T07:05:09.127", "2026-11-03T07:05:09.1267000-05:00"),
    (127, "2026-11-03T07:05:09.127", "2026-11-03T12:05:09.1267000Z"),
]


@pytest.mark.parametrize(("style", "as_datetime", "as_datetimeoffset"), STYLES)
def test_a_style_writes_dates(style: int | None, as_datetime: str, as_datetimeoffset: str) -> None:
    target = T("varchar(40)")
    rounded = AT.replace(microsecond=127000)
    assert conversion.convert(rounded, T("datetime"), target, style) == as_datetime
    assert conversion.convert(ZONED, T("datetimeoffset"), target, style) == as_datetimeoffset


READ = [
    ("9999-12-31 23:59:59.9999999", dt.datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ("2026-11-03T07:05:09.1267009", AT),
    ("2026-11-03", dt.datetime(2026, 11, 3)),
    ("20261103 07:05", dt.datetime(2026, 11, 3, 7, 5)),
    ("2026-11-03T07:05:09", dt.datetime(2026, 11, 3, 7, 5, 9)),
    ("2026-11-03 07:05:09.1267001", AT),
    ("2026-11-03 07:05:09.1267 -05:00", AT),
    ("11/3/2026", dt.datetime(2026, 11, 3)),
    ("Nov 3 2026 7:05AM", dt.datetime(2026, 11, 3, 7, 5)),
    ("3 November 2026", dt.datetime(2026, 11, 3)),
    ("Nov 3, 2026", dt.datetime(2026, 11, 3)),
    ("11/3/49", dt.datetime(2049, 11, 3)),
    ("11/3/50", dt.datetime(1950, 11, 3)),
    ("7:05PM", dt.datetime(1900, 1, 1, 19, 5)),
    ("12:05AM", dt.datetime(1900, 1, 1, 0, 5)),
    ("", dt.datetime(1900, 1, 1)),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_a_string_is_read_as_a_date(text: str, expected: dt.datetime) -> None:
    assert conversion.convert(text, T("varchar(40)"), T("datetime2")) == expected


FAILURES: list[tuple[Any, str, str, int | None, int]] = [
    ("x", "varchar(9)", "int", None, 245),
    ("1.0", "varchar(9)", "int", None, 245),
    ("yes", "varchar(9)", "bit", None, 245),
    ("x", "varchar(9)", "bigint", None, 8114),
    ("x", "varchar(9)", "float", None, 8114),
    ("", "varchar(9)", "decimal(5,2)", None, 8114),
    ("x", "varchar(9)", "money", None, 235),
    ("300", "varchar(9)", "tinyint", None, 244),
    ("3000000000", "varchar(20)", "int", None, 248),
    (300, "int", "tinyint", None, 220),
    (-1, "int", "tinyint", None, 220),
    (2**40, "bigint", "int", None, 8115),
    (1e300, "float", "int", None, 232),
    (D(1000), "decimal(9,0)", "decimal(3,1)", None, 8115),
    (D("922337203685477.5808"), "decimal(19,4)", "money", None, 8115),
    (D("-214748.36485"), "decimal(19,5)", "smallmoney", None, 8115),
    (12345, "int", "nvarchar(3)", None, 8115),
    (D("123.45"), "decimal(5,2)", "varchar(3)", None, 8115),
    ("x", "varchar(9)", "datetime", None, 241),
    ("2026-02-30", "varchar(20)", "date", None, 241),
    ("25:00", "varchar(20)", "time", None, 241),
    ("2026-01-01 10:00 +99:00", "varchar(40)", "datetimeoffset", None, 241),
    ("2026-01-01 10:00:00.1234567", "varchar(40)", "datetime", None, 241),
    ("2026-01-01 10:00:00.12345678", "varchar(40)", "datetime2", None, 241),
    (AT, "datetime", "varchar(40)", 130, 40514),
    ("1/1/1445", "varchar(40)", "date", 131, 40514),
    ("x", "varchar(9)", "smalldatetime", None, 295),
    ("2024-02-30", "varchar(10)", "smalldatetime", None, 242),
    ("31/12/2024", "varchar(10)", "datetime", None, 242),
    ("2024-01-01 25:00", "varchar(20)", "datetime", None, 242),
    ("2024-02-30", "varchar(10)", "date", None, 241),
    ("2020-01-31 10:11:12Z", "varchar(30)", "datetime", None, 241),
    ("2020-01-31T10:11:12+00:00", "varchar(30)", "datetime", None, 241),
    ("2020-01-31T10:11:12.1234Z", "varchar(30)", "datetime", None, 241),
    (1e308, "float", "real", None, 232),
    ("-1e39", "varchar(9)", "real", None, 232),
    ("1e999", "varchar(9)", "float", None, 232),
    (1e17, "float", "datetime", None, 8115),
    (dt.datetime(1700, 1, 1), "datetime2", "datetime", None, 242),
    (dt.datetime(2100, 1, 1), "datetime2", "smalldatetime", None, 242),
    (AT, "datetime", "varchar(20)", 500, 281),
    ("x", "varchar(9)", "uniqueidentifier", None, 8169),
    ("6F9619FF-8B86-D011-B42D-00C04FC964FZ", "varchar(40)", "uniqueidentifier", None, 8169),
    (b"\x01", "varbinary(1)", "uniqueidentifier", None, 8169),
    (uuid.UUID(int=1), "uniqueidentifier", "varchar(10)", None, 8170),
    ("xyz", "varchar(9)", "varbinary(9)", 1, 8114),
    ("0x0", "varchar(9)", "varbinary(9)", 1, 8114),
    (1, "int", "date", None, 529),
    (dt.date(2026, 1, 1), "date", "int", None, 529),
    (dt.date(2026, 1, 1), "date", "time", None, 529),
    (uuid.UUID(int=1), "uniqueidentifier", "int", None, 529),
    ("x", "varchar(max)", "sql_variant", None, 529),
]


@pytest.mark.parametrize(("value", "source", "target", "style", "number"), FAILURES)
def test_a_value_that_does_not_convert_gets_its_number(
    value: Any, source: str, target: str, style: int | None, number: int
) -> None:
    with pytest.raises(SqlError) as caught:
        conversion.convert(value, T(source), T(target), style)
    assert caught.value.number == number, caught.value


IMPLICIT: list[tuple[str, str, int | None]] = [
    ("int", "nvarchar(5)", None),
    ("nvarchar(5)", "int", None),
    ("varchar(5)", "datetimeoffset", None),
    ("datetime", "datetimeoffset", None),
    ("date", "datetime", None),
    ("varbinary(5)", "int", None),
    ("int", "sql_variant", None),
    ("sql_variant", "int", 257),
    ("datetime", "int", 257),
    ("nvarchar(5)", "varbinary(5)", 257),
    ("money", "varchar(5)", 257),
    ("date", "int", 206),
    ("uniqueidentifier", "int", 206),
    ("varbinary(8)", "float", 206),
]


@pytest.mark.parametrize(("source", "target", "number"), IMPLICIT)
def test_which_conversions_happen_by_themselves(source: str, target: str, number: int | None) -> None:
    if number is None:
        conversion.check(T(source), T(target), explicit=False)
    else:
        with pytest.raises(SqlError) as caught:
            conversion.check(T(source), T(target), explicit=False)
        assert caught.value.number == number


def test_a_variable_cuts_a_string_and_a_column_refuses_it() -> None:
    source, target = T("nvarchar(10)"), T("nvarchar(3)")
    assert conversion.assign("abcdef", source, target) == "abc"
    assert conversion.store("abc   ", source, target, table="@t", column="c") == "abc"
    with pytest.raises(SqlError) as caught:
        conversion.store("abcdef", source, target, table="@t", column="c")
    assert caught.value.number == 2628
    assert "@t" in caught.value.text
    assert "abcdef" not in caught.value.text


def test_try_convert_gives_null_for_a_bad_value_and_an_error_for_a_bad_type() -> None:
    assert conversion.try_convert("x", T("varchar(5)"), T("int")) is None
    with pytest.raises(SqlError):
        conversion.try_convert(1, T("int"), T("date"))


COMBINED = [
    ("int", "bigint", "bigint"),
    ("int", "varchar(5)", "int"),
    ("varchar(5)", "nvarchar(3)", "nvarchar(5)"),
    ("char(3)", "char(3)", "char(3)"),
    ("char(3)", "char(5)", "varchar(5)"),
    ("varchar(max)", "nvarchar(3)", "nvarchar(max)"),
    ("int", "decimal(5,2)", "decimal(12,2)"),
    ("decimal(38,10)", "decimal(38,0)", "decimal(38,0)"),
    ("float", "decimal(5,2)", "float"),
    ("datetime", "datetimeoffset(3)", "datetimeoffset(3)"),
    ("int", "sql_variant", "sql_variant"),
    ("varbinary(3)", "binary(8)", "varbinary(8)"),
]


@pytest.mark.parametrize(("first", "second", "expected"), COMBINED)
def test_the_type_that_two_values_share(first: str, second: str, expected: str) -> None:
    assert str(combined(T(first), T(second))) == expected
    assert str(combined(T(second), T(first))) == expected


def test_the_type_of_a_sum_a_product_a_quotient_and_a_long_string() -> None:
    assert str(arithmetic_type("+", T("decimal(5,2)"), T("decimal(8,4)"))) == "decimal(9,4)"
    assert str(arithmetic_type("*", T("decimal(5,2)"), T("decimal(8,4)"))) == "decimal(14,6)"
    assert str(arithmetic_type("/", T("decimal(5,2)"), T("decimal(8,4)"))) == "decimal(18,11)"
    assert str(arithmetic_type("*", T("decimal(38,10)"), T("decimal(38,10)"))) == "decimal(38,6)"
    assert str(arithmetic_type("+", T("tinyint"), T("smallint"))) == "smallint"
    assert str(concatenated(T("nvarchar(4000)"), T("varchar(10)"))) == "nvarchar(4000)"
    assert str(concatenated(T("nvarchar(max)"), T("varchar(10)"))) == "nvarchar(max)"


# --- round trips -----------------------------------------------------------------------------------------------------

MOMENTS = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
LATER_MOMENTS = st.datetimes(dt.datetime(1753, 1, 2), dt.datetime(9999, 12, 30))


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_survive_as_text_and_bytes(number: int) -> None:
    for through in ("varchar(20)", "nvarchar(20)", "varbinary(8)", "decimal(19,0)"):
        assert (
            conversion.convert(conversion.convert(number, T("bigint"), T(through)), T(through), T("bigint")) == number
        )


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**14), max_value=10**14))
def test_decimals_survive_as_text(number: Decimal) -> None:
    type_ = T("decimal(38,4)")
    assert conversion.convert(conversion.convert(number, type_, T("varchar(41)")), T("varchar(41)"), type_) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_survive_as_text_of_17_digits(number: float) -> None:
    text = conversion.convert(number, T("float"), T("varchar(40)"), 3)
    assert conversion.convert(text, T("varchar(40)"), T("float")) == number


@given(MOMENTS, st.sampled_from([None, 121, 126]))
def test_datetime2_survives_as_text(moment: dt.datetime, style: int | None) -> None:
    text = conversion.convert(moment, T("datetime2"), T("varchar(40)"), style)
    assert conversion.convert(text, T("varchar(40)"), T("datetime2"), style) == moment


@given(MOMENTS, OFFSETS)
def test_datetimeoffset_survives_as_text_with_its_offset(moment: dt.datetime, zone: dt.timezone) -> None:
    aware = moment.replace(tzinfo=zone)
    text = conversion.convert(aware, T("datetimeoffset"), T("nvarchar(40)"))
    back = conversion.convert(text, T("nvarchar(40)"), T("datetimeoffset"))
    assert back.replace(tzinfo=None) == moment
    assert back.utcoffset() == zone.utcoffset(None)


@given(LATER_MOMENTS)
def test_a_datetime_is_rounded_once(moment: dt.datetime) -> None:
    once = conversion.convert(moment, T("datetime2"), T("datetime"))
    assert once.microsecond // 1000 % 10 in (0, 3, 7)
    assert abs(once - moment) <= dt.timedelta(milliseconds=2)
    assert conversion.convert(once, T("datetime"), T("datetime")) == once
    assert (
        conversion.convert(conversion.convert(once, T("datetime"), T("binary(8)")), T("binary(8)"), T("datetime"))
        == once
    )


@given(st.binary(max_size=40))
def test_bytes_survive_as_hexadecimal_text(data: bytes) -> None:
    for style in (1, 2):
        text = conversion.convert(data, T("varbinary(40)"), T("varchar(90)"), style)
        assert conversion.convert(text, T("varchar(90)"), T("varbinary(40)"), style) == data


@given(st.uuids())
def test_identifiers_survive_as_text_and_bytes(identifier: uuid.UUID) -> None:
    for through in ("varchar(36)", "binary(16)"):
        there = conversion.convert(identifier, T("uniqueidentifier"), T(through))
        assert conversion.convert(there, T(through), T("uniqueidentifier")) == identifier


ANY_TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)


@given(
    ANY_TEXT,
    st.sampled_from(
        ["int", "bit", "decimal(9,2)", "money", "float", "datetime", "datetimeoffset", "time", "uniqueidentifier"]
    ),
)
def test_any_text_converts_or_is_an_error_of_sql_server(text: str, target: str) -> None:
    with contextlib.suppress(SqlError):
        conversion.convert(text, T("nvarchar(20)"), T(target))
