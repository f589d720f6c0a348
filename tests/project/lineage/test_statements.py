"""What SQL reads and writes."""

from __future__ import annotations

import sys

import pytest

from airflow_provider_ssis.project.lineage import statements
from airflow_provider_ssis.project.lineage.query_columns import Name, Origin
from airflow_provider_ssis.project.lineage.statements import statement_lineage

S, T, X = ("dbo", "S"), ("dbo", "T"), ("dbo", "X")


@pytest.mark.parametrize(
    ("sql", "reads", "writes"),
    [
        ("SELECT a, b AS c FROM dbo.S WHERE d = ?", {S: {"a", "b", "d"}}, {}),
        ("SELECT * FROM dbo.S", {S: set()}, {}),
        ("SELECT s.a, x.b FROM dbo.S s JOIN dbo.X x ON x.i = s.i", {S: {"a", "i"}, X: {"b", "i"}}, {}),
        ("SELECT a FROM dbo.S JOIN dbo.X ON 1 = 1", {S: set(), X: set()}, {}),
        ("INSERT INTO dbo.T (a) SELECT b FROM dbo.S", {S: {"b"}}, {T: {"a"}}),
        ("INSERT INTO dbo.T SELECT * FROM dbo.S", {S: set()}, {T: set()}),
        ("INSERT INTO dbo.T (a) VALUES (1)", {}, {T: {"a"}}),
        ("SELECT a INTO dbo.T FROM dbo.S", {S: {"a"}}, {T: {"a"}}),
        ("UPDATE t SET t.a = s.b FROM dbo.T t JOIN dbo.S s ON t.i = s.i", {S: set()}, {T: {"a"}}),
        ("DELETE t FROM dbo.T t", {}, {T: set()}),
        ("DELETE FROM dbo.T WHERE a IN (SELECT b FROM dbo.S)", {S: {"b"}}, {T: set()}),
        ("TRUNCATE TABLE dbo.T", {}, {T: set()}),
        ("CREATE TABLE dbo.T (a int)", {}, {T: {"a"}}),
        ("CREATE TABLE dbo.T (a int) AS NODE", {}, {T: {"a"}}),
        ("CREATE EXTERNAL TABLE dbo.T (a int) WITH (LOCATION = 'x')", {}, {}),
        (
            "CREATE EXTERNAL TABLE dbo.T WITH (LOCATION = 'x', DATA_SOURCE = d) AS SELECT a FROM dbo.S DELETE dbo.X",
            {S: {"a"}},
            {T: {"a"}, X: set()},
        ),
        (
            "CREATE TABLE T AS WITH c AS (SELECT a FROM dbo.S) SELECT a FROM c UNION SELECT b FROM dbo.X",
            {S: {"a"}, X: {"b"}},
            {("T",): {"a"}},
        ),
        (
            "MERGE dbo.T AS t USING dbo.S AS s ON t.i = s.i WHEN MATCHED THEN UPDATE SET a = s.a;",
            {S: set()},
            {T: {"a"}},
        ),
        ("WITH c AS (SELECT a FROM dbo.S) INSERT INTO dbo.T (a) SELECT a FROM c", {S: {"a"}}, {T: {"a"}}),
        ("SELECT a INTO #t FROM dbo.S", {S: {"a"}}, {}),
        ("SELECT a FROM #t", {}, {}),
        ("INSERT INTO @t SELECT a FROM dbo.S", {S: {"a"}}, {}),
        ("SELECT [a b] FROM [D W]..[S]", {("D W", "", "S"): {"a b"}}, {}),
        ("IF 1 = 1 BEGIN DELETE FROM dbo.T; SELECT a FROM dbo.S END", {S: {"a"}}, {T: set()}),
        ("DELETE FROM dbo.T\nGO\nSELECT a FROM dbo.S", {S: {"a"}}, {T: set()}),
        ("SET NOCOUNT ON INSERT INTO dbo.T (a) SELECT a FROM dbo.S", {S: {"a"}}, {T: {"a"}}),
        ("SET IDENTITY_INSERT dbo.T ON DELETE FROM dbo.T", {}, {T: set()}),
        ("ALTER TABLE t DISABLE TRIGGER ALL DELETE FROM dbo.T", {}, {T: set()}),
        ("ALTER TABLE dbo.S ADD FOREIGN KEY (a) REFERENCES dbo.X ON DELETE CASCADE ON UPDATE CASCADE", {}, {}),
        ("DELETE dbo.T OUTPUT deleted.a INTO Log WHERE a = 1", {}, {T: set(), ("Log",): set()}),
        (
            "USE DW INSERT INTO T (a) OUTPUT inserted.a INTO Audit (a) VALUES (1)",
            {},
            {("DW", "", "T"): {"a"}, ("DW", "", "Audit"): set()},
        ),
        ("DELETE dbo.T OUTPUT deleted.a INTO #log", {}, {T: set()}),
        (
            "DELETE dbo.T OUTPUT deleted.a INTO dbo.X (a) FROM dbo.T JOIN dbo.S s ON 1 = 1",
            {S: set()},
            {T: set(), X: set()},
        ),
        ("DELETE FROM t FROM dbo.T t JOIN dbo.S s ON s.i = t.i", {S: set()}, {T: set()}),
        ("UPDATE TOP (10) PERCENT dbo.T SET a = 1", {}, {T: {"a"}}),
        ("INSERT TOP (5) INTO dbo.T WITH (TABLOCK) (a) SELECT a FROM dbo.S", {S: {"a"}}, {T: {"a"}}),
        ("UPDATE t SET a = 1 FROM (SELECT TOP 10 a FROM dbo.T) t", {}, {T: {"a"}}),
        ("DELETE d FROM (SELECT a FROM dbo.T) d", {}, {T: set()}),
        ("SELECT a FROM [#t], [##g], ##h, tempdb..#u", {}, {}),
        ("ALTER TABLE dbo.S SWITCH PARTITION 3 TO dbo.T PARTITION 3", {S: set()}, {T: set()}),
        ("SELECT q.v FROM dbo.S UNPIVOT (v FOR k IN (a, b)) q", {S: set()}, {}),
    ],
)
def test_tables_and_columns(sql: str, reads: dict[Name, set[str]], writes: dict[Name, set[str]]) -> None:
    found = statement_lineage(sql)
    assert (found.reads, found.writes, found.notes) == (reads, writes, [])


