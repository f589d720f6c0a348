"""Folders, projects, environments, their references, and the values of variables and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pyodbc
import pytds
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_objects import prepare, variable
from tests.support.catalog_sql import connect, create, error_number, messages, rows, value
from tests.support.mart import MART
from tests.support.ssis_projects import make_ispac, package, parameter, task

REFER = """
DECLARE @id bigint;
EXEC catalog.create_environment_reference N'Sales', N'Mart', N'{environment}', '{kind}', {folder}, @id OUTPUT;
SELECT @id
"""


@pytest.fixture
def admin(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(connect(ssisdb_emulator)) as connection:
        prepare(connection)
        yield connection


def refer(connection: pyodbc.Connection, environment: str = "Prod", kind: str = "R", folder: str = "NULL") -> int:
    return int(value(connection, REFER.format(environment=environment, kind=kind, folder=folder)))


# --- names

PADDED = """
DECLARE @id bigint, @one sql_variant = N'1';
EXEC catalog.set_folder_description N'sales  ', N'x';
EXEC catalog.create_environment_variable N'Sales ', N'Prod ', N'Key', N'String', 0, @one;
EXEC catalog.set_environment_variable_value N'Sales ', N'Prod ', N'KEY ', @one;
EXEC catalog.create_environment_reference N'Sales ', N'Mart ', N'Prod ', 'R', NULL, @id OUTPUT;
EXEC catalog.set_object_parameter_value 20, N'Sales', N'Mart ', N'Source ', N'Key ', NULL, 'R';
EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'Title ', @one, N'load.dtsx ';
EXEC catalog.create_execution N'Sales ', N'Mart ', N'Load.dtsx ', @id, @execution_id = @id OUTPUT;
EXEC catalog.set_execution_parameter_value @id, 30, N'Title ', @one;
EXEC catalog.set_execution_property_override_value @id, N'p ', N'1', 0;
EXEC catalog.set_execution_property_override_value @id, N'p', N'2', 0;
SELECT CAST(parameter_value AS nvarchar(10)) FROM catalog.execution_parameter_values
WHERE execution_id = @id AND parameter_name = N'Source';
"""


def test_names_are_compared_without_blanks_at_their_end(admin: pyodbc.Connection) -> None:
    assert rows(admin, PADDED) == [("1",)]
    assert error_number(admin, REFER.format(environment="Prod", kind="R", folder="NULL")) == 27204
    assert rows(admin, "SELECT property_value FROM catalog.execution_property_override_values") == [("2",)]


@pytest.mark.parametrize(
    "call",
    [
        "set_folder_description N'Sales', ?",
        "set_environment_variable_property N'Sales', N'Prod', N'Text', N'DESCRIPTION', ?",
        "set_customized_logging_level_description N'Level', ?",
    ],
)
def test_a_description_is_not_cut(admin: pyodbc.Connection, call: str) -> None:
    variable(admin, "Text", "String", "N'a'")
    rows(admin, "EXEC catalog.create_customized_logging_level N'Level'")
    rows(admin, f"EXEC catalog.{call}", "x" * 1024)
    assert error_number(admin, f"EXEC catalog.{call}", "x" * 1025) == 2628


# --- folders and environments


def test_a_folder_is_renamed_and_its_own_name_changes_nothing(admin: pyodbc.Connection) -> None:
    rows(admin, "EXEC catalog.rename_folder N'sales', N'Verkauf'")
    assert rows(admin, "SELECT name FROM catalog.folders ORDER BY name") == [("Other",), ("Verkauf",)]
    assert value(admin, "DECLARE @r int; EXEC @r = catalog.rename_folder N'Nowhere', N'Nowhere'; SELECT @r") == 0


def test_an_environment_is_renamed_moved_and_described(admin: pyodbc.Connection) -> None:
    variable(admin, "Region", "Int32", "7")
    rows(admin, "EXEC catalog.rename_environment N'Sales', N'Prod', N'Live'")
    rows(admin, "EXEC catalog.move_environment N'Sales', N'Live', N'Other'")
    rows(admin, "EXEC catalog.set_environment_property N'Other', N'Live', N'description', N'Live data'")
    found = rows(
        admin,
        "SELECT f.name, e.name, e.description, v.name FROM catalog.environments e JOIN catalog.folders f"
        " ON f.folder_id = e.folder_id JOIN catalog.environment_variables v ON v.environment_id = e.environment_id",
    )
    assert found == [("Other", "Live", "Live data", "Region")]


# --- references


@pytest.mark.parametrize(
    ("kind", "folder", "change", "works"),
    [
        ("R", "NULL", "rename_environment N'Sales', N'Prod', N'New'", False),
        ("R", "NULL", "move_environment N'Sales', N'Prod', N'Other'", False),
        ("R", "NULL", "rename_folder N'Sales', N'New'", True),
        ("R", "NULL", "move_project N'Sales', N'Mart', N'Other'", False),
        ("A", "N'Sales'", "rename_environment N'Sales', N'Prod', N'New'", False),
        ("A", "N'Sales'", "move_environment N'Sales', N'Prod', N'Other'", False),
        ("A", "N'Sales'", "rename_folder N'Sales', N'New'", False),
        ("A", "N'Sales'", "move_project N'Sales', N'Mart', N'Other'", True),
        ("A", "N'Sales'", "delete_environment N'Sales', N'Prod'", False),
    ],
)
def test_a_reference_keeps_the_names_it_was_made_with(
    admin: pyodbc.Connection, kind: str, folder: str, change: str, works: bool
) -> None:
    reference_id = refer(admin, kind=kind, folder=folder)
    rows(admin, f"EXEC catalog.{change}")
    assert value(admin, "SELECT COUNT(*) FROM catalog.environment_references") == 1
    project_folder = value(
        admin,
        "SELECT f.name FROM catalog.folders f JOIN catalog.projects p ON p.folder_id = f.folder_id",
    )
    call = f"EXEC catalog.get_parameter_values N'{project_folder}', N'Mart', N'Load.dtsx', {reference_id}"
    if works:
        assert rows(admin, call)
    else:
        assert error_number(admin, call) == 27182


def test_a_reference_changes_its_type(admin: pyodbc.Connection) -> None:
    reference_id = refer(admin)
    change = f"EXEC catalog.set_environment_reference_type {reference_id}, "
    query = "SELECT reference_type, environment_folder_name FROM catalog.environment_references"
    assert error_number(admin, f"{change}'R'") == 27204
    assert error_number(admin, f"{change}'A', N'Other'") == 27182
    rows(admin, f"{change}'A', N'Sales'")
    assert rows(admin, query) == [("A", "Sales")]
    assert error_number(admin, f"{change}'A', N'Sales'") == 27204
    rows(admin, "EXEC catalog.create_environment N'Other', N'Prod'")
    rows(admin, f"{change}'A', N'Other'")
    assert rows(admin, query) == [("A", "Other")]
    refer(admin)
    assert error_number(admin, f"{change}'R'") == 27204


def test_a_reference_needs_read_on_the_folder_of_its_environment(
    ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection
) -> None:
    ssisdb_emulator.add_login("ann", "pass-word-1")
    relative = refer(admin)
    rows(admin, "EXEC catalog.create_environment N'Other', N'Prod'")
    ann = value(admin, "SELECT USER_ID('ann')")
    sales, other = (folder for (folder,) in rows(admin, "SELECT folder_id FROM catalog.folders ORDER BY folder_id"))
    for folder, permission in ((sales, 1), (sales, 101), (sales, 102), (other, 101)):
        rows(admin, f"EXEC catalog.grant_permission 1, {folder}, {ann}, {permission}")
    change = f"EXEC catalog.set_environment_reference_type {relative}, 'A', N'Other'"
    create_absolute = REFER.format(environment="Prod", kind="A", folder="N'Other'")
    with closing(connect(ssisdb_emulator, "ann", "pass-word-1")) as connection:
        for call in (change, create_absolute):
            assert error_number(connection, call) == 27182
        rows(admin, f"EXEC catalog.grant_permission 1, {other}, {ann}, 1")
        rows(connection, change)
        assert error_number(connection, create_absolute) == 27204


# --- variables


def test_a_variable_whose_type_was_written_in_small_letters_sets_a_parameter(admin: pyodbc.Connection) -> None:
    variable(admin, "Size", "int32", "9")
    reference_id = refer(admin)
    bind = "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'BatchSize', N'Size', N'Load.dtsx', 'R'"
    rows(admin, bind)
    execution_id = create(admin, more=f", @reference_id = {reference_id}")
    assert parameters(admin, execution_id)["BatchSize"] == ("9", True)


def test_a_variable_changes_its_name_description_type_and_protection(admin: pyodbc.Connection) -> None:
    variable(admin, "Size", "String", "N'12'")
    change = "EXEC catalog.set_environment_variable_property N'Sales', N'Prod', N'{}', N'{}', {}"
    rows(admin, change.format("size", "Name", "N'Batch size'"))
    rows(admin, change.format("Batch size", "description", "N'Rows at once'"))
    rows(admin, change.format("Batch size", "TYPE", "N'Int32'"))
    query = (
        "SELECT name, description, type, sensitive, CAST(value AS int),"
        " CAST(SQL_VARIANT_PROPERTY(value, 'BaseType') AS varchar(30)) FROM catalog.environment_variables"
    )
    assert rows(admin, query) == [("Batch size", "Rows at once", "Int32", False, 12, "int")]
    protect = "EXEC catalog.set_environment_variable_protection N'Sales', N'Prod', N'Batch size', {}"
    rows(admin, protect.format(1))
    assert rows(admin, query) == [("Batch size", "Rows at once", "Int32", True, None, None)]
    rows(admin, protect.format(0))
    assert rows(admin, query)[0][4] == 12
    rows(admin, change.format("Batch size", "DESCRIPTION", "NULL"))
    assert rows(admin, query)[0][1] is None


def test_a_decimal_that_does_not_fit_into_what_is_encrypted_stays_unprotected(admin: pyodbc.Connection) -> None:
    variable(admin, "Large", "Decimal", "1" * 30)
    protect = "EXEC catalog.set_environment_variable_protection N'Sales', N'Prod', N'Large', 1"
    assert error_number(admin, protect) == 27116
    assert value(admin, "SELECT sensitive FROM catalog.environment_variables") is False


# --- parameters


def parameters(connection: pyodbc.Connection, execution_id: int) -> dict[str, tuple[object, bool]]:
    """The value of each parameter of an execution, and whether it was set."""
    found = rows(
        connection,
        "SELECT parameter_name, CAST(parameter_value AS nvarchar(20)), value_set"
        " FROM catalog.execution_parameter_values"
        f" WHERE execution_id = {execution_id} AND object_type <> 50",
    )
    return {name: (value, is_set) for name, value, is_set in found}


def test_a_parameter_that_was_never_set_shows_its_design_default(admin: pyodbc.Connection) -> None:
    rows(admin, "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'MaxRows', 0, N'Load.dtsx'")
    found = parameters(admin, create(admin))
    assert found["BatchSize"] == ("500", False)
    assert found["Source"] == ("ERP", False)
    assert found["MaxRows"] == ("0", True)
    assert parameters(admin, create(admin, "Strict.dtsx"))["RegionId"] == (None, False)


def test_get_parameter_values_has_no_value_for_a_parameter_that_was_never_set(
    ssisdb_emulator: SsisdbEmulator, admin: pyodbc.Connection
) -> None:
    with closing(
        pytds.connect(
            ssisdb_emulator.host, "SSISDB", ssisdb_emulator.user, ssisdb_emulator.password, port=ssisdb_emulator.port
        )
    ) as reader:
        cursor = reader.cursor()
        cursor.execute("EXEC catalog.get_parameter_values N'Sales', N'Mart', N'Load.dtsx'")
        found = {row[3]: (row[4], row[7]) for row in cursor.fetchall()}
    assert found["BatchSize"] == (None, False)


def test_of_two_faults_in_an_environment_the_type_is_named_first(admin: pyodbc.Connection) -> None:
    variable(admin, "Secret", "String", "N'x'", sensitive=1)
    variable(admin, "Text", "String", "N'x'")
    reference_id = refer(admin)
    bind = "EXEC catalog.set_object_parameter_value {}, N'Sales', N'Mart', N'{}', N'{}', {}, 'R'"
    # The parameter of the project comes before that of the package.
    rows(admin, bind.format(20, "Source", "Secret", "NULL"))
    rows(admin, bind.format(30, "BatchSize", "Text", "N'Load.dtsx'"))
    call = (
        "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id OUTPUT,"
        f" @reference_id = {reference_id}"
    )
    assert error_number(admin, call) == 27148
    rows(admin, "EXEC catalog.clear_object_parameter_value N'Sales', N'Mart', 30, N'Load.dtsx', N'BatchSize'")
    assert error_number(admin, call) == 27221


# --- projects


def test_a_project_moves_with_its_values_and_versions(admin: pyodbc.Connection) -> None:
    rows(admin, "EXEC catalog.set_object_parameter_value 20, N'Sales', N'Mart', N'Source', N'CRM'")
    rows(admin, "EXEC catalog.move_project N'Sales', N'mart', N'Other'")
    assert error_number(admin, "EXEC catalog.get_project N'Sales', N'Mart'") == 27109
    assert value(admin, "EXEC catalog.get_project N'Other', N'Mart'") == MART
    query = "SELECT CAST(default_value AS nvarchar(10)) FROM catalog.object_parameters WHERE parameter_name = 'Source'"
    assert value(admin, query) == "CRM"


def test_a_version_is_restored_with_the_values_of_today(admin: pyodbc.Connection) -> None:
    other = make_ispac(
        "Mart",
        packages=[package("New.dtsx", task("Only"), parameters=[parameter("Size", "Int32", 1)])],
        parameters=[parameter("Source", "String", "ERP")],
    )
    first = value(admin, "SELECT object_version_lsn FROM catalog.projects")
    rows(admin, "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'BatchSize', 9, N'Load.dtsx'")
    execution_id = create(admin)
    rows(admin, "EXEC catalog.deploy_project N'Sales', N'Mart', ?", other)
    rows(admin, "EXEC catalog.set_object_parameter_value 20, N'Sales', N'Mart', N'Source', N'CRM'")
    rows(admin, f"EXEC catalog.restore_project N'Sales', N'Mart', {first}")
    assert value(admin, "SELECT object_version_lsn FROM catalog.projects") == first
    packages = rows(admin, "SELECT name FROM catalog.packages ORDER BY name")
    assert packages == [("Load.dtsx",), ("Strict.dtsx",)]
    query = (
        "SELECT parameter_name, CAST(default_value AS nvarchar(10)) FROM catalog.object_parameters"
        " WHERE value_set = 1 ORDER BY parameter_name"
    )
    # Load.dtsx was not in the version between, so its value is not one of today.
    assert rows(admin, query) == [("Source", "CRM")]
    assert value(admin, "EXEC catalog.get_project N'Sales', N'Mart'") == MART
    restored = rows(admin, "SELECT restored_by FROM catalog.object_versions WHERE last_restored_time IS NOT NULL")
    assert restored == [("sa",)]
    operation_id, status, object_name = rows(
        admin, "SELECT TOP 1 operation_id, status, object_name FROM catalog.operations WHERE operation_type = 106"
    )[0]
    assert (status, object_name) == (7, "Mart")
    assert [text.split()[0] for text in messages(admin, operation_id)] == ["Started", "Restored"]
    rows(admin, f"EXEC catalog.start_execution {execution_id}")  # It was created from this version.
    assert error_number(admin, f"EXEC catalog.restore_project N'Sales', N'Mart', {first}") == 27155


def test_a_refused_restore_leaves_an_operation_that_failed(admin: pyodbc.Connection) -> None:
    assert error_number(admin, "EXEC catalog.restore_project N'Sales', N'Mart', 999999") == 27179
    query = "SELECT status, object_name, end_time FROM catalog.operations WHERE operation_type = 106"
    status, name, end = rows(admin, query)[0]
    assert (status, name) == (4, "Mart")
    assert end is not None
