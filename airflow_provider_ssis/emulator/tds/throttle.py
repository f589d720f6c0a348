"""Slows down clients that try passwords.

Only refusals wait: a login with the right password is answered at once, and other addresses notice nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

_FREE: Final = 3
_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 5.0
_LOGINS_AT_ONCE: Final = 6
_FORGOTTEN_AFTER: Final = 60.0
_MOST_ADDRESSES: Final = 10_000


@dataclass(slots=True)
class _Address:
    """The wrong passwords of one address.

    :param last_answer: when the last of its refusals is due, on the throttle's clock.
    :param slots: the logins that may be checked at once. Without this bound, an address could try passwords on many
        connections, and the right one would be answered before the refusals.
    """

    last_answer: float
    wrong: int = 0
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LOGINS_AT_ONCE))


class LoginThrottle:
    """Delays the refusals of logins, for each address separately.

    The first three wrong passwords of an address are refused at once. After that the time between two refusals doubles
    from 0.1 s to 5 s, however many connections the address uses. An address that gives no wrong password for a minute
    starts again.

    :param clock: seconds that never go back.
    :param sleep: waits some seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    @asynccontextmanager
    async def attempt(self, address: str) -> AsyncIterator[None]:
        """Check one login inside the block. An address with wrong passwords has a bounded number of them at once."""
        known = self._addresses.get(address)
        if known is None:
            yield
            return
        async with known.slots:
            yield

    async def delay_refusal(self, address: str) -> None:
        """Count a wrong password, and wait until the client may get its refusal."""
        now = self._clock()
        known = self._addresses.get(address)
        if known is None or now - known.last_answer > _FORGOTTEN_AFTER:
            known = self._addresses[address] = _Address(now)
        self._addresses.move_to_end(address)
        if len(self._addresses) > _MOST_ADDRESSES:
            self._addresses.popitem(last=False)
        known.wrong += 1
        if known.wrong <= _FREE:
            known.last_answer = now
            return
        delay = min(_FIRST_DELAY * 2 ** min(known.wrong - _FREE - 1, 16), _LONGEST_DELAY)
        known.last_answer = max(now, known.last_answer) + delay
        await self._sleep(known.last_answer - now)

    def clear(self) -> None:
        """Forget all addresses."""
        self._addresses.clear()
