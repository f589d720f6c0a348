"""A run of a package as a sequence of steps, without a clock or a catalog of its own.

:func:`simulate` walks the control flow as the package has it and yields what a real run would write. It moves no data:
tasks succeed unless a script says otherwise. Expressions cannot be evaluated here: a precedence constraint that has one
is taken as true in that part; loops take a fixed number of turns. Branches that would run at once run one after the
other, in the order of the package.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_ssis.catalog.codes import (
    ContextType,
    ExecutionResult,
    LoggingLevel,
    MessageSourceType,
    MessageType,
    OperationStatus,
)
from airflow_provider_ssis.emulator.datatypes import INT, Variant
from airflow_provider_ssis.emulator.runtime.levels import LEVELS
from airflow_provider_ssis.emulator.runtime.overrides import Overrides, read_overrides
from airflow_provider_ssis.emulator.runtime.records import (
    ContextRecord,
    DataStatisticsRecord,
    EventRecord,
    ExecutableRecord,
    PhaseRecord,
    Record,
    StatisticsRecord,
)
from airflow_provider_ssis.emulator.runtime.request import RunRequest
from airflow_provider_ssis.emulator.runtime.scripts import Script
from airflow_provider_ssis.project.models import (
    ConstraintValue,
    EvalOp,
    EventHandler,
    Executable,
    ExecutableKind,
    Package,
    PrecedenceConstraint,
)

LOOP_TURNS: Final = 3
ROWS_SENT: Final = 100
"""Rows that each path of a data flow claims to have sent."""
_DEEPEST_PACKAGE: Final = 16
_THREAD_ID: Final = 1
_MAXIMUM_ERRORS_REACHED: Final = -2147381246
_BAD_OVERRIDE: Final = -1073659875
_PHASES: Final = ("Validate", "PreExecute", "PrimeOutput", "ProcessInput", "PostExecute")

_SOURCE_TYPES: Final = {
    ExecutableKind.PACKAGE: MessageSourceType.PACKAGE,
    ExecutableKind.TASK: MessageSourceType.TASK,
}
_CONTEXT_TYPES: Final = {
    ExecutableKind.PACKAGE: ContextType.PACKAGE,
    ExecutableKind.SEQUENCE: ContextType.SEQUENCE,
    ExecutableKind.FOR_LOOP: ContextType.FOR_LOOP,
    ExecutableKind.FOREACH_LOOP: ContextType.FOREACH_LOOP,
    ExecutableKind.TASK: ContextType.TASK,
}
_EVENT_TYPES: Final = {
    "OnPreValidate": MessageType.PRE_VALIDATE,
    "OnPostValidate": MessageType.POST_VALIDATE,
    "OnPreExecute": MessageType.PRE_EXECUTE,
    "OnPostExecute": MessageType.POST_EXECUTE,
    "OnInformation": MessageType.INFORMATION,
    "OnProgress": MessageType.PROGRESS,
    "OnWarning": MessageType.WARNING,
    "OnError": MessageType.ERROR,
    "OnTaskFailed": MessageType.TASK_FAILED,
    "OnQueryCancel": MessageType.QUERY_CANCEL,
    "DiagnosticEx": MessageType.DIAGNOSTIC_EX,
}


@dataclass(frozen=True, slots=True)
class Wait:
    """A step that takes real time."""

    seconds: float


class RunCancelled(Exception):
    """Thrown into the simulation where the run is to be stopped."""


class RunCrashed(Exception):
    """The run ends unexpectedly here: nothing more is written."""


Step = Record | Wait
Walk = Generator[Step, None, ExecutionResult]


def simulate(
    request: RunRequest, scripts: Sequence[Script], now: Callable[[], dt.datetime]
) -> Generator[Step, None, OperationStatus]:
    """Run a package.

    Throw :class:`RunCancelled` into it to stop the run: what was active is written as cancelled.

    :param scripts: what this run shall do.
    :param now: the time that records carry.
    :returns: the status in which the run ends: succeeded, failed or canceled.
    :raises RunCrashed: the scripts say so.
    """
    package = request.project.package(request.package_name)
    simulation = _Simulation(request, scripts, now)
    if package is None or package.control_flow is None:
        yield from simulation.unreadable(request.package_name)
        return OperationStatus.FAILED
    try:
        result = yield from simulation.package(package)
    except RunCancelled:
        return OperationStatus.CANCELED
    return OperationStatus.FAILED if result is ExecutionResult.FAILURE else OperationStatus.SUCCEEDED


@dataclass(slots=True)
class _Place:
    """An executable that is active, and where it stands.

    :param path: the execution path: the package path with the turns of loops in it.
    :param errors: raised in it and in what stands inside.
    """

    executable: Executable
    package: Package
    overrides: Overrides
    path: str
    parent: _Place | None = None
    errors: int = 0
    package_failed: bool = False
    in_handler: frozenset[str] = field(default_factory=frozenset)

    def around(self) -> Iterator[_Place]:
        """This place and those that it stands in, from the inside out."""
        place: _Place | None = self
        while place is not None:
            yield place
            place = place.parent


class _Simulation:
    def __init__(self, request: RunRequest, scripts: Sequence[Script], now: Callable[[], dt.datetime]) -> None:
        self._request = request
        self._scripts = scripts
        self._now = now
        self._logged = LEVELS[LoggingLevel(request.logging_level)]
        self._known: set[str] = set()
        self._root: Executable | None = None

    # --- packages

    def package(self, package: Package, parent: _Place | None = None) -> Walk:
        root = package.control_flow
        if root is None:
            return (yield from self._unreadable_child(package, parent))
        is_entry = parent is None
        if is_entry:
            self._root = root
        overrides = read_overrides(package, self._request.property_overrides) if is_entry else Overrides()
        place = _Place(root, package, overrides, "\\Package" if parent is None else parent.path, parent)
        yield from self._executables(package, root)
        yield from self._event(place, "OnPreValidate", f"{root.name}:Validation has started.")
        for problem in overrides.problems:
            yield from self._error(place, f"The property override cannot be applied: {problem}", _BAD_OVERRIDE)
        yield from self._event(place, "OnPostValidate", f"{root.name}:Validation is complete.")
        if overrides.problems:
            return ExecutionResult.FAILURE
        return (yield from self._run(place))

    def unreadable(self, name: str) -> Iterator[Step]:
        yield EventRecord(
            message_time=self._now(),
            message_type=MessageType.ERROR,
            message_source_type=MessageSourceType.PACKAGE,
            message=f"The package {name} cannot be read: it is encrypted as a whole, or not in the project.",
            package_name=name,
            event_name="OnError",
            message_source_name=name,
            package_path="\\Package",
            execution_path="\\Package",
            thread_id=_THREAD_ID,
        )

    def _unreadable_child(self, package: Package, parent: _Place | None) -> Walk:
        if parent is not None:
            yield from self._error(parent, f"The package {package.name} is encrypted as a whole.", _BAD_OVERRIDE)
        return ExecutionResult.FAILURE

    def _executables(self, package: Package, root: Executable) -> Iterator[Step]:
        if not self._logged.executables or package.name in self._known:
            return
        self._known.add(package.name)
        for executable in _all_executables(root):
            yield ExecutableRecord(executable.name, executable.id, package.name, executable.path)

    # --- executables

    def _run(self, place: _Place) -> Walk:
        """Run one executable, from its OnPreExecute to its statistics."""
        executable = place.executable
        start = self._now()
        result = ExecutionResult.CANCELLED
        try:
            yield from self._event(place, "OnPreExecute", f"{executable.name}:Start, {start:%H:%M:%S}.")
            yield from self._follow_scripts(place)
            result = yield from self._work(place)
            result = self._judged(place, result)
            if result is ExecutionResult.FAILURE:
                yield from self._failed(place)
            end = self._now()
            text = f"{executable.name}:Finished, {end:%H:%M:%S}, Elapsed time: {_elapsed(end - start)}."
            yield from self._event(place, "OnPostExecute", text)
        except RunCancelled:
            # The wait for records to be written must not swallow the end of an executable that was over already.
            yield from self._event(place, "OnQueryCancel", f"{executable.name}:The run was cancelled.")
            yield from self._statistics(place, start, ExecutionResult.CANCELLED)
            raise
        yield from self._statistics(place, start, result)
        return result

    def _work(self, place: _Place) -> Walk:
        executable = place.executable
        match executable.kind:
            case ExecutableKind.FOR_LOOP | ExecutableKind.FOREACH_LOOP:
                result = ExecutionResult.SUCCESS
                for turn in range(1, LOOP_TURNS + 1):
                    one = _Place(
                        executable,
                        place.package,
                        place.overrides,
                        f"{place.path}[{turn}]",
                        place.parent,
                        in_handler=place.in_handler,
                    )
                    result = yield from self._children(one, executable.children, executable.constraints)
                    place.errors += one.errors
                    place.package_failed = place.package_failed or one.package_failed
                    if result is ExecutionResult.FAILURE:
                        break
                return result
            case ExecutableKind.TASK:
                return (yield from self._task(place))
            case _:
                return (yield from self._children(place, executable.children, executable.constraints))

    def _task(self, place: _Place) -> Walk:
        executable = place.executable
        if executable.data_flow is not None and not place.errors:
            yield from self._data_flow(place)
        if executable.child_package is not None:
            return (yield from self._child_package(place, executable.child_package))
        return ExecutionResult.FAILURE if place.errors else ExecutionResult.SUCCESS

    def _child_package(self, place: _Place, name: str) -> Walk:
        child = self._request.project.package(name)
        if child is None:
            yield from self._error(place, f"The project has no package {name}.", _BAD_OVERRIDE)
            return ExecutionResult.FAILURE
        depth = sum(1 for around in place.around() if around.executable.kind is ExecutableKind.PACKAGE)
        if depth >= _DEEPEST_PACKAGE:
            yield from self._error(place, f"Packages call each other more than {_DEEPEST_PACKAGE} deep.", _BAD_OVERRIDE)
            return ExecutionResult.FAILURE
        names = ", ".join(parameter.name for parameter in child.parameters if not parameter.sensitive)
        yield from self._event(place, "DiagnosticEx", f"Parameters of {name}: {names or 'none'}.")
        return (yield from self.package(child, place))

    def _data_flow(self, place: _Place) -> Iterator[Step]:
        flow = place.executable.data_flow
        if flow is None:
            return
        name = place.executable.name
        for phase in (
            "Validation phase is beginning",
            "Prepare for Execute phase is beginning",
            "Execute phase is beginning",
        ):
            yield from self._event(place, "OnInformation", f"{name}:{phase}.", subcomponent="SSIS.Pipeline")
        time = self._now()
        if self._logged.phases:
            for component in flow.components:
                for phase in _PHASES:
                    yield PhaseRecord(place.package.name, name, component.name, phase, time, time, place.path)
        for path in flow.paths:
            if self._logged.data:
                yield DataStatisticsRecord(
                    place.package.name,
                    name,
                    path.id_string,
                    path.name,
                    path.source,
                    path.destination,
                    ROWS_SENT,
                    time,
                    place.path,
                )
            yield from self._event(
                place,
                "OnInformation",
                f'{name}:"{path.destination}" took {ROWS_SENT} rows.',
                subcomponent=path.destination,
            )

    def _judged(self, place: _Place, result: ExecutionResult) -> ExecutionResult:
        """The result that counts, by the executable's own rules."""
        executable = place.executable
        limit = place.overrides.max_error_count(executable)
        is_container = executable.kind.is_container
        if (is_container and 0 < limit <= place.errors) or (
            executable.kind is ExecutableKind.PACKAGE and place.package_failed
        ):
            result = ExecutionResult.FAILURE
        forced = place.overrides.forced_result(executable)
        return result if forced is None else ExecutionResult(forced)

    def _failed(self, place: _Place) -> Iterator[Step]:
        executable = place.executable
        if executable.kind is ExecutableKind.TASK:
            yield from self._event(place, "OnTaskFailed", f"{executable.name}:The task failed.")
        else:
            limit = place.overrides.max_error_count(executable)
            text = (
                f"{executable.name}:Warning: the number of errors ({place.errors}) has reached the maximum allowed "
                f"({limit}); the executable fails."
            )
            yield from self._event(place, "OnWarning", text, code=_MAXIMUM_ERRORS_REACHED)

    # --- control flow

    def _children(
        self, place: _Place, children: Sequence[Executable], constraints: Sequence[PrecedenceConstraint]
    ) -> Walk:
        """Run executables in the order of their constraints; a failure counts by the errors that it raised."""
        results: dict[str, ExecutionResult | None] = {}
        failed = False
        for child in _in_order(children, constraints):
            incoming = [constraint for constraint in constraints if constraint.target == child.path]
            if place.package_failed or not _may_run(incoming, results):
                results[child.path] = None
                continue
            if place.overrides.disabled(child):
                results[child.path] = ExecutionResult.SUCCESS
                continue
            path = f"{place.path}\\{child.name}"
            inner = _Place(child, place.package, place.overrides, path, place, in_handler=place.in_handler)
            result = yield from self._run(inner)
            results[child.path] = result
            place.package_failed = place.package_failed or inner.package_failed
            if result is ExecutionResult.FAILURE:
                failed = failed or child.fail_parent_on_failure
                place.package_failed = place.package_failed or child.fail_package_on_failure
        return ExecutionResult.FAILURE if failed else ExecutionResult.SUCCESS

    # --- events

    def _follow_scripts(self, place: _Place) -> Iterator[Step]:
        is_root = place.executable is self._root
        for script in self._scripts:
            if script.pending_seconds or not script.fits(place.executable, is_root=is_root):
                continue
            for number in range(script.messages):
                yield from self._event(place, "OnInformation", f"{place.executable.name}:Message {number + 1}.")
            if script.seconds:
                yield Wait(script.seconds)
            if script.crashes:
                raise RunCrashed
            if script.warning:
                yield from self._event(place, "OnWarning", f"{place.executable.name}:Warning: {script.warning}")
            for failure in script.failures:
                yield from self._error(place, f"{place.executable.name}:Error: {failure.message}", failure.code)

    def _error(self, place: _Place, text: str, code: int) -> Iterator[Step]:
        for around in place.around():
            around.errors += 1
        yield from self._event(place, "OnError", text, code=code)

    def _event(
        self, place: _Place, name: str, text: str, *, code: int | None = None, subcomponent: str | None = None
    ) -> Iterator[Step]:
        """Raise an event: write it if it is logged, and run the handlers that wait for it."""
        executable = place.executable
        if name in self._logged.events:
            source = _SOURCE_TYPES.get(executable.kind, MessageSourceType.CONTAINER)
            yield EventRecord(
                message_time=self._now(),
                message_type=_EVENT_TYPES[name],
                message_source_type=MessageSourceType.DATA_FLOW if subcomponent else source,
                message=text,
                package_name=place.package.name,
                event_name=name,
                message_source_name=executable.name,
                message_source_id=executable.id,
                subcomponent_name=subcomponent,
                package_path=executable.path,
                execution_path=place.path,
                thread_id=_THREAD_ID,
                message_code=code,
                contexts=_context(place) if name == "OnError" else (),
            )
        for around in place.around():
            for handler in around.executable.event_handlers:
                if handler.event.lower() == name.lower() and not handler.disabled:
                    yield from self._handler(around, handler, place)
                    if not handler.propagate:
                        return

    def _handler(self, owner: _Place, handler: EventHandler, raised: _Place) -> Iterator[Step]:
        # What happens inside a handler does not wake the same handler again.
        if handler.path in raised.in_handler:
            return
        inside = _Place(
            owner.executable,
            owner.package,
            owner.overrides,
            f"{owner.path}.EventHandlers[{handler.event}]",
            owner,
            in_handler=raised.in_handler | {handler.path},
        )
        yield from self._children(inside, handler.children, handler.constraints)

    def _statistics(self, place: _Place, start: dt.datetime, result: ExecutionResult) -> Iterator[Step]:
        if self._logged.executables:
            end = self._now()
            duration = (end - start) // dt.timedelta(milliseconds=1)
            yield StatisticsRecord(place.package.name, place.executable.path, place.path, start, end, duration, result)