@pytest.mark.parametrize(
    "sql",
    [
        "EXEC dbo.Load ?, 1",
        "DECLARE @d date = '2024-01-31'; EXECUTE dbo.Load @d",
        "? = CALL dbo.Load(?)",
        "{call dbo.Load(?)}",
    ],
)
def test_the_tables_of_a_procedure_are_not_known(sql: str) -> None:
    found = statement_lineage(sql)
    assert found.reads == {}
    assert "procedure" in found.notes[0]


@pytest.mark.parametrize("sql", ["SELECT FROM WHERE (", "COPY INTO dbo.T FROM 'https://x'"])
def test_sql_that_cannot_be_read_is_noted(sql: str) -> None:
    found = statement_lineage(sql)
    assert found.notes == ["it contains SQL that cannot be read"]


def test_written_columns_have_their_origins() -> None:
    sql = (
        "INSERT INTO dbo.T (total, name) SELECT s.a + x.b, x.c FROM dbo.S s "
        "JOIN (SELECT b, n AS c FROM dbo.X) x ON 1 = 1"
    )
    assert statement_lineage(sql).columns == {(T, "total"): {(S, "a"), (X, "b")}, (T, "name"): {(X, "n")}}


def test_a_common_table_expression_before_an_insert_is_not_an_origin() -> None:
    sql = "WITH c AS (SELECT a FROM dbo.S) INSERT INTO dbo.T (b) SELECT a FROM c"
    assert statement_lineage(sql).columns == {(T, "b"): {(S, "a")}}


def test_both_sides_of_a_union_are_origins() -> None:
    found = statement_lineage("SELECT a AS k FROM dbo.S UNION ALL SELECT b FROM dbo.X")
    assert found.results == {"k": {(S, "a"), (X, "b")}}


