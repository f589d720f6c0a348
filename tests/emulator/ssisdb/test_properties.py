"""configure_catalog: names, ranges, and what the properties change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, create, error_number, rows, value
from tests.support.mart import MART

REFUSED = [
    ("NULL, N'1'", 27138),
    ("N'RETENTION_WINDOW', NULL", 27138),
    ("N'SCHEMA_VERSION', N'1'", 27101),
    ("N'VALIDATION_TIMEOUT', N'1'", 27101),
    ("N'IS_SCALEOUT_ENABLED', N'TRUE'", 27101),
    ("N'No such', N'1'", 27101),
    ("N'RETENTION_WINDOW', N'0'", 27101),
    ("N'RETENTION_WINDOW', N'3651'", 27101),
    ("N'RETENTION_WINDOW', N'x'", 27101),
    ("N'RETENTION_WINDOW', N'1.5'", 27101),
    ("N'MAX_PROJECT_VERSIONS', N'0'", 27101),
    ("N'MAX_PROJECT_VERSIONS', N'10000'", 27101),
    ("N'OPERATION_CLEANUP_ENABLED', N'1'", 27101),
    ("N'VERSION_CLEANUP_ENABLED', N'yes'", 27101),
    ("N'DEFAULT_EXECUTION_MODE', N'2'", 27101),
    ("N'SERVER_LOGGING_LEVEL', N'5'", 27217),
    ("N'SERVER_LOGGING_LEVEL', N'x'", 27217),
    ("N'SERVER_LOGGING_LEVEL', N'100'", 27241),
    ("N'SERVER_CUSTOMIZED_LOGGING_LEVEL', N'No'", 27237),
    ("N'ENCRYPTION_ALGORITHM', N'DES'", 27101),
    ("N'ENCRYPTION_ALGORITHM', N'AES_128'", 27162),
    ("N'SERVER_OPERATION_ENCRYPTION_LEVEL', N'3'", 27101),
    ("N'SERVER_OPERATION_ENCRYPTION_LEVEL', N'2'", 27162),
]
ACCEPTED = [
    ("RETENTION_WINDOW", "3650", "3650"),
    ("retention_window", "007", "7"),
    ("MAX_PROJECT_VERSIONS", "9999", "9999"),
    ("OPERATION_CLEANUP_ENABLED", "false", "FALSE"),
    ("VERSION_CLEANUP_ENABLED", "FALSE", "FALSE"),
    ("SERVER_LOGGING_LEVEL", "4", "4"),
    ("DEFAULT_EXECUTION_MODE", "1", "1"),
]


@pytest.fixture
def connection(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(connect(ssisdb_emulator)) as connection:
        yield connection


def property_value(connection: pyodbc.Connection, name: str) -> str:
    return str(value(connection, "SELECT property_value FROM catalog.catalog_properties WHERE property_name = ?", name))


@pytest.mark.parametrize(("arguments", "number"), REFUSED, ids=[arguments for arguments, _ in REFUSED])
def test_a_value_is_refused_with_its_number(connection: pyodbc.Connection, arguments: str, number: int) -> None:
    before = rows(connection, "SELECT property_name, property_value FROM catalog.catalog_properties ORDER BY 1")
    assert error_number(connection, f"EXEC catalog.configure_catalog {arguments}") == number
    assert rows(connection, "SELECT property_name, property_value FROM catalog.catalog_properties ORDER BY 1") == before


@pytest.mark.parametrize(("name", "given", "kept"), ACCEPTED)
def test_a_value_is_kept_and_the_call_is_an_operation(
    connection: pyodbc.Connection, name: str, given: str, kept: str
) -> None:
    connection.execute("EXEC catalog.configure_catalog ?, ?", name, given)
    assert property_value(connection, name) == kept
    assert rows(connection, "SELECT operation_type, status FROM catalog.operations") == [(1000, 7)]


def test_a_refused_value_leaves_a_failed_operation(connection: pyodbc.Connection) -> None:
    assert error_number(connection, "EXEC catalog.configure_catalog N'RETENTION_WINDOW', N'0'") == 27101
    assert rows(connection, "SELECT operation_type, status FROM catalog.operations") == [(1000, 4)]


def test_a_customized_level_becomes_the_level_of_new_executions(connection: pyodbc.Connection) -> None:
    connection.execute("EXEC catalog.create_customized_logging_level N'Mine'")
    connection.execute("EXEC catalog.configure_catalog N'SERVER_CUSTOMIZED_LOGGING_LEVEL', N'Mine'")
    assert property_value(connection, "SERVER_LOGGING_LEVEL") == "100"
    connection.execute("EXEC catalog.create_folder N'Sales'")
    connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
    query = (
        "SELECT parameter_name, CONVERT(nvarchar(20), parameter_value) FROM catalog.execution_parameter_values"
        " WHERE execution_id = ? AND parameter_name LIKE '%LOGGING_LEVEL' ORDER BY 1"
    )
    assert rows(connection, query, create(connection)) == [
        ("CUSTOMIZED_LOGGING_LEVEL", "Mine"),
        ("LOGGING_LEVEL", "100"),
    ]
    connection.execute("EXEC catalog.configure_catalog N'SERVER_LOGGING_LEVEL', N'2'")
    assert rows(connection, query, create(connection)) == [("LOGGING_LEVEL", "2")]


def test_versions_beyond_the_maximum_are_deleted_unless_the_clean_up_is_off(connection: pyodbc.Connection) -> None:
    connection.execute("EXEC catalog.create_folder N'Sales'")
    connection.execute("EXEC catalog.configure_catalog N'MAX_PROJECT_VERSIONS', N'2'")
    for switch, count in (("FALSE", 3), ("TRUE", 2)):
        connection.execute("EXEC catalog.configure_catalog N'VERSION_CLEANUP_ENABLED', ?", switch)
        for _ in range(3):
            connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        assert value(connection, "SELECT count(*) FROM catalog.object_versions") == count


def test_other_logins_may_not_configure_the_catalog(ssisdb_emulator: SsisdbEmulator) -> None:
    ssisdb_emulator.add_login("plain", "pass-word-1")
    with closing(connect(ssisdb_emulator, "plain", "pass-word-1")) as connection:
        assert error_number(connection, "EXEC catalog.configure_catalog N'RETENTION_WINDOW', N'0'") == 229
