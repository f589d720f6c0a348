"""Application locks: ``sp_getapplock`` and ``sp_releaseapplock``."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final


class LockResult(IntEnum):
    """The return status of ``sp_getapplock``."""

    GRANTED = 0
    GRANTED_AFTER_WAITING = 1
    TIMED_OUT = -1
    CANCELLED = -2
    FAILED = -999


SHARED_MODES: Final = frozenset({"Shared", "IntentShared", "IntentExclusive"})
MODES: Final = SHARED_MODES | {"Update", "Exclusive"}


@dataclass(slots=True)
class _Held:
    owner: int
    mode: str
    of_transaction: bool
    count: int = 1


@dataclass(slots=True)
class _Waiter:
    owner: int
    mode: str
    of_transaction: bool
    granted: asyncio.Future[None]


@dataclass(slots=True)
class _Lock:
    held: list[_Held] = field(default_factory=list)
    waiting: deque[_Waiter] = field(default_factory=deque)


class ApplicationLocks:
    """The application locks of a server, by name; first come, first served."""

    def __init__(self) -> None:
        self._locks: dict[str, _Lock] = {}

    async def acquire(
        self, resource: str, owner: int, mode: str, *, of_transaction: bool, seconds: float | None
    ) -> LockResult:
        """Take a lock.

        :param owner: the session's number.
        :param of_transaction: it is given back at the end of the transaction, not of the session.
        :param seconds: time to wait; None waits for ever.
        """
        lock = self._locks.setdefault(resource, _Lock())
        if not lock.waiting and _compatible(lock, owner, mode):
            _grant(lock, owner, mode, of_transaction)
            return LockResult.GRANTED
        if seconds == 0:
            return LockResult.TIMED_OUT
        waiter = _Waiter(owner, mode, of_transaction, asyncio.get_running_loop().create_future())
        lock.waiting.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter.granted
        except TimeoutError:
            if not waiter.granted.done() or waiter.granted.cancelled():
                return LockResult.TIMED_OUT
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self.release(resource, owner, of_transaction=of_transaction)
            raise
        finally:
            if waiter in lock.waiting:
                lock.waiting.remove(waiter)
                self._wake(resource)
        return LockResult.GRANTED_AFTER_WAITING

    def release(self, resource: str, owner: int, *, of_transaction: bool) -> bool:
        """Give a lock back.

        :returns: False when this owner does not hold it.
        """
        lock = self._locks.get(resource)
        held = (
            next((h for h in lock.held if h.owner == owner and h.of_transaction == of_transaction), None)
            if lock
            else None
        )
        if lock is None or held is None:
            return False
        held.count -= 1
        if held.count == 0:
            lock.held.remove(held)
            self._wake(resource)
        return True

    def release_all(self, owner: int, *, of_transaction: bool | None = None) -> None:
        """Give back all locks of a session: those of its transaction, of itself, or (None) both."""
        for resource, lock in list(self._locks.items()):
            lock.held = [
                held
                for held in lock.held
                if held.owner != owner or (of_transaction is not None and held.of_transaction != of_transaction)
            ]
            self._wake(resource)

    def mode(self, resource: str, owner: int) -> str:
        """``APPLOCK_MODE``: the mode in which the owner holds the lock, or ``NoLock``."""
        lock = self._locks.get(resource)
        return next((held.mode for held in lock.held if held.owner == owner), "NoLock") if lock else "NoLock"

    def _wake(self, resource: str) -> None:
        lock = self._locks[resource]
        while lock.waiting and _compatible(lock, lock.waiting[0].owner, lock.waiting[0].mode):
            waiter = lock.waiting.popleft()
            if not waiter.granted.done():
                # Granted here and now, not when the waiter runs: nobody can come between.
                _grant(lock, waiter.owner, waiter.mode, waiter.of_transaction)
                waiter.granted.set_result(None)
        if not lock.held and not lock.waiting:
            self._locks.pop(resource, None)


def _compatible(lock: _Lock, owner: int, mode: str) -> bool:
    others = [held.mode for held in lock.held if held.owner != owner]
    return not others or (mode in SHARED_MODES and all(other in SHARED_MODES for other in others))


def _grant(lock: _Lock, owner: int, mode: str, of_transaction: bool) -> None:
    for held in lock.held:
        if held.owner == owner and held.of_transaction == of_transaction:
            held.count += 1
            if mode == "Exclusive":
                held.mode = mode
            return
    lock.held.append(_Held(owner, mode, of_transaction))
