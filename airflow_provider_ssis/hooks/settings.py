"""From an Airflow connection of type ``ssis`` to what the driver needs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from airflow_provider_ssis.hooks.entra import DEFAULT_SCOPE, EntraSettings
from airflow_provider_ssis.hooks.extra import Extra, boolean, host, one_of, whole_number
from airflow_provider_ssis.hooks.form import LONGEST_TIMEOUT
from airflow_provider_ssis.odbc.connection_string import Encrypt, OdbcTarget
from airflow_provider_ssis.odbc.kerberos import KerberosTarget, is_file_cache

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

DATABASE = "SSISDB"
LONGEST_APPLICATION_NAME = 128
DEFAULT_LOGIN_TIMEOUT = 15


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
    :param login_timeout: seconds to wait for the server to accept a connection, and for Entra ID to give a token.
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
    extra = Extra(connection.conn_id or "", connection.extra_dejson)
    authentication = extra.get("authentication", one_of({each.value: each for each in Authentication}))
    if authentication is None:
        authentication = _guessed(connection, has_keytab=extra.has("kerberos_keytab"))
    login_timeout = extra.get("login_timeout", whole_number(0, LONGEST_TIMEOUT))
    if login_timeout is None:
        login_timeout = DEFAULT_LOGIN_TIMEOUT
    settings = Settings(
        target=_target(connection, extra, authentication),
        authentication=authentication,
        entra=_entra(connection, extra, authentication, login_timeout),
        driver=extra.get("driver", str),
        failover_partner=extra.get("failover_partner", host),
        login_timeout=login_timeout,
        query_timeout=extra.get("query_timeout", whole_number(0, LONGEST_TIMEOUT)) or 0,
    )
    extra.refuse_unknown()
    for complaint, advice in _complaints(connection, extra, settings):
        raise extra.invalid(complaint, advice)
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


def _target(connection: Connection, extra: Extra, authentication: Authentication) -> OdbcTarget:
    has_password = authentication in (Authentication.SQL, Authentication.NTLM)
    dsn = extra.get("data_source", str)
    return OdbcTarget(
        host=connection.host or "",
        # The form cannot leave it empty and be tested.
        port=connection.port or None,
        dsn=dsn,
        database=connection.schema or DATABASE,
        user=connection.login or None if has_password else None,
        password=connection.password if has_password else None,
        kerberos=KerberosTarget(
            principal=connection.login or None if authentication is Authentication.KERBEROS else None,
            keytab=extra.get("kerberos_keytab", str),
            ticket_cache=extra.get("kerberos_ccache", str),
        ),
        has_token=authentication.is_entra,
        server_spn=extra.get("server_spn", str),
        encrypt=extra.get("encrypt", one_of(_ENCRYPT)) or (Encrypt.YES if dsn is None else None),
        trust_server_certificate=extra.get("trust_server_certificate", boolean) or False,
        trusted_certificates=extra.get("trusted_certificates", str),
        host_name_in_certificate=extra.get("host_name_in_certificate", str),
        application_name=(extra.get("application_name", str) or application_name())[:LONGEST_APPLICATION_NAME],
        application_intent=extra.get("application_intent", one_of(_INTENT)),
        multi_subnet_failover=extra.get("multi_subnet_failover", boolean),
        connect_retry_count=extra.get("connect_retry_count", whole_number(0, 255)),
        connect_retry_interval=extra.get("connect_retry_interval", whole_number(1, 60)),
    )


def _entra(connection: Connection, extra: Extra, authentication: Authentication, timeout: int) -> EntraSettings | None:
    found = EntraSettings(
        kind=authentication.value,
        client_id=connection.login or None,
        secret=connection.password or None,
        tenant_id=extra.get("tenant_id", str),
        certificate=extra.get("client_certificate", str),
        token_file=extra.get("federated_credential_file", str),
        authority=extra.get("entra_authority", str),
        scope=extra.get("entra_scope", str) or DEFAULT_SCOPE,
        timeout=timeout,
    )
    return found if authentication.is_entra else None


def _complaints(connection: Connection, extra: Extra, settings: Settings) -> Iterator[tuple[str, str]]:
    """What is missing, what does not go together, and what would be left out in silence; and what to do about each."""
    target, authentication = settings.target, settings.authentication
    if not connection.host and target.dsn is None:
        yield "names no host", "Enter the server's name as its host, or the name of a data source."
    if target.dsn is not None and (connection.host or connection.port):
        yield "names both a server and a data source", "Leave one of them out."
    if target.dsn is not None and settings.failover_partner is not None:
        yield (
            "names both a failover partner and a data source, which says itself where to connect",
            "Leave the partner out, or give host and port instead of the data source.",
        )
    if target.dsn is not None and settings.driver is not None:
        yield (
            "names both a driver and a data source, which names its own",
            "Leave the driver out, or give host and port instead of the data source.",
        )
    if target.encrypt is Encrypt.STRICT and target.trust_server_certificate:
        yield (
            "asks for strict encryption and trusts any certificate, which cannot both be",
            "Strict encryption always checks: name the certificate in trusted_certificates instead.",
        )
    unchecked = "trust_server_certificate" if target.trust_server_certificate else "encrypt=no"
    if target.trust_server_certificate or target.encrypt is Encrypt.NO:
        for name in filter(extra.has, ("trusted_certificates", "host_name_in_certificate")):
            yield (
                f"has an extra field {name!r}, but with {unchecked} no certificate is checked",
                f"Leave {name} empty, or have the certificate checked: encrypt=yes, without trust_server_certificate.",
            )
    yield from _complaints_about_login(connection, settings)
    for name, uses in _USES.items():
        if authentication not in uses and extra.has(name):
            yield (
                f"has an extra field {name!r}, for which the authentication {authentication.value} has no use",
                "Leave it empty, or choose another authentication.",
            )


def _complaints_about_login(connection: Connection, settings: Settings) -> Iterator[tuple[str, str]]:
    login, password = connection.login, connection.password
    match settings.authentication:
        case Authentication.SQL if not login:
            yield "has no login", "Enter the SQL login, or choose another authentication."
        case Authentication.SQL if "\\" in (login or ""):
            yield (
                f"has the login {login!r}, which is a Windows account and no SQL login",
                "Choose the authentication ntlm, or leave it empty; for a SQL login, enter its name alone.",
            )
        case Authentication.NTLM if "\\" not in (login or ""):
            yield "needs a Windows account for NTLM", "Enter it as login, as DOMAIN\\user."
        case Authentication.KERBEROS if password:
            yield (
                "has a password, for which Kerberos has no use",
                (
                    "For Kerberos, leave the password empty and give a keytab (kerberos_keytab), or have a ticket got "
                    "before; for a SQL login, enter its name as login."
                ),
            )
        case Authentication.KERBEROS if login and settings.target.kerberos.keytab is None:
            yield (
                f"has the login {login!r}, but Kerberos takes the identity of the ticket",
                "Leave the login empty, or give a keytab (kerberos_keytab) that has its key.",
            )
        case Authentication.KERBEROS if login and not is_file_cache(settings.target.kerberos.ticket_cache or ""):
            yield (
                f"has the login {login!r} and a ticket cache that is no file, so that nothing ties it to that login",
                (
                    "Name a file in kerberos_ccache (FILE:/...), or leave it empty for one of this principal alone; or "
                    "leave the login empty, for the keytab's first principal."
                ),
            )
        case Authentication.ENTRA_MANAGED_IDENTITY | Authentication.ENTRA_WORKLOAD_IDENTITY if password:
            yield (
                "has a password, for which a managed or workload identity has no use",
                "Leave the password empty, or choose entra_service_principal.",
            )
        case Authentication.ENTRA_SERVICE_PRINCIPAL if not (login and settings.entra and settings.entra.tenant_id):
            yield (
                "needs an application and its tenant for entra_service_principal",
                "Enter the application's (client) id as login, and tenant_id.",
            )
        case Authentication.ENTRA_SERVICE_PRINCIPAL if not (
            password or (settings.entra and settings.entra.certificate)
        ):
            yield (
                "has neither a secret nor a certificate of the application",
                "Enter the client secret as password, or name a file in client_certificate.",
            )


_ENTRA = frozenset(each for each in Authentication if each.is_entra)
_USES: dict[str, frozenset[Authentication]] = {
    **dict.fromkeys(("kerberos_keytab", "kerberos_ccache", "server_spn"), frozenset({Authentication.KERBEROS})),
    "entra_scope": _ENTRA,
    "entra_authority": _ENTRA - {Authentication.ENTRA_MANAGED_IDENTITY},
    "tenant_id": _ENTRA - {Authentication.ENTRA_MANAGED_IDENTITY},
    "client_certificate": frozenset({Authentication.ENTRA_SERVICE_PRINCIPAL}),
    "federated_credential_file": frozenset({Authentication.ENTRA_WORKLOAD_IDENTITY}),
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
_INTENT = {each.lower(): each for each in ("ReadWrite", "ReadOnly")}
