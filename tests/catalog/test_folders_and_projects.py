"""Folders, projects, packages and their parameters on the embedded SSISDB."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import ObjectType
from airflow_provider_ssis.catalog.errors import (
    AlreadyExists,
    DeploymentFailed,
    FolderNotEmpty,
    FolderNotFound,
    InvalidName,
    ParameterNotFound,
    ProjectNotFound,
    WrongParameterType,
)
from airflow_provider_ssis.catalog.requests import ParameterValue, Sensitive, VariableReference
from tests.support.catalog_projects import FOLDER, PACKAGE, PROJECT, TYPES, etl


def test_the_server_says_who_it_is(any_catalog: Catalog) -> None:
    info = any_catalog.server_info()
    assert info.database == "SSISDB"
    assert info.login == "sa"
    assert info.auth_scheme == "SQL"
    assert "sysadmin" in info.roles
    assert info.schema_version
    assert info.product_version.count(".") >= 2


@pytest.mark.parametrize("name", ["Sales", "O'Brien; DROP TABLE x --", "[a] {b}", "数据 ☃ Ünïcode", "a/b", "100%s ?"])
def test_a_folder_has_any_name_that_the_catalog_allows(any_catalog: Catalog, name: str) -> None:
    created = any_catalog.create_folder(name)
    assert created.name == name
    assert any_catalog.folder(name) == created
    assert any_catalog.folders() == [created]
    assert created.created_by_name == "sa"
    assert abs(created.created_time - datetime.now(UTC)) < timedelta(minutes=5)
    any_catalog.delete_folder(name)
    assert any_catalog.folder(name) is None


def test_a_folder_that_exists_is_an_error_unless_that_is_fine(any_catalog: Catalog) -> None:
    created = any_catalog.create_folder("Sales")
    with pytest.raises(AlreadyExists) as caught:
        any_catalog.create_folder("Sales")
    assert caught.value.number == 27190
    assert caught.value.procedure
    assert caught.value.severity == 16
    assert any_catalog.create_folder("sales", exist_ok=True) == created


@pytest.mark.parametrize("name", ["", "a|b", " blank", "@at"])
def test_a_name_that_breaks_the_rules_is_refused(catalog: Catalog, name: str) -> None:
    with pytest.raises(InvalidName, match="1 to 128 characters"):
        catalog.create_folder(name)


def test_only_an_empty_folder_is_deleted(catalog: Catalog) -> None:
    catalog.create_folder(FOLDER)
    catalog.deploy_project(FOLDER, PROJECT, etl())
    with pytest.raises(FolderNotEmpty):
        catalog.delete_folder(FOLDER)
    catalog.delete_project(FOLDER, PROJECT)
    catalog.delete_folder(FOLDER)
    with pytest.raises(FolderNotFound, match="the name is misspelt"):
        catalog.delete_folder(FOLDER)


def test_a_project_is_deployed_and_read_back(any_catalog: Catalog) -> None:
    any_catalog.create_folder(FOLDER)
    ispac = etl()
    deployment = any_catalog.deploy_project(FOLDER, PROJECT, ispac)
    assert (deployment.folder, deployment.project) == (FOLDER, PROJECT)
    assert any_catalog.get_project(FOLDER, PROJECT) == ispac

    project = any_catalog.project(FOLDER, PROJECT)
    assert project is not None
    assert any_catalog.projects() == any_catalog.projects(FOLDER) == [project]
    assert project.project_id == deployment.project_id
    assert project.object_version_lsn == deployment.object_version_lsn
    assert project.folder_name == FOLDER

    packages = any_catalog.packages(FOLDER, PROJECT)
    assert [package.name for package in packages] == [PACKAGE, "Strict.dtsx"]
    assert all(package.entry_point for package in packages)

    again = any_catalog.deploy_project(FOLDER, PROJECT, ispac)
    assert again.project_id == deployment.project_id
    assert again.object_version_lsn != deployment.object_version_lsn
    assert again.operation_id > deployment.operation_id


def test_a_large_project_is_deployed_and_read_back(any_catalog: Catalog) -> None:
    any_catalog.create_folder(FOLDER)
    ispac = io.BytesIO(etl())
    with zipfile.ZipFile(ispac, "a") as archive:
        archive.writestr("Notes.bin", random.Random(5).randbytes(3_000_000))
    any_catalog.deploy_project(FOLDER, PROJECT, ispac.getvalue())
    assert any_catalog.get_project(FOLDER, PROJECT) == ispac.getvalue()


def test_a_deployment_that_fails_says_why(any_catalog: Catalog) -> None:
    any_catalog.create_folder(FOLDER)
    with pytest.raises(DeploymentFailed) as caught:
        any_catalog.deploy_project(FOLDER, PROJECT, etl()[:-100])
    error = caught.value
    assert error.number == 27203
    assert error.operation_id
    assert error.messages == tuple(any_catalog.operation_messages(error.operation_id))
    assert all(message.message in str(error) for message in error.messages)
    assert any_catalog.project(FOLDER, PROJECT) is None


def test_a_project_is_deployed_under_the_name_in_its_manifest_only(catalog: Catalog) -> None:
    catalog.create_folder(FOLDER)
    with pytest.raises(DeploymentFailed) as caught:
        catalog.deploy_project(FOLDER, "Another", etl())
    assert caught.value.messages


def test_a_project_is_deployed_into_an_existing_folder_only(catalog: Catalog) -> None:
    with pytest.raises(FolderNotFound, match=f"Deploying the project {FOLDER}/{PROJECT}"):
        catalog.deploy_project(FOLDER, PROJECT, etl())


def test_what_is_not_there_is_none_or_an_error(catalog: Catalog) -> None:
    assert catalog.project(FOLDER, PROJECT) is None
    assert catalog.packages(FOLDER, PROJECT) == []
    with pytest.raises(FolderNotFound, match=f"no folder '{FOLDER}'"):
        catalog.get_project(FOLDER, PROJECT)
    catalog.create_folder(FOLDER)
    with pytest.raises(ProjectNotFound):
        catalog.get_project(FOLDER, PROJECT)
    with pytest.raises(ProjectNotFound):
        catalog.delete_project(FOLDER, PROJECT)


@pytest.fixture
def deployed(any_catalog: Catalog) -> Catalog:
    any_catalog.create_folder(FOLDER)
    any_catalog.deploy_project(FOLDER, PROJECT, etl())
    return any_catalog


def default_value(catalog: Catalog, name: str) -> object:
    return next(
        each.default_value for each in catalog.object_parameters(FOLDER, PROJECT) if each.parameter_name == name
    )


def test_parameters_are_listed_with_their_types(deployed: Catalog) -> None:
    found = {each.parameter_name: each for each in deployed.object_parameters(FOLDER, PROJECT)}
    assert {name[1:]: found[name].data_type for name in found if name[1:] in TYPES} == {each: each for each in TYPES}
    assert found["Region"].object_type is ObjectType.PROJECT
    assert found["Region"].design_default_value == "north"
    assert found["Password"].sensitive
    assert found["Day"].required
    assert found["Day"].object_name == "Strict.dtsx"


@pytest.mark.parametrize("data_type", TYPES)
def test_a_parameter_of_each_type_takes_its_value(deployed: Catalog, data_type: str) -> None:
    name, value = f"A{data_type}", TYPES[data_type]
    deployed.set_object_parameter_value(FOLDER, PROJECT, name, value, package=PACKAGE)
    stored = default_value(deployed, name)
    assert stored == value
    assert type(stored) is type(value)


def test_a_projects_parameter_takes_its_value(deployed: Catalog) -> None:
    deployed.set_object_parameter_value(FOLDER, PROJECT, "Region", "south")
    assert default_value(deployed, "Region") == "south"


def test_a_parameter_takes_its_value_from_a_variable(deployed: Catalog) -> None:
    deployed.set_object_parameter_value(FOLDER, PROJECT, "Region", VariableReference("Where"))
    region = next(each for each in deployed.object_parameters(FOLDER, PROJECT) if each.parameter_name == "Region")
    assert (region.value_type, region.referenced_variable_name) == ("R", "Where")


def test_an_unknown_parameter_is_reported_with_those_that_there_are(deployed: Catalog) -> None:
    with pytest.raises(ParameterNotFound, match=r"Region.*Did you mean 'Region'\?"):
        deployed.set_object_parameter_value(FOLDER, PROJECT, "region", "south")
    with pytest.raises(ParameterNotFound, match="Its parameters are: Day"):
        deployed.set_object_parameter_value(FOLDER, PROJECT, "Region", "south", package="Strict.dtsx")
    with pytest.raises(ProjectNotFound):
        deployed.set_object_parameter_value(FOLDER, "Nowhere", "Region", "south")


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("AInt32", "many", "whole number"),
        ("AByte", 256, "from 0 to 255"),
        ("ABoolean", "maybe", "true, false"),
        # They fit no type at all.
        ("AString", "x" * 4001, "at most 4000 characters"),
        ("AInt32", "x" * 4001, "whole number"),
    ],
)
def test_a_value_of_the_wrong_type_is_reported_with_the_reason(
    deployed: Catalog, name: str, value: ParameterValue, reason: str
) -> None:
    with pytest.raises(WrongParameterType, match=reason) as caught:
        deployed.set_object_parameter_value(FOLDER, PROJECT, name, value, package=PACKAGE)
    assert repr(value)[:200] in str(caught.value)


def test_a_secret_of_the_wrong_type_is_not_shown(deployed: Catalog) -> None:
    with pytest.raises(WrongParameterType) as caught:
        deployed.set_object_parameter_value(FOLDER, PROJECT, "AInt32", Sensitive("hunter2"), package=PACKAGE)
    assert "hunter2" not in str(caught.value)
