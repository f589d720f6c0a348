"""Temporary tables and table variables with IDENTITY, DEFAULT, CHECK, keys and indexes; ALTER TABLE, TRUNCATE."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.tsql_session import answers, run

SCRIPTS = {
    "identity, default and SCOPE_IDENTITY": (
        """CREATE TABLE #t (id int IDENTITY(10, 5) NOT NULL PRIMARY KEY, v varchar(10) DEFAULT 'x',
                            made datetime NOT NULL DEFAULT GETDATE(), g uniqueidentifier DEFAULT NEWID())
        INSERT #t (v) VALUES ('a'); INSERT #t DEFAULT VALUES; INSERT INTO #t (v) VALUES (DEFAULT), (NULL)
        SELECT id, v FROM #t ORDER BY id
        SELECT COUNT(DISTINCT g), COUNT(made) FROM #t
        SELECT SCOPE_IDENTITY(), @@IDENTITY, IDENT_CURRENT('#t'), IDENT_SEED('#t'), IDENT_INCR('tempdb..#t')""",
        [[(10, "a"), (15, "x"), (20, "x"), (25, None)], [(4, 4)], [tuple(map(Decimal, (25, 25, 25, 10, 5)))]],
    ),
    "identity values follow the ORDER BY of INSERT … SELECT": (
        """DECLARE @t TABLE (id int IDENTITY, v int)
        INSERT @t (v) SELECT v FROM (VALUES (3), (1), (2)) x(v) ORDER BY v DESC
        SELECT id, v FROM @t ORDER BY id""",
        [[(1, 3), (2, 2), (3, 1)]],
    ),
    "IDENTITY_INSERT": (
        """CREATE TABLE #t (id bigint IDENTITY, v int); INSERT #t VALUES (1)
        SET IDENTITY_INSERT #t ON; INSERT #t (id, v) VALUES (50, 2), (40, 3); SET IDENTITY_INSERT #t OFF
        INSERT #t (v) VALUES (4)
        SELECT id FROM #t ORDER BY id; SELECT SCOPE_IDENTITY()""",
        [[(1,), (40,), (50,), (51,)], [(Decimal(51),)]],
    ),
    "a rollback gives no identity values back": (
        """CREATE TABLE #t (id int IDENTITY, v int); INSERT #t VALUES (1)
        BEGIN TRAN; INSERT #t VALUES (2); INSERT #t VALUES (3); ROLLBACK; INSERT #t VALUES (4); SELECT id, v FROM #t""",
        [[(1, 1), (4, 4)]],
    ),
    "a savepoint repeats the statements before it with the same values": (
        """CREATE TABLE #t (id int IDENTITY, v int)
        BEGIN TRAN; INSERT #t VALUES (1); SAVE TRAN s; INSERT #t VALUES (2); ROLLBACK TRAN s; INSERT #t VALUES (3); COMMIT
        SELECT id, v FROM #t ORDER BY id""",
        [[(1, 1), (3, 3)]],
    ),
    "SCOPE_IDENTITY is that of the scope": (
        """CREATE TABLE #t (id int IDENTITY(7, 1), v int); INSERT #t VALUES (1)
        EXEC ('INSERT #t VALUES (2); SELECT SCOPE_IDENTITY()')
        SELECT SCOPE_IDENTITY(), @@IDENTITY""",
        [[(Decimal(8),)], [(Decimal(7), Decimal(8))]],
    ),
    "TRUNCATE resets the identity, DELETE does not": (
        """CREATE TABLE #t (id int IDENTITY, v int); INSERT #t VALUES (1), (2); DELETE #t; INSERT #t VALUES (3)
        SELECT id FROM #t; TRUNCATE TABLE #t; INSERT #t VALUES (4); SELECT id FROM #t""",
        [[(3,)], [(1,)]],
    ),
    "INSERT … EXEC obeys the rules": (
        """CREATE TABLE #t (id int IDENTITY, v int, w varchar(5) DEFAULT 'd')
        INSERT #t (v) EXEC ('SELECT 5 UNION ALL SELECT 6'); SELECT * FROM #t ORDER BY id""",
        [[(1, 5, "d"), (2, 6, "d")]],
    ),
    "a unique key allows one NULL, and keys swap within a statement": (
        """CREATE TABLE #t (k int UNIQUE, n int PRIMARY KEY); INSERT #t VALUES (NULL, 1), (1, 2), (2, 3)
        UPDATE #t SET k = CASE k WHEN 1 THEN 2 WHEN 2 THEN 1 END; UPDATE #t SET n = n + 1
        SELECT k, n FROM #t ORDER BY n""",
        [[(None, 2), (2, 3), (1, 4)]],
    ),
    "CREATE INDEX and DROP INDEX": (
        """CREATE TABLE #t (a int, b varchar(9)); CREATE NONCLUSTERED INDEX ix ON #t (a DESC) INCLUDE (b) WITH (FILLFACTOR = 90)
        CREATE UNIQUE INDEX ux ON #t (b); INSERT #t VALUES (1, 'x'), (1, 'y')
        DROP INDEX ux ON #t; INSERT #t VALUES (1, 'X '); DROP INDEX #t.ix; SELECT COUNT(*) FROM #t""",
        [[(3,)]],
    ),
    "ALTER TABLE": (
        """CREATE TABLE #t (id int NOT NULL, x int); INSERT #t VALUES (1, 2)
        ALTER TABLE #t ADD v int NULL, w int NOT NULL CONSTRAINT dw DEFAULT 7
        ALTER TABLE #t ADD CONSTRAINT pk PRIMARY KEY CLUSTERED (id), CONSTRAINT ck CHECK (x > 1)
        INSERT #t (id, x) VALUES (2, 3); SELECT * FROM #t ORDER BY id
        ALTER TABLE #t DROP CONSTRAINT ck; ALTER TABLE #t DROP COLUMN x, v; ALTER TABLE #t ALTER COLUMN w varchar(20) NOT NULL
        SELECT * FROM #t ORDER BY id""",
        [[(1, 2, None, 7), (2, 3, None, 7)], [(1, "7"), (2, "7")]],
    ),
    "a table is what it was after a rollback of ALTER": (
        "CREATE TABLE #t (a int); INSERT #t VALUES (1); BEGIN TRAN; ALTER TABLE #t ADD b int; INSERT #t VALUES (2, 2); ROLLBACK; SELECT * FROM #t; INSERT #t VALUES (3)",
        [[(1,)]],
    ),
    "CREATE TABLE begins an implicit transaction": (
        "SET IMPLICIT_TRANSACTIONS ON; CREATE TABLE #t (a int); SELECT @@TRANCOUNT; ROLLBACK; SELECT OBJECT_ID('tempdb..#t')",
        [[(1,)], [(None,)]],
    ),
    "comparisons in checks disregard case": (
        "CREATE TABLE #t (s varchar(9) CHECK (s IN ('ON', 'off'))); INSERT #t VALUES ('on'), (NULL); SELECT COUNT(*) FROM #t",
        [[(2,)]],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(name: str) -> None:
    text, expected = SCRIPTS[name]
    found = run(text)
    assert not found.errors
    assert found.results == expected


T = "CREATE TABLE #t (id int IDENTITY PRIMARY KEY, v int NOT NULL CHECK (v > 0), u int UNIQUE); "


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (T + "INSERT #t (v) VALUES (1), (NULL)", 515),
        (T + "INSERT #t (v) VALUES (0)", 547),
        (T + "INSERT #t (v) VALUES (1); UPDATE #t SET v = -1", 547),
        (T + "INSERT #t (v, u) VALUES (1, 1), (2, 1)", 2627),
        (T + "INSERT #t (v, u) VALUES (1, 1); INSERT #t (v, u) VALUES (1, 1)", 2627),
        (T + "INSERT #t (v, u) VALUES (1, 1), (2, 2); UPDATE #t SET u = 1", 2627),
        (T + "INSERT #t (id, v) VALUES (1, 1)", 544),
        (T + "SET IDENTITY_INSERT #t ON; INSERT #t (v) VALUES (1)", 545),
        (T + "INSERT #t VALUES (1, 1, 1)", 8101),
        (T + "INSERT #t (v, u) VALUES (1, 1, 1)", 110),
        (T + "UPDATE #t SET id = 1", 8102),
        (T + "INSERT #t (id, v) VALUES (DEFAULT, 1)", 339),
        (T + "CREATE TABLE #u (id int IDENTITY); SET IDENTITY_INSERT #t ON; SET IDENTITY_INSERT #u ON", 8107),
        ("CREATE TABLE #t (a int); SET IDENTITY_INSERT #t ON", 8106),
        ("SET IDENTITY_INSERT #t ON", 1088),
        ("CREATE TABLE #t (a int IDENTITY, b int IDENTITY)", 2744),
        ("CREATE TABLE #t (a varchar(9) IDENTITY)", 2749),
        ("CREATE TABLE #t (a int PRIMARY KEY, b int PRIMARY KEY)", 8110),
        ("CREATE TABLE #t (a int, A int)", 2705),
        ("CREATE TABLE #t (a int, PRIMARY KEY (b))", 1911),
        ("CREATE TABLE #t (a int CHECK (b > 1))", 207),
        ("CREATE TABLE #t (a int DEFAULT (missing))", 207),
        ("CREATE TABLE #t (a int); INSERT #t VALUES (1), (1); CREATE UNIQUE INDEX u ON #t (a)", 1505),
        ("CREATE TABLE #t (a int); CREATE UNIQUE INDEX u ON #t (a); INSERT #t VALUES (1), (1)", 2601),
        ("CREATE TABLE #t (a int); CREATE INDEX u ON #t (a); CREATE INDEX u ON #t (a)", 1913),
        ("CREATE TABLE #t (a int); CREATE INDEX u ON #t (b)", 1911),
        ("CREATE TABLE #t (a int); DROP INDEX u ON #t", 3701),
        ("CREATE UNIQUE INDEX u ON #t (a)", 1088),
        ("CREATE TABLE #t (a int); INSERT #t VALUES (1); ALTER TABLE #t ADD b int NOT NULL", 4901),
        ("CREATE TABLE #t (a int); ALTER TABLE #t ADD a int", 2705),
        ("CREATE TABLE #t (a int); ALTER TABLE #t ADD PRIMARY KEY (a)", 8111),
        ("CREATE TABLE #t (a int); INSERT #t VALUES (1); ALTER TABLE #t ADD CHECK (a > 1)", 547),
        (
            "CREATE TABLE #t (a int); INSERT #t VALUES (1); ALTER TABLE #t ADD b int NOT NULL DEFAULT 1 CHECK (b > a)",
            547,
        ),
        (
            "CREATE TABLE #t (a int); INSERT #t VALUES (1), (2); ALTER TABLE #t ADD b int NOT NULL DEFAULT 1 UNIQUE",
            1505,
        ),
        ("CREATE TABLE #t (a int, b int); ALTER TABLE #t DROP COLUMN c", 4924),
        ("CREATE TABLE #t (a int, b int UNIQUE); ALTER TABLE #t DROP COLUMN b", 5074),
        ("CREATE TABLE #t (a int); ALTER TABLE #t DROP CONSTRAINT c", 3728),
        ("CREATE TABLE #t (a varchar(5)); INSERT #t VALUES ('x'); ALTER TABLE #t ALTER COLUMN a int", 245),
        ("CREATE TABLE #t (a varchar(5) PRIMARY KEY); ALTER TABLE #t ALTER COLUMN a int NOT NULL", 5074),
        ("CREATE TABLE #t (a decimal(5, 2) CHECK (a < 5)); ALTER TABLE #t ALTER COLUMN a decimal(5, 0)", 5074),
        ("CREATE TABLE #t (a varchar(5)); INSERT #t VALUES ('xyz'); ALTER TABLE #t ALTER COLUMN a varchar(2)", 2628),
        ("CREATE TABLE #t (a int); CREATE UNIQUE INDEX u ON #t (a) WITH (IGNORE_DUP_KEY = ON)", 40514),
    ],
)
def test_errors(text: str, number: int) -> None:
    found = run(text)
    assert found.numbers == [number], found.errors


