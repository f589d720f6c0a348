"""``airflow-ssis doctor``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import Edition, SsisdbEmulator
from tests.support.dag_runs import airflow_environment, migrated_home
from tests.support.mart import MART

pytestmark = pytest.mark.processes

STEPS = [
    *("settings", "driver", "address", "port", "encryption", "login", "server", "catalog", "version"),
    *("identity", "run", "deploy", "logs"),
]


def doctor(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "airflow_provider_ssis.cli.main", "doctor", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_connection_that_works_gives_exit_code_0_and_a_line_for_each_step(ssisdb: SsisdbEmulator) -> None:
    result = doctor(AIRFLOW_CONN_SSIS_DEFAULT=ssisdb.airflow_uri)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "ODBC drivers for SQL Server on this machine" in result.stdout
    for step in STEPS:
        assert f"✓ {step}" in result.stdout
    assert ssisdb.password not in result.stdout + result.stderr


def test_a_uri_can_be_tried_before_it_is_a_connection(ssisdb: SsisdbEmulator) -> None:
    assert doctor("--uri", ssisdb.airflow_uri).returncode == 0


def test_a_connection_that_does_not_work_gives_exit_code_1_and_says_why(ssisdb: SsisdbEmulator) -> None:
    uri = ssisdb.airflow_uri.replace("ssis://sa:", "ssis://unknown:")
    result = doctor("--uri", uri)
    assert result.returncode == 1
    assert "✗ login" in result.stdout
    assert "Check login and password" in result.stdout


def test_a_terminal_that_knows_only_ascii_gets_plain_marks(ssisdb: SsisdbEmulator) -> None:
    result = doctor("--uri", ssisdb.airflow_uri, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "+ login" in result.stdout
    result = doctor("--uri", "ssis://etl:x@häuser..example.com", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 1
    assert "x address" in result.stdout
    assert "Traceback" not in result.stderr


UNREADABLE = ["ssis://etl:hunter2#x@sql01", "ssis://etl:x@sql01:hunter2", "hunter2", "{hunter2", '{"hunter2": 1}']


@pytest.mark.parametrize("uri", UNREADABLE)
@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_a_uri_that_cannot_be_read_is_reported_without_showing_it(uri: str, level: str) -> None:
    result = doctor("--uri", uri, AIRFLOW__LOGGING__LOGGING_LEVEL=level)
    assert result.returncode == 1
    assert "the URI cannot be read" in result.stderr
    assert "percent-encode" in result.stderr
    assert "airflow_ssis_doctor" not in result.stderr
    assert "hunter2" not in result.stdout + result.stderr


@pytest.mark.parametrize("value", UNREADABLE)
def test_an_environment_variable_that_cannot_be_read_is_named(value: str) -> None:
    result = doctor("--conn-id", "warehouse", AIRFLOW_CONN_WAREHOUSE=value, AIRFLOW__LOGGING__LOGGING_LEVEL="DEBUG")
    assert result.returncode == 1
    assert "The environment variable AIRFLOW_CONN_WAREHOUSE cannot be read" in result.stderr
    assert "hunter2" not in result.stdout + result.stderr


@pytest.mark.parametrize("uri", ["", " "])
def test_an_empty_uri_is_not_the_default_connection(ssisdb: SsisdbEmulator, uri: str) -> None:
    result = doctor("--uri", uri, AIRFLOW_CONN_SSIS_DEFAULT=ssisdb.airflow_uri)
    assert result.returncode == 1
    assert "the URI cannot be read: it is empty" in result.stderr


def test_json_has_the_drivers_the_steps_and_the_exit_code(ssisdb: SsisdbEmulator) -> None:
    result = doctor("--json", "--uri", ssisdb.airflow_uri)
    report = json.loads(result.stdout)
    assert (report["exit_code"], result.returncode) == (0, 0)
    assert [each["step"] for each in report["steps"]] == STEPS
    assert {each["outcome"] for each in report["steps"]} == {"good"}
    assert {"microsoft", "freetds"} == {each["family"] for each in report["drivers"]}
    assert ssisdb.password not in result.stdout + result.stderr


def test_json_of_a_connection_that_fails(ssisdb: SsisdbEmulator) -> None:
    result = doctor("--json", "--uri", ssisdb.airflow_uri.replace("ssis://sa:", "ssis://unknown:"))
    report = json.loads(result.stdout)
    assert (report["exit_code"], result.returncode) == (1, 1)
    assert (report["steps"][-1]["step"], report["steps"][-1]["outcome"]) == ("login", "failed")
    report = json.loads(doctor("--json", "--uri", "hunter2").stdout)
    assert report["exit_code"] == 1
    assert "the URI cannot be read" in report["error"]


def test_a_wrong_field_fails_the_settings(ssisdb: SsisdbEmulator) -> None:
    result = doctor("--uri", f"{ssisdb.airflow_uri}&encrpt=no")
    assert result.returncode == 1
    assert "✗ settings" in result.stdout
    assert "✓ driver" not in result.stdout


def test_the_printed_statements_grant_what_is_missing() -> None:
    with SsisdbEmulator() as server:
        server.add_login("etl", "gr4nted-s3cret")
        server.add_login("other", "gr4nted-s3cret")
        with Catalog(pyodbc.connect(server.odbc_connection_string, autocommit=True)) as admin:
            admin.create_folder("Bob's")
            admin.deploy_project("Bob's", "Mart", MART)
        uri = server.airflow_uri.replace(f"sa:{quote(server.password, safe='')}", "etl:gr4nted-s3cret")
        assert uri != server.airflow_uri
        limited = doctor("--json", "--uri", uri)
        assert limited.returncode == 3
        texts = {each["step"]: each["text"] for each in json.loads(limited.stdout)["steps"]}
        connection = pyodbc.connect(server.odbc_connection_string, autocommit=True)
        for step in ("run", "deploy"):
            statements = texts[step].split("\n", 1)[1]
            assert "READ" in statements
            connection.execute(statements.replace("N'FOLDER'", "N'Bob''s'"))
        granted = doctor("--json", "--uri", uri)
    assert granted.returncode == 0, granted.stdout
    assert {each["outcome"] for each in json.loads(granted.stdout)["steps"]} == {"good"}


def test_a_login_that_may_only_look_gives_exit_code_3() -> None:
    with SsisdbEmulator(edition=Edition.BOX) as box:
        result = doctor("--uri", box.airflow_uri)
    assert result.returncode == 3, result.stdout + result.stderr
    assert "! run" in result.stdout
    assert "! deploy" in result.stdout
    assert "Kerberos" in result.stdout


def test_a_connection_that_airflow_does_not_know_is_reported() -> None:
    result = doctor("--conn-id", "nowhere")
    assert result.returncode == 1
    assert "'nowhere' cannot be read" in result.stderr
    assert "--uri" in result.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An AIRFLOW_HOME with a database."""
    return migrated_home(tmp_path_factory.mktemp("airflow-home"))


def test_a_connection_in_the_metadata_database_is_found(home: Path, ssisdb: SsisdbEmulator) -> None:
    environment = airflow_environment(home, home / "dags", {})
    command = [sys.executable, "-m", "airflow", "connections", "add", "ssis_stored", "--conn-uri", ssisdb.airflow_uri]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    result = doctor("--conn-id", "ssis_stored", **environment)
    assert result.returncode == 0, result.stdout + result.stderr


def test_without_a_driver_manager_the_doctor_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "pyodbc.py").write_text('raise ImportError("libodbc.so.2: cannot open shared object file")')
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    result = doctor("--uri", "ssis://etl:x@sql01", PYTHONPATH=path)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "libodbc.so.2: cannot open shared object file" in result.stderr
    assert "install the system package unixodbc" in result.stderr
