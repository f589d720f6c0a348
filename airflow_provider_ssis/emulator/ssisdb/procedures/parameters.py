"""Values of project and package parameters on the server."""

from __future__ import annotations

from airflow_provider_ssis.catalog.codes import ObjectType, PermissionType
from airflow_provider_ssis.emulator.datatypes import BIGINT, BIT, SMALLINT, SQL_VARIANT, Column, SqlType
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from airflow_provider_ssis.emulator.ssisdb.binding import (
    bind_parameters,
    check_package,
    find_reference,
    variable_has_another_type,
)
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, stored
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.error_texts import text


@catalog_procedure(
    "set_object_parameter_value",
    "@object_type smallint, @folder_name nvarchar(128), @project_name nvarchar(128), @parameter_name nvarchar(128),"
    " @parameter_value sql_variant, @object_name nvarchar(260) = NULL, @value_type char(1) = 'V'",
    required="folder_name project_name parameter_name parameter_value value_type",
)
async def set_object_parameter_value(call: CatalogCall) -> None:
    """27101 type of object or value, 27159 no SSIS type has such values, 27109 no such project.

    27106 no such parameter, also for an object type NULL; 27147 value of another type; 27148 with severity 10 where the
    parameter refers to a variable of another type.
    """
    value, value_type = call["parameter_value"], call["value_type"].upper()
    _check_object_type(call)
    if value_type not in ("V", "R"):
        raise call.refuse(27101, "value_type")
    if not ssis_types.is_mapped(value):
        raise call.refuse(27159)
    async with call.transaction() as store:
        parameter_id, data_type, sensitive = _parameter(call)
        if value_type == "R":
            if not ssis_types.accepts("String", value):
                raise call.fail(27147, "String")
            default, variable = None, value.value
            if variable_has_another_type(call, call["folder_name"], call["project_name"], variable, data_type):
                call.info(27148, text(27148))
        else:
            if not ssis_types.accepts(data_type, value):
                raise call.fail(27147, data_type)
            default, variable = ssis_types.kept(data_type, value, sensitive=sensitive), None
        store.execute(
            "UPDATE internal.object_parameters SET default_value = ?, value_type = ?, value_set = true,"
            " referenced_variable_name = ? WHERE parameter_id = ?",
            [stored(default), value_type, variable, parameter_id],
        )


@catalog_procedure(
    "clear_object_parameter_value",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @object_type smallint, @object_name nvarchar(260) = NULL,"
    " @parameter_name nvarchar(128)",
    required="folder_name project_name object_type parameter_name",
)
async def clear_object_parameter_value(call: CatalogCall) -> None:
    """27101 type of object, 27138 a package parameter without a package, 27109 no such project, 27106."""
    _check_object_type(call)
    if call["object_type"] == ObjectType.PACKAGE and call["object_name"] is None:
        raise call.refuse(27138)
    async with call.transaction() as store:
        parameter_id, _, _ = _parameter(call)
        store.execute(
            "UPDATE internal.object_parameters SET default_value = NULL, value_type = 'V', value_set = false,"
            " referenced_variable_name = NULL WHERE parameter_id = ?",
            [parameter_id],
        )


def _check_object_type(call: CatalogCall) -> None:
    if call["object_type"] not in (ObjectType.PROJECT, ObjectType.PACKAGE, None):
        raise call.refuse(27101, "object_type")


def _parameter(call: CatalogCall) -> tuple[int, str, bool]:
    """The id of the parameter that a call names, its data type, and whether it is sensitive.

    The parameter's name is compared with case.
    """
    project_id, version = call.project(call["folder_name"], call["project_name"], PermissionType.MODIFY)
    row = call.first(
        "SELECT parameter_id, parameter_data_type, sensitive FROM internal.object_parameters WHERE project_id = ? AND"
        " project_version_lsn = ?"
        " AND object_type = ? AND parameter_name = rtrim(?, ' ')"
        " AND (object_type = 20 OR lower(object_name) = lower(rtrim(?, ' ')))",
        project_id,
        version,
        call["object_type"],
        call["parameter_name"],
        call["object_name"],
    )
    if row is None:
        raise call.fail(27106, call["parameter_name"])
    return int(row[0]), str(row[1]), bool(row[2])


_NAME = SqlType("nvarchar", length=128)
_RESULT = (
    Column("parameter_id", BIGINT),
    Column("object_type", SMALLINT),
    Column("parameter_data_type", _NAME),
    Column("parameter_name", _NAME),
    Column("parameter_value", SQL_VARIANT),
    Column("sensitive", BIT),
    Column("required", BIT),
    Column("value_set", BIT),
)


@catalog_procedure(
    "get_parameter_values",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @package_name nvarchar(260), @reference_id bigint = NULL",
    windows_only=False,
    required="folder_name project_name package_name",
)
async def get_parameter_values(call: CatalogCall) -> None:
    """27146 no such package, 27208 no such reference, 27182 no such environment; 27148 (severity 10)."""
    folder, package = call["folder_name"], call["package_name"]
    project_id, version = call.project(folder, call["project_name"], number=27146)
    check_package(call, project_id, version, package)
    reference = find_reference(call, project_id, folder, call["reference_id"])
    values = bind_parameters(call, project_id, version, package, reference, for_run=False)
    call.result_set(
        _RESULT,
        [
            (
                value.parameter_id,
                int(value.object_type),
                value.data_type,
                value.name,
                None if value.sensitive else value.value,
                value.sensitive,
                value.required,
                value.value_set,
            )
            for value in values
        ],
    )
