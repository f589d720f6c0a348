"""The incumbent's operator, in an environment without our package."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from benchmarks.tasks import Took, execute

if TYPE_CHECKING:
    # Cannot be imported in that environment.
    from airflow_provider_ssis.emulator.server import Endpoint

NAME = "airflow-ssis-provider 1.1.2"
_CONN_ID = "mssql_ssisdb"


def connection_uri(endpoint: Endpoint, *, port: int) -> str:
    """The incumbent's Airflow connection to a server.

    :param endpoint: the server.
    :param port: the port to connect to.
    """
    login = f"{quote(endpoint.user, safe='')}:{quote(endpoint.password, safe='')}"
    return f"mssql://{login}@{endpoint.host}:{port}/SSISDB"


class IncumbentService:
    """Starts runs as the incumbent's users do."""

    def __init__(self) -> None:
        self._operator: Any = None

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    async def prepare(self, uri: str, values: dict[str, str]) -> None:
        """Set what the next runs are.

        :param uri: the Airflow connection, from :func:`connection_uri`.
        :param values: the package's parameters.
        """
        from SSIS_Operator.models.SqlQueryParameters import ParameterType, QueryParameters
        from SSIS_Operator.operators.ssis_package_operator import SsisPackageOperator

        os.environ[f"AIRFLOW_CONN_{_CONN_ID.upper()}"] = uri
        self._operator = SsisPackageOperator(
            task_id="load",
            conn_id=_CONN_ID,
            database="SSISDB",
            folder="Sales",
            project="Mart",
            package="Load.dtsx",
            parameters=[QueryParameters(name, value, ParameterType.PACKAGE) for name, value in values.items()],
        )

    async def execute(self, number: int) -> Took:
        """Start a run."""
        return execute(self._operator, number)
