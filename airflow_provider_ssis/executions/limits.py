"""How long a task may wait: its limits as a point in time, and as Airflow takes them for a deferral."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.executions.watching import Deadline

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

MOST_SECONDS = 10 * 366 * 24 * 3600
"""More than anybody waits; much more, and no date would be so late."""

_MARGIN = 60.0


def deadline_of(context: Context, timeout: float | None, *, execution_timeout: timedelta | None = None) -> Deadline:
    """When a task gives up, counted from its start, so that nothing that restarts in between moves it.

    :param context: the task's context.
    :param timeout: the task's own limit in seconds; None for none.
    :param execution_timeout: Airflow's limit for the task, where Airflow does not watch it: while a task is deferred.
        Default: none.
    """
    started = getattr(context["ti"], "start_date", None)
    start = None if started is None else started.timestamp()
    deadline = Deadline.after(timeout, start=start)
    if execution_timeout is None:
        return deadline
    return deadline.or_sooner(Deadline.after(execution_timeout.total_seconds(), start=start))


def deferral_limit(deadline: Deadline, poll_interval: float) -> timedelta | None:
    """The limit to give to Airflow for a deferral: later than the trigger's own deadline, which tells what is known.

    Airflow's tells nothing; it is for a trigger that does not come to its end.

    :param deadline: the trigger's.
    :param poll_interval: seconds between two looks of the trigger.
    :return: None where there is no deadline.
    """
    left = deadline.seconds_left
    return None if left is None else timedelta(seconds=left + _MARGIN + 2 * poll_interval)


def check_seconds(name: str, value: Any, *, zero: bool = True) -> None:
    """Refuse what is no time to wait, when the DAG is read.

    :param name: the argument's name.
    :param value: what was given for it; None where it was left out.
    :param zero: whether it may be 0. Default: True.
    :raises ValueError: it is no number of seconds, or less or more than it may be.
    """
    if value is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MOST_SECONDS or (value == 0 and not zero):
        least = "0 or more" if zero else "more than 0"
        raise ValueError(f"{name} is {value!r}; give a number of seconds, {least}, at most ten years")
