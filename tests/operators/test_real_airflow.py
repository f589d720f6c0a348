"""What only real Airflow can show: mapping, XComs between tasks, rescheduling, rendered fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.dag_runs import migrated_home, run_dag
from tests.support.running import SECRET, parameters_of

pytestmark = pytest.mark.processes

DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_home(tmp_path_factory.mktemp("airflow-home"))


def test_mapped_tasks_run_and_rescheduled_sensors_wait_for_them(
    airflow_home: Path, mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(2, package="Strict.dtsx")
    run = run_dag(airflow_home, DAGS / "mapped.py", ssisdb.airflow_uri)
    assert run.state == "success", run.log
    for map_index, region in enumerate((7, 8)):
        started = run.task("run", map_index)
        values = parameters_of(mart, started["execution_id"])
        assert values["RegionId"] == region
        assert f'"task":"run","map_index":{map_index},' in values["CALLER_INFO"]
        assert run.task("wait", map_index)["returned"]["execution_id"] == started["execution_id"]
        assert run.task("wait", map_index)["returned"]["status"] == "succeeded"
        assert SECRET not in str(started["rendered"])
    assert SECRET not in run.log


def test_airflows_execution_timeout_stops_the_execution(
    airflow_home: Path, mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    run = run_dag(airflow_home, DAGS / "times_out.py", ssisdb.airflow_uri)
    assert run.state == "failed", run.log
    assert [each.status for each in mart.executions()] == [OperationStatus.CANCELED]
    assert "AirflowTaskTimeout" in run.log


def test_deferred_tasks_come_back_with_the_end_of_their_executions(
    airflow_home: Path, mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(2, package="Load.dtsx")
    ssisdb.scripts.fail(package="Strict.dtsx", executable="Copy", message="disk full")
    run = run_dag(airflow_home, DAGS / "defers.py", ssisdb.airflow_uri)
    assert run.state == "failed", run.log
    load = run.task("load")
    assert load["state"] == "success", run.log
    assert load["returned"]["status"] == "succeeded"
    assert load["returned"]["execution_id"] == load["execution_id"]
    assert run.task("strict")["state"] == "failed"
    assert "disk full" in run.log
    assert "Waiting for execution" in run.log
    assert {each.status for each in mart.executions()} == {OperationStatus.SUCCEEDED, OperationStatus.FAILED}
