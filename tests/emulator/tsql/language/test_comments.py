"""Comments of every kind, between any two tokens, change nothing."""

# ruff: noqa: E501, ISC004 - a script reads best on its own lines

from __future__ import annotations

import random

import pytest

from airflow_provider_ssis.emulator.tsql.language.lexer import Kind, tokenize
from tests.support.tsql_session import run

_BETWEEN = (" ", "\n", "\t\r\n", "/**/", "/* it's */", "/* a /* nested ; */ END */", " -- SELECT ' [ \" /*\n", " --\n")

SCRIPTS = (
    "DECLARE @a int = 2, @t TABLE (id int IDENTITY(1, 1) PRIMARY KEY, v varchar(5) DEFAULT ('x') NOT NULL); "
    "INSERT INTO @t (v) OUTPUT inserted.id VALUES ('a'), (DEFAULT); SELECT @a += COUNT(*) FROM @t WHERE v <> 'q'; SELECT @a",
    "DECLARE c CURSOR LOCAL FAST_FORWARD FOR SELECT v FROM (VALUES (1), (2)) AS t (v) ORDER BY v FOR READ ONLY "
    "DECLARE @v int OPEN c FETCH NEXT FROM c INTO @v WHILE @@FETCH_STATUS = 0 BEGIN PRINT @v FETCH c INTO @v END "
    "CLOSE c DEALLOCATE c SELECT @v",
    "DECLARE @i int = 0 again: SET @i += 1 IF (SELECT @i) < 3 GOTO again ELSE PRINT (SELECT MAX(v) FROM (VALUES (@i)) t (v)) "
    "SELECT CASE WHEN @i >= 3 AND @i != 4 THEN N'it''s' ELSE 'no' END AS [the name], -1.5e0, 0x0F",
    "CREATE TABLE #t (id int, v int); INSERT #t SELECT 1, 2 UNION ALL SELECT 3, 4; MERGE #t AS t USING (SELECT 1 AS id) AS s "
    "ON t.id = s.id WHEN MATCHED THEN UPDATE SET v *= 5 WHEN NOT MATCHED BY SOURCE THEN DELETE OUTPUT $action, inserted.v; "
    "SELECT id, v FROM #t FOR JSON PATH, ROOT('r'); DROP TABLE IF EXISTS #t",
    "BEGIN TRY; WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT TOP (1) WITH TIES i, "
    "SUM(i) OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM n ORDER BY i % 1 OPTION (MAXRECURSION 5); "
    "THROW 50001, N'x', 1 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE() END CATCH",
    "DECLARE @n int; EXEC sp_executesql N'SELECT @o = @i * 2', N'@i int, @o int OUTPUT', @i = 4, @o = @n OUTPUT; "
    "SELECT @n, STUFF((SELECT ',' + v FROM (VALUES ('a'), ('b')) t (v) FOR XML PATH (''), TYPE).value('.', 'varchar(9)'), 1, 1, '')",
)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("seed", range(4))
def test_comments_between_tokens(script: str, seed: int) -> None:
    chance = random.Random(seed)
    tokens = [token.text for token in tokenize(script) if token.kind is not Kind.END]
    commented = "".join(chance.choice(_BETWEEN) + text for text in tokens) + chance.choice(_BETWEEN)
    plain, found = run(script), run(commented)
    assert not plain.errors
    assert plain.results
    assert not found.errors, commented
    assert found.results == plain.results
    assert [each.text for each in found.infos] == [each.text for each in plain.infos]
