"""FreeTDS (https://www.freetds.org)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from airflow_provider_ssis.odbc.families.base import Family, Pair, database_and_login
from airflow_provider_ssis.odbc.field_values import UnsafeValue, braces_are_required, needs_braces
from airflow_provider_ssis.odbc.target import DriverCannot, Encrypt, OdbcTarget
from airflow_provider_ssis.odbc.trust import FREETDS_SERVER, freetds_configuration

_ENCRYPTION = {Encrypt.NO: "off", Encrypt.YES: "require", Encrypt.STRICT: "strict"}


class FreeTds(Family):
    """Rules of FreeTDS (User Guide, chapters "Connection attributes" and "The freetds.conf file")."""

    missing: ClassVar[str] = (
        "FreeTDS is not installed on this machine, and this connection needs it. Install it (Debian, Ubuntu: apt-get "
        "install tdsodbc; Red Hat: dnf install freetds)."
    )
    strict_encryption: ClassVar[str] = " FreeTDS supports strict encryption from version 1.4."

    def owns(self, name: str) -> bool:
        return "freetds" in name.lower() or "tdsodbc" in name.lower()

    def check(self, label: str, target: OdbcTarget) -> None:
        if target.dsn is not None and (target.is_verified or target.trusted_certificates):
            # FreeTDS reads no freetds.conf for a Server= in odbc.ini, and only odbc.ini says which of the two it is.
            raise DriverCannot(
                f"FreeTDS cannot check the certificate for {target.label} with the connection's own fields. Configure "
                "the check on the machine: let Servername in odbc.ini name a section of freetds.conf with 'ca file', "
                "'check certificate hostname = yes' and 'encryption = require', leave trusted_certificates empty and "
                "set trust_server_certificate to true, so that freetds.conf alone decides. Or give host and port "
                "instead of the data source, or use Microsoft's driver in it."
            )
        for name, value in (
            ("access tokens of Entra ID", target.has_token),
            ("a different host name in the certificate", target.host_name_in_certificate),
            ("multi-subnet failover", target.multi_subnet_failover),
            ("connection retries", target.connect_retry_count or target.connect_retry_interval),
        ):
            if value:
                raise DriverCannot(
                    f"FreeTDS does not support {name}. Use Microsoft's driver, or leave the field empty."
                )

    def pairs(self, target: OdbcTarget) -> Iterator[Pair]:
        if _server_is_in_a_file(target):
            yield "SERVERNAME", FREETDS_SERVER, ""
        elif target.dsn is None:
            yield "SERVER", target.host, "host"
            if target.port is not None:
                yield "PORT", str(target.port), ""
        yield "TDS_Version", "7.4", ""
        yield "ClientCharset", "UTF-8", ""
        yield from database_and_login(target)
        if target.encrypt is not None:
            yield "Encryption", _ENCRYPTION[target.encrypt], ""
        if target.application_name:
            yield "APP", target.application_name, "application_name"
        if target.application_intent:
            yield "ApplicationIntent", target.application_intent, ""

    def quote(self, field: str, value: str) -> str:
        # A brace inside braces: version 1.3 takes it as it is, later ones want it doubled. Without braces around the
        # value both take it as it is.
        if "}" not in value:
            return "{" + value + "}" if needs_braces(value) else value
        if braces_are_required(value):
            raise UnsafeValue(
                field,
                "contains '}' together with ';' or blanks at an end, or begins with '{', which the versions of FreeTDS "
                "read differently. Choose another value, or use Microsoft's driver.",
            )
        return value

    def environment(self, target: OdbcTarget) -> dict[str, str]:
        if not _server_is_in_a_file(target):
            return {}
        return {"FREETDSCONF": str(freetds_configuration(target.host, target.port, target.trusted_certificates))}


def _server_is_in_a_file(target: OdbcTarget) -> bool:
    """Whether the server's address goes into a freetds.conf: without one FreeTDS checks no certificate."""
    return target.is_verified and target.dsn is None
