"""The lineage of an execution: read from the deployed project, with the values that the execution has."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.codes import ObjectType

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Execution, ExecutionParameterValue, ExecutionSummary
    from airflow_provider_ssis.project.lineage.package_lineage import TaskLineage

_SCOPES = {ObjectType.PROJECT: "$Project", ObjectType.PACKAGE: "$Package"}
_CONNECTION_PARAMETER = "CM."
_KEPT_PROJECTS = 4

_files: OrderedDict[tuple[str | None, int, int], bytes] = OrderedDict()
"""The project files that were read last, by server, project and version."""


@dataclass(frozen=True, slots=True)
class ExecutionLineage:
    """What an execution reads and writes.

    :param execution: the execution.
    :param summary: what its messages say.
    :param packages: the tasks of each package that it runs, by the name of the package.
    """

    execution: Execution
    summary: ExecutionSummary
    packages: dict[str, tuple[TaskLineage, ...]]

    @property
    def tasks(self) -> tuple[TaskLineage, ...]:
        """The tasks of all its packages."""
        return tuple(task for tasks in self.packages.values() for task in tasks)


def execution_lineage(catalog: Catalog, execution_id: int) -> ExecutionLineage | None:
    """Return the lineage of an execution.

    The project is read in the version that the catalog has now. If the execution ran an earlier version, there are no
    tables and files.

    :param catalog: the client.
    :param execution_id: the execution.
    :return: None if the catalog does not show the execution.
    :raises CatalogError: the catalog cannot be read.
    :raises ProjectError: the project cannot be read.
    """
    from airflow_provider_ssis.expressions.property_values import evaluate_property
    from airflow_provider_ssis.project.inspection.sources import open_files
    from airflow_provider_ssis.project.lineage.overrides import Overrides
    from airflow_provider_ssis.project.lineage.report import lineage_of_run

    execution, values = catalog.execution_with_values(execution_id)
    if execution is None:
        return None
    packages: dict[str, tuple[TaskLineage, ...]] = {}
    content = _project_file(catalog, execution)
    if content is not None:
        with open_files(content) as files:
            packages = lineage_of_run(
                files,
                execution.package_name,
                evaluate_property,
                _given(values),
                machine=execution.machine_name or execution.server_name or "",
                overrides=Overrides(
                    {one.property_path: one.property_value for one in catalog.property_overrides(execution_id)}
                ),
            )
    return ExecutionLineage(execution, catalog.execution_summary(execution_id), packages)


def _project_file(catalog: Catalog, execution: Execution) -> bytes | None:
    folder, name = execution.folder_name, execution.project_name
    project = catalog.project(folder, name)
    if project is None or execution.project_lsn not in (None, project.object_version_lsn):
        return None
    key = (catalog.server, project.project_id, project.object_version_lsn)
    if key not in _files:
        _files[key] = catalog.get_project(folder, name)
        while len(_files) > _KEPT_PROJECTS:
            _files.popitem(last=False)
    _files.move_to_end(key)
    return _files[key]


def _given(values: list[ExecutionParameterValue]) -> dict[str, Any]:
    """Return the values of an execution by the names that expressions use; a sensitive value is None."""
    return {
        f"{_SCOPES[one.object_type]}::{one.parameter_name}": one.parameter_value
        for one in values
        if one.object_type in _SCOPES
        # The catalog repeats the stored properties of connection managers as values.
        and (one.value_set or not one.parameter_name.startswith(_CONNECTION_PARAMETER))
    }
