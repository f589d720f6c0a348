"""The server: its start, its version, dumps of executions, and the deletion of old rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from airflow_provider_ssis.catalog.codes import (
    ObjectType,
    OperationStatus,
    OperationType,
    SecuredObjectType,
)
from airflow_provider_ssis.emulator.datatypes import INT, SMALLINT, Column, SqlType
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.orphans import close_orphans
from airflow_provider_ssis.emulator.ssisdb.principals import ADMIN_ROLE, FAILOVER_AGENT_ROLE
from airflow_provider_ssis.emulator.ssisdb.tables import ACTIVE
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store

_INTERNAL: Final = "internal"
_OF_OPERATION: Final = (
    "operation_messages",
    "operation_messages_scaleout",
    "event_messages",
    "event_messages_scaleout",
    "event_message_context",
    "event_message_context_scaleout",
    "extended_operation_info",
    "operation_os_sys_info",
    "jobs",
    "operations",
)
_OF_EXECUTION: Final = (
    "execution_parameter_values",
    "execution_property_override_values",
    "execution_data_taps",
    "execution_data_statistics",
    "execution_component_phases",
    "executable_statistics",
    "executables",
    "execution_info",
    "executions",
)
_RUNNING: Final = (OperationType.EXECUTION, OperationType.VALIDATE_PROJECT, OperationType.VALIDATE_PACKAGE)
"""The operations that a process of the server runs; others end with the call that made them."""


# --- start and version


@catalog_procedure("startup", "", granted_to=ADMIN_ROLE, also_granted_to=FAILOVER_AGENT_ROLE, windows_only=False)
async def startup(call: CatalogCall) -> None:
    """27219 neither an administrator nor the failover agent. Operations without a process get status 6 (27165)."""
    if not (call.is_admin or call.principal.has_database_role(FAILOVER_AGENT_ROLE)):
        raise call.refuse(27219)
    async with call.transaction() as store:
        operation_id = call.begin_operation(store, OperationType.STARTUP, OperationStatus.RUNNING, started=True)
        for warning in close_orphans(
            store, call.now, is_running=lambda target, kind: kind not in _RUNNING or call.ssisdb.is_running(target)
        ):
            call.info(27165, warning)
        call.end_operation(store, operation_id, OperationStatus.SUCCEEDED)


_TEXT: Final = SqlType("nvarchar", length=128)
_VERSIONS: Final = (
    Column("SERVER_BUILD", _TEXT),
    Column("SCHEMA_VERSION", INT),
    Column("SCHEMA_BUILD", _TEXT),
    Column("ASSEMBLY_BUILD", _TEXT),
    Column("SHARED_COMPONENT_VERSION", _TEXT),
    Column("COMPATIBILITY_STATUS", SMALLINT),
)


@catalog_procedure(
    "check_schema_version",
    "@use32bitruntime smallint",
    granted_to=ADMIN_ROLE,
    required="use32bitruntime",
    arguments_first=lambda call: None,
)
async def check_schema_version(call: CatalogCall) -> None:
    """The versions of server, schema and assembly, which fit together: status 0."""
    async with call.transaction() as store:
        operation_id = call.begin_operation(
            store, OperationType.CHECK_SCHEMA_VERSION, OperationStatus.RUNNING, started=True
        )
        call.end_operation(store, operation_id, OperationStatus.SUCCEEDED)
    build = call.catalog_property("SCHEMA_BUILD")
    server = ".".join(map(str, call.ssisdb.engine.product.version)) + ".1"
    version = int(call.catalog_property("SCHEMA_VERSION"))
    call.result_set(_VERSIONS, [(server, version, build, build, build, 0)])


# --- dumps


def _check_execution(call: CatalogCall) -> None:
    if call["execution_id"] <= 0:
        raise call.refuse(27101, "execution_id")


@catalog_procedure(
    "create_execution_dump",
    "@execution_id bigint",
    granted_to=ADMIN_ROLE,
    required="execution_id",
    arguments_first=_check_execution,
)
async def create_execution_dump(call: CatalogCall) -> None:
    """27218 no process runs the execution. The files go to the server's folder ErrorDumps."""
    execution_id: int = call["execution_id"]
    async with call.transaction() as store:
        operation_id = call.begin_operation(
            store,
            OperationType.EXECUTION_DUMP,
            OperationStatus.RUNNING,
            object_type=ObjectType.EXECUTION,
            object_id=execution_id,
            started=True,
        )
        rows = store.fetch(
            "SELECT o.operation_guid, e.package_name, o.object_name FROM internal.operations o"
            " JOIN internal.executions e ON e.execution_id = o.operation_id"
            f" WHERE o.operation_id = ? AND o.process_id IS NOT NULL AND o.status IN ({ACTIVE})",
            [execution_id],
        )
        if not rows or not call.ssisdb.is_running(execution_id):
            call.end_operation(store, operation_id, OperationStatus.FAILED)
            raise call.fail(27218, execution_id)
        dump_id, package, project = rows[0]
        call.ssisdb.dumps.write_dump(
            str(dump_id).upper(), f"Execution {execution_id} of {project}, {package}, at {call.now.isoformat()}\n"
        )
        store.execute("UPDATE internal.operations SET object_name = ? WHERE operation_id = ?", [project, operation_id])
        call.end_operation(store, operation_id, OperationStatus.SUCCEEDED)


