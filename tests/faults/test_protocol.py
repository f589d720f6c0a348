"""The run protocol with a fault at each of its steps: one execution in each case.

A step's fault: the worker is killed just before or just after it, or its connection breaks before the request is
processed, or between the request and the answer. Then the task is tried again, as by Airflow.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.waiting import wait_until
from tests.support.workers import AFTER_SAVE, BEFORE_DEFERRAL, BEFORE_SAVE, Outcome, Workers

pytestmark = pytest.mark.processes

STEPS = {
    "get or create": "catalog.create_execution",
    "start": "exec catalog.start_execution",
    "poll": "datediff(second, coalesce(v.start_time",
    "read messages": "catalog.event_messages",
    "read the end": "as machine_name\nfrom catalog.executions as v\nwhere v.execution_id = @p1",
}
"""The requests of the protocol, each with a text that only it contains."""

TRACES = {
    "store and stamp": (True, True),
    "stamp alone": (False, True),
    "store alone": (True, False),
}
"""The sources from which a retry can know the try before: the first since Airflow 3.3, the second before, the third
with the stamp switched off."""

TRIES = 5

SUSPENSIONS = {
    "before get or create": ("get or create", "before"),
    "after get or create": ("get or create", "after"),
    BEFORE_SAVE: None,
    AFTER_SAVE: None,
    "before start": ("start", "before"),
    "after start": ("start", "after"),
    "before poll": ("poll", "before"),
}
"""Where a try is suspended, as by a paused virtual machine: at a request, or at a moment on the worker. A request
before which it is suspended is processed while the later try runs."""

IN_FLIGHT = 1.0
"""Seconds that such a request takes to arrive."""

LATER_TRIES = ("retry", "clear stop", "clear wait", "clear attach", "clear fail")
"""The event during the suspension; after a clear, with its on_previous_run."""


@dataclass(frozen=True)
class Case:
    """One fault.

    :param step: a key of ``STEPS``, or a moment on the worker.
    :param fault: ``kill`` or ``drop``; ``before`` or ``after``.
    """

    step: str
    fault: str
    deferrable: bool
    trace: str

    def __str__(self) -> str:
        path = "deferrable" if self.deferrable else "polling"
        return f"{path}, {self.trace}: {self.fault} {self.step}"


def cases() -> Iterator[Case]:
    for trace in TRACES:
        for deferrable in (False, True):
            if deferrable and trace != "store and stamp":
                # The source matters before the wait, where both paths are the same.
                continue
            for step in STEPS:
                for fault in ("kill before", "kill after", "drop before", "drop after"):
                    yield Case(step, fault, deferrable, trace)
            for moment in (BEFORE_SAVE, AFTER_SAVE, BEFORE_DEFERRAL):
                if moment == BEFORE_DEFERRAL or TRACES[trace][0]:
                    yield Case(moment, "kill", deferrable, trace)


class Task:
    """A task that is tried until it succeeds.

    :param fault: kills the first worker by itself at some step.
    """

    def __init__(self, workers: Workers, ssisdb: SsisdbEmulator, case: Case, store: Path) -> None:
        has_store, has_stamp = TRACES[case.trace]
        self._workers = workers
        self._die = case.step if case.fault == "kill" else None
        self._order: dict[str, Any] = {
            "connection": ssisdb.airflow_uri,
            "environment": {"AIRFLOW__SSIS__STAMP_EXECUTIONS": str(has_stamp)},
            "arguments": {"deferrable": case.deferrable, "parameters": {"BatchSize": 5}},
            "store": str(store) if has_store else None,
        }
        self.pid = 0
        self.outcomes: list[Outcome] = []

    def run(self) -> dict[str, Any]:
        """Try until it succeeds; returns its result and its XComs."""
        for try_number in range(1, TRIES + 1):
            answer = self._one("execute", try_number=try_number)
            while answer is not None and "trigger" in answer:
                xcoms, kwargs = answer["xcoms"], answer["kwargs"]
                waited = None
                while waited is None:
                    # A trigger whose triggerer died runs again in another triggerer; that is not a new try.
                    waited = self._one("wait", triggers=[answer["trigger"]])
                answer = self._one(
                    "resume", try_number=try_number, xcoms=xcoms, kwargs=kwargs, event=waited["events"][0]
                )
            if answer is not None and "result" in answer:
                return answer
        raise AssertionError(f"no success in {TRIES} tries: {self.outcomes}")

    def _one(self, stage: str, **more: Any) -> dict[str, Any] | None:
        """The answer of a worker; None if it was killed or failed."""
        self.pid = self._workers.start(stage=stage, die=self._die, **self._order, **more)
        outcome = self._workers.wait(self.pid)
        self._die = None
        self.outcomes.append(outcome)
        return outcome.answer if outcome.code == 0 else None

    def kill(self) -> None:
        """Kill the running worker, and make sure that it has ended."""
        os.kill(self.pid, signal.SIGKILL)


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_a_fault_leads_to_exactly_one_execution(
    workers: Workers, mart: Catalog, ssisdb: SsisdbEmulator, tmp_path: Path, case: Case
) -> None:
    ssisdb.scripts.take(0.4, package="Load.dtsx")
    task = Task(workers, ssisdb, case, tmp_path / "store")
    happened: list[None] = []
    kind, _, when = case.fault.partition(" ")
    if when:
        statement = STEPS[case.step]
        ssisdb.faults.call(lambda: happened.append(None), statement=statement, when=when)
        if kind == "kill":
            ssisdb.faults.call(task.kill, statement=statement, when=when)
        if kind == "drop" or when == "before":
            # Requests that a killed worker did not send are not processed.
            ssisdb.faults.drop(statement=statement, when=when)
    answer = task.run()

    assert happened or task.outcomes[0].code == -signal.SIGKILL, "the fault did not happen"
    executions = list(mart.executions())
    started = [each for each in executions if each.status is not OperationStatus.CREATED]
    assert [each.status for each in started] == [OperationStatus.SUCCEEDED]
    assert answer["result"] == {
        "execution_id": started[0].execution_id,
        "folder": "Sales",
        "project": "Mart",
        "package": "Load.dtsx",
        "status": "succeeded",
        "duration": answer["result"]["duration"],
    }
    assert answer["xcoms"] == {name: answer["result"][name] for name in ("execution_id", "status", "duration")}
    if case.trace != "store alone":
        # No other execution is left.
        assert len(executions) == 1


@pytest.mark.parametrize("deferrable", [False, True], ids=["polling", "deferrable"])
@pytest.mark.parametrize(
    "status", [OperationStatus.FAILED, OperationStatus.CANCELED, OperationStatus.ENDED_UNEXPECTEDLY]
)
def test_a_worker_killed_after_the_package_did_not_succeed_leads_to_a_new_execution(
    workers: Workers, mart: Catalog, ssisdb: SsisdbEmulator, tmp_path: Path, status: OperationStatus, deferrable: bool
) -> None:
    ssisdb.scripts.finish(status, package="Load.dtsx", times=1)
    case = Case("read the end", "kill after", deferrable, "store and stamp")
    task = Task(workers, ssisdb, case, tmp_path / "store")
    ssisdb.faults.call(task.kill, statement=STEPS[case.step], when="after")
    answer = task.run()
    first, second = sorted(mart.executions(), key=lambda each: each.execution_id)
    assert (first.status, second.status) == (status, OperationStatus.SUCCEEDED)
    assert answer["result"]["execution_id"] == second.execution_id


def test_a_worker_killed_while_the_execution_is_pending_leads_to_no_second_one(
    workers: Workers, mart: Catalog, ssisdb: SsisdbEmulator, tmp_path: Path
) -> None:
    ssisdb.scripts.hang(package="Load.dtsx", seconds=1)
    task = Task(workers, ssisdb, Case(BEFORE_DEFERRAL, "kill", False, "stamp alone"), tmp_path / "store")
    task.run()
    assert [each.status for each in mart.executions()] == [OperationStatus.SUCCEEDED]


def test_a_worker_killed_while_another_client_stops_the_execution_leads_to_a_new_one_after_its_end(
    workers: Workers, mart: Catalog, ssisdb: SsisdbEmulator, tmp_path: Path
) -> None:
    ssisdb.scripts.take(600, package="Load.dtsx", times=1)
    task = Task(workers, ssisdb, Case("poll", "kill after", False, "store and stamp"), tmp_path / "store")

    def stop_and_kill() -> None:
        task.kill()
        mart.stop_operation(next(mart.executions()).execution_id)

    answers: list[dict[str, Any]] = []
    runner = threading.Thread(target=lambda: answers.append(task.run()))
    runner.start()
    wait_until(lambda: any(each.status is OperationStatus.RUNNING for each in mart.executions()))
    stop_and_kill()
    runner.join()
    first, second = sorted(mart.executions(), key=lambda each: each.execution_id)
    assert (first.status, second.status) == (OperationStatus.CANCELED, OperationStatus.SUCCEEDED)
    assert first.end_time is not None
    assert second.start_time is not None
    assert first.end_time <= second.start_time
    assert answers[0]["result"]["execution_id"] == second.execution_id


@dataclass(frozen=True)
class Suspension:
    """A try that is suspended, and the later one that runs meanwhile.

    :param step: a key of ``SUSPENSIONS``.
    :param later: one of ``LATER_TRIES``.
    :param trace: a key of ``TRACES``.
    """

    step: str
    later: str
    trace: str

    def __str__(self) -> str:
        return f"{self.trace}: suspended {self.step}, {self.later}"

    @property
    def had_started(self) -> bool:
        """Whether the suspended try has started its execution before."""
        return self.step in ("after start", "before poll")


def suspensions() -> Iterator[Suspension]:
    for trace, (has_store, has_stamp) in TRACES.items():
        for step in SUSPENSIONS:
            if step in (BEFORE_SAVE, AFTER_SAVE) and not has_store:
                continue
            if step in (BEFORE_SAVE, "before start") and not has_stamp:
                # Two executions, as docs/guarantees.md says: without a stamp, nothing in the catalog shows a later try.
                continue
            # The effect of on_previous_run does not depend on the source.
            for later in LATER_TRIES if trace == "store and stamp" else LATER_TRIES[:2]:
                yield Suspension(step, later, trace)


@pytest.mark.parametrize("case", list(suspensions()), ids=str)
def test_a_try_that_was_suspended_does_nothing_once_there_is_a_later_one(
    workers: Workers, mart: Catalog, ssisdb: SsisdbEmulator, tmp_path: Path, case: Suspension
) -> None:
    ssisdb.scripts.take(2, package="Load.dtsx")
    has_store, has_stamp = TRACES[case.trace]
    is_clear, on_previous_run = case.later.startswith("clear"), case.later.partition(" ")[2] or "stop"
    order: dict[str, Any] = {
        "stage": "execute",
        "connection": ssisdb.airflow_uri,
        "environment": {"AIRFLOW__SSIS__STAMP_EXECUTIONS": str(has_stamp)},
        "arguments": {"on_previous_run": on_previous_run},
        "store": str(tmp_path / "store") if has_store else None,
    }
    suspended = threading.Event()
    request = SUSPENSIONS[case.step]
    pids: list[int] = []

    def suspend() -> None:
        os.kill(pids[0], signal.SIGSTOP)
        suspended.set()

    if request is not None:
        step, when = request
        ssisdb.faults.call(suspend, statement=STEPS[step], when=when)
        if when == "before":
            ssisdb.faults.delay(IN_FLIGHT, statement=STEPS[step], when="before")
    pids.append(workers.start(**order, try_number=1, suspend=case.step))
    wait_until(lambda: suspended.is_set() or is_stopped(pids[0]))

    later = workers.start(**order, try_number=2, max_tries=int(is_clear))
    wait_until(lambda: is_running(mart, count=2 if case.had_started and not later_needs_none(case) else 1))
    os.kill(pids[0], signal.SIGCONT)
    outcome, stale = workers.wait(later), workers.wait(pids[0])

    started = [each.status for each in sorted(mart.executions(), key=lambda each: each.execution_id) if each.start_time]
    succeeded, stopped = OperationStatus.SUCCEEDED, OperationStatus.CANCELED
    assert outcome.answer is not None
    if case.had_started and case.later == "clear fail":
        assert outcome.answer["error"] == "PreviousExecutionActive"
        wait_until(lambda: not any(each.status.is_active for each in mart.executions()))
        assert len(started) == 1
        return
    assert outcome.answer["result"]["status"] == "succeeded"
    if not case.had_started or later_needs_none(case):
        assert started == [succeeded]
    else:
        assert started == [stopped if on_previous_run == "stop" else succeeded, succeeded]
    if not case.had_started:
        assert stale.answer is not None
        assert stale.answer["error"] == "TrySuperseded"


def later_needs_none(case: Suspension) -> bool:
    """Whether the later try follows the execution that was started, or fails because of it."""
    return case.later in ("retry", "clear attach", "clear fail")


def is_stopped(pid: int) -> bool:
    """Whether a process is suspended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def is_running(mart: Catalog, *, count: int) -> bool:
    """Whether so many executions were started and the newest of them runs."""
    started = sorted((each for each in mart.executions() if each.start_time), key=lambda each: each.execution_id)
    return len(started) == count and started[-1].status is OperationStatus.RUNNING
