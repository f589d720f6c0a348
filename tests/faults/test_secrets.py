"""Secrets that tasks pass on appear nowhere else, for each way in which a task can end."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.requests import Sensitive
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.airflow_processes import AirflowProcesses
from tests.support.canaries import OVERRIDE, PARAMETER, VARIABLE
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("end", ["success", "failure", "crash", "refusal"])
@pytest.mark.parametrize("dag_id", ["secrets_polling", "secrets_deferred"])
def test_no_secret_is_in_anything_that_airflow_writes(
    airflow: AirflowProcesses, server: SsisdbEmulator, served_mart: Catalog, dag_id: str, end: str
) -> None:
    served_mart.create_environment("Sales", "Secrets")
    served_mart.create_environment_variable("Sales", "Secrets", "Password", Sensitive(VARIABLE))
    served_mart.create_environment_reference("Sales", "Mart", "Secrets")
    if end == "failure":
        server.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    elif end == "crash":
        server.scripts.crash(package="Load.dtsx")
    elif end == "refusal":
        server.faults.error(50000, statement="catalog.create_execution")
    run_id = airflow.trigger(dag_id)
    expected = "success" if end == "success" else "failed"
    wait_until(lambda: airflow.task(dag_id, run_id)["state"] in ("success", "failed"), "the task ends")
    assert airflow.task(dag_id, run_id)["state"] == expected
    files = airflow.files()
    assert any(name.endswith(".log") and run_id in name for name in files)
    for secret in (PARAMETER, OVERRIDE, VARIABLE, server.password):
        assert [name for name, content in files.items() if secret.encode() in content] == []
    if end != "refusal":
        rendered = airflow.task(dag_id, run_id)["rendered_fields"]
        assert rendered["parameters"]["Title"]["value"] == "***"
