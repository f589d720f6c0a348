"""Operations: stop a running operation."""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import (
    ObjectType,
    OperationStatus,
    OperationType,
    PermissionType,
    SecuredObjectType,
)
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store

_STOPPABLE = (OperationType.EXECUTION, OperationType.VALIDATE_PROJECT, OperationType.VALIDATE_PACKAGE)


def _check_operation(call: CatalogCall) -> None:
    if call["operation_id"] is None:
        raise call.refuse(27100, "operation_id")


@catalog_procedure("stop_operation", "@operation_id bigint", arguments_first=_check_operation, is_operation=True)
async def stop_operation(call: CatalogCall) -> None:
    """27100 NULL, 27123, 27124 not running, 27126 stopping already, 27125 no process yet, 27143 may not."""
    target: int = call["operation_id"]
    async with call.transaction() as store:
        stop_id = call.begin_operation(
            store, OperationType.STOP_OPERATION, OperationStatus.RUNNING, object_type=ObjectType.PROJECT, started=True
        )
        with call.fails_with(store, stop_id):
            object_id, object_name = _check(call, store, target)
        store.execute(
            "UPDATE internal.operations SET status = ?, stopped_by_sid = ?, stopped_by_name = ? WHERE operation_id = ?",
            [int(OperationStatus.STOPPING), call.principal.sid, call.principal.name, target],
        )
        store.execute(
            "UPDATE internal.operations SET object_id = ?, object_name = ? WHERE operation_id = ?",
            [object_id, object_name, stop_id],
        )
        call.end_operation(store, stop_id, OperationStatus.SUCCEEDED)
        store.after_commit(lambda: call.ssisdb.stop(target))


def _check(call: CatalogCall, store: Store, target: int) -> tuple[int, str]:
    rows = store.fetch(
        "SELECT o.status, o.operation_type, o.process_id, o.object_id, o.object_name, t.task_id"
        " FROM internal.operations o LEFT JOIN internal.executions e ON e.execution_id = o.operation_id"
        " LEFT JOIN internal.tasks t ON t.job_id = e.job_id WHERE o.operation_id = ?",
        [target],
    )
    status, kind, process_id, object_id, object_name, task_id = rows[0] if rows else (None,) * 6
    running = status in (OperationStatus.RUNNING, OperationStatus.STOPPING)
    if kind not in _STOPPABLE or not running or object_id is None:
        raise call.fail(27124, target)
    if status == OperationStatus.STOPPING:
        raise call.fail(27126)
    if process_id is None and task_id is None:
        raise call.fail(27125)
    for permission in (PermissionType.MODIFY, PermissionType.READ):
        if not call.may(permission, SecuredObjectType.OPERATION, target):
            raise call.fail(27143, target)
    return object_id, object_name
