"""The hook, with real drivers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection
from airflow.providers.odbc.hooks.odbc import OdbcHook

from airflow_provider_ssis.catalog.errors import DriverMissing, ServerUnreachable
from airflow_provider_ssis.hooks.extra import InvalidConnection
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver, installed_drivers

DRIVERS = [driver for driver in installed_drivers() if driver.family in DriverFamily]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nothing listens, reserved while the block lasts."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def connect_as(monkeypatch: pytest.MonkeyPatch, uri: str) -> SsisCatalogHook:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", uri)
    return SsisCatalogHook()


def test_it_is_an_odbc_hook_with_its_own_connection_type() -> None:
    assert issubclass(SsisCatalogHook, OdbcHook)
    assert SsisCatalogHook.conn_type == "ssis"
    assert SsisCatalogHook("other").get_conn_id() == "other"
    assert SsisCatalogHook(ssis_conn_id="other").get_conn_id() == "other"
    assert SsisCatalogHook().get_conn_id() == "ssis_default"


def test_statements_are_not_logged_as_their_parameters_may_be_secrets() -> None:
    assert SsisCatalogHook().log_sql is False


def test_every_value_of_the_connection_string_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect_as(monkeypatch, "ssis://etl:p%3Bw%7Dd@sql01:14330?encrypt=no&application_name=a%3BUID%3Dsa")
    hook.odbc_driver = OdbcDriver("ODBC Driver 18 for SQL Server", DriverFamily.MICROSOFT, "18")
    string = hook.odbc_connection_string
    assert "SERVER=sql01,14330;" in string
    assert "PWD={p;w}}d};" in string
    assert "APP={a;UID=sa};" in string
    assert "DATABASE=SSISDB;" in string


def test_the_database_may_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect_as(monkeypatch, "ssis://etl:x@sql01/Other").database == "Other"
    assert SsisCatalogHook(database="Third").database == "Third"


def test_a_hook_of_a_given_connection_raises_errors_with_its_id() -> None:
    hook = SsisCatalogHook.of(Connection(conn_id="warehouse", conn_type="ssis", host="sql01", login="CORP\\etl"))
    hook.odbc_driver = OdbcDriver("ODBC Driver 18 for SQL Server", DriverFamily.MICROSOFT, "18")
    with pytest.raises(InvalidConnection, match="'warehouse' cannot be used"):
        hook.get_conn()
    assert (
        SsisCatalogHook.of(Connection(conn_id="warehouse", conn_type="ssis"), ssis_conn_id="other").get_conn_id()
        == "other"
    )


def test_blanks_around_the_host_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect_as(monkeypatch, "ssis://etl:x@%20sql01%20").target.host == "sql01"
    assert connect_as(monkeypatch, "ssis://etl:x@fe80%3A%3A1").target.host == "fe80::1"


@pytest.mark.parametrize(
    ("host", "complaint"),
    [
        ("%20", "has no host"),
        ("sql01%2C1433", r"a port in its host, 'sql01,1433'\. Enter only 'sql01' as host, and 1433 as port"),
        ("sql01%3A1433", r"a port in its host, 'sql01:1433'\. Enter only 'sql01' as host, and 1433 as port"),
        ("tcp%3Asql01", r"a protocol in its host, 'tcp:sql01'\. Enter only 'sql01' as host\."),
        (
            "tcp%3Asql01%2C1433",
            r"a protocol and a port in its host.*Enter only 'sql01' as host, and 1433 as port",
        ),
    ],
)
def test_a_host_with_more_than_a_name_is_reported(monkeypatch: pytest.MonkeyPatch, host: str, complaint: str) -> None:
    with pytest.raises(InvalidConnection, match=complaint):
        _ = connect_as(monkeypatch, f"ssis://etl:x@{host}").target


def test_autocommit_is_always_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", "ssis://etl:x@sql01?login_timeout=7")
    hook = SsisCatalogHook(connect_kwargs={"autocommit": False, "ansi": True})
    assert hook.connect_kwargs == {"autocommit": True, "timeout": 7, "ansi": True}


def test_a_connection_cannot_make_the_worker_load_any_library(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect_as(monkeypatch, "ssis://etl:x@sql01?driver=%2Ftmp%2Fevil.so")
    with pytest.raises(DriverMissing, match=r"is the path of a library.*\[ssis\] allow_driver_path = True") as caught:
        hook.get_conn()
    assert caught.value.__cause__ is None


EVIL = "x}DRIVER=/nowhere/evil.so;z"


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.label)
@pytest.mark.parametrize(
    "source",
    [
        {"fields": {"host": EVIL}},
        {"fields": {"schema": EVIL}},
        {"fields": {"login": EVIL}},
        {"fields": {"password": EVIL}},
        {"extra": {"application_name": EVIL}},
        {"extra": {"failover_partner": EVIL}},
        {"arguments": {"database": EVIL}},
        {"arguments": {"connect_kwargs": {"DRIVER": "/nowhere/evil.so"}}},
        {"arguments": {"connect_kwargs": {"UID": EVIL}}},
    ],
    ids=str,
)
@pytest.mark.parametrize("form", ["uri", "json"])
def test_no_field_or_argument_can_name_a_library(
    monkeypatch: pytest.MonkeyPatch,
    driver: OdbcDriver,
    closed_port: int,
    source: dict[str, dict[str, Any]],
    form: str,
) -> None:
    given: dict[str, Any] = {
        "conn_type": "ssis",
        "host": "127.0.0.1",
        "port": closed_port,
        "login": "etl",
        "password": "p",
    }
    given |= source.get("fields", {})
    extra = {"login_timeout": 1, "encrypt": "no", **source.get("extra", {})}
    connection = Connection(conn_id="ssis_default", extra=json.dumps(extra), **given)
    value = connection.get_uri() if form == "uri" else json.dumps({**given, "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", value)
    hook = SsisCatalogHook(**source.get("arguments", {}))
    hook.odbc_driver = driver
    with pytest.raises(InvalidConnection) as caught:
        hook.get_conn()
    assert "nowhere" not in str(caught.value).replace(EVIL, "") or "host" in source.get("fields", {})
    # With its own parameters the driver manager would say that it cannot open the library.
    reached, text = hook.test_connection()
    assert not reached
    assert "Can't open lib" not in text


def test_an_environment_variable_that_airflow_cannot_read_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in ("ssis://etl:hunter2#x@sql01", "ssis://etl:x@sql01:hunter2", "{hunter2", '{"hunter2": 1}', "hunter2"):
        hook = connect_as(monkeypatch, value)
        with caplog.at_level("DEBUG"), pytest.raises(InvalidConnection, match="AIRFLOW_CONN_SSIS_DEFAULT cannot be"):
            hook.get_conn()
        assert "hunter2" not in caplog.text + "".join(capsys.readouterr())


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.label)
def test_a_server_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, driver: OdbcDriver, closed_port: int
) -> None:
    hook = connect_as(monkeypatch, f"ssis://etl:hunter2@127.0.0.1:{closed_port}?login_timeout=1")
    hook.odbc_driver = driver
    with pytest.raises(ServerUnreachable, match=rf"127\.0\.0\.1, port {closed_port}") as caught:
        hook.get_conn()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "firewall" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.label)
def test_the_connection_test_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, driver: OdbcDriver, closed_port: int
) -> None:
    hook = connect_as(monkeypatch, f"ssis://etl:hunter2@127.0.0.1:{closed_port}?login_timeout=1")
    hook.odbc_driver = driver
    reached, text = hook.test_connection()
    assert not reached
    assert f"✗ port: 127.0.0.1 accepts no connections on port {closed_port}" in text
    assert "Check the port" in text


def test_the_connection_test_reports_a_wrong_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    reached, text = connect_as(monkeypatch, "ssis://etl:x@sql01?encrpt=no").test_connection()
    assert not reached
    assert "unknown extra fields: encrpt" in text
    with pytest.raises(InvalidConnection):
        SsisCatalogHook().open_catalog()


def test_without_any_driver_the_connection_test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_drivers() -> tuple[Any, ...]:
        return ()

    monkeypatch.setattr("airflow_provider_ssis.odbc.drivers.installed_drivers", no_drivers)
    reached, text = connect_as(monkeypatch, "ssis://etl:x@sql01").test_connection()
    assert not reached
    assert "airflow-provider-ssis[msodbc]" in text


@pytest.mark.processes
def test_without_a_driver_manager_the_import_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "pyodbc.py").write_text('raise ImportError("libodbc.so.2: cannot open shared object file")')
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-c", "import airflow_provider_ssis.hooks.ssis"]
    environment = {**os.environ, "PYTHONPATH": path}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert "libodbc.so.2: cannot open shared object file. It needs the ODBC driver manager" in result.stderr
    assert "install the system package unixodbc" in result.stderr
