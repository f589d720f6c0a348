"""Environments, variables and references on the embedded SSISDB."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import (
    AlreadyExists,
    AmbiguousEnvironment,
    EnvironmentNotFound,
    FolderNotFound,
    InvalidArgument,
    WrongParameterType,
)
from airflow_provider_ssis.catalog.requests import Sensitive
from tests.support.catalog_projects import FOLDER, PROJECT, TYPES, etl


@pytest.fixture
def prepared(catalog: Catalog) -> Catalog:
    """Two folders, each with an environment Prod, and a project in the first."""
    for folder in (FOLDER, "Shared"):
        catalog.create_folder(folder)
        catalog.create_environment(folder, "Prod")
    catalog.deploy_project(FOLDER, PROJECT, etl())
    return catalog


def test_an_environment_is_made_once(any_catalog: Catalog) -> None:
    any_catalog.create_folder(FOLDER)
    created = any_catalog.create_environment(FOLDER, "Prod", "the real thing")
    assert (created.folder_name, created.name, created.description) == (FOLDER, "Prod", "the real thing")
    assert any_catalog.environment(FOLDER, "Prod") == created
    assert any_catalog.environments(FOLDER) == [created]
    with pytest.raises(AlreadyExists):
        any_catalog.create_environment(FOLDER, "Prod")
    assert any_catalog.create_environment(FOLDER, "Prod", exist_ok=True) == created
    with pytest.raises(FolderNotFound):
        any_catalog.create_environment("Nowhere", "Prod")


def test_a_variable_of_each_type_keeps_its_value(any_catalog: Catalog) -> None:
    any_catalog.create_folder(FOLDER)
    any_catalog.create_environment(FOLDER, "Prod")
    # The types that the documentation of create_environment_variable names.
    values = {data_type: value for data_type, value in TYPES.items() if data_type not in ("SByte", "Decimal")}
    for data_type, value in values.items():
        any_catalog.create_environment_variable(FOLDER, "Prod", f"A{data_type}", value, data_type=data_type)
    variables = {variable.name: variable for variable in any_catalog.environment_variables(FOLDER, "Prod")}
    assert {variable.name[1:]: variable.type for variable in variables.values()} == {each: each for each in values}
    assert {variable.name[1:]: variable.value for variable in variables.values()} == values


def test_a_variable_has_the_type_of_its_value_by_default(prepared: Catalog) -> None:
    prepared.create_environment_variable(FOLDER, "Prod", "Count", 5)
    [variable] = prepared.environment_variables(FOLDER, "Prod")
    assert (variable.type, variable.value, variable.sensitive) == ("Int32", 5, False)


def test_a_secret_variable_does_not_show_its_value(prepared: Catalog) -> None:
    prepared.create_environment_variable(FOLDER, "Prod", "Password", Sensitive("hunter2"), description="of the source")
    [variable] = prepared.environment_variables(FOLDER, "Prod")
    assert variable.sensitive
    assert variable.value is None
    assert variable.description == "of the source"


def test_a_variable_that_cannot_be_is_explained(prepared: Catalog) -> None:
    with pytest.raises(WrongParameterType, match="whole number"):
        prepared.create_environment_variable(FOLDER, "Prod", "Count", "many", data_type="Int32")
    with pytest.raises(InvalidArgument, match="Types are: Boolean"):
        prepared.create_environment_variable(FOLDER, "Prod", "Count", 5, data_type="int")
    with pytest.raises(EnvironmentNotFound):
        prepared.create_environment_variable(FOLDER, "Nowhere", "Count", 5)
    prepared.create_environment_variable(FOLDER, "Prod", "Count", 5)
    with pytest.raises(WrongParameterType, match="whole number"):
        prepared.set_environment_variable_value(FOLDER, "Prod", "Count", "x" * 4001)
    with pytest.raises(AlreadyExists):
        prepared.create_environment_variable(FOLDER, "Prod", "Count", 5)


def test_a_reference_is_relative_or_absolute(prepared: Catalog) -> None:
    relative = prepared.create_environment_reference(FOLDER, PROJECT, "Prod")
    absolute = prepared.create_environment_reference(FOLDER, PROJECT, "Prod", environment_folder="Shared")
    found = {each.reference_id: each for each in prepared.environment_references(FOLDER, PROJECT)}
    assert (found[relative].reference_type, found[relative].environment_folder_name) == ("R", None)
    assert (found[absolute].reference_type, found[absolute].environment_folder_name) == ("A", "Shared")
    with pytest.raises(AlreadyExists):
        prepared.create_environment_reference(FOLDER, PROJECT, "Prod")
    assert prepared.create_environment_reference(FOLDER, PROJECT, "Prod", exist_ok=True) == relative
    assert (
        prepared.create_environment_reference(FOLDER, PROJECT, "Prod", environment_folder="Shared", exist_ok=True)
        == absolute
    )


def test_a_reference_is_found_by_the_environments_name(prepared: Catalog) -> None:
    relative = prepared.create_environment_reference(FOLDER, PROJECT, "Prod")
    assert prepared.find_environment_reference(FOLDER, PROJECT, "Prod").reference_id == relative
    absolute = prepared.create_environment_reference(FOLDER, PROJECT, "Prod", environment_folder="Shared")
    for name in ("./Prod", ".\\Prod", f"{FOLDER}/Prod", "./prod"):
        assert prepared.find_environment_reference(FOLDER, PROJECT, name).reference_id == relative
    for name in ("Shared/Prod", "Shared\\Prod"):
        assert prepared.find_environment_reference(FOLDER, PROJECT, name).reference_id == absolute
    assert prepared.find_environment_reference(FOLDER, PROJECT, "Prod", "Shared").reference_id == absolute


def test_two_references_to_one_environment_are_not_ambiguous(prepared: Catalog) -> None:
    relative = prepared.create_environment_reference(FOLDER, PROJECT, "Prod")
    prepared.create_environment_reference(FOLDER, PROJECT, "Prod", environment_folder=FOLDER)
    assert prepared.find_environment_reference(FOLDER, PROJECT, "Prod").reference_id == relative


def test_environments_of_one_name_in_two_folders_are_ambiguous(prepared: Catalog) -> None:
    prepared.create_environment_reference(FOLDER, PROJECT, "Prod")
    prepared.create_environment_reference(FOLDER, PROJECT, "Prod", environment_folder="Shared")
    with pytest.raises(AmbiguousEnvironment, match=r"\./Prod, Shared/Prod.*Add the folder"):
        prepared.find_environment_reference(FOLDER, PROJECT, "Prod")


def test_an_environment_without_a_reference_is_reported_with_those_that_have_one(prepared: Catalog) -> None:
    with pytest.raises(EnvironmentNotFound, match="has no references"):
        prepared.find_environment_reference(FOLDER, PROJECT, "Prod")
    prepared.create_environment_reference(FOLDER, PROJECT, "Prod")
    with pytest.raises(EnvironmentNotFound, match=r"It has references to: \./Prod"):
        prepared.find_environment_reference(FOLDER, PROJECT, "Test")


def test_a_reference_to_no_environment_is_refused(prepared: Catalog) -> None:
    with pytest.raises(EnvironmentNotFound):
        prepared.create_environment_reference(FOLDER, PROJECT, "Nowhere")


def test_an_environment_whose_name_contains_a_slash_is_explained(mart: Catalog) -> None:
    mart.create_environment("Sales", "a/b")
    mart.create_environment_reference("Sales", "Mart", "a/b")
    with pytest.raises(EnvironmentNotFound, match=r"'a/b' contains a slash.*environment_folder='\.'"):
        mart.find_environment_reference("Sales", "Mart", "a/b")
    assert mart.find_environment_reference("Sales", "Mart", "a/b", ".").environment_name == "a/b"
