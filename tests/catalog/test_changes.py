"""Renaming, moving, describing and restoring folders, projects and environments, on the embedded SSISDB."""

from __future__ import annotations

import functools
from datetime import datetime
from decimal import Decimal

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus, PermissionType
from airflow_provider_ssis.catalog.errors import (
    AlreadyExists,
    CatalogError,
    DeploymentFailed,
    EnvironmentNotFound,
    EnvironmentReferenceNotFound,
    FolderNotFound,
    InvalidArgument,
    InvalidName,
    ProjectNotFound,
    VersionInUse,
    VersionNotFound,
    WrongParameterType,
)
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive
from airflow_provider_ssis.catalog.retries import RetryPolicy
from airflow_provider_ssis.catalog.sections import deployments
from airflow_provider_ssis.catalog.securables import Securable
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.catalog_projects import FOLDER, PACKAGE, PROJECT, etl
from tests.support.ssis_projects import ispac_parts, make_project, package, task

NAMES = ["Sales 2", "O'Brien; DROP TABLE x --", "[a] {b}", "数据 ☃ Ünïcode", "a/b", "100%s ?"]


@pytest.fixture
def ready(catalog: Catalog) -> Catalog:
    return prepared(catalog)


@pytest.fixture
def any_ready(any_catalog: Catalog) -> Catalog:
    return prepared(any_catalog)


def prepared(catalog: Catalog) -> Catalog:
    """Two folders, a project and an environment."""
    catalog.create_folder(FOLDER)
    catalog.create_folder("Archive")
    catalog.deploy_project(FOLDER, PROJECT, etl())
    catalog.create_environment(FOLDER, "Production")
    return catalog


def package_file(*executables: str) -> bytes:
    name = "Extra.dtsx"
    return ispac_parts(make_project("X", [package(name, *(task(each) for each in executables))]))[name]


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_renamed_to_any_name(catalog: Catalog, name: str) -> None:
    catalog.create_folder(FOLDER)
    catalog.rename_folder(FOLDER, name)
    catalog.set_folder_description(name, name)
    folder = catalog.folder(name)
    assert folder is not None
    assert (folder.name, folder.description) == (name, name)
    catalog.create_environment(name, "Production")
    catalog.rename_environment(name, "Production", name)
    catalog.set_environment_description(name, name, name)
    environment = catalog.environment(name, name)
    assert environment is not None
    assert (environment.name, environment.description) == (name, name)
    catalog.create_environment_variable(name, name, "V", 1)
    catalog.rename_environment_variable(name, name, "V", name)
    catalog.set_environment_variable_description(name, name, name, name)
    variable = catalog.environment_variable(name, name, name)
    assert variable is not None
    assert (variable.name, variable.description) == (name, name)


def test_a_new_name_that_is_taken_or_breaks_the_rules_is_refused(ready: Catalog) -> None:
    ready.create_environment(FOLDER, "Test")
    with pytest.raises(AlreadyExists):
        ready.rename_folder(FOLDER, "Archive")
    with pytest.raises(AlreadyExists):
        ready.rename_environment(FOLDER, "Test", "Production")
    with pytest.raises(InvalidName):
        ready.rename_folder(FOLDER, "a|b")
    with pytest.raises(InvalidName):
        ready.rename_environment(FOLDER, "Test", "a|b")


def test_a_project_is_moved(ready: Catalog) -> None:
    ready.move_project(FOLDER, PROJECT, "Archive")
    assert ready.project(FOLDER, PROJECT) is None
    project = ready.project("Archive", PROJECT)
    assert project is not None
    ready.deploy_project(FOLDER, PROJECT, etl())
    with pytest.raises(AlreadyExists):
        ready.move_project(FOLDER, PROJECT, "Archive")
    with pytest.raises(FolderNotFound, match="Did you mean 'Archive'"):
        ready.move_project(FOLDER, PROJECT, "Archives")


def test_an_environment_is_moved_and_its_references_break(ready: Catalog) -> None:
    reference_id = ready.create_environment_reference(FOLDER, PROJECT, "Production")
    ready.move_environment(FOLDER, "Production", "Archive")
    assert ready.environment("Archive", "Production") is not None
    request = ExecutionRequest(folder=FOLDER, project=PROJECT, package=PACKAGE, reference_id=reference_id)
    with pytest.raises(EnvironmentNotFound):
        ready.create_execution(request)
    ready.set_environment_reference_type(reference_id, environment_folder="Archive")
    [reference] = ready.environment_references(FOLDER, PROJECT)
    assert str(reference) == "Archive/Production"
    assert ready.create_execution(request)
    ready.delete_environment_reference(reference_id)
    assert ready.environment_references(FOLDER, PROJECT) == []
    with pytest.raises(EnvironmentReferenceNotFound):
        ready.delete_environment_reference(reference_id)


