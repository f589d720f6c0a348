"""The grants that the page recommends are enough for what it recommends them for, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import CatalogError, NotFound, PermissionDenied
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from airflow_provider_ssis.operators.deploy import SsisDeployProjectOperator
from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from tests.docs.conftest import SALES_MART
from tests.support.markdown import blocks_of
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


def run() -> dict[str, object]:
    operator = SsisRunPackageOperator(
        task_id="load",
        folder="Sales",
        project="SalesMart",
        package="LoadSales.dtsx",
        environment="Production",
        parameters={"MaxRows": 5},
        poll_interval=0.2,
    )
    result: dict[str, object] = TaskRun(operator).execute()
    return result


def deploy() -> dict[str, object]:
    operator = SsisDeployProjectOperator(task_id="deploy", source=str(SALES_MART), folder="Sales", force=True)
    result: dict[str, object] = TaskRun(operator).execute()
    return result


def test_the_grants_to_run_are_enough_to_run_and_stop(login: SsisdbEmulator) -> None:
    with refused():
        run()
    execute(login, grants("103"))
    assert run()["status"] == "succeeded"
    with SsisCatalogHook().open_catalog() as catalog:
        assert catalog.rights().projects_to_run == 1
        read_own_messages(catalog)
    with refused():
        deploy()


def read_own_messages(catalog: Catalog) -> None:
    (execution,) = catalog.executions(package="LoadSales.dtsx")
    assert catalog.event_messages(execution.execution_id)


def test_the_grants_to_deploy_are_enough_to_deploy_what_others_deployed(login: SsisdbEmulator) -> None:
    with refused():
        deploy()
    execute(login, grants("102"))
    assert deploy()["deployed"] is True
    with pytest.raises(CatalogError):
        SsisCatalogHook().open_catalog().create_folder("Other")
