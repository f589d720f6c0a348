"""Setting parameters and environments on the embedded SSISDB, through a real ODBC driver."""

from __future__ import annotations

import warnings
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.errors import (
    FolderNotFound,
    InvalidArgument,
    ParameterNotFound,
    ProjectNotFound,
    WrongParameterType,
)
from airflow_provider_ssis.catalog.models import EnvironmentVariable, ObjectParameter
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import InvalidTaskArgument, RenderedToNothing
from airflow_provider_ssis.operators.dag_checks import SensitiveLiteralWarning
from airflow_provider_ssis.operators.environment import SsisEnvironmentOperator
from airflow_provider_ssis.operators.set_parameters import SsisSetParametersOperator
from tests.support.running import SECRET
from tests.support.task_runs import TaskRun, rendered

WRITES = ("set_", "create_", "delete_", "clear_")


def set_parameters(**arguments: Any) -> TaskRun:
    given = {"folder": "Sales", "project": "Mart", **arguments}
    return TaskRun(SsisSetParametersOperator(task_id="configure", **given))


def environment(**arguments: Any) -> TaskRun:
    given = {"folder": "Sales", "environment": "Production", **arguments}
    return TaskRun(SsisEnvironmentOperator(task_id="environment", **given))


def parameter(catalog: Catalog, name: str) -> ObjectParameter:
    return next(each for each in catalog.object_parameters("Sales", "Mart") if each.parameter_name == name)


def variables(catalog: Catalog) -> dict[str, EnvironmentVariable]:
    return {each.name: each for each in catalog.environment_variables("Sales", "Production")}


# --- parameters

VALUES = {
    "FullLoad": "true",
    "BatchSize": "1000",
    "MaxRows": 5,
    "Rate": "0.25",
    "Discount": "0.10",
    "LoadDate": "2024-02-29",
    "Title": "häß ' ☃",
}


def test_values_of_every_type_are_set_once(mart: Catalog) -> None:
    first = set_parameters(package="Load.dtsx", parameters=VALUES, project_parameters={"Source": "CRM"})
    assert set(first.execute()["changed"]) == {"Source", *(f"Load.dtsx/{name}" for name in VALUES)}
    found = {name: parameter(mart, name).default_value for name in VALUES}
    assert found == {
        "FullLoad": True,
        "BatchSize": 1000,
        "MaxRows": 5,
        "Rate": 0.25,
        "Discount": Decimal("0.10"),
        "LoadDate": datetime(2024, 2, 29),
        "Title": "häß ' ☃",
    }
    again = set_parameters(
        package="load.DTSX",
        parameters={**VALUES, "BatchSize": 1000, "Rate": 0.25, "Discount": 0.1, "LoadDate": datetime(2024, 2, 29)},
        project_parameters={"Source": "CRM"},
    )
    result = again.execute()
    assert result["changed"] == []
    assert len(result["unchanged"]) == len(VALUES) + 1
    assert "have their values already" in str(again.log)


def test_parameters_are_bound_and_cleared(mart: Catalog) -> None:
    bound = set_parameters(
        package="Load.dtsx", bindings={"Title": "Where"}, project_bindings={"Source": "System"}
    ).execute()
    assert bound["changed"] == ["Source", "Load.dtsx/Title"]
    assert parameter(mart, "Title").referenced_variable_name == "Where"
    again = set_parameters(package="Load.dtsx", bindings='{"Title": "Where"}').execute()
    assert again == {"changed": [], "unchanged": ["Load.dtsx/Title"]}
    cleared = set_parameters(package="Load.dtsx", clear_parameters=["Title"], clear_project_parameters=["Source"])
    assert cleared.execute()["changed"] == ["Source", "Load.dtsx/Title"]
    assert (parameter(mart, "Title").value_type, parameter(mart, "Title").value_set) == ("V", False)
    assert cleared.execute()["changed"] == []


