"""The execution of a task: waiting for it, ending the task, stopping it."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.exceptions import ExecutionError
from airflow_provider_ssis.executions.deadline import Deadline
from airflow_provider_ssis.executions.message_log import MessageForwarder
from airflow_provider_ssis.executions.outage import OutageTolerance, retry_during_outage
from airflow_provider_ssis.executions.outcome import (
    SUCCESS,
    end_text,
    ended_text,
    start_lines,
    status_name,
    stuck_pending_error,
    superseded_error,
    timeout_error,
    unreachable_error,
    unsuccessful_error,
)
from airflow_provider_ssis.executions.polling import ExecutionWait, PollSchedule, WaitResult, get_execution
from airflow_provider_ssis.executions.polling import poll_until_terminal as poll
from airflow_provider_ssis.executions.status_log import StatusLog
from airflow_provider_ssis.executions.stop import stop_executions
from airflow_provider_ssis.executions.task_state import ProgressReporter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.message_levels import MessageLevel
    from airflow_provider_ssis.catalog.models import (
        ExecutedPackage,
        Execution,
        ExecutionParameterValue,
        ExecutionState,
        ExecutionSummary,
        StartedExecution,
    )
    from airflow_provider_ssis.catalog.requests import Correlation
    from airflow_provider_ssis.executions.message_log import TaskLog
    from airflow_provider_ssis.executions.task_state import SavedExecution, TaskState
    from airflow_provider_ssis.triggers.events import ExecutionEvent


_ANSWER_SECONDS = 5.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOptions:
    """How a task waits for its execution.

    :param schedule: how often to poll.
    :param timeout: seconds that the task waits, for messages; None for no limit.
    :param pending_timeout: seconds that the execution may be pending; None for no limit.
    :param message_level: the least important messages that are written to the task log.
    :param cancel_on_kill: whether the task stops its execution when it is killed or times out.
    :param outage_timeout: seconds that an outage of the server may last. Default: ``[ssis] outage_timeout``.
    :param stop_timeout: seconds to wait until a stopped execution has ended. Default: ``[ssis] stop_timeout``.
    """

    schedule: PollSchedule
    timeout: float | None
    pending_timeout: float | None
    message_level: MessageLevel
    cancel_on_kill: bool
    outage_timeout: float = field(default_factory=config.outage_timeout)
    stop_timeout: float = field(default_factory=config.stop_timeout)


class TaskExecution:
    """The execution of a task, from its creation to its end.

    :param saved: the execution, and whether this task instance created it.
    :param correlation: how the catalog recognises executions of the task instance.
    :param last_message_id: id of the last of its messages in the task log; 0 if there is none.
    :param options: how to wait for it.
    :param open_catalog: opens a client of the catalog.
    :param state: where to save the progress.
    :param on_end: called with the execution when the task's wait ends, before an exception is raised.
    :param is_killed: whether the task was killed.
    :param log: the task's log.
    """

    def __init__(
        self,
        saved: SavedExecution,
        correlation: Correlation,
        options: WaitOptions,
        *,
        last_message_id: int,
        open_catalog: Callable[[], Catalog],
        state: TaskState,
        on_end: Callable[[Execution], object],
        is_killed: Callable[[], bool],
        log: TaskLog,
    ) -> None:
        self.saved = saved
        self._correlation = correlation
        self._state = state
        self.last_message_id = last_message_id
        self._options = options
        self._open_catalog = open_catalog
        self._on_end = on_end
        self._is_killed = is_killed
        self._log = log
        self._last_status: OperationStatus | None = None
        self._progress = ProgressReporter(saved, state, log)

    @property
    def execution_id(self) -> int:
        """The execution's id."""
        return self.saved.execution_id

    @property
    def may_be_stopped(self) -> bool:
        """Whether the task stops the execution when it is killed or times out."""
        return self._options.cancel_on_kill and self.saved.is_ours

    def log_start(self, catalog: Catalog, started: StartedExecution | None, *, sensitive: Collection[str]) -> None:
        """Log where the execution runs, and with which values.

        :param catalog: where to read them if they are not known.
        :param started: the execution with its values, if this task has just started it.
        :param sensitive: names of parameters whose values the task gives as sensitive.
        """
        execution: Execution | ExecutedPackage | None
        values: Sequence[ExecutionParameterValue]
        if started is not None:
            execution, values = started.execution, started.values
        else:
            try:
                execution, values = catalog.execution_with_values(self.execution_id)
            except CatalogError as error:
                self._log.warning("%s", error)
                return
        if execution is None:
            return
        for line in start_lines(execution, values, sensitive=sensitive, server=catalog.server):
            self._log.info("%s", line)

    def wait(self, catalog: Catalog, deadline: Deadline, *, leave_at: Deadline) -> Execution | None:
        """Wait on the worker until the execution has ended.

        :param catalog: where to poll.
        :param deadline: when to stop waiting.
        :param leave_at: when to leave the worker.
        :return: the execution, which has succeeded; None if it is still active when the task leaves the worker.
        :raises ExecutionError: it did not succeed, or the wait ended before it did.
        """
        forwarder = MessageForwarder(
            self.execution_id, self._log, level=self._options.message_level, after=self.last_message_id
        )

        status_log = StatusLog(self._log)

        def on_poll(state: ExecutionState) -> None:
            # The final status is logged after the last messages.
            if not state.status.is_terminal:
                self._last_status = state.status
                status_log.report(f"Execution {self.execution_id} is {status_name(state.status)}.")
                self._progress.report(catalog, state.status)
            forwarder.forward(catalog)

        wait = ExecutionWait(
            execution_id=self.execution_id,
            schedule=self._options.schedule,
            deadline=deadline,
            pending_timeout=self._options.pending_timeout,
            leave_at=leave_at,
        )
        tolerance = OutageTolerance(self._options.outage_timeout)
        execution = None
        try:
            while execution is None:
                # The tolerance counts each failed call, so the session must not retry itself.
                with catalog.without_retries():
                    result = poll(catalog, wait, tolerance=tolerance, log=self._log, on_poll=on_poll)
                    self.last_message_id = forwarder.last_id
                    if result is WaitResult.STILL_ACTIVE:
                        return None
                    self._retry(lambda: forwarder.forward_rest(catalog), tolerance)
                    execution = self._end(catalog, result, tolerance)
        except CatalogError as error:
            raise unreachable_error(self.execution_id, str(error)) from error
        return execution

    def report_deferral(self, catalog: Catalog, status: OperationStatus) -> None:
        """Save the progress before a deferral, during which it cannot be saved.

        :param catalog: where to read it.
        :param status: the execution's status when it was started.
        """
        self._progress.report(catalog, self._last_status or status, is_deferred=True)

    def complete(self, event: ExecutionEvent) -> Execution | None:
        """Continue on the worker after the triggerer has waited.

        :param event: the trigger's event.
        :return: the execution, which has succeeded; None if it has not ended and the task must wait again.
        :raises ExecutionError: it did not succeed, or the wait ended before it did.
        :raises ExecutionNotFound: the catalog does not show it.
        """
        # The triggerer has tolerated an outage for its full length already. After a deadline, time is left for the
        # stop only.
        limit = self._options.stop_timeout if event.result is WaitResult.TIMED_OUT else self._options.outage_timeout
        tolerance = OutageTolerance(limit if event.error is None else 0)
        execution = None
        try:
            with self._retry(self._open_catalog, tolerance) as catalog, catalog.without_retries():
                # What the trigger has not written: messages that it did not see, and those of Scale Out workers.
                forwarder = MessageForwarder(
                    self.execution_id,
                    self._log,
                    level=self._options.message_level,
                    after=event.last_message_id or self.last_message_id,
                )
                self._retry(lambda: forwarder.forward_rest(catalog), tolerance)
                if event.error is None:
                    execution = self._end(catalog, event.result, tolerance)
        except CatalogError as error:
            raise event.error or unreachable_error(self.execution_id, str(error)) from error
        if event.error is not None:
            raise event.error
        return execution

    def stop(self) -> Execution | None:
        """Stop the execution and wait until it has ended, for ``[ssis] stop_timeout`` at most.

        :return: the execution after its end; None if it could not be stopped, with the reason in the log.
        """
        if self._is_superseded():
            self._log.info("Execution %d is not stopped: a later try of this task continues.", self.execution_id)
            return None
        try:
            # On a new connection: a kill can arrive during a call on the other one.
            with self._open_catalog() as catalog:
                (execution,) = stop_executions(
                    catalog,
                    [self.execution_id],
                    poll_interval=self._options.schedule.interval,
                    deadline=Deadline.after(self._options.stop_timeout),
                    log=self._log,
                    request_stop=lambda execution_id: catalog.stop_correlated_execution(
                        execution_id, self._correlation
                    ),
                )
        except (CatalogError, ExecutionError) as error:
            self._log.error("Execution %d is not stopped: %s", self.execution_id, error)
            return None
        self._log.info("%s.", ended_text(execution))
        return execution

    def _is_superseded(self) -> bool:
        """Whether a later try of the task has saved an execution; False if Airflow does not answer in time."""
        answers: list[bool] = []

        def ask() -> None:
            # On any error of Airflow: without an answer, this try counts as the latest.
            with contextlib.suppress(Exception):
                answers.append(self._state.is_superseded(self.saved))

        # In a thread, because a kill can interrupt a call to Airflow, which then holds the lock for the next one.
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(_ANSWER_SECONDS)
        return bool(answers) and answers[0]

    def _retry(self, call: Callable[[], Result], tolerance: OutageTolerance) -> Result:
        return retry_during_outage(call, tolerance, self._log, execution_id=self.execution_id)

    def _end(self, catalog: Catalog, result: WaitResult, tolerance: OutageTolerance) -> Execution | None:
        """End the task for any reason; None if the reason no longer holds and the wait continues."""
        execution = self._retry(lambda: get_execution(catalog, self.execution_id), tolerance)
        if self._is_superseded():
            raise superseded_error(self.saved.try_number)
        if execution.status.is_terminal:
            self._progress.report(catalog, execution.status)
            self._on_end(execution)
            self._log.info("%s", end_text(execution, self._summary(catalog)))
            if execution.status not in SUCCESS:
                raise self._retry(
                    lambda: unsuccessful_error(catalog, execution, task_killed=self._is_killed()), tolerance
                )
            return execution
        if result is WaitResult.STUCK_PENDING and execution.status is OperationStatus.PENDING:
            raise stuck_pending_error(execution, self._options.pending_timeout)
        if result is not WaitResult.TIMED_OUT:
            # The execution has begun to run in the meantime, or the catalog of a lagging replica answered.
            return None
        stopped = self.stop() if self.may_be_stopped else None
        self._on_end(stopped or execution)
        raise timeout_error(execution, self._options.timeout, stopped, stop_requested=self.may_be_stopped)

    def _summary(self, catalog: Catalog) -> ExecutionSummary | None:
        try:
            return catalog.execution_summary(self.execution_id)
        except CatalogError as error:
            # The task's result does not depend on it.
            self._log.warning("%s", error)
            return None
