"""Connects to the catalog with the fields of a connection, in Airflow or without it. Imports nothing of Airflow."""

from __future__ import annotations

import logging
import socket
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.errors import DriverMissing, ServerUnreachable
from airflow_provider_ssis.catalog.errors.driver_errors import connect_error
from airflow_provider_ssis.catalog.retries import RetryPolicy
from airflow_provider_ssis.catalog.session import prepare
from airflow_provider_ssis.hooks.connection_fields import ConnectionFields
from airflow_provider_ssis.hooks.entra import access_token, as_attribute
from airflow_provider_ssis.hooks.extra import DriverUnsuitable, InvalidConnection
from airflow_provider_ssis.hooks.server_name import server_name
from airflow_provider_ssis.hooks.settings import DATABASE, Settings, read_settings
from airflow_provider_ssis.odbc.connection_string import connect_environment, connection_string
from airflow_provider_ssis.odbc.driver_environment import driver_environment
from airflow_provider_ssis.odbc.drivers import (
    DriverPathNotAllowed,
    OdbcDriver,
    OdbcDriverMissing,
    driver_of_data_source,
    find_driver,
)
from airflow_provider_ssis.odbc.failover import partner_of
from airflow_provider_ssis.odbc.field_values import UnsafeValue
from airflow_provider_ssis.odbc.input_files import FILE_ADVICE, UnreadableFile
from airflow_provider_ssis.odbc.private_files import UnsafeFolder
from airflow_provider_ssis.odbc.target import DriverCannot, Encrypt, OdbcTarget

if TYPE_CHECKING:
    import pyodbc

    from airflow_provider_ssis.catalog.client import Catalog

_log = logging.getLogger(__name__)


