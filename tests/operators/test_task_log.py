"""The task log of the run operator: where the package runs, its messages, outages, and how it ended."""

from __future__ import annotations

import re

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import ExecutionFailed
from airflow_provider_ssis.executions.outage import duration_text, outage_text
from airflow_provider_ssis.project.build import build_ispac
from tests.support.places import SALES_MART
from tests.support.running import SECRET, run

pytestmark = pytest.mark.usefixtures("quick_backoff")


def test_the_log_begins_with_server_version_environment_level_and_parameters(mart: Catalog) -> None:
    mart.create_environment("Sales", "Production")
    mart.create_environment_variable("Sales", "Production", "Region", "North")
    mart.create_environment_reference("Sales", "Mart", "Production")
    task_run = run(environment="Production", logging_level="Performance", parameters={"MaxRows": 5})
    execution_id = task_run.execute()["execution_id"]
    lines = str(task_run.log)
    assert re.search(
        rf"Execution {execution_id} of Sales/Mart/Load\.dtsx: server 127\.0\.0\.1, port \d+, project version \d+, "
        r"environment Production, logging level Performance\.",
        lines,
    )
    assert "MaxRows = 5" in lines


def test_sensitive_parameters_are_masked(mart: Catalog) -> None:
    task_run = run(project_parameters={"ApiKey": {"value": SECRET, "sensitive": True}})
    task_run.execute()
    assert "ApiKey = ***" in str(task_run.log)
    assert SECRET not in str(task_run.log)


def test_the_log_ends_with_duration_errors_warnings_and_rows(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.warn("Nearly full.", package="Load.dtsx", executable="Truncate")
    task_run = run()
    task_run.execute()
    level, line = task_run.log.lines[-1]
    assert level == "info"
    assert re.search(r"Load\.dtsx succeeded after \d+\.\d s: 0 errors, 1 warning\.$", line)


def test_the_log_ends_with_the_rows_that_each_destination_wrote(catalog: Catalog) -> None:
    catalog.create_folder("Sales")
    catalog.deploy_project("Sales", "SalesMart", build_ispac(SALES_MART))
    task_run = run(project="SalesMart", package="LoadSales.dtsx", environment=None)
    task_run.execute()
    assert re.search(r" Rows written: Staged Sales \S+ 3,000, Daily Totals \S+ 1,000\.$", task_run.log.lines[-1][1])


def test_a_failure_ends_with_its_numbers_too(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    task_run = run()
    with pytest.raises(ExecutionFailed):
        task_run.execute()
    assert re.search(r"Load\.dtsx failed after \d+\.\d s: [1-9]\d* errors?, ", task_run.log.lines[-1][1])


@pytest.mark.slow
def test_an_outage_on_the_worker_is_one_line_at_its_start_and_one_at_its_end(
    mart: Catalog, ssisdb: SsisdbEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    ssisdb.scripts.take(1, package="Load.dtsx")
    ssisdb.faults.drop(statement="operation_id IN", times=2)
    task_run = run()
    execution_id = task_run.execute()["execution_id"]
    # Airflow warns about a task that runs outside of its task runner, in other words in each version.
    (warning,) = [line for line in task_run.log.at("warning") if "cannot be called outside" not in line]
    assert re.fullmatch(
        r"Lost the connection to 127\.0\.0\.1, port \d+ \(.+\)\. The task keeps waiting, up to 15 minutes\. "
        rf"The status of execution {execution_id} is not known until then\.",
        warning,
        re.DOTALL,
    )
    assert len([line for line in task_run.log.at("info") if "answers again" in line]) == 1
    assert "attempt" not in caplog.text


def test_an_outage_that_is_not_a_lost_connection_says_what_failed() -> None:
    assert outage_text(ValueError("odd."), 150) == (
        "Cannot read the catalog on the server (odd). The task keeps waiting, up to 150 s."
    )


@pytest.mark.parametrize(("seconds", "text"), [(900, "15 minutes"), (60, "60 s"), (0.4, "0 s"), (150, "150 s")])
def test_durations_are_minutes_where_they_are_whole(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
