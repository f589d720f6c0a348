"""Projects: read back, restore, move, delete."""

from __future__ import annotations

import asyncio
from functools import partial

from airflow_provider_ssis.catalog.codes import (
    MessageSourceType,
    MessageType,
    ObjectType,
    OperationStatus,
    OperationType,
    PermissionType,
    SecuredObjectType,
)
from airflow_provider_ssis.emulator.datatypes import VARBINARY_MAX, Column
from airflow_provider_ssis.emulator.ssisdb import deployment
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.error_texts import text
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store


@catalog_procedure(
    "get_project",
    "@folder_name nvarchar(128), @project_name nvarchar(128)",
    required="folder_name project_name",
)
async def get_project(call: CatalogCall) -> None:
    """27109 no such project, 27170 its file cannot be read."""
    _, version = call.project(call["folder_name"], call["project_name"])
    try:
        stream = await asyncio.to_thread(call.ssisdb.files.read, version)
    except OSError:
        raise call.fail(27170, call["project_name"]) from None
    call.result_set([Column("project_stream", VARBINARY_MAX)], [(stream,)])


@catalog_procedure(
    "delete_project",
    "@folder_name nvarchar(128), @project_name nvarchar(128)",
    required="folder_name project_name",
)
async def delete_project(call: CatalogCall) -> None:
    """27109 no such project. Its executions are kept."""
    async with call.transaction() as store:
        project_id, _ = call.project(call["folder_name"], call["project_name"], PermissionType.MODIFY)
        versions = store.fetch(
            "SELECT object_version_lsn FROM internal.object_versions WHERE object_id = ?", [project_id]
        )
        for table in ("object_parameters", "packages", "environment_references", "projects"):
            store.execute(f"DELETE FROM internal.{table} WHERE project_id = ?", [project_id])
        store.execute("DELETE FROM internal.object_versions WHERE object_id = ?", [project_id])
        store.execute("DELETE FROM internal.object_permissions WHERE object_type = 2 AND object_id = ?", [project_id])
        for (version,) in versions:
            store.after_commit(partial(call.ssisdb.files.delete, version))


@catalog_procedure(
    "move_project",
    "@source_folder nvarchar(128), @project_name nvarchar(128), @destination_folder nvarchar(128)",
    required="source_folder project_name destination_folder",
)
async def move_project(call: CatalogCall) -> None:
    """27109 no such project, 27115 no such destination, 27223 may not move it there, 27181 name taken there.

    The project's relative references look for their environments in the new folder from then on.
    """
    name, destination = call["project_name"], call["destination_folder"]
    async with call.transaction() as store:
        project_id, _ = call.project(call["source_folder"], name, PermissionType.MODIFY)
        folder_id = call.folder(destination, number=27115)
        if not call.may(PermissionType.CREATE_OBJECTS, SecuredObjectType.FOLDER, folder_id):
            raise call.fail(27223, destination)
        if call.first(
            "SELECT 1 FROM internal.projects WHERE folder_id = ? AND lower(name) = lower(rtrim(?, ' '))",
            folder_id,
            name,
        ):
            raise call.fail(27181, name)
        store.execute("UPDATE internal.projects SET folder_id = ? WHERE project_id = ?", [folder_id, project_id])


@catalog_procedure(
    "restore_project",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @object_version_lsn bigint",
    required="folder_name project_name object_version_lsn",
    is_operation=True,
)
async def restore_project(call: CatalogCall) -> None:
    """27109 no such project, 27179 not one of its versions, 27155 the version that it has.

    The operation's row stays when one of these is raised, with status 4.
    """
    name, version = call["project_name"], call["object_version_lsn"]
    async with call.transaction() as store:
        operation_id = call.begin_operation(
            store,
            OperationType.RESTORE_PROJECT,
            OperationStatus.RUNNING,
            object_type=ObjectType.PROJECT,
            object_name=name,
            started=True,
        )
        with call.fails_with(store, operation_id):
            project_id, current = call.project(call["folder_name"], name, PermissionType.MODIFY)
            store.execute(
                "UPDATE internal.operations SET object_id = ? WHERE operation_id = ?", [project_id, operation_id]
            )
            if not call.first(
                "SELECT 1 FROM internal.object_versions WHERE object_id = ? AND object_version_lsn = ?",
                project_id,
                version,
            ):
                raise call.fail(27179)
            if version == current:
                raise call.fail(27155)
        _say(call, store, operation_id, text(27151, name, version))
        deployment.restore(call, store, project_id, current, version)
        _say(call, store, operation_id, text(27152, name, version))
        call.end_operation(store, operation_id, OperationStatus.SUCCEEDED)


def _say(call: CatalogCall, store: Store, operation_id: int, message: str) -> None:
    call.ssisdb.write_message(store, operation_id, MessageType.INFORMATION, MessageSourceType.ENTRY_API, message)
