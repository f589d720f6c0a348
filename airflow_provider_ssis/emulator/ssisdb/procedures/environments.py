"""Environments."""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.names import is_valid_name
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id

_MODIFY = PermissionType.MODIFY


@catalog_procedure(
    "create_environment",
    "@folder_name nvarchar(128), @environment_name nvarchar(128), @environment_description nvarchar(1024) = NULL",
    required="folder_name environment_name",
)
async def create_environment(call: CatalogCall) -> None:
    """27142 bad name, 27104 no such folder, 27209 may not create there, 27157 name taken."""
    name = call["environment_name"]
    if not is_valid_name(name):
        raise call.refuse(27142, name)
    async with call.transaction() as store:
        folder_id = call.folder(call["folder_name"])
        if not call.may(PermissionType.CREATE_OBJECTS, SecuredObjectType.FOLDER, folder_id):
            raise call.fail(27209, call["folder_name"])
        _check_free(call, folder_id, name)
        environment_id = next_id(store, "environment_id")
        insert(
            store,
            "environments",
            {
                "environment_id": environment_id,
                "environment_name": name,
                "folder_id": folder_id,
                "description": call["environment_description"],
                "created_by_sid": call.principal.sid,
                "created_by_name": call.principal.name,
                "created_time": call.now,
            },
        )
        call.grant_creator(store, SecuredObjectType.ENVIRONMENT, environment_id)


@catalog_procedure(
    "delete_environment",
    "@folder_name nvarchar(128), @environment_name nvarchar(128)",
    required="folder_name environment_name",
)
async def delete_environment(call: CatalogCall) -> None:
    """27182 no such environment."""
    async with call.transaction() as store:
        environment_id = call.environment(call["folder_name"], call["environment_name"], _MODIFY)
        store.execute("DELETE FROM internal.environment_variables WHERE environment_id = ?", [environment_id])
        store.execute("DELETE FROM internal.environments WHERE environment_id = ?", [environment_id])
        store.execute(
            "DELETE FROM internal.object_permissions WHERE object_type = 3 AND object_id = ?", [environment_id]
        )


@catalog_procedure(
    "rename_environment",
    "@folder_name nvarchar(128), @environment_name nvarchar(128), @new_environment_name nvarchar(128)",
    required="folder_name environment_name new_environment_name",
)
async def rename_environment(call: CatalogCall) -> None:
    """27142 bad name, 27182 no such environment, 27157 name taken. References keep the old name."""
    name = call["new_environment_name"]
    if not is_valid_name(name):
        raise call.refuse(27142, name)
    async with call.transaction() as store:
        environment_id = call.environment(call["folder_name"], call["environment_name"], _MODIFY)
        _check_free(call, call.folder_of_environment(environment_id), name)
        store.execute(
            "UPDATE internal.environments SET environment_name = ? WHERE environment_id = ?", [name, environment_id]
        )


@catalog_procedure(
    "move_environment",
    "@source_folder nvarchar(128), @environment_name nvarchar(128), @destination_folder nvarchar(128)",
    required="source_folder environment_name destination_folder",
)
async def move_environment(call: CatalogCall) -> None:
    """27182 no such environment, 27115 no such destination, 27157 name taken there. References keep the old folder."""
    name, destination = call["environment_name"], call["destination_folder"]
    async with call.transaction() as store:
        environment_id = call.environment(call["source_folder"], name, _MODIFY)
        folder_id = call.folder(destination, number=27115)
        if not call.may(PermissionType.CREATE_OBJECTS, SecuredObjectType.FOLDER, folder_id):
            raise call.fail(27115, destination)
        _check_free(call, folder_id, name)
        store.execute(
            "UPDATE internal.environments SET folder_id = ? WHERE environment_id = ?", [folder_id, environment_id]
        )


@catalog_procedure(
    "set_environment_property",
    "@folder_name nvarchar(128), @environment_name nvarchar(128), @property_name nvarchar(128),"
    " @property_value nvarchar(1024)",
    required="folder_name environment_name property_name",
)
async def set_environment_property(call: CatalogCall) -> None:
    """27182 no such environment, 27101 a property other than DESCRIPTION, whose value may be NULL."""
    async with call.transaction() as store:
        environment_id = call.environment(call["folder_name"], call["environment_name"], _MODIFY)
        if call["property_name"].upper() != "DESCRIPTION":
            raise call.fail(27101, "property_name")
        store.execute(
            "UPDATE internal.environments SET description = ? WHERE environment_id = ?",
            [call["property_value"], environment_id],
        )


def _check_free(call: CatalogCall, folder_id: int, name: str) -> None:
    sql = "SELECT 1 FROM internal.environments WHERE folder_id = ? AND lower(environment_name) = lower(rtrim(?, ' '))"
    if call.first(sql, folder_id, name):
        raise call.fail(27157, name)
