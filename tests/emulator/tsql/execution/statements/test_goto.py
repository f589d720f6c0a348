"""GOTO and labels."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.tsql_session import answer, run, tsql_server


def test_back_and_forward() -> None:
    found = run(
        """DECLARE @i int = 0
        again:
        SET @i += 1
        IF @i < 5 GOTO again
        SELECT @i
        GOTO Done
        SELECT 'skipped'
        done:
        PRINT 'done'"""
    )
    assert found.results == [[(5,)]]
    assert [info.text for info in found.infos] == ["done"]


def test_out_of_loops_blocks_and_try() -> None:
    found = run(
        """DECLARE @i int = 0
        WHILE 1 = 1
        BEGIN
            SET @i += 1
            BEGIN TRY
                IF @i = 3 BEGIN GOTO out END
                SELECT 1 / 0
            END TRY
            BEGIN CATCH
                PRINT ERROR_NUMBER()
                IF @i = 9 GOTO out
            END CATCH
        END
        out: SELECT @i
        SELECT 1 / 0"""
    )
    assert found.results[-2] == [(3,)]
    assert [info.text for info in found.infos] == ["8134", "8134"]
    assert found.numbers == [8134], "the jump out of TRY leaves its error handling"


def test_a_label_ends_the_statement_before_it() -> None:
    found = run(
        "SELECT 1 AS a\nfirst: SELECT 2 AS b FROM (VALUES (1)) t(x)\nsecond: EXEC sp_executesql N'SELECT 3'\nx:"
    )
    assert found.results == [[(1,)], [(2,)], [(3,)]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("GOTO nowhere", 133),
        ("a: SELECT 1\nA: SELECT 2", 132),
        ("GOTO inside; WHILE 1 = 0 BEGIN inside: SELECT 1 END", 40514),
        ("IF 1 = 1 here: SELECT 1", 40514),
    ],
)
def test_errors(text: str, number: int) -> None:
    assert run(text).numbers == [number]


def test_an_endless_loop_of_jumps_leaves_room_for_others() -> None:
    async def both() -> None:
        async with tsql_server() as server:
            first, second = await server.session(), await server.session()
            task = asyncio.ensure_future(answer(first, "again: GOTO again"))
            assert (await answer(second, "SELECT 1")).results == [[(1,)]]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await first.close()
            await second.close()

    asyncio.run(both())
