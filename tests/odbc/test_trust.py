"""The certificates that a driver trusts."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_ssis.odbc.connection_string import connect_environment
from airflow_provider_ssis.odbc.driver_environment import driver_environment
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver
from airflow_provider_ssis.odbc.target import Encrypt, OdbcTarget
from airflow_provider_ssis.odbc.trust import CERTIFICATES_VARIABLE, certificate_bundle

MICROSOFT = OdbcDriver("ODBC Driver 18 for SQL Server", DriverFamily.MICROSOFT, "ODBC Driver 18 for SQL Server")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def certificates(path: Path, text: str) -> str:
    path.write_text(f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    return str(path)


def test_what_the_process_trusts_by_its_environment_stays_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CERTIFICATES_VARIABLE, certificates(tmp_path / "company.pem", "company"))
    text = certificate_bundle(certificates(tmp_path / "server.pem", "server")).read_text()
    assert "company" in text
    assert "server" in text


def test_what_another_connection_trusts_for_now_is_not_taken_for_the_processs_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CERTIFICATES_VARIABLE, certificates(tmp_path / "company.pem", "company"))
    with driver_environment({CERTIFICATES_VARIABLE: certificates(tmp_path / "other.pem", "other")}):
        text = certificate_bundle(certificates(tmp_path / "server.pem", "server")).read_text()
    assert "company" in text
    assert "other" not in text


def test_certificates_hold_where_the_data_source_says_how_to_encrypt(tmp_path: Path) -> None:
    server = certificates(tmp_path / "server.pem", "server")
    found = connect_environment(
        MICROSOFT, OdbcTarget(dsn="warehouse", user="etl", encrypt=None, trusted_certificates=server)
    )
    assert found is not None
    assert "server" in Path(found[CERTIFICATES_VARIABLE]).read_text()


@pytest.mark.parametrize(
    "target",
    [
        OdbcTarget("sql", user="etl", encrypt=Encrypt.NO, trusted_certificates="/nowhere.pem"),
        OdbcTarget("sql", user="etl", trust_server_certificate=True, trusted_certificates="/nowhere.pem"),
    ],
    ids=["not encrypted", "not checked"],
)
def test_where_nothing_is_checked_no_file_is_read(target: OdbcTarget) -> None:
    assert connect_environment(MICROSOFT, target) is None
