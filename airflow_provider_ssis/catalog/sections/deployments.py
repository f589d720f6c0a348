"""Deployments of projects, and the files that were deployed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from io import BytesIO
from itertools import islice
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

from airflow_provider_ssis.catalog.argument_limits import check_arguments, check_place
from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType, PermissionType
from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    ConnectionLost,
    DeploymentFailed,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ProjectNotFound,
)
from airflow_provider_ssis.catalog.models import Deployment
from airflow_provider_ssis.catalog.refusals import Target, explain_refusal
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.sections.operation_messages import operation_messages
from airflow_provider_ssis.catalog.session import Explain, Repeat
from airflow_provider_ssis.catalog.sql.statements import (
    MAX_MARKERS,
    Batch,
    MarkerValue,
    guarded,
    guarded_command,
)

log = logging.getLogger(__name__)

_PROJECTS = "catalog.projects AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id"
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


class Deployments(CommandPart):
    """The part of the catalog client for project files."""

    def deploy_project(self, folder: str, name: str, ispac: bytes) -> Deployment:
        """Deploy a project, or a new version of it, and wait until that is done.

        If the answer is lost, the project is deployed again unless the catalog has exactly this file by then.

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

        kind = OperationType.DEPLOY_PROJECT
        return self._again_if_lost(
            lambda: self._deploy(folder, name, call, [folder, name, ispac], doing, kind, explain),
            lambda: self._deployed(folder, name, kind, lambda content: content == ispac, doing),
        )

    def deploy_packages(self, folder: str, project: str, packages: Mapping[str, bytes]) -> Deployment:
        """Add packages to a deployed project, or replace them, as a new version of the project, and wait for the end.

        The other packages, the parameters and the connection managers of the project stay as they are. The catalog of
        SQL Server 2016 and later can do this. If the answer is lost, the packages are deployed again unless the catalog
        has exactly these files by then.

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
        kind = OperationType.DEPLOY_PACKAGES

        def deploy(fill: str, values: Sequence[MarkerValue], after: str = "") -> Deployment:
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
                kind,
                explain,
                declare="@packages catalog.Package_Table_Type, ",
            )

        def deploy_from_table() -> Deployment:
            # The temporary table is lost with the connection, so everything is repeated.
            self._fill_table(packages, doing)
            return deploy(_FROM_TABLE, (), _DROP_TABLE)

        def deploy_from_parameters() -> Deployment:
            return deploy(*_inserts("@packages", packages.items()))

        # No table-valued parameter, because not every driver can send one.
        return self._again_if_lost(
            deploy_from_parameters if len(packages) <= PACKAGES_AT_ONCE else deploy_from_table,
            lambda: self._deployed(folder, project, kind, lambda content: _contains(content, packages), doing),
        )

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

    def _again_if_lost(self, deploy: Callable[[], Deployment], find: Callable[[], Deployment | None]) -> Deployment:
        """Deploy, and again if the connection was lost.

        :param find: finds what the lost call deployed, before it is repeated.
        """
        retries = self._session.retry.start(self._session.clock)
        while True:
            try:
                return deploy()
            except ConnectionLost as error:
                if not self._session.can_reconnect:
                    raise
                if not retries.may_continue():
                    retries.add_to(error)
                    raise
                log.warning(
                    "%s Repeating the deployment in %.1f s if it was not carried out.", error, retries.next_delay
                )
            retries.wait()
            if (found := find()) is not None:
                return found

    def _deployed(
        self, folder: str, project: str, kind: OperationType, is_wanted: Callable[[bytes], bool], doing: str
    ) -> Deployment | None:
        """The deployment of the version in use if its file is the wanted one; waits for a running deployment."""
        running = Batch(
            "SELECT COUNT(*) FROM catalog.operations WHERE operation_type = ? AND object_name = ? AND status = ?;",
            (int(kind), project, int(OperationStatus.RUNNING)),
        )
        retries = self._session.retry.start(self._session.clock)
        while self._session.run(running, doing=doing)[-1].rows[0][0] and retries.may_continue():
            retries.wait()
        try:
            if not is_wanted(self.get_project(folder, project)):
                return None
        except (NotFound, PermissionDenied):
            return None
        # A version that was restored is older than the last deployment.
        batch = Batch(
            "SELECT v.project_id, v.object_version_lsn, (SELECT MAX(o.operation_id) FROM catalog.operations AS o "
            "WHERE o.operation_type = ? AND o.object_id = v.project_id AND o.status = ? "
            "AND o.created_time <= d.created_time) AS operation_id\n"
            f"FROM {_PROJECTS} JOIN catalog.object_versions AS d ON d.object_version_lsn = v.object_version_lsn\n"
            "WHERE f.name = ? AND v.name = ?;",
            (int(kind), int(OperationStatus.SUCCEEDED), folder, project),
        )
        for row in self._session.run(batch, doing=doing)[-1].as_dicts():
            if row["operation_id"] is not None:
                return Deployment(folder=folder, project=project, **row)
        return None

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
        rows = self._session.run(batch, doing=doing, repeat=Repeat.IF_REFUSED, explain=explain)[-1].as_dicts()
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

    def _fill_table(self, packages: Mapping[str, bytes], doing: str) -> None:
        """Write packages to a temporary table of the session: more than one batch has parameters for."""
        self._session.run(guarded_command(_CREATE_TABLE), doing=doing, repeat=Repeat.IF_REFUSED)
        rest = iter(packages.items())
        while chunk := list(islice(rest, PACKAGES_AT_ONCE)):
            batch = guarded_command(*_inserts("#packages", chunk))
            self._session.run(batch, doing=doing, repeat=Repeat.IF_REFUSED)


def _contains(ispac: bytes, packages: Mapping[str, bytes]) -> bool:
    """Whether a project deployment file contains exactly these packages, among others."""
    wanted = {name.casefold(): content for name, content in packages.items()}
    with ZipFile(BytesIO(ispac)) as file:
        names = {unquote(entry).casefold(): entry for entry in file.namelist()}
        return all(name in names and _is(file, names[name], content) for name, content in wanted.items())


def _is(file: ZipFile, entry: str, content: bytes) -> bool:
    # Only one byte more than wanted is unpacked, because a small file can hold a package of any size.
    with file.open(entry) as opened:
        return opened.read(len(content) + 1) == content


def _inserts(table: str, packages: Collection[tuple[str, bytes]]) -> tuple[str, list[MarkerValue]]:
    """The statements that write packages to a table, and their values."""
    statement = f"INSERT INTO {table} (name, package_data) VALUES (?, ?);\n"
    return statement * len(packages), [value for package in packages for value in package]
