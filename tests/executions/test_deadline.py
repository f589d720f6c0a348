"""How long a task may wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_ssis.executions.deadline import Deadline, deferral_timeout, task_deadline
from tests.support.task_runs import TaskInstanceRecord

START = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)


def context(start: datetime | None = START) -> Any:
    return {"ti": TaskInstanceRecord(start_date=start)}


@pytest.mark.parametrize(
    ("timeout", "execution_timeout", "after"),
    [
        (None, None, None),
        (100, None, 100),
        (None, timedelta(seconds=30), 30),
        (100, timedelta(seconds=30), 30),
        (30, timedelta(seconds=100), 30),
    ],
)
def test_the_sooner_limit_counts_from_the_tasks_start(
    timeout: float | None, execution_timeout: timedelta | None, after: float | None
) -> None:
    deadline = task_deadline(context(), timeout, execution_timeout=execution_timeout)
    assert deadline.at == (None if after is None else START.timestamp() + after)


def test_a_task_without_a_start_counts_from_now() -> None:
    left = task_deadline(context(None), 100).seconds_left
    assert left is not None
    assert 0 < left <= 100


def test_airflows_limit_for_a_deferral_comes_after_the_triggers() -> None:
    assert deferral_timeout(Deadline(None), 10) is None
    limit = deferral_timeout(Deadline.after(100), 10)
    assert limit is not None
    assert limit > timedelta(seconds=100)
    # A deadline that has passed still leaves the trigger time to send its event.
    assert deferral_timeout(Deadline(0.0), 10) == timedelta(seconds=80)


def test_the_sooner_of_two_deadlines_counts() -> None:
    assert Deadline(5).earlier(Deadline(3)) == Deadline(3)
    assert Deadline(5).earlier(Deadline(None)) == Deadline(5)
    assert Deadline(None).earlier(Deadline(None)) == Deadline(None)
