"""Stopping executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.exceptions import (
    ExecutionNotRunning,
    InvalidTaskArgument,
    NoRunningExecution,
)
from airflow_provider_ssis.executions.arguments import execution_id_of, optional_text, required_text
from airflow_provider_ssis.executions.deadline import Deadline, seconds
from airflow_provider_ssis.executions.outage import OutageTolerance
from airflow_provider_ssis.executions.outcome import ended_text, execution_name, status_name
from airflow_provider_ssis.executions.polling import WaitResult, get_execution
from airflow_provider_ssis.executions.stop import not_stopped_error, stop_executions
from airflow_provider_ssis.executions.unknown_names import unknown_name
from airflow_provider_ssis.operators.base import SsisWaitingTask
from airflow_provider_ssis.operators.dag_checks import (
    check_execution_id,
    check_name,
    check_package,
    check_switches,
    is_known,
)
from airflow_provider_ssis.triggers.events import ExecutionEvent

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Execution


class SsisStopExecutionOperator(SsisWaitingTask, BaseOperator):
    """Stop an execution, or all active executions of a folder, project or package, and wait until they have ended.

    An execution that has already ended, or that another client is stopping, counts as stopped. The catalog can stop
    only a running execution, so a pending one is stopped as soon as it runs.

    :param execution_id: the execution to stop: its id, or what a run operator returned (``run.output``). (templated)
    :param folder: instead of ``execution_id``: stop the executions of this folder. (templated)
    :param project: only those of this project. A template that renders to nothing is an error. (templated)
    :param package: only those of this package, with its ``.dtsx``; needs ``project``. A template that renders to
        nothing is an error. (templated)
    :param older_than: instead of ``execution_id``: stop only executions that were started, or created where they were
        not, at least so many seconds ago, by the server's clock; a number of seconds, or a timedelta. Default: all.
    :param timeout: seconds, or a timedelta, to wait until the executions have ended, from the task's start; None for
        no limit. An earlier ``execution_timeout`` of Airflow has the same effect in the triggerer. Default: 300.
    :param poll_interval: seconds, or a timedelta, between two polls; shorter at first. Default: ``[ssis]
        poll_interval``, 10 seconds unless set.
    :param deferrable: wait for the end in the triggerer, without a worker, if it takes longer than
        ``[ssis] defer_after`` (20 seconds) and all executions are stopping by then. Default:
        ``[operators] default_deferrable``.
    :param fail_if_not_running: fail if there is nothing to stop. Default: False.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: a list of ``{"execution_id": …, "status": …}`` with the final status of each execution.
    :raises InvalidTaskArgument: when the DAG is parsed: no execution is named, or two ways of naming it are used.
    :raises ExecutionNotStopped: an execution had not ended at the ``timeout``.
    :raises ExecutionNotRunning: with ``fail_if_not_running``: the execution has ended or was never started.
    :raises NoRunningExecution: with ``fail_if_not_running``: no execution of that folder, project or package is active.
    :raises CatalogError: the catalog rejected the stop. The subclasses in
        :mod:`airflow_provider_ssis.catalog.errors` show the reason.
    """

    template_fields: Sequence[str] = ("execution_id", "folder", "project", "package", "ssis_conn_id")
    ui_color = "#dbe9f6"

    def __init__(
        self,
        *,
        execution_id: int | str | Mapping[str, Any] | XComArg | None = None,
        folder: str | None = None,
        project: str | None = None,
        package: str | None = None,
        older_than: float | timedelta | None = None,
        timeout: float | timedelta | None = 300.0,
        poll_interval: float | timedelta | None = None,
        deferrable: bool = config.default_deferrable(),
        fail_if_not_running: bool = False,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check_target(execution_id, folder, project, package)
        self.execution_id = execution_id
        self.folder = folder
        self.project = project
        self.package = package
        # One that renders to nothing would stop more than was meant.
        self.narrowed_by = [name for name, value in (("project", project), ("package", package)) if value is not None]
        if older_than is not None and _is_given(execution_id):
            raise InvalidTaskArgument(
                "older_than chooses among the executions of a folder, so execution_id excludes it."
            )
        self.older_than = seconds("older_than", older_than)
        self.timeout = seconds("timeout", timeout)
        self.poll_interval = seconds("poll_interval", poll_interval, zero=False)
        self.deferrable = deferrable
        self.fail_if_not_running = fail_if_not_running
        self.ssis_conn_id = ssis_conn_id
        check_name("ssis_conn_id", ssis_conn_id)
        check_switches(self, "deferrable", "fail_if_not_running")

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Stop what is to be stopped, and wait for its end.

        :param context: the task's context.
        :return: see the class.
        """
        self._check_deferral()
        deadline = self._deadline(context)
        with self.hook.open_catalog() as catalog:
            if self.execution_id is not None:
                return self._stop_one(catalog, execution_id_of(self.execution_id), deadline)
            return self._stop_all(catalog, deadline)

    def _stop_one(self, catalog: Catalog, execution_id: int, deadline: Deadline) -> list[dict[str, Any]]:
        if self.folder or self.project or self.package:
            raise InvalidTaskArgument(_TWO_TARGETS)
        execution = get_execution(catalog, execution_id)
        if execution.status.is_active:
            return self._stop(catalog, [execution_id], deadline)
        text = f"{execution_name(execution)} is not running ({status_name(execution.status)})."
        if self.fail_if_not_running:
            raise ExecutionNotRunning(text, execution_id=execution_id, status=execution.status)
        self.log.info("%s", text)
        return [{"execution_id": execution_id, "status": status_name(execution.status)}]

    def _stop_all(self, catalog: Catalog, deadline: Deadline) -> list[dict[str, Any]]:
        folder, project, package = self._place()
        if folder is None or (package is not None and project is None):
            raise InvalidTaskArgument(_UNCLEAR_TARGET)
        active = self._old_enough(catalog, catalog.running(folder=folder, project=project, package=package))
        if not active:
            text = f"No execution of {'/'.join(name for name in (folder, project, package) if name)} is active"
            text += "." if self.older_than is None else f" that was started {self.older_than:g} s ago or earlier."
            hint = unknown_name(catalog, folder, project, package)
            if self.fail_if_not_running:
                raise NoRunningExecution(text if hint is None else f"{text} {hint}")
            self.log.info("%s", text)
            if hint is not None:
                self.log.warning("%s", hint)
        return self._stop(catalog, [execution.execution_id for execution in active], deadline)

    def _place(self) -> tuple[str | None, str | None, str | None]:
        for name in self.narrowed_by:
            required_text(name, getattr(self, name))
        return (
            optional_text("folder", self.folder),
            optional_text("project", self.project),
            optional_text("package", self.package),
        )

    def _old_enough(self, catalog: Catalog, executions: Sequence[Execution]) -> Sequence[Execution]:
        if self.older_than is None or not executions:
            return executions
        # The server knows the ages: the clocks of the machines may differ.
        ages = {
            each.execution_id: each.age or 0 for each in catalog.execution_states([e.execution_id for e in executions])
        }
        return [each for each in executions if ages.get(each.execution_id, 0) >= self.older_than]

    def _stop(self, catalog: Catalog, execution_ids: Sequence[int], deadline: Deadline) -> list[dict[str, Any]]:
        executions = stop_executions(
            catalog,
            execution_ids,
            poll_interval=self._poll_interval,
            deadline=deadline,
            log=self.log,
            leave_at=self._leave_at(deadline),
        )
        for execution in executions:
            if not execution.status.is_terminal:
                self._defer_until_terminal(
                    execution.execution_id,
                    deadline,
                    kwargs={"execution_ids": list(execution_ids), "deadline": deadline.at},
                )
            self.log.info("%s.", ended_text(execution))
        return [
            {"execution_id": execution.execution_id, "status": status_name(execution.status)}
            for execution in executions
        ]

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any],
        execution_ids: list[int] | None = None,
        deadline: float | None = None,
    ) -> list[dict[str, Any]]:
        """Continue after the triggerer has waited for one of the executions.

        :param context: the task's context.
        :param event: the payload of the trigger's event.
        :param execution_ids: all executions that the task stops. Default: the one that the event is about and those
            that are stopping now, because ``dag.test()`` passes nothing but the event.
        :param deadline: when to stop waiting, in seconds since 1970. Default: None, never.
        :return: see the class.
        """
        if execution_ids is None:
            execution_ids = self._stopping(ExecutionEvent.from_payload(event).execution_id)
        received = self._read_event(event, execution_ids)
        timed_out = received is not None and received.result is WaitResult.TIMED_OUT
        # At the deadline, no time is left for an outage.
        tolerance = OutageTolerance(0.0 if timed_out else config.outage_timeout())
        with self._open_catalog(tolerance) as catalog:
            if received is not None and received.error is not None:
                raise received.error
            if timed_out and (active := _active(catalog, execution_ids)):
                raise not_stopped_error(active)
            return self._stop(catalog, execution_ids, Deadline(deadline))

    def _stopping(self, execution_id: int) -> list[int]:
        """An execution that the task stops, and the others that it stops and that have not ended."""
        if self.execution_id is not None:
            return [execution_id]
        folder, project, package = self._place()
        with self._open_catalog() as catalog:
            stopping = catalog.executions(
                folder=folder, project=project, package=package, status=OperationStatus.STOPPING
            )
            return list(dict.fromkeys([execution_id, *(each.execution_id for each in stopping)]))

    @property
    def _longest_poll_interval(self) -> float:
        # A stop takes seconds, so there is no longer interval.
        return self._poll_interval


