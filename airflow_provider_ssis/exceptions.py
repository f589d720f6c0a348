"""What tasks fail with: one exception class per meaning, so that a retry policy can tell them apart.

What the catalog refuses (unknown package, wrong type, missing right, unreachable server, ...) reaches the task as the
exceptions of :mod:`airflow_provider_ssis.catalog.errors`, and a broken project file as those of
:mod:`airflow_provider_ssis.project.errors`. The classes here are for what only a task can find out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowException

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ssis.catalog.codes import OperationStatus


class SsisTaskError(AirflowException):
    """A task of this provider cannot do what it was asked for."""


class InvalidTaskArgument(SsisTaskError):
    """An argument of an operator or sensor, as it is after templating, cannot be used."""


class InvalidTriggerEvent(SsisTaskError):
    """What the triggerer told is none of the events of this package's triggers."""


class ProjectNameDiffers(SsisTaskError):
    """The project file is of another name than the operator's argument ``project``.

    :param given: the name that the operator was given.
    :param manifest: the name in the file's manifest.
    """

    def __init__(self, message: str, *, given: str, manifest: str) -> None:
        super().__init__(message)
        self.given = given
        self.manifest = manifest


class ExecutionError(SsisTaskError):
    """Something is wrong with an execution.

    :param message: what happened and what to do next.
    :param execution_id: the execution.
    :param status: its status when it was last seen, None where it was not.
    """

    def __init__(self, message: str, *, execution_id: int, status: OperationStatus | None) -> None:
        super().__init__(message)
        self.execution_id = execution_id
        self.status = status


class ExecutionUnsuccessful(ExecutionError):
    """An execution is over and did not succeed.

    :param message: what happened and what to do next.
    :param execution_id: the execution.
    :param status: its final status.
    :param causes: the first causes of its failure, oldest first.
    :param duration: seconds from its start to its end, None where it has no start or no end.
    """

    def __init__(
        self,
        message: str,
        *,
        execution_id: int,
        status: OperationStatus,
        causes: Sequence[str] = (),
        duration: float | None = None,
    ) -> None:
        super().__init__(message, execution_id=execution_id, status=status)
        self.causes = tuple(causes)
        self.duration = duration


class ExecutionFailed(ExecutionUnsuccessful):
    """The package failed (status 4)."""


class ValidationFailed(ExecutionFailed):
    """The package failed because it, or a task of it, did not pass its validation: it does not fit what it works on.

    One that could not be validated for want of a connection is a plain :class:`ExecutionFailed`.
    """


class ExecutionCanceled(ExecutionUnsuccessful):
    """The execution was stopped by somebody (status 3)."""


class StoppedWithTask(ExecutionCanceled):
    """The execution was stopped because its task was killed: marked or cleared by somebody, or its worker evicted."""


class ExecutionEndedUnexpectedly(ExecutionUnsuccessful):
    """The process that ran the package is gone, and nobody knows how far it came (status 6)."""


class ExecutionTimeout(ExecutionError):
    """The execution was not over when the task's ``timeout`` was."""


class ExecutionStuckPending(ExecutionError):
    """The execution was started, and after ``pending_timeout`` the server still had not begun to run it."""


class PreviousExecutionActive(ExecutionError):
    """An earlier execution is still active, and the task is not allowed to start another one beside it."""


class ExecutionOutOfSight(ExecutionError):
    """The catalog cannot be read any more while an execution is under way: what becomes of it is unknown."""


class ExecutionNotStopped(ExecutionError):
    """A stop was asked for, and the execution was not over in time."""


class ExecutionNotRunning(ExecutionError):
    """The execution that was to be stopped does not run."""


class NoRunningExecution(SsisTaskError):
    """There is no execution to stop."""


class KilledBeforeStart(ExecutionError):
    """The task was killed after its execution had been created and before it was started: it never runs."""
