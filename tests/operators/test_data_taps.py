"""Data taps of the run operator: added once, written by the embedded SSISDB, and read back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import ConnectionLost
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.data_taps import read_data_taps, read_rows, tap_requests
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from tests.support.deferrals import run_to_end
from tests.support.edited_projects import edited
from tests.support.running import SingleTryHook, operator
from tests.support.ssis_projects import data_flow, foreach_loop, guid, make_ispac, package
from tests.support.task_runs import TaskRun

TAP = {"task": r"\Package\Copy", "path": "Paths[Source.Source Output]", "max_rows": 3}


def with_columns(ispac: bytes, part: str, flow: str) -> bytes:
    """The project with two columns in the output of a data flow's source."""
    output = f'<output refId="{flow}\\Source.Outputs[Source Output]" name="Source Output"/>'
    columns = "".join(
        f'<outputColumn refId="{name}" lineageId="{name}" name="{name}" dataType="{kind}"/>'
        for name, kind in {"OrderID": "i4", "Customer": "wstr"}.items()
    )
    return edited(ispac, part, {output: f"{output[:-2]}><outputColumns>{columns}</outputColumns></output>"})


@pytest.fixture
def flows(catalog: Catalog) -> Catalog:
    catalog.create_folder("Sales")
    packages = [
        package("Load.dtsx", data_flow("Copy")),
        package("Loop.dtsx", foreach_loop("Each", data_flow("Copy"))),
    ]
    ispac = with_columns(make_ispac("Mart", packages=packages), "Load.dtsx", r"Package\Copy")
    catalog.deploy_project("Sales", "Mart", with_columns(ispac, "Loop.dtsx", r"Package\Each\Copy"))
    return catalog


def run(**arguments: Any) -> TaskRun:
    return TaskRun(operator(**arguments))


def test_tapped_rows_are_read_back(flows: Catalog, ssisdb: SsisdbEmulator) -> None:
    by_guid = {"task": guid("Load.dtsx", r"\Package\Copy"), "path": TAP["path"], "file": "{execution_id} g.csv"}
    task_run = run(data_taps=[TAP, {**by_guid, "max_rows": "2"}], data_taps_folder=str(ssisdb.data_taps_folder))
    result = task_run.execute()
    execution_id = result["execution_id"]
    first, second = result["data_taps"]
    assert (first["file"], first["rows"], len(first["first_rows"])) == (f"airflow-{execution_id}-1.csv", 3, 3)
    assert first["first_rows"][0] == {"OrderID": "1", "Customer": "Customer 1"}
    assert (second["file"], second["rows"]) == (f"{execution_id} g.csv", 2)
    assert list(read_rows(ssisdb.data_taps_folder / first["file"])) == first["first_rows"]
    assert [tap.max_rows for tap in flows.data_taps(execution_id)] == [3, 2]
    assert "Added a data tap" in str(task_run.log)


def test_tapped_rows_are_read_back_after_a_deferral(flows: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(0.5, package="Load.dtsx")
    result = run_to_end(run(data_taps=[TAP], data_taps_folder=str(ssisdb.data_taps_folder), deferrable=True))
    assert [each["rows"] for each in result["data_taps"]] == [3]


def test_each_iteration_of_a_loop_is_read(flows: Catalog, ssisdb: SsisdbEmulator) -> None:
    tap = {**TAP, "task": r"\Package\Each\Copy"}
    result = run(package="Loop.dtsx", data_taps=[tap], data_taps_folder=str(ssisdb.data_taps_folder)).execute()
    files = list(ssisdb.data_taps_folder.glob(f"*airflow-{result['execution_id']}-1*.csv"))
    assert result["data_taps"][0]["rows"] == 3 * len(files) > 3


def test_without_a_folder_nothing_is_read(flows: Catalog, tmp_path: Path) -> None:
    assert "data_taps" not in run(data_taps=[{**TAP, "file": "rows.csv"}]).execute()
    elsewhere = run(data_taps=[TAP], data_taps_folder=str(tmp_path))
    result = elsewhere.execute()
    assert result["data_taps"][0]["rows"] is None
    assert "is not in" in str(elsewhere.log)


def test_a_retry_adds_each_tap_once(flows: Catalog, ssisdb: SsisdbEmulator) -> None:
    task_run = run(data_taps=[TAP, {**TAP, "path": "Paths[Clean.Clean Output]"}])
    task_run.operator.hook = SingleTryHook()
    ssisdb.faults.drop(statement="Paths[Clean", times=1)
    ssisdb.faults.drop(statement="catalog.start_execution", when="before", times=1)
    with pytest.raises(ConnectionLost):
        task_run.execute()
    again = TaskRun(operator(data_taps=task_run.operator.data_taps), task_run.task_instance)
    ssisdb.faults.clear()
    result = again.execute()
    assert len(flows.data_taps(result["execution_id"])) == 2
    assert len(list(flows.executions())) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"data_taps": "x"},
        {"data_taps": TAP},
        {"data_taps": [{"task": "x"}]},
        {"data_taps": [{**TAP, "rows": 1}]},
        {"data_taps": [{**TAP, "file": r"C:\rows.csv"}]},
        {"data_taps": [{**TAP, "max_rows": -1}]},
        {"data_taps": [{**TAP, "file": "rows.csv"}], "data_taps_folder": "/mnt/taps"},
        {"data_taps_folder": "/mnt/taps"},
    ],
)
def test_wrong_data_taps_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidTaskArgument):
        operator(**arguments)


def test_data_taps_are_templated() -> None:
    assert {"data_taps", "data_taps_folder"} <= set(SsisRunPackageOperator.template_fields)


def test_a_file_in_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("Id,Name\n1,Ünï\n", encoding="utf-16")
    assert list(read_rows(tmp_path / "rows.csv")) == [{"Id": "1", "Name": "Ünï"}]


def _unreadable(path: Path) -> None:
    # Its first bytes cannot be read, also by root.
    path.symlink_to("/proc/self/mem")


def _half_a_character(path: Path) -> None:
    path.write_bytes(b"\xff\xfeI")


def _long_field(path: Path) -> None:
    path.write_text("Id\n" + "x" * 200_000)


@pytest.mark.parametrize("damage", [_unreadable, _half_a_character, _long_field])
def test_a_file_that_cannot_be_read_is_a_warning(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    task_run = run(data_taps=[TAP, TAP], data_taps_folder=str(tmp_path))
    damage(tmp_path / "airflow-1-1.csv")
    (tmp_path / "airflow-1-2.csv").write_text("Id\n7\n")
    result = read_data_taps(tmp_path, 1, tap_requests(task_run.operator.data_taps), task_run.log)
    assert result == [
        {"file": "airflow-1-1.csv", "rows": None, "first_rows": []},
        {"file": "airflow-1-2.csv", "rows": 1, "first_rows": [{"Id": "7"}]},
    ]
    assert re.search(r"airflow-1-1.csv of a data tap in .* cannot be read \(.+\)", str(task_run.log))
