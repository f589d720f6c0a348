"""Runs in real time on an event loop, with a log in memory."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from airflow_provider_ssis.catalog.codes import ExecutionResult, MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs.records import EventRecord, Record, StatisticsRecord
from airflow_provider_ssis.emulator.runs.runner import Runtime
from airflow_provider_ssis.emulator.runs.workers import Worker
from tests.support.simulated_runs import request
from tests.support.ssis_projects import package, sequence, task

LOAD = package("Load.dtsx", sequence("S", task("Copy"), task("Move")), task("End"))
SLOW = package("Slow.dtsx", task("Copy"))
DEADLINE = 30.0
Result = TypeVar("Result")


class MemoryLog:
    """The records of runs, by execution.

    :param fault: raised by every write of records.
    """

    def __init__(self, fault: Exception | None = None) -> None:
        self.statuses: dict[int, list[OperationStatus]] = {}
        self.processes: dict[int, int] = {}
        self.writes: dict[int, list[list[Record]]] = {}
        self.fault = fault
        self.changed = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a record is written; the deadline of the test ends the wait otherwise."""
        while not condition():
            await self.changed.wait()
            self.changed.clear()

    async def running(self, execution_id: int, process_id: int, worker: Worker | None) -> None:
        self.statuses.setdefault(execution_id, []).append(OperationStatus.RUNNING)
        self.processes[execution_id] = process_id
        self.changed.set()

    async def write(self, execution_id: int, records: Sequence[Record], *, by_worker: bool) -> None:
        if self.fault is not None:
            raise self.fault
        self.writes.setdefault(execution_id, []).append(list(records))
        self.changed.set()

    async def finished(self, execution_id: int, status: OperationStatus) -> None:
        self.statuses.setdefault(execution_id, []).append(status)

    def records(self, execution_id: int) -> list[Record]:
        return [record for records in self.writes.get(execution_id, []) for record in records]

    def events(self, execution_id: int, *types: MessageType) -> list[EventRecord]:
        return [
            record
            for record in self.records(execution_id)
            if isinstance(record, EventRecord) and (not types or record.message_type in types)
        ]

    def results(self, execution_id: int) -> dict[str, ExecutionResult]:
        return {
            record.execution_path: record.execution_result
            for record in self.records(execution_id)
            if isinstance(record, StatisticsRecord)
        }


def now() -> dt.datetime:
    return dt.datetime.now().astimezone()


def with_runtime(body: Callable[[Runtime, MemoryLog], Awaitable[Result]], log: MemoryLog | None = None) -> Result:
    """Run a test on a new event loop, and check that no task is left on it."""

    async def main() -> Result:
        written = log or MemoryLog()
        runtime = Runtime(written, now)
        try:
            async with asyncio.timeout(DEADLINE):
                result = await body(runtime, written)
        finally:
            await runtime.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


def test_a_run_is_pending_then_runs_then_ends() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.start(request(LOAD))
        assert log.statuses == {}
        await runtime.wait(1)
        assert log.statuses[1] == [OperationStatus.RUNNING, OperationStatus.SUCCEEDED]
        assert len(log.results(1)) == 5

    with_runtime(body)


def test_waiting_for_what_does_not_run_returns_at_once() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        await runtime.wait(99)

    with_runtime(body)


def test_processes_of_runs_have_different_ids() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        for number in range(1, 51):
            runtime.start(request(SLOW, execution_id=number))
        for number in range(1, 51):
            await runtime.wait(number)
        assert len(set(log.processes.values())) == 50

    with_runtime(body)


def test_an_execution_can_be_started_once_only() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.start(request(SLOW))
        with pytest.raises(ValueError, match="1 was started already"):
            runtime.start(request(SLOW))

    with_runtime(body)


def test_a_scripted_failure_ends_in_failed() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.fail(executable="Copy", message="The disk is full.")
        runtime.start(request(LOAD))
        await runtime.wait(1)
        assert log.statuses[1][-1] is OperationStatus.FAILED
        assert [event.message for event in log.events(1, MessageType.ERROR)] == ["Copy:Error: The disk is full."]

    with_runtime(body)


def test_a_scripted_crash_ends_unexpectedly() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.crash(executable="Copy")
        runtime.start(request(LOAD))
        await runtime.wait(1)
        assert log.statuses[1][-1] is OperationStatus.ENDED_UNEXPECTEDLY
        assert log.results(1) == {}

    with_runtime(body)


def test_what_a_run_says_is_written_while_it_runs() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.take(600, executable="Move")
        runtime.start(request(LOAD))
        await log.until(lambda: "\\Package\\S\\Copy" in log.results(1))
        assert log.statuses[1] == [OperationStatus.RUNNING]
        assert log.events(1)[-1].message == "Move:Validation is complete."

    with_runtime(body)


def test_times_of_a_run_are_real() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.take(0.3, package="Load.dtsx")
        before = now()
        runtime.start(request(LOAD))
        await runtime.wait(1)
        after = now()
        times = [event.message_time for event in log.events(1)]
        assert before <= times[0]
        assert times[-1] <= after
        assert times[-1] - times[0] >= dt.timedelta(seconds=0.3)

    with_runtime(body)


