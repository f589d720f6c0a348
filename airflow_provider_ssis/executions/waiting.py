"""Waiting by polling, until an execution is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ssis.catalog.errors import CatalogError, ExecutionNotFound
from airflow_provider_ssis.executions.watching import NO_DEADLINE, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Execution, ExecutionState
    from airflow_provider_ssis.executions.outage import Outage
    from airflow_provider_ssis.executions.task_log import TaskLog
    from airflow_provider_ssis.executions.watching import Deadline, Watch

Result = TypeVar("Result")


def read_execution(catalog: Catalog, execution_id: int) -> Execution:
    """The execution as it is now.

    :raises ExecutionNotFound: there is none of that id that the login may see.
    """
    execution = catalog.execution(execution_id)
    if execution is None:
        raise not_found(execution_id)
    return execution


def not_found(execution_id: int) -> ExecutionNotFound:
    """The error for an execution that the catalog does not show."""
    return ExecutionNotFound(
        f"There is no execution {execution_id} in the catalog, or the login may not read it",
        operation_id=execution_id,
        advice="Check the id and the connection; the catalog deletes executions older than its retention window.",
    )


def poll_delays(poll_interval: float) -> Iterator[float]:
    """Delays in seconds between looks at what ends soon: short ones first, then ever longer ones up to the interval.

    :param poll_interval: the longest delay.
    """
    delay = min(0.2, poll_interval)
    while True:
        yield delay
        delay = min(delay * 1.5, poll_interval)


def patiently(ask: Callable[[], Result], outage: Outage, log: TaskLog, *, until: Deadline = NO_DEADLINE) -> Result:
    """Ask the catalog until it answers, or until the outage has lasted too long.

    :param ask: a question that does no harm when it is asked again.
    :param outage: how long to bear failures.
    :param log: where the beginning and the end of an outage are told.
    :param until: when to give up, however short the outage was. Default: never.
    :raises CatalogError: it is none that passes, or it lasted too long.
    """
    while True:
        try:
            answer = ask()
        except CatalogError as error:
            began = not outage.is_on
            delay = outage.bear(error)
            if until.passed:
                raise
            if began:
                log.warning("The catalog cannot be read; the execution goes on, and so does the task: %s", error)
        else:
            if (lasted := outage.end()) is not None:
                log.info("The catalog can be read again, after %.0f s.", lasted)
            return answer
        time.sleep(until.limit(delay))


def wait_until_over(
    catalog: Catalog, watch: Watch, *, outage: Outage, log: TaskLog, on_look: Callable[[ExecutionState], None]
) -> Verdict:
    """Look at an execution again and again until it is over, or until there is another reason to give up.

    :param catalog: where to look.
    :param watch: the execution, and when to look and give up.
    :param outage: how long to bear that the catalog cannot be read.
    :param log: where outages are told.
    :param on_look: called after each look that saw the execution, the last one too. It may read the catalog.
    :return: why the wait is over: OVER, TIMEOUT or STUCK_PENDING.
    :raises ExecutionNotFound: it is not in the catalog (any more).
    :raises CatalogError: the catalog could not be read for too long, or when the deadline passed.
    """

    def look() -> ExecutionState | None:
        state = next(iter(catalog.execution_states([watch.execution_id])), None)
        if state is not None:
            on_look(state)
        return state

    while True:
        state = patiently(look, outage, log, until=watch.deadline)
        verdict = watch.judge(state)
        if verdict is Verdict.GONE:
            raise not_found(watch.execution_id)
        if verdict is not None:
            return verdict
        time.sleep(watch.delay(0 if state is None else state.age or 0))
