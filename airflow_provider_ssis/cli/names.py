"""Objects that a command needs to exist, and the nearest existing names where one does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.errors import (
    EnvironmentNotFound,
    ExecutionNotFound,
    FolderNotFound,
    OperationNotFound,
    PackageNotFound,
    ProjectNotFound,
)
from airflow_provider_ssis.catalog.nearest_names import existing_names

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Environment, Execution, Folder, Operation, Project


_UNSEEN = (
    "It does not exist, or belongs to another login: then this login needs READ on it, or the role ssis_logreader."
)


def require_folder(catalog: Catalog, name: str, *, more: str = "") -> Folder:
    """The folder of this name.

    :param more: a further sentence of the message. Default: none.
    :raises FolderNotFound: the login sees none; the message has the nearest names.
    """
    folder = catalog.folder(name)
    if folder is None:
        known = [each.name for each in catalog.folders()]
        advice = f"{existing_names('folder', name, known)} {more}".rstrip()
        raise FolderNotFound(f"The login sees no folder {name!r}", advice=advice)
    return folder


def require_project(catalog: Catalog, folder: str, name: str) -> Project:
    """The project of this name.

    :raises NotFound: the login sees no such folder or project; the message has the nearest names.
    """
    project = catalog.project(folder, name)
    if project is None:
        require_folder(catalog, folder)
        known = [each.name for each in catalog.projects(folder)]
        raise ProjectNotFound(
            f"The login sees no project {name!r} in the folder {folder!r}",
            advice=existing_names("project", name, known),
        )
    return project


def require_package(catalog: Catalog, folder: str, project: str, name: str) -> None:
    """Check that a project, which exists, has a package of this name.

    :raises PackageNotFound: the login sees no such package; the message has the nearest names.
    """
    if catalog.package(folder, project, name) is None:
        known = [each.name for each in catalog.packages(folder, project)]
        raise PackageNotFound(
            f"The login sees no package {name!r} in the project {folder}/{project}",
            advice=existing_names("package", name, known),
        )


def require_environment(catalog: Catalog, folder: str, name: str) -> Environment:
    """The environment of this name.

    :raises NotFound: the login sees no such folder or environment; the message has the nearest names.
    """
    environment = catalog.environment(folder, name)
    if environment is None:
        require_folder(catalog, folder)
        known = [each.name for each in catalog.environments(folder)]
        raise EnvironmentNotFound(
            f"The login sees no environment {name!r} in the folder {folder!r}",
            advice=existing_names("environment", name, known),
        )
    return environment


def require_execution(catalog: Catalog, execution_id: int) -> Execution:
    """The execution with this id.

    :raises ExecutionNotFound: the login sees none.
    """
    execution = catalog.execution(execution_id)
    if execution is None:
        operation = catalog.operation(execution_id)
        if operation is not None:
            kind = operation.operation_type.name.lower()
            raise ExecutionNotFound(
                f"Operation {execution_id} is not an execution: its type is {kind}",
                advice=f"'airflow-ssis messages {execution_id}' prints its messages.",
            )
        raise ExecutionNotFound(
            f"The login sees no execution {execution_id}",
            advice=f"{_UNSEEN} 'airflow-ssis list executions' lists those that it sees.",
        )
    return execution


def require_operation(catalog: Catalog, operation_id: int) -> Operation:
    """The operation with this id.

    :raises OperationNotFound: the login sees none.
    """
    operation = catalog.operation(operation_id)
    if operation is None:
        raise OperationNotFound(f"The login sees no operation {operation_id}", advice=_UNSEEN)
    return operation
