"""Application locks: ``sp_getapplock`` and ``sp_releaseapplock``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final


class LockResult(IntEnum):
    """The return status of ``sp_getapplock``."""

    GRANTED = 0
    GRANTED_AFTER_WAITING = 1
    TIMED_OUT = -1
    CANCELLED = -2
    DEADLOCK = -3
    FAILED = -999


COMPATIBLE: Final[dict[str, frozenset[str]]] = {
    "IntentShared": frozenset({"IntentShared", "Shared", "Update", "IntentExclusive"}),
    "Shared": frozenset({"IntentShared", "Shared", "Update"}),
    "Update": frozenset({"IntentShared", "Shared"}),
    "IntentExclusive": frozenset({"IntentShared", "IntentExclusive"}),
    "Exclusive": frozenset(),
}
"""The modes, and with which modes of others each goes together."""

NO_LOCK: Final = "NoLock"
_STRENGTH: Final = ("IntentShared", "Shared", "Update", "IntentExclusive", "Exclusive")
_TOGETHER: Final = {
    frozenset({"Shared", "IntentExclusive"}): "SharedIntentExclusive",
    frozenset({"Update", "IntentExclusive"}): "UpdateIntentExclusive",
}


@dataclass(slots=True, eq=False)
class _Hold:
    """A lock held once."""

    owner: int
    mode: str
    of_transaction: bool


@dataclass(slots=True, eq=False)
class _Wait:
    hold: _Hold
    granted: asyncio.Future[None]


@dataclass(slots=True)
class _Lock:
    held: list[_Hold] = field(default_factory=list)
    waiting: deque[_Wait] = field(default_factory=deque)

    def is_free_for(self, hold: _Hold) -> bool:
        """Whether no other session blocks a hold."""
        return next(self.blockers(hold), None) is None

    def blockers(self, hold: _Hold) -> Iterator[int]:
        """The owners that block a hold."""
        for other in self.held:
            if other.owner != hold.owner and other.mode not in COMPATIBLE[hold.mode]:
                yield other.owner
        if any(other.owner == hold.owner for other in self.held):
            return  # A session that holds the lock gets it again before waiting sessions.
        for wait in self.waiting:
            if wait.hold is hold:
                return
            yield wait.hold.owner


Timeout = Callable[[float | None], AbstractAsyncContextManager[object]]

LOCK_OWNERS: Final = ("session", "transaction")


def lock_name(database: str, principal: Any, resource: Any) -> str:
    """The name under which a server keeps a lock."""
    return f"{database.lower()}:{str(principal).lower()}:{resource}"


def lock_mode(text: Any) -> str | None:
    """The lock mode of this name in any case, or None."""
    return next((mode for mode in COMPATIBLE if mode.lower() == str(text).lower()), None)


class ApplicationLocks:
    """The application locks of a server, by name; first come, first served.

    :param timeout: limits a wait to some seconds. Default: the event loop's clock.
    """

    def __init__(self, timeout: Timeout = asyncio.timeout) -> None:
        self._timeout = timeout
        self._locks: dict[str, _Lock] = {}

    async def acquire(
        self, resource: str, owner: int, mode: str, *, of_transaction: bool, seconds: float | None
    ) -> LockResult:
        """Take a lock.

        :param owner: the session's number.
        :param mode: one of :data:`COMPATIBLE`.
        :param of_transaction: it is released at the end of the transaction, not of the session.
        :param seconds: the time to wait; None waits without a limit.
        """
        lock = self._locks.setdefault(resource, _Lock())
        hold = _Hold(owner, mode, of_transaction)
        if lock.is_free_for(hold):
            lock.held.append(hold)
            return LockResult.GRANTED
        if seconds == 0:
            return LockResult.TIMED_OUT
        wait = _Wait(hold, asyncio.get_running_loop().create_future())
        lock.waiting.append(wait)
        try:
            if self._waits_for_itself(owner):
                return LockResult.DEADLOCK
            async with self._timeout(seconds):
                await wait.granted
        except TimeoutError:
            if hold not in lock.held:
                return LockResult.TIMED_OUT
        except asyncio.CancelledError:
            if hold in lock.held:
                lock.held.remove(hold)
            raise
        finally:
            if wait in lock.waiting:
                lock.waiting.remove(wait)
            self._wake(resource)
        return LockResult.GRANTED_AFTER_WAITING

    def release(self, resource: str, owner: int, *, of_transaction: bool) -> bool:
        """Release a lock that was taken once.

        :returns: False when this owner does not hold it.
        """
        lock = self._locks.get(resource, _Lock())
        for hold in reversed(lock.held):
            if hold.owner == owner and hold.of_transaction == of_transaction:
                lock.held.remove(hold)
                self._wake(resource)
                return True
        return False

    def release_all(self, owner: int, *, of_transaction: bool | None = None) -> None:
        """Release all locks of a session: those of its transaction, those of the session, or (None) both."""
        for resource, lock in list(self._locks.items()):
            lock.held = [
                hold for hold in lock.held if hold.owner != owner or of_transaction not in (None, hold.of_transaction)
            ]
            self._wake(resource)

    def mode(self, resource: str, owner: int, *, of_transaction: bool) -> str:
        """``APPLOCK_MODE``: the mode in which the owner holds the lock, or ``NoLock``."""
        lock = self._locks.get(resource, _Lock())
        modes = {hold.mode for hold in lock.held if hold.owner == owner and hold.of_transaction == of_transaction}
        if "Exclusive" not in modes:
            for together, name in _TOGETHER.items():
                if together <= modes:
                    return name
        return max(modes, key=_STRENGTH.index, default=NO_LOCK)

    def is_free(self, resource: str, owner: int, mode: str) -> bool:
        """``APPLOCK_TEST``: whether the owner would get the lock at once."""
        lock = self._locks.get(resource, _Lock())
        return lock.is_free_for(_Hold(owner, mode, of_transaction=False))

    def _waits_for_itself(self, owner: int) -> bool:
        """Whether all those in the owner's way wait, at last, for the owner."""
        seen: set[int] = set()
        pending = list(self._blockers_of(owner))
        while pending:
            other = pending.pop()
            if other == owner:
                return True
            if other not in seen:
                seen.add(other)
                pending += self._blockers_of(other)
        return False

    def _blockers_of(self, owner: int) -> Iterator[int]:
        for lock in self._locks.values():
            for wait in lock.waiting:
                if wait.hold.owner == owner:
                    yield from lock.blockers(wait.hold)

    def _wake(self, resource: str) -> None:
        lock = self._locks.get(resource)
        if lock is None:
            return
        for wait in list(lock.waiting):
            if not wait.granted.done() and lock.is_free_for(wait.hold):
                # Granted at once, not when the waiter runs, so that no other session can take the lock first.
                lock.waiting.remove(wait)
                lock.held.append(wait.hold)
                wait.granted.set_result(None)
        if not lock.held and not lock.waiting:
            del self._locks[resource]
