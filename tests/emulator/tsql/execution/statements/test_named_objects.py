"""Synonyms, sequences and table types."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.tsql_session import Answer, answer, answers, kept_answers, shared_sessions, tsql_server

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
    "a sequence in SELECT, SET, INSERT and UPDATE": (
        [
            "CREATE SEQUENCE etl.run_id AS int START WITH 10 INCREMENT BY 5; CREATE TABLE r (id int, a int, b varchar(10))",
            """SELECT NEXT VALUE FOR etl.run_id, NEXT VALUE FOR etl.run_id AS again; DECLARE @x int = NEXT VALUE FOR etl.run_id, @y int; SET @y = NEXT VALUE FOR Shop.etl.run_id; SELECT @x, @y
            INSERT r VALUES (NEXT VALUE FOR etl.run_id, 1, CONCAT('R', NEXT VALUE FOR etl.run_id)), (NEXT VALUE FOR etl.run_id, 2, NULL); INSERT INTO r (id, a) SELECT NEXT VALUE FOR etl.run_id OVER (ORDER BY id DESC), id FROM t
            SELECT * FROM r; UPDATE r SET id = NEXT VALUE FOR etl.run_id; SELECT MIN(id), MAX(id), COUNT(DISTINCT id) FROM r
            SELECT v, NEXT VALUE FOR etl.run_id AS n INTO #n FROM t WHERE v = 'a'; SELECT * FROM #n; SELECT next FROM (SELECT 1 AS next) AS x""",
        ],
        [
            [(10, 10)],
            [(15, 20)],
            [(25, 1, "R25"), (30, 2, None), (35, 2, None), (40, 1, None)],
            [(45, 60, 4)],
            [("a", 65)],
            [(1,)],
        ],
    ),
    "a sequence as DEFAULT": (
        [
            "CREATE SEQUENCE s START WITH 1; CREATE TABLE d (id bigint NOT NULL CONSTRAINT df DEFAULT NEXT VALUE FOR dbo.s PRIMARY KEY, v char(1)); CREATE TABLE e (v int, n int)",
            """ALTER TABLE e ADD CONSTRAINT df_e DEFAULT (NEXT VALUE FOR s) FOR n; INSERT d (v) VALUES ('a'), ('b'); INSERT d (v) OUTPUT inserted.id SELECT v FROM t
            INSERT e (v) SELECT 7; MERGE d USING (VALUES (1, 'x'), (99, 'y')) AS n (i, v) ON n.i = d.id WHEN NOT MATCHED THEN INSERT (v) VALUES (n.v) WHEN MATCHED THEN UPDATE SET v = n.v;
            SELECT * FROM e; SELECT COUNT(*), MIN(v), MAX(v) FROM d; BEGIN TRAN; INSERT d DEFAULT VALUES; ROLLBACK; SELECT CAST(current_value AS int) - (SELECT MAX(id) FROM d) FROM sys.sequences""",
        ],
        [[(3,), (4,)], [(7, 5)], [(5, "a", "y")], [(1,)]],
    ),
    "ALTER SEQUENCE, cycles, and a rollback of a restart": (
        [
            "CREATE SEQUENCE c AS tinyint MINVALUE 1 MAXVALUE 3 CYCLE NO CACHE; CREATE SEQUENCE down AS decimal(5) START WITH 0 INCREMENT BY -2 MINVALUE -3 MAXVALUE 5; CREATE SEQUENCE big",
            "SELECT NEXT VALUE FOR c, v FROM t; SELECT NEXT VALUE FOR c, v FROM t; SELECT NEXT VALUE FOR down, v FROM t; SELECT NEXT VALUE FOR big",
            "BEGIN TRAN; ALTER SEQUENCE c RESTART WITH 2; SELECT NEXT VALUE FOR c; ROLLBACK; SELECT NEXT VALUE FOR c; ALTER SEQUENCE c RESTART INCREMENT BY 2 NO CYCLE MAXVALUE 4; SELECT NEXT VALUE FOR c",
            "SELECT name, type_desc, CAST(start_value AS int), CAST(minimum_value AS int), CAST(maximum_value AS int), is_cycling, is_cached, cache_size, CAST(current_value AS int), is_exhausted, CAST(SQL_VARIANT_PROPERTY(increment, 'BaseType') AS varchar(9)) FROM sys.sequences WHERE name <> 'big' ORDER BY name; DROP SEQUENCE c, dbo.down; DROP SEQUENCE IF EXISTS c; SELECT SEQUENCE_NAME, DATA_TYPE, CYCLE_OPTION FROM INFORMATION_SCHEMA.SEQUENCES",
        ],
        [
            [(1, "a"), (2, "b")],
            [(3, "a"), (1, "b")],
            [(Decimal(0), "a"), (Decimal(-2), "b")],
            [(-(2**63),)],
            [(2,)],
            [(2,)],
            [(1,)],
            [
                ("c", "SEQUENCE_OBJECT", 1, 1, 4, False, False, None, 1, False, "tinyint"),
                ("down", "SEQUENCE_OBJECT", 0, -3, 5, False, True, None, -2, True, "decimal"),
            ],
            [("big", "bigint", 0)],
        ],
    ),
    "sp_sequence_get_range": (
        [
            "CREATE SEQUENCE s AS int START WITH 1 MAXVALUE 10 MINVALUE 1 CYCLE",
            """DECLARE @a sql_variant, @b sql_variant, @n int, @i sql_variant; EXEC sp_sequence_get_range N'dbo.s', 4, @a OUTPUT, @b OUTPUT; SELECT CAST(@a AS int), CAST(@b AS int)
            EXEC sys.sp_sequence_get_range @sequence_name = 's', @range_size = 18, @range_first_value = @a OUT, @range_last_value = @b OUT, @range_cycle_count = @n OUT, @sequence_increment = @i OUT
            SELECT CAST(@a AS int), CAST(@b AS int), @n, CAST(@i AS int), NEXT VALUE FOR s""",
        ],
        [[(1, 4)], [(5, 2, 2, 1, 3)]],
    ),
    "table types and table-valued parameters": (
        [
            "CREATE TYPE dbo.IdList AS TABLE (id int NOT NULL PRIMARY KEY, note varchar(5) DEFAULT 'n', twice AS id * 2); CREATE TYPE etl.Rows AS TABLE (k int IDENTITY, v varchar(10), CHECK (v <> 'bad'))",
            "CREATE PROC etl.merge_ids @ids dbo.IdList READONLY, @count int OUTPUT AS BEGIN SELECT @count = COUNT(*) FROM @ids; INSERT t (v) SELECT note FROM @ids WHERE id > 1; SELECT t.id, i.note, i.twice FROM t JOIN @ids AS i ON i.id = t.id ORDER BY 1 END",
            """DECLARE @a IdList, @r AS etl.Rows, @n int; INSERT @a (id) VALUES (1), (2); INSERT @r VALUES ('x'), ('y'); EXEC etl.merge_ids @ids = @a, @count = @n OUTPUT; SELECT @n, COUNT(*), SUM(k) FROM @r; SELECT COUNT(*) FROM t
            EXEC sp_executesql N'SELECT SUM(id) FROM @x', N'@x dbo.IdList READONLY', @x = @a; EXEC etl.merge_ids @count = @n OUTPUT, @ids = DEFAULT""",
            "SELECT name, is_table_type FROM sys.types WHERE is_user_defined = 1 ORDER BY name; SELECT c.name FROM sys.table_types tt JOIN sys.columns c ON c.object_id = tt.type_table_object_id WHERE tt.name = 'IdList' ORDER BY column_id; BEGIN TRAN; DROP TYPE etl.Rows; SELECT TYPE_ID('etl.Rows'); ROLLBACK; DROP TYPE IF EXISTS etl.Rows; SELECT TYPE_ID('etl.Rows')",
        ],
        [
            [(1, "n", 2), (2, "n", 4)],
            [(2, 2, 3)],
            [(3,)],
            [(3,)],
            [],
            [("IdList", True), ("Rows", True)],
            [("id",), ("note",), ("twice",)],
            [(None,)],
            [(None,)],
        ],
    ),
    "rules of a table use what is in its database": (
        [
            "CREATE SEQUENCE s START WITH 5; EXEC('CREATE FUNCTION f () RETURNS int AS BEGIN RETURN 7 END'); CREATE TABLE k (i int DEFAULT NEXT VALUE FOR s, j int DEFAULT dbo.f() CHECK (j = dbo.f()))",
            "USE Mart; CREATE SEQUENCE s START WITH 100; EXEC('CREATE FUNCTION f () RETURNS int AS BEGIN RETURN 8 END')",
            "CREATE TABLE Shop..u (a int); INSERT Shop..u VALUES (1); ALTER TABLE Shop..u ADD n int NOT NULL DEFAULT NEXT VALUE FOR s; ALTER TABLE Shop..u ADD f int NOT NULL DEFAULT dbo.f() CHECK (f = dbo.f() AND a = 1), g AS dbo.f() + a; SELECT * FROM Shop..u; ALTER SEQUENCE Shop..s RESTART",
            "INSERT Shop..k DEFAULT VALUES; INSERT Shop..k VALUES (DEFAULT, DEFAULT); USE master; INSERT Shop..k (j) SELECT 7; UPDATE Shop..k SET i = DEFAULT WHERE i = 6; SELECT * FROM Shop..k",
        ],
        [[(1, 5, 7, 8)], [(5, 7), (8, 7), (7, 7)]],
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
    (["SELECT NEXT VALUE FOR nowhere"], 208),
    (["SELECT NEXT VALUE FOR t"], 11726),
    (["CREATE SEQUENCE s AS varchar(5)"], 11702),
    (["CREATE SEQUENCE s INCREMENT BY 0"], 11700),
    (["CREATE SEQUENCE s MINVALUE 1 MAXVALUE 3 INCREMENT BY 4"], 11701),
    (["CREATE SEQUENCE s START WITH 5 MAXVALUE 3"], 11703),
    (["CREATE SEQUENCE s MINVALUE 5 MAXVALUE 3"], 11705),
    (["CREATE SEQUENCE s AS tinyint START WITH 256"], 11708),
    (["CREATE SEQUENCE s CACHE 0"], 11706),
    (["CREATE SEQUENCE t"], 2714),
    (["CREATE SEQUENCE s", "ALTER SEQUENCE s START WITH 5"], 11711),
    (["CREATE SEQUENCE s START WITH 9; SELECT NEXT VALUE FOR s", "ALTER SEQUENCE s MAXVALUE 5 MINVALUE 1"], 11704),
    (
        [
            "CREATE SEQUENCE s AS int START WITH 1 MAXVALUE 2 MINVALUE 1",
            "INSERT t (v) SELECT NEXT VALUE FOR s FROM (VALUES (1), (2), (3)) AS x (y)",
        ],
        11728,
    ),
    (
        [
            "CREATE SEQUENCE s MAXVALUE 2 START WITH 1",
            "DECLARE @x sql_variant; EXEC sp_sequence_get_range 's', 3, @x OUTPUT",
        ],
        11732,
    ),
    (["CREATE SEQUENCE s", "SELECT v FROM t WHERE id = NEXT VALUE FOR s"], 11720),
    (["CREATE SEQUENCE s", "SELECT CASE WHEN 1 = 1 THEN NEXT VALUE FOR s END"], 11741),
    (["CREATE SEQUENCE s", "SELECT ISNULL(NULL, NEXT VALUE FOR s)"], 11741),
    (["CREATE SEQUENCE s", "SELECT (SELECT NEXT VALUE FOR s)"], 11719),
    (["CREATE SEQUENCE s", "WITH q AS (SELECT NEXT VALUE FOR s AS n) SELECT n FROM q"], 11719),
    (["CREATE SEQUENCE s", "CREATE VIEW v AS SELECT NEXT VALUE FOR s AS n"], 11719),
    (["CREATE SEQUENCE s", "SELECT DISTINCT NEXT VALUE FOR s FROM t"], 11721),
    (["CREATE SEQUENCE s", "SELECT NEXT VALUE FOR s UNION ALL SELECT 1"], 11721),
    (["CREATE SEQUENCE s", "SELECT NEXT VALUE FOR s FROM t ORDER BY id"], 11723),
    (["CREATE SEQUENCE s", "SELECT MAX(NEXT VALUE FOR s) FROM t"], 11725),
    (["CREATE SEQUENCE s", "SELECT TOP 1 NEXT VALUE FOR s FROM t"], 11739),
    (["CREATE SEQUENCE s; CREATE TABLE d (id int DEFAULT NEXT VALUE FOR [dbo].[s])", "DROP SEQUENCE s"], 3729),
    (
        [
            'CREATE SEQUENCE [a ]]b]; CREATE TABLE d (id int DEFAULT NEXT VALUE FOR dbo . "a ]b")',
            "DROP SEQUENCE [a ]]b]",
        ],
        3729,
    ),
    (["DROP SEQUENCE nowhere"], 3701),
    (["CREATE TYPE x AS TABLE (a int)", "CREATE TYPE x AS TABLE (b int)"], 219),
    (["CREATE TYPE x AS TABLE (a int, b AS nowhere)"], 207),
    (["CREATE TYPE x FROM int"], 40514),
    (["DROP TYPE nowhere"], 3701),
    (["DECLARE @a nowhere"], 2715),
    (["CREATE PROC p @a nowhere READONLY AS SELECT 1"], 2715),
    (["CREATE TYPE x AS TABLE (a int)", "CREATE PROC p @a x READONLY AS SELECT 1", "DROP TYPE x"], 3732),
    (
        [
            "CREATE TYPE x AS TABLE (a int)",
            "CREATE PROC p @a x READONLY AS INSERT @a VALUES (1)",
            "DECLARE @v x; EXEC p @v",
        ],
        10700,
    ),
    (
        [
            "CREATE TYPE x AS TABLE (a int); CREATE TYPE y AS TABLE (a int)",
            "CREATE PROC p @a x READONLY AS SELECT 1",
            "DECLARE @v y; EXEC p @v",
        ],
        206,
    ),
    (["CREATE TYPE x AS TABLE (a int PRIMARY KEY)", "DECLARE @v x; INSERT @v VALUES (1), (1)"], 2627),
]


