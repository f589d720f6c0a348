"""How long an outage is tolerated."""

from __future__ import annotations

import pytest

from airflow_provider_ssis.catalog.errors import ConnectionLost, LoginFailed, PermissionDenied, ServerUnreachable
from airflow_provider_ssis.executions.outage import OutageTolerance, retry_during_outage
from tests.support.scripted_catalog import Clock
from tests.support.task_runs import LogRecord


def test_an_outage_is_reported_at_its_beginning_and_its_end(clock: Clock) -> None:
    answers: list[object] = [ConnectionLost("reset"), ConnectionLost("reset"), "back"]

    def ask() -> object:
        answer = answers.pop(0)
        if isinstance(answer, ConnectionLost):
            raise answer
        return answer

    log = LogRecord()
    assert retry_during_outage(ask, OutageTolerance(900, clock=clock.monotonic), log, clock=clock) == "back"
    assert len(log.at("warning")) == 1
    assert len(log.at("info")) == 1


def test_logins_refused_at_the_end_of_a_long_outage_are_a_part_of_it(clock: Clock) -> None:
    """A server that had been away for ten minutes and knew its logins a second later failed all who waited."""
    answers: list[Exception | str] = [*[ServerUnreachable("reset")] * 30, LoginFailed("not yet"), "back"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retry_during_outage(ask, OutageTolerance(1800, clock=clock.monotonic), LogRecord(), clock=clock) == "back"


def test_an_outage_that_lasts_too_long_is_the_error(clock: Clock) -> None:
    def ask() -> None:
        raise ConnectionLost("reset")

    with pytest.raises(ConnectionLost):
        retry_during_outage(ask, OutageTolerance(900, clock=clock.monotonic), LogRecord(), clock=clock)
    assert sum(clock.sleeps) >= 900 - 30


def test_what_does_not_pass_is_not_tolerated(clock: Clock) -> None:
    def ask() -> None:
        raise PermissionDenied("no")

    with pytest.raises(PermissionDenied):
        retry_during_outage(ask, OutageTolerance(900, clock=clock.monotonic), LogRecord(), clock=clock)
    assert clock.sleeps == []
