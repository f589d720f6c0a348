"""A deferrable task waits on its worker for the first seconds."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import ExecutionFailed, ExecutionTimeout
from airflow_provider_ssis.executions.task_state import PROGRESS_KEY
from tests.support.deferrals import deferred, events_of, logged, reloaded, resumed
from tests.support.running import run
from tests.support.task_runs import Store, TaskRun


def deferrable(
    monkeypatch: pytest.MonkeyPatch, *, defer_after: float, resume_after: float = 0, **given: Any
) -> TaskRun:
    monkeypatch.setenv("AIRFLOW__SSIS__DEFER_AFTER", str(defer_after))
    monkeypatch.setenv("AIRFLOW__SSIS__RESUME_AFTER", str(resume_after))
    return run(deferrable=True, **given)


def test_a_short_package_needs_no_triggerer(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssisdb.scripts.take(0.5, package="Load.dtsx")
    assert deferrable(monkeypatch, defer_after=60).execute()["status"] == "succeeded"


def test_a_short_package_that_fails_fails_on_the_worker(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="The disk is full.")
    with pytest.raises(ExecutionFailed, match=r"The disk is full\."):
        deferrable(monkeypatch, defer_after=60).execute()


def test_a_longer_package_is_left_to_the_triggerer(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    began = time.time()
    trigger = reloaded(deferred(deferrable(monkeypatch, defer_after=0.5, resume_after=15)).trigger)
    assert time.time() >= began + 0.5
    assert trigger.deferred_at is not None
    assert began + 0.5 <= trigger.deferred_at <= time.time()
    assert trigger.resume_after == 15


def test_a_deadline_before_the_task_could_resume_is_waited_for_on_the_worker(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    with pytest.raises(ExecutionTimeout, match="It was stopped and is canceled now"):
        deferrable(monkeypatch, defer_after=0, resume_after=15, timeout=1).execute()


@pytest.mark.slow
def test_worker_triggerer_and_worker_log_each_message_once(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssisdb.scripts.warn("Early.", package="Load.dtsx", executable="Truncate")
    ssisdb.scripts.take(2, package="Load.dtsx", executable="Copy")
    ssisdb.scripts.fail(package="Load.dtsx", executable="Copy", message="Late.")
    task_run = deferrable(monkeypatch, defer_after=0.7)
    deferral = deferred(task_run)
    assert str(task_run.log).count("Early.") == 1
    trigger = reloaded(deferral.trigger)
    in_triggerer = logged(trigger)
    (event,) = events_of([trigger])
    assert "Early." not in str(in_triggerer)
    assert str(in_triggerer).count("Late.") == 1
    with pytest.raises(ExecutionFailed):
        resumed(task_run, deferral, event)
    assert str(task_run.log).count("Early.") == 1
    assert "Error: Late." not in str(task_run.log)


def test_a_task_that_deferred_in_an_earlier_version_resumes(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trigger and its arguments lack what this version adds."""
    ssisdb.scripts.take(0.5, package="Load.dtsx")
    task_run = deferrable(monkeypatch, defer_after=0, resume_after=15)
    deferral = deferred(task_run)
    trigger = reloaded(deferral.trigger)
    trigger.deferred_at, trigger.resume_after, trigger.last_message_id = None, 0.0, 0
    (event,) = events_of([reloaded(trigger)])
    assert deferral.kwargs is not None
    del deferral.kwargs["last_message_id"]
    assert resumed(task_run, deferral, event)["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.parametrize("defer_after", [0, 0.5])
def test_the_progress_is_saved_before_the_deferral(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch, defer_after: float
) -> None:
    ssisdb.scripts.take(1.5, package="Load.dtsx", executable="Copy")
    task_run = deferrable(monkeypatch, defer_after=defer_after)
    task_run.store = Store()
    deferral = deferred(task_run)
    assert task_run.store.values[PROGRESS_KEY]["deferred"] is True
    assert task_run.store.values[PROGRESS_KEY]["status"] in {"pending", "running"}
    (event,) = events_of([reloaded(deferral.trigger)])
    resumed(task_run, deferral, event)
    progress = task_run.store.values[PROGRESS_KEY]
    assert (progress["deferred"], progress["status"]) == (False, "succeeded")
