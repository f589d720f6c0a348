"""What scripts of warehouses say about tables: rowversion columns, columnstore indexes, statistics, SWITCH."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.tsql_session import Answer, shared_sessions

RUN = Callable[[str], Answer]

SCRIPTS: dict[str, tuple[str, list[list[tuple[Any, ...]]]]] = {
    "a rowversion column changes with its row": (
        """CREATE TABLE rv (id int IDENTITY(1,1) NOT FOR REPLICATION PRIMARY KEY, v int, ts rowversion); INSERT rv (v) VALUES (1), (2); INSERT rv DEFAULT VALUES; DECLARE @last binary(8) = @@DBTS; SELECT COUNT(DISTINCT ts) FROM rv WHERE ts <= @last
        UPDATE rv SET v = 5 WHERE id = 2; SELECT id, v FROM rv WHERE ts > @last; MERGE rv t USING (VALUES (1, 9), (50, 50)) s (i, v) ON s.i = t.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (v) VALUES (s.v);
        SELECT id FROM rv WHERE ts > @last ORDER BY id; SELECT c.name, t.name, is_computed FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE object_id = OBJECT_ID('rv') AND c.name = 'ts'; SELECT COUNT(*) FROM sys.computed_columns WHERE object_id = OBJECT_ID('rv')
        ALTER TABLE rv DROP COLUMN ts; ALTER TABLE rv ADD timestamp; SELECT COUNT(DISTINCT timestamp) FROM rv; DECLARE @t TABLE (a int, rv rowversion); INSERT @t (a) VALUES (1); SELECT DATALENGTH(rv) FROM @t""",
        [[(3,)], [(2, 5)], [(1,), (2,), (4,)], [("ts", "timestamp", False)], [(0,)], [(4,)], [(8,)]],
    ),
    "a table as Management Studio scripts it": (
        """CREATE TABLE [dbo].[FactSales]([SalesKey] [bigint] IDENTITY(1,1) NOT FOR REPLICATION NOT NULL, [Amount] [decimal](18, 4) SPARSE NULL, [Note] [nvarchar](max) NULL, [RowGuid] [uniqueidentifier] ROWGUIDCOL NOT NULL CONSTRAINT [DF_g] DEFAULT (newid()), [Ts] [timestamp] NOT NULL,
        CONSTRAINT [PK_FactSales] PRIMARY KEY CLUSTERED ([SalesKey] ASC) WITH (PAD_INDEX = OFF, IGNORE_DUP_KEY = OFF, DATA_COMPRESSION = PAGE) ON [PRIMARY]) ON [PRIMARY] TEXTIMAGE_ON [PRIMARY]; INSERT FactSales (Amount) VALUES (2); SELECT SalesKey, Amount, Note FROM FactSales""",
        [[(1, Decimal("2.0000"), None)]],
    ),
    "a filtered unique index": (
        """CREATE TABLE fu (a int, b int, s varchar(10), d date); CREATE UNIQUE NONCLUSTERED INDEX ix ON dbo.fu (a ASC) INCLUDE (b) WHERE a IS NOT NULL WITH (FILLFACTOR = 90) ON [PRIMARY]
        CREATE UNIQUE INDEX ix2 ON fu (s) WHERE b = 1 AND s IN ('x', 'y'); CREATE UNIQUE INDEX ix3 ON fu (s, b) WHERE d >= '20200101' AND d < CONVERT(date, '20300101'); CREATE INDEX plain ON fu (b) WHERE d IS NOT NULL ON [PRIMARY]
        INSERT fu (a, b) VALUES (NULL, 1), (NULL, 2), (1, 1); INSERT fu (b, s) VALUES (1, 'X'), (2, 'x'), (1, 'z'), (1, 'z'); INSERT fu (s, b, d) VALUES ('q', 9, '20190101'), ('q', 9, '20190101'), ('q', 9, '20250101'); SELECT COUNT(*) FROM fu
        BEGIN TRY INSERT fu (a) VALUES (1) END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH; BEGIN TRY INSERT fu (a) VALUES (7), (7) END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH; BEGIN TRY UPDATE fu SET b = 1 WHERE b = 2 AND s = 'x' END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH
        BEGIN TRY MERGE fu t USING (VALUES (1, 'x')) s (b, s) ON 1 = 0 WHEN NOT MATCHED THEN INSERT (b, s) VALUES (s.b, s.s); END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH; BEGIN TRY INSERT fu (s, b, d) VALUES ('q', 9, '20260101') END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH
        SELECT name, has_filter, filter_definition FROM sys.indexes WHERE object_id = OBJECT_ID('fu') AND name IN ('ix', 'plain'); DECLARE @t TABLE (a int, active bit, INDEX u UNIQUE (a) WHERE active = 1); INSERT @t VALUES (1, 1), (1, 0), (1, 0); SELECT COUNT(*) FROM @t""",
        [[(10,)], *[[(2601,)]] * 5, [("ix", True, "(a IS NOT NULL)"), ("plain", True, "(d IS NOT NULL)")], [(3,)]],
    ),
    "filters that an index refuses, and columns that a rule does not use": (
        """CREATE TABLE fr (id int, paid int, twice AS paid * 2, ratio int CHECK (ratio > 0), a int); CREATE UNIQUE INDEX fine ON fr (id) WHERE (paid) <> (-1) AND paid IN (1, 2)
        DECLARE @filter nvarchar(99), @sql nvarchar(max), @seen varchar(max) = ''; DECLARE c CURSOR FOR SELECT value FROM STRING_SPLIT(N'id = paid;1 = 1;CAST(id AS bigint) = 1;id IN (paid);id LIKE 1;id IS NULL OR id = 1;twice > 1;id = NULL;id IN (1, NULL)', N';', 1) ORDER BY ordinal
        OPEN c; FETCH c INTO @filter; WHILE @@FETCH_STATUS = 0 BEGIN BEGIN TRY SET @sql = N'CREATE UNIQUE INDEX bad ON fr (id) WHERE ' + @filter; EXEC (@sql); SET @seen += 'accepted ' END TRY BEGIN CATCH SET @seen += CONCAT(ERROR_NUMBER(), ' ') END CATCH; FETCH c INTO @filter END; SELECT @seen
        ALTER TABLE fr DROP COLUMN a; EXEC sp_rename 'fr.id', 'key', 'COLUMN'; BEGIN TRY ALTER TABLE fr DROP COLUMN paid END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH; BEGIN TRY EXEC sp_rename 'fr.ratio', 'x', 'COLUMN' END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH""",
        [[("10735 10735 10735 10735 10735 10735 10609 10618 10618 ",)], [(5074,)], [(15336,)]],
    ),
    "columnstore indexes": (
        """CREATE TABLE cs (a int, b int); CREATE CLUSTERED COLUMNSTORE INDEX cci ON cs WITH (DROP_EXISTING = OFF); INSERT cs VALUES (1, 2); SELECT type_desc, index_id FROM sys.indexes WHERE object_id = OBJECT_ID('cs'); SELECT SUM(rows) FROM sys.partitions WHERE object_id = OBJECT_ID('cs')
        ALTER INDEX cci ON cs REBUILD PARTITION = ALL WITH (DATA_COMPRESSION = COLUMNSTORE_ARCHIVE); ALTER TABLE cs REBUILD PARTITION = ALL WITH (DATA_COMPRESSION = PAGE); DROP INDEX cci ON cs; CREATE NONCLUSTERED COLUMNSTORE INDEX n ON cs (a, b); SELECT type_desc FROM sys.indexes WHERE name = 'n'; SELECT * FROM cs""",
        [[("CLUSTERED COLUMNSTORE", 1)], [(1,)], [("NONCLUSTERED COLUMNSTORE",)], [(1, 2)]],
    ),
    "SWITCH, also undone": (
        """CREATE TABLE fin (d date NOT NULL, v int); CREATE TABLE fout (d date NOT NULL, v int); INSERT fin VALUES ('2024-01-01', 1), ('2024-01-02', 2); BEGIN TRAN; ALTER TABLE fin SWITCH TO fout; SELECT COUNT(*) FROM fin; ROLLBACK; SELECT COUNT(*) FROM fout
        ALTER TABLE dbo.fin SWITCH TO dbo.fout WITH (WAIT_AT_LOW_PRIORITY (MAX_DURATION = 1 MINUTES, ABORT_AFTER_WAIT = NONE)); SELECT (SELECT COUNT(*) FROM fin), SUM(v) FROM fout""",
        [[(0,)], [(0,)], [(0, 3)]],
    ),
    "what people ask about a table": (
        """CREATE TABLE hlp (id int IDENTITY(5, 2) CONSTRAINT pk_hlp PRIMARY KEY, v varchar(9) NULL CONSTRAINT df_hlp DEFAULT 'x', ts rowversion, n AS id * 2); CREATE INDEX ix_hlp ON hlp (v); INSERT hlp DEFAULT VALUES; EXEC sp_help 'dbo.hlp'""",
        [
            [("hlp", "dbo", "user table", dt.datetime(2022, 11, 1))],
            [
                ("id", "int", "no", 4, "10   ", "0    ", "no", "(n/a)", "(n/a)", None),
                ("v", "varchar", "no", 9, "     ", "     ", "yes", "no", "no", "SQL_Latin1_General_CP1_CI_AS"),
                ("ts", "timestamp", "no", 8, "     ", "     ", "no", "no", "no", None),
                ("n", "int", "yes", 4, "10   ", "0    ", "no", "(n/a)", "(n/a)", None),
            ],
            [("id", 5, 2, 0)],
            [("No rowguidcol column defined.",)],
            [("PRIMARY",)],
            [
                ("pk_hlp", "clustered, unique, primary key located on PRIMARY", "id"),
                ("ix_hlp", "nonclustered located on PRIMARY", "v"),
            ],
            [("PRIMARY KEY (clustered)", "pk_hlp", "id"), ("DEFAULT on column v", "df_hlp", "('x')")],
        ],
    ),
    "how much space a table uses": (
        "CREATE TABLE spc (id int); INSERT spc SELECT value FROM GENERATE_SERIES(1, 3000); EXEC sp_spaceused 'spc'; EXEC sp_updatestats; EXEC sp_recompile 'spc'",
        [[("spc", f"{3000:<20}", "16 KB", "16 KB", "0 KB", "0 KB")]],
    ),
    "a new column with IDENTITY": (
        """CREATE TABLE ai (v char(1)); INSERT ai VALUES ('a'), ('b'), ('b'); ALTER TABLE ai ADD id int IDENTITY(10, 5) CONSTRAINT pk_ai PRIMARY KEY; INSERT ai (v) VALUES ('c'); SELECT MIN(id), MAX(id), COUNT(DISTINCT id), SCOPE_IDENTITY() FROM ai
        DELETE a FROM ai a JOIN ai b ON a.v = b.v AND a.id > b.id; SELECT v FROM ai ORDER BY id; CREATE TABLE #ai (v int); INSERT #ai VALUES (1); ALTER TABLE #ai ADD id int IDENTITY; INSERT #ai VALUES (2); SELECT id FROM #ai ORDER BY v""",
        [[(10, 25, 4, Decimal(25))], [("a",), ("b",), ("c",)], [(1,), (2,)]],
    ),
    "statistics": (
        "CREATE TABLE st (a int, b int); CREATE STATISTICS s1 ON st (a, b) WITH FULLSCAN; UPDATE STATISTICS st s1 WITH SAMPLE 50 PERCENT; CREATE STATISTICS s2 ON st (b) WHERE b > 5; DROP STATISTICS st.s1, dbo.st.s2; SELECT COUNT(*) FROM st",
        [[(0,)]],
    ),
    "functions of checksums and metadata": (
        """SELECT BINARY_CHECKSUM('ABC'), CHECKSUM(5), CHECKSUM(1, 2), IIF(BINARY_CHECKSUM('a', 1) = BINARY_CHECKSUM('A', 1), 1, 0), IIF(CHECKSUM('a', 1) = CHECKSUM('A ', 1), 1, 0); SELECT CHECKSUM_AGG(n), CHECKSUM_AGG(DISTINCT n), APPROX_COUNT_DISTINCT(n) FROM (VALUES (1), (2), (4), (4), (NULL)) v (n)
        CREATE TABLE cp (id int IDENTITY, v varchar(9) NULL CONSTRAINT dv DEFAULT ('x')); SELECT COLUMNPROPERTY(OBJECT_ID('cp'), 'ID', 'IsIdentity'), COLUMNPROPERTY(OBJECT_ID('cp'), 'v', 'Precision'), COLUMNPROPERTY(OBJECT_ID('cp'), 'v', 'AllowsNull'), COLUMNPROPERTY(OBJECT_ID('cp'), 'no', 'ColumnId'), OBJECT_DEFINITION(OBJECT_ID('dv'))""",
        [[(17763, 5, 18, 0, 1)], [(3, 7, 3)], [(1, 9, 1, None, "(('x'))")]],
    ),
    "comparisons with COLLATE": (
        """CREATE TABLE co (id int, v varchar(9)); INSERT co VALUES (1, 'abc'), (2, 'ABC '), (3, 'abd'); SELECT id FROM co WHERE v = 'ABC' COLLATE Latin1_General_CS_AS; SELECT id FROM co WHERE v <> 'abc' COLLATE SQL_Latin1_General_CP1_CS_AS ORDER BY id; SELECT id FROM co WHERE v COLLATE Latin1_General_BIN2 < 'a' OR v COLLATE Latin1_General_CS_AS IN ('abd', 'ABD') ORDER BY id
        SELECT COUNT(*), COUNT(DISTINCT v), COUNT(DISTINCT v COLLATE Latin1_General_CS_AS) FROM co; SELECT MIN(id) FROM co GROUP BY v COLLATE Latin1_General_CS_AS ORDER BY 1; SELECT id FROM co ORDER BY v COLLATE Latin1_General_BIN; DECLARE @n int = 0; IF 'a' = 'A' COLLATE Latin1_General_CS_AS SET @n = 1
        SELECT @n, CASE WHEN 'x' COLLATE Latin1_General_CS_AS = 'X' THEN 1 ELSE 0 END, CASE WHEN 'x ' COLLATE Latin1_General_BIN = 'x' THEN 1 ELSE 0 END; SELECT a.id, b.id FROM co a JOIN co b ON a.v = b.v COLLATE Latin1_General_100_CS_AS AND a.id < b.id; SELECT 'A' COLLATE Latin1_General_CS_AS AS x""",
        [
            [(2,)],
            [(2,), (3,)],
            [(2,), (3,)],
            [(3, 2, 3)],
            [(1,), (2,), (3,)],
            [(2,), (1,), (3,)],
            [(0, 0, 1)],
            [],
            [("A",)],
        ],
    ),
    "one character for each in UPPER and LOWER; datetime in steps": (
        "SELECT UPPER('straße'), LOWER('ÄSS'); SELECT UPPER(v) FROM (VALUES (N'straße')) x (v); SELECT DATETIMEFROMPARTS(2024, 1, 2, 3, 4, 5, 6)",
        [[("STRAßE", "äss")], [("STRAßE",)], [(dt.datetime(2024, 1, 2, 3, 4, 5, 7000),)]],
    ),
}

