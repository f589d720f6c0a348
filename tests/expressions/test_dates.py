"""Dates and times: parts, arithmetic, text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.datatypes import ColumnType, DataTypeCode
from airflow_provider_ssis.expressions import ExpressionError, Scope, Settings, Variable, compile_expression
from airflow_provider_ssis.expressions.date_parts import add_to_date, date_part, on_clock
from airflow_provider_ssis.expressions.dates import MILLISECOND, ticks_of
from airflow_provider_ssis.expressions.values import from_python, to_python
from tests.support.expressions import error_of, outcome, type_of, value_of


def stamp(text: str) -> str:
    """A DT_DBTIMESTAMP."""
    return f'(DT_DBTIMESTAMP)"{text}"'


@pytest.mark.parametrize(
    ("names", "value"),
    [
        ("year yy yyyy YEAR", 2024), ("quarter qq q", 1), ("month mm m", 2), ("dayofyear dy y", 60), ("day dd d", 29),
        ("week wk ww", 9), ("weekday dw", 5), ("hour hh", 13), ("minute mi n", 14), ("second ss s", 15),
        ("millisecond ms", 127),
    ],
)  # fmt: skip
def test_each_date_part_has_its_names(names: str, value: int) -> None:
    for name in names.split():
        assert value_of(f'DATEPART("{name}", {stamp("2024-02-29 13:14:15.126")})') == value, name


@pytest.mark.parametrize("name", ["years", "days", "hours", "", "h", "week ", "minutes", "ns"])
def test_other_names_are_no_date_parts(name: str) -> None:
    assert error_of(f'DATEPART("{name}", GETDATE())') == "INVALIDDATEPART"


@pytest.mark.parametrize("part", ['"da" + "y"', "1", "NULL(DT_WSTR,5)", 'UPPER("day")'])
def test_the_date_part_is_a_literal(part: str) -> None:
    for text in (
        f"DATEPART({part}, GETDATE())",
        f"DATEADD({part}, 1, GETDATE())",
        f"DATEDIFF({part}, GETDATE(), GETDATE())",
    ):
        assert error_of(text) == "INVALIDDATEPARTNODE"
    assert outcome("DATEPART(@part, GETDATE())", part={"type": "String", "value": "day"}) == "INVALIDDATEPARTNODE"


@pytest.mark.parametrize(
    ("date", "week", "weekday"),
    [("2024-01-01", 1, 2), ("2024-01-06", 1, 7), ("2024-01-07", 2, 1), ("2024-12-31", 53, 3), ("2023-01-01", 1, 1)],
)
def test_weeks_begin_on_sunday(date: str, week: int, weekday: int) -> None:
    assert value_of(f'DATEPART("wk", (DT_DBDATE)"{date}")') == week
    assert value_of(f'DATEPART("dw", (DT_DBDATE)"{date}")') == weekday


@pytest.mark.parametrize(
    ("part", "number", "start", "result"),
    [
        ("month", 1, "2024-01-31", "2024-02-29 00:00:00"),
        ("month", -1, "2024-03-31", "2024-02-29 00:00:00"),
        ("year", 1, "2024-02-29", "2025-02-28 00:00:00"),
        ("quarter", 1, "2023-11-30", "2024-02-29 00:00:00"),
        ("day", -1, "2024-03-01", "2024-02-29 00:00:00"),
        ("dayofyear", 366, "2024-01-01", "2025-01-01 00:00:00"),
        ("weekday", 1, "2024-12-31", "2025-01-01 00:00:00"),
        ("week", 2, "2024-12-31", "2025-01-14 00:00:00"),
        ("hour", 25, "2024-12-31", "2025-01-01 01:00:00"),
        ("minute", -1, "2024-01-01", "2023-12-31 23:59:00"),
        ("second", 61, "2024-01-01", "2024-01-01 00:01:01"),
        ("ms", 5, "2024-01-01", "2024-01-01 00:00:00.007000000"),
        ("ms", 1, "2024-01-01", "2024-01-01 00:00:00"),
        ("ms", 1000, "2024-01-01", "2024-01-01 00:00:01"),
        ("day", 1, "2024-01-01 10:00:00.125", "2024-01-02 10:00:00.127000000"),
        ("day", 0, "2024-01-01 10:00:00.999", "2024-01-01 10:00:01"),
        ("month", 120, "9989-12-31", "9999-12-31 00:00:00"),
    ],
)
def test_adding_to_dates(part: str, number: int, start: str, result: str) -> None:
    text = f'DATEADD("{part}", {number}, {stamp(start)})'
    assert type_of(text) == "DT_DBTIMESTAMP"
    assert value_of(text) == result


def test_dateadd_always_returns_a_timestamp() -> None:
    assert type_of('DATEADD("day", 1, (DT_DBDATE)"2024-01-31")') == "DT_DBTIMESTAMP"
    assert type_of('DATEADD("day", 1, (DT_DBTIMESTAMP2,7)"2024-01-31")') == "DT_DBTIMESTAMP"


@pytest.mark.parametrize("text", ['"year", 10000', '"day", 2147483647', '"month", -2147483647', '"hour", -100000000'])
def test_dates_outside_the_years_1_to_9999_are_an_error(text: str) -> None:
    assert error_of(f"DATEADD({text}, GETDATE())") == "FUNCTIONOVERFLOW"


@pytest.mark.parametrize(
    ("part", "start", "end", "result"),
    [
        ("day", "2024-01-31 23:00:00", "2024-02-01 01:00:00", 1),
        ("day", "2024-01-31 01:00:00", "2024-01-31 23:00:00", 0),
        ("day", "2024-02-01", "2024-01-31", -1),
        ("hour", "2024-01-31 23:59:59", "2024-02-01 00:00:00", 1),
        ("month", "2024-01-31", "2024-02-01", 1),
        ("year", "2023-12-31", "2024-01-01", 1),
        ("quarter", "2023-12-31", "2024-07-01", 3),
        ("week", "2024-01-06", "2024-01-07", 1),
        ("week", "2024-01-07", "2024-01-13", 0),
        ("minute", "2024-01-01", "2024-01-02", 1440),
        ("second", "2024-01-01", "2024-01-02", 86400),
        ("ms", "2024-01-01", "2024-01-01 00:00:01.003", 1003),
    ],
)
def test_differences_count_boundaries(part: str, start: str, end: str, result: int) -> None:
    assert value_of(f'DATEDIFF("{part}", {stamp(start)}, {stamp(end)})') == result


def test_types_of_dates_mix_and_others_do_not() -> None:
    assert value_of(f'DATEDIFF("day", (DT_DBDATE)"2024-01-01", {stamp("2024-01-03")})') == 2
    assert value_of('DATEDIFF("day", (DT_DATE)"2024-01-01", (DT_DBTIMESTAMPOFFSET,0)"2024-01-02 00:30:00 +01:00")') == 0
    assert error_of('DATEDIFF("day", "2024-01-01", GETDATE())') == "PARAMTYPEMISMATCH"
    assert error_of(f'DATEDIFF("ms", {stamp("1900-01-01")}, GETDATE())') == "FUNCTIONOVERFLOW"
    assert error_of('YEAR((DT_DBTIMESTAMP2,3)"2024-01-01")') == "PARAMTYPEMISMATCH"
    assert error_of('DATEPART("day", (DT_DBTIMESTAMPOFFSET,3)"2024-01-01")') == "PARAMTYPEMISMATCH"
    column = {"x": {"type": "DT_DBTIMESTAMP2", "scale": 3, "value": "2024-02-03"}}
    assert outcome("MONTH(x)", column) == 2


def test_getdate_is_the_settings_clock_in_milliseconds() -> None:
    assert value_of("GETDATE()") == "2024-05-06 07:08:09.123000000"
    assert value_of("GETUTCDATE()") == "2024-05-06 05:08:09.123000000"
    assert value_of("LEN((DT_WSTR,30)GETDATE())") == 29
    whole = Settings(clock=lambda: datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert compile_expression("LEN((DT_WSTR,30)GETDATE())", settings=whole).evaluate() == 19


@given(st.datetimes(datetime(1753, 1, 1), datetime(9998, 12, 31)))
def test_subtracting_the_milliseconds_gives_the_full_second(moment: datetime) -> None:
    ticks = ticks_of(moment) // MILLISECOND * MILLISECOND
    milliseconds = date_part("millisecond", ticks)
    assert milliseconds % 10 in (0, 3, 7)
    result = add_to_date("millisecond", -milliseconds, ticks)
    assert date_part("millisecond", result) == 0
    assert 0 <= on_clock(ticks) - result < 10_000_000


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 30)))
def test_parts_agree_with_python(moment: datetime) -> None:
    ticks = on_clock(ticks_of(moment))
    found = [date_part(part, ticks) for part in ("year", "month", "day", "dayofyear", "weekday", "hour", "minute")]
    expected = to_python(ticks, ColumnType(DataTypeCode.DT_DBTIMESTAMP))
    assert found == [
        expected.year,
        expected.month,
        expected.day,
        expected.timetuple().tm_yday,
        expected.isoweekday() % 7 + 1,
        expected.hour,
        expected.minute,
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('(DT_DBDATE)"2024-02-29"', "2024-02-29"),
        ('(DT_DBDATE)"2024-02-29 10:00:00"', "2024-02-29"),
        ('(DT_DBTIME)"10:20:30"', "10:20:30"),
        ('(DT_DBTIME2,3)"10:20:30.123456"', "10:20:30.123"),
        ('(DT_DBTIMESTAMP)"2024-02-29"', "2024-02-29 00:00:00"),
        ('(DT_DBTIMESTAMP)"2024-02-29 10:20:30.1239"', "2024-02-29 10:20:30.123000000"),
        ('(DT_DBTIMESTAMP2,7)"2024-02-29 10:20:30.1234567"', "2024-02-29 10:20:30.1234567"),
        ('(DT_DBTIMESTAMP2,0)"2024-02-29 10:20:30.9"', "2024-02-29 10:20:30"),
        ('(DT_DBTIMESTAMPOFFSET,3)"2024-02-29 10:20:30.5 -05:30"', "2024-02-29 10:20:30.500 -05:30"),
        ('(DT_DBTIMESTAMPOFFSET,0)"2024-02-29 10:20:30"', "2024-02-29 10:20:30 +00:00"),
        ('(DT_FILETIME)"2024-02-29 10:20:30:123"', "2024-02-29 10:20:30:123"),
        ('(DT_DATE)"2024-02-29 10:20:30"', "2024-02-29 10:20:30"),
        ('(DT_DATE)"2/29/2024 1:02:03 PM"', "2024-02-29 13:02:03"),
        ('(DT_DATE)"29/2/2024"', "2024-02-29 00:00:00"),
        ('(DT_DBTIMESTAMP)"3/4/2024"', "2024-03-04 00:00:00"),
        ('(DT_DATE)"02/23/16"', "2016-02-23 00:00:00"),
        ('(DT_DATE)"1/2/29 5:00 PM"', "2029-01-02 17:00:00"),
        ('(DT_DBDATE)"23-2-30"', "1930-02-23"),
        ('(DT_DBDATE)(DT_DBTIMESTAMP)"2024-02-29 23:59:59"', "2024-02-29"),
        ('(DT_DBTIME)(DT_DBTIMESTAMP)"2024-02-29 23:59:59.9"', "23:59:59"),
        ('(DT_DBTIMESTAMP)(DT_DBDATE)"2024-02-29"', "2024-02-29 00:00:00"),
        ('(DT_DBTIMESTAMP)(DT_DBTIME)"10:00:00"', "2024-05-06 10:00:00"),
        ('(DT_DBTIMESTAMP)(DT_DBTIMESTAMPOFFSET,0)"2024-01-01 00:30:00 +01:00"', "2023-12-31 23:30:00"),
        ('(DT_DBTIMESTAMP)(DT_DBTIMESTAMP2,7)"2024-01-01 00:00:00.1239999"', "2024-01-01 00:00:00.123000000"),
        ('(DT_WSTR,30)(DT_DBTIMESTAMP)"2024-01-01 00:00:00.120"', "2024-01-01 00:00:00.120000000"),
        ('(DT_WSTR,30)(DT_DBDATE)"2024-01-02"', "2024-01-02"),
        ('(DT_WSTR,30)(DT_DBTIME2,2)"01:02:03"', "01:02:03.00"),
        ('(DT_WSTR,30)(DT_DATE)"2005-03-04 11:06:18"', "3/4/2005 11:06:18 AM"),
        ('(DT_WSTR,30)(DT_DATE)"2005-03-04 00:06:18"', "3/4/2005 12:06:18 AM"),
        ('(DT_WSTR,30)(DT_DATE)"2005-03-04 12:06:18"', "3/4/2005 12:06:18 PM"),
        ('(DT_WSTR,30)(DT_DATE)"2005-03-04"', "3/4/2005"),
        ('(DT_WSTR,30)(DT_DATE)"1899-12-30 13:00:00"', "1:00:00 PM"),
        ("(DT_WSTR,30)(DT_DATE)0", "12:00:00 AM"),
    ],
)
def test_text_and_dates(text: str, value: str) -> None:
    assert value_of(text) == value


NO_DATES = """\
2023-02-29|2024-13-01|2024-00-10|2024-01-01 24:00:00|2024-01-01 10:60:00|2024-01|20240101||2024-01-01T10:00:00
13/13/2024|1/2/3|1/2/024|2/30/24|2024-01-01 10:00:00 +01:00|0000-01-01|10000-01-01|x"""


@pytest.mark.parametrize("text", NO_DATES.replace("\n", "|").split("|"))
def test_an_invalid_date_is_refused(text: str) -> None:
    assert error_of(stamp(text)) == "DATACONVERSIONFAILED"


def test_ranges_of_types() -> None:
    assert error_of('(DT_FILETIME)"1600-12-31"') == "DATACONVERSIONOVERFLOW"
    assert error_of('(DT_DATE)"0099-12-31"') == "DATACONVERSIONOVERFLOW"
    assert error_of('(DT_DBTIMESTAMPOFFSET,0)"2024-01-01 00:00:00 +14:01"') == "DATACONVERSIONFAILED"
    assert error_of('(DT_DBTIMESTAMPOFFSET,0)"0001-01-01 00:00:00 +14:00"') == "DATACONVERSIONOVERFLOW"


def test_the_locale_decides_about_two_way_dates_and_unknown_ones_are_refused() -> None:
    def read(text: str, locale: int) -> object:
        return compile_expression(text, settings=Settings(locale=locale)).evaluate()

    third_of_april = ticks_of(datetime(2024, 4, 3))
    assert read('(DT_DATE)"3.4.2024"', 1031) == third_of_april
    assert read('(DT_DATE)"4/3/2024"', 1033) == third_of_april
    assert read('(DT_DATE)"2024-04-03"', 9999) == third_of_april
    for text, locale in [('(DT_DATE)"4/3/2024"', 9999), ('(DT_WSTR,30)(DT_DATE)"2024-04-03"', 1031)]:
        with pytest.raises(ExpressionError, match="locale"):
            read(text, locale)


def test_python_dates_are_values() -> None:
    moment = datetime(2024, 2, 29, 10, 20, 30, 123000)
    for code in (DataTypeCode.DT_DATE, DataTypeCode.DT_DBTIMESTAMP, DataTypeCode.DT_FILETIME):
        assert to_python(from_python(moment, ColumnType(code)), ColumnType(code)) == moment
    date = ColumnType(DataTypeCode.DT_DBDATE)
    assert to_python(from_python(moment, date), date) == moment.date()
    offset = ColumnType(DataTypeCode.DT_DBTIMESTAMPOFFSET, scale=7)
    local = moment.astimezone(UTC) + timedelta(hours=1)
    assert to_python(from_python(local, offset), offset) == local
    variable = Variable(ColumnType(DataTypeCode.DT_DATE), from_python(moment, ColumnType(DataTypeCode.DT_DATE)))
    scope = Scope({"System::StartTime": variable})
    assert compile_expression("(DT_WSTR,30)@[System::StartTime]", scope).evaluate() == "2/29/2024 10:20:30 AM"
