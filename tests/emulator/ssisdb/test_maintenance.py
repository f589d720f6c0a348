"""The server's own procedures: start, version, dumps, and the deletion of old rows."""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import closing
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_session import catalog_sessions
from tests.support.catalog_sql import connect, create, error_number, messages, rows, run, value
from tests.support.mart import MART
from tests.support.tsql_session import answer
from tests.support.waiting import wait_until


def last_operation(connection: pyodbc.Connection, columns: str = "operation_type, status") -> tuple[object, ...]:
    return rows(connection, f"SELECT TOP 1 {columns} FROM catalog.operations ORDER BY operation_id DESC")[0]


def running(server: SsisdbEmulator, connection: pyodbc.Connection) -> int:
    server.scripts.take(60)
    execution_id = create(connection)
    connection.execute(f"EXEC catalog.start_execution {execution_id}")
    query = f"SELECT status FROM catalog.executions WHERE execution_id = {execution_id}"
    wait_until(lambda: value(connection, query) == 2, "the execution runs")
    return execution_id


def test_startup_closes_operations_without_a_process_only() -> None:
    create_one = (
        "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT;"
        " SELECT @id"
    )

    async def scenario() -> None:
        async with catalog_sessions() as served:
            served.catalog.runtime.scripts.hang()
            alive, orphan = [(await answer(served.first, create_one)).results[0][0][0] for _ in range(2)]
            await answer(served.first, f"EXEC catalog.start_execution {alive}")
            await served.catalog.background.write(
                lambda store: store.execute(
                    "UPDATE internal.operations SET status = 8 WHERE operation_id = ?", [orphan]
                )
            )
            started = await answer(served.second, "EXEC catalog.startup")
            assert [info.number for info in started.infos] == [27165]
            found = await answer(
                served.second,
                "SELECT operation_id, operation_type, status FROM catalog.operations WHERE operation_type IN (1, 200)"
                " ORDER BY operation_id",
            )
            assert [row[1:] for row in found.results[0]] == [(200, 5), (200, 6), (1, 7)]
            said = await answer(
                served.second, f"SELECT message FROM catalog.operation_messages WHERE operation_id = {orphan}"
            )
            assert f"operation {orphan} of type 200 was in status 8" in said.results[0][0][0]

    asyncio.run(scenario())


def test_the_failover_agent_may_call_startup(server: SsisdbEmulator) -> None:
    server.add_login("agent", "pass-word-1", database_roles=["ssis_failover_monitoring_agent"])
    server.add_login("plain", "pass-word-1")
    with closing(connect(server, "agent", "pass-word-1")) as agent:
        agent.execute("EXEC catalog.startup")
    with closing(connect(server, "plain", "pass-word-1")) as plain:
        assert error_number(plain, "EXEC catalog.startup") == 229


def test_the_versions_fit_together(connection: pyodbc.Connection) -> None:
    cursor = connection.execute("EXEC catalog.check_schema_version 0")
    assert [column[0] for column in cursor.description] == [
        "SERVER_BUILD",
        "SCHEMA_VERSION",
        "SCHEMA_BUILD",
        "ASSEMBLY_BUILD",
        "SHARED_COMPONENT_VERSION",
        "COMPATIBILITY_STATUS",
    ]
    assert cursor.fetchone()[-1] == 0
    cursor.close()
    assert last_operation(connection) == (700, 7)
    assert error_number(connection, "EXEC catalog.check_schema_version NULL") == 27138