ERRORS = {
    "CREATE TABLE e (a rowversion, b timestamp)": 2738,
    "SELECT NEXT_ROW_VERSION('Shop')": 195,
    "CREATE TABLE e (v int, ts rowversion); INSERT e (v, ts) VALUES (1, 0x1)": 273,
    "CREATE TABLE e (v int, ts rowversion); UPDATE e SET ts = 0x1": 272,
    "CREATE TABLE e (v int); CREATE CLUSTERED COLUMNSTORE INDEX a ON e; CREATE COLUMNSTORE INDEX b ON e (v)": 35339,
    "CREATE TABLE e (v int PRIMARY KEY); CREATE CLUSTERED COLUMNSTORE INDEX a ON e": 35372,
    "CREATE TABLE e (a int); CREATE TABLE f (a int); INSERT f VALUES (1); ALTER TABLE e SWITCH TO f": 4905,
    "CREATE TABLE e (a int); CREATE TABLE f (a int, b int); ALTER TABLE e SWITCH TO f": 4943,
    "CREATE TABLE e (a int); CREATE TABLE f (a bigint); ALTER TABLE e SWITCH TO f": 4944,
    "CREATE TABLE e (a int); CREATE TABLE f (b int); ALTER TABLE e SWITCH TO f": 4957,
    "CREATE TABLE e (a int); CREATE TABLE f (a int NOT NULL); ALTER TABLE e SWITCH TO f": 4985,
    "CREATE TABLE e (a int NOT NULL); CREATE TABLE f (a int PRIMARY KEY); ALTER TABLE e SWITCH TO f": 4947,
    "CREATE TABLE e (a int); CREATE TABLE f (a int CHECK (a > 1)); ALTER TABLE e SWITCH TO f": 4970,
    "CREATE TABLE e (a int); ALTER TABLE e SWITCH PARTITION 1 TO e": 40514,
    "CREATE TABLE e (a int); INSERT e VALUES (1), (1); CREATE UNIQUE INDEX i ON e (a) WHERE a > 0": 1505,
    "CREATE TABLE e (a int); CREATE UNIQUE INDEX i ON e (a) WHERE a > 1 OR a < 0": 10735,
    "CREATE TABLE e (a int); CREATE INDEX i ON e (a) WHERE a > ABS(1)": 10735,
    "CREATE TABLE e (a int, INDEX i UNIQUE (a) WHERE b = 1)": 207,
    "CREATE TABLE e (a int, b int); CREATE UNIQUE INDEX i ON e (a) WHERE b > 1; ALTER TABLE e DROP COLUMN b": 5074,
    "CREATE TABLE e (a int, b int); CREATE UNIQUE INDEX i ON e (a) WHERE b > 1; EXEC sp_rename 'e.b', 'c', 'COLUMN'": 15336,
    "CREATE TABLE e (a int); CREATE UNIQUE INDEX i ON e (a) WHERE a > 1; CREATE TABLE f (a int REFERENCES e (a))": 1776,
    "CREATE TABLE e (a int IDENTITY); ALTER TABLE e ADD b int IDENTITY": 2744,
    "CREATE TABLE e (a int); CREATE STATISTICS s ON e (b)": 1911,
    "CREATE TABLE e (a int); CREATE STATISTICS s ON e (a); CREATE STATISTICS s ON e (a)": 1927,
    "CREATE TABLE e (a int); DROP STATISTICS e.s": 3701,
    "SELECT CHECKSUM_AGG(n) FROM (VALUES ('a')) v (n)": 8117,
    "EXEC sp_help 'nowhere'": 15009,
    "EXEC sp_spaceused 'nowhere'": 15009,
    "SELECT 1 WHERE 'a' COLLATE Latin1_General_CS_AS = 'a' COLLATE Latin1_General_BIN": 468,
    "SELECT 1 WHERE 'a' COLLATE Latin1_General_CS_AS < 'a'": 40514,
    "SELECT 1 WHERE UPPER('a' COLLATE Latin1_General_CS_AS) = 'A'": 40514,
    "SELECT REPLACE('a' COLLATE Latin1_General_CS_AS, 'A', 'x')": 40514,
    "SELECT 1 WHERE 'a' LIKE 'A' COLLATE Latin1_General_CS_AS": 40514,
    "SELECT x FROM (SELECT 'a' COLLATE Latin1_General_CS_AS AS x) AS q WHERE x = 'A'": 40514,
    "SELECT v FROM (VALUES ('a')) t (v) ORDER BY v COLLATE Latin1_General_CS_AS": 40514,
    "SELECT 'a' COLLATE Latin1_General_CI_AI": 40514,
}


@pytest.fixture(scope="module")
def run() -> Iterator[RUN]:
    """Runs batches in one database, for all tests."""
    with shared_sessions() as sessions:
        sessions.answer("CREATE DATABASE Shop; USE Shop")
        yield sessions.answer


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(run: RUN, name: str) -> None:
    text, expected = SCRIPTS[name]
    found = run(text)
    assert (found.errors, found.results) == ([], expected)


def test_sessions_and_objects_are_listed(run: RUN) -> None:
    found = run("EXEC sp_who2; EXEC sp_help; EXEC sp_spaceused")
    assert [(row[1], row[2], row[5]) for row in found.results[0]] == [("RUNNABLE", "sa", "Shop")]
    assert all(row[1] == "dbo" for row in found.results[1])
    assert [row[0] for row in found.results[2]] == ["Shop"]


@pytest.mark.parametrize("text", ERRORS)
def test_errors(run: RUN, text: str) -> None:
    found = run(f"BEGIN TRAN; {text}")
    run("IF @@TRANCOUNT > 0 ROLLBACK")
    assert found.numbers[:1] == [ERRORS[text]]
