"""Explains why the catalog refused a call: which name it does not have, or which permission the login lacks.

The catalog reports both with the same error numbers, and does not say which permission. After such an error the client
reads what the login can see, from the folder down to the object that the call names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType
from airflow_provider_ssis.catalog.errors import (
    CatalogError,
    EnvironmentNotFound,
    EnvironmentVariableNotFound,
    FolderNotFound,
    NotFound,
    PackageNotFound,
    PermissionDenied,
    ProjectNotFound,
    WindowsAuthenticationRequired,
)
from airflow_provider_ssis.catalog.grants import grant_statement, role_statement
from airflow_provider_ssis.catalog.nearest_names import contains_name, existing_names
from airflow_provider_ssis.catalog.sql.statements import Batch, MarkerValue

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.session import CatalogSession, Explain

ADMIN_ROLE = "ssis_admin"
_EXISTS_OR_GRANT = "Either the name is misspelt, or the login may not see the object."


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An object that a call names, and the permission that the call needs on it.

    :param folder: the folder.
    :param project: the project. Default: the object is not in a project.
    :param package: a package of the project, which must exist.
    :param environment: the environment. Default: the object is not in an environment.
    :param variable: a variable of the environment, which must exist.
    :param permission: the permission on the folder, project or environment. Default: it must be visible.
    """

    folder: str
    project: str | None = None
    package: str | None = None
    environment: str | None = None
    variable: str | None = None
    permission: PermissionType | None = None

    @property
    def title(self) -> str:
        """The secured object in words."""
        if self.project is not None:
            return f"the project {self.folder}/{self.project}"
        if self.environment is not None:
            return f"the environment {self.folder}/{self.environment}"
        return f"the folder {self.folder!r}"


@dataclass(frozen=True, slots=True)
class OperationTarget:
    """An operation that a call names, and the permission that the call needs on it."""

    operation_id: int
    permission: PermissionType

    @property
    def title(self) -> str:
        """The operation in words."""
        return f"the operation {self.operation_id}"


@dataclass(frozen=True, slots=True)
class _Level:
    """One step from a folder down to an object: the names that are there, and the exception for a missing one."""

    kind: str
    name: str
    names: Batch
    error: type[NotFound]
    place: str


def explain_refusal(
    session: CatalogSession, doing: str, *needs: Target | OperationTarget, role: str | None = None
) -> Explain:
    """A function for :meth:`CatalogSession.run` that explains a refusal.

    :param session: the session of the call.
    :param doing: what the call does, as the beginning of an error message.
    :param needs: the objects that the call names, in the order in which the catalog looks for them.
    :param role: the role that the call needs, for calls that only members of one may make.
    """

    def explain(error: CatalogError, row: Mapping[str, Any]) -> CatalogError:
        if not isinstance(error, NotFound | PermissionDenied) or isinstance(error, WindowsAuthenticationRequired):
            return error
        try:
            explained = _explained(session, doing, needs, role)
        except CatalogError:
            # The login may read nothing, or the server has an outage: the refusal itself is what the caller needs.
            return error
        if explained is None:
            return error
        explained.number, explained.procedure, explained.line = error.number, error.procedure, error.line
        explained.severity, explained.state = error.severity, error.state
        explained.reason, explained.server = explained.message, error.server
        return explained

    return explain


def missing_object(session: CatalogSession, doing: str, target: Target) -> NotFound | None:
    """The exception for the first part of a target that the login cannot see. None: it sees all of them.

    :param session: the session to read with.
    :param doing: the failed action, as the beginning of the message.
    :param target: the object.
    """
    for level in _levels(target):
        known = [str(name) for (name,) in session.run(level.names, doing=f"Reading the {level.kind}s")[-1].rows]
        if not contains_name(known, level.name):
            return level.error(
                f"{doing} failed: the login {session.login()} sees no {level.kind} {level.name!r}{level.place}",
                advice=f"{existing_names(level.kind, level.name, known)} {_EXISTS_OR_GRANT}",
            )
    return None


