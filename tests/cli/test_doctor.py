"""``airflow-ssis doctor``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.emulator.server import Edition, SsisdbEmulator
from tests.support.dag_runs import airflow_environment, migrated_home

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
    uri = ssisdb.airflow_uri.replace("ssis://sa:", "ssis://nobody:")
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


@pytest.mark.parametrize("uri", ["ssis://etl:hunter2#x@sql01", "ssis://etl:x@sql01:hunter2", "hunter2", "{hunter2"])
def test_a_uri_that_cannot_be_read_is_told_without_showing_it(uri: str) -> None:
    result = doctor("--uri", uri)
    assert result.returncode == 1
    assert "the URI cannot be read" in result.stderr
    assert "percent-encode" in result.stderr
    assert "airflow_ssis_doctor" not in result.stderr
    assert "hunter2" not in result.stdout + result.stderr


def test_a_login_that_may_only_look_gives_exit_code_3() -> None:
    with SsisdbEmulator(edition=Edition.BOX) as box:
        result = doctor("--uri", box.airflow_uri)
    assert result.returncode == 3, result.stdout + result.stderr
    assert "! run" in result.stdout
    assert "! deploy" in result.stdout
    assert "Kerberos" in result.stdout


def test_a_connection_that_airflow_does_not_know_is_told() -> None:
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
