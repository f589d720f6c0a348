"""Statements of packages that load tables: computed columns, actions of foreign keys, constraints that are disabled,
global temporary tables."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.support.tsql_session import answer, answers, tsql_server

A = """USE Shop; CREATE TABLE a (id int PRIMARY KEY, n varchar(5)); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE ON UPDATE CASCADE)
CREATE TABLE c (id int, b int CONSTRAINT fk_b REFERENCES b (id) ON DELETE CASCADE)
INSERT a VALUES (1, 'x'), (2, 'y'); INSERT b VALUES (10, 1), (11, 1), (20, 2); INSERT c VALUES (100, 10), (101, 20) """
K = "USE Shop; CREATE TABLE k (a int, b AS a * 2 PERSISTED NOT NULL PRIMARY KEY, c AS CASE WHEN a > 1 THEN 'big' ELSE 'small' END); INSERT k VALUES (1), (2) "
D = """USE Shop; CREATE TABLE d (sk int IDENTITY PRIMARY KEY, id int, n varchar(5), cur bit); CREATE TABLE s (id int, n varchar(5))
INSERT d VALUES (1, 'a', 1), (2, 'b', 1); INSERT s VALUES (2, 'x'), (3, 'c') """
HISTORY = """INSERT INTO d (id, n, cur) SELECT id, n, 1 FROM (MERGE d AS t USING s ON t.id = s.id AND t.cur = 1 WHEN MATCHED AND t.n <> s.n THEN UPDATE SET cur = 0
WHEN NOT MATCHED THEN INSERT (id, n, cur) VALUES (s.id, s.n, 1) OUTPUT $action, s.id, s.n) AS m (act, id, n) WHERE act = 'UPDATE'"""
X = "DECLARE @x xml = '<a><b>1</b></a>'; "

SCRIPTS: dict[str, tuple[str, list[list[tuple[Any, ...]]]]] = {
    "computed columns": (
        """USE Shop; CREATE TABLE f (id int IDENTITY, qty int, price decimal(10, 2), amount AS (qty * price) PERSISTED, yr AS YEAR(d), d date, lbl AS CONCAT(id, '-', qty))
        INSERT f (qty, price, d) VALUES (2, 1.5, '20240131'), (3, 2, '20230201'); UPDATE f SET qty = 10 WHERE id = 2
        SELECT id, amount, yr, lbl FROM f ORDER BY id; SELECT SUM(amount) FROM f WHERE yr = 2023; ALTER TABLE f ADD twice AS qty + qty; SELECT twice FROM f ORDER BY id
        SELECT name, is_persisted FROM sys.computed_columns WHERE object_id = OBJECT_ID('f'); ALTER TABLE f DROP COLUMN twice; SELECT COUNT(*) FROM sys.columns WHERE is_computed = 1""",
        [
            [(1, Decimal("3.00"), 2024, "1-2"), (2, Decimal("20.00"), 2023, "2-10")],
            [(Decimal("20.00"),)],
            [(4,), (20,)],
            [("amount", True), ("yr", False), ("lbl", False), ("twice", False)],
            [(3,)],
        ],
    ),
    "computed columns as keys and in MERGE": (
        K
        + """INSERT k SELECT 3; MERGE k t USING (VALUES (1, 5), (9, 9)) s (k, v) ON t.a = s.k WHEN MATCHED THEN UPDATE SET a = s.v
        WHEN NOT MATCHED THEN INSERT (a) VALUES (s.v) OUTPUT $action, inserted.b, deleted.b; SELECT * FROM k ORDER BY b""",
        [[("INSERT", 18, None), ("UPDATE", 10, 2)], [(2, 4, "big"), (3, 6, "big"), (5, 10, "big"), (9, 18, "big")]],
    ),
    "computed columns of temporary tables": (
        """CREATE TABLE #q (a int, b AS a + 1); INSERT #q VALUES (1); INSERT #q EXEC('SELECT 4'); UPDATE #q SET a = 7 WHERE a = 1; SELECT b FROM #q ORDER BY b
        DECLARE @t TABLE (x int, y AS x * x); INSERT @t VALUES (3); SELECT y FROM @t; SELECT * INTO #r FROM #q; SELECT b FROM #r ORDER BY b""",
        [[(5,), (8,)], [(9,)], [(5,), (8,)]],
    ),
    "ON DELETE CASCADE over several tables": (
        A + "DELETE a WHERE id = 1; SELECT @@ROWCOUNT; SELECT id FROM b; SELECT id FROM c",
        [[(1,)], [(20,)], [(101,)]],
    ),
    "ON UPDATE CASCADE": (
        A + "UPDATE a SET id = id + 5; SELECT id, a FROM b ORDER BY id",
        [[(10, 6), (11, 6), (20, 7)]],
    ),
    "MERGE with a cascade": (
        A
        + "MERGE a t USING (SELECT 1 AS x) s ON t.id = s.x WHEN NOT MATCHED BY SOURCE THEN DELETE; SELECT COUNT(*) FROM b; SELECT COUNT(*) FROM c",
        [[(2,)], [(1,)]],
    ),
    "SET NULL and SET DEFAULT": (
        """USE Shop; CREATE TABLE p (id int PRIMARY KEY); INSERT p VALUES (1), (2), (3)
        CREATE TABLE n (p int REFERENCES p ON DELETE SET NULL ON UPDATE SET NULL); CREATE TABLE d (p int DEFAULT 1 REFERENCES p ON DELETE SET DEFAULT ON UPDATE NO ACTION)
        INSERT n VALUES (2), (3); INSERT d VALUES (2); DELETE p WHERE id = 2; UPDATE p SET id = 4 WHERE id = 3; SELECT p FROM n; SELECT p FROM d
        SELECT delete_referential_action_desc, update_referential_action_desc FROM sys.foreign_keys ORDER BY 1""",
        [[(None,), (None,)], [(1,)], [("SET_DEFAULT", "NO_ACTION"), ("SET_NULL", "SET_NULL")]],
    ),
    "a rollback undoes a cascade": (
        A + "BEGIN TRAN; DELETE a; SELECT COUNT(*) FROM c; ROLLBACK; SELECT COUNT(*) FROM a; SELECT COUNT(*) FROM c",
        [[(0,)], [(2,)], [(2,)]],
    ),
    "an error below a cascade undoes the statement, and no more": (
        A
        + """CREATE TABLE d (b int REFERENCES b (id)); INSERT d VALUES (20); BEGIN TRAN; INSERT a VALUES (5, 'z'); BEGIN TRY DELETE a; END TRY BEGIN CATCH SELECT ERROR_NUMBER(); END CATCH
        SELECT COUNT(*) FROM a; SELECT COUNT(*) FROM c; COMMIT; SELECT COUNT(*) FROM a""",
        [[(547,)], [(3,)], [(2,)], [(3,)]],
    ),
    "an error of OUTPUT INTO undoes the statement, and no more": (
        """USE Shop; CREATE TABLE o (id int CHECK (id < 5)); CREATE TABLE t (id int); INSERT t VALUES (1), (9); BEGIN TRAN; INSERT t VALUES (2)
        BEGIN TRY DELETE t OUTPUT deleted.id INTO o; END TRY BEGIN CATCH SELECT ERROR_NUMBER(); END CATCH; SELECT COUNT(*) FROM t; COMMIT; SELECT COUNT(*) FROM t""",
        [[(547,)], [(3,)], [(3,)]],
    ),
    "global temporary tables": (
        """USE Shop; IF OBJECT_ID('tempdb..##s') IS NOT NULL DROP TABLE ##s; CREATE TABLE ##s (id int IDENTITY PRIMARY KEY, v varchar(10)); INSERT ##s VALUES ('a'), ('b')
        SELECT ##s.id, x.v FROM ##s JOIN tempdb..##s x ON x.id = ##s.id ORDER BY 1; SELECT id * 2 AS d INTO ##d FROM ##s; UPDATE ##d SET d = d + 1 WHERE d = 4; SELECT d FROM [##d] ORDER BY d
        USE master; SELECT COUNT(*), OBJECT_ID('##nope') FROM ##s; DROP TABLE IF EXISTS ##s, ##d; SELECT OBJECT_ID('##s')""",
        [[(1, "a"), (2, "b")], [(2,), (5,)], [(2, None)], [(None,)]],
    ),
    "xml.nodes() shreds documents": (
        """DECLARE @x xml = N'<orders><order id="1"><item sku="a" qty="2"/><item sku="b" qty="3"/></order><order id="2"><item sku="c" qty="1"/></order></orders>'
        SELECT o.value('@id', 'int'), i.n.value('@sku', 'varchar(10)'), i.n.value('(@qty)[1]', 'int') FROM @x.nodes('/orders/order') AS t (o) CROSS APPLY t.o.nodes('item') AS i (n)
        SELECT CAST(t.c.query('.') AS nvarchar(50)), t.c.exist('@qty[. > 2]') FROM @x.nodes('//item[@sku="b"]') t (c); SELECT COUNT(*) FROM @x.nodes('/orders/nope') t (c) WHERE t.c IS NOT NULL""",
        [[(1, "a", 2), (1, "b", 3), (2, "c", 1)], [('<item sku="b" qty="3"/>', True)], [(0,)]],
    ),
    "xml.nodes() of a column, after a comma and in OUTER APPLY": (
        """DECLARE @t TABLE (id int, d xml); INSERT @t VALUES (1, '<r><v a="1">x</v><v/></r>'), (2, '<r/>'), (3, NULL)
        SELECT id, n.c.value('@a', 'int'), n.c.value('.', 'varchar(5)'), n.c.value('(text())[1]', 'varchar(5)') FROM @t t, t.d.nodes('/r/v') n (c)
        SELECT id, n.c.value('.', 'varchar(5)') FROM @t OUTER APPLY d.nodes('/r/v') n (c) ORDER BY id, 2 DESC; DECLARE @a xml = '<a p="1" q=""/>'; SELECT n.c.value('.', 'varchar(5)') FROM @a.nodes('/a/@*') n (c)
        SELECT x.i.value('.', 'varchar(10)') FROM (SELECT CAST('<i>' + REPLACE('a,b', ',', '</i><i>') + '</i>' AS xml) d) q CROSS APPLY q.d.nodes('/i') x (i)""",
        [
            [(1, 1, "x", "x"), (1, None, "", None)],
            [(1, "x"), (1, ""), (2, None), (3, None)],
            [("1",), ("",)],
            [("a",), ("b",)],
        ],
    ),
    "INSERT of the rows that a MERGE outputs": (
        D
        + f"""{HISTORY}; SELECT @@ROWCOUNT; SELECT id, n, cur, sk FROM d ORDER BY id, sk; UPDATE s SET n = 'y'; BEGIN TRAN; {HISTORY}; ROLLBACK; SELECT COUNT(*) FROM d""",
        [[(1,)], [(1, "a", True, 1), (2, "b", False, 2), (2, "x", True, 4), (3, "c", True, 3)], [(4,)]],
    ),
    "INSERT of the rows that a DELETE outputs": (
        D
        + """CREATE TABLE o (id int CHECK (id > 10), n varchar(5)); CREATE TABLE #o (id int, n varchar(5)); DECLARE @k int = 1
        INSERT #o SELECT x.id, x.n FROM (DELETE FROM d OUTPUT deleted.id, deleted.n WHERE cur = 1) x WHERE x.id > @k; SELECT * FROM #o; SELECT COUNT(*) FROM d
        BEGIN TRAN; INSERT s VALUES (50, 'z'); BEGIN TRY INSERT o SELECT id, n FROM (DELETE s OUTPUT deleted.id, deleted.n) x; END TRY BEGIN CATCH SELECT ERROR_NUMBER(); END CATCH; COMMIT; SELECT COUNT(*) FROM s""",
        [[(2, "b")], [(0,)], [(547,)], [(3,)]],
    ),
    "DBCC CHECKIDENT": (
        """USE Shop; CREATE TABLE t (id int IDENTITY PRIMARY KEY, v varchar(5)); INSERT t VALUES ('a'); DBCC CHECKIDENT('dbo.t', RESEED, 200); INSERT t VALUES ('b'); SELECT MAX(id) FROM t
        DELETE t; DBCC CHECKIDENT('t', RESEED, 0) WITH NO_INFOMSGS; INSERT t VALUES ('c'); SELECT id FROM t; TRUNCATE TABLE t; DBCC CHECKIDENT(t, RESEED, 10); INSERT t VALUES ('d'); SELECT id FROM t
        SET IDENTITY_INSERT t ON; INSERT t (id, v) VALUES (500, 'z'); SET IDENTITY_INSERT t OFF; DBCC CHECKIDENT('t', RESEED, 20); DBCC CHECKIDENT('t', NORESEED); DBCC CHECKIDENT('t'); INSERT t VALUES ('e'); SELECT MAX(id) FROM t
        CREATE TABLE #i (id int IDENTITY, v int); INSERT #i VALUES (1); DBCC CHECKIDENT('#i', RESEED, 7); INSERT #i VALUES (2); SELECT id FROM #i ORDER BY id""",
        [[(201,)], [(1,)], [(10,)], [(501,)], [(1,), (8,)]],
    ),
    "sp_rename of tables and columns": (
        """USE Shop; CREATE TABLE t (a int PRIMARY KEY, b int IDENTITY); CREATE TABLE u (x int CONSTRAINT fk REFERENCES t (a)); INSERT t VALUES (1); DECLARE @id int = OBJECT_ID('t'); EXEC sp_rename 'dbo.t', 'n'
        SELECT OBJECT_ID('n') - @id; INSERT n VALUES (2); SELECT b FROM n ORDER BY b; EXEC sp_rename 'n.a', 'k', 'COLUMN'; INSERT u SELECT k FROM n; EXEC sp_rename 'fk', 'fk_new'
        BEGIN TRY DELETE n; END TRY BEGIN CATCH SELECT ERROR_NUMBER(); END CATCH; SELECT name FROM sys.foreign_keys; CREATE INDEX i ON u (x); EXEC sp_rename 'u.i', 'ix', 'INDEX'; SELECT name FROM sys.indexes WHERE name = 'ix'""",
        [[(0,)], [(1,), (2,)], [(547,)], [("fk_new",)], [("ix",)]],
    ),
    "two tables are exchanged in a transaction": (
        """USE Shop; CREATE TABLE t (a int); CREATE TABLE new (a int); INSERT new VALUES (9); BEGIN TRAN; EXEC sp_rename 't', 'old'; EXEC sp_rename 'new', 't'; INSERT t VALUES (10); COMMIT
        DROP TABLE old; SELECT a FROM t ORDER BY a; BEGIN TRAN; EXEC sp_rename 't', 'x'; ROLLBACK; SELECT COUNT(*) FROM t; SELECT OBJECT_ID('x')""",
        [[(9,), (10,)], [(2,)], [(None,)]],
    ),
    "IDENTITY after two tables are exchanged, and after a rollback": (
        """USE Shop; CREATE TABLE t (id int IDENTITY, v int); CREATE TABLE new (id int IDENTITY, v int); INSERT t VALUES (1), (2)
        BEGIN TRAN; EXEC sp_rename 't', 'old'; EXEC sp_rename 'new', 't'; ROLLBACK; INSERT t VALUES (3); SELECT MAX(id) FROM t
        EXEC sp_rename 't', 'old'; EXEC sp_rename 'new', 't'; INSERT t VALUES (1); INSERT old VALUES (4); SELECT MAX(id) FROM t; SELECT MAX(id) FROM old""",
        [[(3,)], [(1,)], [(4,)]],
    ),
    "actions of two foreign keys with the same name": (
        """USE Shop; EXEC('CREATE SCHEMA x'); CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int CONSTRAINT fk REFERENCES p ON DELETE CASCADE); CREATE TABLE x.c (p int CONSTRAINT fk REFERENCES dbo.p ON DELETE SET NULL)
        INSERT p VALUES (1), (2); INSERT c VALUES (1), (2); INSERT x.c VALUES (1); DELETE p WHERE id = 1; SELECT p FROM c; SELECT p FROM x.c""",
        [[(2,)], [(None,)]],
    ),
    "ALTER SCHEMA TRANSFER": (
        """USE Shop; EXEC('CREATE SCHEMA stg'); CREATE TABLE stg.t (a int IDENTITY, b int); INSERT stg.t VALUES (5); ALTER SCHEMA dbo TRANSFER stg.t; INSERT dbo.t VALUES (6); SELECT a, b FROM t ORDER BY a
        ALTER SCHEMA stg TRANSFER OBJECT::dbo.t; SELECT SCHEMA_NAME(schema_id) FROM sys.tables WHERE name = 't'""",
        [[(1, 5), (2, 6)], [("stg",)]],
    ),
    "upkeep of indexes, and the number of rows in the system views": (
        """USE Shop; CREATE TABLE t (a int, b int); CREATE INDEX ix ON t (a) INCLUDE (b) WITH (FILLFACTOR = 90); ALTER INDEX ix ON t DISABLE; SELECT is_disabled FROM sys.indexes WHERE name = 'ix'; INSERT t VALUES (1, 2), (3, 4)
        ALTER INDEX ALL ON dbo.t REBUILD WITH (ONLINE = OFF); SELECT is_disabled FROM sys.indexes WHERE name = 'ix'; ALTER INDEX ix ON t REORGANIZE; UPDATE STATISTICS t; UPDATE STATISTICS dbo.t (ix) WITH FULLSCAN; UPDATE STATISTICS t ix
        SELECT SUM(rows) FROM sys.partitions WHERE object_id = OBJECT_ID('t') AND index_id IN (0, 1); SELECT row_count FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('t') AND index_id < 2""",
        [[(True,)], [(False,)], [(2,)], [(2,)]],
    ),
    "constraints that are disabled": (
        A
        + """ALTER TABLE c NOCHECK CONSTRAINT ALL; INSERT c VALUES (1, 99); DELETE b WHERE id = 10; SELECT COUNT(*) FROM c; DELETE c WHERE b IN (10, 99)
        SELECT is_disabled FROM sys.foreign_keys WHERE name = 'fk_b'; ALTER TABLE c WITH CHECK CHECK CONSTRAINT fk_b; DELETE b WHERE id = 20; SELECT COUNT(*) FROM c""",
        [[(3,)], [(True,)], [(0,)]],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(name: str) -> None:
    text, wanted = SCRIPTS[name]
    _, found = answers("CREATE DATABASE Shop", text)
    assert found.errors == []
    assert found.results == wanted


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (
            A + "CREATE TABLE e (a int REFERENCES a (id) ON DELETE CASCADE, b int REFERENCES b (id) ON DELETE CASCADE)",
            1785,
        ),
        ("USE Shop; CREATE TABLE e (id int PRIMARY KEY, up int REFERENCES e (id) ON DELETE CASCADE)", 1785),
        (A + "CREATE TABLE e (a int NOT NULL REFERENCES a (id) ON DELETE SET NULL)", 1761),
        (
            A
            + "INSERT c VALUES (1, 99); ALTER TABLE c NOCHECK CONSTRAINT fk_b; INSERT c VALUES (1, 99); ALTER TABLE c WITH CHECK CHECK CONSTRAINT fk_b",
            547,
        ),
        (A + "ALTER TABLE c NOCHECK CONSTRAINT nope", 4917),
        (K + "INSERT k (b) VALUES (2)", 271),
        (K + "UPDATE k SET b = 2", 271),
        (K + "MERGE k t USING (SELECT 7 AS x) s ON t.a = s.x WHEN NOT MATCHED THEN INSERT (a, b) VALUES (x, x);", 271),
        (K + "INSERT k VALUES (2)", 2627),
        (K + "ALTER TABLE k DROP COLUMN a", 5074),
        (K + "ALTER TABLE k ALTER COLUMN c varchar(9)", 4928),
        ("CREATE TABLE #t (a int, b AS GETDATE())", 40514),
        (D + "INSERT s SELECT id, n FROM (DELETE d) x (id, n)", 10709),
        (
            D
            + "INSERT s SELECT x.id, 'a' FROM (DELETE d OUTPUT deleted.id) x JOIN (DELETE s OUTPUT deleted.id) y ON y.id = x.id",
            40514,
        ),
        (A + "DBCC CHECKIDENT('a', RESEED, 1)", 7997),
        (A + "DBCC CHECKIDENT('nowhere')", 2501),
        (A + "EXEC sp_rename 'a', 'b'", 15335),
        (A + "EXEC sp_rename 'a', '#a'", 40514),
        ("CREATE TABLE ##a (id int); EXEC tempdb..sp_rename '##a', '##b'", 40514),
        (A + "ALTER TABLE c ADD CONSTRAINT k CHECK (id > 0); EXEC sp_rename 'fk_b', 'k'", 15335),
        (A + "CREATE INDEX i ON c (id); CREATE INDEX j ON c (b); EXEC sp_rename 'c.i', 'j', 'INDEX'", 15335),
        (A + "EXEC sp_rename 'nowhere', 'x'", 15225),
        (A + "EXEC sp_rename 'a.nope', 'x', 'COLUMN'", 15225),
        (A + "EXEC sp_rename 'a', 'x', 'THING'", 15249),
        (K + "EXEC sp_rename 'k.a', 'x', 'COLUMN'", 15336),
        (K + "ALTER INDEX ALL ON k DISABLE", 40514),
        (K + "ALTER INDEX nope ON k REBUILD", 2727),
        (A + "ALTER SCHEMA nope TRANSFER a", 15151),
        (X + "SELECT t.c FROM @x.nodes('/a') t (c)", 493),
        (X + "SELECT * FROM @x.nodes('/a') t (c)", 493),
        (X + "SELECT t.c.value('b', 'int') FROM @x.nodes('/a') t (c)", 2389),
        (X + "SELECT t.c.value('../@x', 'int') FROM @x.nodes('/a/b') t (c)", 40514),
        (X + "SELECT t.c.value('(/a/b)[1]', 'int') FROM @x.nodes('/a/b') t (c)", 40514),
        (X + "SELECT 1 FROM @x.nodes('/a')", 9506),
        (X + "DECLARE @p varchar(5) = '/a'; SELECT 1 FROM @x.nodes(@p) t (c)", 8172),
        ("DECLARE @x int = 1; SELECT 1 FROM @x.nodes('/a') t (c)", 258),
        ("CREATE TABLE #t (a int, b AS NEWID())", 40514),
        ("CREATE TABLE #t (a int, b AS (SELECT 1))", 1046),
        ("CREATE TABLE #t (a int, b AS nope + 1)", 207),
        ("CREATE TABLE #t (a int, b AS 1 / a); INSERT #t VALUES (0)", 8134),
    ],
)
def test_errors(text: str, number: int) -> None:
    _, found = answers("CREATE DATABASE Shop", text)
    assert found.numbers[-1:] == [number], found.errors


