"""What a deployment writes: the project's row, its version, its packages, its parameters."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_ssis.catalog.codes import ObjectType, SecuredObjectType
from airflow_provider_ssis.emulator.ssisdb import ssis_types
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall, stored
from airflow_provider_ssis.emulator.tsql.execution.store import Store
from airflow_provider_ssis.project.models import Package, Parameter, Project, ProtectionLevel

_DEPLOYABLE = (ProtectionLevel.DONT_SAVE_SENSITIVE, ProtectionLevel.SERVER_STORAGE)


def problems(project: Project, name: str) -> list[str]:
    """Why a project cannot be deployed under a name; empty where it can."""
    found = []
    if project.name.lower() != name.lower():
        found.append(
            f"The project is called '{project.name}' in its manifest, but was to be deployed as '{name}'. "
            "Deploy it under its own name."
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
    version = call.next_id(store, "object_version_lsn")
    row = store.fetch(
        "SELECT project_id, object_version_lsn FROM internal.projects WHERE folder_id = ? AND lower(name) = lower(?)",
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
        project_id, previous = call.next_id(store, "project_id"), 0
        store.execute(
            "INSERT INTO internal.projects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'N', NULL)",
            [
                project_id,
                folder_id,
                project.name,
                project.description or None,
                project.format_version,
                call.principal.sid,
                call.principal.name,
                now,
                now,
                version,
            ],
        )
        call.grant_creator(store, SecuredObjectType.PROJECT, project_id)
    store.execute(
        "INSERT INTO internal.object_versions VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
        [
            version,
            project_id,
            int(ObjectType.PROJECT),
            project.name,
            project.description or None,
            call.principal.name,
            now,
        ],
    )
    for package in project.packages:
        _write_package(call, store, project_id, version, package)
    _write_parameters(call, store, project, project_id, version, previous)
    return Deployed(project_id, version)


def _write_package(call: CatalogCall, store: Store, project_id: int, version: int, package: Package) -> None:
    store.execute(
        "INSERT INTO internal.packages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'N', NULL)",
        [
            call.next_id(store, "package_id"),
            project_id,
            version,
            package.name,
            _guid(package.id),
            package.description or None,
            package.format_version,
            package.version_major,
            package.version_minor,
            package.version_build,
            package.version_comments or None,
            _guid(package.version_guid),
            package.entry_point,
        ],
    )


def _guid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


def _write_parameters(
    call: CatalogCall, store: Store, project: Project, project_id: int, version: int, previous: int
) -> None:
    """A parameter keeps the value that was set on the server while its type and its marks stay what they were."""
    values = {
        tuple(row[:6]): row[6:]
        for row in store.fetch(
            "SELECT object_type, lower(object_name), parameter_name, data_type, required, sensitive, default_value,"
            " value_type, value_set, referenced_variable_name FROM internal.object_parameters"
            " WHERE project_id = ? AND project_version_lsn = ?",
            [project_id, previous],
        )
    }
    for object_type, object_name, parameter in _parameters(project):
        key = (
            int(object_type),
            object_name.lower(),
            parameter.name,
            parameter.data_type,
            parameter.required,
            parameter.sensitive,
        )
        default, value_type, value_set, variable = values.get(key, (None, "V", False, None))
        store.execute(
            "INSERT INTO internal.object_parameters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'N', NULL)",
            [
                call.next_id(store, "parameter_id"),
                project_id,
                version,
                int(object_type),
                object_name,
                parameter.name,
                parameter.data_type,
                parameter.required,
                parameter.sensitive,
                parameter.description or None,
                stored(_design_default(parameter)),
                default,
                value_type,
                value_set,
                variable,
            ],
        )


def _design_default(parameter: Parameter) -> Any:
    return ssis_types.from_design(parameter.data_type, parameter.value)


def _parameters(project: Project) -> Iterator[tuple[ObjectType, str, Parameter]]:
    for parameter in project.parameters:
        yield ObjectType.PROJECT, project.name, parameter
    for package in project.packages:
        for parameter in package.parameters:
            yield ObjectType.PACKAGE, package.name, parameter
