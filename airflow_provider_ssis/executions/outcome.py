"""The outcome of an execution for its task: the return value, or the exception that the task fails with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.codes import LoggingLevel, MessageType, ObjectType, OperationStatus
from airflow_provider_ssis.catalog.errors import CatalogError, ExecutionNotFound
from airflow_provider_ssis.catalog.failures import causes as catalog_causes
from airflow_provider_ssis.exceptions import (
    ExecutionCanceled,
    ExecutionEndedUnexpectedly,
    ExecutionFailed,
    ExecutionNotStarted,
    ExecutionStoppedByKill,
    ExecutionStuckPending,
    ExecutionTimeout,
    ExecutionUnreachable,
    ExecutionUnsuccessful,
    TrySuperseded,
    ValidationFailed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import (
        EventMessage,
        ExecutedPackage,
        Execution,
        ExecutionParameterValue,
        ExecutionSummary,
    )
    from airflow_provider_ssis.catalog.sql.variants import VariantValue

SUCCESS = frozenset({OperationStatus.SUCCEEDED, OperationStatus.COMPLETED})
"""COMPLETED is the end of an operation that has no result; nothing failed in it."""

MAX_CAUSES = 3
_MAX_VALUE = 100
"""Characters of a parameter's value in the log."""

_ERRORS_READ = 200

_EXCEPTIONS: dict[OperationStatus, type[ExecutionUnsuccessful]] = {
    OperationStatus.FAILED: ExecutionFailed,
    OperationStatus.CANCELED: ExecutionCanceled,
    OperationStatus.ENDED_UNEXPECTEDLY: ExecutionEndedUnexpectedly,
}


def result_of(execution: Execution) -> dict[str, Any]:
    """What a task returns about an execution, in plain JSON types.

    :return: ``execution_id``, ``folder``, ``project``, ``package``, ``status`` (``succeeded``, ``running``, ...) and
        ``duration`` (seconds, None if it has not ended).
    """
    return {
        "execution_id": execution.execution_id,
        "folder": execution.folder_name,
        "project": execution.project_name,
        "package": execution.package_name,
        "status": status_name(execution.status),
        "duration": duration_of(execution),
    }


def status_name(status: OperationStatus) -> str:
    """The status in lower case: ``succeeded``, ``ended_unexpectedly``, ..."""
    return status.name.lower()


def execution_name(execution: Execution | ExecutedPackage) -> str:
    """The execution and its package, for logs and errors: ``Execution 7 of Sales/Mart/Load.dtsx``."""
    package = f"{execution.folder_name}/{execution.project_name}/{execution.package_name}"
    return f"Execution {execution.execution_id} of {package}"


def duration_of(execution: Execution) -> float | None:
    """Seconds from the start to the end of an execution, None where it has no start or no end."""
    if execution.start_time is None or execution.end_time is None:
        return None
    return (execution.end_time - execution.start_time).total_seconds()


def unsuccessful_error(catalog: Catalog, execution: Execution, *, task_killed: bool = False) -> ExecutionUnsuccessful:
    """The exception for an execution that has ended and did not succeed, with its first error messages.

    :param catalog: where to read its messages.
    :param execution: the execution as it is at its end.
    :param task_killed: whether the task that waited for it was killed, which stops the execution. Default: False.
    """
    status = execution.status
    exception, causes, unread = _EXCEPTIONS[status], list[str](), ""
    where = where_to_look(execution.execution_id)
    if task_killed and exception is ExecutionCanceled:
        exception = ExecutionStoppedByKill
    try:
        errors = _errors_of(catalog, execution.execution_id)
        causes = _first_causes(catalog, execution.execution_id, errors)
        if exception is ExecutionFailed and catalog_causes.failed_validation(errors):
            exception = ValidationFailed
        if not causes and _keeps_no_messages(catalog, execution.execution_id):
            where = (
                "The execution had the logging level None, which keeps no messages, so the cause is not known. To see "
                'it, run the task with logging_level="Basic".'
            )
    except CatalogError as error:
        # How the execution ended matters more than its messages.
        unread = f"\nIts messages could not be read: {error}"
    text = f"{ended_text(execution)} (status {status.value}, {status.name})."
    if causes:
        text += "\nFirst causes:" + "".join(f"\n  - {cause}" for cause in causes)
    text += f"{unread}\n{_ADVICE[status]} {where}"
    return exception(
        text, execution_id=execution.execution_id, status=status, causes=causes, duration=duration_of(execution)
    )


