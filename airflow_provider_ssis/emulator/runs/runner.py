"""Simulates runs in real time and writes their records to the catalog."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import logging
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from airflow_provider_ssis.catalog.codes import LoggingLevel, MessageSourceType, MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs import event_texts
from airflow_provider_ssis.emulator.runs.actions import RunScript
from airflow_provider_ssis.emulator.runs.control_flow import packages_run_by
from airflow_provider_ssis.emulator.runs.execute_settings import ExecuteSettings
from airflow_provider_ssis.emulator.runs.levels import Event, log_filter
from airflow_provider_ssis.emulator.runs.records import EventRecord, Record
from airflow_provider_ssis.emulator.runs.request import RunRequest, ScaleOut
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.emulator.runs.simulation import simulate
from airflow_provider_ssis.emulator.runs.steps import Pause, RunStopped, Steps
from airflow_provider_ssis.emulator.runs.workers import Worker, WorkerPool

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_WRITES: Final = 0.02
_RECORDS_AT_ONCE: Final = 2000
_SHORTEST_SLEEP: Final = 0.001
"""The resolution of the event loop's clock; shorter waits are skipped."""
_RETRIED: Final = (OperationStatus.FAILED, OperationStatus.ENDED_UNEXPECTEDLY)
"""How an execution can end that a worker of Scale Out runs again."""
_PROCESS_IDS: Final = range(4000, 1 << 16, 4)
"""Process ids are multiples of four on Windows."""


class RunLog(Protocol):
    """The log of runs: the catalog."""

    async def running(self, execution_id: int, process_id: int, worker: Worker | None) -> None:
        """The execution has started: status 2 and the process id, or the worker of Scale Out that runs it."""

    async def write(self, execution_id: int, records: Sequence[Record], *, by_worker: bool) -> None:
        """Write records of a run, in this order; those of a Scale Out worker go to separate tables."""

    async def finished(self, execution_id: int, status: OperationStatus) -> None:
        """The execution has ended."""


@dataclass(slots=True, eq=False)
class _Run:
    """A pending or running run.

    :param released: set when the run no longer stays pending.
    :param stopped: set when the run is to be stopped.
    """

    request: RunRequest
    script: RunScript
    is_running: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] = field(init=False)