def test_a_sensitive_value_is_always_written_and_never_shown(mart: Catalog) -> None:
    arguments = {"project_parameters": {"ApiKey": {"value": "{{ secret }}", "sensitive": True}}}
    for _ in range(2):
        task_run = set_parameters(**arguments)
        rendered(task_run.operator, secret=SECRET)
        assert task_run.execute()["changed"] == ["ApiKey"]
        assert SECRET not in str(task_run.log)
    assert parameter(mart, "ApiKey").value_set
    wrong = set_parameters(package="Load.dtsx", parameters={"BatchSize": {"value": "{{ s }}", "sensitive": True}})
    rendered(wrong.operator, s=SECRET)
    with pytest.raises(WrongParameterType) as caught:
        wrong.execute()
    assert SECRET not in str(caught.value)


def test_an_unknown_parameter_changes_nothing(mart: Catalog) -> None:
    with pytest.raises(ParameterNotFound, match="Did you mean 'Title'") as caught:
        set_parameters(package="Load.dtsx", parameters={"BatchSize": 7, "title": "x"}).execute()
    assert "Nothing was changed" in str(caught.value)
    assert not parameter(mart, "BatchSize").value_set
    with pytest.raises(ProjectNotFound, match="Did you mean 'Mart'"):
        set_parameters(project="Marts", project_parameters={"Source": "x"}).execute()


def test_an_error_half_way_says_what_was_done(mart: Catalog) -> None:
    task_run = set_parameters(package="Load.dtsx", parameters={"BatchSize": 7, "MaxRows": "many", "Title": "x"})
    with pytest.raises(WrongParameterType, match=r"MaxRows.*Changed before: Load\.dtsx/BatchSize\."):
        task_run.execute()
    assert parameter(mart, "BatchSize").default_value == 7
    assert not parameter(mart, "Title").value_set


@pytest.mark.parametrize(
    "arguments",
    [
        {"parameters": {"Title": "x"}},
        {"bindings": {"Title": "x"}},
        {"package": "Load", "parameters": {"Title": "x"}},
        {"project_parameters": ["Source"]},
        {"project_bindings": {"Source": ""}},
        {"clear_project_parameters": "Source"},
        {"folder": "", "project_parameters": {"Source": "x"}},
        {"package": "Load.dtsx"},
    ],
)
def test_wrong_arguments_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidTaskArgument):
        set_parameters(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"project_parameters": {}},
        {"project_bindings": {}, "parameters": {}},
        {"clear_project_parameters": []},
        {"package": "Load.dtsx", "parameters": {}, "bindings": {}, "clear_parameters": []},
        {"package": "Load.dtsx", "parameters": "{}"},
    ],
    ids=str,
)
def test_nothing_to_set_is_accepted_if_it_is_given(mart: Catalog, arguments: dict[str, Any]) -> None:
    """As DAGs that are made from data have it, and mapped tasks."""
    assert set_parameters(**arguments).execute() == {"changed": [], "unchanged": []}


def test_a_parameter_that_is_given_twice_is_refused(mart: Catalog) -> None:
    task_run = set_parameters(project_parameters={"Source": "x"}, project_bindings="{{ bindings }}")
    rendered(task_run.operator, bindings='{"Source": "y"}')
    with pytest.raises(InvalidTaskArgument, match="'Source' is given twice"):
        task_run.execute()


@pytest.mark.parametrize(
    "arguments",
    [
        {"project_parameters": {"Source": "x"}, "project_bindings": {"Source": "y"}},
        {"project_parameters": {"Source": "{{ templated }}"}, "clear_project_parameters": ["Source"]},
        {"package": "Load.dtsx", "bindings": '{"Source": "x"}', "clear_parameters": '["Source"]'},
    ],
    ids=str,
)
def test_a_parameter_that_is_given_twice_is_refused_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidTaskArgument, match="'Source' is given twice"):
        set_parameters(**arguments)


