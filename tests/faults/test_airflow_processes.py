"""The execution after a person marks, clears or deletes its task, on a whole Airflow."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.airflow_processes import AirflowProcesses
from tests.support.executions import statuses
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes

PATHS = ["polling", "deferred"]


@pytest.fixture
def mart(served_mart: Catalog, server: SsisdbEmulator) -> Catalog:
    """The first run of the package never ends, the second one ends at once."""
    server.scripts.take(3600, package="Load.dtsx", times=1)
    return served_mart


def running(airflow: AirflowProcesses, server: SsisdbEmulator, mart: Catalog, dag_id: str) -> str:
    """A DAG run whose package runs, and whose execution the worker or the triggerer polls."""
    run_id = airflow.trigger(dag_id)
    wait_until(lambda: statuses(mart) == [OperationStatus.RUNNING], "the package runs")
    state = "deferred" if dag_id.startswith("deferred") else "running"
    wait_until(lambda: airflow.task(dag_id, run_id)["state"] == state, f"the task is {state}")
    requests = server.traffic.requests
    wait_until(lambda: server.traffic.requests > requests, "the execution is polled")
    return run_id


@pytest.mark.parametrize("state", ["failed", "success"])
@pytest.mark.parametrize("dag_id", PATHS)
def test_marking_the_task_stops_the_execution(
    airflow: AirflowProcesses, server: SsisdbEmulator, mart: Catalog, dag_id: str, state: str
) -> None:
    run_id = running(airflow, server, mart, dag_id)
    airflow.mark(dag_id, run_id, state)
    wait_until(lambda: statuses(mart) == [OperationStatus.CANCELED], "the execution is stopped")
    assert airflow.task(dag_id, run_id)["state"] == state


@pytest.mark.parametrize("dag_id", PATHS)
def test_clearing_the_task_stops_the_execution_and_runs_the_package_again(
    airflow: AirflowProcesses, server: SsisdbEmulator, mart: Catalog, dag_id: str
) -> None:
    run_id = running(airflow, server, mart, dag_id)
    airflow.clear(dag_id, run_id)
    wait_until(lambda: airflow.task(dag_id, run_id)["state"] == "success", "the task succeeds")
    assert statuses(mart) == [OperationStatus.CANCELED, OperationStatus.SUCCEEDED]


@pytest.mark.parametrize("dag_id", [*(f"{path}_limited" for path in PATHS), "deferred_forgotten"])
def test_a_timeout_of_the_execution_or_of_the_deferral_stops_the_execution(
    airflow: AirflowProcesses, mart: Catalog, dag_id: str
) -> None:
    run_id = airflow.trigger(dag_id)
    wait_until(lambda: airflow.task(dag_id, run_id)["state"] == "failed", "the task fails")
    wait_until(lambda: statuses(mart) == [OperationStatus.CANCELED], "the execution is stopped")


@pytest.mark.parametrize("dag_id", PATHS)
def test_a_dag_run_that_is_ended_and_deleted_stops_the_execution(
    airflow: AirflowProcesses, server: SsisdbEmulator, mart: Catalog, dag_id: str
) -> None:
    run_id = running(airflow, server, mart, dag_id)
    airflow.end_run(dag_id, run_id)
    airflow.delete_run(dag_id, run_id)
    wait_until(lambda: statuses(mart) == [OperationStatus.CANCELED], "the execution is stopped")
