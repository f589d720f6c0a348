"""The executor that really runs tasks."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.enumerators.enumerator import ForeachEnumerator
from airflow_provider_ssis.engine.control_flow.enumerators.table import enumerator_class
from airflow_provider_ssis.engine.control_flow.evaluation import Evaluation
from airflow_provider_ssis.engine.control_flow.event_raising import Events
from airflow_provider_ssis.engine.control_flow.executor import Work
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.properties.preparing import prepare_enumerator
from airflow_provider_ssis.engine.control_flow.threads import in_thread
from airflow_provider_ssis.engine.control_flow.transactions import Transactions
from airflow_provider_ssis.engine.errors import Cancelled, EngineError, TaskFailure
from airflow_provider_ssis.engine.events import Result
from airflow_provider_ssis.engine.injections import Injection
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.table import task_class
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.loops import ForeachLoop
from airflow_provider_ssis.project.type_names import task_type

log = logging.getLogger(__name__)
T = TypeVar("T")
_NO_ENUMERATOR: Final = 0xC0014023
"""DTS_E_GETENUMERATOR."""
_UNKNOWN_TASK: Final = 0xC0010026
"""DTS_E_TASKISEMPTY."""
_UNSUPPORTED: Final = 0xC0024107
"""DTS_E_TASKVALIDATIONERROR."""
ENDED_BY_INJECTION: Final = 70
"""The exit code of a process that an injection ends."""
SECONDS_TO_STOP: Final = 10.0
"""How long a cancelled run waits for a task that does not stop."""


class RealExecutor:
    """Runs tasks in threads.

    :param context: makes the context of a task or loop.
    :param evaluation: evaluates the property expressions of enumerators.
    :param cancelled: is set, on the event loop, when the run is cancelled.
    :param transactions: the transactions of the run.
    :param events: gets what injections say.
    :param injections: actions that a test adds to the work of executables. Default: nothing.
    """

    is_parallel = True

    def __init__(
        self,
        context: Callable[[Frame], TaskContext],
        evaluation: Evaluation,
        cancelled: asyncio.Event,
        transactions: Transactions,
        events: Events,
        injections: Iterable[Injection] = (),
    ) -> None:
        self._context = context
        self._evaluation = evaluation
        self._cancelled = cancelled
        self._transactions = transactions
        self._events = events
        self._injections = {(one.package, one.path): one for one in injections}

    async def starting(self, frame: Frame) -> None:
        """Nothing is awaited: the walk limits the number of tasks."""

    async def begins_turn(self, work: Work, turn: int) -> bool:
        """Let each iteration begin."""
        return True

    async def begin(self, frame: Frame) -> None:
        """Do what a test wants of an executable, and begin the transaction that it requires."""
        injection = self._injections.get((frame.package.file, frame.container.path))
        if injection is not None:
            await self._inject(frame, injection)
        await self._transactions.begin(frame)

    async def _inject(self, frame: Frame, injection: Injection) -> None:
        for kind, text, code in injection.messages:
            if kind == "error":
                await self._events.error(frame, TaskFailure(text, code))
            elif kind == "warning":
                await self._events.warning(frame, text, code)
            else:
                await self._events.information(frame, text, code)
        if injection.seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._cancelled.wait(), injection.seconds)
        if self._cancelled.is_set():
            raise Cancelled
        if injection.ends_process:
            os._exit(ENDED_BY_INJECTION)
        for text, code in injection.errors:
            await self._events.error(frame, TaskFailure(text, code))
        if injection.errors:
            raise TaskFailure("")  # the errors are raised

    async def end(self, frame: Frame, result: Result) -> None:
        """Commit the transaction of an executable, or roll it back."""
        await self._transactions.end(frame, result)

    async def validate(self, work: Work) -> None:
        """Check a task or the enumerator of a loop."""
        if work.frame.container.kind is ExecutableKind.TASK:
            task = _task(work)
            if not isinstance(work.data, Pipeline):  # a data flow checks itself
                _check(task.refusals(self._context(work.frame).options))
            if type(task).validate is not Task.validate:
                await self._work(work.frame, lambda: task.validate(self._context(work.frame)))
        elif isinstance(work.data, ForeachLoop):
            loop = prepare_enumerator(self._evaluation, work.frame, work.data)
            enumerator = _enumerator(work.frame, loop)
            if type(enumerator).validate is not ForeachEnumerator.validate:
                await self._work(work.frame, lambda: enumerator.validate(self._context(work.frame)))

    async def run(self, work: Work) -> Any:
        """Run a task in a thread."""
        task = _task(work)
        return await self._work(work.frame, lambda: task.run(self._context(work.frame)))

    async def turns(self, work: Work) -> AsyncGenerator[Sequence[Any]]:
        """Yield the values of an enumerator, each read in a thread."""
        if not isinstance(work.data, ForeachLoop):
            return
        frame, enumerator = work.frame, _enumerator(work.frame, work.data)
        _check(enumerator.refusals())
        turns = await self._work(frame, lambda: iter(enumerator.turns(self._context(frame))))
        try:
            while (values := await self._work(frame, lambda: next(turns, None))) is not None:
                yield values
        finally:
            close = getattr(turns, "close", None)
            if close is not None:
                await in_thread(frame.execution_path, close)

    async def _work(self, frame: Frame, function: Callable[[], T]) -> T:
        if self._cancelled.is_set():
            raise Cancelled
        work = asyncio.ensure_future(in_thread(frame.execution_path, lambda: self._guarded(frame, function)))
        cancelling = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({work, cancelling}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait({work}, timeout=SECONDS_TO_STOP)
            if not work.done():
                log.warning(
                    "%s did not stop in %s seconds after the run was cancelled", frame.place.path, SECONDS_TO_STOP
                )
                raise Cancelled
            return work.result()
        except (TaskFailure, Cancelled, asyncio.CancelledError):
            raise
        except EngineError as error:
            raise TaskFailure(str(error)) from None
        except Exception as error:
            # A fault of a task or of a user's function fails the task, as an exception in a .NET task would.
            log.debug("%s failed with an unexpected error", frame.place.path, exc_info=True)
            raise TaskFailure(f"The task failed with an unexpected error: {type(error).__name__}: {error}") from error
        finally:
            cancelling.cancel()
            with suppress(asyncio.CancelledError):
                await cancelling

    def _guarded(self, frame: Frame, function: Callable[[], T]) -> T:
        """Call a function of a task. What it raises can end the task, but not the run."""
        try:
            return function()
        except Cancelled:
            if self._context(frame).cancel.is_cancelled:
                raise
            raise TaskFailure("The task ended as if the run was canceled, but it was not.") from None
        except Exception:
            raise  # the caller makes a failure of the task of it
        except BaseException as error:
            # Such as SystemExit of a script: it would end the process with the exit code of the script.
            raise TaskFailure(f"The task failed with an unexpected error: {type(error).__name__}: {error}") from error


def _check(refusals: Iterable[Refusal]) -> None:
    """Fail if properties have values now that the engine does not support.

    The stored values were checked before the run; settings and property expressions can change them.
    """
    found = list(refusals)
    if found:
        raise TaskFailure("\n".join(map(str, found)), _UNSUPPORTED)


def _task(work: Work) -> Task:
    """Return the task, the same for its validation and its run."""
    if isinstance(work.task, Task):
        return work.task
    container = work.frame.container
    found = task_class(task_type(container.type))
    if found is None:
        raise TaskFailure(f"The engine does not run tasks of the type {container.type}.", _UNKNOWN_TASK)
    task = work.task = found(container, work.data)
    return task


def _enumerator(frame: Frame, loop: ForeachLoop) -> ForeachEnumerator[Any]:
    found = None if loop.enumerator is None else enumerator_class(loop.enumerator)
    if found is None or loop.enumerator is None:
        if not loop.creation_name:
            raise TaskFailure("The loop has no enumerator. Choose one.", _NO_ENUMERATOR)
        raise TaskFailure(f"The engine does not run enumerators of the type {loop.creation_name}.", _NO_ENUMERATOR)
    return found(loop.enumerator, frame.container.path)
