"""Which failures a retry can mend: a retry policy for Airflow 3.3 and later.

The module can be imported on every version, so that DAG files can be shared; only Airflow 3.3 has retry policies.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

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
    NoRunningExecution,
    PreviousExecutionActive,
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
    # By a person, and then Airflow asks nobody about a retry; or because its worker was evicted.
    "the task was killed, which says nothing about the package": (ExecutionStoppedByKill, KilledBeforeStart),
}
"""Failures that come from outside; looked at first, since they are special cases of others."""

POINTLESS: dict[str, tuple[type[Exception], ...]] = {
    "somebody must mend the connection or the machine first": (
        InvalidConnection,
        errors.DriverMissing,
        errors.TlsRefused,
        # Each try of a wrong password is another step to a locked account.
        errors.LoginFailed,
        errors.CatalogMissing,
    ),
    "somebody must grant a right first": (errors.PermissionDenied,),
    "what the task asks for is not there": (errors.NotFound, errors.AmbiguousEnvironment),
    "what the task asks for cannot be done": (
        errors.AlreadyExists,
        errors.InvalidName,
        errors.InvalidArgument,
        errors.FolderNotEmpty,
        errors.WrongParameterType,
        errors.RequiredParameterMissing,
        InvalidTaskArgument,
        ProjectNameMismatch,
        ProjectError,
    ),
    "the project must be mended first": (errors.DeploymentFailed, errors.ProjectKeyMissing, ValidationFailed),
    "somebody stopped it on purpose": (ExecutionCanceled,),
    "there is nothing to stop": (ExecutionNotRunning, NoRunningExecution),
    "a later try continues": (TrySuperseded, errors.AttemptSuperseded),
}
"""Failures that come again, whatever the number of tries, by reason."""

WORTH_IT: dict[str, tuple[type[Exception], ...]] = {
    "the server may be there again": (
        errors.ServerUnreachable,
        errors.TransientError,
        errors.StatementTimeout,
        errors.ConnectError,
    ),
    "the retry goes on with the same execution": (ExecutionUnreachable, ExecutionStuckPending, InvalidTriggerEvent),
    "the retry makes a new execution": (ExecutionEndedUnexpectedly, ExecutionTimeout, errors.ProjectChanged),
    "what is in the way may be over": (
        PreviousExecutionActive,
        errors.OtherExecutionActive,
        ExecutionNotStopped,
        errors.NotStoppable,
        errors.AlreadyStarted,
    ),
    "no reason is known why it should fail again": (SsisTaskError, errors.CatalogError),
}
"""Failures that a retry may mend, by reason; looked at after those for which it is pointless."""


class RetryPoliciesMissing(SsisTaskError):
    """This Airflow has no retry policies."""


class SsisRetryPolicy(ExceptionRetryPolicy):
    """Retry what a retry can mend, and fail at once where it cannot.

    For the argument ``retry_policy`` of any task of this provider. How often and when is still up to the task's
    ``retries`` and ``retry_delay``; failures that have nothing to do with SSIS are retried as without a policy.

    Fails at once: what the catalog does not know (folder, project, package, environment, parameter), wrong arguments
    and values, missing rights, refused logins, SQL logins where Windows authentication is required, projects that
    cannot be read, deployed or validated, an execution that somebody stopped.

    Retries: a server out of reach, deadlocks and other errors that pass, an execution that ended unexpectedly, that was
    lost sight of, that is stuck pending or took too long, an earlier execution in the way, and, unless told otherwise,
    a package that failed.

    :param retry_failed: retry a package that failed (status 4) other than in its validation. Default: True, since its
        sources may be there again; False where packages must not run twice.
    :param retry_delay: time to wait before a retry. Default: the task's.
    :param rules: rules of your own, looked at first. Default: none.
    :raises RetryPoliciesMissing: before Airflow 3.3. Leave the argument ``retry_policy`` out there.
    """

    def __init__(
        self,
        *,
        retry_failed: bool = True,
        retry_delay: timedelta | None = None,
        rules: Sequence[RetryRule] = (),
    ) -> None:
        if not hasattr(self, "evaluate"):
            raise RetryPoliciesMissing(
                "Retry policies came with Airflow 3.3, and this one is older: leave the argument retry_policy out. "
                "Every failure is then retried as often as the task's retries say."
            )
        super().__init__(
            [
                *rules,
                *_rules(AFTER_A_KILL, RetryAction.RETRY, retry_delay),
                *_rules(POINTLESS, RetryAction.FAIL, None),
                *_rules(
                    {"the package failed": (ExecutionFailed,)},
                    RetryAction.RETRY if retry_failed else RetryAction.FAIL,
                    retry_delay,
                ),
                *_rules(WORTH_IT, RetryAction.RETRY, retry_delay),
            ]
        )


def _rules(
    table: dict[str, tuple[type[Exception], ...]], action: RetryAction, delay: timedelta | None
) -> list[RetryRule]:
    return [
        RetryRule(exception=list(exceptions), action=action, retry_delay=delay, reason=reason)
        for reason, exceptions in table.items()
    ]
