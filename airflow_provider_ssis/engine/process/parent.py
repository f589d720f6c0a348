"""Start the process that runs a package, read its events, cancel it and kill it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from airflow_provider_ssis.engine.errors import EngineError
from airflow_provider_ssis.engine.events import Event
from airflow_provider_ssis.engine.process.event_lines import from_fields
from airflow_provider_ssis.engine.process.job import RunJob
from airflow_provider_ssis.engine.temporary_folders import remove_abandoned_folders

_CANCELED = 3
"""The exit code of dtexec."""
CHILD = "airflow_provider_ssis.engine.process.child"


class EngineProcessDied(EngineError):
    """The process that ran a package ended without a result."""


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """The end of a run in its process.

    :param status: ``success``, ``failure``, ``canceled``; ``refused`` for parts that the engine does not support;
        ``not_loaded`` for a source that cannot be read.
    :param exit_code: that of dtexec.
    :param error: why the run did not begin; None if it did.
    :param refusals: the parts that the engine does not support.
    """

    status: str
    exit_code: int
    error: str | None
    refusals: tuple[str, ...]


class EngineProcess:
    """A process that runs a package. Use it as a context manager: its end kills what is left of the process.

    The job goes through a pipe, so that its secrets are in no list of processes and no environment. The modules of
    scripts are found where this process finds modules: in Airflow, also in the folder of the DAGs.

    :param job: the package and its values.
    """

    def __init__(self, job: RunJob) -> None:
        self._process = subprocess.Popen(  # noqa: S603 this Python runs this package
            [sys.executable, "-m", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._result: ProcessResult | None = None
        self._timer: threading.Timer | None = None
        self._was_killed_late = False
        try:
            folders = tuple(str(Path(folder).absolute()) for folder in sys.path) if job.scripts else ()
            self._send(replace(job, import_folders=(*job.import_folders, *folders)).to_json())
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The id of the process, which is also that of its group."""
        return self._process.pid

    def events(self) -> Iterator[Event]:
        """Yield the events of the run until it ends; waits for each."""
        assert self._process.stdout is not None  # noqa: S101 opened above
        for line in self._process.stdout:
            found = json.loads(line)
            if found.get("event") == "result":
                self._result = ProcessResult(
                    found["status"], found["exit_code"], found["error"], tuple(found["refusals"])
                )
            else:
                yield from_fields(found)

    def result(self) -> ProcessResult:
        """Return the result, after the last event. A process that was killed after a cancel was canceled.

        :raises EngineProcessDied: the process ended without a result.
        """
        # The process stays a zombie until the others of its group are killed, so that its id cannot be another's.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self.kill()
        code = self._process.wait()
        if self._result is None and self._was_killed_late:
            return ProcessResult("canceled", _CANCELED, None, ())
        if self._result is None:
            how = f"by the signal {signal.Signals(-code).name}" if code < 0 else f"with the exit code {code}"
            raise EngineProcessDied(
                f"The process of the engine ended {how} before the package had ended. What it had committed stays "
                "committed; its output on standard error may show the reason."
            )
        return self._result

    def cancel(self, *, kill_after: float = 10.0) -> None:
        """Ask the process to cancel the run; returns at once.

        :param kill_after: seconds after which the process is killed. Default: 10.
        """
        # Not a signal, which would kill a process that has just begun.
        self._send("cancel")
        if self._timer is None:
            self._timer = threading.Timer(kill_after, self._kill_late)
            self._timer.daemon = True
            self._timer.start()

    def _kill_late(self) -> None:
        self._was_killed_late = True
        self.kill()

    def kill(self) -> None:
        """Kill the process and the processes that it started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.wait()
        if self._result is None:
            remove_abandoned_folders(None)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 opened above
        # result() reports a process that has ended already; the pipe of one that was left is closed.
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
