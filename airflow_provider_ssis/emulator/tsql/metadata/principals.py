"""Logins, database users and roles, and who is logged in.

There is one database with users: that of the server. A login without a user cannot use it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

SYSADMIN: Final = "sysadmin"
_HASH_ROUNDS: Final = 1000
_LAST_FIXED_ID: Final = 259
_ADMINISTRATOR_ID: Final = 1
GUEST_ID: Final = 2
"""``principal_id`` of the user guest."""


class LoginKind(Enum):
    """The authority that checks the identity of a client: SQL Server itself, a Windows domain, Entra ID."""

    SQL = "S"
    WINDOWS = "U"
    ENTRA = "E"


@dataclass(frozen=True, slots=True)
class Login:
    """A login of the server.

    :param id: ``principal_id`` among the principals of the server.
    :param server_roles: such as ``sysadmin``, in lower case.
    :param disabled: whether it is refused to log in.
    """

    name: str
    kind: LoginKind
    sid: bytes
    id: int
    server_roles: frozenset[str] = frozenset()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A user of the database; its login has the same sid.

    :param id: ``principal_id`` in the database.
    """

    name: str
    kind: LoginKind
    sid: bytes
    id: int


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the database that was created by a client.

    :param id: ``principal_id`` in the database.
    """

    name: str
    id: int


@dataclass(frozen=True, slots=True)
class Principal:
    """A login and the database user that it is.

    :param name: the login, as ``SUSER_SNAME()`` gives it.
    :param kind: see :class:`LoginKind`.
    :param sid: the security identifier.
    :param id: ``principal_id`` of the user in the databases; 1 is dbo, 2 is guest.
    :param server_roles: such as ``sysadmin``.
    :param database_roles: such as ``ssis_admin``, with the roles that those are members of.
    :param login_id: ``principal_id`` of the login.
    :param user_name: the database user; empty if the login has none.
    """

    name: str
    kind: LoginKind
    sid: bytes
    id: int
    server_roles: frozenset[str] = frozenset()
    database_roles: frozenset[str] = frozenset()
    login_id: int = 0
    user_name: str = ""

    @property
    def is_sysadmin(self) -> bool:
        """Whether it may do everything on this server."""
        return SYSADMIN in self.server_roles

    @property
    def is_sql_login(self) -> bool:
        """Whether SQL Server itself checked its password."""
        return self.kind is LoginKind.SQL

    @property
    def has_user(self) -> bool:
        """Whether it may use the database."""
        return self.is_sysadmin or bool(self.user_name)

    @property
    def user(self) -> str:
        """The database user: ``dbo`` for a sysadmin, ``guest`` for a login without a user."""
        return "dbo" if self.is_sysadmin else self.user_name or "guest"

    def has_server_role(self, role: str) -> bool:
        """``IS_SRVROLEMEMBER(role)``; a sysadmin is in all of them."""
        return self.is_sysadmin or role.lower() in self.server_roles or role.lower() == "public"

    def has_database_role(self, role: str) -> bool:
        """``IS_MEMBER(role)``; dbo is a member of db_owner and of no other role by default."""
        if self.is_sysadmin and role.lower() == "db_owner":
            return True
        return role.lower() in self.database_roles or role.lower() == "public"


@dataclass(slots=True)
class Logins:
    """The logins, users and roles of a server, with salted hashes of the passwords. Names are compared without case.

    :param version: grows with each change, so that sessions notice that their rights have changed.
    """

    version: int = 0
    _logins: dict[str, Login] = field(default_factory=dict)
    _passwords: dict[str, tuple[bytes, bytes]] = field(default_factory=dict, repr=False)
    _users: dict[str, User] = field(default_factory=dict)
    _roles: dict[str, Role] = field(default_factory=dict)
    _members: dict[str, set[str]] = field(default_factory=dict)
    """The members of each database role; all names are in lower case."""
    _last_id: int = _LAST_FIXED_ID
    _reserved: dict[bytes, int] = field(default_factory=dict)
    """The ids of users of earlier runs of the server, by their sids."""

    def reserve(self, ids: Iterable[tuple[bytes | None, int]]) -> None:
        """Keep ids for the users that had them before a restart: no other user gets them.

        :param ids: pairs of a user's sid and id; the sid is None for a role, whose id is not used again.
        """
        for sid, number in ids:
            self._last_id = max(self._last_id, number)
            if sid is not None:
                self._reserved[sid] = number

    def add(
        self,
        name: str,
        password: str | None = None,
        *,
        kind: LoginKind = LoginKind.SQL,
        server_roles: frozenset[str] = frozenset(),
        database_roles: frozenset[str] = frozenset(),
    ) -> Principal:
        """Create a login with a user of its name, or replace the login of this name and its memberships.

        :param password: of a SQL login; None for an identity that is proven otherwise.
        :param kind: who checks it.
        """
        login = self.add_login(name, password, kind=kind, server_roles=server_roles)
        key = name.lower()
        for members in self._members.values():
            members.discard(key)
        if SYSADMIN in login.server_roles:
            self._users.pop(key, None)
        else:
            self.add_user(name, login)
        for role in database_roles:
            self.add_member(role, name)
        return self._principal(login)

    def add_login(
        self,
        name: str,
        password: str | None = None,
        *,
        kind: LoginKind = LoginKind.SQL,
        server_roles: frozenset[str] = frozenset(),
        sid: bytes | None = None,
    ) -> Login:
        """Create a login without a user, or replace the login of this name.

        :param password: of a SQL login; None for an identity that is proven otherwise.
        :param kind: who checks it.
        :param sid: its security identifier. Default: one that follows from the name.
        """
        self.version += 1
        key = name.lower()
        known = self._logins.get(key)
        if known is not None:
            number, sid = known.id, known.sid
        else:
            number = self._next_id() if self._logins else _ADMINISTRATOR_ID
            sid = sid or (b"\x01" if key == "sa" else hashlib.sha256(key.encode()).digest()[:16])
        login = Login(name, kind, sid, number, frozenset(map(str.lower, server_roles)))
        self._logins[key] = login
        self._passwords.pop(key, None)
        if password is not None:
            self.set_password(name, password)
        return login

    def drop_login(self, name: str) -> None:
        """Delete a login. Its user stays, without a login."""
        self.version += 1
        del self._logins[name.lower()]
        self._passwords.pop(name.lower(), None)

    def set_disabled(self, name: str, *, disabled: bool) -> None:
        """Refuse the login of this name, or accept it again."""
        self.version += 1
        self._logins[name.lower()] = replace(self._logins[name.lower()], disabled=disabled)

    def set_password(self, name: str, password: str) -> None:
        """Change the password of a SQL login."""
        salt = secrets.token_bytes(16)
        self._passwords[name.lower()] = (salt, _hash(password, salt))

    def set_server_role(self, name: str, role: str, *, member: bool) -> None:
        """Make a login a member of a server role, or no longer one."""
        self.version += 1
        login = self._logins[name.lower()]
        roles = login.server_roles | {role.lower()} if member else login.server_roles - {role.lower()}
        self._logins[name.lower()] = replace(login, server_roles=roles)

    def add_user(self, name: str, login: Login | None) -> User:
        """Create a user, or replace the user of this name.

        :param login: None for a user without a login.
        """
        self.version += 1
        known = self._users.get(name.lower())
        sid = login.sid if login is not None else secrets.token_bytes(28)
        number = known.id if known is not None else self._reserved.get(sid) or self._next_id()
        user = User(name, LoginKind.SQL if login is None else login.kind, sid, number)
        self._users[name.lower()] = user
        return user

    def drop_user(self, name: str) -> None:
        """Delete a user and its memberships."""
        self.version += 1
        del self._users[name.lower()]
        for members in self._members.values():
            members.discard(name.lower())

    def add_role(self, name: str) -> Role:
        """Create a role of the database."""
        self.version += 1
        role = self._roles[name.lower()] = Role(name, self._next_id())
        return role

    def drop_role(self, name: str) -> None:
        """Delete a role of the database and its memberships."""
        self.version += 1
        del self._roles[name.lower()]
        self._members.pop(name.lower(), None)
        for members in self._members.values():
            members.discard(name.lower())

    def add_member(self, role: str, member: str) -> None:
        """Make a user or role a member of a database role."""
        self.version += 1
        self._members.setdefault(role.lower(), set()).add(member.lower())

    def drop_member(self, role: str, member: str) -> None:
        """End a membership, if there is one."""
        self.version += 1
        self._members.get(role.lower(), set()).discard(member.lower())

    def clear(self) -> None:
        """Delete all logins, users and roles."""
        self.version += 1
        for table in (self._logins, self._passwords, self._users, self._roles, self._members, self._reserved):
            table.clear()

    def snapshot(self) -> dict[str, Any]:
        """All logins, users and roles as values that JSON can contain, for :meth:`restore`."""
        return {
            "last_id": self._last_id,
            "logins": [
                {
                    **_of_person(login),
                    "server_roles": sorted(login.server_roles),
                    "disabled": login.disabled,
                    "password": [part.hex() for part in self._passwords.get(key, ())],
                }
                for key, login in self._logins.items()
            ],
            "users": [_of_person(user) for user in self._users.values()],
            "roles": [{"name": role.name, "id": role.id} for role in self._roles.values()],
            "members": {role: sorted(members) for role, members in self._members.items() if members},
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Replace all logins, users and roles by those of a snapshot.

        :param snapshot: from :meth:`snapshot`.
        :raises ValueError: it is none; also KeyError or TypeError.
        """
        self.clear()
        self._last_id = int(snapshot["last_id"])
        for each in snapshot["logins"]:
            key = each["name"].lower()
            self._logins[key] = Login(
                **_person(each), server_roles=frozenset(each["server_roles"]), disabled=bool(each["disabled"])
            )
            if each["password"]:
                salt, hashed = map(bytes.fromhex, each["password"])
                self._passwords[key] = salt, hashed
        self._users |= {each["name"].lower(): User(**_person(each)) for each in snapshot["users"]}
        self._roles |= {each["name"].lower(): Role(each["name"], each["id"]) for each in snapshot["roles"]}
        self._members |= {role: set(members) for role, members in snapshot["members"].items()}

    def check(self, name: str, password: str) -> Principal | None:
        """The principal that this name and password belong to, or None."""
        salt, expected = self._passwords.get(name.lower(), (b"", b""))
        matches = hmac.compare_digest(_hash(password, salt), expected)
        return self.by_name(name) if matches else None

    def by_name(self, name: str) -> Principal | None:
        """The principal of the login of this name, or None."""
        login = self._logins.get(name.lower())
        return None if login is None else self._principal(login)

    def login(self, name: str) -> Login | None:
        """The login of this name, or None."""
        return self._logins.get(name.lower())

    def all(self) -> list[Login]:
        """All logins; the first is the administrator."""
        return list(self._logins.values())

    def user(self, name: str) -> User | None:
        """The user of this name, or None."""
        return self._users.get(name.lower())

    def user_of(self, login: Login) -> User | None:
        """The user of a login, or None."""
        return next((user for user in self._users.values() if user.sid == login.sid), None)

    def users(self) -> list[User]:
        """All users but dbo."""
        return list(self._users.values())

    def role(self, name: str) -> Role | None:
        """The role that a client created with this name, or None."""
        return self._roles.get(name.lower())

    def roles(self) -> list[Role]:
        """All roles that clients created."""
        return list(self._roles.values())

    def members(self, role: str) -> frozenset[str]:
        """The direct members of a database role, in lower case."""
        return frozenset(self._members.get(role.lower(), ()))

    def roles_of(self, name: str) -> frozenset[str]:
        """The database roles of a user or role, also through other roles, in lower case."""
        found: set[str] = set()
        waiting = [name.lower()]
        while waiting:
            member = waiting.pop()
            more = {role for role, members in self._members.items() if member in members} - found
            found |= more
            waiting += more
        return frozenset(found)

    def _principal(self, login: Login) -> Principal:
        user = self.user_of(login)
        is_dbo = SYSADMIN in login.server_roles
        own_id = GUEST_ID if user is None else user.id
        return Principal(
            login.name,
            login.kind,
            login.sid,
            _ADMINISTRATOR_ID if is_dbo else own_id,
            login.server_roles,
            frozenset() if user is None else self.roles_of(user.name),
            login.id,
            "" if user is None else user.name,
        )

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _of_person(person: Login | User) -> dict[str, Any]:
    return {"name": person.name, "kind": person.kind.value, "sid": person.sid.hex(), "id": person.id}


def _person(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": values["name"],
        "kind": LoginKind(values["kind"]),
        "sid": bytes.fromhex(values["sid"]),
        "id": int(values["id"]),
    }


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8", "surrogatepass"), salt, _HASH_ROUNDS)
