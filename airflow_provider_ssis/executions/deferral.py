"""When a task leaves its worker, and when it may come back.

Airflow fails a task that comes back too soon. A worker process is still there for some seconds after its task has
deferred or was rescheduled: its supervisor sleeps up to ``[workers] min_heartbeat_interval`` before it sees that the
process has ended, and the scheduler reads the executor's report in its next loop. If the task is queued or running
again by then, the scheduler takes the report for the end of the new run ("finished with state success, but the task
instance's state attribute is queued"). Found in Airflow 2.11 to 3.3 (``SchedulerJobRunner.process_executor_events``,
``ActivitySubprocess._monitor_subprocess``); 3.4 tolerates more of it, but not for rescheduled tasks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_provider_ssis import config
from airflow_provider_ssis.executions.deadline import NO_DEADLINE, SYSTEM_CLOCK, Clock, Deadline


@dataclass(frozen=True, slots=True)
class DeferralTimes:
    """The times of one task that may defer or be rescheduled.

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
