"""The functions of schema catalog."""

from __future__ import annotations

from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, deploy, error_number, rows, value
from tests.support.ssis_projects import data_flow, make_ispac, on_success, package, task
from tests.support.waiting import wait_until

PROJECT = make_ispac(
    "Mart",
    packages=[
        package("Load.dtsx", data_flow("Copy"), task("Wait"), constraints=[on_success("Copy", "Wait")]),
    ],
)
COUNTERS = "SELECT counter_value FROM catalog.dm_execution_performance_counters({}) WHERE counter_name = 'Rows written'"


@pytest.fixture
def server(ssisdb_emulator: SsisdbEmulator) -> SsisdbEmulator:
    deploy(ssisdb_emulator, PROJECT)
    return ssisdb_emulator


def running(server: SsisdbEmulator, connection: pyodbc.Connection) -> int:
    server.scripts.take(60, executable="Wait")
    execution_id = create(connection)
    connection.execute(f"EXEC catalog.set_execution_parameter_value {execution_id}, 50, N'LOGGING_LEVEL', 3")
    connection.execute(f"EXEC catalog.start_execution {execution_id}")
    wait_until(lambda: rows(connection, COUNTERS.format(execution_id)) == [(1000,)], "the data flow has ended")
    return execution_id


def test_a_running_execution_has_counters(ssisdb_emulator: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    first, second = running(ssisdb_emulator, connection), running(ssisdb_emulator, connection)
    found = rows(connection, f"SELECT * FROM catalog.dm_execution_performance_counters({first}) ORDER BY counter_name")
    assert len(found) == 12
    assert {row[0] for row in found} == {first}
    assert ("Rows read", 1000) in [row[1:] for row in found]
    # NULL and DEFAULT: all running executions.
    for argument in ("NULL", "DEFAULT"):
        query = f"SELECT DISTINCT execution_id FROM catalog.dm_execution_performance_counters({argument}) ORDER BY 1"
        assert rows(connection, query) == [(first,), (second,)]
    joined = (
        "SELECT e.execution_id, c.counter_value FROM catalog.executions e"
        " CROSS APPLY catalog.dm_execution_performance_counters(e.execution_id) c WHERE c.counter_name = 'Rows read'"
        " ORDER BY 1"
    )
    assert rows(connection, joined) == [(first, 1000), (second, 1000)]
    connection.execute(
        f"DECLARE @id bigint = {first}; SELECT * FROM SSISDB.catalog.dm_execution_performance_counters(@id)"
    )


def test_other_logins_see_only_what_they_may_read(
    ssisdb_emulator: SsisdbEmulator, connection: pyodbc.Connection
) -> None:
    execution_id = running(ssisdb_emulator, connection)
    ssisdb_emulator.add_login("plain", "pass-word-1")
    with closing(connect(ssisdb_emulator, "plain", "pass-word-1")) as plain:
        for argument in ("NULL", str(execution_id)):
            assert rows(plain, f"SELECT * FROM catalog.dm_execution_performance_counters({argument})") == []
        connection.execute(f"EXEC catalog.grant_permission 4, {execution_id}, 0, 1")
        assert len(rows(plain, f"SELECT * FROM catalog.dm_execution_performance_counters({execution_id})")) == 12
        assert rows(plain, "SELECT * FROM catalog.dm_execution_performance_counters(NULL)") == []


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("catalog.dm_execution_performance_counters()", 313),
        ("catalog.dm_execution_performance_counters(1, 2)", 8144),
        ("catalog.no_such_function(1)", 208),
        ("catalog.get_operation_log_size()", 208),
    ],
)
def test_a_wrong_call_is_refused(connection: pyodbc.Connection, call: str, number: int) -> None:
    assert error_number(connection, f"SELECT * FROM {call}") == number


def test_the_logs_have_sizes(connection: pyodbc.Connection) -> None:
    create(connection)
    assert rows(connection, "SELECT catalog.get_operation_log_size(), catalog.get_version_log_size()") == [(2, 1)]
    assert value(connection, "DECLARE @n bigint = catalog.get_operation_log_size(); SELECT @n + 1") == 3


def test_the_system_views_list_the_functions(connection: pyodbc.Connection) -> None:
    query = "SELECT name, RTRIM(type) FROM sys.objects WHERE type IN ('FN', 'IF') ORDER BY name"
    assert rows(connection, query) == [
        ("dm_execution_performance_counters", "IF"),
        ("get_operation_log_size", "FN"),
        ("get_version_log_size", "FN"),
    ]
