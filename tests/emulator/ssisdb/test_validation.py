"""Validations: their arguments, what they find in deployed files and in values, and what they leave behind."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.ssisdb import validations
from airflow_provider_ssis.emulator.ssisdb.validation_checks import Finding, check_files
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp, Package
from tests.support.catalog_sql import connect, create, error_number, messages, rows, run, value
from tests.support.edited_projects import edited, with_part
from tests.support.ssis_projects import (
    connection as connection_manager,
)
from tests.support.ssis_projects import (
    constraint,
    data_flow,
    execute_package,
    guid,
    make_ispac,
    on_success,
    package,
    parameter,
    sequence,
    task,
)
from tests.support.waiting import wait_until

_COPY = 'name="Source">'
_TASK = 'DTS:ExecutableType="Microsoft.ExecuteSQLTask" DTS:ObjectName="Run"/>'
_ENCRYPTED = '<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"/>'


def task_on(connection: str) -> dict[str, str]:
    """The replacement that gives the task Run a connection manager."""
    data = f'<S:SqlTaskData xmlns:S="www.microsoft.com/sqlserver/dts/tasks/sqltask" S:Connection="{connection}"/>'
    return {_TASK: f"{_TASK[:-2]}><DTS:ObjectData>{data}</DTS:ObjectData></DTS:Executable>"}


def source_on(ref_id: str) -> dict[str, str]:
    connection = (
        f'<connection name="OleDbConnection" connectionManagerID="{ref_id}" connectionManagerRefId="{ref_id}"/>'
    )
    return {_COPY: f"{_COPY}<connections>{connection}</connections>"}


PROJECT = make_ispac(
    "Mart",
    packages=[
        package("Good.dtsx", data_flow("Copy"), task("Run"), connection_managers=[connection_manager("Orders")]),
        package("Strict.dtsx", task("Run"), parameters=[parameter("Region", "Int32", required=True)]),
        package("Bound.dtsx", task("Run"), parameters=[parameter("Batch", "Int32", 5)]),
        package("Parent.dtsx", sequence("All", execute_package("Call", "Missing.dtsx"))),
        package("Disabled.dtsx", execute_package("Call", "Missing.dtsx", disabled=True)),
        package(
            "Precedence.dtsx",
            task("A"),
            task("B"),
            constraints=[constraint("A", "B", ConstraintValue.SUCCESS, eval_op=EvalOp.EXPRESSION)],
        ),
        package(
            "Expression.dtsx",
            task("A"),
            task("B"),
            constraints=[on_success("A", "B", expression="@[User::Missing] > 1")],
        ),
        package("Connections.dtsx", data_flow("Copy"), task("Run"), connection_managers=[connection_manager("Orders")]),
        package("Tasks.dtsx", task("Run")),
        package("Encrypted.dtsx", task("Run")),
    ],
    parameters=[parameter("Source", "String", "ERP")],
    connection_managers=[connection_manager("Warehouse")],
)
PROJECT = edited(
    PROJECT,
    "Good.dtsx",
    {**source_on("Package.ConnectionManagers[Orders]"), **task_on(guid("connection", "Warehouse"))},
)
PROJECT = edited(PROJECT, "Connections.dtsx", source_on("Package.ConnectionManagers[Nowhere]"))
PROJECT = edited(PROJECT, "Tasks.dtsx", task_on(guid("connection", "Nowhere")))
PROJECT = with_part(PROJECT, "Encrypted.dtsx", _ENCRYPTED)


@pytest.fixture
def server(ssisdb_emulator: SsisdbEmulator) -> SsisdbEmulator:
    with closing(connect(ssisdb_emulator)) as connection:
        for statement in ("create_folder N'Sales'", "create_folder N'Other'", "create_environment N'Sales', N'Prod'"):
            connection.execute(f"EXEC catalog.{statement}")
        connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", PROJECT)
    return ssisdb_emulator


def validate(connection: pyodbc.Connection, package: str | None = None, more: str = "") -> tuple[int, int]:
    """Validate a package or the project; returns the id and the final status."""
    what = (
        "validate_project N'Sales', N'Mart'" if package is None else f"validate_package N'Sales', N'Mart', N'{package}'"
    )
    call = f"DECLARE @id bigint; EXEC catalog.{what}, @validation_id = @id OUTPUT{more}; SELECT @id"
    validation_id = int(value(connection, call))
    return validation_id, wait_for_end(connection, validation_id)


def wait_for_end(connection: pyodbc.Connection, validation_id: int) -> int:
    query = f"SELECT status FROM catalog.validations WHERE validation_id = {validation_id}"
    wait_until(lambda: value(connection, query) not in (2, 8), "the validation has ended")
    return int(value(connection, query))


def errors(connection: pyodbc.Connection, validation_id: int) -> list[str]:
    found = rows(
        connection,
        "SELECT message FROM catalog.event_messages WHERE operation_id = ? AND event_name IN ('OnError', 'OnWarning')"
        " ORDER BY event_message_id",
        validation_id,
    )
    return [text for (text,) in found]


def status_of(connection: pyodbc.Connection, view: str, condition: str) -> str:
    return str(value(connection, f"SELECT validation_status FROM catalog.{view} WHERE {condition}"))


@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("validate_project NULL, N'Mart', @validation_id = @id OUTPUT", 27138),
        ("validate_project N'Sales', N'Mart', NULL, @id OUTPUT", 27138),
        ("validate_project N'Sales', N'Mart', 'F', @id OUTPUT, 0, NULL", 27138),
        ("validate_project N'Sales', N'Mart', 'X', @id OUTPUT, 0, 'X'", 27101),
        ("validate_project N'Sales', N'Mart', 'F', @id OUTPUT, 0, 'X'", 27101),
        ("validate_project N'Sales', N'Mart', 'F', @id OUTPUT, 0, 'S'", 27101),
        ("validate_project N'Sales', N'None', 'F', @id OUTPUT", 27109),
        ("validate_project N'Sales', N'Mart', 'F', @id OUTPUT, 0, 'S', 99", 27208),
        ("validate_package N'Sales', N'Mart', NULL, @id OUTPUT", 27138),
        ("validate_package N'Sales', N'Mart', N'Good.dtsx', @id OUTPUT, NULL", 27138),
        ("validate_package N'Sales', N'Mart', N'Good.dtsx', @id OUTPUT, 0, 'x'", 27101),
        ("validate_package N'Sales', N'Mart', N'None.dtsx', @id OUTPUT", 27146),
    ],
)
def test_arguments_are_checked_in_their_order(connection: pyodbc.Connection, call: str, number: int) -> None:
    assert error_number(connection, f"DECLARE @id bigint; EXEC catalog.{call}") == number
    if number not in (27138, 27101):
        query = "SELECT TOP 1 status FROM catalog.operations ORDER BY operation_id DESC"
        assert value(connection, query) == 4


def test_a_project_may_have_a_null_runtime_but_a_package_may_not(connection: pyodbc.Connection) -> None:
    validation_id, _ = validate(connection, more=", @use32bitruntime = NULL")
    query = f"SELECT use32bitruntime FROM catalog.validations WHERE validation_id = {validation_id}"
    assert value(connection, query) is None


def test_a_package_without_problems_succeeds(connection: pyodbc.Connection) -> None:
    validation_id, status = validate(connection, "good.dtsx")
    assert status == 7
    assert messages(connection, validation_id) == ["Good:Validation has started.", "Good:Validation is complete."]
    [row] = rows(
        connection,
        "SELECT environment_scope, validate_type, folder_name, project_name, operation_type, object_name, object_type"
        f" FROM catalog.validations WHERE validation_id = {validation_id}",
    )
    assert row == ("D", "F", "Sales", "Mart", 301, "good.dtsx", 30)
    assert status_of(connection, "packages", "name = 'Good.dtsx'") == "S"
    assert status_of(connection, "packages", "name = 'Parent.dtsx'") == "N"
    assert status_of(connection, "projects", "name = 'Mart'") == "N"


@pytest.mark.parametrize(
    ("name", "place", "problem"),
    [
        ("Strict.dtsx", "\\Package", "The parameter 'Region' is required."),
        ("Parent.dtsx", "\\Package\\All\\Call", "The project does not contain the package 'Missing.dtsx'"),
        ("Expression.dtsx", "\\Package", "There is no variable 'User::Missing'"),
        ("Precedence.dtsx", "\\Package", "evaluates an expression, but has none"),
        ("Connections.dtsx", "\\Package\\Copy", "There is no connection manager 'Package.ConnectionManagers[Nowhere]'"),
        ("Tasks.dtsx", "\\Package\\Run", "There is no connection manager"),
        ("Encrypted.dtsx", "\\Package", "is encrypted as a whole"),
    ],
)
def test_a_package_with_a_problem_fails_and_says_where(
    connection: pyodbc.Connection, name: str, place: str, problem: str
) -> None:
    validation_id, status = validate(connection, name)
    assert status == 4
    [(message, path, source_id)] = rows(
        connection,
        "SELECT message, package_path, message_source_id FROM catalog.event_messages"
        f" WHERE operation_id = {validation_id} AND event_name = 'OnError'",
    )
    assert problem in message
    assert (path, source_id) == (place, guid(name, place))
    assert status_of(connection, "packages", f"name = '{name}'") == "F"


def test_a_disabled_task_is_not_checked(connection: pyodbc.Connection) -> None:
    assert validate(connection, "Disabled.dtsx")[1] == 7


def test_a_value_for_a_required_parameter_ends_the_problem(connection: pyodbc.Connection) -> None:
    assert validate(connection, "Strict.dtsx")[1] == 4
    assert status_of(connection, "object_parameters", "parameter_name = 'Region'") == "F"
    connection.execute(
        "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'Region', 7, N'Strict.dtsx', 'V'"
    )
    assert validate(connection, "Strict.dtsx")[1] == 7
    assert status_of(connection, "object_parameters", "parameter_name = 'Region'") == "S"


def refer(connection: pyodbc.Connection, environment: str, kind: str = "'R', NULL") -> int:
    return int(
        value(
            connection,
            "DECLARE @id bigint; EXEC catalog.create_environment_reference N'Sales', N'Mart',"
            f" N'{environment}', {kind}, @id OUTPUT; SELECT @id",
        )
    )


def test_a_bound_parameter_is_checked_in_each_environment_of_the_scope(connection: pyodbc.Connection) -> None:
    good, bad = refer(connection, "Prod"), None
    connection.execute("EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Size', N'Int32', 0, 7")
    bind = "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'Batch', N'Size', N'Bound.dtsx', 'R'"
    connection.execute(bind)
    validation_id, status = validate(connection, "Bound.dtsx")
    assert status == 7
    assert "needs an environment reference" in errors(connection, validation_id)[0]
    assert validate(connection, "Bound.dtsx", f", @environment_scope = 'S', @reference_id = {good}")[1] == 7
    connection.execute("EXEC catalog.create_environment N'Sales', N'Test'")
    bad = refer(connection, "Test")
    validation_id, status = validate(connection, "Bound.dtsx", ", @environment_scope = 'A'")
    assert status == 4
    [message] = errors(connection, validation_id)
    assert "The environment 'Test' lacks variables" in message
    assert "'Size'" in message
    assert status_of(connection, "environment_references", f"reference_id = {good}") == "S"
    assert status_of(connection, "environment_references", f"reference_id = {bad}") == "F"
    connection.execute("EXEC catalog.create_environment_variable N'Sales', N'Test', N'Size', N'String', 0, N'x'")
    validation_id, status = validate(connection, "Bound.dtsx", ", @environment_scope = 'A'")
    assert status == 4
    assert "different data types" in errors(connection, validation_id)[0]


def test_types_of_parameters_and_variables_are_compared_without_case(connection: pyodbc.Connection) -> None:
    reference = refer(connection, "Prod")
    connection.execute("EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Size', N'int32', 0, 7")
    connection.execute(
        "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'Batch', N'Size', N'Bound.dtsx', 'R'"
    )
    scope = f", @environment_scope = 'S', @reference_id = {reference}"
    validation_id, status = validate(connection, "Bound.dtsx", scope)
    assert (status, errors(connection, validation_id)) == (7, [])


def test_a_sensitive_variable_does_not_fit_a_plain_parameter(connection: pyodbc.Connection) -> None:
    reference = refer(connection, "Prod")
    connection.execute("EXEC catalog.create_environment_variable N'Sales', N'Prod', N'Size', N'Int32', 1, 7")
    connection.execute(
        "EXEC catalog.set_object_parameter_value 30, N'Sales', N'Mart', N'Batch', N'Size', N'Bound.dtsx', 'R'"
    )
    scope = f", @environment_scope = 'S', @reference_id = {reference}"
    validation_id, status = validate(connection, "Bound.dtsx", scope)
    assert status == 4
    assert "sensitive environment variable" in errors(connection, validation_id)[0]


def test_an_environment_that_is_missing_fails_the_validation(connection: pyodbc.Connection) -> None:
    reference = refer(connection, "Prod")
    connection.execute("EXEC catalog.delete_environment N'Sales', N'Prod'")
    one = (
        "DECLARE @id bigint; EXEC catalog.validate_package N'Sales', N'Mart', N'Good.dtsx', @id OUTPUT,"
        f" 0, 'S', {reference}"
    )
    assert error_number(connection, one) == 27182
    validation_id, status = validate(connection, "Good.dtsx", ", @environment_scope = 'A'")
    assert status == 4
    assert f"The environment 'Prod' of the reference {reference}" in errors(connection, validation_id)[0]
    assert status_of(connection, "environment_references", f"reference_id = {reference}") == "F"


def test_a_project_is_valid_when_all_its_packages_are(connection: pyodbc.Connection) -> None:
    validation_id, status = validate(connection)
    assert status == 4
    assert status_of(connection, "projects", "name = 'Mart'") == "F"
    query = "SELECT name, validation_status FROM catalog.packages ORDER BY package_id"
    found = dict(rows(connection, query))
    assert {name for name, status in found.items() if status == "F"} == {
        "Strict.dtsx",
        "Parent.dtsx",
        "Precedence.dtsx",
        "Connections.dtsx",
        "Expression.dtsx",
        "Tasks.dtsx",
        "Encrypted.dtsx",
    }
    info = rows(
        connection,
        f"SELECT object_name, status FROM catalog.extended_operation_info WHERE operation_id = {validation_id}",
    )
    assert dict(info) == {name: 7 if status == "S" else 4 for name, status in found.items()}
    connection.execute(
        "EXEC catalog.deploy_project N'Sales', N'Good', ?", make_ispac("Good", packages=[package("P.dtsx", task("T"))])
    )
    call = "DECLARE @id bigint; EXEC catalog.validate_project N'Sales', N'Good', 'F', @id OUTPUT; SELECT @id"
    assert wait_for_end(connection, value(connection, call)) == 7
    assert status_of(connection, "projects", "name = 'Good'") == "S"


def test_a_validation_needs_modify_on_the_project(server: SsisdbEmulator, connection: pyodbc.Connection) -> None:
    server.add_login("plain", "pass-word-1")
    project = value(connection, "SELECT project_id FROM catalog.projects")
    folder = value(connection, "SELECT folder_id FROM catalog.folders WHERE name = N'Sales'")
    connection.execute(f"EXEC catalog.grant_permission 1, {folder}, 0, 1")
    connection.execute(f"EXEC catalog.grant_permission 2, {project}, 0, 1")
    call = "DECLARE @id bigint; EXEC catalog.validate_project N'Sales', N'Mart', 'F', @id OUTPUT"
    with closing(connect(server, "plain", "pass-word-1")) as plain:
        assert error_number(plain, call) == 27109
        connection.execute(f"EXEC catalog.grant_permission 2, {project}, 0, 2")
        validation_id, status = validate(plain, "Good.dtsx")
        assert status == 7
        assert messages(plain, validation_id) != []


def test_a_validation_can_be_stopped(connection: pyodbc.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, goes_on = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> dict[str, list[Finding]]:
        reached.set()
        goes_on.wait()
        return check_files(*arguments)

    monkeypatch.setattr(validations, "check_files", slow)
    call = "DECLARE @id bigint; EXEC catalog.validate_project N'Sales', N'Mart', 'F', @id OUTPUT; SELECT @id"
    validation_id = value(connection, call)
    reached.wait()
    connection.execute(f"EXEC catalog.stop_operation {validation_id}")
    goes_on.set()
    assert wait_for_end(connection, validation_id) == 3
    query = f"SELECT stopped_by_name FROM catalog.validations WHERE validation_id = {validation_id}"
    assert value(connection, query) == "sa"
    assert status_of(connection, "packages", "name = 'Good.dtsx'") == "N"


def test_a_validation_is_stopped_when_its_time_is_over(
    server: SsisdbEmulator, connection: pyodbc.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def slow(*arguments: Any) -> dict[str, list[Finding]]:
        goes_on.wait()
        return check_files(*arguments)

    monkeypatch.setattr(validations, "check_files", slow)
    assert server._server.ssisdb is not None
    # No procedure changes the limit.
    server._server.ssisdb.engine.setup_store().execute(
        "UPDATE internal.catalog_properties SET property_value = '0' WHERE property_name = 'VALIDATION_TIMEOUT'"
    )
    try:
        validation_id, status = validate(connection)
    finally:
        goes_on.set()
    assert status == 3
    query = f"SELECT message FROM catalog.operation_messages WHERE operation_id = {validation_id}"
    assert "stopped after 0 s: the catalog property VALIDATION_TIMEOUT" in value(connection, query)
    assert status_of(connection, "packages", "name = 'Good.dtsx'") == "N"


_CYCLE = package("Load.dtsx", task("A"), task("B"), constraints=[on_success("A", "B"), on_success("B", "A")])
_ABROAD = package("Load.dtsx", task("A"), task("B"), constraints=[on_success("A", "C")])
_TWICE = package("Load.dtsx", task("A"), task("A"))


@pytest.mark.parametrize(
    ("broken", "problem"),
    [(_CYCLE, "form a cycle"), (_ABROAD, "which is not in the same container"), (_TWICE, "\\Package\\A")],
    ids=["cycle", "missing end", "one path twice"],
)
def test_a_package_with_a_broken_control_flow_is_deployed_and_fails_at_validation(
    connection: pyodbc.Connection, broken: Package, problem: str
) -> None:
    ispac = make_ispac("Mart", packages=[broken, package("Good.dtsx", task("T"))])
    connection.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", ispac)
    validation_id, status = validate(connection, "Load.dtsx")
    assert status == 4
    [message] = errors(connection, validation_id)
    assert problem in message
    assert validate(connection, "Good.dtsx")[1] == 7
    execution_id = create(connection)
    assert run(connection, execution_id) == 4
    assert problem in messages(connection, execution_id)[0]
