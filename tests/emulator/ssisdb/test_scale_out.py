"""Scale Out: workers, their executions, and the views that show both."""

from __future__ import annotations

from contextlib import closing

import pyodbc

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, error_number, rows, run, value
from tests.support.waiting import wait_until

ON_ANY = ", @runinscaleout = 1"
ON_CHOSEN = ", @runinscaleout = 1, @useanyworker = 0"
UNKNOWN = "00000000-0000-0000-0000-000000000001"


def start(connection: pyodbc.Connection, execution_id: int) -> None:
    connection.execute(f"EXEC catalog.start_execution {execution_id}")


def execution(connection: pyodbc.Connection, execution_id: int, columns: str) -> tuple[object, ...]:
    return rows(connection, f"SELECT {columns} FROM catalog.executions WHERE execution_id = {execution_id}")[0]


def wait_for(connection: pyodbc.Connection, execution_id: int, status: int) -> None:
    wait_until(lambda: execution(connection, execution_id, "status") == (status,), f"its status is {status}")


def test_runs_are_spread_over_the_workers(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    machines = {server.add_worker(name): name for name in ("W1", "W2", "W3")}
    server.scripts.take(60)
    ids = [create(connection, more=ON_ANY) for _ in range(6)]
    for execution_id in ids:
        start(connection, execution_id)
        wait_for(connection, execution_id, 2)
    columns = "CAST(worker_agent_id AS nvarchar(36)), machine_name, process_id, executed_count"
    found = [execution(connection, execution_id, columns) for execution_id in ids]
    assert sorted(str(row[1]) for row in found) == ["W1", "W1", "W2", "W2", "W3", "W3"]
    assert all(machines[str(row[0])] == row[1] for row in found)
    assert {row[2:] for row in found} == {(None, 1)}
    counters = rows(connection, "SELECT PerfCounterName, PerfCounterValue FROM catalog.worker_agent_perfcounter")
    assert counters == [("RunningTasks", 2.0)] * 3
    # A run on a worker has no process on the server, and can be stopped nevertheless.
    connection.execute(f"EXEC catalog.stop_operation {ids[0]}")
    wait_for(connection, ids[0], 3)


def test_an_execution_waits_for_a_worker_that_may_run_it(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    chosen, other = server.add_worker("Chosen", enabled=False), server.add_worker("Other")
    execution_id = create(connection, more=ON_CHOSEN)
    connection.execute(f"EXEC catalog.add_execution_worker {execution_id}, '{chosen}'")
    assert execution(connection, execution_id, "machine_name") == ("",)
    start(connection, execution_id)
    free = create(connection, more=ON_ANY)
    start(connection, free)
    wait_for(connection, free, 7)
    assert execution(connection, free, "machine_name") == ("Other",)
    assert execution(connection, execution_id, "status, machine_name, worker_agent_id") == (5, "", None)
    connection.execute(f"EXEC catalog.enable_worker_agent '{chosen}'")
    wait_for(connection, execution_id, 7)
    assert execution(connection, execution_id, "machine_name") == ("Chosen",)
    assert other != chosen


def test_only_an_execution_with_chosen_workers_takes_them(
    server: SsisdbEmulator, connection: pyodbc.Connection
) -> None:
    worker = server.add_worker("W1")
    local, on_any = create(connection, more=", @runinscaleout = 0"), create(connection, more=ON_ANY)
    chosen = create(connection, more=ON_CHOSEN)
    for arguments, expected in (
        (f"NULL, '{worker}'", 27138),
        ("NULL, NULL", 27138),
        (f"0, '{worker}'", 27101),
        ("999999, NULL", 27103),
        (f"{local}, NULL", 27255),
        (f"{on_any}, NULL", 27100),
        (f"{on_any}, '11111111-1111-1111-1111-111111111111'", 27101),
        (f"{on_any}, '{worker}'", 27251),
        (f"{chosen}, '{UNKNOWN}'", 27243),
    ):
        assert error_number(connection, f"EXEC catalog.add_execution_worker {arguments}") == expected, arguments
    connection.execute(f"EXEC catalog.add_execution_worker {chosen}, '{worker}'")
    assert error_number(connection, f"EXEC catalog.add_execution_worker {chosen}, '{worker}'") == 2627


def test_a_worker_can_be_added_while_the_execution_waits_for_one(
    server: SsisdbEmulator, connection: pyodbc.Connection
) -> None:
    worker = server.add_worker("W1")
    execution_id = create(connection, more=ON_CHOSEN)
    start(connection, execution_id)
    assert execution(connection, execution_id, "status") == (5,)
    connection.execute(f"EXEC catalog.add_execution_worker {execution_id}, '{worker}'")
    wait_for(connection, execution_id, 7)


def test_a_failed_run_is_repeated_as_often_as_allowed(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    server.add_worker("W1")
    server.scripts.fail(executable="Copy")
    execution_id = create(connection, more=ON_ANY)
    assert run(connection, execution_id, ", @retry_count = 2") == 4
    assert execution(connection, execution_id, "executed_count") == (3,)
    info = rows(
        connection,
        f"SELECT info_id, status FROM catalog.extended_operation_info WHERE operation_id = {execution_id} ORDER BY 1",
    )
    assert [status for _, status in info] == [4, 4, 4]
    of_messages = "SELECT DISTINCT extended_info_id FROM catalog.event_messages WHERE operation_id = ? ORDER BY 1"
    assert rows(connection, of_messages, execution_id) == [(info_id,) for info_id, _ in info]
    starts = (
        "SELECT count(*) FROM catalog.event_messages"
        f" WHERE operation_id = {execution_id} AND message LIKE 'Copy:Start%'"
    )
    assert value(connection, starts) == 3


def test_an_execution_that_waits_for_a_worker_to_repeat_it_can_be_stopped(
    server: SsisdbEmulator, connection: pyodbc.Connection
) -> None:
    worker = server.add_worker("W1")
    server.scripts.take(0.5, executable="Copy")
    server.scripts.fail(executable="Copy")
    execution_id = create(connection, more=ON_ANY)
    connection.execute(f"EXEC catalog.start_execution {execution_id}, 1")
    wait_for(connection, execution_id, 2)
    connection.execute(f"EXEC catalog.disable_worker_agent '{worker}'")
    wait_until(lambda: any("Load:Finished" in text for text in texts(connection, execution_id)), "the first run ended")
    connection.execute(f"EXEC catalog.stop_operation {execution_id}")
    wait_for(connection, execution_id, 3)
    assert execution(connection, execution_id, "executed_count") == (1,)


def texts(connection: pyodbc.Connection, execution_id: int) -> list[str]:
    query = f"SELECT message FROM catalog.event_messages WHERE operation_id = {execution_id}"
    return [text for (text,) in rows(connection, query)]


def test_messages_of_a_worker_have_a_guid_instead_of_an_id(
    server: SsisdbEmulator, connection: pyodbc.Connection
) -> None:
    server.add_worker("W1")
    server.scripts.fail(executable="Copy")
    execution_id = create(connection, more=ON_ANY)
    assert run(connection, execution_id) == 4
    where = f"WHERE operation_id = {execution_id}"
    [(count, ids, guids)] = rows(
        connection,
        "SELECT count(*), count(event_message_id), count(DISTINCT event_message_guid)"
        f" FROM catalog.event_messages {where}",
    )
    assert (ids, guids) == (0, count)
    assert count > 0
    joined = rows(
        connection,
        "SELECT DISTINCT m.event_name, c.event_message_id FROM catalog.event_message_context c"
        f" JOIN catalog.event_messages m ON m.event_message_guid = c.event_message_guid {where}",
    )
    assert joined == [("OnError", None)]


def test_the_default_mode_decides_where_nothing_is_asked(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    server.add_worker("W1")
    connection.execute("EXEC catalog.configure_catalog N'DEFAULT_EXECUTION_MODE', N'1'")
    execution_id = create(connection)
    assert run(connection, execution_id) == 7
    assert execution(connection, execution_id, "machine_name") == ("W1",)


def test_the_administrator_changes_workers(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    worker = value(
        connection,
        "DECLARE @id uniqueidentifier; EXEC emulator.add_worker N'W1', 0, @id OUTPUT; SELECT CAST(@id AS nvarchar(36))",
    )
    assert error_number(connection, "EXEC catalog.enable_worker_agent NULL") == 27100
    for call in ("enable_worker_agent", "disable_worker_agent", "delete_worker_agent"):
        assert error_number(connection, f"EXEC catalog.{call} '{UNKNOWN}'") == 27243
    change = f"EXEC catalog.set_worker_agent_property '{worker}', "
    assert error_number(connection, f"{change} N'MachineName', N'x'") == 27101
    assert error_number(connection, f"{change} NULL, N'x'") == 27100
    connection.execute(f"{change} N'DisplayName', N'First'; {change} N'Tags', N'fast'")
    query = "SELECT IsEnabled, DisplayName, MachineName, Tags FROM catalog.worker_agents"
    assert rows(connection, query) == [(False, "First", "W1", "fast")]
    connection.execute(f"EXEC catalog.delete_worker_agent '{worker}'")
    assert rows(connection, query) == []


def test_the_role_of_executors_may_use_scale_out_and_see_workers(
    server: SsisdbEmulator, connection: pyodbc.Connection
) -> None:
    server.add_worker("W1")
    server.add_login("plain", "pass-word-1")
    server.add_login("executor", "pass-word-1", database_roles=["ssis_cluster_executor"])
    project = value(connection, "SELECT project_id FROM catalog.projects")
    folder = value(connection, "SELECT folder_id FROM catalog.folders")
    for object_type, object_id, permission in ((1, folder, 1), (2, project, 1), (2, project, 3)):
        connection.execute(f"EXEC catalog.grant_permission {object_type}, {object_id}, 0, {permission}")
    with closing(connect(server, "plain", "pass-word-1")) as plain:
        assert rows(plain, "SELECT WorkerAgentId FROM catalog.worker_agents") == []
        statement = (
            "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx',"
            " @execution_id = @id OUTPUT, @runinscaleout = 1"
        )
        assert error_number(plain, statement) == 27219
        assert error_number(plain, "EXEC catalog.enable_scaleout") == 229
    with closing(connect(server, "executor", "pass-word-1")) as executor:
        [(worker,)] = rows(executor, "SELECT CAST(WorkerAgentId AS nvarchar(36)) FROM catalog.worker_agents")
        assert run(executor, create(executor, more=ON_ANY)) == 7
        of_another = create(connection, more=ON_CHOSEN)
        for arguments in (f"{of_another}, '{worker}'", f"NULL, '{worker}'", f"0, '{worker}'"):
            assert error_number(executor, f"EXEC catalog.add_execution_worker {arguments}") == 27103, arguments
        # EXECUTE on the procedure is for all: Microsoft's page asks for READ and MODIFY on the execution.
        chosen = create(executor, more=ON_CHOSEN)
        executor.execute(f"EXEC catalog.add_execution_worker {chosen}, '{worker}'")
        assert run(executor, chosen) == 7


def test_the_masters_properties_hide_the_connection_to_the_log(connection: pyodbc.Connection) -> None:
    connection.execute("EXEC catalog.enable_scaleout")
    connection.execute("EXEC catalog.update_logdb_info N'logs', N'Server=logs;Password=x'")
    connection.execute("EXEC catalog.update_master_address N'https://a:8391'")
    connection.execute("EXEC catalog.update_master_address N'https://b:8391'")
    query = "SELECT property_name, property_value FROM catalog.master_properties"
    assert rows(connection, query) == [("MASTER_ADDRESS", "https://b:8391")]


def test_only_administrators_of_the_server_turn_scale_out_on(
    server: SsisdbEmulator, connection: pyodbc.Connection
) -> None:
    server.add_login("plain", "pass-word-1")
    server.add_login("admin", "pass-word-1", database_roles=["ssis_admin"])
    with closing(connect(server, "admin", "pass-word-1")) as admin:
        assert error_number(admin, "EXEC catalog.enable_scaleout") == 27260
        admin.execute("EXEC catalog.update_master_address N'https://a:8391'")
    with closing(connect(server, "plain", "pass-word-1")) as plain:
        for call in ("update_master_address N'x'", "update_logdb_info N'x', N'y'", f"enable_worker_agent '{UNKNOWN}'"):
            assert error_number(plain, f"EXEC catalog.{call}") == 229
    connection.execute("EXEC catalog.enable_scaleout")
    query = "SELECT property_value FROM catalog.catalog_properties WHERE property_name = 'IS_SCALEOUT_ENABLED'"
    assert value(connection, query) == "TRUE"
