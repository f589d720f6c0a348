"""Executions: create, start, read, stop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.codes import TERMINAL_STATUSES, MessageType, ObjectType, OperationStatus
from airflow_provider_ssis.catalog.errors import (
    AlreadyStarted,
    AmbiguousEnvironment,
    CatalogError,
    ConnectionLost,
    EnvironmentNotFound,
    FolderNotFound,
    InvalidArgument,
    NotStoppable,
    PackageNotFound,
    ProjectNotFound,
    RequiredParameterMissing,
    TransientError,
)
from airflow_provider_ssis.catalog.grants import Purpose
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
from airflow_provider_ssis.catalog.sql.execution_creation import creation_batches
from airflow_provider_ssis.catalog.sql.execution_settings import Setting, customized_level_of, settings_of
from airflow_provider_ssis.catalog.sql.parameter_values import parameter_not_found, plain, wrong_type
from airflow_provider_ssis.catalog.sql.rows import ResultSet, decode
from airflow_provider_ssis.catalog.sql.statements import (
    MAX_MARKERS,
    Batch,
    MarkerValue,
    OwnError,
    guarded,
    guarded_command,
    one_of,
    padded,
    select,
)

Refusal = Callable[[CatalogError, str], CatalogError | None]
"""Makes an exception of an error that a batch raised itself, given what was being done; None for other errors."""


def _no_refusal(error: CatalogError, doing: str) -> None:
    """The batch raises no errors itself."""


class Executions(CatalogPart):
    """The part of the catalog client for executions and for operations in general."""

    def create_execution(self, request: ExecutionRequest) -> int:
        """Create an execution with all its parameters and options, ready to be started.

        One round trip, however many parameters there are (one more for each thousand or so). Names and types are
        checked first, so that a mistake creates nothing. If a setting is refused nevertheless, because the project was
        deployed at that moment for instance, the error names the execution that was created and not started.

        :param request: what to run and how.
        :return: the execution's id.
        :raises PackageNotFound: there is no such package, or the login may not see it.
        :raises EnvironmentNotFound: the project has no reference to the environment.
        :raises AmbiguousEnvironment: it refers to several environments of that name.
        :raises ParameterNotFound: there is no such parameter; the message lists the existing ones.
        :raises WrongParameterType: a value does not fit its parameter's type.
        :raises InvalidArgument: the request contradicts itself, a text is too long, or the logging level is unknown.
        :raises WindowsAuthenticationRequired: the catalog does not accept SQL logins.
        """
        check_place(request.folder, request.project, request.package)
        check_arguments(environment_folder=request.environment_folder)
        settings = settings_of(request)
        doing = f"Creating an execution of {request.folder}/{request.project}/{request.package}"
        explain = self._explain_request(request, settings, doing)
        first, *further = creation_batches(request, settings)
        execution_id = int(self._session.run(first, doing=doing, explain=explain)[-1].rows[0][0])
        self._finish_creation(execution_id, further, doing, explain)
        return execution_id

    def _finish_creation(self, execution_id: int, further: Sequence[Batch], doing: str, explain: Explain) -> None:
        def explain_with_id(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            explained = explain(error, row)
            if explained.operation_id is None:
                explained.operation_id = execution_id
                explained.add(f"execution {execution_id} was created and not started")
            return explained

        for batch in further:
            # Not repeated: overrides that are already set must not be set a second time.
            batch = Batch(batch.sql, (execution_id, *batch.values[1:]))
            self._session.run(batch, doing=doing, repeat=Repeat.NEVER, explain=explain_with_id)

    def _explain_request(self, request: ExecutionRequest, settings: Sequence[Setting], doing: str) -> Explain:
        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            explained = self._explain_creation(error, row, request, settings, doing)
            explained.message = _without_secrets(explained.message, settings)
            return explained

        return explain

    def start_execution(self, execution_id: int) -> OperationStatus:
        """Start an execution, once only.

        If the connection breaks, the execution's status decides whether to start it again.

        :param execution_id: the execution.
        :return: the status after the start: usually PENDING or RUNNING, a final one if the execution was created with
            ``synchronized`` or was very short.
        :raises AlreadyStarted: it was started before.
        :raises ProjectChanged: the project was deployed again after the execution was created.
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
        self, batch: Batch, execution_id: int, *, is_ours: bool = False, refusal: Refusal = _no_refusal
    ) -> list[ResultSet]:
        """Run a batch that starts an execution and selects its status last. Before a repetition, read the status.

        :param batch: the batch.
        :param execution_id: the execution.
        :param is_ours: only the caller starts it, so an execution that was started already counts as started.
        :param refusal: makes an exception of an error that the batch raised itself.
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

        retries = self._session.retry.start(self._session.clock)
        is_first = True
        while True:
            try:
                return self._session.run(batch, doing=doing, repeat=Repeat.NEVER, explain=explain)
            except AlreadyStarted:
                if is_first and not is_ours:
                    raise
                # The start whose answer was lost came through after its status was read.
            except TransientError as error:
                # A lost connection may have started it; a deadlock's victim did not.
                if isinstance(error, ConnectionLost) and not self._session.can_reconnect:
                    raise
                if not retries.may_continue():
                    error.add("it has not started")
                    raise
            is_first = False
            execution = self.execution(execution_id)
            if execution is not None and execution.status is not OperationStatus.CREATED:
                return [ResultSet(("status",), ((execution.status.value,),))]
            retries.wait()

    def execution(self, execution_id: int) -> Execution | None:
        """The execution with that id, or None if the login can see no such object."""
        batch = _execution_batch(execution_id)
        found = self._session.fetch(Execution, batch, doing=f"Looking for the execution {execution_id}")
        return next(iter(found), None)

    def execution_with_values(self, execution_id: int) -> tuple[Execution | None, list[ExecutionParameterValue]]:
        """An execution and its values, in one round trip; see :meth:`execution`, :meth:`execution_parameter_values`."""
        batches = [_execution_batch(execution_id), _values_batch(execution_id)]
        both = Batch(";\n".join(batch.sql for batch in batches), tuple(v for batch in batches for v in batch.values))
        found, values = self._session.run(both, doing=f"Reading execution {execution_id} and its parameters")
        return next(iter(decode(Execution, found)), None), decode(ExecutionParameterValue, values)

    def execution_states(self, execution_ids: Collection[int]) -> list[ExecutionState]:
        """The status of executions. Those that the login cannot see are left out.

        One round trip for up to two thousand executions.
        """
        states: list[ExecutionState] = []
        wanted = list(execution_ids)
        for begin in range(0, len(wanted), MAX_MARKERS):
            chunk = wanted[begin : begin + MAX_MARKERS]
            chunk = padded(chunk, MAX_MARKERS)
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
        """The progress of an execution; None if the login cannot see it.

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
        check_arguments(folder=folder, project=project, package=package)
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
        return self._session.fetch(
            ExecutionParameterValue,
            _values_batch(execution_id),
            doing=f"Reading the parameters of execution {execution_id}",
        )

    def operation(self, operation_id: int) -> Operation | None:
        """The operation with that id, or None if the login can see no such object."""
        batch = select(Operation, "catalog.operations AS v", where=["v.operation_id = ?"], values=[operation_id])
        found = self._session.fetch(Operation, batch, doing=f"Looking for the operation {operation_id}")
        return next(iter(found), None)

    def stop_operation(self, operation_id: int) -> None:
        """Request the stop of a running execution or validation. It has stopped when its status is final.

        :param operation_id: the execution or validation.
        :raises NotStoppable: it is in a state in which it cannot be stopped; ``status`` says which.
        :raises AlreadyStopping: it is stopping already.
        :raises PermissionDenied: the login may not change it.
        """

        self._stop(guarded_command("EXEC catalog.stop_operation @operation_id = ?;", [operation_id]), operation_id)

    def _stop(self, batch: Batch, operation_id: int, *, refusal: Refusal = _no_refusal) -> None:
        """Run a batch that requests the stop of an operation.

        :param batch: the batch.
        :param operation_id: the execution or validation.
        :param refusal: makes an exception of an error that the batch raised itself.
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
        if OwnError.UNRESOLVED_ENVIRONMENT.is_reported_by(error):
            return self._missing_part(request, doing) or self._explain_environment(request, doing)
        if OwnError.UNFIT_SETTINGS.is_reported_by(error):
            return self._missing_part(request, doing) or self._explain_settings(request, settings, doing)
        if OwnError.UNKNOWN_LOGGING_LEVEL.is_reported_by(error):
            return _explain_level(request, doing)
        if isinstance(error, PackageNotFound):
            missing = self._missing_part(request, doing)
            if missing is not None:
                missing.number, missing.procedure, missing.line = error.number, error.procedure, error.line
            return missing or error
        execution_id, step = row.get("execution_id"), row.get("step")
        if execution_id is None:
            return error
        error.operation_id = execution_id
        if step is not None:
            begun = f"Execution {execution_id} was created and not started: setting {settings[step].title} failed"
            error.message = f"{begun}: {error.message.removeprefix(f'{doing} failed: ')}"
        return error

    def _explain_settings(self, request: ExecutionRequest, settings: Sequence[Setting], doing: str) -> CatalogError:
        """The first unknown parameter or wrong type among the settings, with no execution created."""
        parameters = [
            each
            for each in Projects(self._session).object_parameters(request.folder, request.project)
            if each.object_type is ObjectType.PROJECT or each.object_name.lower() == request.package.lower()
        ]
        for setting in settings:
            if setting.lookup is None:
                continue
            own = [each for each in parameters if setting.object_type in (None, each.object_type)]
            found = [each for each in own if each.parameter_name == setting.name]
            if not found and not setting.is_optional:
                return parameter_not_found(doing, setting.owner, setting.name, [each.parameter_name for each in own])
            for each in found:
                if each.data_type.lower() not in map(str.lower, setting.lookup.data_types):
                    return wrong_type(doing, setting.title, each.data_type, setting.value, is_sensitive=each.sensitive)
        return TransientError(f"{doing} failed: the project's parameters changed at that moment", advice="Try again.")

    def _missing_part(self, request: ExecutionRequest, doing: str) -> CatalogError | None:
        """The error for a folder, project or package that the login cannot see. None: it sees all three."""
        projects = Projects(self._session)
        if Folders(self._session).folder(request.folder) is None:
            return FolderNotFound(
                f"{doing} failed: the login {self._session.login()} sees no folder {request.folder!r}",
                advice=f"{_EXISTS_OR_GRANT} {Purpose.RUN.advice}",
            )
        there = [project.name for project in projects.projects(request.folder)]
        if not _contains(there, request.project):
            return ProjectNotFound(
                f"{doing} failed: the login {self._session.login()} sees no project {request.project!r} in the folder "
                f"{request.folder!r}",
                advice=f"It sees {_listed('project', there)}. {_EXISTS_OR_GRANT} {Purpose.RUN.advice}",
            )
        packages = [package.name for package in projects.packages(request.folder, request.project)]
        if not _contains(packages, request.package):
            return PackageNotFound(
                f"{doing} failed: the project has no package {request.package!r}",
                advice=f"It has {_listed('package', packages)}. The name of a package ends in .dtsx.",
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


def _explain_level(request: ExecutionRequest, doing: str) -> CatalogError:
    level = customized_level_of(request)
    return InvalidArgument(
        f"{doing} failed: the catalog has no customized logging level {level!r}",
        advice="Levels are none, basic, performance, verbose and runtime_lineage, or the name of a customized level as "
        "catalog.customized_logging_levels lists it.",
    )


def _listed(what: str, names: Sequence[str]) -> str:
    return f"the {what}s {', '.join(names)}" if names else f"no {what}"


_EXISTS_OR_GRANT = "Either it does not exist (check the spelling), or the login may not see it."


def _contains(names: Sequence[str], name: str) -> bool:
    return name.lower() in (each.lower() for each in names)


def _without_secrets(text: str, settings: Sequence[Setting]) -> str:
    """The server may quote a value that it rejected."""
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
    OperationStatus.PENDING: "It waits for its process. Stop it as soon as it is running.",
    OperationStatus.STOPPING: "It is stopping already. Wait until it has ended.",
    **dict.fromkeys(TERMINAL_STATUSES, "It has ended, so there is nothing to stop."),
}

_PROGRESS = {
    "done": (
        "(SELECT COUNT(DISTINCT s.executable_id) FROM catalog.executable_statistics AS s "
        "WHERE s.execution_id = v.execution_id)"
    ),
    "total": "(SELECT COUNT(*) FROM catalog.executables AS e WHERE e.execution_id = v.execution_id)",
    "errors": (
        "(SELECT COUNT(*) FROM catalog.event_messages AS m "
        f"WHERE m.operation_id = v.execution_id AND m.message_type = {MessageType.ERROR.value})"
    ),
    "executable": (
        "(SELECT TOP (1) m.package_path FROM catalog.event_messages AS m "
        "WHERE m.operation_id = v.execution_id AND m.package_path <> N'' ORDER BY m.event_message_id DESC)"
    ),
}


def _execution_batch(execution_id: int) -> Batch:
    return select(Execution, "catalog.executions AS v", where=["v.execution_id = ?"], values=[execution_id])


def _values_batch(execution_id: int) -> Batch:
    return select(
        ExecutionParameterValue,
        "catalog.execution_parameter_values AS v",
        where=["v.execution_id = ?"],
        values=[execution_id],
        order_by="v.object_type, v.parameter_name",
    )
