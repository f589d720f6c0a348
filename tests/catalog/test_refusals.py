"""What an error says about an unknown name, and about a permission that the login lacks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    EnvironmentNotFound,
    EnvironmentVariableNotFound,
    FolderNotFound,
    NotFound,
    PermissionDenied,
    PrincipalNotFound,
    ProjectNotFound,
    TransientError,
)
from airflow_provider_ssis.catalog.nearest_names import existing_names
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive, VariableReference
from airflow_provider_ssis.catalog.retries import RetryPolicy
from airflow_provider_ssis.catalog.securables import Securable
from tests.support.catalog_projects import FOLDER, PACKAGE, PROJECT, etl
from tests.support.scripted_catalog import Clock

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.server import SsisdbEmulator

Call = Callable[[Catalog], object]
USER, PASSWORD = "o'neil]", "a password of the tests"
SALES = Securable(folder=FOLDER)


@pytest.fixture
def estate(catalog: Catalog) -> Catalog:
    """An administrator's client: two folders, a project, an environment with a variable."""
    catalog.create_folder(FOLDER)
    catalog.create_folder("Archive")
    catalog.deploy_project(FOLDER, PROJECT, etl())
    catalog.create_environment(FOLDER, "Production")
    catalog.create_environment_variable(FOLDER, "Production", "Server", "dw01")
    return catalog


@pytest.fixture
def user(estate: Catalog, ssisdb_emulator: SsisdbEmulator) -> Iterator[Catalog]:
    """A client of a login that may see everything in the folder, and change nothing."""
    ssisdb_emulator.add_login(USER, PASSWORD)
    for permission in (PermissionType.READ, PermissionType.READ_OBJECTS):
        estate.grant_permission(USER, permission, SALES)
    estate.grant_permission(USER, PermissionType.READ, Securable(folder="Archive"))
    string = ssisdb_emulator.odbc_connection_string
    string = re.sub(r"UID=[^;]*", f"UID={{{USER.replace('}', '}}')}}}", string)
    with Catalog(pyodbc.connect(re.sub(r"PWD=[^;]*", f"PWD={PASSWORD}", string))) as client:
        yield client


