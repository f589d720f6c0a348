"""The statements about logins, users, roles and permissions, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_ssis.emulator.tsql.language.statements import Statement
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind


@dataclass(frozen=True, slots=True)
class CreateLogin(Statement):
    """``CREATE LOGIN name WITH PASSWORD = '…'``, ``FROM WINDOWS`` or ``FROM EXTERNAL PROVIDER``.

    :param sid: the security identifier that it gives; None for any.
    """

    name: str
    kind: LoginKind
    password: str | None = field(default=None, repr=False)
    sid: bytes | None = None


@dataclass(frozen=True, slots=True)
class AlterLogin(Statement):
    """``ALTER LOGIN name ENABLE``, ``DISABLE`` or ``WITH PASSWORD = '…'``.

    :param enabled: None where it stays as it is.
    :param password: None where it stays as it is.
    """

    name: str
    enabled: bool | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DropLogin(Statement):
    """``DROP LOGIN name``."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateUser(Statement):
    """``CREATE USER name [FOR LOGIN login | WITHOUT LOGIN | FROM EXTERNAL PROVIDER]``.

    :param login: None for WITHOUT LOGIN.
    :param is_external: FROM EXTERNAL PROVIDER: the login is created too where there is none.
    """

    name: str
    login: str | None
    is_external: bool


@dataclass(frozen=True, slots=True)
class DropUser(Statement):
    """``DROP USER [IF EXISTS] name``."""

    name: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class CreateRole(Statement):
    """``CREATE ROLE name``."""

    name: str


@dataclass(frozen=True, slots=True)
class DropRole(Statement):
    """``DROP ROLE [IF EXISTS] name``."""

    name: str
    if_exists: bool


@dataclass(frozen=True, slots=True)
class ChangePermissions(Statement):
    """``GRANT | DENY | REVOKE permissions [ON [class::]securable] TO principals``.

    :param action: the first word.
    :param permissions: in upper case; ALL is one.
    :param kind: DATABASE, SCHEMA or OBJECT.
    :param securable: the parts of its name; empty for the current database.
    :param with_option: WITH GRANT OPTION.
    """

    action: str
    permissions: tuple[str, ...]
    kind: str
    securable: tuple[str, ...]
    principals: tuple[str, ...]
    with_option: bool = False


@dataclass(frozen=True, slots=True)
class AlterRole(Statement):
    """``ALTER [SERVER] ROLE role ADD MEMBER member`` or ``DROP MEMBER member``."""

    role: str
    member: str
    adds: bool
    of_server: bool
