"""Runs the queries of a session in a thread, so that no query holds up the other sessions.

The event loop is the home of everything else: sessions, locks, transactions. A session does nothing while its query
runs, so the two never touch its state at the same time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Final, TypeVar

import duckdb

Result = TypeVar("Result")

_SECONDS_BETWEEN_INTERRUPTS: Final = 0.02


class Worker:
    """Runs the queries of one session, one at a time.

    :param pool: the threads of the server.
    :param connection: a DuckDB connection of the session.
    """

    def __init__(self, pool: Executor, connection: duckdb.DuckDBPyConnection) -> None:
        self._pool = pool
        self._connections = [connection]
        self._cancelled = threading.Event()

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

    async def pause(self) -> None:
        """Leave room for other sessions between the statements of a long batch."""
        # A loop that only yields kept threads with queries of other sessions waiting for up to a minute.
        await asyncio.sleep(0.001)

    async def run(self, action: Callable[[], Result]) -> Result:
        """Run an action in a thread.

        A cancelled caller gets its ``CancelledError`` when the action has stopped, not before: until then it uses the
        session's connection.
        """
        self._cancelled.clear()
        future = asyncio.get_running_loop().run_in_executor(self._pool, action)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                # Again and again: DuckDB forgets an interrupt that comes just before its query begins.
                self.interrupt()
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future], timeout=_SECONDS_BETWEEN_INTERRUPTS)
            if not future.cancelled():
                future.exception()  # The caller is cancelled, and asyncio warns of exceptions that nothing reads.
            raise