@pytest.mark.parametrize(
    ("sql", "results"),
    [
        ("SELECT (SELECT MAX(b) FROM dbo.X x WHERE x.i = s.i) AS k FROM dbo.S s", {"k": {(X, "b")}}),
        ("SELECT (SELECT s.a) AS k FROM dbo.S s", {"k": {(S, "a")}}),
        ("WITH c (k) AS (SELECT a FROM dbo.S) SELECT k FROM c", {"k": {(S, "a")}}),
        ("SELECT q.k FROM (SELECT a FROM dbo.S) q (k)", {"k": {(S, "a")}}),
        ("SELECT k, v FROM dbo.S UNPIVOT (v FOR k IN (a, b)) q", {"k": set(), "v": set()}),
        (
            "WITH c AS (SELECT a FROM dbo.S UNION ALL SELECT c.a FROM dbo.S s JOIN c ON c.a = s.p) SELECT a FROM c",
            {"a": {(S, "a")}},
        ),
    ],
)
def test_columns_of_queries_in_queries(sql: str, results: dict[str, set[Origin]]) -> None:
    assert statement_lineage(sql).results == results


def test_a_table_made_of_a_union_has_the_columns_of_both_sides() -> None:
    found = statement_lineage("SELECT a INTO dbo.T FROM dbo.S UNION ALL SELECT b FROM dbo.X")
    assert found.columns == {(T, "a"): {(S, "a"), (X, "b")}}


def test_a_chain_of_common_table_expressions_is_traced_once_per_query() -> None:
    names = ", ".join(f"a{number}" for number in range(20))
    chain = ", ".join(f"c{number} AS (SELECT {names} FROM c{number - 1})" for number in range(1, 12))
    found = statement_lineage(f"WITH c0 AS (SELECT {names} FROM dbo.S), {chain} SELECT {names} FROM c11")
    assert found.results["a7"] == {(S, "a7")}


def test_sql_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    statement_lineage("RENAME OBJECT dbo.c4nary TO B")
    assert "c4nary" not in caplog.text


def test_columns_come_through_a_star() -> None:
    found = statement_lineage("SELECT q.a FROM (SELECT * FROM dbo.S) q JOIN dbo.X x ON x.i = q.i")
    assert found.results == {"a": {(S, "a")}}


