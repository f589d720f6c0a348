"""Who is logged in, and the logins that the server knows."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

SYSADMIN: Final = "sysadmin"
_HASH_ROUNDS: Final = 1000
_FIRST_PRINCIPAL_ID: Final = 260


class LoginKind(Enum):
    """Who checks that a client is who it claims to be: SQL Server itself, a Windows domain, Entra ID."""

    SQL = "S"
    WINDOWS = "U"
    ENTRA = "E"


@dataclass(frozen=True, slots=True)
class Principal:
    """A login and the database user that it is.

    :param name: the login, as ``SUSER_SNAME()`` gives it.
    :param kind: see :class:`LoginKind`.
    :param sid: the security identifier.
    :param id: ``principal_id`` of the user in the databases; 1 is dbo.
    :param server_roles: such as ``sysadmin``.
    :param database_roles: such as ``ssis_admin``.
    """

    name: str
    kind: LoginKind
    sid: bytes
    id: int
    server_roles: frozenset[str] = frozenset()
    database_roles: frozenset[str] = frozenset()

    @property
    def is_sysadmin(self) -> bool:
        """Whether it may do everything on this server."""
        return SYSADMIN in self.server_roles

    @property
    def is_sql_login(self) -> bool:
        """Whether SQL Server itself checked its password."""
        return self.kind is LoginKind.SQL

    @property
    def user(self) -> str:
        """The database user: ``dbo`` for a sysadmin."""
        return "dbo" if self.is_sysadmin else self.name

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
    """The logins of a server, with salted hashes of their passwords."""

    _principals: dict[str, Principal] = field(default_factory=dict)
    _passwords: dict[str, tuple[bytes, bytes]] = field(default_factory=dict, repr=False)

    def add(
        self,
        name: str,
        password: str | None = None,
        *,
        kind: LoginKind = LoginKind.SQL,
        server_roles: frozenset[str] = frozenset(),
        database_roles: frozenset[str] = frozenset(),
    ) -> Principal:
        """Make a login, or replace the one of this name.

        :param password: of a SQL login; None for an identity that is proven otherwise.
        :param kind: who checks it.
        """
        known = self._principals.get(name.lower())
        if known is not None:
            number, sid = known.id, known.sid
        else:
            number = 1 if SYSADMIN in server_roles else _FIRST_PRINCIPAL_ID + len(self._principals)
            sid = b"\x01" if name.lower() == "sa" else hashlib.sha256(name.lower().encode()).digest()[:16]
        principal = Principal(
            name, kind, sid, number, frozenset(map(str.lower, server_roles)), frozenset(map(str.lower, database_roles))
        )
        self._principals[name.lower()] = principal
        self._passwords.pop(name.lower(), None)
        if password is not None:
            salt = secrets.token_bytes(16)
            self._passwords[name.lower()] = (salt, _hash(password, salt))
        return principal

    def clear(self) -> None:
        """Forget all logins."""
        self._principals.clear()
        self._passwords.clear()

    def check(self, name: str, password: str) -> Principal | None:
        """The principal that this name and password belong to, or None."""
        salt, expected = self._passwords.get(name.lower(), (b"", b""))
        matches = hmac.compare_digest(_hash(password, salt), expected)
        return self._principals.get(name.lower()) if matches else None

    def all(self) -> list[Principal]:
        """All logins."""
        return list(self._principals.values())

    def by_name(self, name: str) -> Principal | None:
        """The login of this name, or None."""
        return self._principals.get(name.lower())


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8", "surrogatepass"), salt, _HASH_ROUNDS)
