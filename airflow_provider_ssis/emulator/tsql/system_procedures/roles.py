"""The older forms of ALTER ROLE, such as ``sp_addrolemember``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.statements.principals import change_principals
from airflow_provider_ssis.emulator.tsql.language.principal_syntax import AlterRole
from airflow_provider_ssis.emulator.tsql.metadata.signatures import parse_signature
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_OF_DATABASE: Final = ("rolename", "membername")
_OF_SERVER: Final = ("rolename", "loginame")


def _body(names: tuple[str, str], *, adds: bool) -> Callable[[ProcedureCall], Awaitable[None]]:
    async def run(call: ProcedureCall) -> None:
        role, member = (call.arguments[name] for name in names)
        if role is None or member is None:
            raise SqlError(15600, "A role and a member are required.", return_status=1)
        change_principals(call.session, AlterRole(0, role, member, adds, of_server=names == _OF_SERVER))

    return run


def _procedure(name: str, signature: str, names: tuple[str, str], *, adds: bool) -> Procedure:
    return Procedure("master", "sys", name, parse_signature(signature), _body(names, adds=adds))


PROCEDURES: Final = (
    _procedure("sp_addrolemember", "@rolename sysname, @membername sysname", _OF_DATABASE, adds=True),
    _procedure("sp_droprolemember", "@rolename sysname, @membername sysname", _OF_DATABASE, adds=False),
    _procedure("sp_addsrvrolemember", "@loginame sysname, @rolename sysname = NULL", _OF_SERVER, adds=True),
    _procedure("sp_dropsrvrolemember", "@loginame sysname, @rolename sysname = NULL", _OF_SERVER, adds=False),
)