def test_a_variable_is_changed_and_deleted(any_ready: Catalog) -> None:
    place = (FOLDER, "Production")
    any_ready.create_environment_variable(*place, "Rate", Decimal("1.5"))
    any_ready.set_environment_variable_value(*place, "Rate", 2)
    rate = any_ready.environment_variable(*place, "Rate")
    assert rate is not None
    assert (rate.value, type(rate.value), rate.type) == (Decimal(2), Decimal, "Decimal")
    any_ready.create_environment_variable(*place, "Port", "1433")
    any_ready.set_environment_variable_type(*place, "Port", "int32")
    port = any_ready.environment_variable(*place, "Port")
    assert port is not None
    assert (port.value, port.type) == (1433, "Int32")
    any_ready.set_environment_variable_protection(*place, "Port", sensitive=True)
    port = any_ready.environment_variable(*place, "Port")
    assert port is not None
    assert (port.value, port.sensitive) == (None, True)
    any_ready.set_environment_variable_value(*place, "Port", Sensitive(1434))
    any_ready.set_environment_variable_protection(*place, "Port", sensitive=False)
    port = any_ready.environment_variable(*place, "Port")
    assert port is not None
    assert port.value == 1434
    with pytest.raises(InvalidArgument, match="Types are: Boolean"):
        any_ready.set_environment_variable_type(*place, "Port", "Integer")
    any_ready.set_environment_variable_type(*place, "Port", "String")
    any_ready.set_environment_variable_value(*place, "Port", "many")
    with pytest.raises(WrongParameterType):
        any_ready.set_environment_variable_type(*place, "Port", "Int32")
    any_ready.delete_environment_variable(*place, "Port")
    assert [each.name for each in any_ready.environment_variables(*place)] == ["Rate"]
    any_ready.delete_environment(*place)
    assert any_ready.environments() == []


def test_a_version_is_restored(ready: Catalog) -> None:
    first = ready.project_versions(FOLDER, PROJECT)[0]
    assert first.is_current
    ready.deploy_project(FOLDER, PROJECT, etl())
    second, earlier = ready.project_versions(FOLDER, PROJECT)
    assert (second.is_current, earlier.is_current) == (True, False)
    assert earlier.object_version_lsn == first.object_version_lsn
    ready.restore_project(FOLDER, PROJECT, first.object_version_lsn)
    project = ready.project(FOLDER, PROJECT)
    assert project is not None
    assert project.object_version_lsn == first.object_version_lsn
    restored = next(each for each in ready.project_versions(FOLDER, PROJECT) if each.is_current)
    assert restored.restored_by == "sa"
    with pytest.raises(VersionInUse, match="nothing to restore"):
        ready.restore_project(FOLDER, PROJECT, first.object_version_lsn)
    known = f"{second.object_version_lsn}, {first.object_version_lsn}"
    with pytest.raises(VersionNotFound, match=f"Its versions are {known}"):
        ready.restore_project(FOLDER, PROJECT, 999_999)
    with pytest.raises(ProjectNotFound, match="Did you mean 'ETL'"):
        ready.restore_project(FOLDER, "ETLs", 1)


def test_single_packages_are_deployed(any_ready: Catalog) -> None:
    before = any_ready.project(FOLDER, PROJECT)
    assert before is not None
    deployment = any_ready.deploy_packages(FOLDER, PROJECT, {"Extra.dtsx": package_file("First")})
    assert deployment.project_id == before.project_id
    assert deployment.object_version_lsn != before.object_version_lsn
    assert [each.name for each in any_ready.packages(FOLDER, PROJECT)] == ["Extra.dtsx", PACKAGE, "Strict.dtsx"]
    execution_id = any_ready.create_execution(
        ExecutionRequest(folder=FOLDER, project=PROJECT, package="Extra.dtsx", synchronized=True)
    )
    assert any_ready.start_execution(execution_id) is OperationStatus.SUCCEEDED
    with pytest.raises(DeploymentFailed) as caught:
        any_ready.deploy_packages(FOLDER, PROJECT, {"Extra.dtsx": b"no package"})
    assert caught.value.messages
    with pytest.raises(InvalidArgument, match=r"Name it 'Extra\.dtsx'"):
        any_ready.deploy_packages(FOLDER, PROJECT, {"Extra": b""})
    with pytest.raises(InvalidArgument, match="no packages"):
        any_ready.deploy_packages(FOLDER, PROJECT, {})
    with pytest.raises(ProjectNotFound, match="Did you mean 'ETL'"):
        any_ready.deploy_packages(FOLDER, "ETLs", {"Extra.dtsx": package_file("First")})


