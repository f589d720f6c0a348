"""A trigger holds its event back until the worker process of the task that deferred can be expected to have ended."""

from __future__ import annotations

import time

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger
from airflow_provider_ssis.triggers.poller import Poller, Subscription
from tests.support.deferrals import events_of, logged, reloaded
from tests.support.executions import start


@pytest.fixture(autouse=True)
def _hold_events_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__RESUME_AFTER", "15")


def test_the_event_waits_until_the_task_may_resume(mart: Catalog) -> None:
    resume_at = time.time() + 2
    trigger = reloaded(SsisExecutionTrigger(execution_id=start(mart), resume_at=resume_at, poll_interval=0.1))
    log = logged(trigger)
    (event,) = events_of([trigger])
    assert event["execution_id"] == trigger.execution_id
    assert time.time() >= resume_at
    assert "The task resumes in" in str(log)


@pytest.mark.parametrize("resume_at", [None, 1_700_000_000.0], ids=["older version", "restarted"])
def test_without_need_the_event_waits_for_nothing(mart: Catalog, resume_at: float | None) -> None:
    trigger = reloaded(SsisExecutionTrigger(execution_id=start(mart), poll_interval=0.1, resume_at=resume_at))
    assert trigger.resume_at == resume_at
    log = logged(trigger)
    (event,) = events_of([trigger])
    assert event["execution_id"] == trigger.execution_id
    assert "The task resumes in" not in str(log)


def test_a_failure_waits_as_an_event_does(mart: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow resumes a task whose trigger fails as soon."""

    def refuse(self: Poller, subscription: Subscription) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Poller, "subscribe", refuse)
    resume_at = time.time() + 1
    with pytest.raises(RuntimeError, match="can't start new thread"):
        events_of([reloaded(SsisExecutionTrigger(execution_id=start(mart), resume_at=resume_at))])
    assert time.time() >= resume_at


def test_a_trigger_at_its_defaults_can_be_read_by_an_older_version() -> None:
    assert set(SsisExecutionTrigger(execution_id=7).serialize()[1]) == {"execution_id"}
