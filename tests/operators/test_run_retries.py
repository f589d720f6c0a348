"""Retries and clears: which execution a task comes to, and what it does about one that is in the way."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import pytest
from airflow import __version__ as airflow_version

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import StartInterrupted
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import ExecutionNotStopped, PreviousExecutionActive
from tests.support.executions import statuses
from tests.support.running import SingleTryHook, run
from tests.support.task_runs import Store, TaskRun
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("quick_backoff")


def attempt(*, try_number: int = 1, clears: int = 0, retries: int = 2, **arguments: Any) -> TaskRun:
    """A try of the task, as Airflow numbers it: a clear raises the highest number allowed."""
    task_run = run(retries=retries, follow_messages="none", **arguments)
    task_run.task_instance.try_number = try_number
    task_run.task_instance.max_tries = retries if not clears else try_number - 1 + retries
    return task_run


def started(**arguments: Any) -> int:
    """The execution of a try that waits for nothing."""
    execution_id: int = attempt(wait_for_termination=False, **arguments).execute()["execution_id"]
    return execution_id


@pytest.fixture
def slow(mart: Catalog, ssisdb: SsisdbEmulator) -> Catalog:
    """The first execution never ends, the others no time."""
    ssisdb.scripts.take(3600, package="Load.dtsx", times=1)
    return mart


def test_a_retry_accepts_a_success_that_was_never_recorded(mart: Catalog) -> None:
    first = attempt(try_number=1).execute()
    retry = attempt(try_number=2)
    assert retry.execute() == first
    assert statuses(mart) == [OperationStatus.SUCCEEDED]
    assert "whose status is succeeded. The package is not run again." in str(retry.log)
    assert "Starting" not in str(retry.log)


@pytest.mark.slow
def test_a_retry_accepts_the_success_of_an_execution_that_it_only_followed(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    """The worker died while it followed the execution of another task, and the package ran twice."""
    ssisdb.scripts.take(600, package="Load.dtsx", times=1)
    foreign = run(wait_for_termination=False).execute()["execution_id"]
    following: dict[str, Any] = {"allow_concurrent": False, "on_previous_run": "attach"}
    first = attempt(wait_for_termination=False, **following)
    first.task_instance.run_id, first.store = "another", Store()
    assert first.execute()["execution_id"] == foreign
    mart.stop_operation(foreign)
    wait_until(lambda: statuses(mart) == [OperationStatus.CANCELED])

    ssisdb.scripts.take(1.5, package="Load.dtsx", times=1)
    succeeding = run(wait_for_termination=False).execute()["execution_id"]
    second = attempt(try_number=2, wait_for_termination=False, **following)
    second.task_instance.run_id, second.store = "another", first.store
    assert second.execute()["execution_id"] == succeeding
    wait_until(lambda: statuses(mart)[-1] is OperationStatus.SUCCEEDED)
    third = attempt(try_number=3, **following)
    third.task_instance.run_id, third.store = "another", first.store
    assert third.execute()["execution_id"] == succeeding


def test_after_a_clear_an_execution_that_was_only_followed_is_not_stopped(slow: Catalog) -> None:
    foreign = started()
    first = attempt(wait_for_termination=False, allow_concurrent=False, on_previous_run="attach")
    first.task_instance.run_id, first.store = "another", Store()
    assert first.execute()["execution_id"] == foreign
    cleared = attempt(try_number=2, clears=1)
    cleared.task_instance.run_id, cleared.store = "another", first.store
    cleared.execute()
    assert statuses(slow) == [OperationStatus.RUNNING, OperationStatus.SUCCEEDED]


def test_a_kill_while_another_tasks_execution_is_noted_leaves_it_alone(slow: Catalog) -> None:
    started()
    task_run = attempt(wait_for_termination=False, allow_concurrent=False, on_previous_run="attach")

    class KilledAtXcom(type(task_run.task_instance)):  # type: ignore[misc]  # a base class known at run time only
        def xcom_push(self, key: str, value: Any) -> None:
            super().xcom_push(key, value)
            task_run.operator.on_kill()

    task_run.task_instance = KilledAtXcom(run_id="another", max_tries=2)
    task_run.execute()
    assert statuses(slow) == [OperationStatus.RUNNING]


def test_a_project_that_was_deployed_again_before_the_retry_costs_no_try(mart: Catalog) -> None:
    """What the first try had created could no longer start, and failed the retry that found it."""
    first = attempt()

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    first.task_instance.xcom_push = die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        first.execute()
    assert statuses(mart) == [OperationStatus.CREATED]
    mart.deploy_project("Sales", "Mart", mart.get_project("Sales", "Mart"))
    retry = attempt(try_number=2)
    assert retry.execute()["status"] == "succeeded"
    assert statuses(mart) == [OperationStatus.FAILED, OperationStatus.SUCCEEDED]
    assert "whose status is created. This try starts it." in str(retry.log)
    assert "deployed in the meantime" in str(retry.log)


def test_a_deadlock_at_the_start_costs_no_try(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.faults.error(1205, statement="start_execution")
    assert attempt().execute()["status"] == "succeeded"
    assert statuses(mart) == [OperationStatus.SUCCEEDED]


@pytest.mark.parametrize("is_stamped", [True, False])
def test_an_execution_whose_start_was_interrupted_is_replaced(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, is_stamped: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__STAMP_EXECUTIONS", str(is_stamped))
    ssisdb.faults.error(1205, procedure="start_execution")
    task_run = attempt()
    assert task_run.execute()["status"] == "succeeded"
    assert statuses(mart) == [OperationStatus.FAILED, OperationStatus.SUCCEEDED]
    assert "never ran, so another one is created" in str(task_run.log)


@pytest.mark.slow
def test_a_start_that_is_always_interrupted_fails_the_task(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.faults.error(1205, procedure="start_execution", times=None)
    with pytest.raises(StartInterrupted, match="which never ran"):
        attempt().execute()
    assert statuses(mart) == [OperationStatus.FAILED] * 4


@pytest.mark.slow
def test_an_outage_during_the_wait_for_another_execution_is_tolerated(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(0.5, package="Load.dtsx", times=1)
    started(try_number=1)
    task_run = attempt(try_number=2, clears=1, on_previous_run="wait")
    task_run.operator.hook = SingleTryHook()
    ssisdb.faults.drop(statement="operation_id IN", times=1)
    task_run.execute()
    assert statuses(mart) == [OperationStatus.SUCCEEDED, OperationStatus.SUCCEEDED]
    assert "answers again" in str(task_run.log)


def test_a_retry_continues_with_the_running_execution(slow: Catalog) -> None:
    first = started(try_number=1)
    retry = attempt(try_number=2, wait_for_termination=False)
    assert retry.execute()["execution_id"] == first
    assert "This try continues with it." in str(retry.log)
    assert "Starting" not in str(retry.log)


@pytest.mark.parametrize(
    "status", [OperationStatus.FAILED, OperationStatus.CANCELED, OperationStatus.ENDED_UNEXPECTEDLY]
)
def test_a_retry_after_a_failure_starts_again(mart: Catalog, ssisdb: SsisdbEmulator, status: OperationStatus) -> None:
    ssisdb.scripts.finish(status, package="Load.dtsx", times=1)
    started(try_number=1)
    wait_until(lambda: statuses(mart) == [status])
    attempt(try_number=2).execute()
    assert statuses(mart) == [status, OperationStatus.SUCCEEDED]


def test_a_success_that_is_cleared_runs_again(mart: Catalog) -> None:
    attempt(try_number=1).execute()
    attempt(try_number=2, clears=1).execute()
    assert statuses(mart) == [OperationStatus.SUCCEEDED] * 2


def test_a_retry_after_a_clear_continues_with_the_execution_since_the_clear(mart: Catalog) -> None:
    attempt(try_number=1).execute()
    cleared = attempt(try_number=2, clears=1).execute()
    retry = attempt(try_number=3)
    retry.task_instance.max_tries = 3
    assert retry.execute() == cleared


def test_each_mapped_task_has_its_own(mart: Catalog) -> None:
    ids = set()
    for map_index in range(3):
        task_run = attempt()
        task_run.task_instance.map_index = map_index
        ids.add(task_run.execute()["execution_id"])
    assert len(ids) == 3


def test_without_durable_every_try_starts_its_own_and_stops_that_of_the_try_before(slow: Catalog) -> None:
    started(durable=False, try_number=1)
    attempt(durable=False, try_number=2).execute()
    assert statuses(slow) == [OperationStatus.CANCELED, OperationStatus.SUCCEEDED]


def test_an_execution_from_before_the_clear_is_stopped_by_default(slow: Catalog) -> None:
    started(try_number=1)
    cleared = attempt(try_number=2, clears=1)
    cleared.execute()
    assert statuses(slow) == [OperationStatus.CANCELED, OperationStatus.SUCCEEDED]
    assert any("Stopping execution" in line for line in cleared.log.at("warning"))


def test_an_execution_from_before_the_clear_can_fail_the_task(slow: Catalog) -> None:
    first = started(try_number=1)
    with pytest.raises(PreviousExecutionActive, match=f"still active: {first}.*Nothing was started"):
        attempt(try_number=2, clears=1, on_previous_run="fail").execute()
    assert statuses(slow) == [OperationStatus.RUNNING]


def test_an_execution_from_before_the_clear_can_be_followed(slow: Catalog) -> None:
    first = started(try_number=1)
    assert started(try_number=2, clears=1, on_previous_run="attach") == first
    assert len(list(slow.executions())) == 1


def test_an_execution_from_before_the_clear_can_be_waited_for(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(0.5, package="Load.dtsx", times=1)
    started(try_number=1)
    attempt(try_number=2, clears=1, on_previous_run="wait").execute()
    first, second = sorted(mart.executions(), key=lambda each: each.execution_id)
    assert first.end_time is not None
    assert second.start_time is not None
    assert first.end_time <= second.start_time


def test_waiting_for_another_execution_ends_at_the_tasks_deadline(slow: Catalog) -> None:
    started(try_number=1)
    with pytest.raises(PreviousExecutionActive, match=r"Timed out waiting .* \(still running\)\. No new"):
        attempt(try_number=2, clears=1, on_previous_run="wait", timeout=0.5).execute()
    assert statuses(slow) == [OperationStatus.RUNNING]


def test_one_that_cannot_be_stopped_in_time_starts_no_second_one(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__STOP_TIMEOUT", "0.5")
    ssisdb.scripts.hang(package="Load.dtsx", times=1)
    started(try_number=1)
    with pytest.raises(ExecutionNotStopped, match="still pending"):
        attempt(try_number=2, clears=1).execute()
    assert statuses(mart) == [OperationStatus.PENDING]


@pytest.mark.parametrize("policy", ["fail", "stop", "wait", "attach"])
def test_without_concurrency_anybodys_execution_of_the_package_counts(
    slow: Catalog, ssisdb: SsisdbEmulator, policy: str
) -> None:
    foreign = attempt(wait_for_termination=False)
    foreign.task_instance.dag_id = "another_dag"
    first = foreign.execute()["execution_id"]
    task_run = attempt(allow_concurrent=False, on_previous_run=policy, timeout=0.5 if policy == "wait" else 60)
    if policy in ("fail", "wait"):
        with pytest.raises(PreviousExecutionActive):
            task_run.execute()
    elif policy == "stop":
        assert task_run.execute()["execution_id"] != first
    else:
        task_run = attempt(allow_concurrent=False, on_previous_run=policy, wait_for_termination=False)
        assert task_run.execute()["execution_id"] == first
        # What is not ours is not stopped either.
        task_run.operator.on_kill()
        assert statuses(slow) == [OperationStatus.RUNNING]


@pytest.mark.slow
@pytest.mark.skipif(airflow_version.startswith("2."), reason="Airflow 2 lets execute() run in its main thread only")
def test_two_tasks_without_allow_concurrent_never_overlap(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(0.3, package="Load.dtsx")

    def run_alone(number: int) -> None:
        task_run = attempt(allow_concurrent=False, on_previous_run="wait")
        task_run.task_instance.run_id = f"run {number}"
        task_run.execute()

    threads = [threading.Thread(target=run_alone, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = sorted((each.start_time, each.end_time) for each in mart.executions() if each.start_time and each.end_time)
    assert len(spans) == 4
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize(
    "arguments", [{"allow_concurrent": False}, {"on_previous_run": "kill"}, {"follow_messages": "most"}]
)
def test_choices_that_cannot_be_meant_are_refused_when_the_dag_is_read(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        run(**arguments)


def test_a_retry_finds_its_execution_by_the_saved_id_when_stamps_are_off(
    slow: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__STAMP_EXECUTIONS", "False")
    store = Store()
    ids = set()
    for try_number in (1, 2):
        task_run = attempt(try_number=try_number, wait_for_termination=False)
        task_run.store = store
        ids.add(task_run.execute()["execution_id"])
    assert len(ids) == 1
