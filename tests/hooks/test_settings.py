"""What a connection of type ``ssis`` says to the driver."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_ssis.hooks.authentication import Authentication
from airflow_provider_ssis.hooks.entra import EntraSettings
from airflow_provider_ssis.hooks.extra import InvalidConnection
from airflow_provider_ssis.hooks.form import FIELDS
from airflow_provider_ssis.hooks.settings import Settings, read_settings
from airflow_provider_ssis.odbc.kerberos import KerberosTarget
from airflow_provider_ssis.odbc.target import Encrypt
from airflow_provider_ssis.provider_info import get_provider_info


def settings(extra: dict[str, Any] | None = None, **fields: Any) -> Settings:
    given = {"conn_type": "ssis", "host": "sql01", "login": "etl", "password": "hunter2", **fields}
    return read_settings(Connection(conn_id="ssis_default", extra=json.dumps(extra or {}), **given))


def test_a_host_and_a_login_are_enough() -> None:
    found = settings()
    assert (found.target.host, found.target.port, found.target.database) == ("sql01", None, "SSISDB")
    assert (found.target.user, found.target.password) == ("etl", "hunter2")
    assert found.target.encrypt is Encrypt.YES
    assert found.target.trust_server_certificate is False
    assert found.driver is None
    assert found.query_timeout == 0


def test_port_0_means_no_port_because_the_form_cannot_leave_it_empty() -> None:
    assert settings(port=0).target.port is None


def test_without_a_login_the_connection_is_trusted() -> None:
    assert settings(login=None, password=None).target.user is None


def test_every_field_of_the_form_is_read() -> None:
    [connection_type] = get_provider_info()["connection-types"]
    values = {
        "authentication": "entra_service_principal",
        "tenant_id": "t1",
        "client_certificate": "/etc/etl.pem",
        "entra_authority": "https://login.example.com",
        "entra_scope": "https://database.example.com/.default",
        "driver": "FreeTDS",
        "encrypt": "strict",
        "trust_server_certificate": False,
        "host_name_in_certificate": "sql01.example.com",
        "trusted_certificates": "/etc/ssl/sql01.pem",
        "failover_partner": "sql02,1444",
        "application_name": "nightly",
        "application_intent": "ReadOnly",
        "multi_subnet_failover": True,
        "login_timeout": 5,
        "query_timeout": 60,
        "connect_retry_count": 3,
        "connect_retry_interval": 20,
    }
    ticket = {
        "kerberos_keytab": "/etc/etl.keytab",
        "kerberos_ccache": "FILE:/tmp/tickets",
        "server_spn": "MSSQLSvc/sql01.example.com",
    }
    pod = {"authentication": "entra_workload_identity", "federated_credential_file": "/var/token"}
    assert {*values, *ticket, *pod, "data_source"} == set(connection_type["conn-fields"])
    found = settings(values)
    assert (found.driver, found.failover_partner) == ("FreeTDS", "sql02,1444")
    assert (found.login_timeout, found.query_timeout) == (5, 60)
    assert found.entra == EntraSettings(
        kind="entra_service_principal",
        client_id="etl",
        secret="hunter2",
        tenant_id="t1",
        certificate="/etc/etl.pem",
        authority="https://login.example.com",
        scope="https://database.example.com/.default",
        timeout=5,
    )
    target = found.target
    assert target.has_token
    assert target.encrypt is Encrypt.STRICT
    assert target.host_name_in_certificate == "sql01.example.com"
    assert target.trusted_certificates == "/etc/ssl/sql01.pem"
    assert (target.application_name, target.application_intent) == ("nightly", "ReadOnly")
    assert target.multi_subnet_failover is True
    assert (target.connect_retry_count, target.connect_retry_interval) == (3, 20)
    assert settings({"data_source": "warehouse"}, host=None).target.dsn == "warehouse"
    target = settings(ticket, login="etl@CORP", password=None).target
    assert target.kerberos == KerberosTarget("etl@CORP", "/etc/etl.keytab", "FILE:/tmp/tickets")
    assert target.server_spn == "MSSQLSvc/sql01.example.com"
    entra = settings(pod, password=None).entra
    assert entra is not None
    assert entra.token_file == "/var/token"


@pytest.mark.parametrize(
    ("login", "password", "guessed"),
    [
        ("etl", "hunter2", Authentication.SQL),
        ("CORP\\etl", "hunter2", Authentication.NTLM),
        (None, None, Authentication.KERBEROS),
    ],
)
def test_who_the_connection_is_shows_in_its_login(
    login: str | None, password: str | None, guessed: Authentication
) -> None:
    assert settings(login=login, password=password).authentication is guessed


@pytest.mark.parametrize(
    ("extra", "fields", "complaint"),
    [
        ({}, {"host": None}, "has no host"),
        ({}, {"host": None, "conn_type": ""}, r"no type either: Airflow reads JSON as a URI in some places"),
        ({"data_source": "warehouse"}, {}, "both a server and a data source"),
        ({"data_source": "warehouse", "failover_partner": "sql02"}, {"host": None}, "a failover partner and a data"),
        ({"data_source": "warehouse", "driver": "nonsense"}, {"host": None}, "a driver and a data source"),
        ({"trusted_certificates": "/c", "encrypt": "no"}, {}, "'trusted_certificates', but with encrypt=no"),
        (
            {"host_name_in_certificate": "sql01", "trust_server_certificate": True},
            {},
            "'host_name_in_certificate', but with trust_server_certificate",
        ),
        ({"authentication": "sql"}, {"login": "CORP\\etl"}, "a Windows account and not a SQL login"),
        ({}, {"login": None}, "password, which Kerberos does not use"),
        ({"authentication": "sql"}, {"login": None}, "has no login"),
        ({"authentication": "ntlm"}, {}, "DOMAIN"),
        ({"authentication": "kerberos"}, {"password": None}, "set kerberos_keytab"),
        (
            {"kerberos_keytab": "/k", "kerberos_ccache": "KCM:"},
            {"login": "etl@CORP", "password": None},
            "ticket cache that is not a file",
        ),
        ({"authentication": "entra_managed_identity"}, {}, "has a password"),
        ({"authentication": "entra_service_principal"}, {}, "tenant_id"),
        ({"authentication": "entra_service_principal", "tenant_id": "t"}, {"password": None}, "client secret"),
        ({"tenant_id": "t"}, {}, "'tenant_id'.*sql does not use"),
        ({"kerberos_ccache": "c", "authentication": "ntlm"}, {"login": "D\\u"}, "'kerberos_ccache'.*ntlm does not use"),
        ({"encrypt": "strict", "trust_server_certificate": True}, {}, "exclude each other"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(
    extra: dict[str, Any], fields: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidConnection, match=complaint) as caught:
        settings(extra, **fields)
    assert "hunter2" not in str(caught.value)


def test_the_application_is_named_after_the_task_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings().target.application_name == "Airflow"
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "nightly")
    monkeypatch.setenv("AIRFLOW_CTX_TASK_ID", "group.load")
    assert settings().target.application_name == "Airflow nightly.group.load"
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "n" * 250)
    assert len(settings().target.application_name or "") == 128


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("Yes", True), (1, True), ("false", False), (False, False), ("", False)]
)
def test_a_uri_gives_booleans_as_text(value: Any, expected: bool) -> None:
    assert settings({"trust_server_certificate": value}).target.trust_server_certificate is expected


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ({"encrpt": "no"}, "unknown extra fields: encrpt.*Did you mean 'encrypt' instead of 'encrpt'"),
        ({"TrustServerCertificate": "yes"}, "Did you mean 'trust_server_certificate' instead of 'TrustServerCert"),
        ({"ApplicationIntent": "ReadOnly"}, "Did you mean 'application_intent' instead of 'ApplicationIntent'"),
        ({"Application Name": "x"}, "Did you mean 'application_name'"),
        ({"DSN": "warehouse"}, "Did you mean 'data_source'"),
        ({"Trusted_Connection": "yes"}, "use the field 'authentication' with the value 'kerberos'"),
        ({"UID": "sa"}, "Instead of 'UID', use the connection's login"),
        ({"PWD": "hunter2"}, "Instead of 'PWD', use the connection's password"),
        ({"Initial Catalog": "SSISDB"}, "use the connection's schema"),
        ({"zzz": 1}, "Known fields: application_intent"),
        ({"Encrypt": "no", "encrypt": "yes"}, "'encrypt' twice"),
        ({"driver": "x\0y"}, r"'driver'.*control character U\+0000"),
        ({"driver": ["FreeTDS"]}, "'driver'.*must be text"),
        ({"authentication": "kerberoz"}, "Did you mean 'kerberos'"),
        ({"encrypt": "maybe"}, "'encrypt'.*must be one of yes"),
        ({"trust_server_certificate": "sure"}, "'trust_server_certificate'.*one of true"),
        ({"login_timeout": "soon"}, "'login_timeout'.*whole number"),
        ({"login_timeout": float("inf")}, "'login_timeout'.*whole number"),
        ({"login_timeout": 1.5}, "'login_timeout'.*whole number"),
        ({"login_timeout": True}, "'login_timeout'.*whole number"),
        ({"query_timeout": -1}, "'query_timeout'.*at least 0"),
        ({"login_timeout": 2**31}, "'login_timeout'.*at most 86400"),
        ({"query_timeout": 86_401}, "'query_timeout'.*at most 86400"),
        ({"connect_retry_interval": 61}, "'connect_retry_interval'.*at most 60"),
        ({"failover_partner": "sql02,first"}, "'failover_partner'.*HOST,PORT"),
        ({"authentication": "magic"}, "'authentication'.*one of sql"),
        ({"application_intent": "write"}, "'application_intent'.*one of"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(extra: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidConnection, match=complaint) as caught:
        settings(extra)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["login_timeout", "query_timeout"])
def test_no_timeout_is_longer_than_freetds_survives_and_the_form_says_so(name: str) -> None:
    most = FIELDS[name]["schema"]["maximum"]
    assert getattr(settings({name: most}), name) == most
    # It counts milliseconds in 32 bits.
    assert most * 1000 < 2**31


def test_a_connection_of_another_system_is_refused() -> None:
    for conn_type in ("ssis", "mssql", "mssql+pyodbc", "odbc", "generic"):
        assert read_settings(Connection(conn_id="dw", conn_type=conn_type, host="sql01", login="etl"))
    with pytest.raises(InvalidConnection, match="'dw' has the type 'postgres', which is not for SQL Server"):
        read_settings(Connection(conn_id="dw", conn_type="postgres", host="sql01", login="etl"))


def test_an_extra_that_is_a_list_is_reported() -> None:
    connection = Connection(conn_id="ssis_default", conn_type="ssis", host="sql01", login="etl", extra="[1]")
    with pytest.raises(InvalidConnection, match="'ssis_default' has an extra that is not a JSON object"):
        read_settings(connection)


def test_an_extra_that_is_not_json_is_an_error_that_shows_nothing_of_it() -> None:
    connection = Connection(conn_id="ssis_default", conn_type="ssis", host="sql01", login="etl")
    connection.extra = '{"encrypt": "yes", "password": "hunter2"'
    with pytest.raises(InvalidConnection, match="'ssis_default' has an extra that is not JSON") as caught:
        read_settings(connection)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("field", ["host", "schema", "login", "password"])
@pytest.mark.parametrize("character", ["\0", "\n", "\x1f", "\x85"])
def test_a_control_character_in_a_standard_field_is_refused(field: str, character: str) -> None:
    with pytest.raises(InvalidConnection, match=r"control character U\+00") as caught:
        settings({}, **{field: f"hunter2{character}x"})
    assert "hunter2" not in str(caught.value)


def test_extra_fields_of_airflows_own_sql_hooks_are_left_to_them() -> None:
    assert settings({"placeholder": "?", "sqlalchemy_scheme": "mssql+pyodbc"}).target.host == "sql01"


def test_the_password_shows_in_no_representation() -> None:
    assert "hunter2" not in repr(settings())
