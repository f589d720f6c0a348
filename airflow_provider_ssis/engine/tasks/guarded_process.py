"""A program that ends with the engine, however the engine ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from airflow_provider_ssis.engine.tasks import process_guard


class GuardedProcess:
    """A program that a :mod:`~airflow_provider_ssis.engine.tasks.process_guard` starts and kills.

    :param command: the path of the program, and its arguments.
    :param folder: its working folder; None for that of this process.
    :param redirected: standard input, output and error: ``PIPE`` or ``DEVNULL`` of :mod:`subprocess`.
    :raises OSError: the program cannot be started.
    """

    def __init__(self, command: list[str], folder: Path | None, redirected: tuple[int, int, int]) -> None:
        self._engine, guard = socket.socketpair()
        reads_output = subprocess.PIPE in redirected[1:]
        arguments = [str(guard.fileno()), "all" if reads_output else "program", *command]
        try:
            with guard:
                self._guard = subprocess.Popen(  # noqa: S603 the package names the program; that is what the task is for
                    [sys.executable, "-I", "-S", process_guard.__file__, *arguments],
                    cwd=folder,
                    stdin=redirected[0],
                    stdout=redirected[1],
                    stderr=redirected[2],
                    pass_fds=[guard.fileno()],
                    start_new_session=True,
                )
        except BaseException:
            self._engine.close()
            raise
        self._reports = b""
        self._is_released = False
        while not self._reports.endswith(b"\n") and self._receive():
            pass
        if not self._reports.startswith(process_guard.STARTED.encode()):
            self.close()
            error = int(self._reports.split()[1]) if self._reports else 0
            raise OSError(error, os.strerror(error) if error else "its guard process ended unexpectedly")

    @property
    def pid(self) -> int:
        """The id of the guard, whose child the program is."""
        return self._guard.pid

    def communicate(self, given: bytes | None, seconds: float) -> tuple[bytes, bytes]:
        """Write the standard input, and return output and errors when the program has ended and both are complete.

        :param given: the input of the program; only for the first call.
        :param seconds: the longest time.
        :raises subprocess.TimeoutExpired: the program still runs. Call it again, without the input.
        """
        try:
            output, errors = self._guard.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            if not (self._is_complete() and self._has_ended()):
                raise
            # Processes that the program started live longer than it and do not write to its output.
            self.release()
            output, errors = self._guard.communicate()
        return output or b"", errors or b""

    def _is_complete(self) -> bool:
        pipes = [pipe for pipe in (self._guard.stdout, self._guard.stderr) if pipe is not None]
        return bool(pipes) and all(pipe.closed for pipe in pipes)

    def _has_ended(self) -> bool:
        with suppress(BlockingIOError):
            self._receive(socket.MSG_DONTWAIT)
        return process_guard.ENDED.encode() in self._reports

    def _receive(self, flags: int = 0) -> bool:
        try:
            received = self._engine.recv(64, flags)
        except ConnectionResetError:
            return False
        self._reports += received
        return bool(received)

    def exit_code(self) -> int:
        """Return the exit code of the program, which has ended; that of a signal is negative."""
        while self._receive():
            pass
        _, ended, code = self._reports.decode().partition(process_guard.ENDED)
        # A guard that was killed reports nothing; the system has killed its program then.
        return int(code) if ended else -int(signal.SIGKILL)

    def kill(self) -> None:
        """Kill the program and the processes that it started; returns at once."""
        with suppress(OSError):
            self._engine.send(process_guard.KILL)

    def release(self) -> None:
        """Let the program and the processes that it started run on without the engine."""
        self._is_released = True
        with suppress(OSError):
            self._engine.send(process_guard.RELEASE)

    def close(self) -> None:
        """Kill what still runs and was not released, and wait for its end."""
        if not self._is_released:
            self.kill()
            self._guard.wait()
        for file in (self._guard.stdin, self._guard.stdout, self._guard.stderr):
            if file is not None:
                with suppress(OSError):
                    file.close()
        self._engine.close()