UNKNOWN: dict[str, tuple[Call, type[NotFound], str]] = {
    "folder": (lambda c: c.delete_folder("Salse"), FolderNotFound, "no folder 'Salse'.*Did you mean 'Sales'"),
    "project": (
        lambda c: c.delete_project(FOLDER, "ELT"),
        ProjectNotFound,
        "no project 'ELT' in the folder 'Sales'.*Did you mean 'ETL'",
    ),
    "folder of a project": (lambda c: c.delete_project("Sale", PROJECT), FolderNotFound, "Did you mean 'Sales'"),
    "project of a parameter": (
        lambda c: c.clear_object_parameter_value(FOLDER, "ETL2", "Region"),
        ProjectNotFound,
        "no project 'ETL2'.*Did you mean 'ETL'",
    ),
    "environment": (
        lambda c: c.delete_environment(FOLDER, "Productive"),
        EnvironmentNotFound,
        "no environment 'Productive' in the folder 'Sales'.*Did you mean 'Production'",
    ),
    "environment of a variable": (
        lambda c: c.set_environment_variable_value(FOLDER, "Test", "Server", "x"),
        EnvironmentNotFound,
        "no environment 'Test'.*There is the environment 'Production'",
    ),
    "variable": (
        lambda c: c.set_environment_variable_value(FOLDER, "Production", "Serfer", "x"),
        EnvironmentVariableNotFound,
        "no variable 'Serfer' in the environment Sales/Production.*Did you mean 'Server'",
    ),
    "variable to delete": (
        lambda c: c.delete_environment_variable(FOLDER, "Production", "Serfer"),
        EnvironmentVariableNotFound,
        "Did you mean 'Server'",
    ),
    "principal": (
        lambda c: c.grant_permission("publik", PermissionType.READ, SALES),
        PrincipalNotFound,
        "no user or role 'publik'.*Did you mean 'public'",
    ),
    "object of a permission": (
        lambda c: c.permissions(Securable(folder=FOLDER, project="ELT")),
        ProjectNotFound,
        "Did you mean 'ETL'",
    ),
    "reference": (
        lambda c: c.create_environment_reference(FOLDER, PROJECT, "Production2"),
        EnvironmentNotFound,
        "Did you mean 'Production'",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_unknown_name_is_reported_with_the_nearest_one(estate: Catalog, case: str) -> None:
    call, error, message = UNKNOWN[case]
    with pytest.raises(error, match=message) as caught:
        call(estate)
    assert "login 'sa'" in str(caught.value)


LACKING: dict[str, tuple[Call, PermissionType, str]] = {
    "delete a project": (lambda c: c.delete_project(FOLDER, PROJECT), PermissionType.MODIFY, "the project Sales/ETL"),
    "deploy": (lambda c: c.deploy_project(FOLDER, "New", etl("New")), PermissionType.CREATE_OBJECTS, "the folder"),
    "create an environment": (
        lambda c: c.create_environment(FOLDER, "Test"),
        PermissionType.CREATE_OBJECTS,
        "the folder 'Sales'",
    ),
    "set a parameter": (
        lambda c: c.set_object_parameter_value(FOLDER, PROJECT, "Region", "south"),
        PermissionType.MODIFY,
        "the project Sales/ETL",
    ),
    "bind a parameter": (
        lambda c: c.set_object_parameter_value(FOLDER, PROJECT, "Region", VariableReference("Server")),
        PermissionType.MODIFY,
        "the project Sales/ETL",
    ),
    "set a variable": (
        lambda c: c.set_environment_variable_value(FOLDER, "Production", "Server", "dw02"),
        PermissionType.MODIFY,
        "the environment Sales/Production",
    ),
    "refer to an environment": (
        lambda c: c.create_environment_reference(FOLDER, PROJECT, "Production"),
        PermissionType.MODIFY,
        "the project Sales/ETL",
    ),
    "run a package": (
        lambda c: c.create_execution(ExecutionRequest(folder=FOLDER, project=PROJECT, package=PACKAGE)),
        PermissionType.EXECUTE,
        "the project Sales/ETL",
    ),
    "grant": (
        lambda c: c.grant_permission("public", PermissionType.READ, Securable(folder=FOLDER, project=PROJECT)),
        PermissionType.MANAGE_PERMISSIONS,
        "the project Sales/ETL",
    ),
}


@pytest.mark.parametrize("case", LACKING)
def test_the_statement_in_the_error_grants_what_the_login_lacks(
    user: Catalog, ssisdb_emulator: SsisdbEmulator, case: str
) -> None:
    call, permission, place = LACKING[case]
    with pytest.raises(PermissionDenied, match=f"lacks the permission {permission.name} on {place}") as caught:
        call(user)
    error = caught.value
    assert f"login {USER!r}" in str(error) or f'login "{USER}"' in str(error)
    assert error.number
    statement = error.advice[error.advice.index("DECLARE") :]
    with pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True) as administrator:
        administrator.execute(statement)
    call(user)


ADMIN_ONLY: dict[str, Call] = {
    "create": lambda c: c.create_folder("New"),
    "rename": lambda c: c.rename_folder(FOLDER, "New"),
    "describe": lambda c: c.set_folder_description(FOLDER, "text"),
    "delete": lambda c: c.delete_folder("Archive"),
}


@pytest.mark.parametrize("case", ADMIN_ONLY)
def test_a_call_for_administrators_names_the_role(user: Catalog, case: str) -> None:
    with pytest.raises(PermissionDenied, match="not a member of the role ssis_admin") as caught:
        ADMIN_ONLY[case](user)
    assert caught.value.advice.endswith("ALTER ROLE [ssis_admin] ADD MEMBER [o'neil]]];")


def test_permissions_are_granted_denied_revoked_and_listed(user: Catalog, estate: Catalog) -> None:
    project = Securable(folder=FOLDER, project=PROJECT)
    assert user.effective_permissions(project) == {PermissionType.READ}
    estate.grant_permission(USER, PermissionType.EXECUTE, project)
    estate.grant_permission(USER, PermissionType.EXECUTE, project)
    assert user.effective_permissions(project) == {PermissionType.READ, PermissionType.EXECUTE}
    estate.deny_permission(USER, PermissionType.READ, project)
    assert user.effective_permissions(project) == {PermissionType.EXECUTE} if user.project(FOLDER, PROJECT) else True
    listed = {(each.principal_name, each.permission_type, each.is_deny) for each in estate.permissions(project)}
    assert {(USER, PermissionType.EXECUTE, False), (USER, PermissionType.READ, True)} <= listed
    estate.revoke_permission(USER, PermissionType.READ, project)
    estate.revoke_permission(USER, PermissionType.EXECUTE, project)
    assert user.effective_permissions(project) == {PermissionType.READ}
    assert estate.effective_permissions(project) == project.permissions
    assert {USER, "public", "ssis_admin"} <= set(estate.principals())


def test_a_permission_that_the_object_does_not_have_is_refused(estate: Catalog) -> None:
    for securable, permission in (
        (SALES, PermissionType.EXECUTE),
        (Securable(folder=FOLDER, environment="Production"), PermissionType.EXECUTE_OBJECTS),
        (Securable(operation_id=1), PermissionType.EXECUTE),
    ):
        with pytest.raises(CatalogError, match="Its permissions are READ, MODIFY"):
            estate.grant_permission("public", permission, securable)


@pytest.mark.parametrize(
    "names",
    [{}, {"folder": "a", "operation_id": 1}, {"project": "a"}, {"folder": "a", "project": "b", "environment": "c"}],
)
def test_an_object_of_a_permission_must_be_clear(names: dict[str, str]) -> None:
    with pytest.raises(CatalogError, match="Name a folder"):
        Securable(**names)  # type: ignore[arg-type]  # the cases are of both types


@pytest.mark.parametrize(
    ("known", "text"),
    [
        ([], "It sees no project there at all, and may lack READ."),
        (["ETL"], "There is the project 'ETL'."),
        (["Zebra", "Mart"], "There are the projects 'Mart', 'Zebra'."),
        ([f"P{n:02}" for n in range(12)], "There are the projects 'P00', .*'P09' and 2 more."),
        (["SALES", "Other"], r"Did you mean 'SALES'\? 1 more exist there."),
    ],
)
def test_existing_names_in_words(known: list[str], text: str) -> None:
    assert re.fullmatch(text, existing_names("project", "salse", known))


@pytest.mark.parametrize("number", [1205, 1222, 27118, 27195, 27230])
def test_a_conflict_is_retried_until_the_time_is_over(
    estate: Catalog, ssisdb_emulator: SsisdbEmulator, number: int
) -> None:
    clock = Clock()
    connection = pyodbc.connect(ssisdb_emulator.odbc_connection_string)
    with Catalog(connection, retry=RetryPolicy(timeout=60), clock=clock) as client:
        ssisdb_emulator.faults.error(number, statement="set_folder_description", times=3)
        client.set_folder_description("Archive", "old")
        assert len(clock.sleeps) == 3
        clock.sleeps.clear()
        ssisdb_emulator.faults.error(number, statement="set_folder_description", times=None)
        with pytest.raises(TransientError) as caught:
            client.set_folder_description("Archive", "older")
    assert f"{len(clock.sleeps) + 1} attempts in 60 s" in str(caught.value)
    assert caught.value.number == number
    ssisdb_emulator.faults.clear()
    folder = estate.folder("Archive")
    assert folder is not None
    assert folder.description == "old"


def test_a_secret_that_does_not_fit_a_variable_is_not_shown(estate: Catalog) -> None:
    estate.create_environment_variable(FOLDER, "Production", "Port", 1433)
    with pytest.raises(CatalogError, match="of type Int32") as caught:
        estate.set_environment_variable_value(FOLDER, "Production", "Port", Sensitive("hunter2"))
    assert "hunter2" not in str(caught.value)
    with pytest.raises(CatalogError, match="got 'many'"):
        estate.set_environment_variable_value(FOLDER, "Production", "Port", "many")
    estate.set_environment_variable_value(FOLDER, "Production", "Port", "1434")
    port = estate.environment_variable(FOLDER, "Production", "Port")
    assert port is not None
    assert port.value == 1434
