"""The users, roles and permissions of clients' databases: CREATE USER, CREATE ROLE, ALTER ROLE, GRANT and others."""

from __future__ import annotations

from typing import Final, NoReturn

from airflow_provider_ssis.emulator.tsql.execution.databases.database_rights import (
    DATABASE,
    DENIED,
    GRANTED,
    NOT_ENFORCED,
    OF_DATABASES,
    OF_OBJECTS,
    ROLES,
    SCHEMA,
    WITH_GRANT_OPTION,
    Permission,
)
from airflow_provider_ssis.emulator.tsql.execution.databases.user_databases import Member, UserDatabase
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.language import principal_syntax as p
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.names import qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import Synonym
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_FIXED: Final = ("dbo", "guest", "public", "sys", "information_schema")


def change_users(session: SessionState, database: UserDatabase, statement: s.Statement) -> None:
    """Run a statement about the users of a client's database.

    :raises SqlError: 15151 and others: it cannot be done.
    """
    if not database.is_owner(session.principal) and "db_owner" not in database.roles_of(session.user):
        raise SqlError(15247, "User does not have permission to perform this action: it requires db_owner.")
    match statement:
        case p.CreateUser():
            _create(session, database, statement)
        case p.DropUser(name=name, if_exists=if_exists):
            if database.members.pop(name.lower(), None) is not None:
                _forget(database, name)
            elif not if_exists:
                _missing("drop the user", name)
        case p.CreateRole(name=name):
            if name.lower() in (*database.members, *database.roles, *_FIXED, *ROLES):
                raise SqlError(15023, f"The database already has a user, group or role '{name}'.")
            database.roles[name.lower()] = Member(name, "")
        case p.DropRole(name=name, if_exists=if_exists):
            _drop_role(database, name, if_exists=if_exists)
        case p.AlterRole():
            _alter_role(database, statement)
        case p.ChangePermissions():
            _change_permissions(session, database, statement)
        case _:
            raise not_supported("This statement in a client's database")
    session.engine.databases.save_members(database)


def _create(session: SessionState, database: UserDatabase, statement: p.CreateUser) -> None:
    name = statement.name
    if name.lower() in (*database.members, *database.roles, *_FIXED, *ROLES):
        raise SqlError(15023, f"The database already has a user, group or role '{name}'.")
    if statement.login is None:
        database.members[name.lower()] = Member(name, "")
        return
    login = session.engine.logins.login(statement.login)
    if login is None:
        text = f"'{statement.login}' is not a login, or you do not have permission. Create it with CREATE LOGIN."
        raise SqlError(15007, text)
    if login.name.lower() in (database.owner.lower(), *(each.login.lower() for each in database.members.values())):
        raise SqlError(15063, f"The login '{login.name}' already has a user in this database.")
    database.members[name.lower()] = Member(name, login.name)


def _alter_role(database: UserDatabase, statement: p.AlterRole) -> None:
    role, name = statement.role.lower(), statement.member.lower()
    member = database.members.get(name) or database.roles.get(name)
    if role not in (*ROLES, *database.roles):
        _missing("alter the role", statement.role)
    if member is None:
        _missing(f"{'add' if statement.adds else 'drop'} the principal", statement.member)
    if statement.adds and (name == role or name in database.roles_of(role)):
        raise SqlError(15413, "A role cannot be a member of itself, or of one of its members.")
    (member.roles.add if statement.adds else member.roles.discard)(role)


def _drop_role(database: UserDatabase, name: str, *, if_exists: bool) -> None:
    role = name.lower()
    if role in (*_FIXED, *ROLES):
        raise SqlError(15150, f"Cannot drop the role '{name}'.")
    if role not in database.roles:
        if if_exists:
            return
        _missing("drop the role", name)
    if any(role in each.roles for each in (*database.members.values(), *database.roles.values())):
        raise SqlError(15144, f"The role '{name}' has members. Remove them before you drop it.")
    del database.roles[role]
    _forget(database, name)


def _forget(database: UserDatabase, name: str) -> None:
    """Forget the permissions of a user or role that is dropped."""
    database.permissions = {each for each in database.permissions if each.grantee != name.lower()}


def _change_permissions(session: SessionState, database: UserDatabase, statement: p.ChangePermissions) -> None:
    schema, name = _place(session, database, statement)
    known = OF_DATABASES if statement.kind == DATABASE else OF_OBJECTS
    listed: list[str] = []
    for permission in statement.permissions:
        listed += _ALL if permission == "ALL" else [permission]
    for permission in listed:
        if permission not in known:
            text = f"Granted or revoked privilege {permission} is not compatible with object."
            raise SqlError(4606, text)
        if statement.action == "DENY" and permission in NOT_ENFORCED and "ALL" not in statement.permissions:
            raise not_supported(f"DENY {permission}")
    for principal in statement.principals:
        grantee = principal.lower()
        if "CONNECT" in listed and statement.action != "GRANT" and grantee != "guest":
            raise not_supported(f"{statement.action} CONNECT (drop the user {principal} instead)")
        if grantee in ("dbo", "sys", "information_schema", database.user(session.principal).lower()):
            text = "Cannot grant, deny, or revoke permissions to dbo, information_schema, sys, or yourself."
            raise SqlError(4624, text)
        if grantee in ROLES:
            raise SqlError(4617, "Cannot grant, deny or revoke permissions to or from special roles.")
        if grantee not in (*database.members, *database.roles, "public", "guest"):
            text = f"Cannot find the user '{principal}', because it does not exist or you do not have permission."
            raise SqlError(15151, text)
        for permission in listed:
            places = {Permission(grantee, state, permission, statement.kind, schema, name) for state in _STATES}
            database.permissions -= places
            if statement.action != "REVOKE":
                state = (
                    DENIED if statement.action == "DENY" else WITH_GRANT_OPTION if statement.with_option else GRANTED
                )
                database.permissions.add(Permission(grantee, state, permission, statement.kind, schema, name))


def _place(session: SessionState, database: UserDatabase, statement: p.ChangePermissions) -> tuple[str, str]:
    """The schema and the name of a securable, in lower case.

    :raises SqlError: 15151, there is none.
    """
    shown = ".".join(statement.securable)
    missing = f"Cannot find the {statement.kind.lower()} '{shown}', because it does not exist or you may not use it."
    if statement.kind == DATABASE:
        if statement.securable and shown.lower() != database.name.lower():
            raise SqlError(15151, missing)
        return "", ""
    if statement.kind == SCHEMA:
        if session.metadata.schema_id(database.name, shown) is None:
            raise SqlError(15151, missing)
        return shown.lower(), ""
    place, schema, name = qualified(statement.securable, session.database)
    item = session.metadata.item(place, schema, name)
    if place.lower() != database.name.lower() or item is None:
        raise SqlError(15151, missing)
    if isinstance(item, Synonym):
        raise not_supported(f"{statement.action} on the synonym '{shown}' (use the name of its object)")
    return schema.lower(), name.lower()


_ALL: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE", "REFERENCES")
_STATES: Final = (GRANTED, WITH_GRANT_OPTION, DENIED)


def _missing(action: str, name: str) -> NoReturn:
    raise SqlError(15151, f"Cannot {action} '{name}': it does not exist, or you do not have permission.")