def _active(catalog: Catalog, execution_ids: Sequence[int]) -> list[Execution]:
    executions = [get_execution(catalog, execution_id) for execution_id in execution_ids]
    return [execution for execution in executions if not execution.status.is_terminal]


def _check_target(execution_id: Any, folder: Any, project: Any, package: Any) -> None:
    """Check when the DAG is parsed what is to be stopped.

    :raises InvalidTaskArgument: it is nothing, or not clear.
    """
    names = {"folder": folder, "project": project, "package": package}
    given = [name for name, value in names.items() if _is_given(value)]
    if execution_id is None and all(value is None for value in names.values()):
        raise InvalidTaskArgument(_UNCLEAR_TARGET)
    if _is_given(execution_id) and given:
        raise InvalidTaskArgument(_TWO_TARGETS)
    if execution_id is not None:
        check_execution_id(execution_id)
        return
    for name in given:
        check_name(name, names[name])
    if folder is None or (package is not None and project is None):
        raise InvalidTaskArgument(_UNCLEAR_TARGET)
    if package is not None:
        check_package(package)


def _is_given(value: Any) -> bool:
    """Whether an argument is given for certain: another task's output may still be nothing."""
    return value is not None and (isinstance(value, str) or is_known(value))


_TWO_TARGETS = "Give either execution_id, or folder with project and package, not both."
_UNCLEAR_TARGET = (
    "The arguments do not say what to stop: give execution_id, or folder, or folder and project, or all of folder, "
    "project and package."
)
