"""What only real Airflow can show: mapping, XComs between tasks, rescheduling, rendered fields."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_ssis.catalog.catalog import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.dag_runs import migrated_home, run_dag
from tests.operators.running import SECRET, parameters_of

DAGS = Path(__file__).parent / "dags"


def test_mapped_tasks_run_and_rescheduled_sensors_wait_for_them(
    tmp_path: Path, mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(2, package="Strict.dtsx")
    run = run_dag(migrated_home(tmp_path), DAGS / "mapped.py", ssisdb.airflow_uri)
    assert run.state == "success", run.log
    for map_index, region in enumerate((7, 8)):
        started = run.task("run", map_index)
        values = parameters_of(mart, started["execution_id"])
        assert values["RegionId"] == region
        assert f'"task":"run","map_index":{map_index}}}' in values["CALLER_INFO"]
        assert run.task("wait", map_index)["returned"]["execution_id"] == started["execution_id"]
        assert run.task("wait", map_index)["returned"]["status"] == "succeeded"
        assert SECRET not in str(started["rendered"])
    assert SECRET not in run.log
