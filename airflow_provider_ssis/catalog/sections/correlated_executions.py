"""Executions that belong to one caller: retries and concurrent calls get the same execution, and start it once."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.argument_limits import check_argument
from airflow_provider_ssis.catalog.codes import ObjectType, OperationStatus
from airflow_provider_ssis.catalog.errors import (
    AttemptSuperseded,
    CatalogError,
    ExecutionNotFound,
    OtherExecutionActive,
    TransientError,
)
from airflow_provider_ssis.catalog.models import (
    CorrelatedExecution,
    ExecutedPackage,
    StartedExecution,
)
from airflow_provider_ssis.catalog.sections.creation import Creation
from airflow_provider_ssis.catalog.sections.executions import Executions
from airflow_provider_ssis.catalog.sql.execution_queries import decode_values
from airflow_provider_ssis.catalog.sql.get_or_create import (
    LOCK_SECONDS,
    OTHER_ID,
    get_or_create_batches,
    settings_with_key,
    start_batch,
    stop_batch,
)
from airflow_provider_ssis.catalog.sql.rows import decode
from airflow_provider_ssis.catalog.sql.statements import OwnError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from airflow_provider_ssis.catalog.models import ExecutionParameterValue
    from airflow_provider_ssis.catalog.requests import Correlation, ExecutionRequest
    from airflow_provider_ssis.catalog.sql.rows import ResultSet


class CorrelatedExecutions(Executions):
    """The part of the catalog that creates and starts at most one execution per correlation key."""

    def get_or_create_execution(self, request: ExecutionRequest, correlation: Correlation) -> CorrelatedExecution:
        """Find the caller's execution, or create it with all parameters and options.

        One round trip under an application lock. The newest execution of the package with the correlation key is
        found first, then the one with the known id. An execution that failed, was canceled or ended unexpectedly does
        not count: a new one is created.

        :param request: what to run and how.
        :param correlation: how to recognise the execution.
        :return: the execution: a status of CREATED means that it must still be started.
        :raises OtherExecutionActive: the caller has no execution yet, and another one is active that must end first.
        :raises AttemptSuperseded: a later attempt of the caller has an execution. Nothing was created.
        :raises CatalogError: as :meth:`create_execution` does.
        """
        settings = settings_with_key(request, correlation)
        doing = f"Creating an execution of {request.folder}/{request.project}/{request.package}"
        explain_creation = self._explain_request(request, settings, doing)

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            return _own_refusal(error, doing) or explain_creation(error, row)

        check_argument("lock", correlation.lock)
        creation = Creation(partial(get_or_create_batches, request, settings, correlation), explain)
        result = self._create(creation, doing)
        while result.columns[:1] == (OTHER_ID,):
            if result.rows:
                raise _others_active(result, doing)
            # The other execution ended just before it could be named.
            result = self._create(creation, doing)
        execution_id, status, created, others_found = result.rows[0]
        is_first = bool(created) and not others_found
        return CorrelatedExecution(int(execution_id), OperationStatus(status), bool(created), is_first)

    def start_correlated_execution(
        self, execution_id: int, correlation: Correlation, *, is_first: bool = False
    ) -> StartedExecution:
        """Start an execution that :meth:`get_or_create_execution` returned, unless another caller has started it.

        :param execution_id: the execution.
        :param correlation: the same as for :meth:`get_or_create_execution`.
        :param is_first: the execution's :attr:`CorrelatedExecution.is_first`. Default: False.
        :return: what was started, with the values that are set.
        :raises OtherExecutionActive: another execution became active that must end first. Nothing was started.
        :raises AttemptSuperseded: a later attempt of the caller has this or another execution. Nothing was started.
        :raises CatalogError: as :meth:`start_execution` does.
        """
        batch = start_batch(execution_id, correlation, is_first=is_first)
        results = self._start(batch, execution_id, is_ours=True, refusal=_own_refusal)
        while results[-1].columns[:1] == (OTHER_ID,):
            if not results[-1].rows:
                results = self._start(batch, execution_id, is_ours=True, refusal=_own_refusal)
                continue
            raise _others_active(results[-1], f"Starting the execution {execution_id}")
        if len(results) > 1:
            package, values = decode(ExecutedPackage, results[0]), decode_values(results[1])
            if package and not _is_synchronized(values):
                return StartedExecution(execution=package[0], values=tuple(values), status=OperationStatus.PENDING)
        # The answer of the start was lost, or the execution has ended already.
        execution, all_values = self.execution_with_values(execution_id)
        if execution is None:
            raise ExecutionNotFound(f"Starting the execution {execution_id}: the login no longer sees it")
        return StartedExecution(
            execution=ExecutedPackage(**{each.name: getattr(execution, each.name) for each in fields(ExecutedPackage)}),
            values=tuple(value for value in all_values if value.value_set),
            status=execution.status,
        )

    def stop_correlated_execution(self, execution_id: int, correlation: Correlation) -> None:
        """Request the stop of an execution, unless a later attempt of the caller has taken over.

        :param execution_id: the execution.
        :param correlation: the same as for :meth:`get_or_create_execution`.
        :raises AttemptSuperseded: a later attempt of the caller has this or another execution. Nothing was stopped.
        :raises CatalogError: as :meth:`stop_operation` does.
        """
        self._stop(stop_batch(execution_id, correlation), execution_id, refusal=_own_refusal)


def _is_synchronized(values: Sequence[ExecutionParameterValue]) -> bool:
    """Whether the start of an execution with these values returns at its end."""
    return any(
        value.parameter_name == "SYNCHRONIZED" and value.object_type is ObjectType.EXECUTION and value.parameter_value
        for value in values
    )


def _others_active(result: ResultSet, doing: str) -> OtherExecutionActive:
    others = _others(result.rows)
    names = ", ".join(str(execution_id) for execution_id, _ in others)
    error = OtherExecutionActive(f"{doing} was refused, because other executions are still active: {names}")
    error.others = others
    return error


def _others(rows: Sequence[Sequence[Any]]) -> tuple[tuple[int, bool], ...]:
    return tuple((int(execution_id), bool(of_family)) for execution_id, of_family in rows)


def _own_refusal(error: CatalogError, doing: str) -> CatalogError | None:
    if OwnError.ATTEMPT_SUPERSEDED.is_reported_by(error):
        return AttemptSuperseded(f"{doing} was refused: a later attempt has an execution")
    if OwnError.LOCK_NOT_GRANTED.is_reported_by(error):
        return TransientError(
            f"{doing} failed: another client has held the lock for more than {LOCK_SECONDS} seconds",
            advice="Try again later.",
        )
    if OwnError.OVERTAKEN.is_reported_by(error):
        return TransientError(f"{doing} was interrupted, and another attempt has created an execution since then.")
    return None
