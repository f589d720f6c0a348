"""Waiting for an execution that something else started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    PokeReturnValue,
)

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import CatalogError, ExecutionNotFound
from airflow_provider_ssis.exceptions import ExecutionTimeout
from airflow_provider_ssis.executions.arguments import execution_id_of
from airflow_provider_ssis.executions.deadline import DeferralTimes, seconds
from airflow_provider_ssis.executions.outage import OutageTolerance
from airflow_provider_ssis.executions.outcome import (
    SUCCESS,
    ended_text,
    execution_name,
    not_started_error,
    not_started_text,
    result_of,
    status_name,
    unsuccessful_error,
)
from airflow_provider_ssis.executions.polling import (
    ExecutionWait,
    PollSchedule,
    WaitResult,
    get_execution,
    is_long_created,
    poll_until_terminal,
)
from airflow_provider_ssis.operators.dag_checks import check_execution_id
from airflow_provider_ssis.sensors.base import SsisSensor

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Execution
    from airflow_provider_ssis.executions.deadline import Deadline
    from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger


class SsisExecutionSensor(SsisSensor):
    """Wait until an execution has ended, and succeed if it succeeded.

    The sensor can wait on a worker (mode ``poke`` or ``reschedule``; each poke opens and closes a connection) or in the
    triggerer, where all triggers of an Airflow connection share one. With ``soft_fail`` an execution that does not
    succeed skips the task. The sensor never stops the execution.

    Before it defers or is rescheduled for the first time, the sensor waits on its worker for ``[ssis] defer_after``
    seconds (20). It comes back ``[ssis] resume_after`` seconds (30) later at the earliest, also with a shorter
    ``poke_interval``: Airflow fails a task that comes back sooner.

    An outage of the server of up to ``[ssis] outage_timeout`` does not fail the sensor. In mode ``reschedule`` a poke
    knows nothing of the pokes before, so a longer outage does not fail it either, until the sensor's ``timeout``. A
    login that is refused before the catalog has been read fails the sensor at once. In mode ``reschedule`` that holds
    for each poke.

    :param execution_id: the execution: its id, or what a run operator returned (``run.output``). (templated)
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :param deferrable: wait in the triggerer, without a worker. ``poke_interval`` is then the longest time between two
        polls in the first hour, and must not be 0. ``timeout`` counts from the task's start, and Airflow's
        ``execution_timeout`` applies there too. Default: ``[operators] default_deferrable``.
    :param start_timeout: seconds after its creation in which the execution must be started; then the sensor fails.
        Without it the sensor waits until its ``timeout``, and warns after a minute. Default: no limit.
    :return: ``execution_id``, ``folder``, ``project``, ``package``, ``status`` and ``duration`` in seconds.
    :raises ExecutionFailed: the package failed.
    :raises ExecutionCanceled: the execution was stopped.
    :raises ExecutionEndedUnexpectedly: the process that ran the package ended without a result.
    :raises ExecutionNotStarted: nothing started the execution within ``start_timeout``.
    :raises ExecutionNotFound: the catalog does not show an execution with that id.
    :raises AirflowSensorTimeout: the execution had not ended at the sensor's ``timeout``.
    :raises ExecutionTimeout: it had not ended at the task's ``execution_timeout``, while the task was deferred.
    :raises ExecutionUnreachable: the triggerer could not read the catalog for ``[ssis] outage_timeout``.
    :raises CatalogError: the worker could not read it for as long, or the error is not temporary. The subclasses in
        :mod:`airflow_provider_ssis.catalog.errors` show the reason.
    """

    template_fields: Sequence[str] = ("execution_id", "ssis_conn_id")
    ui_color = "#f5ecd7"

    def __init__(
        self,
        *,
        execution_id: int | str | Mapping[str, Any] | XComArg,
        ssis_conn_id: str = "ssis_default",
        deferrable: bool = config.default_deferrable(),
        start_timeout: float | timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(ssis_conn_id=ssis_conn_id, deferrable=deferrable, **kwargs)
        self.execution_id = execution_id
        self.start_timeout = seconds("start_timeout", start_timeout)
        check_execution_id(execution_id)
        self._has_warned = False

    def _trigger(self, execution_id: int, deadline: Deadline) -> SsisExecutionTrigger:
        trigger = super()._trigger(execution_id, deadline)
        trigger.start_timeout = self.start_timeout
        return trigger

    def _execute_deferrable(self, context: Context) -> Any:
        self._check_deferral()
        first = self.poke(context)
        if first:
            return first.xcom_value
        result = self._wait_on_worker(context)
        if result is not None:
            return result
        return self._defer_until_terminal(execution_id_of(self.execution_id), self._deadline(context))

    def _wait_on_worker(self, context: Context) -> dict[str, Any] | None:
        """Wait on the worker for the first seconds.

        :return: what the task returns; None if the execution is still active, or if the catalog has not been read yet.
        """
        if not self._has_read:
            return None
        deadline = self._deadline(context)
        wait = ExecutionWait(
            execution_id=execution_id_of(self.execution_id),
            schedule=PollSchedule(self._poll_interval),
            deadline=deadline,
            start_timeout=self.start_timeout,
            leave_at=DeferralTimes().leave_at(deadline),
        )
        if wait.leave_at.passed:
            return None
        tolerance = OutageTolerance(config.outage_timeout())
        with self._open_catalog(tolerance) as catalog:
            result = poll_until_terminal(catalog, wait, tolerance=tolerance, log=self.log, on_poll=lambda _: None)
            if result is WaitResult.TERMINAL:
                return self._outcome(catalog, get_execution(catalog, wait.execution_id))
            if result is WaitResult.NOT_STARTED:
                self._check_started(catalog, get_execution(catalog, wait.execution_id))
        return self._check_after_timeout(wait.execution_id) if result is WaitResult.TIMED_OUT else None

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Continue after the triggerer has waited.

        :param context: the task's context.
        :param event: the payload of the trigger's event.
        :return: see the class.
        """
        received = self._read_event(event, [execution_id_of(self.execution_id)])
        if received is None:
            return self.execute(context)
        if received.result is WaitResult.TIMED_OUT:
            return self._check_after_timeout(received.execution_id)
        with self._open_catalog() as catalog:
            if received.error is not None:
                raise received.error
            execution = get_execution(catalog, received.execution_id)
            if execution.status.is_terminal:
                return self._outcome(catalog, execution)
            self._check_started(catalog, execution)
        # It was started in the meantime.
        return self.execute(context)

    def poke(self, context: Context) -> PokeReturnValue:
        """Read the execution's status once.

        :param context: the task's context.
        :return: done if it succeeded, with what the task returns; not done if it has not ended, or if the catalog
            cannot be read now.
        """
        execution_id = execution_id_of(self.execution_id)
        try:
            with self.hook.open_catalog() as catalog:
                execution = get_execution(catalog, execution_id)
                self._log_recovery()
                if execution.status.is_terminal:
                    return PokeReturnValue(is_done=True, xcom_value=self._outcome(catalog, execution))
                is_created = execution.status is OperationStatus.CREATED
                more = ": nothing has started it yet" if is_created else ""
                self._log_status(f"{execution_name(execution)} is {status_name(execution.status)}{more}.")
                self._check_started(catalog, execution, poke_of=context)
        except CatalogError as error:
            self._tolerate(error)
        return PokeReturnValue(is_done=False)

    def _check_started(self, catalog: Catalog, execution: Execution, *, poke_of: Context | None = None) -> None:
        """Warn about an execution that nothing has started; fail if ``start_timeout`` has passed.

        :param poke_of: the task's context, if a poke asks: in mode ``reschedule``, an earlier one may have warned.
        :raises ExecutionNotStarted: it has passed.
        """
        if execution.status is not OperationStatus.CREATED:
            return
        # The age by the server's clock.
        state = next(iter(catalog.execution_states([execution.execution_id])), None)
        if self.start_timeout is not None and state is not None and (state.age or 0) >= self.start_timeout:
            error = not_started_error(execution, self.start_timeout)
            raise self._skip(str(error)) if self.soft_fail else error
        if self._has_warned or not is_long_created(state):
            return
        self._has_warned = True
        # Two intervals, because Airflow may be late: better twice than never.
        since = 2 * max(self.poke_interval, DeferralTimes().resume_after)
        may_have_warned = is_long_created(state, earlier=since)
        if not (may_have_warned and poke_of is not None and self._is_later_poke(poke_of)):
            self.log.warning("%s", not_started_text(execution.execution_id))

    def _check_after_timeout(self, execution_id: int) -> dict[str, Any]:
        """Read the status a last time after the timeout. An outage is not tolerated then."""
        try:
            with self.hook.open_catalog() as catalog:
                execution = get_execution(catalog, execution_id)
                if execution.status.is_terminal:
                    return self._outcome(catalog, execution)
        except ExecutionNotFound:
            raise
        except CatalogError as error:
            unread = f"The catalog cannot be read: {error}"
            raise self._timed_out(execution_id, f"Execution {execution_id}", None, unread) from error
        raise self._timed_out(
            execution_id, execution_name(execution), execution.status, f"It is {status_name(execution.status)}."
        )

    def _timed_out(self, execution_id: int, name: str, status: OperationStatus | None, state: str) -> Exception:
        """The exception of the limit that has passed. Airflow retries no sensor whose own timeout has."""
        own = timedelta(seconds=self.timeout)
        limit = min(own, self.execution_timeout or own)
        is_own = limit == own
        text = (
            f"{name} had not ended {limit.total_seconds():g} s after the task's start, which is the sensor's "
            f"{'timeout' if is_own else 'execution_timeout'}. {state} The sensor does not stop it."
        )
        if self.soft_fail:
            return self._skip(text)
        if is_own:
            return AirflowSensorTimeout(text)
        return ExecutionTimeout(text, execution_id=execution_id, status=status)

    def _outcome(self, catalog: Catalog, execution: Execution) -> dict[str, Any]:
        """The result of an execution that has ended."""
        self.log.info("%s.", ended_text(execution))
        if execution.status in SUCCESS:
            return result_of(execution)
        error = unsuccessful_error(catalog, execution)
        raise self._skip(str(error)) if self.soft_fail else error
