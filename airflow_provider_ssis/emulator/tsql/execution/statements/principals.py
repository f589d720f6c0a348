"""Logins, users and roles: CREATE, ALTER, DROP. They take effect in all sessions with their next request.

Not in a transaction, because a rollback would not take them back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NoReturn

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.database_users import change_users
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import ImmediateTable
from airflow_provider_ssis.emulator.tsql.language import principal_syntax as p
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.objects import DatabasePrincipal
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_ROLE: Final = "R"
_OWNERS: Final = "db_owner"
_LOGIN_MANAGERS: Final = "securityadmin"


def _create_login(session: SessionState, statement: p.CreateLogin) -> None:
    _check_server_right(session)
    logins, name = session.engine.logins, statement.name
    if logins.login(name) is not None or _server_role(session, name):
        raise SqlError(15025, f"The server already has a login or role '{name}'.")
    if statement.kind is LoginKind.WINDOWS and "\\" not in name:
        raise SqlError(
            15407, f"'{name}' is not a Windows account. Write its domain in front, as in [DOMAIN\\{name}].", state=1
        )
    logins.add_login(name, statement.password, kind=statement.kind, sid=statement.sid)


def _alter_login(session: SessionState, statement: p.AlterLogin) -> None:
    logins, login = session.engine.logins, session.engine.logins.login(statement.name)
    if login is None or not _may_manage_logins(session):
        _missing("alter the login", statement.name)
    if statement.enabled is not None:
        logins.set_disabled(login.name, disabled=not statement.enabled)
    if statement.password is not None and login.kind is not LoginKind.SQL:
        raise SqlError(15407, f"The login '{login.name}' has no password on this server.")
    if statement.password is not None:
        logins.set_password(login.name, statement.password)


def _drop_login(session: SessionState, statement: p.DropLogin) -> None:
    login = session.engine.logins.login(statement.name)
    if login is None or not _may_manage_logins(session):
        _missing("drop the login", statement.name)
    if login.name.lower() == session.principal.name.lower():
        raise SqlError(15434, f"The login '{login.name}' cannot be dropped, because it is logged in.")
    if login is session.engine.logins.all()[0]:
        raise SqlError(15405, f"The login '{login.name}' cannot be dropped: it is the server's administrator.")
    session.engine.logins.drop_login(login.name)


def _create_user(session: SessionState, statement: p.CreateUser) -> None:
    _check_database_right(session, "create the user")
    logins, name = session.engine.logins, statement.name
    if _database_principal(session, name) is not None:
        raise SqlError(15023, f"The database already has a user, group or role '{name}'.")
    if statement.login is None:
        logins.add_user(name, None)
        return
    login = logins.login(statement.login)
    if login is None and statement.is_external:
        login = logins.add_login(name, kind=LoginKind.ENTRA)
    if login is None:
        raise SqlError(
            15007, f"'{statement.login}' is not a login, or you do not have permission. Create it with CREATE LOGIN."
        )
    if logins.user_of(login) is not None or login is logins.all()[0]:
        raise SqlError(15063, f"The login '{login.name}' already has a user in this database.")
    logins.add_user(name, login)


def _drop_user(session: SessionState, statement: p.DropUser) -> None:
    found = session.engine.logins.user(statement.name)
    if found is None and _database_principal(session, statement.name) is not None:
        raise SqlError(15150, f"The user '{statement.name}' cannot be dropped.")
    if found is None and statement.if_exists:
        return
    if found is None or not _may_manage_users(session):
        _missing("drop the user", statement.name)
    session.engine.check_drop(session.read, found.id)
    session.engine.logins.drop_user(found.name)


def _create_role(session: SessionState, statement: p.CreateRole) -> None:
    _check_database_right(session, "create the role")
    if _database_principal(session, statement.name) is not None:
        raise SqlError(15023, f"The database already has a user, group or role '{statement.name}'.")
    session.engine.logins.add_role(statement.name)


def _drop_role(session: SessionState, statement: p.DropRole) -> None:
    logins = session.engine.logins
    found = logins.role(statement.name)
    if found is None and statement.if_exists and _database_principal(session, statement.name) is None:
        return
    if found is None and _database_principal(session, statement.name) is not None:
        raise SqlError(15150, f"The role '{statement.name}' cannot be dropped.")
    if found is None or not _may_manage_users(session):
        _missing("drop the role", statement.name)
    if logins.members(found.name):
        raise SqlError(15144, f"The role '{found.name}' has members. Remove them before you drop it.")
    session.engine.check_drop(session.read, found.id)
    logins.drop_role(found.name)


def _alter_role(session: SessionState, statement: p.AlterRole) -> None:
    if statement.of_server:
        _alter_server_role(session, statement)
        return
    logins, role, member = session.engine.logins, statement.role, statement.member
    found = _database_principal(session, role)
    if found is None or found.kind != _ROLE or not _may_manage_users(session):
        _missing("alter the role", role)
    if found.id == 0:
        raise SqlError(15081, "The members of the role public cannot be changed.")
    principal = _database_principal(session, member)
    if principal is None or principal.id == 0:
        _missing(f"{'add' if statement.adds else 'drop'} the principal", member)
    if principal.id == 1 or principal.fixed_role:
        raise SqlError(15405, f"The principal '{principal.name}' cannot be a member of a role.")
    if not statement.adds:
        logins.drop_member(found.name, principal.name)
    elif found.name.lower() == principal.name.lower() or principal.name.lower() in logins.roles_of(found.name):
        raise SqlError(15413, "A role cannot be a member of itself, or of one of its members.")
    else:
        logins.add_member(found.name, principal.name)


def _alter_server_role(session: SessionState, statement: p.AlterRole) -> None:
    login = session.engine.logins.login(statement.member)
    if not _server_role(session, statement.role) or not session.principal.is_sysadmin:
        _missing("alter the server role", statement.role)
    if login is None:
        _missing(f"{'add' if statement.adds else 'drop'} the principal", statement.member)
    if login is session.engine.logins.all()[0]:
        raise SqlError(
            15405, f"The login '{login.name}' cannot be {'added to' if statement.adds else 'removed from'} it."
        )
    session.engine.logins.set_server_role(login.name, statement.role, member=statement.adds)


# --- checks


def _may_manage_logins(session: SessionState) -> bool:
    return session.principal.has_server_role(_LOGIN_MANAGERS)


def _may_manage_users(session: SessionState) -> bool:
    return session.principal.has_database_role(_OWNERS)


def _check_server_right(session: SessionState) -> None:
    if not _may_manage_logins(session):
        raise SqlError(15247, "You do not have permission to create logins. It requires membership in sysadmin.")


def _check_database_right(session: SessionState, action: str) -> None:
    if not _may_manage_users(session):
        raise SqlError(15247, f"You do not have permission to {action}. It requires membership in db_owner.")


def _database_principal(session: SessionState, name: str) -> DatabasePrincipal | None:
    engine = session.engine
    if session.database != engine.database:
        raise not_supported(f"A change of users or roles outside of the database {engine.database}")
    found = engine.metadata.database_principals(engine.database)
    return next((each for each in found if each.name.lower() == name.lower()), None)


def _server_role(session: SessionState, name: str) -> bool:
    found = session.engine.metadata.server_principals()
    return any(each.kind == _ROLE and each.name.lower() == name.lower() for each in found)


def _missing(action: str, name: str) -> NoReturn:
    raise SqlError(15151, f"Cannot {action} '{name}': it does not exist, or you do not have permission.")


def _change_permissions(session: SessionState, statement: p.ChangePermissions) -> None:
    raise not_supported(f"{statement.action} outside of the databases of clients")


_ACTIONS: Final[dict[type[s.Statement], Any]] = {
    p.AlterLogin: _alter_login,
    p.AlterRole: _alter_role,
    p.ChangePermissions: _change_permissions,
    p.CreateLogin: _create_login,
    p.CreateRole: _create_role,
    p.CreateUser: _create_user,
    p.DropLogin: _drop_login,
    p.DropRole: _drop_role,
    p.DropUser: _drop_user,
}


def _run(interpreter: Runner, statement: s.Statement, frame: Frame) -> Iterable[Event]:
    change_principals(interpreter.session, statement)
    return ()


def change_principals(session: SessionState, statement: s.Statement) -> None:
    """Run a statement about logins, users or roles.

    :raises SqlError: 15151 and others: it cannot be done.
    """
    if session.in_transaction:
        raise not_supported("A change of logins, users or roles in a transaction")
    created = session.engine.databases.get(session.database)
    if created is not None and _is_of_database(statement):
        change_users(session, created, statement)
        session.row_count = 0
        return
    if isinstance(statement, p.CreateUser | p.DropUser):
        _database_principal(session, statement.name)
    _ACTIONS[type(statement)](session, statement)
    session.engine.login_file.save()
    session.row_count = 0
    session.refresh_principal()


def _is_of_database(statement: s.Statement) -> bool:
    if isinstance(statement, p.AlterRole):
        return not statement.of_server
    return isinstance(statement, p.CreateUser | p.DropUser | p.CreateRole | p.DropRole | p.ChangePermissions)


IMMEDIATE: Final[ImmediateTable] = dict.fromkeys(_ACTIONS, _run)
