"""The hook to the SSISDB catalog."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from airflow.providers.odbc.hooks.odbc import OdbcHook

from airflow_provider_ssis.catalog.catalog import Catalog
from airflow_provider_ssis.catalog.connection import RetryPolicy, prepare
from airflow_provider_ssis.catalog.driver_errors import connect_error
from airflow_provider_ssis.catalog.errors import DriverMissing
from airflow_provider_ssis.hooks.checks import check_connection, summary_of
from airflow_provider_ssis.hooks.form import field_behaviour, form_widgets
from airflow_provider_ssis.hooks.settings import DATABASE, Settings, read_settings
from airflow_provider_ssis.odbc.connection_string import connection_string
from airflow_provider_ssis.odbc.drivers import OdbcDriver, OdbcDriverMissing, find_driver

if TYPE_CHECKING:
    import pyodbc
    from airflow.providers.common.compat.sdk import Connection


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
        hook = cls(**kwargs)
        hook._connection = connection  # type: ignore[assignment]  # OdbcHook declares nothing else than None
        return hook

    @cached_property
    def settings(self) -> Settings:
        """What the connection says.

        :raises InvalidConnection: it does not say what it must, or something unknown.
        """
        return read_settings(self.connection)

    @cached_property
    def odbc_driver(self) -> OdbcDriver:
        """The ODBC driver in use: only one that is installed, never any library that the connection names.

        :raises DriverMissing: there is none, or none of the name asked for.
        """
        try:
            return find_driver(self._driver or self.settings.driver)
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
    def odbc_connection_string(self) -> str:
        """The connection string. It holds the password: do not log it."""
        return connection_string(self.odbc_driver, replace(self.settings.target, database=self.database))

    @property
    def connect_kwargs(self) -> dict[str, Any]:
        """Arguments for ``pyodbc.connect``: autocommit always, the connection's login timeout, and the hook's own."""
        return {"timeout": self.settings.login_timeout, **(self._connect_kwargs or {}), "autocommit": True}

    def get_conn(self) -> pyodbc.Connection:
        """Open a connection.

        :return: a pyodbc connection in autocommit mode, with the connection's query timeout.
        :raises InvalidConnection: the Airflow connection does not say what it must.
        :raises DriverMissing: no usable ODBC driver is installed.
        :raises ServerUnreachable: nothing answers there.
        :raises TlsRefused: the server's certificate is not trusted, or no encryption is agreed on.
        :raises LoginFailed: login or password is wrong.
        :raises CatalogMissing: the server has no SSISDB, or the login may not enter it.
        """
        import pyodbc

        string, arguments = self.odbc_connection_string, self.connect_kwargs
        try:
            connection = pyodbc.connect(string, **arguments)
        except pyodbc.Error as error:
            refusal = connect_error(error, target=self._server_name())
        else:
            prepare(connection)
            connection.timeout = self.settings.query_timeout
            return connection
        # Outside the except clause: the driver's exception would only say the same again.
        raise refusal

    def open_catalog(self, *, retry: RetryPolicy | None = None) -> Catalog:
        """Open a client of the catalog, which is a context manager that closes its connection.

        If the connection breaks later, the client opens another one.

        :param retry: how transient errors are met. Default: the client's own.
        :raises ConnectError: one of the exceptions of :meth:`get_conn`.
        """
        return Catalog(self.get_conn(), reconnect=self.get_conn, retry=retry)

    @cached_property
    def catalog(self) -> Catalog:
        """A client of the catalog, opened at the first use and kept by the hook; close it when done."""
        return self.open_catalog()

    def test_connection(self) -> tuple[bool, str]:  # type: ignore[override]  # Airflow's own is untyped
        """Whether the catalog answers: a line for each step, of which the first that fails says what to do.

        Runs wherever Airflow tests connections: the driver and the network of that machine are what is tested.
        """
        findings = list(check_connection(self))
        return findings[-1].is_good, summary_of(findings)

    def _server_name(self) -> str:
        target = self.settings.target
        return target.host if target.port is None else f"{target.host}, port {target.port}"
