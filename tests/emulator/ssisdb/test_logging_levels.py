"""Customized logging levels: their procedures, and what a run with one writes."""

from __future__ import annotations

from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, deploy, error_number, messages, rows, run, value
from tests.support.ssis_projects import data_flow, make_ispac, package

PROJECT = make_ispac("Mart", packages=[package("Load.dtsx", data_flow("Copy"))])
ON_ERROR, ON_PRE_EXECUTE, ON_TASK_FAILED = 1 << 8, 1 << 2, 1 << 9
VOLUME, PERFORMANCE = 2, 4

CASES = [
    ("create_customized_logging_level NULL", 27233),
    ("create_customized_logging_level N''", 27233),
    ("create_customized_logging_level N'a|b', NULL, -1", 27234),
    ("create_customized_logging_level N'New', NULL, -1", 27240),
    ("create_customized_logging_level N'New', NULL, 0, -1", 27240),
    ("create_customized_logging_level N'KNOWN'", 27235),
    ("rename_customized_logging_level N'', N'x'", 27233),
    ("rename_customized_logging_level N'Known', NULL", 27233),
    ("rename_customized_logging_level N'No', N'a|b'", 27234),
    ("rename_customized_logging_level N'No', N'Known'", 27237),
    ("rename_customized_logging_level N'Known', N'OTHER'", 27235),
    ("delete_customized_logging_level NULL", 27233),
    ("delete_customized_logging_level N'No'", 27237),
    ("set_customized_logging_level_description N'', N'x'", 27233),
    ("set_customized_logging_level_description N'No', N'x'", 27237),
    ("set_customized_logging_level_value NULL, N'PROFILE', -1", 27233),
    ("set_customized_logging_level_value N'No', N'PROFILE', -1", 27240),
    ("set_customized_logging_level_value N'No', N'x', 1", 27237),
    ("set_customized_logging_level_value N'Known', N'x', 1", 27101),
]


@pytest.fixture(scope="module")
def server(ssisdb_emulator_server: SsisdbEmulator) -> SsisdbEmulator:
    ssisdb_emulator_server.reset()
    deploy(ssisdb_emulator_server, PROJECT)
    with closing(connect(ssisdb_emulator_server)) as connection:
        for name in ("Known", "Other"):
            connection.execute("EXEC catalog.create_customized_logging_level ?", name)
    return ssisdb_emulator_server


@pytest.mark.parametrize(("call", "number"), CASES, ids=[call for call, _ in CASES])
def test_a_call_is_refused_with_its_number(connection: pyodbc.Connection, call: str, number: int) -> None:
    assert error_number(connection, f"EXEC catalog.{call}") == number


def test_a_level_lives_from_its_creation_to_its_end(connection: pyodbc.Connection) -> None:
    level_id = value(
        connection,
        "DECLARE @id bigint;"
        " EXEC catalog.create_customized_logging_level N'Mine', N'first', 2, 4, @id OUTPUT; SELECT @id",
    )
    connection.execute("EXEC catalog.set_customized_logging_level_description N'mine', N'second'")
    connection.execute("EXEC catalog.set_customized_logging_level_value N'Mine', N'events', 256")
    connection.execute("EXEC catalog.set_customized_logging_level_value N'Mine', N'PROFILE', 4")
    connection.execute("EXEC catalog.rename_customized_logging_level N'Mine', N'Yours'")
    # A level's own name is accepted before anything is looked up.
    connection.execute("EXEC catalog.rename_customized_logging_level N'Never', N'Never'")
    query = (
        "SELECT name, description, profile_value, events_value FROM catalog.customized_logging_levels"
        " WHERE level_id = ?"
    )
    assert rows(connection, query, level_id) == [("Yours", "second", 4, 256)]
    connection.execute("EXEC catalog.delete_customized_logging_level N'Yours'")
    assert rows(connection, query, level_id) == []


