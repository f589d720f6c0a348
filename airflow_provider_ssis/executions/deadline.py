"""Times of a task: its deadline, the limit of a deferral, when it defers and when it may come back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ssis import config

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

MAX_SECONDS = 10 * 366 * 24 * 3600
"""The longest time that a task may wait. Much longer ones do not fit into a date."""

_MARGIN = 60.0


class Clock(Protocol):
    """The time. Passed in, so that tests do not wait."""

    def time(self) -> float:
        """Seconds since 1970."""

    def monotonic(self) -> float:
        """Seconds from an unknown start; never goes backwards."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


SYSTEM_CLOCK: Clock = time


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time after which a task no longer waits.

    :param at: seconds since 1970; None for no limit.
    :param clock: the time. Default: the system's.
    """

    at: float | None
    clock: Clock = field(default=SYSTEM_CLOCK, repr=False, compare=False)

    @classmethod
    def after(cls, seconds: float | None, *, start: float | None = None, clock: Clock = SYSTEM_CLOCK) -> Deadline:
        """The deadline so many seconds after a start.

        :param seconds: None for no limit.
        :param start: seconds since 1970. Default: now.
        :param clock: the time. Default: the system's.
        """
        if seconds is None:
            return cls(None, clock)
        return cls((clock.time() if start is None else start) + seconds, clock)

    def earlier(self, other: Deadline) -> Deadline:
        """The earlier of two."""
        limits = [at for at in (self.at, other.at) if at is not None]
        return Deadline(min(limits, default=None), self.clock)

    @property
    def passed(self) -> bool:
        """True from that time on."""
        return self.at is not None and self.clock.time() >= self.at

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the deadline, 0 if it has passed; None for no limit."""
        return None if self.at is None else max(0.0, self.at - self.clock.time())

    def limit(self, delay: float) -> float:
        """The delay in seconds, shortened so that it ends at the deadline."""
        left = self.seconds_left
        return delay if left is None else min(delay, left)


NO_DEADLINE = Deadline(None)


def task_deadline(context: Context, timeout: float | None, *, execution_timeout: timedelta | None = None) -> Deadline:
    """A task's deadline, counted from its start, so that a restart in between does not move it.

    :param context: the task's context.
    :param timeout: the task's own limit in seconds; None for no limit.
    :param execution_timeout: Airflow's limit for the task. Only needed where Airflow does not enforce it itself: while
        a task is deferred. Default: none.
    """
    started = getattr(context["ti"], "start_date", None)
    start = None if started is None else started.timestamp()
    deadline = Deadline.after(timeout, start=start)
    if execution_timeout is None:
        return deadline
    return deadline.earlier(Deadline.after(execution_timeout.total_seconds(), start=start))


def deferral_timeout(deadline: Deadline, poll_interval: float) -> timedelta | None:
    """The ``timeout`` for a deferral.

    It is later than the deadline of the trigger, whose event says what is known about the execution. Airflow's timeout
    says nothing; it is for a trigger that does not end by itself.

    :param deadline: the trigger's deadline.
    :param poll_interval: seconds between two polls of the trigger.
    :return: None if there is no deadline.
    """
    left = deadline.seconds_left
    return None if left is None else timedelta(seconds=left + _MARGIN + 2 * poll_interval)


@dataclass(frozen=True, slots=True)
class DeferralTimes:
    """When a task that defers or is rescheduled leaves its worker, and when it may come back.

    Airflow fails a task that comes back too soon. A worker process still exists for some seconds after its task
    has deferred or was rescheduled: its supervisor sleeps up to ``[workers] min_heartbeat_interval`` before it sees
    that the process has ended, and the scheduler reads the executor's report in its next loop. If the task is
    queued or running again by then, the scheduler takes the report for the end of the new run ("finished with state
    success, but the task instance's state attribute is queued"). Found in Airflow 2.11 to 3.3
    (``SchedulerJobRunner.process_executor_events``, ``ActivitySubprocess._monitor_subprocess``); 3.4 tolerates more
    of it, but not for rescheduled tasks.

    :param defer_after: seconds that the task waits on its worker first. Default: ``[ssis] defer_after``.
    :param resume_after: seconds after which it may come back, counted from when it left. Default:
        ``[ssis] resume_after``, longer if ``min_heartbeat_interval`` is.
    :param clock: the time. Default: the system's.
    """

    defer_after: float = field(default_factory=config.defer_after)
    resume_after: float = field(default_factory=config.resume_after)
    clock: Clock = field(default=SYSTEM_CLOCK, repr=False, compare=False)

    def leave_at(self, deadline: Deadline) -> Deadline:
        """When the task leaves its worker, if the execution is still active then.

        :param deadline: when the task stops waiting.
        :return: never, if the deadline is so near that the task could not come back in time.
        """
        left = deadline.seconds_left
        if left is not None and left < self.defer_after + self.resume_after:
            return NO_DEADLINE
        return Deadline.after(self.defer_after, clock=self.clock)

    def resume_at(self) -> datetime:
        """When a task that leaves its worker now may come back."""
        return datetime.fromtimestamp(self.clock.time() + self.resume_after, UTC)


def seconds_until_resume(deferred_at: float | None, resume_after: float, *, clock: Clock = SYSTEM_CLOCK) -> float:
    """Seconds until a deferred task may come back; 0 if it may at once.

    :param deferred_at: when it deferred, in seconds since 1970 by the worker's clock; None if that is not known.
    :param resume_after: see :class:`DeferralTimes`; as the worker has it.
    :param clock: the time. Default: the system's.
    :return: never more than ``resume_after``, in case the clocks of the machines differ.
    """
    return 0.0 if deferred_at is None else max(0.0, min(deferred_at + resume_after - clock.time(), resume_after))


def seconds(name: str, value: float | timedelta | None, *, zero: bool = True) -> float | None:
    """A duration in seconds, checked when the DAG is parsed.

    :param name: the argument's name.
    :param value: a number of seconds, or a timedelta; None if it was not given.
    :param zero: whether it may be 0. Default: True.
    :raises ValueError: it is not a duration, or out of range.
    """
    given = value.total_seconds() if isinstance(value, timedelta) else value
    check_seconds(name, given, zero=zero)
    return given


def check_seconds(name: str, value: Any, *, zero: bool = True) -> None:
    """Check an argument that is a number of seconds, when the DAG is parsed.

    :param name: the argument's name.
    :param value: the argument; None if it was not given.
    :param zero: whether it may be 0. Default: True.
    :raises ValueError: it is not a number of seconds, or out of range.
    """
    if value is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MAX_SECONDS or (value == 0 and not zero):
        least = "0 or more" if zero else "more than 0"
        raise ValueError(f"{name} is {value!r}. Give a timedelta or a number of seconds: {least}, at most ten years.")
