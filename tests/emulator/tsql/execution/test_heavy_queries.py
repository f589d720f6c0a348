"""Queries that would take all time or all memory: others go on, a cancel stops them, and memory has limits."""

from __future__ import annotations

import asyncio
import resource

import pytest

from tests.support.tsql_session import answer, tsql_server

pytestmark = pytest.mark.slow

ROWS = "(SELECT value FROM STRING_SPLIT(REPLICATE(CAST('a,' AS varchar(max)), 100000), ','))"
NUMBERS = f"{ROWS} a, {ROWS} b, {ROWS} c"
FOREVER = "WHILE 1 = 1"
IN_TEXT = f"SELECT COUNT_BIG(*) FROM {NUMBERS}".replace("'", "''")
A_MILLION = "REPLICATE(CAST('a' AS varchar(max)), 1000000)"

ENDLESS = {
    "a cross join": f"SELECT COUNT_BIG(*) FROM {NUMBERS}",
    "a cross join sent to the client": f"SELECT a.value FROM {NUMBERS}",
    "a Python function for each row": f"SELECT COUNT(PATINDEX('%[b-d]%', a.value + b.value)) FROM {NUMBERS}",
    "a sort": f"SELECT TOP (1) a.value FROM {NUMBERS} ORDER BY b.value + c.value",
    "a loop": f"DECLARE @i int = 0; {FOREVER} SET @i = 1 - @i",
    "a loop of queries": f"DECLARE @i int = 0; {FOREVER} SELECT @i = COUNT(*) FROM (VALUES (1)) v (n)",
    "a condition": f"IF EXISTS (SELECT 1 FROM {NUMBERS} WHERE a.value = 'b') PRINT 'x'",
    "a table variable": f"DECLARE @t TABLE (a varchar(10)); INSERT @t SELECT a.value FROM {NUMBERS}",
    "dynamic SQL": f"EXEC (N'{IN_TEXT}')",
    "INSERT … EXEC": f"DECLARE @t TABLE (a bigint); INSERT @t EXEC (N'{IN_TEXT}')",
    "an EXISTS with LIKE": f"SELECT COUNT(*) FROM {NUMBERS} WHERE REPLICATE('a', 8000) LIKE '%a_a_a_a_a_b%'",
    "expressions with long patterns": (
        f"{FOREVER} IF "
        + " OR ".join(["PATINDEX('%' + REPLICATE('[a-z]', 1500) + 'b%', REPLICATE('a', 8000)) = 1"] * 20)
        + " PRINT 'x'"
    ),
    "a long batch": "SELECT " + " + ".join(["1"] * 900) + "; WAITFOR DELAY '23:00:00'",
    "a wait": "WAITFOR DELAY '23:00:00'",
}
"""Statements that run for hours, or until they need too much memory."""


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_other_sessions_go_on_and_a_cancel_stops_it(text: str) -> None:
    async def scenario() -> None:
        async with tsql_server() as server:
            heavy, other = await server.session("guest"), await server.session()
            task = asyncio.create_task(answer(heavy, text))
            for _ in range(20):
                assert (await answer(other, "SELECT 1 AS a FROM (VALUES (1)) v (n)")).results == [[(1,)]]
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait([task])
            # The session is usable at once.
            assert (await answer(heavy, "SELECT 2 AS a")).results == [[(2,)]]
            assert (await answer(heavy, "SELECT n FROM (VALUES (3)) v (n)")).results == [[(3,)]]
            await heavy.close()
            await other.close()

    asyncio.run(asyncio.wait_for(scenario(), timeout=60))


LARGE = {
    "one text": "SELECT REPLICATE(CAST('a' AS varchar(max)), 2000000000)",
    "many texts": f"SELECT {A_MILLION} + a.value FROM {NUMBERS} ORDER BY 1",
    "a growing variable": f"DECLARE @s varchar(max) = 'a'; {FOREVER} SET @s += @s",
    "REPLACE": f"SELECT REPLACE({A_MILLION}, 'a', {A_MILLION})",
    "a replacement of replacements": f"SELECT REPLACE(REPLACE({A_MILLION}, 'a', REPLICATE('a', 200)), 'a', 'aaaa')",
    "STRING_AGG": f"SELECT STRING_AGG(CAST(a.value AS varchar(max)), 'aaaaaaaaaaaaaaaaaaaaaaaaa') FROM {NUMBERS}",
    "a recursion": (
        "WITH r AS (SELECT CAST('a' AS varchar(max)) AS s UNION ALL SELECT s + s FROM r) SELECT LEN(s) FROM r"
    ),
    "CONCAT": f"SELECT CONCAT({', '.join([A_MILLION] * 254)}, {', '.join([A_MILLION] * 250)})",
    "SELECT INTO": f"SELECT REPLICATE(a.value, 8000) AS s INTO #t FROM {NUMBERS}",
    "a table variable": f"DECLARE @t TABLE (a varchar(max)); INSERT @t SELECT {A_MILLION} + a.value FROM {NUMBERS}",
    "SPACE": "SELECT REPLICATE(CAST(SPACE(8000) AS varchar(max)), 1000000000)",
    "a constant in each row": f"SELECT REPLACE(a.value + 'aaaa', 'a', {A_MILLION}) FROM {ROWS} a, {ROWS} b ORDER BY 1",
    "STUFF": f"DECLARE @s varchar(max) = {A_MILLION}; {FOREVER} SET @s = STUFF(@s, 1, 0, @s)",
}
"""Statements that ask for more memory than there is."""


@pytest.mark.parametrize("text", LARGE.values(), ids=LARGE)
def test_too_much_memory_is_error_701(text: str) -> None:
    async def scenario() -> list[int]:
        async with tsql_server() as server:
            session = await server.session("guest")
            numbers = (await answer(session, text)).numbers
            await session.close()
            return numbers

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert asyncio.run(asyncio.wait_for(scenario(), timeout=120)) == [701]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_600_000
