"""Running a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, get_current_context, mask_secret

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Value
from airflow_provider_ssis.exceptions import ExecutionError, InvalidTaskArgument, KilledBeforeStart
from airflow_provider_ssis.executions.arguments import (
    flag,
    nested_values_of,
    optional_text,
    required_text,
    secrets_in,
    shown_as_text,
    values_of,
)
from airflow_provider_ssis.executions.deferral import Report, deferral_exceptions, is_deferral_timeout
from airflow_provider_ssis.executions.following import MessageFollower, MessageLevel
from airflow_provider_ssis.executions.giving_up import out_of_sight, stuck_pending, timed_out
from airflow_provider_ssis.executions.limits import check_seconds, deadline_of, deferral_limit
from airflow_provider_ssis.executions.memory import Remembered, TaskMemory, deferred_execution, push_execution
from airflow_provider_ssis.executions.outage import Outage
from airflow_provider_ssis.executions.outcome import SUCCESS, name_of, result_of, status_name, unsuccessful
from airflow_provider_ssis.executions.progress import Progress
from airflow_provider_ssis.executions.stamp import TaskStamp
from airflow_provider_ssis.executions.stopping import stop_executions
from airflow_provider_ssis.executions.submission import OnPreviousRun, Submission, submit
from airflow_provider_ssis.executions.waiting import patiently, read_execution, wait_until_over
from airflow_provider_ssis.executions.watching import Deadline, Verdict, Watch
from airflow_provider_ssis.triggers.execution import SsisExecutionTrigger

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import LoggingLevel
    from airflow_provider_ssis.catalog.models import Execution, ExecutionState
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook


class SsisRunPackageOperator(BaseOperator):
    """Configure a package of the SSISDB catalog, run it, and wait until it is over.

    The package's messages come into the task's log while it runs. A package that does not succeed fails the task with
    one of the exceptions of :mod:`airflow_provider_ssis.exceptions`, which carries status, first errors and execution
    id. The execution id goes to XCom as ``execution_id`` before the package starts.

    Values of parameters are sent with the type that the parameter has in the catalog. Templates give text, so text is
    converted where it can be read as that type: ``"5"`` for Int32, ``"2024-02-29"`` for DateTime, ``"true"`` for
    Boolean. Each value may be wrapped as ``{"value": …, "sensitive": True}``: it is then masked in logs and rendered
    templates, and a property override is stored encrypted. Each mapping may also be given as JSON text, for templates
    that make the whole of it.

    :param folder: the catalog's folder. (templated)
    :param project: the project. (templated)
    :param package: the package, with its ``.dtsx``. (templated)
    :param environment: the environment whose variables the run uses: ``Env`` (in whichever folder the project refers
        to), ``Folder/Env``, or ``./Env`` for the project's own folder. One that is missing, ambiguous or not referred
        to is an error. Default: none. (templated)
    :param environment_folder: the environment's folder, where its name is not to be split at a slash. (templated)
    :param parameters: values of the package's parameters by name. (templated)
    :param project_parameters: values of the project's parameters by name. (templated)
    :param connection_managers: properties of connection managers that the package uses:
        ``{"Warehouse": {"ServerName": "dw01", "InitialCatalog": "DW"}}``. (templated)
    :param project_connection_managers: properties of the project's connection managers, likewise. (templated)
    :param property_overrides: values of any properties by path:
        ``{r"\\Package\\Load.Properties[MaximumErrorCount]": 5}``. The catalog takes any path; a wrong one fails the
        run. (templated)
    :param logging_level: ``None``, ``Basic``, ``Performance``, ``Verbose``, ``RuntimeLineage`` as text, their number,
        a :class:`~airflow_provider_ssis.catalog.codes.LoggingLevel`, or the name of a customized level. Default: the
        level that is set on the server. (templated)
    :param use_32bit_runtime: run with the 32-bit runtime. Default: False. (templated)
    :param caller_info: text for the execution's server option CALLER_INFO. Default: None, a stamp that names DAG, run,
        task and map index (unless switched off by ``[ssis] stamp_executions``); empty text leaves the option alone.
        (templated)
    :param wait_for_termination: wait until the package is over; otherwise the task succeeds as soon as it has started,
        whatever becomes of it (a sensor can tell). Default: True.
    :param poll_interval: seconds between two looks while waiting; the first ones come sooner. Default:
        ``[ssis] poll_interval``, 10 seconds unless set.
    :param timeout: seconds to wait, from the task's start. Then the task fails, and the execution is stopped if
        ``cancel_on_kill`` is set. Default: no limit (Airflow's ``execution_timeout`` has the same effect).
    :param pending_timeout: seconds that the started execution may wait for the server to run it; then the task fails
        and says what is known to cause it. 0 for no limit. Default: ``[ssis] pending_timeout``, 1800 unless set.
    :param deferrable: wait in the triggerer, without a worker. Default: ``[operators] default_deferrable``.
    :param durable: let a retry go on with the execution of the try before: start it if it was not, follow it, accept
        its success. Only one that failed, was stopped or ended unexpectedly leads to a new one. A task that was cleared
        starts anew in any case. Default: True.
    :param on_previous_run: what to do if an execution of this task instance from before it was cleared is still
        active: ``stop`` it and wait for its end, ``wait`` for its end, ``attach`` to it, that is, follow it instead of
        starting one, or ``fail``. Default: ``stop``.
    :param allow_concurrent: False does the same for any active execution of the package, whoever started it;
        ``on_previous_run`` must then be given. Default: True.
    :param cancel_on_kill: stop the execution when the task is killed or times out. Default: True.
    :param follow_messages: the least important messages of the package that come into the task's log: ``error``,
        ``warning``, ``information``, ``all``, or ``none`` at all. Default: ``all``.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``execution_id``, ``folder``, ``project``, ``package``, ``status`` and ``duration`` in seconds (None if the
        package is not over).
    :raises ValueError: when the DAG is read: an argument cannot be meant.
    :raises ExecutionFailed: the package failed.
    :raises ExecutionCanceled: somebody stopped the execution.
    :raises ExecutionEndedUnexpectedly: the process that ran the package is gone.
    :raises ExecutionTimeout: the package was not over in time.
    :raises ExecutionStuckPending: the server did not begin to run it in time.
    :raises PreviousExecutionActive: another execution is in the way.
    :raises ExecutionOutOfSight: the catalog could not be read any more while the package ran.
    :raises CatalogError: the catalog refused the run; its subclasses in :mod:`airflow_provider_ssis.catalog.errors`
        tell why.
    """

    template_fields: Sequence[str] = (
        "folder",
        "project",
        "package",
        "environment",
        "environment_folder",
        "parameters",
        "project_parameters",
        "connection_managers",
        "project_connection_managers",
        "property_overrides",
        "logging_level",
        "use_32bit_runtime",
        "caller_info",
        "ssis_conn_id",
    )
    template_fields_renderers = {  # noqa: RUF012 Airflow declares it as a plain dict
        "parameters": "json",
        "project_parameters": "json",
        "connection_managers": "json",
        "project_connection_managers": "json",
        "property_overrides": "json",
    }
    ui_color = "#dbe9f6"

    def __init__(
        self,
        *,
        folder: str,
        project: str,
        package: str,
        environment: str | None = None,
        environment_folder: str | None = None,
        parameters: Mapping[str, Any] | str | None = None,
        project_parameters: Mapping[str, Any] | str | None = None,
        connection_managers: Mapping[str, Mapping[str, Any]] | str | None = None,
        project_connection_managers: Mapping[str, Mapping[str, Any]] | str | None = None,
        property_overrides: Mapping[str, Any] | str | None = None,
        logging_level: LoggingLevel | int | str | None = None,
        use_32bit_runtime: bool | str = False,
        caller_info: str | None = None,
        wait_for_termination: bool = True,
        poll_interval: float | None = None,
        timeout: float | None = None,
        pending_timeout: float | None = None,
        deferrable: bool = config.default_deferrable(),
        durable: bool = True,
        on_previous_run: str | None = None,
        allow_concurrent: bool = True,
        cancel_on_kill: bool = True,
        follow_messages: str = MessageLevel.ALL.value,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.project = project
        self.package = package
        self.environment = environment
        self.environment_folder = environment_folder
        self.parameters = parameters
        self.project_parameters = project_parameters
        self.connection_managers = connection_managers
        self.project_connection_managers = project_connection_managers
        self.property_overrides = property_overrides
        self.logging_level = logging_level
        self.use_32bit_runtime = use_32bit_runtime
        self.caller_info = caller_info
        self.wait_for_termination = wait_for_termination
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.pending_timeout = pending_timeout
        self.deferrable = deferrable
        self.durable = durable
        self.on_previous_run = on_previous_run
        self.allow_concurrent = allow_concurrent
        self.cancel_on_kill = cancel_on_kill
        self.follow_messages = follow_messages
        self.ssis_conn_id = ssis_conn_id
        _check_choices(on_previous_run, follow_messages, allow_concurrent=allow_concurrent)
        check_seconds("timeout", timeout, zero=False)
        check_seconds("poll_interval", poll_interval, zero=False)
        check_seconds("pending_timeout", pending_timeout)
        self.execution_id: int | None = None
        self._is_ours = True
        self._killed = False

    @cached_property
    def hook(self) -> SsisCatalogHook:
        """The connection to the catalog."""
        # Imported when the task runs: it brings the ODBC driver manager with it.
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

        return SsisCatalogHook(ssis_conn_id=self.ssis_conn_id)

    def render_template(self, content: Any, *args: Any, **kwargs: Any) -> Any:
        """Render as Airflow does, and have what is marked sensitive masked before it is shown anywhere."""
        rendered = super().render_template(content, *args, **kwargs)
        for secret in secrets_in(rendered):
            mask_secret(secret)
        return shown_as_text(rendered)

    def execute(self, context: Context) -> dict[str, Any]:
        """Create, configure and start an execution, or find that of an earlier try, and wait for its end.

        :param context: the task's context.
        :return: see the class.
        """
        deadline = self._deadline(context)
        if self.deferrable:
            # What cannot travel to the triggerer must be found before anything runs.
            self._trigger(0, deadline).check()
        submission = self._submission(context, deadline)
        with self.hook.open_catalog() as catalog:
            submitted = submit(
                catalog,
                submission,
                TaskMemory.of(context),
                before_start=lambda execution: self._before_start(context, execution),
                log=self.log,
            )
            if self._killed and self._is_to_be_stopped:
                # The kill came during the start, when there was nothing to stop yet.
                self._stop(submitted.execution_id)
            if not self.wait_for_termination:
                return self._result(context, read_execution(catalog, submitted.execution_id))
            if not self.deferrable or submitted.status.is_terminal:
                return self._wait(context, catalog, submitted.execution_id, deadline)
        self._defer(submitted.execution_id, deadline)
        raise AssertionError("unreachable: deferring raises")

    def execute_complete(
        self, context: Context, event: dict[str, Any], execution_id: int | None = None, is_ours: bool = True
    ) -> dict[str, Any]:
        """Go on when the triggerer has seen the end of the wait.

        :param context: the task's context.
        :param event: what :class:`SsisExecutionTrigger` told.
        :param execution_id: the execution that the task waits for. Default: the one that the event is about.
        :param is_ours: whether the task started it, and may stop it. Default: True.
        :return: see the class.
        """
        report = Report.of(event)
        if execution_id is None:
            execution_id = report.execution_id
        self.execution_id = execution_id
        self._is_ours = is_ours
        if report.execution_id != execution_id:
            # A database that gives a deleted trigger's id to the next one lets a task get what another one told.
            self._defer(execution_id, self._deadline(context))
        self._push(context, Remembered(execution_id, context["ti"].try_number, is_ours))
        lost = report.lost
        result = None
        # What the triggerer has borne for long enough is not borne for as long again; after a deadline there is time
        # for the stop only.
        patience = config.stop_timeout() if report.verdict is Verdict.TIMEOUT else config.outage_timeout()
        outage = Outage(patience if lost is None else 0)
        try:
            with patiently(lambda: self.hook.open_catalog(), outage, self.log) as catalog:
                replayed = MessageFollower(execution_id, self.log, level=self._level.replayed)
                patiently(lambda: replayed.follow(catalog), outage, self.log)
                followed = MessageFollower(execution_id, self.log, level=self._level)
                patiently(lambda: followed.tell_those_without_id(catalog), outage, self.log)
                if lost is None:
                    result = self._conclude(context, catalog, execution_id, report.verdict, outage)
        except CatalogError as error:
            raise lost or out_of_sight(execution_id, str(error)) from error
        if lost is not None:
            raise lost
        if result is None:
            self._defer(execution_id, self._deadline(context))
            raise AssertionError("unreachable: deferring raises")
        return result

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the triggerer; if that failed or timed out, see to the execution first.

        :param next_method: the method to call.
        :param next_kwargs: its arguments.
        :param context: the task's context.
        """
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except deferral_exceptions() as error:
            if is_deferral_timeout(error):
                self._stop_after_deferral(context)
                raise
            known = deferred_execution(context, self.task_id)
            raise out_of_sight(0 if known is None else known.execution_id, f"the trigger failed ({error}).") from error

    def on_kill(self) -> None:
        """Stop the execution, if the task created one and ``cancel_on_kill`` is set."""
        self._killed = True
        if self.execution_id is None and (waited_for := self._waited_for()) is not None:
            self.execution_id, self._is_ours = waited_for.execution_id, waited_for.is_ours
        if self.execution_id is not None and self._is_to_be_stopped:
            self._stop(self.execution_id)

    def _request(self) -> ExecutionRequest:
        return ExecutionRequest(
            folder=required_text("folder", self.folder),
            project=required_text("project", self.project),
            package=required_text("package", self.package),
            environment=optional_text("environment", self.environment),
            environment_folder=optional_text("environment_folder", self.environment_folder),
            parameters=values_of("parameters", self.parameters),
            project_parameters=self._project_parameters(),
            connection_managers=nested_values_of("connection_managers", self.connection_managers),
            property_overrides=values_of("property_overrides", self.property_overrides),
            logging_level=self.logging_level if self.logging_level != "" else None,
            use32bit=flag("use_32bit_runtime", self.use_32bit_runtime),
            caller_info=self.caller_info or None,
        )

    def _project_parameters(self) -> dict[str, Value]:
        """Values of the project's parameters, as which the catalog knows its connection managers' properties too."""
        values = values_of("project_parameters", self.project_parameters)
        managers = nested_values_of("project_connection_managers", self.project_connection_managers)
        for manager, properties in managers.items():
            for name, value in properties.items():
                parameter = f"CM.{manager}.{name}"
                if parameter in values:
                    raise InvalidTaskArgument(
                        f"The project parameter {parameter!r} is given twice: in project_parameters and in "
                        "project_connection_managers. Leave one out."
                    )
                values[parameter] = value
        return values

    def _submission(self, context: Context, deadline: Deadline) -> Submission:
        stamp = TaskStamp.of(context, retries=self.retries or 0, durable=self.durable)
        return Submission(
            request=self._request(),
            stamp=stamp,
            is_stamped=self.caller_info is None and config.stamp_executions(),
            alone=not self.allow_concurrent,
            on_previous_run=OnPreviousRun(self.on_previous_run or OnPreviousRun.STOP.value),
            lookback=config.lookback(),
            stop_timeout=config.stop_timeout(),
            deadline=deadline,
            poll_interval=self._poll_interval,
            outage_timeout=config.outage_timeout(),
        )

    def _before_start(self, context: Context, execution: Remembered) -> None:
        execution_id = execution.execution_id
        # First whose it is: a kill may come after each line.
        self._is_ours = execution.is_ours
        self.execution_id = execution_id
        self.log.info("Execution %d of %s/%s/%s.", execution_id, self.folder, self.project, self.package)
        self._push(context, execution)
        if self._killed and self._is_ours:
            raise KilledBeforeStart(
                f"The task was killed after execution {execution_id} had been created; if it was not started, it does "
                "not run by itself.",
                execution_id=execution_id,
                status=None,
            )

    def _wait(self, context: Context, catalog: Catalog, execution_id: int, deadline: Deadline) -> dict[str, Any]:
        follower = MessageFollower(execution_id, self.log, level=self._level)
        progress = Progress(execution_id, TaskMemory.of(context), self.log)
        seen = None

        def look(state: ExecutionState) -> None:
            nonlocal seen
            # How it ended is told at the end, after its last messages.
            if not state.status.is_terminal:
                if state.status is not seen:
                    self.log.info("Execution %d is %s.", execution_id, status_name(state.status))
                    seen = state.status
                progress.tell(catalog, state.status)
            follower.follow(catalog)

        watch = Watch(
            execution_id=execution_id,
            poll_interval=self._poll_interval,
            longest_poll_interval=max(self._poll_interval, config.longest_poll_interval()),
            deadline=deadline,
            pending_timeout=self._pending_timeout,
        )
        outage = Outage(config.outage_timeout())
        result = None
        try:
            while result is None:
                verdict = wait_until_over(catalog, watch, outage=outage, log=self.log, on_look=look)
                patiently(lambda: follower.finish(catalog), outage, self.log)
                result = self._conclude(context, catalog, execution_id, verdict, outage)
        except CatalogError as error:
            raise out_of_sight(execution_id, str(error)) from error
        return result

    def _defer(self, execution_id: int, deadline: Deadline) -> None:
        self.log.info("Waiting for execution %d in the triggerer.", execution_id)
        self.defer(
            trigger=self._trigger(execution_id, deadline),
            method_name="execute_complete",
            kwargs={"execution_id": execution_id, "is_ours": self._is_ours},
            timeout=deferral_limit(deadline, self._poll_interval),
        )

    def _trigger(self, execution_id: int, deadline: Deadline) -> SsisExecutionTrigger:
        return SsisExecutionTrigger(
            execution_id=execution_id,
            ssis_conn_id=self.ssis_conn_id,
            poll_interval=self._poll_interval,
            longest_poll_interval=max(self._poll_interval, config.longest_poll_interval()),
            deadline=deadline.at,
            pending_timeout=self._pending_timeout,
            outage_timeout=config.outage_timeout(),
            follow_messages=self._level.value,
            cancel_on_kill=self._is_to_be_stopped,
        )

    def _conclude(
        self, context: Context, catalog: Catalog, execution_id: int, verdict: Verdict, outage: Outage
    ) -> dict[str, Any] | None:
        """The task's end, for whatever reason the wait is over; None if the reason is none any more."""
        execution = patiently(lambda: read_execution(catalog, execution_id), outage, self.log)
        if execution.status.is_terminal:
            Progress(execution_id, TaskMemory.of(context), self.log).tell(catalog, execution.status)
            result = self._result(context, execution)
            if execution.status not in SUCCESS:
                raise patiently(lambda: unsuccessful(catalog, execution, task_killed=self._killed), outage, self.log)
            self.log.info("%s: %s.", name_of(execution), status_name(execution.status))
            return result
        if verdict is Verdict.STUCK_PENDING and execution.status is OperationStatus.PENDING:
            raise stuck_pending(execution, self._pending_timeout)
        if verdict is not Verdict.TIMEOUT:
            # It has begun to run meanwhile, or a catalog that lags behind answers now.
            return None
        stopped = self._stop(execution_id) if self._is_to_be_stopped else None
        self._result(context, stopped or execution)
        raise timed_out(execution, self.timeout, stopped, was_stopped=self._is_to_be_stopped)

    def _result(self, context: Context, execution: Execution) -> dict[str, Any]:
        result = result_of(execution)
        if self.do_xcom_push:
            for key in ("status", "duration"):
                if result[key] is not None:
                    context["ti"].xcom_push(key=key, value=result[key])
        return result

    def _stop_after_deferral(self, context: Context) -> None:
        """Airflow's own limit has ended the deferral, without a word to the trigger."""
        waited_for = deferred_execution(context, self.task_id)
        if waited_for is None:
            self.log.error("The execution that this task waited for is not known any more: look for it in the catalog.")
        elif not waited_for.is_ours:
            self.log.info("Execution %d goes on: this task only followed it.", waited_for.execution_id)
        elif self.cancel_on_kill:
            self._stop(waited_for.execution_id)

    def _waited_for(self) -> Remembered | None:
        """The execution of a task that is killed after its deferral, before anybody has told it which one it is.

        Airflow 2 does that to a task whose ``execution_timeout`` passed meanwhile.
        """
        try:
            context = get_current_context()
        except Exception:  # noqa: BLE001 Airflow's versions raise different ones where no task runs
            return None
        if getattr(context["ti"], "next_method", None) is None:
            return None
        return deferred_execution(context, self.task_id)

    def _push(self, context: Context, execution: Remembered) -> None:
        if self.do_xcom_push:
            push_execution(context["ti"], execution)

    def _deadline(self, context: Context) -> Deadline:
        # While a task is deferred, Airflow does not watch execution_timeout.
        return deadline_of(context, self.timeout, execution_timeout=self.execution_timeout if self.deferrable else None)

    @property
    def _is_to_be_stopped(self) -> bool:
        return self.cancel_on_kill and self._is_ours

    @property
    def _level(self) -> MessageLevel:
        return MessageLevel(self.follow_messages)

    @property
    def _poll_interval(self) -> float:
        return config.poll_interval() if self.poll_interval is None else self.poll_interval

    @property
    def _pending_timeout(self) -> float | None:
        return config.pending_timeout() if self.pending_timeout is None else self.pending_timeout or None

    def _stop(self, execution_id: int) -> Execution | None:
        """Stop an execution and wait until it is over, as long as ``[ssis] stop_timeout`` allows.

        :return: the execution at its end; None if it could not be stopped, and why is in the log.
        """
        try:
            # A connection of its own: a kill can come in the middle of a call on the other one.
            with self.hook.open_catalog() as catalog:
                (execution,) = stop_executions(
                    catalog,
                    [execution_id],
                    poll_interval=self._poll_interval,
                    deadline=Deadline.after(config.stop_timeout()),
                    log=self.log,
                )
        except (CatalogError, ExecutionError) as error:
            self.log.error("Execution %d is not stopped: %s", execution_id, error)
            return None
        self.log.info("%s: %s.", name_of(execution), status_name(execution.status))
        return execution


def _check_choices(on_previous_run: str | None, follow_messages: str, *, allow_concurrent: bool) -> None:
    """Refuse what cannot be meant, when the DAG is read.

    :raises ValueError: there is no such choice.
    """
    for name, value, choices in (
        ("on_previous_run", on_previous_run, OnPreviousRun),
        ("follow_messages", follow_messages, MessageLevel),
    ):
        known = [choice.value for choice in choices]
        if value is not None and value not in known:
            raise ValueError(f"{name} is {value!r}; give one of {', '.join(map(repr, known))}")
    if not allow_concurrent and on_previous_run is None:
        raise ValueError(
            "allow_concurrent=False can meet executions that others started: say with on_previous_run what to do then "
            "('fail', 'wait', 'attach', or 'stop', which stops them)"
        )
