"""The batch that creates an execution."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.codes import LoggingLevel
from airflow_provider_ssis.catalog.errors import InvalidArgument, WrongParameterType
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive, Value
from airflow_provider_ssis.catalog.sql.execution_creation import creation_batches
from airflow_provider_ssis.catalog.sql.execution_settings import settings_of
from airflow_provider_ssis.catalog.sql.statements import MAX_MARKERS, Batch


def batches(request: ExecutionRequest) -> list[Batch]:
    return list(creation_batches(request, settings_of(request)))


def request_with(**arguments: object) -> ExecutionRequest:
    return ExecutionRequest(folder="Sales", project="ETL", package="Load.dtsx", **arguments)  # type: ignore[arg-type]  # each test passes its own


def sensitive_request(folder: str, name: str, value: str, path: str) -> ExecutionRequest:
    return ExecutionRequest(
        folder=folder,
        project=folder,
        package=folder,
        environment=name,
        environment_folder=folder,
        parameters={name: value},
        connection_managers={name: {path: value}},
        property_overrides={path: Sensitive(value)},
        caller_info=value,
    )


# The first letter keeps a text from being a number, which fits more types and so takes more statements.
TEXT = st.text(max_size=30).map(lambda text: f"Ω{text}")


@given(TEXT, TEXT, TEXT, TEXT)
def test_no_name_or_value_becomes_part_of_the_statements(folder: str, name: str, value: str, path: str) -> None:
    [batch] = batches(sensitive_request(folder, name, value, path))
    [other] = batches(sensitive_request("Ωa", "Ωb", "Ωc", "Ωd"))
    assert batch.sql == other.sql


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5),
    st.none() | st.sampled_from(["Prod", "Folder/Prod", "./Prod"]),
    st.booleans(),
)
def test_there_is_a_value_for_each_marker(
    parameters: dict[str, Value], environment: str | None, synchronized: bool
) -> None:
    [batch] = batches(request_with(parameters=parameters, environment=environment, synchronized=synchronized))
    assert batch.sql.count("?") == len(batch.values)


def test_any_usual_number_of_parameters_goes_in_one_round_trip() -> None:
    assert len(batches(request_with(parameters={f"P{number}": number for number in range(400)}))) == 1


def test_more_values_than_one_call_can_take_go_in_several() -> None:
    request = request_with(parameters={f"P{number}": number for number in range(1500)})
    found = batches(request)
    assert len(found) > 1
    assert all(batch.sql.count("?") == len(batch.values) <= MAX_MARKERS for batch in found)
    assert [batch.sql.count("EXEC catalog.create_execution ") for batch in found] == [1] + [0] * (len(found) - 1)
    assert sum(len(re.findall("EXEC catalog.set_execution_parameter_value ", batch.sql)) for batch in found) == 1500
    assert found[-1].values.count("P1499") == 1


def test_the_same_property_is_not_set_twice() -> None:
    """SSISDB would then overwrite every override of every execution."""
    path = r"\Package.Connections[DW].Properties[ServerName]"
    with pytest.raises(InvalidArgument, match="twice"):
        settings_of(
            request_with(connection_managers={"DW": {"ServerName": "a"}}, property_overrides={path.upper(): "b"})
        )


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (None, {}),
        (LoggingLevel.VERBOSE, {"LOGGING_LEVEL": 3}),
        (0, {"LOGGING_LEVEL": 0}),
        ("Basic", {"LOGGING_LEVEL": 1}),
        ("runtime_lineage", {"LOGGING_LEVEL": 4}),
        ("RuntimeLineage", {"LOGGING_LEVEL": 4}),
        ("2", {"LOGGING_LEVEL": 2}),
        ("Errors only", {"LOGGING_LEVEL": 100, "CUSTOMIZED_LOGGING_LEVEL": "Errors only"}),
    ],
)
def test_a_logging_level_is_a_number_or_a_name(
    level: LoggingLevel | int | str | None, expected: dict[str, Value]
) -> None:
    settings = settings_of(request_with(logging_level=level))
    assert {setting.name: setting.value for setting in settings} == expected


@pytest.mark.parametrize("level", [5, -1, 100, "7"])
def test_other_logging_levels_are_refused(level: int | str) -> None:
    with pytest.raises(InvalidArgument, match="logging level"):
        settings_of(request_with(logging_level=level))


def test_an_environment_and_a_reference_id_contradict_each_other() -> None:
    with pytest.raises(InvalidArgument, match="not both"):
        batches(request_with(environment="Prod", reference_id=1))


def test_a_value_of_no_ssis_type_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(WrongParameterType, match="'Ratio'"):
        settings_of(request_with(parameters={"Big": 1, "Ratio": "x" * 5000}))


def test_a_property_is_never_set_to_a_date_without_its_offset() -> None:
    noon = datetime(2024, 2, 29, 12, tzinfo=timezone(timedelta(hours=2)))
    with pytest.raises(WrongParameterType, match="no UTC offset"):
        settings_of(request_with(property_overrides={r"\Package.Variables[User::From].Value": noon}))


def test_secrets_show_in_no_representation() -> None:
    request = request_with(parameters={"Password": "hunter2"}, property_overrides={r"\Package.X": Sensitive("hunter2")})
    assert "hunter2" not in repr(request)
    assert "hunter2" not in repr(Sensitive("hunter2"))
    assert "hunter2" not in repr(settings_of(request))
    assert "hunter2" not in repr(batches(request))


def test_a_request_names_the_parameters_with_sensitive_values() -> None:
    request = request_with(
        parameters={"Title": Sensitive("hunter2"), "MaxRows": 5},
        project_parameters={"ApiKey": Sensitive("hunter2")},
        connection_managers={"Orders": {"Password": Sensitive("hunter2"), "ServerName": "dw"}},
    )
    assert request.sensitive_parameters == {"Title", "ApiKey", "CM.Orders.Password"}
