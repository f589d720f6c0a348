"""ODBC connection strings for SQL Server, each driver family in its own words, every value quoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver


class Encrypt(Enum):
    """Encryption of the connection: none, TLS inside TDS, or TLS from the first byte (TDS 8.0)."""

    NO = "no"
    YES = "yes"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class OdbcTarget:
    """Where to connect, as whom and how. What is None is left out, so that the driver's own default holds.

    :param host: name or address of the server; ``host\\instance`` for a named instance.
    :param port: TCP port; None lets the driver take 1433 or ask the SQL Server Browser for a named instance.
    :param database: database to start in.
    :param user: SQL login; None asks for a trusted connection (Kerberos).
    :param encrypt: encryption, on by default.
    :param trust_server_certificate: accept any certificate: only where the network is trusted.
    :param host_name_in_certificate: the name that the certificate must carry when it is not ``host``.
    :param server_certificate: file with the one certificate to accept (Microsoft's driver, ``strict`` only).
    :param application_name: what the server's session lists show.
    :param application_intent: ``ReadWrite`` or ``ReadOnly`` for an availability group's listener.
    :param multi_subnet_failover: try all addresses of an availability group's listener at once.
    """

    host: str
    port: int | None = None
    database: str | None = "SSISDB"
    user: str | None = None
    password: str | None = None
    encrypt: Encrypt = Encrypt.YES
    trust_server_certificate: bool = False
    host_name_in_certificate: str | None = None
    server_certificate: str | None = None
    application_name: str | None = None
    application_intent: str | None = None
    multi_subnet_failover: bool | None = None

    def __repr__(self) -> str:
        # The generated one would show the password.
        return f"OdbcTarget({self.host!r}, port={self.port!r}, database={self.database!r}, user={self.user!r})"


def connection_string(driver: OdbcDriver, target: OdbcTarget) -> str:
    """The connection string for a driver. It holds the password: do not log it.

    :param driver: the driver that will read it.
    :param target: where to connect.
    :raises ValueError: a value that this driver cannot read in any form.
    """
    freetds = driver.family is DriverFamily.FREETDS
    keywords = _freetds(target) if freetds else _microsoft(target)
    quoted = quote_for_freetds if freetds else quote
    # The driver manager reads DRIVER itself, by the standard's rule.
    return (
        ";".join([f"DRIVER={quote(driver.name)}", *(f"{keyword}={quoted(value)}" for keyword, value in keywords)]) + ";"
    )


def quote(value: str) -> str:
    """A value as a connection string wants it: in braces where a character in it would mean something else.

    >>> quote("pass;word}")
    '{pass;word}}}'
    """
    return value if _is_plain(value) else "{" + value.replace("}", "}}") + "}"


def quote_for_freetds(value: str) -> str:
    """A value as FreeTDS reads it: its braces end at ``};``, and a brace inside is not doubled.

    :raises ValueError: the value holds ``};``, which FreeTDS cannot read in any form.
    """
    if "};" in value:
        raise ValueError("FreeTDS cannot read a value with '};' in it. Change the password, or use Microsoft's driver.")
    return value if _is_plain(value) else "{" + value + "}"


def _is_plain(value: str) -> bool:
    return bool(value) and not set(value) & set("[]{}();?*=!@ ") and value.strip() == value


def _microsoft(target: OdbcTarget) -> Iterator[tuple[str, str]]:
    # The driver ignores PORT=; the port stands behind the host, and it needs no braces there.
    yield "SERVER", target.host if target.port is None else f"{target.host},{target.port}"
    yield from _database_and_login(target)
    if target.user is None:
        yield "Trusted_Connection", "yes"
    yield "Encrypt", target.encrypt.value
    if target.trust_server_certificate:
        yield "TrustServerCertificate", "yes"
    if target.host_name_in_certificate:
        yield "HostnameInCertificate", target.host_name_in_certificate
    if target.server_certificate:
        yield "ServerCertificate", target.server_certificate
    if target.application_name:
        yield "APP", target.application_name
    if target.application_intent:
        yield "ApplicationIntent", target.application_intent
    if target.multi_subnet_failover is not None:
        yield "MultiSubnetFailover", "yes" if target.multi_subnet_failover else "no"


_FREETDS_ENCRYPTION = {Encrypt.NO: "off", Encrypt.YES: "require", Encrypt.STRICT: "strict"}


def _freetds(target: OdbcTarget) -> Iterator[tuple[str, str]]:
    yield "SERVER", target.host
    if target.port is not None:
        yield "PORT", str(target.port)
    yield "TDS_Version", "7.4"
    yield "ClientCharset", "UTF-8"
    yield from _database_and_login(target)
    yield "Encryption", _FREETDS_ENCRYPTION[target.encrypt]
    if target.application_name:
        yield "APP", target.application_name
    if target.application_intent:
        yield "ApplicationIntent", target.application_intent


def _database_and_login(target: OdbcTarget) -> Iterator[tuple[str, str]]:
    if target.database:
        yield "DATABASE", target.database
    if target.user is not None:
        yield "UID", target.user
        yield "PWD", target.password or ""
