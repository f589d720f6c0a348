"""``sp_getapplock`` and ``sp_releaseapplock``."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.locks.application_locks import (
    LOCK_OWNERS,
    LockResult,
    lock_mode,
    lock_name,
)
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_BY_LOCK_TIMEOUT: Final = -2


async def get_lock(call: ProcedureCall) -> int:
    """``sp_getapplock``: the status says whether the lock was granted (0, 1) or not (-1, -3, -999)."""
    session = call.session
    mode = lock_mode(call.arguments["lockmode"])
    milliseconds = call.arguments["locktimeout"]
    if mode is None or milliseconds is None or milliseconds < _BY_LOCK_TIMEOUT:
        raise _refused("sp_getapplock", 15600, "invalid lock mode or timeout")
    resource, of_transaction = _resource(call, "sp_getapplock")
    if milliseconds == _BY_LOCK_TIMEOUT:
        milliseconds = session.options.lock_timeout
    result = await session.engine.locks.acquire(
        resource,
        session.spid,
        mode,
        of_transaction=of_transaction,
        seconds=None if milliseconds < 0 else milliseconds / 1000,
    )
    return int(result)


async def release_lock(call: ProcedureCall) -> int:
    """``sp_releaseapplock``: 1223 where the session does not hold the lock."""
    resource, of_transaction = _resource(call, "sp_releaseapplock")
    if not call.session.engine.locks.release(resource, call.session.spid, of_transaction=of_transaction):
        why = f"the application lock '{call.arguments['resource']}' is not held by this session"
        raise _refused("sp_releaseapplock", 1223, why)
    return 0


def _resource(call: ProcedureCall, procedure: str) -> tuple[str, bool]:
    """The name of the lock on the server, and whether the transaction owns it."""
    owner = str(call.arguments["lockowner"]).lower()
    if not call.arguments["resource"] or owner not in LOCK_OWNERS:
        raise _refused(procedure, 15600, "a resource and the lock owner Session or Transaction are required")
    if owner == "transaction" and not call.session.in_transaction:
        raise _refused(procedure, 3908, "the lock owner Transaction requires an open transaction")
    principal = call.arguments["dbprincipal"]
    return lock_name(call.session.database, principal, call.arguments["resource"]), owner == "transaction"


def _refused(procedure: str, number: int, why: str) -> SqlError:
    return SqlError(number, f"{procedure}: {why}.", procedure=procedure, return_status=int(LockResult.FAILED))


PROCEDURES: Final = (
    Procedure(
        "master",
        "sys",
        "sp_getapplock",
        parse_signature(
            "@Resource nvarchar(255), @LockMode nvarchar(32), @LockOwner nvarchar(32) = 'Transaction',"
            f" @LockTimeout int = {_BY_LOCK_TIMEOUT}, @DbPrincipal nvarchar(128) = 'public'"
        ),
        get_lock,
    ),
    Procedure(
        "master",
        "sys",
        "sp_releaseapplock",
        parse_signature(
            "@Resource nvarchar(255), @LockOwner nvarchar(32) = 'Transaction', @DbPrincipal nvarchar(128) = 'public'"
        ),
        release_lock,
    ),
)
