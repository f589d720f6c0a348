"""Deploy a project to the catalog."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis.catalog.errors import CatalogError, DeploymentFailed, FolderNotFound
from airflow_provider_ssis.exceptions import InvalidTaskArgument, ProjectNameMismatch
from airflow_provider_ssis.executions.arguments import optional_text, required_text
from airflow_provider_ssis.operators.base import SsisTask
from airflow_provider_ssis.operators.dag_checks import check_name, is_known

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.project.project_file import ProjectFile


class SsisDeployProjectOperator(SsisTask, BaseOperator):
    """Deploy a project to the SSISDB catalog, as a new version if the catalog contains it already.

    A project with the same content as the deployed one is not deployed again, so that each version and each deployment
    time is a change.

    :param source: the project file (.ispac), the folder that contains a .dtproj, or the .dtproj itself, as a path on
        the worker. A relative path starts at the folder of the DAG file. (templated)
    :param folder: the catalog's folder. (templated)
    :param project: the name that the project must have. Default: None, any name. (templated)
    :param configuration: the configuration of the .dtproj whose parameter values and target server version are used.
        Default: None; parameters keep the values in the project's files. (templated)
    :param strip_sensitive: remove all sensitive values from the project before it is deployed, and log what was
        removed. A project whose values are encrypted with a user key or a password can be deployed this way. Default:
        False; only values encrypted with a user key are removed from a project that is built from a folder.
    :param create_folder: create the catalog's folder if it does not exist. Default: False, a missing folder is an
        error.
    :param force: deploy an unchanged project too. Default: False.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``folder``, ``project``, ``project_id``, ``version`` (the catalog's ``object_version_lsn``),
        ``operation_id`` (None if nothing was deployed) and ``deployed``.
    :raises ProjectNameMismatch: the name in the manifest is not ``project``; nothing was deployed.
    :raises ProjectError: the project cannot be read or built; nothing was deployed.
    :raises DeploymentFailed: the catalog rejected the project; the message contains the reason.
    :raises CatalogError: another error of the catalog; see :mod:`airflow_provider_ssis.catalog.errors`.
    """

    template_fields: Sequence[str] = ("source", "folder", "project", "configuration", "ssis_conn_id")
    ui_color = "#e4f1e1"

    def __init__(
        self,
        *,
        source: str | os.PathLike[str],
        folder: str,
        project: str | None = None,
        configuration: str | None = None,
        strip_sensitive: bool = False,
        create_folder: bool = False,
        force: bool = False,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_name("folder", folder)
        if isinstance(source, str) or is_known(source):
            check_name("source", os.fspath(source) if isinstance(source, os.PathLike) else source)
        self.source = source
        self.folder = folder
        self.project = project
        self.configuration = configuration
        self.strip_sensitive = strip_sensitive
        self.create_folder = create_folder
        self.force = force
        self.ssis_conn_id = ssis_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Read or build the project file, and deploy it unless it is unchanged.

        :param context: the task's context.
        :return: see the class.
        """
        # Imported when the task runs: reading project files needs an XML library.
        from airflow_provider_ssis.project.project_file import open_project

        source, folder = self._source_path(), required_text("folder", self.folder)
        configuration = optional_text("configuration", self.configuration)
        with open_project(source, configuration=configuration, strip_sensitive=self.strip_sensitive) as file:
            for warning in file.warnings:
                self.log.warning("%s", warning)
            if file.built:
                self.log.info("Built the project %s from %s: %d bytes.", file.project.name, source, file.size)
            self._check_name(source, file.project.name)
            with self.hook.open_catalog() as catalog:
                created_folder = self._create_folder(catalog, folder)
                try:
                    return self._deploy(catalog, folder, file)
                except CatalogError as error:
                    if created_folder:
                        error.advice += f" The folder {folder!r} was created before and still exists."
                    elif isinstance(error, FolderNotFound):
                        error.advice += " With create_folder=True the task creates the folder."
                    if isinstance(error, DeploymentFailed) and not self.strip_sensitive:
                        error.advice += _protection_advice(file)
                    raise

    def _source_path(self) -> Path:
        """Return the absolute path of the source."""
        given = os.fspath(self.source) if isinstance(self.source, os.PathLike) else self.source
        path = Path(required_text("source", given))
        if not path.is_absolute():
            if not self.has_dag():  # type: ignore[no-untyped-call]  # Airflow 2 has no types for it
                raise InvalidTaskArgument(
                    f"The source {given!r} is a relative path, and the task belongs to no DAG file."
                )
            path = Path(self.dag.folder) / path
        if not path.exists():
            raise InvalidTaskArgument(
                f"The source {path} does not exist on this worker. Give the path of an .ispac file or of a project "
                "folder that exists on every worker; a relative path starts at the folder of the DAG file."
            )
        return path

    def _check_name(self, source: Path, name: str) -> None:
        wanted = optional_text("project", self.project)
        if wanted is not None and wanted.casefold() != name.casefold():
            raise ProjectNameMismatch(
                f"The project in {source} is named {name!r}, not {wanted!r}; the catalog accepts a project only under "
                "the name in its manifest. Nothing was deployed. Leave the argument 'project' out, or rename the "
                "project in Visual Studio.",
                given=wanted,
                manifest=name,
            )

    def _create_folder(self, catalog: Catalog, folder: str) -> bool:
        """Create the folder if that is requested and it does not exist.

        :return: True if it was created.
        """
        if not self.create_folder or catalog.folder(folder) is not None:
            return False
        catalog.create_folder(folder, exist_ok=True)
        self.log.info("Created the folder %s.", folder)
        return True

    def _deploy(self, catalog: Catalog, folder: str, file: ProjectFile) -> dict[str, Any]:
        name = file.project.name
        deployed = None if self.force else catalog.project(folder, name)
        if deployed is not None and self._is_unchanged(catalog, folder, file):
            self.log.info("%s/%s is unchanged since %s; not deployed.", folder, name, deployed.last_deployed_time)
            return {
                "folder": folder,
                "project": name,
                "project_id": deployed.project_id,
                "version": deployed.object_version_lsn,
                "operation_id": None,
                "deployed": False,
            }
        deployment = catalog.deploy_project(folder, name, file.read())
        self.log.info("Deployed %s/%s as version %d.", folder, name, deployment.object_version_lsn)
        return {
            "folder": folder,
            "project": name,
            "project_id": deployment.project_id,
            "version": deployment.object_version_lsn,
            "operation_id": deployment.operation_id,
            "deployed": True,
        }

    def _is_unchanged(self, catalog: Catalog, folder: str, file: ProjectFile) -> bool:
        from airflow_provider_ssis.project.errors import ProjectError

        # In a file, not in memory: comparing two large projects in memory takes three times their size.
        with tempfile.TemporaryFile(prefix="ispac-") as deployed:
            deployed.write(catalog.get_project(folder, file.project.name))
            try:
                return file.has_content_of(deployed)
            except ProjectError as error:
                self.log.warning("The deployed project cannot be compared, so the project is deployed: %s", error)
                return False


def _protection_advice(file: ProjectFile) -> str:
    from airflow_provider_ssis.project.models import ProtectionLevel

    level = file.project.protection_level
    if level in (ProtectionLevel.DONT_SAVE_SENSITIVE, ProtectionLevel.SERVER_STORAGE):
        return ""
    return f" The protection level is {level.label}: with strip_sensitive=True the task removes the sensitive values."
