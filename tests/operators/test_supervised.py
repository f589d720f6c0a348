"""A task whose supervising process is killed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

from airflow_provider_ssis.compat import supervisor_pid
from airflow_provider_ssis.operators.supervised import while_supervised
from tests.support.task_runs import TaskInstanceRecord

PROGRAM = """
import os, signal, sys, threading
from airflow_provider_ssis.operators.supervised import while_supervised
parent = os.getpid()
if os.fork():
    print("started", flush=True)
    signal.pause()  # until the test kills it
ended = threading.Event()
with while_supervised(parent, ended.set, seconds=0.05):
    print("ended" if ended.wait(60) else "still running", flush=True)
"""


@pytest.mark.processes
def test_the_end_of_the_supervisor_is_noticed() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "started\n"
        supervisor.kill()
        assert supervisor.stdout.readline() == "ended\n"


def test_without_a_supervisor_nothing_is_watched() -> None:
    called: list[None] = []
    with while_supervised(None, lambda: called.append(None), seconds=0):
        pass
    assert called == []
    contexts: list[Any] = [{"ti": TaskInstanceRecord()}, {}]
    for context in contexts:
        assert supervisor_pid(context) is None


@pytest.mark.skipif(find_spec("airflow.sdk") is None, reason="Airflow 2 has no such channel")
@pytest.mark.parametrize(("channel", "is_supervised"), [("CommsDecoder", True), ("InProcessSupervisorComms", False)])
def test_a_task_on_a_worker_has_a_supervisor(
    monkeypatch: pytest.MonkeyPatch, channel: str, is_supervised: bool
) -> None:
    from airflow.sdk.execution_time import supervisor, task_runner

    # The second is what dag.test() has in place of the channel to a supervisor.
    kind = getattr(task_runner if is_supervised else supervisor, channel)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", object.__new__(kind), raising=False)
    context: Any = {"ti": TaskInstanceRecord()}
    assert (supervisor_pid(context) is not None) is is_supervised
