"""Executions: create, start, read, stop."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.codes import MessageType, ObjectType, OperationStatus, PermissionType, ValueType
from airflow_provider_ssis.catalog.errors import (
    AlreadyStarted,
    AmbiguousEnvironment,
    CatalogError,
    ConnectionLost,
    EnvironmentNotFound,
    InvalidArgument,
    PackageNotFound,
    RequiredParameterMissing,
    StartInterrupted,
    TransientError,
)
from airflow_provider_ssis.catalog.grants import Purpose
from airflow_provider_ssis.catalog.models import (
    Execution,
    ExecutionParameterValue,
    ExecutionProgress,
    ExecutionState,
    ObjectParameter,
)
from airflow_provider_ssis.catalog.parameter_types import property_text
from airflow_provider_ssis.catalog.refusals import Target, explain_refusal, missing_object
from airflow_provider_ssis.catalog.requests import ExecutionRequest, Sensitive
from airflow_provider_ssis.catalog.sections.creation import Creation
from airflow_provider_ssis.catalog.sections.environment_references import EnvironmentReferences
from airflow_provider_ssis.catalog.sections.operations import Operations, Refusal, no_refusal
from airflow_provider_ssis.catalog.sections.parameters import Parameters
from airflow_provider_ssis.catalog.session import Explain, Repeat
from airflow_provider_ssis.catalog.sql.execution_creation import creation_batches
from airflow_provider_ssis.catalog.sql.execution_queries import decode_values, execution_query, values_query
from airflow_provider_ssis.catalog.sql.execution_settings import OWNERS, Setting, customized_level_of, settings_of
from airflow_provider_ssis.catalog.sql.parameter_values import parameter_not_found, plain, wrong_type
from airflow_provider_ssis.catalog.sql.rows import ResultSet, decode
from airflow_provider_ssis.catalog.sql.statements import (
    MAX_MARKERS,
    Batch,
    OwnError,
    guarded,
    one_of,
    padded,
    select,
)


class Executions(Operations):
    """The part of the catalog client for executions: create, start, read."""

    def create_execution(self, request: ExecutionRequest, *, needs_values: bool = False) -> int:
        """Create an execution with all its parameters and options, ready to be started.

        One round trip, however many parameters there are (one more for each thousand or so). Names and types are
        checked first, so that a mistake creates nothing. If a setting is refused nevertheless, because the project was
        deployed at that moment for instance, the error names the execution that was created and not started. If only
        the answer is lost, the call is repeated: the catalog keeps a second execution then, which never runs.

        :param request: what to run and how.
        :param needs_values: create nothing if a required parameter has no value. Default: False, the start fails then.
        :return: the execution's id.
        :raises PackageNotFound: there is no such package, or the login may not see it.
        :raises RequiredParameterMissing: with ``needs_values``, a required parameter has no value.
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
        creation = Creation(partial(creation_batches, request, settings, needs_values=needs_values), explain)
        return int(self._create(creation, doing).rows[0][0])

    def _create(self, creation: Creation, doing: str) -> ResultSet:
        """Run the batches of a creation.

        :return: the result of the first batch: its column ``created`` is 0 if it found an execution instead.
        """
        retries = self._session.retry.start(self._session.clock)
        while True:
            results = self._session.run(creation.first(), doing=doing, explain=creation.explain, again=creation.first)
            found = results[-1].as_dicts()
            if not found or "execution_id" not in found[0] or not found[0].get("created", True):
                return results[-1]
            try:
                self._finish_creation(found[0]["execution_id"], creation, doing)
            except TransientError as error:
                # After a lost connection it is unknown which settings are set.
                if isinstance(error, ConnectionLost):
                    raise
                if not retries.may_continue():
                    retries.add_to(error)
                    raise
            else:
                return results[-1]
            retries.wait()

    def _finish_creation(self, execution_id: int, creation: Creation, doing: str) -> None:
        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            explained = creation.explain(error, row)
            if explained.operation_id is None:
                explained.operation_id = execution_id
                explained.add(f"execution {execution_id} was created and not started")
            return explained

        for batch in creation.further:
            # Not repeated: overrides that are already set must not be set a second time.
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

        If the connection breaks, the execution's status decides whether to start it again.

        :param execution_id: the execution.
        :return: the status after the start: usually PENDING or RUNNING, a final one if the execution was created with
            ``synchronized`` or was very short.
        :raises AlreadyStarted: it was started before.
        :raises ProjectChanged: the project was deployed again after the execution was created.
        :raises RequiredParameterMissing: a required parameter has no value; the message names it.
        :raises ExecutionNotFound: there is no such execution, or the login may not change it.
        :raises StartInterrupted: the server interrupted the start, after a deadlock for instance, and the catalog
            failed the execution. The package never ran.
        """
        batch = guarded(
            "EXEC catalog.start_execution @execution_id = ?;\n"
            "SELECT v.status FROM catalog.executions AS v WHERE v.execution_id = ?;",
            [execution_id, execution_id],
        )
        return OperationStatus(self._start(batch, execution_id)[-1].rows[0][0])

    def _start(
        self, batch: Batch, execution_id: int, *, is_ours: bool = False, refusal: Refusal = no_refusal
    ) -> list[ResultSet]:
        """Run a batch that starts an execution. Before a repetition, read the status.

        :param batch: the batch.
        :param execution_id: the execution.
        :param is_ours: only the caller starts it, so an execution that was started already counts as started.
        :param refusal: makes an exception of an error that the batch raised itself.
        :return: the results of the batch; one with only the status if the answer was lost, and the status says that the
            execution was started.
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
            failure: TransientError | None = None
            try:
                return self._session.run(batch, doing=doing, repeat=Repeat.NEVER, explain=explain)
            except AlreadyStarted:
                if is_first and not is_ours:
                    raise
                # The start whose answer was lost came through after its status was read.
            except TransientError as error:
                if isinstance(error, ConnectionLost) and not self._session.can_reconnect:
                    raise
                failure = error
            is_first = False
            execution = self.execution(execution_id)
            if execution is not None and execution.status is not OperationStatus.CREATED:
                if failure is not None and _never_ran(execution, failure):
                    raise _start_interrupted(failure, execution_id) from failure
                return [ResultSet(("status",), ((execution.status.value,),))]
            if failure is not None and not retries.may_continue():
                failure.add("it has not started")
                raise failure
            retries.wait()

    def execution(self, execution_id: int) -> Execution | None:
        """The execution with that id, or None if the login can see no such object."""
        batch = execution_query(execution_id)
        found = self._session.fetch(Execution, batch, doing=f"Looking for the execution {execution_id}")
        return next(iter(found), None)

    def execution_with_values(self, execution_id: int) -> tuple[Execution | None, list[ExecutionParameterValue]]:
        """An execution and its values, in one round trip; see :meth:`execution`, :meth:`execution_parameter_values`."""
        batches = [execution_query(execution_id), values_query(execution_id)]
        both = Batch(";\n".join(batch.sql for batch in batches), tuple(v for batch in batches for v in batch.values))
        found, values = self._session.run(both, doing=f"Reading execution {execution_id} and its parameters")
        return next(iter(decode(Execution, found)), None), decode_values(values)

    def execution_states(self, execution_ids: Collection[int]) -> list[ExecutionState]:
        """The status of executions and validations. Those that the login cannot see are left out.

        One round trip for up to two thousand executions.
        """
        states: list[ExecutionState] = []
        wanted = list(execution_ids)
        for begin in range(0, len(wanted), MAX_MARKERS):
            chunk = wanted[begin : begin + MAX_MARKERS]
            chunk = padded(chunk, MAX_MARKERS)
            batch = select(
                ExecutionState,
                # Of all operations, because validations have the same statuses and ids of the same sequence.
                "catalog.operations AS v",
                where=[one_of("v.operation_id", chunk)],
                values=chunk,
                joined={
                    "execution_id": "v.operation_id",
                    "age": "DATEDIFF(second, COALESCE(v.start_time, v.created_time), SYSDATETIMEOFFSET())",
                },
            )
            states += self._session.fetch(ExecutionState, batch, doing="Reading the status of executions")
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

    def execution_parameter_values(self, execution_id: int) -> list[ExecutionParameterValue]:
        """The values that an execution has or had: of project, package and server options, in this order of names."""
        doing = f"Reading the parameters of execution {execution_id}"
        return decode_values(self._session.run(values_query(execution_id), doing=doing)[-1])

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
        if OwnError.MISSING_VALUES.is_reported_by(error):
            return self._explain_missing(request, settings, doing)
        if OwnError.UNKNOWN_LOGGING_LEVEL.is_reported_by(error):
            return _explain_level(request, doing)
        if isinstance(error, PackageNotFound):
            missing = self._missing_part(request, doing)
            if missing is not None:
                missing.number, missing.procedure, missing.line = error.number, error.procedure, error.line
            return missing or error
        target = Target(folder=request.folder, project=request.project, permission=PermissionType.EXECUTE)
        error = explain_refusal(self._session, doing, target)(error, row)
        execution_id, step = row.get("execution_id"), row.get("step")
        if execution_id is None:
            return error
        error.operation_id = execution_id
        if step is not None:
            begun = f"Execution {execution_id} was created and not started: setting {settings[step].title} failed"
            error.message = f"{begun}: {error.message.removeprefix(f'{doing} failed: ')}"
        return error

    def _explain_missing(self, request: ExecutionRequest, settings: Sequence[Setting], doing: str) -> CatalogError:
        """The required parameters without a value, with no execution created."""
        has_environment = request.environment is not None or request.reference_id is not None
        given = {(setting.object_type, setting.name) for setting in settings}
        missing = [
            each.parameter_name
            for each in self._parameters_of(request)
            if each.required
            and not (each.value_set and (each.value_type is not ValueType.REFERENCE or has_environment))
            and given.isdisjoint({(each.object_type, each.parameter_name), (None, each.parameter_name)})
        ]
        if not missing:
            return _changed_meanwhile(doing)
        return RequiredParameterMissing(
            f"{doing} failed: required parameters are without a value: {', '.join(missing)}. No execution was created"
        )

    def _parameters_of(self, request: ExecutionRequest) -> list[ObjectParameter]:
        """The parameters of the package and of its project."""
        return [
            each
            for each in Parameters(self._session).object_parameters(request.folder, request.project)
            if each.object_type is ObjectType.PROJECT or each.object_name.lower() == request.package.lower()
        ]

    def _explain_settings(self, request: ExecutionRequest, settings: Sequence[Setting], doing: str) -> CatalogError:
        """The first unknown parameter or wrong type among the settings, with no execution created."""
        parameters = self._parameters_of(request)
        for setting in settings:
            if setting.lookup is None:
                continue
            own = [each for each in parameters if setting.object_type in (None, each.object_type)]
            found = [each for each in own if each.parameter_name == setting.name]
            if not found and not setting.is_optional:
                others = [OWNERS[each.object_type] for each in parameters if each.parameter_name == setting.name]
                return parameter_not_found(
                    doing,
                    setting.owner,
                    setting.name,
                    [each.parameter_name for each in own],
                    elsewhere=next(iter(others), None),
                )
            for each in found:
                if each.data_type.lower() not in map(str.lower, setting.lookup.data_types):
                    return wrong_type(doing, setting.title, each.data_type, setting.value, is_sensitive=each.sensitive)
        return _changed_meanwhile(doing)

    def _missing_part(self, request: ExecutionRequest, doing: str) -> CatalogError | None:
        """The error for a folder, project or package that the login cannot see. None: it sees all three."""
        missing = missing_object(
            self._session, doing, Target(folder=request.folder, project=request.project, package=request.package)
        )
        if missing is not None:
            package = " The name of a package ends in .dtsx." if isinstance(missing, PackageNotFound) else ""
            missing.advice += f"{package} {Purpose.RUN.advice}"
        return missing

    def _explain_environment(self, request: ExecutionRequest, doing: str) -> CatalogError:
        try:
            EnvironmentReferences(self._session).find_environment_reference(
                request.folder, request.project, request.environment or "", request.environment_folder
            )
        except (EnvironmentNotFound, AmbiguousEnvironment) as explained:
            explained.message = f"{doing} failed: {explained.message}"
            return explained
        return TransientError(
            f"{doing} failed: the project's environment references changed at that moment", advice="Try again."
        )


