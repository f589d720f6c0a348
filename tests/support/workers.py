"""Worker processes that can be killed at any moment, each forked from a process that has already imported Airflow.

Run as a module, it is the process that forks. It reads orders as lines of JSON and answers each with a line.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.support.places import ROOT

BEFORE_SAVE = "before the id is saved"
AFTER_SAVE = "after the id is saved"
BEFORE_DEFERRAL = "after the start, before the worker waits"
_LOG = "workers.log"
"""The file of what workers print."""


@dataclass(frozen=True)
class Outcome:
    """The end of a worker.

    :param code: its exit code; negative for a signal.
    :param answer: its answer; None if it was killed before.
    """

    code: int
    answer: dict[str, Any] | None


class Workers:
    """Starts workers and waits for them."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._count = 0

    def start(self, **order: Any) -> int:
        """Start a worker; returns its process id. ``order`` is what :func:`_work` takes."""
        self._count += 1
        answer = self._ask({"start": order, "answer": str(self._folder / f"answer-{self._count}")})
        return int(answer["pid"])

    def wait(self, pid: int) -> Outcome:
        """Wait for the end of a worker."""
        ended = self._ask({"wait": pid})
        return Outcome(ended["code"], ended["answer"])

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"The process that forks workers has ended:\n{(self._folder / _LOG).read_text()}"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def running_workers(folder: Path) -> Iterator[Workers]:
    """Run workers while the block lasts."""
    command = [sys.executable, "-m", "tests.support.workers"]
    with (
        (folder / _LOG).open("w") as log,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        yield Workers(process, folder)
        assert process.stdin is not None
        process.stdin.close()


# --- in the process that forks ----------------------------------------------------------------------------------------


def _serve(answers: TextIO) -> None:
    # The imports of all workers, once.
    for module in ("airflow_provider_ssis.hooks.ssis", "tests.support.deferrals", "tests.support.running"):
        importlib.import_module(module)
    paths: dict[int, Path] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            pid = os.fork()
            if pid == 0:
                _work_and_exit(order["start"], Path(order["answer"]))
            paths[pid] = Path(order["answer"])
            reply: dict[str, Any] = {"pid": pid}
        else:
            _, status = os.waitpid(order["wait"], 0)
            path = paths.pop(order["wait"])
            answer = json.loads(path.read_text()) if path.exists() else None
            reply = {"code": os.waitstatus_to_exitcode(status), "answer": answer}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


def _work_and_exit(order: dict[str, Any], path: Path) -> None:
    try:
        answer = _work(order)
    except BaseException as error:  # noqa: BLE001 the test gets it
        answer = {"error": type(error).__name__, "text": "".join(traceback.format_exception(error))}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(answer))
    part.rename(path)
    os._exit(1 if "error" in answer else 0)


def _work(order: dict[str, Any]) -> dict[str, Any]:
    """Do the work of a worker or a triggerer.

    ``connection`` is the URI, ``stage`` is ``execute``, ``wait`` or ``resume``, ``arguments`` are the operator's,
    ``try_number`` and ``xcoms`` are the task instance's, ``store`` is the file of the task state store or None,
    ``die`` is the step at which it is killed, ``suspend`` the one at which it is suspended. ``triggers``, ``kwargs``
    and ``event`` belong to the later stages.
    """
    from airflow.providers.common.compat.sdk import TaskDeferred

    from airflow_provider_ssis.operators.task_execution import TaskExecution
    from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger
    from tests.support.deferrals import events_of
    from tests.support.running import run

    os.environ["AIRFLOW_CONN_SSIS_DEFAULT"] = order["connection"]
    os.environ.update(order.get("environment", {}))
    if order["stage"] == "wait":
        return {"events": events_of([SsisExecutionTrigger(**arguments) for arguments in order["triggers"]])}
    task_run = run(**order["arguments"])
    task_run.task_instance.try_number = order["try_number"]
    task_run.task_instance.max_tries = order.get("max_tries", 0)
    task_run.task_instance.xcoms.update(order.get("xcoms") or {})
    if order["store"] is not None:
        task_run.store = FileStore(Path(order["store"]), order.get("die"), order.get("suspend"))
    if order.get("die") == BEFORE_DEFERRAL:
        TaskExecution.wait = _die  # type: ignore[method-assign]  # the fault
        type(task_run.operator)._defer = _die
    try:
        if order["stage"] == "execute":
            result = task_run.execute()
        else:
            kwargs = {**order["kwargs"], "event": order["event"]}
            result = task_run.operator.resume_execution("execute_complete", kwargs, task_run.context)
    except TaskDeferred as deferral:
        # As Airflow keeps it: in a row of its database.
        return {
            "trigger": deferral.trigger.serialize()[1],
            "kwargs": deferral.kwargs,
            "xcoms": task_run.task_instance.xcoms,
        }
    return {"result": result, "xcoms": task_run.task_instance.xcoms}


class FileStore:
    """Airflow's task state store, kept in a file as Airflow keeps it in its database."""

    def __init__(self, path: Path, die: str | None, suspend: str | None) -> None:
        self._path = path
        self._die = die
        self._suspend = suspend

    def get(self, key: str) -> Any:
        """The value of a key, or None."""
        return self._read().get(key)

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        if self._die == BEFORE_SAVE:
            _die()
        if self._suspend == BEFORE_SAVE:
            self._suspend = None
            _suspend()
        # Renamed, because another worker may read it at any moment.
        part = self._path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps({**self._read(), key: value}))
        part.replace(self._path)
        if self._die == AFTER_SAVE:
            _die()
        if self._suspend == AFTER_SAVE:
            self._suspend = None
            _suspend()

    def _read(self) -> dict[str, Any]:
        return dict(json.loads(self._path.read_text())) if self._path.exists() else {}


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _suspend() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    # Workers print into the log: on the same pipe, their lines would mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _serve(answers)
