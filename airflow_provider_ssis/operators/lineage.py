"""Lineage of operators that run packages: OpenLineage's facets, and asset events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.compat import asset_classes, has_assets
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions import openlineage

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
    from airflow_provider_ssis.operators.task_execution import TaskExecution
    from airflow_provider_ssis.project.lineage.package_lineage import TaskLineage


@dataclass(frozen=True, slots=True)
class RunLineage:
    """What a run reads and writes.

    :param tasks: the tasks of its packages.
    :param run_facet: the properties of OpenLineage's run facet.
    :param asset_extra: what each asset event carries.
    """

    tasks: tuple[TaskLineage, ...]
    run_facet: dict[str, Any] = field(default_factory=dict)
    asset_extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Read:
    """The lineage of a run as it was read.

    :param lineage: the lineage; None without a run, or if it could not be read.
    :param failed: whether it could not be read. Default: False.
    """

    lineage: RunLineage | None
    failed: bool = False


class SsisLineageTask:
    """A task that reports the tables and files of its run. Lineage never makes the task fail."""

    emit_assets: bool
    _asset_alias: Any = None
    _lineage_of_assets: _Read | None = None

    if TYPE_CHECKING:
        # From Airflow's base class and SsisTask.
        dag_id: str
        task_id: str
        outlets: list[Any]
        log: Any

        # From the subclasses.
        @property
        def _package_place(self) -> dict[str, str]:
            """The place of the package, by the names of the arguments."""

        def _lineage(self) -> RunLineage | None:
            """The lineage of the task's run; None if there is no run."""

    def get_openlineage_facets_on_start(self) -> Any:
        """What OpenLineage's event about the start contains: the package. The run has no values yet."""
        if not openlineage.is_installed():
            return None
        try:
            return openlineage.operator_lineage((), self._package_place)
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
            read = self._lineage_of_assets or self._read_lineage()
            self._lineage_of_assets = None
            if read.failed:
                return None
            if read.lineage is None:
                return self.get_openlineage_facets_on_start()
            return openlineage.operator_lineage(read.lineage.tasks, read.lineage.run_facet)
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

        # OpenLineage's event of the same run follows: it neither reads the lineage nor reports an error again.
        self._lineage_of_assets = self._read_lineage()
        found = self._lineage_of_assets.lineage
        try:
            if found is not None:
                uris = asset_uris(found.tasks)
                add_events(context["outlet_events"], self._asset_alias, uris, found.asset_extra)
                self.log.info("Assets of the tables that the package writes: %s.", ", ".join(uris) or "none")
        except Exception as error:  # noqa: BLE001 lineage must not make the task fail
            self._report(error)

    def _read_lineage(self) -> _Read:
        try:
            return _Read(self._lineage())
        except Exception as error:  # noqa: BLE001 lineage must not make the task fail
            self._report(error)
            return _Read(None, failed=True)

    def _report(self, error: Exception) -> None:
        self.log.warning("The lineage of %s is not known: %s", "/".join(self._package_place.values()), error)


class SsisExecutionLineageTask(SsisLineageTask):
    """A task that reports the tables and files of its execution in the catalog."""

    folder: str
    project: str
    package: str
    _execution: TaskExecution | None

    if TYPE_CHECKING:

        @property
        def hook(self) -> SsisCatalogHook:
            """The hook."""

    @property
    def _package_place(self) -> dict[str, str]:
        return {"folder": str(self.folder), "project": str(self.project), "package": str(self.package)}

    def _lineage(self) -> RunLineage | None:
        from airflow_provider_ssis.executions.lineage import execution_lineage

        if self._execution is None:
            return None
        with self.hook.open_catalog() as catalog:
            found = execution_lineage(catalog, self._execution.execution_id)
        if found is None:
            return None
        extra = {"ssis_execution_id": found.execution.execution_id}
        return RunLineage(found.tasks, openlineage.run_properties(found), extra)
