"""Real drivers against the wire protocol alone: they connect, are refused, send values of all kinds, cancel."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pymssql
import pyodbc
import pytds
import pytest

from airflow_provider_ssis.odbc.connection_string import connect_environment, connection_string
from airflow_provider_ssis.odbc.driver_environment import driver_environment
from airflow_provider_ssis.odbc.drivers import DriverFamily, installed_drivers
from airflow_provider_ssis.odbc.target import Encrypt, OdbcTarget
from tests.support.cancelling import cancelled_after
from tests.support.echo_server import PASSWORD, EchoServer, echo_server
from tests.support.waiting import wait_until

DEADLINE_SECONDS = 30
WAYS = [
    (DriverFamily.MICROSOFT, Encrypt.NO),
    (DriverFamily.MICROSOFT, Encrypt.YES),
    (DriverFamily.MICROSOFT, Encrypt.STRICT),
    (DriverFamily.FREETDS, Encrypt.NO),
    (DriverFamily.FREETDS, Encrypt.YES),
]


@pytest.fixture(scope="module")
def server() -> Iterator[EchoServer]:
    with echo_server() as echo:
        yield echo


def connect(
    server: EchoServer, family: DriverFamily, encrypt: Encrypt, folder: Path, password: str = PASSWORD
) -> pyodbc.Connection:
    driver = next(driver for driver in installed_drivers() if driver.family is family)
    certificate = folder / "server.pem"
    certificate.write_bytes(server.certificate)
    target = OdbcTarget(
        server.host,
        port=server.port,
        user="sa",
        password=password,
        encrypt=encrypt,
        trust_server_certificate=encrypt is Encrypt.YES,
        trusted_certificates=str(certificate) if encrypt is Encrypt.STRICT else None,
        # The driver finds no addresses in certificates.
        host_name_in_certificate="localhost" if encrypt is Encrypt.STRICT else None,
    )
    with driver_environment(connect_environment(driver, target)):
        return pyodbc.connect(connection_string(driver, target), autocommit=True, timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize(("family", "encrypt"), WAYS)
def test_pyodbc_connects_and_gets_its_answer(
    server: EchoServer, tmp_path: Path, family: DriverFamily, encrypt: Encrypt
) -> None:
    with closing(connect(server, family, encrypt, tmp_path)) as connection:
        assert connection.execute("SELECT N'Продажи'").fetchval() == "SELECT N'Продажи'"


@pytest.mark.parametrize(("family", "encrypt"), WAYS)
def test_a_wrong_password_is_refused_with_18456(
    server: EchoServer, tmp_path: Path, family: DriverFamily, encrypt: Encrypt
) -> None:
    with pytest.raises(pyodbc.Error, match="18456") as refused:
        connect(server, family, encrypt, tmp_path, password="wrong")
    assert "wrong" not in str(refused.value)


def test_a_certificate_that_is_not_trusted_is_refused_by_the_client(server: EchoServer) -> None:
    driver = installed_drivers()[0]
    target = OdbcTarget(server.host, port=server.port, user="sa", password=PASSWORD)
    with pytest.raises(pyodbc.Error, match="certificate verify failed"):
        pyodbc.connect(connection_string(driver, target), timeout=DEADLINE_SECONDS)


def test_pymssql_and_python_tds_connect(server: EchoServer) -> None:
    login: dict[str, Any] = {"user": "sa", "password": PASSWORD, "database": "SSISDB", "autocommit": True}
    with closing(pymssql.connect(server=server.host, port=str(server.port), **login)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [("SELECT 1",)]
    with closing(pytds.connect(dsn=server.host, port=server.port, **login)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        assert "SELECT 1" in [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("encrypt", [Encrypt.NO, Encrypt.YES])
@pytest.mark.parametrize(
    "value",
    [
        True,
        5,
        -(2**40),
        1.5,
        Decimal("-12.345"),
        "é中😀",
        "",
        b"\x00\xff",
        dt.date(2024, 2, 29),
        dt.time(23, 59, 59),
        dt.datetime(2024, 2, 29, 12, 30, 15),
        None,
    ],
)
def test_a_value_comes_back_as_it_was_sent(server: EchoServer, tmp_path: Path, encrypt: Encrypt, value: Any) -> None:
    with closing(connect(server, DriverFamily.MICROSOFT, encrypt, tmp_path)) as connection:
        assert connection.execute("SELECT ?", value).fetchval() == value


def test_a_guid_comes_back_as_it_was_sent(server: EchoServer, tmp_path: Path) -> None:
    value = uuid.uuid4()
    with closing(connect(server, DriverFamily.MICROSOFT, Encrypt.NO, tmp_path)) as connection:
        assert connection.execute("SELECT ?", value).fetchval() == str(value).upper()


def test_an_error_keeps_number_text_procedure_and_line(server: EchoServer) -> None:
    with (
        closing(
            pytds.connect(dsn=server.host, port=server.port, user="sa", password=PASSWORD, autocommit=True)
        ) as connection,
        pytest.raises(pytds.Error) as failed,
    ):
        connection.cursor().execute("FAIL")
    assert failed.value.number == 50000
    assert failed.value.text == "It failed."
    assert failed.value.procname == "the_procedure"
    assert failed.value.line == 3


@pytest.mark.parametrize(("family", "encrypt"), WAYS)
def test_many_rows_arrive_in_order(server: EchoServer, tmp_path: Path, family: DriverFamily, encrypt: Encrypt) -> None:
    with closing(connect(server, family, encrypt, tmp_path)) as connection:
        rows = connection.execute("ROWS 20000").fetchall()
    assert [row[0] for row in rows] == list(range(20000))


@pytest.mark.parametrize(("family", "encrypt"), WAYS[:3])
def test_a_cancel_ends_a_request_that_waits_and_the_connection_stays_usable(
    server: EchoServer, tmp_path: Path, family: DriverFamily, encrypt: Encrypt
) -> None:
    with closing(connect(server, family, encrypt, tmp_path)) as connection:
        session = server.backend.sessions[-1]
        cursor = connection.cursor()
        with cancelled_after(0.3, cursor), pytest.raises(pyodbc.Error, match="HY008"):
            cursor.execute("WAIT")
        assert session.cancelled == 1
        assert connection.execute("SELECT 2").fetchval() == "SELECT 2"


def test_a_cancel_while_rows_stream_leaves_the_connection_usable(server: EchoServer, tmp_path: Path) -> None:
    with closing(connect(server, DriverFamily.MICROSOFT, Encrypt.YES, tmp_path)) as connection:
        cursor = connection.execute("ROWS 2000000")
        assert tuple(cursor.fetchone()) == (0,)
        cursor.cancel()
        cursor.close()
        assert connection.execute("SELECT 2").fetchval() == "SELECT 2"


def test_a_client_that_goes_away_ends_its_session(server: EchoServer, tmp_path: Path) -> None:
    connection = connect(server, DriverFamily.MICROSOFT, Encrypt.NO, tmp_path)
    session = server.backend.sessions[-1]
    connection.close()
    wait_until(lambda: session.closed, "the session is closed")


@pytest.mark.slow
def test_a_value_of_64_megabytes_goes_both_ways(server: EchoServer, tmp_path: Path) -> None:
    value = b"0123456789abcdef" * (4 * 1024 * 1024)
    with closing(connect(server, DriverFamily.MICROSOFT, Encrypt.YES, tmp_path)) as connection:
        cursor = connection.cursor()
        cursor.setinputsizes([(pyodbc.SQL_VARBINARY, 0, 0)])
        assert cursor.execute("SELECT ?", value).fetchval() == value
