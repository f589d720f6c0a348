"""Stopping executions, and being sure that they are over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import NotStoppable
from airflow_provider_ssis.exceptions import ExecutionNotRunning, ExecutionNotStopped
from airflow_provider_ssis.executions.outcome import name_of, status_name
from airflow_provider_ssis.executions.waiting import poll_delays, read_execution
from airflow_provider_ssis.executions.watching import Deadline

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Execution
    from airflow_provider_ssis.executions.task_log import TaskLog


def stop_executions(
    catalog: Catalog,
    execution_ids: Collection[int],
    *,
    poll_interval: float,
    deadline: Deadline,
    log: TaskLog,
    wait_for_end: bool = True,
) -> list[Execution]:
    """Stop executions and wait until all of them are over.

    An execution that is over already, or that somebody else is stopping, is as good as one that was stopped here. The
    catalog stops only what runs, so a pending execution is waited for until it runs.

    :param catalog: where they run.
    :param execution_ids: the executions.
    :param poll_interval: seconds between two looks; shorter at first.
    :param deadline: when to give up waiting.
    :param log: where to tell what happens.
    :param wait_for_end: False returns as soon as all are stopping or over. Default: True.
    :return: the executions as they are at their end, whatever that is.
    :raises ExecutionNotRunning: one was created and never started.
    :raises ExecutionNotStopped: one was not over in time; the message says what is known.
    :raises ExecutionNotFound: there is none of such an id.
    """
    seen: dict[int, Execution] = {}
    under_way = list(execution_ids)
    asked: set[int] = set()
    told: set[int] = set()
    delays = poll_delays(poll_interval)
    while True:
        for execution_id in under_way:
            execution = read_execution(catalog, execution_id)
            seen[execution_id] = execution
            if execution.status is OperationStatus.CREATED:
                raise ExecutionNotRunning(
                    f"{name_of(execution)} was never started, so there is nothing to stop; it does not run by itself.",
                    execution_id=execution_id,
                    status=execution.status,
                )
            if execution.status is OperationStatus.PENDING and execution_id not in told:
                # Said at once: whoever is killed may not live until the wait is over.
                told.add(execution_id)
                log.warning("%s is pending, and can only be stopped once it runs.", name_of(execution))
            runs = execution.status is OperationStatus.RUNNING
            if runs and execution_id not in asked and _ask_to_stop(catalog, execution, log):
                asked.add(execution_id)
        under_way = [execution_id for execution_id in under_way if not seen[execution_id].status.is_terminal]
        if all(not wait_for_end and seen[each].status is OperationStatus.STOPPING for each in under_way):
            return [seen[execution_id] for execution_id in execution_ids]
        if deadline.passed:
            raise not_stopped([seen[execution_id] for execution_id in under_way])
        time.sleep(deadline.limit(next(delays)))


def _ask_to_stop(catalog: Catalog, execution: Execution, log: TaskLog) -> bool:
    """Ask for the stop.

    :return: False if it has to be asked for again.
    """
    try:
        catalog.stop_operation(execution.execution_id)
    except NotStoppable as refusal:
        # It is over, somebody else stops it, or its process is not there yet: the next look tells which.
        log.info("%s", refusal)
        return False
    log.info("Stop asked for: %s.", name_of(execution))
    return True


def not_stopped(executions: Sequence[Execution]) -> ExecutionNotStopped:
    """The exception for executions that were not over in time.

    :param executions: the executions as they are.
    """
    lines = [
        f"{name_of(execution)} is still {status_name(execution.status)}: {_WHY_NOT[execution.status]}"
        for execution in executions
    ]
    return ExecutionNotStopped("\n".join(lines), execution_id=executions[0].execution_id, status=executions[0].status)


_WHY_NOT = {
    OperationStatus.PENDING: (
        "the catalog can stop it only once it runs. If it stays pending, the server cannot start ISServerExec: look at "
        "the rights and the memory of SQL Server's service account. When it runs, stop it in SSMS (Active Operations)."
    ),
    OperationStatus.RUNNING: "the catalog did not stop it. Stop it in SSMS (Active Operations), or run this again.",
    OperationStatus.STOPPING: (
        "it was asked to stop and has not ended yet. A task inside it may wait for something; look again later."
    ),
}
