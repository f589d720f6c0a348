"""A real project end to end: Microsoft's Wide World Importers load, 94 executables under its package."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import ExecutionResult, OperationStatus
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import ExecutionFailed
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from tests.support.executions import wait_for_end
from tests.support.places import INPUTS, needs_inputs
from tests.support.task_runs import TaskRun
from tests.support.waiting import wait_until

PROJECT = INPUTS / "wide-world-importers"
PACKAGE = "DailyETLMain.dtsx"

pytestmark = needs_inputs


@pytest.fixture
def deployed(catalog: Catalog) -> Catalog:
    """The project, built from its folder and deployed by the operator."""
    operator = SsisDeployProjectOperator(task_id="deploy", source=str(PROJECT), folder="WWI", create_folder=True)
    TaskRun(operator).execute()
    return catalog


def run_operator() -> SsisRunPackageOperator:
    return SsisRunPackageOperator(
        task_id="load", folder="WWI", project="Daily ETL", package=PACKAGE, poll_interval=0.05
    )


def test_it_runs_to_success_with_all_its_executables(deployed: Catalog) -> None:
    result = TaskRun(run_operator()).execute()
    execution_id = result["execution_id"]

    execution = deployed.execution(execution_id)
    assert execution is not None
    assert execution.status is OperationStatus.SUCCEEDED

    executables = deployed.executables(execution_id)
    assert len(executables) == 1 + 94
    assert sum(executable.package_path == "\\Package" for executable in executables) == 1
    results = Counter(statistics.execution_result for statistics in deployed.executable_statistics(execution_id))
    assert results == {ExecutionResult.SUCCESS: 95}


def test_it_is_stopped_half_way(deployed: Catalog, ssisdb: SsisdbEmulator) -> None:
    half_way = "Load City Dimension"
    ssisdb.scripts.take(300, executable=half_way)
    execution_id = deployed.create_execution(ExecutionRequest(folder="WWI", project="Daily ETL", package=PACKAGE))
    deployed.start_execution(execution_id)
    wait_until(lambda: any(m.message_source_name == half_way for m in deployed.event_messages(execution_id)))

    deployed.stop_operation(execution_id)
    wait_for_end(deployed, execution_id)
    execution = deployed.execution(execution_id)
    assert execution is not None
    assert execution.status is OperationStatus.CANCELED
    assert execution.stopped_by_name == ssisdb.user
    results = Counter(statistics.execution_result for statistics in deployed.executable_statistics(execution_id))
    assert 0 < results[ExecutionResult.SUCCESS] < 95
    assert results[ExecutionResult.CANCELLED] > 0


def test_it_fails_at_one_task_with_that_tasks_message(deployed: Catalog, ssisdb: SsisdbEmulator) -> None:
    task = "Extract Updated City Data to Staging"
    ssisdb.scripts.fail(executable=task, message="Login timeout expired", code=0xC0202009)
    with pytest.raises(ExecutionFailed) as failure:
        TaskRun(run_operator()).execute()
    assert "Login timeout expired" in str(failure.value)
    assert task in str(failure.value)
    assert failure.value.status is OperationStatus.FAILED
