"""Executions: the values that a creation fills, the types that values keep, and the locks between creations."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.tsql.execution.locks.application_locks import ApplicationLocks
from tests.support.catalog_session import catalog_sessions
from tests.support.catalog_sql import connect, create, deploy, error_number, rows, run, value
from tests.support.mart import MART
from tests.support.ssis_projects import execute_package, make_ispac, package, parameter, task
from tests.support.tsql_session import answer


@pytest.fixture(scope="module")
def server(ssisdb_emulator_server: SsisdbEmulator) -> SsisdbEmulator:
    ssisdb_emulator_server.reset()
    deploy(ssisdb_emulator_server, MART)
    return ssisdb_emulator_server


def test_a_creation_fills_the_server_the_machine_the_dump_id_and_the_count(connection: pyodbc.Connection) -> None:
    execution_id = create(connection)
    [(server_name, machine, dump_id, guid, count, start)] = rows(
        connection,
        "SELECT e.server_name, e.machine_name, e.dump_id, o.operation_guid, e.executed_count, e.start_time"
        " FROM catalog.executions e JOIN catalog.operations o ON o.operation_id = e.execution_id"
        f" WHERE e.execution_id = {execution_id}",
    )
    assert server_name == machine == value(connection, "SELECT @@SERVERNAME")
    assert dump_id == guid is not None
    assert (count, start) == (0, None)


def test_the_count_is_one_after_a_run(connection: pyodbc.Connection) -> None:
    execution_id = create(connection)
    assert run(connection, execution_id) == 7
    query = f"SELECT executed_count FROM catalog.executions WHERE execution_id = {execution_id}"
    assert value(connection, query) == 1
    [(memory, count)] = rows(
        connection,
        "SELECT total_physical_memory_kb, cpu_count FROM internal.operation_os_sys_info WHERE operation_id = ?",
        execution_id,
    )
    shown = "SELECT total_physical_memory_kb, cpu_count FROM catalog.executions WHERE execution_id = ?"
    assert rows(connection, shown, execution_id) == [(memory, count)]


def test_all_system_parameters_start_as_set(connection: pyodbc.Connection) -> None:
    execution_id = create(connection)
    found = rows(
        connection,
        "SELECT parameter_name, value_set, required, runtime_override, CONVERT(varchar(20), parameter_value)"
        f" FROM catalog.execution_parameter_values WHERE execution_id = {execution_id} AND object_type = 50"
        " ORDER BY execution_parameter_id",
    )
    assert found == [
        ("DUMP_ON_ERROR", True, False, False, "0"),
        ("DUMP_ON_EVENT", True, False, False, "0"),
        ("DUMP_EVENT_CODE", True, False, False, "0"),
        ("LOGGING_LEVEL", True, False, False, "1"),
        ("CALLER_INFO", True, False, False, None),
        ("SYNCHRONIZED", True, False, False, "0"),
    ]


@pytest.mark.parametrize(
    ("kind", "name", "given", "base"),
    [
        (50, "LOGGING_LEVEL", "CAST(3 AS smallint)", "smallint"),
        (50, "LOGGING_LEVEL", "CAST(3 AS tinyint)", "tinyint"),
        (50, "DUMP_ON_ERROR", "CAST(1 AS int)", "int"),
        (50, "DUMP_EVENT_CODE", "'0xC020801C'", "varchar"),
        (50, "CALLER_INFO", "N'dag'", "nvarchar"),
        (30, "BatchSize", "CAST(7 AS smallint)", "smallint"),
        (30, "MaxRows", "CAST(7 AS int)", "int"),
        (30, "Rate", "CAST(1.5 AS decimal(9, 2))", "decimal"),
        (30, "LoadDate", "CAST('2024-02-29' AS date)", "date"),
        (30, "Title", "CAST('x' AS char(3))", "char"),
    ],
)
def test_a_value_keeps_the_type_that_it_was_given(
    connection: pyodbc.Connection, kind: int, name: str, given: str, base: str
) -> None:
    execution_id = create(connection)
    rows(
        connection,
        f"DECLARE @v sql_variant = {given};"
        f"EXEC catalog.set_execution_parameter_value {execution_id}, {kind}, N'{name}', @v",
    )
    assert (
        value(
            connection,
            "SELECT SQL_VARIANT_PROPERTY(parameter_value, 'BaseType') FROM catalog.execution_parameter_values"
            f" WHERE execution_id = {execution_id} AND parameter_name = N'{name}'",
        )
        == base
    )


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("start_execution {}", 27121),
        ("set_execution_parameter_value {}, 50, N'LOGGING_LEVEL', 1", 27224),
        ("set_execution_property_override_value {}, N'p', N'v', 0", 27225),
        ("add_data_tap {}, N'p', N'i', N'f'", 27212),
    ],
)
def test_a_failed_creation_counts_as_started(connection: pyodbc.Connection, call: str, number: int) -> None:
    failed = error_number(
        connection,
        "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'No', @execution_id = @id OUTPUT",
    )
    assert failed == 27146
    execution_id = value(connection, "SELECT max(operation_id) FROM catalog.operations WHERE operation_type = 200")
    assert error_number(connection, f"EXEC catalog.{call.format(execution_id)}") == number
    # The failure changes nothing: an operation of another kind is not an execution.
    assert value(connection, f"SELECT status FROM catalog.operations WHERE operation_id = {execution_id}") == 4
    other = value(connection, "SELECT max(operation_id) FROM catalog.operations WHERE operation_type = 101")
    assert error_number(connection, f"EXEC catalog.{call.format(other)}") == 27103


def test_a_second_creation_gives_up_after_twice_five_seconds() -> None:
    waits: list[float | None] = []

    def expired(seconds: float | None) -> asyncio.Timeout:
        waits.append(seconds)
        return asyncio.timeout(0)

    statement = (
        "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT"
    )

    async def scenario() -> None:
        async with catalog_sessions(ApplicationLocks(timeout=expired)) as served:
            first, second = served.first, served.second
            assert (await answer(first, f"BEGIN TRANSACTION; {statement}")).numbers == []
            assert waits == []
            # The session itself does not wait for its own transaction.
            assert (await answer(first, statement)).numbers == []
            assert (await answer(second, statement)).numbers == [27195]
            assert waits == [5.0, 5.0]
            left = await answer(
                second, "SELECT status, object_name, end_time FROM catalog.operations WHERE operation_type = 200"
            )
            [(status, name, end)] = left.results[0]
            assert (status, name, end is None) == (4, "Mart", False)
            await answer(first, "COMMIT")
            assert (await answer(second, statement)).numbers == []
            assert len(waits) == 2

    asyncio.run(scenario())


def test_a_second_creation_continues_when_the_first_commits(server: SsisdbEmulator) -> None:
    with closing(connect(server)) as first, closing(connect(server)) as second:
        first.execute("BEGIN TRANSACTION")
        create(first)

        async def both() -> int:
            waiting = asyncio.create_task(asyncio.to_thread(create, second))
            await asyncio.to_thread(first.execute, "COMMIT")
            return await waiting

        assert asyncio.run(both()) > 0


def test_a_run_gets_values_in_their_ssis_types(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    parameters = [
        parameter("Full", "Boolean", False),
        parameter("Rate", "Double", 0.0),
        parameter("Day", "DateTime"),
        parameter("Rows", "Int64", 0),
        parameter("Text", "String", ""),
    ]
    project = make_ispac(
        "Typed",
        packages=[package("Parent.dtsx", execute_package("Call", "Child.dtsx")), package("Child.dtsx", task("T"))],
        parameters=parameters,
    )
    connection.execute("EXEC catalog.deploy_project N'Sales', N'Typed', ?", project)
    execution_id = value(
        connection,
        "DECLARE @id bigint, @v sql_variant;"
        " EXEC catalog.create_execution N'Sales', N'Typed', N'Parent.dtsx', @execution_id = @id OUTPUT;"
        " EXEC catalog.set_execution_parameter_value @id, 20, N'Full', 1;"
        " SET @v = CAST(1.50 AS decimal(5, 2)); EXEC catalog.set_execution_parameter_value @id, 20, N'Rate', @v;"
        " SET @v = CAST('2024-02-29' AS date); EXEC catalog.set_execution_parameter_value @id, 20, N'Day', @v;"
        " SET @v = CAST(7 AS tinyint); EXEC catalog.set_execution_parameter_value @id, 20, N'Rows', @v;"
        " SET @v = CAST('x' AS char(3)); EXEC catalog.set_execution_parameter_value @id, 20, N'Text', @v;"
        " EXEC catalog.set_execution_parameter_value @id, 50, N'LOGGING_LEVEL', 3; SELECT @id",
    )
    assert run(connection, execution_id) == 7
    passed = value(
        connection,
        f"SELECT message FROM catalog.event_messages WHERE operation_id = {execution_id}"
        " AND event_name = 'DiagnosticEx'",
    )
    found = dict(re.findall(r'Name="(\w+)" DataType="\w+" Value="([^"]*)"', passed))
    assert found == {"Full": "True", "Rate": "1.5", "Day": "2024-02-29 00:00:00", "Rows": "7", "Text": "x  "}