def _explained(
    session: CatalogSession,
    doing: str,
    needs: Iterable[Target | OperationTarget],
    role: str | None,
) -> CatalogError | None:
    user, is_admin = session.run(_WHO, doing="Reading the login's roles")[-1].rows[0]
    if role is not None and not is_admin:
        return PermissionDenied(
            f"{doing} failed: the login {session.login()} is not a member of the role {role}",
            advice=f"An administrator adds it in SSISDB with: {role_statement(str(user), role)}",
        )
    for need in needs:
        if isinstance(need, Target) and (missing := missing_object(session, doing, need)) is not None:
            return missing
    if is_admin:
        return None
    for need in needs:
        if need.permission is None:
            continue
        object_type, object_id = _securable(session, need)
        if object_id is None or _may(session, object_type, object_id, need.permission):
            continue
        return PermissionDenied(
            f"{doing} failed: the login {session.login()} lacks the permission {need.permission.name} on {need.title}",
            advice="An administrator grants it in SSISDB with: "
            + grant_statement(str(user), need.permission, object_type, object_id),
        )
    return None


def _levels(target: Target) -> Iterable[_Level]:
    folder, project, environment = target.folder, target.project, target.environment
    yield _Level("folder", folder, Batch("SELECT v.name FROM catalog.folders AS v"), FolderNotFound, "")
    in_folder = f" in the folder {folder!r}"
    if project is not None:
        yield _Level("project", project, Batch(_PROJECTS, (folder,)), ProjectNotFound, in_folder)
    if project is not None and target.package is not None:
        names = Batch(_PACKAGES, (folder, project))
        yield _Level("package", target.package, names, PackageNotFound, f" in the project {folder}/{project}")
    if environment is not None:
        yield _Level("environment", environment, Batch(_ENVIRONMENTS, (folder,)), EnvironmentNotFound, in_folder)
    if environment is not None and target.variable is not None:
        names = Batch(_VARIABLES, (folder, environment))
        place = f" in the environment {folder}/{environment}"
        yield _Level("variable", target.variable, names, EnvironmentVariableNotFound, place)


def _securable(session: CatalogSession, need: Target | OperationTarget) -> tuple[SecuredObjectType, int | None]:
    if isinstance(need, OperationTarget):
        return SecuredObjectType.OPERATION, need.operation_id
    values: tuple[MarkerValue, ...]
    if need.project is not None:
        kind, sql, values = SecuredObjectType.PROJECT, _PROJECT_ID, (need.folder, need.project)
    elif need.environment is not None:
        kind, sql, values = SecuredObjectType.ENVIRONMENT, _ENVIRONMENT_ID, (need.folder, need.environment)
    else:
        kind, sql, values = SecuredObjectType.FOLDER, _FOLDER_ID, (need.folder,)
    rows = session.run(Batch(sql, values), doing=f"Looking for {need.title}")[-1].rows
    return kind, int(rows[0][0]) if rows else None


def _may(session: CatalogSession, object_type: SecuredObjectType, object_id: int, permission: PermissionType) -> bool:
    batch = Batch(_EFFECTIVE, (object_type.value, object_id, permission.value))
    return bool(session.run(batch, doing="Reading the login's permissions")[-1].rows)


_PROJECTS = (
    "SELECT v.name FROM catalog.projects AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id WHERE f.name = ?"
)
_ENVIRONMENTS = (
    "SELECT v.name FROM catalog.environments AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id "
    "WHERE f.name = ?"
)
_PACKAGES = (
    "SELECT v.name FROM catalog.packages AS v JOIN catalog.projects AS p ON p.project_id = v.project_id "
    "JOIN catalog.folders AS f ON f.folder_id = p.folder_id WHERE f.name = ? AND p.name = ?"
)
_VARIABLES = (
    "SELECT v.name FROM catalog.environment_variables AS v "
    "JOIN catalog.environments AS e ON e.environment_id = v.environment_id "
    "JOIN catalog.folders AS f ON f.folder_id = e.folder_id WHERE f.name = ? AND e.name = ?"
)
_FOLDER_ID = "SELECT v.folder_id FROM catalog.folders AS v WHERE v.name = ?"
_PROJECT_ID = (
    "SELECT v.project_id FROM catalog.projects AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id "
    "WHERE f.name = ? AND v.name = ?"
)
_ENVIRONMENT_ID = (
    "SELECT v.environment_id FROM catalog.environments AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id "
    "WHERE f.name = ? AND v.name = ?"
)
_WHO = Batch(
    "SELECT USER_NAME() AS user_name, CASE WHEN IS_SRVROLEMEMBER('sysadmin') = 1 OR IS_MEMBER('ssis_admin') = 1 "
    "THEN 1 ELSE 0 END AS is_admin;"
)
_EFFECTIVE = (
    "SELECT TOP (1) p.object_id FROM catalog.effective_object_permissions AS p "
    "WHERE p.object_type = ? AND p.object_id = ? AND p.permission_type = ?"
)
