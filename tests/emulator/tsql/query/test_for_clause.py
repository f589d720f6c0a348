"""FOR XML, FOR JSON, and the methods of the type xml; expected texts follow the documentation of SQL Server."""

# ruff: noqa: E501 - a query reads best on one line

from __future__ import annotations

from typing import Any

import pytest

from tests.support.tsql_session import run

V = "FROM (VALUES (1, 'x'), (2, NULL)) AS t (a, b)"

ANSWERS: list[tuple[str, Any]] = [
    (f"SELECT a, b {V} FOR XML RAW", '<row a="1" b="x"/><row a="2"/>'),
    (f"SELECT a, b {V} FOR XML RAW ('r'), ELEMENTS, ROOT ('all')", "<all><r><a>1</a><b>x</b></r><r><a>2</a></r></all>"),
    (f"SELECT a, b {V} FOR XML AUTO", '<t a="1" b="x"/><t a="2"/>'),
    (
        f"SELECT a AS [@id], b AS [n/c], a AS [n/d] {V} FOR XML PATH ('r')",
        '<r id="1"><n><c>x</c><d>1</d></n></r><r id="2"><n><d>2</d></n></r>',
    ),
    (f"SELECT a AS [n/@id], b AS n {V} FOR XML PATH", '<row><n id="1">x</n></row><row><n id="2"/></row>'),
    ("SELECT 1 AS a, 2 AS [text()], 3 AS [data()], 4 AS [data()] FOR XML PATH ('')", "<a>1</a>23 4"),
    ("SELECT v AS [data()] FROM (VALUES (1), (NULL), (2)) t (v) FOR XML PATH ('')", "1 2"),
    ("SELECT 'USD' AS [p/@cur], CAST(5 AS money) AS p FOR XML PATH ('r')", '<r><p cur="USD">5.0000</p></r>'),
    ("SELECT 'a' AS td, 'b' AS td FOR XML PATH ('tr')", "<tr><td>ab</td></tr>"),
    ("SELECT 'a' AS td, '', 'b' AS td FOR XML PATH ('tr')", "<tr><td>a</td><td>b</td></tr>"),
    ("SELECT 'a' AS td, NULL, 'b' AS td FOR XML PATH ('tr')", "<tr><td>a</td><td>b</td></tr>"),
    (
        "SELECT 1 AS [a/b], NULL AS [a/x], 2 AS [a/c], 3 AS [d/b] FOR XML PATH ('r')",
        "<r><a><b>1</b><c>2</c></a><d><b>3</b></d></r>",
    ),
    ("SELECT CAST(1.5 AS money) AS m FOR JSON PATH", '[{"m":1.5000}]'),
    (
        "SELECT NULL AS b, 1 AS c FOR XML RAW ('r'), ELEMENTS XSINIL",
        '<r xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><b xsi:nil="true"/><c>1</c></r>',
    ),
    (
        "SELECT 'a<b>&\"' AS [@q], 'a<b>&\"' AS t FOR XML PATH ('r')",
        '<r q="a&lt;b&gt;&amp;&quot;"><t>a&lt;b&gt;&amp;"</t></r>',
    ),
    (
        "SELECT CAST(1 AS bit) AS b, 0x01FF AS x, CAST('20200102 03:04' AS datetime2(0)) AS d, CAST(-1.5 AS float) AS f FOR XML PATH ('r')",
        "<r><b>1</b><x>Af8=</x><d>2020-01-02T03:04:00</d><f>-1.500000000000000e+000</f></r>",
    ),
    ("SELECT 1 AS [a b] FOR XML RAW", '<row a_x0020_b="1"/>'),
    ("SELECT 1 AS a UNION ALL SELECT 2 ORDER BY a DESC FOR XML PATH", "<row><a>2</a></row><row><a>1</a></row>"),
    ("SELECT (SELECT 1 AS x FOR XML PATH ('k'), TYPE) AS i FOR XML PATH ('o')", "<o><i><k><x>1</x></k></i></o>"),
    (
        "SELECT (SELECT 1 AS x FOR XML PATH ('k')) AS i FOR XML PATH ('o')",
        "<o><i>&lt;k&gt;&lt;x&gt;1&lt;/x&gt;&lt;/k&gt;</i></o>",
    ),
    (
        "SELECT STUFF((SELECT ', ' + v FROM (VALUES ('b&c'), ('a')) x (v) ORDER BY v FOR XML PATH (''), TYPE).value('.', 'nvarchar(max)'), 1, 2, '')",
        "a, b&c",
    ),
    (
        "SELECT STUFF((SELECT DISTINCT ',' + QUOTENAME(v) FROM (VALUES ('b'), ('a'), ('a')) x (v) ORDER BY 1 FOR XML PATH ('')), 1, 1, '')",
        "[a],[b]",
    ),
    ("SELECT CAST('<r><a x=\"7\">t</a><a>u</a></r>' AS xml).value('(/r/a/@x)[1]', 'int')", 7),
    ("SELECT CAST('<r><a>t</a><a>u</a></r>' AS xml).value('(//a)[2]/text()[1]', 'varchar(9)')", "u"),
    ("SELECT CAST('<r/>' AS xml).value('(/r/a)[1]', 'int')", None),
    ("SELECT CAST('<r><a>t</a></r>' AS xml).exist('/r/a[.=\"t\"]')", True),
    ("SELECT CAST('<r><a>t</a></r>' AS xml).query('/r/a').value('.', 'varchar(9)')", "t"),
    (
        "SELECT c.value('(/r/a)[1]', 'int') + t.c.value('count(/r/a)', 'int') FROM (SELECT CAST('<r><a>5</a></r>' AS xml) AS c) t",
        6,
    ),
    (f"SELECT a, b AS [n.c] {V} FOR JSON PATH", '[{"a":1,"n":{"c":"x"}},{"a":2}]'),
    (f"SELECT a, b {V} FOR JSON PATH, ROOT ('r'), INCLUDE_NULL_VALUES", '{"r":[{"a":1,"b":"x"},{"a":2,"b":null}]}'),
    (f"SELECT a {V} FOR JSON PATH, WITHOUT_ARRAY_WRAPPER", '{"a":1},{"a":2}'),
    (f"SELECT a, b {V} WHERE a = 2 FOR JSON AUTO", '[{"a":2}]'),
    (
        "SELECT CAST(1 AS bit) AS b, 1.50 AS n, 'a/\"' + CHAR(10) AS s, 0x0102 AS x, CAST('20200102' AS date) AS d FOR JSON PATH",
        '[{"b":true,"n":1.50,"s":"a\\/\\"\\n","x":"AQI=","d":"2020-01-02"}]',
    ),
    (
        "SELECT 1 AS a, (SELECT x FROM (VALUES (1), (2)) u (x) FOR JSON PATH) AS k FOR JSON PATH",
        '[{"a":1,"k":[{"x":1},{"x":2}]}]',
    ),
    ("DECLARE @j nvarchar(max) = (SELECT 1 AS a FOR JSON PATH); SELECT @j", '[{"a":1}]'),
    ("SELECT (SELECT 1 AS a WHERE 1 = 0 FOR JSON PATH)", None),
]


