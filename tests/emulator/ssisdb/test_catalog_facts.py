"""Behaviour of the catalog that no other test names: errors of missing permissions, and what calls leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_sql import connect, deploy, error_number, rows
from tests.support.mart import MART

PASSWORD = "Pa55-word!"
CREATE = "DECLARE @e bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @e OUTPUT"


@pytest.fixture(scope="module")
def server() -> Iterator[SsisdbEmulator]:
    """A server with the folders Sales and Other, an environment, and the login reader, who may read and change Mart."""
    with SsisdbEmulator() as server:
        deploy(server, MART)
        server.add_login("reader", PASSWORD)
        with closing(connect(server)) as connection:
            for call in (
                "create_folder N'Other'",
                "create_environment N'Sales', N'E'",
                "create_environment N'Other', N'E'",
                "create_customized_logging_level N'Level'",
            ):
                rows(connection, f"EXEC catalog.{call}")
            rows(
                connection,
                """DECLARE @user int = DATABASE_PRINCIPAL_ID('reader'), @folder bigint, @project bigint
                SELECT @folder = folder_id, @project = project_id FROM catalog.projects
                EXEC catalog.grant_permission 1, @folder, @user, 1
                EXEC catalog.grant_permission 1, @folder, @user, 103
                EXEC catalog.grant_permission 2, @project, @user, 1
                EXEC catalog.grant_permission 2, @project, @user, 2
                EXEC catalog.deny_permission 2, @project, @user, 3""",
            )
        yield server


@pytest.fixture
def reader(server: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(connect(server, "reader", PASSWORD)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (CREATE, 27178),
        ("EXEC catalog.move_project N'Sales', N'Mart', N'Other'", 27115),
        ("EXEC catalog.create_environment N'Sales', N'New'", 27209),
        ("EXEC catalog.delete_environment N'Sales', N'E'", 27182),
        ("DECLARE @o bigint; EXEC catalog.deploy_project N'Sales', N'New', 0x00, @o OUTPUT", 27206),
        ("EXEC catalog.grant_permission 4, 999999, 1, 1", 27105),
        ("EXEC catalog.configure_catalog N'RETENTION_WINDOW', N'10'", 229),
        ("EXEC catalog.delete_customized_logging_level N'Level'", 229),
        ("EXEC catalog.startup", 229),
        ("EXEC catalog.enable_scaleout", 229),
    ],
)
def test_what_a_login_without_rights_gets(reader: pyodbc.Connection, call: str, number: int) -> None:
    assert error_number(reader, call) == number


def test_permissions_of_a_folder_are_inherited_without_execute_for_environments(reader: pyodbc.Connection) -> None:
    found = rows(reader, "SELECT object_type, permission_type FROM catalog.effective_object_permissions ORDER BY 1, 2")
    assert [each for each in found if each[0] != 4] == [(1, 1), (1, 103), (2, 1), (2, 2)]


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("catalog.grant_permission 2, 999999, 1, 1", 27109),
        ("catalog.grant_permission 3, 999999, 1, 1", 27182),
        ("catalog.grant_permission 4, 999999, 1, 1", 27105),
        ("catalog.move_environment N'Sales', N'E', N'Other'", 27157),
        ("catalog.move_environment N'Sales', N'E', N'Nowhere'", 27115),
        ("catalog.set_environment_reference_type 999999, A, N'Other'", 27111),
        ("catalog.rename_folder N'Sales', N'Other'", 27129),
        ("catalog.remove_data_tap NULL", 27215),
        ("catalog.set_customized_logging_level_value N'Level', N'PROFILE', -1", 27240),
        ("internal.cleanup_server_execution_keys @cleanup_flag = 1", 27160),
    ],
)
def test_refused_calls(connection: pyodbc.Connection, call: str, number: int) -> None:
    assert error_number(connection, f"EXEC {call}") == number


def test_adding_a_worker_does_not_ask_whether_the_execution_was_started(connection: pyodbc.Connection) -> None:
    id_ = rows(connection, f"{CREATE}; EXEC catalog.start_execution @e; SELECT @e")[0][0]
    call = f"EXEC catalog.add_execution_worker {id_}, '11111111-1111-1111-1111-111111111111'"
    assert error_number(connection, call) == 27255


def test_names_are_stored_as_the_caller_spells_them(connection: pyodbc.Connection) -> None:
    spelled = CREATE.replace("Sales", "sALES").replace("Mart", "MART").replace("Load", "LOAD")
    names = "SELECT folder_name, project_name, package_name FROM catalog.executions WHERE execution_id = @e"
    assert rows(connection, f"{spelled}; {names}") == [("sALES", "MART", "LOAD.dtsx")]


def test_a_failed_creation_leaves_an_operation_without_object(connection: pyodbc.Connection) -> None:
    failing = CREATE.replace("Load", "Nowhere").replace("DECLARE @e bigint;", "")
    found = rows(
        connection,
        f"""DECLARE @e bigint; BEGIN TRY {failing} END TRY BEGIN CATCH END CATCH
        SELECT status, object_id, object_name, IIF(end_time IS NULL, 0, 1)
        FROM catalog.operations WHERE operation_id = @e""",
    )
    assert found == [(4, None, "Mart", 1)]


def test_a_failed_stop_leaves_a_failed_operation(connection: pyodbc.Connection) -> None:
    assert error_number(connection, "EXEC catalog.stop_operation 999999") == 27124
    last = "SELECT TOP (1) operation_type, status, IIF(end_time IS NULL, 0, 1) FROM catalog.operations"
    assert rows(connection, f"{last} ORDER BY operation_id DESC") == [(202, 4, 1)]
