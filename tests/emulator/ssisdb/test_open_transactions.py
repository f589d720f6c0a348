"""Transactions that clients leave open, while packages run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.mart import MART
from tests.support.waiting import wait_until

CREATE = """
DECLARE @id bigint;
EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT;
SELECT @id
"""


@pytest.fixture
def client(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        connection.execute("EXEC catalog.create_folder N'Sales'")
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        yield connection


@pytest.fixture
def other(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        yield connection


def create(connection: pyodbc.Connection) -> int:
    return int(connection.execute(CREATE).fetchval())


def start(connection: pyodbc.Connection, execution_id: int) -> None:
    connection.execute(f"EXEC catalog.start_execution {execution_id}")


def status(connection: pyodbc.Connection, execution_id: int) -> OperationStatus:
    query = f"SELECT status FROM catalog.executions WHERE execution_id = {execution_id}"
    return OperationStatus(connection.execute(query).fetchval())


def open_transaction(connection: pyodbc.Connection) -> None:
    connection.execute("BEGIN TRANSACTION; EXEC catalog.create_folder N'Idle'")


def test_packages_run_to_their_end_while_a_client_is_idle_in_a_transaction(
    ssisdb_emulator: SsisdbEmulator, client: pyodbc.Connection, other: pyodbc.Connection
) -> None:
    ssisdb_emulator.scripts.hang()
    execution_id = create(client)
    start(client, execution_id)
    open_transaction(other)
    ssisdb_emulator.scripts.release()
    wait_until(lambda: status(client, execution_id) is OperationStatus.SUCCEEDED)
    query = f"SELECT COUNT(*) FROM catalog.event_messages WHERE operation_id = {execution_id}"
    assert client.execute(query).fetchval() > 10
    other.execute("COMMIT")
    assert client.execute("SELECT COUNT(*) FROM catalog.folders WHERE name = 'Idle'").fetchval() == 1
    assert status(other, execution_id) is OperationStatus.SUCCEEDED


def test_an_open_transaction_sees_how_runs_go_on(
    ssisdb_emulator: SsisdbEmulator, client: pyodbc.Connection, other: pyodbc.Connection
) -> None:
    ssisdb_emulator.scripts.hang()
    execution_id = create(client)
    start(client, execution_id)
    open_transaction(other)
    assert status(other, execution_id) is OperationStatus.PENDING
    ssisdb_emulator.scripts.release()
    wait_until(lambda: status(other, execution_id) is OperationStatus.SUCCEEDED)
    other.execute("ROLLBACK")
    assert client.execute("SELECT COUNT(*) FROM catalog.folders WHERE name = 'Idle'").fetchval() == 0


def test_a_batch_in_an_open_transaction_can_wait_for_a_run(
    ssisdb_emulator: SsisdbEmulator, client: pyodbc.Connection, other: pyodbc.Connection
) -> None:
    ssisdb_emulator.scripts.take(0.3)
    execution_id = create(client)
    open_transaction(other)
    with closing(other.cursor()) as cursor:
        # The start needs the write lock that the transaction holds, so the same transaction cannot wait for it.
        cursor.execute("COMMIT")
        start(client, execution_id)
        wait_until(lambda: status(client, execution_id) is OperationStatus.RUNNING)
        cursor.execute(
            "BEGIN TRANSACTION; EXEC catalog.set_folder_description N'Idle', N'x';"
            f" WHILE (SELECT status FROM catalog.executions WHERE execution_id = {execution_id}) = 2"
            " WAITFOR DELAY '00:00:00.05';"
            f" SELECT status FROM catalog.executions WHERE execution_id = {execution_id}; COMMIT"
        )
        while cursor.description is None:
            assert cursor.nextset()
        assert cursor.fetchval() == OperationStatus.SUCCEEDED


def test_an_open_transaction_stops_a_run_that_began_after_it(
    ssisdb_emulator: SsisdbEmulator, client: pyodbc.Connection, other: pyodbc.Connection
) -> None:
    ssisdb_emulator.scripts.hang()
    ssisdb_emulator.scripts.take(300)
    execution_id = create(client)
    start(client, execution_id)
    open_transaction(other)
    ssisdb_emulator.scripts.release()
    wait_until(lambda: status(client, execution_id) is OperationStatus.RUNNING)
    other.execute(f"EXEC catalog.stop_operation {execution_id}")
    other.execute("COMMIT")
    wait_until(lambda: status(client, execution_id) is OperationStatus.CANCELED)


def test_a_run_waits_for_a_transaction_that_is_stopping_it(
    ssisdb_emulator: SsisdbEmulator, client: pyodbc.Connection, other: pyodbc.Connection
) -> None:
    ssisdb_emulator.scripts.take(0.3)
    execution_id = create(client)
    start(client, execution_id)
    wait_until(lambda: status(client, execution_id) is OperationStatus.RUNNING)
    other.execute(f"BEGIN TRANSACTION; EXEC catalog.stop_operation {execution_id}")
    finished = "SELECT COUNT(*) FROM catalog.event_messages WHERE message LIKE 'Load:Finished%'"
    wait_until(lambda: client.execute(finished).fetchval() == 1)
    assert status(client, execution_id) is OperationStatus.RUNNING
    other.execute("ROLLBACK")
    wait_until(lambda: status(client, execution_id) is OperationStatus.SUCCEEDED)


def test_an_execution_of_a_deleted_project_does_not_start(client: pyodbc.Connection) -> None:
    execution_id = create(client)
    client.execute("EXEC catalog.delete_project N'Sales', N'Mart'")
    with pytest.raises(pyodbc.Error, match="27109"):
        start(client, execution_id)
