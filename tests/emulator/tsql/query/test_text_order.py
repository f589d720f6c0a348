"""ORDER BY, comparisons, MIN and MAX of text: the word sort of Windows for nvarchar, sort order 52 for varchar.

Facts: Microsoft Learn, "Collation and Unicode support"; KB 322112; the sorting weights of [MS-UCODEREF].
"""

# ruff: noqa: E501 - a query reads best on one line

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_ssis.emulator.tsql.values.text_order import text_key
from tests.support.tsql_session import Answer, shared_sessions

WINDOWS = [
    *("", "'", "-", " a", "_", "~", "€5", "+", "<", "0", "½", "1", "10", "²"),
    *("a", "á", "à", "â", "ä", "ã", "å", "ab", "a-b", "æ", "az", "co_op", "coat", "coop", "co-op", "cork"),
    *(
        "naive",
        "naïve",
        "resume",
        "resumé",
        "résumé",
        "resumes",
        "ß",
        "T",
        "went",
        "were",
        "we're",
        "zz",
        "Ω",
        "я",
        "漢",
    ),
]
CODE_PAGE = [
    *("", " a", "'", "+", "-", "<", "_", "~", "€5", "½", "0", "1", "10"),
    *("a", "a-b", "ab", "az", "á", "ä", "äb", "åa", "æ", "co-op", "co_op", "coat", "coop", "cork", "naive", "naïve"),
    *("resume", "resumes", "resumé", "résumé", "ß", "T", "we're", "went", "were", "zz", "ž", "þ"),
]


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[str], Answer]]:
    with shared_sessions() as sessions:
        yield sessions.answer


@pytest.mark.parametrize(("kind", "ordered"), [("nvarchar", WINDOWS), ("varchar", CODE_PAGE)])
def test_order(run: Callable[[str], Answer], kind: str, ordered: list[str]) -> None:
    rows = [*ordered, *(f"{text.upper()} " for text in ordered if text.isascii())]
    random.Random(5).shuffle(rows)
    values = ", ".join("(N'" + text.replace("'", "''") + "')" for text in rows)
    text = f"DROP TABLE IF EXISTS #t; CREATE TABLE #t (s {kind}(20)); INSERT #t VALUES {values}; "
    found = run(text + "SELECT s FROM #t ORDER BY s; SELECT s FROM #t ORDER BY s DESC; SELECT MIN(s), MAX(s) FROM #t")
    assert not found.errors
    up, down, extremes = ([str(row[0]).rstrip().lower() for row in rows] for rows in found.results)
    assert list(dict.fromkeys(up)) == [text.rstrip().lower() for text in ordered]
    assert list(dict.fromkeys(down)) == list(dict.fromkeys(up[::-1]))
    assert extremes == [""]


def test_keys_of_duckdb_are_those_of_python(run: Callable[[str], Answer]) -> None:
    letters = " abAZ09'-_.:<~\t\n\x01áÀåÅæßœñøłőčéÈ€–½\u00ad漢яΩ\U0001f600"
    choose = random.Random(7)
    texts = ["".join(choose.choices(letters, k=choose.randint(0, 8))) for _ in range(500)]
    values = ", ".join(f"({place}, N'" + text.replace("'", "''") + "')" for place, text in enumerate(texts))
    found = run(f"SELECT i FROM (VALUES {values}) t (i, s) ORDER BY s, i")
    assert found.results == [
        [
            (place,)
            for place in sorted(range(len(texts)), key=lambda place: (text_key(texts[place], is_unicode=True), place))
        ]
    ]


def test_one_of_three_comparisons_holds(run: Callable[[str], Answer]) -> None:
    texts = [
        "İ",
        "i",
        "ΟΔΟΣ",
        "οδος",
        "οδοσ",
        "\uac01",
        "\u1100\u1161\u11a8",
        "é",
        "e\u0301",
        "\uf900",
        "\u8c48",
        "\ufdd0\t",
        "\x06",
    ]
    values = ", ".join(f"(N'{text}')" for text in texts)
    tests = "IIF({0} < {1}, 1, 0), IIF({0} = {1}, 1, 0), IIF({0} > {1}, 1, 0)"
    found = run(f"SELECT a.s, b.s, {tests.format('a.s', 'b.s')} FROM (VALUES {values}) a (s), (VALUES {values}) b (s)")
    assert (found.numbers, {sum(row[2:]) for row in found.results[0]}) == ([], {1})
    for one, other in itertools.pairwise(texts):
        given = (
            f"DECLARE @a nvarchar(9) = N'{one}', @b nvarchar(9) = N'{other}'; SELECT @a, @b, {tests.format('@a', '@b')}"
        )
        assert run(given).results[0][0] in found.results[0]