class Runtime:
    """The runs of a catalog. Call its methods on the event loop of the runs; scripts can be used from any thread.

    A run is one task of the event loop; while it waits, it costs only memory.

    :param run_log: gets the records of runs.
    :param now: the clock of the records.
    """

    def __init__(self, run_log: RunLog, now: Callable[[], dt.datetime]) -> None:
        self.taps_folder = Path()
        """The folder of the files of data taps of executed packages."""
        self.execute: ExecuteSettings | None = None
        """How the engine executes packages; None to simulate them."""
        self.scripts = ScriptBook()
        self.scripts.on_release = self._release
        self.workers = WorkerPool()
        self._log = run_log
        self._now = now
        self._runs: dict[int, _Run] = {}
        self._process_ids = itertools.cycle(_PROCESS_IDS)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, request: RunRequest) -> None:
        """Start an execution that the catalog has set to pending; returns at once.

        :raises ValueError: its project has no such package, or it was started already.
        """
        if request.execution_id in self._runs:
            raise ValueError(f"execution {request.execution_id} was started already")
        self._loop = asyncio.get_running_loop()
        packages = packages_run_by(request.project, request.package.name)
        run = _Run(request, self.scripts.draw(request.folder_name, request.project_name, packages))
        self._runs[request.execution_id] = run
        run.task = self._loop.create_task(self._play(run), name=f"execution {request.execution_id}")
        run.task.add_done_callback(lambda task: self._forget(request.execution_id, task))

    def allow_worker(self, execution_id: int, worker_id: uuid.UUID) -> None:
        """Let one more worker of Scale Out run an execution that waits for one; no other execution changes."""
        run = self._runs.get(execution_id)
        if run is not None and run.request.scale_out is not None and run.request.scale_out.workers is not None:
            run.request.scale_out.workers.add(worker_id)
            self.workers.choose_again()

    def next_process_id(self) -> int:
        """The id of a new process."""
        return next(self._process_ids)

    def has(self, execution_id: int) -> bool:
        """Whether an execution is pending or runs."""
        return execution_id in self._runs

    async def wait(self, execution_id: int) -> None:
        """Wait for the end of an execution; returns at once if it is not pending or running."""
        run = self._runs.get(execution_id)
        if run is not None:
            await asyncio.wait([run.task])

    def stop(self, execution_id: int) -> bool:
        """Stop an execution at its next step.

        :returns: False if it is not running: a pending one cannot be stopped.
        """
        run = self._runs.get(execution_id)
        if run is None or not run.is_running:
            return False
        run.stopped.set()
        return True

    async def close(self) -> None:
        """End all runs without further records, as when the server dies. New runs can be started."""
        tasks = [run.task for run in self._runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, execution_id: int, task: asyncio.Task[None]) -> None:
        del self._runs[execution_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Could not write the end of execution %d to the catalog", execution_id, exc_info=error)

    def _release(self) -> None:
        """Let pending runs start. Called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._release_all)

    def _release_all(self) -> None:
        for run in self._runs.values():
            run.released.set()

    # --- one run

    async def _play(self, run: _Run) -> None:
        execution_id = run.request.execution_id
        try:
            # Other clients can see the execution as pending, as on a real server.
            await asyncio.sleep(0)
            await _wait(run.released, run.script.pending_seconds)
            scale_out = run.request.scale_out
            status = await (self._run_here(run, None) if scale_out is None else self._run_on_workers(run, scale_out))
        except Exception:
            # An error of the simulation, or of the catalog. No other task reads the result of this one.
            log.exception("Execution %d ended unexpectedly after an error of its simulation", execution_id)
            status = OperationStatus.ENDED_UNEXPECTEDLY
        await self._log.finished(execution_id, status)

    async def _run_on_workers(self, run: _Run, scale_out: ScaleOut) -> OperationStatus:
        """Run it on a worker, and again while it fails and retries are left."""
        for attempt in range(scale_out.retries + 1):
            async with self.workers.worker(scale_out.workers, run.stopped) as worker:
                if worker is None:
                    return OperationStatus.CANCELED
                status = await self._run_here(run, worker)
            if status not in _RETRIED or run.stopped.is_set() or attempt == scale_out.retries:
                break
        return status

    async def _run_here(self, run: _Run, worker: Worker | None) -> OperationStatus:
        run.is_running = True
        process_id = self.next_process_id()
        await self._log.running(run.request.execution_id, process_id, worker)
        if self.execute is not None:
            return await self._run_executed(run, self.execute, thread_id=process_id + 4)
        if _says_simulated(run.request):
            simulated = EventRecord(
                self._now(), MessageType.INFORMATION, MessageSourceType.EXTERNAL_PROCESS, event_texts.SIMULATED
            )
            by_worker = run.request.scale_out is not None
            await self._log.write(run.request.execution_id, [simulated], by_worker=by_worker)
        steps = simulate(run.request, run.script, self._now(), thread_id=process_id + 4)
        return await _Player(self._log, run, steps).play()

    async def _run_executed(self, run: _Run, settings: ExecuteSettings, *, thread_id: int) -> OperationStatus:
        request = run.request

        async def write(records: Sequence[Record]) -> None:
            if records:
                await self._log.write(request.execution_id, records, by_worker=request.scale_out is not None)

        # Imported when the first package is executed: a simulated one needs no process of the engine.
        from airflow_provider_ssis.emulator.runs.executed import play_executed

        return await play_executed(
            request,
            settings,
            run.script,
            write,
            run.stopped,
            self._now,
            taps_folder=self.taps_folder,
            thread_id=thread_id,
        )


class _Player:
    """Executes the steps of one run: writes records in batches, waits at pauses, and stops the run there."""

    def __init__(self, run_log: RunLog, run: _Run, steps: Steps[OperationStatus]) -> None:
        self._log = run_log
        self._run = run
        self._steps = steps
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._written = self._began
        self._records: list[Record] = []

    @property
    def _elapsed(self) -> float:
        return self._loop.time() - self._began

    async def play(self) -> OperationStatus:
        """Play all steps; returns the status in which the run ends."""
        try:
            step = next(self._steps)
            while True:
                if not isinstance(step, Pause):
                    self._records.append(step)
                    step = next(self._steps)
                    continue
                await self._pause(step)
                stopped = self._run.stopped.is_set()
                step = self._steps.throw(RunStopped(self._elapsed)) if stopped else next(self._steps)
        except StopIteration as end:
            status: OperationStatus = end.value
        finally:
            self._steps.close()
        await self._write()
        return status

    async def _pause(self, pause: Pause) -> None:
        due = pause.until - self._elapsed
        if due > _SHORTEST_SLEEP:
            await self._write()
            # Steps that follow each other closely are written together.
            rest = self._written + _SECONDS_BETWEEN_WRITES - self._loop.time()
            await _wait(self._run.stopped, max(pause.until - self._elapsed, rest))
        elif len(self._records) >= _RECORDS_AT_ONCE or self._loop.time() - self._written > _SECONDS_BETWEEN_WRITES:
            await self._write()
            await asyncio.sleep(0)

    async def _write(self) -> None:
        if self._records:
            records, self._records = self._records, []
            request = self._run.request
            await self._log.write(request.execution_id, records, by_worker=request.scale_out is not None)
        self._written = self._loop.time()


def _says_simulated(request: RunRequest) -> bool:
    """Whether a run says that it is simulated: if its package can be run, and its logging level has information."""
    if request.problem or request.package.control_flow is None or request.logging_level == LoggingLevel.NONE:
        return False
    if request.logging_level != LoggingLevel.CUSTOMIZED:
        return True
    return Event.INFORMATION in log_filter(LoggingLevel.CUSTOMIZED, customized_events=request.customized_events).events


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, up to some seconds."""
    if seconds <= 0:
        return
    try:
        async with asyncio.timeout(None if math.isinf(seconds) else seconds):
            await event.wait()
    except TimeoutError:
        return
