"""Folders."""

from __future__ import annotations

from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, description
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.names import folded, is_valid_name
from airflow_provider_ssis.emulator.ssisdb.principals import ADMIN_ROLE
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id


@catalog_procedure(
    "create_folder", "@folder_name nvarchar(128), @folder_id bigint = NULL OUTPUT", granted_to=ADMIN_ROLE
)
async def create_folder(call: CatalogCall) -> None:
    """27188 not an administrator, 27189 no name, 27199 bad name, 27190 name taken."""
    name = call["folder_name"]
    if not call.is_admin:
        raise call.refuse(27188)
    if name is None:
        raise call.refuse(27189)
    if not is_valid_name(name):
        raise call.refuse(27199, name)
    async with call.transaction() as store:
        if call.first("SELECT 1 FROM internal.folders WHERE lower(name) = lower(rtrim(?, ' '))", name):
            raise call.fail(27190, name)
        folder_id = next_id(store, "folder_id")
        insert(
            store,
            "folders",
            {
                "folder_id": folder_id,
                "name": name,
                "created_by_sid": call.principal.sid,
                "created_by_name": call.principal.name,
                "created_time": call.now,
            },
        )
    call.set_output("folder_id", folder_id)


@catalog_procedure("delete_folder", "@folder_name nvarchar(128)", granted_to=ADMIN_ROLE)
async def delete_folder(call: CatalogCall) -> None:
    """27188 not an administrator, 27189 no name, 27104 no such folder, 27196 not empty."""
    name = call["folder_name"]
    if not call.is_admin:
        raise call.refuse(27188)
    if name is None:
        raise call.refuse(27189)
    async with call.transaction() as store:
        folder_id = call.folder(name)
        if call.first(
            "SELECT 1 FROM internal.projects WHERE folder_id = ? UNION ALL"
            " SELECT 1 FROM internal.environments WHERE folder_id = ?",
            folder_id,
            folder_id,
        ):
            raise call.fail(27196, name)
        store.execute("DELETE FROM internal.folders WHERE folder_id = ?", [folder_id])
        store.execute("DELETE FROM internal.object_permissions WHERE object_type = 1 AND object_id = ?", [folder_id])


@catalog_procedure(
    "set_folder_description",
    "@folder_name nvarchar(128), @folder_description nvarchar(max)",
    granted_to=ADMIN_ROLE,
)
async def set_folder_description(call: CatalogCall) -> None:
    """27188 not an administrator, 27189 no name, 27104 no such folder, 2628 description too long."""
    if not call.is_admin:
        raise call.refuse(27188)
    if call["folder_name"] is None:
        raise call.refuse(27189)
    async with call.transaction() as store:
        folder_id = call.folder(call["folder_name"])
        store.execute(
            "UPDATE internal.folders SET description = ? WHERE folder_id = ?",
            [description(call["folder_description"], "folders"), folder_id],
        )


@catalog_procedure("rename_folder", "@old_name nvarchar(128), @new_name nvarchar(128)", granted_to=ADMIN_ROLE)
async def rename_folder(call: CatalogCall) -> None:
    """27188 not an administrator, 27189 no name, 27199 bad name, 27104 no such folder, 27129 name taken.

    References to environments of the folder keep the old name. The same name twice changes nothing, whether the folder
    exists or not.
    """
    old, new = call["old_name"], call["new_name"]
    if not call.is_admin:
        raise call.refuse(27188)
    if old is None or new is None:
        raise call.refuse(27189)
    if not is_valid_name(new):
        raise call.refuse(27199, new)
    if folded(old) == folded(new):
        return
    async with call.transaction() as store:
        folder_id = call.folder(old)
        if call.first("SELECT 1 FROM internal.folders WHERE lower(name) = lower(rtrim(?, ' '))", new):
            raise call.fail(27129, new)
        store.execute("UPDATE internal.folders SET name = ? WHERE folder_id = ?", [new, folder_id])
