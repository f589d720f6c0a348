"""References of projects to environments, with which an execution can use the environment's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog


def split_project(folder: str, project: str) -> tuple[str, str]:
    """The folder and the name of a project that is written as ``Mart`` or ``Folder/Mart``.

    :param folder: the folder of a project without one.
    :param project: the project.
    """
    before, separator, name = project.partition("/")
    return (before, name) if separator else (folder, project)


def missing_reference(
    catalog: Catalog, folder: str, environment: str, project_folder: str, project: str
) -> Callable[[], object] | None:
    """The call that makes a project refer to an environment; None if it does already.

    :param catalog: the catalog.
    :param folder: the folder of the environment.
    :param environment: the environment.
    :param project_folder: the folder of the project.
    :param project: the project.
    """
    for reference in catalog.environment_references(project_folder, project):
        owner = reference.environment_folder_name or project_folder
        if (owner.casefold(), reference.environment_name.casefold()) == (folder.casefold(), environment.casefold()):
            return None
    absolute = None if project_folder.casefold() == folder.casefold() else folder
    return lambda: catalog.create_environment_reference(
        project_folder, project, environment, environment_folder=absolute, exist_ok=True
    )
