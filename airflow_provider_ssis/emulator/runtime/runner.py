"""Plays simulated runs in real time and writes what they say to the catalog."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.runtime.records import Record
from airflow_provider_ssis.emulator.runtime.request import RunRequest
from airflow_provider_ssis.emulator.runtime.scripts import Script, ScriptBook
from airflow_provider_ssis.emulator.runtime.simulation import RunCancelled, RunCrashed, Wait, simulate

log = logging.getLogger(__name__)

_RECORDS_AT_ONCE: Final = 2000
_FIRST_PROCESS_ID: Final = 4000


class RunLog(Protocol):
    """Where runs write: the catalog."""

    async def running(self, execution_id: int, process_id: int) -> None:
        """The execution's process runs (status 2)."""

    async def write(self, execution_id: int, records: Sequence[Record]) -> None:
        """Write what a run said, in this order."""

    async def finished(self, execution_id: int, status: OperationStatus) -> None:
        """The execution is over."""


@dataclass(slots=True)
class _Run:
    """A run that goes on.

    :param stop: set when the run is to be cancelled.
    """

    request: RunRequest
    scripts: tuple[Script, ...]
    task: asyncio.Task[None] | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class Runtime:
    """The runs of a catalog. All methods belong to the event loop on which it runs.

    :param run_log: where runs write.
    :param now: the time that records carry.
    """

    def __init__(self, run_log: RunLog, now: Callable[[], dt.datetime]) -> None:
        self.scripts = ScriptBook()
        self._log = run_log
        self._now = now
        self._runs: dict[int, _Run] = {}
        self._process_ids = itertools.count(_FIRST_PROCESS_ID, 4)
        self._released = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.scripts.released = self._release

    def start(self, request: RunRequest) -> None:
        """Begin a run; returns at once."""
        self._loop = asyncio.get_running_loop()
        run = _Run(request, self.scripts.take_for(request))
        self._runs[request.execution_id] = run
        run.task = asyncio.create_task(self._play(run), name=f"execution {request.execution_id}")
        run.task.add_done_callback(lambda task: self._forget(request.execution_id, task))

    async def wait(self, execution_id: int) -> None:
        """Wait until a run is over; returns at once if there is none."""
        run = self._runs.get(execution_id)
        if run is not None and run.task is not None:
            await asyncio.wait([run.task])

    def stop(self, execution_id: int) -> bool:
        """Cancel a run at its next step.

        :returns: False when there is no such run.
        """
        run = self._runs.get(execution_id)
        if run is None:
            return False
        run.stop.set()
        return True

    async def close(self) -> None:
        """End all runs where they are; what they would have written is not."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._runs.clear()

    def _forget(self, execution_id: int, task: asyncio.Task[None]) -> None:
        run = self._runs.get(execution_id)
        if run is not None and run.task is task:
            del self._runs[execution_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("execution %d: the simulation failed", execution_id, exc_info=error)

    def _release(self) -> None:
        """Wake the runs that hang in pending; may be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    # --- one run

    async def _play(self, run: _Run) -> None:
        execution_id = run.request.execution_id
        await asyncio.sleep(0)
        await self._hang(run)
        await self._log.running(execution_id, next(self._process_ids))
        status = await self._steps(run)
        await self._log.finished(execution_id, status)

    async def _hang(self, run: _Run) -> None:
        seconds = max((script.pending_seconds for script in run.scripts), default=0.0)
        if seconds:
            await _wait(self._released, seconds)

    async def _steps(self, run: _Run) -> OperationStatus:
        execution_id = run.request.execution_id
        records: list[Record] = []
        steps = simulate(run.request, run.scripts, self._now)
        cancelled = False
        try:
            while True:
                if run.stop.is_set() and not cancelled:
                    cancelled = True
                    step = steps.throw(RunCancelled)
                else:
                    step = next(steps)
                if not isinstance(step, Wait):
                    records.append(step)
                    if len(records) < _RECORDS_AT_ONCE:
                        continue
                await self._log.write(execution_id, records)
                records = []
                # A run of many messages leaves room for others, and for its own stop.
                await asyncio.sleep(0)
                if isinstance(step, Wait) and not cancelled:
                    await _wait(run.stop, step.seconds)
        except StopIteration as end:
            status: OperationStatus = end.value
        except RunCrashed:
            status = OperationStatus.ENDED_UNEXPECTEDLY
        except RunCancelled:
            status = OperationStatus.CANCELED
        await self._log.write(execution_id, records)
        return status


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but not longer than so many seconds."""
    try:
        async with asyncio.timeout(None if math.isinf(seconds) else seconds):
            await event.wait()
    except TimeoutError:
        return
