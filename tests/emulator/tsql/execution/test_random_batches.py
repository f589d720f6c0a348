"""Every batch either works or ends in an error with a number of SQL Server."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.support.random_batches import SETUP, Batches, unexpected
from tests.support.tsql_session import answer, tsql_server

pytestmark = pytest.mark.slow

BATCHES = 250


async def _run(seed: int, *, expressions: bool) -> list[str]:
    batches = Batches(Random(seed))
    faults = []
    async with tsql_server() as server:
        session = await server.session()
        assert (await answer(session, SETUP)).errors == []
        for number in range(BATCHES):
            text = batches.expression() if expressions else batches.batch()
            fault = unexpected(await answer(session, text))
            if fault:
                faults.append(f"{fault}\n{text}")
            if number % 25 == 0:
                await session.reset()
                await answer(session, SETUP)
        await session.close()
    return faults


@pytest.mark.parametrize("seed", range(3))
def test_expressions(seed: int) -> None:
    assert asyncio.run(_run(seed, expressions=True)) == []


@pytest.mark.parametrize("seed", range(3))
def test_batches(seed: int) -> None:
    assert asyncio.run(_run(seed, expressions=False)) == []