def test_a_statement_that_fails_changes_no_row() -> None:
    found = run(
        T
        + """INSERT #t (v, u) VALUES (1, 1), (2, 2)
        INSERT #t (v, u) VALUES (3, 3), (4, 1)
        UPDATE #t SET v = v - 1
        SELECT v, u FROM #t ORDER BY v; INSERT #t (v) OUTPUT inserted.id VALUES (9)"""
    )
    assert found.numbers == [2627, 547]
    assert found.results == [[(1, 1), (2, 2)], [(5,)]], "the identity values of the failed INSERT are lost"


def test_names_in_the_errors() -> None:
    found = run(
        "DECLARE @t TABLE (k varchar(5) PRIMARY KEY, n int NOT NULL); INSERT @t VALUES ('a', 1); INSERT @t VALUES ('A ', 1)"
    )
    assert "(A )" in found.errors[0].text
    found = run("CREATE TABLE #t (k int, [my col] int NOT NULL); INSERT #t (k) VALUES (1)")
    assert "'my col' of table '#t'" in found.errors[0].text


def test_foreign_keys_of_temporary_tables_are_skipped_with_a_message() -> None:
    found = run("CREATE TABLE #t (a int CONSTRAINT fk REFERENCES p (id) ON DELETE NO ACTION); INSERT #t VALUES (3)")
    assert not found.errors
    assert [info.number for info in found.infos] == [1766]


def test_the_rules_last_as_long_as_the_table() -> None:
    found = answers(
        "CREATE TABLE #t (id int IDENTITY PRIMARY KEY, v int)",
        "INSERT #t VALUES (1); SELECT @@IDENTITY",
        "INSERT #t VALUES (1); SELECT id FROM #t; SELECT SCOPE_IDENTITY()",
        "SELECT SCOPE_IDENTITY(); DROP TABLE [#t]; CREATE TABLE #t (id int IDENTITY, v int); INSERT #t OUTPUT inserted.id VALUES (1)",
    )
    assert [each.results for each in found] == [
        [],
        [[(Decimal(1),)]],
        [[(1,), (2,)], [(Decimal(2),)]],
        [[(None,)], [(1,)]],
    ]
