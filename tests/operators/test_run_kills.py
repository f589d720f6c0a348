"""Timeouts and kills: what becomes of the execution."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.models import StartedExecution
from airflow_provider_ssis.catalog.requests import Correlation
from airflow_provider_ssis.catalog.retries import RetryPolicy
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.exceptions import (
    ExecutionCanceled,
    ExecutionStoppedByKill,
    ExecutionTimeout,
    ExecutionUnreachable,
    KilledBeforeStart,
)
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from tests.support.executions import wait_for_status
from tests.support.running import SingleTryHook, run
from tests.support.task_runs import TaskRun
from tests.support.waiting import wait_until


def test_a_package_that_takes_too_long_is_stopped(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    with pytest.raises(
        ExecutionTimeout, match=r"still (pending|running) after 0\.2 s\. It was stopped and is canceled now\."
    ) as caught:
        run(timeout=0.2).execute()
    execution = mart.execution(caught.value.execution_id)
    assert execution is not None
    assert execution.status is OperationStatus.CANCELED


def test_without_cancel_on_kill_a_timeout_does_not_stop_the_package(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    with pytest.raises(ExecutionTimeout, match="It continues") as caught:
        run(timeout=0.2, cancel_on_kill=False).execute()
    assert caught.value.execution_id is not None
    wait_for_status(mart, caught.value.execution_id, OperationStatus.RUNNING)


KILLER = "killer"
"""The name of a thread that sends the signal."""


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The signal that a worker gets is handled in the main thread, at any point of the task."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    # A signal that came later would end the process of all tests.
    for thread in threading.enumerate():
        if thread.name == KILLER:
            thread.join()
    signal.signal(signal.SIGTERM, before)


def kill_when(task_run: TaskRun, condition: Callable[[], bool]) -> threading.Thread:
    """Have the task killed as Airflow's worker does it, while it runs, once the condition is true."""

    def kill() -> None:
        # Often, because some conditions are true for a moment only.
        wait_until(condition, longest_pause=0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda number, frame: task_run.operator.on_kill())
    thread = threading.Thread(target=kill, name=KILLER)
    thread.start()
    return thread


def test_a_killed_task_stops_its_execution(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = run()
    killer = kill_when(task_run, lambda: any(each.status is OperationStatus.RUNNING for each in mart.executions()))
    with pytest.raises(ExecutionStoppedByKill):
        task_run.execute()
    killer.join()
    assert [each.status for each in mart.executions()] == [OperationStatus.CANCELED]


def test_a_killed_task_waits_for_a_pending_execution_to_run_and_stops_it(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    ssisdb.scripts.hang(0.5, package="Load.dtsx")
    task_run = run()
    killer = kill_when(task_run, lambda: any(each.status is OperationStatus.PENDING for each in mart.executions()))
    with pytest.raises(ExecutionCanceled):
        task_run.execute()
    killer.join()


def test_a_killed_task_gives_up_on_an_execution_that_stays_pending_and_says_so(
    mart: Catalog, ssisdb: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__SSIS__STOP_TIMEOUT", "0.2")
    ssisdb.scripts.hang(package="Load.dtsx")
    task_run = run(timeout=0.2)
    with pytest.raises(ExecutionTimeout, match="could not be stopped"):
        task_run.execute()
    assert any("still pending" in line and "ISServerExec" in line for line in task_run.log.at("error"))


def test_a_kill_says_at_once_that_a_pending_execution_is_not_stopped_yet(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    """Airflow gives a killed task seconds only, so what is said at the end of the wait may never be said."""
    ssisdb.scripts.hang(package="Load.dtsx")
    task_run = run(wait_for_termination=False)
    execution_id = task_run.execute()["execution_id"]
    killer = threading.Thread(target=task_run.operator.on_kill)
    killer.start()
    wait_until(lambda: any(f"{execution_id}" in line and "is pending" in line for line in task_run.log.at("warning")))
    assert killer.is_alive()
    ssisdb.scripts.release()
    killer.join()


@pytest.mark.slow
def test_the_deadline_holds_while_the_catalog_cannot_be_read(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = run(timeout=2)
    task_run.operator.hook = SingleTryHook()
    ssisdb.faults.error(40613, statement="operation_id IN", times=None)
    try:
        with pytest.raises(ExecutionUnreachable, match="A retry of this task follows it again"):
            task_run.execute()
    finally:
        ssisdb.faults.clear()


def test_a_timeout_pushes_the_xcoms_of_every_other_end(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = run(timeout=0.2)
    with pytest.raises(ExecutionTimeout):
        task_run.execute()
    assert task_run.task_instance.xcoms["status"] == "canceled"
    assert set(task_run.task_instance.xcoms) == {"execution_id", "status", "duration"}


def test_a_kill_with_cancel_on_kill_off_leaves_the_execution_alone(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = run(wait_for_termination=False, cancel_on_kill=False)
    task_run.execute()
    task_run.operator.on_kill()
    assert [each.status.is_active for each in mart.executions()] == [True]


def test_a_kill_after_the_end_does_nothing(mart: Catalog) -> None:
    task_run = run()
    task_run.execute()
    task_run.operator.on_kill()
    assert [each.status for each in mart.executions()] == [OperationStatus.SUCCEEDED]
    assert task_run.log.at("error") == []


def test_a_kill_before_there_is_an_execution_does_nothing() -> None:
    task_run = run()
    task_run.operator.on_kill()
    assert task_run.log.lines == []


def test_a_kill_during_the_start_stops_what_was_started(mart: Catalog, ssisdb: SsisdbEmulator) -> None:
    """Nothing can be stopped yet when the kill comes, and nothing asks for it again afterwards."""
    ssisdb.scripts.take(600, package="Load.dtsx")
    task_run = run()

    class KilledDuringStart(Catalog):
        def start_correlated_execution(
            self, execution_id: int, correlation: Correlation, *, is_first: bool = False
        ) -> StartedExecution:
            task_run.operator.on_kill()
            return super().start_correlated_execution(execution_id, correlation, is_first=is_first)

    class Hook(SsisCatalogHook):
        def open_catalog(self, *, retry: RetryPolicy | None = None, query_timeout: int = 0) -> Catalog:
            return KilledDuringStart(self.get_conn(), reconnect=self.get_conn, retry=retry)

    task_run.operator.hook = Hook()
    with pytest.raises(ExecutionCanceled):
        task_run.execute()
    assert [each.status for each in mart.executions()] == [OperationStatus.CANCELED]


def test_a_kill_between_creation_and_start_keeps_the_package_from_starting(mart: Catalog) -> None:
    task_run = run()

    class KilledAtXcom(type(task_run.task_instance)):  # type: ignore[misc]  # a base class known at run time only
        def xcom_push(self, key: str, value: Any) -> None:
            super().xcom_push(key, value)
            task_run.operator.on_kill()

    task_run.task_instance = KilledAtXcom()
    with pytest.raises(KilledBeforeStart, match="was not started"):
        task_run.execute()
    assert [each.status for each in mart.executions()] == [OperationStatus.CREATED]