def _all_executables(root: Executable) -> Iterator[Executable]:
    """All executables of a package, those of event handlers too."""
    yield root
    for handler in root.event_handlers:
        for child in handler.children:
            yield from _all_executables(child)
    for child in root.children:
        yield from _all_executables(child)


def _in_order(children: Sequence[Executable], constraints: Iterable[PrecedenceConstraint]) -> Iterator[Executable]:
    """Executables so that each comes after those that its constraints come from; otherwise as the package has them."""
    waiting: dict[str, set[str]] = {child.path: set() for child in children}
    for constraint in constraints:
        if constraint.source in waiting and constraint.target in waiting:
            waiting[constraint.target].add(constraint.source)
    left = list(children)
    while left:
        # A circle, which no valid package has, is cut where it begins.
        child = next((candidate for candidate in left if not waiting[candidate.path]), left[0])
        left.remove(child)
        for sources in waiting.values():
            sources.discard(child.path)
        yield child


def _may_run(incoming: Sequence[PrecedenceConstraint], results: dict[str, ExecutionResult | None]) -> bool:
    if not incoming:
        return True
    met = [_is_met(constraint, results.get(constraint.source)) for constraint in incoming]
    return all(met) if all(constraint.logical_and for constraint in incoming) else any(met)


def _is_met(constraint: PrecedenceConstraint, result: ExecutionResult | None) -> bool:
    """Whether a constraint holds; None for a source that did not run."""
    if result is None:
        return False
    if constraint.eval_op in (EvalOp.EXPRESSION, EvalOp.EXPRESSION_OR_CONSTRAINT):
        return True
    match constraint.value:
        case ConstraintValue.SUCCESS:
            return result in (ExecutionResult.SUCCESS, ExecutionResult.COMPLETION)
        case ConstraintValue.FAILURE:
            return result is ExecutionResult.FAILURE
        case _:
            return True


def _context(place: _Place) -> tuple[ContextRecord, ...]:
    return tuple(
        ContextRecord(
            depth,
            around.executable.path,
            _CONTEXT_TYPES[around.executable.kind],
            around.executable.name,
            around.executable.id,
            "MaximumErrorCount",
            Variant(INT, around.overrides.max_error_count(around.executable)),
        )
        for depth, around in enumerate(place.around())
    )


def _elapsed(time: dt.timedelta) -> str:
    milliseconds = time // dt.timedelta(milliseconds=1)
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"
