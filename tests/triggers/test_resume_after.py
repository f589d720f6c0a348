"""A trigger holds its event back until the worker process of the task that deferred can be expected to have ended."""

from __future__ import annotations

import time

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger
from airflow_provider_ssis.triggers.poller import Poller, Subscription
from tests.support.deferrals import events_of, logged, reloaded
from tests.support.executions import start, wait_for_end


@pytest.mark.slow
def test_the_event_waits_until_the_task_may_resume(mart: Catalog) -> None:
    execution_id = start(mart)
    wait_for_end(mart, execution_id)
    deferred_at = time.time()
    trigger = reloaded(
        SsisExecutionTrigger(execution_id=execution_id, poll_interval=0.1, deferred_at=deferred_at, resume_after=1)
    )
    log = logged(trigger)
    (event,) = events_of([trigger])
    assert event["execution_id"] == trigger.execution_id
    assert time.time() >= deferred_at + 1
    assert "The task resumes in" in str(log)


@pytest.mark.parametrize("deferred_at", [None, 1_700_000_000.0], ids=["older version", "restarted"])
def test_without_need_the_event_waits_for_nothing(mart: Catalog, deferred_at: float | None) -> None:
    trigger = reloaded(
        SsisExecutionTrigger(execution_id=start(mart), poll_interval=0.1, deferred_at=deferred_at, resume_after=600)
    )
    assert trigger.deferred_at == deferred_at
    log = logged(trigger)
    (event,) = events_of([trigger])
    assert event["execution_id"] == trigger.execution_id
    assert "The task resumes in" not in str(log)


def test_a_failure_waits_as_an_event_does(mart: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow resumes a task whose trigger fails as soon."""

    def refuse(self: Poller, subscription: Subscription) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Poller, "subscribe", refuse)
    deferred_at = time.time()
    trigger = SsisExecutionTrigger(execution_id=start(mart), deferred_at=deferred_at, resume_after=0.4)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        events_of([reloaded(trigger)])
    assert time.time() >= deferred_at + 0.4


def test_a_trigger_at_its_defaults_can_be_read_by_an_older_version() -> None:
    assert set(SsisExecutionTrigger(execution_id=7).serialize()[1]) == {"execution_id"}
