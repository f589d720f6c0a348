"""The grants that the page recommends are enough for what it recommends them for, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pyodbc
import pytest

from airflow_provider_ssis.catalog.errors import NotFound, PermissionDenied
from airflow_provider_ssis.catalog.grants import Purpose
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.operators.stop import SsisStopExecutionOperator
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor
from tests.support.markdown import blocks_of
from tests.support.places import SALES_MART
from tests.support.task_runs import TaskRun

PAGE = "docs/production/grants.md"
LOGIN, PASSWORD = "etl", "a password of the tests"


def grants(after: str) -> str:
    """The page's statements whose grants end with this permission, for the login of this test."""
    (block,) = [
        block
        for block in blocks_of(PAGE, "sql")
        if "grant_permission" in block.text and block.text.rstrip().endswith(f"@permission_type = {after};")
    ]
    return block.text.replace(r"CORP\etl", LOGIN)


@pytest.fixture
def login(sales: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch) -> SsisdbEmulator:
    """The connection ``ssis_default`` belongs to a login without any rights."""
    sales.add_login(LOGIN, PASSWORD)
    uri = f"ssis://{LOGIN}:{quote(PASSWORD)}@{sales.host}:{sales.port}/SSISDB?trust_server_certificate=true"
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", uri)
    return sales


def execute(server: SsisdbEmulator, statements: str) -> None:
    connection = pyodbc.connect(server.odbc_connection_string, autocommit=True)
    try:
        cursor = connection.execute(statements)
        while cursor.nextset():
            pass
    finally:
        connection.close()


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises((NotFound, PermissionDenied)):
        yield


@pytest.mark.parametrize(("purpose", "last"), [(Purpose.RUN, "103"), (Purpose.DEPLOY, "102")])
def test_the_page_grants_what_the_doctor_prints(purpose: Purpose, last: str) -> None:
    on_the_page = {int(number) for number in re.findall(r"@permission_type = (\d+);", grants(last))}
    assert on_the_page == {permission.value for permission in purpose.permissions}


def execute_task(operator: Any) -> Any:
    return TaskRun(operator).execute()


def run(**arguments: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "folder": "Sales",
        "project": "SalesMart",
        "package": "LoadSales.dtsx",
        "environment": "Production",
    }
    given |= {"parameters": {"MaxRows": 5}, "poll_interval": 0.2, **arguments}
    return dict(execute_task(SsisRunPackageOperator(task_id="load", **given)))


def deploy() -> dict[str, Any]:
    return dict(
        execute_task(SsisDeployProjectOperator(task_id="deploy", source=str(SALES_MART), folder="Sales", force=True))
    )


def test_the_grants_to_run_are_enough_to_run_wait_and_stop(login: SsisdbEmulator) -> None:
    with refused():
        run()
    execute(login, grants("103"))
    finished = run()
    assert finished["status"] == "succeeded"
    assert execute_task(SsisExecutionSensor(task_id="wait", execution_id=finished["execution_id"]))
    with SsisCatalogHook().open_catalog() as catalog:
        assert catalog.event_messages(finished["execution_id"])
    login.scripts.take(600, package="ReprocessRegion.dtsx")
    started = run(package="ReprocessRegion.dtsx", parameters={"RegionId": 7}, wait_for_termination=False)
    stop = SsisStopExecutionOperator(task_id="stop", execution_id=started["execution_id"], poll_interval=0.2)
    assert execute_task(stop) == [{"execution_id": started["execution_id"], "status": "canceled"}]


def test_the_grants_to_run_are_not_enough_to_deploy(login: SsisdbEmulator) -> None:
    execute(login, grants("103"))
    with refused():
        deploy()


def test_the_grants_to_deploy_are_enough_to_deploy_what_others_deployed(login: SsisdbEmulator) -> None:
    with refused():
        deploy()
    execute(login, grants("102"))
    assert deploy()["deployed"] is True
    with SsisCatalogHook().open_catalog() as catalog, pytest.raises(PermissionDenied):
        catalog.create_folder("Other")


def test_the_doctor_counts_what_is_granted(login: SsisdbEmulator) -> None:
    execute(login, grants("103"))
    with SsisCatalogHook().open_catalog() as catalog:
        rights = catalog.rights()
    assert (rights.projects_to_run, rights.folders_to_deploy_to) == (1, 0)
