"""The walk over a package: validation, precedence, loops, event handlers, results. Executors do the work of tasks."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.control_flow import texts
from airflow_provider_ssis.engine.control_flow.checkpoints import NOT_RESTARTABLE, Checkpoint, is_unit
from airflow_provider_ssis.engine.control_flow.evaluation import Evaluation, failure
from airflow_provider_ssis.engine.control_flow.event_raising import Events, Sink
from airflow_provider_ssis.engine.control_flow.executor import Executor, Work
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.loops import Loops
from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun
from airflow_provider_ssis.engine.control_flow.precedence import Constraint, Decision, decide, uses_expression
from airflow_provider_ssis.engine.control_flow.preparing import prepare
from airflow_provider_ssis.engine.control_flow.results import execution_value, final_result, save_execution_value
from airflow_provider_ssis.engine.control_flow.secrets import Secrets
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from airflow_provider_ssis.engine.events import EventName, ExecutableEnded, Result
from airflow_provider_ssis.expressions import ExpressionError
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.containers import DtsContainer

CONSTRAINT_NOT_EVALUATED: Final = 0xC0014021
"""DTS_E_PRECEDENCECONSTRAINT."""
TASK_NOT_VALID: Final = 0xC0024107
"""DTS_E_TASKVALIDATIONERROR."""
MAXIMUM_ERRORS: Final = 0x80019002
"""DTS_W_MAXIMUMERRORCOUNTREACHED."""
_LOOPS: Final = (ExecutableKind.FOR_LOOP, ExecutableKind.FOREACH_LOOP)


class Walk:
    """The walk of one run, with its child packages.

    :param sink: gets the events.
    :param now: the clock.
    :param secrets: what must not appear in events.
    :param cancel: cancels the run.
    :param executor: makes what does the work of tasks, for this walk.
    """

    def __init__(
        self,
        sink: Sink,
        now: Callable[[], datetime],
        secrets: Secrets,
        cancel: CancelToken,
        executor: Callable[[Walk], Executor],
    ) -> None:
        self.now = now
        self.cancel = cancel
        self.evaluation = Evaluation(now)
        self.events = Events(sink, now, secrets, self._handle)
        self.checkpoints: dict[PackageRun, Checkpoint] = {}
        """The checkpoint files of the packages that save them."""
        self._executor = executor(self)
        self._loops = Loops(self.evaluation, self.events, self._executor)

    # --- packages

    async def run_package(self, frame: Frame) -> Result:
        """Run a package: validate it, and execute it unless that fails.

        :param frame: of the package.
        """
        stored = prepare(self.evaluation, frame).container
        if stored.disabled:
            return Result.SUCCESS
        if not stored.delay_validation and await self._validate(frame, with_children=True) is None:
            return Result.CANCELED if self.cancel.is_cancelled else Result.FAILURE
        if frame.parent is None:
            self.events.is_validating = False
        return await self._run(frame)

    # --- validation

    async def _validate(self, frame: Frame, *, with_children: bool = False) -> Work | None:
        """Validate an executable, and those inside that are validated before the package runs.

        :returns: the work to do; None if the executable cannot run.
        """
        prepared = prepare(self.evaluation, frame)
        frame.container = container = prepared.container
        await self.events.raise_event(EventName.PRE_VALIDATE, frame, texts.validating(container.name))
        work = Work(frame, prepared.data)
        failures = list(prepared.failures)
        if not failures and not self.cancel.is_cancelled:
            try:
                await self._executor.validate(work)
            except TaskFailure as error:
                failures.append(error)
            except Cancelled:
                return None
        is_valid = not failures
        for one in failures:
            await self.events.error(frame, one)
        if failures and container.kind is ExecutableKind.TASK:
            await self.events.error(frame, TaskFailure("There were errors during task validation.", TASK_NOT_VALID))
        if with_children:
            for child in container.children:
                inner = frame.inside(child, f"{frame.execution_path}\\{child.name}")
                stored = prepare(self.evaluation, inner).container
                if not stored.disabled and not stored.delay_validation and not self._was_done(inner):
                    is_valid = await self._validate(inner, with_children=True) is not None and is_valid
        await self.events.raise_event(EventName.POST_VALIDATE, frame, texts.validated(container.name))
        return work if is_valid and not self.cancel.is_cancelled else None

    # --- executables

    async def _run(self, frame: Frame) -> Result:
        """Run one executable, on a slot if it is a task."""
        slots = frame.package.slots
        if frame.container.kind is not ExecutableKind.TASK or slots is None or frame.has_slot:
            return await self._run_now(frame)
        async with slots:
            frame.holds_slot = True
            if self.cancel.is_cancelled or (frame.parent is not None and frame.parent.is_ended):
                return Result.CANCELED  # while it waited for its slot
            return await self._run_now(frame)

    async def _run_now(self, frame: Frame) -> Result:
        """Run one executable, from its OnPreExecute to its statistics."""
        prepared = prepare(self.evaluation, frame)
        frame.container = container = prepared.container
        name = container.name
        frame.start = began = self.now()
        await self.events.raise_event(EventName.PRE_EXECUTE, frame, texts.started(name, began))
        value: Any = None
        await self._executor.begin(frame)
        try:
            if prepared.failures:
                for one in prepared.failures:
                    await self.events.error(frame, one)
                result = Result.FAILURE
            elif container.kind is ExecutableKind.TASK:
                result, value = await self._task(frame)
            else:
                result = await self._container(Work(frame, prepared.data))
        except Cancelled:
            result = Result.CANCELED
        if self.cancel.is_cancelled and result is not Result.SUCCESS:
            result = Result.CANCELED
            await self._executor.end(frame, result)
            self.events.write(EventName.QUERY_CANCEL, frame, texts.cancelled(name))
        else:
            value = execution_value(container, value)
            result = await self._judge(frame, result)
            try:
                save_execution_value(self.evaluation.view(frame), container, value)
                await self._executor.end(frame, result)
                await self._checkpoint(frame, result)
            except TaskFailure as error:
                await self.events.error(frame, error)
                result = Result.FAILURE
            if result is Result.FAILURE and container.kind is ExecutableKind.TASK:
                system = {"System::ExecutionValue": ("String", "" if value is None else str(value))}
                await self.events.raise_event(EventName.TASK_FAILED, frame, texts.task_failed(name), system=system)
            text = texts.finished(name, began, self.now())
            await self.events.raise_event(EventName.POST_EXECUTE, frame, text)
        shown = None if value is None else str(value)
        self.events.publish(ExecutableEnded(frame.place, began, self.now(), result, shown))
        return result

    async def _judge(self, frame: Frame, result: Result) -> Result:
        """Return the final result, after the maximum number of errors and a forced result."""
        container = frame.container
        maximum = container.max_error_count
        if result is Result.SUCCESS and 0 < maximum <= frame.errors:
            await self.events.warning(frame, texts.maximum_errors_reached(frame.errors, maximum), MAXIMUM_ERRORS)
            result = Result.FAILURE
        return final_result(container, result)

    async def _checkpoint(self, frame: Frame, result: Result) -> None:
        """Save the success of an executable for a restart of the package."""
        checkpoint = self.checkpoints.get(frame.package)
        container = frame.container
        if checkpoint is None:
            return
        if result is Result.SUCCESS:
            checkpoint.succeeded(frame)
        elif container.kind is ExecutableKind.TASK and is_unit(frame) and not container.fail_package_on_failure:
            text = "FailPackageOnFailure is False, so a restart does not begin at this task."
            await self.events.warning(frame, text, NOT_RESTARTABLE)

    def _was_done(self, frame: Frame) -> bool:
        """Return whether an executable succeeded in the run before, after which the package was started again."""
        checkpoint = self.checkpoints.get(frame.package)
        return checkpoint is not None and checkpoint.is_restart and checkpoint.is_done(frame.container)

    async def _task(self, frame: Frame) -> tuple[Result, Any]:
        work = await self._validate(frame)
        if work is None:
            return Result.FAILURE, None
        try:
            return Result.SUCCESS, await self._executor.run(work)
        except TaskFailure as error:
            await self.events.error(frame, error)
            return Result.FAILURE, None

    async def _container(self, work: Work) -> Result:
        frame = work.frame
        container = frame.container
        if container.kind in _LOOPS:
            try:
                async with aclosing(self._loops.turns(work)) as turns:
                    async for turn in turns:
                        await self._children(frame, container, f"{frame.execution_path}[{turn}]")
                        if frame.ended or self.cancel.is_cancelled or 0 < container.max_error_count <= frame.errors:
                            break
            except TaskFailure as error:
                await self.events.error(frame, error)
                return Result.FAILURE
        else:
            await self._children(frame, container, frame.execution_path)
        self.cancel.check()
        return Result.FAILURE if frame.ended else Result.SUCCESS

    async def _handle(self, frame: Frame) -> None:
        """Run an event handler, unless the run is being cancelled."""
        if not self.cancel.is_cancelled and not prepare(self.evaluation, frame).container.disabled:
            await self._children(frame, frame.container, frame.execution_path)

    # --- the executables of a container

    async def _children(self, frame: Frame, container: DtsContainer, path: str) -> None:
        """Run the executables of a container once, as their precedence constraints say.

        :param path: the execution path of the container, with the turn of a loop.
        """
        arriving: defaultdict[str, list[Constraint]] = defaultdict(list)
        leaving: defaultdict[str, list[Constraint]] = defaultdict(list)
        for constraint in container.constraints:
            arriving[constraint.target].append(constraint)
            leaving[constraint.source].append(constraint)
        results: dict[str, Result | None] = {}
        untrue: set[int] = set()
        waiting = list(container.children)
        running: dict[asyncio.Task[Result], Frame] = {}

        async def ended(child: Frame, result: Result) -> None:
            results[child.container.path] = result
            if result is Result.FAILURE:
                frame.end_after(child.container)
            for one in leaving[child.container.path]:
                if uses_expression(one) and not await self._is_true(frame, one):
                    untrue.add(id(one))

        try:
            while True:
                for child in self._ready(frame, waiting, arriving, results, untrue):
                    if running and not self._executor.is_parallel:
                        break
                    waiting.remove(child)
                    inner = frame.inside(child, f"{path}\\{child.name}")
                    if prepare(self.evaluation, inner).container.disabled or self._was_done(inner):
                        # As in Integration Services: the next executables start as if it had succeeded.
                        await ended(inner, Result.SUCCESS)
                        break
                    if not self._executor.is_parallel or (not running and not waiting):
                        await ended(inner, await self._run(inner))
                        break
                    running[asyncio.create_task(self._run(inner))] = inner
                else:
                    if not running:
                        return
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in sorted(done, key=list(running).index):
                        await ended(running.pop(task), task.result())
        finally:
            for task in running:
                task.cancel()

    def _ready(
        self,
        frame: Frame,
        waiting: list[DtsContainer],
        arriving: defaultdict[str, list[Constraint]],
        results: dict[str, Result | None],
        untrue: set[int],
    ) -> Sequence[DtsContainer]:
        """Return the executables that start now; those that never start get no result."""
        if frame.is_ended or self.cancel.is_cancelled:
            waiting.clear()
            return ()
        changed = True
        while changed:
            changed = False
            ready = []
            for child in tuple(waiting):
                decision = decide(arriving[child.path], results, lambda one: id(one) not in untrue)
                if decision is Decision.START:
                    ready.append(child)
                elif decision is Decision.NEVER:
                    results[child.path] = None
                    waiting.remove(child)
                    changed = True
        return ready

    async def _is_true(self, frame: Frame, constraint: Constraint) -> bool:
        try:
            return self.evaluation.holds(frame, constraint.expression)
        except (ExpressionError, TaskFailure) as error:
            where = f"The expression of the precedence constraint from {constraint.source} to {constraint.target}"
            await self.events.error(frame, failure(where, error, CONSTRAINT_NOT_EVALUATED))
            return False
