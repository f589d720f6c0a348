"""HAS_PERMS_BY_NAME for an administrator and for a login without rights."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airflow_provider_ssis.emulator.datatypes import INT, Column
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.objects import Table, View
from tests.support.tsql_session import answer, tsql_server

COLUMNS = (Column("number", INT),)


async def _nothing(call: ProcedureCall) -> None:
    """The body of a procedure that does nothing."""


async def _asked(user: str, arguments: str) -> Any:
    async with tsql_server() as server:
        server.engine.define_table(Table("Sales", "dbo", "notes", COLUMNS))
        server.engine.define_view(View("Sales", "dbo", "all_notes", COLUMNS, "SELECT number FROM dbo.notes"))
        server.engine.metadata.add(Procedure("Sales", "dbo", "for_all", (), _nothing))
        server.engine.metadata.add(Procedure("Sales", "dbo", "for_some", (), _nothing, granted_to="some"))
        session = await server.session(user)
        found = await answer(session, f"SELECT HAS_PERMS_BY_NAME({arguments})")
        await session.close()
        return found.results[0][0][0]


@pytest.mark.parametrize(
    ("arguments", "of_administrator", "of_guest"),
    [
        ("NULL, NULL, 'VIEW SERVER STATE'", 1, 0),
        ("NULL, NULL, 'CONTROL SERVER'", 1, 0),
        ("NULL, NULL, 'CONNECT SQL'", 1, 1),
        ("NULL, 'DATABASE', 'CONNECT'", 1, 1),
        ("DB_NAME(), 'DATABASE', 'ANY'", 1, 1),
        ("DB_NAME(), 'DATABASE', 'CREATE TABLE'", 1, 0),
        ("'Sales', 'DATABASE', 'CONTROL'", 1, 0),
        ("'dbo', 'SCHEMA', 'ALTER'", 1, 0),
        ("'dbo.notes', 'OBJECT', 'SELECT'", 1, 0),
        ("'dbo.notes', 'OBJECT', 'INSERT'", 1, 0),
        ("'dbo.notes', 'OBJECT', 'SELECT', 'number', 'COLUMN'", 1, 0),
        ("'dbo.all_notes', 'OBJECT', 'SELECT'", 1, 1),
        ("'dbo.all_notes', 'OBJECT', 'UPDATE'", 1, 0),
        ("'sys.objects', 'OBJECT', 'SELECT'", 1, 1),
        ("'dbo.for_all', 'OBJECT', 'EXECUTE'", 1, 1),
        ("'[Sales].[dbo].[for_some]', 'OBJECT', 'EXECUTE'", 1, 0),
        ("'dbo.nosuch', 'OBJECT', 'SELECT'", None, None),
        ("'nosuch', 'DATABASE', 'CONNECT'", None, None),
        ("NULL, NULL, 'NO SUCH PERMISSION'", None, None),
        ("NULL, 'NO SUCH CLASS', 'SELECT'", None, None),
        ("NULL, NULL, NULL", None, None),
    ],
)
def test_has_perms_by_name(arguments: str, of_administrator: int | None, of_guest: int | None) -> None:
    assert asyncio.run(_asked("sa", arguments)) == of_administrator
    assert asyncio.run(_asked("guest", arguments)) == of_guest
