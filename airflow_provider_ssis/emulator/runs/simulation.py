"""The run of a package as a sequence of steps, without a clock, a catalog or an event loop.

:func:`simulate` walks the control flow of the package and yields the records of a run. Differences to Integration
Services:

- Nothing is executed, except Expression tasks. Other tasks succeed at once unless a script changes that, and do not
  change variables; a data flow moves no rows.
- Expressions of precedence constraints, For loops and variables are evaluated, and property expressions of the
  properties that a run follows. A Foreach loop takes a turn for each fixed item. Loops over files and other things that
  a simulation does not have take ``LOOP_TURNS`` turns, and so does, with a warning, a For loop whose condition nothing
  in the simulation changes.
- Parallel executables run one after the other, in the order of the package.
- An executable that fails with FailPackageOnFailure or FailParentOnFailure ends the package or its parent: no further
  executable starts there.
- A run with more than 100,000 tasks and containers, each turn of a loop counted, fails.
- A package that runs itself, directly or through a child package, is skipped with a warning; child packages that are
  nested more than 64 deep fail.
- While a run is being stopped, no event handlers run.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from airflow_provider_ssis.catalog.codes import (
    ExecutionResult,
    LoggingLevel,
    MessageSourceType,
    MessageType,
    ObjectType,
    OperationStatus,
)
from airflow_provider_ssis.emulator.runs import data_flow, event_texts
from airflow_provider_ssis.emulator.runs.actions import Fail, Outcome, RunScript, Write
from airflow_provider_ssis.emulator.runs.control_flow import (
    LOOPS,
    all_executables,
    in_order,
    may_start,
    tasks_in,
)
from airflow_provider_ssis.emulator.runs.dumps import DumpRule
from airflow_provider_ssis.emulator.runs.evaluation import Evaluation, Problem
from airflow_provider_ssis.emulator.runs.frames import Frame, context_of, event_record, statistics_of
from airflow_provider_ssis.emulator.runs.levels import Event, log_filter
from airflow_provider_ssis.emulator.runs.overrides import Scope, apply_overrides
from airflow_provider_ssis.emulator.runs.records import DumpRecord, EventRecord, ExecutableRecord, TappedRowsRecord
from airflow_provider_ssis.emulator.runs.request import DataTap, RunRequest
from airflow_provider_ssis.emulator.runs.steps import Pause, RunStopped, Steps
from airflow_provider_ssis.emulator.runs.variables import RunVariables
from airflow_provider_ssis.project.models import (
    DataFlow,
    EventHandler,
    ExecutableKind,
    Package,
    PrecedenceConstraint,
)

_MESSAGES_BETWEEN_PAUSES: Final = 1000
_DEEPEST_PACKAGES: Final = 64
_MOST_EXECUTABLES: Final = 100_000
_WRITE_EVENTS: Final = {
    MessageType.INFORMATION: (Event.INFORMATION, event_texts.information),
    MessageType.WARNING: (Event.WARNING, event_texts.warning),
    MessageType.ERROR: (Event.ERROR, event_texts.error),
}
_FORCED: Final = {0: ExecutionResult.SUCCESS, 1: ExecutionResult.FAILURE, 2: ExecutionResult.COMPLETION}
_STATUSES: Final = {
    ExecutionResult.SUCCESS: OperationStatus.SUCCEEDED,
    ExecutionResult.FAILURE: OperationStatus.FAILED,
    ExecutionResult.COMPLETION: OperationStatus.COMPLETED,
}
_SECONDS_OF_A_TURN: Final = 0.01
"""The least time that a turn of a loop takes whose condition reads the clock."""
_TICK: Final = dt.timedelta(microseconds=1)
"""The time between two events, so that their times sort in their order."""


_TURN: Final = re.compile(r"\[(\d+)\](?!.*\[\d+\])")
"""The last turn in an execution path: ``\\Package\\Loop[2]\\Load``."""


class _TooLarge(Exception):
    """The run has more executables than a simulation plays."""


class _Crashed(Exception):
    """The process that runs the package dies: no further records are written."""


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
    return simulation.run()


class _Simulation:
    def __init__(self, request: RunRequest, script: RunScript, start: dt.datetime, thread_id: int) -> None:
        self._request = request
        self._script = script
        self._start = start
        self._now = start
        self._thread_id = thread_id
        self._filter = log_filter(
            LoggingLevel(request.logging_level),
            customized_events=request.customized_events,
            customized_profile=request.customized_profile,
        )
        self._listed: set[str] = set()
        self._tapped: set[DataTap] = set()
        self._dumps = DumpRule.of(request.parameters)
        self._has_dumped = False
        self._executing = False
        self._executables = 0
        self._evaluation = Evaluation(RunVariables(request, start))

    def run(self) -> Steps[OperationStatus]:
        package = self._request.package
        if self._request.problem:
            yield self._process_error(self._request.problem, event_texts.RUN_REFUSED)
            return OperationStatus.FAILED
        if package.control_flow is None:
            yield self._process_error(package.note or _encrypted(package.name), event_texts.ENCRYPTED)
            return OperationStatus.FAILED
        project = self._request.project
        scope = Scope(
            connections=(*package.connection_managers, *project.connection_managers),
            package_parameters=[parameter.name for parameter in package.parameters],
            project_parameters=[parameter.name for parameter in project.parameters],
        )
        package, problems = apply_overrides(package, scope, self._request.property_overrides)
        for problem in problems:
            yield self._process_error(problem.text, problem.code)
        if problems:
            return OperationStatus.FAILED
        try:
            result = yield from self._package(package, None)
        except RunStopped:
            return OperationStatus.CANCELED
        except _Crashed:
            return OperationStatus.ENDED_UNEXPECTEDLY
        except (_TooLarge, RecursionError) as error:
            yield self._process_error(_too_large(error), event_texts.RUN_TOO_LARGE)
            return OperationStatus.FAILED
        for tap in self._request.data_taps:
            if tap not in self._tapped:
                yield self._process_message(MessageType.WARNING, event_texts.nothing_tapped(tap))
        return self._script.final_status or _STATUSES[result]

    # --- time

    @property
    def _elapsed(self) -> float:
        return (self._now - self._start).total_seconds()

    def _tick(self) -> dt.datetime:
        self._now += _TICK
        return self._now

    def _pause(self, until: float) -> Steps[None]:
        try:
            yield Pause(until)
        except RunStopped as stop:
            self._pass_time(stop.at)
            raise
        self._pass_time(until)

    def _pass_time(self, until: float) -> None:
        self._now = max(self._now, self._start + dt.timedelta(seconds=until))

    # --- packages

    def _package(self, package: Package, parent: Frame | None) -> Steps[ExecutionResult]:
        """Run the package of the request, or a child package."""
        root = package.control_flow
        if root is None:
            raise ValueError(f"package {package.name!r} has no control flow that could be read")
        frame = Frame(root, package, "\\Package", None) if parent is None else parent.package_inside(package, root)
        if root.disabled:
            return ExecutionResult.SUCCESS
        if self._filter.executables and package.name not in self._listed:
            self._listed.add(package.name)
            for executable in all_executables(root):
                yield ExecutableRecord(executable.name, executable.id, package.name, executable.path)
        yield from self._validate(frame, with_children=True)
        self._executing = True
        return (yield from self._run(frame))

    def _execute_package(self, frame: Frame, name: str) -> Steps[ExecutionResult]:
        child = self._request.project.package(name)
        if child is None or child.control_flow is None:
            why = f"The project has no package {name}." if child is None else child.note or _encrypted(name)
            yield from self._error(frame, f"The child package cannot be run. {why}", event_texts.CHILD_NOT_LOADED)
            return ExecutionResult.FAILURE
        running = [outer.package.name for outer in frame.outwards() if outer.executable.kind is ExecutableKind.PACKAGE]
        if child.name in running:
            text = f"The package {name} is already running. It is skipped."
            yield from self._raise(Event.WARNING, frame, event_texts.warning(frame.executable.name, text))
            return ExecutionResult.SUCCESS
        if len(running) >= _DEEPEST_PACKAGES:
            text = f"The package {name} cannot be run: {_DEEPEST_PACKAGES} packages are nested, which is the limit."
            yield from self._error(frame, text, event_texts.CHILD_NOT_LOADED)
            return ExecutionResult.FAILURE
        project_parameters = self._request.project.parameters
        passed = [
            (parameter, self._request.parameters.get((int(ObjectType.PROJECT), parameter.name), parameter.value))
            for parameter in project_parameters
        ] + [(parameter, parameter.value) for parameter in child.parameters]
        yield from self._raise(Event.DIAGNOSTIC_EX, frame, event_texts.parameters_passed(child.name, passed))
        return (yield from self._package(child, frame))

    # --- executables

    def _run(self, frame: Frame) -> Steps[ExecutionResult]:
        """Run one executable, from its OnPreExecute to its statistics."""
        name = frame.executable.name
        self._executables += 1
        if self._executables > _MOST_EXECUTABLES:
            raise _TooLarge
        yield from self._pause(self._elapsed)
        began = self._tick()
        try:
            yield from self._raise(Event.PRE_EXECUTE, frame, event_texts.started(name, began))
            if frame.executable.kind is ExecutableKind.TASK:
                result = yield from self._task(frame)
            else:
                result = yield from self._container(frame)
            result = yield from self._judge(frame, result)
            yield from self._raise(Event.POST_EXECUTE, frame, event_texts.finished(name, began, self._tick()))
        except RunStopped:
            if Event.QUERY_CANCEL in self._filter.events:
                yield self._record(Event.QUERY_CANCEL, frame, event_texts.cancelled(name))
            if self._filter.statistics:
                yield statistics_of(frame, began, self._tick(), ExecutionResult.CANCELLED)
            raise
        if self._filter.statistics:
            yield statistics_of(frame, began, self._tick(), result)
        return result

    def _judge(self, frame: Frame, result: ExecutionResult) -> Steps[ExecutionResult]:
        """The final result, after the maximum number of errors and a forced result."""
        executable = frame.executable
        maximum = executable.max_error_count
        if 0 < maximum <= frame.errors and (executable.kind.is_container or result is ExecutionResult.SUCCESS):
            text = event_texts.maximum_errors_reached(executable.name, frame.errors, maximum)
            yield from self._raise(Event.WARNING, frame, text, code=event_texts.MAXIMUM_ERRORS_REACHED)
            result = ExecutionResult.FAILURE
        if executable.force_execution_result is not None:
            result = _FORCED.get(executable.force_execution_result, result)
        if result is ExecutionResult.FAILURE:
            if executable.kind is ExecutableKind.TASK:
                yield from self._raise(Event.TASK_FAILED, frame, event_texts.task_failed(executable.name))
            if frame.errors == 0 and frame.parent is not None:
                # A failure without an error, such as a forced failure, counts as one error in the containers around it.
                for outer in frame.parent.outwards():
                    outer.errors += 1
        return result

    def _container(self, frame: Frame) -> Steps[ExecutionResult]:
        outcome = self._outcome(frame)
        yield from self._write(frame, outcome.writes, 0.0)
        if outcome.crashes or outcome.failures:
            return (yield from self._break_down(frame, outcome))
        end = self._spread(frame, outcome)
        if frame.executable.kind in LOOPS:
            result = yield from self._turns(frame)
            if result is ExecutionResult.FAILURE:
                frame.ended = True
        else:
            yield from self._children(frame, frame.execution_path)
        yield from self._pause(end)
        return ExecutionResult.FAILURE if frame.ended else ExecutionResult.SUCCESS

    def _turns(self, frame: Frame) -> Steps[ExecutionResult]:
        """Run the turns of a loop; it fails if one of its expressions has no value."""
        turns = self._evaluation.turns(frame, lambda: self._now)
        for turn in itertools.count(1):
            if not turns.begins(turn):
                break
            began = self._elapsed
            yield from self._children(frame, f"{frame.execution_path}[{turn}]")
            if turns.reads_clock and self._elapsed - began < _SECONDS_OF_A_TURN:
                # The loop waits for a time: simulated tasks are over at once, but the time has to come.
                yield from self._pause(began + _SECONDS_OF_A_TURN)
            self._executables += 1
            if self._executables > _MOST_EXECUTABLES:
                raise _TooLarge
            if frame.ended or 0 < frame.executable.max_error_count <= frame.errors:
                break
        if turns.is_endless:
            text = event_texts.warning(frame.executable.name, event_texts.ENDLESS_LOOP)
            yield from self._raise(Event.WARNING, frame, text)
        if turns.problem is None:
            return ExecutionResult.SUCCESS
        yield from self._error(frame, turns.problem.text, turns.problem.code)
        return ExecutionResult.FAILURE

    def _children(self, frame: Frame, path: str) -> Steps[None]:
        """Run the executables of a container once, in the order of their precedence constraints.

        :param path: the execution path of the container, with the turn of a loop.
        """
        children = frame.executable.children
        constraints = frame.executable.constraints
        arriving: defaultdict[str, list[PrecedenceConstraint]] = defaultdict(list)
        leaving: defaultdict[str, list[PrecedenceConstraint]] = defaultdict(list)
        for constraint in constraints:
            arriving[constraint.target].append(constraint)
            leaving[constraint.source].append(constraint)
        results: dict[str, ExecutionResult | None] = {}
        untrue: set[PrecedenceConstraint] = set()
        for stored in in_order(children, constraints):
            child = stored
            if frame.is_ended or not may_start(arriving[child.path], results, untrue):
                results[child.path] = None
                continue
            child, problems = self._evaluation.with_properties(frame, stored, self._now)
            yield from self._problems(frame, problems)
            if child.disabled:
                # As in Integration Services: the next executables start as if it had succeeded.
                results[child.path] = ExecutionResult.SUCCESS
            else:
                result = yield from self._run(frame.inside(child, f"{path}\\{child.name}"))
                results[child.path] = result
                if result is ExecutionResult.FAILURE:
                    frame.end_after(child)
            found, problems = self._evaluation.untrue(frame, leaving[child.path], self._now)
            untrue.update(found)
            yield from self._problems(frame, problems)

    def _problems(self, frame: Frame, problems: Iterable[Problem]) -> Steps[None]:
        for problem in problems:
            yield from self._error(frame, problem.text, problem.code)

    def _task(self, frame: Frame) -> Steps[ExecutionResult]:
        executable = frame.executable
        outcome = self._outcome(frame)
        yield from self._validate(frame)
        if executable.data_flow is not None:
            return (yield from self._data_flow(frame, executable.data_flow, outcome))
        if executable.assignment and not (outcome.crashes or outcome.failures):
            where = f"The expression of the task {executable.path}"
            problem = self._evaluation.assign(frame, executable.assignment, where, self._now)
            if problem is not None:
                yield from self._error(frame, problem.text, problem.code)
                return ExecutionResult.FAILURE
        if executable.child_package is None or outcome.crashes or outcome.failures:
            return (yield from self._work(frame, outcome))
        yield from self._write(frame, outcome.writes, 0.0)
        end = self._spread(frame, outcome)
        result = yield from self._execute_package(frame, executable.child_package)
        yield from self._pause(end)
        return result

    def _data_flow(self, frame: Frame, flow: DataFlow, outcome: Outcome) -> Steps[ExecutionResult]:
        began = self._tick()
        yield from self._say(frame, data_flow.opening())
        flowing = self._tick()
        result = yield from self._work(frame, outcome)
        stopped = self._tick()
        yield from self._tap(frame, flow)
        failed = result is ExecutionResult.FAILURE
        yield from self._say(frame, data_flow.closing(flow, failed=failed))
        times = data_flow.PipelineTimes(began, flowing, stopped, self._tick())
        where = (frame.package.name, frame.executable.name, frame.execution_path, times)
        if self._filter.phases:
            yield from data_flow.phases(flow, *where)
        if self._filter.data and not failed:
            yield from data_flow.data_statistics(flow, *where)
        return result

    def _tap(self, frame: Frame, flow: DataFlow) -> Steps[None]:
        """The rows that passed the taps of a data flow. A tap belongs to the package of the request."""
        if frame.package.name.lower() != self._request.package_name.lower():
            return
        for tap in self._request.data_taps:
            path = next((each for each in flow.paths if each.id_string == tap.path_id_string), None)
            if path is None or not tap.is_on(frame.executable):
                continue
            self._tapped.add(tap)
            rows = data_flow.ROWS if tap.max_rows is None else min(tap.max_rows, data_flow.ROWS)
            yield TappedRowsRecord(tap, rows, _iteration(frame), self._tick())

    def _validate(self, frame: Frame, *, with_children: bool = False) -> Steps[None]:
        executable = frame.executable
        yield from self._raise(Event.PRE_VALIDATE, frame, event_texts.validating(executable.name))
        if executable.data_flow is not None:
            yield from self._say(frame, data_flow.VALIDATION)
        if with_children:
            for child in executable.children:
                if not child.disabled:
                    inner = frame.inside(child, f"{frame.execution_path}\\{child.name}")
                    yield from self._validate(inner, with_children=True)
        yield from self._raise(Event.POST_VALIDATE, frame, event_texts.validated(executable.name))

    # --- scripts

    def _outcome(self, frame: Frame) -> Outcome:
        return self._script.outcome(frame.executable, frame.package.name, self._request.package.name)

    def _work(self, frame: Frame, outcome: Outcome) -> Steps[ExecutionResult]:
        """Let a task take time, write messages, and fail or succeed."""
        yield from self._write(frame, outcome.writes, frame.pace if outcome.seconds is None else outcome.seconds)
        return (yield from self._break_down(frame, Outcome(crashes=outcome.crashes, failures=outcome.failures)))

    def _break_down(self, frame: Frame, outcome: Outcome) -> Steps[ExecutionResult]:
        """Crash or fail, after the duration of the outcome."""
        yield from self._pause(self._elapsed + (outcome.seconds or 0.0))
        if outcome.crashes:
            raise _Crashed
        for failure in outcome.failures:
            yield from self._fail(frame, failure)
        return ExecutionResult.FAILURE if outcome.failures else ExecutionResult.SUCCESS

    def _fail(self, frame: Frame, failure: Fail) -> Steps[None]:
        flow = frame.executable.data_flow
        component = None if flow is None else data_flow.failing_component(flow, failure.component)
        if flow is None or component is None:
            for text in failure.messages:
                yield from self._error(frame, text, failure.code)
            return
        for text in failure.messages:
            yield from self._error(frame, text, failure.code, data_flow.subcomponent(flow, component))
        yield from self._say(frame, [data_flow.consequence(flow, component)])

    def _write(self, frame: Frame, writes: Sequence[Write], seconds: float) -> Steps[None]:
        """Write messages, spread over a time, and let that time pass."""
        began = self._elapsed
        total = sum(write.count for write in writes)
        written = 0
        for write in writes:
            event, text_of = _WRITE_EVENTS[write.message_type]
            for number in range(1, write.count + 1):
                if seconds or written % _MESSAGES_BETWEEN_PAUSES == 0:
                    yield from self._pause(began + seconds * written / total)
                counted = f"{write.message} ({number} of {write.count})" if write.count > 1 else write.message
                text = text_of(frame.executable.name, counted)
                yield from self._raise(event, frame, text, code=write.code)
                written += 1
        yield from self._pause(began + seconds)

    def _spread(self, frame: Frame, outcome: Outcome) -> float:
        """Spread the duration of an executable over its tasks; returns the time of its end."""
        if outcome.seconds is None:
            return 0.0
        frame.pace = outcome.seconds / max(1, tasks_in(frame.executable, self._request.project))
        return self._elapsed + outcome.seconds

    # --- events

    def _say(self, frame: Frame, said: Iterable[data_flow.PipelineMessage]) -> Steps[None]:
        """Raise the messages of a pipeline as events of its task."""
        name = frame.executable.name
        texts = {
            Event.INFORMATION: event_texts.information,
            Event.PROGRESS: event_texts.progress,
            Event.ERROR: event_texts.error,
        }
        for one in said:
            text = texts[one.event](name, one.text)
            yield from self._raise(one.event, frame, text, code=one.code, subcomponent=one.subcomponent)

    def _error(self, frame: Frame, text: str, code: int, subcomponent: str | None = None) -> Steps[None]:
        text = event_texts.error(frame.executable.name, text)
        yield from self._raise(Event.ERROR, frame, text, code=code, subcomponent=subcomponent)

    def _raise(
        self, event: Event, frame: Frame, text: str, *, code: int | None = None, subcomponent: str | None = None
    ) -> Steps[None]:
        """Raise an event: write it, count it if it is an error, and run its handlers, from the inside out."""
        if event in self._filter.events:
            yield self._record(event, frame, text, code, subcomponent)
        if not self._has_dumped and self._dumps.applies(event, code):
            self._has_dumped = True
            yield DumpRecord(text, frame.package.name, self._tick())
        is_heard = True
        for outer in frame.outwards():
            if event is Event.ERROR:
                outer.errors += 1
            if not is_heard:
                continue
            for handler in outer.executable.event_handlers:
                if not handler.disabled and handler.event.lower() == event.event_name.lower():
                    yield from self._handle(outer, handler)
                    if not handler.propagate:
                        return
            # Events that are raised in a handler are not handled outside: they would call the handler again.
            is_heard = not outer.is_handler

    def _handle(self, frame: Frame, handler: EventHandler) -> Steps[None]:
        inside = frame.handling(handler)
        yield from self._children(inside, inside.execution_path)

    def _record(
        self, event: Event, frame: Frame, text: str, code: int | None = None, subcomponent: str | None = None
    ) -> EventRecord:
        context = context_of(frame, executing=self._executing) if event in self._filter.contexts else ()
        return event_record(event, frame, self._tick(), text, code, subcomponent, self._thread_id, context)

    def _process_error(self, text: str, code: int) -> EventRecord:
        """An error of the process that runs packages, before it has the package."""
        return self._process_message(MessageType.ERROR, text, code)

    def _process_message(self, kind: MessageType, text: str, code: int | None = None) -> EventRecord:
        return EventRecord(self._tick(), kind, MessageSourceType.EXTERNAL_PROCESS, text, message_code=code)


def _iteration(frame: Frame) -> int:
    """The turn of the innermost loop around a task, from 1; 0 without a loop."""
    turn = _TURN.search(frame.execution_path)
    return int(turn[1]) if turn else 0


def _too_large(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The containers and packages of this run are nested too deeply to be simulated. Nest fewer of them."
    return (
        f"The simulated run was ended after {_MOST_EXECUTABLES} tasks and containers, each turn of a loop counted. The"
        " turns of nested loops multiply: disable some of them with a property override."
    )


def _encrypted(package_name: str) -> str:
    return f"The package {package_name} is encrypted as a whole; it cannot be read without its password."
