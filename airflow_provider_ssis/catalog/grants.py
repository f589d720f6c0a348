"""The permissions to run and deploy packages in a folder, and the T-SQL that grants them."""

from __future__ import annotations

from enum import Enum

from airflow_provider_ssis.catalog.codes import PermissionType, SecuredObjectType


class Purpose(Enum):
    """What a login is to do in a folder; the value names it in messages."""

    RUN = "run packages"
    DEPLOY = "deploy projects"

    @property
    def permissions(self) -> tuple[PermissionType, ...]:
        """The permissions on the folder that it needs."""
        return _NEEDED[self]

    @property
    def advice(self) -> str:
        """What to grant, in a sentence."""
        names = ", ".join(permission.name for permission in self.permissions)
        return f"To {self.value}, the login needs {names} on the folder ('airflow-ssis doctor' prints the statements)."


_NEEDED = {
    Purpose.RUN: (PermissionType.READ, PermissionType.READ_OBJECTS, PermissionType.EXECUTE_OBJECTS),
    Purpose.DEPLOY: (
        PermissionType.READ,
        PermissionType.CREATE_OBJECTS,
        PermissionType.READ_OBJECTS,
        PermissionType.MODIFY_OBJECTS,
    ),
}
FOLDER_PLACEHOLDER = "FOLDER"


def grant_statements(user: str, *purposes: Purpose, folder: str = FOLDER_PLACEHOLDER) -> str:
    """T-SQL for an administrator (ssis_admin), to be run in the database SSISDB.

    :param user: the login's user in SSISDB.
    :param purposes: what it is to do.
    :param folder: the folder. Default: a placeholder to replace.
    """
    wanted = dict.fromkeys(permission for purpose in purposes for permission in purpose.permissions)
    lines = [
        _FIND.format(variable="@folder bigint", column="folder_id", view="catalog.folders", name=_literal(folder)),
        _FIND.format(variable="@user int", column="principal_id", view="sys.database_principals", name=_literal(user)),
    ]
    lines += [
        f"EXEC catalog.grant_permission @object_type = {SecuredObjectType.FOLDER.value}, @object_id = @folder, "
        f"@principal_id = @user, @permission_type = {permission.value}; /* {permission.name} */"
        for permission in sorted(wanted)
    ]
    return "\n".join(lines)


def grant_statement(user: str, permission: PermissionType, object_type: SecuredObjectType, object_id: int) -> str:
    """T-SQL that grants one permission on one object, to be run in the database SSISDB by an administrator.

    :param user: the login's user in SSISDB.
    :param permission: the permission.
    :param object_type: what the object is.
    :param object_id: its id.
    """
    return (
        f"DECLARE @user int = DATABASE_PRINCIPAL_ID({_literal(user)}); EXEC catalog.grant_permission "
        f"@object_type = {object_type.value}, @object_id = {object_id}, @principal_id = @user, "
        f"@permission_type = {permission.value};"
    )


def role_statement(user: str, role: str) -> str:
    """T-SQL that makes a user a member of a role of SSISDB, to be run there by an administrator.

    :param user: the login's user in SSISDB.
    :param role: the role.
    """
    return f"ALTER ROLE {_quoted(role)} ADD MEMBER {_quoted(user)};"


def _quoted(name: str) -> str:
    """A name as an identifier of T-SQL."""
    return "[" + name.replace("]", "]]") + "]"


def _literal(text: str) -> str:
    """A text as a literal of T-SQL. The statements are for people to read and run; this package never sends them."""
    return "N'" + text.replace("'", "''") + "'"


_FIND = "DECLARE {variable} = (SELECT {column} FROM {view} WHERE name = {name});"
