"""The order in which procedures of executions check: each call has several faults, and the first one is reported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, error_number, rows, run, value
from tests.support.mart import MART

CREATED, ENDED, ABSENT = "{created}", "{ended}", "999999"
SET = "set_execution_parameter_value"
OVERRIDE = "set_execution_property_override_value"

CASES = [
    (f"{SET} 0, 10, N'x', NULL", 27138),
    (f"{SET} 0, 10, N'x', N'1'", 27101),
    (f"{SET} 0, 30, N'x', N'1'", 27101),
    (f"{SET} {ABSENT}, 30, N'x', N'1'", 27103),
    (f"{SET} {ENDED}, 30, N'x', N'1'", 27224),
    (f"{SET} {CREATED}, 30, N'batchsize', N'1'", 27176),
    (f"{SET} {CREATED}, 20, N'BatchSize', N'1'", 27176),
    (f"{SET} {CREATED}, 30, N'BatchSize', N'1'", 27147),
    (f"{SET} {CREATED}, 50, N'LOGGING_LEVEL', N'9'", 27147),
    (f"{SET} {CREATED}, 50, N'LOGGING_LEVEL', 9", 27217),
    (f"{OVERRIDE} 0, NULL, N'v', NULL", 27138),
    (f"{OVERRIDE} 0, N'p', N'v', NULL", 27101),
    (f"{OVERRIDE} {ABSENT}, N'p', N'v', NULL", 27103),
    (f"{OVERRIDE} {ENDED}, N'p', N'v', NULL", 27225),
    (f"{OVERRIDE} {CREATED}, N'p', N'v', NULL", 515),
    ("start_execution NULL, -1", 27138),
    ("start_execution 0, -1", 27101),
    (f"start_execution {CREATED}, -1", 27101),
    (f"start_execution {ENDED}", 27121),
    ("stop_operation NULL", 27100),
    (f"stop_operation {ABSENT}", 27124),
    (f"stop_operation {CREATED}", 27124),
    (f"stop_operation {ENDED}", 27124),
    (f"add_data_tap {ABSENT}, NULL, NULL, NULL", 27103),
    (f"add_data_tap {ENDED}, NULL, NULL, NULL", 27212),
    (f"add_execution_worker {CREATED}, NULL", 27255),
]


@pytest.fixture(scope="module")
def server(ssisdb_emulator_server: SsisdbEmulator) -> SsisdbEmulator:
    ssisdb_emulator_server.reset()
    return ssisdb_emulator_server


@pytest.fixture(scope="module")
def executions(server: SsisdbEmulator) -> dict[str, int]:
    with closing(connect(server)) as connection:
        connection.execute("EXEC catalog.create_folder N'Sales'")
        connection.execute("EXEC catalog.create_folder N'Other'")
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        created, ended = create(connection), create(connection)
        assert run(connection, ended) == 7
    return {"created": created, "ended": ended}


@pytest.fixture
def connection(server: SsisdbEmulator, executions: dict[str, int]) -> Iterator[pyodbc.Connection]:
    with closing(connect(server)) as connection:
        yield connection


@pytest.mark.parametrize(("call", "number"), CASES, ids=[call for call, _ in CASES])
def test_the_first_fault_is_reported(
    connection: pyodbc.Connection, executions: dict[str, int], call: str, number: int
) -> None:
    assert error_number(connection, f"EXEC catalog.{call.format(**executions)}") == number


def test_a_stop_that_is_refused_is_a_failed_operation(
    connection: pyodbc.Connection, executions: dict[str, int]
) -> None:
    assert error_number(connection, f"EXEC catalog.stop_operation {executions['created']}") == 27124
    [row] = rows(
        connection,
        "SELECT TOP 1 operation_type, status, object_type, object_id, end_time FROM catalog.operations"
        " ORDER BY operation_id DESC",
    )
    assert row[:4] == (202, 4, 20, None)
    assert row[4] is not None


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ("EXEC catalog.deploy_project N'Sales', N'Mart', ?", 27150),
        ("EXEC catalog.move_project N'Sales', N'Mart', N'Other'", 27109),
        ("EXEC catalog.delete_project N'Other', N'Mart'", 27109),
    ],
)
def test_a_project_that_changed_ends_an_execution_at_its_start(
    connection: pyodbc.Connection, change: str, number: int
) -> None:
    folder = "Other" if "delete" in change else "Sales"
    connection.execute(f"EXEC catalog.deploy_project N'{folder}', N'Mart', ?", MART)
    execution_id = value(
        connection,
        f"DECLARE @id bigint; EXEC catalog.create_execution N'{folder}', N'Mart', N'Load.dtsx', @execution_id = @id"
        " OUTPUT; SELECT @id",
    )
    connection.execute(change, *([MART] if "?" in change else []))
    start = f"EXEC catalog.start_execution {execution_id}"
    assert error_number(connection, start) == number
    query = f"SELECT status, start_time, end_time FROM catalog.executions WHERE execution_id = {execution_id}"
    [(status, begin, end)] = rows(connection, query)
    assert (status, begin, end is None) == (4, None, False)
    assert error_number(connection, start) == 27121


def test_the_id_is_known_although_the_creation_failed(connection: pyodbc.Connection) -> None:
    execution_id = value(
        connection,
        "DECLARE @id bigint;"
        " BEGIN TRY EXEC catalog.create_execution N'Sales', N'None', N'x', @execution_id = @id OUTPUT END TRY"
        " BEGIN CATCH SELECT @id END CATCH",
    )
    query = f"SELECT object_name, status FROM catalog.operations WHERE operation_id = {execution_id}"
    assert rows(connection, query) == [("None", 4)]
