"""Statements as people write them in Execute SQL tasks, with the results that SQL Server gives."""

# ruff: noqa: E501 - a script reads best on its own lines

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.tsql_session import Answer, shared_sessions

CASES: dict[str, tuple[list[str], list[list[tuple[Any, ...]]]]] = {
    "values of the session": (
        [
            "EXEC sp_set_session_context N'tenant', 5; EXEC sys.sp_set_session_context @key = N'batch', @value = N'x', @read_only = 1",
            "SELECT CAST(SESSION_CONTEXT(N'Tenant') AS int), CONVERT(nvarchar(5), SESSION_CONTEXT(N'batch')), SESSION_CONTEXT(N'none')",
            "BEGIN TRY EXEC sp_set_session_context N'batch', 1 END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH",
        ],
        [[(5, "x", None)], [(15664,)]],
    ),
    "SELECT INTO keeps IDENTITY of a column that is selected as it is": (
        [
            """
CREATE TABLE keys1 (id int IDENTITY(10, 5) PRIMARY KEY, v varchar(5)); INSERT keys1 (v) VALUES ('a'), ('b')
SELECT * INTO #k1 FROM keys1; INSERT #k1 (v) VALUES ('c'); SELECT id FROM #k1
SELECT v, id AS k INTO keys2 FROM dbo.keys1 AS x WHERE id > 10; INSERT keys2 (v) VALUES ('z'); SELECT k, COLUMNPROPERTY(OBJECT_ID('keys2'), 'k', 'IsIdentity') FROM keys2
SELECT TOP (0) * INTO #k2 FROM #k1; INSERT #k2 (v) VALUES ('x'); SELECT id FROM #k2
BEGIN TRY EXEC ('INSERT #k2 VALUES (1, ''y'')') END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH
SELECT id + 0 AS id, v INTO #k3 FROM keys1; INSERT #k3 VALUES (1, 'y')
SELECT k.id, o.v INTO #k4 FROM keys1 k JOIN keys1 o ON o.id = k.id; INSERT #k4 VALUES (1, 'y')
SELECT id, MAX(v) AS v INTO #k5 FROM keys1 GROUP BY id; INSERT #k5 VALUES (1, 'y')
SELECT id, id AS id2 INTO #k6 FROM keys1; INSERT #k6 VALUES (1, 2)
SELECT id, v INTO #k7 FROM keys1 UNION ALL SELECT 1, 'q'; INSERT #k7 VALUES (1, 'y'); SELECT COUNT(*) FROM #k7
"""
        ],
        [[(10,), (15,), (20,)], [(15, 1), (20, 1)], [(10,)], [(8101,)], [(4,)]],
    ),
    "staging merge with a delete and an audit of actions": (
        [
            """
CREATE TABLE dim1 (id int PRIMARY KEY, name varchar(20), hash varbinary(32)); CREATE TABLE stg1 (id int, name varchar(20))
INSERT dim1 SELECT 1, 'a', HASHBYTES('SHA2_256', 'a') UNION ALL SELECT 2, 'b', HASHBYTES('SHA2_256', 'b') UNION ALL SELECT 3, 'c', HASHBYTES('SHA2_256', 'c')
INSERT stg1 VALUES (1, 'a'), (2, 'B2'), (4, 'd')
DECLARE @log TABLE (action nvarchar(10), id int)
MERGE INTO dbo.dim1 WITH (HOLDLOCK) AS t USING (SELECT id, name, HASHBYTES('SHA2_256', name) AS hash FROM stg1) AS s ON t.id = s.id
WHEN MATCHED AND t.hash <> s.hash THEN UPDATE SET t.name = s.name, t.hash = s.hash
WHEN NOT MATCHED BY TARGET THEN INSERT (id, name, hash) VALUES (s.id, s.name, s.hash)
WHEN NOT MATCHED BY SOURCE THEN DELETE
OUTPUT $action, COALESCE(inserted.id, deleted.id) INTO @log (action, id);
SELECT @@ROWCOUNT; SELECT action, COUNT(*) FROM @log GROUP BY action ORDER BY action; SELECT id, name FROM dim1 ORDER BY id
"""
        ],
        [[(3,)], [("DELETE", 1), ("INSERT", 1), ("UPDATE", 1)], [(1, "a"), (2, "B2"), (4, "d")]],
    ),
    "dedupe with a ROW_NUMBER CTE": (
        [
            """
CREATE TABLE dup (k int, v varchar(5), loaded datetime); INSERT dup VALUES (1, 'old', '20240101'), (1, 'new', '20240102'), (2, 'x', '20240101'), (1, 'mid', '20240101 12:00')
;WITH d AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY loaded DESC) AS rn FROM dup) DELETE FROM d WHERE rn > 1
SELECT @@ROWCOUNT; SELECT k, v FROM dup ORDER BY k
"""
        ],
        [[(2,)], [(1, "new"), (2, "x")]],
    ),
    "date dimension loop": (
        [
            """
SET NOCOUNT ON; SET DATEFIRST 7; CREATE TABLE dim_date (date_key int PRIMARY KEY, full_date date, day_name nvarchar(20), month_name nvarchar(20), wk tinyint, iso tinyint, q tinyint, is_weekend bit, eom date)
DECLARE @d date = '2024-02-27', @end date = '2024-03-03'
WHILE @d <= @end BEGIN
 INSERT dim_date VALUES (CONVERT(int, CONVERT(char(8), @d, 112)), @d, DATENAME(weekday, @d), DATENAME(month, @d), DATEPART(week, @d), DATEPART(iso_week, @d), DATEPART(quarter, @d), CASE WHEN DATEPART(weekday, @d) IN (1, 7) THEN 1 ELSE 0 END, EOMONTH(@d))
 SET @d = DATEADD(day, 1, @d)
END
SELECT date_key, day_name, month_name, wk, iso, q, is_weekend, eom FROM dim_date ORDER BY date_key
"""
        ],
        [
            [
                (20240227, "Tuesday", "February", 9, 9, 1, False, dt.date(2024, 2, 29)),
                (20240228, "Wednesday", "February", 9, 9, 1, False, dt.date(2024, 2, 29)),
                (20240229, "Thursday", "February", 9, 9, 1, False, dt.date(2024, 2, 29)),
                (20240301, "Friday", "March", 9, 9, 1, False, dt.date(2024, 3, 31)),
                (20240302, "Saturday", "March", 9, 9, 1, True, dt.date(2024, 3, 31)),
                (20240303, "Sunday", "March", 10, 9, 1, True, dt.date(2024, 3, 31)),
            ]
        ],
    ),
    "dynamic pivot": (
        [
            """
CREATE TABLE sales_p (region varchar(10), yr int, amount money); INSERT sales_p VALUES ('N', 2022, 10), ('N', 2023, 20.5), ('S', 2023, 5), ('S', 2022, NULL)
DECLARE @cols nvarchar(max), @sql nvarchar(max)
SELECT @cols = STRING_AGG(CAST(QUOTENAME(yr) AS nvarchar(max)), ', ') WITHIN GROUP (ORDER BY yr) FROM (SELECT DISTINCT yr FROM sales_p) AS y
SET @sql = N'SELECT region, ' + @cols + N' FROM (SELECT region, yr, amount FROM dbo.sales_p) AS src PIVOT (SUM(amount) FOR yr IN (' + @cols + N')) AS p ORDER BY region'
EXEC sp_executesql @sql; SELECT @cols
"""
        ],
        [[("N", Decimal("10.0000"), Decimal("20.5000")), ("S", None, Decimal("5.0000"))], [("[2022], [2023]",)]],
    ),
    "columns by FOR XML PATH and STUFF": (
        [
            """
SELECT STUFF((SELECT ',' + QUOTENAME(name) FROM (VALUES ('b'), ('a')) AS c (name) ORDER BY name FOR XML PATH(''), TYPE).value('.', 'nvarchar(max)'), 1, 1, '')
"""
        ],
        [[("[a],[b]",)]],
    ),
    "TRY CATCH with THROW and XACT_STATE": (
        [
            """
SET XACT_ABORT ON; CREATE TABLE err_log (num int, msg nvarchar(4000), line int, state int); CREATE TABLE tgt (id int PRIMARY KEY); INSERT tgt VALUES (1)
BEGIN TRY BEGIN TRAN; INSERT tgt VALUES (2); INSERT tgt VALUES (1); COMMIT END TRY
BEGIN CATCH DECLARE @n int = ERROR_NUMBER(), @s int = XACT_STATE(); IF XACT_STATE() <> 0 ROLLBACK; INSERT err_log VALUES (@n, 'dup', ERROR_LINE(), @s) END CATCH
SELECT num, state, @@TRANCOUNT FROM err_log; SELECT COUNT(*) FROM tgt
BEGIN TRY THROW 50010, 'no rows', 3 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE(), ERROR_STATE(), ERROR_SEVERITY() END CATCH
"""
        ],
        [[(2627, -1, 0)], [(1,)], [(50010, "no rows", 3, 16)]],
    ),
    "FORMATMESSAGE, RAISERROR with arguments in CATCH": (
        [
            """
BEGIN TRY RAISERROR('Step %s failed for %d rows (%i%%)', 16, 1, 'load', 5, 50) END TRY BEGIN CATCH SELECT ERROR_MESSAGE(), ERROR_NUMBER() END CATCH
SELECT FORMATMESSAGE('%s-%05d', 'A', 42)
"""
        ],
        [[("Step load failed for 5 rows (50%)", 50000)], [("A-00042",)]],
    ),
    "audit row with SCOPE_IDENTITY and update": (
        [
            """
CREATE TABLE audit (id int IDENTITY(100, 1) PRIMARY KEY, pkg nvarchar(50), started datetime2 DEFAULT SYSDATETIME(), rows_in int NULL, status char(1) DEFAULT 'R')
DECLARE @id int; INSERT INTO audit (pkg) VALUES (N'Load'); SET @id = SCOPE_IDENTITY(); UPDATE audit SET rows_in = 5, status = 'S' WHERE id = @id
SELECT id, pkg, rows_in, status FROM audit WHERE started <= SYSDATETIME(); SELECT @@IDENTITY, IDENT_CURRENT('audit')
"""
        ],
        [[(100, "Load", 5, "S")], [(Decimal(100), Decimal(100))]],
    ),
    "STRING_SPLIT with ordinal and STRING_AGG": (
        [
            """
SELECT value, ordinal FROM STRING_SPLIT('a,,c', ',', 1) ORDER BY ordinal; SELECT STRING_AGG(value, '|') WITHIN GROUP (ORDER BY value DESC) FROM STRING_SPLIT('b;a;c', ';'); SELECT COUNT(*) FROM STRING_SPLIT(NULL, ',')
"""
        ],
        [[("a", 1), ("", 2), ("c", 3)], [("c|b|a",)], [(0,)]],
    ),
    "OPENJSON with and without a schema": (
        [
            """
DECLARE @j nvarchar(max) = N'{"orders":[{"id":1,"d":"2024-01-31","lines":[{"sku":"a","q":2},{"sku":"b","q":1.5}]},{"id":2,"d":null,"lines":[]}]}'
SELECT o.id, o.d, l.sku, l.q FROM OPENJSON(@j, '$.orders') WITH (id int '$.id', d date '$.d', lines nvarchar(max) '$.lines' AS JSON) AS o OUTER APPLY OPENJSON(o.lines) WITH (sku varchar(5), q decimal(9,2)) AS l ORDER BY o.id, l.sku
SELECT [key], value, type FROM OPENJSON('{"a":1,"b":"x","c":null,"d":true,"e":[1],"f":{}}'); SELECT JSON_VALUE(@j, '$.orders[0].lines[1].sku'), ISJSON(@j), JSON_QUERY(@j, '$.orders[1].lines')
"""
        ],
        [
            [
                (1, dt.date(2024, 1, 31), "a", Decimal("2.00")),
                (1, dt.date(2024, 1, 31), "b", Decimal("1.50")),
                (2, None, None, None),
            ],
            [("a", "1", 2), ("b", "x", 1), ("c", None, 0), ("d", "true", 3), ("e", "[1]", 4), ("f", "{}", 5)],
            [("b", 1, "[]")],
        ],
    ),
    "TRY_CONVERT, TRY_CAST, TRY_PARSE, FORMAT": (
        [
            """
SELECT TRY_CONVERT(int, '12x'), TRY_CAST('1.5' AS decimal(5, 1)), TRY_CONVERT(date, '31.01.2024', 104), TRY_CONVERT(date, '2024-13-01'), TRY_CONVERT(int, ''), TRY_CONVERT(int, ' 7 ')
SELECT FORMAT(1234567.891, 'N2'), FORMAT(CAST('2024-02-05 14:03:09' AS datetime), 'yyyy-MM-dd HH:mm:ss'), FORMAT(0.256, 'P1'), FORMAT(42, '00000'), FORMAT(CAST('20240205' AS date), 'dd/MM/yyyy', 'en-US'), FORMAT(12, 'D6'), FORMAT(255, 'X')
"""
        ],
        [
            [(None, Decimal("1.5"), dt.date(2024, 1, 31), None, 0, 7)],
            [("1,234,567.89", "2024-02-05 14:03:09", "25.6%", "00042", "05/02/2024", "000012", "FF")],
        ],
    ),
    "CROSS and OUTER APPLY with TOP": (
        [
            """
DECLARE @c TABLE (id int); DECLARE @o TABLE (c int, amount int); INSERT @c VALUES (1), (2), (3); INSERT @o VALUES (1, 5), (1, 9), (1, 7), (2, 4)
SELECT c.id, x.amount FROM @c c OUTER APPLY (SELECT TOP (2) amount FROM @o o WHERE o.c = c.id ORDER BY amount DESC) x ORDER BY c.id, x.amount; SELECT c.id, v.k, v.x FROM @c c CROSS APPLY (VALUES ('a', c.id * 2), ('b', c.id * 3)) AS v (k, x) WHERE c.id = 2
"""
        ],
        [[(1, 7), (1, 9), (2, 4), (3, None)], [(2, "a", 4), (2, "b", 6)]],
    ),
    "GROUPING SETS, ROLLUP and CUBE": (
        [
            """
DECLARE @s TABLE (r char(1), p char(1), a int); INSERT @s VALUES ('N', 'x', 1), ('N', 'y', 2), ('S', 'x', 4)
SELECT r, p, SUM(a), GROUPING(r), GROUPING_ID(r, p) FROM @s GROUP BY ROLLUP (r, p) ORDER BY GROUPING_ID(r, p), r, p
SELECT r, p, SUM(a) FROM @s GROUP BY GROUPING SETS ((r), (p), ()) ORDER BY SUM(a), r; SELECT COUNT(*) FROM (SELECT r, p FROM @s GROUP BY CUBE (r, p)) x; SELECT r, SUM(a) FROM @s GROUP BY r WITH ROLLUP ORDER BY 2
"""
        ],
        [
            [
                ("N", "x", 1, 0, 0),
                ("N", "y", 2, 0, 0),
                ("S", "x", 4, 0, 0),
                ("N", None, 3, 0, 1),
                ("S", None, 4, 0, 1),
                (None, None, 7, 1, 3),
            ],
            [(None, "y", 2), ("N", None, 3), ("S", None, 4), (None, "x", 5), (None, None, 7)],
            [(8,)],
            [("N", 3), ("S", 4), (None, 7)],
        ],
    ),
    "EOMONTH, DATEFROMPARTS, DATETRUNC, DATEDIFF": (
        [
            """
SELECT EOMONTH('2024-01-31', 1), DATEFROMPARTS(2024, 2, 29), DATETIMEFROMPARTS(2024, 1, 2, 3, 4, 5, 6), DATEADD(month, 1, '2024-01-31'), DATEDIFF(month, '2024-01-31', '2024-02-01'), DATEDIFF(week, '2024-03-02', '2024-03-03'), DATEDIFF(year, '2023-12-31', '2024-01-01')
SELECT DATETRUNC(month, CAST('2024-05-17 10:11:12' AS datetime2(0))), DATETRUNC(quarter, CAST('2024-05-17' AS date)), DATETRUNC(hour, CAST('2024-05-17 10:11:12' AS datetime)), DATEADD(day, DATEDIFF(day, 0, '2024-05-17 10:00'), 0), DATEADD(month, DATEDIFF(month, 0, '2024-05-17'), 0)
SELECT TIMEFROMPARTS(1, 2, 3, 0, 0), DATEDIFF_BIG(millisecond, '2000-01-01', '2024-01-01'), DATENAME(dw, '2024-02-29'), DAY(EOMONTH('2023-02-01')), ISDATE('2024-02-30'), SWITCHOFFSET(CAST('2024-01-01 12:00 +01:00' AS datetimeoffset(0)), '+00:00')
"""
        ],
        [
            [
                (
                    dt.date(2024, 2, 29),
                    dt.date(2024, 2, 29),
                    dt.datetime(2024, 1, 2, 3, 4, 5, 7000),
                    dt.datetime(2024, 2, 29),
                    1,
                    1,
                    1,
                )
            ],
            [
                (
                    dt.datetime(2024, 5, 1),
                    dt.date(2024, 4, 1),
                    dt.datetime(2024, 5, 17, 10),
                    dt.datetime(2024, 5, 17),
                    dt.datetime(2024, 5, 1),
                )
            ],
            [(dt.time(1, 2, 3), 757382400000, "Thursday", 28, 0, dt.datetime(2024, 1, 1, 11, tzinfo=dt.UTC))],
        ],
    ),
    "OFFSET FETCH paging": (
        [
            """
SELECT n FROM (VALUES (1), (2), (3), (4), (5)) AS v (n) ORDER BY n DESC OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY; DECLARE @p int = 2, @s int = 2; SELECT n FROM (VALUES (1), (2), (3)) AS v (n) ORDER BY n OFFSET (@p - 1) * @s ROWS FETCH NEXT @s ROWS ONLY
"""
        ],
        [[(4,), (3,)], [(3,)]],
    ),
    "recursive CTE with a path and MAXRECURSION": (
        [
            """
CREATE TABLE emp (id int, boss int NULL, name varchar(10)); INSERT emp VALUES (1, NULL, 'ceo'), (2, 1, 'vp'), (3, 2, 'dev'), (4, 1, 'cfo')
;WITH t AS (SELECT id, CAST(name AS varchar(100)) AS path, 0 AS lvl FROM emp WHERE boss IS NULL UNION ALL SELECT e.id, CAST(t.path + '>' + e.name AS varchar(100)), t.lvl + 1 FROM emp e JOIN t ON e.boss = t.id) SELECT path, lvl FROM t ORDER BY path OPTION (MAXRECURSION 10)
;WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT COUNT(*), SUM(i) FROM n OPTION (MAXRECURSION 0)
"""
        ],
        [[("ceo", 0), ("ceo>cfo", 1), ("ceo>vp", 1), ("ceo>vp>dev", 2)], [(200, 20100)]],
    ),
    "HASHBYTES of NULL, of unicode, and CONCAT_WS": (
        [
            """
SELECT CONVERT(varchar(40), HASHBYTES('SHA1', 'abc'), 2), CONVERT(varchar(64), HASHBYTES('MD5', N'abc'), 2), HASHBYTES('MD5', CAST(NULL AS varchar(5))), CONCAT_WS('|', 1, NULL, 'x'), CONVERT(varchar(34), HASHBYTES('MD5', ''), 1)
"""
        ],
        [
            [
                (
                    "A9993E364706816ABA3E25717850C26C9CD0D89D",
                    "CE1473CF80C6B3FDA8E3DFC006ADC315",
                    None,
                    "1|x",
                    "0xD41D8CD98F00B204E9800998ECF8427E",
                )
            ]
        ],
    ),
    "COLLATE comparisons": (
        [
            """
SELECT CASE WHEN 'abc' = 'ABC' THEN 1 ELSE 0 END, CASE WHEN 'abc' = 'ABC' COLLATE Latin1_General_CS_AS THEN 1 ELSE 0 END, CASE WHEN 'abc' COLLATE Latin1_General_BIN2 = 'abc' THEN 1 ELSE 0 END, CASE WHEN 'a ' = 'a' THEN 1 ELSE 0 END
SELECT COUNT(*) FROM (VALUES ('a'), ('A'), ('b')) AS v (c) WHERE c COLLATE Latin1_General_CS_AS = 'A'
"""
        ],
        [[(1, 0, 1, 1)], [(1,)]],
    ),
    "sp_rename swap in a transaction": (
        [
            """
CREATE TABLE live (id int); INSERT live VALUES (1); CREATE TABLE live_new (id int); INSERT live_new VALUES (2)
BEGIN TRAN; EXEC sp_rename 'dbo.live', 'live_old'; EXEC sp_rename 'dbo.live_new', 'live'; COMMIT; SELECT id FROM live; SELECT id FROM live_old; DROP TABLE live_old
"""
        ],
        [[(2,)], [(1,)]],
    ),
    "IDENTITY_INSERT and DBCC CHECKIDENT": (
        [
            """
CREATE TABLE idt (id int IDENTITY, v char(1)); SET IDENTITY_INSERT idt ON; INSERT idt (id, v) VALUES (10, 'a'); SET IDENTITY_INSERT idt OFF; INSERT idt VALUES ('b'); DELETE idt; DBCC CHECKIDENT ('idt', RESEED, 0) WITH NO_INFOMSGS; INSERT idt VALUES ('c'); SELECT id, v FROM idt; TRUNCATE TABLE idt; INSERT idt VALUES ('d'); SELECT id FROM idt
"""
        ],
        [[(1, "c")], [(1,)]],
    ),
    "index disable, rebuild and UPDATE STATISTICS": (
        [
            """
CREATE TABLE ix (a int PRIMARY KEY, b int); CREATE NONCLUSTERED INDEX ix_b ON ix (b DESC) INCLUDE (a) WITH (FILLFACTOR = 80); ALTER INDEX ix_b ON ix DISABLE; INSERT ix VALUES (1, 2); SELECT is_disabled FROM sys.indexes WHERE name = 'ix_b'
ALTER INDEX ALL ON dbo.ix REBUILD WITH (SORT_IN_TEMPDB = ON, ONLINE = OFF); UPDATE STATISTICS dbo.ix WITH FULLSCAN; ALTER INDEX ix_b ON ix REORGANIZE; SELECT is_disabled FROM sys.indexes WHERE name = 'ix_b'; EXEC sp_updatestats
CREATE STATISTICS st_b ON ix (b) WITH SAMPLE 50 PERCENT; DROP STATISTICS ix.st_b
"""
        ],
        [[(True,)], [(False,)]],
    ),
    "SCD2 by MERGE with OUTPUT nested into INSERT": (
        [
            """
CREATE TABLE dim2 (sk int IDENTITY PRIMARY KEY, bk int, city varchar(10), valid_from date, valid_to date NULL, is_current bit); INSERT dim2 VALUES (1, 'Bonn', '2020-01-01', NULL, 1), (2, 'Ulm', '2020-01-01', NULL, 1)
CREATE TABLE src2 (bk int, city varchar(10)); INSERT src2 VALUES (1, 'Koeln'), (2, 'Ulm'), (3, 'Trier'); DECLARE @today date = '2024-06-01'
INSERT INTO dim2 (bk, city, valid_from, valid_to, is_current)
SELECT bk, city, @today, NULL, 1 FROM (MERGE dim2 AS t USING src2 AS s ON t.bk = s.bk AND t.is_current = 1
 WHEN MATCHED AND t.city <> s.city THEN UPDATE SET t.is_current = 0, t.valid_to = DATEADD(day, -1, @today)
 WHEN NOT MATCHED BY TARGET THEN INSERT (bk, city, valid_from, valid_to, is_current) VALUES (s.bk, s.city, @today, NULL, 1)
 OUTPUT $action AS act, s.bk, s.city) AS m WHERE act = 'UPDATE';
SELECT bk, city, valid_from, valid_to, is_current FROM dim2 ORDER BY bk, valid_from
"""
        ],
        [
            [
                (1, "Bonn", dt.date(2020, 1, 1), dt.date(2024, 5, 31), False),
                (1, "Koeln", dt.date(2024, 6, 1), None, True),
                (2, "Ulm", dt.date(2020, 1, 1), None, True),
                (3, "Trier", dt.date(2024, 6, 1), None, True),
            ]
        ],
    ),
    "SWITCH of a whole table": (
        [
            """
CREATE TABLE fact_in (d date NOT NULL, v int); CREATE TABLE fact_out (d date NOT NULL, v int); INSERT fact_in VALUES ('2024-01-01', 1), ('2024-01-02', 2)
ALTER TABLE fact_in SWITCH TO fact_out; SELECT COUNT(*) FROM fact_in; SELECT SUM(v) FROM fact_out
"""
        ],
        [[(0,)], [(3,)]],
    ),
    "UPDATE with joins, aliases and compound assignment": (
        [
            """
CREATE TABLE ut (id int, total money, n int); CREATE TABLE us (id int, x money); INSERT ut VALUES (1, 10, 0), (2, 20, 0), (3, 30, 0); INSERT us VALUES (1, 5), (3, 7.25)
UPDATE t SET total += s.x, n = n + 1 FROM ut AS t INNER JOIN us AS s ON s.id = t.id; SELECT * FROM ut ORDER BY id; UPDATE TOP (1) ut SET n = 9 OUTPUT deleted.n, inserted.n WHERE id = 2
"""
        ],
        [[(1, Decimal("15.0000"), 1), (2, Decimal("20.0000"), 0), (3, Decimal("37.2500"), 1)], [(0, 9)]],
    ),
    "DELETE in batches with TOP": (
        [
            """
SET NOCOUNT ON; CREATE TABLE big_del (id int); INSERT big_del SELECT value FROM GENERATE_SERIES(1, 25); DECLARE @n int = 1, @loops int = 0
WHILE @n > 0 BEGIN DELETE TOP (10) FROM big_del WHERE id <= 22; SET @n = @@ROWCOUNT; SET @loops += 1 END; SELECT @loops, COUNT(*) FROM big_del
"""
        ],
        [[(4, 3)]],
    ),
    "INSERT SELECT WHERE NOT EXISTS, and EXCEPT": (
        [
            """
CREATE TABLE nx (id int PRIMARY KEY, v int); INSERT nx VALUES (1, 1); INSERT INTO nx (id, v) SELECT s.id, s.v FROM (VALUES (1, 5), (2, 6)) AS s (id, v) WHERE NOT EXISTS (SELECT 1 FROM nx WHERE nx.id = s.id); SELECT * FROM nx
SELECT id, v FROM (VALUES (1, 1), (2, NULL), (2, NULL)) a (id, v) EXCEPT SELECT id, v FROM (VALUES (1, 1)) b (id, v); SELECT 1 AS x INTERSECT SELECT 1
"""
        ],
        [[(1, 1), (2, 6)], [(2, None)], [(1,)]],
    ),
    "window frames, LAG and running totals": (
        [
            """
SELECT d, a, SUM(a) OVER (ORDER BY d ROWS UNBOUNDED PRECEDING), LAG(a, 1, 0) OVER (ORDER BY d), LEAD(a) OVER (ORDER BY d), FIRST_VALUE(a) OVER (ORDER BY d DESC), AVG(a) OVER (ORDER BY d ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), NTILE(2) OVER (ORDER BY d), PERCENT_RANK() OVER (ORDER BY d) FROM (VALUES (1, 10), (2, 15), (3, 20)) AS t (d, a) ORDER BY d
"""
        ],
        [
            [
                (1, 10, 10, 0, 15, 20, 10, 1, 0.0),
                (2, 15, 25, 10, 20, 20, 12, 1, 0.5),
                (3, 20, 45, 15, None, 20, 17, 2, 1.0),
            ]
        ],
    ),
    "gaps and islands": (
        [
            """
WITH s AS (SELECT n, n - ROW_NUMBER() OVER (ORDER BY n) AS g FROM (VALUES (1), (2), (3), (7), (8), (10)) AS v (n)) SELECT MIN(n), MAX(n), COUNT(*) FROM s GROUP BY g ORDER BY 1
"""
        ],
        [[(1, 3, 3), (7, 8, 2), (10, 10, 1)]],
    ),
    "UNPIVOT and CROSS APPLY": (
        [
            """
CREATE TABLE q4 (id int, q1 int, q2 int, q3 int); INSERT q4 VALUES (1, 5, NULL, 7); SELECT id, q, v FROM q4 UNPIVOT (v FOR q IN (q1, q2, q3)) AS u ORDER BY q
"""
        ],
        [[(1, "q1", 5), (1, "q3", 7)]],
    ),
    "CHOOSE, IIF, NULLIF, ISNULL and COALESCE types": (
        [
            """
SELECT CHOOSE(2, 'a', 'b'), IIF(1 > 2, 'x', 'yy'), NULLIF(5, 5), ISNULL(CAST(NULL AS varchar(3)), 'abcdef'), COALESCE(CAST(NULL AS varchar(3)), 'abcdef'), ISNULL(NULL, 7), CHOOSE(9, 1, 2)
"""
        ],
        [[("b", "yy", None, "abc", "abcdef", 7, None)]],
    ),
    "integer division, modulo, decimal arithmetic and rounding": (
        [
            """
SELECT 7 / 2, -7 / 2, -7 % 3, 7 / 2.0, CAST(1 AS decimal(9, 2)) / 3, ROUND(2.5, 0), ROUND(-1234.567, -2), ROUND(1.99, 1, 1), CEILING(-1.5), FLOOR(-1.5), CAST(2.5 AS int), CAST(-2.7 AS int), CONVERT(money, '1,234.5'), CAST(1.005 AS money), POWER(2, 10), SQUARE(3), 10 / 3 * 3.0
"""
        ],
        [
            [
                (
                    3,
                    -3,
                    -1,
                    Decimal("3.500000"),
                    Decimal("0.333333"),
                    Decimal("3.0"),
                    Decimal("-1200.000"),
                    Decimal("1.90"),
                    Decimal(-1),
                    Decimal(-2),
                    2,
                    -2,
                    Decimal("1234.5000"),
                    Decimal("1.0050"),
                    1024,
                    9.0,
                    Decimal("9.0"),
                )
            ]
        ],
    ),
    "string functions with blanks and lengths": (
        [
            """
SELECT LEN('ab  '), DATALENGTH('ab  '), DATALENGTH(N'ab'), LEFT('abc', 2), RIGHT('abc', 5), SUBSTRING('abcdef', 0, 3), CHARINDEX('c', 'abcabc', 4), PATINDEX('%[0-9]%', 'ab3c'), REPLACE('aAa', 'a', 'x'), REVERSE('abc'), REPLICATE('0', 3) + '7', RIGHT('000' + CAST(7 AS varchar(5)), 3), STUFF('abcdef', 2, 3, 'X'), LTRIM(RTRIM('  x ')) + '|', TRIM('.' FROM '..a..'), TRANSLATE('1-2', '-', '/'), SPACE(2) + 'x', UPPER('straße'), STR(12.345, 8, 2), QUOTENAME('a]b'), UNICODE(N'€'), CHAR(65), NCHAR(8364), ASCII('a')
"""
        ],
        [
            [
                (
                    2,
                    4,
                    4,
                    "ab",
                    "abc",
                    "ab",
                    6,
                    3,
                    "xxx",
                    "cba",
                    "0007",
                    "007",
                    "aXef",
                    "x|",
                    "a",
                    "1/2",
                    "  x",
                    "STRAßE",
                    "   12.35",
                    "[a]]b]",
                    8364,
                    "A",
                    "€",
                    97,
                )
            ]
        ],
    ),
    "implicit conversions and NULL arithmetic": (
        [
            """
SELECT '5' + 3, '5' + '3', 5 + NULL, 'a' + NULL, CONCAT('a', NULL, 1), CAST('2024-01-01' AS datetime) + 1, 1 + '1' * 2, CASE WHEN NULL = NULL THEN 1 ELSE 0 END, CAST(1 AS bit) & 1
"""
        ],
        [[(8, "53", None, None, "a1", dt.datetime(2024, 1, 2), 3, 0, 1)]],
    ),
    "CONVERT styles": (
        [
            """
DECLARE @d datetime = '2024-02-05 14:03:09.127'; SELECT CONVERT(varchar(30), @d, 120), CONVERT(varchar(30), @d, 121), CONVERT(varchar(10), @d, 101), CONVERT(varchar(10), @d, 103), CONVERT(varchar(10), @d, 104), CONVERT(varchar(8), @d, 112), CONVERT(varchar(8), @d, 108), CONVERT(varchar(30), @d, 126), CONVERT(varchar(30), @d), CONVERT(varchar(20), CAST(1234.5 AS money), 1), CONVERT(varchar(10), 0x1F, 1), CONVERT(varbinary(4), '0x1F2E', 1), CONVERT(varchar(30), @d, 113), CONVERT(varchar(12), @d, 107)
"""
        ],
        [
            [
                (
                    "2024-02-05 14:03:09",
                    "2024-02-05 14:03:09.127",
                    "02/05/2024",
                    "05/02/2024",
                    "05.02.2024",
                    "20240205",
                    "14:03:09",
                    "2024-02-05T14:03:09.127",
                    "Feb  5 2024  2:03PM",
                    "1,234.50",
                    "0x1F",
                    b"\x1f\x2e",
                    "05 Feb 2024 14:03:09:127",
                    "Feb 05, 2024",
                )
            ]
        ],
    ),
    "temporary tables with indexes, IF OBJECT_ID and DROP IF EXISTS": (
        [
            """
IF OBJECT_ID('tempdb..#w') IS NOT NULL DROP TABLE #w; CREATE TABLE #w (id int NOT NULL, v varchar(5), INDEX ix (v)); CREATE CLUSTERED INDEX cx ON #w (id); INSERT #w VALUES (2, 'b'), (1, 'a'); SELECT TOP (1) * FROM #w ORDER BY id; DROP TABLE IF EXISTS #w, #nope; SELECT OBJECT_ID('tempdb..#w')
"""
        ],
        [[(1, "a")], [(None,)]],
    ),
    "cursor loop over sys.tables with dynamic SQL": (
        [
            """
CREATE SCHEMA loopy""",
            """CREATE TABLE loopy.a (x int); CREATE TABLE loopy.b (x int); INSERT loopy.a VALUES (1), (2); DECLARE @n sysname, @sql nvarchar(500), @c int; DECLARE @r TABLE (n sysname, c int)
DECLARE cur CURSOR LOCAL FAST_FORWARD FOR SELECT t.name FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE s.name = 'loopy' ORDER BY t.name
OPEN cur; FETCH NEXT FROM cur INTO @n; WHILE @@FETCH_STATUS = 0 BEGIN SET @sql = N'SELECT @cnt = COUNT(*) FROM loopy.' + QUOTENAME(@n); EXEC sp_executesql @sql, N'@cnt int OUTPUT', @cnt = @c OUTPUT; INSERT @r VALUES (@n, @c); FETCH NEXT FROM cur INTO @n END; CLOSE cur; DEALLOCATE cur; SELECT * FROM @r ORDER BY n
""",
        ],
        [[("a", 2), ("b", 0)]],
    ),
    "EXEC of a string with a variable, and INSERT EXEC": (
        [
            """
DECLARE @t sysname = 'tmp_exec'; EXEC ('CREATE TABLE ' + @t + ' (id int)'); INSERT tmp_exec EXEC ('SELECT 1 UNION ALL SELECT 2'); EXEC (N'SELECT SUM(id) FROM ' + @t)
"""
        ],
        [[(3,)]],
    ),
    "checksum functions agree on equal rows": (
        [
            """
SELECT CASE WHEN CHECKSUM('abc', 1) = CHECKSUM('ABC', 1) THEN 1 ELSE 0 END, CASE WHEN BINARY_CHECKSUM('abc', 1) = BINARY_CHECKSUM('ABC', 1) THEN 1 ELSE 0 END, CASE WHEN BINARY_CHECKSUM('abc', 1) = BINARY_CHECKSUM('abc', 1) THEN 1 ELSE 0 END
SELECT CASE WHEN (SELECT CHECKSUM_AGG(CHECKSUM(n)) FROM (VALUES (1), (2)) a (n)) = (SELECT CHECKSUM_AGG(CHECKSUM(n)) FROM (VALUES (2), (1)) b (n)) THEN 1 ELSE 0 END; SELECT CHECKSUM_AGG(n) FROM (VALUES (1), (2), (4)) v (n)
"""
        ],
        [[(1, 0, 1)], [(1,)], [(7,)]],
    ),
    "watermark table with OUTPUT and ISNULL(MAX)": (
        [
            """
CREATE TABLE wm (t sysname PRIMARY KEY, last_id bigint); INSERT wm VALUES ('orders', 5); CREATE TABLE orders_w (id bigint, m datetime2(3)); INSERT orders_w VALUES (4, '2024-01-01'), (6, '2024-01-02 10:00:00.123'), (9, '2024-01-03')
DECLARE @from bigint = (SELECT last_id FROM wm WHERE t = 'orders'), @to bigint; SELECT @to = ISNULL(MAX(id), @from) FROM orders_w; SELECT id FROM orders_w WHERE id > @from AND id <= @to ORDER BY id; UPDATE wm SET last_id = @to OUTPUT deleted.last_id, inserted.last_id WHERE t = 'orders'; SELECT MAX(m) FROM orders_w WHERE id < 9
"""
        ],
        [[(6,), (9,)], [(5, 9)], [(dt.datetime(2024, 1, 2, 10, 0, 0, 123000),)]],
    ),
    "a transaction with a savepoint": (
        [
            """
CREATE TABLE sp_t (id int); BEGIN TRAN; INSERT sp_t VALUES (1); SAVE TRAN s1; INSERT sp_t VALUES (2); ROLLBACK TRAN s1; INSERT sp_t VALUES (3); COMMIT; SELECT id FROM sp_t ORDER BY id; SELECT @@TRANCOUNT
"""
        ],
        [[(1,), (3,)], [(0,)]],
    ),
    "row counts of all tables from the system views": (
        [
            """
CREATE TABLE rc (id int); INSERT rc VALUES (1), (2); SELECT s.name, t.name, SUM(p.rows) FROM sys.tables t JOIN sys.schemas s ON t.schema_id = s.schema_id JOIN sys.partitions p ON p.object_id = t.object_id AND p.index_id IN (0, 1) WHERE t.name = 'rc' GROUP BY s.name, t.name
SELECT c.name, ty.name, c.max_length, c.is_nullable FROM sys.columns c JOIN sys.types ty ON ty.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('rc'); SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'rc'; IF EXISTS (SELECT 1 FROM sys.columns WHERE object_id = OBJECT_ID('rc') AND name = 'nope') SELECT 1; IF COL_LENGTH('dbo.rc', 'id') IS NOT NULL SELECT COL_LENGTH('rc', 'id'), COLUMNPROPERTY(OBJECT_ID('rc'), 'id', 'AllowsNull'), COL_NAME(OBJECT_ID('rc'), 1), OBJECTPROPERTY(OBJECT_ID('rc'), 'IsUserTable')
"""
        ],
        [[("dbo", "rc", 2)], [("id", "int", 4, True)], [("id", "int", "YES")], [(4, 1, "id", 1)]],
    ),
    "ALTER TABLE ADD, ALTER COLUMN, constraints by name": (
        [
            """
CREATE TABLE alt (id int NOT NULL, v varchar(5)); INSERT alt VALUES (1, 'a'); ALTER TABLE alt ADD created date NOT NULL CONSTRAINT df_c DEFAULT '2024-01-01', n int NULL; ALTER TABLE alt ALTER COLUMN v nvarchar(20) NOT NULL; ALTER TABLE alt ADD CONSTRAINT pk_alt PRIMARY KEY CLUSTERED (id ASC); ALTER TABLE alt WITH CHECK ADD CONSTRAINT ck_n CHECK (n > 0 OR n IS NULL); ALTER TABLE alt NOCHECK CONSTRAINT ck_n; INSERT alt (id, v, n) VALUES (2, 'b', -1); ALTER TABLE alt DROP CONSTRAINT df_c; ALTER TABLE alt DROP COLUMN created; SELECT * FROM alt ORDER BY id
"""
        ],
        [[(1, "a", None), (2, "b", -1)]],
    ),
    "FOR JSON and JSON_MODIFY": (
        [
            """
SELECT id, name AS [a.name], NULL AS x FROM (VALUES (1, 'x'), (2, NULL)) v (id, name) FOR JSON PATH, ROOT('rows'); SELECT JSON_MODIFY('{"a":1,"b":[1]}', '$.a', 5), JSON_MODIFY('{"a":1}', '$.c', 'x'), JSON_MODIFY('{"a":1,"c":2}', '$.a', NULL), JSON_MODIFY('{"b":[1]}', 'append $.b', 2)
"""
        ],
        [
            [('{"rows":[{"id":1,"a":{"name":"x"}},{"id":2}]}',)],
            [('{"a":5,"b":[1]}', '{"a":1,"c":"x"}', '{"c":2}', '{"b":[1,2]}')],
        ],
    ),
    "XML shredding with nodes and value": (
        [
            """
DECLARE @x xml = '<rows><r id="1"><v>a</v></r><r id="2"/></rows>'; SELECT n.value('@id', 'int'), n.value('(v/text())[1]', 'varchar(5)') FROM @x.nodes('/rows/r') AS t (n); SELECT @x.value('count(/rows/r)', 'int'), @x.exist('/rows/r[@id="2"]')
"""
        ],
        [[(1, "a"), (2, None)], [(2, 1)]],
    ),
    "SET options at the head of a script": (
        [
            """
SET ANSI_NULLS ON; SET QUOTED_IDENTIFIER ON; SET ANSI_WARNINGS ON; SET ARITHABORT ON; SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED; SET LOCK_TIMEOUT 5000; SET DATEFORMAT mdy; SET LANGUAGE us_english; SET CONCAT_NULL_YIELDS_NULL ON; SET NUMERIC_ROUNDABORT OFF; SET DEADLOCK_PRIORITY LOW; SET STATISTICS TIME OFF; SELECT @@LOCK_TIMEOUT, CAST('01/31/2024' AS date)
"""
        ],
        [[(5000, dt.date(2024, 1, 31))]],
    ),
    "NOLOCK hints and three-part names": (
        [
            """
CREATE TABLE hint (id int); INSERT dbo.hint WITH (TABLOCK) VALUES (1); SELECT h.id FROM Shop.dbo.hint AS h WITH (NOLOCK) INNER HASH JOIN hint AS g (NOLOCK) ON g.id = h.id OPTION (RECOMPILE, MAXDOP 1); DELETE FROM hint WITH (TABLOCKX); SELECT COUNT(*) FROM hint
"""
        ],
        [[(1,)], [(0,)]],
    ),
    "WAITFOR, GOTO and PRINT": (
        [
            """
DECLARE @try int = 0; again: SET @try += 1; IF @try < 3 BEGIN WAITFOR DELAY '00:00:00.001'; GOTO again END; PRINT 'tries: ' + CAST(@try AS varchar(5)); SELECT @try
"""
        ],
        [[(3,)]],
    ),
    "MERGE into a table with IDENTITY, DEFAULT and computed columns": (
        [
            """
CREATE TABLE mi (id int IDENTITY, code varchar(5) UNIQUE, qty int, total AS qty * 2, at date DEFAULT '2024-01-01'); INSERT mi (code, qty) VALUES ('a', 1); MERGE mi USING (SELECT 'a' AS code, 5 AS qty UNION ALL SELECT 'b', 6) s ON s.code = mi.code WHEN MATCHED THEN UPDATE SET qty = s.qty WHEN NOT MATCHED THEN INSERT (code, qty) VALUES (s.code, s.qty) OUTPUT $action, inserted.id, deleted.qty, inserted.total; SELECT * FROM mi ORDER BY id
"""
        ],
        [
            [("INSERT", 2, None, 12), ("UPDATE", 1, 1, 10)],
            [(1, "a", 5, 10, dt.date(2024, 1, 1)), (2, "b", 6, 12, dt.date(2024, 1, 1))],
        ],
    ),
    "NULLs and counts in aggregates": (
        [
            """
SELECT COUNT(*), COUNT(v), COUNT(DISTINCT v), SUM(v), AVG(v), AVG(v * 1.0), MIN(v), STDEV(v), VAR(v) FROM (VALUES (1), (2), (2), (NULL)) t (v); SELECT SUM(v), COUNT(*) FROM (SELECT 1 AS v WHERE 1 = 0) t; SELECT COUNT_BIG(*) FROM (VALUES (1)) t (v) HAVING COUNT(*) > 5
"""
        ],
        [[(4, 3, 2, 5, 1, Decimal("1.666666"), 1, 0.5773502691896257, 0.3333333333333333)], [(None, 0)], []],
    ),
    "PERCENTILE, STRING_AGG over groups, and APPROX_COUNT_DISTINCT": (
        [
            """
SELECT DISTINCT g, PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY v) OVER (PARTITION BY g) FROM (VALUES ('a', 1), ('a', 4), ('b', 5)) t (g, v) ORDER BY g; SELECT g, STRING_AGG(CAST(v AS varchar(5)), ';') WITHIN GROUP (ORDER BY v DESC) FROM (VALUES ('a', 1), ('a', 4), ('b', 5)) t (g, v) GROUP BY g ORDER BY g; SELECT APPROX_COUNT_DISTINCT(v) FROM (VALUES (1), (1), (2)) t (v)
"""
        ],
        [[("a", 2.5), ("b", 5.0)], [("a", "4;1"), ("b", "5")], [(2,)]],
    ),
    "IS DISTINCT FROM, GREATEST, LEAST, GENERATE_SERIES": (
        [
            """
SELECT CASE WHEN a IS DISTINCT FROM b THEN 1 ELSE 0 END FROM (VALUES (1, 1), (1, NULL), (NULL, NULL)) v (a, b); SELECT GREATEST(1, 5, 3), LEAST('b', 'a'); SELECT value FROM GENERATE_SERIES(1, 7, 3)
"""
        ],
        [[(0,), (1,), (0,)], [(5, "a")], [(1,), (4,), (7,)]],
    ),
    "scalar function with statements": (
        [
            "CREATE FUNCTION dbo.fiscal (@d date) RETURNS int AS BEGIN DECLARE @y int = YEAR(@d); IF MONTH(@d) >= 10 SET @y += 1; RETURN @y END",
            "SELECT dbo.fiscal('2024-10-01'), dbo.fiscal('2024-09-30'), dbo.fiscal(NULL); SELECT dbo.fiscal(d) FROM (VALUES (CAST('2023-12-31' AS date)), ('2023-01-01')) v (d)",
        ],
        [[(2025, 2024, None)], [(2024,), (2023,)]],
    ),
    "error of a missing table inside TRY of dynamic SQL": (
        [
            """
BEGIN TRY EXEC sp_executesql N'SELECT * FROM no_such_table' END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE(), ERROR_LINE() END CATCH; BEGIN TRY EXEC ('SELECT 1/0') END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH
"""
        ],
        [[(208, None, 1)], [], [(8134,)]],
    ),
    "a procedure with RETURN code, OUTPUT and TRY": (
        [
            "CREATE PROCEDURE dbo.load_it @n int, @rows int OUTPUT AS BEGIN SET NOCOUNT ON; BEGIN TRY IF @n < 0 THROW 51000, 'negative', 1; SELECT value INTO #x FROM GENERATE_SERIES(1, @n); SET @rows = @@ROWCOUNT; RETURN 0 END TRY BEGIN CATCH SET @rows = -1; RETURN ERROR_NUMBER() END CATCH END",
            "DECLARE @r int, @c int; EXEC @c = load_it 5, @r OUTPUT; SELECT @c, @r; EXEC @c = dbo.load_it @n = -5, @rows = @r OUTPUT; SELECT @c, @r",
        ],
        [[(0, 5)], [(51000, -1)]],
    ),
    "CASE in ORDER BY, TOP WITH TIES and DISTINCT": (
        [
            """
SELECT TOP (2) WITH TIES v FROM (VALUES (1), (2), (2), (3)) t (v) ORDER BY v; SELECT v FROM (VALUES ('b'), ('a'), ('z')) t (v) ORDER BY CASE WHEN v = 'z' THEN 0 ELSE 1 END, v DESC; SELECT DISTINCT UPPER(v) FROM (VALUES ('a'), ('A '), ('b')) t (v) ORDER BY 1; SELECT TOP 50 PERCENT v FROM (VALUES (1), (2), (3)) t (v) ORDER BY v
"""
        ],
        [[(1,), (2,), (2,)], [("z",), ("b",), ("a",)], [("A",), ("B",)], [(1,), (2,)]],
    ),
    "LIKE with escapes and classes": (
        [
            """
SELECT v FROM (VALUES (1, 'a_b'), (2, 'axb'), (3, '50%'), (4, 'A1'), (5, '[x]')) t (n, v) WHERE v LIKE 'a[_]b' OR v LIKE '%!%' ESCAPE '!' OR v LIKE '[a-c][0-9]' OR v LIKE '[[]%' ORDER BY n; SELECT CASE WHEN 'abc' NOT LIKE 'A%' THEN 1 ELSE 0 END, CASE WHEN 'a' LIKE '[^b-z]' THEN 1 ELSE 0 END
"""
        ],
        [[("a_b",), ("50%",), ("A1",), ("[x]",)], [(0, 1)]],
    ),
    "AT TIME ZONE and UTC": (
        [
            """
SELECT CAST('2024-07-01 12:00' AS datetime2(0)) AT TIME ZONE 'W. Europe Standard Time', CAST('2024-01-01 12:00' AS datetime2(0)) AT TIME ZONE 'W. Europe Standard Time' AT TIME ZONE 'UTC', DATEDIFF(second, '1970-01-01', '2024-01-01'), TODATETIMEOFFSET('2024-01-01 00:00', '+02:00')
"""
        ],
        [
            [
                (
                    dt.datetime(2024, 7, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))),
                    dt.datetime(2024, 1, 1, 11, tzinfo=dt.UTC),
                    1704067200,
                    dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
                )
            ]
        ],
    ),
    "CREATE TABLE with everything people script out": (
        [
            """
CREATE TABLE [dbo].[FactSales]([SalesKey] [bigint] IDENTITY(1,1) NOT NULL, [DateKey] [int] NOT NULL, [Amount] [decimal](18, 4) NULL, [Note] [nvarchar](max) NULL, [RowGuid] [uniqueidentifier] ROWGUIDCOL NOT NULL CONSTRAINT [DF_g] DEFAULT (newid()), [Ts] [timestamp] NOT NULL,
 CONSTRAINT [PK_FactSales] PRIMARY KEY CLUSTERED ([SalesKey] ASC) WITH (PAD_INDEX = OFF, STATISTICS_NORECOMPUTE = OFF, IGNORE_DUP_KEY = OFF, ALLOW_ROW_LOCKS = ON, DATA_COMPRESSION = PAGE) ON [PRIMARY]) ON [PRIMARY] TEXTIMAGE_ON [PRIMARY]
INSERT FactSales (DateKey, Amount) VALUES (1, 2); SELECT SalesKey, DateKey, Amount, Note FROM FactSales
""",
        ],
        [[(1, 1, Decimal("2.0000"), None)]],
    ),
    "columnstore index and compression": (
        [
            """
CREATE TABLE cs (a int, b int); CREATE CLUSTERED COLUMNSTORE INDEX cci ON cs; INSERT cs VALUES (1, 2); ALTER INDEX cci ON cs REBUILD PARTITION = ALL WITH (DATA_COMPRESSION = COLUMNSTORE); ALTER TABLE cs REBUILD; SELECT * FROM cs; DROP INDEX cci ON cs
"""
        ],
        [[(1, 2)]],
    ),
    "CREATE TABLE AS SELECT by SELECT INTO with IDENTITY and joins": (
        [
            """
SELECT IDENTITY(int, 1, 1) AS rid, v INTO #seq FROM (VALUES ('b'), ('a')) t (v) ORDER BY v; SELECT COUNT(*), MIN(rid), MAX(rid) FROM #seq; SELECT TOP (0) * INTO copy_of FROM sys.objects; SELECT COUNT(*) FROM copy_of
"""
        ],
        [[(2, 1, 2)], [(0,)]],
    ),
    "sp_tables and sp_columns of a table that is missing": (
        ["""EXEC sp_tables @table_type = "'TABLE'", @table_name = 'no_such'; EXEC sp_columns 'no_such'"""],
        [[], []],
    ),
    "TRUNCATE in a transaction rolls back": (
        [
            "CREATE TABLE trb (id int); INSERT trb VALUES (1); BEGIN TRAN; TRUNCATE TABLE trb; SELECT COUNT(*) FROM trb; ROLLBACK; SELECT COUNT(*) FROM trb"
        ],
        [[(0,)], [(1,)]],
    ),
    "ROWCOUNT based control and @@ERROR": (
        [
            "DECLARE @e int; CREATE TABLE ec (id int PRIMARY KEY); UPDATE ec SET id = 1; IF @@ROWCOUNT = 0 INSERT ec VALUES (1); SELECT @@ROWCOUNT; SELECT @e = @@ERROR; SELECT @e; SET ROWCOUNT 1; SELECT value FROM GENERATE_SERIES(1, 3); SET ROWCOUNT 0"
        ],
        [[(1,)], [(0,)], [(1,)]],
    ),
    "a call that leaves another number of transactions": (
        [
            "CREATE PROC tran_begin AS BEGIN TRAN",
            "CREATE PROC tran_end AS ROLLBACK",
            """
BEGIN TRY EXEC tran_begin END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_STATE(), @@TRANCOUNT, XACT_STATE(); ROLLBACK END CATCH
BEGIN TRY BEGIN TRAN; EXEC tran_end END TRY BEGIN CATCH SELECT ERROR_NUMBER(), @@TRANCOUNT END CATCH; BEGIN TRY EXEC ('BEGIN TRAN') END TRY BEGIN CATCH SELECT ERROR_NUMBER(); ROLLBACK END CATCH
EXEC ('BEGIN TRAN; COMMIT'); SET XACT_ABORT ON; EXEC tran_begin; SELECT @@TRANCOUNT; ROLLBACK
""",
        ],
        [[(266, 2, 1, 1)], [(266, 0)], [(266,)], [(1,)]],
    ),
    "keywords in the names of temporary tables": (
        [
            """
CREATE TABLE #values (a int); INSERT INTO #values VALUES (1); INSERT #values (a) SELECT a + 1 FROM #values; SELECT t.a INTO #insert FROM #values AS t JOIN #values AS [outer] ON t.a = [outer].a; UPDATE #insert SET a = a * 10; DELETE FROM #insert WHERE a = 10
SELECT #insert.a, v.a FROM #insert CROSS JOIN #values AS v WHERE EXISTS (SELECT 1 FROM #values) ORDER BY 2; CREATE TABLE #from (a int); INSERT #from SELECT 1 UNION SELECT a FROM #values; SELECT COUNT(*) FROM #from
"""
        ],
        [[(20, 1), (20, 2)], [(2,)]],
    ),
    "keywords of other databases are names": (
        [
            """
CREATE TABLE #t (limit int, lock int, describe int, true int); INSERT #t (limit, lock, describe, true) VALUES (1, 2, 3, 4); UPDATE #t SET limit = limit + 1, true = true * 2 WHERE lock = 2
SELECT limit, t.lock, describe AS qualify, true AS xor, semi = 1 FROM #t AS t WHERE true = 8 GROUP BY limit, lock, describe, true HAVING MAX(limit) > 0 ORDER BY lock; WITH recursive AS (SELECT limit AS natural FROM #t) SELECT recursive.natural FROM recursive; SELECT limit div FROM #t lateral
BEGIN TRY EXEC ('SELECT true') END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH; BEGIN TRY EXEC ('SELECT 1 WHERE 1 = false') END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH
"""
        ],
        [[(2, 2, 3, 8, 1)], [(2,)], [(2,)], [(207,)], [(207,)]],
    ),
    "named windows": (
        [
            """
SELECT x, SUM(x) OVER w, COUNT(*) OVER (w), AVG(x) OVER (w2 ROWS UNBOUNDED PRECEDING), ROW_NUMBER() OVER (w ORDER BY x DESC) FROM (VALUES ('a', 1), ('a', 2), ('b', 3)) t (k, x) WHERE 1 = 1 WINDOW w AS (PARTITION BY k), w2 AS (w3 ORDER BY x), w3 AS (w) ORDER BY SUM(x) OVER w DESC, x DESC
SELECT k, SUM(SUM(x)) OVER w FROM (VALUES ('a', 1), ('a', 2), ('b', 3)) t (k, x) GROUP BY k HAVING COUNT(*) > 0 WINDOW w AS (ORDER BY k) ORDER BY k; DECLARE @s int; SELECT @s = SUM(x) OVER w FROM (VALUES (1), (5)) t (x) WINDOW w AS (); SELECT @s
"""
        ],
        [[(3, 3, 1, 3, 1), (2, 3, 2, 1, 1), (1, 3, 2, 1, 2)], [("a", 3), ("b", 6)], [(6,)]],
    ),
    "nested views with CROSS JOIN and derived column lists": (
        [
            "CREATE VIEW v1x AS SELECT a.n AS x, b.n AS y FROM (VALUES (1), (2)) a (n) CROSS JOIN (VALUES (3), (4)) b (n)",
            "SELECT x, SUM(y) FROM v1x WHERE EXISTS (SELECT 1 FROM v1x z WHERE z.x = v1x.x AND z.y = 4) GROUP BY x HAVING SUM(y) > 6 ORDER BY x",
        ],
        [[(1, 7), (2, 7)]],
    ),
}


@pytest.fixture(scope="module")
def run() -> Iterator[Callable[[str], Answer]]:
    """Runs batches in one database, for all tests."""
    with shared_sessions() as sessions:
        sessions.answer("CREATE DATABASE Shop")
        yield sessions.answer


@pytest.mark.parametrize("name", CASES)
def test_results(run: Callable[[str], Answer], name: str) -> None:
    texts, expected = CASES[name]
    run("USE Shop; SET XACT_ABORT OFF")
    found = [run(text) for text in texts]
    assert [error for each in found for error in each.errors] == []
    assert [result for each in found for result in each.results] == expected
