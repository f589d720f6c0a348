"""ODBC connection strings for SQL Server, each driver family in its own words, every value quoted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from airflow_provider_ssis.odbc.drivers import DriverFamily, OdbcDriver
from airflow_provider_ssis.odbc.kerberos import NO_KEYTAB, KerberosTarget, kerberos_environment
from airflow_provider_ssis.odbc.trust import (
    CERTIFICATES_VARIABLE,
    FREETDS_SERVER,
    certificate_bundle,
    freetds_configuration,
)


class DriverCannot(ValueError):
    """The driver cannot do what is asked for: the message says what can."""


class Encrypt(Enum):
    """Encryption of the connection: none, TLS inside TDS, or TLS from the first byte (TDS 8.0)."""

    NO = "no"
    YES = "yes"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class OdbcTarget:
    """Where to connect, as whom and how. What is None is left out, so that the driver's own default holds.

    :param host: name or address of the server; ``host\\instance`` for a named instance. Not needed with ``dsn``.
    :param port: TCP port; None lets the driver take 1433 or ask the SQL Server Browser for a named instance.
    :param dsn: a data source of the driver manager, which says the rest; what is given here goes before it.
    :param database: database to start in.
    :param user: SQL login, or ``DOMAIN\\user`` for NTLM; None for Kerberos or an access token.
    :param password: of ``user``.
    :param kerberos: where the Kerberos identity comes from, if neither a user nor a token is given.
    :param has_token: an access token is handed to the driver, which needs no login then.
    :param server_spn: the server's service principal, where its host and port do not tell it.
    :param encrypt: encryption, on by default; None lets the data source say.
    :param trust_server_certificate: accept any certificate: only where the network is trusted.
    :param trusted_certificates: file with certificates to trust beside those that this machine trusts.
    :param host_name_in_certificate: the name that the certificate must carry when it is not ``host``.
    :param application_name: what the server's session lists show.
    :param application_intent: ``ReadWrite`` or ``ReadOnly`` for an availability group's listener.
    :param multi_subnet_failover: try all addresses of an availability group's listener at once.
    :param connect_retry_count: how often the driver opens an idle connection again that broke.
    :param connect_retry_interval: seconds between two such tries.
    """

    host: str = ""
    port: int | None = None
    dsn: str | None = None
    database: str | None = "SSISDB"
    user: str | None = None
    password: str | None = None
    kerberos: KerberosTarget = NO_KEYTAB
    has_token: bool = False
    server_spn: str | None = None
    encrypt: Encrypt | None = Encrypt.YES
    trust_server_certificate: bool = False
    trusted_certificates: str | None = None
    host_name_in_certificate: str | None = None
    application_name: str | None = None
    application_intent: str | None = None
    multi_subnet_failover: bool | None = None
    connect_retry_count: int | None = None
    connect_retry_interval: int | None = None

    def __repr__(self) -> str:
        # The generated one would show the password.
        where = f"{self.host!r}, port={self.port!r}" if self.dsn is None else f"dsn={self.dsn!r}"
        return f"OdbcTarget({where}, database={self.database!r}, user={self.user!r})"

    @property
    def label(self) -> str:
        """Where it is, for people."""
        if self.dsn is not None:
            return f"the data source {self.dsn}"
        return self.host if self.port is None else f"{self.host}, port {self.port}"

    @property
    def is_trusted(self) -> bool:
        """Whether the driver logs in with the Kerberos identity of the process."""
        return self.user is None and not self.has_token

    @property
    def is_verified(self) -> bool:
        """Whether the server's certificate is to be checked."""
        return self.encrypt in (Encrypt.YES, Encrypt.STRICT) and not self.trust_server_certificate


def connection_string(driver: OdbcDriver, target: OdbcTarget) -> str:
    """The connection string for a driver. It holds the password: do not log it.

    :param driver: the driver that will read it.
    :param target: where to connect.
    :raises DriverCannot: this driver cannot do what the target asks for.
    """
    is_freetds = driver.family is DriverFamily.FREETDS
    _refuse_what_it_cannot(driver, target)
    keywords = _freetds(target) if is_freetds else _microsoft(target)
    quoted = quote_for_freetds if is_freetds else quote
    # The driver manager reads DRIVER and DSN itself, by the standard's rule.
    first = f"DRIVER={quote(driver.name)}" if target.dsn is None else f"DSN={quote(target.dsn)}"
    return ";".join([first, *(f"{keyword}={quoted(value)}" for keyword, value in keywords)]) + ";"


def connect_environment(driver: OdbcDriver, target: OdbcTarget) -> dict[str, str] | None:
    """What must be in the environment while this driver connects to this target; files that it names are made.

    :return: the variables; None where the driver looks at none that other connections may want otherwise.
    :raises OSError: a keytab or a file of certificates cannot be read.
    :raises ValueError: there is no certificate in the file, or the principal has no realm.
    :raises UnsafeFolder: there is no safe place for files.
    """
    variables: dict[str, str] = {}
    if driver.family is DriverFamily.FREETDS:
        if _is_in_a_file(target):
            path = freetds_configuration(target.host, target.port, target.trusted_certificates)
            variables["FREETDSCONF"] = str(path)
    elif target.trusted_certificates is not None and _may_verify(target):
        variables[CERTIFICATES_VARIABLE] = str(certificate_bundle(target.trusted_certificates))
    if target.is_trusted:
        return variables | kerberos_environment(target.kerberos)
    return variables or None


