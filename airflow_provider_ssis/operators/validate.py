"""Validating projects and packages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.message_levels import MessageLevel
from airflow_provider_ssis.compat import resumed_context
from airflow_provider_ssis.exceptions import InvalidTaskArgument
from airflow_provider_ssis.executions.arguments import check_choice, environment_of, flag, optional_text, required_text
from airflow_provider_ssis.executions.deadline import Deadline, seconds
from airflow_provider_ssis.executions.polling import PollSchedule, WaitResult
from airflow_provider_ssis.executions.validation import (
    ValidationRequest,
    ValidationWait,
    outcome_of,
    start_validation,
    stop_validation,
    timeout_error,
    wait_for_validation,
)
from airflow_provider_ssis.operators.base import SsisWaitingTask
from airflow_provider_ssis.operators.dag_checks import (
    check_environment,
    check_flag,
    check_name,
    check_package,
    check_switches,
)
from airflow_provider_ssis.triggers.events import ExecutionEvent
from airflow_provider_ssis.triggers.validation import SsisValidationTrigger

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger


class SsisValidateOperator(SsisWaitingTask, BaseOperator):
    """Validate a package, or all packages of a project, on the server, and fail if one is not valid.

    A validation checks the deployed files without running them: required parameters, references to environments,
    connection managers, sources and destinations. Its messages are written to the task log.

    :param folder: the catalog's folder. (templated)
    :param project: the project. (templated)
    :param package: the package, with ``.dtsx``. Default: all packages of the project. (templated)
    :param environment: the environment whose variables give parameters their values: ``Env``, ``Folder/Env``, or
        ``./Env`` for the project's own folder. Default: none; parameters have the values that are set on the project.
        (templated)
    :param environment_folder: the environment's folder, if the environment's name contains a slash. (templated)
    :param all_environments: validate with each environment that the project refers to, instead of one. Default: False.
    :param use_32bit_runtime: validate with the 32-bit runtime. Default: False. (templated)
    :param timeout: seconds, or a timedelta, to wait, from the task's start. Then the task fails, and the validation is
        stopped. Default: no limit (Airflow's ``execution_timeout`` has the same effect).
    :param poll_interval: seconds, or a timedelta, between two polls; shorter at first. Default: ``[ssis]
        poll_interval``, 10 seconds unless set.
    :param deferrable: wait in the triggerer, without a worker, if the validation takes longer than ``[ssis]
        defer_after`` (20 seconds). Default: ``[operators] default_deferrable``.
    :param follow_messages: the least important messages that are written to the task log: ``error``, ``warning``,
        ``information``, ``all`` or ``none``. Default: ``warning``.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``validation_id``, ``folder``, ``project``, ``package`` (None for all), ``status`` and ``duration`` in
        seconds.
    :raises InvalidTaskArgument: when the DAG is parsed: an argument cannot be used.
    :raises ProjectInvalid: the project or package is not valid; the message shows the first errors.
    :raises ValidationStopped: the validation was stopped, or ended without a result.
    :raises ValidationTimeout: the validation had not ended at the ``timeout``.
    :raises CatalogError: the catalog rejected the validation. The subclasses in
        :mod:`airflow_provider_ssis.catalog.errors` show the reason.
    """

    template_fields: Sequence[str] = (
        "folder",
        "project",
        "package",
        "environment",
        "environment_folder",
        "use_32bit_runtime",
        "ssis_conn_id",
    )
    ui_color = "#e4f1e1"
    trigger_class = SsisValidationTrigger

    def __init__(
        self,
        *,
        folder: str,
        project: str,
        package: str | None = None,
        environment: str | None = None,
        environment_folder: str | None = None,
        all_environments: bool = False,
        use_32bit_runtime: bool | str = False,
        timeout: float | timedelta | None = None,
        poll_interval: float | timedelta | None = None,
        deferrable: bool = config.default_deferrable(),
        follow_messages: str = MessageLevel.WARNING.value,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_name("folder", folder)
        check_name("project", project)
        if package is not None:
            check_package(package)
        if all_environments and (environment is not None or environment_folder is not None):
            raise InvalidTaskArgument("Give either environment or all_environments=True, not both.")
        check_flag("use_32bit_runtime", use_32bit_runtime)
        check_choice("follow_messages", follow_messages, MessageLevel)
        self.folder = folder
        self.project = project
        self.package = package
        self.environment = environment
        self.environment_folder = environment_folder
        self.all_environments = all_environments
        self.use_32bit_runtime = use_32bit_runtime
        self.timeout = seconds("timeout", timeout, zero=False)
        self.poll_interval = seconds("poll_interval", poll_interval, zero=False)
        self.deferrable = deferrable
        self.follow_messages = follow_messages
        self.ssis_conn_id = ssis_conn_id
        check_name("ssis_conn_id", ssis_conn_id)
        check_switches(self, "all_environments", "deferrable")
        check_environment(self)
        self._validation_id: int | None = None
        self._last_message_id = 0

    def execute(self, context: Context) -> dict[str, Any]:
        """Start the validation, and wait until it has ended.

        :param context: the task's context.
        :return: see the class.
        """
        self._check_deferral()
        deadline = self._deadline(context)
        environment, environment_folder = environment_of(self)
        request = ValidationRequest(
            folder=required_text("folder", self.folder),
            project=required_text("project", self.project),
            package=optional_text("package", self.package),
            environment=environment,
            environment_folder=environment_folder,
            all_environments=self.all_environments,
            use32bit=flag("use_32bit_runtime", self.use_32bit_runtime),
        )
        with self._open_catalog() as catalog:
            self._validation_id = start_validation(catalog, request, self.log)
            wait = self._wait(self._validation_id, deadline)
            result = wait_for_validation(catalog, wait, leave_at=self._leave_at(deadline), log=self.log)
            if result is WaitResult.TIMED_OUT:
                raise timeout_error(catalog, self._validation_id, self.timeout, self.log)
            if result is WaitResult.TERMINAL:
                return outcome_of(catalog, self._validation_id, self.log)
        return self._defer(deadline, wait.forwarder.last_id)

    def execute_complete(
        self, context: Context, event: dict[str, Any], validation_id: int | None = None, last_message_id: int = 0
    ) -> dict[str, Any]:
        """Continue after the triggerer has waited.

        :param context: the task's context.
        :param event: the payload of the trigger's event.
        :param validation_id: the validation that the task waits for. Default: the one that the event is about, because
            ``dag.test()`` passes nothing but the event.
        :param last_message_id: id of its last message in the task log. Default: 0, none.
        :return: see the class.
        """
        if validation_id is None:
            validation_id = ExecutionEvent.from_payload(event).execution_id
        self._validation_id = validation_id
        deadline = self._deadline(context)
        received = self._read_event(event, [validation_id])
        if received is None:
            return self._defer(deadline, last_message_id)
        with self._open_catalog() as catalog:
            if received.error is not None:
                raise received.error
            wait = self._wait(validation_id, Deadline.after(0) if received.result is WaitResult.TIMED_OUT else deadline)
            wait.forwarder.last_id = max(last_message_id, received.last_message_id or 0)
            result = wait_for_validation(catalog, wait, leave_at=Deadline(None), log=self.log)
            if result is WaitResult.TIMED_OUT:
                raise timeout_error(catalog, validation_id, self.timeout, self.log)
            return outcome_of(catalog, validation_id, self.log)

    def on_kill(self) -> None:
        """Stop the validation."""
        if self._validation_id is None and (context := resumed_context()) is not None:
            # Airflow 2 kills a deferred task whose execution_timeout has passed before it calls execute_complete.
            kwargs = getattr(context["ti"], "next_kwargs", None) or {}
            self._validation_id = kwargs.get("validation_id")
        if self._validation_id is None:
            return
        try:
            # On a new connection: a kill can arrive during a call on the other one.
            with self.hook.open_catalog() as catalog:
                stop_validation(catalog, self._validation_id, self.log)
        except CatalogError as error:
            self.log.error("Validation %d is not stopped: %s", self._validation_id, error)

    def _defer(self, deadline: Deadline, last_message_id: int) -> NoReturn:
        validation_id = self._validation_id or 0
        self._last_message_id = last_message_id
        self._defer_until_terminal(
            validation_id,
            deadline,
            kwargs={"validation_id": validation_id, "last_message_id": last_message_id},
        )

    def _wait(self, validation_id: int, deadline: Deadline) -> ValidationWait:
        return ValidationWait.of(
            validation_id,
            schedule=PollSchedule(self._poll_interval, self._longest_poll_interval),
            deadline=deadline,
            level=MessageLevel(self.follow_messages),
            log=self.log,
        )

    def _trigger(self, execution_id: int, deadline: Deadline) -> SsisExecutionTrigger:
        trigger = super()._trigger(execution_id, deadline)
        trigger.follow_messages = self.follow_messages
        trigger.last_message_id = self._last_message_id
        trigger.cancel_on_kill = True
        return trigger
