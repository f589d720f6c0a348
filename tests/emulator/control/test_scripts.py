"""Scripting runs through T-SQL, from a client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.loop_server import EmulatorServer
from airflow_provider_ssis.emulator.server import Endpoint, SsisdbEmulator
from tests.support.ssis_projects import data_flow, make_ispac, package, task

MART = make_ispac(
    "Mart", [package("Load.dtsx", task("Copy"), data_flow("Orders")), package("Other.dtsx", task("Copy"))]
)


@pytest.fixture
def cursor(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Cursor]:
    connection = pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)
    cursor = connection.cursor()
    cursor.execute("EXEC catalog.create_folder @folder_name = N'Sales'")
    cursor.execute(
        "EXEC catalog.deploy_project @folder_name = N'Sales', @project_name = N'Mart', @project_stream = ?",
        pyodbc.Binary(MART),
    )
    while cursor.nextset():
        pass
    yield cursor
    connection.close()


def run(cursor: pyodbc.Cursor, package_name: str = "Load.dtsx") -> tuple[int, int]:
    """Run a package to its end; returns the execution's id and last status."""
    execution_id, status = cursor.execute(
        "SET NOCOUNT ON; DECLARE @id bigint; DECLARE @yes sql_variant = CAST(1 AS bit);"
        " EXEC catalog.create_execution N'Sales', N'Mart', ?, @execution_id = @id OUTPUT;"
        " EXEC catalog.set_execution_parameter_value @id, 50, N'SYNCHRONIZED', @yes;"
        " EXEC catalog.start_execution @id;"
        " SELECT execution_id, status FROM catalog.executions WHERE execution_id = @id",
        package_name,
    ).fetchone()
    return int(execution_id), int(status)


def messages(cursor: pyodbc.Cursor, execution_id: int, message_type: int) -> list[tuple[Any, ...]]:
    rows = cursor.execute(
        "SELECT message, message_code, subcomponent_name FROM catalog.event_messages"
        " WHERE operation_id = ? AND message_type = ? ORDER BY event_message_id",
        execution_id,
        message_type,
    ).fetchall()
    return [tuple(row) for row in rows]


def test_an_executable_fails_by_a_script(cursor: pyodbc.Cursor) -> None:
    cursor.execute(
        "EXEC emulator.fail_executable @package_name = N'Load.dtsx', @executable = N'Copy',"
        " @message = N'The disk is full.', @code = 0xC0202009"
    )
    execution_id, status = run(cursor)
    assert status == 4
    assert messages(cursor, execution_id, 120) == [("Copy:Error: The disk is full.", -1071636471, None)]
    assert run(cursor, "Other.dtsx")[1] == 7


@pytest.mark.parametrize("code", [0xC0202009, -1071636471])
def test_arguments_can_be_parameters_of_a_driver(cursor: pyodbc.Cursor, code: int) -> None:
    cursor.execute("EXEC emulator.fail_executable @executable = ?, @message = ?, @code = ?", "Copy", "Zoë; 売上", code)
    execution_id, _ = run(cursor)
    assert messages(cursor, execution_id, 120) == [("Copy:Error: Zoë; 売上", -1071636471, None)]


def test_a_component_of_a_data_flow_fails_by_a_script(cursor: pyodbc.Cursor) -> None:
    cursor.execute("EXEC emulator.fail_executable @executable = N'Orders', @component = N'Source'")
    execution_id, _ = run(cursor)
    assert [row[2] for row in messages(cursor, execution_id, 120)] == ["Source [1]", "SSIS.Pipeline"]


def test_a_failure_can_be_for_some_executions(cursor: pyodbc.Cursor) -> None:
    cursor.execute("EXEC emulator.fail_executable @times = 1")
    assert [run(cursor)[1], run(cursor)[1]] == [4, 7]


def test_scripts_can_be_taken_back(cursor: pyodbc.Cursor) -> None:
    cursor.execute("EXEC emulator.fail_executable; EXEC emulator.clear_scripts")
    assert run(cursor)[1] == 7