class CatalogConnector:
    """Opens connections and clients of the catalog: what the hook and :class:`StandaloneConnector` share."""

    connection: ConnectionFields
    # Arguments of Airflow's ODBC hook; None without Airflow.
    _driver: str | None = None
    _database: str | None = None
    _dsn: str | None = None
    _connect_kwargs: dict[str, Any] | None = None

    @property
    def _conn_id(self) -> str:
        """The connection's id, for messages."""
        return self.connection.conn_id or ""

    @property
    def _allow_driver_path(self) -> bool:
        """Whether the driver may be the path of a library."""
        return False

    @property
    def _default_retry(self) -> RetryPolicy:
        return RetryPolicy()

    def _warn(self, text: str, *values: object) -> None:
        _log.warning(text, *values)

    @cached_property
    def settings(self) -> Settings:
        """The connection's settings, checked.

        :raises InvalidConnection: a field is missing, unknown or invalid.
        """
        settings = read_settings(self.connection)
        host = server_name(settings.target.host, conn_id=self._conn_id)
        return replace(settings, target=replace(settings.target, host=host))

    @cached_property
    def odbc_driver(self) -> OdbcDriver:
        """The ODBC driver in use: an installed one, or any library if ``[ssis] allow_driver_path`` is True.

        :raises DriverMissing: no driver is installed, or none with the requested name or for the authentication.
        """
        try:
            if self.target.dsn is not None:
                return driver_of_data_source(self.target.dsn)
            return find_driver(
                self._driver or self.settings.driver,
                family=self.settings.authentication.way.family,
                allow_path=self._allow_driver_path,
            )
        except DriverPathNotAllowed as error:
            raise DriverMissing(
                str(error),
                advice="Use the name of an installed driver, or register the library in odbcinst.ini. To allow paths, "
                "set [ssis] allow_driver_path = True on every machine that connects: anyone who can edit connections "
                "can then load any library of the machine.",
            ) from None
        except OdbcDriverMissing as error:
            raise DriverMissing(str(error)) from None

    @property
    def driver(self) -> str:
        """The name of the ODBC driver in use, or the path of its library."""
        return self.odbc_driver.name

    @property
    def database(self) -> str:
        """The initial database."""
        return self._database or self.settings.target.database or DATABASE

    @property
    def target(self) -> OdbcTarget:
        """Server, identity and options: the connection's settings, with the hook's own database and data source."""
        target = replace(self.settings.target, database=self.database)
        return target if self._dsn is None else replace(target, dsn=self._dsn, host="", port=None)

    @property
    def odbc_connection_string(self) -> str:
        """The connection string. It contains the password: do not log it.

        :raises InvalidConnection: a field contains text that cannot be sent to the driver.
        :raises DriverUnsuitable: the driver does not support an option of the connection.
        """
        return self._string_for(self.target)

    @property
    def connect_kwargs(self) -> dict[str, Any]:
        """Arguments for ``pyodbc.connect``: the connection's login timeout, the hook's own, and always autocommit.

        :raises InvalidConnection: the hook's argument contains something else, which pyodbc would append to the
            connection string unquoted.
        """
        own = self._connect_kwargs or {}
        unknown = sorted(set(own) - _CONNECT_PARAMETERS)
        if unknown:
            raise InvalidConnection(
                f"The hook argument connect_kwargs contains {', '.join(map(repr, unknown))}",
                advice=f"Only {', '.join(sorted(_CONNECT_PARAMETERS))} are allowed there. Use the fields of the "
                "connection for everything else.",
            )
        return {"timeout": self.settings.login_timeout, **own, "autocommit": True}

    def get_conn(self) -> pyodbc.Connection:
        """Open a connection, to the failover partner if the server cannot be reached.

        :return: a pyodbc connection in autocommit mode, with the connection's query timeout.
        :raises InvalidConnection: a field of the Airflow connection is missing or invalid.
        :raises DriverMissing: no usable ODBC driver is installed.
        :raises ServerUnreachable: the server does not answer.
        :raises TlsRefused: the server's certificate is not trusted, or client and server share no encryption.
        :raises LoginFailed: login or password is wrong.
        :raises KerberosFailed: there is no Kerberos ticket for the server.
        :raises TokenRefused: Entra ID issues no access token.
        :raises EntraUnreachable: Entra ID does not answer.
        :raises CatalogMissing: the server has no such database, or the login has no user in it.
        """
        target, partner = self.target, self.settings.failover_partner
        arguments = self._connect_arguments()
        try:
            return self._connect(target, arguments)
        except ServerUnreachable as error:
            if partner is None:
                raise
            self._warn("%s Connecting to the failover partner %s instead.", error, partner)
        return self._connect(partner_of(target, partner), arguments)

    def _connect_arguments(self) -> dict[str, Any]:
        """Arguments for ``pyodbc.connect``, with an access token if the authentication uses one."""
        arguments = self.connect_kwargs
        if self.settings.entra is None:
            return arguments
        token = as_attribute(access_token(self.settings.entra))
        return {**arguments, "attrs_before": {**arguments.get("attrs_before", {}), **token}}

    def _connect(self, target: OdbcTarget, arguments: dict[str, Any]) -> pyodbc.Connection:
        import pyodbc

        string = self._string_for(target)
        try:
            environment = connect_environment(self.odbc_driver, target)
        except UnreadableFile as error:
            raise InvalidConnection(
                f"The connection {self._conn_id!r} cannot be used on {socket.gethostname()}: {error}",
                advice=FILE_ADVICE,
            ) from None
        except (OSError, ValueError, UnsafeFolder) as error:
            raise InvalidConnection(f"The connection {self._conn_id!r} cannot be used: {error}") from None
        try:
            with driver_environment(environment):
                connection = pyodbc.connect(string, **arguments)
        except pyodbc.Error as error:
            refusal = connect_error(
                error,
                target=target.label,
                database=target.database,
                uses_kerberos=target.is_trusted,
                uses_ntlm="\\" in (target.user or ""),
                has_keytab=target.kerberos.keytab is not None,
                lacks_password=bool(target.user) and not target.password,
            )
            if target.encrypt is Encrypt.STRICT:
                refusal.advice += self.odbc_driver.family.rules.strict_encryption
        else:
            prepare(connection)
            connection.timeout = self.settings.query_timeout
            return connection
        refusal.server = target.label
        # Outside the except clause: the driver's exception as context would only repeat the text.
        raise refusal

    def _string_for(self, target: OdbcTarget) -> str:
        try:
            return connection_string(self.odbc_driver, target)
        except UnsafeValue as error:
            raise InvalidConnection(f"The connection {self._conn_id!r} cannot be used: {error}") from None
        except DriverCannot as error:
            raise DriverUnsuitable(f"The connection {self._conn_id!r} cannot be used: {error}") from None

    def open_catalog(self, *, retry: RetryPolicy | None = None, query_timeout: int = 0) -> Catalog:
        """Open a client of the catalog, a context manager that closes its connection at the end.

        If the connection breaks later, the client opens another one.

        :param retry: how to repeat calls after transient errors. Default: for ``[ssis] retry_timeout`` seconds; without
            Airflow for 60 seconds.
        :param query_timeout: seconds to wait for the result of a statement if the connection sets no query timeout.
            Default: 0, no limit.
        :raises ConnectError: one of the exceptions of :meth:`get_conn`.
        """
        # Imported late: it would be most of the hook's import time when DAGs are parsed.
        from airflow_provider_ssis.catalog.client import Catalog

        def connect() -> pyodbc.Connection:
            connection = self.get_conn()
            connection.timeout = self.settings.query_timeout or query_timeout
            return connection

        return Catalog(
            connect(),
            reconnect=connect,
            retry=retry or self._default_retry,
            server=self.target.label,
        )


class StandaloneConnector(CatalogConnector):
    """Opens connections and clients of the catalog without Airflow.

    :param connection: the fields of the connection.
    """

    def __init__(self, connection: ConnectionFields) -> None:
        self.connection = connection


_CONNECT_PARAMETERS = frozenset({"ansi", "attrs_before", "autocommit", "encoding", "readonly", "timeout"})
"""Parameters of ``pyodbc.connect`` that are not connection string keywords."""
