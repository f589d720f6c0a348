"""Tables with many rows, which come as Arrow tables: in transactions, broken off, with every type."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from airflow_provider_ssis.emulator.session import ArrowRows, Event, Rows
from tests.emulator.tsql.execution.test_user_tables import TYPES
from tests.support.tsql_session import Answer, answer, answers, collect, tsql_server

DIGITS = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))"
FILL = f"""WITH d AS (SELECT v FROM {DIGITS} AS x (v))
INSERT t SELECT a.v + 10 * b.v + 100 * c.v + 1000 * e.v + 10000 * f.v FROM d AS a
CROSS JOIN d AS b CROSS JOIN d AS c CROSS JOIN d AS e CROSS JOIN (SELECT v FROM d WHERE v < 2) AS f"""
SETUP = ("CREATE DATABASE Shop; USE Shop", "CREATE TABLE t (a int NOT NULL)", FILL)


def test_rows_of_a_transaction() -> None:
    *_, found, sums, after = answers(
        *SETUP,
        "BEGIN TRAN; UPDATE t SET a = a + 1; SELECT a FROM t WHERE a IN (1, 20000) ORDER BY a",
        "SELECT SUM(a) FROM t; ROLLBACK",
        "SELECT SUM(a) FROM t; SET ROWCOUNT 2; SELECT a FROM t",
    )
    assert (found.results, sums.results) == ([[(1,), (20000,)]], [[(200_010_000,)]])
    assert after.results[0] == [(199_990_000,)]
    assert len(after.results[1]) == 2


@pytest.mark.parametrize(
    "query", ["SELECT * FROM t", "SELECT a FROM t ORDER BY a DESC", "SELECT t.a, u.a FROM t JOIN t AS u ON u.a < 9"]
)
def test_a_query_that_is_broken_off_leaves_the_session_usable(query: str) -> None:
    async def run() -> tuple[set[type[Event]], Answer]:
        async with tsql_server() as server:
            session = await server.session()
            for text in SETUP:
                await answer(session, text)
            events: AsyncIterator[Event] = session.batch(query)
            kinds = {type(await anext(events)) for _ in range(2)}
            await events.aclose()  # type: ignore[attr-defined]
            found = await answer(session, "INSERT t VALUES (-1); SELECT COUNT(*), MIN(a) FROM t")
            await session.close()
            return kinds, found

    kinds, found = asyncio.run(run())
    assert ArrowRows in kinds
    assert found.results == [[(20_001, -1)]]


def test_every_type() -> None:
    async def run() -> tuple[Answer, Answer]:
        async with tsql_server() as server:
            session = await server.session()
            columns = ", ".join(f"c{place} {name}" for place, name in enumerate(TYPES))
            values = ", ".join(value for value, _ in TYPES.values())
            nulls = ", ".join("NULL" for _ in TYPES)
            for text in SETUP:
                await answer(session, text)
            await answer(session, f"CREATE TABLE u ({columns})")
            await answer(session, f"INSERT u VALUES ({values}); INSERT u VALUES ({nulls})")
            query = "SELECT u.* FROM u JOIN t ON t.a = {}"
            found = Answer()
            async for event in session.batch(query.format("5")):
                assert not isinstance(event, Rows)
                collect(found, event)
            other = await answer(session, "SELECT * FROM u")
            await session.close()
            return found, other

    found, other = asyncio.run(run())
    assert found.results == other.results
    assert len(found.results[0]) == 2


def test_an_error_in_a_row() -> None:
    found = answers(*SETUP, "SELECT 1 / (a - 19999) FROM t", "SELECT COUNT(*) FROM t")
    assert found[-2].numbers == [8134]
    assert found[-1].results == [[(20_000,)]]
