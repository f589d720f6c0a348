"""The embedded SSISDB as a server: start, stop, restart, command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.cli.commands.emulator import PASSWORD_VARIABLE
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.ssisdb.names import DATABASE
from airflow_provider_ssis.emulator.tsql.execution.databases.database_file import file_name
from airflow_provider_ssis.odbc.drivers import installed_drivers
from tests.support.entra_authority import Authority
from tests.support.executions import status_of, wait_for_status
from tests.support.mart import MART

pytestmark = pytest.mark.processes

COMMAND = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "emulator"]


def fetch(odbc: str, statement: str) -> Any:
    with closing(pyodbc.connect(odbc, autocommit=True)) as connection:
        return connection.execute(statement).fetchval()


@contextmanager
def served(
    *options: str, environment: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(
        [*COMMAND, "--json", *options], stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_the_context_manager_says_how_to_connect_and_frees_the_port() -> None:
    with SsisdbEmulator(password="a;b}c") as ssisdb:
        assert ssisdb.password == "a;b}c"
        assert fetch(ssisdb.odbc_connection_string, "SELECT DB_NAME()") == "SSISDB"
        address = (ssisdb.host, ssisdb.port)
    with socket.socket() as probe:
        assert probe.connect_ex(address) != 0


def test_the_password_is_random_and_in_no_repr() -> None:
    with SsisdbEmulator() as one, SsisdbEmulator() as other:
        assert one.password != other.password
        assert one.password not in repr(one.endpoint)


def test_a_port_that_is_taken_is_an_os_error_and_leaves_no_thread_behind() -> None:
    with SsisdbEmulator() as ssisdb:
        second = SsisdbEmulator(port=ssisdb.port)
        with pytest.raises(OSError, match=r"address already in use|Address already in use"):
            second.start()


def test_what_is_asked_of_a_stopped_server_is_an_error_that_says_so() -> None:
    with pytest.raises(RuntimeError, match="is not running"):
        _ = SsisdbEmulator().port


def test_the_data_folder_keeps_the_catalog_over_a_clean_restart(tmp_path: Path) -> None:
    with SsisdbEmulator(data_dir=tmp_path) as ssisdb:
        fetch(ssisdb.odbc_connection_string, "EXEC catalog.create_folder N'Продажи'; SELECT 1")
    with SsisdbEmulator(data_dir=tmp_path) as ssisdb:
        assert fetch(ssisdb.odbc_connection_string, "SELECT name FROM catalog.folders") == "Продажи"


@pytest.mark.parametrize("option", ["--keytab", "--token-key"])
def test_a_missing_file_is_an_error_at_the_start(option: str) -> None:
    result = subprocess.run(
        [*COMMAND, option, "/nowhere/file"], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 1
    assert "cannot use /nowhere/file: No such file" in result.stderr


@pytest.mark.parametrize("content", ["", "secret", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"])
def test_files_that_are_not_keys_are_errors_at_the_start(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError, match="is not an RSA public key in PEM"):
        SsisdbEmulator(token_key=content)
    keytab = tmp_path / "server.keytab"
    keytab.write_text(content)
    with pytest.raises(OSError, match="it is not a keytab"):
        SsisdbEmulator(keytab=keytab).start()


def test_the_command_line_takes_an_instance_and_a_key_for_tokens(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text(Authority().public_key)
    # Another address than that of other tests, since the Browser has one port only.
    with served("--host", "127.0.0.2", "--instance", "SSIS", "--token-key", str(key)) as (_, server):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(30)
            client.sendto(b"\x04SSIS\0", ("127.0.0.2", 1434))
            assert f"tcp;{server['port']};".encode() in client.recv(4096)
        token = Authority().token().encode("utf-16-le")
        attributes = {1256: len(token).to_bytes(4, "little") + token}
        string = ";".join(part for part in server["odbc"].split(";") if part[:4] not in ("UID=", "PWD="))
        with pytest.raises(pyodbc.Error, match="InvalidSignatureError"):
            pyodbc.connect(string, attrs_before=attributes)


def test_the_fixture_gives_each_test_a_clean_catalog(ssisdb_emulator: SsisdbEmulator) -> None:
    fetch(ssisdb_emulator.odbc_connection_string, "EXEC catalog.create_folder N'Left over'; SELECT 1")
    ssisdb_emulator.reset()
    assert fetch(ssisdb_emulator.odbc_connection_string, "SELECT COUNT(*) FROM catalog.folders") == 0


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_one_line_of_json_and_stops_cleanly(signal_number: int) -> None:
    with served() as (process, server):
        assert set(server) == {"host", "port", "user", "password", "odbc", "airflow_uri"}
        assert server["host"] == "127.0.0.1"
        assert fetch(server["odbc"], "SELECT 1") == 1
        process.send_signal(signal_number)
        assert process.wait(30) == 0


def test_the_command_takes_the_password_it_is_given() -> None:
    with served("--password", "S3cret of mine") as (_, server):
        assert server["password"] == "S3cret of mine"
        assert fetch(server["odbc"], "SELECT SUSER_SNAME()") == server["user"]


def test_without_json_the_command_speaks_to_a_person() -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = "".join(process.stdout.readline() for _ in range(4))
    process.terminate()
    process.communicate()
    assert "export AIRFLOW_CONN_SSIS_DEFAULT='ssis://sa:" in text
    assert "DRIVER=" in text


def test_a_port_that_is_taken_is_one_line_and_exit_code_1() -> None:
    with served() as (_, server):
        result = subprocess.run([*COMMAND, "--port", str(server["port"])], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"cannot serve on 127.0.0.1:{server['port']}" in result.stderr


def test_an_invalid_port_is_wrong_usage() -> None:
    for port in ("99999", "-1", "many"):
        result = subprocess.run([*COMMAND, f"--port={port}"], capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert f"'{port}' is not a port: give a number from 0 (any free port) to 65535" in result.stderr
        assert "Traceback" not in result.stderr


def refused(*options: str, environment: dict[str, str] | None = None) -> str:
    """What the command says when it refuses its options."""
    result = subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
    )
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    return result.stderr


def test_an_empty_option_is_wrong_usage() -> None:
    assert "Invalid value for '--host': it is empty" in refused("--host", "")
    for option in ("--host", "--password", "--password-file", "--data-dir", "--instance", "--keytab", "--token-key"):
        assert f"Invalid value for '{option}': it is empty" in refused(f"{option}= ")


def test_an_empty_host_is_refused_from_python_too() -> None:
    with pytest.raises(ValueError, match=r"host is empty, which would mean all addresses"):
        SsisdbEmulator(host="")
    with pytest.raises(ValueError, match="password is empty"):
        SsisdbEmulator(password="")


def test_the_password_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    with served("--password-file", str(file)) as (process, server):
        assert server["password"] == "from the file"
        assert "from the file" not in Path(f"/proc/{process.pid}/cmdline").read_text()
        assert fetch(server["odbc"], "SELECT SUSER_SNAME()") == "sa"
    with served(environment={PASSWORD_VARIABLE: "from the environment"}) as (_, server):
        assert server["password"] == "from the environment"
    with served("--password-file", str(file), environment={PASSWORD_VARIABLE: "not this one"}) as (_, server):
        assert server["password"] == "from the file"


@pytest.mark.parametrize("origin", ["file", "environment variable", "--password", "random"])
def test_only_a_random_password_is_printed(origin: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("hunter 2\n")
    options = {"file": ["--password-file", str(file)], "--password": ["--password", "hunter 2"]}.get(origin, [])
    variables = {PASSWORD_VARIABLE: "hunter 2"} if origin == "environment variable" else {}
    with subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
    ) as process:
        assert process.stdout is not None
        printed = ""
        while "AIRFLOW_CONN" not in printed:
            printed += process.stdout.readline()
        process.terminate()
        printed += process.stdout.read()
    assert "hunter" not in printed
    assert ("sa:PASSWORD@" in printed) == (origin != "random")
    assert (f"PASSWORD is the password {'of' if origin.startswith('-') else 'in the'} {origin}" in printed) == (
        origin != "random"
    )


def test_a_password_that_is_missing_where_it_should_be_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("\nsecond line")
    assert f"the first line of {file} is empty" in refused("--password-file", str(file))
    file.write_bytes(b"\xff\xfe")
    assert f"{file} is not text in UTF-8" in refused("--password-file", str(file))
    assert f"{PASSWORD_VARIABLE} is empty" in refused(environment={PASSWORD_VARIABLE: ""})


def test_only_the_owner_can_read_the_data_folder(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    (shared / "other").touch()
    for folder in (tmp_path / "new", tmp_path / "empty", shared):
        if folder.name == "empty":
            folder.mkdir(mode=0o755)
        with served("--data-dir", str(folder)) as (_, server):
            with Catalog(pyodbc.connect(server["odbc"], autocommit=True)) as catalog:
                catalog.create_folder("Sales")
                catalog.deploy_project("Sales", "Mart", MART)
            found = [path for path in folder.rglob("*") if path.name != "other"]
            assert len(found) >= 3
            assert [path for path in found if path.stat().st_mode & 0o077] == []
            assert folder == shared or not folder.stat().st_mode & 0o077


def test_a_data_folder_of_an_older_version_is_closed_to_others(tmp_path: Path) -> None:
    with SsisdbEmulator(data_dir=tmp_path):
        pass
    tmp_path.chmod(0o755)
    (tmp_path / "ssisdb.duckdb").chmod(0o644)
    with SsisdbEmulator(data_dir=tmp_path):
        assert not tmp_path.stat().st_mode & 0o077
        assert not (tmp_path / "ssisdb.duckdb").stat().st_mode & 0o077


def test_a_data_folder_in_use_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with served("--data-dir", str(tmp_path)) as (process, _):
        result = subprocess.run([*COMMAND, "--data-dir", str(tmp_path)], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        f"airflow-ssis emulator: cannot use {tmp_path / file_name(DATABASE)}: it is in use by another emulator "
        f"(process {process.pid}): stop that one, or give another data folder.\n"
    )


def test_a_data_folder_in_use_in_the_same_process_is_an_error_and_stays_usable(tmp_path: Path) -> None:
    with SsisdbEmulator(data_dir=tmp_path) as ssisdb:
        with pytest.raises(OSError, match="in use by another emulator"):
            SsisdbEmulator(data_dir=tmp_path).start()
        assert fetch(ssisdb.odbc_connection_string, "SELECT COUNT(*) FROM catalog.folders") == 0


@pytest.mark.parametrize(
    "content", [b"", b"nonsense" * 5000, b"SQLite format 3\0" * 500], ids=["empty", "text", "other"]
)
def test_a_damaged_catalog_is_one_line_and_exit_code_1(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / file_name(DATABASE)
    file.write_bytes(content)
    result = subprocess.run([*COMMAND, "--data-dir", str(tmp_path)], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"cannot use {file}: it is not a readable database file (" in result.stderr
    assert "move it away to start with an empty one" in result.stderr
    assert file.read_bytes() == content


def test_after_a_crash_what_was_committed_is_there(tmp_path: Path) -> None:
    with served("--data-dir", str(tmp_path)) as (process, server):
        fetch(server["odbc"], "EXEC catalog.create_folder N'Sales'; SELECT 1")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with served("--data-dir", str(tmp_path)) as (_, server):
        assert fetch(server["odbc"], "SELECT name FROM catalog.folders") == "Sales"


def test_a_data_folder_with_older_tables_is_brought_up_to_date(tmp_path: Path) -> None:
    def connect(ssisdb: SsisdbEmulator) -> pyodbc.Connection:
        return pyodbc.connect(ssisdb.odbc_connection_string, autocommit=True)

    with SsisdbEmulator(data_dir=tmp_path) as ssisdb, Catalog(connect(ssisdb)) as catalog:
        catalog.create_folder("Sales")
        catalog.create_environment("Sales", "Prod")
        catalog.deploy_project("Sales", "Mart", MART)
    with duckdb.connect(tmp_path / file_name(DATABASE)) as old:
        for view, schema in old.execute(
            "SELECT view_name, schema_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall():
            old.execute(f'DROP VIEW IF EXISTS "{schema}"."{view}"')
        old.execute("ALTER TABLE internal.environments RENAME COLUMN environment_name TO name")
        old.execute("ALTER TABLE internal.object_parameters RENAME COLUMN parameter_data_type TO data_type")
        old.execute("ALTER TABLE internal.packages DROP COLUMN package_data")
        old.execute("DROP TABLE internal.validations")
        old.execute("DROP SEQUENCE internal.permission_id")
    with SsisdbEmulator(data_dir=tmp_path) as ssisdb, Catalog(connect(ssisdb)) as catalog:
        assert [each.name for each in catalog.environments("Sales")] == ["Prod"]
        assert catalog.object_parameters("Sales", "Mart")
        catalog.create_environment("Sales", "Test")
        catalog.deploy_project("Sales", "Mart", MART)
        assert fetch(ssisdb.odbc_connection_string, "SELECT COUNT(*) FROM internal.validations") == 0


def test_what_ran_at_a_crash_is_found_as_ended_unexpectedly(tmp_path: Path) -> None:
    with served("--data-dir", str(tmp_path)) as (process, server):
        with Catalog(pyodbc.connect(server["odbc"], autocommit=True)) as catalog:
            catalog.create_folder("Sales")
            catalog.deploy_project("Sales", "Mart", MART)
            fetch(server["odbc"], "EXEC emulator.take_time @seconds = 300; SELECT 1")
            execution_id = catalog.create_execution(
                ExecutionRequest(folder="Sales", project="Mart", package="Load.dtsx")
            )
            catalog.start_execution(execution_id)
            wait_for_status(catalog, execution_id, OperationStatus.RUNNING)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with (
        served("--data-dir", str(tmp_path)) as (_, server),
        Catalog(pyodbc.connect(server["odbc"], autocommit=True)) as catalog,
    ):
        assert status_of(catalog, execution_id) is OperationStatus.ENDED_UNEXPECTEDLY
        assert any("ended unexpectedly" in m.message for m in catalog.operation_messages(execution_id))
        again = catalog.create_execution(ExecutionRequest(folder="Sales", project="Mart", package="Load.dtsx"))
        catalog.start_execution(again)
        wait_for_status(catalog, again, OperationStatus.SUCCEEDED)


def test_this_machine_has_a_driver_to_test_with() -> None:
    assert installed_drivers()


@pytest.mark.parametrize(("options", "kind"), [((), 3), (("--quirks",), 2)], ids=["default", "quirks"])
def test_quirks_repeat_the_faults_of_a_real_catalog(options: tuple[str, ...], kind: int) -> None:
    with served(*options) as (_, server):
        clean_up = "EXEC internal.cleanup_server_project_version; SELECT max(operation_type) FROM catalog.operations"
        assert fetch(server["odbc"], f"SET NOCOUNT ON; {clean_up}") == kind
