"""The exceptions that tasks of this provider fail with, so that a retry policy can distinguish them.

::

    AirflowException
    └── SsisTaskError
        ├── InvalidTaskArgument                 also a ValueError
        │   └── RenderedToNothing
        ├── InvalidTriggerEvent
        ├── ProjectNameMismatch
        ├── NoRunningExecution
        ├── TrySuperseded
        ├── ValidationError                     validation_id, status
        │   ├── ProjectInvalid                  errors
        │   ├── ValidationStopped
        │   └── ValidationTimeout
        ├── LocalRunError
        │   ├── LocalRunRefused                 refusals
        │   ├── LocalRunFailed                  causes
        │   ├── LocalRunCanceled
        │   ├── LocalRunTimeout
        │   └── LocalRunEndedUnexpectedly
        └── ExecutionError                      execution_id, status
            ├── ExecutionUnsuccessful           causes, duration
            │   ├── ExecutionFailed
            │   │   └── ValidationFailed
            │   ├── ExecutionCanceled
            │   │   └── ExecutionStoppedByKill
            │   └── ExecutionEndedUnexpectedly
            ├── ExecutionTimeout
            ├── ExecutionStuckPending
            ├── ExecutionUnreachable
            ├── ExecutionNotStopped
            ├── ExecutionNotRunning
            ├── ExecutionNotStarted
            ├── PreviousExecutionActive
            └── KilledBeforeStart

What the catalog refuses (unknown package, wrong type, missing permission, unreachable server, ...) is raised as an
exception of :mod:`airflow_provider_ssis.catalog.errors`, and a damaged project file as one of
:mod:`airflow_provider_ssis.project.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowException

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_ssis.catalog.codes import OperationStatus


class SsisTaskError(AirflowException):
    """A task of this provider failed."""


class InvalidTaskArgument(SsisTaskError, ValueError):
    """An argument of an operator or sensor cannot be used."""


class RenderedToNothing(InvalidTaskArgument):
    """The template of an argument rendered to the text ``None``.

    :param argument: the argument, with the names in it: ``parameters['MaxRows']``.
    :param parameter: the parameter's name, if the argument is the value of a parameter.
    :param data_type: the parameter's SSIS type, if it is known.
    """

    def __init__(self, argument: str, *, parameter: str | None = None, data_type: str | None = None) -> None:
        self.argument = argument
        self.parameter = parameter
        shown = parameter if data_type is None else f"{parameter} ({data_type})"
        advice = "" if "[" not in argument else ' If the text None is meant, give it as {"value": "None"}.'
        super().__init__(
            f"{shown or argument} got the text 'None': its template rendered to nothing. Did the task that it pulls "
            f"from push a value?{advice}"
        )


class InvalidTriggerEvent(SsisTaskError):
    """The trigger's event is not one of this package's triggers."""


class ProjectNameMismatch(SsisTaskError):
    """The project file has another name than the operator's argument ``project``.

    :param given: the operator's argument.
    :param manifest: the name in the file's manifest.
    """

    def __init__(self, message: str, *, given: str, manifest: str) -> None:
        super().__init__(message)
        self.given = given
        self.manifest = manifest


class NoRunningExecution(SsisTaskError):
    """There is no execution to stop."""


class TrySuperseded(SsisTaskError):
    """The task was retried or cleared while this try was suspended. This try starts, stops and reports nothing more."""


class ValidationError(SsisTaskError):
    """A validation did not succeed.

    :param message: what happened and what to do next.
    :param validation_id: the validation.
    :param status: its last known status.
    """

    def __init__(self, message: str, *, validation_id: int, status: OperationStatus) -> None:
        super().__init__(message)
        self.validation_id = validation_id
        self.status = status


class ProjectInvalid(ValidationError):
    """A project or package is not valid.

    :param message: what happened and what to do next.
    :param validation_id: the validation.
    :param status: its final status.
    :param errors: its first error messages, oldest first.
    """

    def __init__(
        self, message: str, *, validation_id: int, status: OperationStatus, errors: Sequence[str] = ()
    ) -> None:
        super().__init__(message, validation_id=validation_id, status=status)
        self.errors = tuple(errors)


class ValidationStopped(ValidationError):
    """A validation was stopped, or its process ended without a result."""


class ValidationTimeout(ValidationError):
    """A validation had not ended at the task's ``timeout``."""


class LocalRunError(SsisTaskError):
    """A package that ran on the worker did not succeed."""


class LocalRunRefused(LocalRunError):
    """The package cannot be loaded, or has parts that the engine does not support. Nothing was run.

    :param refusals: the parts that the engine does not support.
    """

    def __init__(self, message: str, *, refusals: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.refusals = tuple(refusals)


class LocalRunFailed(LocalRunError):
    """The package failed.

    :param causes: its first errors.
    """

    def __init__(self, message: str, *, causes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.causes = tuple(causes)


class LocalRunCanceled(LocalRunError):
    """The run was canceled."""


class LocalRunTimeout(LocalRunError):
    """The package had not ended when the task's ``timeout`` was over; it was canceled."""


class LocalRunEndedUnexpectedly(LocalRunError):
    """The process of the engine ended without a result: it was killed, or ran out of memory."""


class ExecutionError(SsisTaskError):
    """A task failed because of an execution.

    :param message: what happened and what to do next.
    :param execution_id: the execution.
    :param status: its last known status; None if it is not known.
    """

    def __init__(self, message: str, *, execution_id: int, status: OperationStatus | None) -> None:
        super().__init__(message)
        self.execution_id = execution_id
        self.status = status


class ExecutionUnsuccessful(ExecutionError):
    """An execution has ended and did not succeed.

    :param message: what happened and what to do next.
    :param execution_id: the execution.
    :param status: its final status.
    :param causes: the first causes of its failure, oldest first.
    :param duration: seconds from its start to its end; None if it has no start or no end.
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
    """The package failed in its validation: it does not fit its sources or destinations.

    If a connection could not be opened during the validation, the exception is a plain :class:`ExecutionFailed`.
    """


class ExecutionCanceled(ExecutionUnsuccessful):
    """A user or another client stopped the execution (status 3)."""


class ExecutionStoppedByKill(ExecutionCanceled):
    """The task stopped the execution because the task was killed: marked, cleared, or its worker evicted."""


class ExecutionEndedUnexpectedly(ExecutionUnsuccessful):
    """The process that ran the package ended, and it is not known how far the package came (status 6)."""


class ExecutionTimeout(ExecutionError):
    """The execution had not ended at the task's ``timeout``."""


class ExecutionStuckPending(ExecutionError):
    """The execution was started, and the server did not begin to run it within ``pending_timeout``."""


class ExecutionUnreachable(ExecutionError):
    """The catalog can no longer be read while an execution runs. The outcome of the execution is unknown."""


class ExecutionNotStopped(ExecutionError):
    """A stop was requested, and the execution did not end in time."""


class ExecutionNotRunning(ExecutionError):
    """The execution that the task should stop does not run."""


class ExecutionNotStarted(ExecutionError):
    """The execution was created, and nothing started it within ``start_timeout``."""


class PreviousExecutionActive(ExecutionError):
    """Another execution is still active, and the task must not start a second one."""


class KilledBeforeStart(ExecutionError):
    """The task was killed after its execution was created and before it was started. The execution never runs."""
