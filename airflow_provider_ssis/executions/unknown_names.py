"""A hint for names of folders, projects and packages that the login does not see, where this is not an error."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_ssis.catalog.errors import CatalogError
from airflow_provider_ssis.catalog.nearest_names import contains_name, existing_names

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog

log = logging.getLogger(__name__)


def unknown_name(catalog: Catalog, folder: str, project: str | None = None, package: str | None = None) -> str | None:
    """The first of the names that the login does not see, with the nearest existing names; None if it sees all
    or they could not be read.

    A member of ssis_logreader sees executions and no folders: for such a login nothing is known.

    :param catalog: the catalog.
    :param folder: the folder.
    :param project: the project; None to check the folder only.
    :param package: the package; None to check no package.
    """
    try:
        return _unknown_name(catalog, folder, project, package)
    except CatalogError as error:
        # A hint is no reason to fail the task.
        log.debug("The names could not be checked: %s", error)
        return None


def _unknown_name(catalog: Catalog, folder: str, project: str | None, package: str | None) -> str | None:
    folders = [each.name for each in catalog.folders()]
    if not folders:
        return None
    wanted: dict[str, tuple[str, Callable[[], list[str]]]] = {"folder": (folder, lambda: folders)}
    if project is not None:
        wanted["project"] = (project, lambda: [each.name for each in catalog.projects(folder)])
        if package is not None:
            wanted["package"] = (package, lambda: [each.name for each in catalog.packages(folder, project)])
    for kind, (name, read) in wanted.items():
        known = read()
        if not contains_name(known, name):
            return f"The login sees no {kind} {name!r}. {existing_names(kind, name, known)}"
    return None
