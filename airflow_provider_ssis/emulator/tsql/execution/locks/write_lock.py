"""The write lock: one session at a time changes the permanent tables.

A session keeps the lock until its transaction ends. A client that leaves its transaction open and sends nothing more
would stop all other writers, so its transaction is rolled back when another session waits: the client gets error 1205.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_CHECKS: Final = 0.1


class Holder(Protocol):
    """The transactions of a session that holds the lock."""

    @property
    def idle_seconds(self) -> float | None:
        """The seconds since the session's last request ended; None while one runs."""

    def give_up(self) -> None:
        """Roll the transaction back, which releases the lock."""


class WriteLock:
    """The write lock of a server; first come, first served.

    :param idle_seconds: the time after which an idle transaction is rolled back in favour of a waiting session.
    """

    def __init__(self, idle_seconds: float) -> None:
        self._lock = asyncio.Lock()
        self._idle_seconds = idle_seconds
        self._holder: Holder | None = None

    async def acquire(self, seconds: float | None, holder: Holder | None = None) -> None:
        """Take the lock.

        :param seconds: the time to wait, from SET LOCK_TIMEOUT; None waits without a limit.
        :param holder: the session's transactions, for a lock that is kept between requests.
        :raises SqlError: 1222, the time is over.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._acquire()
        except TimeoutError:
            raise SqlError(1222, "Lock request time out period exceeded (SET LOCK_TIMEOUT).", state=51) from None
        self._holder = holder

    async def _acquire(self) -> None:
        waiting = asyncio.ensure_future(self._lock.acquire())
        try:
            while not waiting.done():
                await asyncio.wait([waiting], timeout=_SECONDS_BETWEEN_CHECKS)
                if not waiting.done():
                    self.roll_back_idle()
        except BaseException:
            if not waiting.cancel():
                self._lock.release()
            raise

    def release(self) -> None:
        """Release the lock."""
        self._holder = None
        self._lock.release()

    def roll_back_idle(self) -> None:
        """Roll the holder's transaction back if it has been idle for too long."""
        holder = self._holder
        idle = None if holder is None else holder.idle_seconds
        if holder is not None and idle is not None and idle >= self._idle_seconds:
            log.warning("rolled back a transaction that was idle for %.0f s: another session waits for it", idle)
            holder.give_up()
