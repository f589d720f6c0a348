"""JSON_VALUE, JSON_QUERY, ISJSON, STRING_ESCAPE and OPENJSON."""

# ruff: noqa: E501, ISC004 - a query reads best on one line

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.tsql.values import json_path
from tests.support.tsql_session import run

TEXT = '{"a": {"b": [1, 2.50, "x", {"c": null}]}, "d e": true}'

MODIFIED = [
    # A value is replaced, added, removed; the rest stays as it is written.
    ("""'{"a": 1, "b": [2]}', '$.a', 2""", '{"a": 2, "b": [2]}'),
    ("""'{"a": 1, "b": [2]}', '$.b[0]', N'x"y'""", '{"a": 1, "b": ["x\\"y"]}'),
    ("""'{"a": 1}', '$.b', CAST(1 AS bit)""", '{"a": 1,"b":true}'),
    ("""'{}', '$.b', 2.50""", '{"b":2.50}'),
    ("""'{"a":1,"b":2,"c":3}', '$.a', NULL""", '{"b":2,"c":3}'),
    ("""'{"a":1,"b":2,"c":3}', '$.b', NULL""", '{"a":1,"c":3}'),
    ("""'{"a":1}', '$.a', NULL""", "{}"),
    ("""'{"a":1}', 'strict $.a', NULL""", '{"a":null}'),
    ("""'[1,2]', '$[0]', NULL""", "[null,2]"),
    # A lax path that leads to no object changes nothing.
    ("""'{"a":1}', '$.b.c', 1""", '{"a":1}'),
    ("""'{"a":1}', '$.b', NULL""", '{"a":1}'),
    ("""'{"a":1}', '$.a.b', 1""", '{"a":1}'),
    ("""'{"a":[1]}', 'append $.a', N'x'""", '{"a":[1,"x"]}'),
    ("""'{"a":[]}', 'append lax $.a', 7""", '{"a":[7]}'),
    # JSON stays JSON, and a text becomes a string.
    ("""'{"a":1}', '$.a', JSON_QUERY('[1]')""", '{"a":[1]}'),
    ("""'{"a":1}', '$.a', '[1]'""", '{"a":"[1]"}'),
    ("""JSON_MODIFY('{}', '$.a', 1), '$.b', JSON_MODIFY('{}', '$.c', 2)""", '{"a":1,"b":{"c":2}}'),
    ("NULL, '$.a', 1", None),
]


@pytest.mark.parametrize(("arguments", "text"), MODIFIED)
def test_json_is_modified(arguments: str, text: str | None) -> None:
    assert run(f"SELECT JSON_MODIFY({arguments})").results == [[(text,)]]
    # From a table, so that DuckDB calls it for each row.
    query = f"DECLARE @t TABLE (n int); INSERT @t VALUES (1), (2); SELECT JSON_MODIFY({arguments}) FROM @t"
    assert run(query).results == [[(text,)] * 2]


