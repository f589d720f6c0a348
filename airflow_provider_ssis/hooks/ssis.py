"""The hook to the SSISDB catalog."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import DriverMissing, ServerUnreachable
from airflow_provider_ssis.catalog.errors.driver_errors import connect_error
from airflow_provider_ssis.catalog.session import RetryPolicy, prepare
from airflow_provider_ssis.hooks.entra import access_token, as_attribute
from airflow_provider_ssis.hooks.extra import InvalidConnection
from airflow_provider_ssis.hooks.form import field_behaviour, form_widgets
from airflow_provider_ssis.hooks.server_name import server_name
from airflow_provider_ssis.hooks.settings import DATABASE, Authentication, Settings, read_settings
from airflow_provider_ssis.odbc.connection_string import (
    DriverCannot,
    Encrypt,
    OdbcTarget,
    connect_environment,
    connection_string,
)
from airflow_provider_ssis.odbc.driver_environment import driver_environment
from airflow_provider_ssis.odbc.drivers import (
    DRIVER_MANAGER_ADVICE,
    DriverFamily,
    OdbcDriver,
    OdbcDriverMissing,
    driver_of_data_source,
    find_driver,
)
from airflow_provider_ssis.odbc.failover import partner_of
from airflow_provider_ssis.odbc.private_files import UnsafeFolder

try:
    from airflow.providers.odbc.hooks.odbc import OdbcHook
except ModuleNotFoundError:
    raise
except ImportError as error:
    # It imports pyodbc, which cannot be loaded without the driver manager and does not say what that is.
    raise ImportError(DRIVER_MANAGER_ADVICE.format(reason=error)) from None

if TYPE_CHECKING:
    import pyodbc
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_ssis.catalog.client import Catalog


class SsisCatalogHook(OdbcHook):
    """Connects to the SSISDB catalog of a SQL Server.

    Every other use of an ODBC hook works too (``get_records``, ``run``, the SQL operators), on the database SSISDB.
    Statements are not logged, because their parameters may be secrets.

    :param ssis_conn_id: id of a connection of type ``ssis``. Default: ``ssis_default``.
    :param driver: name of an installed ODBC driver. Default: the connection's, else Microsoft's newest, else FreeTDS.
    :param database: database to start in. Default: the connection's, else SSISDB.
    :param kwargs: passed on to ``OdbcHook``.
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
        """The connection's extra fields, for the form of Airflow before 3.2."""
        return form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """What the connection's standard fields are called, for the form of Airflow before 3.2."""
        return field_behaviour()

    @classmethod
    def of(cls, connection: Connection, **kwargs: Any) -> Self:
        """A hook for an Airflow connection that is at hand already, as in a triggerer.

        :param connection: the connection.
        :param kwargs: as the class takes them.
        """
        if connection.conn_id:
            # What goes wrong is told with this id.
            kwargs.setdefault(cls.conn_name_attr, connection.conn_id)
        hook = cls(**kwargs)
        hook._connection = connection  # type: ignore[assignment]  # OdbcHook declares nothing else than None
        return hook

    @cached_property
    def settings(self) -> Settings:
        """What the connection says.

        :raises InvalidConnection: it does not say what it must, or something unknown.
        """
        settings = read_settings(self.connection)
        host = server_name(settings.target.host, conn_id=self.connection.conn_id or "")
        return replace(settings, target=replace(settings.target, host=host))

    @cached_property
    def odbc_driver(self) -> OdbcDriver:
        """The ODBC driver in use: only one that is installed, unless ``[ssis] allow_driver_path`` allows more.

        :raises DriverMissing: there is none, none of the name asked for, or none that can do what is asked for.
        """
        try:
            if self.target.dsn is not None:
                return driver_of_data_source(self.target.dsn)
            return find_driver(
                self._driver or self.settings.driver,
                family=_FAMILY_FOR.get(self.settings.authentication),
                allow_path=config.allow_driver_path(),
            )
        except OdbcDriverMissing as error:
            raise DriverMissing(str(error)) from None

    @property
    def driver(self) -> str:
        """The name of the ODBC driver in use, or the path of its library."""
        return self.odbc_driver.name

    @property
    def database(self) -> str:
        """The database to start in."""
        return self._database or self.settings.target.database or DATABASE

    @property
    def target(self) -> OdbcTarget:
        """Where to connect, as whom and how: what the connection says, and the hook's own database and data source."""
        target = replace(self.settings.target, database=self.database)
        return target if self._dsn is None else replace(target, dsn=self._dsn, host="", port=None)

    @property
    def odbc_connection_string(self) -> str:
        """The connection string. It holds the password: do not log it.

        :raises InvalidConnection: the driver cannot do what the connection asks for.
        """
        return self._string_for(self.target)

    @property
    def connect_kwargs(self) -> dict[str, Any]:
        """Arguments for ``pyodbc.connect``: autocommit always, the connection's login timeout, and the hook's own."""
        return {"timeout": self.settings.login_timeout, **(self._connect_kwargs or {}), "autocommit": True}

    def get_conn(self) -> pyodbc.Connection:
        """Open a connection; to the failover partner, if there is one and the server is out of reach.

        :return: a pyodbc connection in autocommit mode, with the connection's query timeout.
        :raises InvalidConnection: the Airflow connection does not say what it must.
        :raises DriverMissing: no usable ODBC driver is installed.
        :raises ServerUnreachable: nothing answers there.
        :raises TlsRefused: the server's certificate is not trusted, or no encryption is agreed on.
        :raises LoginFailed: login or password is wrong.
        :raises KerberosFailed: there is no Kerberos ticket for the server.
        :raises TokenRefused: Entra ID gives no access token.
        :raises EntraUnreachable: Entra ID does not answer.
        :raises CatalogMissing: the server has no SSISDB, or the login may not enter it.
        """
        target, partner = self.target, self.settings.failover_partner
        arguments = self._connect_arguments()
        try:
            return self._connect(target, arguments)
        except ServerUnreachable as error:
            if partner is None:
                raise
            self.log.warning("%s Trying the failover partner %s.", error, partner)
        return self._connect(partner_of(target, partner), arguments)

    def _connect_arguments(self) -> dict[str, Any]:
        """Arguments for ``pyodbc.connect``, with an access token where one is needed."""
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
        except (OSError, ValueError, UnsafeFolder) as error:
            raise InvalidConnection(f"The connection {self.get_conn_id()!r} cannot be used: {error}") from None
        try:
            with driver_environment(environment):
                connection = pyodbc.connect(string, **arguments)
        except pyodbc.Error as error:
            refusal = connect_error(error, target=target.label, has_ticket=target.is_trusted)
            if target.encrypt is Encrypt.STRICT and self.odbc_driver.family is DriverFamily.FREETDS:
                refusal.advice += " FreeTDS knows strict encryption from version 1.4 on."
        else:
            prepare(connection)
            connection.timeout = self.settings.query_timeout
            return connection
        # Outside the except clause: the driver's exception would only say the same again.
        raise refusal

    def _string_for(self, target: OdbcTarget) -> str:
        try:
            return connection_string(self.odbc_driver, target)
        except DriverCannot as error:
            raise InvalidConnection(f"The connection {self.get_conn_id()!r} cannot be used: {error}") from None

    def open_catalog(self, *, retry: RetryPolicy | None = None, query_timeout: int = 0) -> Catalog:
        """Open a client of the catalog, which is a context manager that closes its connection.

        If the connection breaks later, the client opens another one.

        :param retry: how transient errors are met. Default: the client's own.
        :param query_timeout: seconds to wait for the answer to a statement where the connection sets no limit.
            Default: 0, no limit there either.
        :raises ConnectError: one of the exceptions of :meth:`get_conn`.
        """
        # The client is most of what the hook's import would cost where DAGs are only parsed.
        from airflow_provider_ssis.catalog.client import Catalog

        def connect() -> pyodbc.Connection:
            connection = self.get_conn()
            connection.timeout = self.settings.query_timeout or query_timeout
            return connection

        return Catalog(connect(), reconnect=connect, retry=retry)

    @cached_property
    def catalog(self) -> Catalog:
        """A client of the catalog, opened at the first use and kept by the hook; close it when done."""
        return self.open_catalog()

    def test_connection(self) -> tuple[bool, str]:  # type: ignore[override]  # Airflow's own is untyped
        """Whether the catalog answers: a line for each step, of which the first that fails says what to do.

        Runs wherever Airflow tests connections: the driver and the network of that machine are what is tested.
        """
        # For this alone, so not with each import of the hook.
        from airflow_provider_ssis.hooks.checks import check_connection, summary_of

        findings = list(check_connection(self))
        return findings[-1].is_good, summary_of(findings)


_FAMILY_FOR = {
    Authentication.NTLM: DriverFamily.FREETDS,
    Authentication.ENTRA_SERVICE_PRINCIPAL: DriverFamily.MICROSOFT,
    Authentication.ENTRA_MANAGED_IDENTITY: DriverFamily.MICROSOFT,
    Authentication.ENTRA_WORKLOAD_IDENTITY: DriverFamily.MICROSOFT,
}
"""What only one family of drivers can do."""
