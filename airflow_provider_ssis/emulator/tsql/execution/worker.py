"""Runs the queries of a session in a thread, so that no query blocks the other sessions.

All other state belongs to the event loop: sessions, locks, transactions. A session does nothing while its query
runs, so the two never touch its state at the same time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Final, TypeVar

import duckdb

Result = TypeVar("Result")

_SECONDS_BETWEEN_INTERRUPTS: Final = 0.02
_SECONDS_BETWEEN_PAUSES: Final = 0.02
_PAUSE_SECONDS: Final = 0.001


class Worker:
    """Runs the queries of one session, one at a time.

    :param pool: the threads of the server.
    :param connection: a DuckDB connection of the session.
    """

    def __init__(self, pool: Executor, connection: duckdb.DuckDBPyConnection) -> None:
        self._pool = pool
        self._connections = [connection]
        self._cancelled = threading.Event()
        self.note_wait()

    def add(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Interrupt the queries of another connection too."""
        self._connections.append(connection)

    def is_cancelled(self) -> bool:
        """Whether the query that runs now is to stop."""
        return self._cancelled.is_set()

    def interrupt(self) -> None:
        """Stop the query that runs now, from any thread: it fails with error 3617."""
        self._cancelled.set()
        for connection in self._connections:
            connection.interrupt()

    async def run(self, action: Callable[[], Result]) -> Result:
        """Run an action in a thread.

        A cancelled caller gets its ``CancelledError`` when the action has stopped, not before: until then it uses the
        session's connection.
        """
        self._cancelled.clear()
        future = asyncio.get_running_loop().run_in_executor(self._pool, action)
        try:
            result = await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                # Again and again: DuckDB forgets an interrupt that comes just before its query begins.
                self.interrupt()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future], timeout=_SECONDS_BETWEEN_INTERRUPTS)
            if not future.cancelled():
                future.exception()  # The caller is cancelled, and asyncio warns of exceptions that nothing reads.
            raise
        self.note_wait()
        return result

    def note_wait(self) -> None:
        """Note that the session has just waited: for its client, or for a thread. The event loop was free meanwhile."""
        self._waited = time.monotonic()

    async def pause(self) -> None:
        """Let other sessions run if this one has not waited for a while.

        It sleeps, because a loop that only yields kept threads with queries of other sessions waiting for up to a
        minute.
        """
        if time.monotonic() - self._waited > _SECONDS_BETWEEN_PAUSES:
            await asyncio.sleep(_PAUSE_SECONDS)
            self.note_wait()
