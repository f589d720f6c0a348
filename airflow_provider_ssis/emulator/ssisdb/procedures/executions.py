"""Executions: create and start."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import duckdb

from airflow_provider_ssis.catalog.codes import (
    ObjectType,
    OperationStatus,
    OperationType,
    PermissionType,
    SecuredObjectType,
)
from airflow_provider_ssis.emulator.ssisdb.binding import bind_parameters, check_package, find_reference
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.execution_rows import (
    SYNCHRONIZED,
    system_information,
    system_parameters,
    write_parameters,
)
from airflow_provider_ssis.emulator.ssisdb.names import DATABASE
from airflow_provider_ssis.emulator.ssisdb.procedures import scale_out
from airflow_provider_ssis.emulator.ssisdb.procedures.properties import check_encryption_level
from airflow_provider_ssis.emulator.ssisdb.rows import insert
from airflow_provider_ssis.emulator.ssisdb.run_requests import run_request
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.execution.locks.application_locks import LockResult, lock_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_LOCK: Final = lock_name(DATABASE, "public", "MS_ISServer_Create_Execution")
"""The application lock that a creation holds until the end of its transaction."""
_LOCK_SECONDS: Final = 5.0
_LOCK_ATTEMPTS: Final = 2
_LOCK_TIMEOUT: Final = 1222


@catalog_procedure(
    "create_execution",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @package_name nvarchar(260), @reference_id bigint = NULL,"
    " @use32bitruntime bit = 0, @runinscaleout bit = NULL, @useanyworker bit = 1, @execution_id bigint OUTPUT",
    required="folder_name project_name package_name use32bitruntime",
    is_operation=True,
)
async def create_execution(call: CatalogCall) -> None:
    """27195 another creation is not committed, 27146 no such package, 27178 may not execute, then its environment.

    The operation's row stays when one of these is raised, with status 4.
    """
    if not await _others_are_done(call):
        execution_id = await call.write_now(lambda store: _begin(call, store, OperationStatus.FAILED))
        call.set_output("execution_id", execution_id)
        raise call.fail(27195)
    async with call.transaction() as store:
        execution_id = _begin(call, store, OperationStatus.CREATED)
        if call.in_transaction:
            await _acquire(call, seconds=0)
        call.set_output("execution_id", execution_id)
        with call.fails_with(store, execution_id):
            _create(call, store, execution_id)


def _begin(call: CatalogCall, store: Store, status: OperationStatus) -> int:
    execution_id = call.begin_operation(
        store,
        OperationType.EXECUTION,
        status,
        object_type=ObjectType.PROJECT,
        object_name=call["project_name"],
    )
    if status is OperationStatus.FAILED:
        call.end_operation(store, execution_id, status)
    return execution_id


async def _others_are_done(call: CatalogCall) -> bool:
    """Wait until no open transaction of another session has created an execution: twice five seconds.

    The lock is released at once. It is taken together with the write lock, which orders the creations from then on:
    a session that held this lock while it waits for that one could block another in turn.
    """
    for _ in range(_LOCK_ATTEMPTS):
        if await _acquire(call, seconds=_LOCK_SECONDS) in (LockResult.GRANTED, LockResult.GRANTED_AFTER_WAITING):
            call.ssisdb.engine.locks.release(_LOCK, call.spid, of_transaction=True)
            return True
    return False


async def _acquire(call: CatalogCall, *, seconds: float) -> LockResult:
    return await call.ssisdb.engine.locks.acquire(_LOCK, call.spid, "Exclusive", of_transaction=True, seconds=seconds)


def _create(call: CatalogCall, store: Store, execution_id: int) -> None:
    folder, project, package = call["folder_name"], call["project_name"], call["package_name"]
    in_scale_out = scale_out.is_asked_for(call)
    project_id, version = call.project(folder, project, number=27146)
    check_package(call, project_id, version, package)
    if not call.may(PermissionType.EXECUTE, SecuredObjectType.PROJECT, project_id):
        raise call.fail(27178, project)
    check_encryption_level(call)
    reference = find_reference(call, project_id, folder, call["reference_id"])
    parameters = bind_parameters(call, project_id, version, package, reference, for_run=True)
    level = int(call.catalog_property("SERVER_LOGGING_LEVEL"))
    system = system_parameters(level, call.catalog_property("SERVER_CUSTOMIZED_LOGGING_LEVEL"))
    job_id = scale_out.add_job(call, store, execution_id) if in_scale_out else None
    insert(
        store,
        "executions",
        {
            "execution_id": execution_id,
            "project_id": project_id,
            "folder_name": folder,
            "project_name": project,
            "package_name": package,
            "reference_id": reference.reference_id if reference else None,
            "reference_type": reference.kind if reference else None,
            "environment_folder_name": reference.folder if reference else None,
            "environment_name": reference.environment if reference else None,
            "project_lsn": version,
            "executed_as_sid": call.principal.sid,
            "executed_as_name": call.principal.name,
            "use32bitruntime": call["use32bitruntime"],
            "job_id": job_id,
            "executed_count": 0,
        },
    )
    store.execute("UPDATE internal.operations SET object_id = ? WHERE operation_id = ?", [project_id, execution_id])
    write_parameters(store, execution_id, [*parameters, *system])


@catalog_procedure(
    "start_execution",
    "@execution_id bigint, @retry_count int = 0",
    required="execution_id retry_count",
    is_operation=True,
)
async def start_execution(call: CatalogCall) -> None:
    """27101, 27103 no such execution, 27121 not in status 1, 27109, 27178, 27150 of its project, 27184 value missing.

    Returns at once; with SYNCHRONIZED = 1 at the end of the run, with success even if the run failed. An error after
    27103 and 27121, or a lock of another session that interrupts the start, fails the execution: status 4.
    """
    execution_id: int = call["execution_id"]
    if execution_id <= 0:
        raise call.refuse(27101, "execution_id")
    if call["retry_count"] < 0:
        raise call.refuse(27101, "retry_count")
    row = call.first(
        "SELECT folder_name, project_name, project_lsn FROM internal.executions WHERE execution_id = ?", execution_id
    )
    if row is not None:
        # After a restart, the project is read again: before the transaction, and in a thread.
        await call.ssisdb.files.load(row[2])
    async with _fails_if_interrupted(call, execution_id), call.transaction() as store:
        # Under the write lock: of two concurrent callers, one reads status 5.
        call.execution(execution_id, started=27121)
        if row is None:
            raise call.fail(27103, execution_id)
        folder, project, version = row
        with call.fails_with(store, execution_id):
            _check_startable(call, execution_id, folder, project, version)
        store.execute(
            "UPDATE internal.operations SET status = ?, start_time = ? WHERE operation_id = ?",
            [int(OperationStatus.PENDING), call.now, execution_id],
        )
        insert(store, "operation_os_sys_info", system_information(store, execution_id))
        request = run_request(call.ssisdb, store, execution_id, retries=call["retry_count"])
        store.after_commit(lambda: call.ssisdb.runtime.start(request))
    if request.parameters.get((ObjectType.EXECUTION, SYNCHRONIZED)):
        await call.ssisdb.runtime.wait(execution_id)


@asynccontextmanager
async def _fails_if_interrupted(call: CatalogCall, execution_id: int) -> AsyncIterator[None]:
    """Fail an execution that was not started if a lock of another session interrupts its start."""
    try:
        yield
    except (SqlError, duckdb.TransactionException) as error:
        interrupted = not isinstance(error, SqlError) or error.number == _LOCK_TIMEOUT
        # In a transaction of the caller, the row may be its own, which no other writer can change.
        if interrupted and not call.in_transaction and call.may_change(execution_id):
            await call.write_now(
                lambda store: store.execute(
                    "UPDATE internal.operations SET status = ?, end_time = ? WHERE operation_id = ? AND status = ?",
                    [int(OperationStatus.FAILED), call.now, execution_id, int(OperationStatus.CREATED)],
                )
            )
        raise


def _check_startable(call: CatalogCall, execution_id: int, folder: str, project: str, version: int) -> None:
    project_id, current = call.project(folder, project)
    if not call.may(PermissionType.EXECUTE, SecuredObjectType.PROJECT, project_id):
        raise call.fail(27178, project)
    if current != version:
        raise call.fail(27150)
    if call.first(
        "SELECT 1 FROM internal.execution_parameter_values WHERE execution_id = ? AND required AND NOT value_set",
        execution_id,
    ):
        raise call.fail(27184)
