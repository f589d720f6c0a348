"""Running a package on the worker, without SQL Server."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis.catalog.message_levels import MessageLevel
from airflow_provider_ssis.catalog.requests import Sensitive, Value
from airflow_provider_ssis.compat import supervisor_pid
from airflow_provider_ssis.exceptions import (
    InvalidTaskArgument,
    LocalRunCanceled,
    LocalRunEndedUnexpectedly,
    LocalRunFailed,
    LocalRunRefused,
    LocalRunTimeout,
    RenderedToNothing,
)
from airflow_provider_ssis.executions.arguments import (
    check_choice,
    names_of,
    optional_secret,
    optional_text,
    shown,
    values_of,
)
from airflow_provider_ssis.executions.deadline import seconds
from airflow_provider_ssis.executions.sensitive_values import NOTHING
from airflow_provider_ssis.operators.dag_checks import (
    check_name,
    check_optional_text,
    check_package,
    check_values,
    is_known,
)
from airflow_provider_ssis.operators.local_lineage import SsisLocalLineageTask
from airflow_provider_ssis.operators.local_start import start_lines
from airflow_provider_ssis.operators.masking import SsisMaskingTask
from airflow_provider_ssis.operators.source_path import existing_source
from airflow_provider_ssis.operators.supervised import while_supervised

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_ssis.engine.process.job import RunJob
    from airflow_provider_ssis.engine.process.parent import EngineProcess, ProcessResult
    from airflow_provider_ssis.engine.summary import RunSummary

LOGGING_LEVELS = ("None", "Basic", "Performance", "Verbose")
_DEFAULT_LEVEL = "Basic"
_KILL_AFTER = 5.0
"""Seconds after which the process of a canceled package is killed."""
_PASSWORD = re.compile(r"(?:^|;)\s*(?:pwd|password)\s*=", re.IGNORECASE)
_SUCCESS = ("success", "completion")


class SsisRunLocalPackageOperator(SsisLocalLineageTask, SsisMaskingTask, BaseOperator):
    r"""Run a package on the worker with the engine of this provider. SQL Server and Windows are not needed.

    The package runs in a separate process, which ends with the task, and also with the worker's process that watches
    the task: Airflow would start the package again while it still runs. Before it runs, every task and component that
    the engine does not support is reported, and the task fails. The package's messages are written to the task log.

    Install the extra ``engine`` on the workers. The package runs with the worker's user, network and file system.

    :param source: a package (``.dtsx``), project file (``.ispac``), ``.dtproj`` or project folder. A relative path
        starts at the folder of the DAG file. (templated)
    :param package: the package of a project, with ``.dtsx``. Default: None, for a package file. (templated)
    :param parameters: values of the package's parameters by name, as for the run operator. (templated)
    :param project_parameters: values of the project's parameters by name. (templated)
    :param property_overrides: values of any properties by path:
        ``{r"\Package\Load.Properties[Disable]": True}``. (templated)
    :param connection_ids: Airflow connections by the names of the connection managers that they replace:
        ``{"Warehouse": "dw_odbc"}``. Types: ``odbc``, ``mssql``, ``postgres``, ``fs``, ``ftp``. (templated)
    :param connections: connection strings by the names of the connection managers that they replace, for ODBC, OLE DB
        or files. One with a password must be marked: ``{"value": "…", "sensitive": True}``. (templated)
    :param path_map: folders of the worker by the folders of Windows in the package: ``{"C:\\data": "/data"}``. The
        longest folder that fits counts. (templated)
    :param scripts: Python functions that replace scripts, as ``module:function``, by the path of the task or component:
        ``{r"\Package\Clean Up": "my_scripts:clean_up"}``. (templated)
    :param logging_level: ``None``, ``Basic``, ``Performance`` or ``Verbose``. Default: ``Basic``. (templated)
    :param password: the password of the source. Take it from a connection or variable by template. Default: none.
        (templated)
    :param timeout: seconds, or a timedelta, that the package may run. Then it is canceled, and the task fails. Default:
        no limit.
    :param follow_messages: the least important messages that are written to the task log, as for the run operator.
        Default: ``information``.
    :param emit_assets: after a success, emit an asset event for each table of SQL Server that the package writes. Needs
        Airflow 3. Default: False.
    :return: ``source``, ``package``, ``status`` (``succeeded``), ``duration`` in seconds, ``rows`` (a mapping of
        destinations to rows that they accepted), ``warnings`` and ``errors`` (their numbers).
    :raises ValueError: when the DAG is parsed: an argument cannot be used.
    :raises InvalidTaskArgument: an argument cannot be used after templating.
    :raises LocalRunRefused: the package cannot be loaded, or has parts that the engine does not support. Nothing ran.
    :raises LocalRunFailed: the package failed.
    :raises LocalRunCanceled: the run was canceled, because the task was killed.
    :raises LocalRunTimeout: the package had not ended at the ``timeout``.
    :raises LocalRunEndedUnexpectedly: the process of the engine ended without a result.
    """

    template_fields: Sequence[str] = (
        "source",
        "package",
        "parameters",
        "project_parameters",
        "property_overrides",
        "connection_ids",
        "connections",
        "path_map",
        "scripts",
        "logging_level",
        "password",
    )
    template_fields_renderers = dict.fromkeys(
        ("parameters", "project_parameters", "property_overrides", "connections"), "json"
    )
    ui_color = "#e8dff5"

    def __init__(
        self,
        *,
        source: str | os.PathLike[str] | XComArg,
        package: str | None = None,
        parameters: Mapping[str, Any] | str | None = None,
        project_parameters: Mapping[str, Any] | str | None = None,
        property_overrides: Mapping[str, Any] | str | None = None,
        connection_ids: Mapping[str, str] | None = None,
        connections: Mapping[str, Any] | str | None = None,
        path_map: Mapping[str, str] | None = None,
        scripts: Mapping[str, str] | None = None,
        logging_level: str | None = _DEFAULT_LEVEL,
        password: str | None = None,
        timeout: float | timedelta | None = None,
        follow_messages: str = MessageLevel.INFORMATION.value,
        emit_assets: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source: Any = source
        self.package = package
        self.parameters = parameters
        self.project_parameters = project_parameters
        self.property_overrides = property_overrides
        self.connection_ids = connection_ids
        self.connections = connections
        self.path_map = path_map
        self.scripts = scripts
        self.logging_level = logging_level
        # The text None is a level in a DAG file, and nothing where a template gives it.
        self.has_literal_logging_level = is_known(logging_level)
        self.password = password
        self.timeout = seconds("timeout", timeout, zero=False)
        self.follow_messages = follow_messages
        self.emit_assets = emit_assets
        if isinstance(source, str):
            check_name("source", source)
        if package is not None:
            check_package(package)
        check_optional_text(self, "password")
        check_values(self)
        check_choice("follow_messages", follow_messages, MessageLevel)
        if is_known(connections):
            connection_strings_of(connections)
        for name in ("connection_ids", "path_map", "scripts"):
            if is_known(value := getattr(self, name)):
                names_of(name, value)
        if is_known(logging_level):
            self._level()
        if emit_assets:
            self._declare_assets()
        self._process: EngineProcess | None = None
        self._killed = False

    def _do_render_template_fields(self, parent: Any, *args: Any, **kwargs: Any) -> None:
        super()._do_render_template_fields(parent, *args, **kwargs)
        # Airflow would store and show what is refused here.
        given, parent.connections = parent.connections, None
        for name, value in connection_strings_of(given).items():
            if isinstance(value, str) and _PASSWORD.search(value):
                raise InvalidTaskArgument(
                    f"connections[{name!r}] contains a password. Mark it: {{'value': …, 'sensitive': True}}, or name "
                    f"an Airflow connection: connection_ids={{{name!r}: …}}."
                )
        parent.connections = given

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the package in a separate process, and wait for its end.

        :param context: the task's context.
        :return: see the class.
        """
        from airflow_provider_ssis.engine.process.parent import EngineProcess
        from airflow_provider_ssis.engine.summary import RunSummary

        job = self._job_of_run = self._job()
        summary = self._summary = RunSummary()
        for line in start_lines(job, LOGGING_LEVELS[job.logging_level]):
            self.log.info("%s", line)
        with EngineProcess(job) as process:
            self._process = process
            if self._killed:
                process.kill()
            timed_out = threading.Event()

            def time_out() -> None:
                timed_out.set()
                process.cancel()

            timer = None if self.timeout is None else threading.Timer(self.timeout, time_out)
            if timer is not None:
                timer.daemon = True
                timer.start()
            try:
                with while_supervised(supervisor_pid(context), lambda: process.cancel(kill_after=_KILL_AFTER)):
                    self._follow(process, summary)
            except BaseException:
                self._cancel(process, summary)
                raise
            finally:
                if timer is not None:
                    timer.cancel()
            result = self._result_of(process)
        is_late = timed_out.is_set() and result.status == "canceled" and not self._killed
        self._raise_unless_successful(result, summary, is_late=is_late)
        self._emit_assets(context)
        return {
            "source": job.source,
            "package": job.package or Path(job.source).name,
            "status": "succeeded",
            "duration": summary.duration,
            "rows": dict(summary.rows),
            "warnings": summary.warnings,
            "errors": summary.errors,
        }

    def on_kill(self) -> None:
        """Cancel the package; its process is killed if it has not ended after some seconds."""
        self._killed = True
        if self._process is not None:
            self._process.cancel(kill_after=_KILL_AFTER)

    # --- the run

    def _cancel(self, process: EngineProcess, summary: RunSummary) -> None:
        """Cancel the package of a task that ends before it, such as by Airflow's execution_timeout, and log its end."""
        # First, because the log may have ended with Airflow's process that watches the task.
        process.cancel(kill_after=_KILL_AFTER)
        self.log.warning("The task ends before its package, so the package is canceled.")
        while True:
            try:
                return self._follow(process, summary)
            except json.JSONDecodeError:
                # The rest of the line that was being read when the error came.
                continue
            except Exception:  # noqa: BLE001 the task's own error is the one to report
                return None

    def _follow(self, process: EngineProcess, summary: RunSummary) -> None:
        from airflow_provider_ssis.engine.catalog_messages import catalog_message
        from airflow_provider_ssis.engine.events import Message
        from airflow_provider_ssis.executions.message_log import log_message

        level = MessageLevel(self.follow_messages)
        for event in process.events():
            summary.add(event)
            if isinstance(event, Message):
                log_message(self.log, catalog_message(event), level)

    def _result_of(self, process: EngineProcess) -> ProcessResult:
        from airflow_provider_ssis.engine.process.parent import EngineProcessDied

        try:
            return process.result()
        except EngineProcessDied as error:
            if self._killed:
                raise LocalRunCanceled("The package was canceled, because the task was killed.") from None
            raise LocalRunEndedUnexpectedly(str(error)) from None

    def _raise_unless_successful(self, result: ProcessResult, summary: RunSummary, *, is_late: bool) -> None:
        if result.status in _SUCCESS:
            self.log.info("%s", summary.text())
            return
        if is_late:
            raise LocalRunTimeout(f"The package had not ended after {self.timeout:g} seconds, and was canceled.")
        if result.status == "canceled":
            raise LocalRunCanceled("The package was canceled.")
        if result.error is not None:
            raise LocalRunRefused(f"The package was not run.\n{result.error}", refusals=result.refusals)
        causes = summary.causes()
        shown = "".join(f"\n- {cause}" for cause in causes)
        raise LocalRunFailed(f"The package failed. {summary.text()}{shown}", causes=causes)

    # --- arguments

    def _job(self) -> RunJob:
        from airflow_provider_ssis.engine.process.job import RunJob

        given = {
            name: values_of(name, getattr(self, name))
            for name in ("parameters", "project_parameters", "property_overrides")
        }
        given["connections"] = connection_strings_of(self.connections)
        secrets = [
            str(value.value) for values in given.values() for value in values.values() if isinstance(value, Sensitive)
        ]
        plain = {
            name: {key: value.value if isinstance(value, Sensitive) else value for key, value in values.items()}
            for name, values in given.items()
        }
        return RunJob(
            source=str(existing_source(self, self.source)),
            package=optional_text("package", self.package),
            parameters={
                **{f"$Package::{name}": value for name, value in plain["parameters"].items()},
                **{f"$Project::{name}": value for name, value in plain["project_parameters"].items()},
            },
            property_overrides=plain["property_overrides"],
            connections={**plain["connections"], **self._airflow_connections(plain["connections"])},
            path_map=names_of("path_map", self.path_map),
            scripts=names_of("scripts", self.scripts),
            secret_texts=tuple(secrets),
            password=optional_secret("password", self.password),
            logging_level=self._level(),
        )

    def _airflow_connections(self, others: Mapping[str, Any]) -> dict[str, str]:
        from airflow_provider_ssis.hooks.engine_connections import connection_string

        found = names_of("connection_ids", self.connection_ids)
        twice = sorted(found.keys() & others.keys())
        if twice:
            raise InvalidTaskArgument(
                f"The connection manager {twice[0]!r} is in connections and in connection_ids. Remove it from one."
            )
        return {name: connection_string(conn_id) for name, conn_id in found.items()}

    def _level(self) -> int:
        if self.logging_level is None or self.logging_level == "":
            return LOGGING_LEVELS.index(_DEFAULT_LEVEL)
        words = [level.lower() for level in LOGGING_LEVELS]
        word = str(self.logging_level).strip().lower()
        if word not in words:
            raise InvalidTaskArgument(
                f"logging_level is {shown(self.logging_level)}. Give one of {', '.join(LOGGING_LEVELS)}."
            )
        if word == NOTHING.lower() and not self.has_literal_logging_level:
            raise RenderedToNothing("logging_level")
        return words.index(word)


def connection_strings_of(value: Any) -> dict[str, Value]:
    """The connection strings by the names of connection managers.

    :param value: the argument ``connections`` after templating.
    :raises InvalidTaskArgument: it has another form. The message shows no value.
    """
    found = values_of("connections", value)
    for name, each in found.items():
        inner = each.value if isinstance(each, Sensitive) else each
        if not isinstance(inner, str):
            raise InvalidTaskArgument(
                f"connections[{name!r}] is of the Python type {type(inner).__name__}. Give a connection string."
            )
    return found
