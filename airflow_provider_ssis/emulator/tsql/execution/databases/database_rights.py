"""The rights of users and roles in a client's database: fixed roles, GRANT and DENY."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

CHAINED: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE"})
"""The rights that a module needs on the objects of its database in place of its callers."""
_OWNERS: Final = "db_owner"
"""The role that has all rights."""
RIGHTS_OF_ROLES: Final = {
    "db_datareader": frozenset({"SELECT"}),
    "db_datawriter": frozenset({"INSERT", "UPDATE", "DELETE"}),
    "db_ddladmin": frozenset(
        {"ALTER", *(f"CREATE {kind}" for kind in "TABLE VIEW PROCEDURE FUNCTION SCHEMA TYPE SYNONYM SEQUENCE".split())}
    ),
}
RIGHTS_DENIED: Final = {
    "db_denydatareader": frozenset({"SELECT"}),
    "db_denydatawriter": frozenset({"INSERT", "UPDATE", "DELETE"}),
}
ROLES: Final = (_OWNERS, *RIGHTS_OF_ROLES, *RIGHTS_DENIED)
"""The fixed database roles that decide about rights."""

OF_OBJECTS: Final = frozenset(
    "SELECT|INSERT|UPDATE|DELETE|EXECUTE|REFERENCES|ALTER|CONTROL|VIEW DEFINITION|TAKE OWNERSHIP|"
    "VIEW CHANGE TRACKING".split("|")
)
OF_DATABASES: Final = OF_OBJECTS | frozenset(
    "CONNECT|CREATE TABLE|CREATE VIEW|CREATE PROCEDURE|CREATE FUNCTION|CREATE SCHEMA|CREATE ROLE|CREATE TYPE|"
    "CREATE SYNONYM|CREATE SEQUENCE|SHOWPLAN|VIEW DATABASE STATE|ALTER ANY SCHEMA|ALTER ANY ROLE|ALTER ANY USER".split(
        "|"
    )
)
NOT_ENFORCED: Final = OF_DATABASES & frozenset(
    "REFERENCES|VIEW DEFINITION|TAKE OWNERSHIP|VIEW CHANGE TRACKING|SHOWPLAN|VIEW DATABASE STATE|ALTER ANY SCHEMA|"
    "ALTER ANY ROLE|ALTER ANY USER".split("|")
)
"""The permissions about which this server does not ask: nothing would be denied."""
DATABASE: Final = "DATABASE"
SCHEMA: Final = "SCHEMA"
OBJECT: Final = "OBJECT"

GRANTED: Final = "G"
WITH_GRANT_OPTION: Final = "W"
DENIED: Final = "D"


@dataclass(frozen=True, slots=True)
class Permission:
    """What GRANT or DENY has said.

    :param grantee: a user or role, in lower case.
    :param state: :data:`GRANTED`, :data:`WITH_GRANT_OPTION` or :data:`DENIED`.
    :param permission: in upper case.
    :param kind: :data:`DATABASE`, :data:`SCHEMA` or :data:`OBJECT`.
    :param schema: of the object, or the schema itself; in lower case.
    :param name: of the object, in lower case.
    """

    grantee: str
    state: str
    permission: str
    kind: str
    schema: str = ""
    name: str = ""

    def concerns(self, right: str, schema: str, name: str) -> bool:
        """Whether it decides about a right on an object, a schema or the whole database.

        :param schema: in lower case; empty for the database.
        :param name: in lower case; empty for the schema.
        """
        covers = self.permission in (right, "CONTROL") or (self.permission == "ALTER" and right.startswith("CREATE "))
        if not covers:
            return False
        return self.kind == DATABASE or (self.schema == schema and self.name in ("", name))


def is_allowed(
    permissions: Iterable[Permission], grantees: Collection[str], right: str, schema: str, name: str
) -> bool:
    """Whether a user has a right; DENY is stronger than any role and GRANT.

    :param grantees: the user and its roles, in lower case.
    :param schema: in lower case; empty for a right in the whole database.
    :param name: in lower case; empty for a right in the whole schema.
    """
    states = {each.state for each in permissions if each.grantee in grantees and each.concerns(right, schema, name)}
    if DENIED in states or any(right in RIGHTS_DENIED.get(role, ()) for role in grantees):
        return False
    return bool(states) or _OWNERS in grantees or any(right in RIGHTS_OF_ROLES.get(role, ()) for role in grantees)
