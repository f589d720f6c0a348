"""What runs to come shall do: fail, take time, hang, crash. By default a run succeeds at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from airflow_provider_ssis.emulator.runtime.request import RunRequest
from airflow_provider_ssis.project.models import Executable

DEFAULT_ERROR_CODE: Final = -1073548784
"""0xC002F210: a query of an Execute SQL task failed."""
FOREVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that an executable raises."""

    message: str
    code: int


@dataclass(frozen=True, slots=True)
class Script:
    """One instruction. What it does not name fits every run.

    :param folder: name of a folder; ``*`` and ``?`` stand for any characters, case does not count. So for all names.
    :param project: name of a project.
    :param package: name of a package, with ``.dtsx``.
    :param executable: name or package path of an executable; None means the package.
    :param failures: errors that the executable raises; it fails then.
    :param seconds: time that the executable takes.
    :param pending_seconds: time that the run hangs in pending before it runs.
    :param crashes: the run ends unexpectedly at the executable.
    :param messages: number of extra messages that the executable writes.
    :param warning: a warning that the executable raises.
    :param times: number of runs that it is for; None for all.
    """

    folder: str | None = None
    project: str | None = None
    package: str | None = None
    executable: str | None = None
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0
    pending_seconds: float = 0.0
    crashes: bool = False
    messages: int = 0
    warning: str = ""
    times: int | None = None

    def fits_run(self, request: RunRequest) -> bool:
        """Whether it is for this run."""
        return (
            _fits(self.folder, request.folder_name)
            and _fits(self.project, request.project_name)
            and _fits(self.package, request.package_name)
        )

    def fits(self, executable: Executable, *, is_root: bool) -> bool:
        """Whether it is for this executable of the run."""
        if self.executable is None:
            return is_root
        return _fits(self.executable, executable.name) or _fits(self.executable, executable.path)


def _fits(pattern: str | None, name: str) -> bool:
    return pattern is None or pattern.lower() == name.lower() or fnmatchcase(name.lower(), pattern.lower())


class ScriptBook:
    """The instructions for runs to come. May be used from any thread."""

    def __init__(self) -> None:
        self._scripts: list[tuple[Script, int | None]] = []
        self._lock = threading.Lock()
        self.released: Callable[[], None] = lambda: None
        """Called when runs that hang in pending may go on; set by the runtime."""

    def add(self, script: Script) -> None:
        """Add an instruction."""
        with self._lock:
            self._scripts.append((script, script.times))

    def fail(
        self,
        *,
        executable: str | None = None,
        message: str = "The task failed because it was told to.",
        code: int = DEFAULT_ERROR_CODE,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let an executable fail.

        :param executable: its name or package path; the package itself by default.
        :param message: the error's text.
        :param code: the error's code, as 0xC0202009 or as a signed number.
        :param package: only in packages of this name; so for ``project`` and ``folder``.
        :param times: only in so many runs; in all by default.
        """
        signed = code - (1 << 32) if code >= 1 << 31 else code
        failures = (Failure(message, signed),)
        self.add(Script(folder, project, package, executable, failures=failures, times=times))

    def take(
        self,
        seconds: float,
        *,
        executable: str | None = None,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let an executable take real time.

        :param seconds: how long.
        :param executable: its name or package path; the package itself by default.
        """
        self.add(Script(folder, project, package, executable, seconds=seconds, times=times))

    def hang(
        self,
        seconds: float = FOREVER,
        *,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let runs hang in pending.

        :param seconds: how long; until :meth:`release` by default.
        """
        self.add(Script(folder, project, package, pending_seconds=seconds, times=times))

    def crash(
        self,
        *,
        executable: str | None = None,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let runs end unexpectedly (status 6).

        :param executable: where, by name or package path; at the package's start by default.
        """
        self.add(Script(folder, project, package, executable, crashes=True, times=times))

    def write(
        self,
        messages: int,
        *,
        executable: str | None = None,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let an executable write extra messages.

        :param messages: how many.
        """
        self.add(Script(folder, project, package, executable, messages=messages, times=times))

    def warn(
        self,
        warning: str,
        *,
        executable: str | None = None,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let an executable raise a warning."""
        self.add(Script(folder, project, package, executable, warning=warning, times=times))

    def release(self) -> None:
        """Let all runs go on that hang in pending, and no more hang."""
        with self._lock:
            self._scripts = [entry for entry in self._scripts if not entry[0].pending_seconds]
        self.released()

    def clear(self) -> None:
        """Forget all instructions."""
        with self._lock:
            self._scripts.clear()
        self.released()

    def take_for(self, request: RunRequest) -> tuple[Script, ...]:
        """The instructions for a run that begins; those that are for a number of runs are counted down."""
        taken = []
        with self._lock:
            left = []
            for script, times in self._scripts:
                if not script.fits_run(request):
                    left.append((script, times))
                    continue
                taken.append(script)
                if times is None or times > 1:
                    left.append((script, None if times is None else times - 1))
            self._scripts = left
        return tuple(taken)
