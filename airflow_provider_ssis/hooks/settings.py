"""Reads an Airflow connection of type ``ssis``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.hooks.authentication import FIELDS_OF_SOME, Authentication
from airflow_provider_ssis.hooks.entra import DEFAULT_SCOPE, EntraSettings
from airflow_provider_ssis.hooks.extra import Extra, boolean, host, one_of, text, whole_number
from airflow_provider_ssis.hooks.form import LONGEST_TIMEOUT
from airflow_provider_ssis.odbc.field_values import UnsafeValue, check_characters
from airflow_provider_ssis.odbc.kerberos import KerberosTarget, is_file_cache
from airflow_provider_ssis.odbc.target import Encrypt, OdbcTarget

if TYPE_CHECKING:
    from airflow_provider_ssis.hooks.connection_fields import ConnectionFields

DATABASE = "SSISDB"
LONGEST_APPLICATION_NAME = 128
DEFAULT_LOGIN_TIMEOUT = 15
_TYPES = frozenset({"ssis", "mssql", "odbc", "generic"})
"""Types of Airflow connections that are read: our own, and those that may describe a SQL Server."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a connection.

    :param target: server, identity and connection options.
    :param authentication: the way of authentication.
    :param entra: source of access tokens; None if the authentication needs none.
    :param driver: name of the ODBC driver; None for the preferred driver that supports the authentication.
    :param failover_partner: the server to try when ``target`` cannot be reached.
    :param login_timeout: seconds to wait for the server to accept a connection, and for Entra ID to issue a token.
    :param query_timeout: seconds to wait for the result of a statement; 0 for no limit.
    """

    target: OdbcTarget
    authentication: Authentication
    entra: EntraSettings | None
    driver: str | None
    failover_partner: str | None
    login_timeout: int
    query_timeout: int


def read_settings(connection: ConnectionFields) -> Settings:
    """The settings of a connection, checked.

    :param connection: an Airflow connection of type ``ssis``.
    :raises InvalidConnection: the type is that of another system, or a field is missing, unknown or invalid, or
        contradicts another one.
    """
    extra = Extra.of(connection)
    # Connections of the command line, and those of JSON without a type, have none.
    kind = getattr(connection, "conn_type", None) or "ssis"
    # A URI may name a driver for SQLAlchemy too: mssql+pyodbc.
    if kind.partition("+")[0] not in _TYPES:
        raise extra.invalid(f"has the type {kind!r}, which is not for SQL Server", "Create one of the type 'ssis'.")
    for name, value in (
        ("host", connection.host),
        ("database", connection.schema),
        ("user", connection.login),
        ("password", connection.password),
    ):
        try:
            check_characters(name, value or "")
        except UnsafeValue as error:
            raise extra.invalid(f"cannot be used: {error}", "") from None
    authentication = extra.get("authentication", one_of({each.value: each for each in Authentication}))
    if authentication is None:
        authentication = _inferred(connection, has_keytab=extra.has("kerberos_keytab"))
    login_timeout = extra.get("login_timeout", whole_number(0, LONGEST_TIMEOUT))
    if login_timeout is None:
        login_timeout = DEFAULT_LOGIN_TIMEOUT
    settings = Settings(
        target=_target(connection, extra, authentication),
        authentication=authentication,
        entra=_entra(connection, extra, authentication, login_timeout),
        driver=extra.get("driver", text),
        failover_partner=extra.get("failover_partner", host),
        login_timeout=login_timeout,
        query_timeout=extra.get("query_timeout", whole_number(0, LONGEST_TIMEOUT)) or 0,
    )
    extra.refuse_unknown()
    for problem, advice in _problems(connection, extra, settings):
        raise extra.invalid(problem, advice)
    return settings


def application_name() -> str:
    """The default program name in the server's session lists: Airflow, and the running task if there is one."""
    # Airflow sets these for the process that runs a task.
    dag, task = os.environ.get("AIRFLOW_CTX_DAG_ID"), os.environ.get("AIRFLOW_CTX_TASK_ID")
    return f"Airflow {dag}.{task}" if dag and task else "Airflow"


def _inferred(connection: ConnectionFields, *, has_keytab: bool) -> Authentication:
    if not connection.login or has_keytab:
        return Authentication.KERBEROS
    # No SQL login has a backslash in its name.
    return Authentication.NTLM if "\\" in connection.login else Authentication.SQL


def _target(connection: ConnectionFields, extra: Extra, authentication: Authentication) -> OdbcTarget:
    has_password = authentication.way.sends_password
    dsn = extra.get("data_source", text)
    return OdbcTarget(
        host=connection.host or "",
        # 0 stands for no port: Airflow's form cannot test a connection without one.
        port=connection.port or None,
        dsn=dsn,
        database=connection.schema or DATABASE,
        user=connection.login or None if has_password else None,
        password=connection.password if has_password else None,
        kerberos=KerberosTarget(
            principal=connection.login or None if authentication is Authentication.KERBEROS else None,
            keytab=extra.get("kerberos_keytab", text),
            ticket_cache=extra.get("kerberos_ccache", text),
        ),
        has_token=authentication.way.takes_token,
        server_spn=extra.get("server_spn", text),
        encrypt=extra.get("encrypt", one_of(_ENCRYPT)) or (Encrypt.YES if dsn is None else None),
        trust_server_certificate=extra.get("trust_server_certificate", boolean) or False,
        trusted_certificates=extra.get("trusted_certificates", text),
        host_name_in_certificate=extra.get("host_name_in_certificate", text),
        application_name=(extra.get("application_name", text) or application_name())[:LONGEST_APPLICATION_NAME],
        application_intent=extra.get("application_intent", one_of(_INTENT)),
        multi_subnet_failover=extra.get("multi_subnet_failover", boolean),
        connect_retry_count=extra.get("connect_retry_count", whole_number(0, 255)),
        connect_retry_interval=extra.get("connect_retry_interval", whole_number(1, 60)),
    )


