"""Running a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.message_levels import MessageLevel
from airflow_provider_ssis.exceptions import InvalidTaskArgument, RenderedToNothing
from airflow_provider_ssis.executions.arguments import (
    VALUE_ARGUMENTS,
    check_any_worker,
    check_choice,
    optional_text,
    project_parameters_of,
)
from airflow_provider_ssis.executions.data_taps import PLACEHOLDER, add_data_taps, read_data_taps, tap_requests
from airflow_provider_ssis.executions.deadline import seconds
from airflow_provider_ssis.executions.outcome import result_of
from airflow_provider_ssis.executions.polling import get_execution
from airflow_provider_ssis.executions.submit import OnPreviousRun, submit
from airflow_provider_ssis.executions.task_state import SavedExecution, TaskState
from airflow_provider_ssis.operators.dag_checks import (
    check_environment,
    check_flag,
    check_logging_level,
    check_name,
    check_optional_text,
    check_package,
    check_switches,
    check_values,
    is_known,
)
from airflow_provider_ssis.operators.lineage import SsisExecutionLineageTask
from airflow_provider_ssis.operators.submitting import SsisSubmittingTask
from airflow_provider_ssis.triggers.events import ExecutionEvent

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import LoggingLevel
    from airflow_provider_ssis.catalog.models import Execution


class SsisRunPackageOperator(SsisExecutionLineageTask, SsisSubmittingTask, BaseOperator):
    """Configure a package of the SSISDB catalog, run it, and wait until it has ended.

    The package's messages are written to the task log while it runs. If the package does not succeed, the task fails
    with one of the exceptions of :mod:`airflow_provider_ssis.exceptions`, which has the status, the first errors and
    the execution id. The execution id is pushed to XCom as ``execution_id`` before the package starts.

    Each value is sent with the type that its parameter has in the catalog. Templates give text, so text is converted:
    ``"5"`` for Int32, ``"2024-02-29"`` for DateTime, ``"true"`` for Boolean. A value can be marked as sensitive:
    ``{"value": …, "sensitive": True}``. It is then masked in logs and rendered templates, and a property override is
    stored encrypted. Each mapping can also be given as JSON text, for templates that make the whole mapping.

    Arguments without a template are checked when the DAG is parsed.

    :param folder: the catalog's folder. (templated)
    :param project: the project. (templated)
    :param package: the package, with ``.dtsx``. (templated)
    :param environment: the environment whose variables the run uses: ``Env`` (in any folder that the project refers
        to), ``Folder/Env``, or ``./Env`` for the project's own folder. It is an error if the environment is missing or
        ambiguous, or if the project does not refer to it. Default: none, as with empty text. (templated)
    :param environment_folder: the environment's folder, if the environment's name contains a slash. (templated)
    :param parameters: values of the package's parameters by name. (templated)
    :param project_parameters: values of the project's parameters by name. (templated)
    :param connection_managers: properties of connection managers that the package uses:
        ``{"Warehouse": {"ServerName": "dw01", "InitialCatalog": "DW"}}``. (templated)
    :param project_connection_managers: properties of the project's connection managers, in the same form. (templated)
    :param property_overrides: values of any properties by path:
        ``{r"\\Package\\Load.Properties[MaximumErrorCount]": 5}``. The catalog accepts any path; a wrong one fails the
        run. (templated)
    :param logging_level: ``None``, ``Basic``, ``Performance``, ``Verbose``, ``RuntimeLineage`` as text, their number,
        a :class:`~airflow_provider_ssis.catalog.codes.LoggingLevel`, or the name of a customized level. Default: the
        level that is set on the server. (templated)
    :param use_32bit_runtime: run with the 32-bit runtime. Default: False. (templated)
    :param run_in_scale_out: run on a Scale Out worker. Default: what is set on the server. (templated)
    :param use_any_worker: with Scale Out, run on any enabled worker. False is refused, because the operator cannot
        choose workers. Default: the server's, which is True. (templated)
    :param caller_info: text for the execution's server option CALLER_INFO. Default: None, a stamp that names DAG, run,
        task, map index and try (unless ``[ssis] stamp_executions`` is False). Empty text does not set the option.
        (templated)
    :param data_taps: files with the rows that pass paths of data flows, for looking into a data flow. A list of
        ``{"task": r"\\Package\\Load", "path": "Paths[Source.Output]", "file": "rows-{execution_id}.csv", "max_rows":
        100}``: the data flow task by its path in the package (or its GUID in braces), the path's
        ``IdentificationString``, the file's name (default: ``airflow-{execution_id}-1.csv``), and the most rows
        (default: all). The server writes the files into its folder ``DataDumps``. (templated)
    :param data_taps_folder: the server's folder ``DataDumps`` as the worker sees it, such as a mounted share. The task
        then reads the files and returns ``data_taps``: for each the ``file``, the number of ``rows``, and the first
        100 of them as ``first_rows``. Default: the files are not read. (templated)
    :param wait_for_termination: wait until the package has ended. If False, the task succeeds as soon as the package
        has started, regardless of its result (a sensor can wait for it). Default: True.
    :param poll_interval: seconds, or a timedelta, between two polls; shorter at first. Default: ``[ssis]
        poll_interval``, 10 seconds unless set.
    :param timeout: seconds, or a timedelta, to wait, from the task's start. Then the task fails, and the execution is
        stopped if ``cancel_on_kill`` is set. Default: no limit (Airflow's ``execution_timeout`` has the same effect).
    :param pending_timeout: seconds, or a timedelta, that the started execution may be pending. Then the task fails,
        and its error names known causes. 0 for no limit. Default: ``[ssis] pending_timeout``, 1800 unless set.
    :param deferrable: wait in the triggerer, without a worker, if the package runs longer than ``[ssis] defer_after``
        (20 seconds). Default: ``[operators] default_deferrable``.
    :param durable: let a retry continue with the execution of the try before: start it if it was not started, wait for
        it, accept its success. Only after a failure, a stop or an unexpected end does it create a new one. A cleared
        task always creates a new one. Default: True.
    :param on_previous_run: what to do if an execution of this task instance from before a clear is still active:
        ``stop`` it and wait for its end, ``wait`` for its end, ``attach`` (wait for it instead of starting one), or
        ``fail``. Default: ``stop``.
    :param allow_concurrent: False applies ``on_previous_run``, which must then be given, to any active execution of
        the package, whichever client started it. Default: True.
    :param cancel_on_kill: stop the execution when the task is killed or times out. Default: True.
    :param follow_messages: the least important messages of the package that are written to the task log: ``error``,
        ``warning``, ``information`` (also the start and end of tasks, and row counts), ``all`` (also validation,
        progress and the phases of data flows), or ``none``. Default: ``information``.
    :param emit_assets: after a success, emit an asset event for each table of SQL Server that the package writes, such
        as ``mssql://dw01:1433/DW/dbo/Sales``. Needs Airflow 3. Default: False.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``execution_id``, ``folder``, ``project``, ``package``, ``status`` and ``duration`` in seconds (None if the
        package has not ended); with ``data_taps_folder`` also ``data_taps``.
    :raises ValueError: when the DAG is parsed: an argument cannot be used. It may be an
        :class:`~airflow_provider_ssis.exceptions.InvalidTaskArgument`.
    :raises RenderedToNothing: the template of an argument rendered to ``None``.
    :raises ExecutionFailed: the package failed.
    :raises ExecutionCanceled: the execution was stopped.
    :raises ExecutionEndedUnexpectedly: the process that ran the package ended without a result.
    :raises ExecutionTimeout: the package had not ended at the ``timeout``.
    :raises ExecutionStuckPending: the server did not begin to run it within ``pending_timeout``.
    :raises PreviousExecutionActive: another execution is still active.
    :raises TrySuperseded: the task was retried or cleared while this try was suspended.
    :raises ExecutionUnreachable: the catalog could not be read for ``[ssis] outage_timeout`` while the package ran.
    :raises CatalogError: the catalog rejected the run. The subclasses in :mod:`airflow_provider_ssis.catalog.errors`
        show the reason.
    """

    template_fields: Sequence[str] = (
        "folder",
        "project",
        "package",
        "environment",
        "environment_folder",
        *VALUE_ARGUMENTS,
        "logging_level",
        "use_32bit_runtime",
        "run_in_scale_out",
        "use_any_worker",
        "caller_info",
        "data_taps",
        "data_taps_folder",
        "ssis_conn_id",
    )
    template_fields_renderers = dict.fromkeys(VALUE_ARGUMENTS, "json")
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
        run_in_scale_out: bool | str | None = None,
        use_any_worker: bool | str | None = None,
        caller_info: str | None = None,
        data_taps: Sequence[Mapping[str, Any]] | None = None,
        data_taps_folder: str | None = None,
        wait_for_termination: bool = True,
        poll_interval: float | timedelta | None = None,
        timeout: float | timedelta | None = None,
        pending_timeout: float | timedelta | None = None,
        deferrable: bool = config.default_deferrable(),
        durable: bool = True,
        on_previous_run: str | None = None,
        allow_concurrent: bool = True,
        cancel_on_kill: bool = True,
        follow_messages: str = MessageLevel.INFORMATION.value,
        emit_assets: bool = False,
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
        # The text None is a level in a DAG file, and nothing where a template gives it.
        self.has_literal_logging_level = is_known(logging_level)
        self.use_32bit_runtime = use_32bit_runtime
        self.run_in_scale_out = run_in_scale_out
        self.use_any_worker = use_any_worker
        self.caller_info = caller_info
        self.data_taps = data_taps
        self.data_taps_folder = data_taps_folder
        self.wait_for_termination = wait_for_termination
        self.poll_interval = seconds("poll_interval", poll_interval, zero=False)
        self.timeout = seconds("timeout", timeout, zero=False)
        self.pending_timeout = seconds("pending_timeout", pending_timeout)
        self.deferrable = deferrable
        self.durable = durable
        self.on_previous_run = on_previous_run
        self.allow_concurrent = allow_concurrent
        self.cancel_on_kill = cancel_on_kill
        self.follow_messages = follow_messages
        self.emit_assets = emit_assets
        self.ssis_conn_id = ssis_conn_id
        check_name("ssis_conn_id", ssis_conn_id)
        check_switches(
            self, "wait_for_termination", "deferrable", "durable", "allow_concurrent", "cancel_on_kill", "emit_assets"
        )
        check_name("folder", folder)
        check_name("project", project)
        check_package(package)
        check_logging_level(logging_level)
        for flag_name in ("use_32bit_runtime", "run_in_scale_out", "use_any_worker"):
            if (flag_value := getattr(self, flag_name)) is not None:
                check_flag(flag_name, flag_value)
        if is_known(run_in_scale_out) and is_known(use_any_worker):
            check_any_worker(run_in_scale_out, use_any_worker)
        check_optional_text(self, "caller_info", "data_taps_folder")
        check_environment(self)
        check_values(self)
        if is_known(project_parameters) and is_known(project_connection_managers):
            project_parameters_of(project_parameters, project_connection_managers)
        if is_known(data_taps):
            taps = tap_requests(data_taps)
            if data_taps_folder and not taps:
                raise InvalidTaskArgument("data_taps_folder needs data_taps: there are no files to read without them.")
            if data_taps_folder is not None and not all(PLACEHOLDER in tap.file for tap in taps):
                raise InvalidTaskArgument(
                    "To read the files of data_taps back, each needs a name that no other execution uses: put "
                    f"{PLACEHOLDER} into it."
                )
        if emit_assets:
            self._declare_assets()
        check_choice("on_previous_run", on_previous_run, OnPreviousRun)
        check_choice("follow_messages", follow_messages, MessageLevel)
        if not allow_concurrent and on_previous_run is None:
            raise ValueError(
                "allow_concurrent=False can find executions that other clients started. Say with on_previous_run what "
                "to do then: 'fail', 'wait', 'attach', or 'stop', which stops them."
            )

    @config.read_once()
    def execute(self, context: Context) -> dict[str, Any]:
        """Create, configure and start an execution, or find that of an earlier try, and wait until it has ended.

        :param context: the task's context.
        :return: see the class.
        """
        self._check_deferral()
        deadline = self._deadline(context)
        try:
            submission = self._submission(context, deadline)
        except RenderedToNothing as error:
            raise self._with_type(error) from None
        with self.hook.open_catalog() as catalog:
            submitted = submit(
                catalog,
                submission,
                TaskState.of(context),
                before_start=lambda saved: self._prepare(context, catalog, saved),
                log=self.log,
            )
            execution = self._track(context, submitted.saved)
            if self._killed and execution.may_be_stopped:
                # The kill came during the start, when there was nothing to stop yet.
                execution.stop()
            if not self.wait_for_termination:
                return self._push_result(context, get_execution(catalog, execution.execution_id))
            execution.log_start(catalog, submitted.started, sensitive=submission.request.sensitive_parameters)
            leave_at = self._leave_at(deadline)
            if submitted.status.is_terminal or not leave_at.passed:
                ended = execution.wait(catalog, deadline, leave_at=leave_at)
                if ended is not None:
                    return self._result(context, ended)
            execution.report_deferral(catalog, submitted.status)
        return self._defer(execution, deadline)

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any],
        execution_id: int | None = None,
        is_ours: bool = True,
        last_message_id: int = 0,
    ) -> dict[str, Any]:
        """Continue after the triggerer has waited.

        :param context: the task's context.
        :param event: the payload of the trigger's event.
        :param execution_id: the execution that the task waits for. Default: the one that the event is about.
        :param is_ours: whether this task instance created it, and may stop it. Default: True.
        :param last_message_id: id of the last of its messages that the worker logged before the deferral. Default: 0.
        :return: see the class.
        """
        if execution_id is None:
            execution_id = ExecutionEvent.from_payload(event).execution_id
        stamp = self._stamp(context)
        saved = SavedExecution(execution_id, stamp.since_try, is_ours, stamp.try_number)
        execution = self._track(context, saved, last_message_id=last_message_id)
        received = self._read_event(event, [execution_id])
        if received is not None:
            self._push_id(context, execution.saved)
            ended = execution.complete(received)
            if ended is not None:
                return self._result(context, ended)
        return self._defer(execution, self._deadline(context))

    def _prepare(self, context: Context, catalog: Catalog, saved: SavedExecution) -> None:
        """Do what must be done between the creation of an execution and its start."""
        self._before_start(context, saved)
        if saved.is_ours:
            add_data_taps(catalog, saved.execution_id, tap_requests(self.data_taps), self.log)

    def _result(self, context: Context, execution: Execution) -> dict[str, Any]:
        """What the task returns about an execution that has succeeded."""
        self._emit_assets(context)
        result = result_of(execution)
        taps, folder = tap_requests(self.data_taps), optional_text("data_taps_folder", self.data_taps_folder)
        if taps and folder is not None:
            result["data_taps"] = read_data_taps(Path(folder), execution.execution_id, taps, self.log)
        return result
