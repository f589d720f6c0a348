"""Validations: check a deployed project or package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airflow_provider_ssis.catalog.codes import (
    ObjectType,
    OperationStatus,
    OperationType,
    PermissionType,
)
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.rows import insert
from airflow_provider_ssis.emulator.ssisdb.validation_checks import ParameterRow, VariableRow
from airflow_provider_ssis.emulator.ssisdb.validations import EnvironmentToCheck, ValidationRequest
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_FULL: Final = "F"
_ALL: Final = "A"
_ONE: Final = "S"
_NONE: Final = "D"


def _check_scope(call: CatalogCall) -> None:
    scope = call["environment_scope"].upper()
    if scope not in (_ALL, _ONE, _NONE):
        raise call.refuse(27101, "environment_scope")
    if scope == _ONE and call["reference_id"] is None:
        raise call.refuse(27101, "reference_id")


def _check_project_arguments(call: CatalogCall) -> None:
    if call["validate_type"].upper() != _FULL:
        raise call.refuse(27101, "validate_type")
    _check_scope(call)


@catalog_procedure(
    "validate_project",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @validate_type char(1) = 'F',"
    " @validation_id bigint OUTPUT, @use32bitruntime bit = 0, @environment_scope char(1) = 'D',"
    " @reference_id bigint = NULL",
    required="folder_name project_name validate_type environment_scope",
    arguments_first=_check_project_arguments,
    is_operation=True,
)
async def validate_project(call: CatalogCall) -> None:
    """27101 type or scope; 27109 no such project, 27208 and 27182 its environment. Returns while the checks run."""
    await _validate(call, None)


@catalog_procedure(
    "validate_package",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @package_name nvarchar(260),"
    " @validation_id bigint OUTPUT, @use32bitruntime bit = 0, @environment_scope char(1) = 'D',"
    " @reference_id bigint = NULL",
    required="folder_name project_name package_name use32bitruntime environment_scope",
    arguments_first=_check_scope,
    is_operation=True,
)
async def validate_package(call: CatalogCall) -> None:
    """27101 scope; 27109 no such project, 27146 package, 27208 and 27182 its environment. Returns at once."""
    await _validate(call, call["package_name"])


async def _validate(call: CatalogCall, package: str | None) -> None:
    scope = call["environment_scope"].upper()
    folder, project = call["folder_name"], call["project_name"]
    kind = OperationType.VALIDATE_PROJECT if package is None else OperationType.VALIDATE_PACKAGE
    async with call.transaction() as store:
        validation_id = call.begin_operation(
            store,
            kind,
            OperationStatus.RUNNING,
            object_type=ObjectType.PROJECT if package is None else ObjectType.PACKAGE,
            object_name=project if package is None else package,
            started=True,
        )
        call.set_output("validation_id", validation_id)
        with call.fails_with(store, validation_id):
            project_id, version = call.project(folder, project, PermissionType.MODIFY)
            packages = call.read(
                "SELECT package_id, name FROM internal.packages WHERE project_id = ? AND project_version_lsn = ?"
                " AND (? IS NULL OR lower(name) = lower(rtrim(?, ' '))) ORDER BY package_id",
                project_id,
                version,
                package,
                package,
            )
            if package is not None and not packages:
                raise call.fail(27146)
            environments = _environments(call, scope, project_id, folder)
        request = ValidationRequest(
            validation_id,
            project_id,
            version,
            tuple(name for _, name in packages),
            _parameters(call, project_id, version),
            environments,
            of_project=package is None,
        )
        insert(
            store,
            "validations",
            {
                "validation_id": validation_id,
                "environment_scope": scope,
                "validate_type": _FULL,
                "folder_name": folder,
                "project_name": project,
                "project_lsn": version,
                "use32bitruntime": call["use32bitruntime"],
                "reference_id": call["reference_id"],
            },
        )
        store.execute(
            "UPDATE internal.operations SET object_id = ?, process_id = ? WHERE operation_id = ?",
            [project_id if package is None else packages[0][0], call.ssisdb.runtime.next_process_id(), validation_id],
        )
        store.after_commit(lambda: call.ssisdb.validations.start(request))


def _environments(call: CatalogCall, scope: str, project_id: int, folder: str) -> tuple[EnvironmentToCheck, ...]:
    """The environments of a scope with their variables.

    :raises SqlError: of one reference: 27208 it is not of this project, 27182 its environment does not exist.
    """
    if scope == _NONE:
        return ()
    wanted = call["reference_id"] if scope == _ONE else None
    rows = call.read(
        "SELECT reference_id, environment_folder_name, environment_name FROM internal.environment_references"
        " WHERE project_id = ? AND (? IS NULL OR reference_id = ?) ORDER BY reference_id",
        project_id,
        wanted,
        wanted,
    )
    if wanted is not None and not rows:
        raise call.fail(27208, wanted)
    found = []
    for reference_id, environment_folder, name in rows:
        try:
            environment_id = call.referenced_environment(environment_folder or folder, name)
        except SqlError:
            if wanted is not None:
                raise
            found.append(EnvironmentToCheck(reference_id, name, None))
        else:
            found.append(EnvironmentToCheck(reference_id, name, _variables(call, environment_id)))
    return tuple(found)


def _variables(call: CatalogCall, environment_id: int) -> Mapping[str, VariableRow]:
    return {
        name.lower(): VariableRow(data_type, sensitive)
        for name, data_type, sensitive in call.read(
            "SELECT name, type, sensitive FROM internal.environment_variables WHERE environment_id = ?", environment_id
        )
    }


def _parameters(call: CatalogCall, project_id: int, version: int) -> Mapping[str, list[ParameterRow]]:
    """The parameters of a project (key: empty) and its packages, by the lower-case name of the package."""
    found: dict[str, list[ParameterRow]] = {}
    rows = call.read(
        "SELECT object_type, object_name, value_type, referenced_variable_name, parameter_id, parameter_name,"
        " parameter_data_type, sensitive, required, value_set FROM internal.object_parameters"
        " WHERE project_id = ? AND project_version_lsn = ? ORDER BY parameter_id",
        project_id,
        version,
    )
    for object_type, object_name, value_type, variable, number, name, data_type, sensitive, required, value_set in rows:
        key = "" if object_type == ObjectType.PROJECT else object_name.lower()
        bound_to = variable if value_type == "R" else None
        row = ParameterRow(number, name, data_type, sensitive, required, value_set, bound_to)
        found.setdefault(key, []).append(row)
    return found
