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
from collections import defaultdict
from typing import Final

from airflow_provider_ssis.catalog.codes import (
    ExecutionResult,
    LoggingLevel,
    MessageType,
    ObjectType,
    OperationStatus,
)
from airflow_provider_ssis.emulator.runs import data_flow, event_texts
from airflow_provider_ssis.emulator.runs.actions import RunScript
from airflow_provider_ssis.emulator.runs.clock import RunClock
from airflow_provider_ssis.emulator.runs.control_flow import LOOPS, all_executables, in_order, may_start
from airflow_provider_ssis.emulator.runs.dumps import DumpRule
from airflow_provider_ssis.emulator.runs.evaluation import Evaluation
from airflow_provider_ssis.emulator.runs.events import Events
from airflow_provider_ssis.emulator.runs.frames import Frame, statistics_of
from airflow_provider_ssis.emulator.runs.levels import Event, log_filter
from airflow_provider_ssis.emulator.runs.overrides import Scope, apply_overrides
from airflow_provider_ssis.emulator.runs.records import ExecutableRecord
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.emulator.runs.steps import RunStopped, Steps
from airflow_provider_ssis.emulator.runs.task_work import Crashed, TaskWork
from airflow_provider_ssis.emulator.runs.variables import RunVariables
from airflow_provider_ssis.project.models import (
    EventHandler,
    ExecutableKind,
    Package,
    PrecedenceConstraint,
)

_DEEPEST_PACKAGES: Final = 64
_MOST_EXECUTABLES: Final = 100_000
_FORCED: Final = {0: ExecutionResult.SUCCESS, 1: ExecutionResult.FAILURE, 2: ExecutionResult.COMPLETION}
_STATUSES: Final = {
    ExecutionResult.SUCCESS: OperationStatus.SUCCEEDED,
    ExecutionResult.FAILURE: OperationStatus.FAILED,
    ExecutionResult.COMPLETION: OperationStatus.COMPLETED,
}
_SECONDS_OF_A_TURN: Final = 0.01
"""The least time that a turn of a loop takes whose condition reads the clock."""


