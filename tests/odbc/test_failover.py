"""What a failover partner has of the server that is out of reach, and what it has not."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.odbc.connection_string import connection_string
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver
from airflow_provider_ssis.odbc.failover import partner_of
from airflow_provider_ssis.odbc.target import OdbcTarget

SERVER = OdbcTarget("sql01", port=1444, user="etl", password="p", trusted_certificates="/etc/ssl/sql.pem")


@pytest.mark.parametrize(
    ("partner", "host", "port"),
    [
        ("sql02", "sql02", 1444),
        ("sql02, 1445", "sql02", 1445),
        ("sql02\\DR", "sql02\\DR", None),
        ("sql02\\DR,1445", "sql02\\DR", 1445),
    ],
)
def test_a_named_instance_does_not_listen_at_the_port_of_the_server(partner: str, host: str, port: int | None) -> None:
    found = partner_of(SERVER, partner)
    assert (found.host, found.port) == (host, port)
    assert (found.user, found.password, found.trusted_certificates) == ("etl", "p", "/etc/ssl/sql.pem")


def test_the_servers_own_principal_and_certificate_are_not_the_partners() -> None:
    target = OdbcTarget("sql01", server_spn="MSSQLSvc/sql01", host_name_in_certificate="sql01.example.com")
    found = partner_of(target, "sql02")
    assert (found.server_spn, found.host_name_in_certificate) == (None, None)


def test_a_data_source_is_not_dialled_again() -> None:
    driver = OdbcDriver("FreeTDS", DriverFamily.FREETDS, "FreeTDS")
    target = OdbcTarget(dsn="warehouse", user="etl", password="p", encrypt=None)
    string = connection_string(driver, partner_of(target, "sql02"))
    assert "SERVER=sql02;" in string
    assert "DSN" not in string
