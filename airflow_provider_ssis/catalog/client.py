"""The client of the SSISDB catalog."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from airflow_provider_ssis.catalog.retries import NO_RETRY, Clock, RetryPolicy
from airflow_provider_ssis.catalog.sections.correlated_executions import CorrelatedExecutions
from airflow_provider_ssis.catalog.sections.data_taps import DataTaps
from airflow_provider_ssis.catalog.sections.deployments import Deployments
from airflow_provider_ssis.catalog.sections.environment_references import EnvironmentReferences
from airflow_provider_ssis.catalog.sections.environment_variables import EnvironmentVariables
from airflow_provider_ssis.catalog.sections.environments import Environments
from airflow_provider_ssis.catalog.sections.folders import Folders
from airflow_provider_ssis.catalog.sections.maintenance import Maintenance
from airflow_provider_ssis.catalog.sections.operation_messages import Messages
from airflow_provider_ssis.catalog.sections.parameters import Parameters
from airflow_provider_ssis.catalog.sections.permissions import Permissions
from airflow_provider_ssis.catalog.sections.projects import Projects
from airflow_provider_ssis.catalog.sections.properties import Properties
from airflow_provider_ssis.catalog.sections.scale_out import ScaleOut
from airflow_provider_ssis.catalog.sections.server import Server
from airflow_provider_ssis.catalog.sections.statistics import Statistics
from airflow_provider_ssis.catalog.sections.validations import Validations
from airflow_provider_ssis.catalog.session import CatalogSession, Connection


class Catalog(
    Server,
    Properties,
    Permissions,
    Folders,
    Projects,
    Deployments,
    Parameters,
    Environments,
    EnvironmentVariables,
    EnvironmentReferences,
    CorrelatedExecutions,
    Validations,
    DataTaps,
    Messages,
    Statistics,
    ScaleOut,
    Maintenance,
):
    """The SSISDB catalog behind a database connection.

    Each method is one round trip, and raises one of the exceptions of ``errors``, whose classes say what failed. After
    transient errors (a deadlock, a busy catalog, a failover) a call is repeated if that does no harm. Not for use by
    several threads at once: a connection serves one call at a time.

    :param connection: an open connection of any DB-API driver for SQL Server (pyodbc, pymssql, python-tds) whose
        current database is SSISDB. The catalog puts it into autocommit mode and closes it with :meth:`close`.
    :param reconnect: opens another such connection after the first broke. Default: none, a broken connection is final.
    :param retry: how to repeat calls after transient errors. Default: for 60 seconds.
    :param clock: the clock for that. Default: the system's.
    :param server: the server's name for errors, as ``host,port``. Default: unknown.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        reconnect: Callable[[], Connection] | None = None,
        retry: RetryPolicy | None = None,
        clock: Clock = time,
        server: str | None = None,
    ) -> None:
        super().__init__(CatalogSession(connection, reconnect=reconnect, retry=retry, clock=clock, server=server))

    @property
    def server(self) -> str | None:
        """The server's name as the connection has it, ``host, port 1433``; None if unknown."""
        return self._session.server

    @contextmanager
    def without_retries(self) -> Iterator[None]:
        """Let each call fail at its first error, for a caller that retries itself."""
        retry, self._session.retry = self._session.retry, NO_RETRY
        try:
            yield
        finally:
            self._session.retry = retry

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
