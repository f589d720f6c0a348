"""Processes of a benchmark that answer calls, so that the server and the client do not share an interpreter.

A process can use another environment; it needs only this folder.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

_END_SECONDS = 10.0
_ROOT = Path(__file__).parent.parent


class Service(Protocol):
    """An object that answers calls in a separate process: its public coroutines can be called."""

    async def start(self) -> Any:
        """Prepare.

        :return: facts for the caller.
        """

    async def stop(self) -> None:
        """Clean up."""


class Worker:
    """A process that runs a service while the block lasts.

    :param make: makes the service in the process; a function or class of a module.
    :param arguments: its arguments.
    :param python: the Python to run it with. Default: this one.
    """

    def __init__(self, make: Callable[..., Service], *arguments: Any, python: Path | None = None) -> None:
        self._make = make
        self._arguments = arguments
        self._python = python or Path(sys.executable)
        self.started: Any = None
        """What the service's ``start`` returned."""
        self.start_seconds = 0.0
        """Seconds from the start of the process until the service was ready."""

    def __enter__(self) -> Self:
        began = time.perf_counter()
        self._pipe, theirs = multiprocessing.Pipe()
        # Only the process may hold its end of the pipe, so that its end is noticed here.
        with theirs:
            command = [str(self._python), "-m", __name__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=_ROOT, pass_fds=[theirs.fileno()])  # noqa: S603 our own module
        try:
            self._pipe.send((self._make, self._arguments))
            self.started = self._receive()
        except BaseException:
            self._end()
            raise
        self.start_seconds = time.perf_counter() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        # The process ends when its pipe is closed.
        self._pipe.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a method of the service and wait for its result.

        :raises RuntimeError: the method raised, or the process ended.
        """
        self._pipe.send((name, arguments))
        return self._receive()

    def _receive(self) -> Any:
        try:
            succeeded, value = self._pipe.recv()
        except EOFError:
            raise RuntimeError("a process of the benchmark ended early; its error is above") from None
        if not succeeded:
            raise RuntimeError(f"a process of the benchmark failed: {value}")
        return value


async def _serve(pipe: Connection) -> None:
    make, arguments = pipe.recv()
    service: Service = make(*arguments)
    try:
        await _reply(pipe, service.start())
        while True:
            name, arguments = await asyncio.to_thread(pipe.recv)
            await _reply(pipe, getattr(service, name)(*arguments))
    except EOFError:
        return
    finally:
        await service.stop()


async def _reply(pipe: Connection, answer: Awaitable[Any]) -> None:
    try:
        value = await answer
    except Exception as error:  # noqa: BLE001 the caller gets it
        pipe.send((False, f"{type(error).__name__}: {error}"))
    else:
        pipe.send((True, value))


if __name__ == "__main__":
    asyncio.run(_serve(Connection(int(sys.argv[1]))))
