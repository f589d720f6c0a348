"""From an Airflow connection of type ``ssis`` to what the driver needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_ssis.catalog.errors import ConnectError
from airflow_provider_ssis.hooks.entra import DEFAULT_SCOPE, EntraSettings
from airflow_provider_ssis.odbc.connection_string import Encrypt, OdbcTarget
from airflow_provider_ssis.odbc.kerberos import KerberosTarget

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

DATABASE = "SSISDB"
LONGEST_APPLICATION_NAME = 128
DEFAULT_LOGIN_TIMEOUT = 15

Value = TypeVar("Value")


class InvalidConnection(ConnectError):
    """The Airflow connection does not say what it must, or says something that nothing understands."""


class Authentication(Enum):
    """How a connection proves who it is."""

    SQL = "sql"
    """Name and password of a SQL login."""
    KERBEROS = "kerberos"
    """A Windows identity by a Kerberos ticket: one that is there already, or one got with a keytab."""
    NTLM = "ntlm"
    """A Windows identity by its password."""
    ENTRA_SERVICE_PRINCIPAL = "entra_service_principal"
    """An application of Entra ID by its secret or certificate."""
    ENTRA_MANAGED_IDENTITY = "entra_managed_identity"
    """The identity that Azure gives to the machine."""
    ENTRA_WORKLOAD_IDENTITY = "entra_workload_identity"
    """An application of Entra ID by the token that Kubernetes gives to the pod."""

    @property
    def is_entra(self) -> bool:
        """Whether an access token of Entra ID proves it."""
        return self.value.startswith("entra_")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a connection says.

    :param target: where to connect, as whom and how.
    :param authentication: how to prove who it is.
    :param entra: where access tokens come from; None where none are needed.
    :param driver: name of the ODBC driver, None for the preferred one of those that can do it.
    :param failover_partner: the server to try when ``target`` cannot be reached.
    :param login_timeout: seconds to wait for the server to accept a connection.
    :param query_timeout: seconds to wait for the answer to a statement; 0 for no limit.
    """

    target: OdbcTarget
    authentication: Authentication
    entra: EntraSettings | None
    driver: str | None
    failover_partner: str | None
    login_timeout: int
    query_timeout: int


def read_settings(connection: Connection) -> Settings:
    """What a connection says, checked.

    :param connection: an Airflow connection of type ``ssis``.
    :raises InvalidConnection: something is missing, unknown, or does not go together.
    """
    extra = _Extra(connection.conn_id or "", connection.extra_dejson)
    dsn = extra.get("dsn", str)
    if not connection.host and dsn is None:
        raise extra.invalid("names no host", "Enter the server's name as its host, or the name of a data source.")
    if dsn is not None and (connection.host or connection.port):
        raise extra.invalid("names both a server and a data source", "Leave one of them out.")
    authentication = extra.get("authentication", _one_of({each.value: each for each in Authentication}))
    if authentication is None:
        authentication = _guessed(connection, has_keytab=extra.get("kerberos_keytab", str) is not None)
    login, password = connection.login or None, connection.password or None
    _check_login(extra, authentication, login, password)
    has_password = authentication in (Authentication.SQL, Authentication.NTLM)
    encrypt = extra.get("encrypt", _one_of(_ENCRYPT))
    target = OdbcTarget(
        host=connection.host or "",
        port=connection.port,
        dsn=dsn,
        database=connection.schema or DATABASE,
        user=login if has_password else None,
        password=password if has_password else None,
        kerberos=KerberosTarget(
            principal=login if authentication is Authentication.KERBEROS else None,
            keytab=extra.get("kerberos_keytab", str),
            ticket_cache=extra.get("kerberos_ccache", str),
        ),
        has_token=authentication.is_entra,
        server_spn=extra.get("server_spn", str),
        encrypt=encrypt or (Encrypt.YES if dsn is None else None),
        trust_server_certificate=extra.get("trust_server_certificate", _boolean) or False,
        trusted_certificates=extra.get("trusted_certificates", str),
        host_name_in_certificate=extra.get("host_name_in_certificate", str),
        application_name=(extra.get("application_name", str) or application_name())[:LONGEST_APPLICATION_NAME],
        application_intent=extra.get(
            "application_intent", _one_of({each.lower(): each for each in ("ReadWrite", "ReadOnly")})
        ),
        multi_subnet_failover=extra.get("multi_subnet_failover", _boolean),
        connect_retry_count=extra.get("connect_retry_count", _whole_number(0, 255)),
        connect_retry_interval=extra.get("connect_retry_interval", _whole_number(1, 60)),
    )
    if target.encrypt is Encrypt.STRICT and target.trust_server_certificate:
        raise extra.invalid(
            "asks for strict encryption and trusts any certificate, which cannot both be",
            "Strict encryption always checks: name the certificate in trusted_certificates instead.",
        )
    if authentication is Authentication.KERBEROS and login is not None and target.kerberos.keytab is None:
        raise extra.invalid(
            f"has the login {login!r}, but Kerberos takes the identity of the ticket",
            "Leave the login empty, or give a keytab (kerberos_keytab) that has its key.",
        )
    login_timeout = extra.get("login_timeout", _whole_number(0))
    settings = Settings(
        target=target,
        authentication=authentication,
        entra=_entra(extra, authentication, login, password),
        driver=extra.get("driver", str),
        failover_partner=extra.get("failover_partner", _host),
        login_timeout=DEFAULT_LOGIN_TIMEOUT if login_timeout is None else login_timeout,
        query_timeout=extra.get("query_timeout", _whole_number(0)) or 0,
    )
    extra.refuse_unknown()
    for name, uses in _USES.items():
        if authentication not in uses and extra.has(name):
            raise extra.invalid(
                f"has an extra field {name!r}, for which the authentication {authentication.value} has no use",
                "Leave it empty, or choose another authentication.",
            )
    return settings


