"""Projects, their packages and their versions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.codes import OperationType, PermissionType
from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    ConnectionLost,
    DeploymentFailed,
    InvalidArgument,
    ProjectNotFound,
    VersionNotFound,
)
from airflow_provider_ssis.catalog.models import Deployment, Package, Project, ProjectVersion
from airflow_provider_ssis.catalog.refusals import Target, explain_refusal
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sections.operation_messages import operation_messages
from airflow_provider_ssis.catalog.session import Explain, Repeat
from airflow_provider_ssis.catalog.sql.statements import MAX_MARKERS, MarkerValue, guarded, guarded_command, select

_PROJECTS = "catalog.projects AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id"
_OF_PROJECT = (
    "JOIN catalog.projects AS p ON p.project_id = v.project_id JOIN catalog.folders AS f ON f.folder_id = p.folder_id"
)
_MODIFY = PermissionType.MODIFY

PACKAGES_AT_ONCE = MAX_MARKERS // 2 - 10
"""The most packages in one batch, each with two markers; some more are needed for the call itself."""
_CREATE_TABLE = (
    "IF OBJECT_ID(N'tempdb..#packages') IS NOT NULL DROP TABLE #packages;\n"
    "CREATE TABLE #packages (name nvarchar(260) NOT NULL, package_data varbinary(max) NOT NULL);"
)
_FROM_TABLE = "INSERT INTO @packages (name, package_data) SELECT name, package_data FROM #packages;\n"
# After a success only: the call is repeated while another deployment is under way.
_DROP_TABLE = "DROP TABLE #packages;\n"


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

    def deploy_project(self, folder: str, name: str, ispac: bytes) -> Deployment:
        """Deploy a project, or a new version of it, and wait until that is done.

        :param folder: an existing folder.
        :param name: the project's name, which must be the one in the file's manifest.
        :param ispac: the content of the project deployment file (.ispac).
        :return: what was deployed.
        :raises DeploymentFailed: the catalog refused the file; ``messages`` says why.
        :raises DeploymentBusy: another deployment of the project is under way.
        :raises FolderNotFound: there is no such folder.
        :raises PermissionDenied: the login may not create projects there, or not change this one.
        """
        check_place(folder, name)
        call = (
            "EXEC catalog.deploy_project @folder_name = ?, @project_name = ?, @project_stream = ?, "
            "@operation_id = @operation_id OUTPUT;\n"
        )
        doing = f"Deploying the project {folder}/{name}"
        refusal = explain_refusal(self._session, doing, Target(folder=folder, permission=PermissionType.CREATE_OBJECTS))

        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            if isinstance(error, ProjectNotFound):
                # The folder contains such a project. If the login cannot see it, the server's own text says the most.
                explained = explain_refusal(
                    self._session, doing, Target(folder=folder, project=name, permission=_MODIFY)
                )(error, row)
                return error if isinstance(explained, ProjectNotFound) else explained
            return refusal(error, row)

        return self._deploy(folder, name, call, [folder, name, ispac], doing, OperationType.DEPLOY_PROJECT, explain)

    def deploy_packages(self, folder: str, project: str, packages: Mapping[str, bytes]) -> Deployment:
        """Add packages to a deployed project, or replace them, as a new version of the project, and wait for the end.

        The other packages, the parameters and the connection managers of the project stay as they are. The catalog of
        SQL Server 2016 and later can do this.

        :param folder: the project's folder.
        :param project: the project.
        :param packages: the content of each package file (.dtsx) by the package's name, with its ``.dtsx``.
        :return: what was deployed.
        :raises DeploymentFailed: the catalog refused a package; ``messages`` says why.
        :raises DeploymentBusy: another deployment of the project is under way.
        :raises ProjectNotFound: there is no such project.
        :raises PermissionDenied: the login may not change the project.
        :raises InvalidArgument: there are no packages, or a name does not end in ``.dtsx``.
        """
        check_place(folder, project)
        doing = f"Deploying packages to the project {folder}/{project}"
        if not packages:
            raise InvalidArgument(f"{doing} failed: no packages are given", advice="Give at least one package.")
        for name in packages:
            check_arguments(package=name)
            if not name.lower().endswith(".dtsx"):
                raise InvalidArgument(
                    f"{doing} failed: the package {name!r} has no .dtsx", advice=f"Name it {name + '.dtsx'!r}."
                )
        explain = explain_refusal(self._session, doing, Target(folder=folder, project=project, permission=_MODIFY))

        def deploy(fill: str, values: Sequence[MarkerValue], repeat: Repeat, after: str = "") -> Deployment:
            call = (
                f"{fill}EXEC catalog.deploy_packages @folder_name = ?, @project_name = ?, @packages_table = @packages, "
                f"@operation_id = @operation_id OUTPUT;\n{after}"
            )
            return self._deploy(
                folder,
                project,
                call,
                [*values, folder, project],
                doing,
                OperationType.DEPLOY_PACKAGES,
                explain,
                declare="@packages catalog.Package_Table_Type, ",
                repeat=repeat,
            )

        # No table-valued parameter, because not every driver can send one.
        if len(packages) <= PACKAGES_AT_ONCE:
            return deploy(*_inserts("@packages", packages.items()), Repeat.ALWAYS)
        retries = self._session.retry.start(self._session.clock)
        while True:
            try:
                self._fill_table(packages, doing)
                return deploy(_FROM_TABLE, (), Repeat.IF_REFUSED, _DROP_TABLE)
            except ConnectionLost as error:
                # The temporary table is lost with the connection, so everything is repeated.
                if not self._session.can_reconnect:
                    raise
                if not retries.may_continue():
                    retries.add_to(error)
                    raise
            retries.wait()

    def _fill_table(self, packages: Mapping[str, bytes], doing: str) -> None:
        """Write packages to a temporary table of the session: more than one batch has parameters for."""
        self._session.run(guarded_command(_CREATE_TABLE), doing=doing, repeat=Repeat.IF_REFUSED)
        rest = iter(packages.items())
        while chunk := list(islice(rest, PACKAGES_AT_ONCE)):
            batch = guarded_command(*_inserts("#packages", chunk))
            self._session.run(batch, doing=doing, repeat=Repeat.IF_REFUSED)

    def get_project(self, folder: str, name: str) -> bytes:
        """The project's deployment file (.ispac) as the catalog holds it.

        :raises ProjectNotFound: there is no such project.
        :raises PermissionDenied: the login may not read it.
        """
        check_place(folder, name)
        doing = f"Reading the project {folder}/{name}"
        results = self._session.run(
            guarded("EXEC catalog.get_project @folder_name = ?, @project_name = ?;", [folder, name]),
            doing=doing,
            explain=explain_refusal(
                self._session, doing, Target(folder=folder, project=name, permission=PermissionType.READ)
            ),
        )
        rows = results[0].rows if results else ()
        if not rows or rows[0][0] is None:
            raise ProjectNotFound(f"{doing} gave nothing")
        return bytes(rows[0][0])

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

    def _deploy(
        self,
        folder: str,
        project: str,
        call: str,
        values: Sequence[MarkerValue],
        doing: str,
        operation_type: OperationType,
        refusal: Explain,
        *,
        declare: str = "",
        repeat: Repeat = Repeat.ALWAYS,
    ) -> Deployment:
        def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
            if isinstance(error, DeploymentFailed):
                return self._with_messages(error, row, operation_type)
            return refusal(error, row)

        body = (
            f"{call}SELECT v.project_id, v.object_version_lsn, @operation_id AS operation_id\n"
            f"FROM {_PROJECTS} WHERE f.name = ? AND v.name = ?;"
        )
        batch = guarded(body, [*values, folder, project], declare=f"{declare}@operation_id bigint")
        rows = self._session.run(batch, doing=doing, repeat=repeat, explain=explain)[-1].as_dicts()
        if not rows:
            raise ProjectNotFound(f"{doing} succeeded, but the project cannot be read")
        return Deployment(folder=folder, project=project, **rows[0])

    def _with_messages(
        self, error: DeploymentFailed, row: Mapping[str, Any], operation_type: OperationType
    ) -> CatalogError:
        """Add the operation's messages: the error itself contains only the operation's id, in its text."""
        for number in reversed(re.findall(r"\d+", row.get("error_message", "") or error.message)):
            messages = tuple(operation_messages(self._session, int(number), operation_type=operation_type))
            if messages:
                error.operation_id = int(number)
                error.messages = messages
                return error
        error.advice = "The view catalog.operation_messages has the reason."
        return error


def _inserts(table: str, packages: Collection[tuple[str, bytes]]) -> tuple[str, list[MarkerValue]]:
    """The statements that write packages to a table, and their values."""
    statement = f"INSERT INTO {table} (name, package_data) VALUES (?, ?);\n"
    return statement * len(packages), [value for package in packages for value in package]
