"""ODBC connection strings for SQL Server: the driver family's keywords, every value checked and quoted."""

from __future__ import annotations

from airflow_provider_ssis.odbc.drivers import OdbcDriver
from airflow_provider_ssis.odbc.field_values import check_host, check_lookup_name, check_text
from airflow_provider_ssis.odbc.kerberos import kerberos_environment
from airflow_provider_ssis.odbc.target import OdbcTarget


def connection_string(driver: OdbcDriver, target: OdbcTarget) -> str:
    """The connection string for a driver. It contains the password: do not log it.

    :param driver: the driver that will read it.
    :param target: where and how to connect.
    :raises DriverCannot: the driver does not support an option, or a value cannot be sent to it safely.
    """
    family = driver.family.rules
    family.check(driver.label, target)
    if target.dsn is None:
        check_host(target.host)
        check_lookup_name("driver", driver.name)
        parts = [f"DRIVER={{{driver.name}}}"]
    else:
        check_lookup_name("dsn", target.dsn)
        # Without braces, which older driver managers take for a part of the name.
        parts = [f"DSN={target.dsn}"]
    for keyword, value, field in family.pairs(target):
        if field:
            check_text(field, value)
        parts.append(f"{keyword}={family.quote(field, value)}")
    return ";".join(parts) + ";"


def connect_environment(driver: OdbcDriver, target: OdbcTarget) -> dict[str, str] | None:
    """The environment variables that must be set while this driver connects; creates the files that they name.

    :return: the variables. None: the driver reads no variable that another connection might set differently.
    :raises MissingFile: a keytab or a file of certificates cannot be read.
    :raises OSError: a file cannot be written.
    :raises ValueError: the file contains no certificate, or the principal has no realm.
    :raises UnsafeFolder: there is no safe folder for the files.
    """
    variables = driver.family.rules.environment(target)
    if target.is_trusted:
        return variables | kerberos_environment(target.kerberos)
    return variables or None