def application_name() -> str:
    """What the server's session lists show unless the connection says it: Airflow, and the task that runs."""
    # Airflow sets these for the process that runs a task.
    dag, task = os.environ.get("AIRFLOW_CTX_DAG_ID"), os.environ.get("AIRFLOW_CTX_TASK_ID")
    return f"Airflow {dag}.{task}" if dag and task else "Airflow"


def _guessed(connection: Connection, *, has_keytab: bool) -> Authentication:
    if not connection.login or has_keytab:
        return Authentication.KERBEROS
    # No SQL login has a backslash in its name.
    return Authentication.NTLM if "\\" in connection.login else Authentication.SQL


def _check_login(extra: _Extra, authentication: Authentication, login: str | None, password: str | None) -> None:
    """Refuse what would otherwise be left out in silence.

    :raises InvalidConnection: login or password is missing, or there is no use for it.
    """
    match authentication:
        case Authentication.SQL if login is None:
            raise extra.invalid("has no login", "Enter the SQL login, or choose another authentication.")
        case Authentication.NTLM if login is None or "\\" not in login:
            raise extra.invalid("needs a Windows account for NTLM", "Enter it as login, as DOMAIN\\user.")
        case Authentication.KERBEROS if password is not None:
            raise extra.invalid(
                "has a password, for which Kerberos has no use",
                "For Kerberos, leave the password empty and give a keytab (kerberos_keytab), or have a ticket got "
                "before; for a SQL login, enter its name as login.",
            )
        case Authentication.ENTRA_MANAGED_IDENTITY | Authentication.ENTRA_WORKLOAD_IDENTITY if password is not None:
            raise extra.invalid(
                "has a password, for which a managed or workload identity has no use",
                "Leave the password empty, or choose entra_service_principal.",
            )