ANSWERS: list[tuple[str, list[tuple[Any, ...]]]] = [
    (
        f"SELECT JSON_VALUE('{TEXT}', '$.a.b[1]'), JSON_VALUE('{TEXT}', '$.\"d e\"'), JSON_VALUE('{TEXT}', '$.a.b[3].c')",
        [("2.50", "true", None)],
    ),
    (
        f"SELECT JSON_VALUE('{TEXT}', '$.a'), JSON_VALUE('{TEXT}', 'lax $.nothing.b'), JSON_VALUE(NULL, '$')",
        [(None, None, None)],
    ),
    (
        f"SELECT JSON_QUERY('{TEXT}', '$.a.b'), JSON_QUERY('{TEXT}', '$.a.b[0]'), JSON_QUERY('[1]')",
        [('[1, 2.50, "x", {"c": null}]', None, "[1]")],
    ),
    (
        "SELECT ISJSON('{}'), ISJSON('1'), ISJSON('{x'), ISJSON('[NaN]'), ISJSON(NULL), STRING_ESCAPE('a\"/b', 'json')",
        [(1, 0, 0, 0, None, 'a\\"\\/b')],
    ),
    (
        'SELECT * FROM OPENJSON(\'{"a":1,"b":"x","c":null,"d":[1],"e":{},"f":true}\')',
        [("a", "1", 2), ("b", "x", 1), ("c", None, 0), ("d", "[1]", 4), ("e", "{}", 5), ("f", "true", 3)],
    ),
    (
        "SELECT [key], value FROM OPENJSON('{\"list\":[10,20]}', '$.list') AS j WHERE CAST(j.value AS int) > 10",
        [("1", "20")],
    ),
    (
        'DECLARE @j nvarchar(max) = N\'[{"id":1,"n":{"x":"a"},"t":["p","q"]},{"id":2}]\';'
        " SELECT * FROM OPENJSON(@j) WITH (id int, x varchar(10) '$.n.x', tags nvarchar(max) '$.t' AS JSON) AS j ORDER BY id",
        [(1, "a", '["p","q"]'), (2, None, None)],
    ),
    (
        "SELECT t.n, j.value FROM (VALUES (1, '[5,6]'), (2, NULL)) t (n, d) OUTER APPLY OPENJSON(t.d) j ORDER BY 1, 2",
        [(1, "5"), (1, "6"), (2, None)],
    ),
    (
        "SELECT v FROM (VALUES (1), (2), (3)) t (v) WHERE v IN (SELECT CAST(value AS int) FROM OPENJSON('[1,3]'))",
        [(1,), (3,)],
    ),
    ("SELECT COUNT(*) FROM OPENJSON('{\"a\":1}', '$.missing')", [(0,)]),
    ("SELECT JSON_QUERY('[1]') AS a, JSON_VALUE('[\"s\"]', '$[0]') AS b FOR JSON PATH", [('[{"a":[1],"b":"s"}]',)]),
]


@pytest.mark.parametrize(("text", "expected"), ANSWERS, ids=[text for text, _ in ANSWERS])
def test_answers(text: str, expected: list[tuple[Any, ...]]) -> None:
    found = run(text)
    assert not found.errors
    assert found.results == [expected]


ROWS = "(VALUES (2, '[7,5,6]'), (1, '[9,8]')) t (n, d)"
IN_ORDER: list[tuple[str, list[tuple[Any, ...]]]] = [
    (
        f"SELECT t.n, j.value FROM {ROWS} CROSS APPLY OPENJSON(t.d) j",
        [(2, "7"), (2, "5"), (2, "6"), (1, "9"), (1, "8")],
    ),
    (
        f"SELECT * INTO #t FROM {ROWS}; INSERT #t VALUES (0, '[]');"
        " SELECT t.n, j.v FROM #t t OUTER APPLY OPENJSON(t.d) WITH (v int '$') j",
        [(2, 7), (2, 5), (2, 6), (1, 9), (1, 8), (0, None)],
    ),
    (
        f"SELECT j.v FROM {ROWS} CROSS APPLY (SELECT TOP (2) value AS v FROM OPENJSON(t.d) WHERE value > 5) j",
        [("7",), ("6",), ("9",), ("8",)],
    ),
    (
        "SELECT p.value FROM OPENJSON('[[3,1],[2,0]]') o CROSS APPLY OPENJSON(o.value) p",
        [("3",), ("1",), ("2",), ("0",)],
    ),
    (f"SELECT TOP (2) j.value FROM {ROWS} CROSS APPLY OPENJSON(t.d) j", [("7",), ("5",)]),
    (
        f"SELECT t.n, STRING_AGG(j.value, '-') FROM {ROWS} CROSS APPLY OPENJSON(t.d) j GROUP BY t.n ORDER BY 1",
        [(1, "9-8"), (2, "7-5-6")],
    ),
    (
        f"DECLARE @s varchar(9) = ''; SELECT @s += j.value FROM {ROWS} CROSS APPLY OPENJSON(t.d) j; SELECT @s",
        [("75698",)],
    ),
    (
        "SELECT j.value, ROW_NUMBER() OVER (PARTITION BY t.n ORDER BY (SELECT NULL))"
        f" FROM {ROWS} CROSS APPLY OPENJSON(t.d) j",
        [("7", 1), ("5", 2), ("6", 3), ("9", 1), ("8", 2)],
    ),
    (
        f"DECLARE @t TABLE (i int IDENTITY, v int); INSERT @t SELECT j.value FROM {ROWS} CROSS APPLY OPENJSON(t.d) j;"
        " SELECT * FROM @t ORDER BY i",
        [(1, 7), (2, 5), (3, 6), (4, 9), (5, 8)],
    ),
    (
        "SELECT j.value FROM OPENJSON('[3,1,2]') j JOIN (VALUES (1), (2), (3)) t (n) ON t.n = j.value",
        [("3",), ("1",), ("2",)],
    ),
    (
        "SELECT t.n, s.value FROM (VALUES (1, 'b,a'), (0, 'c')) t (n, d) CROSS APPLY STRING_SPLIT(t.d, ',') s",
        [(1, "b"), (1, "a"), (0, "c")],
    ),
    (
        "SELECT t.n, g.value FROM (VALUES (2), (1)) t (n) CROSS APPLY GENERATE_SERIES(t.n, 0, -1) g",
        [(2, 2), (2, 1), (2, 0), (1, 1), (1, 0)],
    ),
    (
        "SELECT v.x FROM (VALUES (2, 9), (1, 8)) t (a, b) CROSS APPLY (VALUES (t.b), (t.a)) v (x)",
        [(9,), (2,), (8,), (1,)],
    ),
    (
        "SELECT j.value FROM OPENJSON('[3,1]') j UNION ALL SELECT value FROM STRING_SPLIT('z,y', ',')",
        [("3",), ("1",), ("z",), ("y",)],
    ),
]


