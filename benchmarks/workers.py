"""Processes of a benchmark that answer calls: the server and the client must not share a processor's time unseen."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Protocol, Self

_END_SECONDS = 10.0


class Service(Protocol):
    """What answers calls in a process of its own: all its public coroutines may be called."""

    async def start(self) -> Any:
        """Get ready.

        :return: what the caller must know.
        """

    async def stop(self) -> None:
        """Clean up."""


class Worker:
    """A process that runs a service, for the time of a block.

    :param make: makes the service, in the process; a module's function or class.
    :param arguments: its arguments.
    """

    def __init__(self, make: Callable[..., Service], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self._theirs = theirs
        self.started: Any = None
        """What the service's ``start`` returned."""
        self.start_seconds = 0.0
        """Time from the start of the process until the service was ready."""

    def __enter__(self) -> Self:
        began = time.perf_counter()
        self._process.start()
        # Else the end of the process would not be seen here.
        self._theirs.close()
        self.started = self._receive()
        self.start_seconds = time.perf_counter() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._process.is_alive():
                self._pipe.send(None)
            self._process.join(_END_SECONDS)
        finally:
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._pipe.close()

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


def _serve(pipe: Connection, make: Callable[..., Service], arguments: tuple[Any, ...]) -> None:
    asyncio.run(_answer(pipe, make(*arguments)))


async def _answer(pipe: Connection, service: Service) -> None:
    try:
        await _reply(pipe, service.start())
        while (call := await asyncio.to_thread(pipe.recv)) is not None:
            name, arguments = call
            await _reply(pipe, getattr(service, name)(*arguments))
    except EOFError:
        # The benchmark itself was ended.
        return
    finally:
        await service.stop()


async def _reply(pipe: Connection, answer: Awaitable[Any]) -> None:
    try:
        value = await answer
    except Exception as error:  # noqa: BLE001 whatever it is goes to the caller
        pipe.send((False, f"{type(error).__name__}: {error}"))
    else:
        pipe.send((True, value))
