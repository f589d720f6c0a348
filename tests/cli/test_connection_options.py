"""The ways to give a command its connection."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.cli.main import main
from airflow_provider_ssis.emulator.server import SsisdbEmulator

LOGIN = "AIRFLOW_SSIS_LOGIN"


@pytest.fixture
def options(ssisdb: SsisdbEmulator, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options for the embedded SSISDB, without a password. The catalog has the folder Sales."""
    catalog.create_folder("Sales")
    monkeypatch.delenv("AIRFLOW_CONN_SSIS_DEFAULT")
    fields = ["encrypt=no"] if "encrypt=no" in ssisdb.airflow_uri else ["trust_server_certificate=yes"]
    extras = [each for field in fields for each in ("--extra", field)]
    return ["--host", ssisdb.host, "--port", str(ssisdb.port), "--login", ssisdb.user, *extras]


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    code = main(["list", "folders", "--json", *arguments])
    printed = capsys.readouterr()
    assert code == 0, printed.out + printed.err
    return [each["name"] for each in json.loads(printed.out)]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    capsys.readouterr()
    assert main(["list", "folders", *arguments]) == code
    return capsys.readouterr().err


def test_a_password_from_the_environment(
    options: list[str], ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW_SSIS_PASSWORD", ssisdb.password)
    assert listed(capsys, *options) == ["Sales"]


def test_a_password_from_a_file_or_the_standard_input(
    options: list[str],
    ssisdb: SsisdbEmulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "password"
    path.write_text(f"{ssisdb.password}\n")
    assert listed(capsys, *options, "--password-file", str(path)) == ["Sales"]
    # As of an editor on Windows.
    path.write_bytes(f"\ufeff{ssisdb.password}\r\n".encode())
    assert listed(capsys, *options, "--password-file", str(path)) == ["Sales"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"{ssisdb.password}\n".encode())))
    assert listed(capsys, *options, "--password-file", "-") == ["Sales"]
    monkeypatch.setattr("sys.stdin", None)  # which the shell closed
    assert "is empty" in refused(capsys, *options, "--password-file", "-")
    path.write_text("\n")
    assert "first line of" in refused(capsys, *options, "--password-file", str(path))
    assert "No such file" in refused(capsys, *options, "--password-file", str(tmp_path / "none"))


def test_a_password_is_asked_for_on_a_terminal(
    options: list[str], ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def answer(text: str, **how: object) -> str:
        asked.append((text, how["hide_input"]))
        return ssisdb.password

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.prompt", answer)
    assert listed(capsys, *options) == ["Sales"]
    assert asked == [("Password of sa", True)]


def test_a_uri_and_environment_variables(
    options: list[str], ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(capsys, "--uri", ssisdb.airflow_uri) == ["Sales"]
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", ssisdb.airflow_uri)
    assert listed(capsys) == ["Sales"]
    # A connection of the command line replaces those in the environment.
    monkeypatch.setenv("AIRFLOW_SSIS_URI", "ssis://nowhere.invalid")
    assert listed(capsys, "--uri", ssisdb.airflow_uri) == ["Sales"]
    assert listed(capsys, "--conn-id", "ssis_default") == ["Sales"]
    monkeypatch.setenv("AIRFLOW_SSIS_PASSWORD", ssisdb.password)
    assert listed(capsys, *options) == ["Sales"]


def test_the_server_sees_the_name_of_the_program(
    options: list[str], ssisdb: SsisdbEmulator, catalog: Catalog, capsys: pytest.CaptureFixture[str]
) -> None:
    from airflow_provider_ssis.cli.connection_options import ConnectionOptions

    given = ConnectionOptions(ssisdb.airflow_uri, None, None, None, None, None, None, {})
    assert given.connector().target.application_name == "airflow-ssis"
    named = ConnectionOptions(f"{ssisdb.airflow_uri}&application_name=ci", None, None, None, None, None, None, {})
    assert named.connector().target.application_name == "ci"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "No connection is given. Use --uri, --host, --conn-id"),
        (["--uri", ""], "the URI cannot be read: it is empty"),
        (["--uri", "hunter2"], "the URI cannot be read: it is not a URI"),
        (["--uri", "ssis://etl:hunter2@host:port"], "its port is not a number"),
        (["--uri", "ssis://a", "--host", "b"], "Give only one of --uri and --host."),
        (["--host", "a", "--extra", "encrypt"], "write it as FIELD=VALUE"),
        (["--host", "a", "--extra", "encrypt=no", "--extra", "encrypt=yes"], "--extra encrypt is given twice"),
        (["--host", "a", "--port", "99999"], "99999 is not in the range"),
    ],
)
def test_a_connection_that_cannot_be_used_is_wrong_usage(
    options: list[str], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = refused(capsys, *arguments)
    assert said in printed
    assert "hunter2" not in printed


def test_a_connection_that_fails_is_reported(
    options: list[str], ssisdb: SsisdbEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ssisdb.airflow_uri.replace(quote(ssisdb.password, safe=""), "wrong")
    assert wrong != ssisdb.airflow_uri
    assert "Check login and password" in refused(capsys, "--uri", wrong, code=1)
    assert "encrpt" in refused(capsys, "--uri", f"{ssisdb.airflow_uri}&encrpt=no", code=1)
    other = ssisdb.airflow_uri.replace("ssis://", "postgres://")
    assert "has the type 'postgres', which is not for SQL Server" in refused(capsys, "--uri", other, code=1)
    assert "'nowhere' cannot be read" in refused(capsys, "--conn-id", "nowhere", code=1)