def _may_verify(target: OdbcTarget) -> bool:
    """Whether the certificate is checked, or may be where a data source says how to encrypt."""
    return target.encrypt is not Encrypt.NO and not target.trust_server_certificate


def quote(value: str) -> str:
    """A value as a connection string wants it: in braces where a character in it would mean something else.

    >>> quote("pass;word}")
    '{pass;word}}}'
    """
    return value if _is_plain(value) else "{" + value.replace("}", "}}") + "}"


def quote_for_freetds(value: str) -> str:
    """A value as FreeTDS reads it: its braces end at ``};``, and a brace inside is not doubled.

    :raises DriverCannot: the value holds ``};``, which FreeTDS cannot read in any form.
    """
    if "};" in value:
        raise DriverCannot(
            "FreeTDS cannot read a value with '};' in it. Change the password, or use Microsoft's driver."
        )
    return value if _is_plain(value) else "{" + value + "}"


def _is_plain(value: str) -> bool:
    return bool(value) and not set(value) & set("[]{}();?*=!@ ") and value.strip() == value


def _refuse_what_it_cannot(driver: OdbcDriver, target: OdbcTarget) -> None:
    if driver.family is DriverFamily.MICROSOFT:
        if target.user is not None and "\\" in target.user:
            raise DriverCannot(
                f"{driver.label} knows no NTLM here: a password of {target.user!r} cannot be used. Use FreeTDS "
                "(Debian, Ubuntu: apt-get install tdsodbc), or Kerberos with a keytab."
            )
        return
    if target.dsn is not None and (target.is_verified or target.trusted_certificates):
        # It reads no configuration file for a Server= in odbc.ini, and whether there is one shows only there.
        raise DriverCannot(
            f"FreeTDS checks no certificate for {target.label} by what stands here. Have it checked there: let "
            "Servername in odbc.ini name a section of freetds.conf with 'ca file', 'check certificate hostname = yes' "
            "and 'encryption = require', leave trusted_certificates empty and set trust_server_certificate to true, "
            "which leaves the check to that file. Or give host and port instead of the data source, or use Microsoft's "
            "driver in it."
        )
    for name, value in (
        ("access tokens of Entra ID", target.has_token),
        ("check of another host name in the certificate", target.host_name_in_certificate),
        ("multi-subnet failover", target.multi_subnet_failover),
        ("connection retries", target.connect_retry_count or target.connect_retry_interval),
    ):
        if value:
            raise DriverCannot(f"FreeTDS has no {name}. Use Microsoft's driver, or leave it out.")


def _microsoft(target: OdbcTarget) -> Iterator[tuple[str, str]]:
    # The driver ignores PORT=; the port stands behind the host, and it needs no braces there.
    if target.dsn is None:
        yield "SERVER", target.host if target.port is None else f"{target.host},{target.port}"
    yield from _database_and_login(target)
    if target.encrypt is not None:
        yield "Encrypt", target.encrypt.value
    if target.trust_server_certificate:
        yield "TrustServerCertificate", "yes"
    if target.host_name_in_certificate:
        yield "HostnameInCertificate", target.host_name_in_certificate
    if target.application_name:
        yield "APP", target.application_name
    if target.application_intent:
        yield "ApplicationIntent", target.application_intent
    if target.multi_subnet_failover is not None:
        yield "MultiSubnetFailover", "yes" if target.multi_subnet_failover else "no"
    if target.connect_retry_count is not None:
        yield "ConnectRetryCount", str(target.connect_retry_count)
    if target.connect_retry_interval is not None:
        yield "ConnectRetryInterval", str(target.connect_retry_interval)


_FREETDS_ENCRYPTION = {Encrypt.NO: "off", Encrypt.YES: "require", Encrypt.STRICT: "strict"}


def _is_in_a_file(target: OdbcTarget) -> bool:
    """Whether FreeTDS takes the server from a configuration file: without one it checks no certificate."""
    return target.is_verified and target.dsn is None


def _freetds(target: OdbcTarget) -> Iterator[tuple[str, str]]:
    if _is_in_a_file(target):
        yield "SERVERNAME", FREETDS_SERVER
    elif target.dsn is None:
        yield "SERVER", target.host
        if target.port is not None:
            yield "PORT", str(target.port)
    yield "TDS_Version", "7.4"
    yield "ClientCharset", "UTF-8"
    yield from _database_and_login(target)
    if target.encrypt is not None:
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
    elif target.is_trusted:
        yield "Trusted_Connection", "yes"
        if target.server_spn:
            yield "ServerSPN", target.server_spn
