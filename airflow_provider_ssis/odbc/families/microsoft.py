"""Microsoft's ODBC drivers for SQL Server (17, 18 and the library inside ``mssql-python-odbc``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from airflow_provider_ssis.odbc.families.base import Family, Pair, database_and_login
from airflow_provider_ssis.odbc.field_values import needs_braces
from airflow_provider_ssis.odbc.target import DriverCannot, Encrypt, OdbcTarget
from airflow_provider_ssis.odbc.trust import CERTIFICATES_VARIABLE, certificate_bundle


class Microsoft(Family):
    """Rules of Microsoft's drivers (Microsoft Learn, "DSN and Connection String Keywords and Attributes")."""

    missing: ClassVar[str] = (
        "Microsoft's ODBC driver for SQL Server is not installed on this machine, and this connection needs it. "
        "Install the extra that contains it (pip install 'airflow-provider-ssis[msodbc]'), or Microsoft's package "
        "msodbcsql18."
    )

    def owns(self, name: str) -> bool:
        return "msodbcsql" in name.lower() or _REGISTERED_NAME.fullmatch(name.lower()) is not None

    def check(self, label: str, target: OdbcTarget) -> None:
        if target.user is not None and "\\" in target.user:
            raise DriverCannot(
                f"{label} does not support NTLM, so it cannot log in as {target.user!r} with a password. Use FreeTDS "
                "(Debian, Ubuntu: apt-get install tdsodbc), or Kerberos with a keytab."
            )

    def pairs(self, target: OdbcTarget) -> Iterator[Pair]:
        # The driver ignores PORT; the port follows the host.
        if target.dsn is None:
            yield "SERVER", target.host if target.port is None else f"{target.host},{target.port}", "host"
        yield from database_and_login(target)
        if target.encrypt is not None:
            yield "Encrypt", target.encrypt.value, ""
        if target.trust_server_certificate:
            yield "TrustServerCertificate", "yes", ""
        if target.host_name_in_certificate:
            yield "HostnameInCertificate", target.host_name_in_certificate, "host_name_in_certificate"
        if target.application_name:
            yield "APP", target.application_name, "application_name"
        if target.application_intent:
            yield "ApplicationIntent", target.application_intent, ""
        if target.multi_subnet_failover is not None:
            yield "MultiSubnetFailover", "yes" if target.multi_subnet_failover else "no", ""
        if target.connect_retry_count is not None:
            yield "ConnectRetryCount", str(target.connect_retry_count), ""
        if target.connect_retry_interval is not None:
            yield "ConnectRetryInterval", str(target.connect_retry_interval), ""

    def quote(self, field: str, value: str) -> str:
        # A comma separates host and port and needs no braces there.
        if field == "host" or not needs_braces(value):
            return value
        return "{" + value.replace("}", "}}") + "}"

    def environment(self, target: OdbcTarget) -> dict[str, str]:
        may_verify = target.encrypt is not Encrypt.NO and not target.trust_server_certificate
        if target.trusted_certificates is None or not may_verify:
            return {}
        return {CERTIFICATES_VARIABLE: str(certificate_bundle(target.trusted_certificates))}


_REGISTERED_NAME = re.compile(r"odbc driver \d+(?:\.\d+)? for sql server")
