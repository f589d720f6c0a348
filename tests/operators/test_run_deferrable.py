"""A run operator that waits in the triggerer."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.compat import deferral_exceptions
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import (
    ExecutionFailed,
    ExecutionStuckPending,
    ExecutionTimeout,
    ExecutionUnreachable,
    InvalidTriggerEvent,
)
from airflow_provider_ssis.executions.task_state import EXECUTION_KEY
from tests.support.airflow_context import current_context
from tests.support.deferrals import deferred, events_of, logged, reloaded, resumed, run_to_end
from tests.support.executions import statuses
from tests.support.running import SingleTryHook, operator, run
from tests.support.task_runs import Store, TaskRun
from tests.support.waiting import wait_until

LONG_ENOUGH = 0.5
"""Seconds of a package that still runs when its task reads the status for the first time, so that the task defers."""


def deferrable(**arguments: Any) -> TaskRun:
    return run(deferrable=True, **arguments)


def test_it_returns_and_pushes_what_the_polling_path_does(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(LONG_ENOUGH, package="Load.dtsx")
    polling, waiting = run(), deferrable()
    waiting.task_instance.run_id = "another"
    results = [polling.execute(), run_to_end(waiting)]
    for each, task_run in zip(results, (polling, waiting), strict=True):
        assert task_run.task_instance.xcoms == {key: each[key] for key in ("execution_id", "status", "duration")}
        for changing in ("execution_id", "duration"):
            assert each.pop(changing)
    assert results[0] == results[1]


def test_an_execution_that_has_succeeded_needs_no_triggerer(mart: Catalog) -> None:
    first = run_to_end(deferrable())
    assert deferrable().execute()["execution_id"] == first["execution_id"]


def test_a_deferred_failure_logs_each_message_once_and_its_error_names_the_cause(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(LONG_ENOUGH, package="Load.dtsx")
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    ssisdb.scripts.warn("Nearly full.", package="Load.dtsx", executable="Truncate")
    task_run = deferrable()
    deferral = deferred(task_run)
    trigger = reloaded(deferral.trigger)
    in_triggerer = logged(trigger)
    (event,) = events_of([trigger])
    with pytest.raises(ExecutionFailed, match=r"\n  - The disk is full\."):
        resumed(task_run, deferral, event)
    lines = f"{in_triggerer}\n{task_run.log}"
    assert lines.count("Error: The disk is full.") == 1
    assert lines.count("Nearly full.") == 1


def test_the_worker_logs_what_the_triggerer_has_not_seen(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(LONG_ENOUGH, package="Load.dtsx")
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    task_run = deferrable(follow_messages="error")
    deferral = deferred(task_run)
    (event,) = events_of([reloaded(deferral.trigger)])
    with pytest.raises(ExecutionFailed):
        resumed(task_run, deferral, {**event, "last_message_id": None})
    assert any("The disk is full." in line for line in task_run.log.at("error"))


def test_the_end_is_logged_after_the_messages(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(LONG_ENOUGH, package="Load.dtsx")
    task_run = deferrable()
    deferral = deferred(task_run)
    trigger = reloaded(deferral.trigger)
    in_triggerer = logged(trigger)
    (event,) = events_of([trigger])
    resumed(task_run, deferral, event)
    assert "succeeded" not in str(in_triggerer)
    assert " succeeded after " in task_run.log.lines[-1][1]


def test_the_deadline_counts_from_the_tasks_start_and_stops_the_execution(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = deferrable(timeout=60)
    task_run.task_instance.start_date = datetime.now(UTC) - timedelta(seconds=59)
    with pytest.raises(ExecutionTimeout, match="It was stopped and is canceled now"):
        run_to_end(task_run)
    assert statuses(mart) == [OperationStatus.CANCELED]


def test_airflows_execution_timeout_holds_while_the_task_is_deferred(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    began = time.time()
    deferral = deferred(deferrable(execution_timeout=timedelta(seconds=100)))
    trigger = reloaded(deferral.trigger)
    assert trigger.deadline is not None
    assert began <= trigger.deadline - 100 <= time.time()
    assert deferral.timeout is not None
    assert deferral.timeout > timedelta(seconds=100)


def test_a_stuck_pending_execution_is_reported_with_its_causes(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.hang(package="Load.dtsx")
    with pytest.raises(ExecutionStuckPending, match=r"still pending after 1 s.*ISServerExec"):
        run_to_end(deferrable(pending_timeout=1))
    assert statuses(mart) == [OperationStatus.PENDING]


def test_a_deferral_that_airflow_times_out_stops_the_execution(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = deferrable()
    deferred(task_run)
    timeout = deferral_exceptions().timeout
    with pytest.raises(timeout):
        task_run.operator.resume_execution("__fail__", {"error": "Trigger timeout"}, task_run.context)
    assert statuses(mart) == [OperationStatus.CANCELED]


def test_a_mapped_tasks_deferral_timeout_stops_its_own_execution(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    """Without its index, a mapped task pulls the XComs of all its siblings."""
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = deferrable()
    task_run.task_instance.map_index = 3
    deferred(task_run)
    with pytest.raises(deferral_exceptions().timeout):
        task_run.operator.resume_execution("__fail__", {"error": "Trigger timeout"}, task_run.context)
    assert statuses(mart) == [OperationStatus.CANCELED]


@pytest.mark.parametrize("store", [None, Store()], ids=["XCom", "store"])
def test_a_deferral_timeout_leaves_another_tasks_execution_alone(
    mart: Catalog, ssisdb: SsisdbEmulator, store: Store | None
) -> None:
    """Airflow then hands back nothing of what the task had kept for itself, not even whose execution it was."""
    ssisdb.scripts.take(600, package="Load.dtsx")
    foreign = run(wait_for_termination=False).execute()["execution_id"]
    task_run = deferrable(allow_concurrent=False, on_previous_run="attach", timeout=100)
    task_run.task_instance.task_id = task_run.operator.task_id = "another"
    task_run.store = store
    deferred(task_run)
    later = TaskRun(task_run.operator, task_run.task_instance, store=store)
    with pytest.raises(deferral_exceptions().timeout):
        later.operator.resume_execution("__fail__", {"error": "Trigger timeout"}, later.context)
    assert statuses(mart) == [OperationStatus.RUNNING]
    assert f"Execution {foreign} continues" in str(later.log)


def test_a_task_that_airflow_2_kills_before_it_resumes_stops_its_execution(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    """When execution_timeout has passed, it calls only on_kill, of a new operator."""
    ssisdb.scripts.take(600, package="Load.dtsx")
    first = deferrable()
    deferred(first)
    later = TaskRun(operator(deferrable=True), first.task_instance)
    later.task_instance.next_method = "execute_complete"
    with current_context(later.context):
        later.operator.on_kill()
    assert statuses(mart) == [OperationStatus.CANCELED]


def test_an_execution_that_has_begun_to_run_meanwhile_is_not_stuck(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = deferrable()
    deferral = deferred(task_run)
    execution_id = reloaded(deferral.trigger).execution_id
    wait_until(lambda: statuses(mart) == [OperationStatus.RUNNING])
    for result in ("stuck_pending", "terminal"):
        with pytest.raises(type(deferral)) as again:
            resumed(task_run, deferral, {"execution_id": execution_id, "result": result, "detail": None})
        assert reloaded(again.value.trigger).execution_id == execution_id
    assert statuses(mart) == [OperationStatus.RUNNING]


@pytest.mark.slow
@pytest.mark.parametrize("statement", ["catalog.event_messages", "catalog.executions"])
def test_a_connection_that_breaks_after_the_wait_fails_no_task(
    mart: Catalog, ssisdb: SsisdbEmulator, statement: str
) -> None:
    ssisdb.scripts.take(LONG_ENOUGH, package="Load.dtsx")
    task_run = deferrable()
    deferral = deferred(task_run)
    (event,) = events_of([reloaded(deferral.trigger)])
    task_run.operator.hook = SingleTryHook()
    ssisdb.faults.drop(statement=statement, times=2)
    assert resumed(task_run, deferral, event)["status"] == "succeeded"
    assert any("answers again" in line for line in task_run.log.at("info"))


def test_a_trigger_that_failed_leaves_the_execution_to_a_retry(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx", times=1)
    task_run = deferrable()
    execution_id = reloaded(deferred(task_run).trigger).execution_id
    with pytest.raises(ExecutionUnreachable, match=f"Execution {execution_id} .* the trigger failed"):
        task_run.operator.resume_execution("__fail__", {"error": "Trigger failure"}, task_run.context)
    assert statuses(mart) == [OperationStatus.RUNNING]
    retry = deferrable()
    assert reloaded(deferred(retry).trigger).execution_id == execution_id


def test_a_catalog_that_cannot_be_read_is_reported_with_its_error(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = deferrable()
    deferral = deferred(task_run)
    event = {"execution_id": reloaded(deferral.trigger).execution_id, "result": "unreachable", "detail": "No way."}
    with pytest.raises(ExecutionUnreachable, match=r"No way\..*A retry of this task follows it again"):
        resumed(task_run, deferral, event)


def test_an_unknown_event_is_an_error_with_advice(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(LONG_ENOUGH, package="Load.dtsx")
    task_run = deferrable()
    deferral = deferred(task_run)
    with pytest.raises(InvalidTriggerEvent, match="same version"):
        resumed(task_run, deferral, {"state": "fine"})


def test_an_event_of_another_execution_sends_the_task_back_to_wait_for_its_own(
    mart: Catalog, ssisdb: SsisdbEmulator
) -> None:
    """SQLite gives a deleted trigger's id to the next one, so a cleared task got the event of its first trigger."""
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = deferrable()
    deferral = deferred(task_run)
    execution_id = reloaded(deferral.trigger).execution_id
    event = {"execution_id": execution_id - 1, "result": "terminal", "detail": None}
    with pytest.raises(type(deferral)) as again:
        resumed(task_run, deferral, event)
    assert reloaded(again.value.trigger).execution_id == execution_id
    assert again.value.kwargs == deferral.kwargs


