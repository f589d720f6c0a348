"""EXECUTE AS, REVERT, and procedures WITH EXECUTE AS. Facts: Microsoft Learn, "EXECUTE AS (Transact-SQL)", "REVERT"."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.tsql_session import SharedSessions, kept_answers, shared_sessions

WHO = "SELECT SUSER_SNAME(), USER_NAME(), ORIGINAL_LOGIN()"
SETUP = (
    "CREATE DATABASE Other; CREATE DATABASE Shop; USE Shop; CREATE USER etl FOR LOGIN guest; CREATE USER alone WITHOUT LOGIN; CREATE TABLE t (a int)",
    "CREATE PROC dyn AS EXEC ('SELECT COUNT(*) FROM t')",
    f"CREATE PROC owner_dyn WITH EXECUTE AS OWNER AS {WHO}; EXEC ('SELECT COUNT(*) FROM t')",
    f"CREATE PROC caller_in_owner WITH EXECUTE AS OWNER AS EXECUTE AS CALLER; {WHO}; REVERT; {WHO}; REVERT; SELECT USER_NAME()",
    "CREATE PROC leaves AS EXECUTE AS USER = 'dbo'; SELECT USER_NAME()",
    f"CREATE PROC owner_login WITH EXECUTE AS OWNER AS EXECUTE AS LOGIN = 'sa'; {WHO}",
    "CREATE PROC owner_drops WITH EXECUTE AS OWNER AS SELECT HAS_PERMS_BY_NAME('Other', 'DATABASE', 'CONNECT'); DROP DATABASE Other; ALTER DATABASE Other SET RECOVERY SIMPLE",
    "GRANT EXECUTE TO etl",
)


@pytest.fixture(scope="module")
def sessions() -> Iterator[SharedSessions]:
    with shared_sessions("sa", "guest") as sessions:
        for text in SETUP:
            assert not sessions.answer(text).errors
        yield sessions


Results = list[list[tuple[Any, ...]]]
GUEST, SA = ("guest", "etl", "sa"), ("sa", "dbo", "sa")
CASES: list[tuple[str, str, Results, list[int]]] = [
    ("sa", f"EXECUTE AS LOGIN = 'guest'; {WHO}; REVERT; {WHO}", [[GUEST], [SA]], []),
    ("sa", f"DECLARE @u sysname = N'etl'; EXEC AS USER = @u; {WHO}; REVERT; REVERT; {WHO}", [[GUEST], [SA]], []),
    ("sa", "EXECUTE AS USER = 'etl'; SELECT COUNT(*) FROM t; SELECT IS_SRVROLEMEMBER('sysadmin'); REVERT; SELECT COUNT(*) FROM t", [[(0,)], [(0,)]], [229]),
    ("sa", "EXECUTE AS USER = 'dbo'; SELECT USER_NAME(), COUNT(*) FROM t; REVERT", [[("dbo", 0)]], []),
    ("sa", "EXECUTE AS USER = 'etl'; EXEC dyn; EXEC owner_dyn; REVERT", [[("sa", "dbo", "sa")], [(0,)]], [229]),
    ("guest", "EXEC owner_dyn; SELECT USER_NAME()", [[("sa", "dbo", "guest")], [(0,)], [("etl",)]], []),
    ("guest", "EXEC caller_in_owner", [[("guest", "etl", "guest")], [("sa", "dbo", "guest")], [("dbo",)]], []),
    ("sa", "EXEC leaves; SELECT USER_NAME(); EXEC ('EXECUTE AS USER = ''etl'''); SELECT USER_NAME()", [[("dbo",)], [("dbo",)], [("dbo",)]], []),
    ("sa", f"EXECUTE AS LOGIN = 'guest'; EXEC sp_executesql N'REVERT; {WHO}'; REVERT", [[GUEST]], []),
    ("sa", f"EXECUTE AS USER = 'etl' WITH NO REVERT; REVERT; {WHO}", [[GUEST]], []),
    ("sa", "EXECUTE AS LOGIN = 'guest'; EXECUTE AS CALLER; SELECT USER_NAME(); REVERT; REVERT; SELECT USER_NAME()", [[("etl",)], [("dbo",)]], []),
    ("guest", "EXEC owner_login", [[("sa", "dbo", "guest")]], [15406]),
    ("guest", "EXEC owner_drops; SELECT DB_NAME(DB_ID('Other'))", [[(0,)], [("Other",)]], [3701, 5011]),
    ("guest", "EXECUTE AS USER = 'etl'; SELECT USER_NAME(); REVERT; EXECUTE AS LOGIN = 'guest'; REVERT", [[("etl",)]], []),
    ("sa", "EXECUTE AS USER = 'etl'; USE master; REVERT; USE Shop; REVERT; SELECT USER_NAME()", [[("dbo",)]], [15199]),
    ("sa", "EXECUTE AS USER = 'dbo'; BEGIN TRY EXEC ('USE Other') END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH; REVERT", [[(916,)]], []),
    ("sa", "EXECUTE AS USER = 'dbo'; SELECT HAS_DBACCESS('Other'), HAS_DBACCESS('Shop'); REVERT; SELECT HAS_DBACCESS('Other')", [[(0, 1)], [(1,)]], []),
    ("sa", "EXECUTE AS USER = 'missing'", [], [15517]),
    ("sa", "EXECUTE AS LOGIN = 'missing'", [], [15406]),
    ("guest", "EXECUTE AS LOGIN = 'sa'", [], [15406]),
    ("guest", "EXECUTE AS USER = 'dbo'", [], [15517]),
    ("sa", "EXECUTE AS USER = 'alone'", [], [40514]),
    ("sa", "EXECUTE AS USER = 'etl' WITH COOKIE INTO @c", [], [40514]),
    ("sa", "EXECUTE AS USER = 'etl'; CREATE DATABASE x; REVERT", [], [262]),
]  # fmt: skip


@pytest.mark.parametrize(("user", "text", "results", "errors"), CASES, ids=[each[1] for each in CASES])
def test_cases(sessions: SharedSessions, user: str, text: str, results: Results, errors: list[int]) -> None:
    sessions.answer("USE Shop", user)
    found = sessions.answer(text, user)
    sessions.reset(user)
    assert (found.results, found.numbers) == (results, errors)


def test_a_context_lasts_until_a_later_batch_reverts_it(sessions: SharedSessions) -> None:
    sessions.answer("USE Shop; EXECUTE AS USER = 'etl'")
    assert sessions.answer("SELECT USER_NAME()").results == [[("etl",)]]
    sessions.reset("sa")
    assert sessions.answer("SELECT SUSER_SNAME()").results == [[("sa",)]]


def test_only_owners_create_procedures_that_run_as_the_owner(sessions: SharedSessions) -> None:
    sessions.answer("USE Shop; ALTER ROLE db_ddladmin ADD MEMBER etl")
    sessions.answer("USE Shop", "guest")
    assert sessions.answer("CREATE PROC mine WITH EXECUTE AS OWNER AS SELECT 1", "guest").numbers == [15151]
    assert sessions.answer("CREATE PROC mine WITH EXECUTE AS SELF AS SELECT 1", "guest").numbers == [40514]
    sessions.answer("ALTER ROLE db_ddladmin DROP MEMBER etl")


def test_a_restart_keeps_execute_as_owner(tmp_path: Path) -> None:
    setup = ("CREATE DATABASE Shop; USE Shop; CREATE USER etl FOR LOGIN guest; CREATE TABLE t (a int)",)
    make = "CREATE PROC p WITH RECOMPILE, EXECUTE AS 'dbo' AS EXEC ('SELECT USER_NAME(), COUNT(*) FROM t')"
    kept_answers(tmp_path, *setup, make, "GRANT EXECUTE TO etl")
    assert kept_answers(tmp_path, "USE Shop; EXEC p", user="guest")[0].results == [[("dbo", 0)]]
