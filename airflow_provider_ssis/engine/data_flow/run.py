"""Running a data flow: a thread for each asynchronous component, and everything else in the thread that pushes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.component import (
    Emitted,
    FlowComponent,
    FlowPart,
    RowComponent,
)
from airflow_provider_ssis.engine.data_flow.flow_context import FlowContext
from airflow_provider_ssis.engine.data_flow.flow_layout import layout_failures
from airflow_provider_ssis.engine.data_flow.flow_warnings import plan_warnings
from airflow_provider_ssis.engine.data_flow.plan import DataFlowPlan, PlannedPath
from airflow_provider_ssis.engine.data_flow.queues import Inbox
from airflow_provider_ssis.engine.data_flow.registry import part_of
from airflow_provider_ssis.engine.data_flow.reports import FlowReports, SentRows
from airflow_provider_ssis.engine.data_flow.taps import Sink
from airflow_provider_ssis.engine.errors import Cancelled, EngineError, TaskFailure
from airflow_provider_ssis.engine.refusals import UnsupportedError

VALIDATION = 0x4004300A
PREPARE_FOR_EXECUTE = 0x40043006
PRE_EXECUTE = 0x40043007
EXECUTE = 0x4004300C
POST_EXECUTE = 0x40043008
CLEANUP = 0x40043009
FAILED_PRE_EXECUTE = 0xC004701A
FAILED_INPUT = 0xC0047022
FAILED_OUTPUT = 0xC0047038
FAILED_VALIDATION = 0xC004706B
_NO_MANAGER = 0xC020801B
"""DTS_E_CANNOTFINDRUNTIMECONNECTIONMANAGER."""
FAILED_COMPONENTS = 0xC004700C
UNEXPECTED = 0xC0047062
"""DTS_E_USERCOMPONENTEXCEPTION."""


@dataclass(slots=True)
class _Route:
    """A path in a run."""

    path: PlannedPath
    names: tuple[str, ...]
    sinks: Sequence[_Tap]
    count: SentRows = field(default_factory=SentRows)


@dataclass(slots=True)
class _Tap:
    sink: Sink
    left: int | None


class DataFlowRun:
    """One run of a data flow.

    :param plan: the data flow.
    :param context: the context of the Data Flow task.
    :param taps: sinks by the path whose rows they get, as ``Paths[Component.Output]``, or by the name of the component
        to which the path leads; with the most rows, or None for all. Default: none.
    :param clock: returns the time, for events. Default: the machine's clock.
    :raises UnsupportedError: the engine cannot run it.
    """

    def __init__(
        self,
        plan: DataFlowPlan,
        context: TaskContext,
        taps: Sequence[tuple[str, Sink, int | None]] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if plan.refusals:
            raise UnsupportedError(plan.refusals)
        self._plan = plan
        self._task = context
        self._cancel = CancelToken()
        self._taps = taps
        self._reports = FlowReports(context, clock)
        self._parts: dict[str, FlowPart] = {}
        for component in plan.components:
            found = part_of(component)
            assert found is not None  # noqa: S101 the plan refuses unknown classes
            self._parts[component.stored.key] = found(component)
        sharing = sum(part.keeps_rows for part in self._parts.values())
        self._context = FlowContext(context, self._cancel, sharing)
        self._routes: dict[str, _Route] = {}
        self._inboxes: dict[str, Inbox] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._open_inputs: dict[str, set[str]] = {}
        self._lock = threading.Lock()
        self._failures: list[TaskFailure] = []
        self._is_cancelled = False
        self._is_validated = False
        self._connect()

    @property
    def parts(self) -> Mapping[str, FlowPart]:
        """The running components, by the name of the component."""
        return {part.plan.stored.name: part for part in self._parts.values()}

    def _connect(self) -> None:
        for path in self._plan.paths:
            wanted = {path.id, path.target.stored.name}
            sinks = [_Tap(sink, most) for name, sink, most in self._taps if name in wanted]
            names = tuple(path.schema.arrow.names)
            self._routes[path.output_key] = _Route(path, names, sinks)
        limit = max(self._plan.buffer_bytes, 1)
        for component in self._plan.components:
            key = component.stored.key
            self._open_inputs[key] = set(component.inputs)
            self._locks[key] = threading.Lock()
            if _has_thread(self._parts[key]) and component.inputs:
                schemas = {one: schema.arrow for one, schema in component.inputs.items()}
                folder = self._task.options.temp_folder
                self._inboxes[key] = Inbox(schemas, limit, 4 * component.buffer_rows, folder)

    # -- phases --------------------------------------------------------------------------------------------------------

    def validate(self) -> None:
        """Check all components (the phase Validate).

        :raises TaskFailure: one cannot run.
        """
        self._reports.message("Validation phase is beginning.", VALIDATION)
        for text, code in plan_warnings(self._plan):
            self._reports.warning(text, code)
        for name in self._plan.unconnected:
            raise TaskFailure(
                f"{name} has no connection manager. Choose one, and save the package.",
                _NO_MANAGER,
                subcomponent=name,
            )
        self._validate_parts()

    def _validate_parts(self) -> None:
        self._is_validated = True
        faults = list(layout_failures(self._plan))
        for fault in faults:
            self._reports.failure(fault)
        if faults:
            self._reports.error("One or more components failed validation.", FAILED_COMPONENTS)
            raise TaskFailure(str(faults[0]), faults[0].code, is_reported=True)
        for part in self._parts.values():
            try:
                with self._reports.phase(part.plan.stored.name, "Validate"):
                    part.validate(self._context)
            except TaskFailure as failure:
                name = part.plan.stored.name
                self._reports.failure(_at(failure, part))
                self._reports.error(f'"{name}" failed validation. See the messages before this one.', FAILED_VALIDATION)
                self._reports.error("One or more components failed validation.", FAILED_COMPONENTS)
                raise TaskFailure(str(failure), failure.code, is_reported=True) from failure

    def execute(self) -> None:
        """Run the data flow until its end.

        :raises TaskFailure: it failed; the messages have been reported.
        :raises Cancelled: the run was cancelled.
        """
        if not self._is_validated:
            self._validate_parts()
        opened: list[FlowPart] = []
        sinks = [tap.sink for route in self._routes.values() for tap in route.sinks]
        with self._task.cancel.interrupts(self._stop):
            try:
                self._reports.message("Prepare for Execute phase is beginning.", PREPARE_FOR_EXECUTE)
                self._reports.message("Pre-Execute phase is beginning.", PRE_EXECUTE)
                if self._open(opened):
                    for route in self._routes.values():
                        for tap in route.sinks:
                            tap.sink.start(route.path.schema)
                    self._reports.message("Execute phase is beginning.", EXECUTE)
                    self._run_threads()
            finally:
                self._close(opened, sinks)
        if self._failures:
            first = self._failures[0]
            raise TaskFailure(str(first), first.code, is_reported=True)
        self._task.cancel.check()
        if self._is_cancelled:
            raise Cancelled

    def _open(self, opened: list[FlowPart]) -> bool:
        for part in self._parts.values():
            opened.append(part)
            try:
                self._task.cancel.check()
                with self._reports.phase(part.plan.stored.name, "PreExecute"):
                    part.open(self._context)
            except EngineError as error:
                self._record(error, part, FAILED_PRE_EXECUTE, "pre-execute phase")
            except Exception as error:  # noqa: BLE001 a fault of a component must not leave the others open
                self._record(_unexpected(error, part), part, FAILED_PRE_EXECUTE, "pre-execute phase")
            if self._failures or self._is_cancelled:
                return False
        return True

    def _run_threads(self) -> None:
        threads = [
            threading.Thread(target=self._run_part, args=(part,), name=f"ssis-{part.plan.stored.name}", daemon=True)
            for part in self._parts.values()
            if _has_thread(part)
        ]
        for thread in threads:
            thread.start()
        for part in self._parts.values():
            if not _has_thread(part) and not part.plan.inputs:
                self._guarded(part, lambda part=part: self._finish(part))  # type: ignore[misc]
        for thread in threads:
            thread.join()

    def _close(self, opened: Sequence[FlowPart], sinks: Sequence[Sink]) -> None:
        is_bad = bool(self._failures) or self._is_cancelled or self._task.cancel.is_cancelled
        for route in self._routes.values():
            self._reports.rows_sent(route.path, route.count, is_last=True)
        if opened:
            self._reports.message("Post Execute phase is beginning.", POST_EXECUTE)
        with ExitStack() as stack:
            for sink in sinks:
                stack.callback(sink.end, failed=is_bad)
            for part in opened:
                try:
                    with self._reports.phase(part.plan.stored.name, "PostExecute"):
                        part.close(failed=is_bad)
                except EngineError as error:
                    self._record(error, part, None, "post-execute phase")
                except Exception as error:  # noqa: BLE001 all others must be closed too
                    self._record(_unexpected(error, part), part, None, "post-execute phase")
        for inbox in self._inboxes.values():
            inbox.close()
        for part in opened:
            if part.counts.rows is not None:
                self._reports.rows_written(part.plan.stored.name, part.counts.rows)
        if opened:
            self._reports.message("Cleanup phase is beginning.", CLEANUP)
        self._reports.phases()

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _run_part(self, part: FlowPart) -> None:
        if isinstance(part, FlowComponent):
            self._guarded(part, lambda: self._emit_all(part))
        elif isinstance(part, RowComponent):
            self._guarded(part, lambda: self._consume(part))

    def _consume(self, part: RowComponent) -> None:
        """Let a destination with a thread take its rows."""
        for key in part.plan.inputs:
            inbox = self._inboxes[part.plan.stored.key]
            for batch in self._read(part, inbox, key):
                self._process(part, lambda batch=batch: part.process(key, batch))  # type: ignore[misc]  # noqa: B023
        self._finish(part)

    def _emit_all(self, part: FlowComponent) -> None:
        key = part.plan.stored.key
        inbox = self._inboxes.get(key)
        inputs: Mapping[str, Iterator[pa.RecordBatch]] = (
            {} if inbox is None else {one: self._read(part, inbox, one) for one in inbox.keys}
        )
        rows = part.rows(inputs)
        try:
            with self._reports.phase(part.plan.stored.name, "PrimeOutput"):
                for output, batch in rows:
                    self._push(output, batch)
        finally:
            if isinstance(rows, Generator):
                rows.close()
        if inbox is not None:
            inbox.close()
        self._end_outputs(part)

    def _read(self, part: FlowPart, inbox: Inbox, key: str) -> Iterator[pa.RecordBatch]:
        for batch in inbox.read(key):
            self._cancel.check()
            yield batch

    def _push(self, output_key: str, batch: pa.RecordBatch) -> None:
        """Send rows from an output to the component that follows."""
        self._cancel.check()
        route = self._routes.get(output_key)
        if route is None or not batch.num_rows:
            return
        if batch.schema.names != list(route.names):
            batch = batch.select(list(route.names))
        route.count.rows += batch.num_rows
        self._reports.rows_sent(route.path, route.count, is_last=False)
        for tap in route.sinks:
            rows = batch if tap.left is None else batch.slice(0, tap.left)
            if tap.left is not None:
                tap.left -= rows.num_rows
            if rows.num_rows:
                tap.sink.write(rows)
        target = self._parts[route.path.target.stored.key]
        inbox = self._inboxes.get(target.plan.stored.key)
        if inbox is not None:
            inbox.put(route.path.input_key, batch)
        elif isinstance(target, RowComponent):
            self._process(target, lambda: target.process(route.path.input_key, batch))

    def _process(self, part: RowComponent, work: Callable[[], Iterable[Emitted]]) -> None:
        """Let a component work, and push its rows; one with several inputs works in one thread at a time."""
        if len(part.plan.inputs) > 1:
            with self._locks[part.plan.stored.key]:
                self._work(part, work)
        else:
            self._work(part, work)

    def _work(self, part: RowComponent, work: Callable[[], Iterable[Emitted]]) -> None:
        try:
            with self._reports.phase(part.plan.stored.name, "ProcessInput"):
                for output, rows in work():
                    self._push(output, rows)
        except _Located:
            raise
        except EngineError as error:
            raise _Located(error, part) from error
        except Exception as error:
            raise _Located(_unexpected(error, part), part) from error

    def _end_outputs(self, part: FlowPart) -> None:
        for output in part.plan.stored.outputs:
            route = self._routes.get(output.key)
            if route is None:
                continue
            target = self._parts[route.path.target.stored.key]
            inbox = self._inboxes.get(target.plan.stored.key)
            if inbox is not None:
                inbox.end(route.path.input_key)
                continue
            with self._lock:
                left = self._open_inputs[target.plan.stored.key]
                left.discard(route.path.input_key)
                is_last = not left
            if is_last:
                self._finish(target)

    def _finish(self, part: FlowPart) -> None:
        if isinstance(part, RowComponent):
            self._process(part, part.finish)
        self._end_outputs(part)

    # -- failures ------------------------------------------------------------------------------------------------------

    def _guarded(self, part: FlowPart, work: Callable[[], None]) -> None:
        try:
            work()
        except _Located as located:
            self._record(located.error, located.part, FAILED_INPUT, "ProcessInput method")
        except EngineError as error:
            self._record(error, part, FAILED_OUTPUT if not part.plan.inputs else FAILED_INPUT, "PrimeOutput method")
        except Exception as error:  # noqa: BLE001 the data flow fails, and all threads must stop
            self._record(_unexpected(error, part), part, FAILED_OUTPUT, "PrimeOutput method")

    def _record(self, error: EngineError, part: FlowPart, consequence: int | None, method: str) -> None:
        """Keep and report the first failure; stop all threads."""
        if isinstance(error, Cancelled):
            with self._lock:
                self._is_cancelled = True
            self._stop()
            return
        failure = error if isinstance(error, TaskFailure) else TaskFailure(str(error))
        with self._lock:
            is_first = not self._failures and not (self._is_cancelled and self._task.cancel.is_cancelled)
            if is_first:
                self._failures.append(failure)
        self._stop()
        if not is_first:
            return
        self._reports.failure(_at(failure, part))
        if consequence is not None:
            text = f"The {method} of {part.plan.subcomponent} failed. See the messages before this one."
            self._reports.error(text, consequence)

    def _stop(self) -> None:
        self._cancel.cancel()
        for inbox in self._inboxes.values():
            inbox.stop()
        for _, sink, _ in self._taps:
            sink.stop()


def _has_thread(part: FlowPart) -> bool:
    return isinstance(part, FlowComponent) or (isinstance(part, RowComponent) and part.has_thread)


class _Located(EngineError):
    """An error of a component that works in the thread of another one."""

    def __init__(self, error: EngineError, part: FlowPart) -> None:
        super().__init__(str(error))
        self.error = error
        self.part = part


def _at(failure: TaskFailure, part: FlowPart) -> TaskFailure:
    if failure.subcomponent is None:
        failure.subcomponent = part.plan.subcomponent
    return failure


def _unexpected(error: Exception, part: FlowPart) -> TaskFailure:
    """The failure for a fault in the program, a full disk, or memory that is used up."""
    reason = str(error) or type(error).__name__
    if not isinstance(error, OSError):
        reason = f"{type(error).__name__}: {reason}"
    text = f"The component {part.plan.stored.name} failed: {reason}"
    return TaskFailure(text, UNEXPECTED, subcomponent=part.plan.subcomponent)