def _entra(
    connection: ConnectionFields, extra: Extra, authentication: Authentication, timeout: int
) -> EntraSettings | None:
    found = EntraSettings(
        kind=authentication.value,
        client_id=connection.login or None,
        secret=connection.password or None,
        tenant_id=extra.get("tenant_id", text),
        certificate=extra.get("client_certificate", text),
        token_file=extra.get("federated_credential_file", text),
        authority=extra.get("entra_authority", text),
        scope=extra.get("entra_scope", text) or DEFAULT_SCOPE,
        timeout=timeout,
    )
    return found if authentication.way.takes_token else None


def _problems(connection: ConnectionFields, extra: Extra, settings: Settings) -> Iterator[tuple[str, str]]:
    """Missing, contradictory and unused fields, each with advice."""
    target, authentication = settings.target, settings.authentication
    if not connection.host and target.dsn is None:
        advice = "Enter the server's name as host, or the name of a data source."
        if getattr(connection, "conn_type", None) == "":
            advice += " It has no type either: Airflow reads JSON as a URI in some places, such as .env files."
        yield "has no host", advice
    if target.dsn is not None and (connection.host or connection.port):
        yield "has both a server and a data source", "Remove one of them."
    if target.dsn is not None and settings.failover_partner is not None:
        yield (
            "has both a failover partner and a data source, which already defines the server",
            "Remove the failover partner, or give host and port instead of the data source.",
        )
    if target.dsn is not None and settings.driver is not None:
        yield (
            "has both a driver and a data source, which already defines its driver",
            "Remove the driver, or give host and port instead of the data source.",
        )
    if target.encrypt is Encrypt.STRICT and target.trust_server_certificate:
        yield (
            "has strict encryption together with trust_server_certificate, which exclude each other",
            "Strict encryption always checks the certificate: name it in trusted_certificates instead.",
        )
    unchecked = "trust_server_certificate" if target.trust_server_certificate else "encrypt=no"
    if target.trust_server_certificate or target.encrypt is Encrypt.NO:
        for name in filter(extra.has, ("trusted_certificates", "host_name_in_certificate")):
            yield (
                f"has the extra field {name!r}, but with {unchecked} no certificate is checked",
                f"Leave {name} empty, or turn the check on: encrypt=yes, without trust_server_certificate.",
            )
    yield from _login_problems(connection, settings)
    for name in sorted(filter(extra.has, FIELDS_OF_SOME - authentication.way.fields)):
        ways = ", ".join(each.value for each in Authentication if name in each.way.fields)
        yield (
            f"has the extra field {name!r}, which the authentication {authentication.value} does not use",
            f"Leave the field empty, or choose an authentication that uses it ({ways}).",
        )


def _login_problems(connection: ConnectionFields, settings: Settings) -> Iterator[tuple[str, str]]:
    login, password = connection.login, connection.password
    match settings.authentication:
        case Authentication.SQL if not login:
            yield "has no login", "Enter the SQL login, or choose another authentication."
        case Authentication.SQL if "\\" in (login or ""):
            yield (
                f"has the login {login!r}, which is a Windows account and not a SQL login",
                "Choose the authentication ntlm, or leave authentication empty. For a SQL login, enter its name only.",
            )
        case Authentication.NTLM if "\\" not in (login or ""):
            yield "has no Windows account as login, which NTLM needs", "Enter the login as DOMAIN\\user."
        case Authentication.KERBEROS if password:
            yield (
                "has a password, which Kerberos does not use",
                (
                    "For Kerberos, leave the password empty, and set kerberos_keytab or run kinit on the machine. For "
                    "a SQL login, enter its name as login."
                ),
            )
        case Authentication.KERBEROS if login and settings.target.kerberos.keytab is None:
            yield (
                f"has the login {login!r}, but Kerberos uses the identity of the existing ticket",
                "Leave the login empty, or set kerberos_keytab to a keytab with this principal's key.",
            )
        case Authentication.KERBEROS if login and not is_file_cache(settings.target.kerberos.ticket_cache or ""):
            yield (
                f"has the login {login!r} and a ticket cache that is not a file, whose principal cannot be checked",
                (
                    "Name a file in kerberos_ccache (FILE:/...), or leave it empty for a private cache of this "
                    "principal; or leave the login empty to use the keytab's first principal."
                ),
            )
        case Authentication.ENTRA_MANAGED_IDENTITY | Authentication.ENTRA_WORKLOAD_IDENTITY if password:
            yield (
                "has a password, which managed and workload identities do not use",
                "Leave the password empty, or choose entra_service_principal.",
            )
        case Authentication.ENTRA_SERVICE_PRINCIPAL if not (login and settings.entra and settings.entra.tenant_id):
            yield (
                "lacks the application or its tenant, which entra_service_principal needs",
                "Enter the application's client id as login, and its tenant as tenant_id.",
            )
        case Authentication.ENTRA_SERVICE_PRINCIPAL if not (
            password or (settings.entra and settings.entra.certificate)
        ):
            yield (
                "has neither a client secret nor a certificate, one of which entra_service_principal needs",
                "Enter the client secret as password, or set client_certificate to a file.",
            )


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
