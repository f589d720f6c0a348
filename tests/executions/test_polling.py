"""When to poll an execution, what a poll means, and polling until it has ended."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.codes import OperationStatus as Status
from airflow_provider_ssis.catalog.errors import ExecutionNotFound
from airflow_provider_ssis.catalog.models import ExecutionState
from airflow_provider_ssis.executions.deadline import Deadline
from airflow_provider_ssis.executions.outage import OutageTolerance
from airflow_provider_ssis.executions.polling import (
    ExecutionWait,
    PollSchedule,
    WaitResult,
    get_execution,
    poll_until_terminal,
)
from tests.support.scripted_catalog import Clock, ScriptedCatalog
from tests.support.task_runs import LogRecord


def waiting(
    poll_interval: float = 10, deadline: float | None = None, pending_timeout: float | None = None
) -> ExecutionWait:
    return ExecutionWait(
        execution_id=42,
        schedule=PollSchedule(poll_interval, 60),
        deadline=Deadline(deadline),
        pending_timeout=pending_timeout,
    )


def state(status: Status, age: int = 0) -> ExecutionState:
    return ExecutionState(execution_id=42, status=status, age=age)


@pytest.mark.parametrize("status", [each for each in Status if each.is_terminal])
def test_an_execution_that_has_ended_is_terminal_even_after_the_deadline(status: Status) -> None:
    assert waiting(deadline=0).check(state(status)) is WaitResult.TERMINAL


@pytest.mark.parametrize("status", [Status.CREATED, Status.RUNNING, Status.PENDING, Status.STOPPING])
def test_an_active_execution_is_polled_until_the_deadline(status: Status) -> None:
    assert waiting(deadline=time.time() + 100).check(state(status)) is None
    assert waiting(deadline=time.time() - 1).check(state(status)) is WaitResult.TIMED_OUT


def test_only_what_is_pending_can_be_stuck_in_it() -> None:
    assert waiting(pending_timeout=60).check(state(Status.PENDING, age=59)) is None
    assert waiting(pending_timeout=60).check(state(Status.PENDING, age=60)) is WaitResult.STUCK_PENDING
    assert waiting(pending_timeout=60).check(state(Status.RUNNING, age=600)) is None
    assert waiting().check(state(Status.PENDING, age=10**6)) is None


def test_three_polls_in_a_row_without_an_answer_mean_not_found() -> None:
    wait_for_42 = waiting()
    assert [wait_for_42.check(None) for _ in range(2)] == [None, None]
    assert wait_for_42.check(state(Status.RUNNING)) is None
    assert [wait_for_42.check(None) for _ in range(3)] == [None, None, WaitResult.NOT_FOUND]


@given(st.floats(min_value=0, max_value=10**6), st.floats(min_value=0.5, max_value=600))
def test_the_delay_between_polls_stays_in_its_bounds(age: float, poll_interval: float) -> None:
    delay = PollSchedule(poll_interval, 60).delay(age)
    assert 0 < delay <= max(poll_interval, 60)
    if age <= 3600:
        assert delay <= max(poll_interval, 10)


@given(st.floats(min_value=1, max_value=50))
def test_the_end_of_a_short_run_is_seen_at_most_a_quarter_late(run: float) -> None:
    """So that short packages do not cost their task a whole interval."""
    looked_at = 0.0
    while looked_at < run:
        looked_at += PollSchedule(10, 60).delay(looked_at)
    assert looked_at - run <= 0.2 * run + 0.2


@given(st.floats(min_value=0.001, max_value=3600))
def test_delays_grow_to_the_interval_and_stay_there(interval: float) -> None:
    elapsed, delays = 0.0, list[float]()
    for _ in range(80):
        delays.append(PollSchedule(interval).delay(elapsed))
        elapsed += delays[-1]
    assert delays == sorted(delays)
    assert max(delays) == delays[-1] == interval
    assert delays[0] <= 0.2


def wait(
    script: ScriptedCatalog, clock: Clock, *, timeout: float | None = None, poll_interval: float = 10.0
) -> tuple[WaitResult, list[Status]]:
    seen: list[Status] = []
    waiting = ExecutionWait(
        execution_id=42,
        schedule=PollSchedule(poll_interval, 60),
        deadline=Deadline.after(timeout, clock=clock),
    )
    result = poll_until_terminal(
        script.catalog,
        waiting,
        tolerance=OutageTolerance(900, clock=clock.monotonic),
        log=LogRecord(),
        on_poll=lambda state: seen.append(state.status),
        clock=clock,
    )
    return result, seen


def test_every_poll_is_reported_also_the_last_one(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.PENDING, Status.RUNNING, Status.SUCCEEDED]})
    result, seen = wait(script, clock)
    assert result is WaitResult.TERMINAL
    assert seen == [Status.PENDING, Status.RUNNING, Status.SUCCEEDED]
    assert script.polls == 3


def test_an_execution_that_has_ended_costs_one_poll_and_no_time(clock: Clock) -> None:
    wait(ScriptedCatalog({42: [Status.FAILED]}), clock)
    assert clock.sleeps == []


def test_waiting_ends_at_the_deadline_with_a_last_poll(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.RUNNING]})
    result, _ = wait(script, clock, timeout=100)
    assert result is WaitResult.TIMED_OUT
    assert sum(clock.sleeps) == pytest.approx(100)


def test_what_ends_just_before_the_deadline_is_seen(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.RUNNING, Status.SUCCEEDED]})
    result, _ = wait(script, clock, timeout=0.1)
    assert result is WaitResult.TERMINAL


def test_an_execution_that_vanishes_is_an_error_with_its_id(clock: Clock) -> None:
    with pytest.raises(ExecutionNotFound, match=r"no execution 42.*retention window") as caught:
        get_execution(ScriptedCatalog().catalog, 42)
    assert caught.value.operation_id == 42


def test_an_execution_that_one_poll_misses_is_polled_again(clock: Clock) -> None:
    with pytest.raises(ExecutionNotFound):
        wait(ScriptedCatalog(), clock)
    assert len(clock.sleeps) == 2


def test_an_execution_that_nothing_has_started_is_a_warning_once() -> None:
    wait_for_42 = waiting()
    ages = (0, 59, 60, 61, 600)
    assert [wait_for_42.needs_warning(state(Status.CREATED, age=age)) for age in ages] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert not waiting().needs_warning(state(Status.PENDING, age=600))
    assert not waiting().needs_warning(None)


def test_only_what_was_not_started_can_miss_its_start() -> None:
    wait_for_42 = ExecutionWait(42, PollSchedule(10), Deadline(None), start_timeout=60)
    assert wait_for_42.check(state(Status.CREATED, age=59)) is None
    assert wait_for_42.check(state(Status.CREATED, age=60)) is WaitResult.NOT_STARTED
    assert wait_for_42.check(state(Status.RUNNING, age=600)) is None
    assert waiting().check(state(Status.CREATED, age=10**6)) is None
