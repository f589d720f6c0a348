"""The same catalog from every client: each deploys a project, runs a package and reads its messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import mssql_python
import pymssql
import pyodbc
import pytds
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.odbc.drivers import DriverFamily, installed_drivers
from airflow_provider_ssis.odbc.target import Encrypt
from tests.support.ssis_projects import make_ispac, on_success, package, parameter, task
from tests.support.waiting import wait_until

SUCCEEDED = 7
ACTIVE = (1, 2, 5, 8)
"""Statuses of executions that have not ended: created, running, pending, stopping."""

PROJECT = make_ispac(
    "Sales",
    packages=[
        package(
            "Load.dtsx",
            task("Truncate"),
            task("Copy"),
            constraints=[on_success("Truncate", "Copy")],
            parameters=[parameter("BatchSize", "Int32", 500)],
        )
    ],
)


def microsoft(server: SsisdbEmulator, encrypt: Encrypt) -> Any:
    return pyodbc.connect(server.odbc(DriverFamily.MICROSOFT, encrypt=encrypt), autocommit=True)


def freetds(server: SsisdbEmulator, encrypt: Encrypt) -> Any:
    return pyodbc.connect(server.odbc(DriverFamily.FREETDS, encrypt=encrypt), autocommit=True)


def over_pymssql(server: SsisdbEmulator) -> Any:
    return pymssql.connect(
        server=server.host,
        port=str(server.port),
        user=server.user,
        password=server.password,
        database="SSISDB",
        autocommit=True,
    )


def over_pytds(server: SsisdbEmulator) -> Any:
    return pytds.connect(
        dsn=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database="SSISDB",
        autocommit=True,
    )


def over_mssql_python(server: SsisdbEmulator) -> Any:
    return mssql_python.connect(
        f"SERVER={server.host},{server.port};DATABASE=SSISDB;UID={server.user};PWD={{{server.password}}};"
        "Encrypt=yes;TrustServerCertificate=yes;",
        autocommit=True,
    )


CLIENTS: dict[str, tuple[Callable[[SsisdbEmulator], Any], str]] = {
    "pyodbc, Microsoft's driver, encrypted": (lambda server: microsoft(server, Encrypt.YES), "?"),
    "pyodbc, Microsoft's driver, plain": (lambda server: microsoft(server, Encrypt.NO), "?"),
    "pyodbc, FreeTDS, encrypted": (lambda server: freetds(server, Encrypt.YES), "?"),
    "pyodbc, FreeTDS, plain": (lambda server: freetds(server, Encrypt.NO), "?"),
    "mssql-python": (over_mssql_python, "?"),
    "pymssql": (over_pymssql, "%s"),
    "python-tds": (over_pytds, "%s"),
}

WITHOUT_NUMBERS = {"mssql-python"}
"""Clients whose exceptions do not contain SQL Server's number."""

DEPLOY = """
SET NOCOUNT ON;
DECLARE @operation_id bigint;
EXEC [SSISDB].[catalog].[create_folder] @folder_name = {0};
EXEC [SSISDB].[catalog].[deploy_project] {0}, {0}, {0}, @operation_id OUTPUT;
SELECT @operation_id AS operation_id;
"""

CREATE_AND_START = """
SET NOCOUNT ON;
DECLARE @execution_id bigint, @value sql_variant = CAST({0} AS int);
EXEC [SSISDB].[catalog].[create_execution] @folder_name = {0}, @project_name = {0}, @package_name = {0},
     @use32bitruntime = False, @reference_id = NULL, @execution_id = @execution_id OUTPUT;
EXEC [SSISDB].[catalog].[set_execution_parameter_value] @execution_id, @object_type = 30,
     @parameter_name = N'BatchSize', @parameter_value = @value;
EXEC [SSISDB].[catalog].[start_execution] @execution_id;
SELECT @execution_id AS execution_id;
"""


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_deploys_runs_and_reads_messages(ssisdb_emulator: SsisdbEmulator, client: str) -> None:
    connect, placeholder = CLIENTS[client]
    # python-tds takes plain bytes for text.
    binary = pytds.Binary if connect is over_pytds else bytes
    with closing(connect(ssisdb_emulator)) as connection:
        operation_id = last_value(connection, DEPLOY.format(placeholder), ("Sales", "Sales", "Sales", binary(PROJECT)))
        assert operation_id > 0

        execution_id = last_value(
            connection, CREATE_AND_START.format(placeholder), (5000, "Sales", "Sales", "Load.dtsx")
        )
        status = wait_for_end(connection, placeholder, execution_id)
        assert status == SUCCEEDED

        value = last_value(
            connection,
            "SELECT CAST(parameter_value AS int) FROM catalog.execution_parameter_values"
            f" WHERE execution_id = {placeholder} AND parameter_name = N'BatchSize'",
            (execution_id,),
        )
        assert value == 5000

        messages = rows(
            connection,
            "SELECT event_name, message FROM catalog.event_messages"
            f" WHERE operation_id = {placeholder} ORDER BY event_message_id",
            (execution_id,),
        )
        assert {"OnPreExecute", "OnPostExecute"} <= {name for name, _ in messages}
        assert any("Copy" in text for _, text in messages)


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_gets_the_number_and_text_of_an_error(ssisdb_emulator: SsisdbEmulator, client: str) -> None:
    connect, placeholder = CLIENTS[client]
    with (
        closing(connect(ssisdb_emulator)) as connection,
        pytest.raises((pyodbc.Error, mssql_python.Error, pymssql.Error, pytds.Error)) as raised,
    ):
        last_value(connection, f"EXEC SSISDB.catalog.delete_folder @folder_name = {placeholder}", ("No such folder",))
    if client not in WITHOUT_NUMBERS:
        assert "27104" in str(raised.value) or getattr(raised.value, "number", None) == 27104
    assert "No such folder" in str(raised.value)


@pytest.mark.parametrize("connect", [microsoft, freetds])
def test_odbcs_own_way_to_call_a_procedure_works_again_and_again(
    ssisdb_emulator: SsisdbEmulator, connect: Callable[[SsisdbEmulator, Encrypt], Any]
) -> None:
    with closing(connect(ssisdb_emulator, Encrypt.NO)) as connection, closing(connection.cursor()) as cursor:
        for name in ("North", "South"):
            cursor.execute("{CALL catalog.create_folder (?)}", name)
        with pytest.raises(pyodbc.Error, match="27190"):
            cursor.execute("{CALL catalog.create_folder (?)}", "North")
        names = [name for (name,) in cursor.execute("SELECT name FROM catalog.folders ORDER BY name").fetchall()]
    assert names == ["North", "South"]


def wait_for_end(connection: Any, placeholder: str, execution_id: int) -> int:
    """Wait until an execution has ended; returns its last status."""

    def status() -> int:
        query = f"SELECT status FROM catalog.executions WHERE execution_id = {placeholder}"
        return int(last_value(connection, query, (execution_id,)))

    wait_until(lambda: status() not in ACTIVE, f"execution {execution_id} has ended")
    return status()


def last_value(connection: Any, statement: str, parameters: Sequence[Any]) -> Any:
    """The first value of the last result set. All before it are read to the end, so that no error is missed."""
    result = rows(connection, statement, parameters)
    return result[0][0] if result else None


def rows(connection: Any, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement, tuple(parameters))
        result: list[tuple[Any, ...]] = []
        while True:
            if cursor.description:
                result = [tuple(row) for row in cursor.fetchall()]
            if not cursor.nextset():
                return result


def test_both_driver_families_are_there_to_be_tested() -> None:
    assert {driver.family for driver in installed_drivers()} == set(DriverFamily)
