"""Validations: starting one, waiting for its end, and its outcome for the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.codes import MessageType, OperationStatus
from airflow_provider_ssis.catalog.errors import CatalogError, NotStoppable, OperationNotFound
from airflow_provider_ssis.catalog.requests import EnvironmentScope
from airflow_provider_ssis.exceptions import ProjectInvalid, ValidationStopped, ValidationTimeout
from airflow_provider_ssis.executions.message_log import MessageForwarder
from airflow_provider_ssis.executions.outage import OutageTolerance
from airflow_provider_ssis.executions.outcome import SUCCESS, status_name
from airflow_provider_ssis.executions.polling import ExecutionWait, WaitResult, poll_until_terminal

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.message_levels import MessageLevel
    from airflow_provider_ssis.catalog.models import ExecutionState, Validation
    from airflow_provider_ssis.executions.deadline import Deadline
    from airflow_provider_ssis.executions.message_log import TaskLog
    from airflow_provider_ssis.executions.polling import PollSchedule

_MAX_ERRORS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRequest:
    """What to validate, and how.

    :param package: the package. Default: all packages of the project.
    :param environment: the environment that gives parameters their values, as for an execution. Default: none.
    :param environment_folder: its folder, if its name contains a slash.
    :param all_environments: validate with each environment that the project refers to.
    :param use32bit: validate with the 32-bit runtime. Default: False.
    """

    folder: str
    project: str
    package: str | None = None
    environment: str | None = None
    environment_folder: str | None = None
    all_environments: bool = False
    use32bit: bool = False

    @property
    def title(self) -> str:
        """What is validated: ``the package Sales/Mart/Load.dtsx``."""
        place = f"{self.folder}/{self.project}"
        return f"the project {place}" if self.package is None else f"the package {place}/{self.package}"


@dataclass(slots=True)
class ValidationWait:
    """One wait for a validation, on a worker.

    :param forwarder: writes the validation's messages to the task log.
    """

    validation_id: int
    schedule: PollSchedule
    deadline: Deadline
    forwarder: MessageForwarder

    @classmethod
    def of(
        cls, validation_id: int, *, schedule: PollSchedule, deadline: Deadline, level: MessageLevel, log: TaskLog
    ) -> Self:
        """The wait of a task that writes the messages of the validation to its log.

        :param schedule: how often to poll.
        :param deadline: when to give up.
        :param level: the lowest level of messages that are written.
        :param log: the log of the task.
        """
        return cls(validation_id, schedule, deadline, MessageForwarder(validation_id, log, level=level))


def start_validation(catalog: Catalog, request: ValidationRequest, log: TaskLog) -> int:
    """Start a validation.

    :return: its id.
    :raises CatalogError: the catalog rejected it.
    """
    reference_id, scope = None, EnvironmentScope.NONE
    if request.all_environments:
        scope = EnvironmentScope.ALL
    elif request.environment is not None:
        scope = EnvironmentScope.SINGLE
        reference_id = catalog.find_environment_reference(
            request.folder, request.project, request.environment, request.environment_folder
        ).reference_id
    if request.package is None:
        validation_id = catalog.validate_project(
            request.folder, request.project, reference_id=reference_id, scope=scope, use32bit=request.use32bit
        )
    else:
        validation_id = catalog.validate_package(
            request.folder,
            request.project,
            request.package,
            reference_id=reference_id,
            scope=scope,
            use32bit=request.use32bit,
        )
    log.info("Validation %d of %s has started.", validation_id, request.title)
    return validation_id


def wait_for_validation(catalog: Catalog, wait: ValidationWait, *, leave_at: Deadline, log: TaskLog) -> WaitResult:
    """Wait on the worker until a validation has ended, and write its messages to the task log.

    :param catalog: where to poll.
    :param wait: the validation, and how to wait for it.
    :param leave_at: when to end the wait although it is still running.
    :param log: the task's log.
    :return: TERMINAL, TIMED_OUT or STILL_ACTIVE.
    :raises CatalogError: the catalog could not be read for too long.
    """
    execution_wait = ExecutionWait(
        execution_id=wait.validation_id, schedule=wait.schedule, deadline=wait.deadline, leave_at=leave_at
    )
    tolerance = OutageTolerance(config.outage_timeout())

    def forward(state: ExecutionState) -> None:
        wait.forwarder.forward(catalog)

    with catalog.without_retries():
        result = poll_until_terminal(
            catalog,
            execution_wait,
            tolerance=tolerance,
            log=log,
            on_poll=forward,
        )
    if result is WaitResult.TERMINAL:
        wait.forwarder.forward(catalog)
    return result


def outcome_of(catalog: Catalog, validation_id: int, log: TaskLog) -> dict[str, Any]:
    """What a task returns about a validation that has ended.

    :raises ProjectInvalid: it failed.
    :raises ValidationStopped: it was stopped, or ended without a result.
    """
    validation = _read(catalog, validation_id)
    title, duration = _title(validation), _duration(validation)
    after = "" if duration is None else f" after {duration:.1f} s"
    if validation.status in SUCCESS:
        log.info("Validation %d of %s succeeded%s.", validation_id, title, after)
        return {
            "validation_id": validation_id,
            "folder": validation.folder_name,
            "project": validation.project_name,
            "package": _package(validation),
            "status": status_name(validation.status),
            "duration": duration,
        }
    if validation.status is not OperationStatus.FAILED:
        by = f" by {validation.stopped_by_name}" if validation.stopped_by_name else ""
        fate = f"was stopped{by}" if validation.status is OperationStatus.CANCELED else "ended unexpectedly"
        raise ValidationStopped(
            f"Validation {validation_id} of {title} {fate}{after}, so it is not known whether it is valid. Run the "
            "task again.",
            validation_id=validation_id,
            status=validation.status,
        )
    errors, unread = list[str](), ""
    try:
        found = catalog.all_event_messages(validation_id, message_types=[MessageType.ERROR])
        errors = [message.message for message, _ in zip(found, range(_MAX_ERRORS), strict=False)]
    except CatalogError as error:
        # The result matters more than its messages.
        unread = f"\nIts messages could not be read: {error}"
    text = f"Validation {validation_id} of {title} failed{after}: it is not valid."
    if errors:
        text += "\nFirst errors:" + "".join(f"\n  - {error}" for error in errors)
    raise ProjectInvalid(
        f"{text}{unread}\nFix the project and deploy it again, or set the missing values.",
        validation_id=validation_id,
        status=validation.status,
        errors=errors,
    )


def timeout_error(catalog: Catalog, validation_id: int, limit: float | None, log: TaskLog) -> ValidationTimeout:
    """The error for a validation that has not ended at the deadline, after a request to stop it.

    :param catalog: where it runs.
    :param validation_id: the validation.
    :param limit: how long the task was to wait, in seconds, if known.
    :param log: the task's log.
    """
    stop_validation(catalog, validation_id, log)
    validation = _read(catalog, validation_id)
    after = "at the task's deadline" if limit is None else f"after {limit:g} s"
    return ValidationTimeout(
        f"Validation {validation_id} of {_title(validation)} had not ended {after}, and its stop was requested. Raise "
        "the task's timeout if it may take longer.",
        validation_id=validation_id,
        status=validation.status,
    )


def stop_validation(catalog: Catalog, validation_id: int, log: TaskLog) -> None:
    """Request the stop of a validation. Does not wait for its end, because nothing depends on it.

    :param catalog: where it runs.
    :param validation_id: the validation.
    :param log: the task's log, for errors.
    """
    try:
        catalog.stop_operation(validation_id)
    except NotStoppable as refusal:
        # It has ended.
        log.info("%s", refusal)
    except CatalogError as error:
        log.error("Validation %d is not stopped: %s", validation_id, error)
    else:
        log.info("Requested the stop of validation %d.", validation_id)


def _read(catalog: Catalog, validation_id: int) -> Validation:
    validation = catalog.validation(validation_id)
    if validation is None:
        raise OperationNotFound(f"There is no validation {validation_id} in the catalog, or the login may not read it")
    return validation


def _package(validation: Validation) -> str | None:
    return validation.object_name if validation.object_name != validation.project_name else None


def _title(validation: Validation) -> str:
    package = _package(validation)
    return ValidationRequest(folder=validation.folder_name, project=validation.project_name, package=package).title


def _duration(validation: Validation) -> float | None:
    if validation.start_time is None or validation.end_time is None:
        return None
    return (validation.end_time - validation.start_time).total_seconds()
