"""OUTPUT, MERGE, TOP, joins, and changes through common table expressions and derived tables."""

# ruff: noqa: E501, ISC004 - a script reads best on its own lines

from __future__ import annotations

from typing import Any

import pytest

from tests.support.tsql_session import run

T = "CREATE TABLE #t (id int, v varchar(10)); INSERT #t VALUES (1, 'a'), (2, 'b'), (3, 'c'); "
MERGE = "MERGE #t t USING (VALUES (1)) s(id) ON s.id = t.id"

SCRIPTS: dict[str, tuple[str, list[Any]]] = {
    "OUTPUT of INSERT": (
        """DECLARE @t TABLE (id int IDENTITY, v varchar(5) DEFAULT 'd', n int)
        INSERT @t (n) OUTPUT inserted.*, inserted.n * 2 AS twice SELECT 1 UNION ALL SELECT 2""",
        [[(1, "d", 1, 2), (2, "d", 2, 4)]],
    ),
    "OUTPUT of DELETE": (T + "DELETE FROM #t OUTPUT deleted.id, UPPER(deleted.v) WHERE id < 2", [[(1, "A")]]),
    "OUTPUT of UPDATE with columns of another source": (
        T
        + """UPDATE t SET v = s.w OUTPUT deleted.v, inserted.v, s.w, inserted.id FROM #t t JOIN (VALUES (2, 'z')) s(id, w)
        ON s.id = t.id""",
        [[("b", "z", "z", 2)]],
    ),
    "OUTPUT INTO, and a second OUTPUT": (
        T
        + """DECLARE @log TABLE (n int IDENTITY, was varchar(10), at datetime DEFAULT GETDATE())
        DELETE #t OUTPUT deleted.v INTO @log (was) OUTPUT deleted.id WHERE id > 1
        SELECT n, was FROM @log ORDER BY n; SELECT @@ROWCOUNT""",
        [[(2,), (3,)], [(1, "b"), (2, "c")], [(2,)]],
    ),
    "a queue: DELETE TOP with OUTPUT": (
        T
        + "WITH q AS (SELECT TOP (1) id FROM #t ORDER BY id DESC) DELETE FROM q OUTPUT deleted.id; SELECT COUNT(*) FROM #t",
        [[(3,)], [(2,)]],
    ),
    "TOP": (
        T
        + "UPDATE TOP (2) #t SET v = 'x'; DELETE TOP (1) FROM #t WHERE v = 'x'; INSERT TOP (1) INTO #t SELECT id, v FROM #t;"
        " SELECT COUNT(*) FROM #t; UPDATE TOP (50) PERCENT #t SET v = 'y'; SELECT @@ROWCOUNT",
        [[(3,)], [(2,)]],
    ),
    "duplicates are deleted through a common table expression": (
        """CREATE TABLE #t (id int, v int); INSERT #t VALUES (1, 1), (1, 2), (2, 3);
        WITH d AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY v) AS rn FROM #t) DELETE FROM d WHERE rn > 1
        SELECT * FROM #t ORDER BY id""",
        [[(1, 1), (2, 3)]],
    ),
    "duplicates are deleted through a derived table": (
        """CREATE TABLE #t (id int, v int); INSERT #t VALUES (1, 1), (1, 2), (2, 3)
        DELETE x FROM (SELECT *, rn = ROW_NUMBER() OVER (PARTITION BY id ORDER BY v) FROM #t) x WHERE x.rn > 1
        SELECT * FROM #t ORDER BY id""",
        [[(1, 1), (2, 3)]],
    ),
    "an update through a common table expression with other names": (
        T
        + "WITH c (n, t) AS (SELECT id, v FROM #t WHERE id > 1) UPDATE c SET t = 'n' + CAST(n AS varchar(5)) WHERE n < 3;"
        " SELECT v FROM #t ORDER BY id",
        [[("a",), ("n2",), ("c",)]],
    ),
    "an update through a common table expression with a join": (
        T + "WITH c AS (SELECT t.v, x.w FROM #t t JOIN (VALUES (1, 'z')) x(id, w) ON x.id = t.id) UPDATE c SET v = w;"
        " SELECT v FROM #t ORDER BY id",
        [[("z",), ("b",), ("c",)]],
    ),
    "a recursive common table expression feeds INSERT, and one feeds DELETE": (
        """CREATE TABLE #n (i int); WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) INSERT INTO #n SELECT i FROM n;
        WITH odd AS (SELECT i FROM #n WHERE i % 2 = 1) DELETE FROM #n WHERE i IN (SELECT i FROM odd); SELECT i FROM #n ORDER BY i""",
        [[(2,), (4,)]],
    ),
    "UPDATE with outer joins, APPLY and the target in any place": (
        T
        + """UPDATE t SET v = s.w FROM (VALUES (1, 'x')) s(id, w) RIGHT JOIN #t t ON t.id = s.id
        SELECT v FROM #t ORDER BY id
        UPDATE #t SET v = a.m FROM #t CROSS APPLY (SELECT 'm' + CAST(#t.id AS varchar(3)) AS m) a WHERE id > 1
        SELECT v FROM #t ORDER BY id
        UPDATE #t SET v = s.w FROM (VALUES (3, 'last')) s(id, w) WHERE s.id = #t.id
        DELETE #t FROM #t AS x LEFT JOIN (VALUES (3)) k(id) ON k.id = x.id WHERE k.id IS NULL
        SELECT * FROM #t""",
        [[("x",), (None,), (None,)], [("x",), ("m2",), ("m3",)], [(3, "last")]],
    ),
    "a row that a join finds many times changes once": (
        T + "UPDATE t SET v = 'j' FROM #t t JOIN (VALUES (1), (1), (1)) s(id) ON s.id = t.id; SELECT @@ROWCOUNT",
        [[(1,)]],
    ),
    "UPDATE assigns variables": (
        T
        + "DECLARE @old varchar(9), @new varchar(9); UPDATE #t SET @old = v, @new = v = v + '!' WHERE id = 2; SELECT @old, @new;"
        " SELECT v FROM #t WHERE id = 2",
        [[("b", "b!")], [("b!",)]],
    ),
    "compound assignments before OUTPUT": (
        "CREATE TABLE #n (n int); INSERT #n VALUES (1); UPDATE #n SET n += 2 OUTPUT inserted.n; UPDATE #n SET n *= n + 1 WHERE n = 3;"
        " SELECT n FROM #n",
        [[(3,)], [(12,)]],
    ),
    "MERGE with all clauses": (
        T
        + """MERGE INTO #t WITH (HOLDLOCK) AS t
        USING (VALUES (1, 'a'), (2, 'B'), (9, 'new')) AS s (id, v) ON t.id = s.id
        WHEN MATCHED AND t.v = s.v THEN DELETE
        WHEN MATCHED THEN UPDATE SET t.v = s.v
        WHEN NOT MATCHED BY TARGET THEN INSERT (id, v) VALUES (s.id, s.v)
        WHEN NOT MATCHED BY SOURCE AND t.id > 2 THEN UPDATE SET v += '?'
        OUTPUT $action, inserted.v, deleted.v, s.id;
        SELECT * FROM #t ORDER BY id""",
        [
            {
                ("DELETE", None, "a", 1),
                ("DELETE", None, "b", 2),
                ("INSERT", "new", None, 9),
                ("UPDATE", "c?", "c", None),
            },
            [(3, "c?"), (9, "new")],
        ],
    ),
    "MERGE with identity, default and OUTPUT INTO": (
        """DECLARE @t TABLE (id int IDENTITY, k varchar(5) PRIMARY KEY, n int DEFAULT 5), @log TABLE (what nvarchar(10), id int)
        MERGE @t USING (SELECT 'x' AS k UNION ALL SELECT 'y') s ON [@t].k = s.k WHEN NOT MATCHED THEN INSERT (k) VALUES (k)
        OUTPUT $action, inserted.id INTO @log;
        SELECT id, n FROM @t ORDER BY id; SELECT what, id FROM @log ORDER BY id""",
        [[(1, 5), (2, 5)], [("INSERT", 1), ("INSERT", 2)]],
    ),
    "MERGE may delete a key and insert it again": (
        """CREATE TABLE #k (id int PRIMARY KEY, v int); INSERT #k VALUES (1, 1), (2, 2);
        WITH s AS (SELECT id + 1 AS id, v FROM #k) MERGE #k AS t USING s ON t.id = s.id AND 1 = 0
        WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v) WHEN NOT MATCHED BY SOURCE THEN DELETE;
        SELECT * FROM #k ORDER BY id""",
        [[(2, 1), (3, 2)]],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(name: str) -> None:
    text, expected = SCRIPTS[name]
    found = run(text)
    assert not found.errors
    assert [
        set(rows) if isinstance(wanted, set) else rows for rows, wanted in zip(found.results, expected, strict=True)
    ] == expected


KEYED = "DECLARE @log TABLE (id int PRIMARY KEY); CREATE TABLE #log (id int PRIMARY KEY); INSERT #log VALUES (0); "


@pytest.mark.parametrize("transaction", ["", "BEGIN TRANSACTION; ", "BEGIN TRANSACTION; INSERT #t VALUES (4, 'd'); "])
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE #t OUTPUT 1 INTO @log",
        "DELETE #t OUTPUT 1 INTO #log",
        "UPDATE #t SET v = 'x' OUTPUT deleted.id % 2 INTO @log",
        "INSERT #t OUTPUT 1 INTO @log SELECT 8, 'x' UNION ALL SELECT 9, 'x'",
        "INSERT #log EXEC ('SELECT 7; SELECT 7')",
        "INSERT @log EXEC ('SELECT 7; SELECT NULL')",
    ],
)
def test_a_statement_that_fails_in_its_second_step_changes_nothing(statement: str, transaction: str) -> None:
    rows = "SELECT id, v FROM #t ORDER BY id; SELECT id FROM @log; SELECT id FROM #log; "
    caught = "BEGIN CATCH SELECT ERROR_NUMBER() END CATCH; "
    found = run(f"{T}{KEYED}{transaction}{rows}BEGIN TRY {statement} END TRY {caught}{rows}SELECT @@TRANCOUNT")
    assert not found.errors
    assert found.results[3] in ([(515,)], [(2627,)])
    assert found.results[4:7] == found.results[:3]
    assert found.results[7:] == [[(int(bool(transaction)),)]]


