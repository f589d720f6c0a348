"""SET DATEFORMAT and SET LANGUAGE: how dates in strings are read. Facts: Microsoft Learn, "SET DATEFORMAT (Transact-SQL)"."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.tsql_session import SharedSessions, shared_sessions

DAY, SWAPPED = dt.datetime(2024, 12, 31), dt.datetime(2024, 2, 1)
CASES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("SET DATEFORMAT dmy; SELECT CAST('31/12/2024' AS datetime), CAST('31.12.24' AS date), CONVERT(datetime2(0), '31-12-2024 10:00')", [(DAY, DAY.date(), DAY.replace(hour=10))]),
    ("SET DATEFORMAT dmy; SELECT CAST('2024-01-02' AS datetime), CAST('2024-01-02' AS date), CAST('2024-01-02T00:00:00' AS datetime), CAST('20240201' AS datetime)", [(SWAPPED, dt.date(2024, 1, 2), dt.datetime(2024, 1, 2), SWAPPED)]),
    ("SET DATEFORMAT dmy; SELECT CONVERT(datetime, '12/31/2024', 101), CONVERT(datetime, '2024-12-31', 120), TRY_CONVERT(datetime, '12/31/2024', 0), TRY_CAST('12/31/2024' AS date)", [(DAY, DAY, None, None)]),
    ("SET DATEFORMAT 'ymd'; SELECT CAST('24/12/31' AS date), CAST('12/31/2024' AS datetime), CAST('2024-12-31' AS datetime)", [(DAY.date(), DAY, DAY)]),
    ("DECLARE @f varchar(3) = 'dmy', @d date; SET DATEFORMAT @f; SET @d = '31/12/2024'; SELECT @d, ISDATE('31/12/2024'), ISDATE('12/31/2024')", [(DAY.date(), 1, 0)]),
    ("CREATE TABLE #t (d datetime DEFAULT '01/02/2024'); SET DATEFORMAT dmy; INSERT #t VALUES ('31/12/2024'); INSERT #t DEFAULT VALUES; SELECT d FROM #t WHERE d > '30/01/2024' ORDER BY d; DROP TABLE #t", [(SWAPPED,), (DAY,)]),
    ("SET DATEFORMAT dmy; EXEC sp_executesql N'SELECT @d, DATEADD(day, 0, ''01/02/2024'')', N'@d date', @d = '31/12/2024'", [(DAY.date(), SWAPPED)]),
    ("SET DATEFORMAT dmy; EXEC ('SET DATEFORMAT mdy'); DECLARE @v sql_variant = '31/12/2024'; SELECT CAST(@v AS date) FROM (VALUES (1)) t (a)", [(DAY.date(),)]),
    ("SET DATEFORMAT dmy; EXEC ('SELECT ''31/12/2024''') WITH RESULT SETS ((d date))", [(DAY.date(),)]),
    ("SET DATEFORMAT dmy; CREATE TABLE #e (d date); INSERT #e EXEC ('SELECT ''31/12/2024'''); ALTER TABLE #e ALTER COLUMN d varchar(10); UPDATE #e SET d = '01/02/2024' WHERE d = '2024-12-31'; ALTER TABLE #e ALTER COLUMN d datetime; SELECT d FROM #e; DROP TABLE #e", [(SWAPPED,)]),
    ("SET LANGUAGE British; SELECT CAST('31/12/2024' AS date), @@DATEFIRST, @@LANGUAGE, @@LANGID, DATENAME(month, '20240105')", [(DAY.date(), 1, "British", 23, "January")]),
    ("SET LANGUAGE British; SET LANGUAGE us_english; SELECT CAST('12/31/2024' AS date), @@DATEFIRST, @@LANGUAGE", [(DAY.date(), 7, "us_english")]),
]  # fmt: skip
ERRORS = [
    ("SET DATEFORMAT dmy; SELECT CAST('12/31/2024' AS datetime)", 242),
    ("SET DATEFORMAT dmy; SELECT CAST('12/31/2024' AS date)", 241),
    ("SET DATEFORMAT dmy; SELECT CAST('2024-12-31' AS datetime)", 242),
    ("SET DATEFORMAT ydm", 40514),
    ("SET LANGUAGE Deutsch", 40514),
]


@pytest.fixture(scope="module")
def sessions() -> Iterator[SharedSessions]:
    with shared_sessions() as sessions:
        yield sessions


@pytest.mark.parametrize(("text", "rows"), CASES, ids=[each[0] for each in CASES])
def test_dates(sessions: SharedSessions, text: str, rows: list[tuple[Any, ...]]) -> None:
    found = sessions.answer(text)
    sessions.reset("sa")
    assert (found.numbers, found.results) == ([], [rows])


@pytest.mark.parametrize(("text", "number"), ERRORS)
def test_errors(sessions: SharedSessions, text: str, number: int) -> None:
    found = sessions.answer(text)
    sessions.reset("sa")
    assert found.numbers == [number]


def test_the_same_query_is_read_in_each_order(sessions: SharedSessions) -> None:
    query = "SELECT CAST(s AS datetime) FROM (VALUES ('01/02/2024')) t (s)"
    found = [sessions.answer(f"SET DATEFORMAT {order}; {query}").results for order in ("mdy", "dmy", "mdy")]
    sessions.reset("sa")
    assert found == [[[(dt.datetime(2024, 1, 2),)]], [[(SWAPPED,)]], [[(dt.datetime(2024, 1, 2),)]]]


def test_bulk_insert_reads_dates_in_the_order_of_the_session(sessions: SharedSessions, tmp_path: Path) -> None:
    (tmp_path / "days.csv").write_text("31/12/2024\n01/02/2024\n")
    load = f"CREATE TABLE #b (d date); SET DATEFORMAT dmy; BULK INSERT #b FROM '{tmp_path}/days.csv' WITH (ROWTERMINATOR = '\\n')"
    found = sessions.answer(f"{load}; SELECT d FROM #b ORDER BY d")
    sessions.reset("sa")
    assert (found.numbers, found.results) == ([], [[(SWAPPED.date(),), (DAY.date(),)]])
