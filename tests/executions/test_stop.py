"""Stopping executions."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.codes import OperationStatus as Status
from airflow_provider_ssis.catalog.errors import AlreadyStopping, ExecutionNotFound, NotStoppable, PermissionDenied
from airflow_provider_ssis.catalog.models import Execution
from airflow_provider_ssis.exceptions import ExecutionNotRunning, ExecutionNotStopped
from airflow_provider_ssis.executions.deadline import Deadline
from airflow_provider_ssis.executions.stop import stop_executions
from tests.support.scripted_catalog import Clock, ScriptedCatalog
from tests.support.task_runs import LogRecord


def stop(
    script: ScriptedCatalog, clock: Clock, *execution_ids: int, timeout: float = 60, log: LogRecord | None = None
) -> list[Execution]:
    return stop_executions(
        script.catalog,
        execution_ids,
        poll_interval=5,
        deadline=Deadline.after(timeout, clock=clock),
        log=log or LogRecord(),
        clock=clock,
    )


def test_a_running_execution_is_stopped_once_and_waited_for(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.RUNNING, Status.STOPPING, Status.STOPPING, Status.CANCELED]})
    (execution,) = stop(script, clock, 42)
    assert execution.status is Status.CANCELED
    assert script.stops == [42]


def test_a_pending_execution_is_stopped_as_soon_as_it_runs(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.PENDING, Status.PENDING, Status.RUNNING, Status.CANCELED]})
    log = LogRecord()
    (execution,) = stop(script, clock, 42, log=log)
    assert execution.status is Status.CANCELED
    assert script.stops == [42]
    (warning,) = log.at("warning")
    assert "is pending" in warning


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELED, Status.ENDED_UNEXPECTEDLY])
def test_an_execution_that_has_ended_counts_as_stopped(clock: Clock, status: Status) -> None:
    script = ScriptedCatalog({42: [status]})
    (execution,) = stop(script, clock, 42)
    assert execution.status is status
    assert script.stops == []
    assert clock.sleeps == []


def test_it_waits_for_an_execution_that_another_client_stops(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.STOPPING, Status.STOPPING, Status.CANCELED]})
    (execution,) = stop(script, clock, 42)
    assert execution.status is Status.CANCELED
    assert script.stops == []


def test_a_stop_that_comes_second_is_not_an_error(clock: Clock) -> None:
    script = ScriptedCatalog(
        {42: [Status.RUNNING, Status.STOPPING, Status.CANCELED]}, refusals=[AlreadyStopping("under way", number=27126)]
    )
    assert [execution.status for execution in stop(script, clock, 42)] == [Status.CANCELED]


def test_a_stop_is_asked_for_again_if_the_process_was_not_there_yet(clock: Clock) -> None:
    script = ScriptedCatalog(
        {42: [Status.RUNNING, Status.RUNNING, Status.STOPPING, Status.CANCELED]},
        refusals=[NotStoppable("no process yet", number=27125)],
    )
    stop(script, clock, 42)
    assert script.stops == [42]


def test_an_execution_that_ended_just_before_the_stop_is_not_an_error(clock: Clock) -> None:
    script = ScriptedCatalog(
        {42: [Status.RUNNING, Status.SUCCEEDED]}, refusals=[NotStoppable("cannot be stopped", number=27124)]
    )
    assert [execution.status for execution in stop(script, clock, 42)] == [Status.SUCCEEDED]


def test_all_stops_are_asked_for_before_any_is_waited_for(clock: Clock) -> None:
    script = ScriptedCatalog(
        {number: [Status.RUNNING, Status.STOPPING, Status.STOPPING, Status.CANCELED] for number in (1, 2, 3)}
    )
    assert [execution.execution_id for execution in stop(script, clock, 3, 1, 2)] == [3, 1, 2]
    assert script.stops == [3, 1, 2]
    assert len(clock.sleeps) == 3


@pytest.mark.parametrize(
    ("status", "text"),
    [(Status.PENDING, "ISServerExec"), (Status.STOPPING, "check it again"), (Status.RUNNING, "SSMS")],
)
def test_what_does_not_end_in_time_is_an_error_that_says_what_is_known(clock: Clock, status: Status, text: str) -> None:
    script = ScriptedCatalog({42: [status]})
    with pytest.raises(ExecutionNotStopped, match=rf"Execution 42 of Sales/Mart/Load\.dtsx is still.*{text}") as caught:
        stop(script, clock, 42, timeout=30)
    assert (caught.value.execution_id, caught.value.status) == (42, status)
    assert sum(clock.sleeps) == pytest.approx(30)


def test_every_execution_that_does_not_end_is_named(clock: Clock) -> None:
    script = ScriptedCatalog({1: [Status.STOPPING], 2: [Status.CANCELED], 3: [Status.PENDING]})
    with pytest.raises(ExecutionNotStopped, match=r"Execution 1 .*\nExecution 3 ") as caught:
        stop(script, clock, 1, 2, 3)
    assert "Execution 2" not in str(caught.value)


def test_what_never_started_has_its_own_error(clock: Clock) -> None:
    with pytest.raises(ExecutionNotRunning, match="never started") as caught:
        stop(ScriptedCatalog({42: [Status.CREATED]}), clock, 42)
    assert caught.value.status is Status.CREATED


def test_a_missing_permission_fails_at_once(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.RUNNING]}, refusals=[PermissionDenied("no", number=27143)])
    with pytest.raises(PermissionDenied):
        stop(script, clock, 42)
    assert clock.sleeps == []


def test_an_unknown_execution_is_an_error(clock: Clock) -> None:
    with pytest.raises(ExecutionNotFound):
        stop(ScriptedCatalog(), clock, 42)


def test_nothing_to_stop_is_nothing_to_do(clock: Clock) -> None:
    assert stop(ScriptedCatalog(), clock) == []