@pytest.fixture(scope="module")
def errors_of() -> Iterator[Callable[[list[str]], list[list[int]]]]:
    """Runs batches in a transaction that is rolled back, on one server for all tests."""
    with shared_sessions() as sessions:

        def run(text: str) -> list[int]:
            return sessions.answer(text).numbers

        for text in SETUP:
            assert run(text) == []

        def errors(texts: list[str]) -> list[list[int]]:
            run("USE Shop; BEGIN TRAN")
            found = [run(text) for text in texts]
            run("IF @@TRANCOUNT > 0 ROLLBACK")
            return found

        yield errors


@pytest.mark.parametrize(("texts", "number"), ERRORS)
def test_errors(texts: list[str], number: int, errors_of: Callable[[list[str]], list[list[int]]]) -> None:
    found = errors_of(texts)
    assert [each[:1] for each in found] == [[]] * (len(texts) - 1) + [[number]]


def test_a_restart_keeps_them(tmp_path: Path) -> None:
    made = kept_answers(
        tmp_path,
        *SETUP,
        "CREATE SYNONYM etl.fact FOR Mart.dbo.fact",
        "CREATE SEQUENCE s START WITH 1; SELECT NEXT VALUE FOR s, id FROM t",
        "CREATE TYPE x AS TABLE (a int IDENTITY, b int DEFAULT 5, c AS a + b)",
        "CREATE TABLE rv (a int, r rowversion); INSERT rv (a) VALUES (1); CREATE STATISTICS st ON rv (a); CREATE NONCLUSTERED COLUMNSTORE INDEX ci ON rv (a)",
    )
    assert [each.errors for each in made] == [[]] * len(made)
    found = kept_answers(
        tmp_path,
        "USE Shop; SELECT SUM(amount) FROM etl.fact; SELECT NEXT VALUE FOR s",
        "DECLARE @x x; INSERT @x DEFAULT VALUES; SELECT * FROM @x",
        "INSERT rv (a) VALUES (2); SELECT CAST(r AS int) FROM rv; SELECT type_desc FROM sys.indexes WHERE name = 'ci'; DROP STATISTICS rv.st",
    )
    assert [each.errors for each in found] == [[]] * 3
    assert [result for each in found for result in each.results] == [
        [(30,)],
        [(3,)],
        [(1, 5, 6)],
        [(2001,), (2002,)],
        [("NONCLUSTERED COLUMNSTORE",)],
    ]


