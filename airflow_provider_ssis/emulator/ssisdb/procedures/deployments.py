"""Deployments: of whole projects, and of single packages into a project."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_ssis.catalog.codes import (
    MessageSourceType,
    MessageType,
    ObjectType,
    OperationStatus,
    OperationType,
    PermissionType,
    SecuredObjectType,
)
from airflow_provider_ssis.emulator.datatypes import TableValue
from airflow_provider_ssis.emulator.ssisdb import deployment
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.names import is_valid_name
from airflow_provider_ssis.emulator.ssisdb.project_files import read_deployed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.project.errors import InvalidPartError, ProjectError
from airflow_provider_ssis.project.models import Project
from airflow_provider_ssis.project.replaced_packages import replace_packages

_SOURCE = MessageSourceType.EXTERNAL_PROCESS


@dataclass(frozen=True, slots=True)
class _Kind:
    """The two kinds of deployments.

    :param busy: the number of the error while another deployment of the project runs.
    :param failed: the number of the error when the deployment has failed.
    """

    operation: OperationType
    busy: int
    failed: int


_PROJECT = _Kind(OperationType.DEPLOY_PROJECT, busy=27118, failed=27203)
_PACKAGES = _Kind(OperationType.DEPLOY_PACKAGES, busy=27230, failed=27231)


def _check_name(call: CatalogCall) -> None:
    if not is_valid_name(call["project_name"]):
        raise call.refuse(27145, call["project_name"])


@catalog_procedure(
    "deploy_project",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @project_stream varbinary(max),"
    " @operation_id bigint = NULL OUTPUT",
    required="folder_name project_name project_stream",
    arguments_first=_check_name,
    is_operation=True,
)
async def deploy_project(call: CatalogCall) -> None:
    """27145 bad name, 27123, 27104 no such folder, 27206 may not deploy there, 27109 may not change it, 27118, 27203.

    The operation's row stays when one of those after 27104 is raised, with status 4. The problems of the project are
    written to catalog.operation_messages.
    """
    folder_id = call.folder(call["folder_name"])

    async def stream() -> bytes:
        return bytes(call["project_stream"])

    await _deploy(call, _PROJECT, folder_id, stream)


@catalog_procedure(
    "deploy_packages",
    "@folder_name nvarchar(128), @project_name nvarchar(128), @packages_table Package_Table_Type READONLY,"
    " @operation_id bigint = NULL OUTPUT",
    required="folder_name project_name packages_table",
    arguments_first=_check_name,
    is_operation=True,
)
async def deploy_packages(call: CatalogCall) -> None:
    """27145 bad name, 27123, 27104 no such folder, 27187 no such project, 27109 may not change it, 27230, 27231.

    Packages are added or replaced, as a new version of the project. The operation's row stays when one of the errors
    after 27187 is raised, with status 4. The problems are written to catalog.operation_messages.
    """
    folder_id = call.folder(call["folder_name"])
    name: str = call["project_name"]
    call.project(call["folder_name"], name, number=27187)

    async def stream() -> bytes:
        packages = _packages(call["packages_table"])
        # The version now, because another deployment may have ended since.
        _, version = call.project(call["folder_name"], name, number=27187)
        current = await asyncio.to_thread(call.ssisdb.files.read, version)
        return await asyncio.to_thread(replace_packages, current, packages)

    await _deploy(call, _PACKAGES, folder_id, stream)


def _packages(table: TableValue) -> dict[str, bytes]:
    """The packages of the table-valued parameter.

    :raises ProjectError: there are none, one has no content, or a name occurs twice.
    """
    if not table.rows:
        raise InvalidPartError("names no packages to deploy", part="@packages_table")
    found: dict[str, bytes] = {}
    for name, data in table.rows:
        if data is None:
            raise InvalidPartError("has no content: package_data is NULL", part=name)
        if name.casefold() in (known.casefold() for known in found):
            raise InvalidPartError("is in the table twice", part=name)
        found[name] = bytes(data)
    return found


async def _deploy(call: CatalogCall, kind: _Kind, folder_id: int, stream: Callable[[], Awaitable[bytes]]) -> None:
    """Log the operation, and write a new version of the project.

    :param stream: returns the project file, or raises what is wrong with it.
    """
    async with call.transaction() as store:
        operation_id = call.begin_operation(
            store,
            kind.operation,
            OperationStatus.RUNNING,
            object_type=ObjectType.PROJECT,
            object_name=call["project_name"],
            started=True,
        )
    call.set_output("operation_id", operation_id)
    try:
        call.raise_injected()
        _check_rights(call, folder_id)
        with call.ssisdb.deploying(folder_id, call["project_name"]) as free:
            if not free:
                raise call.fail(kind.busy)
            await _write(call, kind, folder_id, operation_id, stream)
    except SqlError:
        async with call.transaction() as store:
            call.end_operation(store, operation_id, OperationStatus.FAILED)
        raise


def _check_rights(call: CatalogCall, folder_id: int) -> None:
    name = call["project_name"]
    sql = "SELECT project_id FROM internal.projects WHERE folder_id = ? AND lower(name) = lower(rtrim(?, ' '))"
    existing = call.first(sql, folder_id, name)
    if existing is None:
        if not call.may(PermissionType.CREATE_OBJECTS, SecuredObjectType.FOLDER, folder_id):
            raise call.fail(27206, call["folder_name"])
    elif not call.may(PermissionType.MODIFY, SecuredObjectType.PROJECT, existing[0]):
        raise call.fail(27109, name)


async def _write(
    call: CatalogCall, kind: _Kind, folder_id: int, operation_id: int, stream: Callable[[], Awaitable[bytes]]
) -> None:
    try:
        content = await stream()
        project = await asyncio.to_thread(read_deployed, content)
        found = deployment.problems(project, call["project_name"])
    except ProjectError as error:
        found = [str(error)]
    if found:
        async with call.transaction() as store:
            for problem in found:
                call.ssisdb.write_message(store, operation_id, MessageType.ERROR, _SOURCE, problem)
        raise call.fail(kind.failed, operation_id)
    staged = await call.ssisdb.files.stage(content)
    try:
        await _write_version(call, folder_id, operation_id, project, staged)
    finally:
        # Also after an error or a cancellation. The file of a version has another name by now.
        staged.unlink(missing_ok=True)


async def _write_version(call: CatalogCall, folder_id: int, operation_id: int, project: Project, staged: Path) -> None:
    async with call.transaction() as store:
        # The folder may have been deleted, and rights taken away, since the deployment began.
        call.folder(call["folder_name"])
        _check_rights(call, folder_id)
        deployed = deployment.write(call, store, folder_id, project)
        call.ssisdb.files.keep(deployed.version, staged, project)
        call.ssisdb.forget_old_versions(store, deployed.project_id)
        store.execute(
            "UPDATE internal.operations SET object_id = ? WHERE operation_id = ?", [deployed.project_id, operation_id]
        )
        done = f"Project '{project.name}' with {len(project.packages)} package(s) was deployed."
        call.ssisdb.write_message(store, operation_id, MessageType.INFORMATION, _SOURCE, done)
        call.end_operation(store, operation_id, OperationStatus.SUCCEEDED)
