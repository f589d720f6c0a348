"""The executor of simulated runs: scripts set the duration, messages and result of tasks."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from airflow_provider_ssis.catalog.codes import MessageType, ObjectType
from airflow_provider_ssis.emulator.runs import data_flow, event_texts
from airflow_provider_ssis.emulator.runs.actions import Fail, Outcome, RunScript, Write
from airflow_provider_ssis.emulator.runs.clock import RunClock
from airflow_provider_ssis.emulator.runs.control_flow import LOOP_TURNS, tasks_in
from airflow_provider_ssis.emulator.runs.records import Record, TappedRowsRecord
from airflow_provider_ssis.emulator.runs.request import DataTap, RunRequest
from airflow_provider_ssis.engine.control_flow import texts
from airflow_provider_ssis.engine.control_flow.evaluation import failure
from airflow_provider_ssis.engine.control_flow.executor import Work
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.variables.parameters import NOT_LOADED, check_assignments
from airflow_provider_ssis.engine.control_flow.variables.values import given_value
from airflow_provider_ssis.engine.control_flow.walk import Walk
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from airflow_provider_ssis.engine.events import ComponentPhase, EventName, Result, RowsSent
from airflow_provider_ssis.expressions import ExpressionError
from airflow_provider_ssis.project.datatypes import BY_VARIANT_TYPE, parse_value
from airflow_provider_ssis.project.models import DataFlow, Executable, ExecutableKind, Package
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop, ItemEnumerator

MOST_EXECUTABLES: Final = 100_000
"""The most tasks and containers of one run, each iteration of a loop counted."""
_DEEPEST_PACKAGES: Final = 64
_MESSAGES_BETWEEN_PAUSES: Final = 1000
_SECONDS_OF_A_TURN: Final = 0.01
"""The least time that an iteration of a loop takes whose condition reads the clock."""
_CLOCK_FUNCTIONS: Final = ("GETDATE", "GETUTCDATE")
_TURN: Final = re.compile(r"\[(\d+)\](?!.*\[\d+\])")
"""The last iteration in an execution path: ``\\Package\\Loop[2]\\Load``."""


class Crashed(Exception):
    """The process that runs the package dies: no further records are written."""


class TooLarge(Exception):
    """A run has more executables than are simulated.

    :param executables: how many are.
    """

    def __init__(self, executables: int) -> None:
        super().__init__()
        self.executables = executables


class Packages(Protocol):
    """The packages of the run."""

    def executable(self, frame: Frame) -> Executable:
        """Return the executable of a frame as the project has it."""

    def child(self, frame: Frame, package: Package, values: Mapping[str, Any]) -> Frame:
        """Return the frame of a child package of an Execute Package task.

        :param values: those of its parameters that the task sets, by name.
        """


class SimulatedExecutor:
    """Runs the tasks of a simulated run. Only Expression tasks and scripts have an effect.

    :param walk: the walk over the package.
    :param request: the run.
    :param script: the instructions for the run.
    :param clock: the time of the run.
    :param packages: its packages.
    :param emit: gets the records of data taps.
    """

    is_parallel = False

    def __init__(
        self,
        walk: Walk,
        request: RunRequest,
        script: RunScript,
        clock: RunClock,
        packages: Packages,
        emit: Callable[[Record], None],
    ) -> None:
        self._walk = walk
        self._request = request
        self._script = script
        self._clock = clock
        self._packages = packages
        self._emit = emit
        self._tapped: set[DataTap] = set()
        self._executables = 0
        self._pace: dict[Frame, float] = {}
        self._ends: dict[Frame, float] = {}
        self._turns: dict[Frame, tuple[object, float]] = {}

    def unused_taps(self) -> Iterator[DataTap]:
        """The taps that no data flow has passed so far."""
        return (tap for tap in self._request.data_taps if tap not in self._tapped)

    # --- containers

    async def starting(self, frame: Frame) -> None:
        """Count the executable; the run can be stopped here."""
        self._count()
        await self._clock.pause(self._clock.elapsed)

    async def begin(self, frame: Frame) -> None:
        """Do what scripts want of a container, before anything in it runs."""
        if frame.container.kind is ExecutableKind.TASK:
            return
        outcome = self._outcome(frame)
        await self._write(frame, outcome.writes, 0.0)
        if outcome.crashes or outcome.failures:
            await self._break_down(frame, outcome)
        self._spread(frame, outcome)

    async def end(self, frame: Frame, result: Result) -> None:
        """Let the rest of the container's time pass."""
        self._turns.pop(frame, None)
        self._pace.pop(frame, None)
        end = self._ends.pop(frame, None)
        if end is not None and result is not Result.CANCELED:
            await self._clock.pause(end)

    async def begins_turn(self, work: Work, turn: int) -> bool:
        """End a For loop whose condition nothing in the simulation changes."""
        frame, loop = work.frame, work.data
        if turn > 1:
            self._count()
        reads_clock = isinstance(loop, ForLoop) and any(
            function in loop.eval_expression.upper() for function in _CLOCK_FUNCTIONS
        )
        state = frame.package.snapshot()
        before, began = self._turns.get(frame, (None, self._clock.elapsed))
        if reads_clock and turn > 1 and self._clock.elapsed - began < _SECONDS_OF_A_TURN:
            # The loop waits for a time: simulated tasks are over at once, but the time has to come.
            await self._clock.pause(began + _SECONDS_OF_A_TURN)
        self._turns[frame] = (state, self._clock.elapsed)
        if state == before and turn > LOOP_TURNS and not reads_clock:
            await self._walk.events.warning(frame, event_texts.ENDLESS_LOOP, 0)
            return False
        return True

    async def turns(self, work: Work) -> AsyncGenerator[Sequence[Any]]:
        """Yield the fixed items of a loop. Others have nothing to enumerate, and run ``LOOP_TURNS`` iterations."""
        loop = work.data
        if not isinstance(loop, ForeachLoop) or not isinstance(loop.enumerator, ItemEnumerator):
            for _ in range(LOOP_TURNS):
                yield ()
                self._count()
            return
        for item in loop.enumerator.items:
            yield [_item(code, text) for code, text in item]
            self._count()

    def _count(self) -> None:
        """Count an executable, or an iteration of a loop."""
        self._executables += 1
        if self._executables > MOST_EXECUTABLES:
            raise TooLarge(MOST_EXECUTABLES)

    # --- tasks

    async def validate(self, work: Work) -> None:
        """Say what a data flow says when it is validated."""
        if self._packages.executable(work.frame).data_flow is not None:
            await self._say(work.frame, data_flow.VALIDATION)

    async def run(self, work: Work) -> Any:
        """Do what scripts want of a task; an Expression task changes its variable, an Execute Package task runs."""
        frame = work.frame
        executable = self._packages.executable(frame)
        outcome = self._outcome(frame)
        is_normal = not (outcome.crashes or outcome.failures)
        if executable.data_flow is not None:
            await self._data_flow(frame, executable.data_flow, outcome)
        elif executable.child_package is not None and is_normal:
            await self._write(frame, outcome.writes, 0.0)
            self._spread(frame, outcome)
            await self._execute_package(frame, executable.child_package, executable.child_assignments)
        else:
            if executable.assignment and is_normal:
                await self._assign(frame, executable.assignment)
            await self._perform(frame, outcome)

    async def _assign(self, frame: Frame, assignment: str) -> None:
        try:
            change = self._walk.evaluation.assign(frame, assignment)
        except (ExpressionError, TaskFailure) as error:
            raise failure(f"The expression of the task {frame.container.path}", error) from None
        if change is not None:
            await self._walk.events.changed(change, frame)

    async def _execute_package(self, frame: Frame, name: str, assignments: Sequence[tuple[str, str]]) -> None:
        project = self._request.project
        child = project.package(name)
        if child is None or child.control_flow is None:
            why = f"The project has no package {name}." if child is None else child.note or event_texts.encrypted(name)
            raise TaskFailure(f"The child package cannot be run. {why}", NOT_LOADED)
        running = [outer.package.file for outer in frame.outwards() if outer.container.kind is ExecutableKind.PACKAGE]
        if child.name in running:
            await self._walk.events.warning(frame, f"The package {name} is already running. It is skipped.", 0)
            return
        if len(running) >= _DEEPEST_PACKAGES:
            text = f"The package {name} cannot be run: {_DEEPEST_PACKAGES} packages are nested, which is the limit."
            raise TaskFailure(text, NOT_LOADED)
        values = self._assigned(frame, child, assignments)
        given = self._request.parameters
        passed = [(one, given.get((int(ObjectType.PROJECT), one.name), one.value)) for one in project.parameters]
        passed += [(one, values.get(one.name, one.value)) for one in child.parameters]
        text = event_texts.parameters_passed(child.name, passed)
        await self._walk.events.raise_event(EventName.DIAGNOSTIC_EX, frame, text)
        result = await self._walk.run_package(self._packages.child(frame, child, values))
        if result is Result.CANCELED:
            raise Cancelled
        if result is Result.FAILURE:
            raise TaskFailure("")  # the child has raised its errors

    def _assigned(self, frame: Frame, child: Package, assignments: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the values that an Execute Package task assigns to the parameters of its child package.

        :raises TaskFailure: as in an executed run.
        """
        parent = self._request.project.package(frame.package.file)
        secrets = {f"$Project::{one.name}" for one in self._request.project.parameters if one.sensitive}
        secrets |= {f"$Package::{one.name}" for one in (parent.parameters if parent else ()) if one.sensitive}
        own = {one.name.casefold(): one for one in child.parameters}
        check_assignments(child.name, assignments, secrets, {one.name: one.sensitive for one in child.parameters})
        view = self._walk.evaluation.view(frame)
        values: dict[str, Any] = {}
        for name, source in assignments:
            parameter = own[name.removeprefix("$Package::").casefold()]
            try:
                values[parameter.name] = given_value(view.read(source), parameter.data_type)
            except ValueError as error:
                text = f"The package {child.name} cannot be loaded. The value of the parameter {name} is not valid:"
                raise TaskFailure(f"{text} {error}.", NOT_LOADED) from None
        missing = [one.name for one in child.parameters if one.required and one.name not in values]
        if missing:
            text = f"{child.name} requires a value for the parameter {', '.join(missing)}. Give one."
            raise TaskFailure(f"The package {child.name} cannot be loaded. {text}", NOT_LOADED)
        return values

    # --- scripts

    def _outcome(self, frame: Frame) -> Outcome:
        executable = self._packages.executable(frame)
        return self._script.outcome(executable, frame.package.file, self._request.package.name)

    async def _perform(self, frame: Frame, outcome: Outcome) -> None:
        """Let a task take time, write messages, and fail or succeed."""
        await self._write(frame, outcome.writes, self._pace_of(frame) if outcome.seconds is None else outcome.seconds)
        await self._break_down(frame, Outcome(crashes=outcome.crashes, failures=outcome.failures))

    async def _break_down(self, frame: Frame, outcome: Outcome) -> None:
        """Crash or fail, after the duration of the outcome."""
        await self._clock.pause(self._clock.elapsed + (outcome.seconds or 0.0))
        if outcome.crashes:
            raise Crashed
        for one in outcome.failures:
            await self._fail(frame, one)
        if outcome.failures:
            raise TaskFailure("")  # the errors are raised

    async def _fail(self, frame: Frame, found: Fail) -> None:
        code = found.code & _UNSIGNED
        flow = self._packages.executable(frame).data_flow
        component = None if flow is None else data_flow.failing_component(flow, found.component)
        if flow is None or component is None:
            for text in found.messages:
                await self._walk.events.error(frame, TaskFailure(text, code))
            return
        name = data_flow.subcomponent(flow, component)
        for text in found.messages:
            await self._walk.events.error(frame, TaskFailure(text, code, subcomponent=name))
        await self._say(frame, [data_flow.consequence(flow, component)])

    async def _write(self, frame: Frame, writes: Sequence[Write], seconds: float) -> None:
        """Write messages, spread over a time, and let that time pass."""
        began = self._clock.elapsed
        total = sum(write.count for write in writes)
        written = 0
        for write in writes:
            for number in range(1, write.count + 1):
                if seconds or written % _MESSAGES_BETWEEN_PAUSES == 0:
                    await self._clock.pause(began + seconds * written / total)
                text = f"{write.message} ({number} of {write.count})" if write.count > 1 else write.message
                await self._one(frame, write.message_type, text, (write.code or 0) & _UNSIGNED)
                written += 1
        await self._clock.pause(began + seconds)

    async def _one(self, frame: Frame, kind: MessageType, text: str, code: int) -> None:
        events = self._walk.events
        if kind is MessageType.ERROR:
            await events.error(frame, TaskFailure(text, code))
        elif kind is MessageType.WARNING:
            await events.warning(frame, text, code)
        else:
            await events.information(frame, text, code)

    def _spread(self, frame: Frame, outcome: Outcome) -> None:
        """Spread the duration of an executable over its tasks."""
        if outcome.seconds is not None:
            tasks = tasks_in(self._packages.executable(frame), self._request.project)
            self._pace[frame] = outcome.seconds / max(1, tasks)
            self._ends[frame] = self._clock.elapsed + outcome.seconds

    def _pace_of(self, frame: Frame) -> float:
        """The default duration of a task, in seconds."""
        for outer in frame.outwards():
            if outer in self._pace:
                return self._pace[outer]
            if outer.handler is not None:
                return 0.0
        return 0.0

    # --- data flows

    async def _data_flow(self, frame: Frame, flow: DataFlow, outcome: Outcome) -> None:
        """Run a Data Flow task: the messages of its pipeline around its scripted work, its taps, its statistics."""
        began = self._clock.tick()
        await self._say(frame, data_flow.opening())
        flowing = self._clock.tick()
        failed: TaskFailure | None = None
        try:
            await self._perform(frame, outcome)
        except TaskFailure as error:
            failed = error
        stopped = self._clock.tick()
        self._tap(frame, flow)
        await self._say(frame, data_flow.closing(flow, failed=failed is not None))
        times = data_flow.PipelineTimes(began, flowing, stopped, self._clock.tick())
        for phase in data_flow.phases(flow, times):
            self._walk.events.publish(ComponentPhase(frame.place, *phase))
        if failed is not None:
            raise failed
        for path in flow.paths:
            rows = data_flow.ROWS
            sent = RowsSent(stopped, frame.place, path.id_string, path.name, path.source, path.destination, rows)
            self._walk.events.publish(sent)

    async def _say(self, frame: Frame, said: Sequence[data_flow.PipelineMessage]) -> None:
        """Raise the messages of a pipeline as events of its task."""
        events, name = self._walk.events, frame.container.name
        for one in said:
            code = (one.code or 0) & _UNSIGNED
            if one.event is EventName.ERROR:
                await events.error(frame, TaskFailure(one.text, code, subcomponent=one.subcomponent))
            elif one.event is EventName.INFORMATION:
                await events.information(frame, one.text, code, one.subcomponent)
            else:
                await events.raise_event(one.event, frame, texts.progress(name, one.text, 100), 0, one.subcomponent)

    def _tap(self, frame: Frame, flow: DataFlow) -> None:
        """Emit the rows that passed the taps of a data flow. A tap belongs to the package of the request."""
        if frame.package.file.lower() != self._request.package_name.lower():
            return
        for tap in self._request.data_taps:
            path = next((each for each in flow.paths if each.id_string == tap.path_id_string), None)
            if path is None or not tap.is_on(frame.container.path, frame.container.id):
                continue
            self._tapped.add(tap)
            rows = data_flow.ROWS if tap.max_rows is None else min(tap.max_rows, data_flow.ROWS)
            self._emit(TappedRowsRecord(tap, rows, _iteration(frame), self._clock.tick()))


_UNSIGNED: Final = 0xFFFFFFFF


def _iteration(frame: Frame) -> int:
    """The iteration of the innermost loop around a task, from 1; 0 without a loop."""
    turn = _TURN.search(frame.execution_path)
    return int(turn[1]) if turn else 0


def _item(code: int, text: str) -> Any:
    data_type = BY_VARIANT_TYPE.get(code)
    try:
        return text if data_type is None else parse_value(text, data_type)
    except ValueError:
        return text
