"""Deploy a project to the catalog."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_ssis import config
from airflow_provider_ssis.catalog.errors import CatalogError, DeploymentFailed, FolderNotFound
from airflow_provider_ssis.catalog.message_levels import MessageLevel
from airflow_provider_ssis.exceptions import InvalidTaskArgument, ProjectNameMismatch, ValidationError
from airflow_provider_ssis.executions.arguments import optional_text, required_text
from airflow_provider_ssis.executions.deadline import NO_DEADLINE, Deadline, seconds
from airflow_provider_ssis.executions.polling import PollSchedule, WaitResult
from airflow_provider_ssis.executions.validation import (
    ValidationRequest,
    ValidationWait,
    outcome_of,
    start_validation,
    timeout_error,
    wait_for_validation,
)
from airflow_provider_ssis.operators.base import SsisTask
from airflow_provider_ssis.operators.dag_checks import (
    check_name,
    check_optional_text,
    check_package,
    check_switches,
    is_known,
)
from airflow_provider_ssis.operators.source_path import existing_source

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context, XComArg

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
    :param validate: validate the project on the server after the deployment, and fail if it is not valid: True for all
        packages, or the names of some, since a package is not valid while a required parameter has no value. The task
        waits for the validation on its worker. An unchanged project is validated too. Default: False.
    :param restore_on_failure: with ``validate``: put the version that was in use before back into use if the validation
        fails or cannot be started. Only after a deployment by this try of the task, and not for the first deployment of
        a project, which has no earlier version. Default: False.
    :param validation_timeout: seconds, or a timedelta, to wait for the validation. Then it counts as failed. Default:
        3600.
    :param ssis_conn_id: the connection. Default: ``ssis_default``. (templated)
    :return: ``folder``, ``project``, ``project_id``, ``version`` (the catalog's ``object_version_lsn``),
        ``operation_id`` (None if nothing was deployed), ``deployed``, and ``previous_version``: the version that was in
        use before (None if there was none).
    :raises ProjectNameMismatch: the name in the manifest is not ``project``; nothing was deployed.
    :raises ProjectError: the project cannot be read or built; nothing was deployed.
    :raises DeploymentFailed: the catalog rejected the project; the message contains the reason.
    :raises ProjectInvalid: the validation failed; the message says which version is in use now.
    :raises ValidationStopped: the validation was stopped, or ended without a result.
    :raises ValidationTimeout: the validation took longer than ``validation_timeout``.
    :raises CatalogError: another error of the catalog; see :mod:`airflow_provider_ssis.catalog.errors`.
    """

    template_fields: Sequence[str] = ("source", "folder", "project", "configuration", "ssis_conn_id")
    ui_color = "#e4f1e1"

    def __init__(
        self,
        *,
        source: str | os.PathLike[str] | XComArg,
        folder: str,
        project: str | None = None,
        configuration: str | None = None,
        strip_sensitive: bool = False,
        create_folder: bool = False,
        force: bool = False,
        validate: bool | Sequence[str] = False,
        restore_on_failure: bool = False,
        validation_timeout: float | timedelta = 3600.0,
        ssis_conn_id: str = "ssis_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_name("folder", folder)
        if isinstance(source, str) or is_known(source):
            check_name("source", os.fspath(source) if isinstance(source, os.PathLike) else source)
        self.source: Any = source
        self.folder = folder
        self.project = project
        self.configuration = configuration
        self.strip_sensitive = strip_sensitive
        self.create_folder = create_folder
        self.force = force
        self.restore_on_failure = restore_on_failure
        check_optional_text(self, "project", "configuration")
        check_switches(self, "strip_sensitive", "create_folder", "force", "restore_on_failure")
        if isinstance(validate, str) or not isinstance(validate, bool | Sequence):
            raise InvalidTaskArgument(f"validate is {validate!r:.100}. Give True, False, or a list of packages.")
        if restore_on_failure and not validate:
            raise InvalidTaskArgument(
                "restore_on_failure=True needs validate=True, because a failed validation decides about the restore. "
                "Set validate, or leave restore_on_failure out."
            )
        for package in [] if isinstance(validate, bool) else validate:
            check_package(package)
        self.validate = validate
        self.validation_timeout = seconds("validation_timeout", validation_timeout, zero=False)
        self.ssis_conn_id = ssis_conn_id
        check_name("ssis_conn_id", ssis_conn_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Read or build the project file, and deploy it unless it is unchanged.

        :param context: the task's context.
        :return: see the class.
        """
        # Imported when the task runs: reading project files needs an XML library.
        from airflow_provider_ssis.project.project_file import open_project

        source, folder = existing_source(self, self.source), required_text("folder", self.folder)
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
                    result = self._deploy(catalog, folder, file)
                except CatalogError as error:
                    if created_folder:
                        error.advice += f" The folder {folder!r} was created before and still exists."
                    elif isinstance(error, FolderNotFound):
                        error.advice += " With create_folder=True the task creates the folder."
                    if isinstance(error, DeploymentFailed) and not self.strip_sensitive:
                        error.advice += _protection_advice(file)
                    raise
                if self.validate:
                    self._validate(catalog, result)
                return result

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
        deployed = catalog.project(folder, name)
        if deployed is not None and not self.force and self._is_unchanged(catalog, folder, file):
            self.log.info("%s/%s is unchanged since %s; not deployed.", folder, name, deployed.last_deployed_time)
            return {
                "folder": folder,
                "project": name,
                "project_id": deployed.project_id,
                "version": deployed.object_version_lsn,
                "operation_id": None,
                "deployed": False,
                "previous_version": deployed.object_version_lsn,
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
            "previous_version": None if deployed is None else deployed.object_version_lsn,
        }

    def _validate(self, catalog: Catalog, result: Mapping[str, Any]) -> None:
        """Validate the project, and restore the version before if that is requested and the validation fails."""
        packages = [None] if isinstance(self.validate, bool) else list(self.validate)
        deadline = Deadline.after(self.validation_timeout)
        try:
            for package in packages:
                request = ValidationRequest(folder=result["folder"], project=result["project"], package=package)
                self._validate_one(catalog, request, deadline)
        except ValidationError as error:
            error.args = (f"{error}\n{self._after_failed_validation(catalog, result)}",)
            raise
        except CatalogError as error:
            # It cannot be started, because the version lacks a package for instance, or its end cannot be read.
            error.advice = f"{error.advice} {self._after_failed_validation(catalog, result)}".strip()
            raise

    def _validate_one(self, catalog: Catalog, request: ValidationRequest, deadline: Deadline) -> None:
        validation_id = start_validation(catalog, request, self.log)
        wait = ValidationWait.of(
            validation_id,
            schedule=PollSchedule(config.poll_interval()),
            deadline=deadline,
            level=MessageLevel.WARNING,
            log=self.log,
        )
        if wait_for_validation(catalog, wait, leave_at=NO_DEADLINE, log=self.log) is WaitResult.TIMED_OUT:
            raise timeout_error(catalog, validation_id, self.validation_timeout, self.log)
        outcome_of(catalog, validation_id, self.log)

    def _after_failed_validation(self, catalog: Catalog, result: Mapping[str, Any]) -> str:
        """Restore the previous version, if there is one and it is to be restored.

        :return: which version is in use now, in a sentence.
        """
        version, previous = result["version"], result["previous_version"]
        if not self.restore_on_failure:
            return f"Version {version} is in use."
        if not result["deployed"]:
            return f"Version {version} is in use: it was deployed before, so nothing was restored."
        if previous is None:
            return f"Version {version} is in use: the project has no earlier version that could be restored."
        try:
            catalog.restore_project(result["folder"], result["project"], previous)
        except CatalogError as error:
            return f"Version {version} is in use, because version {previous} could not be restored: {error}"
        self.log.warning("Restored version %d, because version %d failed its validation.", previous, version)
        return f"Version {previous} is in use again."

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
