"""Locks on the tables of clients' databases: one transaction at a time changes a table; readers never wait.

A transaction keeps its locks until it ends. Two transactions that wait for each other are a deadlock: the one that
would close the circle gets error 1205.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

Owner = object
"""The transactions of a session."""


class TableLocks:
    """The locks of a server, by the names of the DuckDB tables."""

    def __init__(self) -> None:
        self._holders: dict[str, Owner] = {}
        self._waiting: dict[Owner, str] = {}
        self._released: list[asyncio.Event] = []

    async def acquire(self, names: Iterable[str], owner: Owner, seconds: float | None) -> None:
        """Lock tables, one after the other.

        :param owner: whose locks they are; it may have some of them already.
        :param seconds: the time to wait, from SET LOCK_TIMEOUT; None waits without a limit.
        :raises SqlError: 1205, a deadlock; 1222, the time is over.
        """
        for name in sorted(set(names)):
            if not self._is_free(name, owner):
                await self._wait(name, owner, seconds)
            self._holders[name] = owner

    def release(self, owner: Owner) -> None:
        """Release all locks of an owner."""
        for name in [name for name, holder in self._holders.items() if holder is owner]:
            del self._holders[name]
        for event in self._released:
            event.set()

    def any_in(self, prefix: str) -> bool:
        """Whether a table is locked whose name begins so."""
        return any(name.startswith(prefix) for name in self._holders)

    def _is_free(self, name: str, owner: Owner) -> bool:
        return self._holders.get(name, owner) is owner

    async def _wait(self, name: str, owner: Owner, seconds: float | None) -> None:
        self._waiting[owner] = name
        released = asyncio.Event()
        self._released.append(released)
        try:
            async with asyncio.timeout(seconds):
                while not self._is_free(name, owner):
                    if self._closes_circle(owner):
                        raise _deadlock()
                    released.clear()
                    await released.wait()
        except TimeoutError:
            text = "Lock request time out period exceeded (SET LOCK_TIMEOUT)."
            raise SqlError(1222, text, state=51) from None
        finally:
            self._released.remove(released)
            del self._waiting[owner]

    def _closes_circle(self, owner: Owner) -> bool:
        """Whether the holder of the lock waits, through others, for this owner."""
        each = owner
        while (name := self._waiting.get(each)) is not None:
            holder = self._holders.get(name)
            if holder is None or holder is owner:
                return holder is owner
            each = holder
        return False


def _deadlock() -> SqlError:
    text = "The transaction was deadlocked on locks with another transaction, and was rolled back. Run it again."
    return SqlError(1205, text, severity=13, state=51)
