"""Where and how a driver connects, independent of the driver."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_provider_ssis.odbc.kerberos import NO_KEYTAB, KerberosTarget


class DriverCannot(ValueError):
    """The driver does not support what the target asks for. The message names an alternative."""


class Encrypt(Enum):
    """Encryption of the connection: none, TLS inside TDS, or TLS from the first byte (TDS 8.0)."""

    NO = "no"
    YES = "yes"
    STRICT = "strict"


@dataclass(frozen=True, slots=True)
class OdbcTarget:
    """Server, identity and connection options. An option of None is left to the driver's default.

    :param host: name or address of the server, ``host\\instance`` for a named instance. Not needed with ``dsn``.
    :param port: TCP port. None: the driver uses 1433, or asks the SQL Server Browser for a named instance.
    :param dsn: a data source of the driver manager. Options given here override those of the data source.
    :param database: initial database.
    :param user: SQL login, or ``DOMAIN\\user`` for NTLM. None for Kerberos or an access token.
    :param password: password of ``user``.
    :param kerberos: source of the Kerberos identity, used if neither a user nor a token is given.
    :param has_token: the driver receives an access token, so no login is sent.
    :param server_spn: the server's service principal, if it cannot be derived from host and port.
    :param encrypt: encryption, on by default. None: as the data source says.
    :param trust_server_certificate: accept any certificate. For trusted networks only.
    :param trusted_certificates: file with certificates to trust in addition to the machine's own.
    :param host_name_in_certificate: the name in the server's certificate, if it differs from ``host``.
    :param application_name: program name in the server's session lists.
    :param application_intent: ``ReadWrite`` or ``ReadOnly``, for an availability group's listener.
    :param multi_subnet_failover: try all addresses of an availability group's listener at once.
    :param connect_retry_count: how often the driver reconnects an idle connection that broke.
    :param connect_retry_interval: seconds between two such attempts.
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
        """The server or data source, for messages."""
        if self.dsn is not None:
            return f"the data source {self.dsn}"
        return self.host if self.port is None else f"{self.host}, port {self.port}"

    @property
    def is_trusted(self) -> bool:
        """Whether the driver logs in with the Kerberos identity of the process."""
        return self.user is None and not self.has_token

    @property
    def is_verified(self) -> bool:
        """Whether the driver must check the server's certificate."""
        return self.encrypt in (Encrypt.YES, Encrypt.STRICT) and not self.trust_server_certificate