def test_a_run_that_is_stopped_ends_cancelled_at_once() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.take(600, executable="Move")
        runtime.start(request(LOAD))
        await log.until(lambda: "\\Package\\S\\Copy" in log.results(1))
        assert runtime.stop(1)
        await runtime.wait(1)
        assert log.statuses[1][-1] is OperationStatus.CANCELED
        assert log.results(1) == {
            "\\Package\\S\\Copy": ExecutionResult.SUCCESS,
            "\\Package\\S\\Move": ExecutionResult.CANCELLED,
            "\\Package\\S": ExecutionResult.CANCELLED,
            "\\Package": ExecutionResult.CANCELLED,
        }
        assert len(log.events(1, MessageType.QUERY_CANCEL)) == 3

    with_runtime(body)


def test_a_run_that_writes_without_a_pause_can_be_stopped() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.write(1_000_000, executable="Copy")
        runtime.start(request(LOAD))
        await log.until(lambda: len(log.records(1)) > 1000)
        assert runtime.stop(1)
        await runtime.wait(1)
        assert log.statuses[1][-1] is OperationStatus.CANCELED
        assert len(log.records(1)) < 1_000_000

    with_runtime(body)


def test_a_run_that_writes_much_lets_others_run() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.write(200_000, package="Load.dtsx", executable="Copy")
        runtime.start(request(LOAD, execution_id=1))
        await log.until(lambda: 1 in log.statuses)
        runtime.start(request(SLOW, execution_id=2))
        await runtime.wait(2)
        assert log.statuses[1] == [OperationStatus.RUNNING]

    with_runtime(body)


def test_records_of_short_steps_are_written_together() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.write(500, executable="Copy")
        runtime.scripts.take(0.25, executable="Copy")
        runtime.start(request(LOAD))
        await runtime.wait(1)
        # The first message says that the run is simulated.
        assert len(log.events(1, MessageType.INFORMATION)) == 501
        assert len(log.writes[1]) < 50

    with_runtime(body)


def test_what_is_pending_or_over_cannot_be_stopped() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.hang(package="Load.dtsx")
        runtime.start(request(LOAD, execution_id=1))
        runtime.start(request(SLOW, execution_id=2))
        await runtime.wait(2)
        assert not runtime.stop(1)
        assert not runtime.stop(2)
        assert 1 not in log.statuses

    with_runtime(body)


def test_a_run_that_hangs_in_pending_begins_when_it_is_released_from_any_thread() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.hang(package="Load.dtsx")
        runtime.start(request(LOAD, execution_id=1))
        runtime.start(request(SLOW, execution_id=2))
        await runtime.wait(2)
        assert 1 not in log.statuses
        thread = threading.Thread(target=runtime.scripts.release)
        thread.start()
        await runtime.wait(1)
        thread.join()
        assert log.statuses[1][-1] is OperationStatus.SUCCEEDED
        runtime.start(request(LOAD, execution_id=3))
        await runtime.wait(3)

    with_runtime(body)


def test_a_run_may_hang_in_pending_for_a_time() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.hang(0.1)
        runtime.start(request(LOAD))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert log.statuses == {}
        await runtime.wait(1)
        assert log.statuses[1][-1] is OperationStatus.SUCCEEDED

    with_runtime(body)


def test_closing_ends_all_runs_without_a_word_and_others_can_be_started() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.take(600, executable="Copy")
        for number in range(1, 21):
            runtime.start(request(LOAD, execution_id=number))
        await log.until(lambda: len(log.statuses) == 20)
        await runtime.close()
        assert all(statuses == [OperationStatus.RUNNING] for statuses in log.statuses.values())
        runtime.scripts.clear()
        runtime.start(request(LOAD, execution_id=21))
        await runtime.wait(21)
        assert log.statuses[21][-1] is OperationStatus.SUCCEEDED

    with_runtime(body)


def test_a_run_whose_log_cannot_be_written_ends_unexpectedly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.start(request(LOAD))
        await runtime.wait(1)
        assert log.statuses[1] == [OperationStatus.RUNNING, OperationStatus.ENDED_UNEXPECTEDLY]

    with_runtime(body, MemoryLog(OSError("the disk is full")))
    assert "Execution 1 ended unexpectedly" in caplog.text
    assert "the disk is full" in caplog.text


@pytest.mark.slow
def test_thousands_of_runs_wait_at_once() -> None:
    async def body(runtime: Runtime, log: MemoryLog) -> None:
        runtime.scripts.take(600, executable="Copy")
        for number in range(1, 5001):
            runtime.start(request(SLOW, execution_id=number))
        await log.until(lambda: len(log.writes) == 5000)
        # Only a task each: all of them wait on the timers of the event loop.
        assert len(asyncio.all_tasks()) <= 5001
        assert all(runtime.stop(number) for number in range(1, 5001))
        for number in range(1, 5001):
            await runtime.wait(number)
        assert {statuses[-1] for statuses in log.statuses.values()} == {OperationStatus.CANCELED}

    with_runtime(body)
