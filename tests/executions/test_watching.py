"""When to look at an execution, and what a look means."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.codes import OperationStatus as Status
from airflow_provider_ssis.catalog.models import ExecutionState
from airflow_provider_ssis.executions.watching import Deadline, Verdict, Watch


def watch(poll_interval: float = 10, deadline: float | None = None, pending_timeout: float | None = None) -> Watch:
    return Watch(
        execution_id=42,
        poll_interval=poll_interval,
        longest_poll_interval=60,
        deadline=Deadline(deadline),
        pending_timeout=pending_timeout,
    )


def state(status: Status, age: int = 0) -> ExecutionState:
    return ExecutionState(execution_id=42, status=status, age=age)


@pytest.mark.parametrize("status", [each for each in Status if each.is_terminal])
def test_what_has_ended_is_over_even_after_the_deadline(status: Status) -> None:
    assert watch(deadline=0).judge(state(status)) is Verdict.OVER


@pytest.mark.parametrize("status", [Status.CREATED, Status.RUNNING, Status.PENDING, Status.STOPPING])
def test_what_is_under_way_goes_on_until_the_deadline(status: Status) -> None:
    assert watch(deadline=time.time() + 100).judge(state(status)) is None
    assert watch(deadline=time.time() - 1).judge(state(status)) is Verdict.TIMEOUT


def test_only_what_is_pending_can_be_stuck_in_it() -> None:
    assert watch(pending_timeout=60).judge(state(Status.PENDING, age=59)) is None
    assert watch(pending_timeout=60).judge(state(Status.PENDING, age=60)) is Verdict.STUCK_PENDING
    assert watch(pending_timeout=60).judge(state(Status.RUNNING, age=600)) is None
    assert watch().judge(state(Status.PENDING, age=10**6)) is None


def test_it_takes_three_looks_in_a_row_to_be_gone() -> None:
    watching = watch()
    assert [watching.judge(None) for _ in range(2)] == [None, None]
    assert watching.judge(state(Status.RUNNING)) is None
    assert [watching.judge(None) for _ in range(3)] == [None, None, Verdict.GONE]


@given(st.floats(min_value=0, max_value=10**6), st.floats(min_value=0.5, max_value=600))
def test_looks_are_never_rarer_than_the_bounds_say(age: float, poll_interval: float) -> None:
    delay = watch(poll_interval).delay(age)
    assert 0 < delay <= max(poll_interval, 60)
    if age <= 3600:
        assert delay <= max(poll_interval, 10)


@given(st.floats(min_value=1, max_value=50))
def test_the_end_of_a_short_run_is_seen_at_most_a_quarter_late(run: float) -> None:
    """So that short packages do not cost their task a whole interval."""
    looked_at = 0.0
    while looked_at < run:
        looked_at += watch().delay(looked_at)
    assert looked_at - run <= 0.2 * run + 0.2


def test_the_sooner_of_two_deadlines_counts() -> None:
    assert Deadline(5).or_sooner(Deadline(3)) == Deadline(3)
    assert Deadline(5).or_sooner(Deadline(None)) == Deadline(5)
    assert Deadline(None).or_sooner(Deadline(None)) == Deadline(None)
