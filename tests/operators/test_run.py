"""Running packages on the embedded SSISDB, through a real ODBC driver."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import (
    AmbiguousEnvironment,
    EnvironmentNotFound,
    RequiredParameterMissing,
)
from airflow_provider_ssis.catalog.requests import VariableReference
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.running import SECRET, overrides_of, parameters_of, run


def test_a_package_runs_and_the_result_describes_it(mart: Catalog) -> None:
    task_run = run()
    result = task_run.execute()
    assert result["status"] == "succeeded"
    assert (result["folder"], result["project"], result["package"]) == ("Sales", "Mart", "Load.dtsx")
    assert result["duration"] >= 0
    execution = mart.execution(result["execution_id"])
    assert execution is not None
    assert execution.status is OperationStatus.SUCCEEDED


def test_the_execution_id_goes_to_xcom(mart: Catalog) -> None:
    task_run = run()
    result = task_run.execute()
    assert task_run.task_instance.xcoms == {
        "execution_id": result["execution_id"],
        "status": "succeeded",
        "duration": result["duration"],
    }


def test_without_xcom_push_nothing_goes_to_xcom(mart: Catalog) -> None:
    task_run = run(do_xcom_push=False)
    task_run.execute()
    assert task_run.task_instance.xcoms == {}


def test_the_execution_id_is_in_xcom_before_the_package_starts(mart: Catalog) -> None:
    # Only the server notices that the environment lacks the variable.
    mart.create_environment("Sales", "Test")
    mart.create_environment_reference("Sales", "Mart", "Test")
    mart.set_object_parameter_value("Sales", "Mart", "RegionId", VariableReference("Missing"), package="Strict.dtsx")
    task_run = run(package="Strict.dtsx", environment="Test")
    with pytest.raises(RequiredParameterMissing):
        task_run.execute()
    assert mart.execution(task_run.task_instance.xcoms["execution_id"]) is not None


def test_the_packages_messages_come_into_the_log_with_their_executable(mart: Catalog) -> None:
    task_run = run(follow_messages="all")
    result = task_run.execute()
    messages = mart.event_messages(result["execution_id"])
    lines = str(task_run.log)
    assert messages
    assert all(message.message in lines for message in messages)
    assert any(line.endswith("Copy]") for line in task_run.log.at("info"))


def test_each_message_is_logged_once(mart: Catalog) -> None:
    task_run = run(follow_messages="all")
    result = task_run.execute()
    assert len(task_run.log.messages()) == len(mart.event_messages(result["execution_id"]))


def test_messages_can_be_left_out_of_the_log(mart: Catalog) -> None:
    task_run = run(follow_messages="none")
    task_run.execute()
    assert not task_run.log.messages()


def test_without_waiting_a_failure_is_left_to_a_sensor(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy")
    assert run(wait_for_termination=False).execute()["status"] in ("pending", "running", "failed")


def test_without_waiting_the_task_succeeds_as_soon_as_the_package_has_started(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(60, package="Load.dtsx")
    result = run(wait_for_termination=False).execute()
    assert result["status"] in ("pending", "running")
    assert result["duration"] is None


def test_values_have_the_type_of_their_parameter(mart: Catalog) -> None:
    result = run(
        parameters={
            "FullLoad": True,
            "BatchSize": 7,
            "MaxRows": 2**40,
            "Rate": 0.25,
            "Discount": Decimal("0.125"),
            "LoadDate": datetime(2024, 2, 29, 13, 45),
            "Title": "Grüße",
        },
        project_parameters={"Source": "CRM"},
    ).execute()
    values = parameters_of(mart, result["execution_id"])
    assert values["FullLoad"] in (True, 1)
    assert values["BatchSize"] == 7
    assert values["MaxRows"] == 2**40
    assert values["Rate"] == 0.25
    assert values["Discount"] == Decimal("0.125")
    assert values["LoadDate"] == datetime(2024, 2, 29, 13, 45)
    assert values["Title"] == "Grüße"
    assert values["Source"] == "CRM"


def test_text_is_read_as_the_type_of_its_parameter(mart: Catalog) -> None:
    """What templates give."""
    result = run(
        parameters={
            "FullLoad": "True",
            "BatchSize": "7",
            "MaxRows": str(2**40),
            "Rate": "0.25",
            "Discount": "0.125",
            "LoadDate": "2024-02-29T13:45:00",
            "Title": "42",
        }
    ).execute()
    values = parameters_of(mart, result["execution_id"])
    assert values["FullLoad"] in (True, 1)
    assert (values["BatchSize"], values["MaxRows"], values["Rate"]) == (7, 2**40, 0.25)
    assert values["Discount"] == Decimal("0.125")
    assert values["LoadDate"] == datetime(2024, 2, 29, 13, 45)
    assert values["Title"] == "42"


def test_connection_managers_are_set_where_they_belong(mart: Catalog) -> None:
    result = run(
        connection_managers={"Orders": {"ServerName": "orders-2", "RetainSameConnection": True}},
        project_connection_managers={"Warehouse": {"ServerName": "dw-2"}},
    ).execute()
    values = parameters_of(mart, result["execution_id"])
    assert (values["CM.Orders.ServerName"], values["CM.Warehouse.ServerName"]) == ("orders-2", "dw-2")
    ((path, (value, _)),) = overrides_of(result["execution_id"]).items()
    assert path == r"\Package.Connections[Orders].Properties[RetainSameConnection]"
    assert value.lower() == "true"


def test_property_overrides_may_be_sensitive(mart: Catalog) -> None:
    plain, secret = r"\Package.Properties[MaximumErrorCount]", r"\Package.Variables[User::Key].Properties[Value]"
    result = run(property_overrides={plain: 5, secret: {"value": SECRET, "sensitive": True}}).execute()
    overrides = overrides_of(result["execution_id"])
    assert overrides[plain] == ("5", False)
    assert overrides[secret] == (None, True)


@pytest.mark.parametrize(
    ("level", "number"), [("Verbose", 3), ("RuntimeLineage", 4), ("none", 0), (2, 2), ("1", 1), ("", None)]
)
def test_the_logging_level_is_a_name_or_a_number(mart: Catalog, level: int | str, number: int | None) -> None:
    values = parameters_of(mart, run(logging_level=level).execute()["execution_id"])
    assert values["LOGGING_LEVEL"] == (1 if number is None else number)


@pytest.mark.parametrize("flag", [True, "True"])
def test_the_32_bit_runtime_can_be_asked_for(mart: Catalog, flag: bool | str) -> None:
    execution = mart.execution(run(use_32bit_runtime=flag).execute()["execution_id"])
    assert execution is not None
    assert execution.use32bitruntime is True


def test_the_execution_names_the_task_instance_that_made_it(mart: Catalog) -> None:
    task_run = run()
    task_run.task_instance.map_index = 3
    values = parameters_of(mart, task_run.execute()["execution_id"])
    assert values["CALLER_INFO"] == (
        'airflow:{"dag":"nightly","run":"manual__2024-02-29T00:00:00+00:00","task":"load","map_index":3,"since_try":1,'
        '"try":1}'
    )


def test_the_stamp_can_be_switched_off_for_all(mart: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__STAMP_EXECUTIONS", "False")
    assert parameters_of(mart, run().execute()["execution_id"])["CALLER_INFO"] is None


@pytest.mark.parametrize(("caller_info", "stored"), [("nightly batch", "nightly batch"), ("", None)])
def test_the_stamp_can_be_replaced_or_left_out_for_one_task(
    mart: Catalog, caller_info: str, stored: str | None
) -> None:
    assert parameters_of(mart, run(caller_info=caller_info).execute()["execution_id"])["CALLER_INFO"] == stored


@pytest.fixture
def environments(mart: Catalog) -> Catalog:
    """Sales/Test and Shared/Test, both referred to by the project, whose parameter Source comes from either."""
    mart.create_folder("Shared")
    for folder in ("Sales", "Shared"):
        mart.create_environment(folder, "Test")
        mart.create_environment_variable(folder, "Test", "From", f"from {folder}")
    mart.create_environment("Sales", "Unused")
    mart.create_environment_reference("Sales", "Mart", "Test")
    mart.create_environment_reference("Sales", "Mart", "Test", environment_folder="Shared")
    mart.set_object_parameter_value("Sales", "Mart", "Source", VariableReference("From"))
    return mart


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ({"environment": "./Test"}, "from Sales"),
        ({"environment": "Shared/Test"}, "from Shared"),
        ({"environment": "Test", "environment_folder": "Shared"}, "from Shared"),
    ],
)
def test_an_environment_gives_its_values(environments: Catalog, arguments: dict[str, str], value: str) -> None:
    assert parameters_of(environments, run(**arguments).execute()["execution_id"])["Source"] == value


def test_an_ambiguous_environment_is_an_error_and_nothing_runs(environments: Catalog) -> None:
    with pytest.raises(AmbiguousEnvironment, match=r"Test"):
        run(environment="Test").execute()
    assert list(environments.executions()) == []


@pytest.mark.parametrize("environment", ["Nowhere", "Sales/Unused", "./Unused"])
def test_an_environment_that_is_missing_or_not_referred_to_is_an_error(environments: Catalog, environment: str) -> None:
    with pytest.raises(EnvironmentNotFound, match=environment.rpartition("/")[2]):
        run(environment=environment).execute()
    assert list(environments.executions()) == []