def test_more_packages_than_a_batch_has_parameters_for_are_deployed(
    any_ready: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployments, "PACKAGES_AT_ONCE", 2)
    packages = {f"P{number}.dtsx": package_file(f"P{number}") for number in range(5)}
    for _ in range(2):
        any_ready.deploy_packages(FOLDER, PROJECT, packages)
    assert [each.name for each in any_ready.packages(FOLDER, PROJECT)] == sorted([*packages, PACKAGE, "Strict.dtsx"])
    with pytest.raises(DeploymentFailed):
        any_ready.deploy_packages(FOLDER, PROJECT, {**packages, "Bad.dtsx": b"no package"})
    any_ready.deploy_packages(FOLDER, PROJECT, packages)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("statement", ["CREATE TABLE #packages", "INSERT INTO #packages", "catalog.deploy_packages"])
def test_a_lost_connection_repeats_the_deployment_of_many_packages(
    ready: Catalog, ssisdb_emulator: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, statement: str, moment: str
) -> None:
    monkeypatch.setattr(deployments, "PACKAGES_AT_ONCE", 2)
    connect = functools.partial(pyodbc.connect, ssisdb_emulator.odbc_connection_string)
    packages = {f"P{number}.dtsx": package_file(f"P{number}") for number in range(3)}
    with Catalog(connect(), reconnect=connect, retry=RetryPolicy(first_delay=0.01)) as catalog:
        ssisdb_emulator.faults.drop(statement=statement, when=moment)
        catalog.deploy_packages(FOLDER, PROJECT, packages)
        ssisdb_emulator.faults.error(27230, procedure="deploy_packages")
        catalog.deploy_packages(FOLDER, PROJECT, packages)
    assert [each.name for each in ready.packages(FOLDER, PROJECT)] == sorted([*packages, PACKAGE, "Strict.dtsx"])


def test_a_parameter_is_bound_and_cleared(ready: Catalog) -> None:
    ready.create_environment_variable(FOLDER, "Production", "Where", "south")
    reference_id = ready.create_environment_reference(FOLDER, PROJECT, "Production")
    ready.bind_object_parameter(FOLDER, PROJECT, "Region", "Where")

    def region(reference_id: int | None = None) -> object:
        values = ready.parameter_values(FOLDER, PROJECT, PACKAGE, reference_id=reference_id)
        return next(each.parameter_value for each in values if each.parameter_name == "Region")

    assert region(reference_id) == "south"
    ready.set_object_parameter_value(FOLDER, PROJECT, "Region", "west")
    assert region() == "west"
    ready.clear_object_parameter_value(FOLDER, PROJECT, "Region")
    parameter_row = next(each for each in ready.object_parameters(FOLDER, PROJECT) if each.parameter_name == "Region")
    assert (parameter_row.value_set, parameter_row.referenced_variable_name) == (False, None)
    ready.set_object_parameter_value(FOLDER, PROJECT, "Day", datetime(2024, 2, 29), package="Strict.dtsx")
    ready.clear_object_parameter_value(FOLDER, PROJECT, "Day", package="Strict.dtsx")
    with pytest.raises(CatalogError, match="Did you mean 'Day'"):
        ready.clear_object_parameter_value(FOLDER, PROJECT, "day", package="Strict.dtsx")


def test_cleaning_up_keeps_what_the_properties_say(catalog: Catalog) -> None:
    catalog.create_folder(FOLDER)
    for _ in range(4):
        catalog.deploy_project(FOLDER, PROJECT, etl())
    catalog.set_catalog_property("MAX_PROJECT_VERSIONS", 2)
    catalog.clean_up_versions()
    assert len(catalog.project_versions(FOLDER, PROJECT)) == 2
    catalog.clean_up_operations()
    catalog.startup()
    assert catalog.operation_log_size() >= 0
    assert catalog.version_log_size() >= 0
    assert catalog.always_on_replicas() == []
    version = catalog.check_schema_version()
    assert version.schema_build


def test_permissions_of_an_environment_follow_it(catalog: Catalog) -> None:
    catalog.create_folder(FOLDER)
    catalog.create_folder("Archive")
    catalog.create_environment(FOLDER, "Production")
    catalog.grant_permission("public", PermissionType.READ, Securable(folder=FOLDER, environment="Production"))
    catalog.move_environment(FOLDER, "Production", "Archive")
    moved = Securable(folder="Archive", environment="Production")
    assert PermissionType.READ in {
        each.permission_type for each in catalog.permissions(moved) if each.principal_name == "public"
    }
