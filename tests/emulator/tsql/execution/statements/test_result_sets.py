"""``EXEC … WITH RESULT SETS``."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.support.tsql_session import run

TWO = "EXEC ('SELECT 1 AS a, N''long text'' AS b; SELECT CAST(''20240229'' AS datetime) AS c') WITH "


@pytest.mark.parametrize(
    ("options", "columns", "results"),
    [
        ("RECOMPILE", [["a", "b"], ["c"]], [[(1, "long text")], [(dt.datetime(2024, 2, 29),)]]),
        ("RESULT SETS UNDEFINED", [["a", "b"], ["c"]], [[(1, "long text")], [(dt.datetime(2024, 2, 29),)]]),
        (
            "RECOMPILE, RESULT SETS ((Id bigint NOT NULL, [My T] nchar(4) COLLATE DATABASE_DEFAULT NULL), (Day date))",
            [["Id", "My T"], ["Day"]],
            [[(1, "long")], [(dt.date(2024, 2, 29),)]],
        ),
        (
            "RESULT SETS ((x decimal(9, 2), y varchar(20)), (z sys.datetime2(7)))",
            [["x", "y"], ["z"]],
            [[(Decimal("1.00"), "long text")], [(dt.datetime(2024, 2, 29),)]],
        ),
    ],
)
def test_result_sets_have_the_names_and_types_of_the_caller(
    options: str, columns: list[list[str]], results: list[list[tuple[Any, ...]]]
) -> None:
    found = run(TWO + options)
    assert found.numbers == []
    assert found.columns == columns
    assert found.results == results


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ("RESULT SETS NONE", 11535),
        ("RESULT SETS ((a int, b nvarchar(20)))", 11535),
        ("RESULT SETS ((a int, b nvarchar(20)), (c datetime), (d int))", 11536),
        ("RESULT SETS ((a int), (c datetime))", 11537),
        ("RESULT SETS ((a int, b nvarchar(20)), (c uniqueidentifier))", 11538),
        ("RESULT SETS ((a int, b int), (c datetime))", 245),
        ("RESULT SETS (AS OBJECT dbo.t)", 40514),
        ("RESULT SETS ((a nosuch))", 2715),
    ],
)
def test_what_does_not_fit_is_an_error(options: str, number: int) -> None:
    assert run(TWO + options).numbers == [number]


def test_null_does_not_fit_not_null() -> None:
    assert run("EXEC ('SELECT CAST(NULL AS int)') WITH RESULT SETS ((a int NOT NULL))").numbers == [11553]
    assert run("EXEC ('SELECT CAST(NULL AS int)') WITH RESULT SETS ((a int NULL))").results == [[(None,)]]


def test_a_procedure_is_described_by_the_clause() -> None:
    found = run(
        "EXEC sp_describe_first_result_set N'EXEC sp_who2 WITH RESULT SETS ((Id bigint NOT NULL, Name nvarchar(9)))'"
    )
    described = [dict(zip(found.columns[0], row, strict=True)) for row in found.results[0]]
    assert [(row["name"], row["is_nullable"], row["system_type_name"]) for row in described] == [
        ("Id", False, "bigint"),
        ("Name", True, "nvarchar(9)"),
    ]
