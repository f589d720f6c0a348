"""Permissions on folders, projects, environments and operations."""

from __future__ import annotations

from airflow_provider_ssis.catalog.argument_limits import check_arguments
from airflow_provider_ssis.catalog.codes import PermissionType
from airflow_provider_ssis.catalog.errors import InvalidArgument, OperationNotFound, PrincipalNotFound
from airflow_provider_ssis.catalog.models import Permission
from airflow_provider_ssis.catalog.nearest_names import existing_names
from airflow_provider_ssis.catalog.refusals import OperationTarget, missing_object
from airflow_provider_ssis.catalog.sections.commands import CommandPart
from airflow_provider_ssis.catalog.securables import Securable
from airflow_provider_ssis.catalog.sql.statements import Batch, select


class Permissions(CommandPart):
    """The part of the catalog client for permissions.

    A principal is a user or a role of SSISDB. Permissions of a folder from CREATE_OBJECTS on, other than that one, are
    inherited by the projects and environments in it. A denial takes precedence over every grant.
    """

    def grant_permission(self, principal: str, permission: PermissionType, securable: Securable) -> None:
        """Grant a permission to a user or role. Granting it twice changes nothing.

        :param principal: the user or role of SSISDB.
        :param permission: the permission.
        :param securable: the object.
        :raises PrincipalNotFound: SSISDB has no such user or role; the message shows the nearest names.
        :raises InvalidArgument: objects of that kind have no such permission.
        :raises NotFound: there is no such object; the subclass says which.
        :raises PermissionDenied: the login may not manage permissions on the object.
        """
        self._call("grant", "Granting", "to", principal, permission, securable)

    def deny_permission(self, principal: str, permission: PermissionType, securable: Securable) -> None:
        """Deny a permission to a user or role, regardless of its grants and roles.

        :param principal: the user or role of SSISDB.
        :param permission: the permission.
        :param securable: the object.
        :raises CatalogError: as :meth:`grant_permission`.
        """
        self._call("deny", "Denying", "to", principal, permission, securable)

    def revoke_permission(self, principal: str, permission: PermissionType, securable: Securable) -> None:
        """Remove the grant or denial of a permission from a user or role.

        :param principal: the user or role of SSISDB.
        :param permission: the permission.
        :param securable: the object.
        :raises CatalogError: as :meth:`grant_permission`.
        """
        self._call("revoke", "Revoking", "from", principal, permission, securable)

    def permissions(self, securable: Securable) -> list[Permission]:
        """The grants and denials on an object, without those that it inherits from its folder.

        :param securable: the object.
        :raises NotFound: there is no such object; the subclass says which.
        """
        batch = select(
            Permission,
            "catalog.explicit_object_permissions AS v "
            "LEFT JOIN sys.database_principals AS r ON r.principal_id = v.principal_id "
            "LEFT JOIN sys.database_principals AS g ON g.principal_id = v.grantor_id",
            where=["v.object_type = ?", "v.object_id = ?"],
            values=[securable.object_type.value, self._object_id(securable)],
            order_by="r.name, v.permission_type",
            joined={"principal_name": "r.name", "grantor_name": "g.name"},
        )
        return self._session.fetch(Permission, batch, doing=f"Reading the permissions on {securable.title}")

    def effective_permissions(self, securable: Securable) -> frozenset[PermissionType]:
        """The permissions that the login of this connection has on an object: granted, inherited, and not denied.

        For members of ssis_admin and sysadmin these are all permissions that the object has.

        :param securable: the object.
        :raises NotFound: there is no such object; the subclass says which.
        """
        doing = f"Reading the login's permissions on {securable.title}"
        batch = Batch(
            "SELECT p.permission_type FROM catalog.effective_object_permissions AS p "
            "WHERE p.object_type = ? AND p.object_id = ?;\n"
            "SELECT CASE WHEN IS_SRVROLEMEMBER('sysadmin') = 1 OR IS_MEMBER('ssis_admin') = 1 THEN 1 ELSE 0 END "
            "AS is_admin;",
            (securable.object_type.value, self._object_id(securable)),
        )
        granted, roles = self._session.run(batch, doing=doing)
        if roles.rows[0][0]:
            return securable.permissions
        return frozenset(PermissionType(code) for (code,) in granted.rows)

    def principals(self) -> list[str]:
        """The users and roles of SSISDB that the login can see, by name."""
        batch = Batch(
            "SELECT p.name FROM sys.database_principals AS p WHERE p.type IN ('S', 'U', 'G', 'E', 'X', 'R') "
            "ORDER BY p.name;"
        )
        return [str(name) for (name,) in self._session.run(batch, doing="Reading the users and roles")[-1].rows]

    def _call(
        self, verb: str, action: str, joiner: str, principal: str, permission: PermissionType, securable: Securable
    ) -> None:
        check_arguments(principal=principal)
        doing = f"{action} {permission.name} on {securable.title} {joiner} {principal!r}"
        applicable = securable.permissions
        if permission not in applicable:
            raise InvalidArgument(
                f"{doing} failed: {securable.title} has no such permission",
                advice=f"Its permissions are {', '.join(each.name for each in sorted(applicable))}.",
            )
        manage = PermissionType.MANAGE_PERMISSIONS
        self._command(
            f"EXEC catalog.{verb}_permission @object_type = ?, @object_id = ?, @principal_id = ?, "
            "@permission_type = ?;",
            [
                securable.object_type.value,
                self._object_id(securable, doing),
                self._principal_id(principal, doing),
                permission.value,
            ],
            doing,
            securable.needs(manage),
        )

    def _object_id(self, securable: Securable, doing: str | None = None) -> int:
        doing = doing or f"Reading the permissions on {securable.title}"
        rows = self._session.run(securable.lookup, doing=doing)[-1].rows
        if rows:
            return int(rows[0][0])
        needs = securable.needs(PermissionType.READ)
        if isinstance(needs, OperationTarget):
            raise OperationNotFound(
                f"{doing} failed: the login {self._session.login()} sees no operation {needs.operation_id}"
            )
        missing = missing_object(self._session, doing, needs)
        # If the object was created at that moment, the call is simply repeated.
        if missing is None:
            return self._object_id(securable, doing)
        raise missing

    def _principal_id(self, name: str, doing: str) -> int:
        batch = Batch("SELECT p.principal_id FROM sys.database_principals AS p WHERE p.name = ?;", (name,))
        rows = self._session.run(batch, doing=doing)[-1].rows
        if rows:
            return int(rows[0][0])
        raise PrincipalNotFound(
            f"{doing} failed: SSISDB has no user or role {name!r} that the login {self._session.login()} can see",
            advice=f"{existing_names('user or role', name, self.principals())} {PrincipalNotFound.default_advice}",
        )
