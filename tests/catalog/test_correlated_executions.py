"""CorrelatedExecutions: found or created, and started, never twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import (
    AttemptSuperseded,
    OtherExecutionActive,
    ParameterNotFound,
    RequiredParameterMissing,
)
from airflow_provider_ssis.catalog.requests import Correlation, ExecutionRequest, VariableReference
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.executions import wait_for_end
from tests.support.running import parameters_of

REQUEST = ExecutionRequest(folder="Sales", project="Mart", package="Load.dtsx", parameters={"BatchSize": 7})
CORRELATION = Correlation(key="airflow:task,1", key_prefix="airflow:task", lock="airflow:task")


def catalog_of(ssisdb: SsisdbEmulator) -> Catalog:
    """A second client, on a separate connection."""
    return Catalog(pyodbc.connect(ssisdb.odbc_connection_string, autocommit=True))


def counts(catalog: Catalog) -> int:
    return len(list(catalog.executions()))


def test_a_claim_made_twice_gives_one_execution(mart: Catalog) -> None:
    first = mart.get_or_create_execution(REQUEST, CORRELATION)
    again = mart.get_or_create_execution(REQUEST, CORRELATION)
    assert first.created
    assert first.status is OperationStatus.CREATED
    assert again == replace(first, created=False)
    assert counts(mart) == 1


def test_what_a_claim_creates_is_set_up_completely(mart: Catalog) -> None:
    found = mart.get_or_create_execution(REQUEST, CORRELATION)
    values = parameters_of(mart, found.execution_id)
    assert (values["BatchSize"], values["CALLER_INFO"]) == (7, CORRELATION.key)


STRICT = replace(REQUEST, package="Strict.dtsx", parameters={})


def test_a_required_parameter_without_a_value_is_found_before_anything_is_created(mart: Catalog) -> None:
    with pytest.raises(RequiredParameterMissing, match=r"without a value: RegionId\. No execution was created"):
        mart.get_or_create_execution(STRICT, CORRELATION)
    assert counts(mart) == 0


def test_a_required_parameter_that_only_an_environment_sets_needs_one(mart: Catalog) -> None:
    mart.set_object_parameter_value("Sales", "Mart", "RegionId", VariableReference("Region"), package="Strict.dtsx")
    with pytest.raises(RequiredParameterMissing, match="RegionId"):
        mart.get_or_create_execution(STRICT, CORRELATION)
    assert counts(mart) == 0
    mart.create_environment("Sales", "Test")
    mart.create_environment_variable("Sales", "Test", "Region", 7, data_type="Int32")
    mart.create_environment_reference("Sales", "Mart", "Test")
    found = mart.get_or_create_execution(replace(STRICT, environment="Test"), CORRELATION)
    assert parameters_of(mart, found.execution_id)["RegionId"] == 7


@pytest.mark.parametrize("source", ["request", "project"])
def test_a_required_parameter_with_a_value_starts(mart: Catalog, source: str) -> None:
    request = STRICT
    if source == "request":
        request = replace(STRICT, parameters={"RegionId": 7})
    else:
        mart.set_object_parameter_value("Sales", "Mart", "RegionId", 7, package="Strict.dtsx")
    found = mart.get_or_create_execution(request, CORRELATION)
    assert mart.start_correlated_execution(found.execution_id, CORRELATION).status is not OperationStatus.CREATED


def test_a_key_in_another_case_is_another_caller(mart: Catalog) -> None:
    first = mart.get_or_create_execution(REQUEST, CORRELATION)
    shouting = replace(CORRELATION, key="airflow:TASK,1", key_prefix="airflow:TASK")
    second = mart.get_or_create_execution(REQUEST, shouting)
    assert second.created
    assert mart.start_correlated_execution(first.execution_id, CORRELATION).status is not OperationStatus.CREATED
    assert mart.start_correlated_execution(second.execution_id, shouting).status is not OperationStatus.CREATED


def test_a_key_with_characters_of_two_units_is_found_again(mart: Catalog) -> None:
    correlation = replace(CORRELATION, key="airflow:🙂🙂:", key_prefix="airflow:🙂", attempt=1)
    first = mart.get_or_create_execution(REQUEST, correlation)
    again = mart.get_or_create_execution(REQUEST, replace(correlation, attempt=2))
    assert (again.execution_id, again.created) == (first.execution_id, False)
    with pytest.raises(AttemptSuperseded):
        mart.start_correlated_execution(first.execution_id, correlation)


def test_a_start_returns_the_execution_and_its_values(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    found = mart.get_or_create_execution(REQUEST, CORRELATION)
    started = mart.start_correlated_execution(found.execution_id, CORRELATION)
    assert started.status is OperationStatus.PENDING
    assert started.execution.package_name == "Load.dtsx"
    assert list(started.values) == [
        value for value in mart.execution_parameter_values(found.execution_id) if value.value_set
    ]
    again = mart.start_correlated_execution(found.execution_id, CORRELATION)
    assert (again.execution, again.values) == (started.execution, started.values)
    assert again.status is not OperationStatus.CREATED


def test_the_start_of_a_synchronized_execution_returns_its_end(mart: Catalog) -> None:
    found = mart.get_or_create_execution(replace(REQUEST, synchronized=True), CORRELATION)
    assert mart.start_correlated_execution(found.execution_id, CORRELATION).status is OperationStatus.SUCCEEDED


def test_starting_twice_starts_once(mart: Catalog) -> None:
    found = mart.get_or_create_execution(REQUEST, CORRELATION)
    mart.start_correlated_execution(found.execution_id, CORRELATION)
    assert mart.start_correlated_execution(found.execution_id, CORRELATION).status is not OperationStatus.CREATED
    assert mart.get_or_create_execution(REQUEST, CORRELATION).execution_id == found.execution_id


@pytest.mark.parametrize(
    "status", [OperationStatus.FAILED, OperationStatus.CANCELED, OperationStatus.ENDED_UNEXPECTEDLY]
)
def test_an_execution_that_did_not_succeed_leads_to_a_new_one(
    mart: Catalog, ssisdb: SsisdbEmulator, status: OperationStatus
) -> None:
    ssisdb.scripts.finish(status, package="Load.dtsx")
    first = mart.get_or_create_execution(REQUEST, CORRELATION)
    mart.start_correlated_execution(first.execution_id, CORRELATION)
    wait_for_end(mart, first.execution_id)
    again = mart.get_or_create_execution(REQUEST, CORRELATION)
    assert again.created
    assert again.execution_id > first.execution_id


def test_a_success_is_found_again(mart: Catalog) -> None:
    first = mart.get_or_create_execution(REQUEST, CORRELATION)
    mart.start_correlated_execution(first.execution_id, CORRELATION)
    wait_for_end(mart, first.execution_id)
    again = mart.get_or_create_execution(REQUEST, CORRELATION)
    assert (again.execution_id, again.status) == (first.execution_id, OperationStatus.SUCCEEDED)


def test_keys_are_case_sensitive(mart: Catalog) -> None:
    mart.get_or_create_execution(REQUEST, CORRELATION)
    assert mart.get_or_create_execution(
        REQUEST, replace(CORRELATION, key="airflow:TASK,1", key_prefix="airflow:TASK")
    ).created


def test_a_claim_without_a_text_is_found_by_its_id(mart: Catalog) -> None:
    unnamed = Correlation(key=None, lock="airflow:task")
    first = mart.get_or_create_execution(REQUEST, unnamed)
    again = mart.get_or_create_execution(REQUEST, replace(unnamed, known_id=first.execution_id))
    assert (again.execution_id, again.created) == (first.execution_id, False)
    assert mart.get_or_create_execution(REQUEST, replace(unnamed, known_id=999_999)).created


def test_an_older_claim_of_the_family_must_be_over_first(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    older = mart.get_or_create_execution(REQUEST, CORRELATION)
    mart.start_correlated_execution(older.execution_id, CORRELATION)
    with pytest.raises(OtherExecutionActive) as refused:
        mart.get_or_create_execution(REQUEST, replace(CORRELATION, key="airflow:task,2"))
    assert refused.value.others == ((older.execution_id, True),)
    assert counts(mart) == 1


def test_an_older_claim_that_is_known_by_its_id_must_be_over_first(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    older = mart.create_execution(REQUEST)
    mart.start_execution(older)
    with pytest.raises(OtherExecutionActive) as refused:
        mart.get_or_create_execution(REQUEST, Correlation(key=None, lock="airflow:task", previous_id=older))
    assert refused.value.others == ((older, True),)


def test_an_exclusive_execution_is_refused_while_another_of_the_package_is_active(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    foreign = mart.create_execution(REQUEST)
    mart.start_execution(foreign)
    with pytest.raises(OtherExecutionActive) as refused:
        mart.get_or_create_execution(REQUEST, replace(CORRELATION, exclusive=True))
    assert refused.value.others == ((foreign, False),)
    assert mart.get_or_create_execution(REQUEST, CORRELATION).created


def test_what_became_active_after_the_claim_keeps_it_from_starting(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    exclusive = replace(CORRELATION, exclusive=True)
    found = mart.get_or_create_execution(REQUEST, exclusive)
    foreign = mart.create_execution(REQUEST)
    mart.start_execution(foreign)
    with pytest.raises(OtherExecutionActive):
        mart.start_correlated_execution(found.execution_id, exclusive)
    execution = mart.execution(found.execution_id)
    assert execution is not None
    assert execution.status is OperationStatus.CREATED


def test_after_an_error_the_lock_is_free(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    wrong = replace(REQUEST, parameters={"Nothing": 1})
    with pytest.raises(ParameterNotFound):
        mart.get_or_create_execution(wrong, CORRELATION)
    with catalog_of(ssisdb) as other:
        assert other.get_or_create_execution(REQUEST, CORRELATION).created


def test_an_execution_whose_creation_failed_is_not_found(mart: Catalog) -> None:
    with pytest.raises(ParameterNotFound):
        mart.get_or_create_execution(replace(REQUEST, parameters={"Nothing": 1}), CORRELATION)
    assert mart.get_or_create_execution(REQUEST, CORRELATION).created


@pytest.mark.slow
def test_more_values_than_fit_one_call_are_one_claim(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    many = replace(REQUEST, property_overrides={rf"\Package.Properties[P{n}]": n for n in range(900)})
    first = mart.get_or_create_execution(many, CORRELATION)
    again = mart.get_or_create_execution(many, CORRELATION)
    assert first.created
    assert again == replace(first, created=False)
    with catalog_of(ssisdb) as other:
        assert other.get_or_create_execution(many, CORRELATION).execution_id == first.execution_id


def test_many_at_once_get_one_execution_and_start_it_once(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    barrier = threading.Barrier(8)

    def work(number: int) -> int:
        with catalog_of(ssisdb) as catalog:
            barrier.wait()
            found = catalog.get_or_create_execution(REQUEST, CORRELATION)
            catalog.start_correlated_execution(found.execution_id, CORRELATION)
            return found.execution_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(8)))) == 1
    assert counts(mart) == 1


def test_states_of_many_executions_are_one_question(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ids = [mart.create_execution(REQUEST) for _ in range(5)]
    mart.start_execution(ids[0])
    wait_for_end(mart, ids[0])
    requests = ssisdb.traffic.requests
    states = {state.execution_id: state for state in mart.execution_states([*ids, 999_999])}
    assert ssisdb.traffic.requests == requests + 1
    assert {execution_id: state.status.name for execution_id, state in states.items()} == {
        ids[0]: "SUCCEEDED",
        **dict.fromkeys(ids[1:], "CREATED"),
    }
    assert all(state.age is not None and state.age >= 0 for state in states.values())


# --- attempts --------------------------------------------------------------------------------------------------------


def attempt(number: int, *, since: int = 1) -> Correlation:
    """An attempt of the caller ``airflow:task``; ``since`` is another one after each clear."""
    return Correlation(
        key=f'airflow:{{"task":"a: b","since":{since},"try":',
        key_prefix='airflow:{"task":"a: b",',
        attempt=number,
        lock="airflow:task",
    )


def caller_info(mart: Catalog, execution_id: int) -> object:
    values = mart.execution_parameter_values(execution_id)
    return next(each.parameter_value for each in values if each.parameter_name == "CALLER_INFO")


def test_a_later_attempt_takes_over_what_was_created_and_not_started(mart: Catalog) -> None:
    first = mart.get_or_create_execution(REQUEST, attempt(9))
    again = mart.get_or_create_execution(REQUEST, attempt(10))
    assert (again.execution_id, again.created) == (first.execution_id, False)
    assert (first.is_first, again.is_first) == (True, False)
    assert caller_info(mart, first.execution_id) == 'airflow:{"task":"a: b","since":1,"try":10}'
    for call in (
        lambda: mart.get_or_create_execution(REQUEST, attempt(9)),
        lambda: mart.start_correlated_execution(first.execution_id, attempt(9)),
        lambda: mart.start_correlated_execution(first.execution_id, attempt(9), is_first=True),
        lambda: mart.stop_correlated_execution(first.execution_id, attempt(9)),
    ):
        with pytest.raises(AttemptSuperseded):
            call()
    assert [each.status for each in mart.executions()] == [OperationStatus.CREATED]
    mart.start_correlated_execution(first.execution_id, attempt(10))


def test_an_earlier_attempt_does_nothing_once_a_clear_has_an_execution(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    found = mart.get_or_create_execution(REQUEST, attempt(1))
    created = found.execution_id
    second = mart.get_or_create_execution(REQUEST, attempt(2, since=2))
    cleared = second.execution_id
    assert (found.is_first, second.is_first) == (True, False)
    mart.start_correlated_execution(cleared, attempt(2, since=2))
    assert cleared != created
    for call in (
        lambda: mart.get_or_create_execution(REQUEST, attempt(1)),
        lambda: mart.start_correlated_execution(created, attempt(1)),
        lambda: mart.start_correlated_execution(created, attempt(1), is_first=True),
        lambda: mart.stop_correlated_execution(cleared, attempt(1)),
    ):
        with pytest.raises(AttemptSuperseded):
            call()
    mart.stop_correlated_execution(cleared, attempt(2, since=2))


def test_the_same_attempt_can_be_repeated(mart: Catalog) -> None:
    first = mart.get_or_create_execution(REQUEST, attempt(3))
    assert mart.get_or_create_execution(REQUEST, attempt(3)).execution_id == first.execution_id
    mart.start_correlated_execution(first.execution_id, attempt(3))
    assert mart.start_correlated_execution(first.execution_id, attempt(3)).status is not OperationStatus.CREATED


def test_attempts_of_other_callers_do_not_count(mart: Catalog) -> None:
    other = replace(attempt(7), key='x:"try":', key_prefix="x:")
    mart.get_or_create_execution(REQUEST, other)
    found = mart.get_or_create_execution(REQUEST, attempt(1))
    assert (found.created, found.is_first) == (True, True)
    mart.get_or_create_execution(replace(STRICT, parameters={"RegionId": 1}), other)
    started = mart.start_correlated_execution(found.execution_id, attempt(1), is_first=True)
    assert started.status is OperationStatus.PENDING
