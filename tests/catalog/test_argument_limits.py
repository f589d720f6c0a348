"""Texts at the lengths where SQL Server cuts them and drivers change their way of sending, with each client."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import CatalogError, InvalidArgument, InvalidName, WrongParameterType
from airflow_provider_ssis.catalog.requests import (
    Correlation,
    ExecutionRequest,
    PackageWatch,
    Sensitive,
    VariableReference,
)
from airflow_provider_ssis.catalog.securables import Securable
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.mart import MART
from tests.support.running import parameters_of

pytestmark = pytest.mark.slow

HALF = "a\ud83d"
LENGTHS = [255, 256, 2000, 2001, 4000]
TOO_LONG = [4001, 8000, 8001]


@pytest.fixture
def sales(any_catalog: Catalog) -> Catalog:
    """A catalog with the project Sales/Mart and the environment Sales/Prod, over each client in turn."""
    any_catalog.create_folder("Sales")
    any_catalog.deploy_project("Sales", "Mart", MART)
    any_catalog.create_environment("Sales", "Prod")
    return any_catalog


def request(**arguments: Any) -> ExecutionRequest:
    return ExecutionRequest(**{"folder": "Sales", "project": "Mart", "package": "Load.dtsx", **arguments})


NAMES: dict[str, tuple[int, Callable[[Catalog, str], object]]] = {
    "create_folder": (128, lambda c, n: c.create_folder(n)),
    "create_folder description": (1024, lambda c, n: c.create_folder("New", n)),
    "delete_folder": (128, lambda c, n: c.delete_folder(n)),
    "deploy_project folder": (128, lambda c, n: c.deploy_project(n, "Mart", MART)),
    "deploy_project": (128, lambda c, n: c.deploy_project("Sales", n, MART)),
    "get_project folder": (128, lambda c, n: c.get_project(n, "Mart")),
    "get_project": (128, lambda c, n: c.get_project("Sales", n)),
    "delete_project folder": (128, lambda c, n: c.delete_project(n, "Mart")),
    "delete_project": (128, lambda c, n: c.delete_project("Sales", n)),
    "set_object_parameter_value folder": (128, lambda c, n: c.set_object_parameter_value(n, "Mart", "P", 1)),
    "set_object_parameter_value project": (128, lambda c, n: c.set_object_parameter_value("Sales", n, "P", 1)),
    "set_object_parameter_value": (128, lambda c, n: c.set_object_parameter_value("Sales", "Mart", n, 1)),
    "set_object_parameter_value package": (
        260,
        lambda c, n: c.set_object_parameter_value("Sales", "Mart", "P", 1, package=n),
    ),
    "set_object_parameter_value variable": (
        128,
        lambda c, n: c.set_object_parameter_value("Sales", "Mart", "P", VariableReference(n)),
    ),
    "create_environment folder": (128, lambda c, n: c.create_environment(n, "New")),
    "create_environment": (128, lambda c, n: c.create_environment("Sales", n)),
    "create_environment description": (1024, lambda c, n: c.create_environment("Sales", "New", n)),
    "create_environment_variable folder": (128, lambda c, n: c.create_environment_variable(n, "Prod", "V", 1)),
    "create_environment_variable environment": (128, lambda c, n: c.create_environment_variable("Sales", n, "V", 1)),
    "create_environment_variable": (128, lambda c, n: c.create_environment_variable("Sales", "Prod", n, 1)),
    "create_environment_variable description": (
        1024,
        lambda c, n: c.create_environment_variable("Sales", "Prod", "V", 1, description=n),
    ),
    "create_environment_reference folder": (128, lambda c, n: c.create_environment_reference(n, "Mart", "Prod")),
    "create_environment_reference project": (128, lambda c, n: c.create_environment_reference("Sales", n, "Prod")),
    "create_environment_reference": (128, lambda c, n: c.create_environment_reference("Sales", "Mart", n)),
    "create_environment_reference environment folder": (
        128,
        lambda c, n: c.create_environment_reference("Sales", "Mart", "Prod", environment_folder=n),
    ),
    "folder": (128, lambda c, n: c.folder(n)),
    "projects": (128, lambda c, n: c.projects(n)),
    "project folder": (128, lambda c, n: c.project(n, "Mart")),
    "project": (128, lambda c, n: c.project("Sales", n)),
    "packages folder": (128, lambda c, n: c.packages(n, "Mart")),
    "packages": (128, lambda c, n: c.packages("Sales", n)),
    "object_parameters folder": (128, lambda c, n: c.object_parameters(n, "Mart")),
    "object_parameters": (128, lambda c, n: c.object_parameters("Sales", n)),
    "environments": (128, lambda c, n: c.environments(n)),
    "environment folder": (128, lambda c, n: c.environment(n, "Prod")),
    "environment": (128, lambda c, n: c.environment("Sales", n)),
    "environment_variables folder": (128, lambda c, n: c.environment_variables(n, "Prod")),
    "environment_variables": (128, lambda c, n: c.environment_variables("Sales", n)),
    "environment_references folder": (128, lambda c, n: c.environment_references(n, "Mart")),
    "environment_references": (128, lambda c, n: c.environment_references("Sales", n)),
    "find_environment_reference folder": (128, lambda c, n: c.find_environment_reference(n, "Mart", "Prod")),
    "find_environment_reference project": (128, lambda c, n: c.find_environment_reference("Sales", n, "Prod")),
    "find_environment_reference": (128, lambda c, n: c.find_environment_reference("Sales", "Mart", n)),
    "find_environment_reference environment folder": (
        128,
        lambda c, n: c.find_environment_reference("Sales", "Mart", "Prod", n),
    ),
    "executions folder": (128, lambda c, n: c.executions(folder=n)),
    "executions project": (128, lambda c, n: c.executions(folder="Sales", project=n)),
    "executions package": (260, lambda c, n: c.executions(package=n)),
    "rename_folder": (128, lambda c, n: c.rename_folder(n, "New")),
    "rename_folder new name": (128, lambda c, n: c.rename_folder("Sales", n)),
    "set_folder_description": (1024, lambda c, n: c.set_folder_description("Sales", n)),
    "move_project": (128, lambda c, n: c.move_project("Sales", n, "New")),
    "move_project new folder": (128, lambda c, n: c.move_project("Sales", "Mart", n)),
    "restore_project": (128, lambda c, n: c.restore_project("Sales", n, 1)),
    "project_versions": (128, lambda c, n: c.project_versions("Sales", n)),
    "package": (260, lambda c, n: c.package("Sales", "Mart", n)),
    "deploy_packages": (128, lambda c, n: c.deploy_packages("Sales", n, {"A.dtsx": b""})),
    "deploy_packages package": (260, lambda c, n: c.deploy_packages("Sales", "Mart", {n: b""})),
    "clear_object_parameter_value": (128, lambda c, n: c.clear_object_parameter_value("Sales", "Mart", n)),
    "bind_object_parameter variable": (128, lambda c, n: c.bind_object_parameter("Sales", "Mart", "P", n)),
    "parameter_values package": (260, lambda c, n: c.parameter_values("Sales", "Mart", n)),
    "rename_environment": (128, lambda c, n: c.rename_environment("Sales", "Prod", n)),
    "move_environment": (128, lambda c, n: c.move_environment("Sales", "Prod", n)),
    "set_environment_description": (1024, lambda c, n: c.set_environment_description("Sales", "Prod", n)),
    "delete_environment": (128, lambda c, n: c.delete_environment("Sales", n)),
    "environment_variable": (128, lambda c, n: c.environment_variable("Sales", "Prod", n)),
    "set_environment_variable_value": (128, lambda c, n: c.set_environment_variable_value("Sales", "Prod", n, 1)),
    "rename_environment_variable": (128, lambda c, n: c.rename_environment_variable("Sales", "Prod", "V", n)),
    "set_environment_variable_description": (
        1024,
        lambda c, n: c.set_environment_variable_description("Sales", "Prod", "V", n),
    ),
    "set_environment_variable_protection": (
        128,
        lambda c, n: c.set_environment_variable_protection("Sales", "Prod", n, sensitive=True),
    ),
    "delete_environment_variable": (128, lambda c, n: c.delete_environment_variable("Sales", "Prod", n)),
    "set_environment_reference_type": (128, lambda c, n: c.set_environment_reference_type(1, environment_folder=n)),
    "grant_permission": (128, lambda c, n: c.grant_permission(n, PermissionType.READ, Securable(folder="Sales"))),
    "permissions folder": (128, lambda c, n: c.permissions(Securable(folder=n))),
    "permissions project": (128, lambda c, n: c.permissions(Securable(folder="Sales", project=n))),
    "create_customized_logging_level": (128, lambda c, n: c.create_customized_logging_level(n)),
    "create_customized_logging_level description": (
        1024,
        lambda c, n: c.create_customized_logging_level("Level", description=n),
    ),
    "rename_customized_logging_level": (128, lambda c, n: c.rename_customized_logging_level("Level", n)),
    "delete_customized_logging_level": (128, lambda c, n: c.delete_customized_logging_level(n)),
    "add_data_tap path": (4000, lambda c, n: c.add_data_tap(1, n, "a.csv", task_path="x")),
    "add_data_tap file": (4000, lambda c, n: c.add_data_tap(1, "Paths[A.B]", n, task_path="x")),
    "validate_project": (128, lambda c, n: c.validate_project("Sales", n)),
    "validate_package": (260, lambda c, n: c.validate_package("Sales", "Mart", n)),
    "validations": (128, lambda c, n: c.validations(folder=n)),
    "successes": (260, lambda c, n: c.successes([PackageWatch("Sales", "Mart", n, datetime.now(UTC))])),
    "update_master_address": (256, lambda c, n: c.update_master_address(n)),
    "create_execution environment": (128, lambda c, n: c.create_execution(request(environment=n))),
    "create_execution folder": (128, lambda c, n: c.create_execution(request(folder=n))),
    "create_execution project": (128, lambda c, n: c.create_execution(request(project=n))),
    "create_execution package": (260, lambda c, n: c.create_execution(request(package=n))),
    "create_execution environment folder": (
        128,
        lambda c, n: c.create_execution(request(environment="Prod", environment_folder=n)),
    ),
    "create_execution parameter": (128, lambda c, n: c.create_execution(request(parameters={n: 1}))),
    "create_execution project parameter": (128, lambda c, n: c.create_execution(request(project_parameters={n: 1}))),
    "create_execution property": (4000, lambda c, n: c.create_execution(request(property_overrides={n: 1}))),
    "create_execution logging level": (128, lambda c, n: c.create_execution(request(logging_level=n))),
    "create_execution caller": (4000, lambda c, n: c.create_execution(request(caller_info=n))),
    "get_or_create_execution key": (
        4000,
        lambda c, n: c.get_or_create_execution(request(), Correlation(key=n, lock="l")),
    ),
    "get_or_create_execution lock": (
        255,
        lambda c, n: c.get_or_create_execution(request(), Correlation(key="k", lock=n)),
    ),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_text_that_the_server_would_cut_is_refused_before_anything_is_sent(
    catalog: Catalog, ssisdb_emulator: SsisdbEmulator, case: str
) -> None:
    longest, call = NAMES[case]
    requests = ssisdb_emulator.traffic.requests
    with pytest.raises((InvalidName, InvalidArgument), match=rf"has {longest + 1} characters.*at most {longest}"):
        call(catalog, "y" * (longest + 1))
    # SQL Server counts UTF-16 code units.
    with pytest.raises((InvalidName, InvalidArgument), match="characters"):
        call(catalog, "\N{GRINNING FACE}" * (longest // 2 + 1))
    with pytest.raises((InvalidName, InvalidArgument, WrongParameterType), match="half a surrogate pair"):
        call(catalog, HALF)
    assert ssisdb_emulator.traffic.requests == requests


def test_the_folder_of_128_characters_stays(catalog: Catalog) -> None:
    catalog.create_folder("y" * 128)
    with pytest.raises(InvalidName):
        catalog.delete_folder("y" * 129)
    assert catalog.folder("y" * 128) is not None
    catalog.delete_folder("y" * 128)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("character", ["x", "é"])
def test_a_text_of_any_length_that_fits_is_stored(sales: Catalog, length: int, character: str) -> None:
    text = character * length
    sales.create_environment_variable("Sales", "Prod", "V", text, description=text[:1024])
    [variable] = sales.environment_variables("Sales", "Prod")
    assert (variable.value, variable.description) == (text, text[:1024])
    sales.set_object_parameter_value("Sales", "Mart", "Title", text, package="Load.dtsx")
    execution_id = sales.create_execution(
        request(parameters={"Title": text}, property_overrides={"\\Package" + text[8:]: text}, caller_info=text)
    )
    values = parameters_of(sales, execution_id)
    assert (values["Title"], values["CALLER_INFO"]) == (text, text)


@pytest.mark.parametrize("length", TOO_LONG)
def test_a_text_that_does_not_fit_a_value_is_refused(
    catalog: Catalog, ssisdb_emulator: SsisdbEmulator, length: int
) -> None:
    requests = ssisdb_emulator.traffic.requests
    for call in (
        lambda text: catalog.create_environment_variable("Sales", "Prod", "V", text),
        lambda text: catalog.create_execution(request(parameters={"Title": text})),
    ):
        with pytest.raises(CatalogError, match=r"4000 characters"):
            call("x" * length)
    assert ssisdb_emulator.traffic.requests == requests


@pytest.mark.parametrize("length", [*LENGTHS, *TOO_LONG])
def test_a_property_override_takes_a_text_of_any_length(sales: Catalog, length: int) -> None:
    execution_id = sales.create_execution(request(property_overrides={r"\Package.Properties[X]": "é" * length}))
    assert execution_id


@pytest.mark.parametrize(
    "call",
    [
        lambda c, value: c.create_execution(request(parameters={"Title": value})),
        lambda c, value: c.create_execution(request(connection_managers={"Warehouse": {"ServerName": value}})),
        lambda c, value: c.create_execution(request(property_overrides={r"\Package.Properties[X]": value})),
        lambda c, value: c.create_environment_variable("Sales", "Prod", "V", value),
        lambda c, value: c.set_object_parameter_value("Sales", "Mart", "Source", value),
    ],
)
def test_an_object_that_is_not_a_value_is_refused(mart: Catalog, call: Callable[[Catalog, Any], object]) -> None:
    """Its text, such as "None", would be another value."""
    for value in (None, b"x", [1], {"a": 1}, time(1), Sensitive(None), Sensitive([1])):  # type: ignore[arg-type]
        with pytest.raises(WrongParameterType, match=r"is not a value for SSIS\. Values are bool, int"):
            call(mart, value)


@pytest.mark.parametrize("argument", [5, b"Sales"])
def test_a_name_that_is_not_text_is_refused(catalog: Catalog, argument: Any) -> None:
    with pytest.raises(InvalidArgument, match="The argument for the folder is of type"):
        catalog.delete_folder(argument)


@pytest.mark.parametrize("number", [5.5, Decimal(5), 2**63])
def test_a_number_that_is_not_an_id_is_refused(catalog: Catalog, number: Any) -> None:
    """The server would cut the fraction, and stop another operation."""
    with pytest.raises(InvalidArgument, match=r"is not a whole number|larger than a bigint"):
        catalog.stop_operation(number)
