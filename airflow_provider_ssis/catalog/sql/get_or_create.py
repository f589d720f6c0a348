"""Batches that find or create an execution by its correlation key, and start it, each under an application lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import ACTIVE_STATUSES, ObjectType, OperationStatus
from airflow_provider_ssis.catalog.sql.execution_creation import (
    ON_ERROR,
    SET_PLACE,
    VARIABLES,
    creation_steps,
    place_of,
)
from airflow_provider_ssis.catalog.sql.execution_settings import Setting, settings_of
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, OwnError, guarded

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.requests import Correlation, ExecutionRequest

OTHER_ID = "other_execution_id"
"""First column of the result set of active executions that prevent a new one. No other result set begins with it."""

LOCK_SECONDS = 60
"""Seconds to wait for the lock. Its holder creates or starts an execution, which takes a second or two."""


def get_or_create_batches(
    request: ExecutionRequest, settings: Sequence[Setting], correlation: Correlation
) -> Iterator[Batch]:
    """The batches that find the execution or create it.

    The first one selects ``execution_id``, ``status`` and ``created``, or, if other executions prevent a new one, those
    (:data:`OTHER_ID`). The others set more values: run them only if the execution was created. The first batch takes
    the lock and the last one releases it.

    :param request: what to run and how.
    :param settings: everything that the request sets, from :func:`settings_with_key`.
    :param correlation: how to recognise the execution.
    """
    first, *further = creation_steps(request, settings)
    body = (
        f"{_TAKE_LOCK}{_SET_CORRELATION}{SET_PLACE}{_FIND}"
        f"IF @execution_id IS NULL AND @others = 0\nBEGIN\n{first.sql}"
        f"SELECT @created = 1, @status = {OperationStatus.CREATED.value};\nEND;\n"
        + (f"IF @created = 0 {_RELEASE_LOCK}" if further else _RELEASE_LOCK)
        + f"IF @execution_id IS NULL {_SHOW_OTHERS}"
        "ELSE SELECT @execution_id AS execution_id, @status AS status, @created AS created;"
    )
    values = [*_correlation_values(correlation), *place_of(request), *first.values]
    yield _guarded(body, values)
    for position, batch in enumerate(further, start=1):
        release = _RELEASE_LOCK if position == len(further) else ""
        # The id first: its value is filled in when the first batch has returned it.
        yield _guarded(
            f"{batch.sql}SET @lock = ?;\n{release}SELECT @execution_id AS execution_id;",
            [*batch.values, correlation.lock],
        )


def start_batch(execution_id: int, correlation: Correlation) -> Batch:
    """The batch that starts the execution unless another one became active.

    It selects the status, or the executions that prevent the start (:data:`OTHER_ID`).

    :param execution_id: the execution.
    :param correlation: the same as for :func:`get_or_create_batches`.
    """
    body = (
        f"{_TAKE_LOCK}{_SET_CORRELATION}SET @execution_id = ?;\n{_PLACE_OF_EXECUTION}"
        f"SELECT @others = COUNT(*) FROM {_OTHERS};\n"
        f"IF @others = 0 EXEC catalog.start_execution @execution_id = @execution_id;\n{_RELEASE_LOCK}"
        f"IF @others > 0 {_SHOW_OTHERS}"
        "ELSE SELECT v.status FROM catalog.executions AS v WHERE v.execution_id = @execution_id;"
    )
    return _guarded(body, [*_correlation_values(correlation), execution_id])


def settings_with_key(request: ExecutionRequest, correlation: Correlation) -> list[Setting]:
    """Everything that the request sets. The key comes last, so that an incomplete execution is never found by it."""
    key = request.caller_info if correlation.key is None else correlation.key
    return settings_of(replace(request, caller_info=key))


def _guarded(body: str, values: Sequence[MarkerValue]) -> Batch:
    return guarded(
        body,
        values,
        declare=_VARIABLES,
        on_error=ON_ERROR,
        release=f"IF @lock IS NOT NULL AND APPLOCK_MODE('public', @lock, 'Session') <> 'NoLock' {_RELEASE_LOCK}",
    )


def _correlation_values(correlation: Correlation) -> list[MarkerValue]:
    # An empty text or 0 instead of NULL, because drivers ask the server for the type of a NULL.
    return [
        correlation.lock,
        LOCK_SECONDS * 1000,
        correlation.key or "",
        correlation.key_prefix or "",
        correlation.known_id or 0,
        correlation.previous_id or 0,
        int(correlation.exclusive),
        correlation.lookback,
    ]


def _codes(statuses: frozenset[OperationStatus]) -> str:
    return ", ".join(str(status.value) for status in sorted(statuses))


_TAKE_LOCK = (
    "SET @lock = ?;\n"
    "EXEC @granted = sp_getapplock @Resource = @lock, @LockMode = 'Exclusive', @LockOwner = 'Session', "
    "@LockTimeout = ?;\n"
    f"IF @granted < 0 {OwnError.LOCK_NOT_GRANTED.raised};\n"
)
_RELEASE_LOCK = "EXEC sp_releaseapplock @Resource = @lock, @LockOwner = 'Session';\n"
# Keys as bytes, because keys that differ in case only are different for Airflow and equal for the server's collation.
_SET_CORRELATION = (
    "SELECT @key = CAST(CAST(? AS nvarchar(4000)) AS varbinary(8000)), "
    "@key_prefix = CAST(CAST(? AS nvarchar(4000)) AS varbinary(8000)), @known = ?, @previous = ?, @exclusive = ?, "
    "@since = DATEADD(second, -CAST(? AS int), SYSDATETIMEOFFSET()), @created = 0, @others = 0;\n"
)
# The recent executions of the project with their keys: those of the package, and whatever is active.
_EXECUTIONS = (
    "(SELECT v.execution_id, v.package_name, v.status, "
    "CAST(CAST(c.parameter_value AS nvarchar(4000)) AS varbinary(8000)) AS own_key, "
    "CAST(LEFT(CAST(c.parameter_value AS nvarchar(4000)), DATALENGTH(@key_prefix) / 2) AS varbinary(8000)) "
    "AS own_prefix FROM catalog.executions AS v "
    "LEFT JOIN catalog.execution_parameter_values AS c ON c.execution_id = v.execution_id "
    f"AND c.object_type = {ObjectType.EXECUTION.value} AND c.parameter_name = N'CALLER_INFO' "
    "WHERE v.object_id = {project_id} AND v.created_time >= @since "
    f"AND (v.status IN ({_codes(ACTIVE_STATUSES)}) OR v.package_name = @package)) AS w"
)
_PROJECT_ID = (
    "(SELECT p.project_id FROM catalog.projects AS p JOIN catalog.folders AS f ON f.folder_id = p.folder_id "
    "WHERE f.name = @folder AND p.name = @project)"
)
_IN_FAMILY = "(w.execution_id = @previous OR (DATALENGTH(@key_prefix) > 0 AND w.own_prefix = @key_prefix))"
# Only an active execution prevents a new one. A created one does not run by itself.
_PREVENTS = (
    f"w.status IN ({_codes(ACTIVE_STATUSES)}) AND w.execution_id <> COALESCE(@execution_id, 0) "
    f"AND ((@exclusive = 1 AND w.package_name = @package) OR {_IN_FAMILY})"
)
# Only the newest execution with the key counts. A failed, canceled or unexpectedly ended one leads to a new one.
_FIND = (
    f"SET @project_id = {_PROJECT_ID};\n"
    "SELECT @execution_id = MAX(CASE WHEN DATALENGTH(@key) > 0 AND w.package_name = @package AND w.own_key = @key "
    f"THEN w.execution_id END), @others = COUNT(CASE WHEN {_PREVENTS} THEN 1 END) "
    f"FROM {_EXECUTIONS.format(project_id='@project_id')};\n"
    "IF @execution_id IS NULL AND @known <> 0 SET @execution_id = @known;\n"
    "IF @execution_id IS NOT NULL\nBEGIN\n"
    "SELECT @status = v.status FROM catalog.executions AS v WHERE v.execution_id = @execution_id;\n"
    "IF @status IS NULL OR @status IN "
    f"({OperationStatus.CANCELED.value}, {OperationStatus.FAILED.value}, {OperationStatus.ENDED_UNEXPECTEDLY.value}) "
    "SELECT @execution_id = NULL, @status = NULL;\nEND;\n"
)
_PLACE_OF_EXECUTION = (
    "SELECT @project_id = v.object_id, @package = v.package_name FROM catalog.executions AS v "
    "WHERE v.execution_id = @execution_id;\n"
)
_OTHERS = f"{_EXECUTIONS.format(project_id='@project_id')} WHERE {_PREVENTS}"
_SHOW_OTHERS = (
    f"SELECT w.execution_id AS {OTHER_ID}, CASE WHEN {_IN_FAMILY} THEN 1 ELSE 0 END AS of_family FROM {_OTHERS} "
    "ORDER BY w.execution_id;\n"
)
_VARIABLES = (
    "@lock nvarchar(255), @granted int, @key varbinary(8000), @key_prefix varbinary(8000), @known bigint, "
    "@previous bigint, @exclusive int, @since datetimeoffset(7), @project_id bigint, @status int, @created int, "
    f"@others int, {VARIABLES}"
)
