"""Executes packages with the engine, each run in a separate process, and writes their records to the catalog."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from airflow_provider_ssis.catalog.codes import (
    LoggingLevel,
    MessageSourceType,
    MessageType,
    ObjectType,
    OperationStatus,
)
from airflow_provider_ssis.emulator.runs import event_texts
from airflow_provider_ssis.emulator.runs.actions import Outcome, RunScript
from airflow_provider_ssis.emulator.runs.control_flow import all_executables, packages_run_by
from airflow_provider_ssis.emulator.runs.dumps import Dumps
from airflow_provider_ssis.emulator.runs.event_records import EventRecords
from airflow_provider_ssis.emulator.runs.execute_settings import ExecuteSettings
from airflow_provider_ssis.emulator.runs.levels import log_filter
from airflow_provider_ssis.emulator.runs.records import EventRecord, Record
from airflow_provider_ssis.emulator.runs.request import RunRequest, tap_file_name
from airflow_provider_ssis.engine.events import Event
from airflow_provider_ssis.engine.injections import Injection
from airflow_provider_ssis.engine.process.job import RunJob, TapJob
from airflow_provider_ssis.engine.process.parent import EngineProcess, EngineProcessDied, ProcessResult

_EXECUTED: Final = "The embedded SSISDB executed this package with its own engine."
_REFUSED: Final = 0x80004005 - (1 << 32)
"""E_FAIL."""
_QUEUED_EVENTS: Final = 2000
_RECORDS_AT_ONCE: Final = 500
_SECONDS_BETWEEN_WRITES: Final = 0.05
_STATUSES: Final = {
    "success": OperationStatus.SUCCEEDED,
    "completion": OperationStatus.COMPLETED,
    "failure": OperationStatus.FAILED,
    "canceled": OperationStatus.CANCELED,
}
_ENGINE_LEVELS: Final = {
    LoggingLevel.NONE: 0,
    LoggingLevel.BASIC: 1,
    LoggingLevel.PERFORMANCE: 2,
}
_VERBOSE: Final = 3
_SCOPES: Final[Mapping[int, str]] = {ObjectType.PROJECT: "$Project", ObjectType.PACKAGE: "$Package"}


_KINDS: Final = {MessageType.ERROR: "error", MessageType.WARNING: "warning", MessageType.INFORMATION: "information"}
_UNSIGNED: Final = 0xFFFFFFFF

Write = Callable[[Sequence[Record]], Awaitable[None]]


async def play_executed(
    request: RunRequest,
    settings: ExecuteSettings,
    script: RunScript,
    write: Write,
    stopped: asyncio.Event,
    now: Callable[[], dt.datetime],
    *,
    taps_folder: Path,
    thread_id: int,
) -> OperationStatus:
    """Execute a package, and write its records until it ends.

    :param request: the execution.
    :param settings: how packages are executed.
    :param script: the instructions for this run.
    :param write: writes records to the catalog, in their order.
    :param stopped: is set to stop the run.
    :param now: the clock of the catalog's own messages.
    :param taps_folder: gets the files of data taps.
    :param thread_id: the thread in the messages.
    :returns: the status in which the run ends.
    """

    def message(kind: MessageType, text: str, code: int | None = None) -> EventRecord:
        return EventRecord(now(), kind, MessageSourceType.EXTERNAL_PROCESS, text, message_code=code)

    if request.problem:
        await write([message(MessageType.ERROR, request.problem, _REFUSED)])
        return OperationStatus.FAILED
    level = LoggingLevel(request.logging_level)
    chosen = log_filter(
        level, customized_events=request.customized_events, customized_profile=request.customized_profile
    )
    records = EventRecords(request.project, chosen, thread_id)
    dumps = Dumps(request.parameters)
    taps = _Taps(request, taps_folder)
    for warning in taps.prepare():
        await write([message(MessageType.WARNING, warning)])
    run = _ProcessOfRun(EngineProcess(_job(request, settings, script, taps.jobs)))
    try:
        if level is not LoggingLevel.NONE:
            await write([message(MessageType.INFORMATION, _EXECUTED)])
        async with _cancelled_by(stopped, run.process):
            async for events in run.batches():
                await write([record for event in events for record in (*records.of(event), *dumps.after(event, now))])
        try:
            result = await run.result()
        except EngineProcessDied as error:
            await write([message(MessageType.ERROR, str(error))])
            return OperationStatus.ENDED_UNEXPECTEDLY
    finally:
        await asyncio.shield(asyncio.to_thread(run.close))
    if result.error is not None:
        await write([message(MessageType.ERROR, result.error, _REFUSED)])
    for kind, text in taps.results():
        await write([message(kind, text)])
    status = _STATUSES.get(result.status, OperationStatus.FAILED)
    return status if status is OperationStatus.CANCELED else script.final_status or status


def injections(request: RunRequest, script: RunScript) -> Iterator[Injection]:
    """What a script wants of the executables of a run.

    The time of a container passes before anything in it runs.
    """
    entry = request.package.name
    for name in packages_run_by(request.project, entry):
        package = request.project.package(name)
        if package is None or package.control_flow is None:
            continue
        for executable in all_executables(package.control_flow):
            outcome = script.outcome(executable, name, entry)
            if outcome != Outcome():
                messages = (
                    (_KINDS[one.message_type], one.message, (one.code or 0) & _UNSIGNED)
                    for one in outcome.writes
                    for _ in range(one.count)
                )
                errors = ((text, one.code & _UNSIGNED) for one in outcome.failures for text in one.messages)
                yield Injection(
                    name, executable.path, outcome.seconds or 0.0, tuple(messages), tuple(errors), outcome.crashes
                )


class _Taps:
    """The data taps of an execution, and the files that they wrote."""

    def __init__(self, request: RunRequest, folder: Path) -> None:
        self._request = request
        self._folder = folder
        self._before: set[Path] = set()
        self.jobs: tuple[TapJob, ...] = ()

    def prepare(self) -> Iterator[str]:
        """Find the tasks of the taps; yields why some of them cannot be used."""
        if not self._request.data_taps:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._before = set(self._folder.iterdir())
        root = self._request.package.control_flow
        tasks = () if root is None else tuple(all_executables(root))
        jobs = []
        for tap in self._request.data_taps:
            task = next((one.path for one in tasks if tap.is_on(one.path, one.id)), None)
            if task is None or not tap.columns:
                yield event_texts.nothing_tapped(tap)
                continue
            try:
                file = self._folder / tap_file_name(tap.file_name)
            except ValueError as error:
                yield event_texts.rows_not_written(tap, str(error))
                continue
            jobs.append(TapJob(task=task, path_id=tap.path_id_string, file=str(file), max_rows=tap.max_rows))
        self.jobs = tuple(jobs)

    def results(self) -> Iterator[tuple[MessageType, str]]:
        """Yield a message about each new file."""
        if self.jobs:
            for path in sorted(set(self._folder.iterdir()) - self._before):
                yield MessageType.INFORMATION, f"A data tap wrote its rows to '{path}'."


def _job(request: RunRequest, settings: ExecuteSettings, script: RunScript, taps: tuple[TapJob, ...]) -> RunJob:
    given = {**request.parameters, **request.sensitive_parameters}
    packages = [request.project.package(name) for name in packages_run_by(request.project, request.package.name)]
    managers = [manager for one in packages if one is not None for manager in one.connection_managers]
    # The settings are for all packages of the server; the engine rejects connections that a package does not have.
    known = {
        text.casefold()
        for manager in (*managers, *request.project.connection_managers)
        for text in (manager.name, manager.id)
    }
    if request.project_file is None:
        raise ValueError(f"execution {request.execution_id} has no project file to execute")
    return RunJob(
        source=str(request.project_file),
        package=request.package_name,
        parameters={f"{_SCOPES[kind]}::{name}": value for (kind, name), value in given.items() if kind in _SCOPES},
        property_overrides={path: value for path, value in request.property_overrides.items() if value is not None},
        connections={name: value for name, value in settings.connections.items() if name.casefold() in known},
        path_map=settings.path_map,
        scripts=settings.scripts,
        taps=taps,
        secret_texts=tuple(str(value) for value in request.sensitive_parameters.values() if value is not None),
        injections=tuple(injections(request, script)),
        logging_level=_ENGINE_LEVELS.get(LoggingLevel(request.logging_level), _VERBOSE),
    )


class _ProcessOfRun:
    """The process of a run, whose events a thread reads."""

    def __init__(self, process: EngineProcess) -> None:
        self.process = process
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Event | BaseException | None] = asyncio.Queue(_QUEUED_EVENTS)
        self._closed = False
        self._thread = threading.Thread(target=self._read, name=f"engine process {process.pid}", daemon=True)
        self._thread.start()

    async def batches(self) -> Any:
        """Yield the events in lists, each after a short wait for more."""
        events: list[Event] = []
        while True:
            try:
                async with asyncio.timeout(_SECONDS_BETWEEN_WRITES if events else None):
                    event = await self._queue.get()
            except TimeoutError:
                yield events
                events = []
                continue
            if event is None or isinstance(event, BaseException):
                yield events
                if event is not None:
                    raise event
                return
            events.append(event)
            if len(events) >= _RECORDS_AT_ONCE:
                yield events
                events = []

    async def result(self) -> ProcessResult:
        """The result of the run."""
        return await asyncio.to_thread(self.process.result)

    def close(self) -> None:
        """Kill what is left of the process; waits for the thread."""
        self._closed = True
        self.process.kill()
        self._thread.join()
        self.process.__exit__(None, None, None)

    def _read(self) -> None:
        end: BaseException | None = None
        try:
            for event in self.process.events():
                self._put(event)
        except BaseException as error:  # noqa: BLE001 it is raised again on the event loop
            end = error
        self._put(end)

    def _put(self, item: Event | BaseException | None) -> None:
        if self._closed or self._loop.is_closed():
            return
        putting = asyncio.run_coroutine_threadsafe(self._queue.put(item), self._loop)
        while not self._closed:
            with contextlib.suppress(TimeoutError):
                putting.result(1.0)
                return
        putting.cancel()


@contextlib.asynccontextmanager
async def _cancelled_by(stopped: asyncio.Event, process: EngineProcess) -> Any:
    async def cancel() -> None:
        await stopped.wait()
        process.cancel()

    task = asyncio.create_task(cancel())
    try:
        yield
    finally:
        task.cancel()
