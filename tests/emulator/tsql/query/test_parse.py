"""PARSE and TRY_PARSE."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.support.tsql_session import run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PARSE('12' AS int)", 12),
        ("PARSE(' -1,234 ' AS bigint)", -1234),
        ("PARSE('1,234.5' AS decimal(9, 1) USING 'en-US')", Decimal("1234.5")),
        ("PARSE('$1,345.98' AS money USING N'en-US')", Decimal("1345.9800")),
        ("PARSE('1.5e3' AS float)", 1500.0),
        ("PARSE('2020-01-02' AS date)", dt.date(2020, 1, 2)),
        ("PARSE('Monday, 13 December 2010' AS datetime2)", dt.datetime(2010, 12, 13)),
        ("TRY_PARSE('x' AS int)", None),
        ("TRY_PARSE('1e3' AS int)", None),
        ("TRY_PARSE('300' AS tinyint)", None),
        ("TRY_PARSE('1.5' AS int)", None),
        ("TRY_PARSE('32 December' AS date)", None),
        ("TRY_PARSE(CAST(NULL AS varchar(5)) AS int)", None),
    ],
)
def test_answers(text: str, expected: Any) -> None:
    found = run(f"SELECT {text}; SELECT {text.replace('(', '(v + ', 1)} FROM (VALUES ('')) AS t (v)")
    assert not found.errors
    assert found.results == [[(expected,)], [(expected,)]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("PARSE('x' AS int)", 9819),
        ("PARSE('x' AS bit)", 10761),
        ("PARSE('x' AS varchar(5))", 10761),
        ("PARSE('x')", 102),
    ],
)
def test_errors(text: str, number: int) -> None:
    assert run(f"SELECT {text}").numbers == [number]