# --- clean-up


@catalog_procedure("cleanup_server_retention_window", "", schema=_INTERNAL, granted_to=ADMIN_ROLE, windows_only=False)
async def cleanup_server_retention_window(call: CatalogCall) -> None:
    """Delete operations that ended, or were created and never started, before the retention window began."""
    if call.catalog_property("OPERATION_CLEANUP_ENABLED") != "TRUE":
        return
    begin = call.now - dt.timedelta(days=int(call.catalog_property("RETENTION_WINDOW")))
    async with call.transaction() as store:
        operation_id = call.begin_operation(
            store, OperationType.RETENTION_WINDOW, OperationStatus.RUNNING, started=True
        )
        old = store.fetch(
            "SELECT operation_id FROM internal.operations WHERE end_time <= ?"
            " OR (end_time IS NULL AND status = 1 AND created_time <= ?)",
            [begin, begin],
        )
        _delete(store, [each for (each,) in old])
        call.end_operation(store, operation_id, OperationStatus.SUCCEEDED)


@catalog_procedure("cleanup_server_project_version", "", schema=_INTERNAL, granted_to=ADMIN_ROLE, windows_only=False)
async def cleanup_server_project_version(call: CatalogCall) -> None:
    """Delete the versions of each project beyond MAX_PROJECT_VERSIONS, but never the current one."""
    if call.catalog_property("VERSION_CLEANUP_ENABLED") != "TRUE":
        return
    async with call.transaction() as store:
        # A real catalog writes the type of the other clean-up.
        kind = OperationType.RETENTION_WINDOW if call.ssisdb.quirks else OperationType.MAX_PROJECT_VERSION
        operation_id = call.begin_operation(store, kind, OperationStatus.RUNNING, started=True)
        for (project_id,) in store.fetch("SELECT project_id FROM internal.projects"):
            call.ssisdb.forget_old_versions(store, project_id)
        call.end_operation(store, operation_id, OperationStatus.SUCCEEDED)


@catalog_procedure("cleanup_server_log", "", schema=_INTERNAL, granted_to=ADMIN_ROLE, windows_only=False)
async def cleanup_server_log(call: CatalogCall) -> None:
    """27160 not in single-user mode. Deletes all operations with their logs, but for those that run."""
    _check_single_user(call, "cleanup_server_log")
    async with call.transaction() as store:
        ended = store.fetch(f"SELECT operation_id FROM internal.operations WHERE status NOT IN ({ACTIVE})")
        _delete(store, [each for (each,) in ended])


@catalog_procedure(
    "cleanup_server_execution_keys",
    "@cleanup_flag int, @delete_batch_size int = 1000",
    schema=_INTERNAL,
    granted_to=ADMIN_ROLE,
    windows_only=False,
)
async def cleanup_server_execution_keys(call: CatalogCall) -> None:
    """27160 not in single-user mode, 27101 the flag. Sensitive values of executions that do not run are lost.

    The flag is 1 for keys per execution and 2 for keys per project; without its key, a value cannot be read.
    """
    _check_single_user(call, "cleanup_server_execution_keys")
    if call["cleanup_flag"] not in (1, 2):
        raise call.refuse(27101, "cleanup_flag")
    if call["delete_batch_size"] is None or call["delete_batch_size"] <= 0:
        raise call.refuse(27101, "delete_batch_size")
    async with call.transaction() as store:
        store.execute(
            "UPDATE internal.execution_parameter_values SET parameter_value = NULL WHERE sensitive AND execution_id IN"
            f" (SELECT operation_id FROM internal.operations WHERE status NOT IN (1, {ACTIVE}))"
        )


def _check_single_user(call: CatalogCall, procedure: str) -> None:
    if not call.ssisdb.is_single_user:
        raise call.refuse(27160, f"{_INTERNAL}.{procedure}")


def _delete(store: Store, operations: Sequence[int]) -> None:
    """Delete operations with all rows that belong to them."""
    if not operations:
        return
    ids = list(operations)
    store.execute(
        "DELETE FROM internal.tasks WHERE job_id IN"
        " (SELECT job_id FROM internal.jobs WHERE operation_id IN (SELECT unnest(CAST(? AS BIGINT[]))))",
        [ids],
    )
    store.execute(
        "DELETE FROM internal.job_worker_agents WHERE job_id IN"
        " (SELECT job_id FROM internal.jobs WHERE operation_id IN (SELECT unnest(CAST(? AS BIGINT[]))))",
        [ids],
    )
    columns = {
        **dict.fromkeys(_OF_EXECUTION, "execution_id"),
        "validations": "validation_id",
        **dict.fromkeys(_OF_OPERATION, "operation_id"),
    }
    for table, column in columns.items():
        store.execute(
            f"DELETE FROM internal.{table} WHERE {column} IN (SELECT unnest(CAST(? AS BIGINT[])))",
            [ids],
        )
    store.execute(
        "DELETE FROM internal.object_permissions WHERE object_type = ?"
        " AND object_id IN (SELECT unnest(CAST(? AS BIGINT[])))",
        [int(SecuredObjectType.OPERATION), ids],
    )
