"""Logins, users and roles in the system views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind, Principal
from airflow_provider_ssis.emulator.tsql.metadata.registry import DatabasePrincipal, ServerPrincipal

ADMIN_ROLE: Final = "ssis_admin"
LOGREADER_ROLE: Final = "ssis_logreader"
CLUSTER_EXECUTOR_ROLE: Final = "ssis_cluster_executor"
FAILOVER_AGENT_ROLE: Final = "ssis_failover_monitoring_agent"

_DATABASE: Final = "ssisdb"
ROLE: Final = "R"
"""The type of a role among the principals."""
_SERVER_ROLES: Final = {"public": 2, "sysadmin": 3}
_FIRST_LOGIN: Final = 260
_DATABASE_ROLES: Final = {"public": 0, "db_owner": 16384, "db_datareader": 16390, "db_datawriter": 16391}
_CATALOG_ROLES: Final = {
    ADMIN_ROLE: 5,
    CLUSTER_EXECUTOR_ROLE: 6,
    "ssis_cluster_worker": 7,
    LOGREADER_ROLE: 8,
    FAILOVER_AGENT_ROLE: 9,
}


def server_principals(logins: list[Principal]) -> list[ServerPrincipal]:
    """The logins of a server and its roles.

    :param logins: the first is the administrator.
    """
    roles = [ServerPrincipal(name, number, bytes([number]), ROLE) for name, number in _SERVER_ROLES.items()]
    found = [
        ServerPrincipal(login.name, 1 if number == 0 else _FIRST_LOGIN + number, login.sid, login.kind.value)
        for number, login in enumerate(logins)
    ]
    return [*found, *roles]


def database_principals(logins: list[Principal], database: str) -> list[DatabasePrincipal]:
    """The users and roles of a database: in SSISDB every login that is not its owner has a user."""
    return list(_of_database(logins, database))


def _of_database(logins: list[Principal], database: str) -> Iterator[DatabasePrincipal]:
    is_catalog = database.lower() == _DATABASE
    yield DatabasePrincipal("dbo", 1, b"\x01", LoginKind.SQL.value)
    for name, number in _DATABASE_ROLES.items():
        yield DatabasePrincipal(name, number, None, ROLE, fixed_role=number > 0)
    if not is_catalog:
        return
    for name, number in _CATALOG_ROLES.items():
        yield DatabasePrincipal(name, number, None, ROLE)
    for login in logins:
        if not login.is_sysadmin:
            yield DatabasePrincipal(login.name, login.id, login.sid, login.kind.value)
