"""Waiting by polling."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.codes import OperationStatus as Status
from airflow_provider_ssis.catalog.errors import ExecutionNotFound
from airflow_provider_ssis.catalog.models import Execution
from airflow_provider_ssis.executions.waiting import Deadline, poll_delays, read_execution, wait_until_over
from tests.executions.scripted import Clock, ScriptedCatalog


def wait(script: ScriptedCatalog, deadline: Deadline, poll_interval: float = 10.0) -> tuple[Execution, list[Status]]:
    seen: list[Status] = []
    execution = wait_until_over(
        script.catalog,
        42,
        poll_interval=poll_interval,
        deadline=deadline,
        on_look=lambda execution: seen.append(execution.status),
    )
    return execution, seen


def test_every_look_is_told_the_last_one_too(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.PENDING, Status.RUNNING, Status.SUCCEEDED]})
    execution, seen = wait(script, Deadline.after(None))
    assert execution.status is Status.SUCCEEDED
    assert seen == [Status.PENDING, Status.RUNNING, Status.SUCCEEDED]
    assert script.looks == 3


def test_an_execution_that_is_over_costs_one_look_and_no_time(clock: Clock) -> None:
    wait(ScriptedCatalog({42: [Status.FAILED]}), Deadline.after(None))
    assert clock.sleeps == []


def test_waiting_ends_at_the_deadline_with_a_last_look(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.RUNNING]})
    execution, _ = wait(script, Deadline.after(100))
    assert execution.status is Status.RUNNING
    assert sum(clock.sleeps) == pytest.approx(100)


def test_what_ends_just_before_the_deadline_is_seen(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.RUNNING, Status.SUCCEEDED]})
    execution, _ = wait(script, Deadline.after(0.1))
    assert execution.status is Status.SUCCEEDED


def test_an_execution_that_vanishes_is_an_error_with_its_id(clock: Clock) -> None:
    with pytest.raises(ExecutionNotFound, match=r"no execution 42.*retention window") as caught:
        read_execution(ScriptedCatalog().catalog, 42)
    assert caught.value.operation_id == 42


@given(st.floats(min_value=0.001, max_value=3600))
def test_delays_grow_to_the_interval_and_stay_there(interval: float) -> None:
    delays = list(islice(poll_delays(interval), 60))
    assert delays == sorted(delays)
    assert max(delays) == delays[-1] == interval
    assert delays[0] <= 0.2


@given(st.floats(min_value=1, max_value=600))
def test_the_end_is_seen_at_most_half_a_run_late(run: float) -> None:
    """So that short packages do not cost their task a whole interval."""
    looked_at = 0.0
    for delay in poll_delays(3600):
        looked_at += delay
        if looked_at >= run:
            break
    assert looked_at - run <= 0.5 * run + 0.2