def test_a_script_makes_a_run_take_time(cursor: pyodbc.Cursor) -> None:
    cursor.execute("EXEC emulator.take_time @seconds = 0.2, @executable = N'Copy'")
    execution_id, _ = run(cursor)
    (duration,) = cursor.execute(
        "SELECT s.execution_duration FROM catalog.executable_statistics s JOIN catalog.executables e"
        " ON e.executable_id = s.executable_id WHERE s.execution_id = ? AND e.executable_name = N'Copy'",
        execution_id,
    ).fetchone()
    assert duration >= 200


def test_messages_can_be_asked_for(cursor: pyodbc.Cursor) -> None:
    cursor.execute("EXEC emulator.write_messages @count = 3, @message = N'Row', @executable = N'Copy'")
    cursor.execute("EXEC emulator.raise_warning @message = N'Careful.', @code = 0x80019002, @executable = N'Copy'")
    execution_id, status = run(cursor)
    assert status == 7
    assert [row[0] for row in messages(cursor, execution_id, 70) if "Row" in row[0]] == [
        f"Copy:Information: Row ({number} of 3)" for number in (1, 2, 3)
    ]
    assert messages(cursor, execution_id, 110) == [("Copy:Warning: Careful.", -2147381246, None)]


def test_a_script_ends_a_run_unexpectedly(cursor: pyodbc.Cursor) -> None:
    cursor.execute("EXEC emulator.end_unexpectedly @executable = N'Copy'")
    assert run(cursor)[1] == 6


def test_a_script_sets_the_final_status(cursor: pyodbc.Cursor) -> None:
    cursor.execute("EXEC emulator.finish_with_status @status = 9")
    assert run(cursor)[1] == 9


def test_a_run_can_hang_in_pending_until_it_is_released(cursor: pyodbc.Cursor) -> None:
    cursor.execute("EXEC emulator.hang_in_pending @package_name = N'Load.dtsx'")
    (status,) = cursor.execute(
        "SET NOCOUNT ON; DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx',"
        " @execution_id = @id OUTPUT; EXEC catalog.start_execution @id;"
        " SELECT status FROM catalog.executions WHERE execution_id = @id"
    ).fetchone()
    assert status == 5
    cursor.execute("EXEC emulator.release_pending")
    assert run(cursor)[1] == 7


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("take_time @seconds = NULL", "@seconds is NULL"),
        ("take_time @seconds = -1", "is not a duration in seconds"),
        ("write_messages @message_type = 40", "message_type is 40"),
        ("write_messages @message_type = 41", "41 is not a valid MessageType"),
        ("finish_with_status @status = 2", "status is 2"),
        ("fail_executable @code = 99999999999", "32 bits"),
        ("fail_executable @times = 0", "applies to at least one execution"),
    ],
)
def test_the_error_of_an_invalid_argument_names_the_procedure(cursor: pyodbc.Cursor, call: str, text: str) -> None:
    with pytest.raises(pyodbc.Error, match=rf"emulator\.{call.split()[0]}: .*{text}"):
        cursor.execute(f"EXEC emulator.{call}")


def test_only_members_of_sysadmin_may_script_runs() -> None:
    def call_as_reader(endpoint: Endpoint) -> None:
        reader = replace(endpoint, user="reader", password="r3ader-s3cret")
        with pyodbc.connect(reader.odbc(), autocommit=True) as connection:
            connection.execute("EXEC emulator.fail_executable")

    async def main() -> None:
        server = EmulatorServer()
        endpoint = await server.start()
        try:
            assert server.ssisdb is not None
            server.ssisdb.add_login("reader", "r3ader-s3cret", database_roles=["ssis_admin"])
            with pytest.raises(pyodbc.Error, match="EXECUTE permission was denied on 'fail_executable'"):
                await asyncio.to_thread(call_as_reader, endpoint)
        finally:
            await server.stop()

    asyncio.run(main())