def test_a_template_that_renders_to_nothing_is_named(mart: Catalog) -> None:
    task_run = set_parameters(project_parameters={"Source": "{{ nothing }}"})
    rendered(task_run.operator, nothing=None)
    with pytest.raises(RenderedToNothing, match="Source"):
        task_run.execute()


@pytest.mark.parametrize("native", [False, True])
def test_without_its_package_a_value_is_not_set_on_the_project(mart: Catalog, native: bool) -> None:
    task_run = set_parameters(package="{{ nothing }}", parameters={"Source": "CRM"})
    rendered(task_run.operator, native=native, nothing=None if native else "")
    with pytest.raises(InvalidTaskArgument, match="belong to a package"):
        task_run.execute()
    assert parameter(mart, "Source").default_value is None


# --- environments


def test_an_environment_is_created_with_its_variables(mart: Catalog) -> None:
    task_run = environment(
        variables={"Server": "dw01", "Port": "1433", "Rate": 0.5, "Key": {"value": "{{ secret }}", "sensitive": True}},
        types={"Port": "int32"},
        descriptions={"Server": "the warehouse"},
        description="for customers",
        projects=["Mart"],
    )
    rendered(task_run.operator, secret=SECRET)
    result = task_run.execute()
    assert result["created"] is True
    assert result["changed"] == ["Server", "Port", "Rate", "Key", "reference of Sales/Mart"]
    found = variables(mart)
    assert {name: (each.value, each.type) for name, each in found.items()} == {
        "Server": ("dw01", "String"),
        "Port": (1433, "Int32"),
        "Rate": (0.5, "Double"),
        "Key": (None, "String"),
    }
    assert found["Key"].sensitive
    assert found["Server"].description == "the warehouse"
    created = mart.environment("Sales", "Production")
    assert created is not None
    assert created.description == "for customers"
    assert [str(each) for each in mart.environment_references("Sales", "Mart")] == ["./Production"]
    assert SECRET not in str(task_run.log)


def test_unchanged_values_write_nothing(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    arguments: dict[str, Any] = {
        "variables": {"Server": "dw01", "Port": 1433, "Day": "2024-02-29"},
        "types": {"Day": "DateTime"},
        "descriptions": {"Port": "TCP"},
        "description": "text",
        "projects": ["Mart"],
        "delete_other_variables": True,
    }
    environment(**arguments).execute()
    for procedure in WRITES:
        ssisdb.faults.error(50001, statement=f"EXEC catalog.{procedure}", times=None)
    result = environment(**arguments).execute()
    ssisdb.faults.clear()
    assert result["created"] is False
    assert result["changed"] == []
    assert result["unchanged"] == ["Server", "Port", "Day", "reference of Sales/Mart"]


def test_what_differs_is_updated(mart: Catalog) -> None:
    environment(variables={"Server": "dw01", "Port": 1433, "Old": 1}, descriptions={"Port": "TCP"}).execute()
    result = environment(
        variables={"server": "dw02", "Port": "text"},
        types={"Port": "String"},
        description="new",
        delete_other_variables=True,
    ).execute()
    assert result["changed"] == ["description", "server", "Port", "Old"]
    found = variables(mart)
    assert {name: (each.value, each.type) for name, each in found.items()} == {
        "Server": ("dw02", "String"),
        "Port": ("text", "String"),
    }
    assert found["Port"].description == "TCP"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"types": {"Server": "{{ 'Number' }}"}}, InvalidArgument),
        ({"types": {"Server": "Int32"}}, WrongParameterType),
        ({"variables": {"Other": 1, "Server": "x", "Port": "none"}}, WrongParameterType),
    ],
)
def test_a_wrong_type_or_value_of_a_variable_changes_nothing(
    mart: Catalog, arguments: dict[str, Any], error: type[Exception]
) -> None:
    environment(variables={"Server": "dw", "Port": 1433}).execute()
    before = variables(mart)
    with pytest.raises(error):
        environment(**{"variables": {"Other": 1, "Server": "dw"}, **arguments}).execute()
    assert variables(mart) == before