@pytest.mark.parametrize(("text", "expected"), IN_ORDER, ids=[text for text, _ in IN_ORDER])
def test_elements_come_in_order_without_order_by(text: str, expected: list[tuple[Any, ...]]) -> None:
    found = run(text)
    assert not found.errors
    assert found.results == [expected]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SELECT JSON_VALUE('{x', '$.a')", 13609),
        ("SELECT JSON_VALUE('{}', 'a')", 13607),
        ("SELECT JSON_VALUE('{}', 'strict $.a')", 13608),
        ("SELECT JSON_VALUE('{\"a\":[]}', 'strict $.a')", 13623),
        ("SELECT JSON_QUERY('{\"a\":1}', 'strict $.a')", 13624),
        ('SELECT * FROM OPENJSON(\'[{"a":"x"}]\') WITH (a int)', 245),
        ("SELECT * FROM OPENJSON('[{}]') WITH (a int AS JSON)", 13618),
        ("SELECT JSON_MODIFY('{}', 'strict $.a', 1)", 13608),
        ("SELECT JSON_MODIFY('{\"a\":1}', 'append strict $.a', 1)", 13608),
        ("SELECT JSON_MODIFY('x', '$.a', 1)", 13609),
        ("SELECT JSON_MODIFY('{}', 'a', 1)", 13607),
        ("SELECT JSON_MODIFY('[1]', '$[1]', 1)", 40514),
        ("SELECT JSON_MODIFY('{}', 'append $.a', 1)", 40514),
        ("SELECT JSON_MODIFY('{}', '$', 1)", 40514),
        ("SELECT JSON_MODIFY('{}', '$.a', GETDATE())", 40514),
        ("SELECT TOP (1) WITH TIES value FROM OPENJSON('[1]')", 1062),
    ],
)
def test_errors(text: str, number: int) -> None:
    assert run(text).numbers == [number]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(VALUES, min_size=1) | st.dictionaries(st.text(), VALUES, min_size=1), st.sampled_from((None, 1)))
def test_the_parts_of_any_text_are_those_of_the_parser(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    keys = value if isinstance(value, dict) else range(len(value))
    assert [(key, json.loads(part)) for key, part in json_path.members(text)] == [
        (str(key), value[key]) for key in keys
    ]