T = "FROM (VALUES (N'co-op'), (N'COOP'), (N'cork'), (NULL), (N'co_op ')) t (n)"
ANSWERS: list[tuple[str, list[tuple[Any, ...]]]] = [
    (f"SELECT MIN(n), MAX(n), MIN(CAST(n AS varchar(9))) {T}", [("co_op ", "cork", "co-op")]),
    (f"SELECT n {T} WHERE n > N'coop' ORDER BY n", [("co-op",), ("cork",)]),
    (f"SELECT n {T} WHERE CAST(n AS varchar(9)) < 'coop' ORDER BY 1", [("co_op ",), ("co-op",)]),
    (f"SELECT n {T} WHERE n BETWEEN N'COOP' AND N'co-op' ORDER BY n", [("COOP",), ("co-op",)]),
    (f"SELECT n, RANK() OVER (ORDER BY n DESC) {T} WHERE n LIKE N'co[-o]%' ORDER BY n", [("COOP", 2), ("co-op", 1)]),
    (f"SELECT STRING_AGG(n, N',') WITHIN GROUP (ORDER BY n) {T}", [("co_op ,COOP,co-op,cork",)]),
    (f"SELECT DISTINCT UPPER(n) {T} ORDER BY 1", [(None,), ("CO_OP ",), ("COOP",), ("CO-OP",), ("CORK",)]),
    (f"SELECT n {T} GROUP BY n HAVING n >= ALL (SELECT N'COOP') ORDER BY n", [("COOP",), ("co-op",), ("cork",)]),
    (
        f"SELECT v {T} CROSS APPLY (SELECT CAST(n AS varchar(9))) c (v) WHERE n > '' ORDER BY v",
        [("co-op",), ("co_op ",), ("COOP",), ("cork",)],
    ),
    (
        f"SELECT v {T} CROSS APPLY (SELECT CAST(n AS varchar(9))) c (v) WHERE n > '' ORDER BY v COLLATE Latin1_General_CI_AS",
        [("co_op ",), ("COOP",), ("co-op",), ("cork",)],
    ),
    (
        "SELECT IIF('a-c' < 'ab', 1, 0), IIF(N'a-c' < N'ab', 1, 0), IIF('a-c' < N'ab', 1, 0), IIF(N'coop' = N'co-op', 1, 0)",
        [(1, 0, 0, 0)],
    ),
    (
        "SELECT IIF('a-c' COLLATE Latin1_General_CI_AS < 'ab', 1, 0), IIF('a-c' COLLATE SQL_Latin1_General_CP1_CI_AS < 'ab', 1, 0)",
        [(0, 1)],
    ),
    (
        "DECLARE @a nvarchar(9) = N'Zoë', @b nvarchar(9) = N'zoe', @c nvarchar(9) = N'zoé '; SELECT IIF(@a > @b, 1, 0), IIF(@a > @c, 1, 0), IIF(@c = N'ZOÉ', 1, 0)",
        [(1, 1, 1)],
    ),
    (
        "SELECT CAST(s AS nvarchar(9)) FROM (VALUES (CAST(N'a-z' AS sql_variant)), (N'ab'), (5)) t (s) ORDER BY s",
        [("ab",), ("a-z",), ("5",)],
    ),
    ("SELECT s FROM (VALUES (N'ez'), (N'e\u0301b'), (N'éa')) t (s) ORDER BY s", [("éa",), ("e\u0301b",), ("ez",)]),
    ("CREATE TABLE #u (s nvarchar(9) UNIQUE); INSERT #u VALUES (N'a'), (N'a\u00a0'); SELECT COUNT(*) FROM #u", [(2,)]),
    ("CREATE TABLE #k (s nvarchar(9) CHECK (s < N'm')); INSERT #k VALUES (N'''l-'); SELECT COUNT(*) FROM #k", [(1,)]),
]


@pytest.mark.parametrize("kind", ["varchar", "nvarchar"])
def test_keys_of_literals_are_no_marks_of_arguments(run: Callable[[str], Answer], kind: str) -> None:
    # The text of a query marks its arguments with the characters from 1 to 3.
    texts = ["-0-", "- -", "\x010\x02", "-\x010\x02", "''-''"]
    tests = ", ".join(f"SUM(IIF(s < '{text}', 1, 0) + IIF('{text}' <= s, 1, 0))" for text in texts)
    found = run(f"SELECT {tests}, MAX(@@SPID) - MAX(@@SPID) FROM (VALUES (CAST('m' AS {kind}(9))), ('-')) t (s)")
    assert (found.numbers, found.results) == ([], [[(2,) * len(texts) + (0,)]])


@pytest.mark.parametrize(("text", "expected"), ANSWERS, ids=[text for text, _ in ANSWERS])
def test_answers(run: Callable[[str], Answer], text: str, expected: list[tuple[Any, ...]]) -> None:
    found = run(text)
    assert not found.errors
    assert found.results == [expected]
