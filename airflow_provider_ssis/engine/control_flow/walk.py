"""The walk over a package: validation, precedence, loops, event handlers, results. Executors do the work of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.control_flow import texts
from airflow_provider_ssis.engine.control_flow.checkpoints import (
    NOT_RESTARTABLE,
    Checkpoint,
    is_in_restart_point,
    is_unit,
)
from airflow_provider_ssis.engine.control_flow.evaluation import Evaluation, failure
from airflow_provider_ssis.engine.control_flow.event_raising import Events, Sink
from airflow_provider_ssis.engine.control_flow.executor import Executor, Work
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.loops import Loops
from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun
from airflow_provider_ssis.engine.control_flow.precedence import Constraint, Schedule
from airflow_provider_ssis.engine.control_flow.properties.preparing import Prepared, prepare
from airflow_provider_ssis.engine.control_flow.results import execution_value, final_result, save_execution_value
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.engine.secrets import Secrets
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
    :param now: the clock of events.
    :param secrets: what must not appear in events.
    :param cancel: cancels the run.
    :param executor: makes what does the work of tasks, for this walk.
    :param clock: the clock of expressions. Default: that of events.
    """

    def __init__(
        self,
        sink: Sink,
        now: Callable[[], datetime],
        secrets: Secrets,
        cancel: CancelToken,
        executor: Callable[[Walk], Executor],
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.now = now
        self.cancel = cancel
        self.evaluation = Evaluation(clock or now)
        self.events = Events(sink, now, secrets, self._handle)
        self.checkpoints: dict[PackageRun, Checkpoint] = {}
        """The checkpoint files of the packages that save them."""
        self._executor = executor(self)
        self._loops = Loops(self.evaluation, self.events, self._executor)

    # --- packages

    async def run_package(self, frame: Frame, *, validate_only: bool = False, warn_as_error: bool = False) -> Result:
        """Run a package: validate it, and execute it unless that fails.

        :param frame: of the package.
        :param validate_only: end after the validation. Default: False.
        :param warn_as_error: a warning of the validation fails the package. Default: False.
        """
        stored = prepare(self.evaluation, frame).container
        if stored.disabled:
            return Result.SUCCESS
        if not stored.delay_validation and await self._validate(frame, with_children=True) is None:
            return Result.CANCELED if self.cancel.is_cancelled else Result.FAILURE
        if warn_as_error and self.events.warnings:
            text = f"Warnings of the validation: {self.events.warnings}. They count as errors in this run."
            await self.events.error(frame, TaskFailure(text))
            return Result.FAILURE
        if validate_only:
            return Result.SUCCESS
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
        try:
            await self._executor.starting(frame)
        except Cancelled:
            return Result.CANCELED
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
        try:
            result, value = await self._execute(frame, prepared)
            result = await self._judge(frame, result)
            value = execution_value(container, value)
            result = await self._finish(frame, result, value)
        except Cancelled:
            result = Result.CANCELED
        if self.cancel.is_cancelled and result is not Result.SUCCESS:
            result = Result.CANCELED
            await self._executor.end(frame, result)
            self.events.write(EventName.QUERY_CANCEL, frame, texts.cancelled(name))
        else:
            if result is Result.FAILURE and container.kind is ExecutableKind.TASK:
                system = {"System::ExecutionValue": ("String", "" if value is None else texts.execution_value(value))}
                await self.events.raise_event(EventName.TASK_FAILED, frame, texts.task_failed(name), system=system)
            text = texts.finished(name, began, self.now())
            errors = frame.errors
            await self.events.raise_event(EventName.POST_EXECUTE, frame, text)
            if result is Result.SUCCESS and container.kind is ExecutableKind.PACKAGE and frame.errors > errors:
                result = await self._judge(frame, result)  # its last event handler failed
        self.events.ended(frame, began, result, value)
        return result

    async def _execute(self, frame: Frame, prepared: Prepared) -> tuple[Result, Any]:
        """Execute a task or container; returns its result by its own logic, and its execution value."""
        self.cancel.check()  # an event handler may have taken long
        for one in prepared.failures:
            await self.events.error(frame, one)
        if prepared.failures:
            return Result.FAILURE, None
        try:
            await self._executor.begin(frame)
            if frame.container.kind is ExecutableKind.TASK:
                return await self._task(frame)
            return await self._container(Work(frame, prepared.data)), None
        except TaskFailure as error:
            await self.events.error(frame, error)
            return Result.FAILURE, None

    async def _finish(self, frame: Frame, result: Result, value: Any) -> Result:
        """Save the execution value, end the transaction, and write the checkpoint; returns the result."""
        try:
            change = save_execution_value(lambda: self.evaluation.view(frame), frame.container, value)
            if change is not None:
                await self.events.changed(change, frame)
        except TaskFailure as error:
            await self.events.error(frame, error)
            result = Result.FAILURE
        try:
            await self._executor.end(frame, result)
            await self._checkpoint(frame, result)
        except TaskFailure as error:
            await self.events.error(frame, error)
            result = Result.FAILURE
        return result

    async def _judge(self, frame: Frame, result: Result) -> Result:
        """Return the final result, after the maximum number of errors and a forced result."""
        container = frame.container
        maximum = container.max_error_count
        counts = result is Result.SUCCESS or (result is Result.FAILURE and container.kind.is_container)
        if counts and 0 < maximum <= frame.errors:
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
        elif result is not Result.FAILURE or checkpoint.failed(frame) or container.kind is not ExecutableKind.TASK:
            return
        elif is_unit(frame) and not is_in_restart_point(frame):
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
        return Result.SUCCESS, await self._executor.run(work)

    async def _container(self, work: Work) -> Result:
        frame = work.frame
        container = frame.container
        if container.kind in _LOOPS:
            async with aclosing(self._loops.turns(work)) as turns:
                async for turn in turns:
                    await self._children(frame, container, f"{frame.execution_path}[{turn}]")
                    if frame.ended or self.cancel.is_cancelled or 0 < container.max_error_count <= frame.errors:
                        break
                    await asyncio.sleep(0)  # a body that waits for nothing must not stop the executables in parallel
        else:
            await self._children(frame, container, frame.execution_path)
        self.cancel.check()
        return Result.FAILURE if frame.ended else Result.SUCCESS

    async def _handle(self, frame: Frame) -> None:
        """Run an event handler, unless the run is being cancelled."""
        if self.cancel.is_cancelled:
            return
        prepared = prepare(self.evaluation, frame)
        frame.container = prepared.container
        for one in prepared.failures:
            await self.events.error(frame, one)
        if not prepared.failures and not prepared.container.disabled:
            await self._children(frame, frame.container, frame.execution_path)

    # --- the executables of a container

    async def _children(self, frame: Frame, container: DtsContainer, path: str) -> None:
        """Run the executables of a container once, as their precedence constraints say.

        :param path: the execution path of the container, with the iteration of a loop.
        """
        schedule = Schedule(container.children, container.constraints)
        running: dict[asyncio.Task[Result], Frame] = {}

        async def ended(child: Frame, result: Result) -> None:
            if result is Result.FAILURE:
                frame.end_after(child.container)
            elif result is Result.CANCELED:
                frame.leave_incomplete()
            untrue = [
                one for one in schedule.with_expressions(child.container.path) if not await self._is_true(frame, one)
            ]
            schedule.ended(child.container.path, result, untrue)

        try:
            while True:
                if frame.is_ended or self.cancel.is_cancelled:
                    if not schedule.is_empty:
                        frame.leave_incomplete()
                    schedule.clear()
                child = schedule.next()
                if child is None:
                    if not running:
                        return
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in sorted(done, key=list(running).index):
                        await ended(running.pop(task), task.result())
                    continue
                inner = frame.inside(child, f"{path}\\{child.name}")
                if prepare(self.evaluation, inner).container.disabled or self._was_done(inner):
                    # As in Integration Services: the next executables start as if it had succeeded.
                    await ended(inner, Result.SUCCESS)
                elif not self._executor.is_parallel or (not running and schedule.is_empty):
                    await ended(inner, await self._run(inner))
                else:
                    running[asyncio.create_task(self._run(inner))] = inner
        finally:
            for task in running:
                task.cancel()

    async def _is_true(self, frame: Frame, constraint: Constraint) -> bool:
        try:
            return self.evaluation.holds(frame, constraint.expression)
        except (ExpressionError, TaskFailure) as error:
            where = f"The expression of the precedence constraint from {constraint.source} to {constraint.target}"
            await self.events.error(frame, failure(where, error, CONSTRAINT_NOT_EVALUATED))
            return False