def test_a_variable_becomes_sensitive_and_stays_so(mart: Catalog) -> None:
    environment(variables={"Key": "x"}).execute()
    secret = environment(variables={"Key": {"value": "{{ secret }}", "sensitive": True}})
    rendered(secret.operator, secret=SECRET)
    assert secret.execute()["changed"] == ["Key"]
    assert variables(mart)["Key"].sensitive
    assert environment(variables={"Key": "plain"}).execute()["changed"] == ["Key"]
    assert variables(mart)["Key"].sensitive
    assert environment(variables={"Key": "7"}, types={"Key": "Int32"}).execute()["changed"] == ["Key"]
    assert (variables(mart)["Key"].type, variables(mart)["Key"].sensitive) == ("Int32", True)


def test_a_secret_of_the_wrong_type_is_not_shown(mart: Catalog) -> None:
    environment(variables={"Port": 1433}).execute()
    wrong = environment(variables={"Server": "dw01", "Port": {"value": "{{ secret }}", "sensitive": True}})
    rendered(wrong.operator, secret=SECRET)
    before = variables(mart)
    with pytest.raises(WrongParameterType, match="'Port'") as caught:
        wrong.execute()
    assert SECRET not in str(caught.value)
    assert variables(mart) == before


def test_an_environment_of_another_folder_is_referred_to_with_its_folder(mart: Catalog) -> None:
    mart.create_folder("Shared")
    task_run = environment(folder="Shared", projects='["Sales/Mart"]')
    assert task_run.execute()["changed"] == ["reference of Sales/Mart"]
    assert [str(each) for each in mart.environment_references("Sales", "Mart")] == ["Shared/Production"]
    assert task_run.execute()["changed"] == []
    with pytest.raises(ProjectNotFound, match="Did you mean 'Mart'"):
        environment(folder="Shared", projects=["Sales/Marts"]).execute()


def test_the_folder_is_created_only_on_request(catalog: Catalog) -> None:
    with pytest.raises(FolderNotFound, match="With create_folder=True"):
        environment().execute()
    assert environment(create_folder=True).execute()["created"] is True
    assert catalog.environment("Sales", "Production") is not None


@pytest.mark.parametrize(
    "arguments",
    [
        {"variables": {"Port": 1}, "types": {"Port": "Int"}},
        {"environment": ""},
        {"variables": ["Server"]},
        {"variables": {"Server": None}},
        {"variables": {"Server": "x"}, "types": {"Port": "Int32"}},
        {"variables": {"Server": "x"}, "descriptions": {"Port": "TCP"}},
        {"variables": {"Server": "x", "SERVER": "y"}},
        {"projects": "Mart"},
        {"delete_other_variables": True},
    ],
)
def test_wrong_arguments_of_an_environment_are_refused_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidTaskArgument):
        environment(**arguments)


@pytest.mark.parametrize("nothing", ["", None])
def test_variables_that_render_to_nothing_delete_no_others(mart: Catalog, nothing: str | None) -> None:
    environment(variables={"Port": 1}).execute()
    task_run = environment(variables="{{ nothing }}", delete_other_variables=True)
    rendered(task_run.operator, native=True, nothing=nothing)
    with pytest.raises(InvalidTaskArgument, match="would delete all"):
        task_run.execute()
    assert list(variables(mart)) == ["Port"]
    environment(variables={}, delete_other_variables=True).execute()
    assert variables(mart) == {}


def test_a_secret_as_a_literal_is_warned_about() -> None:
    with pytest.warns(SensitiveLiteralWarning, match=r"variables\['Key'\]"):
        environment(variables={"Key": {"value": "literal", "sensitive": True}})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        environment(variables={"Key": {"value": "{{ conn.x.password }}", "sensitive": True}})
