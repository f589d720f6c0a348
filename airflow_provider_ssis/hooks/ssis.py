"""The hook to the SSISDB catalog."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.retries import RetryPolicy
from airflow_provider_ssis.hooks.connection_values import check_variable
from airflow_provider_ssis.hooks.connector import CatalogConnector
from airflow_provider_ssis.hooks.form import field_behaviour, form_widgets
from airflow_provider_ssis.odbc.drivers import DRIVER_MANAGER_ADVICE

try:
    from airflow.providers.odbc.hooks.odbc import OdbcHook
except ModuleNotFoundError:
    raise
except ImportError as error:
    # OdbcHook imports pyodbc, whose own error does not say that the driver manager is missing.
    raise ImportError(DRIVER_MANAGER_ADVICE.format(reason=error)) from None

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.hooks.connection_fields import ConnectionFields


# Airflow declares the connection as its own class, which has these fields.
class SsisCatalogHook(CatalogConnector, OdbcHook):  # type: ignore[misc]
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
        OdbcHook.__init__(self, *args, **kwargs)

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The connection's extra fields, for the form of Airflow before 3.2 (see ``hooks.form``)."""
        return form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Labels of the connection's standard fields, for the form of Airflow before 3.2."""
        return field_behaviour()

    @classmethod
    def of(cls, connection: ConnectionFields, **kwargs: Any) -> Self:
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

    @property
    def _conn_id(self) -> str:
        return self.get_conn_id()

    @property
    def _allow_driver_path(self) -> bool:
        return config.allow_driver_path()

    @property
    def _default_retry(self) -> RetryPolicy:
        return RetryPolicy(timeout=config.retry_timeout())

    def _warn(self, text: str, *values: object) -> None:
        self.log.warning(text, *values)

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
