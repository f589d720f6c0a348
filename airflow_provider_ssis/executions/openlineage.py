"""Lineage as OpenLineage's classes. Needs apache-airflow-providers-openlineage, which is imported late."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.executions.outcome import result_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_ssis.executions.lineage import ExecutionLineage
    from airflow_provider_ssis.project.lineage.addresses import Dataset
    from airflow_provider_ssis.project.lineage.package_lineage import ColumnFlow, DatasetUse, TaskLineage

FACET = "ssis_execution"
"""The name of the run facet with the execution."""


def is_installed() -> bool:
    """Return True if the OpenLineage provider is installed."""
    return find_spec("airflow.providers") is not None and find_spec("airflow.providers.openlineage") is not None


def operator_lineage(tasks: Iterable[TaskLineage], run_facet: dict[str, Any]) -> Any:
    """Return what the OpenLineage provider expects of an operator: an ``OperatorLineage``.

    :param tasks: the tasks of the package.
    :param run_facet: the properties of the run facet :data:`FACET`.
    """
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import RunFacet

    tasks = tuple(tasks)
    flows: dict[Dataset, list[ColumnFlow]] = {}
    for task in tasks:
        for flow in task.columns:
            flows.setdefault(flow.target, []).append(flow)
    return OperatorLineage(
        inputs=[
            InputDataset(namespace=one.namespace, name=one.name, facets=_schema(columns))
            for one, columns in _merged(use for task in tasks for use in task.reads).items()
        ],
        outputs=[
            OutputDataset(
                namespace=one.namespace,
                name=one.name,
                facets={**_schema(columns), **_column_lineage(flows.get(one, ()))},
            )
            for one, columns in _merged(use for task in tasks for use in task.writes).items()
        ],
        run_facets={FACET: RunFacet().with_additional_properties(**run_facet)},
    )


def run_properties(lineage: ExecutionLineage) -> dict[str, Any]:
    """Return the properties of the run facet about an execution.

    :param lineage: the execution and its lineage.
    """
    result = result_of(lineage.execution)
    return {
        "executionId": result["execution_id"],
        "folder": result["folder"],
        "project": result["project"],
        "package": result["package"],
        "status": result["status"],
        "durationSeconds": result["duration"],
        "server": lineage.execution.server_name,
        "machine": lineage.execution.machine_name,
        "errors": lineage.summary.errors,
        "warnings": lineage.summary.warnings,
        "rowsWritten": [{"destination": one.destination, "rows": one.rows} for one in lineage.summary.rows_written],
        "notes": [f"{task.task}: {note}" for task in lineage.tasks for note in task.notes],
    }


def _merged(uses: Iterable[DatasetUse]) -> dict[Dataset, set[str]]:
    found: dict[Dataset, set[str]] = {}
    for use in uses:
        found.setdefault(use.dataset, set()).update(use.columns)
    return dict(sorted(found.items()))


def _schema(columns: set[str]) -> dict[str, Any]:
    from openlineage.client.facet_v2 import schema_dataset

    if not columns:
        return {}
    fields = [schema_dataset.SchemaDatasetFacetFields(name=name) for name in sorted(columns)]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}


def _column_lineage(flows: Iterable[ColumnFlow]) -> dict[str, Any]:
    from openlineage.client.facet_v2 import column_lineage_dataset as facets

    origins: dict[str, set[tuple[Dataset, str]]] = {}
    for flow in flows:
        origins.setdefault(flow.column, set()).update(flow.origins)
    if not origins:
        return {}
    fields = {
        column: facets.Fields(
            inputFields=[
                facets.InputField(namespace=dataset.namespace, name=dataset.name, field=name)
                for dataset, name in sorted(found)
            ],
            transformationDescription=None,
            transformationType=None,
        )
        for column, found in sorted(origins.items())
    }
    return {"columnLineage": facets.ColumnLineageDatasetFacet(fields=fields)}
