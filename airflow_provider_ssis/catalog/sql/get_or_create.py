"""Batches that find or create an execution by its correlation key, and start it, each under an application lock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.sql.execution_settings import ON_ERROR, VARIABLES, creation_steps, settings_of
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue, OwnError, guarded

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.requests import Correlation, ExecutionRequest
    from airflow_provider_ssis.catalog.sql.execution_settings import Setting

OTHER_ID = "other_execution_id"
"""First column of the result set of active executions that prevent a new one. No other result set begins with it."""

LOCK_SECONDS = 60
"""Seconds to wait for the lock. Its holder creates or starts an execution, which takes a second or two."""


def get_or_create_batches(
    request: ExecutionRequest, settings: list[Setting], correlation: Correlation
) -> Iterator[Batch]:
    """The batches that find the execution or create it.

    The first one selects ``execution_id``, ``status`` and ``created``. The others set more values: run them only if the
    execution was created. The id is NULL if other executions prevent it; the result set before lists them. The first
    batch takes the lock and the last one releases it.
    """
    first, *further = creation_steps(request, settings)
    body = (
        _TAKE_LOCK
        + f"{_IDENTIFY}SELECT @created = 0, @folder = ?, @project = ?, @package = ?;\n"
        + f"{_refuse_superseded(_RECENT)}{_FIND_OWN}{_CLAIM_CREATED}"
        + f"IF @execution_id IS NULL\nBEGIN\n{_FIND_OTHERS}"
        + f"IF NOT EXISTS (SELECT * FROM @others)\nBEGIN\n{first.sql}SET @created = 1;\nSET @status = 1;\nEND\nEND;\n"
        + (f"IF @created = 0 {_GIVE_LOCK_BACK}" if further else _GIVE_LOCK_BACK)
        + f"{_SHOW_OTHERS}SELECT @execution_id AS execution_id, @status AS status, @created AS created;"
    )
    values: list[MarkerValue] = [
        *_lock_values(correlation),
        *_identity(correlation),
        request.folder,
        request.project,
        request.package,
        correlation.lookback,
        correlation.lookback,
        correlation.known_id or 0,
        correlation.previous_id or 0,
        int(correlation.exclusive),
        correlation.lookback,
        *first.values,
    ]
    yield _guarded(body, values)
    for position, batch in enumerate(further, start=1):
        last = position == len(further)
        # The id first: its value is filled in when the first batch has given it.
        yield _guarded(
            f"{batch.sql}SET @lock = ?;\n{_GIVE_LOCK_BACK if last else ''}SELECT @execution_id AS execution_id;",
            [*batch.values, correlation.lock],
        )


def start_batch(execution_id: int, correlation: Correlation) -> Batch:
    """The batch that starts the execution unless another one became active.

    It selects the status, or the executions that prevent the start.
    """
    body = (
        f"{_TAKE_LOCK}{_IDENTIFY}{_FIND_GIVEN}{_refuse_superseded(_NOT_OLDER)}"
        f"{_FIND_OTHERS}IF NOT EXISTS (SELECT * FROM @others) "
        f"EXEC catalog.start_execution @execution_id = @execution_id;\n{_GIVE_LOCK_BACK}{_SHOW_OTHERS}"
        "SELECT v.status FROM catalog.executions AS v WHERE v.execution_id = @execution_id;"
    )
    return _guarded(
        body,
        [
            *_lock_values(correlation),
            *_identity(correlation),
            execution_id,
            correlation.previous_id or 0,
            int(correlation.exclusive),
            correlation.lookback,
        ],
    )


def stop_batch(execution_id: int, correlation: Correlation) -> Batch:
    """The batch that requests the stop of an execution unless a later attempt of the caller exists."""
    body = (
        f"{_TAKE_LOCK}{_IDENTIFY}{_FIND_GIVEN}{_refuse_superseded(_NOT_OLDER)}"
        f"EXEC catalog.stop_operation @operation_id = @execution_id;\n{_GIVE_LOCK_BACK}"
    )
    return _guarded(body, [*_lock_values(correlation), *_identity(correlation), execution_id])


def settings_with_key(request: ExecutionRequest, correlation: Correlation) -> list[Setting]:
    """Everything that the request sets. The key comes last, so that an incomplete execution is never found by it."""
    return settings_of(
        replace(request, caller_info=correlation.caller_info if correlation.key is not None else request.caller_info)
    )


def _guarded(body: str, values: list[MarkerValue]) -> Batch:
    return guarded(
        body,
        values,
        declare=_VARIABLES,
        on_error=ON_ERROR,
        release=f"IF @lock IS NOT NULL AND APPLOCK_MODE('public', @lock, 'Session') <> 'NoLock' {_GIVE_LOCK_BACK}",
    )


def _lock_values(correlation: Correlation) -> list[MarkerValue]:
    return [correlation.lock, LOCK_SECONDS * 1000]


def _identity(correlation: Correlation) -> list[MarkerValue]:
    """The values for :data:`_IDENTIFY`."""
    return [
        _text(correlation.key),
        _text(correlation.caller_info),
        _text(correlation.key_prefix),
        0 if correlation.key is None else correlation.attempt or 0,
    ]


def _refuse_superseded(which: str) -> str:
    """The statement that ends the batch if an execution of a later attempt exists.

    :param which: the condition for the executions to compare with.
    """
    return (
        "IF @attempt > 0 AND EXISTS (SELECT * FROM catalog.executions AS v "
        f"WHERE {_IN_PROJECT} AND {which} AND {_IN_FAMILY} AND {_ATTEMPT} > @attempt) "
        f"{OwnError.ATTEMPT_SUPERSEDED.raised};\n"
    )


def _text(value: str | None) -> str:
    """An empty text instead of NULL, because drivers ask the server for the type of a NULL."""
    return value or ""


_TAKE_LOCK = (
    "SET @lock = ?;\n"
    "EXEC @granted = sp_getapplock @Resource = @lock, @LockMode = 'Exclusive', @LockOwner = 'Session', "
    "@LockTimeout = ?;\n"
    f"IF @granted < 0 {OwnError.LOCK_NOT_GRANTED.raised};\n"
)
_GIVE_LOCK_BACK = "EXEC sp_releaseapplock @Resource = @lock, @LockOwner = 'Session';\n"
# As bytes, because names that differ in case only are two for Airflow and one for the server's collation.
_CALLER = (
    "(SELECT CAST(p.parameter_value AS nvarchar(4000)) FROM catalog.execution_parameter_values AS p "
    "WHERE p.execution_id = v.execution_id AND p.object_type = 50 AND p.parameter_name = N'CALLER_INFO')"
)
_IN_PROJECT = (
    "v.object_id = (SELECT p.project_id FROM catalog.projects AS p "
    "JOIN catalog.folders AS f ON f.folder_id = p.folder_id WHERE f.name = @folder AND p.name = @project)"
)
_RECENT = "v.created_time >= DATEADD(second, -CAST(? AS int), SYSDATETIMEOFFSET())"
# Of the start's or stop's own execution, the key names the last attempt that got it before it was started.
_NOT_OLDER = "v.execution_id >= @execution_id"
_IDENTIFY = "SELECT @owner = ?, @caller = ?, @family = ?, @attempt = ?;\n"
_FIND_GIVEN = (
    "SET @execution_id = ?;\n"
    "SELECT @folder = v.folder_name, @project = v.project_name, @package = v.package_name "
    "FROM catalog.executions AS v WHERE v.execution_id = @execution_id;\n"
)
_IN_FAMILY = f"CAST(LEFT({_CALLER}, LEN(@family)) AS varbinary(8000)) = CAST(@family AS varbinary(8000))"
# The number between the last colon and the brace at the end; NULL where there is no number.
_ATTEMPT = f"TRY_CAST(REPLACE(RIGHT({_CALLER}, CHARINDEX(N':', REVERSE({_CALLER}) + N':') - 1), N'}}', N'') AS int)"
# Created, running, pending, succeeded, stopping and completed count; failed, canceled and ended unexpectedly lead to a
# new execution, and only the newest one tells.
_FIND_OWN = (
    "IF @owner <> N'' SELECT TOP (1) @execution_id = v.execution_id, @status = v.status FROM catalog.executions AS v "
    f"WHERE {_IN_PROJECT} AND v.package_name = @package AND {_RECENT} "
    f"AND CAST(LEFT({_CALLER}, CASE WHEN @attempt = 0 THEN 4000 ELSE LEN(@owner) END) AS varbinary(8000)) "
    "= CAST(@owner AS varbinary(8000)) ORDER BY v.execution_id DESC;\n"
    "SET @known = ?;\n"
    "IF @execution_id IS NULL AND @known <> 0 SELECT @execution_id = v.execution_id, @status = v.status "
    "FROM catalog.executions AS v WHERE v.execution_id = @known;\n"
    "IF @status IN (3, 4, 6) SELECT @execution_id = NULL, @status = NULL;\n"
)
# So that an earlier attempt of the caller, which may have been suspended before the start, does not start it as well.
_CLAIM_CREATED = (
    "IF @status = 1 AND @attempt > 0 EXEC catalog.set_execution_parameter_value @execution_id = @execution_id, "
    "@object_type = 50, @parameter_name = N'CALLER_INFO', @parameter_value = @caller;\n"
)
# Only what is active can be in the way: pending, running, stopping. What is merely created does not run by itself.
_FIND_OTHERS = (
    "SELECT @previous = ?, @alone = ?;\n"
    "INSERT INTO @others SELECT o.execution_id, o.of_family FROM (SELECT v.execution_id, CASE "
    "WHEN v.execution_id = @previous THEN 1 "
    f"WHEN @family <> N'' AND {_IN_FAMILY} THEN 1 ELSE 0 END AS of_family, "
    "CASE WHEN v.package_name = @package THEN @alone ELSE 0 END AS is_alone "
    f"FROM catalog.executions AS v WHERE {_IN_PROJECT} AND v.status IN (2, 5, 8) AND {_RECENT} "
    "AND v.execution_id <> COALESCE(@execution_id, 0)) AS o WHERE o.of_family = 1 OR o.is_alone = 1;\n"
)
_SHOW_OTHERS = f"SELECT execution_id AS {OTHER_ID}, of_family FROM @others ORDER BY execution_id;\n"
_VARIABLES = (
    f"{VARIABLES}, @lock nvarchar(255), @granted int, @owner nvarchar(4000), @caller nvarchar(4000), "
    "@family nvarchar(4000), @attempt int, @known bigint, @previous bigint, @alone int, @status int, @created int;\n"
    "DECLARE @others TABLE (execution_id bigint, of_family int)"
)