def test_a_global_temporary_table_is_that_of_all_sessions_and_ends_with_the_one_that_created_it() -> None:
    async def run() -> list[Any]:
        async with tsql_server() as server:
            creator, other = await server.session(), await server.session("guest")
            await answer(creator, "CREATE TABLE ##t (a int); INSERT ##t VALUES (1)")
            seen = await answer(other, "INSERT ##t VALUES (2); SELECT a FROM ##t ORDER BY a")
            await creator.close()
            missing = await answer(other, "SELECT a FROM ##t")
            again = await answer(other, "CREATE TABLE ##t (b int); SELECT b FROM ##t")
            third = await server.session()
            await answer(third, "DROP TABLE ##t; CREATE TABLE ##t (c int)")
            await other.close()
            kept = await answer(third, "SELECT c FROM ##t")
            await third.close()
            return [seen.errors, seen.results, missing.numbers, again.errors, kept.errors]

    assert asyncio.run(run()) == [[], [[(1,), (2,)]], [208], [], []]


def test_the_number_of_rows_is_that_of_committed_tables_and_needs_a_user_in_the_database() -> None:
    async def run() -> list[Any]:
        async with tsql_server() as server:
            writer, other, guest = await server.session(), await server.session(), await server.session("guest")
            await answer(
                writer, "CREATE DATABASE Shop; USE Shop; CREATE TABLE t (a int); BEGIN TRAN; INSERT t VALUES (1)"
            )
            await answer(other, "USE Shop; CREATE TABLE u (a int); INSERT u VALUES (1), (2)")
            counted = await answer(writer, "SELECT SUM(rows) FROM sys.partitions; ROLLBACK")
            denied = await answer(guest, "SELECT rows FROM Shop.sys.partitions")
            for session in (writer, other, guest):
                await session.close()
            return [counted.errors, counted.results, denied.numbers]

    assert asyncio.run(run()) == [[], [[(3,)]], [916]]
