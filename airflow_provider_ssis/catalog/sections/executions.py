"""Executions: create, start, look at, stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_provider_ssis.catalog.codes import TERMINAL_STATUSES, OperationStatus
from airflow_provider_ssis.catalog.errors import (
    AlreadyStarted,
    AmbiguousEnvironment,
    CatalogError,
    ConnectionLost,
    EnvironmentNotFound,
    FolderNotFound,
    NotStoppable,
    PackageNotFound,
    ProjectNotFound,
    RequiredParameterMissing,
    TransientError,
)
from airflow_provider_ssis.catalog.models import (
    Execution,
    ExecutionParameterValue,
    ExecutionProgress,
    ExecutionState,
    Operation,
)
from airflow_provider_ssis.catalog.parameter_types import property_text
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive
from airflow_provider_ssis.catalog.sections.environments import Environments
from airflow_provider_ssis.catalog.sections.folders import Folders
from airflow_provider_ssis.catalog.sections.projects import Projects
from airflow_provider_ssis.catalog.session import CatalogPart, Explain, Repeat
from airflow_provider_ssis.catalog.sql.execution_settings import Setting, creation_batches, settings_of
from airflow_provider_ssis.catalog.sql.parameter_values import (
    explain_value,
    is_unknown_parameter,
    parameter_not_found,
    plain,
)
from airflow_provider_ssis.catalog.sql.rows import ResultSet
from airflow_provider_ssis.catalog.sql.statements import (
    MAX_MARKERS,
    Batch,
    MarkerValue,
    OwnError,
    guarded,
    one_of,
    select,
)


class Executions(CatalogPart):
    """The part of the catalog that deals with executions and with operations in general."""

    def create_execution(self, request: ExecutionRequest) -> int:
        """Create an execution with everything that belongs to it, ready to be started.

        One round trip, however many parameters there are (beyond some four hundred it takes one more). An execution
        that is created and never started does nothing, so what fails half-way leaves no harm behind.

        :param request: what to run and how.
        :return: the execution's id.
        :raises PackageNotFound: there is no such package, or the login may not see it.
        :raises EnvironmentNotFound: the project has no reference to the environment.
        :raises AmbiguousEnvironment: it refers to several environments of that name.
        :raises ParameterNotFound: there is no such parameter; the message lists those that there are.
        :raises WrongParameterType: a value is no value of its parameter's type.
        :raises InvalidArgument: the request contradicts itself.
        :raises WindowsAuthenticationRequired: the catalog refuses the SQL login.
        """
        settings = settings_of(request)
        doing = f"Creating an execution of {request.folder}/{request.project}/{request.package}"
        explain = self._explain_request(request, settings, doing)
        first, *further = creation_batches(request, settings)
        execution_id = int(self._session.run(first, doing=doing, explain=explain)[-1].rows[0][0])
        self._finish_creation(execution_id, further, doing, explain)
        return execution_id

    def _finish_creation(self, execution_id: int, further: Sequence[Batch], doing: str, explain: Explain) -> None:
        for batch in further:
            # Not repeated: overrides that were set already must not be set a second time.
            batch = Batch(batch.sql, (execution_id, *batch.values[1:]))
            self._session.run(batch, doing=doing, repeat=Repeat.NEVER, explain=explain)

    def _explain_request(self, request: ExecutionRequest, settings: Sequence[Setting], doing: str) -> Explain:
        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            explained = self._explain_creation(error, row, request, settings, doing)
            explained.message = _without_secrets(explained.message, settings)
            return explained

        return explain

    def start_execution(self, execution_id: int) -> OperationStatus:
        """Start an execution, once only.

        If the answer is lost, the execution's status tells whether it started; only one that did not is started again.

        :return: the status right after the start: as a rule PENDING or RUNNING, a final one if the execution was
            created with ``synchronized`` or was very short.
        :raises AlreadyStarted: it was started before.
        :raises ProjectChanged: the project was deployed anew since the execution was created.
        :raises RequiredParameterMissing: a required parameter has no value; the message names it.
        :raises ExecutionNotFound: there is no such execution, or the login may not change it.
        """
        batch = guarded(
            "EXEC catalog.start_execution @execution_id = ?;\n"
            "SELECT v.status FROM catalog.executions AS v WHERE v.execution_id = ?;",
            [execution_id, execution_id],
        )
        return OperationStatus(self._start(batch, execution_id)[-1].rows[0][0])

    def _start(
        self,
        batch: Batch,
        execution_id: int,
        *,
        is_ours: bool = False,
        refusal: Callable[[CatalogError, str], CatalogError | None] = lambda error, doing: None,
    ) -> list[ResultSet]:
        """Run a batch that starts an execution and selects its status last; check the status before it is repeated.

        :param is_ours: only the caller starts it, so that one that was started already counts as started.
        :param refusal: makes an exception of an error that the batch raised itself; None for other errors.
        """
        doing = f"Starting the execution {execution_id}"

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            error = refusal(error, doing) or error
            error.operation_id = execution_id
            if isinstance(error, RequiredParameterMissing):
                missing = [
                    value.parameter_name
                    for value in self.execution_parameter_values(execution_id)
                    if value.required and not value.value_set
                ]
                if missing:
                    error.add(f"without a value: {', '.join(missing)}")
            return error

        policy = self._session.retry
        for attempt in range(1, policy.attempts + 1):
            try:
                return self._session.run(batch, doing=doing, repeat=Repeat.NEVER, explain=explain)
            except AlreadyStarted:
                if attempt == 1 and not is_ours:
                    raise
                # The start whose answer was lost came through after the look at the status.
            except TransientError as error:
                # A connection that was lost may have started it, a deadlock's victim has not.
                is_lost = isinstance(error, ConnectionLost)
                if (is_lost and not self._session.can_reconnect) or (not is_lost and attempt == policy.attempts):
                    raise
            execution = self.execution(execution_id)
            if execution is not None and execution.status is not OperationStatus.CREATED:
                return [ResultSet(("status",), ((execution.status.value,),))]
            time.sleep(policy.delay(attempt))
        raise ConnectionLost(
            f"{doing} failed: the connection broke each time", operation_id=execution_id, advice="It has not started."
        )

    def execution(self, execution_id: int) -> Execution | None:
        """The execution with that id, None where there is none that the login may see."""
        batch = select(Execution, "catalog.executions AS v", where=["v.execution_id = ?"], values=[execution_id])
        found = self._session.fetch(Execution, batch, doing=f"Looking for the execution {execution_id}")
        return next(iter(found), None)

    def execution_states(self, execution_ids: Collection[int]) -> list[ExecutionState]:
        """How far executions are; those that the login does not see are left out.

        One round trip for up to two thousand executions.
        """
        states: list[ExecutionState] = []
        wanted = list(execution_ids)
        for begin in range(0, len(wanted), MAX_MARKERS):
            chunk = wanted[begin : begin + MAX_MARKERS]
            # Filled up to a power of two, so that the server keeps a dozen plans and not one for every count.
            chunk += chunk[-1:] * (min(MAX_MARKERS, 1 << (len(chunk) - 1).bit_length()) - len(chunk))
            batch = select(
                ExecutionState,
                "catalog.executions AS v",
                where=[one_of("v.execution_id", chunk)],
                values=chunk,
                joined={"age": "DATEDIFF(second, COALESCE(v.start_time, v.created_time), SYSDATETIMEOFFSET())"},
            )
            states += self._session.fetch(ExecutionState, batch, doing="Looking at executions")
        return states

    def execution_progress(self, execution_id: int) -> ExecutionProgress | None:
        """How much of an execution is done; None if the login does not see it.

        :param execution_id: the execution.
        """
        batch = select(
            ExecutionProgress,
            "catalog.executions AS v",
            where=["v.execution_id = ?"],
            values=[execution_id],
            joined=_PROGRESS,
        )
        found = self._session.fetch(ExecutionProgress, batch, doing=f"Reading the progress of execution {execution_id}")
        return next(iter(found), None)

    def executions(
        self,
        *,
        folder: str | None = None,
        project: str | None = None,
        package: str | None = None,
        statuses: Collection[OperationStatus] | None = None,
        since: datetime | None = None,
        limit: int | None = 1000,
    ) -> list[Execution]:
        """Executions, the newest first.

        With folder and project the server finds them by an index on the project's id; a deleted project's executions
        are found without ``project`` only. The other conditions filter what that leaves.

        :param folder: only of this folder.
        :param project: only of this project; needs ``folder``.
        :param package: only of this package.
        :param statuses: only in one of these statuses.
        :param since: only created at or after this time, which must have a time zone.
        :param limit: the most executions to read. Default: 1000; None for no limit.
        """
        where: list[str] = []
        values: list[MarkerValue] = []
        if folder is not None and project is not None:
            where.append(_OF_PROJECT)
            values += [folder, project]
        elif folder is not None:
            where.append("v.folder_name = ?")
            values.append(folder)
        elif project is not None:
            raise ValueError("executions of a project are asked for with its folder")
        if package is not None:
            where.append("v.package_name = ?")
            values.append(package)
        if statuses is not None:
            if not statuses:
                return []
            where.append(one_of("v.status", statuses))
            values += [status.value for status in statuses]
        if since is not None:
            if since.tzinfo is None:
                raise ValueError("the time since which executions are asked for needs a time zone")
            where.append("v.created_time >= CAST(? AS datetimeoffset(7))")
            values.append(since.isoformat(sep=" "))
        batch = select(
            Execution,
            "catalog.executions AS v",
            where=where,
            values=values,
            order_by="v.execution_id DESC",
            limit=limit,
        )
        return self._session.fetch(Execution, batch, doing="Reading the executions")

    def execution_parameter_values(self, execution_id: int) -> list[ExecutionParameterValue]:
        """The values that an execution has or had: of project, package and server options, in this order of names."""
        batch = select(
            ExecutionParameterValue,
            "catalog.execution_parameter_values AS v",
            where=["v.execution_id = ?"],
            values=[execution_id],
            order_by="v.object_type, v.parameter_name",
        )
        return self._session.fetch(
            ExecutionParameterValue, batch, doing=f"Reading the parameters of execution {execution_id}"
        )

    def operation(self, operation_id: int) -> Operation | None:
        """The operation with that id, None where there is none that the login may see."""
        batch = select(Operation, "catalog.operations AS v", where=["v.operation_id = ?"], values=[operation_id])
        found = self._session.fetch(Operation, batch, doing=f"Looking for the operation {operation_id}")
        return next(iter(found), None)

    def stop_operation(self, operation_id: int) -> None:
        """Ask a running execution or validation to stop. It has stopped when its status is final.

        :raises NotStoppable: it is in a state in which it cannot be stopped; ``status`` says which.
        :raises AlreadyStopping: a stop is under way.
        :raises PermissionDenied: the login may not change it.
        """
        self._stop(guarded("EXEC catalog.stop_operation @operation_id = ?;", [operation_id]), operation_id)

    def _stop(
        self,
        batch: Batch,
        operation_id: int,
        *,
        refusal: Callable[[CatalogError, str], CatalogError | None] = lambda error, doing: None,
    ) -> None:
        """Run a batch that requests the stop of an operation.

        :param refusal: makes an exception of an error that the batch raised itself; None for other errors.
        """
        doing = f"Stopping the operation {operation_id}"

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            error = refusal(error, doing) or error
            error.operation_id = operation_id
            if isinstance(error, NotStoppable):
                operation = self.operation(operation_id)
                if operation is not None:
                    error.status = operation.status
                    error.add(f"it is in status {operation.status.value}, {operation.status.name}")
                    error.advice = _STOP_ADVICE.get(operation.status, error.advice)
            return error

        self._session.run(batch, doing=doing, repeat=Repeat.IF_REFUSED, explain=explain)

    def _explain_creation(
        self,
        error: CatalogError,
        row: Mapping[str, Any],
        request: ExecutionRequest,
        settings: Sequence[Setting],
        doing: str,
    ) -> CatalogError:
        if OwnError.UNRESOLVED_ENVIRONMENT.is_told_by(error):
            return self._missing_part(request, doing) or self._explain_environment(request, doing)
        if isinstance(error, PackageNotFound):
            missing = self._missing_part(request, doing)
            if missing is not None:
                missing.number, missing.procedure, missing.line = error.number, error.procedure, error.line
            return missing or error
        execution_id, step = row.get("execution_id"), row.get("step")
        if execution_id is None or step is None:
            return error
        setting = settings[step]
        begun = f"Execution {execution_id} was created and not started: setting {setting.title}"
        if is_unknown_parameter(error):
            known = [
                value.parameter_name
                for value in self.execution_parameter_values(execution_id)
                if value.object_type is setting.object_type
            ]
            error = parameter_not_found(begun, setting.owner, setting.name, known)
        else:
            error.message = error.message.removeprefix(f"{doing} failed: ")
            error.message = f"{begun} failed: {error.message}"
            error = explain_value(error, begun, setting.value, row)
        error.operation_id = execution_id
        return error

    def _missing_part(self, request: ExecutionRequest, doing: str) -> CatalogError | None:
        """Which of folder, project and package it is that the login sees none of; None if it sees all three."""
        projects = Projects(self._session)
        if Folders(self._session).folder(request.folder) is None:
            return FolderNotFound(f"{doing} failed: there is no folder {request.folder!r}")
        there = [project.name for project in projects.projects(request.folder)]
        if not _contains(there, request.project):
            return ProjectNotFound(
                f"{doing} failed: there is no project {request.project!r} in the folder {request.folder!r}",
                advice=f"Its projects are: {', '.join(there)}."
                if there
                else "It has no projects that the login may see.",
            )
        packages = [package.name for package in projects.packages(request.folder, request.project)]
        if not _contains(packages, request.package):
            return PackageNotFound(
                f"{doing} failed: there is no package {request.package!r} in the project",
                advice=f"Its packages are: {', '.join(packages)}." if packages else "It has no packages.",
            )
        return None

    def _explain_environment(self, request: ExecutionRequest, doing: str) -> CatalogError:
        try:
            Environments(self._session).find_environment_reference(
                request.folder, request.project, request.environment or "", request.environment_folder
            )
        except (EnvironmentNotFound, AmbiguousEnvironment) as explained:
            explained.message = f"{doing} failed: {explained.message}"
            return explained
        return TransientError(
            f"{doing} failed: the project's environment references changed at that moment", advice="Try again."
        )


def _contains(names: Sequence[str], name: str) -> bool:
    return name.lower() in (each.lower() for each in names)


def _without_secrets(text: str, settings: Sequence[Setting]) -> str:
    """The server may quote a value that it could not take."""
    for setting in settings:
        secret = property_text(plain(setting.value)) if isinstance(setting.value, Sensitive) else ""
        if secret:
            text = text.replace(secret, "***")
    return text


_OF_PROJECT = (
    "v.object_id = (SELECT p.project_id FROM catalog.projects AS p "
    "JOIN catalog.folders AS f ON f.folder_id = p.folder_id WHERE f.name = ? AND p.name = ?)"
)
_STOP_ADVICE = {
    OperationStatus.CREATED: "It was never started, so there is nothing to stop.",
    OperationStatus.PENDING: "It waits for its process; stop it as soon as it is running.",
    OperationStatus.STOPPING: "A stop is under way; wait until it has ended.",
    **dict.fromkeys(TERMINAL_STATUSES, "It is over, so there is nothing to stop."),
}

_PROGRESS = {
    "done": (
        "(SELECT COUNT(DISTINCT s.executable_id) FROM catalog.executable_statistics AS s "
        "WHERE s.execution_id = v.execution_id)"
    ),
    "total": "(SELECT COUNT(*) FROM catalog.executables AS e WHERE e.execution_id = v.execution_id)",
    "errors": (
        "(SELECT COUNT(*) FROM catalog.event_messages AS m "
        "WHERE m.operation_id = v.execution_id AND m.message_type = 120)"
    ),
    "executable": (
        "(SELECT TOP (1) m.package_path FROM catalog.event_messages AS m "
        "WHERE m.operation_id = v.execution_id AND m.package_path <> N'' ORDER BY m.event_message_id DESC)"
    ),
}
