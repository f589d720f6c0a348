"""Writes a deployed project: its row, its version, its packages, its parameters."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_ssis.catalog.codes import ObjectType, SecuredObjectType
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, stored
from airflow_provider_ssis.emulator.ssisdb.rows import insert, insert_rows, next_id, next_ids
from airflow_provider_ssis.emulator.ssisdb.tables import NOT_VALIDATED
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.project.models import Package, Parameter, Project, ProtectionLevel

_COMPLETE = "C"
"""The status of a version that was deployed completely."""
_KEY = "object_type, lower(object_name), parameter_name, parameter_data_type, required, sensitive"
_NOT_SET = (None, "V", False, None)
_DEPLOYABLE = (ProtectionLevel.DONT_SAVE_SENSITIVE, ProtectionLevel.SERVER_STORAGE)


def problems(project: Project, name: str) -> list[str]:
    """Why a project cannot be deployed with a name; empty if it can."""
    found = []
    if project.name.lower() != name.lower():
        found.append(
            f"The name of the project in its manifest is '{project.name}', but the deployment names it '{name}'. "
            f"Deploy it as '{project.name}'."
        )
    if not project.packages:
        found.append("The project has no packages.")
    if project.protection_level not in _DEPLOYABLE:
        found.append(
            f"The project has the protection level {project.protection_level.label}. Build it with "
            "DontSaveSensitive, and give sensitive values as parameters or environment variables."
        )
    return found


@dataclass(frozen=True, slots=True)
class Deployed:
    """A project that was deployed.

    :param version: its ``object_version_lsn``.
    """

    project_id: int
    version: int


def write(call: CatalogCall, store: Store, folder_id: int, project: Project) -> Deployed:
    """Write a new version of a project, which becomes the current one."""
    now = call.now
    version = next_id(store, "object_version_lsn")
    row = store.fetch(
        "SELECT project_id, object_version_lsn FROM internal.projects"
        " WHERE folder_id = ? AND lower(name) = lower(rtrim(?, ' '))",
        [folder_id, project.name],
    )
    if row:
        project_id, previous = int(row[0][0]), int(row[0][1])
        store.execute(
            "UPDATE internal.projects SET description = ?, project_format_version = ?, deployed_by_sid = ?,"
            " deployed_by_name = ?, last_deployed_time = ?, object_version_lsn = ?, validation_status = 'N',"
            " last_validation_time = NULL WHERE project_id = ?",
            [
                project.description or None,
                project.format_version,
                call.principal.sid,
                call.principal.name,
                now,
                version,
                project_id,
            ],
        )
    else:
        project_id, previous = next_id(store, "project_id"), 0
        insert(
            store,
            "projects",
            {
                "project_id": project_id,
                "folder_id": folder_id,
                "name": project.name,
                "description": project.description or None,
                "project_format_version": project.format_version,
                "deployed_by_sid": call.principal.sid,
                "deployed_by_name": call.principal.name,
                "last_deployed_time": now,
                "created_time": now,
                "object_version_lsn": version,
                "validation_status": NOT_VALIDATED,
            },
        )
        call.grant_creator(store, SecuredObjectType.PROJECT, project_id)
    insert(
        store,
        "object_versions",
        {
            "object_version_lsn": version,
            "object_id": project_id,
            "object_type": int(ObjectType.PROJECT),
            "object_name": project.name,
            "description": project.description or None,
            "created_by": call.principal.name,
            "created_time": now,
            "object_status": _COMPLETE,
        },
    )
    first = next_ids(store, "package_id", len(project.packages))
    numbered = enumerate(project.packages, first)
    insert_rows(store, "packages", [_package_row(number, project_id, version, package) for number, package in numbered])
    _write_parameters(store, project, project_id, version, previous)
    return Deployed(project_id, version)


def _package_row(package_id: int, project_id: int, version: int, package: Package) -> dict[str, Any]:
    return {
        "package_id": package_id,
        "project_id": project_id,
        "project_version_lsn": version,
        "name": package.name,
        "package_guid": _guid(package.id),
        "description": package.description or None,
        "package_format_version": package.format_version,
        "version_major": package.version_major,
        "version_minor": package.version_minor,
        "version_build": package.version_build,
        "version_comments": package.version_comments or None,
        "version_guid": _guid(package.version_guid),
        "entry_point": package.entry_point,
        "validation_status": NOT_VALIDATED,
    }


def _guid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


def _write_parameters(store: Store, project: Project, project_id: int, version: int, previous: int) -> None:
    """Write the parameters. A value that was set on the server is kept while type and flags do not change."""
    values = _set_values(store, project_id, previous)
    parameters = list(_parameters(project))
    if not parameters:
        return
    first = next_ids(store, "parameter_id", len(parameters))
    rows = []
    for number, (object_type, object_name, parameter) in enumerate(parameters, first):
        key = (
            int(object_type),
            object_name.lower(),
            parameter.name,
            parameter.data_type,
            parameter.required,
            parameter.sensitive,
        )
        default, value_type, value_set, variable = values.get(key, _NOT_SET)
        rows.append(
            {
                "parameter_id": number,
                "project_id": project_id,
                "project_version_lsn": version,
                "object_type": int(object_type),
                "object_name": object_name,
                "parameter_name": parameter.name,
                "parameter_data_type": parameter.data_type,
                "required": parameter.required,
                "sensitive": parameter.sensitive,
                "description": parameter.description or None,
                "design_default_value": stored(_design_default(parameter)),
                "default_value": default,
                "base_data_type": ssis_types.base_type(parameter.data_type),
                "value_type": value_type,
                "value_set": value_set,
                "referenced_variable_name": variable,
                "validation_status": NOT_VALIDATED,
            }
        )
    insert_rows(store, "object_parameters", rows)


def restore(call: CatalogCall, store: Store, project_id: int, current: int, version: int) -> None:
    """Make an older version of a project the current one.

    Values that are set on the server now are set in that version too, where type and flags are the same.
    """
    values = _set_values(store, project_id, current)
    for parameter_id, *key in store.fetch(
        f"SELECT parameter_id, {_KEY} FROM internal.object_parameters WHERE project_id = ? AND project_version_lsn = ?",
        [project_id, version],
    ):
        store.execute(
            "UPDATE internal.object_parameters SET default_value = ?, value_type = ?, value_set = ?,"
            " referenced_variable_name = ? WHERE parameter_id = ?",
            [*values.get(tuple(key), _NOT_SET), parameter_id],
        )
    store.execute(
        "UPDATE internal.projects SET object_version_lsn = ?, description = (SELECT description FROM"
        " internal.object_versions WHERE object_version_lsn = ?), validation_status = ?, last_validation_time = NULL"
        " WHERE project_id = ?",
        [version, version, NOT_VALIDATED, project_id],
    )
    store.execute(
        "UPDATE internal.object_versions SET restored_by = ?, last_restored_time = ? WHERE object_version_lsn = ?",
        [call.principal.name, call.now, version],
    )


def _set_values(store: Store, project_id: int, version: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The values of a version's parameters as they are on the server, by what must be the same to keep them."""
    return {
        tuple(row[:6]): tuple(row[6:])
        for row in store.fetch(
            f"SELECT {_KEY}, default_value, value_type, value_set, referenced_variable_name"
            " FROM internal.object_parameters WHERE project_id = ? AND project_version_lsn = ?",
            [project_id, version],
        )
    }


def _design_default(parameter: Parameter) -> Any:
    return ssis_types.from_design(parameter.data_type, parameter.value)


def _parameters(project: Project) -> Iterator[tuple[ObjectType, str, Parameter]]:
    for parameter in project.parameters:
        yield ObjectType.PROJECT, project.name, parameter
    for package in project.packages:
        for parameter in package.parameters:
            yield ObjectType.PACKAGE, package.name, parameter
