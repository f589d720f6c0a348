"""Waiting for an execution that something else started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseSensorOperator, PokeReturnValue

from airflow_provider_ssis import config
from airflow_provider_ssis.executions.arguments import execution_id_of
from airflow_provider_ssis.executions.deferral import Report
from airflow_provider_ssis.executions.outage import Outage
from airflow_provider_ssis.executions.outcome import SUCCESS, name_of, result_of, status_name, unsuccessful
from airflow_provider_ssis.executions.waiting import patiently, read_execution
from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_ssis.catalog.catalog import Catalog
    from airflow_provider_ssis.catalog.models import Execution
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook


class SsisExecutionSensor(BaseSensorOperator):
    """Wait until an execution is over, and succeed if it did.

    Works in both modes, ``poke`` and ``reschedule``, where each look opens a connection and closes it again, and in the
    triggerer, where all who wait share one. With ``soft_fail`` an execution that does not succeed skips the task. The
    sensor never stops the execution.

    :param execution_id: the execution: its id, or what a run operator returned (``run.output``). (templated)
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :param deferrable: wait in the triggerer, without a worker; ``poke_interval`` is then the longest time between two
        looks in the first hours. Default: ``[operators] default_deferrable``.
    :return: ``execution_id``, ``folder``, ``project``, ``package``, ``status`` and ``duration`` in seconds.
    :raises ExecutionFailed: the package failed.
    :raises ExecutionCanceled: somebody stopped the execution.
    :raises ExecutionEndedUnexpectedly: the process that ran the package is gone.
    :raises ExecutionNotFound: there is no execution of that id.
    :raises ExecutionOutOfSight: the triggerer could not read the catalog for ``[ssis] outage_timeout``.
    :raises CatalogError: the catalog cannot be read; its subclasses in :mod:`airflow_provider_ssis.catalog.errors` tell
        why.
    """

    template_fields: Sequence[str] = ("execution_id", "ssis_conn_id")
    ui_color = "#f5ecd7"

    def __init__(
        self,
        *,
        execution_id: int | str | Mapping[str, Any] | XComArg,
        ssis_conn_id: str = "ssis_default",
        deferrable: bool = config.default_deferrable(),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.execution_id = execution_id
        self.ssis_conn_id = ssis_conn_id
        self.deferrable = deferrable

    @cached_property
    def hook(self) -> SsisCatalogHook:
        """The connection to the catalog."""
        # Imported when the task runs: it brings the ODBC driver manager with it.
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

        return SsisCatalogHook(ssis_conn_id=self.ssis_conn_id)

    def execute(self, context: Context) -> Any:
        """Wait, on the worker or in the triggerer.

        :param context: the task's context.
        :return: see the class.
        """
        if not self.deferrable:
            return super().execute(context)
        look = self.poke(context)
        if look:
            return look.xcom_value
        execution_id = execution_id_of(self.execution_id)
        self.log.info("Waiting for execution %d in the triggerer.", execution_id)
        self.defer(
            trigger=SsisExecutionTrigger(
                execution_id=execution_id,
                ssis_conn_id=self.ssis_conn_id,
                poll_interval=self.poke_interval,
                longest_poll_interval=max(self.poke_interval, config.longest_poll_interval()),
                outage_timeout=config.outage_timeout(),
                cancel_on_kill=False,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout),
        )
        raise AssertionError("unreachable: deferring raises")

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on when the triggerer has seen the end of the execution.

        :param context: the task's context.
        :param event: what :class:`SsisExecutionTrigger` told.
        :return: see the class.
        """
        report = Report.of(event)
        if report.execution_id != execution_id_of(self.execution_id):
            # A database that gives a deleted trigger's id to the next one lets a task get what another one told.
            return self.execute(context)
        with patiently(lambda: self.hook.open_catalog(), Outage(config.outage_timeout()), self.log) as catalog:
            if (lost := report.lost) is not None:
                raise lost
            return self._outcome(catalog, read_execution(catalog, report.execution_id))

    def poke(self, context: Context) -> PokeReturnValue:
        """Look at the execution once.

        :param context: the task's context.
        :return: done if it succeeded, with what the task returns; not done if it is not over.
        """
        with self.hook.open_catalog() as catalog:
            execution = read_execution(catalog, execution_id_of(self.execution_id))
            if not execution.status.is_terminal:
                self.log.info("%s: %s.", name_of(execution), status_name(execution.status))
                return PokeReturnValue(is_done=False)
            return PokeReturnValue(is_done=True, xcom_value=self._outcome(catalog, execution))

    def _outcome(self, catalog: Catalog, execution: Execution) -> dict[str, Any]:
        """What an execution that is over comes to."""
        self.log.info("%s: %s.", name_of(execution), status_name(execution.status))
        if execution.status in SUCCESS:
            return result_of(execution)
        error = unsuccessful(catalog, execution)
        if self.soft_fail:
            # Airflow replaces the exception's text when the task comes from the triggerer.
            self.log.warning("Skipped: %s", error)
            raise AirflowSkipException(str(error))
        raise error
