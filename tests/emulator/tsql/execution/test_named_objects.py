"""Synonyms of tables, views, procedures and functions."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ssis.emulator.session import Login
from airflow_provider_ssis.emulator.tsql.backend import TsqlBackend
from airflow_provider_ssis.emulator.tsql.execution.engine import Engine
from tests.support.tsql_session import PASSWORD, PRODUCT, Answer, answer, answers, tsql_server

SETUP = (
    "CREATE DATABASE Mart; CREATE DATABASE Shop; USE Shop",
    "CREATE SCHEMA etl",
    "CREATE TABLE t (id int IDENTITY PRIMARY KEY, v varchar(10)); INSERT t VALUES ('a'), ('b')",
    "CREATE TABLE Mart.dbo.fact (id int PRIMARY KEY, amount int); INSERT Mart.dbo.fact VALUES (1, 10), (2, 20)",
)

SCRIPTS: dict[str, tuple[list[str], list[list[tuple[Any, ...]]]]] = {
    "a synonym of a table of another database": (
        [
            "CREATE SYNONYM etl.fact FOR Mart.dbo.fact",
            """SELECT SUM(amount) FROM etl.fact; INSERT etl.fact VALUES (3, 30); UPDATE f SET amount = amount + 1 FROM etl.fact AS f WHERE f.id = 3; DELETE etl.fact WHERE id = 1
            MERGE etl.fact AS f USING (VALUES (2, 5), (9, 9)) AS s (id, n) ON s.id = f.id WHEN MATCHED THEN UPDATE SET amount += s.n WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.n);
            INSERT etl.fact EXEC ('SELECT 11, 11'); SELECT fact.id, etl.fact.amount FROM etl.fact ORDER BY id; WITH q AS (SELECT id FROM etl.fact WHERE id = 11) DELETE q; SELECT COUNT(*) FROM Mart..fact""",
            "SELECT OBJECT_ID('etl.fact', 'SN') - OBJECT_ID('etl.fact'), OBJECT_ID('etl.fact', 'U'); SELECT s.name, base_object_name, type, type_desc FROM sys.synonyms s JOIN sys.schemas c ON c.schema_id = s.schema_id AND c.name = 'etl'",
        ],
        [
            [(30,)],
            [(2, 25), (3, 31), (9, 9), (11, 11)],
            [(3,)],
            [(0, None)],
            [("fact", "[Mart].[dbo].[fact]", "SN", "SYNONYM")],
        ],
    ),
    "synonyms of a view, a procedure and functions": (
        [
            "CREATE VIEW v AS SELECT id FROM t",
            "CREATE PROC p @a int AS RETURN @a + 1",
            "CREATE FUNCTION f (@a int) RETURNS int AS BEGIN RETURN @a * 2 END",
            "CREATE FUNCTION g (@a int) RETURNS TABLE AS RETURN SELECT id FROM t WHERE id = @a",
            "CREATE SYNONYM sv FOR v; CREATE SYNONYM sp FOR dbo.p; CREATE SYNONYM sf FOR f; CREATE SYNONYM sg FOR g; CREATE SYNONYM so FOR sys.objects",
            "DECLARE @r int; EXEC @r = sp 5; SELECT @r, dbo.sf(4); SELECT * FROM sv ORDER BY id; SELECT * FROM sg(2); SELECT COUNT(*) FROM so WHERE name = 'sp'",
        ],
        [[(6, 8)], [(1,), (2,)], [(2,)], [(1,)]],
    ),
    "a synonym may be created before its object, and be swapped in a transaction": (
        [
            "CREATE SYNONYM live FOR dbo.a; CREATE TABLE a (x int); INSERT a VALUES (1); CREATE TABLE b (x int); INSERT b VALUES (2)",
            "BEGIN TRAN; DROP SYNONYM live; CREATE SYNONYM live FOR dbo.b; SELECT x FROM live; ROLLBACK; SELECT x FROM live",
            "DROP SYNONYM IF EXISTS live; DROP SYNONYM IF EXISTS live; SELECT OBJECT_ID('live')",
        ],
        [[(2,)], [(1,)], [(None,)]],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name: str) -> None:
    texts, expected = SCRIPTS[name]
    found = answers(*SETUP, *texts)
    assert [error for each in found for error in each.errors] == []
    assert [result for each in found for result in each.results] == expected


ERRORS: list[tuple[list[str], int]] = [
    (["CREATE SYNONYM t FOR nowhere"], 2714),
    (["CREATE SYNONYM s FOR nowhere", "SELECT * FROM s"], 5313),
    (["CREATE SYNONYM s FOR nowhere", "INSERT s VALUES (1)"], 5313),
    (["CREATE SYNONYM s FOR nowhere", "EXEC s"], 5313),
    (["CREATE SYNONYM s FOR t; CREATE SYNONYM u FOR s", "SELECT * FROM u"], 470),
    (["CREATE SYNONYM s FOR far.db.dbo.t", "SELECT * FROM s"], 7202),
    (["CREATE SYNONYM s FOR t", "DROP TABLE s"], 3701),
    (["CREATE SYNONYM s FOR t", "TRUNCATE TABLE s"], 4701),
    (["CREATE SYNONYM s FOR t", "ALTER TABLE s ADD x int"], 1088),
    (["DROP SYNONYM t"], 3701),
    (["CREATE SYNONYM nowhere.s FOR t"], 2760),
    (["CREATE SYNONYM Shop.dbo.s FOR t"], 166),
    (["USE Sales", "CREATE SYNONYM s FOR t"], 262),
]


@pytest.fixture(scope="module")
def errors_of() -> Iterator[Callable[[list[str]], list[list[int]]]]:
    """Runs batches in a transaction that is rolled back, on one server for all tests."""
    with asyncio.Runner() as runner:
        server = tsql_server()
        session = runner.run(runner.run(server.__aenter__()).session())

        def run(text: str) -> list[int]:
            return runner.run(answer(session, text)).numbers

        for text in SETUP:
            assert run(text) == []

        def errors(texts: list[str]) -> list[list[int]]:
            run("USE Shop; BEGIN TRAN")
            found = [run(text) for text in texts]
            run("IF @@TRANCOUNT > 0 ROLLBACK")
            return found

        yield errors
        runner.run(session.close())
        runner.run(server.__aexit__(None, None, None))


@pytest.mark.parametrize(("texts", "number"), ERRORS)
def test_errors(texts: list[str], number: int, errors_of: Callable[[list[str]], list[list[int]]]) -> None:
    found = errors_of(texts)
    assert [each[:1] for each in found] == [[]] * (len(texts) - 1) + [[number]]


def test_a_restart_keeps_them(tmp_path: Path) -> None:
    async def session(*texts: str) -> list[Answer]:
        engine = Engine(product=PRODUCT, database="Sales", data_dir=tmp_path)
        engine.logins.add("sa", PASSWORD, server_roles=frozenset({"sysadmin"}))
        opened = await TsqlBackend(engine).login(Login("sa", PASSWORD, "", "h", "a", "l"))
        try:
            return [await answer(opened, text) for text in texts]
        finally:
            await opened.close()
            engine.close()

    made = asyncio.run(session(*SETUP, "CREATE SYNONYM etl.fact FOR Mart.dbo.fact"))
    assert [each.errors for each in made] == [[]] * len(made)
    (found,) = asyncio.run(session("USE Shop; SELECT SUM(amount) FROM etl.fact"))
    assert (found.errors, found.results) == ([], [[(30,)]])


def test_rights() -> None:
    """A login needs rights on the object behind a synonym."""

    async def run() -> list[Answer]:
        async with tsql_server() as server:
            owner = await server.session()
            guest = await server.session("guest")
            try:
                for text in (
                    *SETUP,
                    "CREATE SYNONYM etl.fact FOR Mart.dbo.fact",
                    "CREATE USER reader FOR LOGIN guest; ALTER ROLE db_datareader ADD MEMBER reader",
                ):
                    assert (await answer(owner, text)).errors == []
                return [
                    await answer(guest, "USE Shop; SELECT * FROM etl.fact"),
                    await answer(guest, "CREATE SYNONYM s FOR t"),
                    await answer(guest, "DROP SYNONYM etl.fact"),
                ]
            finally:
                await owner.close()
                await guest.close()

    assert [each.numbers for each in asyncio.run(run())] == [[916], [262], [262]]
