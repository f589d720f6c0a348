"""How often and how fast a failed call of the catalog is repeated."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_ssis.catalog.errors import CatalogError

_SHORTEST_DELAY = 0.001


class Clock(Protocol):
    """Time, as the module ``time`` has it."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how fast a failed call is repeated, if the error is transient and a repetition is safe.

    :param timeout: seconds from the first call in which it is repeated. Default: 60; 0 for no repetition.
    :param first_delay: seconds before the second call, at most. The delay doubles with each further one, and a random
        part is taken off, so that clients do not repeat at the same time. Default: 0.5.
    :param longest_delay: upper limit of the delay, in seconds. Default: 10.
    """

    timeout: float = 60.0
    first_delay: float = 0.5
    longest_delay: float = 10.0

    def delay(self, attempt: int) -> float:
        """Seconds to wait after a call.

        :param attempt: the number of the call, the first being 1.
        """
        # The exponent is limited, because 2.0 ** 1024 is an error.
        longest = min(self.longest_delay, self.first_delay * 2.0 ** min(attempt - 1, 100))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 spreads clients over time, guards nothing

    def start(self, clock: Clock) -> Retries:
        """The repetitions of a call that begins now.

        :param clock: the clock to measure and wait with.
        """
        return Retries(self, clock)


NO_RETRY = RetryPolicy(timeout=0.0)
"""One call, no repetition."""


class Retries:
    """The repetitions of one call.

    :param policy: how long and how fast.
    :param clock: the clock to measure and wait with.
    """

    def __init__(self, policy: RetryPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._began = clock.monotonic()
        self._attempt = 0
        self.next_delay = 0.0
        """Seconds that :meth:`wait` waits."""

    def may_continue(self) -> bool:
        """Whether the call that just failed may be repeated."""
        self._attempt += 1
        remaining = self._policy.timeout - (self._clock.monotonic() - self._began)
        self.next_delay = min(self._policy.delay(self._attempt), max(remaining, 0.0))
        # Rounding can leave a remainder that is too small for a clock to advance by.
        return remaining > _SHORTEST_DELAY

    def add_to(self, error: CatalogError) -> None:
        """Add to the last error how often the call was repeated.

        :param error: the error.
        """
        if self._attempt > 1:
            error.add(f"{self._attempt} attempts in {self._clock.monotonic() - self._began:.0f} s")

    def wait(self) -> None:
        """Wait until the next call."""
        self._clock.sleep(self.next_delay)
