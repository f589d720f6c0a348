"""Views, procedures and functions that clients create."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.support.tsql_session import answers, kept_answers

SETUP = (
    "CREATE DATABASE Shop; USE Shop",
    "CREATE TABLE t (id int IDENTITY PRIMARY KEY, v varchar(10), n int); INSERT t VALUES ('a', 1), ('b', 2), ('c', 3)",
)
ADD = """CREATE PROCEDURE dbo.add_row @v varchar(10) = 'none', @n AS int, @id int OUTPUT
AS
BEGIN
    SET NOCOUNT ON
    INSERT t (v, n) VALUES (@v, @n)
    SET @id = SCOPE_IDENTITY()
    SELECT v, n FROM t WHERE id = @id
    IF @n < 0 RETURN -1
    RETURN 7
END"""

SCRIPTS: dict[str, tuple[list[str], list[list[tuple[Any, ...]]]]] = {
    "a view": (
        [
            "CREATE VIEW dbo.v AS SELECT id, v AS name, n * 2 AS twice FROM t WHERE n > 1",
            "SELECT * FROM v ORDER BY id; SELECT x.name FROM Shop.dbo.v AS x JOIN t ON t.id = x.id AND t.n = 3; USE Sales; SELECT SUM(twice) FROM Shop..v",
        ],
        [[(2, "b", 4), (3, "c", 6)], [("c",)], [(10,)]],
    ),
    "a view of a view, and ALTER VIEW": (
        [
            "CREATE VIEW v (a, b) AS WITH q AS (SELECT n % 2 AS odd FROM t) SELECT odd, COUNT(*) FROM q GROUP BY odd",
            "CREATE VIEW w AS SELECT TOP 1 b FROM v ORDER BY b DESC",
            "SELECT * FROM w; SELECT a FROM v ORDER BY a",
            "ALTER VIEW v AS SELECT 5 AS a, 6 AS b",
            "SELECT * FROM w",
        ],
        [[(2,)], [(0,), (1,)], [(6,)]],
    ),
    "a procedure with a default, an OUTPUT parameter, rows and a status": (
        [
            ADD,
            "DECLARE @i int, @r int; EXEC @r = add_row 'q', 5, @i OUTPUT; SELECT @i, @r; EXEC @r = dbo.add_row @n = -3, @id = @i OUT; SELECT @i, @r",
        ],
        [[("q", 5)], [(4, 7)], [("none", -3)], [(5, -1)]],
    ),
    "a procedure has its own temporary tables and sees those of its caller": (
        [
            "CREATE PROC p AS CREATE TABLE #mine (a int); INSERT #mine SELECT a + 1 FROM #theirs; SELECT a, @@NESTLEVEL FROM #mine",
            "CREATE TABLE #theirs (a int); INSERT #theirs VALUES (1); EXEC p; SELECT OBJECT_ID('tempdb..#mine'); CREATE TABLE #o (a int, b int); INSERT #o EXEC p; SELECT * FROM #o",
        ],
        [[(2, 1)], [(None,)], [(2, 1)]],
    ),
    "a procedure runs in its database, and calls others": (
        [
            "CREATE PROC one AS SELECT DB_NAME(), COUNT(*) FROM t",
            "CREATE PROC two @x int AS EXEC one; RETURN @x * 2",
            "USE Sales; DECLARE @r int; EXEC @r = Shop.dbo.two 21; SELECT @r, DB_NAME()",
        ],
        [[("Shop", 3)], [(42, "Sales")]],
    ),
    "an error in a procedure has its name and line": (
        [
            "CREATE PROC p AS\n\nINSERT t (v) VALUES ('much too long')",
            "BEGIN TRY EXEC p END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE(), ERROR_LINE() END CATCH",
        ],
        [[(2628, "p", 3)]],
    ),
    "an error of dynamic SQL has no procedure": (
        [
            "CREATE PROC p AS EXEC ('SELECT 1/0')",
            "CREATE PROC q AS EXEC sp_executesql N'SELECT * FROM nowhere'",
            "CREATE PROC r AS EXEC ('SELECT FROM')",
            "BEGIN TRY EXEC p END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE(), ERROR_LINE() END CATCH; BEGIN TRY EXEC q END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE() END CATCH; BEGIN TRY EXEC r END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE() END CATCH",
        ],
        [[], [(8134, None, 1)], [(208, None)], [(156, None)]],
    ),
    "a function with a value": (
        [
            "CREATE FUNCTION dbo.times (@x int, @y int = 2) RETURNS int WITH SCHEMABINDING AS BEGIN RETURN @x * @y END",
            "CREATE FUNCTION dbo.name_of (@id int) RETURNS varchar(5) BEGIN RETURN (SELECT v FROM t WHERE id = @id); END",
            "SELECT dbo.times(4, DEFAULT), dbo.times(n, 10), dbo.name_of(n + 1) FROM t ORDER BY id; DECLARE @q int = dbo.times('3', 3); SELECT @q; SELECT id FROM t WHERE dbo.times(n, n) = 9",
        ],
        [[(8, 10, "b"), (8, 20, "c"), (8, 30, None)], [(9,)], [(3,)]],
    ),
    "a function with a table": (
        [
            "CREATE FUNCTION dbo.above (@least int) RETURNS TABLE AS RETURN (SELECT id, n FROM t WHERE n >= @least)",
            "SELECT * FROM dbo.above(2) ORDER BY id; SELECT t.v, f.n FROM t CROSS APPLY dbo.above(t.n) AS f ORDER BY 1, 2; DECLARE @x int = 3; SELECT COUNT(*) FROM above(@x) a",
        ],
        [[(2, 2), (3, 3)], [("a", 1), ("a", 2), ("a", 3), ("b", 2), ("b", 3), ("c", 3)], [(1,)]],
    ),
    "a function with statements": (
        [
            "CREATE FUNCTION dbo.fiscal (@d date) RETURNS int AS BEGIN DECLARE @y int = YEAR(@d); IF MONTH(@d) >= 10 SET @y += 1; RETURN @y END",
            "CREATE FUNCTION dbo.least_id (@n int) RETURNS varchar(2) AS BEGIN DECLARE @v varchar(9); SELECT @v = CONCAT(MIN(id), 'xyz') FROM t WHERE n >= @n; RETURN @v END",
            "CREATE FUNCTION fact (@n int) RETURNS bigint AS BEGIN IF @n <= 1 RETURN 1; RETURN @n * dbo.fact(@n - 1) END",
            "SELECT dbo.fiscal('2024-10-01'), dbo.fiscal(NULL), dbo.fact(20); SELECT id, dbo.least_id(n) FROM t WHERE dbo.fact(id) > 1; DECLARE @f int = dbo.fiscal('20240131'); UPDATE t SET n = dbo.fiscal(DATEADD(year, id, '20200101')) WHERE id = @f - 2022; SELECT n FROM t WHERE id = 2",
            "CREATE FUNCTION bad (@a int) RETURNS int AS BEGIN\n DECLARE @b int = 1\n RETURN @b / @a END",
            "BEGIN TRY SELECT dbo.bad(0) END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE(), ERROR_LINE() END CATCH; SELECT name, type FROM sys.objects WHERE name = 'bad'",
        ],
        [
            [(2025, None, 2432902008176640000)],
            [(2, "2x"), (3, "3x")],
            [(2022,)],
            [],
            [(8134, "bad", 3)],
            [("bad", "FN")],
        ],
    ),
    "a function of several statements that returns a table": (
        [
            """CREATE FUNCTION dbo.split (@s varchar(100), @sep char(1) = ',') RETURNS @r TABLE (pos int IDENTITY PRIMARY KEY, item varchar(20), b varbinary(5), d date) AS BEGIN
            IF @s IS NULL RETURN; DECLARE @i int = CHARINDEX(@sep, @s); WHILE @i > 0 BEGIN INSERT @r (item, b, d) VALUES (LEFT(@s, @i - 1), 0x01FF, '20240131'); SET @s = SUBSTRING(@s, @i + 1, 100); SET @i = CHARINDEX(@sep, @s) END
            INSERT INTO @r (item) VALUES (@s); UPDATE x SET item = UPPER(item) FROM @r x WHERE pos = 1; RETURN END""",
            "SELECT * FROM dbo.split('x,y', DEFAULT) ORDER BY pos; SELECT t.id, s.item FROM (VALUES (1, 'a;b'), (2, NULL)) t (id, v) OUTER APPLY split(t.v, ';') s ORDER BY 1, 2; INSERT t (v) SELECT item FROM dbo.split('p q', ' ') WHERE pos = 2; SELECT v FROM t WHERE id = 4",
            "CREATE FUNCTION g () RETURNS @t TABLE (v nvarchar(20)) AS BEGIN INSERT @t VALUES (NCHAR(31) + NCHAR(30) + NCHAR(16) + N'ä'), (N''), (NULL); RETURN END",
            "SELECT COUNT(*), COUNT(v), MAX(CAST(v AS varbinary(20))) FROM g(); SELECT type, type_desc FROM sys.objects WHERE name = 'g'",
        ],
        [
            [(1, "X", b"\x01\xff", dt.date(2024, 1, 31)), (2, "y", None, None)],
            [(1, "A"), (1, "b"), (2, None)],
            [("q",)],
            [(3, 2, "\x1f\x1e\x10ä".encode("utf-16-le"))],
            [("TF", "SQL_TABLE_VALUED_FUNCTION")],
        ],
    ),
    "what the system views show": (
        [
            "CREATE VIEW v AS SELECT id FROM t",
            "CREATE PROC p @a int AS SELECT 1",
            "CREATE FUNCTION f (@x int) RETURNS int AS BEGIN RETURN @x END",
            "SELECT name, type FROM sys.objects WHERE type IN ('V', 'P', 'FN') ORDER BY name; SELECT definition FROM sys.sql_modules WHERE object_id = OBJECT_ID('v', 'V'); EXEC sp_helptext 'p'; SELECT name FROM sys.parameters WHERE object_id = OBJECT_ID('p')",
        ],
        [
            [("f", "FN"), ("p", "P "), ("v", "V ")],
            [("CREATE VIEW v AS SELECT id FROM t",)],
            [("CREATE PROC p @a int AS SELECT 1\r\n",)],
            [("@a",)],
        ],
    ),
    "DROP, and a rollback of CREATE": (
        [
            "CREATE VIEW v AS SELECT 1 AS a",
            "BEGIN TRAN; DROP VIEW v",
            "CREATE PROC p AS SELECT 1",
            "ROLLBACK; SELECT a FROM v; SELECT OBJECT_ID('p'); DROP VIEW IF EXISTS v, nowhere; DROP PROC IF EXISTS p; SELECT OBJECT_ID('v')",
        ],
        [[(1,)], [(None,)], [(None,)]],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name: str) -> None:
    texts, expected = SCRIPTS[name]
    found = answers(*SETUP, *texts)
    assert [error for each in found for error in each.errors] == []
    assert [result for each in found for result in each.results] == expected


@pytest.mark.parametrize(
    ("texts", "number"),
    [
        (["SELECT 1; CREATE VIEW v AS SELECT 1 AS a"], 111),
        (["CREATE VIEW v AS SELECT * FROM nowhere"], 208),
        (["CREATE VIEW v AS SELECT 1"], 4511),
        (["CREATE VIEW v AS SELECT 1 AS a, 2 AS A"], 4506),
        (["CREATE VIEW v (x) AS SELECT 1 AS a, 2 AS b"], 8158),
        (["CREATE VIEW t AS SELECT 1 AS a"], 2714),
        (["ALTER VIEW nowhere AS SELECT 1 AS a"], 208),
        (["CREATE VIEW Shop.dbo.v AS SELECT 1 AS a"], 166),
        (["CREATE VIEW v AS SELECT n FROM t", "INSERT v VALUES (1)"], 40514),
        (["CREATE VIEW v AS SELECT * FROM t", "ALTER TABLE t ADD more int", "SELECT * FROM v"], 4502),
        (["CREATE PROC p AS SELECT FROM WHERE"], 156),
        (["CREATE PROC p AS SELECT @nope"], 137),
        (["CREATE PROC p @a int, @A int AS SELECT 1"], 134),
        (["CREATE PROC p @a nonsense AS SELECT 1"], 102),
        (["CREATE PROC p WITH ENCRYPTION AS SELECT 1"], 40514),
        ([ADD, "EXEC add_row"], 201),
        ([ADD, "EXEC add_row 1, 2, 3, 4"], 8144),
        ([ADD, "EXEC add_row @nope = 1"], 8145),
        (["CREATE PROC p AS EXEC p", "EXEC p"], 217),
        (["EXEC nowhere"], 2812),
        (["DROP PROC t"], 3701),
        (["DROP FUNCTION nowhere"], 3701),
        (["CREATE FUNCTION f () RETURNS int AS BEGIN INSERT t (n) VALUES (1); RETURN 1 END"], 443),
        (["CREATE FUNCTION f () RETURNS int AS BEGIN EXEC p; RETURN 1 END"], 443),
        (["CREATE FUNCTION f () RETURNS int AS BEGIN IF 1 = 1 SELECT 1; RETURN 1 END"], 444),
        (["CREATE FUNCTION f () RETURNS int AS BEGIN DECLARE @a int; SET @a = 1 END"], 455),
        (["CREATE FUNCTION f () RETURNS @t TABLE (a int) AS BEGIN INSERT t (n) VALUES (1); RETURN END"], 443),
        (["CREATE FUNCTION f () RETURNS @t TABLE (a sql_variant) AS BEGIN RETURN END"], 40514),
        (
            [
                "CREATE FUNCTION f () RETURNS int AS BEGIN DECLARE @n int; SET @n = dbo.f(); RETURN @n END",
                "SELECT dbo.f()",
            ],
            217,
        ),
        (
            [
                "CREATE FUNCTION f () RETURNS int AS BEGIN DECLARE @n int; SELECT @n = COUNT(*) FROM t; RETURN @n END",
                "BEGIN TRAN; UPDATE t SET n = 1",
                "SELECT dbo.f()",
            ],
            40514,
        ),
        (["CREATE FUNCTION f (@x int) RETURNS int AS BEGIN RETURN @y END"], 137),
        (["CREATE FUNCTION f (@x int) RETURNS int AS BEGIN RETURN @x END", "SELECT dbo.f()"], 313),
        (["CREATE FUNCTION f (@x int) RETURNS int AS BEGIN RETURN @x END", "SELECT dbo.f(1, 2)"], 8144),
        (["USE Sales", "CREATE VIEW v AS SELECT 1 AS a"], 262),
        (["RETURN 1"], 178),
    ],
)
def test_errors(texts: list[str], number: int) -> None:
    found = answers(*SETUP, *texts)
    assert [each.numbers[:1] for each in found] == [[]] * (len(texts) + 1) + [[number]], found[-1].errors


def test_a_restart_keeps_them(tmp_path: Path) -> None:
    made = kept_answers(
        tmp_path,
        *SETUP,
        ADD,
        "CREATE VIEW v AS SELECT n FROM t",
        "CREATE FUNCTION f (@x int, @y decimal(5, 2) = 1.5) RETURNS decimal(9, 2) AS BEGIN RETURN @x * @y END",
        "CREATE FUNCTION g (@x int) RETURNS TABLE AS RETURN SELECT n FROM t WHERE n = @x",
        "CREATE FUNCTION h (@x int) RETURNS @h TABLE (k int IDENTITY(5, 5), n int DEFAULT 7) AS BEGIN INSERT @h DEFAULT VALUES; INSERT @h (n) VALUES (@x); RETURN END",
    )
    assert [each.errors for each in made] == [[]] * len(made)
    (found,) = kept_answers(
        tmp_path,
        "USE Shop; DECLARE @i int; EXEC add_row @n = 9, @id = @i OUTPUT; SELECT MAX(n) FROM v; SELECT CAST(dbo.f(2, DEFAULT) AS float); SELECT n FROM g(2); SELECT * FROM h(1)",
    )
    assert found.errors == []
    assert found.results == [[("none", 9)], [(9,)], [(3.0,)], [(2,)], [(5, 7), (10, 1)]]