def test_a_rollback_after_a_failed_output_restores_all_rows() -> None:
    found = run(
        f"""{T}{KEYED}BEGIN TRANSACTION; DELETE #t WHERE id = 1
        BEGIN TRY DELETE #t OUTPUT 1 INTO #log END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH
        DELETE #t OUTPUT deleted.id INTO #log WHERE id = 2; SAVE TRANSACTION s; DELETE #t; ROLLBACK TRANSACTION s
        SELECT id FROM #t; SELECT id FROM #log ORDER BY id; ROLLBACK; SELECT id FROM #t; SELECT id FROM #log"""
    )
    assert not found.errors
    assert found.results == [[(2627,)], [(3,)], [(0,), (2,)], [(1,), (2,), (3,)], [(0,)]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (T + "MERGE #t t USING (VALUES (1), (1)) s(id) ON s.id = t.id WHEN MATCHED THEN DELETE;", 8672),
        (T + "MERGE #t t USING (VALUES (1)) s(id) ON s.id = t.id WHEN MATCHED THEN DELETE", 10713),
        (T + "MERGE #t t USING (VALUES (1)) s(id) ON s.id = t.id WHEN MATCHED THEN INSERT VALUES (1, '');", 10711),
        (T + "MERGE #t t USING (VALUES (1)) s(id) ON s.id = t.id WHEN NOT MATCHED THEN DELETE;", 10711),
        (T + f"{MERGE} WHEN MATCHED THEN UPDATE SET v = 'a' WHEN MATCHED THEN DELETE;", 5324),
        (T + f"{MERGE} WHEN NOT MATCHED THEN INSERT VALUES (8, '') WHEN NOT MATCHED THEN INSERT VALUES (9, '');", 5324),
        (T + f"{MERGE} WHEN MATCHED AND v = 'a' THEN DELETE WHEN MATCHED THEN DELETE;", 10714),
        (T + "DECLARE @v int = 9; UPDATE #t SET @v = id, id = @v", 40514),
        (T + "DECLARE @v int = 9; UPDATE #t SET id = (SELECT @v), @v = id", 40514),
        (
            T + "MERGE #t t USING (VALUES (7)) s(id) ON s.id = t.id WHEN NOT MATCHED THEN INSERT (id) VALUES (t.id);",
            4104,
        ),
        (T + "DELETE #t OUTPUT inserted.id", 4104),
        (T + "INSERT #t OUTPUT deleted.id VALUES (1, '')", 4104),
        (T + "UPDATE #t SET v = 'x' OUTPUT id", 209),
        (T + "UPDATE #t SET v = 'x' OUTPUT (SELECT 1)", 10705),
        (T + "DECLARE @o TABLE (a int, b int); DELETE #t OUTPUT deleted.id INTO @o", 213),
        (T + "UPDATE x SET v = 'q' FROM #t", 208),
        (T + "UPDATE #t SET v = 'q' FROM #t a JOIN #t b ON a.id = b.id", 8154),
        (T + "UPDATE #t SET v = 'q', v = 'r'", 264),
        (T + "WITH d AS (SELECT id, COUNT(*) AS n FROM #t GROUP BY id) DELETE FROM d", 40514),
        (T + "WITH d AS (SELECT a.id FROM #t a JOIN #t b ON a.id = b.id) DELETE FROM d", 4405),
        (T + "WITH d AS (SELECT id + 1 AS n FROM #t) UPDATE d SET n = 1", 4406),
        (T + "WITH d AS (SELECT x.id FROM #t t JOIN (VALUES (1)) x(id) ON x.id = t.id) UPDATE d SET id = 7", 4406),
        (T + "WITH d AS (SELECT * FROM #t t JOIN (VALUES (1)) x(n) ON x.n = t.id) UPDATE d SET id = 7", 40514),
        (T + "DECLARE @n int = 0; UPDATE #t SET @n = id = @n + 1", 40514),
        ("WITH d AS (SELECT database_id FROM sys.databases) DELETE FROM d", 259),
        ("UPDATE sys.objects SET name = 'x'", 259),
    ],
)
def test_errors(text: str, number: int) -> None:
    found = run(text)
    assert found.numbers == [number], found.errors
