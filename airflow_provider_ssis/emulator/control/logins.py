"""Logins through T-SQL, for any client: a procedure of schema ``emulator``::

    EXEC emulator.add_login @name = N'CORP\\etl', @kind = N'WINDOWS', @database_roles = N'ssis_admin';

Members of sysadmin may call it. A server with a data folder keeps logins over restarts; the password that a Windows
account gives for NTLM is not kept, because NTLM needs it in clear text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from airflow_provider_ssis.emulator.control.procedures import Arguments, Declared, declared_procedures
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind


class AddLogin(Protocol):
    """Creates a login."""

    def __call__(
        self,
        name: str,
        password: str | None,
        *,
        kind: LoginKind,
        server_roles: Sequence[str],
        database_roles: Sequence[str],
    ) -> None:
        """Create a login, or change the login of this name."""


def add_login(add: AddLogin, given: Arguments) -> None:
    """Create a login of ``@kind`` ``SQL``, ``WINDOWS`` or ``ENTRA``; roles are separated by commas."""
    add(
        given["name"],
        given["password"],
        kind=_kind(given["kind"]),
        server_roles=_names(given["server_roles"]),
        database_roles=_names(given["database_roles"]),
    )


def _kind(name: str) -> LoginKind:
    try:
        return LoginKind[name.strip().upper()]
    except KeyError:
        raise ValueError(f"{name!r} is not a kind of login. Give one of {', '.join(LoginKind.__members__)}") from None


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


DECLARED: Final[tuple[Declared[AddLogin], ...]] = (
    (
        add_login,
        (
            "@name nvarchar(128), @password nvarchar(128) = NULL, @kind nvarchar(10) = N'SQL', "
            "@server_roles nvarchar(max) = NULL, @database_roles nvarchar(max) = NULL"
        ),
    ),
)
"""The procedures, each with its parameters as T-SQL declares them."""


def login_procedures(database: str, add: AddLogin) -> list[Procedure]:
    """The procedures that create logins.

    :param database: the database of the procedures.
    :param add: creates a login.
    """
    return declared_procedures(database, add, DECLARED)
