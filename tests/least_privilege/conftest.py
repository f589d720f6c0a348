"""The connection of these tests is a login that has only what docs/production/grants.md grants."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.grants import Purpose
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.mart import MART

LOGIN, PASSWORD = "etl", "a password of the tests"
_FOLDER = 1


@pytest.fixture
def roles() -> list[str]:
    """The database roles of the login."""
    return []


@pytest.fixture
def mart(catalog: Catalog, ssisdb: SsisdbEmulator, roles: list[str], monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """An administrator's client, to prepare and to check with. Airflow's connection is the login."""
    catalog.create_folder("Sales")
    catalog.deploy_project("Sales", "Mart", MART)
    ssisdb.add_login(LOGIN, PASSWORD, database_roles=roles)
    grant(ssisdb, "Sales", Purpose.RUN)
    uri = f"ssis://{LOGIN}:{quote(PASSWORD)}@{ssisdb.host}:{ssisdb.port}/SSISDB?trust_server_certificate=true"
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", uri)
    return catalog


def grant(ssisdb: SsisdbEmulator, folder: str, purpose: Purpose) -> None:
    """Grant what a purpose needs on a folder, as an administrator."""
    import pyodbc

    connection = pyodbc.connect(ssisdb.odbc_connection_string, autocommit=True)
    try:
        for permission in purpose.permissions:
            connection.execute(
                "DECLARE @folder bigint = (SELECT folder_id FROM catalog.folders WHERE name = ?);\n"
                "DECLARE @user int = DATABASE_PRINCIPAL_ID(?);\n"
                "EXEC catalog.grant_permission @object_type = ?, @object_id = @folder, @principal_id = @user, "
                "@permission_type = ?;",
                folder,
                LOGIN,
                _FOLDER,
                permission.value,
            )
    finally:
        connection.close()