def test_an_endless_timeout_is_refused_when_the_dag_is_read() -> None:
    """It was found only when the package ran already: no date is so late."""
    for argument in ("timeout", "poll_interval", "pending_timeout"):
        for value in (float("inf"), 1e15, -1, "x", True):
            with pytest.raises(ValueError, match=rf"{argument} is .*seconds.*ten years"):
                deferrable(**{argument: value})


def test_what_cannot_travel_to_the_triggerer_is_found_before_anything_runs(mart: Catalog) -> None:
    task_run = deferrable()
    task_run.operator.poll_interval = -1
    with pytest.raises(ValueError, match="poll_interval"):
        task_run.execute()
    assert list(mart.executions()) == []


def test_another_tasks_execution_is_followed_and_not_stopped(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    foreign = run(wait_for_termination=False).execute()["execution_id"]
    task_run = deferrable(allow_concurrent=False, on_previous_run="attach", timeout=1)
    task_run.task_instance.task_id = "another"
    deferral = deferred(task_run)
    trigger = reloaded(deferral.trigger)
    assert (trigger.execution_id, trigger.cancel_on_kill) == (foreign, False)
    # The worker that goes on is another process, which knows only what was kept.
    later = deferrable(allow_concurrent=False, on_previous_run="attach", timeout=1)
    with pytest.raises(ExecutionTimeout, match="still running"):
        resumed(later, deferral, events_of([trigger])[0])
    assert statuses(mart) == [OperationStatus.RUNNING]


def test_the_id_is_kept_for_the_tries_to_come(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = deferrable()
    task_run.store = Store()
    execution_id = reloaded(deferred(task_run).trigger).execution_id
    assert task_run.store.values[EXECUTION_KEY] == {
        "execution_id": execution_id,
        "since_try": 1,
        "is_ours": True,
        "try_number": 1,
    }