def test_after_a_crash_sequences_repeat_no_value(tmp_path: Path) -> None:
    """They leave out the values that were reserved."""
    folder, crashed = tmp_path / "data", tmp_path / "crashed"
    script = "SELECT NEXT VALUE FOR cached, NEXT VALUE FOR plain; INSERT t DEFAULT VALUES"
    made = "CREATE DATABASE d; USE d; CREATE TABLE t (r rowversion); CREATE SEQUENCE cached START WITH 1 CACHE 10; CREATE SEQUENCE plain START WITH 1 NO CACHE"
    before = kept_answers(folder, made, script, script, copy=crashed)
    assert [(each.errors, each.results) for each in before] == [([], []), ([], [[(1, 1)]]), ([], [[(2, 2)]])]
    (after,) = kept_answers(crashed, f"USE d; {script}; SELECT COUNT(DISTINCT r), COUNT(*) FROM t")
    assert (after.errors, after.results) == ([], [[(11, 3)], [(3, 3)]])


def test_a_new_database_begins_again() -> None:
    """It does not continue the sequences and row versions of a dropped database of its name."""
    again = "CREATE DATABASE d; USE d; CREATE SEQUENCE s START WITH 5; CREATE TABLE t (r rowversion, n int DEFAULT NEXT VALUE FOR s); INSERT t DEFAULT VALUES; SELECT CAST(r AS int), n FROM t; USE master; DROP DATABASE d"
    found = answers(again, again)
    assert [(each.errors, each.results) for each in found] == [([], [[(2001, 5)]])] * 2


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