def test_a_dump_needs_a_process(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    ended = create(connection)
    assert run(connection, ended) == 7
    for argument, number in (("NULL", 27138), ("0", 27101), (str(ended), 27218), ("999999", 27218)):
        assert error_number(connection, f"EXEC catalog.create_execution_dump {argument}") == number
    assert last_operation(connection) == (205, 4)
    alive = running(server, connection)
    connection.execute(f"EXEC catalog.create_execution_dump {alive}")
    assert last_operation(connection, "operation_type, status, object_type, object_id") == (205, 7, 50, alive)
    dump_id = value(connection, f"SELECT dump_id FROM catalog.executions WHERE execution_id = {alive}")
    folder = server.data_taps_folder.parent / "ErrorDumps"
    assert f"Execution {alive} of Mart, Load.dtsx" in (folder / f"{dump_id}.tmp").read_text()
    assert (folder / f"{dump_id}.mdmp").exists()


@pytest.mark.parametrize(
    ("values", "dumps"),
    [
        ({}, 0),
        ({"DUMP_ON_ERROR": "1"}, 1),
        ({"DUMP_ON_EVENT": "1", "DUMP_EVENT_CODE": "N'0xC0202009;0xC020801C'"}, 1),
        ({"DUMP_ON_EVENT": "1", "DUMP_EVENT_CODE": "N'0xC020801C; x;'"}, 0),
        ({"DUMP_EVENT_CODE": "N'0xC0202009'"}, 0),
    ],
)
def test_a_run_writes_a_dump_as_its_parameters_say(
    server: SsisdbEmulator, connection: pyodbc.Connection, values: dict[str, str], dumps: int
) -> None:
    server.scripts.fail(executable="Copy", code=0xC0202009)
    execution_id = create(connection)
    for name, text in values.items():
        connection.execute(f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, N'{name}', {text}")
    assert run(connection, execution_id) == 4
    dump_id = value(connection, f"SELECT dump_id FROM catalog.executions WHERE execution_id = {execution_id}")
    files = list((server.data_taps_folder.parent / "ErrorDumps").glob(f"{dump_id}.*"))
    assert len(files) == 2 * dumps
    said = [text for text in messages(connection, execution_id) if text.startswith("A dump was written")]
    assert len(said) == dumps


def test_old_operations_are_deleted_with_all_their_rows() -> None:
    create_one = (
        "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT;"
    )
    run_it = "EXEC catalog.set_execution_parameter_value @id, 50, N'SYNCHRONIZED', 1; EXEC catalog.start_execution @id;"

    async def scenario() -> None:
        async with catalog_sessions() as served:

            async def ask(text: str) -> list[tuple[Any, ...]]:
                found = await answer(served.first, text)
                assert found.numbers == []
                return found.results[-1] if found.results else []

            tap = "EXEC catalog.add_data_tap @id, N'a', N'b', N'c';"
            override = "EXEC catalog.set_execution_property_override_value @id, N'a', N'b', 0;"
            [(old,)] = await ask(f"{create_one}{tap}{run_it} SELECT @id")
            [(waiting,)] = await ask(f"{create_one}{override} SELECT @id")
            served.clock.time += dt.timedelta(days=6)
            [(young,)] = await ask(f"{create_one}{run_it} SELECT @id")
            await ask("EXEC catalog.configure_catalog N'RETENTION_WINDOW', N'7'")
            await ask("EXEC catalog.configure_catalog N'OPERATION_CLEANUP_ENABLED', N'FALSE'")
            served.clock.time += dt.timedelta(days=2)
            executions = "SELECT execution_id FROM catalog.executions ORDER BY 1"
            await ask("EXEC internal.cleanup_server_retention_window")
            assert await ask(executions) == [(old,), (waiting,), (young,)]
            await ask("EXEC catalog.configure_catalog N'OPERATION_CLEANUP_ENABLED', N'TRUE'")
            await ask("EXEC internal.cleanup_server_retention_window")
            newest = "SELECT TOP 1 operation_type, status FROM catalog.operations ORDER BY operation_id DESC"
            assert await ask(newest) == [(2, 7)]
            assert await ask(executions) == [(young,)]
            for view, column in (
                ("operations", "operation_id"),
                ("operation_messages", "operation_id"),
                ("event_messages", "operation_id"),
                ("extended_operation_info", "operation_id"),
                ("executables", "execution_id"),
                ("executable_statistics", "execution_id"),
                ("execution_parameter_values", "execution_id"),
                ("execution_property_override_values", "execution_id"),
                ("execution_data_taps", "execution_id"),
            ):
                count = f"SELECT count(*) FROM catalog.{view} WHERE {column} IN ({old}, {waiting})"
                assert await ask(count) == [(0,)], view
            assert await ask(f"SELECT count(*) FROM internal.operation_permissions WHERE object_id = {old}") == [(0,)]
            assert await ask("SELECT min(operation_id) FROM catalog.event_messages") == [(young,)]

    asyncio.run(scenario())


def test_the_clean_up_of_versions_keeps_the_newest(connection: pyodbc.Connection) -> None:
    connection.execute("EXEC catalog.configure_catalog N'VERSION_CLEANUP_ENABLED', N'FALSE'")
    for _ in range(3):
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
    newest = rows(connection, "SELECT object_version_lsn FROM catalog.object_versions ORDER BY 1 DESC")[:2]
    connection.execute("EXEC catalog.configure_catalog N'MAX_PROJECT_VERSIONS', N'2'")
    connection.execute("EXEC internal.cleanup_server_project_version")
    assert value(connection, "SELECT count(*) FROM catalog.object_versions") == 4
    connection.execute("EXEC catalog.configure_catalog N'VERSION_CLEANUP_ENABLED', N'TRUE'")
    connection.execute("EXEC internal.cleanup_server_project_version")
    assert rows(connection, "SELECT object_version_lsn FROM catalog.object_versions ORDER BY 1 DESC") == newest
    assert last_operation(connection) == (3, 7)


@pytest.mark.parametrize("call", ["cleanup_server_log", "cleanup_server_execution_keys 1"])
def test_some_clean_ups_need_single_user_mode(connection: pyodbc.Connection, call: str) -> None:
    assert error_number(connection, f"EXEC internal.{call}") == 27160


def test_the_clean_ups_belong_to_administrators(server: SsisdbEmulator) -> None:
    server.add_login("plain", "pass-word-1")
    with closing(connect(server, "plain", "pass-word-1")) as plain:
        for name in ("retention_window", "project_version", "log"):
            assert error_number(plain, f"EXEC internal.cleanup_server_{name}") == 229


def test_a_sql_login_is_refused_after_the_checks_of_arguments() -> None:
    refused = [
        ("validate_project NULL, N'b', 'F', @id OUTPUT", 27138),
        ("validate_project N'a', N'b', 'X', @id OUTPUT", 27101),
        ("validate_project N'a', N'b', 'F', @id OUTPUT", 27123),
        ("validate_package N'a', N'b', N'c', @id OUTPUT, 0, 'X'", 27101),
        ("validate_package N'a', N'b', N'c', @id OUTPUT", 27123),
        ("deploy_project NULL, N'b', 0x00", 27138),
        ("deploy_project N'a', N'b<', 0x00", 27145),
        ("deploy_project N'a', N'b', 0x00", 27123),
        ("deploy_packages NULL, N'b', @packages", 27138),
        ("deploy_packages N'a', N'', @packages", 27145),
        ("deploy_packages N'a', N'b', @packages", 27123),
        ("check_schema_version NULL", 27138),
        ("check_schema_version 0", 27123),
        ("create_execution_dump NULL", 27138),
        ("create_execution_dump 0", 27101),
        ("create_execution_dump 1", 27123),
        ("stop_operation NULL", 27100),
        ("stop_operation 1", 27123),
        ("start_execution NULL", 27123),
        ("add_data_tap NULL, NULL, NULL, NULL", 27123),
        ("remove_data_tap NULL", 27123),
        ("add_execution_worker NULL, NULL", 27123),
        ("configure_catalog NULL, NULL", 27123),
        ("create_execution NULL, NULL, NULL, @execution_id = @id OUTPUT", 27123),
        ("set_execution_parameter_value NULL, NULL, NULL, NULL", 27123),
        ("set_execution_property_override_value NULL, NULL, NULL, NULL", 27123),
        # Not tested on a real catalog.
        ("create_customized_logging_level NULL", 27233),
        ("enable_worker_agent NULL", 27100),
    ]
    with SsisdbEmulator(edition="box") as server, closing(connect(server)) as connection:
        declare = "DECLARE @id bigint, @packages catalog.Package_Table_Type;"
        found = [(call, error_number(connection, f"{declare} EXEC catalog.{call}")) for call, _ in refused]
    assert found == refused
