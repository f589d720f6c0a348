"""Deploying a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis.catalog.errors import CatalogError, FolderNotFound
from airflow_provider_ssis.exceptions import InvalidTaskArgument, ProjectNameMismatch
from airflow_provider_ssis.executions.arguments import optional_text, required_text
from airflow_provider_ssis.operators.base import SsisTask

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ssis.catalog.client import Catalog


class SsisDeployProjectOperator(SsisTask, BaseOperator):
    """Deploy a project to the SSISDB catalog, as a new version if it is there already.

    A project whose content equals the stored one is not deployed again, so that its versions and its deployment times
    tell of changes only.

    :param source: the project file (.ispac), the folder of a project to build it from, or the .dtproj file in such a
        folder, as an absolute path on the worker. (templated)
    :param folder: the catalog's folder. (templated)
    :param project: the name that the project must have. Default: whatever name its manifest has. (templated)
    :param configuration: for a project that is built: the configuration of its .dtproj whose parameter values to use.
        Default: none; parameters keep the values they have in the project's files. (templated)
    :param create_folder: make the folder if there is none. Default: False, a missing folder is an error.
    :param force: deploy an unchanged project too. Default: False.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``folder``, ``project``, ``project_id``, ``version`` (the catalog's ``object_version_lsn``),
        ``operation_id`` (None if nothing was deployed) and ``deployed``.
    :raises ProjectNameMismatch: the manifest has another name than ``project``; nothing was sent.
    :raises ProjectError: the file or folder is no sound project; nothing was sent.
    :raises DeploymentFailed: the catalog refused the project; the message says why.
    :raises CatalogError: the catalog refused; its subclasses in :mod:`airflow_provider_ssis.catalog.errors` tell why.
    """

    template_fields: Sequence[str] = ("source", "folder", "project", "configuration", "ssis_conn_id")
    ui_color = "#e4f1e1"

    def __init__(
        self,
        *,
        source: str,
        folder: str,
        project: str | None = None,
        configuration: str | None = None,
        create_folder: bool = False,
        force: bool = False,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.folder = folder
        self.project = project
        self.configuration = configuration
        self.create_folder = create_folder
        self.force = force
        self.ssis_conn_id = ssis_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Read or build the project file, and deploy it if it is new.

        :param context: the task's context.
        :return: see the class.
        """
        folder = required_text("folder", self.folder)
        name, ispac = self._project_file()
        with self.hook.open_catalog() as catalog:
            made_folder = self._make_folder(catalog, folder)
            try:
                return self._deploy(catalog, folder, name, ispac)
            except CatalogError as error:
                if made_folder:
                    error.advice += f" The folder {folder!r} was made before and is still there."
                elif isinstance(error, FolderNotFound):
                    error.advice += " With create_folder=True the task makes the folder."
                raise

    def _project_file(self) -> tuple[str, bytes]:
        """The project's name and its file, built where the source is a folder."""
        # Imported when the task runs: reading project files takes an XML library.
        from airflow_provider_ssis.project.build import build_project
        from airflow_provider_ssis.project.errors import naming
        from airflow_provider_ssis.project.ispac import read_ispac

        source = Path(required_text("source", self.source))
        if source.is_dir() or source.suffix.lower() == ".dtproj":
            folder, dtproj = (source, None) if source.is_dir() else (source.parent, source.name)
            with naming(source):
                built = build_project(
                    folder, configuration=optional_text("configuration", self.configuration), project=dtproj
                )
            for warning in built.warnings:
                self.log.warning("%s", warning)
            name, ispac = built.project.name, built.ispac
            self.log.info("Built the project %s from %s: %d bytes.", name, source, len(ispac))
        else:
            try:
                ispac = source.read_bytes()
            except OSError as error:
                raise InvalidTaskArgument(
                    f"The project file {source} cannot be read on the worker: {error.strerror}. Give the absolute path "
                    "of an .ispac file or of a project folder that every worker has."
                ) from None
            with naming(source):
                name = read_ispac(ispac).name
        wanted = optional_text("project", self.project)
        if wanted is not None and wanted.casefold() != name.casefold():
            raise ProjectNameMismatch(
                f"The project in {source} is named {name!r}, not {wanted!r}; the catalog takes a project under its own "
                "name only. Nothing was deployed. Leave the argument 'project' out, or rename the project in Visual "
                "Studio.",
                given=wanted,
                manifest=name,
            )
        return name, ispac

    def _make_folder(self, catalog: Catalog, folder: str) -> bool:
        """Make the folder if it is missing and wanted.

        :return: True if it was made.
        """
        if not self.create_folder or catalog.folder(folder) is not None:
            return False
        catalog.create_folder(folder, exist_ok=True)
        self.log.info("Made the folder %s.", folder)
        return True

    def _deploy(self, catalog: Catalog, folder: str, name: str, ispac: bytes) -> dict[str, Any]:
        stored = None if self.force else catalog.project(folder, name)
        if stored is not None and self._is_unchanged(catalog, folder, name, ispac):
            self.log.info("%s/%s is unchanged since %s; not deployed.", folder, name, stored.last_deployed_time)
            return {
                "folder": folder,
                "project": name,
                "project_id": stored.project_id,
                "version": stored.object_version_lsn,
                "operation_id": None,
                "deployed": False,
            }
        deployment = catalog.deploy_project(folder, name, ispac)
        self.log.info("Deployed %s/%s as version %d.", folder, name, deployment.object_version_lsn)
        return {
            "folder": folder,
            "project": name,
            "project_id": deployment.project_id,
            "version": deployment.object_version_lsn,
            "operation_id": deployment.operation_id,
            "deployed": True,
        }

    def _is_unchanged(self, catalog: Catalog, folder: str, name: str, ispac: bytes) -> bool:
        from airflow_provider_ssis.project.errors import ProjectError
        from airflow_provider_ssis.project.ispac import content_hash

        stored = catalog.get_project(folder, name)
        try:
            return content_hash(stored) == content_hash(ispac)
        except ProjectError as error:
            self.log.warning("The stored project cannot be compared, so it is deployed anew: %s", error)
            return False
