"""When a task leaves its worker, and when it may come back."""

from __future__ import annotations

import pytest

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.codes import OperationStatus as Status
from airflow_provider_ssis.catalog.models import ExecutionState
from airflow_provider_ssis.executions.deadline import NO_DEADLINE, Deadline, DeferralTimes, seconds_until_resume
from airflow_provider_ssis.executions.outage import OutageTolerance
from airflow_provider_ssis.executions.polling import ExecutionWait, PollSchedule, WaitResult, poll_until_terminal
from airflow_provider_ssis.executions.stop import stop_executions
from tests.support.scripted_catalog import Clock, ScriptedCatalog
from tests.support.task_runs import LogRecord

DEFER_AFTER, RESUME_AFTER = 10.0, 15.0


@pytest.fixture
def times(clock: Clock) -> DeferralTimes:
    return DeferralTimes(DEFER_AFTER, RESUME_AFTER, clock)


class TakingTime(ScriptedCatalog):
    """A catalog with one execution that runs for some seconds from now on."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._ends_at = clock.now + seconds

    def execution_states(self, execution_ids: object) -> list[ExecutionState]:
        status = Status.RUNNING if self._clock.now < self._ends_at else Status.SUCCEEDED
        return [ExecutionState(execution_id=42, status=status, age=0)]


def wait(clock: Clock, times: DeferralTimes, seconds: float, deadline: Deadline = NO_DEADLINE) -> WaitResult:
    """The result of waiting on the worker for a package that takes so long."""
    waiting = ExecutionWait(
        execution_id=42, schedule=PollSchedule(10), deadline=deadline, leave_at=times.leave_at(deadline)
    )
    return poll_until_terminal(
        TakingTime(clock, seconds).catalog,
        waiting,
        tolerance=OutageTolerance(60, clock=clock.monotonic),
        log=LogRecord(),
        on_poll=lambda _: None,
        clock=clock,
    )


@pytest.mark.parametrize(
    ("seconds", "result"),
    [
        (0.02, WaitResult.TERMINAL),
        (9.9, WaitResult.TERMINAL),
        (10.0, WaitResult.TERMINAL),
        (10.1, WaitResult.STILL_ACTIVE),
        (600, WaitResult.STILL_ACTIVE),
    ],
)
def test_only_executions_longer_than_defer_after_are_left(
    clock: Clock, times: DeferralTimes, seconds: float, result: WaitResult
) -> None:
    began = clock.now
    assert wait(clock, times, seconds) is result
    assert clock.now - began <= DEFER_AFTER + 1e-6


def test_zero_leaves_at_once(clock: Clock) -> None:
    assert wait(clock, DeferralTimes(0, RESUME_AFTER, clock), 600) is WaitResult.STILL_ACTIVE
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("timeout", "result"), [(24.9, WaitResult.TIMED_OUT), (25.1, WaitResult.STILL_ACTIVE), (5, WaitResult.TIMED_OUT)]
)
def test_a_task_whose_deadline_comes_before_it_could_resume_stays(
    clock: Clock, times: DeferralTimes, timeout: float, result: WaitResult
) -> None:
    began = clock.now
    assert wait(clock, times, 600, Deadline.after(timeout, clock=clock)) is result
    assert clock.now - began == pytest.approx(timeout if result is WaitResult.TIMED_OUT else DEFER_AFTER)


@pytest.mark.parametrize(("after", "left"), [(0, 15), (14.9, 0.1), (15, 0), (15.1, 0), (3600, 0)])
def test_an_event_is_held_back_until_the_task_may_resume(clock: Clock, after: float, left: float) -> None:
    """Counted from the deferral, so that a triggerer that restarts in between delays nothing."""
    deferred_at = clock.now
    clock.now += after
    assert seconds_until_resume(deferred_at, RESUME_AFTER, clock=clock) == pytest.approx(left)


def test_a_triggerer_whose_clock_is_late_holds_no_event_longer_than_resume_after(clock: Clock) -> None:
    assert seconds_until_resume(clock.now + 3600, RESUME_AFTER, clock=clock) == RESUME_AFTER


def test_a_trigger_of_an_earlier_version_holds_nothing_back(clock: Clock) -> None:
    assert seconds_until_resume(None, 0, clock=clock) == 0


def test_a_rescheduled_task_comes_back_no_sooner(clock: Clock, times: DeferralTimes) -> None:
    assert times.resume_at().timestamp() == clock.now + RESUME_AFTER


@pytest.mark.parametrize(
    ("wanted", "heartbeat", "seconds"),
    [("30", None, 30), ("30", "3", 30), ("30", "60", 85), ("1", None, 1), ("0", "60", 0)],
)
def test_resume_after_covers_the_time_in_which_a_supervisor_sleeps(
    monkeypatch: pytest.MonkeyPatch, wanted: str, heartbeat: str | None, seconds: float
) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__RESUME_AFTER", wanted)
    if heartbeat is not None:
        monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", heartbeat)
    assert config.resume_after() == seconds


def stop(clock: Clock, times: DeferralTimes, statuses: list[Status]) -> Status:
    (execution,) = stop_executions(
        ScriptedCatalog({42: statuses}).catalog,
        [42],
        poll_interval=1,
        deadline=NO_DEADLINE,
        leave_at=times.leave_at(NO_DEADLINE),
        log=LogRecord(),
        clock=clock,
    )
    return execution.status


def test_a_stop_is_left_only_when_it_takes_longer_than_defer_after(clock: Clock, times: DeferralTimes) -> None:
    began = clock.now
    assert stop(clock, times, [Status.RUNNING, Status.STOPPING, Status.CANCELED]) is Status.CANCELED
    assert clock.now - began < DEFER_AFTER
    assert stop(clock, times, [Status.RUNNING, Status.STOPPING]) is Status.STOPPING
    assert clock.now - began >= DEFER_AFTER


def test_a_pending_execution_is_not_left_before_its_stop_is_requested(clock: Clock, times: DeferralTimes) -> None:
    pending = [Status.PENDING] * 40
    assert stop(clock, times, [*pending, Status.RUNNING, Status.STOPPING, Status.CANCELED]) is Status.STOPPING
    assert all(clock.sleeps)
