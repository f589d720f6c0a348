"""Environments, their variables, and the references of projects to them."""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, stored
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.names import is_valid_name
from airflow_provider_ssis.emulator.ssisdb.rows import insert, next_id
from airflow_provider_ssis.emulator.ssisdb.tables import NOT_VALIDATED

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
    folder_id = call.folder(call["folder_name"])
    if not call.may(PermissionType.CREATE_OBJECTS, SecuredObjectType.FOLDER, folder_id):
        raise call.fail(27209, call["folder_name"])
    sql = "SELECT 1 FROM internal.environments WHERE folder_id = ? AND lower(environment_name) = lower(?)"
    if call.first(sql, folder_id, name):
        raise call.fail(27157, name)
    async with call.transaction() as store:
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
    environment_id = call.environment(call["folder_name"], call["environment_name"], _MODIFY)
    async with call.transaction() as store:
        store.execute("DELETE FROM internal.environment_variables WHERE environment_id = ?", [environment_id])
        store.execute("DELETE FROM internal.environments WHERE environment_id = ?", [environment_id])
        store.execute(
            "DELETE FROM internal.object_permissions WHERE object_type = 3 AND object_id = ?", [environment_id]
        )


@catalog_procedure(
    "create_environment_variable",
    "@folder_name sysname, @environment_name nvarchar(128), @variable_name nvarchar(128), @data_type nvarchar(128),"
    " @sensitive bit, @value sql_variant, @description nvarchar(1024) = NULL",
    required="folder_name environment_name variable_name data_type sensitive value",
)
async def create_environment_variable(call: CatalogCall) -> None:
    """27180 bad name, 27159 unknown type, 27182 no such environment, 27173 name taken, 27147 value of another type."""
    name, data_type, value = call["variable_name"], call["data_type"], call["value"]
    if not is_valid_name(name):
        raise call.refuse(27180, name)
    if not ssis_types.is_known(data_type):
        raise call.refuse(27159)
    environment_id = call.environment(call["folder_name"], call["environment_name"], _MODIFY)
    sql = "SELECT 1 FROM internal.environment_variables WHERE environment_id = ? AND lower(name) = lower(?)"
    if call.first(sql, environment_id, name):
        raise call.fail(27173, name)
    if not ssis_types.accepts(data_type, value):
        raise call.fail(27147, data_type)
    async with call.transaction() as store:
        insert(
            store,
            "environment_variables",
            {
                "variable_id": next_id(store, "variable_id"),
                "environment_id": environment_id,
                "name": name,
                "description": call["description"],
                "type": data_type,
                "sensitive": call["sensitive"],
                "base_data_type": ssis_types.base_type(data_type),
                "value": stored(ssis_types.kept(data_type, value, sensitive=call["sensitive"])),
            },
        )


@catalog_procedure(
    "delete_environment_variable",
    "@folder_name nvarchar(128), @environment_name nvarchar(128), @variable_name nvarchar(128)",
    required="folder_name environment_name variable_name",
)
async def delete_environment_variable(call: CatalogCall) -> None:
    """27182 no such environment, 27183 no such variable."""
    variable_id, _, _ = _variable(call)
    async with call.transaction() as store:
        store.execute("DELETE FROM internal.environment_variables WHERE variable_id = ?", [variable_id])


@catalog_procedure(
    "set_environment_variable_value",
    "@folder_name nvarchar(128), @environment_name nvarchar(128), @variable_name nvarchar(128), @value sql_variant",
    required="folder_name environment_name variable_name value",
)
async def set_environment_variable_value(call: CatalogCall) -> None:
    """27182 no such environment, 27183 no such variable, 27147 value of another type."""
    variable_id, data_type, sensitive = _variable(call)
    if not ssis_types.accepts(data_type, call["value"]):
        raise call.fail(27147, data_type)
    async with call.transaction() as store:
        store.execute(
            "UPDATE internal.environment_variables SET value = ? WHERE variable_id = ?",
            [stored(ssis_types.kept(data_type, call["value"], sensitive=sensitive)), variable_id],
        )


def _variable(call: CatalogCall) -> tuple[int, str, bool]:
    """The id of the variable that a call names, its data type, and whether it is sensitive."""
    environment_id = call.environment(call["folder_name"], call["environment_name"], _MODIFY)
    row = call.first(
        "SELECT variable_id, type, sensitive FROM internal.environment_variables"
        " WHERE environment_id = ? AND lower(name) = lower(?)",
        environment_id,
        call["variable_name"],
    )
    if row is None:
        raise call.fail(27183, call["variable_name"])
    return int(row[0]), str(row[1]), bool(row[2])


@catalog_procedure(
    "create_environment_reference",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @environment_name nvarchar(128), @reference_type char(1),"
    " @environment_folder_name nvarchar(128) = NULL, @reference_id bigint OUTPUT",
    required="folder_name project_name environment_name reference_type",
)
async def create_environment_reference(call: CatalogCall) -> None:
    """27138, 27101 arguments that do not fit together, 27109 no such project, 27182 no such environment, 27204."""
    kind, folder = call["reference_type"].upper(), call["environment_folder_name"]
    if kind not in ("R", "A"):
        raise call.refuse(27101, "reference_type")
    if kind == "A" and folder is None:
        raise call.refuse(27138)
    if kind == "R" and folder is not None:
        raise call.refuse(27101, "environment_folder_name")
    project_id, _ = call.project(call["folder_name"], call["project_name"], _MODIFY)
    call.environment(folder or call["folder_name"], call["environment_name"])
    if call.first(
        "SELECT 1 FROM internal.environment_references WHERE project_id = ? AND reference_type = ?"
        " AND lower(environment_name) = lower(?) AND lower(ifnull(environment_folder_name, '')) = lower(ifnull(?, ''))",
        project_id,
        kind,
        call["environment_name"],
        folder,
    ):
        raise call.fail(27204)
    async with call.transaction() as store:
        reference_id = next_id(store, "reference_id")
        insert(
            store,
            "environment_references",
            {
                "reference_id": reference_id,
                "project_id": project_id,
                "reference_type": kind,
                "environment_folder_name": folder,
                "environment_name": call["environment_name"],
                "validation_status": NOT_VALIDATED,
            },
        )
    call.set_output("reference_id", reference_id)


@catalog_procedure("delete_environment_reference", "@reference_id bigint", required="reference_id")
async def delete_environment_reference(call: CatalogCall) -> None:
    """27114 no such reference, 27194 no right to change the project."""
    row = call.first(
        "SELECT project_id FROM catalog.environment_references WHERE reference_id = ?", call["reference_id"]
    )
    if row is None:
        raise call.fail(27114, call["reference_id"])
    if not call.may(_MODIFY, SecuredObjectType.PROJECT, row[0]):
        raise call.fail(27194)
    async with call.transaction() as store:
        store.execute("DELETE FROM internal.environment_references WHERE reference_id = ?", [call["reference_id"]])
