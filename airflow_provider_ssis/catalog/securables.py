"""Objects with permissions."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.catalog.argument_limits import check_arguments
from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType
from airflow_provider_ssis.catalog.errors import InvalidArgument
from airflow_provider_ssis.catalog.refusals import OperationTarget, Target
from airflow_provider_ssis.catalog.sql.statements import Batch

_FOLDER_ONLY = frozenset(permission for permission in PermissionType if permission >= PermissionType.CREATE_OBJECTS)
_APPLICABLE = {
    SecuredObjectType.FOLDER: frozenset(PermissionType) - {PermissionType.EXECUTE},
    SecuredObjectType.PROJECT: frozenset(PermissionType) - _FOLDER_ONLY,
    SecuredObjectType.ENVIRONMENT: frozenset(PermissionType) - _FOLDER_ONLY - {PermissionType.EXECUTE},
    SecuredObjectType.OPERATION: frozenset(PermissionType) - _FOLDER_ONLY - {PermissionType.EXECUTE},
}
"""The permissions that each kind of object has."""


@dataclass(frozen=True, slots=True)
class Securable:
    """An object with permissions: a folder, a project, an environment or an operation.

    :param folder: the folder, or that of the project or environment.
    :param project: the project.
    :param environment: the environment.
    :param operation_id: the operation, instead of all other arguments.
    :raises InvalidArgument: no object or more than one is named.
    """

    folder: str | None = None
    project: str | None = None
    environment: str | None = None
    operation_id: int | None = None

    def __post_init__(self) -> None:
        check_arguments(folder=self.folder, project=self.project, environment=self.environment)
        in_folder = [name for name in (self.project, self.environment) if name is not None]
        if (self.folder is None) is (self.operation_id is None) or len(in_folder) > (self.folder is not None):
            raise InvalidArgument(
                "The arguments do not name one object of the catalog",
                advice="Name a folder, a folder with a project, a folder with an environment, or an operation.",
            )

    @property
    def object_type(self) -> SecuredObjectType:
        """The kind of object."""
        if self.operation_id is not None:
            return SecuredObjectType.OPERATION
        if self.project is not None:
            return SecuredObjectType.PROJECT
        return SecuredObjectType.FOLDER if self.environment is None else SecuredObjectType.ENVIRONMENT

    def needs(self, permission: PermissionType) -> Target | OperationTarget:
        """The object as one that a call needs a permission on."""
        if self.operation_id is not None:
            return OperationTarget(self.operation_id, permission)
        return Target(
            folder=str(self.folder), project=self.project, environment=self.environment, permission=permission
        )

    @property
    def title(self) -> str:
        """The object in words."""
        needs = self.needs(PermissionType.READ)
        return needs.title

    @property
    def permissions(self) -> frozenset[PermissionType]:
        """The permissions that an object of this kind has."""
        return _APPLICABLE[self.object_type]

    @property
    def lookup(self) -> Batch:
        """The query for the object's id."""
        if self.operation_id is not None:
            sql = "SELECT v.operation_id FROM catalog.operations AS v WHERE v.operation_id = ?;"
            return Batch(sql, (self.operation_id,))
        folder = str(self.folder)
        if self.project is not None:
            return Batch(_PROJECT_ID, (folder, self.project))
        if self.environment is not None:
            return Batch(_ENVIRONMENT_ID, (folder, self.environment))
        return Batch("SELECT v.folder_id FROM catalog.folders AS v WHERE v.name = ?;", (folder,))


_PROJECT_ID = (
    "SELECT v.project_id FROM catalog.projects AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id "
    "WHERE f.name = ? AND v.name = ?;"
)
_ENVIRONMENT_ID = (
    "SELECT v.environment_id FROM catalog.environments AS v JOIN catalog.folders AS f ON f.folder_id = v.folder_id "
    "WHERE f.name = ? AND v.name = ?;"
)
