"""Running a package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, mask_secret

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Value
from airflow_provider_ssis.exceptions import (
    ExecutionError,
    ExecutionOutOfSight,
    ExecutionTimeout,
    InvalidTaskArgument,
    KilledBeforeStart,
)
from airflow_provider_ssis.executions.arguments import (
    flag,
    nested_values_of,
    optional_text,
    required_text,
    secrets_in,
    values_of,
)
from airflow_provider_ssis.executions.following import MessageFollower
from airflow_provider_ssis.executions.outcome import SUCCESS, name_of, result_of, status_name, unsuccessful
from airflow_provider_ssis.executions.stamp import stamp_of
from airflow_provider_ssis.executions.stopping import stop_executions
from airflow_provider_ssis.executions.waiting import Deadline, read_execution, wait_until_over

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.catalog import Catalog
    from airflow_provider_ssis.catalog.codes import LoggingLevel
    from airflow_provider_ssis.catalog.models import Execution
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
    :param timeout: seconds to wait. Then the task fails, and the execution is stopped if ``cancel_on_kill`` is set.
        Default: no limit (Airflow's ``execution_timeout`` has the same effect).
    :param cancel_on_kill: stop the execution when the task is killed or times out. Default: True.
    :param log_messages: bring the package's messages into the task's log. Default: True.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``execution_id``, ``folder``, ``project``, ``package``, ``status`` and ``duration`` in seconds (None if the
        package is not over).
    :raises ExecutionFailed: the package failed.
    :raises ExecutionCanceled: somebody stopped the execution.
    :raises ExecutionEndedUnexpectedly: the process that ran the package is gone.
    :raises ExecutionTimeout: the package was not over in time.
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
        cancel_on_kill: bool = True,
        log_messages: bool = True,
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
        self.cancel_on_kill = cancel_on_kill
        self.log_messages = log_messages
        self.ssis_conn_id = ssis_conn_id
        self.execution_id: int | None = None
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
        return rendered

    def execute(self, context: Context) -> dict[str, Any]:
        """Create, configure and start an execution, and wait for its end.

        :param context: the task's context.
        :return: see the class.
        """
        request = self._request(context)
        with self.hook.open_catalog() as catalog:
            self.execution_id = catalog.create_execution(request)
            self._tell_execution_id(context, self.execution_id)
            self._start(catalog, self.execution_id)
            try:
                execution = self._wait(catalog, self.execution_id)
            except CatalogError as error:
                raise ExecutionOutOfSight(
                    f"Execution {self.execution_id} was started and may still run, but cannot be followed any more: "
                    f"{error} Look at it in the catalog before you run the task again.",
                    execution_id=self.execution_id,
                    status=None,
                ) from error
            if self.wait_for_termination and execution.status not in SUCCESS:
                raise unsuccessful(catalog, execution)
        self.log.info("%s: %s.", name_of(execution), status_name(execution.status))
        return result_of(execution)

    def on_kill(self) -> None:
        """Stop the execution, if the task created one and ``cancel_on_kill`` is set."""
        self._killed = True
        if self.execution_id is not None and self.cancel_on_kill:
            self._stop(self.execution_id)

    def _request(self, context: Context) -> ExecutionRequest:
        caller_info = self.caller_info
        if caller_info is None and config.stamp_executions():
            caller_info = stamp_of(context)
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
            caller_info=caller_info or None,
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

    def _tell_execution_id(self, context: Context, execution_id: int) -> None:
        self.log.info("Execution %d of %s/%s/%s created.", execution_id, self.folder, self.project, self.package)
        if self.do_xcom_push:
            context["ti"].xcom_push(key="execution_id", value=execution_id)

    def _start(self, catalog: Catalog, execution_id: int) -> None:
        if self._killed:
            raise KilledBeforeStart(
                f"The task was killed after execution {execution_id} had been created; it was not started and does not "
                "run by itself.",
                execution_id=execution_id,
                status=None,
            )
        catalog.start_execution(execution_id)
        if self._killed and self.cancel_on_kill:
            # The kill came during the start, when there was nothing to stop yet.
            self._stop(execution_id)

    def _wait(self, catalog: Catalog, execution_id: int) -> Execution:
        if not self.wait_for_termination:
            return read_execution(catalog, execution_id)
        follower = MessageFollower(execution_id, self.log) if self.log_messages else None
        seen = None

        def look(execution: Execution) -> None:
            nonlocal seen
            # How it ended is told at the end, after its last messages.
            if execution.status is not seen and not execution.status.is_terminal:
                self.log.info("Execution %d is %s.", execution_id, status_name(execution.status))
                seen = execution.status
            if follower is not None:
                follower.follow(catalog)

        execution = wait_until_over(
            catalog,
            execution_id,
            poll_interval=self._poll_interval,
            deadline=Deadline.after(self.timeout),
            on_look=look,
        )
        if execution.status.is_terminal:
            return execution
        fate = "It goes on, since cancel_on_kill is off."
        if self.cancel_on_kill:
            stopped = self._stop(execution_id)
            fate = (
                f"It was stopped and is {status_name(stopped.status)} now."
                if stopped is not None
                else "It could not be stopped: see the log."
            )
        raise ExecutionTimeout(
            f"{name_of(execution)} was still {status_name(execution.status)} after {self.timeout:g} s. {fate} "
            "Raise the task's timeout if the package may take longer.",
            execution_id=execution_id,
            status=execution.status,
        )

    @property
    def _poll_interval(self) -> float:
        return config.poll_interval() if self.poll_interval is None else self.poll_interval

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
