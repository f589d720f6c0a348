"""The users of clients' databases and their roles: CREATE USER, DROP USER, ALTER ROLE."""

from __future__ import annotations

from typing import Final, NoReturn

from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.user_databases import ROLES, Member, UserDatabase
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_FIXED: Final = ("dbo", "guest", "public", "sys", "information_schema")


def change_users(session: SessionState, database: UserDatabase, statement: s.Statement) -> None:
    """Run a statement about the users of a client's database.

    :raises SqlError: 15151 and others: it cannot be done.
    """
    if not database.is_owner(session.principal) and "db_owner" not in database.roles_of(session.user):
        raise SqlError(15247, "User does not have permission to perform this action: it requires db_owner.")
    match statement:
        case s.CreateUser():
            _create(session, database, statement)
        case s.DropUser(name=name, if_exists=if_exists):
            if database.members.pop(name.lower(), None) is None and not if_exists:
                _missing("drop the user", name)
        case s.AlterRole():
            _alter_role(database, statement)
        case _:
            raise not_supported("A role that a client creates in its own database")
    session.engine.databases.save_members(database)


def _create(session: SessionState, database: UserDatabase, statement: s.CreateUser) -> None:
    name = statement.name
    if name.lower() in (*database.members, *_FIXED, *ROLES):
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


def _alter_role(database: UserDatabase, statement: s.AlterRole) -> None:
    role, member = statement.role.lower(), database.members.get(statement.member.lower())
    if role not in ROLES:
        _missing("alter the role", statement.role)
    if member is None:
        _missing(f"{'add' if statement.adds else 'drop'} the principal", statement.member)
    (member.roles.add if statement.adds else member.roles.discard)(role)


def _missing(action: str, name: str) -> NoReturn:
    raise SqlError(15151, f"Cannot {action} '{name}': it does not exist, or you do not have permission.")
