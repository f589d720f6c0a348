"""Percentiles, ties over window functions, subqueries in grouped queries, UNPIVOT, IGNORE NULLS, IS DISTINCT FROM."""

# ruff: noqa: E501 - a query reads best on one line

from __future__ import annotations

from typing import Any

import pytest

from tests.support.tsql_session import run

T = "FROM (VALUES ('a', 1), ('a', 2), ('a', 3), ('a', 4), ('a', NULL), ('b', 9)) AS t (g, v)"

ANSWERS: list[tuple[str, list[tuple[Any, ...]]]] = [
    (
        f"SELECT DISTINCT g, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY v) OVER (PARTITION BY g) {T} ORDER BY g",
        [("a", 2.5), ("b", 9.0)],
    ),
    (
        f"SELECT DISTINCT g, PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY v) OVER (PARTITION BY g), PERCENTILE_DISC(0.25) WITHIN GROUP (ORDER BY v DESC) OVER (PARTITION BY g), PERCENTILE_DISC(0) WITHIN GROUP (ORDER BY v) OVER (PARTITION BY g) {T} ORDER BY g",
        [("a", 2, 4, 1), ("b", 9, 9, 9)],
    ),
    (
        "SELECT TOP (1) PERCENTILE_DISC(1.0) WITHIN GROUP (ORDER BY s) OVER () FROM (VALUES ('b'), ('C'), ('a')) t (s)",
        [("C",)],
    ),
    (
        f"SELECT TOP (1) WITH TIES g, v {T} WHERE v > 0 ORDER BY ROW_NUMBER() OVER (PARTITION BY g ORDER BY v DESC)",
        [("a", 4), ("b", 9)],
    ),
    (f"SELECT TOP (50) PERCENT v {T} WHERE v > 0 AND g = 'a' ORDER BY RANK() OVER (ORDER BY v DESC), v", [(4,), (3,)]),
    (
        f"SELECT g, COUNT(*), (SELECT MAX(x) FROM (VALUES ('A', 10), ('b', 20)) u (k, x) WHERE u.k = t.g) {T} GROUP BY g ORDER BY g",
        [("a", 5, 10), ("b", 1, 20)],
    ),
    (f"SELECT g {T} GROUP BY g HAVING EXISTS (SELECT 1 FROM (VALUES ('b')) u (k) WHERE u.k = g)", [("b",)]),
    (
        f"SELECT g, CASE WHEN MAX(v) > (SELECT AVG(x) FROM (VALUES (4), (6)) u (x)) THEN 'high' ELSE 'low' END {T} GROUP BY g ORDER BY MIN(v) DESC",
        [("b", "high"), ("a", "low")],
    ),
    (f"SELECT g, SUM(SUM(v)) OVER (), (SELECT 1) {T} GROUP BY g ORDER BY (SELECT 0), g", [("a", 19, 1), ("b", 19, 1)]),
    (
        f"SELECT g, COUNT(*), (SELECT 'x' + ISNULL(t.g, '*')), GROUPING(g) {T} GROUP BY ROLLUP (g) ORDER BY GROUPING(g), g",
        [("a", 5, "xa", 0), ("b", 1, "xb", 0), (None, 6, "x*", 1)],
    ),
    ("SELECT COUNT(*), (SELECT 5) FROM (VALUES (1)) t (a) HAVING COUNT(*) > 0", [(1, 5)]),
    (
        "SELECT * FROM (SELECT 1 AS id, 10 AS a, 20 AS b, CAST(NULL AS int) AS c) s UNPIVOT (val FOR col IN (a, [b], c)) u ORDER BY col",
        [(1, 10, "a"), (1, 20, "b")],
    ),
    (
        "SELECT id, n, v FROM (VALUES (2, 'x', 'y'), (1, NULL, 'q')) t (id, b, a) UNPIVOT (v FOR n IN (b, a)) u",
        [(2, "b", "x"), (2, "a", "y"), (1, "a", "q")],
    ),
    (
        "SELECT u.col, u.val * 2 FROM (VALUES (1, 2)) t (x, y) UNPIVOT (val FOR col IN (x, y)) AS u WHERE u.val > 1",
        [("y", 4)],
    ),
    (
        "SELECT LAST_VALUE(v) IGNORE NULLS OVER (ORDER BY k ROWS UNBOUNDED PRECEDING), LAG(v) RESPECT NULLS OVER (ORDER BY k) FROM (VALUES (1, 5), (2, NULL), (3, 7)) t (k, v)",
        [(5, None), (5, 5), (7, None)],
    ),
    (
        "SELECT 1 WHERE NULL IS NOT DISTINCT FROM NULL AND 1 IS DISTINCT FROM NULL AND 'a' IS NOT DISTINCT FROM 'A '",
        [(1,)],
    ),
    (
        "SELECT IDENTITY(int, 10, 5) AS id, v INTO #i FROM (VALUES ('b'), ('a')) t (v) ORDER BY v; INSERT #i VALUES ('c'); SELECT * FROM #i ORDER BY id",
        [(10, "a"), (15, "b"), (20, "c")],
    ),
]


@pytest.mark.parametrize(("text", "expected"), ANSWERS, ids=[text for text, _ in ANSWERS])
def test_answers(text: str, expected: list[tuple[Any, ...]]) -> None:
    found = run(text)
    assert not found.errors
    assert found.results == [expected]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (f"SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY v) {T}", 10753),
        (f"SELECT PERCENTILE_CONT(2) WITHIN GROUP (ORDER BY v) OVER () {T}", 10759),
        (f"SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY g) OVER () {T}", 8117),
        (f"SELECT g, (SELECT MAX(x) FROM (VALUES (1)) u (x) WHERE x = t.v) {T} GROUP BY g", 8120),
        (f"SELECT RANK() IGNORE NULLS OVER (ORDER BY v) {T}", 10769),
        ("SELECT * FROM (SELECT 1 AS a, 'x' AS b) s UNPIVOT (v FOR c IN (a, b)) u", 8167),
        ("SELECT IDENTITY(int, 1, 1) AS id FROM sys.databases", 177),
    ],
)
def test_errors(text: str, number: int) -> None:
    assert run(text).numbers == [number]