def _never_ran(execution: Execution, error: TransientError) -> bool:
    """Whether the catalog failed an execution because of an error in its start, before a process ran the package.

    After an error in a procedure that starts an execution, the catalog sets the status FAILED and raises the error
    again. An error in the client's own statements, which name no procedure, can come after a start.
    """
    return execution.status is OperationStatus.FAILED and execution.process_id is None and error.procedure is not None


def _start_interrupted(error: TransientError, execution_id: int) -> StartInterrupted:
    """The error for an execution that never ran, with what SQL Server reported."""
    interrupted = StartInterrupted(
        error.message,
        number=error.number,
        severity=error.severity,
        state=error.state,
        procedure=error.procedure,
        line=error.line,
        operation_id=execution_id,
    )
    interrupted.reason, interrupted.server = error.reason, error.server
    interrupted.add(f"the catalog failed execution {execution_id}, which never ran")
    return interrupted


def _changed_meanwhile(doing: str) -> CatalogError:
    return TransientError(f"{doing} failed: the project's parameters changed at that moment", advice="Try again.")


def _explain_level(request: ExecutionRequest, doing: str) -> CatalogError:
    level = customized_level_of(request)
    return InvalidArgument(
        f"{doing} failed: the catalog has no customized logging level {level!r}",
        advice="Levels are none, basic, performance, verbose and runtime_lineage, or the name of a customized level as "
        "catalog.customized_logging_levels lists it.",
    )


def _without_secrets(text: str, settings: Sequence[Setting]) -> str:
    """The server may quote a value that it rejected."""
    for setting in settings:
        secret = property_text(plain(setting.value)) if isinstance(setting.value, Sensitive) else ""
        if secret:
            text = text.replace(secret, "***")
    return text


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