def _entra(
    extra: _Extra, authentication: Authentication, login: str | None, password: str | None
) -> EntraSettings | None:
    found = EntraSettings(
        kind=authentication.value,
        client_id=login,
        secret=password,
        tenant_id=extra.get("tenant_id", str),
        certificate=extra.get("client_certificate", str),
        token_file=extra.get("federated_token_file", str),
        authority=extra.get("entra_authority", str),
        scope=extra.get("entra_scope", str) or DEFAULT_SCOPE,
    )
    if not authentication.is_entra:
        return None
    if authentication is Authentication.ENTRA_SERVICE_PRINCIPAL:
        if not (found.client_id and found.tenant_id):
            raise extra.invalid(
                "needs an application and its tenant for entra_service_principal",
                "Enter the application's (client) id as login, and tenant_id.",
            )
        if not (found.secret or found.certificate):
            raise extra.invalid(
                "has neither a secret nor a certificate of the application",
                "Enter the client secret as password, or name a file in client_certificate.",
            )
    return found


class _Extra:
    """The extra fields of a connection; remembers which were asked for."""

    def __init__(self, conn_id: str, fields: Mapping[str, Any]) -> None:
        self._conn_id = conn_id
        self._fields = {str(name).lower(): value for name, value in fields.items()}
        self._known: list[str] = []

    def get(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        self._known.append(name)
        if not self.has(name):
            return None
        value = self._fields[name]
        try:
            return read(value)
        except ValueError as error:
            raise self.invalid(
                f"has an extra field {name!r} that cannot be read: {error}", "Correct the field."
            ) from None

    def has(self, name: str) -> bool:
        """Whether the field is filled in."""
        return self._fields.get(name) not in (None, "")

    def invalid(self, what: str, advice: str) -> InvalidConnection:
        """The exception for something about this connection."""
        return InvalidConnection(f"The connection {self._conn_id!r} {what}", advice=advice)

    def refuse_unknown(self) -> None:
        # A misspelt field would otherwise be left out in silence, encryption for instance.
        unknown = sorted(set(self._fields) - set(self._known) - _OF_THE_BASE_HOOK)
        if unknown:
            raise self.invalid(
                f"has unknown extra fields: {', '.join(unknown)}", f"Known are: {', '.join(sorted(self._known))}."
            )


_OF_THE_BASE_HOOK = {
    "dialect",
    "escape_column_names",
    "escape_word_format",
    "insert_statement_format",
    "placeholder",
    "replace_statement_format",
    "sqlalchemy_scheme",
}
"""Extra fields that Airflow's hooks for SQL databases read themselves."""

_ENTRA = frozenset(each for each in Authentication if each.is_entra)
_USES: dict[str, frozenset[Authentication]] = {
    **dict.fromkeys(("kerberos_keytab", "kerberos_ccache", "server_spn"), frozenset({Authentication.KERBEROS})),
    "entra_scope": _ENTRA,
    "entra_authority": _ENTRA - {Authentication.ENTRA_MANAGED_IDENTITY},
    "tenant_id": _ENTRA - {Authentication.ENTRA_MANAGED_IDENTITY},
    "client_certificate": frozenset({Authentication.ENTRA_SERVICE_PRINCIPAL}),
    "federated_token_file": frozenset({Authentication.ENTRA_WORKLOAD_IDENTITY}),
}
"""Extra fields that only some identities have a use for; left out in silence they would hide a mistake."""

_ENCRYPT = {
    "yes": Encrypt.YES,
    "true": Encrypt.YES,
    "mandatory": Encrypt.YES,
    "no": Encrypt.NO,
    "false": Encrypt.NO,
    "optional": Encrypt.NO,
    "strict": Encrypt.STRICT,
}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _one_of(choices: Mapping[str, Value]) -> Callable[[Any], Value]:
    def read(value: Any) -> Value:
        word = str(value).strip().lower()
        if word not in choices:
            raise ValueError(f"it is one of {', '.join(choices)}")
        return choices[word]

    return read


_boolean = _one_of(_BOOLEANS)


def _host(value: Any) -> str:
    host, comma, port = str(value).partition(",")
    if not host.strip() or (comma and not port.strip().isdigit()):
        raise ValueError("it is HOST, HOST\\INSTANCE or HOST,PORT")
    return str(value)


def _whole_number(least: int, most: int | None = None) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise ValueError("it is a whole number") from None
        if number < least or (most is not None and number > most):
            raise ValueError(f"it is at least {least}" + ("" if most is None else f" and at most {most}"))
        return number

    return read
