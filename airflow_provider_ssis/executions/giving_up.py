"""The exceptions of a task that gives up waiting while its execution is not over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.exceptions import ExecutionOutOfSight, ExecutionStuckPending, ExecutionTimeout
from airflow_provider_ssis.executions.outcome import name_of, status_name

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.models import Execution


def timed_out(
    execution: Execution, seconds: float | None, stopped: Execution | None, *, was_stopped: bool
) -> Exception:
    """For an execution that was not over in time.

    :param execution: the execution as it was at the deadline.
    :param seconds: how long the task was to wait, where known.
    :param stopped: the execution as it is after the stop; None if it could not be stopped.
    :param was_stopped: whether a stop was tried.
    """
    fate = "It goes on, since cancel_on_kill is off."
    if was_stopped:
        fate = (
            "It could not be stopped: see the log."
            if stopped is None
            else f"It was stopped and is {status_name(stopped.status)} now."
        )
    after = "when the task's time was over" if seconds is None else f"after {seconds:g} s"
    return ExecutionTimeout(
        f"{name_of(execution)} was still {status_name(execution.status)} {after}. {fate} "
        "Raise the task's timeout if the package may take longer.",
        execution_id=execution.execution_id,
        status=execution.status,
    )


def stuck_pending(execution: Execution, seconds: float | None) -> Exception:
    """For an execution that was started and that the server does not run.

    :param execution: the execution.
    :param seconds: how long it may be pending.
    """
    limit = "" if seconds is None else f" after {seconds:g} s"
    return ExecutionStuckPending(
        f"{name_of(execution)} was started and is still pending{limit}: the server has not begun to run it. "
        "Known causes: the server cannot start ISServerExec.exe because SQL Server's service account lacks rights "
        "(often taken by a group policy: log on as a service, replace a process level token, impersonate a client), "
        "it is out of memory or desktop heap, or, with Scale Out, no worker is enabled or its agent does not run. "
        "Look at the Windows event log of the server. The catalog cannot stop a pending execution; it may still run. "
        "A retry of this task goes on waiting for it and starts no second one.",
        execution_id=execution.execution_id,
        status=execution.status,
    )


def out_of_sight(execution_id: int, reason: str) -> Exception:
    """For an execution that cannot be followed any more.

    :param execution_id: the execution.
    :param reason: what went wrong.
    """
    return ExecutionOutOfSight(
        f"Execution {execution_id} was started and may still run, but cannot be followed any more: {reason} A retry of "
        "this task follows it again; otherwise look at it in the catalog before you run the task again.",
        execution_id=execution_id,
        status=None,
    )
