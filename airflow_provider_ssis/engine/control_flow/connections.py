"""The connection managers of a run, with the values that they have at each moment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.engine.connections.connection import RunConnection
from airflow_provider_ssis.engine.control_flow.connection_values import ConnectionValues
from airflow_provider_ssis.engine.control_flow.evaluation import PROPERTY_NOT_EVALUATED, Evaluation, failure
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun
from airflow_provider_ssis.engine.control_flow.paths import PathMap
from airflow_provider_ssis.engine.control_flow.secrets import Secrets
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import ExpressionError
from airflow_provider_ssis.project.package.connections import DtsConnectionManager

if TYPE_CHECKING:
    import pyodbc

NOT_FOUND: Final = 0xC001000E
"""DTS_E_CONNECTIONNOTFOUND."""

Replacements = Mapping[str, "str | Mapping[str, Any]"]
"""By the name of a connection manager, its connection string or the values of its properties."""


def find_manager(run: PackageRun, reference: str) -> DtsConnectionManager | None:
    """Return the connection manager of a package or its project; None if there is none.

    :param reference: its GUID with or without braces, ``{GUID}:external``, its refId, or its name.
    """
    wanted = reference.strip()
    by_id = wanted.partition(":")[0].strip("{}").upper()
    managers = (*run.package.connection_managers, *run.project.connection_managers)
    for manager in managers:
        if manager.id.strip("{}").upper() == by_id and by_id:
            return manager
    for manager in managers:
        refs = (manager.ref_id, f"Project.ConnectionManagers[{manager.name}]", manager.name)
        if wanted and wanted in refs:
            return manager
    return None


class RunConnections:
    """The connection managers that the tasks of a frame see.

    :param frame: the frame.
    :param evaluation: evaluates the property expressions, at each access.
    :param replacements: the values that the user gives, which win over everything.
    :param paths: maps paths of Windows.
    :param secrets: gets the passwords.
    """

    def __init__(
        self, frame: Frame, evaluation: Evaluation, replacements: Replacements, paths: PathMap, secrets: Secrets
    ) -> None:
        self._frame = frame
        self._evaluation = evaluation
        self._replacements = {name.casefold(): value for name, value in replacements.items()}
        self._paths = paths
        self._secrets = secrets

    def get(self, reference: str) -> RunConnection:
        """Return a connection manager; see :class:`~airflow_provider_ssis.engine.connections.connection.Connections`."""
        run = self._frame.package
        manager = find_manager(run, reference)
        if manager is None:
            raise TaskFailure(
                f"{self._frame.container.path} uses the connection manager {reference or '(none)'}, which neither the"
                " package nor its project contains. Choose another one in the task.",
                NOT_FOUND,
            )
        values = ConnectionValues(manager)
        for name, value in run.settings.connections.get(manager.id.upper(), {}).items():
            values.set(name, value)
        root = self._frame.root
        for name, expression in manager.expressions.items():
            try:
                values.set(name, self._evaluation.value(root, expression))
            except (ExpressionError, TaskFailure) as error:
                where = f"The expression of the property {name} of the connection manager {manager.name}"
                raise failure(where, error, PROPERTY_NOT_EVALUATED) from None
        given = self._replacements.get(manager.name.casefold())
        if isinstance(given, str):
            values.set("ConnectionString", given)
        elif given is not None:
            for name, value in given.items():
                values.set(name, value)
        for secret in values.secrets():
            self._secrets.add(secret)
        return values.connection()

    def odbc(self, reference: str) -> AbstractContextManager[pyodbc.Connection]:
        """Open, or share, a connection to a database."""
        raise NotImplementedError

    def odbc_string(self, reference: str) -> str:
        """Return the ODBC connection string of a connection manager."""
        raise NotImplementedError

    def path(self, text: str) -> Path:
        """Map a path of Windows to one of this machine."""
        return self._paths.path(text)
