"""An idle transaction does not stop the other writers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from airflow_provider_ssis.emulator.datatypes import INT, Column
from airflow_provider_ssis.emulator.session import Message, TransactionAction, TransactionEnded, TransactionRequest
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.objects import Table
from tests.support.tsql_session import Server, answer, tsql_server

NOTES = Table("Sales", "dbo", "notes", (Column("number", INT),))
ADD = "EXEC dbo.add_note"
OPEN = f"BEGIN TRANSACTION; {ADD}"


async def _add(call: ProcedureCall) -> None:
    async with call.transaction() as store:
        store.execute("INSERT INTO dbo.notes VALUES (1)")


def _run(scenario: Callable[[Server], Awaitable[None]], *, idle_seconds: float = 0.0) -> None:
    async def run() -> None:
        async with tsql_server(idle_seconds=idle_seconds) as server:
            server.engine.define_table(NOTES)
            server.engine.metadata.add(Procedure("Sales", "dbo", "add_note", (), _add))
            await scenario(server)

    asyncio.run(asyncio.wait_for(run(), timeout=30))


def _count(server: Server) -> int:
    return int(server.engine.read("SELECT count(*) FROM dbo.notes")[0][0])


def test_an_idle_transaction_is_rolled_back_for_a_waiting_writer() -> None:
    async def scenario(server: Server) -> None:
        idle, writer = await server.session(), await server.session()
        assert (await answer(idle, OPEN)).errors == []
        assert (await answer(writer, ADD)).errors == []
        assert _count(server) == 1
        found = await answer(idle, "SELECT @@TRANCOUNT")
        assert found.numbers == [1205]
        assert (await answer(idle, "SELECT @@TRANCOUNT")).results == [[(0,)]]
        assert (await answer(idle, ADD)).errors == []
        assert _count(server) == 2
        await idle.close()
        await writer.close()

    _run(scenario)


def test_a_commit_after_the_rollback_fails_and_a_rollback_succeeds() -> None:
    async def scenario(server: Server) -> None:
        for action, number in ((TransactionAction.COMMIT, 1205), (TransactionAction.ROLLBACK, None)):
            idle, writer = await server.session(), await server.session()
            await answer(idle, OPEN)
            await answer(writer, ADD)
            events = [event async for event in idle.transaction(TransactionRequest(action))]
            assert [event.committed for event in events if isinstance(event, TransactionEnded)] == [False]
            assert [event.number for event in events if isinstance(event, Message)] == ([number] if number else [])
            await idle.close()
            await writer.close()

    _run(scenario)


def test_a_transaction_that_works_is_waited_for() -> None:
    async def scenario(server: Server) -> None:
        written = asyncio.Event()

        async def note_written(call: ProcedureCall) -> None:
            written.set()

        server.engine.metadata.add(Procedure("Sales", "dbo", "note_written", (), note_written))
        busy, writer = await server.session(), await server.session()
        text = f"{OPEN}; EXEC dbo.note_written; WAITFOR DELAY '00:00:01'; COMMIT"
        task = asyncio.create_task(answer(busy, text))
        await written.wait()
        assert (await answer(writer, ADD)).errors == []
        assert (await task).errors == []
        assert _count(server) == 2
        await busy.close()
        await writer.close()

    _run(scenario)


def test_a_writer_waits_as_long_as_its_lock_timeout() -> None:
    async def scenario(server: Server) -> None:
        idle, writer = await server.session(), await server.session()
        await answer(idle, OPEN)
        assert (await answer(writer, f"SET LOCK_TIMEOUT 50; {ADD}")).numbers == [1222]
        assert (await answer(idle, "COMMIT")).errors == []
        assert (await answer(writer, ADD)).errors == []
        await idle.close()
        await writer.close()

    _run(scenario, idle_seconds=60)


def test_a_transaction_without_writes_stops_no_writer() -> None:
    async def scenario(server: Server) -> None:
        idle, writer = await server.session(), await server.session()
        await answer(idle, "BEGIN TRANSACTION; SELECT number FROM dbo.notes")
        assert (await answer(writer, ADD)).errors == []
        assert (await answer(idle, "COMMIT")).errors == []
        await idle.close()
        await writer.close()

    _run(scenario, idle_seconds=60)


def test_a_cancelled_wait_leaves_the_lock_free() -> None:
    async def scenario(server: Server) -> None:
        holder, writer = await server.session(), await server.session()
        await answer(holder, OPEN)
        task = asyncio.create_task(answer(writer, ADD))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
        assert (await answer(holder, "COMMIT")).errors == []
        assert (await answer(writer, ADD)).errors == []
        assert _count(server) == 2
        await holder.close()
        await writer.close()

    _run(scenario, idle_seconds=60)
