"""Scripts for future runs: fail, take time, hang, crash, write messages. Without a script a run succeeds at once.

A :class:`ScriptBook` keeps the scripts; each run takes the scripts that match it when it starts (:class:`RunScript`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Final

from airflow_provider_ssis.catalog.codes import MessageType, OperationStatus
from airflow_provider_ssis.emulator.runs.actions import (
    Action,
    Crash,
    Fail,
    Finish,
    Hang,
    RunScript,
    Script,
    Take,
    Target,
    Write,
)

DEFAULT_ERROR_CODE: Final = 0xC002F210
"""DTS_E_SQLTASK_ERROREXECUTINGTHEQUERY: the error of an Execute SQL task whose query fails."""
DEFAULT_ERROR: Final = "The task failed as a script of the embedded SSISDB instructs."
DEFAULT_MESSAGE: Final = "A message from a script of the embedded SSISDB."
_WRITABLE: Final = (MessageType.INFORMATION, MessageType.WARNING, MessageType.ERROR)


class ScriptBook:
    """The scripts for future runs. Can be used from any thread::

        ssisdb.scripts.fail(package="LoadSales.dtsx", executable="Load Orders", message="The disk is full.")

    Arguments that all methods share: ``package`` (the file name of the package of the run, or of a child package),
    ``project`` and ``folder`` select the runs of a script; by default all match, ``*`` and ``?`` match any characters,
    case is ignored. ``executable`` is the name or the package path of a task or container, such as
    ``\\Package\\Copy\\Load Orders``; by default the script applies to the package itself. ``times`` is the number of
    executions to which the script applies, counted at their start; by default it applies until :meth:`clear`. All
    scripts that match apply.

    :raises ValueError: from any method, for an invalid time, number or code.
    """

    def __init__(self) -> None:
        self._scripts: list[Script] = []
        self._lock = threading.Lock()
        self.on_release: Callable[[], None] = lambda: None
        """Called from any thread to start the runs that hang in pending; set by the runtime."""

    # --- scripts

    def fail(
        self,
        *,
        executable: str | None = None,
        message: str | Sequence[str] = DEFAULT_ERROR,
        code: int = DEFAULT_ERROR_CODE,
        component: str | None = None,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let an executable raise errors and fail; a container or package does so before its first task.

        The consequences are written too, as in a real run: the failed task, the error counts that were reached.

        :param message: the error's text, or those of several errors.
        :param code: the errors' code, as 0xC0202009 or as the signed number that the catalog shows.
            Default: 0xC002F210, a query that failed.
        :param component: of a data flow: the component that raises them. Default: its last one.
        """
        messages = (message,) if isinstance(message, str) else tuple(message)
        if not messages:
            raise ValueError("message is empty; a failure needs at least one")
        self._add(Target(folder, project, package, executable), Fail(messages, signed_code(code), component), times)

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
        """Let an executable take real time. The time of a package or container is spread over its tasks.

        :param seconds: the duration.
        """
        self._add(Target(folder, project, package, executable), Take(_duration(seconds)), times)

    def write(
        self,
        count: int = 1,
        *,
        message: str = DEFAULT_MESSAGE,
        message_type: MessageType = MessageType.INFORMATION,
        code: int | None = None,
        executable: str | None = None,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let an executable write messages: informational ones, warnings, or errors (which count as such).

        The messages of a task that takes time are spread over that time.

        :param count: the number of messages. Default: 1.
        :param message: their text.
        :param message_type: INFORMATION, WARNING or ERROR. Default: INFORMATION.
        :param code: their code, as 0x80019002 or signed. Default: none.
        """
        if count < 0:
            raise ValueError(f"the number of messages is {count}; it cannot be negative")
        if message_type not in _WRITABLE:
            raise ValueError(f"message_type is {int(message_type)}; give 70, 110 or 120")
        write = Write(message, MessageType(message_type), None if code is None else signed_code(code), count)
        self._add(Target(folder, project, package, executable), write, times)

    def warn(
        self,
        message: str,
        *,
        code: int | None = None,
        executable: str | None = None,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let an executable write a warning.

        :param message: its text.
        :param code: its code, as 0x80019002 or signed. Default: none.
        """
        self.write(
            message=message,
            message_type=MessageType.WARNING,
            code=code,
            executable=executable,
            package=package,
            project=project,
            folder=folder,
            times=times,
        )

    def crash(
        self,
        *,
        executable: str | None = None,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let the process that runs the package die at an executable: the run ends unexpectedly (status 6).

        A task dies after its duration, a container or package before its first task.
        """
        self._add(Target(folder, project, package, executable), Crash(), times)

    def hang(
        self,
        seconds: float | None = None,
        *,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let runs hang in pending (status 5), as on a server that starts their process slowly.

        :param seconds: the duration. Default: until :meth:`release`.
        """
        duration = math.inf if seconds is None else _duration(seconds)
        self._add(Target(folder, project, package), Hang(duration), times)

    def finish(
        self,
        status: OperationStatus,
        *,
        package: str | None = None,
        project: str | None = None,
        folder: str | None = None,
        times: int | None = None,
    ) -> None:
        """Let runs end in a status, regardless of their executables.

        :param status: a final status: 3, 4, 6, 7 or 9.
        """
        status = OperationStatus(status)
        if not status.is_terminal:
            raise ValueError(f"status is {int(status)}; give a final status: 3, 4, 6, 7 or 9")
        self._add(Target(folder, project, package), Finish(status), times)

    # --- removing scripts

    def release(self) -> None:
        """Start all runs that hang in pending, and remove the scripts that hold them."""
        with self._lock:
            self._scripts = [script for script in self._scripts if not isinstance(script.action, Hang)]
        self.on_release()

    def clear(self) -> None:
        """Remove all scripts; runs that hang in pending start."""
        with self._lock:
            self._scripts.clear()
        self.on_release()

    # --- taking scripts

    def draw(self, folder: str, project: str, packages: Collection[str]) -> RunScript:
        """The scripts of a run that starts now; the run is counted for scripts with ``times``.

        :param packages: the package of the run, and its child packages.
        """
        drawn = []
        left = []
        with self._lock:
            for script in self._scripts:
                if not script.target.fits_run(folder, project, packages):
                    left.append(script)
                    continue
                drawn.append(script)
                if script.times is None:
                    left.append(script)
                elif script.times > 1:
                    left.append(Script(script.target, script.action, script.times - 1))
            self._scripts = left
        return RunScript(tuple(drawn))

    def _add(self, target: Target, action: Action, times: int | None) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times is {times}; a script applies to at least one execution")
        with self._lock:
            self._scripts.append(Script(target, action, times))


def signed_code(code: int) -> int:
    """A message code as the catalog shows it, a signed number of 32 bits.

    :param code: signed, or unsigned as it is written in hexadecimal.
    :raises ValueError: it has more than 32 bits.
    """
    if not -(1 << 31) <= code < 1 << 32:
        raise ValueError(f"{code} is not a message code. Codes have 32 bits, such as 0xC0202009")
    return code - (1 << 32) if code >= 1 << 31 else code


def _duration(seconds: float) -> float:
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{seconds} is not a duration in seconds")
    return float(seconds)
