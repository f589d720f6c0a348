"""Waiting by polling, until an execution is over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.errors import ExecutionNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ssis.catalog.catalog import Catalog
    from airflow_provider_ssis.catalog.models import Execution

SHORTEST_DELAY = 0.2


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time until which to wait.

    :param at: the monotonic clock's time; None for no limit.
    """

    at: float | None

    @classmethod
    def after(cls, seconds: float | None) -> Deadline:
        """So many seconds from now; None for no limit."""
        return cls(None if seconds is None else time.monotonic() + seconds)

    @property
    def passed(self) -> bool:
        """True from that time on."""
        return self.at is not None and time.monotonic() >= self.at

    def limit(self, delay: float) -> float:
        """A delay in seconds, cut off at the deadline."""
        return delay if self.at is None else max(0.0, min(delay, self.at - time.monotonic()))


def read_execution(catalog: Catalog, execution_id: int) -> Execution:
    """The execution as it is now.

    :raises ExecutionNotFound: there is none of that id that the login may see.
    """
    execution = catalog.execution(execution_id)
    if execution is None:
        raise ExecutionNotFound(
            f"There is no execution {execution_id} in the catalog, or the login may not read it",
            operation_id=execution_id,
            advice="Check the id and the connection; the catalog deletes executions older than its retention window.",
        )
    return execution


def poll_delays(poll_interval: float) -> Iterator[float]:
    """Delays in seconds between looks: short ones first, then ever longer ones up to the interval.

    Many packages take a second or two, and should not cost their task a whole interval.

    :param poll_interval: the longest delay.
    """
    delay = min(SHORTEST_DELAY, poll_interval)
    while True:
        yield delay
        delay = min(delay * 1.5, poll_interval)


def wait_until_over(
    catalog: Catalog,
    execution_id: int,
    *,
    poll_interval: float,
    deadline: Deadline,
    on_look: Callable[[Execution], None],
) -> Execution:
    """Look at an execution again and again until it is over, or until the deadline.

    :param catalog: where to look.
    :param execution_id: the execution.
    :param poll_interval: seconds between two looks; shorter at first.
    :param deadline: when to give up.
    :param on_look: called after each look, the last one too.
    :return: the execution as it was last seen: not over only if the deadline has passed.
    :raises ExecutionNotFound: it is not in the catalog (any more).
    """
    delays = poll_delays(poll_interval)
    while True:
        execution = read_execution(catalog, execution_id)
        on_look(execution)
        if execution.status.is_terminal or deadline.passed:
            return execution
        time.sleep(deadline.limit(next(delays)))
