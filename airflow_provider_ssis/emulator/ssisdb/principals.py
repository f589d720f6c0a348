"""Logins, users and roles in the system views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from airflow_provider_ssis.emulator.tsql.metadata.objects import DatabasePrincipal, ServerPrincipal
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind, Logins, Principal

ADMIN_ROLE: Final = "ssis_admin"
LOGREADER_ROLE: Final = "ssis_logreader"
CLUSTER_EXECUTOR_ROLE: Final = "ssis_cluster_executor"
FAILOVER_AGENT_ROLE: Final = "ssis_failover_monitoring_agent"

_DATABASE: Final = "ssisdb"
ROLE: Final = "R"
"""The type of a role among the principals."""
_SERVER_ROLES: Final = {"public": 2, "sysadmin": 3, "dbcreator": 9}
_DATABASE_ROLES: Final = {
    "public": 0,
    "db_owner": 16384,
    "db_ddladmin": 16387,
    "db_datareader": 16390,
    "db_datawriter": 16391,
}
_CATALOG_ROLES: Final = {
    ADMIN_ROLE: 5,
    CLUSTER_EXECUTOR_ROLE: 6,
    "ssis_cluster_worker": 7,
    LOGREADER_ROLE: 8,
    FAILOVER_AGENT_ROLE: 9,
}


def server_principals(logins: Logins) -> list[ServerPrincipal]:
    """The logins of a server and its roles."""
    roles = [ServerPrincipal(name, number, bytes([number]), ROLE) for name, number in _SERVER_ROLES.items()]
    return [
        *(ServerPrincipal(each.name, each.id, each.sid, each.kind.value, each.disabled) for each in logins.all()),
        *roles,
    ]


def server_role_members(logins: Logins) -> list[tuple[int, int]]:
    """The ids of each server role and of its members."""
    return [
        (number, login.id)
        for login in logins.all()
        for role, number in _SERVER_ROLES.items()
        if role in login.server_roles
    ]


def database_principals(logins: Logins, database: str) -> list[DatabasePrincipal]:
    """The users and roles of a database."""
    return list(_of_database(logins, database))


def _of_database(logins: Logins, database: str) -> Iterator[DatabasePrincipal]:
    yield DatabasePrincipal("dbo", 1, b"\x01", LoginKind.SQL.value)
    for name, number in _DATABASE_ROLES.items():
        yield DatabasePrincipal(name, number, None, ROLE, fixed_role=number > 0)
    if database.lower() != _DATABASE:
        return
    for name, number in _CATALOG_ROLES.items():
        yield DatabasePrincipal(name, number, None, ROLE)
    for role in logins.roles():
        yield DatabasePrincipal(role.name, role.id, None, ROLE)
    for user in logins.users():
        yield DatabasePrincipal(user.name, user.id, user.sid, user.kind.value)


def role_members(logins: Logins, database: str) -> list[tuple[int, int]]:
    """The ids of each role of a database and of its direct members."""
    ids = {each.name.lower(): each.id for each in _of_database(logins, database)}
    found = [
        (ids[role], ids[member])
        for role in ids
        for member in sorted(logins.members(role) if database.lower() == _DATABASE else ())
        if member in ids
    ]
    return [(ids["db_owner"], ids["dbo"]), *found]


def role_ids(logins: Logins, principal: Principal) -> list[int]:
    """The ids of the roles of SSISDB that a login's user is a member of, with public."""
    roles = (each for each in _of_database(logins, _DATABASE) if each.kind == ROLE)
    return [role.id for role in roles if principal.has_database_role(role.name)]
