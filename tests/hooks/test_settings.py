"""What a connection of type ``ssis`` says to the driver."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_ssis.hooks.settings import InvalidConnection, Settings, read_settings
from airflow_provider_ssis.odbc.connection_string import Encrypt
from airflow_provider_ssis.provider_info import get_provider_info


def settings(extra: dict[str, Any] | None = None, **fields: Any) -> Settings:
    given = {"host": "sql01", "login": "etl", "password": "hunter2", **fields}
    return read_settings(Connection(conn_id="ssis_default", conn_type="ssis", extra=json.dumps(extra or {}), **given))


def test_a_host_and_a_login_are_enough() -> None:
    found = settings()
    assert (found.target.host, found.target.port, found.target.database) == ("sql01", None, "SSISDB")
    assert (found.target.user, found.target.password) == ("etl", "hunter2")
    assert found.target.encrypt is Encrypt.YES
    assert found.target.trust_server_certificate is False
    assert found.driver is None
    assert found.query_timeout == 0


def test_without_a_login_the_connection_is_trusted() -> None:
    assert settings(login=None, password=None).target.user is None


def test_every_field_of_the_form_is_read() -> None:
    [connection_type] = get_provider_info()["connection-types"]
    values = {
        "driver": "FreeTDS",
        "encrypt": "strict",
        "trust_server_certificate": True,
        "host_name_in_certificate": "sql01.example.com",
        "server_certificate": "/etc/ssl/sql01.pem",
        "application_name": "nightly",
        "application_intent": "ReadOnly",
        "multi_subnet_failover": True,
        "login_timeout": 5,
        "query_timeout": 60,
    }
    assert set(values) == set(connection_type["conn-fields"])
    found = settings(values)
    assert found.driver == "FreeTDS"
    assert (found.login_timeout, found.query_timeout) == (5, 60)
    target = found.target
    assert target.encrypt is Encrypt.STRICT
    assert target.trust_server_certificate is True
    assert target.host_name_in_certificate == "sql01.example.com"
    assert target.server_certificate == "/etc/ssl/sql01.pem"
    assert (target.application_name, target.application_intent) == ("nightly", "ReadOnly")
    assert target.multi_subnet_failover is True


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("Yes", True), (1, True), ("false", False), (False, False), ("", False)]
)
def test_a_uri_gives_booleans_as_text(value: Any, expected: bool) -> None:
    assert settings({"trust_server_certificate": value}).target.trust_server_certificate is expected


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ({"encrpt": "no"}, "unknown extra fields: encrpt"),
        ({"encrypt": "maybe"}, "'encrypt'.*one of yes"),
        ({"trust_server_certificate": "sure"}, "'trust_server_certificate'.*one of true"),
        ({"login_timeout": "soon"}, "'login_timeout'.*whole number"),
        ({"query_timeout": -1}, "'query_timeout'.*not negative"),
        ({"application_intent": "write"}, "'application_intent'.*one of"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(extra: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidConnection, match=complaint) as caught:
        settings(extra)
    assert "hunter2" not in str(caught.value)


def test_extra_fields_of_airflows_own_sql_hooks_are_left_to_them() -> None:
    assert settings({"placeholder": "?", "sqlalchemy_scheme": "mssql+pyodbc"}).target.host == "sql01"


def test_a_connection_without_a_host_says_so() -> None:
    with pytest.raises(InvalidConnection, match="names no host"):
        settings(host=None)


def test_a_password_without_a_login_is_a_mistake() -> None:
    with pytest.raises(InvalidConnection, match="password but no login"):
        settings(login=None)


def test_the_password_shows_in_no_representation() -> None:
    assert "hunter2" not in repr(settings())
