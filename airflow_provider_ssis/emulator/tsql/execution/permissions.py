"""``HAS_PERMS_BY_NAME``: the permissions that a login has on this server.

Administrators have all of them. Each login may connect, read views, and execute the procedures that are granted to the
role ``public``; other procedures need the role that they are granted to. No login has other permissions.
"""

from __future__ import annotations

from typing import Any, Final

from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure
from airflow_provider_ssis.emulator.tsql.execution.databases.user_databases import UserDatabase
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified, split_name
from airflow_provider_ssis.emulator.tsql.metadata.objects import View
from airflow_provider_ssis.emulator.tsql.metadata.system_views import SYSTEM_VIEWS

_OWNERS: Final = "db_owner"
_ANY: Final = "any"
_ON_OBJECTS: Final = frozenset("select insert update delete references execute alter control".split()) | {
    "view definition",
    "take ownership",
    "view change tracking",
    "receive",
    _ANY,
}
_ON_DATABASES: Final = _ON_OBJECTS | frozenset(
    "connect|create table|create view|create procedure|create function|create schema|create role|create type|"
    "create synonym|backup database|backup log|view database state|showplan|authenticate|checkpoint|"
    "alter any schema|alter any user|alter any role|subscribe query notifications".split("|")
)
_ON_SERVER: Final = frozenset(
    "connect sql|view any database|view server state|view any definition|control server|alter any login|"
    "alter any database|create any database|alter server state|alter settings|alter trace|alter any linked server|"
    "alter any credential|alter any connection|administer bulk operations|shutdown|authenticate server|"
    "unsafe assembly|external access assembly|impersonate any login|select all user securables|"
    "connect any database|any".split("|")
)
_FOR_EACH_LOGIN_ON_DATABASE: Final = frozenset({"connect", _ANY})
_FOR_EACH_LOGIN_ON_SERVER: Final = frozenset({"connect sql", "view any database", _ANY})


def has_permission(session: SessionState, securable: Any, kind: Any, permission: Any, *parts: Any) -> int | None:
    """``HAS_PERMS_BY_NAME``.

    :param securable: the name of an object or database; NULL for the server or the current database.
    :param kind: the class of the securable; NULL for the server.
    :param permission: a permission, or ANY.
    :param parts: a column and its class; permissions on columns are those on their table.
    :returns: 1 or 0; None for an unknown securable, class or permission.
    """
    if permission is None:
        return None
    wanted = str(permission).strip().lower()
    kind = None if kind is None else str(kind).strip().upper()
    match kind:
        case None | "SERVER":
            known, granted = _ON_SERVER, _FOR_EACH_LOGIN_ON_SERVER
        case "DATABASE":
            if securable is not None and session.metadata.database_name(str(securable)) is None:
                return None
            known, granted = _ON_DATABASES, _FOR_EACH_LOGIN_ON_DATABASE
        case "OBJECT":
            return _on_object(session, str(securable), wanted)
        case "SCHEMA":
            database = session.metadata
            if securable is None or database.schema_id(session.database, str(securable)) is None:
                return None
            known, granted = _ON_OBJECTS, frozenset()
        case _:
            return None
    if wanted not in known:
        return None
    created = session.engine.databases.get(session.database if kind != "DATABASE" or securable is None else securable)
    is_server = kind in (None, "SERVER")
    if created is not None and not is_server:
        return _granted(session, created, wanted, str(securable) if kind == "SCHEMA" else "")
    return int(wanted in granted or session.principal.is_sysadmin or (not is_server and _owns(session)))


def _granted(session: SessionState, database: UserDatabase, wanted: str, schema: str = "", name: str = "") -> int:
    """Whether the login has a permission in a client's database, or any of them."""
    rights = [right.upper() for right in _ON_OBJECTS - {_ANY}] if wanted == _ANY else [wanted.upper()]
    if not session.impersonation.allows(database.name):
        return 0
    found = [database.may(session.principal, right, schema, name) for right in rights]
    if not schema and wanted in (_ANY, "connect"):
        return int(found[0] is not None)
    return int(any(found))


def _owns(session: SessionState) -> bool:
    return session.principal.has_database_role(_OWNERS)


def _on_object(session: SessionState, name: str, wanted: str) -> int | None:
    metadata = session.metadata
    database, schema, table = metadata.resolved(qualified(split_name(name), session.database))
    found = metadata.relation(database, schema, table) or metadata.routine(database, schema, table)
    is_view = isinstance(found, View) or (schema.lower(), table.lower()) in SYSTEM_VIEWS
    if (found is None and not is_view) or wanted not in _ON_OBJECTS:
        return None
    created = session.engine.databases.get(database)
    if created is not None and found is not None:
        return _granted(session, created, wanted, found.schema, found.name)
    if session.principal.is_sysadmin or _owns(session):
        return 1
    if is_view:
        return int(wanted in ("select", _ANY))
    if isinstance(found, Procedure):
        return int(wanted in ("execute", _ANY) and session.principal.has_database_role(found.granted_to))
    return 0
