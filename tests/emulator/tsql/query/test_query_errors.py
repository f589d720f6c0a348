"""What is wrong or not understood gets SQL Server's number and the line where it stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from tests.support.query_engine import QueryEngine


@pytest.fixture(scope="module")
def engine() -> Iterator[QueryEngine]:
    engine = QueryEngine()
    engine.declare("@n", "int", -1)
    yield engine
    engine.close()


ERRORS = [
    ("SELECT\n  nothing\nFROM catalog.folders", 207, 2),
    ("SELECT f.nothing\nFROM catalog.folders f", 207, 1),
    ("SELECT 1\nFROM catalog.nothing", 208, 2),
    ("SELECT 1 FROM nothing", 208, 1),
    ("SELECT 1 FROM nowhere.catalog.folders", 208, 1),
    ("SELECT 1 FROM #missing", 208, 1),
    ("SELECT 1 FROM @missing", 1087, 1),
    ("SELECT folder_id FROM catalog.folders f JOIN catalog.projects p ON 1 = 1", 209, 1),
    ("SELECT x.name FROM catalog.folders f", 4104, 1),
    ("SELECT x.* FROM catalog.folders f", 107, 1),
    ("SELECT (SELECT MIN(f.name)) AS a, f.folder_id FROM catalog.folders f", 8120, 0),
    ("SELECT name FROM catalog.folders WHERE COUNT(*) > 1", 147, 1),
    ("SELECT name FROM catalog.folders WHERE ROW_NUMBER() OVER (ORDER BY name) = 1", 4108, 1),
    ("SELECT SUM(SUM(folder_id)) FROM catalog.folders", 130, 1),
    ("INSERT @rows (id) VALUES (ROW_NUMBER() OVER (ORDER BY (SELECT 1)))", 4108, 1),
    ("UPDATE @rows SET id = SUM(id)", 157, 1),
    ("SELECT COT(0) FROM catalog.folders", 8134, 0),
    ("SELECT DATEADD(tzoffset, 1, SYSDATETIME()) FROM catalog.folders", 9810, 1),
    ("SELECT DATEPART(nosuch, SYSDATETIME()) FROM catalog.folders", 155, 1),
    ("SELECT SWITCHOFFSET(SYSDATETIMEOFFSET(), '+99:00') FROM catalog.folders", 9812, 0),
    ("SELECT EOMONTH('9999-12-31', 1) FROM catalog.folders", 517, 0),
    ("SELECT LAG(name, -1) OVER (ORDER BY name) FROM catalog.folders", 8730, 0),
    ("SELECT name FROM catalog.folders WHERE name LIKE 'a' ESCAPE 'bb'", 506, 0),
    ("SELECT ROW_NUMBER() OVER (PARTITION BY NEWID() ORDER BY name) FROM catalog.folders", 40514, 1),
    ("SELECT name FROM catalog.folders ORDER BY name FETCH NEXT 1 ROWS ONLY", 153, 1),
    ("SELECT name FROM catalog.folders WHERE folder_id = 1 FETCH", 153, 1),
    ("SELECT *", 263, 1),
    ("SELECT name, COUNT(*) FROM catalog.folders", 8120, 1),
    ("SELECT name FROM catalog.folders GROUP BY folder_id", 8120, 1),
    ("SELECT * FROM catalog.folders GROUP BY name", 8120, 1),
    ("SELECT 1 FROM catalog.folders WHERE COUNT(*) > 1", 147, 1),
    ("SELECT SUM(name) FROM catalog.folders", 8117, 1),
    ("SELECT SUM(open) FROM catalog.folders", 8117, 1),
    ("SELECT 1 FROM catalog.folders f JOIN catalog.folders f ON 1 = 1", 1013, 1),
    ("SELECT 1 FROM (SELECT 1 AS a)", 102, 1),
    ("SELECT 1 FROM (SELECT 1) AS t", 8155, 1),
    ("SELECT 1 FROM (SELECT 1 AS a, 2 AS A) AS t", 8156, 1),
    ("SELECT TOP (1) a FROM (SELECT 1 AS a ORDER BY 1) AS t", 1033, 1),
    ("SELECT SUM(CASE WHEN a IN (SELECT 1) THEN 1 END) FROM (VALUES (1)) t (a)", 130, 1),
    ("SELECT CAST('2024-01-01' AS date) + 1", 206, 1),
    ("SELECT CAST('2024-01-01' AS date) + CAST('2024-01-01' AS date)", 8117, 1),
    ("WITH t AS (SELECT 1 AS a ORDER BY a) SELECT a FROM t", 1033, 1),
    ("SELECT 1 WHERE 1 IN (SELECT 1 AS a UNION SELECT 2 ORDER BY a)", 1033, 1),
    ("SELECT 1 WHERE EXISTS (SELECT 1 AS a ORDER BY a)", 1033, 1),
    ("SELECT 1 FROM (VALUES (1, 2), (3)) AS t(a, b)", 10709, 1),
    ("SELECT 1 FROM (SELECT 1 AS a) AS t(a, b)", 8159, 1),
    ("SELECT 1 UNION SELECT 1, 2", 205, 1),
    ("SELECT CAST(1 AS date) UNION SELECT 2", 529, 1),
    ("SELECT GETDATE() UNION SELECT NEWID()", 206, 1),
    ("SELECT name FROM catalog.folders ORDER BY 2", 108, 1),
    ("SELECT DISTINCT name FROM catalog.folders ORDER BY folder_id", 145, 1),
    ("SELECT name FROM catalog.folders ORDER BY nothing", 207, 1),
    ("SELECT name FROM catalog.folders ORDER BY 'x'", 408, 1),
    ("SELECT ROW_NUMBER() OVER (ORDER BY 'x') FROM catalog.folders", 5309, 1),
    ("SELECT GROUPING() FROM catalog.folders", 8161, 1),
    ("SELECT GROUPING(name) FROM catalog.folders", 8161, 1),
    ("SELECT STRING_AGG(name, description) FROM catalog.folders", 8733, 1),
    ("WITH c AS (SELECT 1 AS n UNION ALL SELECT n FROM c) SELECT n FROM c OPTION (MAXRECURSION x)", 102, 1),
    ("INSERT INTO @rows (id) VALUES ()", 102, 1),
    ("FETCH NEXT", 102, 1),
    ("SELECT 1e999", 168, 1),
    ("GRANT SELECT ON catalog.folders TO sa", 102, 1),
    ("SELECT name FROM catalog.folders OFFSET 1 ROWS", 102, 1),
    ("SELECT STUFF((SELECT 1 AS a FOR XML PATH(''), TYPE), 1, 1, '')", 8116, 1),
    ("SELECT CAST('<a/>' AS xml) + 'x'", 402, 1),
    ("SELECT TOP 1 WITH TIES name FROM catalog.folders", 1062, 1),
    ("SELECT 1 WHERE 1", 4145, 1),
    ("SELECT 1 WHERE (SELECT 1, 2) = 1", 116, 1),
    ("SELECT 1 WHERE 1 IN (SELECT 1, 2)", 116, 1),
    ("SELECT ROW_NUMBER() OVER () FROM catalog.folders", 4112, 1),
    ("SELECT COUNT(*) OVER w FROM catalog.folders WINDOW v AS (ORDER BY name)", 102, 1),
    ("SELECT COUNT(*) OVER w FROM catalog.folders WINDOW w AS (ORDER BY name), W AS ()", 102, 1),
    ("SELECT COUNT(*) OVER w FROM catalog.folders WINDOW w AS (v), v AS (w)", 102, 1),
    ("SELECT COUNT(*) OVER (w PARTITION BY name) FROM catalog.folders WINDOW w AS (ORDER BY name)", 102, 1),
    ("SELECT @n = 1, 2", 141, 1),
    ("SELECT @n = folder_id, name FROM catalog.folders", 141, 1),
    ("WITH c AS (SELECT 1 AS a UNION SELECT a FROM c) SELECT * FROM c", 252, 1),
    ("WITH c AS (SELECT 1) SELECT * FROM c", 8155, 1),
    ("SELECT a FROM catalog.folders LIMIT 5", 102, 1),
    ("SELECT name FROM catalog.folders QUALIFY 1 = 1", 102, 1),
    ("SELECT 'never closed", 105, 1),
    ("SELECT (1 + 2", 102, 1),
    ("SELECT name,\nFROM catalog.folders", 156, 2),
    ("SELECT FROM catalog.folders", 156, 1),
    ("SELECT name FROM", 156, 1),
    ("SELECT name FROM catalog.folders TABLESAMPLE (10 PERCENT)", 40514, 1),
    ("SELECT 1 !< 2", 102, 1),
    ("SELECT name COLLATE Turkish_BIN FROM catalog.folders", 40514, 1),
    ("MERGE INTO catalog.folders USING catalog.projects ON 1 = 1 WHEN MATCHED THEN DELETE", 229, 1),
    ("CREATE TABLE t (a int)", 102, 1),
    ("DELETE FROM catalog.folders", 229, 1),
    ("UPDATE catalog.folders SET name = 'x'", 229, 1),
    ("INSERT INTO catalog.folders (name) VALUES ('x')", 229, 1),
    ("UPDATE catalog.nothing SET name = 'x'", 208, 1),
    ("SELECT name FROM catalog.folders WHERE folder_id = 0x AND", 156, 1),
    ("SELECT .2.0", 102, 1),
    ("SELECT POWER(.2.0e0, 0.5)", 102, 1),
]


@pytest.mark.parametrize(("text", "number", "line"), ERRORS, ids=[each[0] for each in ERRORS])
def test_an_error_has_its_number_and_line(engine: QueryEngine, text: str, number: int, line: int) -> None:
    with pytest.raises(SqlError) as caught:
        engine.run(text)
    assert (caught.value.number, caught.value.line) == (number, line), caught.value


def test_the_line_is_counted_from_the_beginning_of_the_batch(engine: QueryEngine) -> None:
    with pytest.raises(SqlError) as caught:
        engine.run("SELECT\n  nothing FROM catalog.folders", line=7)
    assert caught.value.line == 8


RUN_TIME = [
    ("SELECT 10 / (folder_id - 1) FROM catalog.folders", 8134),
    ("SELECT folder_id FROM catalog.folders WHERE name = 5", 245),
    ("SELECT CAST(folder_id * 100 AS tinyint) FROM catalog.folders", 220),
    ("SELECT project_id * 2000000000 FROM catalog.projects", 8115),
    ("SELECT (SELECT name FROM catalog.folders)", 512),
    ("WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c", 530),
    ("SELECT TOP (@n) name FROM catalog.folders", 1060),
    ("SELECT SUM(x.a) FROM (VALUES (2147483647), (1)) AS x(a)", 8115),
    ("SELECT SUM(x.a) FROM (VALUES (1e308), (1e308)) AS x(a)", 8115),
    ("SELECT SUM(CAST(x.a AS money)) FROM (VALUES (922337203685477), (1)) AS x(a)", 8115),
    ("SELECT AVG(x.a) FROM (VALUES (1e308), (1e308)) AS x(a)", 8115),
]


@pytest.mark.parametrize(("text", "number"), RUN_TIME, ids=[each[0] for each in RUN_TIME])
def test_an_error_at_run_time_has_its_number(engine: QueryEngine, text: str, number: int) -> None:
    with pytest.raises(SqlError) as caught:
        engine.run(text)
    assert caught.value.number == number, caught.value


def test_an_overflow_has_the_text_of_the_engine(engine: QueryEngine) -> None:
    with pytest.raises(SqlError) as caught:
        engine.run("SELECT SUM(x.a) FROM (VALUES (2147483647), (1)) AS x(a)")
    assert caught.value.text == "Arithmetic overflow: a result is out of the range of its type."


def test_a_branch_that_is_not_taken_raises_nothing(engine: QueryEngine) -> None:
    assert engine.rows(
        "SELECT CASE WHEN 1 = 0 THEN CAST('a' AS int) ELSE folder_id END FROM catalog.folders WHERE folder_id = 1"
    ) == [(1,)]
    assert engine.rows("SELECT CASE WHEN 1 = 0 THEN 1 / 0 ELSE 2 END") == [(2,)]
    tested = "CASE WHEN ISNUMERIC(name) = 1 THEN CAST(name AS int) ELSE 0 END"
    assert engine.rows(f"SELECT {tested} FROM catalog.folders WHERE folder_id < 3") == [(0,), (0,)]


def test_an_error_leaves_nothing_behind_for_the_next_query(engine: QueryEngine) -> None:
    for _ in range(2):
        with pytest.raises(SqlError) as caught:
            engine.run("SELECT CAST(name AS int) FROM catalog.folders")
        assert caught.value.number == 245
        with pytest.raises(SqlError) as caught:
            engine.run("SELECT 1 / (folder_id - folder_id) FROM catalog.folders")
        assert caught.value.number == 8134
    assert engine.rows("SELECT 1") == [(1,)]


def test_a_query_that_nests_too_deeply_is_an_error(engine: QueryEngine) -> None:
    with pytest.raises(SqlError) as caught:
        engine.run("SELECT " + "(" * 5000 + "1" + ")" * 5000)
    assert caught.value.number == 191
