"""Batches that find or create an execution by its correlation key, and start it, each under an application lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.codes import ACTIVE_STATUSES, ObjectType, OperationStatus
from airflow_provider_ssis.catalog.sql.execution_creation import (
    ON_ERROR,
    SET_EXECUTION,
    SET_PLACE,
    Incomplete,
    creation_steps,
    place_of,
    variables,
)
from airflow_provider_ssis.catalog.sql.execution_queries import READ_PACKAGE, READ_SET_VALUES
from airflow_provider_ssis.catalog.sql.execution_settings import Setting, settings_of
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, OwnError, guarded

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.requests import Correlation, ExecutionRequest

OTHER_ID = "other_execution_id"
"""First column of the result set of active executions that prevent a new one. No other result set begins with it."""

LOCK_SECONDS = 60
"""Seconds to wait for the lock. Its holder creates or starts an execution, which takes a second or two."""


def get_or_create_batches(
    request: ExecutionRequest,
    settings: Sequence[Setting],
    correlation: Correlation,
    incomplete: Incomplete | None = None,
) -> Iterator[Batch]:
    """The batches that find the execution or create it.

    The first one selects ``execution_id``, ``status``, ``created``, and the number of executions that the search found
    (``found``; the caller's own may be among them), or, if other executions prevent a new one, those
    (:data:`OTHER_ID`). The others set more values: run them only if the execution was created. The first batch takes
    the lock and the last one releases it.

    :param request: what to run and how.
    :param settings: everything that the request sets, from :func:`settings_with_key`.
    :param correlation: how to recognise the execution.
    :param incomplete: complete this execution instead of creating one. Default: none.
    """
    first, *further = creation_steps(request, settings, needs_values=True, incomplete=incomplete)
    values = [*_correlation_values(correlation), *place_of(request)]
    overtaken = ""
    if incomplete is not None:
        overtaken = _REFUSE_OVERTAKEN
        values.append(incomplete.execution_id)
    body = (
        f"{_TAKE_LOCK}{_SET_CORRELATION}{SET_PLACE}{_FIND}{overtaken}"
        f"IF @execution_id IS NULL AND @others = 0\nBEGIN\n{first.sql}"
        f"SELECT @created = 1, @status = {OperationStatus.CREATED.value};\nEND;\n"
        + (f"IF @created = 0 {_RELEASE_LOCK}" if further else _RELEASE_LOCK)
        + f"IF @execution_id IS NULL {_SHOW_OTHERS}"
        "ELSE SELECT @execution_id AS execution_id, @status AS status, @created AS created, @matter AS found;"
    )
    yield _guarded(body, [*values, *first.values])
    for position, batch in enumerate(further, start=1):
        release = _RELEASE_LOCK if position == len(further) else ""
        # The id first: its value is filled in when the first batch has returned it.
        yield _guarded(
            f"{SET_EXECUTION}SET @lock = ?;\n{SET_PLACE}{batch.sql}{release}SELECT @execution_id AS execution_id;",
            [0, correlation.lock, *place_of(request), *batch.values],
        )


def start_batch(execution_id: int, correlation: Correlation, *, is_first: bool = False) -> Batch:
    """The batch that starts the execution unless another one became active.

    It selects what the execution runs and the values that are set, or the executions that prevent the start
    (:data:`OTHER_ID`). Nothing is read after the start, because the run writes as soon as it is started.

    :param execution_id: the execution.
    :param correlation: the same as for :func:`get_or_create_batches`.
    :param is_first: the batch that created the execution found no other one. Default: False.
    """
    body = (
        f"{_TAKE_LOCK}{_SET_CORRELATION}{_CHECK_GIVEN}"
        f"IF @others = 0\nBEGIN\n{READ_PACKAGE}{READ_SET_VALUES}"
        f"EXEC catalog.start_execution @execution_id = @execution_id;\nEND;\n{_RELEASE_LOCK}"
        f"IF @others > 0 {_SHOW_OTHERS}"
    )
    return _guarded(body, [*_correlation_values(correlation), execution_id, int(is_first)])


def stop_batch(execution_id: int, correlation: Correlation) -> Batch:
    """The batch that requests the stop of an execution unless a later attempt of the caller exists.

    :param execution_id: the execution.
    :param correlation: the same as for :func:`get_or_create_batches`.
    """
    body = (
        f"{_TAKE_LOCK}{_SET_CORRELATION}{_CHECK_GIVEN}"
        f"EXEC catalog.stop_operation @operation_id = @execution_id;\n{_RELEASE_LOCK}SELECT 1 AS done;"
    )
    return _guarded(body, [*_correlation_values(correlation), execution_id, 0])


def settings_with_key(request: ExecutionRequest, correlation: Correlation) -> list[Setting]:
    """Everything that the request sets. The key comes last, so that an incomplete execution is never found by it."""
    key = request.caller_info if correlation.key is None else correlation.caller_info
    return settings_of(replace(request, caller_info=key))


def _guarded(body: str, values: Sequence[MarkerValue]) -> Batch:
    return guarded(
        body,
        values,
        declare=variables(body, _VARIABLES),
        on_error=ON_ERROR,
        release=f"IF @lock IS NOT NULL AND APPLOCK_MODE('public', @lock, 'Session') <> 'NoLock' {_RELEASE_LOCK}",
    )


def _correlation_values(correlation: Correlation) -> list[MarkerValue]:
    # An empty text or 0 instead of NULL, because drivers ask the server for the type of a NULL.
    return [
        correlation.lock,
        LOCK_SECONDS * 1000,
        correlation.key or "",
        correlation.caller_info or "",
        correlation.key_prefix or "",
        0 if correlation.key is None else correlation.attempt or 0,
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
    "SELECT @key_text = ?, @caller = ?, @prefix_text = ?, @attempt = ?, @known = ?, @previous = ?, @exclusive = ?, "
    "@since = DATEADD(second, -CAST(? AS int), SYSDATETIMEOFFSET()), @created = 0, @others = 0, @later = 0;\n"
    "SELECT @key = CAST(@key_text AS varbinary(8000)), @key_prefix = CAST(@prefix_text AS varbinary(8000));\n"
    "SET @key_length = CASE WHEN @attempt = 0 THEN 4000 ELSE DATALENGTH(@key) / 2 END;\n"
)
_CALLER = "CAST(c.parameter_value AS nvarchar(4000))"
_IS_CALLER = f"c.object_type = {ObjectType.EXECUTION.value} AND c.parameter_name = N'CALLER_INFO'"
# Executions of the project with their keys, each computed once.
_EXECUTIONS = (
    f"(SELECT v.execution_id, v.package_name, v.status, {_CALLER} AS caller, "
    f"CAST(LEFT({_CALLER}, @key_length) AS varbinary(8000)) AS own_key, "
    f"CAST(LEFT({_CALLER}, DATALENGTH(@key_prefix) / 2) AS varbinary(8000)) AS own_prefix "
    "FROM catalog.executions AS v "
    f"LEFT JOIN catalog.execution_parameter_values AS c ON c.execution_id = v.execution_id AND {_IS_CALLER} "
    "WHERE v.object_id = @project_id AND {condition}) AS w"
)
# Those of the package, and all active ones.
_RECENT = f"v.created_time >= @since AND (v.status IN ({_codes(ACTIVE_STATUSES)}) OR v.package_name = @package)"
# First of all, so that nothing more is computed for the executions of other callers.
_MATTERS = "(w.own_key = @key OR w.own_prefix = @key_prefix OR w.execution_id = @previous OR @exclusive = 1)"
_HAS_PREFIX = "DATALENGTH(@key_prefix) > 0 AND w.own_prefix = @key_prefix"
_IN_FAMILY = f"(w.execution_id = @previous OR ({_HAS_PREFIX}))"
# Only an active execution prevents a new one. A created one does not run by itself.
_PREVENTS = (
    f"w.status IN ({_codes(ACTIVE_STATUSES)}) AND w.execution_id <> COALESCE(@execution_id, 0) "
    f"AND ((@exclusive = 1 AND w.package_name = @package) OR {_IN_FAMILY})"
)
# The number between the last colon and the brace at the end; NULL if there is no number.
_ATTEMPT = "TRY_CAST(REPLACE(RIGHT(w.caller, CHARINDEX(N':', REVERSE(w.caller) + N':') - 1), N'}', N'') AS int)"
_IS_LATER = f"@attempt > 0 AND {_HAS_PREFIX} AND {_ATTEMPT} > @attempt"
_REFUSE_SUPERSEDED = f"IF @later > 0 {OwnError.ATTEMPT_SUPERSEDED.raised};\n"
# So that an earlier attempt of the caller, which may have been suspended before the start, does not start it as well.
_TAKE_OVER_CREATED = (
    f"IF @status = {OperationStatus.CREATED.value} AND @attempt > 0 EXEC catalog.set_execution_parameter_value "
    f"@execution_id = @execution_id, @object_type = {ObjectType.EXECUTION.value}, "
    "@parameter_name = N'CALLER_INFO', @parameter_value = @caller;\n"
)
# Most callers have no earlier execution. This is found out first, because it is many times cheaper than the rest. The
# comparison ignores case, and nothing is known of the package, so it may find more than matters.
_SET_PROBE = (
    "SET @probe = CASE WHEN @prefix_text = N'' THEN @key_text ELSE @prefix_text END;\n"
    "SELECT @probe_length = DATALENGTH(@probe) / 2, "
    "@matter = CASE WHEN @previous <> 0 OR @exclusive = 1 THEN 1 ELSE 0 END;\n"
)
_CAN_PROBE = "@matter = 0 AND @probe_length > 0"
_HAS_PROBE = f"LEFT({_CALLER}, @probe_length) = @probe"
# Counted and not filtered: as a filter, it could be evaluated for all executions instead of those of the condition.
_PROBE_EXECUTIONS = (
    f"SELECT @matter = COUNT(CASE WHEN {{matters}} THEN 1 END) FROM catalog.operations AS v "
    f"JOIN catalog.execution_parameter_values AS c ON c.execution_id = v.operation_id AND {_IS_CALLER} "
    "WHERE v.object_id = @project_id AND {condition};\n"
)
# Only the newest execution with the key counts. A failed, canceled or unexpectedly ended one leads to a new one.
_FIND = (
    f"{_SET_PROBE}IF {_CAN_PROBE} "
    f"{_PROBE_EXECUTIONS.format(matters=_HAS_PROBE, condition='v.created_time >= @since')}"
    "IF @matter > 0\nBEGIN\n"
    "SELECT @execution_id = MAX(CASE WHEN DATALENGTH(@key) > 0 AND w.package_name = @package AND w.own_key = @key "
    f"THEN w.execution_id END), @others = COUNT(CASE WHEN {_PREVENTS} THEN 1 END), "
    f"@later = COUNT(CASE WHEN {_IS_LATER} THEN 1 END) "
    f"FROM {_EXECUTIONS.format(condition=_RECENT)} WHERE {_MATTERS};\n"
    f"{_REFUSE_SUPERSEDED}END;\n"
    "IF @execution_id IS NULL AND @known <> 0 SET @execution_id = @known;\n"
    "IF @execution_id IS NOT NULL\nBEGIN\n"
    "SELECT @status = v.status FROM catalog.executions AS v WHERE v.execution_id = @execution_id;\n"
    "IF @status IS NULL OR @status IN "
    f"({OperationStatus.CANCELED.value}, {OperationStatus.FAILED.value}, {OperationStatus.ENDED_UNEXPECTEDLY.value}) "
    "SELECT @execution_id = NULL, @status = NULL;\nEND;\n"
    f"{_TAKE_OVER_CREATED}"
)
# The start of a caller's first execution considers later ones only, so the one to complete must not be older than it.
_REFUSE_OVERTAKEN = (
    "IF @execution_id IS NULL AND @others = 0 AND @probe_length > 0 AND EXISTS (SELECT 1 "
    f"FROM catalog.execution_parameter_values AS c WHERE c.execution_id > ? AND {_IS_CALLER} AND {_HAS_PROBE}) "
    f"{OwnError.OVERTAKEN.raised};\n"
)
# For a given execution. Its own key names the last attempt that got it before it was started. The first execution of
# a caller has no earlier ones, so it and all later ones of the catalog, which are few, are enough: one table.
_RECENT_OR_LATER = f"(v.execution_id >= @execution_id OR ({_RECENT}))"
_IS_OTHER = f"NOT (c.execution_id = @execution_id AND {_CALLER} = @caller)"
_CHECK_GIVEN = (
    f"SELECT @execution_id = ?, @first = ?;\n{_SET_PROBE}"
    f"IF {_CAN_PROBE} AND @first = 1 SELECT @matter = COUNT(CASE WHEN {_IS_OTHER} THEN 1 END) "
    f"FROM catalog.execution_parameter_values AS c WHERE c.execution_id >= @execution_id AND {_IS_CALLER};\n"
    "IF @matter > 0 OR @first = 0\nBEGIN\n"
    "SELECT @project_id = v.object_id, @package = v.package_name FROM catalog.executions AS v "
    "WHERE v.execution_id = @execution_id;\n"
    f"IF {_CAN_PROBE} "
    + _PROBE_EXECUTIONS.format(
        matters=f"{_IS_OTHER} AND {_HAS_PROBE}",
        condition="(v.operation_id >= @execution_id OR v.created_time >= @since)",
    )
    + "IF @matter > 0\nBEGIN\n"
    f"SELECT @others = COUNT(CASE WHEN {_PREVENTS} THEN 1 END), "
    f"@later = COUNT(CASE WHEN w.execution_id >= @execution_id AND {_IS_LATER} THEN 1 END) "
    f"FROM {_EXECUTIONS.format(condition=_RECENT_OR_LATER)} WHERE {_MATTERS};\n"
    f"{_REFUSE_SUPERSEDED}END;\nEND;\n"
)
_SHOW_OTHERS = (
    f"SELECT w.execution_id AS {OTHER_ID}, CASE WHEN {_IN_FAMILY} THEN 1 ELSE 0 END AS of_family "
    f"FROM {_EXECUTIONS.format(condition=_RECENT)} WHERE {_PREVENTS} ORDER BY w.execution_id;\n"
)
_VARIABLES = (
    "@lock nvarchar(255), @granted int, @key_text nvarchar(4000), @caller nvarchar(4000), @prefix_text nvarchar(4000), "
    "@attempt int, @key varbinary(8000), @key_prefix varbinary(8000), @key_length int, @known bigint, "
    "@previous bigint, @exclusive int, @since datetimeoffset(7), @status int, @created int, "
    "@others int, @later int, @probe nvarchar(4000), @probe_length int, @matter int, @first int"
)
