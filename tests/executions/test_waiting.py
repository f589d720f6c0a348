"""Waiting by polling."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.catalog.codes import OperationStatus as Status
from airflow_provider_ssis.catalog.errors import (
    ConnectionLost,
    ExecutionNotFound,
    LoginFailed,
    PermissionDenied,
    ServerUnreachable,
)
from airflow_provider_ssis.executions.outage import Outage
from airflow_provider_ssis.executions.waiting import patiently, poll_delays, read_execution, wait_until_over
from airflow_provider_ssis.executions.watching import Deadline, Verdict, Watch
from tests.support.scripted_catalog import Clock, ScriptedCatalog
from tests.support.task_runs import LogRecord


def wait(script: ScriptedCatalog, deadline: Deadline, poll_interval: float = 10.0) -> tuple[Verdict, list[Status]]:
    seen: list[Status] = []
    watch = Watch(execution_id=42, poll_interval=poll_interval, longest_poll_interval=60, deadline=deadline)
    verdict = wait_until_over(
        script.catalog,
        watch,
        outage=Outage(900),
        log=LogRecord(),
        on_look=lambda state: seen.append(state.status),
    )
    return verdict, seen


def test_every_look_is_told_the_last_one_too(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.PENDING, Status.RUNNING, Status.SUCCEEDED]})
    verdict, seen = wait(script, Deadline.after(None))
    assert verdict is Verdict.OVER
    assert seen == [Status.PENDING, Status.RUNNING, Status.SUCCEEDED]
    assert script.looks == 3


def test_an_execution_that_is_over_costs_one_look_and_no_time(clock: Clock) -> None:
    wait(ScriptedCatalog({42: [Status.FAILED]}), Deadline.after(None))
    assert clock.sleeps == []


def test_waiting_ends_at_the_deadline_with_a_last_look(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.RUNNING]})
    verdict, _ = wait(script, Deadline.after(100))
    assert verdict is Verdict.TIMEOUT
    assert sum(clock.sleeps) == pytest.approx(100)


def test_what_ends_just_before_the_deadline_is_seen(clock: Clock) -> None:
    script = ScriptedCatalog({42: [Status.RUNNING, Status.SUCCEEDED]})
    verdict, _ = wait(script, Deadline.after(0.1))
    assert verdict is Verdict.OVER


def test_an_execution_that_vanishes_is_an_error_with_its_id(clock: Clock) -> None:
    with pytest.raises(ExecutionNotFound, match=r"no execution 42.*retention window") as caught:
        read_execution(ScriptedCatalog().catalog, 42)
    assert caught.value.operation_id == 42


def test_an_execution_that_is_not_seen_once_is_looked_for_again(clock: Clock) -> None:
    with pytest.raises(ExecutionNotFound):
        wait(ScriptedCatalog(), Deadline.after(None))
    assert len(clock.sleeps) == 2


def test_an_outage_is_told_at_its_beginning_and_its_end(clock: Clock) -> None:
    answers: list[object] = [ConnectionLost("gone"), ConnectionLost("gone"), "back"]

    def ask() -> object:
        answer = answers.pop(0)
        if isinstance(answer, ConnectionLost):
            raise answer
        return answer

    log = LogRecord()
    assert patiently(ask, Outage(900, clock=clock.monotonic), log) == "back"
    assert len(log.at("warning")) == 1
    assert len(log.at("info")) == 1


def test_logins_refused_at_the_end_of_a_long_outage_are_a_part_of_it(clock: Clock) -> None:
    """A server that had been away for ten minutes and knew its logins a second later failed all who waited."""
    answers: list[Exception | str] = [*[ServerUnreachable("gone")] * 30, LoginFailed("not yet"), "back"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert patiently(ask, Outage(1800, clock=clock.monotonic), LogRecord()) == "back"


def test_an_outage_that_lasts_too_long_is_the_error(clock: Clock) -> None:
    def ask() -> None:
        raise ConnectionLost("gone")

    with pytest.raises(ConnectionLost):
        patiently(ask, Outage(900, clock=clock.monotonic), LogRecord())
    assert sum(clock.sleeps) >= 900 - 30


def test_what_does_not_pass_is_not_borne(clock: Clock) -> None:
    def ask() -> None:
        raise PermissionDenied("no")

    with pytest.raises(PermissionDenied):
        patiently(ask, Outage(900, clock=clock.monotonic), LogRecord())
    assert clock.sleeps == []


@given(st.floats(min_value=0.001, max_value=3600))
def test_delays_grow_to_the_interval_and_stay_there(interval: float) -> None:
    delays = list(islice(poll_delays(interval), 60))
    assert delays == sorted(delays)
    assert max(delays) == delays[-1] == interval
    assert delays[0] <= 0.2
