"""Executions: create, configure, start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from airflow_provider_ssis.catalog.codes import (
    LoggingLevel,
    ObjectType,
    OperationStatus,
    OperationType,
    PermissionType,
    SecuredObjectType,
)
from airflow_provider_ssis.emulator.datatypes import BIT, INT, SqlType, Variant
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from airflow_provider_ssis.emulator.ssisdb.binding import BoundParameter, bind_parameters, find_reference
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, stored
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.rows import insert, insert_rows, next_id, next_ids
from airflow_provider_ssis.emulator.tsql.execution.store import Store
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_SYSTEM: Final = ObjectType.EXECUTION
_OVERRIDABLE: Final = (ObjectType.PROJECT, ObjectType.PACKAGE, ObjectType.EXECUTION)


@catalog_procedure(
    "create_execution",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @package_name nvarchar(260), @reference_id bigint = NULL,"
    " @use32bitruntime bit = 0, @runinscaleout bit = NULL, @useanyworker bit = 1, @execution_id bigint OUTPUT",
    required="folder_name project_name package_name use32bitruntime",
)
async def create_execution(call: CatalogCall) -> None:
    """27146 no such package, 27178 may not execute, 27208, 27182, 27148, 27221 of the environment.

    The operation's row stays when one of these is raised, with status 4. Scale Out is accepted with any worker, as
    scripts for Azure-SSIS send it: the server itself runs the package.
    """
    async with call.transaction() as store:
        execution_id = call.begin_operation(
            store,
            OperationType.EXECUTION,
            OperationStatus.CREATED,
            object_type=ObjectType.PROJECT,
            object_name=call["project_name"],
        )
    call.set_output("execution_id", execution_id)
    try:
        if call["runinscaleout"] and not call["useanyworker"]:
            raise not_supported("Scale Out with @useanyworker = 0: this server has no workers to choose from. It")
        await _create(call, execution_id)
    except SqlError:
        async with call.transaction() as store:
            call.end_operation(store, execution_id, OperationStatus.FAILED)
        raise


async def _create(call: CatalogCall, execution_id: int) -> None:
    folder, project, package = call["folder_name"], call["project_name"], call["package_name"]
    project_id, version = call.project(folder, project, number=27146)
    if not call.first(
        "SELECT 1 FROM internal.packages WHERE project_id = ? AND project_version_lsn = ? AND lower(name) = lower(?)",
        project_id,
        version,
        package,
    ):
        raise call.fail(27146)
    if not call.may(PermissionType.EXECUTE, SecuredObjectType.PROJECT, project_id):
        raise call.fail(27178, project)
    reference = find_reference(call, project_id, folder, call["reference_id"])
    parameters = bind_parameters(call, project_id, version, folder, package, call["reference_id"], for_run=True)
    async with call.transaction() as store:
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
            },
        )
        store.execute("UPDATE internal.operations SET object_id = ? WHERE operation_id = ?", [project_id, execution_id])
        level = int(call.ssisdb.property("SERVER_LOGGING_LEVEL"))
        _write_parameters(store, execution_id, [*parameters, *_system_parameters(level)])


def _system_parameters(level: int) -> list[BoundParameter]:
    return [
        _system_parameter("DUMP_ON_ERROR", "Boolean", Variant(BIT, False)),
        _system_parameter("DUMP_ON_EVENT", "Boolean", Variant(BIT, False)),
        _system_parameter("DUMP_EVENT_CODE", "String", Variant(SqlType("varchar", length=1), "0")),
        _system_parameter("LOGGING_LEVEL", "Int32", Variant(INT, level)),
        _system_parameter("CALLER_INFO", "String", None),
        _system_parameter("SYNCHRONIZED", "Boolean", Variant(BIT, False)),
    ]


def _system_parameter(name: str, data_type: str, value: Variant | None) -> BoundParameter:
    return BoundParameter(_SYSTEM, data_type, name, value, sensitive=False, required=False, value_set=value is not None)


def _write_parameters(store: Store, execution_id: int, parameters: Sequence[BoundParameter]) -> None:
    first = next_ids(store, "execution_parameter_id", len(parameters))
    insert_rows(
        store,
        "execution_parameter_values",
        [
            {
                "execution_parameter_id": number,
                "execution_id": execution_id,
                "object_type": int(parameter.object_type),
                "parameter_data_type": parameter.data_type,
                "parameter_name": parameter.name,
                "parameter_value": stored(parameter.value),
                "base_data_type": ssis_types.base_type(parameter.data_type),
                "sensitive": parameter.sensitive,
                "required": parameter.required,
                "value_set": parameter.value_set,
                "runtime_override": False,
            }
            for number, parameter in enumerate(parameters, first)
        ],
    )


@catalog_procedure(
    "set_execution_parameter_value",
    "@execution_id bigint, @object_type smallint, @parameter_name nvarchar(128), @parameter_value sql_variant",
    required="execution_id object_type parameter_name parameter_value",
)
async def set_execution_parameter_value(call: CatalogCall) -> None:
    """27101, 27103 no such execution, 27224 started, 27176 no such parameter, 27159, 27147 wrong type, 27217, 27237."""
    name, value = call["parameter_name"], call["parameter_value"]
    if call["object_type"] not in _OVERRIDABLE:
        raise call.refuse(27101, "object type")
    execution_id = _changeable(call, 27224)
    row = call.first(
        "SELECT execution_parameter_id, parameter_data_type, sensitive FROM internal.execution_parameter_values"
        " WHERE execution_id = ? AND object_type = ? AND parameter_name = ?",
        execution_id,
        call["object_type"],
        name,
    )
    if row is None:
        raise call.fail(27176, name)
    parameter_id, data_type, sensitive = row
    if not ssis_types.is_known(data_type):
        raise call.fail(27159)
    if not ssis_types.accepts(data_type, value):
        raise call.fail(27147, data_type)
    kept = ssis_types.kept(data_type, value, sensitive=sensitive)
    async with call.transaction() as store:
        if call["object_type"] == _SYSTEM:
            _follow_system_rules(call, store, execution_id, name, kept.value if kept else None)
        store.execute(
            "UPDATE internal.execution_parameter_values SET parameter_value = ?, value_set = true,"
            " runtime_override = true WHERE execution_parameter_id = ?",
            [stored(kept), parameter_id],
        )


def _follow_system_rules(call: CatalogCall, store: Store, execution_id: int, name: str, value: Any) -> None:
    """LOGGING_LEVEL has a range; level 100 adds a parameter with the name of the customized level."""
    if name == "CUSTOMIZED_LOGGING_LEVEL":
        # The catalog has no customized logging levels yet, so every name is wrong.
        raise call.fail(27237, value)
    if name != "LOGGING_LEVEL":
        return
    if value not in set(LoggingLevel):
        raise call.fail(27217, value)
    store.execute(
        "DELETE FROM internal.execution_parameter_values WHERE execution_id = ? AND object_type = 50"
        " AND parameter_name = 'CUSTOMIZED_LOGGING_LEVEL'",
        [execution_id],
    )
    if value == LoggingLevel.CUSTOMIZED:
        _write_parameters(store, execution_id, [_system_parameter("CUSTOMIZED_LOGGING_LEVEL", "String", None)])


@catalog_procedure(
    "set_execution_property_override_value",
    "@execution_id bigint, @property_path nvarchar(4000), @property_value nvarchar(max), @sensitive bit",
    required="execution_id property_path property_value",
)
async def set_execution_property_override_value(call: CatalogCall) -> None:
    """27101, 27103 no such execution, 27225 started, 515 @sensitive NULL. A path that names nothing fails the run."""
    execution_id = _changeable(call, 27225)
    if call["sensitive"] is None:
        raise SqlError(515, "The column 'sensitive' must not be NULL. Give @sensitive 0 or 1.", state=2)
    async with call.transaction() as store:
        store.execute(
            "DELETE FROM internal.execution_property_override_values WHERE execution_id = ? AND property_path = ?",
            [execution_id, call["property_path"]],
        )
        insert(
            store,
            "execution_property_override_values",
            {
                "property_id": next_id(store, "property_id"),
                "execution_id": execution_id,
                "property_path": call["property_path"],
                "property_value": call["property_value"],
                "sensitive": call["sensitive"],
            },
        )


def _changeable(call: CatalogCall, started: int) -> int:
    """The id of an execution that the caller can change and that was not started.

    :param started: the number of the error if it was started.
    """
    execution_id: int = call["execution_id"]
    if execution_id <= 0:
        raise call.refuse(27101, "execution_id")
    row = call.first(
        "SELECT o.status FROM internal.executions e JOIN internal.operations o ON o.operation_id = e.execution_id"
        " WHERE e.execution_id = ?",
        execution_id,
    )
    if row is None or not call.may(PermissionType.MODIFY, SecuredObjectType.OPERATION, execution_id):
        raise call.fail(27103, execution_id)
    if row[0] != OperationStatus.CREATED:
        raise call.fail(started)
    return execution_id


@catalog_procedure("start_execution", "@execution_id bigint, @retry_count int = 0", required="execution_id retry_count")
async def start_execution(call: CatalogCall) -> None:
    """27101, 27103 no such execution, 27121 not in status 1, 27109, 27178, 27150 of its project, 27184 value missing.

    Returns at once; with SYNCHRONIZED = 1 at the end of the run, with success even if the run failed.
    """
    execution_id: int = call["execution_id"]
    if execution_id <= 0:
        raise call.refuse(27101, "execution_id")
    if call["retry_count"] < 0:
        raise call.refuse(27101, "retry_count")
    row = call.first(
        "SELECT o.status, e.folder_name, e.project_name, e.project_lsn FROM internal.executions e"
        " JOIN internal.operations o ON o.operation_id = e.execution_id WHERE e.execution_id = ?",
        execution_id,
    )
    if row is None or not call.may(PermissionType.MODIFY, SecuredObjectType.OPERATION, execution_id):
        raise call.fail(27103, execution_id)
    status, folder, project, version = row
    # After a restart, the project is read again: before the transaction, and in a thread.
    await call.ssisdb.files.load(version)
    async with call.transaction() as store:
        # Read again under the write lock: of two concurrent callers, one reads status 5.
        status = store.fetch("SELECT status FROM internal.operations WHERE operation_id = ?", [execution_id])[0][0]
        if status != OperationStatus.CREATED:
            raise call.fail(27121)
        try:
            _check_startable(call, execution_id, folder, project, version)
        except SqlError:
            call.end_operation(store, execution_id, OperationStatus.FAILED)
            raise
        store.execute(
            "UPDATE internal.operations SET status = ?, start_time = ?, server_name = ?, machine_name = ?"
            " WHERE operation_id = ?",
            [
                int(OperationStatus.PENDING),
                call.now,
                call.ssisdb.engine.product.server_name,
                call.ssisdb.engine.product.server_name,
                execution_id,
            ],
        )
        request = call.ssisdb.run_request(store, execution_id)
        store.after_commit(lambda: call.ssisdb.runtime.start(request))
    if request.parameters.get((_SYSTEM, "SYNCHRONIZED")):
        await call.ssisdb.runtime.wait(execution_id)


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
