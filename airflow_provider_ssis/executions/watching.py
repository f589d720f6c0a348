"""Watching an execution: when to look, and what a look means. Shared by those who poll and those who defer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import OperationStatus

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.models import ExecutionState

SHORTEST_DELAY = 0.2
_YOUNG = 0.2
_OLD = 1 / 360
_LOOKS_MISSED = 3


class Verdict(Enum):
    """Why the watch is over."""

    OVER = "over"
    """The execution has ended, however it did."""
    TIMEOUT = "timeout"
    """The deadline has passed."""
    STUCK_PENDING = "stuck_pending"
    """The server has not begun to run it for too long."""
    GONE = "gone"
    """The catalog shows no such execution."""
    OUT_OF_SIGHT = "out_of_sight"
    """The catalog could not be read for too long."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time until which to wait.

    :param at: seconds since 1970; None for no limit.
    """

    at: float | None

    @classmethod
    def after(cls, seconds: float | None, *, start: float | None = None) -> Deadline:
        """So many seconds from now, or from a start; None for no limit."""
        return cls(None if seconds is None else (time.time() if start is None else start) + seconds)

    def or_sooner(self, other: Deadline) -> Deadline:
        """The sooner of two."""
        limits = [at for at in (self.at, other.at) if at is not None]
        return Deadline(min(limits, default=None))

    @property
    def passed(self) -> bool:
        """True from that time on."""
        return self.at is not None and time.time() >= self.at

    @property
    def seconds_left(self) -> float | None:
        """Seconds until then, 0 when it has passed; None for no limit."""
        return None if self.at is None else max(0.0, self.at - time.time())

    def limit(self, delay: float) -> float:
        """A delay in seconds, cut off at the deadline."""
        left = self.seconds_left
        return delay if left is None else min(delay, left)


NO_DEADLINE = Deadline(None)


@dataclass(slots=True)
class Watch:
    """What is known of an execution that somebody waits for.

    :param execution_id: the execution.
    :param poll_interval: seconds between two looks, in the long run.
    :param longest_poll_interval: seconds that the interval grows to for executions that run for hours.
    :param deadline: when to give up.
    :param pending_timeout: seconds that the execution may be pending; None for no limit.
    """

    execution_id: int
    poll_interval: float
    longest_poll_interval: float
    deadline: Deadline
    pending_timeout: float | None = None
    _missed: int = field(default=0, init=False)

    def judge(self, state: ExecutionState | None) -> Verdict | None:
        """What a look means.

        :param state: what was seen; None if there is no such execution.
        :return: why the watch is over; None if it goes on.
        """
        if state is None:
            # After a failover the catalog may for a moment be that of some seconds ago.
            self._missed += 1
            return Verdict.GONE if self._missed >= _LOOKS_MISSED else None
        self._missed = 0
        if state.status.is_terminal:
            return Verdict.OVER
        if self.deadline.passed:
            return Verdict.TIMEOUT
        pending = state.status is OperationStatus.PENDING
        if pending and self.pending_timeout is not None and (state.age or 0) >= self.pending_timeout:
            return Verdict.STUCK_PENDING
        return None

    def delay(self, age: float) -> float:
        """Seconds until the next look: soon after the start, less often after an hour and more.

        :param age: seconds since the execution was started.
        """
        slow = max(self.poll_interval, min(self.longest_poll_interval, age * _OLD))
        return self.deadline.limit(min(max(SHORTEST_DELAY, age * _YOUNG), slow))
