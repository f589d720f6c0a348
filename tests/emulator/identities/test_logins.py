"""Logins that any client can make, and what they are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.identities.windows import account_of
from airflow_provider_ssis.emulator.server import LoginKind, SsisdbEmulator


@pytest.fixture
def administrator(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    """A connection that may do everything."""
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        yield connection


def kinds(connection: pyodbc.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, type FROM sys.server_principals WHERE type <> 'R'").fetchall()
    return {name: kind.strip() for name, kind in rows}


def test_any_client_can_make_logins_of_each_kind(administrator: pyodbc.Connection) -> None:
    add = "EXEC emulator.add_login @name = ?, @password = ?, @kind = ?, @database_roles = N'ssis_admin, ssis_logreader'"
    administrator.execute(add, "etl", "p", "SQL")
    administrator.execute(add, "CORP\\etl", None, "windows")
    administrator.execute(add, "app", None, "ENTRA")
    assert kinds(administrator) == {"sa": "S", "etl": "S", "CORP\\etl": "U", "app": "E"}


@pytest.mark.parametrize(
    ("name", "password", "kind", "complaint"),
    [
        ("etl", None, "SQL", "a SQL login needs a password"),
        ("app", "p", "ENTRA", "has no password"),
        ("etl", "p", "WINDOWS", "is not a Windows account"),
        ("CORP\\etl", "a:b", "WINDOWS", "cannot contain a colon"),
        ("etl", "p", "MAGIC", "is not a kind of login. Give one of SQL, WINDOWS, ENTRA"),
    ],
)
def test_an_invalid_login_is_rejected(
    administrator: pyodbc.Connection, name: str, password: str | None, kind: str, complaint: str
) -> None:
    with pytest.raises(pyodbc.Error, match=complaint):
        administrator.execute("EXEC emulator.add_login @name = ?, @password = ?, @kind = ?", name, password, kind)
    assert kinds(administrator) == {"sa": "S"}


def test_a_reset_forgets_logins(ssisdb_emulator: SsisdbEmulator, administrator: pyodbc.Connection) -> None:
    ssisdb_emulator.add_login("CORP\\etl", "p", kind=LoginKind.WINDOWS)
    ssisdb_emulator.reset()
    assert kinds(administrator) == {"sa": "S"}


def test_a_server_without_keys_says_what_it_lacks(ssisdb_emulator: SsisdbEmulator) -> None:
    endpoint = ssisdb_emulator.endpoint
    string = endpoint.odbc_connection_string.replace(f"UID={endpoint.user};", "")
    token = "no token".encode("utf-16-le")
    attributes = {1256: len(token).to_bytes(4, "little") + token}
    without_login = ";".join(part for part in string.split(";") if not part.startswith("PWD="))
    with pytest.raises(pyodbc.Error, match="no key to check access tokens with"):
        pyodbc.connect(without_login, attrs_before=attributes)


@pytest.mark.parametrize(
    ("principal", "account"), [("etl@CORP.EXAMPLE.COM", "CORP\\etl"), ("host/db@corp", "CORP\\host/db")]
)
def test_a_principal_is_the_account_of_its_domain(principal: str, account: str) -> None:
    assert account_of(principal) == account
