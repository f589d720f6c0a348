"""Lineage of the run operator: OpenLineage's facets, and asset events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.compat import asset_classes, has_assets
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions import openlineage

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.executions.lineage import ExecutionLineage
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
    from airflow_provider_ssis.operators.task_execution import TaskExecution


class SsisLineageTask:
    """A task that reports the tables and files of its execution. Lineage never makes the task fail."""

    folder: str
    project: str
    package: str
    emit_assets: bool
    _asset_alias: Any = None
    _execution: TaskExecution | None

    if TYPE_CHECKING:
        # From Airflow's base class and SsisTask.
        dag_id: str
        task_id: str
        outlets: list[Any]
        log: Any

        @property
        def hook(self) -> SsisCatalogHook:
            """The hook."""

    def get_openlineage_facets_on_start(self) -> Any:
        """What OpenLineage's event about the start contains: the package. The execution has no values yet."""
        if not openlineage.is_installed():
            return None
        place = {"folder": self.folder, "project": self.project, "package": self.package}
        try:
            return openlineage.operator_lineage((), {name: str(value) for name, value in place.items()})
        except Exception as error:  # noqa: BLE001 lineage must not make the task fail
            self._report(error)
            return None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """What OpenLineage's event about the end contains: the tables, files and columns, and the execution.

        :param task_instance: the task instance, which is not needed.
        :return: an ``OperatorLineage``; None without the provider, or if the lineage cannot be read.
        """
        if not openlineage.is_installed():
            return None
        try:
            found = self._lineage()
            if found is None:
                return self.get_openlineage_facets_on_start()
            return openlineage.operator_lineage(found.tasks, openlineage.run_properties(found))
        except Exception as error:  # noqa: BLE001 lineage must not make the task fail
            self._report(error)
            return None

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """What OpenLineage's event about a failure contains; as :meth:`get_openlineage_facets_on_complete`.

        :param task_instance: the task instance, which is not needed.
        """
        return self.get_openlineage_facets_on_complete(task_instance)

    def _declare_assets(self) -> None:
        """Add an alias to the outlets, which gets the events of the tables.

        :raises InvalidTaskArgument: this version of Airflow has no assets.
        """
        if not has_assets():
            raise InvalidTaskArgument("emit_assets needs Airflow 3 or later. Remove it, or upgrade Airflow.")
        self._asset_alias = asset_classes().alias(f"ssis/{self.dag_id}/{self.task_id}")
        self.outlets = [*self.outlets, self._asset_alias]

    def _emit_assets(self, context: Context) -> None:
        """Add an event of each table that the execution has written, if ``emit_assets`` is set."""
        if not self.emit_assets:
            return
        from airflow_provider_ssis.executions.assets import add_events, asset_uris

        try:
            found = self._lineage()
            if found is not None:
                uris = asset_uris(found.tasks)
                extra = {"ssis_execution_id": found.execution.execution_id}
                add_events(context["outlet_events"], self._asset_alias, uris, extra)
                self.log.info("Assets of the tables that the package writes: %s.", ", ".join(uris) or "none")
        except Exception as error:  # noqa: BLE001 lineage must not make the task fail
            self._report(error)

    def _lineage(self) -> ExecutionLineage | None:
        """The lineage of the task's execution; None if there is no execution."""
        from airflow_provider_ssis.executions.lineage import execution_lineage

        if self._execution is None:
            return None
        with self.hook.open_catalog() as catalog:
            return execution_lineage(catalog, self._execution.execution_id)

    def _report(self, error: Exception) -> None:
        self.log.warning("The lineage of %s/%s/%s is not known: %s", self.folder, self.project, self.package, error)
