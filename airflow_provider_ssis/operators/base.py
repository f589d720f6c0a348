"""The base of the operators and the sensor: the hook, poll intervals, deferral, and the trigger's event."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis import config
from airflow_provider_ssis.executions.arguments import required_text
from airflow_provider_ssis.executions.deadline import NO_DEADLINE, DeferralTimes, deferral_timeout, task_deadline
from airflow_provider_ssis.executions.outage import OutageTolerance, retry_during_outage
from airflow_provider_ssis.operators.masking import SsisMaskingTask
from airflow_provider_ssis.triggers.events import ExecutionEvent
from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import timedelta
    from typing import NoReturn

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.executions.deadline import Deadline
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook


class SsisTask(SsisMaskingTask):
    """A task that uses the catalog. Stands before Airflow's base class in the list of bases."""

    ssis_conn_id: str

    @cached_property
    def hook(self) -> SsisCatalogHook:
        """The hook for ``ssis_conn_id``."""
        # Imported when the task runs: it loads the ODBC driver manager.
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

        return SsisCatalogHook(ssis_conn_id=required_text("ssis_conn_id", self.ssis_conn_id))


class SsisWaitingTask(SsisTask):
    """A task that waits for executions, on the worker or in the triggerer.

    Subclasses set the attributes and overwrite :attr:`_poll_interval` or :meth:`_trigger` if they differ.
    """

    deferrable: bool
    trigger_class: type[SsisExecutionTrigger] = SsisExecutionTrigger

    if TYPE_CHECKING:
        # From Airflow's base classes.
        execution_timeout: timedelta | None
        timeout: Any
        """Seconds; each class has its own type for it."""
        log: Any

        def defer(self, **arguments: Any) -> NoReturn:
            """Airflow's own."""

    @property
    def _poll_interval(self) -> float:
        """Seconds between two polls during the first hour."""
        given: float | None = getattr(self, "poll_interval", None)
        return config.poll_interval() if given is None else given

    @property
    def _longest_poll_interval(self) -> float:
        """Seconds between two polls after six hours."""
        return max(self._poll_interval, config.longest_poll_interval())

    def _deadline(self, context: Context) -> Deadline:
        # On the worker, Airflow itself enforces execution_timeout.
        return task_deadline(
            context, self.timeout, execution_timeout=self.execution_timeout if self.deferrable else None
        )

    def _leave_at(self, deadline: Deadline) -> Deadline:
        """When the task leaves its worker, if the execution is still active then."""
        return DeferralTimes().leave_at(deadline) if self.deferrable else NO_DEADLINE

    def _trigger(self, execution_id: int, deadline: Deadline) -> SsisExecutionTrigger:
        """The trigger that waits for an execution."""
        return self.trigger_class(
            execution_id=execution_id,
            deferred_at=time.time(),
            resume_after=config.resume_after(),
            ssis_conn_id=self.ssis_conn_id,
            poll_interval=self._poll_interval,
            longest_poll_interval=self._longest_poll_interval,
            deadline=deadline.at,
            outage_timeout=config.outage_timeout(),
            cancel_on_kill=False,
        )

    def _check_deferral(self) -> None:
        """Check that the task can defer, before it creates, starts or stops anything.

        :raises TypeError: an argument cannot be sent to the triggerer.
        :raises ValueError: a number is out of range.
        """
        if self.deferrable:
            self._trigger(0, NO_DEADLINE).check()

    def _defer_until_terminal(
        self, execution_id: int, deadline: Deadline, *, kwargs: dict[str, Any] | None = None
    ) -> NoReturn:
        """Release the worker until the execution has ended or the deadline has passed.

        :param execution_id: the execution.
        :param deadline: when to stop waiting.
        :param kwargs: arguments for ``execute_complete`` in addition to the event. Default: none.
        """
        self.log.info("Waiting for %s %d in the triggerer.", self.trigger_class.noun.lower(), execution_id)
        self.defer(
            trigger=self._trigger(execution_id, deadline),
            method_name="execute_complete",
            kwargs=kwargs,
            timeout=deferral_timeout(deadline, self._poll_interval),
        )

    def _read_event(self, payload: Any, execution_ids: Collection[int]) -> ExecutionEvent | None:
        """Read the trigger's event.

        :param payload: what Airflow passed to the task.
        :param execution_ids: the executions that the task waits for.
        :return: None if the event is about another execution. A database that reuses a deleted trigger's id can pass
            the event of another task's trigger to this one.
        :raises InvalidTriggerEvent: it is not an event of this package's trigger.
        """
        event = ExecutionEvent.from_payload(payload)
        return event if event.execution_id in execution_ids else None

    def _open_catalog(self, tolerance: OutageTolerance | None = None) -> Catalog:
        """Open a client of the catalog, also while the server has an outage.

        :param tolerance: how long an outage may last. Default: ``[ssis] outage_timeout``.
        """
        tolerance = tolerance or OutageTolerance(config.outage_timeout())
        return retry_during_outage(lambda: self.hook.open_catalog(), tolerance, self.log)
