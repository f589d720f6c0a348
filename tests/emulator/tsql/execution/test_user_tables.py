"""Tables of clients' databases: definitions, rows, keys, transactions."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.support.tsql_session import answers

T = "USE Shop; CREATE TABLE t (id int PRIMARY KEY, v int UNIQUE, w varchar(5) NOT NULL DEFAULT 'd', CONSTRAINT ck CHECK (v < 100)) "
PARENT = """USE Shop; CREATE TABLE p (id int CONSTRAINT pk_p PRIMARY KEY, code varchar(5) UNIQUE); INSERT p VALUES (1, 'a'), (2, 'b')
CREATE TABLE c (id int PRIMARY KEY, p int CONSTRAINT fk_p REFERENCES p, code varchar(5) CONSTRAINT fk_code FOREIGN KEY REFERENCES dbo.p (code)) """

SCRIPTS: dict[str, tuple[str, list[list[tuple[Any, ...]]]]] = {
    "the names of SQL Server 2000 for objects and columns": (
        """USE Shop; CREATE TABLE t (id int IDENTITY CONSTRAINT pk PRIMARY KEY, w nvarchar(20) NULL)
        SELECT name, xtype, type, OBJECT_NAME(parent_obj) FROM sysobjects ORDER BY 1
        SELECT c.name, c.length, c.prec, c.isnullable, c.status FROM dbo.syscolumns c JOIN sys.sysobjects o ON o.id = c.id WHERE o.name = 't'
        IF EXISTS (SELECT * FROM dbo.sysobjects WHERE id = OBJECT_ID(N'[dbo].[t]') AND OBJECTPROPERTY(id, N'IsUserTable') = 1) DROP TABLE dbo.t
        SELECT COUNT(*) FROM sysobjects""",
        [[("pk", "PK", "K ", "t"), ("t", "U ", "U ", None)], [("id", 4, 10, 0, 128), ("w", 40, 0, 1, 0)], [(0,)]],
    ),
    "the names of SQL Server 2000 for indexes": (
        """USE Shop; CREATE TABLE t (id int CONSTRAINT pk PRIMARY KEY, w nvarchar(20) NULL); CREATE TABLE h (a int); INSERT t VALUES (1, N'a'), (2, NULL)
        IF NOT EXISTS (SELECT name FROM sysindexes WHERE name LIKE 'ix_w') CREATE INDEX ix_w ON t (w)
        IF NOT EXISTS (SELECT name FROM sysindexes WHERE name LIKE 'ix_w') CREATE INDEX ix_w ON t (w)
        SELECT name, indid, status, keycnt, rows FROM dbo.sysindexes ORDER BY id, indid
        SELECT rowcnt FROM sys.sysindexes WHERE id = OBJECT_ID('t') AND indid < 2
        DROP INDEX IF EXISTS t.ix_w; SELECT COUNT(*) FROM sysindexes WHERE name = 'ix_w'""",
        [[("pk", 1, 2066, 1, 2), ("ix_w", 2, 0, 1, 2), (None, 0, 0, 0, 0)], [(2,)], [(0,)]],
    ),
    "properties of objects and columns": (
        """USE Shop; CREATE TABLE t (id int IDENTITY CONSTRAINT pk PRIMARY KEY, w nvarchar(20) NULL, x varchar(max)); EXEC ('CREATE VIEW v AS SELECT 1 AS a')
        SELECT OBJECTPROPERTY(OBJECT_ID('t'), p), OBJECTPROPERTY(OBJECT_ID('v'), p), OBJECTPROPERTY(OBJECT_ID('pk'), p), OBJECTPROPERTY(7, p)
        FROM (VALUES ('IsTable'), ('IsView'), ('IsConstraint'), ('tablehasidentity'), (NULL)) AS t (p)
        SELECT COL_LENGTH('dbo.t', 'w'), COL_LENGTH('t', 'x'), COL_LENGTH('t', 'y'), COL_LENGTH('u', 'w'), COL_NAME(OBJECT_ID('t'), 2), COL_NAME(OBJECT_ID('t'), 9)""",
        [
            [(1, 0, 0, None), (0, 1, 0, None), (0, 0, 1, None), (1, None, None, None), (None, None, None, None)],
            [(40, -1, None, None, "w", None)],
        ],
    ),
    "names that the server makes up are unique": (
        """USE Shop; CREATE TABLE Transaction_Staging (id int PRIMARY KEY CHECK (id > 0)); CREATE TABLE TransactionType_Staging (id int PRIMARY KEY)
        ALTER TABLE Transaction_Staging ADD CHECK (id < 9)
        SELECT COUNT(DISTINCT name), COUNT(DISTINCT LEFT(name, 12)) FROM sys.objects WHERE type IN ('PK', 'C')""",
        [[(4, 2)]],
    ),
    "names of one to three parts": (
        """USE Shop; CREATE TABLE t (a int); INSERT t VALUES (1); INSERT dbo.t VALUES (2); INSERT shop.DBO.[T] VALUES (3)
        INSERT Shop..t VALUES (4); SELECT COUNT(*) FROM Shop..t WHERE t.a > 0; SELECT t.a FROM dbo.t WHERE dbo.t.a = 4""",
        [[(4,)], [(4,)]],
    ),
    "another database is read and written": (
        """CREATE DATABASE Other; USE Shop; CREATE TABLE Other.dbo.t (a int); CREATE TABLE t (a int); INSERT t VALUES (1), (2)
        INSERT Other..t SELECT a * 10 FROM t; SELECT o.a FROM Other..t o JOIN t ON o.a = t.a * 10 ORDER BY 1
        UPDATE o SET a = 5 FROM Other..t o JOIN t ON o.a = t.a * 10 AND t.a = 2; DELETE FROM Other..t WHERE a = 10; SELECT * FROM Other..t""",
        [[(10,), (20,)], [(5,)]],
    ),
    "IDENTITY": (
        """USE Shop; CREATE TABLE t (id bigint IDENTITY(10, 5), v int); INSERT t VALUES (1), (2); SELECT SCOPE_IDENTITY(), @@IDENTITY, IDENT_CURRENT('t')
        SET IDENTITY_INSERT t ON; INSERT t (id, v) VALUES (100, 3); SET IDENTITY_INSERT dbo.t OFF
        INSERT t OUTPUT inserted.id VALUES (4); BEGIN TRAN; INSERT t VALUES (5); ROLLBACK; INSERT t VALUES (6); SELECT id, v FROM t ORDER BY id
        TRUNCATE TABLE t; INSERT t VALUES (7); SELECT id FROM t""",
        [[(Decimal(15),) * 3], [(105,)], [(10, 1), (15, 2), (100, 3), (105, 4), (115, 6)], [(10,)]],
    ),
    "tables together with temporary tables": (
        """USE Shop; CREATE TABLE t (a int); CREATE TABLE #t (a int); INSERT t VALUES (1); INSERT #t SELECT a + 1 FROM t
        INSERT t OUTPUT inserted.a INTO #t SELECT a FROM #t; DECLARE @x TABLE (a int); DELETE t OUTPUT deleted.a INTO @x
        SELECT COUNT(*), SUM(a) FROM #t; SELECT SUM(a) FROM @x; INSERT t EXEC('SELECT 7'); SELECT a FROM t""",
        [[(2, 4)], [(3,)], [(7,)]],
    ),
    "a rollback undoes definitions and rows": (
        """USE Shop; CREATE TABLE t (a int); INSERT t VALUES (1)
        BEGIN TRAN; DROP TABLE t; CREATE TABLE t (b varchar(5)); INSERT t VALUES ('x'); CREATE TABLE u (a int); SELECT b FROM t; ROLLBACK
        SELECT a FROM t; SELECT OBJECT_ID('u'), @@TRANCOUNT""",
        [[("x",)], [(1,)], [(None, 0)]],
    ),
    "a savepoint": (
        """USE Shop; BEGIN TRAN; CREATE TABLE t (a int); INSERT t VALUES (1); SAVE TRAN s; INSERT t VALUES (2); ALTER TABLE t ADD b int; ROLLBACK TRAN s
        INSERT t VALUES (3); COMMIT; SELECT * FROM t ORDER BY a""",
        [[(1,), (3,)]],
    ),
    "a rollback undoes the reset of IDENTITY": (
        """USE Shop; CREATE TABLE t (id int IDENTITY PRIMARY KEY, v int); CREATE TABLE #t (id int IDENTITY PRIMARY KEY, v int); INSERT t VALUES (1), (2); INSERT #t VALUES (1), (2)
        BEGIN TRAN; TRUNCATE TABLE t; TRUNCATE TABLE #t; INSERT t VALUES (3); INSERT #t VALUES (3); ROLLBACK; INSERT t VALUES (4); INSERT #t VALUES (4)
        BEGIN TRAN; DROP TABLE t; CREATE TABLE t (id int IDENTITY PRIMARY KEY, v int); INSERT t VALUES (5); ROLLBACK; INSERT t VALUES (6)
        SELECT id, v FROM t ORDER BY id; SELECT id, v FROM #t ORDER BY id; TRUNCATE TABLE t; BEGIN TRAN; INSERT t VALUES (7); ROLLBACK; INSERT t VALUES (8); SELECT id FROM t""",
        [[(1, 1), (2, 2), (3, 4), (4, 6)], [(1, 1), (2, 2), (3, 4)], [(2,)]],
    ),
    "SELECT INTO": (
        """USE Shop; SELECT 1 AS a, N'ä' AS b, CAST(NULL AS datetime2(3)) AS c INTO dbo.t; SELECT * FROM t
        SELECT IDENTITY(int, 5, 1) AS id, a INTO Shop.dbo.u FROM t; SELECT * FROM u""",
        [[(1, "ä", None)], [(5, 1)]],
    ),
    "MERGE with OUTPUT": (
        """USE Shop; CREATE TABLE t (k int PRIMARY KEY, v varchar(5)); INSERT t VALUES (1, 'a'), (2, 'b')
        MERGE t USING (VALUES (2, 'B'), (3, 'C')) s (k, v) ON t.k = s.k WHEN MATCHED THEN UPDATE SET v = s.v
        WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v) WHEN NOT MATCHED BY SOURCE THEN DELETE OUTPUT $action, deleted.v, inserted.k;
        SELECT * FROM t ORDER BY k""",
        [[("DELETE", "a", None), ("UPDATE", "b", 2), ("INSERT", None, 3)], [(2, "B"), (3, "C")]],
    ),
    "ALTER TABLE and indexes": (
        """USE Shop; CREATE TABLE t (id int NOT NULL, x int); INSERT t VALUES (1, 2); ALTER TABLE t ADD v int NULL, w int NOT NULL CONSTRAINT dw DEFAULT 7
        ALTER TABLE t WITH CHECK ADD CONSTRAINT pk PRIMARY KEY (id); ALTER TABLE t CHECK CONSTRAINT ALL; SELECT * FROM t
        CREATE UNIQUE INDEX ux ON dbo.t (x); CREATE INDEX ix ON t (v) INCLUDE (w); DROP INDEX ux ON t; DROP INDEX dbo.t.ix
        ALTER TABLE t DROP COLUMN v; ALTER TABLE t ALTER COLUMN x bigint NOT NULL; INSERT t (id, x) VALUES (2, 5000000000); SELECT * FROM t ORDER BY id""",
        [[(1, 2, None, 7)], [(1, 2, 7), (2, 5000000000, 7)]],
    ),
    "a foreign key within one table": (
        """USE Shop; CREATE TABLE t (id int PRIMARY KEY, boss int REFERENCES t (id)); INSERT t VALUES (1, NULL), (2, 1), (3, 2)
        DELETE t WHERE id IN (2, 3); INSERT t VALUES (4, 4); SELECT id FROM t ORDER BY id""",
        [[(1,), (4,)]],
    ),
    "keys ignore case and trailing blanks": (
        PARENT
        + "INSERT c VALUES (1, 1, 'A '); UPDATE p SET id = id + 0; UPDATE p SET code = 'A' WHERE id = 1; SELECT code FROM c",
        [[("A ",)]],
    ),
    "many foreign keys refer to NULL": (
        PARENT + "INSERT c VALUES (1, NULL, NULL), (2, 2, NULL); SELECT COUNT(*) FROM c",
        [[(2,)]],
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name: str) -> None:
    text, expected = SCRIPTS[name]
    _, found = answers("CREATE DATABASE Shop", text)
    assert found.errors == []
    if "MERGE" in name:
        found.results[0].sort(key=str)
        expected[0].sort(key=str)
    assert found.results == expected


