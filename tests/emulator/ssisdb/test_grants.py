"""Who may execute which procedures at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pyodbc
import pytds
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import PermissionDenied
from airflow_provider_ssis.emulator.server import Edition, SsisdbEmulator

PASSWORD = "gr4nted-s3cret"
CALLS = [
    "create_folder NULL",
    "create_folder N'New'",
    "delete_folder N'Missing'",
    "set_folder_description N'Missing', N'x'",
]


@pytest.fixture(scope="module", params=list(Edition), ids=lambda edition: edition.value)
def edition(request: pytest.FixtureRequest) -> Edition:
    return Edition(request.param)


@pytest.fixture(scope="module")
def server(edition: Edition) -> Iterator[SsisdbEmulator]:
    with SsisdbEmulator(edition=edition) as server:
        server.add_login("plain", PASSWORD)
        server.add_login("reader", PASSWORD, database_roles=["ssis_logreader"])
        server.add_login("admin", PASSWORD, database_roles=["ssis_admin"])
        server.add_login("owner", PASSWORD, database_roles=["db_owner"])
        yield server


def refused(server: SsisdbEmulator, user: str, batch: str) -> Any:
    """The driver's error for a batch; None where there is none."""
    with (
        closing(
            pytds.connect(
                server.host, port=server.port, user=user, password=PASSWORD, database="SSISDB", autocommit=True
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        try:
            cursor.execute(batch)
        except pytds.Error as error:
            return error
    return None


@pytest.mark.parametrize("user", ["plain", "reader"])
@pytest.mark.parametrize("call", CALLS)
def test_folders_are_denied_to_those_without_the_role_before_anything_else(
    server: SsisdbEmulator, user: str, call: str
) -> None:
    error = refused(server, user, f"EXEC catalog.{call}")
    name = call.split()[0]
    assert (error.number, error.severity, error.state, error.procname, error.line) == (229, 14, 5, name, 1)
    assert f"EXECUTE permission was denied on '{name}'" in str(error)


@pytest.mark.parametrize(("user", "azure"), [("admin", 27189), ("owner", 27188)])
def test_the_role_and_the_owners_get_to_the_procedure_s_own_tests(
    server: SsisdbEmulator, edition: Edition, user: str, azure: int
) -> None:
    expected = azure if edition is Edition.AZURE else 27123
    assert refused(server, user, "EXEC catalog.create_folder NULL").number == expected


def test_a_procedure_granted_to_public_is_not_denied(server: SsisdbEmulator, edition: Edition) -> None:
    expected = 27138 if edition is Edition.AZURE else 27123
    assert refused(server, "plain", "EXEC catalog.delete_environment NULL, NULL").number == expected


def test_a_denied_call_is_caught_by_try(server: SsisdbEmulator) -> None:
    batch = "BEGIN TRY EXEC catalog.create_folder N'New' END TRY BEGIN CATCH IF ERROR_NUMBER() <> 229 THROW END CATCH"
    assert refused(server, "plain", batch) is None


def test_the_client_names_the_role_that_a_denied_login_needs(server: SsisdbEmulator) -> None:
    odbc = server.odbc_connection_string.replace(f"UID={server.user}", "UID=plain").replace(server.password, PASSWORD)
    with (
        Catalog(pyodbc.connect(odbc, autocommit=True)) as catalog,
        pytest.raises(PermissionDenied, match="ssis_admin") as caught,
    ):
        catalog.create_folder("New")
    assert caught.value.number == 229
