"""Procedures that need the database in single-user mode."""

from __future__ import annotations

from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, error_number, rows, run, value
from tests.support.waiting import wait_until

ACCESS = "SELECT user_access, user_access_desc FROM sys.databases WHERE name = 'SSISDB'"
ENCRYPTION_LEVEL = "EXEC catalog.configure_catalog N'SERVER_OPERATION_ENCRYPTION_LEVEL', N'2'"


@pytest.mark.parametrize("options", ["", " WITH ROLLBACK IMMEDIATE", " WITH ROLLBACK AFTER 5 SECONDS", " WITH NO_WAIT"])
@pytest.mark.parametrize("name", ["SSISDB", "[SSISDB]", "CURRENT", "ssisdb"])
def test_the_mode_is_kept_until_it_is_changed(connection: pyodbc.Connection, name: str, options: str) -> None:
    assert rows(connection, ACCESS) == [(0, "MULTI_USER")]
    connection.execute(f"ALTER DATABASE {name} SET SINGLE_USER{options}; PRINT 'x'")
    assert rows(connection, ACCESS) == [(1, "SINGLE_USER")]
    connection.execute(f"ALTER DATABASE {name} SET MULTI_USER")
    assert rows(connection, ACCESS) == [(0, "MULTI_USER")]


def test_the_log_is_deleted_in_single_user_mode(connection: pyodbc.Connection) -> None:
    assert run(connection, create(connection)) == 7
    connection.execute("ALTER DATABASE SSISDB SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    connection.execute("EXEC internal.cleanup_server_log")
    connection.execute("ALTER DATABASE SSISDB SET MULTI_USER")
    for view in ("operations", "executions", "event_messages", "executable_statistics", "execution_parameter_values"):
        assert value(connection, f"SELECT count(*) FROM catalog.{view}") == 0
    assert value(connection, "SELECT count(*) FROM catalog.projects") == 1


def test_the_encryption_level_changes_without_executions_only(
    ssisdb_emulator: SsisdbEmulator, connection: pyodbc.Connection
) -> None:
    ssisdb_emulator.scripts.hang()
    execution_id = create(connection)
    connection.execute(f"EXEC catalog.start_execution {execution_id}")
    assert error_number(connection, ENCRYPTION_LEVEL) == 27162
    connection.execute("ALTER DATABASE SSISDB SET SINGLE_USER")
    assert error_number(connection, ENCRYPTION_LEVEL) == 27139
    ssisdb_emulator.scripts.release()
    ended = f"SELECT end_time FROM catalog.operations WHERE operation_id = {execution_id}"
    wait_until(lambda: value(connection, ended) is not None, "the execution has ended")
    assert error_number(connection, ENCRYPTION_LEVEL) == 27141
    connection.execute("EXEC internal.cleanup_server_log")
    connection.execute(ENCRYPTION_LEVEL)
    query = "SELECT property_value FROM catalog.catalog_properties WHERE property_name = ?"
    assert value(connection, query, "SERVER_OPERATION_ENCRYPTION_LEVEL") == "2"


def test_the_algorithm_changes_in_single_user_mode(connection: pyodbc.Connection) -> None:
    connection.execute("ALTER DATABASE SSISDB SET SINGLE_USER")
    connection.execute("EXEC catalog.configure_catalog N'ENCRYPTION_ALGORITHM', N'aes_128'")
    query = "SELECT property_value FROM catalog.catalog_properties WHERE property_name = 'ENCRYPTION_ALGORITHM'"
    assert value(connection, query) == "AES_128"


def test_lost_keys_lose_sensitive_values_of_ended_executions(connection: pyodbc.Connection) -> None:
    connection.execute("EXEC catalog.set_object_parameter_value 20, N'Sales', N'Mart', N'ApiKey', N'secret'")
    ended, waiting = create(connection), create(connection)
    assert run(connection, ended) == 7
    connection.execute("ALTER DATABASE SSISDB SET SINGLE_USER")
    assert error_number(connection, "EXEC internal.cleanup_server_execution_keys 3") == 27101
    connection.execute("EXEC internal.cleanup_server_execution_keys 1")
    query = (
        "SELECT count(sensitive_parameter_value) FROM internal.execution_parameter_values"
        " WHERE parameter_name = 'ApiKey' AND execution_id = ?"
    )
    assert (value(connection, query, ended), value(connection, query, waiting)) == (0, 1)


def test_other_logins_may_not_change_the_mode(ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.add_login("plain", "pass-word-1", database_roles=["ssis_admin"])
    with closing(connect(ssisdb_emulator, "plain", "pass-word-1")) as plain:
        assert error_number(plain, "ALTER DATABASE SSISDB SET SINGLE_USER") == 5011
        assert error_number(plain, "ALTER DATABASE SSISDB SET RECOVERY SIMPLE") == 40514
