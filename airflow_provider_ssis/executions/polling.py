"""Polling an execution until it has ended: how often, what a poll means, and the loop of a task on a worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.executions.deadline import NO_DEADLINE, SYSTEM_CLOCK, Deadline
from airflow_provider_ssis.executions.outage import retry_during_outage
from airflow_provider_ssis.executions.outcome import not_found_error, not_started_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Execution, ExecutionState
    from airflow_provider_ssis.catalog.requests import PackageWatch
    from airflow_provider_ssis.executions.deadline import Clock
    from airflow_provider_ssis.executions.message_log import TaskLog
    from airflow_provider_ssis.executions.outage import OutageTolerance

MIN_DELAY = 0.2
"""The shortest time between two polls, in seconds."""

START_WARNING = 60.0
"""Seconds after the creation of an execution from which on a warning says that nothing has started it."""

_MISSES_BEFORE_NOT_FOUND = 3


class WaitResult(Enum):
    """Why a wait for an execution ended."""

    TERMINAL = "terminal"
    """The execution has ended, with any status."""
    TIMED_OUT = "timed_out"
    """The deadline has passed."""
    STUCK_PENDING = "stuck_pending"
    """The execution has been pending longer than ``pending_timeout``."""
    NOT_STARTED = "not_started"
    """The execution was created and has not been started within ``start_timeout``."""
    NOT_FOUND = "not_found"
    """The catalog does not show the execution."""
    STILL_ACTIVE = "still_active"
    """It is time for the task to leave its worker. Never the result of a wait in the triggerer."""
    UNREACHABLE = "unreachable"
    """The catalog could not be read for longer than ``outage_timeout``."""


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """How often to poll: often at first, then every ``interval`` seconds, less often after hours.

    :param interval: seconds between two polls during the first hour.
    :param longest_interval: seconds between two polls after six hours. Default: as ``interval``.
    """

    interval: float
    longest_interval: float = 0.0

    def delay(self, age: float) -> float:
        """Seconds until the next poll: a fifth of the age at first, so that a short run is not seen late.

        :param age: seconds since the execution was started, or since the wait began.
        """
        longest = max(self.interval, min(self.longest_interval, age / 360))
        return min(max(MIN_DELAY, age / 5), longest)


def is_long_created(state: ExecutionState | None, *, earlier: float = 0.0) -> bool:
    """Whether an execution was created :data:`START_WARNING` seconds ago and nothing has started it.

    :param state: what the poll returned.
    :param earlier: whether that was so already this number of seconds before the poll. Default: 0, at the poll.
    """
    age = 0.0 if state is None else float(state.age or 0)
    return state is not None and state.status is OperationStatus.CREATED and age - earlier >= START_WARNING


@dataclass(slots=True)
class ExecutionWait:
    """One wait for an execution.

    :param execution_id: the execution.
    :param schedule: how often to poll.
    :param deadline: when to stop waiting.
    :param pending_timeout: seconds that the execution may be pending. Default: no limit.
    :param leave_at: when to end the wait although the execution is still active, so that the task can defer. Default:
        never.
    :param start_timeout: seconds after its creation in which the execution must be started. Default: no limit.
    """

    execution_id: int
    schedule: PollSchedule
    deadline: Deadline
    pending_timeout: float | None = None
    leave_at: Deadline = NO_DEADLINE
    start_timeout: float | None = None
    _misses: int = field(default=0, init=False)
    _has_warned: bool = field(default=False, init=False)

    def check(self, state: ExecutionState | None) -> WaitResult | None:
        """Whether the wait has ended.

        :param state: what the poll returned; None if the catalog does not show the execution.
        :return: None if the wait continues.
        """
        if state is None:
            # For a moment after a failover, the new primary may lack the last seconds.
            self._misses += 1
            return WaitResult.NOT_FOUND if self._misses >= _MISSES_BEFORE_NOT_FOUND else None
        self._misses = 0
        if state.status.is_terminal:
            return WaitResult.TERMINAL
        if self.deadline.passed:
            return WaitResult.TIMED_OUT
        is_pending = state.status is OperationStatus.PENDING
        if is_pending and self.pending_timeout is not None and (state.age or 0) >= self.pending_timeout:
            return WaitResult.STUCK_PENDING
        is_created = state.status is OperationStatus.CREATED
        if is_created and self.start_timeout is not None and (state.age or 0) >= self.start_timeout:
            return WaitResult.NOT_STARTED
        return WaitResult.STILL_ACTIVE if self.leave_at.passed else None

    def needs_warning(self, state: ExecutionState | None) -> bool:
        """Whether to warn now that nothing has started the execution: once, :data:`START_WARNING` after its creation.

        :param state: what the poll returned.
        """
        if self._has_warned or not is_long_created(state):
            return False
        self._has_warned = True
        return True

    def delay(self, state: ExecutionState | None) -> float:
        """Seconds until the next poll.

        :param state: what the last poll returned.
        """
        age = 0.0 if state is None else float(state.age or 0)
        return self.leave_at.limit(self.deadline.limit(self.schedule.delay(age)))


@dataclass(slots=True)
class PackageWait:
    """One wait until a package has succeeded, whichever client runs it.

    :param watch: the package.
    :param schedule: how often to poll.
    :param deadline: when to stop waiting.
    :param clock: the time. Default: the system's.
    """

    watch: PackageWatch
    schedule: PollSchedule
    deadline: Deadline
    clock: Clock = SYSTEM_CLOCK
    _began: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._began = self.clock.monotonic()

    def check(self, execution_id: int | None) -> WaitResult | None:
        """Whether the wait has ended.

        :param execution_id: the successful execution, if there is one.
        :return: TERMINAL, TIMED_OUT, or None if the wait continues.
        """
        if execution_id is not None:
            return WaitResult.TERMINAL
        return WaitResult.TIMED_OUT if self.deadline.passed else None

    def delay(self) -> float:
        """Seconds until the next poll."""
        return self.deadline.limit(self.schedule.delay(self.clock.monotonic() - self._began))


def poll_until_terminal(
    catalog: Catalog,
    wait: ExecutionWait,
    *,
    tolerance: OutageTolerance,
    log: TaskLog,
    on_poll: Callable[[ExecutionState], None],
    clock: Clock = SYSTEM_CLOCK,
) -> WaitResult:
    """Poll an execution until the wait for it ends.

    :param catalog: where to poll.
    :param wait: the execution, the schedule and the limits.
    :param tolerance: how long an outage of the server may last.
    :param log: the task's log, for outages.
    :param on_poll: called after each poll that returned the execution, the last one too. It may read the catalog.
    :param clock: the time. Default: the system's.
    :return: TERMINAL, TIMED_OUT, STUCK_PENDING, NOT_STARTED or STILL_ACTIVE.
    :raises ExecutionNotFound: the catalog does not show the execution.
    :raises CatalogError: the outage lasted too long, or the deadline passed during it.
    """

    def poll() -> ExecutionState | None:
        state = next(iter(catalog.execution_states([wait.execution_id])), None)
        if state is not None:
            on_poll(state)
        return state

    while True:
        state = retry_during_outage(
            poll, tolerance, log, execution_id=wait.execution_id, deadline=wait.deadline, clock=clock
        )
        if wait.needs_warning(state):
            log.warning("%s", not_started_text(wait.execution_id))
        result = wait.check(state)
        if result is WaitResult.NOT_FOUND:
            raise not_found_error(wait.execution_id)
        if result is not None:
            return result
        clock.sleep(wait.delay(state))


def get_execution(catalog: Catalog, execution_id: int) -> Execution:
    """The execution as it is now.

    :raises ExecutionNotFound: the catalog does not show an execution with that id.
    """
    execution = catalog.execution(execution_id)
    if execution is None:
        raise not_found_error(execution_id)
    return execution
