"""Names that a command needs to exist, and the nearest existing names where one does not."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from airflow_provider_ssis.cli.failures import CommandFailed

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Environment, Execution, Folder, Operation, Project


def require_folder(catalog: Catalog, name: str) -> Folder:
    """The folder of this name.

    :raises CommandFailed: the login sees none; the message has the nearest names.
    """
    folder = catalog.folder(name)
    if folder is None:
        raise _missing("folder", name, (each.name for each in catalog.folders()))
    return folder


def require_project(catalog: Catalog, folder: str, name: str) -> Project:
    """The project of this name.

    :raises CommandFailed: the login sees no such folder or project; the message has the nearest names.
    """
    project = catalog.project(folder, name)
    if project is None:
        require_folder(catalog, folder)
        raise _missing("project", f"{folder}/{name}", (f"{folder}/{each.name}" for each in catalog.projects(folder)))
    return project


def require_environment(catalog: Catalog, folder: str, name: str) -> Environment:
    """The environment of this name.

    :raises CommandFailed: the login sees no such folder or environment; the message has the nearest names.
    """
    environment = catalog.environment(folder, name)
    if environment is None:
        require_folder(catalog, folder)
        known = (f"{folder}/{each.name}" for each in catalog.environments(folder))
        raise _missing("environment", f"{folder}/{name}", known)
    return environment


def require_execution(catalog: Catalog, execution_id: int) -> Execution:
    """The execution with this id.

    :raises CommandFailed: the login sees none.
    """
    execution = catalog.execution(execution_id)
    if execution is None:
        raise CommandFailed(
            f"the login sees no execution {execution_id}. It does not exist, or belongs to another login: then the "
            "login needs READ on it or the role ssis_logreader. 'airflow-ssis list executions' lists the visible ones."
        )
    return execution


def require_operation(catalog: Catalog, operation_id: int) -> Operation:
    """The operation with this id.

    :raises CommandFailed: the login sees none.
    """
    operation = catalog.operation(operation_id)
    if operation is None:
        raise CommandFailed(
            f"the login sees no operation {operation_id}. It does not exist, or belongs to another login: then the "
            "login needs READ on it or the role ssis_logreader."
        )
    return operation


def _missing(kind: str, name: str, known: Iterable[str]) -> CommandFailed:
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5) or names[:5]
    there_are = f"Nearest names: {', '.join(near)}" if near else f"The login sees no {kind} there at all"
    return CommandFailed(f"the login sees no {kind} {name}. {there_are}.")