def test_an_execution_takes_a_customized_level_that_exists(connection: pyodbc.Connection) -> None:
    execution_id = create(connection)
    set_value = f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, "
    assert error_number(connection, f"{set_value} N'CUSTOMIZED_LOGGING_LEVEL', N'Known'") == 27176
    connection.execute(f"{set_value} N'LOGGING_LEVEL', 100")
    assert error_number(connection, f"{set_value} N'CUSTOMIZED_LOGGING_LEVEL', N'No'") == 27237
    connection.execute(f"{set_value} N'CUSTOMIZED_LOGGING_LEVEL', N'Known'")
    # The same level again keeps the name, another level removes it.
    names = (
        "SELECT parameter_value FROM catalog.execution_parameter_values"
        f" WHERE execution_id = {execution_id} AND parameter_name = 'CUSTOMIZED_LOGGING_LEVEL'"
    )
    connection.execute(f"{set_value} N'LOGGING_LEVEL', 100")
    assert rows(connection, names) == [("Known",)]
    connection.execute(f"{set_value} N'LOGGING_LEVEL', 1")
    assert rows(connection, names) == []


def test_a_run_writes_what_its_customized_level_selects(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    server.scripts.fail(executable="Copy", times=1)
    events = ON_ERROR | ON_TASK_FAILED | ON_PRE_EXECUTE << 32 | ON_ERROR << 32
    connection.execute(f"EXEC catalog.create_customized_logging_level N'Errors', NULL, {PERFORMANCE}, {events}")
    execution_id = create(connection)
    set_value = f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, "
    connection.execute(f"{set_value} N'LOGGING_LEVEL', 100")
    connection.execute(f"{set_value} N'CUSTOMIZED_LOGGING_LEVEL', N'errors'")
    assert run(connection, execution_id) == 4
    where = f"WHERE operation_id = {execution_id}"
    found = rows(connection, f"SELECT DISTINCT event_name FROM catalog.event_messages {where} ORDER BY 1")
    assert found == [("OnError",), ("OnTaskFailed",)]
    with_context = rows(
        connection,
        "SELECT DISTINCT m.event_name FROM catalog.event_message_context c"
        f" JOIN catalog.event_messages m ON m.event_message_id = c.event_message_id {where}",
    )
    assert with_context == [("OnError",)]
    counts = ", ".join(
        f"(SELECT count(*) FROM catalog.{view} WHERE execution_id = {execution_id})"
        for view in ("execution_component_phases", "execution_data_statistics", "executable_statistics")
    )
    assert rows(connection, f"SELECT {counts}") == [(8, 0, 0)]


def test_a_run_without_a_customized_level_fails_and_says_why(connection: pyodbc.Connection) -> None:
    execution_id = create(connection)
    connection.execute(f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, N'LOGGING_LEVEL', 100")
    assert run(connection, execution_id) == 4
    [message] = messages(connection, execution_id)
    assert "names no customized logging level" in message


def test_a_run_whose_customized_level_was_deleted_fails_and_names_it(connection: pyodbc.Connection) -> None:
    connection.execute("EXEC catalog.create_customized_logging_level N'Short'")
    execution_id = create(connection)
    set_value = f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, "
    connection.execute(f"{set_value} N'LOGGING_LEVEL', 100")
    connection.execute(f"{set_value} N'CUSTOMIZED_LOGGING_LEVEL', N'Short'")
    connection.execute("EXEC catalog.delete_customized_logging_level N'Short'")
    assert run(connection, execution_id) == 4
    [message] = messages(connection, execution_id)
    assert "'Short' of the execution no longer exists" in message


@pytest.mark.parametrize(
    "call",
    [
        "create_customized_logging_level N'x'",
        "rename_customized_logging_level N'x', N'y'",
        "delete_customized_logging_level N'x'",
        "set_customized_logging_level_value N'x', N'EVENTS', 1",
    ],
)
def test_levels_belong_to_administrators(server: SsisdbEmulator, call: str) -> None:
    server.add_login("plain", "pass-word-1")
    with closing(connect(server, "plain", "pass-word-1")) as connection:
        assert error_number(connection, f"EXEC catalog.{call}") == 229
        # Everyone may read them.
        assert value(connection, "SELECT count(*) FROM catalog.customized_logging_levels") > 0
