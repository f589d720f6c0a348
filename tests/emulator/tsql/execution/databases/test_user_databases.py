"""Databases that clients create: their names, users, rights, locks, and what a restart keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from airflow_provider_ssis.emulator.session import Login, LoginRefused
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.session import TsqlSession
from tests.support.tsql_session import PASSWORD, PRODUCT, Answer, Server, answer, answers, kept_answers, tsql_server


def test_names() -> None:
    found = answers(
        "CREATE DATABASE [My Shop]; SELECT DB_ID('my shop'), DB_NAME(6), HAS_DBACCESS('My Shop')",
        "CREATE DATABASE [temp]; CREATE DATABASE Third; DROP DATABASE [temp]; CREATE DATABASE [new]",
        "SELECT name, database_id FROM sys.databases WHERE database_id > 5 ORDER BY database_id",
        "USE [MY SHOP]; SELECT DB_NAME(), USER_NAME(), IS_MEMBER('db_owner')",
        "ALTER DATABASE Third SET RECOVERY SIMPLE; ALTER DATABASE Third SET READ_COMMITTED_SNAPSHOT ON "
        "WITH ROLLBACK IMMEDIATE; DROP DATABASE IF EXISTS nowhere, Third; SELECT DB_ID('Third')",
    )
    assert [each.results for each in found] == [
        [[(6, "My Shop", 1)]],
        [],
        [[("My Shop", 6), ("new", 7), ("Third", 8)]],
        [[("My Shop", "dbo", 1)]],
        [[(None,)]],
    ]


def test_system_procedures_work_in_the_database_that_their_name_begins_with() -> None:
    found = answers(
        "CREATE DATABASE Shop; CREATE TABLE t (a int); CREATE TABLE Shop.dbo.t (a int, b int)",
        "EXEC Shop.sys.sp_executesql N'SELECT DB_NAME(), COUNT(*) FROM sys.columns WHERE object_id = OBJECT_ID(''t'')'",
        "EXEC Shop..sp_rename 't', 'u'; SELECT DB_NAME(), OBJECT_ID('u'), OBJECT_ID('Shop.dbo.t')",
        "BEGIN TRY EXEC Shop.sys.sp_executesql N'SELECT 1/0' END TRY BEGIN CATCH SELECT DB_NAME() END CATCH",
        "EXEC nowhere.sys.sp_executesql N'SELECT 1'",
    )
    assert [each.results for each in found[1:4]] == [[[("Shop", 2)]], [[("Sales", None, None)]], [[], [("Sales",)]]]
    assert found[4].numbers == [911]


def test_code_pages_of_columns() -> None:
    found = answers(
        "CREATE DATABASE Shop; CREATE TABLE Shop.dbo.t (id int, code char(3), name varchar(9), note nvarchar(9))",
        "SELECT name, CAST(COLLATIONPROPERTY(collation_name, 'CodePage') AS int) FROM Shop.sys.columns "
        "WHERE object_id = OBJECT_ID('Shop.dbo.t') AND system_type_id IN (35, 167, 175) ORDER BY name",
        "SELECT CAST(COLLATIONPROPERTY('Latin1_General_100_BIN2_UTF8', 'codepage') AS int), "
        "COLLATIONPROPERTY('nothing', 'CodePage')",
    )
    assert [each.results for each in found[1:]] == [[[("code", 1252), ("name", 1252)]], [[(65001, None)]]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("CREATE DATABASE shop", 1801),
        ("CREATE DATABASE MASTER", 1801),
        ("BEGIN TRAN; CREATE DATABASE d; ROLLBACK", 226),
        ("BEGIN TRAN; DROP DATABASE Shop; ROLLBACK", 226),
        ("DROP DATABASE nowhere", 3701),
        ("ALTER DATABASE nowhere SET RECOVERY SIMPLE", 5011),
        ("DROP DATABASE Sales", 3708),
        ("DROP DATABASE tempdb", 3708),
        ("USE Shop; DROP DATABASE Shop", 3702),
        ("USE nowhere", 911),
        ("CREATE TABLE nowhere.dbo.t (a int)", 2702),
        ("CREATE TABLE Shop.sales.t (a int)", 2760),
        ("CREATE TABLE t (a int)", 262),
        ("SELECT 1 AS a INTO master.dbo.t", 262),
        ("CREATE SCHEMA s", 262),
        ("USE Shop; CREATE SCHEMA dbo", 2714),
        ("USE Shop; DROP SCHEMA dbo", 15150),
        ("USE Shop; DROP SCHEMA s", 15151),
    ],
)
def test_errors(text: str, number: int) -> None:
    _, found = answers("CREATE DATABASE Shop", text)
    assert found.numbers == [number]


def test_a_schema_with_a_table_is_kept() -> None:
    found = answers(
        "CREATE DATABASE Shop",
        "USE Shop; EXEC('CREATE SCHEMA stage'); CREATE TABLE stage.t (a int); DROP SCHEMA stage",
        "USE Shop; DROP TABLE stage.t; DROP SCHEMA stage; SELECT SCHEMA_ID('stage')",
    )
    assert found[1].numbers == [3729]
    assert found[2].results == [[(None,)]]


async def as_users(server: Server, *steps: tuple[str, str]) -> list[Answer]:
    """Run batches, each in a new session of a login."""
    found = []
    for user, text in steps:
        session = await server.session(user)
        try:
            found.append(await answer(session, text))
        finally:
            await session.close()
    return found


def test_rights() -> None:
    steps = [
        ("reader", "CREATE DATABASE mine"),
        ("maker", "CREATE DATABASE Shop; CREATE TABLE Shop.dbo.t (a int); INSERT Shop..t VALUES (1)"),
        ("reader", "USE Shop"),
        ("reader", "SELECT * FROM Shop.dbo.t"),
        ("reader", "SELECT HAS_DBACCESS('Shop'), HAS_DBACCESS('Sales')"),
        ("maker", "USE Shop; CREATE USER rita FOR LOGIN reader; SELECT IS_MEMBER('db_owner'), USER_NAME()"),
        ("reader", "SELECT * FROM Shop.dbo.t"),
        ("maker", "USE Shop; ALTER ROLE db_datareader ADD MEMBER rita"),
        ("reader", "USE Shop; SELECT a FROM t; SELECT USER_NAME(), IS_MEMBER('db_datareader'), IS_MEMBER('db_owner')"),
        ("reader", "INSERT Shop..t VALUES (2)"),
        ("reader", "UPDATE Shop..t SET a = 2"),
        ("reader", "DELETE Shop..t"),
        ("reader", "CREATE TABLE Shop..u (a int)"),
        ("reader", "DROP DATABASE Shop"),
        ("maker", "USE Shop; ALTER ROLE db_owner ADD MEMBER rita"),
        ("reader", "USE Shop; INSERT t VALUES (2); CREATE TABLE u (a int); SELECT COUNT(*) FROM t"),
        ("maker", "USE Shop; DROP USER rita"),
        ("reader", "USE Shop"),
    ]

    async def run() -> list[Answer]:
        async with tsql_server() as server:
            server.engine.logins.add("reader", PASSWORD)
            server.engine.logins.add("maker", PASSWORD, server_roles=frozenset({"dbcreator"}))
            return await as_users(server, *steps)

    found = asyncio.run(run())
    assert [each.numbers for each in found] == [
        *([262], [], [916], [916], [], [], [229], []),
        *([], [229], [229], [229], [262], [3701], [], [], [], [916]),
    ]
    assert found[4].results == [[(0, 1)]]
    assert found[5].results == [[(1, "dbo")]]
    assert found[8].results == [[(1,)], [("rita", 1, 0)]]
    assert found[15].results == [[(2,)]]


def test_a_login_without_a_user_cannot_connect_to_the_database() -> None:
    async def run() -> str:
        async with tsql_server() as server:
            await as_users(server, ("sa", "CREATE DATABASE Shop"))
            session = await server.backend.login(Login("sa", PASSWORD, "shop", "h", "a", "l"))
            name = session.database
            await session.close()
            with pytest.raises(LoginRefused, match="Cannot open database"):
                await server.backend.login(Login("guest", PASSWORD, "Shop", "h", "a", "l"))
            return name

    assert asyncio.run(run()) == "Shop"


async def two_sessions(server: Server, setup: Sequence[str]) -> tuple[TsqlSession, TsqlSession]:
    first, second = await server.session(), await server.session()
    for text in setup:
        assert (await answer(first, text)).errors == []
    return first, second


SETUP = [
    "CREATE DATABASE Shop",
    "USE Shop; CREATE TABLE a (v int); CREATE TABLE b (v int); INSERT a VALUES (1); INSERT b VALUES (1); USE Sales",
]


def test_a_writer_blocks_no_reader_and_no_writer_of_another_table() -> None:
    async def run() -> list[Answer]:
        async with tsql_server() as server:
            first, second = await two_sessions(server, SETUP)
            await answer(first, "BEGIN TRAN; UPDATE Shop..a SET v = 2; CREATE TABLE Shop..c (v int)")
            found = [
                await answer(second, "SELECT v FROM Shop..a; UPDATE Shop..b SET v = 3; SELECT OBJECT_ID('Shop..c')"),
                await answer(second, "SET LOCK_TIMEOUT 20; UPDATE Shop..a SET v = 4"),
                await answer(second, "CREATE DATABASE other; DROP DATABASE Shop"),
                await answer(first, "SELECT v FROM Shop..a; SELECT v FROM Shop..b; COMMIT"),
                await answer(second, "SELECT v FROM Shop..a; SELECT v FROM Shop..c"),
            ]
            await first.close()
            await second.close()
            return found

    found = asyncio.run(run())
    assert [each.numbers for each in found] == [[], [1222], [3702], [], []]
    assert found[0].results == [[(1,)], [(None,)]]
    assert found[3].results == [[(2,)], [(3,)]]
    assert found[4].results == [[(2,)], []]


def test_a_waiting_writer_sees_what_the_other_committed() -> None:
    async def run() -> list[Answer]:
        async with tsql_server() as server:
            first, second = await two_sessions(server, SETUP)
            await answer(first, "BEGIN TRAN; UPDATE Shop..a SET v = v + 10")
            await answer(second, "BEGIN TRAN; INSERT Shop..b VALUES (2)")
            waiting = asyncio.create_task(answer(second, "UPDATE Shop..a SET v = v + 100; COMMIT"))
            await asyncio.sleep(0)
            await answer(first, "COMMIT")
            found = [await waiting, await answer(first, "SELECT v FROM Shop..a; SELECT COUNT(*) FROM Shop..b")]
            await first.close()
            await second.close()
            return found

    found = asyncio.run(run())
    assert found[0].errors == []
    assert found[1].results == [[(111,)], [(2,)]]


def test_of_two_transactions_that_wait_for_each_other_one_is_rolled_back() -> None:
    async def run() -> list[Answer]:
        async with tsql_server() as server:
            first, second = await two_sessions(server, SETUP)
            await answer(first, "BEGIN TRAN; UPDATE Shop..a SET v = 2")
            await answer(second, "BEGIN TRAN; UPDATE Shop..b SET v = 3")
            ends = [
                answer(first, "UPDATE Shop..b SET v = 2; SELECT @@TRANCOUNT"),
                answer(second, "UPDATE Shop..a SET v = 3; SELECT @@TRANCOUNT"),
            ]
            found = list(await asyncio.gather(*ends))
            for session in (first, second):
                await answer(session, "IF @@TRANCOUNT > 0 COMMIT")
            found.append(await answer(first, "SELECT a.v, b.v FROM Shop..a CROSS JOIN Shop..b"))
            await first.close()
            await second.close()
            return found

    one, other, rows = asyncio.run(run())
    victim, winner = (one, other) if one.errors else (other, one)
    assert (victim.numbers, victim.results) == ([1205], [])
    assert (winner.numbers, winner.results) == ([], [[(1,)]])
    assert rows.results == [[(3, 3) if victim is one else (2, 2)]]


def test_a_restart_keeps_databases_with_all_that_is_in_them(tmp_path: Path) -> None:
    first = kept_answers(
        tmp_path,
        "CREATE DATABASE [a/b: ü]; CREATE DATABASE short",
        "USE [a/b: ü]; EXEC('CREATE SCHEMA stage'); CREATE USER guest1 FOR LOGIN guest",
        """CREATE TABLE [a/b: ü].dbo.p (id int IDENTITY(5, 5) PRIMARY KEY, v nvarchar(9) NOT NULL DEFAULT N'x');
            CREATE TABLE [a/b: ü].stage.c (p int REFERENCES p (id), at datetime2(3) CHECK (at > '2000-01-01'))
            INSERT [a/b: ü].dbo.p DEFAULT VALUES; INSERT [a/b: ü].dbo.p DEFAULT VALUES
            DELETE [a/b: ü].dbo.p WHERE id = 10
            DROP DATABASE short""",
    )
    assert [each.numbers for each in first] == [[], [], []]
    (second,) = kept_answers(
        tmp_path,
        """USE [a/b: ü]; SELECT id, v FROM p; INSERT p (v) VALUES (N'ü'); SELECT SCOPE_IDENTITY()
            INSERT stage.c VALUES (99, NULL)
            INSERT stage.c VALUES (5, '1999-01-01')
            INSERT stage.c VALUES (5, '2024-01-01'); SELECT name FROM sys.databases WHERE database_id > 5
            SELECT name FROM sys.database_principals WHERE name = 'guest1'""",
    )
    assert second.numbers == [547, 547]
    assert second.results[:3] == [[(5, "x")], [(Decimal(15),)], [("a/b: ü",)]]
    assert [path.name for path in (tmp_path / "databases").glob("short*")] == []


def test_a_statement_that_waited_sees_the_table_as_it_is_now() -> None:
    async def run() -> list[Answer]:
        async with tsql_server() as server:
            first, second = await two_sessions(server, SETUP)
            found = []
            for change, statement in (
                ("ALTER TABLE Shop..a ADD w int NOT NULL DEFAULT 7", "INSERT Shop..a (v) VALUES (2)"),
                ("DROP TABLE Shop..a", "UPDATE Shop..a SET v = 3"),
            ):
                await answer(first, f"BEGIN TRAN; {change}")
                waiting = asyncio.create_task(answer(second, statement))
                for _ in range(50):
                    await asyncio.sleep(0)
                await answer(first, "COMMIT")
                found += [await waiting, await answer(first, "SELECT * FROM Shop..a ORDER BY v")]
            await first.close()
            await second.close()
            return found

    found = asyncio.run(run())
    assert [each.numbers for each in found] == [[], [], [208], [208]]
    assert found[1].results == [[(1, 7), (2, 7)]]


def test_a_transaction_that_cannot_be_restored_is_rolled_back() -> None:
    async def run() -> list[Answer]:
        async with tsql_server() as server:
            first, second = await two_sessions(server, SETUP)
            await answer(first, "BEGIN TRAN; INSERT Shop..a SELECT v + 10 FROM Shop..b")
            await answer(second, "UPDATE Shop..b SET v = 50")
            found = [
                await answer(first, "SELECT 1 / 0 FROM Shop..a; SELECT 'x'"),
                await answer(first, "SELECT @@TRANCOUNT; SELECT v FROM Shop..a"),
            ]
            await first.close()
            await second.close()
            return found

    found = asyncio.run(run())
    assert found[0].numbers == [8134, 3998]
    assert found[1].results == [[(0,)], [(1,)]]


def test_a_file_that_is_not_a_database_of_the_server_is_named(tmp_path: Path) -> None:
    (tmp_path / "databases").mkdir()
    with duckdb.connect(str(tmp_path / "databases" / "Shop.duckdb")) as connection:
        connection.execute("CREATE TABLE t (a int)")
    with pytest.raises(OSError, match=r"not a database of this server.*Shop\.duckdb"):
        Engine(product=PRODUCT, database="Sales", data_dir=tmp_path)
