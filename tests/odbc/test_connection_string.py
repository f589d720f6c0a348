"""Connection strings: every value quoted, each driver family in its own words."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.odbc.connection_string import connection_string
from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver
from airflow_provider_ssis.odbc.target import DriverCannot, Encrypt, OdbcTarget

MICROSOFT = OdbcDriver("ODBC Driver 18 for SQL Server", DriverFamily.MICROSOFT, "ODBC Driver 18 for SQL Server")
FREETDS = OdbcDriver("FreeTDS", DriverFamily.FREETDS, "FreeTDS")


def test_microsofts_driver_takes_the_port_behind_the_host() -> None:
    text = connection_string(MICROSOFT, OdbcTarget("sql.example.com", port=14330, user="etl", password="p"))
    assert text == (
        "DRIVER={ODBC Driver 18 for SQL Server};SERVER=sql.example.com,14330;DATABASE=SSISDB;UID=etl;PWD=p;Encrypt=yes;"
    )


def test_freetds_takes_the_port_as_a_keyword_and_its_own_words_for_encryption() -> None:
    text = connection_string(FREETDS, OdbcTarget("sql", port=1433, user="etl", password="p", encrypt=Encrypt.NO))
    assert text == (
        "DRIVER={FreeTDS};SERVER=sql;PORT=1433;TDS_Version=7.4;ClientCharset=UTF-8;DATABASE=SSISDB;UID=etl;PWD=p;"
        "Encryption=off;"
    )


def test_freetds_takes_the_server_from_a_file_where_the_certificate_is_to_be_checked() -> None:
    text = connection_string(FREETDS, OdbcTarget("sql", port=1433, user="etl", password="p"))
    assert "SERVERNAME=ssis;" in text
    assert "PORT" not in text


def test_a_data_source_is_named_alone_and_says_the_rest() -> None:
    target = OdbcTarget(dsn="ware house", user="etl", password="p", encrypt=None)
    assert connection_string(MICROSOFT, target) == "DSN=ware house;DATABASE=SSISDB;UID=etl;PWD=p;"


def test_with_an_access_token_no_login_is_given() -> None:
    text = connection_string(MICROSOFT, OdbcTarget("sql", has_token=True))
    assert text == "DRIVER={ODBC Driver 18 for SQL Server};SERVER=sql;DATABASE=SSISDB;Encrypt=yes;"


@pytest.mark.parametrize(
    ("driver", "target", "complaint"),
    [
        (MICROSOFT, OdbcTarget("sql", user="CORP\\etl", password="p"), "does not support NTLM"),
        (FREETDS, OdbcTarget("sql", has_token=True), "does not support access tokens"),
        (FREETDS, OdbcTarget("sql", user="a", host_name_in_certificate="b"), "does not support a different host name"),
        (FREETDS, OdbcTarget("sql", user="a", multi_subnet_failover=True), "does not support multi-subnet failover"),
        (FREETDS, OdbcTarget("sql", user="a", connect_retry_count=2), "does not support connection retries"),
    ],
)
def test_what_a_driver_cannot_do_is_refused_and_not_left_out(
    driver: OdbcDriver, target: OdbcTarget, complaint: str
) -> None:
    with pytest.raises(DriverCannot, match=complaint):
        connection_string(driver, target)


@pytest.mark.parametrize(
    "target",
    [
        OdbcTarget(dsn="warehouse", user="etl", password="p"),
        OdbcTarget(dsn="warehouse", user="etl", password="p", encrypt=None, trusted_certificates="/etc/ssl/sql.pem"),
    ],
    ids=["encrypt", "trusted_certificates"],
)
def test_freetds_promises_no_check_of_the_certificate_that_it_would_not_do_for_a_data_source(
    target: OdbcTarget,
) -> None:
    with pytest.raises(DriverCannot, match=r"the data source warehouse.*'ca file'.*trust_server_certificate.*host and"):
        connection_string(FREETDS, target)
    assert "Encrypt" in connection_string(MICROSOFT, target) or target.encrypt is None


def test_without_a_login_the_connection_is_a_trusted_one() -> None:
    assert "Trusted_Connection=yes;" in connection_string(MICROSOFT, OdbcTarget("sql"))


def test_a_target_shows_no_password() -> None:
    assert "hunter2" not in repr(OdbcTarget("sql", user="etl", password="hunter2"))