TYPES: dict[str, tuple[str, Any]] = {
    "bit": ("1", True),
    "tinyint": ("255", 255),
    "smallint": ("-32768", -32768),
    "int": ("-2147483648", -2147483648),
    "bigint": ("9223372036854775807", 9223372036854775807),
    "decimal(38, 10)": ("1234567890.0123456789", Decimal("1234567890.0123456789")),
    "decimal(38, 38)": ("0." + "0" * 37 + "1", Decimal("1E-38")),
    "numeric(5)": ("12345", Decimal(12345)),
    "money": ("922337203685477.5807", Decimal("922337203685477.5807")),
    "smallmoney": ("-214748.3647", Decimal("-214748.3647")),
    "float": ("1E-300", 1e-300),
    "real": ("1.5", 1.5),
    "char(3)": ("'a'", "a  "),
    "nchar(3)": ("N'ä'", "ä  "),
    "varchar(8000)": ("'abc '", "abc "),
    "nvarchar(4000)": ("N'😀'", "😀"),
    "varchar(max)": ("REPLICATE(CAST('x' AS varchar(max)), 9000)", "x" * 9000),
    "nvarchar(max)": ("N''", ""),
    "text": ("'t'", "t"),
    "xml": ("'<a/>'", "<a/>"),
    "binary(3)": ("0x01", b"\x01\0\0"),
    "varbinary(max)": ("0x0102", b"\x01\x02"),
    "uniqueidentifier": ("'6F9619FF-8B86-D011-B42D-00C04FC964FF'", UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF")),
    "date": ("'0001-01-01'", dt.date(1, 1, 1)),
    "time(3)": ("'23:59:59.9994'", dt.time(23, 59, 59, 999000)),
    "datetime": ("'2024-02-29 10:00:00.003'", dt.datetime(2024, 2, 29, 10, 0, 0, 3000)),
    "smalldatetime": ("'2024-02-29 10:00:31'", dt.datetime(2024, 2, 29, 10, 1)),
    "datetime2(0)": ("'9999-12-31 23:59:59'", dt.datetime(9999, 12, 31, 23, 59, 59)),
    "datetimeoffset": (
        "'2024-02-29 10:00 +05:30'",
        dt.datetime(2024, 2, 29, 10, tzinfo=dt.timezone(dt.timedelta(hours=5.5))),
    ),
}


def test_every_type_holds_its_values_and_null() -> None:
    columns = ", ".join(f"c{place} {name}" for place, name in enumerate(TYPES))
    values = ", ".join(value for value, _ in TYPES.values())
    nulls = ", ".join("NULL" for _ in TYPES)
    _, _, found = answers(
        "CREATE DATABASE Shop",
        f"USE Shop; CREATE TABLE t ({columns}); INSERT t VALUES ({values}); INSERT t VALUES ({nulls})",
        "SELECT * FROM Shop..t",
    )
    assert found.results == [[tuple(value for _, value in TYPES.values()), (None,) * len(TYPES)]]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("USE Shop; SELECT * FROM nowhere", 208),
        ("USE Shop; INSERT nowhere VALUES (1)", 208),
        (T + "CREATE TABLE T (a int)", 2714),
        (T + "SELECT 1 AS a INTO t", 2714),
        (T + "CREATE TABLE u (a int CONSTRAINT ck CHECK (a > 0))", 2714),
        (T + "INSERT t (id, w) VALUES (1, NULL)", 515),
        (T + "INSERT t (v) VALUES (1)", 515),
        (T + "INSERT t VALUES (1, 100, 'a')", 547),
        (T + "INSERT t (id) VALUES (1); INSERT t (id) VALUES (1)", 2627),
        (T + "INSERT t (id, v) VALUES (1, 1), (2, 1)", 2627),
        (T + "CREATE UNIQUE INDEX ux ON t (w); INSERT t (id, v) VALUES (1, 1), (2, 2)", 2601),
        (T + "INSERT t (id, v) VALUES (1, 1), (2, 2); CREATE UNIQUE INDEX ux ON t (w)", 1505),
        (T + "INSERT t (id, w) VALUES (1, 'too long')", 2628),
        (T + "INSERT t (id) VALUES ('x')", 245),
        (T + "INSERT t (id) VALUES (3000000000)", 8115),
        ("USE Shop; CREATE TABLE s (a tinyint); INSERT s VALUES (256)", 220),
        (T + "INSERT t (id, nope) VALUES (1, 1)", 207),
        (T + "INSERT t VALUES (1)", 213),
        (T + "DROP TABLE nowhere", 3701),
        (T + "TRUNCATE TABLE nowhere", 4701),
        (T + "ALTER TABLE nowhere ADD a int", 1088),
        (T + "ALTER TABLE t DROP COLUMN v", 5074),
        ("USE Shop; CREATE TABLE s (a int, b int, INDEX ix (b)); ALTER TABLE s DROP COLUMN b", 5074),
        ("USE Shop; CREATE TABLE s (id int IDENTITY); INSERT s (id) VALUES (1)", 544),
        ("USE Shop; CREATE TABLE s (a int DEFAULT nope())", 195),
        ("USE Shop; CREATE TABLE s (a int, CHECK (b > 0))", 207),
        ("USE Shop; CREATE TABLE s (a int, PRIMARY KEY (b))", 1911),
        (PARENT + "INSERT c VALUES (1, 3, NULL)", 547),
        (PARENT + "INSERT c VALUES (1, 1, 'x')", 547),
        (PARENT + "INSERT c VALUES (1, 1, 'a'); UPDATE c SET p = 5", 547),
        (PARENT + "INSERT c VALUES (1, 1, 'a'); DELETE p WHERE id = 1", 547),
        (PARENT + "INSERT c VALUES (1, 1, 'a'); UPDATE p SET id = 9 WHERE id = 1", 547),
        (
            PARENT
            + "INSERT c VALUES (1, 1, 'a'); MERGE p USING (SELECT 2 AS id) s ON p.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE;",
            547,
        ),
        (PARENT + "DROP TABLE p", 3726),
        (PARENT + "TRUNCATE TABLE p", 4712),
        (PARENT + "ALTER TABLE c DROP COLUMN p", 5074),
        ("USE Shop; CREATE TABLE c (a int REFERENCES nowhere (a))", 1767),
        (PARENT + "CREATE TABLE d (a int REFERENCES p (nope))", 1770),
        (PARENT + "CREATE TABLE d (a varchar(5) REFERENCES p (id))", 1778),
        (PARENT + "CREATE TABLE d (a int REFERENCES c (p))", 1776),
        (
            PARENT + "CREATE TABLE d (a int); INSERT d VALUES (7); ALTER TABLE d ADD FOREIGN KEY (a) REFERENCES p (id)",
            547,
        ),
        (
            "CREATE DATABASE Other; USE Shop; CREATE TABLE t (a int); CREATE TABLE Other..t (a int); BEGIN TRAN; INSERT t VALUES (1); INSERT Other..t VALUES (1)",
            40514,
        ),
    ],
)
def test_errors(text: str, number: int) -> None:
    _, found = answers("CREATE DATABASE Shop", text)
    assert found.numbers[-1:] == [number], found.errors


def test_a_failed_statement_leaves_the_transaction_as_it_was() -> None:
    _, found, after = answers(
        "CREATE DATABASE Shop",
        T
        + """BEGIN TRAN; INSERT t (id) VALUES (1); INSERT t (id) VALUES (2), (1); UPDATE t SET v = 1 / 0
        DELETE t OUTPUT deleted.id / 0; ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (v) REFERENCES nowhere (a); COMMIT""",
        "SELECT id, v FROM Shop..t; SELECT @@TRANCOUNT",
    )
    assert found.numbers == [2627, 8134, 8134, 1767]
    assert after.results == [[(1, None)], [(0,)]]
