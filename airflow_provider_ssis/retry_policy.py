"""A retry policy for Airflow 3.3 and later: the failures that a retry can fix.

The module can be imported on every version, so that DAG files can be shared; only Airflow 3.3 has retry policies.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog import errors
from airflow_provider_ssis.compat import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow_provider_ssis.exceptions import (
    ExecutionCanceled,
    ExecutionEndedUnexpectedly,
    ExecutionFailed,
    ExecutionNotRunning,
    ExecutionNotStopped,
    ExecutionStoppedByKill,
    ExecutionStuckPending,
    ExecutionTimeout,
    ExecutionUnreachable,
    InvalidTaskArgument,
    InvalidTriggerEvent,
    KilledBeforeStart,
    LocalRunRefused,
    NoRunningExecution,
    PreviousExecutionActive,
    ProjectInvalid,
    ProjectNameMismatch,
    SsisTaskError,
    TrySuperseded,
    ValidationFailed,
)
from airflow_provider_ssis.hooks.extra import InvalidConnection
from airflow_provider_ssis.project.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

AFTER_A_KILL: dict[str, tuple[type[Exception], ...]] = {
    # Airflow asks for no retry after a kill by a person, so the worker was evicted.
    "the task was killed; the package did not fail": (ExecutionStoppedByKill, KilledBeforeStart),
}
"""Failures with a cause outside of the task. They are subclasses of others, so their rules come first."""

POINTLESS: dict[str, tuple[type[Exception], ...]] = {
    "the connection or the machine must be repaired first": (
        InvalidConnection,
        errors.DriverMissing,
        errors.TlsRefused,
        # Each try of a wrong password is another step to a locked account.
        errors.LoginFailed,
        errors.CatalogMissing,
    ),
    "the login needs a permission first": (errors.PermissionDenied,),
    "the catalog has no such object": (errors.NotFound, errors.AmbiguousEnvironment),
    "the task's arguments are invalid": (
        errors.AlreadyExists,
        errors.InvalidName,
        errors.InvalidArgument,
        errors.FolderNotEmpty,
        errors.WrongParameterType,
        errors.RequiredParameterMissing,
        errors.VersionInUse,
        errors.SingleUserRequired,
        InvalidTaskArgument,
        ProjectNameMismatch,
        ProjectError,
    ),
    "the project must be fixed first": (
        errors.DeploymentFailed,
        errors.ProjectKeyMissing,
        ValidationFailed,
        ProjectInvalid,
        LocalRunRefused,
    ),
    "a person stopped the execution": (ExecutionCanceled,),
    "no execution is running that could be stopped": (ExecutionNotRunning, NoRunningExecution),
    "a later try continues": (TrySuperseded, errors.AttemptSuperseded),
}
"""Failures that repeat with every try, by reason."""

TEMPORARY: dict[str, tuple[type[Exception], ...]] = {
    "the server may be available again": (
        errors.ServerUnreachable,
        errors.TransientError,
        errors.StatementTimeout,
        errors.ConnectError,
    ),
    "the retry continues with the same execution": (ExecutionUnreachable, ExecutionStuckPending),
    "the other execution may have ended": (
        PreviousExecutionActive,
        errors.OtherExecutionActive,
        ExecutionNotStopped,
        errors.NotStoppable,
        errors.AlreadyStarted,
        errors.OperationsActive,
    ),
}
"""Failures that pass with time, by reason: the server or the package is not available yet."""

WORTH_IT: dict[str, tuple[type[Exception], ...]] = {
    "the retry continues with the same execution": (InvalidTriggerEvent,),
    "the retry creates a new execution": (ExecutionEndedUnexpectedly, ExecutionTimeout, errors.ProjectChanged),
    "the failure has no known cause that repeats": (SsisTaskError, errors.CatalogError),
}
"""Other failures that a retry may fix, by reason. These rules come last: they include base classes."""


class RetryPoliciesMissing(SsisTaskError):
    """This Airflow has no retry policies, or cannot reschedule tasks."""


class SsisRetryPolicy(ExceptionRetryPolicy):
    """Retry the failures that a retry can fix, and fail at once after all others.

    For the argument ``retry_policy`` of any task of this provider. The task's ``retries`` and ``retry_delay`` still
    apply. Failures that have nothing to do with SSIS are retried as without a policy.

    Fails at once: a folder, project, package, environment or parameter that the catalog does not have, wrong arguments
    and values, missing permissions, refused logins, SQL logins where Windows authentication is required, projects that
    cannot be read, deployed or validated, an execution that a person stopped.

    Retries: an unreachable server, deadlocks and other transient errors, an execution that ended unexpectedly, that
    could no longer be polled, that is stuck pending or took too long, an earlier execution that is still active,
    and, with ``retry_failed``, a package that failed.

    :param retry_failed: retry a package that failed (status 4) other than in its validation. Default: True, since its
        sources may be available again. False where a package must not run twice.
    :param retry_delay: time to wait before a retry or a reschedule. Default: the task's.
    :param reschedule_timeout: for so long after its first reschedule, a try that fails because the server is
        unreachable or because another execution is active is rescheduled, which uses none of the task's ``retries``
        (Airflow 3.4 and later). After that it is retried. Default: such failures are retried.
    :param rules: your own rules; they come first. Default: none.
    :raises RetryPoliciesMissing: before Airflow 3.3; remove the argument ``retry_policy`` there. Before Airflow 3.4,
        where ``reschedule_timeout`` is given.
    """

    def __init__(
        self,
        *,
        retry_failed: bool = True,
        retry_delay: timedelta | None = None,
        reschedule_timeout: timedelta | None = None,
        rules: Sequence[RetryRule] = (),
    ) -> None:
        if not hasattr(self, "evaluate"):
            raise RetryPoliciesMissing(
                "Retry policies came with Airflow 3.3, and this Airflow is older. Remove the argument retry_policy: "
                "every failure is then retried as often as the task's retries allow."
            )
        if reschedule_timeout is not None and not hasattr(RetryAction, "RESCHEDULE"):
            raise RetryPoliciesMissing(
                "Retry policies can reschedule a task since Airflow 3.4, and this Airflow is older. Remove the "
                "argument reschedule_timeout: such failures are then retried as often as the task's retries allow."
            )
        super().__init__(
            [
                *rules,
                *_rules(AFTER_A_KILL, RetryAction.RETRY, retry_delay),
                *_rules(POINTLESS, RetryAction.FAIL),
                *_rules(
                    {"the package failed": (ExecutionFailed,)},
                    RetryAction.RETRY if retry_failed else RetryAction.FAIL,
                    retry_delay,
                ),
                *(
                    _rules(TEMPORARY, RetryAction.RETRY, retry_delay)
                    if reschedule_timeout is None
                    else _rules(
                        TEMPORARY, RetryAction("reschedule"), retry_delay, reschedule_timeout=reschedule_timeout
                    )
                ),
                *_rules(WORTH_IT, RetryAction.RETRY, retry_delay),
            ]
        )


def _rules(
    table: dict[str, tuple[type[Exception], ...]],
    action: RetryAction,
    delay: timedelta | None = None,
    **bounds: Any,
) -> list[RetryRule]:
    return [
        RetryRule(exception=list(exceptions), action=action, retry_delay=delay, reason=reason, **bounds)
        for reason, exceptions in table.items()
    ]
