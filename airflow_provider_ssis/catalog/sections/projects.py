"""Projects, their packages and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import CatalogError, VersionNotFound
from airflow_provider_ssis.catalog.models import Package, Project, ProjectVersion
from airflow_provider_ssis.catalog.refusals import Target, explain_refusal
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.session import Repeat
from airflow_provider_ssis.catalog.sql.statements import guarded, select

_PROJECTS = "catalog.projects AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id"
_OF_PROJECT = (
    "JOIN catalog.projects AS p ON p.project_id = v.project_id JOIN catalog.folders AS f ON f.folder_id = p.folder_id"
)
_MODIFY = PermissionType.MODIFY


class Projects(CommandPart):
    """The part of the catalog client for projects."""

    def projects(self, folder: str | None = None) -> list[Project]:
        """The projects that the login may see, by folder and name.

        :param folder: only those of this folder. Default: all.
        """
        check_arguments(folder=folder)
        batch = select(
            Project,
            _PROJECTS,
            where=[] if folder is None else ["f.name = ?"],
            values=[] if folder is None else [folder],
            order_by="f.name, v.name",
            joined={"folder_name": "f.name"},
        )
        return self._session.fetch(Project, batch, doing="Reading the projects")

    def project(self, folder: str, name: str) -> Project | None:
        """The project of that name, or None if the login can see no such project."""
        check_place(folder, name)
        batch = select(
            Project,
            _PROJECTS,
            where=["f.name = ?", "v.name = ?"],
            values=[folder, name],
            joined={"folder_name": "f.name"},
        )
        return next(iter(self._session.fetch(Project, batch, doing=f"Looking for the project {folder}/{name}")), None)

    def move_project(self, folder: str, name: str, new_folder: str) -> None:
        """Move a project to another folder. Its relative environment references then mean environments there.

        :param folder: its folder.
        :param name: its name.
        :param new_folder: the folder to move it to, which must exist.
        :raises ProjectNotFound: there is no such project.
        :raises FolderNotFound: there is no such new folder.
        :raises AlreadyExists: the new folder contains a project of that name.
        :raises PermissionDenied: the login may not change the project, or not create projects in the new folder.
        """
        check_place(folder, name)
        check_arguments(folder=new_folder)
        self._command(
            "EXEC catalog.move_project @source_folder = ?, @project_name = ?, @destination_folder = ?;",
            [folder, name, new_folder],
            f"Moving the project {folder}/{name} to the folder {new_folder!r}",
            Target(folder=folder, project=name, permission=_MODIFY),
            Target(folder=new_folder, permission=PermissionType.CREATE_OBJECTS),
        )

    def delete_project(self, folder: str, name: str) -> None:
        """Delete a project with all its versions. Its executions stay in the catalog.

        :raises ProjectNotFound: there is no such project.
        :raises PermissionDenied: the login may not change it.
        """
        check_place(folder, name)
        self._command(
            "EXEC catalog.delete_project @folder_name = ?, @project_name = ?;",
            [folder, name],
            f"Deleting the project {folder}/{name}",
            Target(folder=folder, project=name, permission=_MODIFY),
        )

    def project_versions(self, folder: str, project: str) -> list[ProjectVersion]:
        """The versions of a project that the catalog keeps, the newest first; none if the login sees no such project.

        The catalog property MAX_PROJECT_VERSIONS says how many the catalog keeps.
        """
        check_place(folder, project)
        batch = select(
            ProjectVersion,
            "catalog.object_versions AS v JOIN catalog.projects AS p ON p.project_id = v.object_id "
            "JOIN catalog.folders AS f ON f.folder_id = p.folder_id",
            where=["v.object_type = 20", "f.name = ?", "p.name = ?"],
            values=[folder, project],
            order_by="v.object_version_lsn DESC",
            joined={
                "is_current": "CASE WHEN v.object_version_lsn = p.object_version_lsn THEN 1 ELSE 0 END",
            },
        )
        return self._session.fetch(ProjectVersion, batch, doing=f"Reading the versions of {folder}/{project}")

    def restore_project(self, folder: str, project: str, version: int) -> None:
        """Put an earlier version of a project into use again.

        Values of parameters that the version also has, with the same type, stay as they are.

        :param folder: the project's folder.
        :param project: the project.
        :param version: the ``object_version_lsn`` of the version.
        :raises VersionNotFound: the project has no such version; the message shows the existing ones.
        :raises VersionInUse: the version is in use already.
        :raises ProjectNotFound: there is no such project.
        :raises PermissionDenied: the login may not change it.
        """
        check_place(folder, project)
        doing = f"Restoring version {version} of the project {folder}/{project}"
        refusal = explain_refusal(self._session, doing, Target(folder=folder, project=project, permission=_MODIFY))

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            if not isinstance(error, VersionNotFound):
                return refusal(error, row)
            known = [str(each.object_version_lsn) for each in self.project_versions(folder, project)]
            if known:
                error.advice = f"Its versions are {', '.join(known)}."
            return error

        batch = guarded(
            "EXEC catalog.restore_project @folder_name = ?, @project_name = ?, @object_version_lsn = ?;\n"
            "SELECT 1 AS done;",
            [folder, project, version],
        )
        self._session.run(batch, doing=doing, repeat=Repeat.IF_REFUSED, explain=explain)

    def packages(self, folder: str, project: str) -> list[Package]:
        """The packages of a project, by name; none if the login sees no such project."""
        check_place(folder, project)
        batch = select(
            Package,
            f"catalog.packages AS v {_OF_PROJECT}",
            where=["f.name = ?", "p.name = ?"],
            values=[folder, project],
            order_by="v.name",
        )
        return self._session.fetch(Package, batch, doing=f"Reading the packages of {folder}/{project}")

    def package(self, folder: str, project: str, name: str) -> Package | None:
        """The package of that name (with its ``.dtsx``), or None if the login can see no such package."""
        check_place(folder, project, name)
        batch = select(
            Package,
            f"catalog.packages AS v {_OF_PROJECT}",
            where=["f.name = ?", "p.name = ?", "v.name = ?"],
            values=[folder, project, name],
        )
        doing = f"Looking for the package {folder}/{project}/{name}"
        return next(iter(self._session.fetch(Package, batch, doing=doing)), None)
