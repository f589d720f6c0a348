"""Waiting for an execution that something else started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseSensorOperator, PokeReturnValue

from airflow_provider_ssis.executions.arguments import execution_id_of
from airflow_provider_ssis.executions.outcome import SUCCESS, name_of, result_of, status_name, unsuccessful
from airflow_provider_ssis.executions.waiting import read_execution

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook


class SsisExecutionSensor(BaseSensorOperator):
    """Wait until an execution is over, and succeed if it did.

    Works in both modes, ``poke`` and ``reschedule``; each look opens a connection and closes it again. With
    ``soft_fail`` an execution that does not succeed skips the task.

    :param execution_id: the execution: its id, or what a run operator returned (``run.output``). (templated)
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``execution_id``, ``folder``, ``project``, ``package``, ``status`` and ``duration`` in seconds.
    :raises ExecutionFailed: the package failed.
    :raises ExecutionCanceled: somebody stopped the execution.
    :raises ExecutionEndedUnexpectedly: the process that ran the package is gone.
    :raises ExecutionNotFound: there is no execution of that id.
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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.execution_id = execution_id
        self.ssis_conn_id = ssis_conn_id

    @cached_property
    def hook(self) -> SsisCatalogHook:
        """The connection to the catalog."""
        # Imported when the task runs: it brings the ODBC driver manager with it.
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

        return SsisCatalogHook(ssis_conn_id=self.ssis_conn_id)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look at the execution once.

        :param context: the task's context.
        :return: done if it succeeded, with what the task returns; not done if it is not over.
        """
        with self.hook.open_catalog() as catalog:
            execution = read_execution(catalog, execution_id_of(self.execution_id))
            self.log.info("%s: %s.", name_of(execution), status_name(execution.status))
            if not execution.status.is_terminal:
                return PokeReturnValue(is_done=False)
            if execution.status in SUCCESS:
                return PokeReturnValue(is_done=True, xcom_value=result_of(execution))
            error = unsuccessful(catalog, execution)
        if self.soft_fail:
            raise AirflowSkipException(str(error))
        raise error
