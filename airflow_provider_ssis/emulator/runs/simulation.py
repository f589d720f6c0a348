"""The run of a package as a sequence of steps, without a clock, a catalog or an event loop.

:func:`simulate` lets the engine walk over the package, with an executor whose tasks do nothing, and yields the records
of the run. Differences to a run that executes the package:

- Nothing is executed, except Expression tasks. Other tasks succeed at once unless a script changes that, and do not
  change variables; a data flow moves no rows.
- Of property expressions, those are evaluated whose properties a run follows. A Foreach loop runs one iteration for
  each fixed item. Loops over files and other objects that a simulation does not have run ``LOOP_TURNS`` iterations. So
  does a For loop whose condition nothing in the simulation changes, with a warning.
- Parallel executables run one after the other, in the order of the package.
- A run with more than 100,000 tasks and containers, each iteration of a loop counted, fails.
- A package that runs itself, directly or through a child package, is skipped with a warning.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from airflow_provider_ssis.catalog.codes import LoggingLevel, MessageSourceType, MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs import event_texts
from airflow_provider_ssis.emulator.runs.actions import RunScript
from airflow_provider_ssis.emulator.runs.clock import RunClock
from airflow_provider_ssis.emulator.runs.control_flow import all_executables
from airflow_provider_ssis.emulator.runs.dumps import Dumps
from airflow_provider_ssis.emulator.runs.engine_packages import package_run
from airflow_provider_ssis.emulator.runs.event_records import EventRecords
from airflow_provider_ssis.emulator.runs.levels import Event, log_filter
from airflow_provider_ssis.emulator.runs.overrides import Scope, apply_overrides
from airflow_provider_ssis.emulator.runs.records import EventRecord, Record
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.emulator.runs.simulated_executor import Crashed, SimulatedExecutor, TooLarge
from airflow_provider_ssis.emulator.runs.steps import RunStopped, Steps
from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.walk import Walk
from airflow_provider_ssis.engine.events import Event as EngineEvent
from airflow_provider_ssis.engine.events import Result
from airflow_provider_ssis.engine.secrets import Secrets
from airflow_provider_ssis.project.models import Executable, ExecutableKind, Package, Project

_STATUSES: Final = {
    Result.SUCCESS: OperationStatus.SUCCEEDED,
    Result.FAILURE: OperationStatus.FAILED,
    Result.COMPLETION: OperationStatus.COMPLETED,
    Result.CANCELED: OperationStatus.CANCELED,
}
_EVENTS: Final = {event.event_name: event for event in Event}


def simulate(
    request: RunRequest, script: RunScript, start: dt.datetime, *, thread_id: int = 1
) -> Steps[OperationStatus]:
    """Run a package.

    :param script: the instructions for this run.
    :param start: the start of the run; the times of the records count from it.
    :param thread_id: the thread in the messages. Default: 1.
    :returns: the status in which the run ends, after the steps.
    """
    simulation = _Simulation(request, script, start, thread_id)
    work = simulation.run()
    stopped: RunStopped | None = None
    try:
        while True:
            try:
                pause = work.send(None) if stopped is None else work.throw(stopped)
            except StopIteration as end:
                yield from simulation.records()
                status: OperationStatus = end.value
                return status
            yield from simulation.records()
            stopped = None
            try:
                yield pause
            except RunStopped as error:
                stopped = error
    finally:
        work.close()


class _Simulation:
    """One run. It is a coroutine that waits for nothing but pauses, so that no event loop is needed."""

    def __init__(self, request: RunRequest, script: RunScript, start: dt.datetime, thread_id: int) -> None:
        self._request = request
        self._script = script
        self._thread_id = thread_id
        self._cancel = CancelToken()
        self._clock = RunClock(start, self._cancel)
        self._filter = log_filter(
            LoggingLevel(request.logging_level),
            customized_events=request.customized_events,
            customized_profile=request.customized_profile,
        )
        self._dumps = Dumps(request.parameters)
        self._project = request.project
        self._records: list[Record] = []
        self._made = EventRecords(self._project, self._filter, thread_id)
        self._known: dict[str, dict[str, Executable]] = {}

    def records(self) -> Iterator[Record]:
        """Yield the records since the last call."""
        records, self._records = self._records, []
        yield from records

    def run(self) -> Coroutine[Any, Any, OperationStatus]:
        """Run the package; the coroutine passes each pause to its caller."""
        return self._run()

    async def _run(self) -> OperationStatus:
        package = self._request.package
        if self._request.problem:
            return self._fail(self._request.problem, event_texts.RUN_REFUSED)
        if package.control_flow is None:
            return self._fail(package.note or event_texts.encrypted(package.name), event_texts.ENCRYPTED)
        project = self._request.project
        scope = Scope(
            connections=(*package.connection_managers, *project.connection_managers),
            package_parameters=[parameter.name for parameter in package.parameters],
            project_parameters=[parameter.name for parameter in project.parameters],
        )
        package, problems = apply_overrides(package, scope, self._request.property_overrides)
        for problem in problems:
            self._fail(problem.text, problem.code)
        if problems:
            return OperationStatus.FAILED
        self._project = _with_package(project, package)
        self._made = EventRecords(self._project, self._filter, self._thread_id)
        return await self._walk(package)

    async def _walk(self, package: Package) -> OperationStatus:
        executors: list[SimulatedExecutor] = []

        def executor(walk: Walk) -> SimulatedExecutor:
            made = SimulatedExecutor(walk, self._request, self._script, self._clock, self, self._append)
            executors.append(made)
            return made

        try:
            walk = Walk(self._add, self._clock.tick, Secrets(), self._cancel, executor, lambda: self._clock.now)
            result = await walk.run_package(self._frame(package, None))
        except Crashed:
            return OperationStatus.ENDED_UNEXPECTEDLY
        except (TooLarge, RecursionError) as error:
            return self._fail(
                event_texts.too_large(error.executables if isinstance(error, TooLarge) else None),
                event_texts.RUN_TOO_LARGE,
            )
        if result is Result.CANCELED:
            return OperationStatus.CANCELED
        for tap in executors[0].unused_taps():
            self._records.append(self._process_message(MessageType.WARNING, event_texts.nothing_tapped(tap)))
        return self._script.final_status or _STATUSES[result]

    # --- packages

    def executable(self, frame: Frame) -> Executable:
        """Return the executable of a frame as the project has it."""
        known = self._known[frame.package.file]
        container = frame.container
        found = known.get(container.path)
        if found is None:  # an event handler
            found = Executable(container.name, container.path, container.id, ExecutableKind.SEQUENCE)
        return found

    def child(self, frame: Frame, package: Package, values: Mapping[str, Any]) -> Frame:
        """Return the frame of a child package of an Execute Package task."""
        return self._frame(package, frame, values)

    def _frame(self, package: Package, parent: Frame | None, values: Mapping[str, Any] | None = None) -> Frame:
        root = package.control_flow
        if root is None:
            raise ValueError(f"package {package.name!r} has no control flow that could be read")
        run = package_run(self._request, package, root, self._clock.start, values)
        self._known[package.name] = {one.path: one for one in all_executables(root)}
        container = run.package.container
        return Frame(container, run, "\\Package", None) if parent is None else parent.package_inside(run, container)

    # --- records

    def _append(self, record: Record) -> None:
        self._records.append(record)

    def _add(self, event: EngineEvent) -> None:
        self._records += self._made.of(event)
        self._records += self._dumps.after(event, self._clock.tick)

    def _fail(self, text: str, code: int) -> OperationStatus:
        """Write an error of the process that runs packages."""
        self._records.append(self._process_message(MessageType.ERROR, text, code))
        return OperationStatus.FAILED

    def _process_message(self, kind: MessageType, text: str, code: int | None = None) -> EventRecord:
        return EventRecord(self._clock.tick(), kind, MessageSourceType.EXTERNAL_PROCESS, text, message_code=code)


def _with_package(project: Project, package: Package) -> Project:
    """The project with the package after its property overrides."""
    packages = tuple(package if one.name == package.name else one for one in project.packages)
    return project if any(one is package for one in project.packages) else replace(project, packages=packages)
