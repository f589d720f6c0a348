"""The hook on the embedded SSISDB: connections that work, and those that are refused."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_ssis.catalog.errors import (
    CatalogMissing,
    LoginFailed,
    StatementTimeout,
    TlsRefused,
    WindowsAuthenticationRequired,
)
from airflow_provider_ssis.emulator.server import Edition, SsisdbEmulator
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver, find_driver, installed_drivers

DRIVERS = installed_drivers()
MICROSOFT = next((driver for driver in DRIVERS if driver.family is DriverFamily.MICROSOFT), None)


@pytest.fixture(params=DRIVERS, ids=lambda driver: driver.label)
def driver(request: pytest.FixtureRequest) -> OdbcDriver:
    """Each driver of this machine in turn."""
    found: OdbcDriver = request.param
    return found


def hook_for(monkeypatch: pytest.MonkeyPatch, uri: str, driver: OdbcDriver) -> SsisCatalogHook:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", uri)
    hook = SsisCatalogHook()
    hook.odbc_driver = driver
    return hook


@pytest.mark.parametrize("encrypt", ["yes", "no"])
def test_the_connection_test_says_what_it_reached(
    monkeypatch: pytest.MonkeyPatch, ssisdb_emulator: SsisdbEmulator, driver: OdbcDriver, encrypt: str
) -> None:
    uri = ssisdb_emulator.airflow_uri.replace("encrypt=yes", f"encrypt={encrypt}")
    reached, text = hook_for(monkeypatch, uri, driver).test_connection()
    assert reached, text
    for part in (
        "catalog: database SSISDB",
        "catalog schema version",
        "sa, SQL login",
        "member of sysadmin",
        driver.label,
    ):
        assert part in text


def test_a_hook_opens_catalogs_and_keeps_one(
    monkeypatch: pytest.MonkeyPatch, ssisdb_emulator: SsisdbEmulator, driver: OdbcDriver
) -> None:
    hook = hook_for(monkeypatch, ssisdb_emulator.airflow_uri, driver)
    with hook.open_catalog() as catalog:
        catalog.create_folder("Sales")
    assert [folder.name for folder in hook.catalog.folders()] == ["Sales"]
    assert hook.catalog is hook.catalog
    hook.catalog.close()
    # A client of a hook opens another connection when it needs one.
    assert [folder.name for folder in hook.catalog.folders()] == ["Sales"]
    hook.catalog.close()


def test_it_is_a_hook_for_any_statement_too(
    monkeypatch: pytest.MonkeyPatch, ssisdb_emulator: SsisdbEmulator, driver: OdbcDriver
) -> None:
    hook = hook_for(monkeypatch, ssisdb_emulator.airflow_uri, driver)
    hook.catalog.create_folder("Sales")
    hook.catalog.close()
    rows = hook.get_records("SELECT name, created_time FROM catalog.folders WHERE name = ?", parameters=["Sales"])
    assert rows[0][0] == "Sales"
    assert rows[0][1].tzinfo is not None


def test_a_wrong_password_is_reported(
    monkeypatch: pytest.MonkeyPatch, ssisdb_emulator: SsisdbEmulator, driver: OdbcDriver
) -> None:
    uri = ssisdb_emulator.airflow_uri.replace(quote(ssisdb_emulator.password, safe=""), "hunter2")
    hook = hook_for(monkeypatch, uri, driver)
    with pytest.raises(LoginFailed) as caught:
        hook.get_conn()
    assert "Check login and password" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    reached, text = hook.test_connection()
    assert not reached
    assert "Check login and password" in text


def test_a_database_that_is_not_there_is_reported(
    monkeypatch: pytest.MonkeyPatch, ssisdb_emulator: SsisdbEmulator, driver: OdbcDriver
) -> None:
    hook = hook_for(monkeypatch, ssisdb_emulator.airflow_uri.replace("/SSISDB", "/Nothing"), driver)
    with pytest.raises(CatalogMissing):
        hook.get_conn()


def test_a_database_that_is_not_the_catalog_is_refused(
    monkeypatch: pytest.MonkeyPatch, ssisdb_emulator: SsisdbEmulator, driver: OdbcDriver
) -> None:
    hook = hook_for(monkeypatch, ssisdb_emulator.airflow_uri.replace("/SSISDB", "/master"), driver)
    reached, text = hook.test_connection()
    assert not reached
    assert "The current database must be SSISDB" in text


@pytest.mark.skipif(MICROSOFT is None, reason="Microsoft's ODBC driver is not installed; FreeTDS checks no certificate")
def test_a_certificate_that_is_not_trusted_is_reported(
    monkeypatch: pytest.MonkeyPatch, ssisdb_emulator: SsisdbEmulator
) -> None:
    uri = ssisdb_emulator.airflow_uri.replace("trust_server_certificate=true", "trust_server_certificate=false")
    hook = hook_for(monkeypatch, uri, find_driver(MICROSOFT.name if MICROSOFT else None))
    with pytest.raises(TlsRefused, match="trusted_certificates"):
        hook.get_conn()


@pytest.fixture(scope="module")
def box() -> Iterator[SsisdbEmulator]:
    """An SSISDB that refuses SQL logins as one on a SQL Server does."""
    with SsisdbEmulator(edition=Edition.BOX) as server:
        yield server


def test_the_connection_test_reports_the_limits_of_a_sql_login(
    monkeypatch: pytest.MonkeyPatch, box: SsisdbEmulator, driver: OdbcDriver
) -> None:
    hook = hook_for(monkeypatch, box.airflow_uri, driver)
    reached, text = hook.test_connection()
    assert reached
    assert "! run: the login may read the catalog but not deploy, start or stop" in text
    assert "! deploy: the login may not deploy" in text
    assert "Kerberos" in text
    with hook.open_catalog() as catalog, pytest.raises(WindowsAuthenticationRequired) as caught:
        catalog.create_folder("Sales")
    assert caught.value.number == 27123
    assert "Kerberos" in str(caught.value)


def test_airflow_finds_the_hook_by_the_connections_type(
    monkeypatch: pytest.MonkeyPatch, ssisdb_emulator: SsisdbEmulator
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", ssisdb_emulator.airflow_uri)
    hook = BaseHook.get_hook("ssis_default")
    assert isinstance(hook, SsisCatalogHook)
    reached, text = hook.test_connection()
    assert reached, text
    assert text.splitlines()[-1].startswith("✓ logs: ")


@pytest.mark.slow
@pytest.mark.parametrize(("of_connection", "of_caller"), [(0, 1), (1, 60)])
def test_the_query_timeout_is_the_connections_and_else_the_callers(
    monkeypatch: pytest.MonkeyPatch,
    ssisdb_emulator: SsisdbEmulator,
    driver: OdbcDriver,
    of_connection: int,
    of_caller: int,
) -> None:
    hook = hook_for(monkeypatch, f"{ssisdb_emulator.airflow_uri}&query_timeout={of_connection}", driver)
    with hook.open_catalog(query_timeout=of_caller) as catalog:
        # Longer than the limit that holds, shorter than the other one.
        ssisdb_emulator.faults.delay(20, statement="catalog.folders")
        with pytest.raises(StatementTimeout):
            catalog.folders()