class _TooLarge(Exception):
    """The run has more executables than a simulation plays."""


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
        self._clock = RunClock(start)
        self._filter = log_filter(
            LoggingLevel(request.logging_level),
            customized_events=request.customized_events,
            customized_profile=request.customized_profile,
        )
        self._events = Events(self._clock, self._filter, DumpRule.of(request.parameters), thread_id, self._handle)
        self._work = TaskWork(request, script, self._clock, self._events, self._filter)
        self._evaluation = Evaluation(RunVariables(request, start))
        self._listed: set[str] = set()
        self._executables = 0

    def run(self) -> Steps[OperationStatus]:
        package = self._request.package
        if self._request.problem:
            yield self._events.process_error(self._request.problem, event_texts.RUN_REFUSED)
            return OperationStatus.FAILED
        if package.control_flow is None:
            yield self._events.process_error(package.note or _encrypted(package.name), event_texts.ENCRYPTED)
            return OperationStatus.FAILED
        project = self._request.project
        scope = Scope(
            connections=(*package.connection_managers, *project.connection_managers),
            package_parameters=[parameter.name for parameter in package.parameters],
            project_parameters=[parameter.name for parameter in project.parameters],
        )
        package, problems = apply_overrides(package, scope, self._request.property_overrides)
        for problem in problems:
            yield self._events.process_error(problem.text, problem.code)
        if problems:
            return OperationStatus.FAILED
        try:
            result = yield from self._package(package, None)
        except RunStopped:
            return OperationStatus.CANCELED
        except Crashed:
            return OperationStatus.ENDED_UNEXPECTEDLY
        except (_TooLarge, RecursionError) as error:
            yield self._events.process_error(_too_large(error), event_texts.RUN_TOO_LARGE)
            return OperationStatus.FAILED
        for tap in self._work.unused_taps():
            yield self._events.process_message(MessageType.WARNING, event_texts.nothing_tapped(tap))
        return self._script.final_status or _STATUSES[result]

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
        self._events.executing = True
        return (yield from self._run(frame))

    def _execute_package(self, frame: Frame, name: str) -> Steps[ExecutionResult]:
        child = self._request.project.package(name)
        if child is None or child.control_flow is None:
            why = f"The project has no package {name}." if child is None else child.note or _encrypted(name)
            yield from self._events.error(
                frame, f"The child package cannot be run. {why}", event_texts.CHILD_NOT_LOADED
            )
            return ExecutionResult.FAILURE
        running = [outer.package.name for outer in frame.outwards() if outer.executable.kind is ExecutableKind.PACKAGE]
        if child.name in running:
            text = f"The package {name} is already running. It is skipped."
            yield from self._events.say(frame, Event.WARNING, text)
            return ExecutionResult.SUCCESS
        if len(running) >= _DEEPEST_PACKAGES:
            text = f"The package {name} cannot be run: {_DEEPEST_PACKAGES} packages are nested, which is the limit."
            yield from self._events.error(frame, text, event_texts.CHILD_NOT_LOADED)
            return ExecutionResult.FAILURE
        project_parameters = self._request.project.parameters
        passed = [
            (parameter, self._request.parameters.get((int(ObjectType.PROJECT), parameter.name), parameter.value))
            for parameter in project_parameters
        ] + [(parameter, parameter.value) for parameter in child.parameters]
        text = event_texts.parameters_passed(child.name, passed)
        yield from self._events.raise_event(Event.DIAGNOSTIC_EX, frame, text)
        return (yield from self._package(child, frame))

    # --- executables

    def _run(self, frame: Frame) -> Steps[ExecutionResult]:
        """Run one executable, from its OnPreExecute to its statistics."""
        name = frame.executable.name
        self._count()
        yield from self._clock.pause(self._clock.elapsed)
        began = self._clock.tick()
        try:
            yield from self._events.raise_event(Event.PRE_EXECUTE, frame, event_texts.started(name, began))
            if frame.executable.kind is ExecutableKind.TASK:
                result = yield from self._task(frame)
            else:
                result = yield from self._container(frame)
            result = yield from self._judge(frame, result)
            text = event_texts.finished(name, began, self._clock.tick())
            yield from self._events.raise_event(Event.POST_EXECUTE, frame, text)
        except RunStopped:
            yield from self._events.write(Event.QUERY_CANCEL, frame, event_texts.cancelled(name))
            if self._filter.statistics:
                yield statistics_of(frame, began, self._clock.tick(), ExecutionResult.CANCELLED)
            raise
        if self._filter.statistics:
            yield statistics_of(frame, began, self._clock.tick(), result)
        return result

    def _count(self) -> None:
        """Count an executable, or a turn of a loop."""
        self._executables += 1
        if self._executables > _MOST_EXECUTABLES:
            raise _TooLarge

    def _judge(self, frame: Frame, result: ExecutionResult) -> Steps[ExecutionResult]:
        """The final result, after the maximum number of errors and a forced result."""
        executable = frame.executable
        maximum = executable.max_error_count
        if 0 < maximum <= frame.errors and (executable.kind.is_container or result is ExecutionResult.SUCCESS):
            text = event_texts.maximum_errors_reached(executable.name, frame.errors, maximum)
            yield from self._events.raise_event(Event.WARNING, frame, text, code=event_texts.MAXIMUM_ERRORS_REACHED)
            result = ExecutionResult.FAILURE
        if executable.force_execution_result is not None:
            result = _FORCED.get(executable.force_execution_result, result)
        if result is ExecutionResult.FAILURE:
            if executable.kind is ExecutableKind.TASK:
                yield from self._events.raise_event(Event.TASK_FAILED, frame, event_texts.task_failed(executable.name))
            if frame.errors == 0 and frame.parent is not None:
                # A failure without an error, such as a forced failure, counts as one error in the containers around it.
                for outer in frame.parent.outwards():
                    outer.errors += 1
        return result

    def _container(self, frame: Frame) -> Steps[ExecutionResult]:
        outcome = self._work.outcome(frame)
        yield from self._work.write(frame, outcome.writes, 0.0)
        if outcome.crashes or outcome.failures:
            return (yield from self._work.break_down(frame, outcome))
        end = self._work.spread(frame, outcome)
        if frame.executable.kind in LOOPS:
            result = yield from self._turns(frame)
            if result is ExecutionResult.FAILURE:
                frame.ended = True
        else:
            yield from self._children(frame, frame.execution_path)
        yield from self._clock.pause(end)
        return ExecutionResult.FAILURE if frame.ended else ExecutionResult.SUCCESS

    def _turns(self, frame: Frame) -> Steps[ExecutionResult]:
        """Run the turns of a loop; it fails if one of its expressions has no value."""
        turns = self._evaluation.turns(frame, lambda: self._clock.now)
        for turn in itertools.count(1):
            if not turns.begins(turn):
                break
            began = self._clock.elapsed
            yield from self._children(frame, f"{frame.execution_path}[{turn}]")
            if turns.reads_clock and self._clock.elapsed - began < _SECONDS_OF_A_TURN:
                # The loop waits for a time: simulated tasks are over at once, but the time has to come.
                yield from self._clock.pause(began + _SECONDS_OF_A_TURN)
            self._count()
            if frame.ended or 0 < frame.executable.max_error_count <= frame.errors:
                break
        if turns.is_endless:
            yield from self._events.say(frame, Event.WARNING, event_texts.ENDLESS_LOOP)
        if turns.problem is None:
            return ExecutionResult.SUCCESS
        yield from self._events.error(frame, turns.problem.text, turns.problem.code)
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
            if frame.is_ended or not may_start(arriving[stored.path], results, untrue):
                results[stored.path] = None
                continue
            child, problems = self._evaluation.with_properties(frame, stored, self._clock.now)
            yield from self._events.problems(frame, problems)
            if child.disabled:
                # As in Integration Services: the next executables start as if it had succeeded.
                results[child.path] = ExecutionResult.SUCCESS
            else:
                result = yield from self._run(frame.inside(child, f"{path}\\{child.name}"))
                results[child.path] = result
                if result is ExecutionResult.FAILURE:
                    frame.end_after(child)
            found, problems = self._evaluation.untrue(frame, leaving[child.path], self._clock.now)
            untrue.update(found)
            yield from self._events.problems(frame, problems)

    def _task(self, frame: Frame) -> Steps[ExecutionResult]:
        executable = frame.executable
        outcome = self._work.outcome(frame)
        yield from self._validate(frame)
        if executable.data_flow is not None:
            return (yield from self._work.data_flow(frame, executable.data_flow, outcome))
        if executable.assignment and not (outcome.crashes or outcome.failures):
            where = f"The expression of the task {executable.path}"
            problem = self._evaluation.assign(frame, executable.assignment, where, self._clock.now)
            if problem is not None:
                yield from self._events.error(frame, problem.text, problem.code)
                return ExecutionResult.FAILURE
        if executable.child_package is None or outcome.crashes or outcome.failures:
            return (yield from self._work.perform(frame, outcome))
        yield from self._work.write(frame, outcome.writes, 0.0)
        end = self._work.spread(frame, outcome)
        result = yield from self._execute_package(frame, executable.child_package)
        yield from self._clock.pause(end)
        return result

    def _validate(self, frame: Frame, *, with_children: bool = False) -> Steps[None]:
        executable = frame.executable
        yield from self._events.raise_event(Event.PRE_VALIDATE, frame, event_texts.validating(executable.name))
        if executable.data_flow is not None:
            yield from self._events.of_pipeline(frame, data_flow.VALIDATION)
        if with_children:
            for child in executable.children:
                if not child.disabled:
                    inner = frame.inside(child, f"{frame.execution_path}\\{child.name}")
                    yield from self._validate(inner, with_children=True)
        yield from self._events.raise_event(Event.POST_VALIDATE, frame, event_texts.validated(executable.name))

    def _handle(self, frame: Frame, handler: EventHandler) -> Steps[None]:
        inside = frame.handling(handler)
        yield from self._children(inside, inside.execution_path)


def _too_large(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The containers and packages of this run are nested too deeply to be simulated. Nest fewer of them."
    return (
        f"The simulated run was ended after {_MOST_EXECUTABLES} tasks and containers, each turn of a loop counted. The"
        " turns of nested loops multiply: disable some of them with a property override."
    )


def _encrypted(package_name: str) -> str:
    return f"The package {package_name} is encrypted as a whole; it cannot be read without its password."
