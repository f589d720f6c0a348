"""The real ETL project Wide World Importers."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.codes import ExecutionResult, MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs.request import RunRequest
from airflow_provider_ssis.emulator.runs.scripts import ScriptBook
from airflow_provider_ssis.project.build import build_ispac
from airflow_provider_ssis.project.ispac import read_ispac
from tests.support.places import INPUTS
from tests.support.simulated_runs import play

FOLDER = INPUTS / "wide-world-importers"
PACKAGE = "DailyETLMain.dtsx"


@pytest.fixture(scope="module")
def etl() -> RunRequest:
    if not FOLDER.exists():
        pytest.skip("the Wide World Importers project is missing: it is expected in ../shared/inputs")
    project = read_ispac(build_ispac(FOLDER))
    return RunRequest(1, "Warehouse", project.name, project, PACKAGE)


def test_the_package_and_its_94_executables_run(etl: RunRequest) -> None:
    played = play(etl)
    assert played.status is OperationStatus.SUCCEEDED
    assert len(played.executables) == 95
    assert len(played.statistics) == 95
    assert set(played.results.values()) == {ExecutionResult.SUCCESS}


def test_it_can_be_stopped_half_way(etl: RunRequest) -> None:
    scripts = ScriptBook()
    scripts.take(60, package=PACKAGE)
    played = play(etl, scripts, stop_when=lambda so_far: so_far.seconds >= 30)
    assert played.status is OperationStatus.CANCELED
    assert len(played.executables) == 95
    results = list(played.results.values())
    assert results.count(ExecutionResult.SUCCESS) > 30
    assert ExecutionResult.CANCELLED in results
    assert len(results) < 70


def test_a_script_makes_one_task_fail(etl: RunRequest) -> None:
    scripts = ScriptBook()
    name = "Extract Updated Customer Data to Staging"
    scripts.fail(package=PACKAGE, executable=name, message="Login failed.", code=0xC020801C)
    played = play(etl, scripts)
    assert played.status is OperationStatus.FAILED
    cause = next(event for event in played.events if event.message_type is MessageType.ERROR)
    assert cause.message == f"{name}:Error: Login failed."
    assert cause.message_code == 0xC020801C - (1 << 32)
    assert "\\Package\\Load Customer Dimension\\Migrate Staged Customer Data" not in played.results
