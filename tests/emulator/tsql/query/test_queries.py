"""SELECT in all its parts: text of T-SQL to columns and rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ssis.emulator.datatypes import INT, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, Table
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values import storage
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from tests.support.query_engine import NOW, QueryEngine, columns

D = Decimal
DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def engine() -> Iterator[QueryEngine]:
    engine = QueryEngine()
    engine.declare("@id", "bigint", 2)
    engine.declare("@name", "nvarchar(128)", "ALPHA")
    engine.declare("@n", "int", 2)
    engine.declare("@d", "datetimeoffset", NOW)
    engine.declare("@nothing", "nvarchar(10)", None)
    yield engine
    engine.close()


Rows = list[tuple[Any, ...]]

SELECTS: dict[str, tuple[str, str, Rows]] = {
    "columns keep their declared types, through aliases, derived tables and common table expressions": (
        (
            "WITH c AS (SELECT name, created_time AS made FROM catalog.folders WHERE folder_id = 1) SELECT "
            "x.name AS n, x.made, x.v FROM (SELECT c.*, f.value v FROM c JOIN catalog.folders f ON f.name = "
            "c.name AND f.folder_id = 1) x"
        ),
        "n nvarchar(128); made datetimeoffset(7); v sql_variant",
        [("Alpha", DAY, Variant(INT, 5))],
    ),
    "a star means all columns, of one source or of all": (
        (
            "SELECT o.*, p.* FROM catalog.open_folders o JOIN catalog.projects p ON p.folder_id = "
            "o.folder_id WHERE p.project_id = 10"
        ),
        (
            "folder_id bigint; name nvarchar(128); project_id int; folder_id bigint; name varchar(20); size "
            "decimal(9,2); ratio float; at datetime2(3)"
        ),
        [(1, "Alpha", 10, 1, "Load", D("1.25"), 0.5, dt.datetime(2026, 2, 1, 10, 30))],
    ),
    "names of three, two and one part, in brackets and quotes": (
        (
            'SELECT [SSISDB].[catalog].[folders].[name], folders.folder_id, "folders"."open" FROM '
            "[SSISDB].[catalog].[folders] WHERE catalog.folders.folder_id = 1"
        ),
        "name nvarchar(128); folder_id bigint; open bit",
        [("Alpha", 1, True)],
    ),
    "an expression without an alias has no name; the old form of an alias works": (
        "SELECT folder_id + 1, Next = folder_id + 2, 'x' AS 'y z' FROM catalog.folders WHERE folder_id = 1",
        " bigint; Next bigint; y z varchar(1)",
        [(2, 3, "x")],
    ),
    "strings compare without case and trailing blanks": (
        "SELECT folder_id FROM catalog.folders WHERE name = @name OR name = 'BETA' ORDER BY folder_id",
        "folder_id bigint",
        [(1,), (2,), (3,)],
    ),
    "a string behind a value is its name": (
        "SELECT 'a' 'first', N'b' 'second', 3 'third', name 'fourth' FROM catalog.folders WHERE folder_id = 1",
        "first varchar(1); second nvarchar(1); third int; fourth nvarchar(128)",
        [("a", "b", 3, "Alpha")],
    ),
    "a long list of numbers may hold NULL, and then nothing is outside of it for sure": (
        (
            "SELECT folder_id FROM catalog.folders WHERE folder_id IN (9, 8, 7, 6, 5, 3, NULL, 1) AND NOT EXISTS "
            "(SELECT 1 FROM catalog.folders f WHERE f.folder_id NOT IN (11, 12, 13, 14, 15, 16, 17, NULL)) "
            "AND folder_id NOT IN (11, 12, 13, 14, 15, 16, 17, 3) ORDER BY folder_id"
        ),
        "folder_id bigint",
        [(1,)],
    ),
    "a grouped string column groups without case": (
        "SELECT name, COUNT(*) AS n, MAX(folder_id) m FROM catalog.folders GROUP BY name HAVING COUNT(*) > 1",
        "name nvarchar(128); n int; m bigint",
        [("Alpha", 2, 3)],
    ),
    "DISTINCT compares without case": (
        "SELECT DISTINCT name FROM catalog.folders ORDER BY name DESC",
        "name nvarchar(128)",
        [("Gamma",), ("beta ",), ("Alpha",)],
    ),
    "a selected constant may be named in ORDER BY": (
        "SELECT 'x' AS c, folder_id FROM catalog.folders WHERE folder_id < 3 ORDER BY c, 1, folder_id DESC",
        "c varchar(1); folder_id bigint",
        [("x", 2), ("x", 1)],
    ),
    "NULL sorts lowest": (
        "SELECT project_id, size FROM catalog.projects ORDER BY size DESC, project_id",
        "project_id int; size decimal(9,2)",
        [(11, D("2.50")), (10, D("1.25")), (13, D("-1.00")), (12, None)],
    ),
    "ORDER BY takes positions, aliases and columns that are not selected": (
        "SELECT name AS n, 0 - project_id AS p FROM catalog.projects ORDER BY p, 1, size",
        "n varchar(20); p int",
        [("Orphan", -13), ("Clean", -12), ("Extract", -11), ("Load", -10)],
    ),
    "inner and left joins": (
        (
            "SELECT f.name, p.name FROM catalog.folders f LEFT OUTER JOIN catalog.projects p ON p.folder_id "
            "= f.folder_id WHERE f.folder_id < 4 ORDER BY f.folder_id, p.project_id"
        ),
        "name nvarchar(128); name varchar(20)",
        [("Alpha", "Load"), ("Alpha", "Extract"), ("beta ", "Clean"), ("ALPHA", None)],
    ),
    "right and full joins": (
        (
            "SELECT COUNT(*) AS n, COUNT(f.folder_id) AS f, COUNT(p.project_id) AS p FROM catalog.folders f "
            "FULL JOIN catalog.projects AS p ON p.folder_id = f.folder_id"
        ),
        "n int; f int; p int",
        [(6, 5, 4)],
    ),
    "joins with a comma, CROSS JOIN, hints and parentheses": (
        (
            "SELECT COUNT(*) AS n FROM (catalog.folders f INNER LOOP JOIN catalog.projects p WITH (NOLOCK) "
            "ON p.folder_id = f.folder_id), catalog.open_folders AS o WITH (READPAST, INDEX(1)) CROSS JOIN "
            "catalog.projects q OPTION (RECOMPILE, MAXDOP 1)"
        ),
        "n int",
        [(12,)],
    ),
    "CROSS APPLY leaves out rows without a match, OUTER APPLY keeps them": (
        (
            "SELECT f.folder_id, a.name, b.n FROM catalog.folders f CROSS APPLY (SELECT TOP (1) p.name FROM "
            "catalog.projects p WHERE p.folder_id = f.folder_id ORDER BY p.project_id DESC) a OUTER APPLY "
            "(SELECT p.name AS n FROM catalog.projects p WHERE p.folder_id = f.folder_id AND p.size > 2) AS "
            "b ORDER BY 1"
        ),
        "folder_id bigint; name varchar(20); n varchar(20)",
        [(1, "Extract", "Extract"), (2, "Clean", None)],
    ),
    "a VALUES list is a source, of the types that its rows share": (
        "SELECT v.a, v.b FROM (VALUES (1, 'x'), (2.5, N'yy'), (NULL, NULL)) AS v(a, b) ORDER BY v.a",
        "a numeric(11,1); b nvarchar(2)",
        [(None, None), (D("1.0"), "x"), (D("2.5"), "yy")],
    ),
    "a recursive common table expression": (
        (
            "WITH numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4) SELECT SUM(n) AS "
            "s, AVG(n) AS a FROM numbers OPTION (MAXRECURSION 0)"
        ),
        "s int; a int",
        [(10, 2)],
    ),
    "several common table expressions, one reading the other": (
        (
            "WITH a AS (SELECT folder_id FROM catalog.folders WHERE folder_id > 1), b AS (SELECT folder_id * "
            "2 AS d FROM a) SELECT MIN(d) AS lowest FROM b"
        ),
        "lowest bigint",
        [(4,)],
    ),
    "scalar and correlated subqueries": (
        (
            "SELECT f.folder_id, (SELECT COUNT(*) FROM catalog.projects p WHERE p.folder_id = f.folder_id) "
            "AS n, (SELECT MAX(name) FROM catalog.projects) AS last FROM catalog.folders f WHERE folder_id < "
            "3 ORDER BY 1"
        ),
        "folder_id bigint; n int; last varchar(20)",
        [(1, 2, "Orphan"), (2, 1, "Orphan")],
    ),
    "EXISTS, IN, NOT IN, ANY and ALL": (
        (
            "SELECT folder_id FROM catalog.folders f WHERE EXISTS (SELECT * FROM catalog.projects p WHERE "
            "p.folder_id = f.folder_id) AND f.folder_id IN (SELECT folder_id FROM catalog.projects) AND name "
            "NOT IN ('gamma', 'delta') AND folder_id <= ANY (SELECT folder_id FROM catalog.projects) AND "
            "folder_id < ALL (SELECT project_id FROM catalog.projects) ORDER BY 1"
        ),
        "folder_id bigint",
        [(1,), (2,)],
    ),
    "IN a subquery of strings compares without case": (
        (
            "SELECT folder_id FROM catalog.folders WHERE name IN (SELECT 'ALPHA' UNION ALL SELECT N'Beta') "
            "ORDER BY folder_id"
        ),
        "folder_id bigint",
        [(1,), (2,), (3,)],
    ),
    "aggregates of each kind": (
        (
            "SELECT COUNT(*) AS a, COUNT(size) AS b, COUNT_BIG(*) AS c, SUM(project_id) AS d, SUM(size) AS "
            "e, AVG(project_id) AS f, AVG(size) AS g, AVG(ratio) AS h, MIN(name) AS i, MAX(at) AS j, "
            "COUNT(DISTINCT folder_id) AS k FROM catalog.projects"
        ),
        (
            "a int; b int; c bigint; d int; e decimal(38,2); f int; g decimal(38,6); h float; i varchar(20); "
            "j datetime2(3); k int"
        ),
        [(4, 3, 4, 46, D("2.75"), 11, D("0.916666"), 0.0, "Clean", dt.datetime(2026, 2, 3), 2)],
    ),
    "aggregates of no rows": (
        (
            "SELECT COUNT(*) AS n, SUM(project_id) AS s, MAX(name) AS m, AVG(project_id) AS a FROM "
            "catalog.projects WHERE 1 = 0"
        ),
        "n int; s int; m varchar(20); a int",
        [(0, None, None, None)],
    ),
    "grouping by an expression": (
        "SELECT folder_id % 2 AS odd, COUNT(*) AS n FROM catalog.folders GROUP BY folder_id % 2 ORDER BY folder_id % 2",
        "odd bigint; n int",
        [(0, 2), (1, 2)],
    ),
    "expressions over grouped columns": (
        (
            "SELECT UPPER(name) + '!' AS u, COUNT(*) * 10 AS n, CASE WHEN open = 1 THEN 'o' ELSE 'c' END AS "
            "o FROM catalog.folders WHERE folder_id IN (1, 2) GROUP BY name, open ORDER BY MAX(folder_id)"
        ),
        "u nvarchar(129); n int; o varchar(1)",
        [("ALPHA!", 10, "o"), ("BETA !", 10, "c")],
    ),
    "ROLLUP with GROUPING": (
        "SELECT open, COUNT(*) AS n, GROUPING(open) AS g FROM catalog.folders GROUP BY ROLLUP (open) ORDER BY g, open",
        "open bit; n int; g int",
        [(False, 3, 0), (True, 1, 0), (None, 4, 1)],
    ),
    "WITH ROLLUP over a string": (
        "SELECT name, COUNT(*) AS n FROM catalog.folders GROUP BY name WITH ROLLUP ORDER BY name",
        "name nvarchar(128); n int",
        [(None, 4), ("Alpha", 2), ("beta ", 1), ("Gamma", 1)],
    ),
    "GROUPING SETS": (
        (
            "SELECT open, folder_id, COUNT(*) AS n FROM catalog.folders WHERE folder_id < 3 GROUP BY "
            "GROUPING SETS ((open), (folder_id), ()) ORDER BY 1, 2"
        ),
        "open bit; folder_id bigint; n int",
        [(None, None, 2), (None, 1, 1), (None, 2, 1), (False, None, 1), (True, None, 1)],
    ),
    "STRING_AGG with and without an order": (
        (
            "SELECT STRING_AGG(name, ', ') WITHIN GROUP (ORDER BY project_id DESC) AS l, "
            "STRING_AGG(CAST(project_id AS varchar(5)), '') AS i FROM catalog.projects WHERE folder_id = 1"
        ),
        "l varchar(8000); i varchar(8000)",
        [("Extract, Load", "1011")],
    ),
    "window functions": (
        (
            "SELECT project_id, ROW_NUMBER() OVER (ORDER BY name) AS r, RANK() OVER (ORDER BY folder_id) AS "
            "k, SUM(project_id) OVER (PARTITION BY folder_id) AS s, LAG(name, 1, 'none') OVER (ORDER BY "
            "project_id) AS b, COUNT(*) OVER () AS n, SUM(project_id) OVER (ORDER BY project_id ROWS BETWEEN "
            "1 PRECEDING AND CURRENT ROW) AS w FROM catalog.projects ORDER BY project_id"
        ),
        "project_id int; r bigint; k bigint; s int; b varchar(20); n int; w int",
        [
            (10, 3, 2, 21, "none", 4, 10),
            (11, 2, 2, 21, "Load", 4, 21),
            (12, 1, 4, 12, "Extract", 4, 23),
            (13, 4, 1, 13, "Clean", 4, 25),
        ],
    ),
    "a window function over groups": (
        "SELECT open, COUNT(*) AS n, SUM(COUNT(*)) OVER () AS t FROM catalog.folders GROUP BY open ORDER BY open",
        "open bit; n int; t int",
        [(False, 3, 4), (True, 1, 4)],
    ),
    "paging by row number": (
        (
            "SELECT name FROM (SELECT name, ROW_NUMBER() OVER (ORDER BY folder_id) AS row FROM "
            "catalog.folders) AS t WHERE row BETWEEN 2 AND 3 ORDER BY row"
        ),
        "name nvarchar(128)",
        [("beta ",), ("ALPHA",)],
    ),
    "TOP with a variable": (
        "SELECT TOP (@n) folder_id FROM catalog.folders ORDER BY folder_id DESC",
        "folder_id bigint",
        [(4,), (3,)],
    ),
    "TOP without parentheses": ("SELECT TOP 1 folder_id FROM catalog.folders ORDER BY 1", "folder_id bigint", [(1,)]),
    "TOP PERCENT rounds up": (
        "SELECT TOP (30) PERCENT folder_id FROM catalog.folders ORDER BY folder_id",
        "folder_id bigint",
        [(1,), (2,)],
    ),
    "TOP WITH TIES": (
        "SELECT TOP 1 WITH TIES folder_id FROM catalog.folders ORDER BY CAST(created_time AS date)",
        "folder_id bigint",
        [(1,), (4,)],
    ),
    "DISTINCT with TOP": (
        "SELECT DISTINCT TOP 2 name FROM catalog.folders ORDER BY name",
        "name nvarchar(128)",
        [("Alpha",), ("beta ",)],
    ),
    "OFFSET and FETCH": (
        "SELECT folder_id FROM catalog.folders ORDER BY folder_id OFFSET @n - 1 ROWS FETCH NEXT (@n) ROWS ONLY",
        "folder_id bigint",
        [(2,), (3,)],
    ),
    "UNION takes doubles out, UNION ALL keeps them, types are shared": (
        "SELECT 1 AS a, 'x' AS b UNION SELECT 1, 'X' UNION ALL SELECT 2.5, N'yy' ORDER BY a",
        "a numeric(11,1); b nvarchar(2)",
        [(D("1.0"), "x"), (D("2.5"), "yy")],
    ),
    "EXCEPT and INTERSECT compare without case": (
        "(SELECT name FROM catalog.folders EXCEPT SELECT 'alpha') INTERSECT SELECT 'BETA'",
        "name nvarchar(128)",
        [("beta ",)],
    ),
    "PIVOT": (
        (
            "SELECT folder_id, [Load], [Extract] FROM (SELECT folder_id, name, project_id FROM "
            "catalog.projects WHERE folder_id IS NOT NULL) AS s PIVOT (MAX(project_id) FOR name IN ([Load], "
            "[Extract])) AS p ORDER BY folder_id"
        ),
        "folder_id bigint; Load int; Extract int",
        [(1, 10, 11), (2, None, None)],
    ),
    "STRING_SPLIT": (
        "SELECT s.value FROM STRING_SPLIT('a,b,,c', ',') AS s WHERE s.value <> '' ORDER BY s.value DESC",
        "value varchar(6)",
        [("c",), ("b",), ("a",)],
    ),
    "STRING_SPLIT of a column": (
        (
            "SELECT p.project_id, s.value FROM catalog.projects p CROSS APPLY STRING_SPLIT(p.name, 'a') s "
            "WHERE p.project_id = 10 ORDER BY 2"
        ),
        "project_id int; value varchar(20)",
        [(10, "d"), (10, "Lo")],
    ),
    "CROSS APPLY over a VALUES list turns columns into rows": (
        (
            "SELECT f.folder_id, v.t FROM catalog.folders f CROSS APPLY (VALUES (f.name), ('k')) AS v(t) "
            "WHERE f.folder_id = 1"
        ),
        "folder_id bigint; t nvarchar(128)",
        [(1, "Alpha"), (1, "k")],
    ),
    "NOT LIKE": (
        "SELECT name FROM catalog.folders WHERE name NOT LIKE 'a%' AND name NOT LIKE '%[m]%'",
        "name nvarchar(128)",
        [("beta ",)],
    ),
    "the value of LIKE may have more trailing blanks than the pattern, unless it is Unicode": (
        "SELECT 1 AS a WHERE 'abc  ' LIKE 'abc' AND N'abc  ' NOT LIKE N'abc' AND 'abc' NOT LIKE 'abc '",
        "a int",
        [(1,)],
    ),
    "a grouped number can be read in a subquery": (
        (
            "SELECT folder_id, (SELECT COUNT(*) FROM catalog.projects p WHERE p.folder_id = f.folder_id) AS "
            "n FROM catalog.folders f GROUP BY folder_id HAVING folder_id < 3 ORDER BY 1"
        ),
        "folder_id bigint; n int",
        [(1, 2), (2, 1)],
    ),
    "a recursive common table expression over tables, under an alias": (
        (
            "WITH c AS (SELECT folder_id, name FROM catalog.folders WHERE folder_id = 1 UNION ALL SELECT "
            "f.folder_id, f.name FROM catalog.folders f JOIN c AS x ON x.folder_id + 1 = f.folder_id) SELECT "
            "* FROM c"
        ),
        "folder_id bigint; name nvarchar(128)",
        [(1, "Alpha"), (2, "beta "), (3, "ALPHA"), (4, "Gamma")],
    ),
    "the deepest recursion can be raised": (
        (
            "WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 500) SELECT MAX(n) AS m FROM c "
            "OPTION (MAXRECURSION 500)"
        ),
        "m int",
        [(500,)],
    ),
    "'name' = value is an alias too": ("SELECT 'x' = 5", "x int", [(5,)]),
    "a long IN list": (
        f"SELECT COUNT(*) AS n FROM catalog.folders WHERE folder_id IN ({', '.join(map(str, range(2, 2000)))})",
        "n int",
        [(3,)],
    ),
    "a sql_variant compares and sorts by its base type": (
        "SELECT folder_id FROM catalog.folders WHERE value > 1 AND value <= CAST(5 AS sql_variant) ORDER BY value",
        "folder_id bigint",
        [(4,), (1,)],
    ),
    "a sql_variant is converted, replaced, asked for its type": (
        (
            "SELECT CAST(value AS nvarchar(20)) AS t, ISNULL(CAST(value AS nvarchar(20)), 'none') AS n, "
            "CAST(SQL_VARIANT_PROPERTY(value, 'BaseType') AS nvarchar(20)) AS b FROM catalog.folders ORDER "
            "BY folder_id"
        ),
        "t nvarchar(20); n nvarchar(20); b nvarchar(20)",
        [("5", "5", "int"), ("Hello", "Hello", "nvarchar"), (None, "none", None), ("1.50", "1.50", "decimal")],
    ),
    "a sql_variant in CASE and ISNULL": (
        "SELECT ISNULL(value, 'none') AS v FROM catalog.folders WHERE folder_id IN (1, 3) ORDER BY folder_id",
        "v sql_variant",
        [(Variant(INT, 5),), (Variant(SqlType("varchar", length=4), "none"),)],
    ),
    "a string column is converted to the type of the number next to it": (
        "SELECT n.s FROM (VALUES ('1'), ('02'), ('3')) AS n(s) WHERE n.s = 2",
        "s varchar(2)",
        [("02",)],
    ),
    "a datetimeoffset column in the server's offset, its parts and its differences": (
        (
            "SELECT folder_id, created_time, CONVERT(varchar(19), created_time, 120) AS c, DATEDIFF(hour, "
            "created_time, @d) AS h, CAST(created_time AS datetime) AS l FROM catalog.folders WHERE "
            "created_time > '2026-01-02' ORDER BY created_time"
        ),
        "folder_id bigint; created_time datetimeoffset(7); c varchar(19); h int; l datetime",
        [(3, DAY + dt.timedelta(days=2), "2026-01-03 00:00:00", 7794, dt.datetime(2026, 1, 3))],
    ),
    "a datetimeoffset compares by its instant": (
        "SELECT folder_id FROM catalog.folders WHERE created_time = '2026-01-02 02:00 +02:00'",
        "folder_id bigint",
        [(2,)],
    ),
    "an unknown condition keeps no row": ("SELECT 1 AS a WHERE @nothing = 'x'", "a int", []),
    "conditions on constants": ("SELECT 1 AS a FROM catalog.folders WHERE @n = 2 AND folder_id = @id", "a int", [(1,)]),
    "a column of each source may have the same name": (
        (
            "SELECT a.folder_id, b.folder_id FROM catalog.folders a JOIN catalog.folders b ON b.folder_id = "
            "a.folder_id + 1 WHERE a.name LIKE '%a%' AND a.folder_id = 1"
        ),
        "folder_id bigint; folder_id bigint",
        [(1, 2)],
    ),
    "comments and lines": (
        "SELECT -- the id\n folder_id /* of\n the folder */ FROM catalog.folders\nWHERE folder_id = 1",
        "folder_id bigint",
        [(1,)],
    ),
    "COLLATE of the server's own collation": (
        "SELECT folder_id FROM catalog.folders WHERE name = 'BETA' COLLATE DATABASE_DEFAULT",
        "folder_id bigint",
        [(2,)],
    ),
    "a text whose last letter Python writes in another way": (
        "SELECT w.n FROM (VALUES (N'ΟΔΟΣ')) AS w (n) WHERE w.n = N'ΟΔΟΣ' AND w.n IN (N'x', N'ΟΔΟΣ ')",
        "n nvarchar(4)",
        [("ΟΔΟΣ",)],
    ),
    "lists of texts, with and without blanks at the end": (
        "SELECT folder_id FROM catalog.folders WHERE name IN (N'BETA', 'alpha  ') AND name NOT IN ('x', N'beta')",
        "folder_id bigint",
        [(1,), (3,)],
    ),
    "whole numbers of different sizes, and bits": (
        (
            "SELECT w.n FROM (VALUES (CAST(5 AS tinyint), CAST(1 AS bit)), (7, 0)) AS w (n, b) "
            "WHERE w.n > -1 AND w.n <> 300 AND w.n <= CAST(7 AS bigint) AND w.b = 1 AND w.b <> 0"
        ),
        "n int",
        [(5,)],
    ),
    "common monitoring query: durations and states by CASE": (
        (
            "SELECT f.name, DATEDIFF(MINUTE, f.created_time, SYSDATETIMEOFFSET()) / 60 AS hours, CASE "
            "f.folder_id WHEN 1 THEN 'created' WHEN 2 THEN 'running' ELSE CAST(f.folder_id AS varchar(10)) "
            "END AS state FROM SSISDB.catalog.folders AS f WITH (NOLOCK) WHERE f.name LIKE N'%ET%' OR "
            "f.folder_id = 3 ORDER BY f.folder_id ASC"
        ),
        "name nvarchar(128); hours int; state varchar(10)",
        [("beta ", 7818, "running"), ("ALPHA", 7794, "3")],
    ),
}


@pytest.mark.parametrize("case", SELECTS.values(), ids=SELECTS.keys())
def test_a_query_gives_its_columns_and_rows(engine: QueryEngine, case: tuple[str, str, Rows]) -> None:
    text, described, rows = case
    result = engine.run(text)
    names_and_types = [" ".join(pair) for pair in zip(result.names, result.types, strict=True)]
    assert names_and_types == described.split("; ")
    assert result.rows == rows


def test_a_select_that_assigns_names_its_variables(engine: QueryEngine) -> None:
    result = engine.run(
        "SELECT @name = name, @n = folder_id FROM catalog.folders WHERE folder_id < 3 ORDER BY folder_id"
    )
    assert result.assignments == ("@name", "@n")
    assert result.rows == [("Alpha", 1), ("beta ", 2)]


def test_a_query_is_compiled_once(engine: QueryEngine) -> None:
    def compiled(text: str, type_text: str = "int", *, line: int = 1) -> object:
        return engine.compiler.compile(
            QueryText.parse(text, line),
            variables={"@x": SqlType.parse(type_text)},
            database="SSISDB",
            connection=engine.connection,
        )

    text = "SELECT @x AS x FROM catalog.folders"
    assert compiled(text) is compiled(text, line=9)
    assert compiled(text) is not compiled(text, "bigint")


@pytest.mark.parametrize("group", ["ROLLUP (folder_id)", "GROUPING SETS ((folder_id), ())", "folder_id WITH CUBE"])
def test_a_key_of_subtotals_may_be_null(engine: QueryEngine, group: str) -> None:
    """Without NULL, a number would be sent in a form that has none."""
    for selected, grouped, nullable in (
        ("folder_id", group, True),
        ("folder_id + 1", group, True),
        ("folder_id", "folder_id", False),
    ):
        query = engine.compiler.compile(
            QueryText.parse(f"SELECT {selected} AS a FROM catalog.folders GROUP BY {grouped}"),
            variables={},
            database="SSISDB",
            connection=engine.connection,
        )
        assert [column.nullable for column in query.columns] == [nullable]


def test_a_query_is_compiled_again_after_a_table_was_added(engine: QueryEngine) -> None:
    before = engine.rows("SELECT name FROM sys.tables ORDER BY name")
    engine.metadata.add(Table("SSISDB", "catalog", "late", columns("a int")))
    assert engine.rows("SELECT name FROM sys.tables ORDER BY name") == sorted([*before, ("late",)])


def test_parameters_are_named_and_not_written_into_the_text(engine: QueryEngine) -> None:
    query = engine.compiler.compile(
        QueryText.parse(
            "SELECT name FROM catalog.folders WHERE name = @Name AND folder_id < @@ROWCOUNT AND SUSER_SNAME() = 'sa'"
        ),
        variables={"@name": SqlType("nvarchar", length=128)},
        database="SSISDB",
        connection=engine.connection,
    )
    assert set(query.parameters) == {"@name", "@@rowcount", "suser_sname()", "is_srvrolemember()"}
    assert "$3" in query.sql


def test_names_are_looked_up_in_the_current_database(engine: QueryEngine) -> None:
    query = engine.compiler.compile(
        QueryText.parse("SELECT name FROM SSISDB.catalog.folders WHERE DB_NAME() = 'master'"),
        variables={},
        database="master",
        connection=engine.connection,
    )
    assert len(engine.compiler.run(query, engine.connection, engine.session)) == 4


def test_tables_are_for_administrators_and_views_for_all_logins(engine: QueryEngine) -> None:
    stranger = {**engine.session, "is_srvrolemember()": lambda role, login=None: 0}
    for text, allowed in (
        ("SELECT name FROM catalog.open_folders", True),
        ("SELECT name FROM catalog.folders", False),
        ("SELECT 1 AS a WHERE EXISTS (SELECT 1 FROM catalog.folders)", False),
        ("INSERT INTO @rows (id) SELECT folder_id FROM catalog.folders", False),
    ):
        query = engine.compiler.compile(
            QueryText.parse(text),
            variables={},
            database="SSISDB",
            connection=engine.connection,
            local_tables=engine.local_tables,
        )
        if allowed:
            assert engine.compiler.run(query, engine.connection, stranger) == [("Alpha",)]
        else:
            with pytest.raises(SqlError) as caught:
                engine.compiler.run(query, engine.connection, stranger)
            assert caught.value.number == 229


def test_a_temporary_table_keeps_offsets_and_variants(engine: QueryEngine) -> None:
    table = LocalTable("#kept", columns("at datetimeoffset ?; v sql_variant ?"), level=2)
    engine.local_tables[table.name] = table
    engine.connection.execute(storage.create_table(table.storage_name, table.columns, temporary=True))
    assert engine.rows("INSERT INTO #kept VALUES (@d, 5)") == [(1,)]
    assert engine.rows("INSERT #kept (v) SELECT N'five'") == [(1,)]
    assert engine.rows("SELECT at, v FROM #kept ORDER BY v DESC") == [
        (NOW, Variant(INT, 5)),
        (None, Variant(SqlType("nvarchar", length=4), "five")),
    ]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("SELECT DISTINCT N'x' AS a FROM catalog.folders", [("x",)]),
        ("SELECT DISTINCT 1 AS a, N'x' AS b FROM catalog.folders", [(1, "x")]),
        ("SELECT COUNT(*) FROM (SELECT ROW_NUMBER() OVER (ORDER BY NEWID()) AS n FROM catalog.folders) f", [(4,)]),
        ("SELECT COUNT(*) FROM catalog.folders WHERE 1 !< 1 AND 1 !> 1", [(4,)]),
        ("SELECT 0x AS a FROM catalog.folders WHERE folder_id = 1", [(b"",)]),
    ],
)
def test_a_query_that_duckdb_rejects_in_this_form(engine: QueryEngine, text: str, rows: list[tuple[Any, ...]]) -> None:
    assert engine.rows(text) == rows


def test_a_column_is_qualified_by_the_name_of_a_temporary_table(engine: QueryEngine) -> None:
    table = LocalTable("#here", columns("id int"))
    engine.local_tables[table.name] = table
    engine.connection.execute(storage.create_table(table.storage_name, table.columns, temporary=True))
    engine.rows("INSERT #here VALUES (1), (2)")
    assert engine.rows("SELECT #here.id FROM #here WHERE #here.id > 1") == [(2,)]
    assert engine.rows("SELECT #here.* FROM #here JOIN #here AS other ON other.id = #here.id ORDER BY #here.id") == [
        (1,),
        (2,),
    ]
