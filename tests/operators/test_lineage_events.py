"""The events that the OpenLineage provider of a real Airflow writes for a run, by its file transport."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.executions import openlineage
from airflow_provider_ssis.project.lineage.addresses import Dataset
from tests.operators.test_run_lineage import SOURCE, TARGET, project
from tests.support.dag_runs import SECONDS, airflow_environment, migrated_home
from tests.support.small_packages import copying, saved

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not openlineage.is_installed(), reason="the OpenLineage provider is missing"),
]

Events = dict[str, list[dict[str, Any]]]

DAG = """
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.operators.run_local import SsisRunLocalPackageOperator

with DAG(dag_id="nightly", schedule=None) as dag:
    for name in ("Load", "Broken"):
        SsisRunPackageOperator(
            task_id=name,
            folder="Sales",
            project="Mart",
            package=f"{name}.dtsx",
            project_parameters={"Server": "dw02"},
            poll_interval=0.1,
        )
    SsisRunLocalPackageOperator(task_id="Copy", source="FOLDER/Copy.dtsx")
"""

_FACETS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["_producer", "_schemaURL"],
        "properties": {
            "_producer": {"type": "string", "format": "uri"},
            "_schemaURL": {"type": "string", "pattern": "^https://.*#/"},
        },
    },
}
_INPUT_FIELD = {
    "type": "object",
    "required": ["namespace", "name", "field"],
    "properties": {key: {"type": "string"} for key in ("namespace", "name", "field")},
}
_DATASET_FACETS = {
    **_FACETS,
    "properties": {
        "schema": {
            "properties": {
                "fields": {
                    "type": "array",
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                }
            }
        },
        "columnLineage": {
            "required": ["fields"],
            "properties": {
                "fields": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "required": ["inputFields"],
                        "properties": {"inputFields": {"type": "array", "items": _INPUT_FIELD}},
                    },
                }
            },
        },
    },
}
_DATASETS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["namespace", "name"],
        "properties": {"namespace": {"type": "string"}, "name": {"type": "string"}, "facets": _DATASET_FACETS},
    },
}
RUN_EVENT = {
    "type": "object",
    "required": ["eventType", "eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "format": "date-time"},
        "producer": {"type": "string", "format": "uri"},
        "schemaURL": {"type": "string", "pattern": "#/[$]defs/RunEvent$"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": _FACETS},
        },
        "job": {
            "type": "object",
            "required": ["namespace", "name"],
            "properties": {"namespace": {"type": "string"}, "name": {"type": "string"}, "facets": _FACETS},
        },
        "inputs": _DATASETS,
        "outputs": _DATASETS,
    },
}
"""The rules of OpenLineage for the events of runs, and for the facets that the operator adds.

Source: the specification 2-0-2 with the facets 1-0-1 (schema) and 1-1-0 (column lineage).
"""


@pytest.fixture(scope="module")
def events(
    ssisdb_emulator_server: SsisdbEmulator, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """The events of the DAG run and of each task, which ``airflow dags test`` runs."""
    folder = tmp_path_factory.mktemp("openlineage")
    dags, home, file = folder / "dags", folder / "home", folder / "events.jsonl"
    for made in (dags, home):
        made.mkdir()
    (dags / "nightly.py").write_text(DAG.replace("FOLDER", str(folder)))
    (folder / "in.csv").write_text("Id\n1\n")
    saved(copying(str(folder / "in.csv"), str(folder / "out.csv")), folder)
    ssisdb = ssisdb_emulator_server
    ssisdb.reset()
    with closing(pyodbc.connect(ssisdb.odbc_connection_string, autocommit=True)) as connection:
        catalog = Catalog(connection)
        catalog.create_folder("Sales")
        statement = "INSERT INTO dbo.T (a) SELECT b FROM dbo.S"
        catalog.deploy_project("Sales", "Mart", project(statement, packages=("Load.dtsx", "Broken.dtsx")))
    ssisdb.scripts.fail(package="Broken.dtsx")
    environment = {
        **airflow_environment(migrated_home(home), dags, {"AIRFLOW_CONN_SSIS_DEFAULT": ssisdb.airflow_uri}),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "test",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(file), "append": True}),
    }
    result = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "test", "nightly"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert file.exists(), result.stdout
    assert ssisdb.password not in file.read_text()
    found: Events = {}
    for line in file.read_text().splitlines():
        event = json.loads(line)
        found.setdefault(event["job"]["name"], []).append(event)
    return found


@pytest.mark.parametrize(("task", "outcome"), [("Load", "COMPLETE"), ("Broken", "FAIL"), ("Copy", "COMPLETE")])
def test_each_task_has_a_valid_event_of_its_start_and_one_of_its_end(events: Events, task: str, outcome: str) -> None:
    start, end = events[f"nightly.{task}"]
    assert (start["eventType"], end["eventType"]) == ("START", outcome)
    for event in (start, end):
        jsonschema.Draft202012Validator(RUN_EVENT, format_checker=jsonschema.FormatChecker()).validate(event)
    assert start["run"]["runId"] == end["run"]["runId"]
    assert "parent" in end["run"]["facets"]
    assert end["run"]["facets"][openlineage.FACET]["package"] == f"{task}.dtsx"


@pytest.mark.parametrize(
    ("task", "source", "target", "columns"),
    [
        ("Load", SOURCE, TARGET, ("b", "a")),
        ("Broken", SOURCE, TARGET, ("b", "a")),
        ("Copy", Dataset("file", "in.csv"), Dataset("file", "out.csv"), ("Id", "Id")),
    ],
)
def test_the_event_of_the_end_has_tables_files_and_columns(
    events: Events, task: str, source: Dataset, target: Dataset, columns: tuple[str, str]
) -> None:
    (read,), (written,) = events[f"nightly.{task}"][-1]["inputs"], events[f"nightly.{task}"][-1]["outputs"]
    assert (read["namespace"], Path(read["name"]).name) == (source.namespace, source.name)
    assert (written["namespace"], Path(written["name"]).name) == (target.namespace, target.name)
    assert [field["name"] for field in written["facets"]["schema"]["fields"]] == [columns[1]]
    (origin,) = written["facets"]["columnLineage"]["fields"][columns[1]]["inputFields"]
    assert (origin["namespace"], origin["name"], origin["field"]) == (read["namespace"], read["name"], columns[0])
