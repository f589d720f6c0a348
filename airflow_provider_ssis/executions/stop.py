"""Stopping executions and waiting until they have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import NotStoppable
from airflow_provider_ssis.exceptions import ExecutionNotRunning, ExecutionNotStopped
from airflow_provider_ssis.executions.deadline import NO_DEADLINE, SYSTEM_CLOCK
from airflow_provider_ssis.executions.outcome import execution_name, status_name
from airflow_provider_ssis.executions.polling import PollSchedule, get_execution

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Execution
    from airflow_provider_ssis.executions.deadline import Clock, Deadline
    from airflow_provider_ssis.executions.message_log import TaskLog


def stop_executions(
    catalog: Catalog,
    execution_ids: Collection[int],
    *,
    poll_interval: float,
    deadline: Deadline,
    log: TaskLog,
    leave_at: Deadline = NO_DEADLINE,
    request_stop: Callable[[int], None] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> list[Execution]:
    """Stop executions and wait until all of them have ended.

    An execution that has already ended, or that another client is stopping, counts as stopped. The catalog stops only
    running executions, so a pending one is stopped as soon as it runs.

    :param catalog: where they run.
    :param execution_ids: the executions.
    :param poll_interval: seconds between two polls; shorter at first.
    :param deadline: when to stop waiting.
    :param log: the task's log.
    :param leave_at: from when on to return as soon as all are stopping or have ended. Default: never.
    :param request_stop: requests the stop of one execution. Default: the catalog's ``stop_operation``.
    :param clock: the time. Default: the system's.
    :return: the executions in their last status.
    :raises ExecutionNotRunning: one was created and never started.
    :raises ExecutionNotStopped: one had not ended at the deadline.
    :raises ExecutionNotFound: the catalog does not show one.
    """
    latest: dict[int, Execution] = {}
    unfinished = list(execution_ids)
    stop_requested: set[int] = set()
    reported_pending: set[int] = set()
    schedule, began = PollSchedule(poll_interval), clock.monotonic()
    while True:
        for execution_id in unfinished:
            execution = get_execution(catalog, execution_id)
            latest[execution_id] = execution
            if execution.status is OperationStatus.CREATED:
                raise ExecutionNotRunning(
                    f"{execution_name(execution)} was never started, so there is nothing to stop; it does not run by "
                    "itself.",
                    execution_id=execution_id,
                    status=execution.status,
                )
            if execution.status is OperationStatus.PENDING and execution_id not in reported_pending:
                # At once: a task that is being killed may not live until the wait ends.
                reported_pending.add(execution_id)
                log.warning("%s is pending, and can only be stopped once it runs.", execution_name(execution))
            is_running = execution.status is OperationStatus.RUNNING
            if (
                is_running
                and execution_id not in stop_requested
                and _request_stop(request_stop or catalog.stop_operation, execution, log)
            ):
                stop_requested.add(execution_id)
        unfinished = [execution_id for execution_id in unfinished if not latest[execution_id].status.is_terminal]
        may_leave = leave_at.passed and all(latest[each].status is OperationStatus.STOPPING for each in unfinished)
        if may_leave or not unfinished:
            return [latest[execution_id] for execution_id in execution_ids]
        if deadline.passed:
            raise not_stopped_error([latest[execution_id] for execution_id in unfinished])
        delay = schedule.delay(clock.monotonic() - began)
        # Once the time to leave has come, it limits nothing: a pending execution may keep the task here.
        clock.sleep(deadline.limit(delay if leave_at.passed else leave_at.limit(delay)))


def _request_stop(request_stop: Callable[[int], None], execution: Execution, log: TaskLog) -> bool:
    """Request the stop.

    :return: False if it must be requested again.
    """
    try:
        request_stop(execution.execution_id)
    except NotStoppable as refusal:
        # It has ended, another client stops it, or its process does not exist yet: the next poll shows which.
        log.info("%s", refusal)
        return False
    log.info("%s was asked to stop.", execution_name(execution))
    return True


def not_stopped_error(executions: Sequence[Execution]) -> ExecutionNotStopped:
    """The error for executions that had not ended at the deadline.

    :param executions: the executions as they are.
    """
    lines = [
        f"{execution_name(execution)} is still {status_name(execution.status)}: {_WHY_NOT[execution.status]}"
        for execution in executions
    ]
    return ExecutionNotStopped("\n".join(lines), execution_id=executions[0].execution_id, status=executions[0].status)


_WHY_NOT = {
    OperationStatus.PENDING: (
        "the catalog can stop it only once it runs. If it stays pending, the server cannot start ISServerExec: check "
        "the rights and the memory of SQL Server's service account. When it runs, stop it in SSMS (Active Operations)."
    ),
    OperationStatus.RUNNING: "the catalog did not stop it. Stop it in SSMS (Active Operations), or retry this task.",
    OperationStatus.STOPPING: (
        "the stop was requested and it has not ended yet. A task inside the package may wait for something; check it "
        "again later."
    ),
}