def start_lines(
    execution: Execution | ExecutedPackage,
    values: Sequence[ExecutionParameterValue],
    *,
    sensitive: Collection[str] = (),
    server: str | None = None,
) -> Iterator[str]:
    """The first lines of the task log about an execution: where it runs, and with which values.

    :param execution: the execution.
    :param values: its parameters and server options, as the catalog shows them.
    :param sensitive: names of parameters that are masked, in addition to those that are sensitive in the catalog.
    :param server: the server's name. Default: unknown.
    """
    options = {each.parameter_name: each.parameter_value for each in values if each.object_type is ObjectType.EXECUTION}
    environment = execution.environment_name
    if environment is not None and execution.environment_folder_name:
        environment = f"{execution.environment_folder_name}/{environment}"
    details = [
        f"server {server}" if server else "",
        f"project version {execution.project_lsn}" if execution.project_lsn is not None else "",
        f"environment {environment}" if environment else "no environment",
        f"logging level {_logging_level(options)}",
        "32-bit runtime" if execution.use32bitruntime else "",
    ]
    yield f"{execution_name(execution)}: {', '.join(detail for detail in details if detail)}."
    given = [each for each in values if each.value_set and each.object_type is not ObjectType.EXECUTION]
    if given:
        shown = (
            f"{each.parameter_name} = {'***' if each.parameter_name in sensitive else _shown(each)}" for each in given
        )
        yield f"Parameters: {', '.join(shown)}."


def _logging_level(options: Mapping[str, VariantValue]) -> str:
    level = options.get("LOGGING_LEVEL")
    if level == LoggingLevel.CUSTOMIZED:
        return str(options.get("CUSTOMIZED_LOGGING_LEVEL"))
    known = {each.value: each.name.title().replace("_", "") for each in LoggingLevel}
    return known.get(level, str(level)) if isinstance(level, int) else "unknown"


