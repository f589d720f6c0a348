"""Which principal a session acts as: EXECUTE AS, REVERT, and modules that run as their owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.metadata.principals import GUEST_ID, Principal
from airflow_provider_ssis.emulator.tsql.metadata.registry import SYSTEM_DATABASES
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_DBO: Final = "dbo"
_OWNERS: Final = "db_owner"


@dataclass(frozen=True, slots=True)
class _Context:
    """A change of the principal.

    :param before: the principal before it.
    :param scope_before: the scope before it.
    :param database: the current one when it was made.
    :param is_module: a module made it that runs as its owner.
    """

    before: Principal
    scope_before: str
    database: str
    is_module: bool = False


class Impersonating(Protocol):
    """What EXECUTE AS needs of a session."""

    engine: Engine
    principal: Principal
    database: str

    @property
    def user(self) -> str:
        """The user that the principal is in the current database."""


class Impersonation:
    """The principals that a session acts as, the innermost last.

    :param become: makes the session act as a principal.
    """

    def __init__(self, become: Callable[[Principal], None]) -> None:
        self._become = become
        self._contexts: list[_Context] = []
        self._floor = 0
        self._scope = ""

    def original(self, now: Principal) -> Principal:
        """The principal that has logged in.

        :param now: the one that the session acts as.
        """
        return self._contexts[0].before if self._contexts else now

    def allows(self, database: str) -> bool:
        """Whether a database may be used: a user that is not a login is known in its database only."""
        return not self._scope or database.lower() in (self._scope, *SYSTEM_DATABASES)

    def enter(self) -> tuple[int, int]:
        """Begin a module or dynamic SQL, whose REVERT reaches no further back. Returns the place for :meth:`leave`."""
        place = len(self._contexts), self._floor
        self._floor = len(self._contexts)
        return place

    def leave(self, place: tuple[int, int]) -> None:
        """Return to the principal of the caller.

        :param place: from :meth:`enter`.
        """
        depth, self._floor = place
        while len(self._contexts) > depth:
            self._pop()

    def clear(self) -> None:
        """Return to the principal that has logged in."""
        self.leave((0, 0))

    def act_as_login(self, session: Impersonating, name: str, *, is_final: bool = False) -> None:
        """``EXECUTE AS LOGIN``.

        :param is_final: it cannot be reverted.
        :raises SqlError: 15406; also where the session acts as a user, which has no rights on the server.
        """
        found = session.engine.logins.by_name(name)
        is_own = not self._scope and found is not None and found.name == session.principal.name
        if found is None or not (session.principal.is_sysadmin or is_own):
            raise SqlError(15406, _DENIED.format("server", name))
        self._act_as(session, found, "", is_final=is_final)

    def act_as_user(self, session: Impersonating, name: str, *, is_final: bool = False) -> None:
        """``EXECUTE AS USER``.

        :param is_final: it cannot be reverted.
        :raises SqlError: 15517; 40514, the user has no login.
        """
        own = session.user
        if name.lower() == own.lower():
            self._act_as(session, session.principal, session.database.lower(), is_final=is_final)
            return
        if not _is_owner(session):
            raise SqlError(15517, _DENIED.format("database", name))
        self._act_as(session, _user(session, name), session.database.lower(), is_final=is_final)

    def act_as_owner(self, session: Impersonating, database: str) -> None:
        """Run a module WITH EXECUTE AS OWNER: all objects of a database belong to dbo."""
        self._act_as(session, _dbo(session.engine, database), database.lower(), is_module=True)

    def act_as_caller(self, session: Impersonating) -> None:
        """``EXECUTE AS CALLER``: the principal that has called the module that runs now."""
        module = self._contexts[self._floor - 1] if self._floor else None
        if module is not None and module.is_module:
            self._act_as(session, module.before, module.scope_before)
        else:
            self._act_as(session, session.principal, self._scope)

    def revert(self, session: Impersonating) -> None:
        """``REVERT``; nothing where nothing was changed.

        :raises SqlError: 15199, the current database is another one than in EXECUTE AS.
        """
        if len(self._contexts) <= self._floor:
            return
        if self._contexts[-1].database.lower() != session.database.lower():
            text = (
                "The current security context cannot be reverted. Please switch to the original database where "
                "'Execute As' was called and try it again."
            )
            raise SqlError(15199, text)
        self._pop()

    def refresh(self, engine: Engine) -> None:
        """Take note of rights that the other principals have gained or lost."""
        self._contexts = [
            replace(each, before=_as_now(engine, each.before, each.scope_before)) for each in self._contexts
        ]

    def current(self, engine: Engine, principal: Principal) -> Principal:
        """The principal that the session acts as, with its rights of now."""
        return _as_now(engine, principal, self._scope)

    def _act_as(
        self,
        session: Impersonating,
        principal: Principal,
        scope: str,
        *,
        is_final: bool = False,
        is_module: bool = False,
    ) -> None:
        self._contexts.append(_Context(session.principal, self._scope, session.database, is_module))
        self._scope = scope
        self._become(principal)
        if is_final:
            self._floor = len(self._contexts)

    def _pop(self) -> None:
        context = self._contexts.pop()
        self._scope = context.scope_before
        self._become(context.before)


def _is_owner(session: Impersonating) -> bool:
    created = session.engine.databases.get(session.database)
    if created is None:
        return session.principal.has_database_role(_OWNERS)
    return _OWNERS in created.roles_of(session.user)


def _user(session: Impersonating, name: str) -> Principal:
    """The principal of a user of the current database: its login, without the roles of the server."""
    engine = session.engine
    created = engine.databases.get(session.database)
    if created is not None and name.lower() == _DBO:
        return _dbo(engine, session.database)
    if created is not None:
        member = created.members.get(name.lower())
        login = None if member is None else engine.logins.login(member.login)
        is_known, number = member is not None, GUEST_ID
    else:
        user = engine.logins.user(name) if session.database.lower() == engine.database.lower() else None
        login = next((each for each in engine.logins.all() if user is not None and each.sid == user.sid), None)
        is_known, number = user is not None, GUEST_ID if user is None else user.id
    if not is_known:
        raise SqlError(15517, _DENIED.format("database", name))
    principal = None if login is None else engine.logins.by_name(login.name)
    if principal is None:
        raise not_supported("EXECUTE AS of a user without a login")
    return replace(principal, server_roles=frozenset(), id=number)


def _dbo(engine: Engine, database: str) -> Principal:
    """The principal of dbo in a client's database."""
    created = engine.databases.get(database)
    owner = None if created is None else engine.logins.by_name(created.owner)
    if owner is None:
        raise not_supported("EXECUTE AS the owner of a database whose login was dropped")
    return replace(owner, server_roles=frozenset())


def _as_now(engine: Engine, principal: Principal, scope: str) -> Principal:
    """A principal with its rights of now; one that acts as a user has no roles of the server."""
    found = engine.logins.by_name(principal.name)
    if found is None:
        return principal
    return replace(found, server_roles=frozenset(), id=principal.id) if scope and not principal.server_roles else found


_DENIED: Final = (
    'Cannot execute as the {} principal because the principal "{}" does not exist, this type of principal cannot be '
    "impersonated, or you do not have permission."
)