@pytest.mark.parametrize(("text", "expected"), ANSWERS, ids=[text for text, _ in ANSWERS])
def test_answers(text: str, expected: Any) -> None:
    found = run(text)
    assert not found.errors
    assert found.results == [[(expected,)]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SELECT 1 FOR JSON PATH", 13605),
        ("SELECT 1 AS [x.a], 2 AS b, 3 AS [x.c] FOR JSON PATH", 13601),
        ("SELECT 1 AS x, 2 AS [x.a] FOR JSON PATH", 13601),
        ("SELECT 1 AS a FOR JSON PATH, ROOT, WITHOUT_ARRAY_WRAPPER", 13620),
        ("SELECT 1 AS a, 2 AS [@b] FOR XML PATH", 6852),
        ("SELECT 1 AS [@b] FOR XML PATH ('')", 6864),
        ("SELECT 1 AS [a b] FOR XML PATH", 6850),
        ("SELECT 1 FOR XML RAW", 6809),
        ("SELECT 1 AS a FOR XML AUTO", 6819),
        ("SELECT 1 AS a FOR XML EXPLICIT", 40514),
        ("SELECT 1 AS a FOR XML RAW, XMLDATA", 40514),
        (f"SELECT t.a {V} JOIN (VALUES (1)) u (k) ON u.k = t.a FOR XML AUTO", 40514),
        ("SELECT CAST('<a>1</a>' AS xml).value('/a', 'int')", 2389),
        ("SELECT CAST('<a>1</a>' AS xml).value('for $x in /a return $x', 'int')", 40514),
        ("SELECT 'text'.value('.', 'int')", 258),
        ("DECLARE @s varchar(9) = 'x'; SELECT @s.value('.', 'int')", 258),
        ("SELECT CAST('<a>x</a>' AS xml).value('.', 'int')", 245),
    ],
)
def test_errors(text: str, number: int) -> None:
    assert run(text).numbers == [number]


def test_a_long_text_comes_in_rows_of_2033_characters_and_no_text_in_no_row() -> None:
    found = run(
        "SELECT REPLICATE(CAST('x' AS varchar(max)), 5000) AS v FOR JSON PATH; SELECT 1 AS a WHERE 1 = 0 FOR XML PATH"
    )
    assert [len(row[0]) for row in found.results[0]] == [2033, 2033, 5000 + len('[{"v":""}]') - 2 * 2033]
    assert found.results[1] == []
