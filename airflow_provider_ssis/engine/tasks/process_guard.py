"""The parent of a program that an Execute Process task starts: it kills the program when the engine ends.

The engine can be killed at any time and kills nothing then. So it starts this file as a separate process, in a separate
session, with one end of a socket pair. The guard starts the program, reports its end, and kills the program and all
processes that it started when the engine requests it or when the engine's end of the pair closes.

On Linux, the guard is the "subreaper" of the program's processes: those that lose their parent become its children, so
that it finds them in all sessions (``prctl(2)``, ``PR_SET_CHILD_SUBREAPER``). Elsewhere it kills the
program's process group.

The file uses only modules that Python loads fast, because each task starts it.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import sys

TYPE_CHECKING = False
"""Read by type checkers only: the module ``typing`` takes long to load."""
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

KILL, RELEASE = b"k", b"r"
"""The commands of the engine: kill the processes; wait for the program without the engine."""
STARTED, NOT_STARTED, ENDED = "started", "error", "ended"
"""The lines that the guard writes: the program runs; the start failed, with errno; it ended, with its exit code."""

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def main(engine: int, waits_for_all: bool, command: list[str]) -> None:
    """Start the program and wait for its end.

    :param engine: the guard's end of the socket pair.
    :param waits_for_all: whether the guard stays, after the program's end, while processes of the program run: they
        may still write to the output that the engine reads.
    :param command: the path of the program, and its arguments.
    """
    # The program must not hold the guard's end, whose closing shows the engine that the guard has ended.
    os.set_inheritable(engine, False)
    prctl = _prctl()
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    program, error = _started(command, prctl)
    if error:
        _report(engine, f"{NOT_STARTED} {error}")
        return
    _report(engine, STARTED)
    # A service manager sends these to all processes of a service; the guard ends after the program.
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    # Only the program holds the engine's pipes now, so that both ends see when the other one closes.
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    _guard(engine, woken, program, waits_for_all)


def _guard(engine: int, woken: int, program: int, waits_for_all: bool) -> None:
    watched = [engine, woken]
    has_ended = False
    while True:
        ready, _, _ = select.select(watched, [], [])
        if engine in ready:
            request = _request(engine)
            if request != RELEASE:
                code = _kill_all(0 if has_ended else program)
                if not has_ended:
                    _report(engine, f"{ENDED} {code}")
                return
            if has_ended:
                return
            watched.remove(engine)
        if woken in ready:
            os.read(woken, 4096)
            has_ended, has_others = _reap(engine, program, has_ended)
            if has_ended and not (has_others and waits_for_all and engine in watched):
                return


def _request(engine: int) -> bytes:
    """Read a command of the engine; empty if the engine has ended."""
    try:
        return os.read(engine, 1)
    except OSError:
        # On Linux, the end of an engine that has not read a report resets the pair.
        return b""


def _started(command: list[str], prctl: Callable[[int, int], Any]) -> tuple[int, int]:
    """Start the program; returns its id, and the number of the error that prevented it or 0."""
    read, write = os.pipe()
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != guard:
                os._exit(127)
            # Python ignores these, and ignored signals stay ignored in the program.
            for name in ("SIGPIPE", "SIGXFSZ"):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
            os.execv(command[0], command)  # noqa: S606 the package names the program
        except OSError as failure:
            os.write(write, str(failure.errno or errno.EIO).encode())
        finally:
            os._exit(127)
    os.close(write)
    error = os.read(read, 16)
    os.close(read)
    return pid, int(error or 0)


def _reap(engine: int, program: int, has_ended: bool) -> tuple[bool, bool]:
    """Collect the processes that ended; returns whether the program is among them, and whether others run."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return has_ended, False
        if pid == 0:
            return has_ended, True
        if pid == program:
            has_ended = True
            _report(engine, f"{ENDED} {os.waitstatus_to_exitcode(status)}")


def _kill_all(program: int) -> int:
    """Kill the program, unless it is 0, and the processes that it started; returns its code when all have ended."""
    code = -int(signal.SIGKILL)
    if program:
        _kill(os.killpg, program)
    while True:
        # A process is the guard's child at the latest when its own parent has ended.
        for pid in _children():
            _kill(os.kill, pid)
        try:
            pid, status = os.waitpid(-1, 0)
        except ChildProcessError:
            return code
        if pid == program:
            code = os.waitstatus_to_exitcode(status)


def _kill(how: Callable[[int, int], None], pid: int) -> None:
    try:  # noqa: SIM105 contextlib takes longer to load
        how(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _children() -> list[int]:
    guard = os.getpid()
    found = []
    try:
        names = os.listdir("/proc")  # noqa: PTH208 pathlib takes longer to load
    except OSError:
        return []
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 as above
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
            if parent == guard:
                found.append(int(name))
    return found


def _report(engine: int, line: str) -> None:
    try:  # noqa: SIM105 as above
        os.write(engine, f"{line}\n".encode())
    except OSError:
        # The engine has ended.
        pass


def _prctl() -> Callable[[int, int], Any]:
    if sys.platform != "linux":
        return lambda option, value: None
    import ctypes

    return ctypes.CDLL(None).prctl


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "all", sys.argv[3:])
