"""The hook to the SSISDB catalog."""

from __future__ import annotations

import socket
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import DriverMissing, ServerUnreachable
from airflow_provider_ssis.catalog.errors.driver_errors import connect_error
from airflow_provider_ssis.catalog.session import RetryPolicy, prepare
from airflow_provider_ssis.hooks.connection_values import check_variable
from airflow_provider_ssis.hooks.entra import access_token, as_attribute
from airflow_provider_ssis.hooks.extra import DriverUnsuitable, InvalidConnection
from airflow_provider_ssis.hooks.form import field_behaviour, form_widgets
from airflow_provider_ssis.hooks.server_name import server_name
from airflow_provider_ssis.hooks.settings import DATABASE, Settings, read_settings
from airflow_provider_ssis.odbc.connection_string import connect_environment, connection_string
from airflow_provider_ssis.odbc.driver_environment import driver_environment
from airflow_provider_ssis.odbc.drivers import (
    DRIVER_MANAGER_ADVICE,
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

try:
    from airflow.providers.odbc.hooks.odbc import OdbcHook
except ModuleNotFoundError:
    raise
except ImportError as error:
    # OdbcHook imports pyodbc, whose own error does not say that the driver manager is missing.
    raise ImportError(DRIVER_MANAGER_ADVICE.format(reason=error)) from None

if TYPE_CHECKING:
    import pyodbc
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_ssis.catalog.client import Catalog


class SsisCatalogHook(OdbcHook):
    """Connects to the SSISDB catalog of a SQL Server.

    The other methods of an ODBC hook (``get_records``, ``run``) and the SQL operators work on the database SSISDB.
    Statements are not logged, because their parameters may be secrets.

    :param ssis_conn_id: id of a connection of type ``ssis``. Default: ``ssis_default``.
    :param driver: name of an installed ODBC driver. Default: the connection's, else Microsoft's newest, else FreeTDS.
    :param database: initial database. Default: the connection's, else SSISDB.
    :param kwargs: passed to ``OdbcHook``. ``connect_kwargs`` may contain the parameters of ``pyodbc.connect`` only
        (``ansi``, ``attrs_before``, ``encoding``, ``readonly``, ``timeout``), and no connection string keywords.
    """

    conn_name_attr = "ssis_conn_id"
    default_conn_name = "ssis_default"
    conn_type = "ssis"
    hook_name = "SQL Server Integration Services"
    _placeholder = "?"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("log_sql", False)
        super().__init__(*args, **kwargs)

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The connection's extra fields, for the form of Airflow before 3.2 (see ``hooks.form``)."""
        return form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Labels of the connection's standard fields, for the form of Airflow before 3.2."""
        return field_behaviour()

    @classmethod
    def of(cls, connection: Connection, **kwargs: Any) -> Self:
        """A hook for an Airflow connection that was loaded already, as in a triggerer.

        :param connection: the connection.
        :param kwargs: the parameters of the class.
        """
        if connection.conn_id:
            # Errors name this id.
            kwargs.setdefault(cls.conn_name_attr, connection.conn_id)
        hook = cls(**kwargs)
        hook._connection = connection  # type: ignore[assignment]  # OdbcHook declares nothing else than None
        return hook

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Load an Airflow connection.

        :param conn_id: its id.
        :raises InvalidConnection: its environment variable cannot be read.
        """
        # Airflow reports such a value as a missing connection, and logs parts of it.
        check_variable(conn_id)
        connection: Connection = super().get_connection(conn_id)
        return connection

    @cached_property
    def settings(self) -> Settings:
        """The connection's settings, checked.

        :raises InvalidConnection: a field is missing, unknown or invalid.
        """
        settings = read_settings(self.connection)
        host = server_name(settings.target.host, conn_id=self.connection.conn_id or "")
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
                allow_path=config.allow_driver_path(),
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
            self.log.warning("%s Connecting to the failover partner %s instead.", error, partner)
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
                f"The connection {self.get_conn_id()!r} cannot be used on {socket.gethostname()}: {error}",
                advice=FILE_ADVICE,
            ) from None
        except (OSError, ValueError, UnsafeFolder) as error:
            raise InvalidConnection(f"The connection {self.get_conn_id()!r} cannot be used: {error}") from None
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
            raise InvalidConnection(f"The connection {self.get_conn_id()!r} cannot be used: {error}") from None
        except DriverCannot as error:
            raise DriverUnsuitable(f"The connection {self.get_conn_id()!r} cannot be used: {error}") from None

    def open_catalog(self, *, retry: RetryPolicy | None = None, query_timeout: int = 0) -> Catalog:
        """Open a client of the catalog, a context manager that closes its connection at the end.

        If the connection breaks later, the client opens another one.

        :param retry: how to repeat calls after transient errors. Default: for ``[ssis] retry_timeout`` seconds.
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
            retry=retry or RetryPolicy(timeout=config.retry_timeout()),
            server=self.target.label,
        )

    @cached_property
    def catalog(self) -> Catalog:
        """A client of the catalog, opened at the first use and kept by the hook. Close it at the end."""
        return self.open_catalog()

    def test_connection(self) -> tuple[bool, str]:  # type: ignore[override]  # Airflow's own is untyped
        """Test the connection step by step.

        Airflow runs this on the API server (web server before Airflow 3), so the drivers and the network of that
        machine are tested.

        :return: whether all steps succeeded, and a line for each step; the failed one comes first and says what to do.
        """
        # Imported late: only the connection test needs it.
        from airflow_provider_ssis.hooks.checks import check_connection, summary_of

        findings = list(check_connection(self))
        return findings[-1].is_good, summary_of(findings)


_CONNECT_PARAMETERS = frozenset({"ansi", "attrs_before", "autocommit", "encoding", "readonly", "timeout"})
"""Parameters of ``pyodbc.connect`` that are not connection string keywords."""