def test_without_sqlglot_the_lineage_of_sql_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(statements, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with caplog.at_level("DEBUG", logger=statements.__name__):
        found = statement_lineage("SELECT a FROM dbo.S")
    assert found.reads == {}
    assert "sqlglot is not installed" in caplog.text


@pytest.mark.parametrize(
    ("sql", "reads", "writes"),
    [
        ("DELETE dbo.T WHERE a = ?", {}, {T: set()}),
        ("DELETE FROM dbo.T\nDELETE dbo.X", {}, {T: set(), X: set()}),
        (
            "SELECT a FROM dbo.S\nUPDATE dbo.T SET b = CASE 1 WHEN 1 THEN 2 ELSE 3 END, c = 4",
            {S: {"a"}},
            {T: {"b", "c"}},
        ),
        ("INSERT INTO dbo.T (a) VALUES (1)\nINSERT dbo.X SELECT b FROM dbo.S", {S: {"b"}}, {T: {"a"}, X: set()}),
        ("INSERT dbo.T (a) SELECT a FROM dbo.S UNION ALL SELECT c FROM dbo.X", {S: {"a"}, X: {"c"}}, {T: {"a"}}),
        ("IF ? = 1 DELETE FROM dbo.T ELSE TRUNCATE TABLE dbo.X", {}, {T: set(), X: set()}),
        ("IF EXISTS (SELECT 1 FROM dbo.S WHERE a = 1) BEGIN UPDATE dbo.T SET b = 1 END", {S: {"a"}}, {T: {"b"}}),
        ("BEGIN TRY BEGIN TRAN x; DELETE dbo.T; COMMIT TRAN x END TRY BEGIN CATCH THROW END CATCH", {}, {T: set()}),
        ("IF OBJECT_ID('dbo.T') IS NOT NULL DROP TABLE dbo.T\nSELECT a INTO dbo.T FROM dbo.S", {S: {"a"}}, {T: {"a"}}),
        ("DECLARE c CURSOR FOR SELECT a FROM dbo.S\nOPEN c\nFETCH NEXT FROM c INTO @a", {S: {"a"}}, {}),
        ("DECLARE @n int\nSET @n = (SELECT MAX(a) FROM dbo.S)\nPRINT 'x'\nDELETE dbo.T", {S: {"a"}}, {T: set()}),
        ("WITH c AS (SELECT a FROM dbo.T) DELETE FROM c", {}, {T: set()}),
        (
            "WITH c AS (SELECT a FROM dbo.T) UPDATE c SET a = 1\nSELECT 1 FROM dbo.S WITH (NOLOCK)",
            {S: set()},
            {T: {"a"}},
        ),
        (
            "MERGE dbo.T t USING dbo.S s ON t.i = s.i WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)",
            {S: set()},
            {T: {"a"}},
        ),
        ("BULK INSERT dbo.T FROM 'c:\\a.txt' WITH (TABLOCK)", {}, {T: set()}),
        ("USE DW\nGO\nSELECT a FROM dbo.S\nUSE Log; DELETE T", {("DW", *S): {"a"}}, {("Log", "", "T"): set()}),
        ("USE DW; WITH c AS (SELECT a FROM dbo.S) SELECT a FROM c", {("DW", *S): {"a"}}, {}),
        ("CREATE INDEX i ON dbo.S (a); DROP INDEX i ON dbo.S; ALTER TABLE dbo.S DROP COLUMN b", {}, {}),
        ("DROP TABLE IF EXISTS dbo.X, dbo.S", {}, {}),
        ("CREATE VIEW dbo.V AS SELECT a FROM dbo.S", {}, {}),
        ("UPDATE STATISTICS dbo.S\nDBCC FREEPROCCACHE\nCHECKPOINT\nWAITFOR DELAY '00:00:01'", {}, {}),
        ("GRANT SELECT, DELETE ON dbo.S TO etl\nDELETE dbo.T", {}, {T: set()}),
        ("SELECT a FROM dbo.S ORDER BY a OFFSET 1 ROWS FETCH NEXT 5 ROWS ONLY", {S: {"a"}}, {}),
        ("SELECT 'DELETE FROM dbo.T', [update] FROM dbo.S -- DELETE dbo.X", {S: {"update"}}, {}),
    ],
)
def test_statements_need_no_end(sql: str, reads: dict[Name, set[str]], writes: dict[Name, set[str]]) -> None:
    found = statement_lineage(sql)
    assert (found.reads, found.writes, found.notes) == (reads, writes, [])


@pytest.mark.parametrize(
    ("sql", "note", "writes"),
    [
        ("EXEC dbo.Load\nDELETE dbo.T", "procedure", {T: set()}),
        ("SELECT FROM WHERE (\nDELETE dbo.T", "cannot be read", {}),
        ("INSERT INTO dbo.T EXEC dbo.Load\nTRUNCATE TABLE dbo.X", "procedure", {T: set(), X: set()}),
        ("dbo.Load\nDELETE dbo.T", "procedure", {T: set()}),
        ("INSERT OPENQUERY(Remote, 'SELECT a FROM t') VALUES (1)", "linked server", {}),
        ("SELECT k.[KEY] FROM CONTAINSTABLE(dbo.S, b, 'x') k", "result of a function", {}),
        (
            "INSERT dbo.T (a) SELECT a FROM (MERGE dbo.X x USING dbo.S s ON 1 = 1 WHEN MATCHED THEN DELETE OUTPUT 1) m",
            "cannot be read",
            {T: {"a"}},
        ),
        ("WITH c AS (SELECT a FROM dbo.S JOIN dbo.X x ON 1 = 1) DELETE FROM c", "cannot be read", {}),
        ("INSERT dbo.T (a) SELECT * FROM OPENQUERY(Remote, 'SELECT 1')", "result of a function", {T: {"a"}}),
        ("SELECT * FROM dbo.f(1)", "result of a function", {}),
        ("INSERT dbo.T (a) SELECT b FROM Remote.DW.dbo.S", "linked server", {T: {"a"}}),
        ("DELETE dbo.T\nSELECT 'x", "cannot be read", {}),
    ],
)
def test_a_value_that_is_not_known_is_noted_and_the_rest_is_read(
    sql: str, note: str, writes: dict[Name, set[str]]
) -> None:
    found = statement_lineage(sql)
    assert [note in one for one in found.notes] == [True]
    assert found.writes == writes