def _shown(value: ExecutionParameterValue) -> str:
    if value.sensitive:
        return "***"
    text = str(value.parameter_value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


def ended_text(execution: Execution) -> str:
    """How an execution that has ended did: ``Execution 7 of Sales/Mart/Load.dtsx succeeded after 1.5 s``."""
    duration = duration_of(execution)
    after = "" if duration is None else f" after {duration:.1f} s"
    return f"{execution_name(execution)} {_how_it_ended(execution)}{after}"


def end_text(execution: Execution, summary: ExecutionSummary | None) -> str:
    """The last line of the task log about an execution that has ended.

    :param execution: the execution as it is at its end.
    :param summary: what its messages say in sum; None if they could not be read.
    """
    duration = duration_of(execution)
    text = f"{execution_name(execution)} {_how_it_ended(execution)}" + (
        "" if duration is None else f" after {duration:.1f} s"
    )
    if summary is None:
        return f"{text}. Its messages could not be read."
    text += f": {_count(summary.errors, 'error')}, {_count(summary.warnings, 'warning')}."
    if summary.rows_written:
        text += f" Rows written: {', '.join(f'{each.destination} {each.rows:,}' for each in summary.rows_written)}."
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def where_to_look(execution_id: int) -> str:
    """How to see everything about an execution."""
    return (
        f"All its messages are in SSISDB.catalog.event_messages under operation_id {execution_id}, and in SSMS under "
        "Integration Services Catalogs, SSISDB, Reports, All Executions."
    )


def _errors_of(catalog: Catalog, execution_id: int) -> list[EventMessage]:
    for after in (0, None):
        # None: the messages of Scale Out workers have no id.
        errors = catalog.event_messages(
            execution_id, after=after, limit=_ERRORS_READ, message_types=[MessageType.ERROR, MessageType.TASK_FAILED]
        )
        if errors:
            return errors
    return []


def _first_causes(catalog: Catalog, execution_id: int, errors: list[EventMessage]) -> list[str]:
    """The first causes of a failure, each with its executable and code, without the errors that follow from them."""
    if errors:
        return [catalog_causes.describe(cause) for cause in catalog_causes.first_causes(errors, MAX_CAUSES)]
    # There are no event messages at the logging level None, and if the run ended before its package began.
    messages = catalog.operation_messages(execution_id)
    return [message.message for message in messages if message.message_type is MessageType.ERROR][:MAX_CAUSES]


def _keeps_no_messages(catalog: Catalog, execution_id: int) -> bool:
    values = catalog.execution_parameter_values(execution_id)
    return any(
        each.object_type is ObjectType.EXECUTION
        and each.parameter_name == "LOGGING_LEVEL"
        and each.parameter_value == LoggingLevel.NONE.value
        for each in values
    )


def _how_it_ended(execution: Execution) -> str:
    if execution.status in SUCCESS:
        return status_name(execution.status)
    if execution.status is OperationStatus.FAILED:
        return "failed"
    if execution.status is OperationStatus.CANCELED:
        return f"was stopped by {execution.stopped_by_name}" if execution.stopped_by_name else "was stopped"
    return "ended unexpectedly"


_ADVICE = {
    OperationStatus.FAILED: "Fix the cause, then run the task again.",
    OperationStatus.CANCELED: "If the package should run nevertheless, run the task again.",
    OperationStatus.ENDED_UNEXPECTEDLY: (
        "The process that ran the package ended (server restart, out of memory, killed): check the server's event "
        "log, check what the package had done, then run the task again."
    ),
}


def not_found_error(execution_id: int) -> ExecutionNotFound:
    """The error for an execution that the catalog does not show."""
    return ExecutionNotFound(
        f"There is no execution {execution_id} in the catalog, or the login may not read it",
        operation_id=execution_id,
        advice="Check the id and the connection. A login sees the executions of other logins only as a member of "
        "ssis_logreader or ssis_admin. The catalog deletes executions older than its retention window.",
    )


def not_started_text(execution_id: int) -> str:
    """The warning for an execution that was created and that nothing has started."""
    return (
        f"Execution {execution_id} was created and has not been started. It does not run by itself, so the task waits "
        "until something starts it, or until its timeout."
    )


def not_started_error(execution: Execution, seconds: float) -> ExecutionNotStarted:
    """The error for an execution that was not started in time.

    :param execution: the execution.
    :param seconds: the time, from its creation.
    """
    return ExecutionNotStarted(
        f"{execution_name(execution)} was created and not started within {seconds:g} s (start_timeout). It does not "
        "run by itself. Check what should have started it.",
        execution_id=execution.execution_id,
        status=execution.status,
    )


def superseded_error(try_number: int) -> TrySuperseded:
    """The error for a try that is no longer the latest one.

    :param try_number: the number of this try.
    """
    return TrySuperseded(
        f"Try {try_number} of this task is outdated: the task was retried or cleared while this try was suspended. "
        "This try has stopped without starting, stopping or reporting anything more. The later try continues."
    )


def timeout_error(
    execution: Execution, seconds: float | None, stopped: Execution | None, *, stop_requested: bool
) -> ExecutionTimeout:
    """The error for an execution that had not ended at the deadline.

    :param execution: the execution as it was at the deadline.
    :param seconds: how long the task was to wait, if known.
    :param stopped: the execution after the stop; None if it could not be stopped.
    :param stop_requested: whether the task tried to stop it.
    """
    fate = "It continues, because cancel_on_kill is off."
    if stop_requested:
        fate = (
            "It could not be stopped: see the log."
            if stopped is None
            else f"It was stopped and is {status_name(stopped.status)} now."
        )
    after = "at the task's deadline" if seconds is None else f"after {seconds:g} s"
    return ExecutionTimeout(
        f"{execution_name(execution)} was still {status_name(execution.status)} {after}. {fate} "
        "Raise the task's timeout if the package may take longer.",
        execution_id=execution.execution_id,
        status=execution.status,
    )


def stuck_pending_error(execution: Execution, seconds: float | None) -> ExecutionStuckPending:
    """The error for an execution that was started and that the server does not run.

    :param execution: the execution.
    :param seconds: how long it may be pending.
    """
    limit = "" if seconds is None else f" after {seconds:g} s"
    return ExecutionStuckPending(
        f"{execution_name(execution)} was started and is still pending{limit}: the server has not begun to run it. "
        "Known causes: the server cannot start ISServerExec.exe because SQL Server's service account lacks rights "
        "(often taken by a group policy: log on as a service, replace a process level token, impersonate a client), "
        "it is out of memory or desktop heap, or, with Scale Out, no worker is enabled or its agent does not run. "
        "Check the Windows event log of the server. The catalog cannot stop a pending execution; it may still run. "
        "A retry of this task waits for it again and starts no second one.",
        execution_id=execution.execution_id,
        status=execution.status,
    )


def unreachable_error(execution_id: int, reason: str) -> ExecutionUnreachable:
    """The error for an execution whose status can no longer be read.

    :param execution_id: the execution.
    :param reason: why.
    """
    return ExecutionUnreachable(
        f"Execution {execution_id} was started and may still run, but its status can no longer be read: {reason} A "
        "retry of this task follows it again. Without a retry, look at it in the catalog before you run the task "
        "again.",
        execution_id=execution_id,
        status=None,
    )
