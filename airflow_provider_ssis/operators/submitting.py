"""The base of the operators that create executions: submit, track, defer and stop the task's execution."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.message_levels import MessageLevel
from airflow_provider_ssis.compat import deferral_exceptions, is_deferral_timeout, resumed_context
from airflow_provider_ssis.exceptions import KilledBeforeStart, RenderedToNothing, TrySuperseded
from airflow_provider_ssis.executions.arguments import execution_request
from airflow_provider_ssis.executions.outcome import result_of, unreachable_error
from airflow_provider_ssis.executions.polling import PollSchedule
from airflow_provider_ssis.executions.submit import OnPreviousRun, Submission, TaskStamp
from airflow_provider_ssis.executions.task_state import SavedExecution, TaskState, load_after_deferral
from airflow_provider_ssis.operators.base import SsisWaitingTask
from airflow_provider_ssis.operators.task_execution import TaskExecution, WaitOptions

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.models import Execution
    from airflow_provider_ssis.executions.deadline import Deadline
    from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger


class SsisSubmittingTask(SsisWaitingTask):
    """A task that creates an execution, or finds the one of an earlier try, and waits for it.

    The arguments are those of :class:`~airflow_provider_ssis.operators.run.SsisRunPackageOperator`.
    """

    folder: str
    project: str
    package: str
    caller_info: str | None
    timeout: float | None
    pending_timeout: float | None
    durable: bool
    on_previous_run: str | None
    allow_concurrent: bool
    cancel_on_kill: bool
    follow_messages: str

    if TYPE_CHECKING:
        # From Airflow's base class.
        task_id: str
        retries: int | None
        do_xcom_push: bool

    _execution: TaskExecution | None = None
    _killed = False

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Continue after the deferral. If the deferral timed out, stop the execution first.

        :param next_method: the method to call.
        :param next_kwargs: its arguments.
        :param context: the task's context.
        """
        base: Any = super()
        try:
            return base.resume_execution(next_method, next_kwargs, context)
        except deferral_exceptions() as error:
            saved = load_after_deferral(context, self.task_id)
            if is_deferral_timeout(error):
                self._stop_after_deferral(context, saved)
                raise
            execution_id = 0 if saved is None else saved.execution_id
            raise unreachable_error(execution_id, f"the trigger failed ({error}).") from error

    def on_kill(self) -> None:
        """Stop the execution, if this task instance created it and ``cancel_on_kill`` is set."""
        self._killed = True
        if self._execution is None and (context := resumed_context()) is not None:
            # Airflow 2 kills a deferred task whose execution_timeout has passed before it calls execute_complete.
            with contextlib.suppress(TrySuperseded):
                saved = load_after_deferral(context, self.task_id)
                if saved is not None:
                    self._track(context, saved)
        if self._execution is not None and self._execution.may_be_stopped:
            self._execution.stop()

    def _submission(self, context: Context, deadline: Deadline) -> Submission:
        return Submission(
            request=execution_request(self),
            stamp=self._stamp(context),
            is_stamped=self._is_stamped,
            alone=not self.allow_concurrent,
            on_previous_run=OnPreviousRun(self.on_previous_run or OnPreviousRun.STOP.value),
            deadline=deadline,
            poll_interval=self._poll_interval,
        )

    def _stamp(self, context: Context) -> TaskStamp:
        return TaskStamp.of(context, retries=self.retries or 0, durable=self.durable)

    @property
    def _is_stamped(self) -> bool:
        return self.caller_info is None and config.stamp_executions()

    def _with_type(self, error: RenderedToNothing) -> RenderedToNothing:
        """The same error with the parameter's type, if the catalog can be read."""
        if error.parameter is None:
            return error
        data_type = None
        with contextlib.suppress(CatalogError), self.hook.open_catalog() as catalog:
            for parameter in catalog.object_parameters(str(self.folder), str(self.project)):
                if parameter.parameter_name == error.parameter:
                    data_type = parameter.data_type
        return RenderedToNothing(error.argument, parameter=error.parameter, data_type=data_type)

    def _before_start(self, context: Context, saved: SavedExecution) -> None:
        # First, since a kill can come after each line.
        self._track(context, saved)
        self._push_id(context, saved)
        if self._killed and saved.is_ours:
            raise KilledBeforeStart(
                f"The task was killed after it had created execution {saved.execution_id}. If the execution was not "
                "started, it does not run by itself.",
                execution_id=saved.execution_id,
                status=None,
            )

    def _track(self, context: Context, saved: SavedExecution, *, last_message_id: int = 0) -> TaskExecution:
        """The execution that this task waits for from now on."""
        package = f"{self.folder}/{self.project}/{self.package}"
        self._execution = TaskExecution(
            saved,
            self._stamp(context).correlation(
                is_stamped=self._is_stamped, exclusive_package=None if self.allow_concurrent else package
            ),
            WaitOptions(
                schedule=PollSchedule(self._poll_interval, self._longest_poll_interval),
                timeout=self.timeout,
                pending_timeout=self._pending_timeout,
                message_level=MessageLevel(self.follow_messages),
                cancel_on_kill=self.cancel_on_kill,
            ),
            last_message_id=last_message_id,
            open_catalog=lambda: self.hook.open_catalog(),
            state=TaskState.of(context),
            on_end=lambda execution: self._push_result(context, execution),
            is_killed=lambda: self._killed,
            log=self.log,
        )
        return self._execution

    def _defer(self, execution: TaskExecution, deadline: Deadline) -> NoReturn:
        saved = execution.saved
        self._defer_until_terminal(
            saved.execution_id,
            deadline,
            kwargs={
                "execution_id": saved.execution_id,
                "is_ours": saved.is_ours,
                "last_message_id": execution.last_message_id,
            },
        )

    def _trigger(self, execution_id: int, deadline: Deadline) -> SsisExecutionTrigger:
        trigger = super()._trigger(execution_id, deadline)
        trigger.pending_timeout = self._pending_timeout
        trigger.follow_messages = self.follow_messages
        trigger.cancel_on_kill = self._execution is None or self._execution.may_be_stopped
        trigger.last_message_id = 0 if self._execution is None else self._execution.last_message_id
        return trigger

    def _stop_after_deferral(self, context: Context, saved: SavedExecution | None) -> None:
        """Stop the execution after Airflow has ended the deferral without notifying the trigger."""
        if saved is None:
            self.log.error("The id of the execution that this task waited for is lost: search for it in the catalog.")
        elif not saved.is_ours:
            self.log.info("Execution %d continues: this task only followed it.", saved.execution_id)
        elif self.cancel_on_kill:
            self._track(context, saved).stop()

    def _push_id(self, context: Context, saved: SavedExecution) -> None:
        if self.do_xcom_push:
            saved.push_to_xcom(context["ti"])

    def _push_result(self, context: Context, execution: Execution) -> dict[str, Any]:
        result = result_of(execution)
        if self.do_xcom_push:
            for key in ("status", "duration"):
                if result[key] is not None:
                    context["ti"].xcom_push(key=key, value=result[key])
        return result

    @property
    def _pending_timeout(self) -> float | None:
        return config.pending_timeout() if self.pending_timeout is None else self.pending_timeout or None
