"""Lineage of the run operator: OpenLineage's facets and asset events, from the project on the embedded SSISDB."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.compat import has_assets
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions import lineage, openlineage
from airflow_provider_ssis.executions.assets import asset_uris
from airflow_provider_ssis.executions.lineage import execution_lineage
from airflow_provider_ssis.project.lineage.addresses import Dataset
from airflow_provider_ssis.project.lineage.package_lineage import DatasetUse, TaskLineage
from tests.support import lineage_packages as made
from tests.support.running import operator
from tests.support.ssis_projects import ispac_parts, make_project, package, parameter, zip_of
from tests.support.task_runs import TaskRun

needs_assets = pytest.mark.skipif(not has_assets(), reason="this Airflow has no assets")
needs_openlineage = pytest.mark.skipif(
    not openlineage.is_installed() or find_spec("openlineage") is None, reason="the OpenLineage provider is missing"
)
SOURCE, TARGET = Dataset("mssql://dw02:1433", "DW.dbo.S"), Dataset("mssql://dw02:1433", "DW.dbo.T")


def project(sql: str, packages: tuple[str, ...] = ("Load.dtsx",)) -> bytes:
    server = parameter("Server", "String", "dw01")
    parts = ispac_parts(make_project("Mart", packages=[package(name) for name in packages], parameters=[server]))
    warehouse = made.manager(
        "Warehouse",
        f"{made.PROVIDER}Data Source=old;Initial Catalog=DW;",
        expressions=made.expression("ServerName", "@[$Project::Server]"),
    )
    for name in packages:
        parts[name] = made.lineage_package(made.sql_task("Load", sql), managers=warehouse)
    return zip_of(parts)


@pytest.fixture
def deployed(catalog: Catalog) -> Catalog:
    catalog.create_folder("Sales")
    catalog.deploy_project("Sales", "Mart", project("INSERT INTO dbo.T (a) SELECT b FROM dbo.S"))
    return catalog


def run(**arguments: Any) -> TaskRun:
    return TaskRun(operator(project_parameters={"Server": "dw02"}, **arguments))


def test_the_values_of_the_execution_resolve_the_connection(deployed: Catalog) -> None:
    result = run().execute()
    found = execution_lineage(deployed, result["execution_id"])
    assert found is not None
    (task,) = found.tasks
    assert (task.reads, task.writes) == ((DatasetUse(SOURCE, ("b",)),), (DatasetUse(TARGET, ("a",)),))
    assert openlineage.run_properties(found)["executionId"] == result["execution_id"]


def test_the_property_overrides_of_the_execution_count(deployed: Catalog) -> None:
    overrides = {r"\Package.Connections[Warehouse].Properties[InitialCatalog]": "Lab"}
    found = execution_lineage(deployed, run(property_overrides=overrides).execute()["execution_id"])
    assert found is not None
    assert [use.dataset for use in found.tasks[0].writes] == [Dataset("mssql://dw02:1433", "Lab.dbo.T")]


def test_the_project_is_read_once_per_version(deployed: Catalog) -> None:
    lineage._files.clear()
    execution_id = run().execute()["execution_id"]
    execution_lineage(deployed, execution_id)
    (first,) = lineage._files
    execution_lineage(deployed, execution_id)
    assert list(lineage._files) == [first]
    deployed.deploy_project("Sales", "Mart", project("TRUNCATE TABLE dbo.U"))
    again = run()
    again.task_instance.run_id = "manual__2024-03-01T00:00:00+00:00"
    later = execution_lineage(deployed, again.execute()["execution_id"])
    assert later is not None
    assert [use.dataset.name for task in later.tasks for use in task.writes] == ["DW.dbo.U"]
    earlier = execution_lineage(deployed, execution_id)
    assert earlier is not None
    assert earlier.tasks == ()


def test_an_unknown_execution_has_no_lineage(deployed: Catalog) -> None:
    assert execution_lineage(deployed, 987_654_321) is None


def test_asset_uris() -> None:
    datasets = [
        TARGET,
        Dataset("mssql://dw01/reports", "DW.dbo.Sales 2024"),
        Dataset("file", "C:/a.csv"),
        Dataset("mssql://dw01:1433", "D.W.dbo.T"),
    ]
    uses = tuple(DatasetUse(one, ()) for one in datasets)
    log = TaskLineage("\\Package.EventHandlers[OnError]\\Log", "Execute SQL", (), (DatasetUse(SOURCE, ()),), (), ())
    assert asset_uris([TaskLineage("t", "Data Flow", (), uses, (), ()), log]) == [
        "mssql://dw01/reports/DW/dbo/Sales%202024",
        "mssql://dw02:1433/DW/dbo/T",
    ]


@needs_assets
def test_assets_of_written_tables_get_events(deployed: Catalog) -> None:
    from airflow.sdk.execution_time.context import OutletEventAccessors

    task_run = run(emit_assets=True)
    (alias,) = task_run.operator.outlets
    events = OutletEventAccessors()
    result = task_run.operator.execute({**task_run.context, "outlet_events": events})
    (event,) = events[alias].asset_alias_events
    assert event.dest_asset_key.uri == "mssql://dw02:1433/DW/dbo/T"
    assert event.extra == {"ssis_execution_id": result["execution_id"]}


@needs_assets
def test_a_lineage_that_cannot_be_read_does_not_fail_the_task(deployed: Catalog) -> None:
    # The context has no outlet_events.
    task_run = run(emit_assets=True)
    assert task_run.execute()["status"] == "succeeded"
    assert any("lineage of Sales/Mart/Load.dtsx is not known" in line for line in task_run.log.at("warning"))


@needs_assets
@needs_openlineage
def test_assets_and_openlineage_read_the_lineage_once(deployed: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []

    def fail(*arguments: object) -> None:
        read.append(arguments)
        raise ConnectionError("lost")

    monkeypatch.setattr(lineage, "execution_lineage", fail)
    task_run = run(emit_assets=True)
    task_run.execute()
    assert task_run.operator.get_openlineage_facets_on_complete(None) is None
    assert len(read) == 1
    (line,) = [line for line in task_run.log.at("warning") if "lineage" in line]
    assert line.endswith("is not known: lost")


def test_without_assets_in_airflow_the_argument_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_ssis.operators.lineage.has_assets", lambda: False)
    with pytest.raises(InvalidTaskArgument, match="Airflow 3"):
        run(emit_assets=True)


def test_without_the_provider_there_are_no_facets(deployed: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.openlineage", None)
    task_run = run()
    task_run.execute()
    assert task_run.operator.get_openlineage_facets_on_start() is None
    assert task_run.operator.get_openlineage_facets_on_complete(None) is None


@needs_openlineage
def test_facets(deployed: Catalog) -> None:
    task_run = run()
    before = task_run.operator.get_openlineage_facets_on_start()
    assert (before.inputs, before.outputs) == ([], [])
    result = task_run.execute()
    for get in ("get_openlineage_facets_on_complete", "get_openlineage_facets_on_failure"):
        found = getattr(task_run.operator, get)(None)
        (read,), (written,) = found.inputs, found.outputs
        assert (read.namespace, read.name) == (SOURCE.namespace, SOURCE.name)
        assert (written.namespace, written.name) == (TARGET.namespace, TARGET.name)
        (origin,) = written.facets["columnLineage"].fields["a"].inputFields
        assert (origin.namespace, origin.name, origin.field) == (SOURCE.namespace, SOURCE.name, "b")
        facet = found.run_facets[openlineage.FACET]
        assert (facet.executionId, facet.status) == (result["execution_id"], "succeeded")
