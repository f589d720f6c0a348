"""Valid T-SQL that this server does not have is "not supported" (40514), with the line and the name, and no syntax error."""

# ruff: noqa: E501 - one statement on each line

from __future__ import annotations

import asyncio

import pytest

from tests.support.tsql_session import Answer, answer, tsql_server

UNSUPPORTED = [
    ("ALTER DATABASE Sales SET RECOVERY SIMPLE", "ALTER DATABASE of a database of the server itself"),
    ("ALTER LOGIN x WITH NAME = y", "ALTER LOGIN … WITH NAME"),
    ("ALTER USER x WITH NAME = y", "ALTER USER"),
    ("ALTER AUTHORIZATION ON SCHEMA::x TO y", "ALTER AUTHORIZATION"),
    ("EXECUTE AS USER = 'x' WITH COOKIE INTO @c", "EXECUTE AS … WITH COOKIE"),
    ("REVERT WITH COOKIE = @c", "REVERT WITH COOKIE"),
    ("SETUSER", "SETUSER"),
    ("EXEC msdb.dbo.sp_start_job N'Nightly'", "The procedure sp_start_job"),
    ("EXEC sys.sp_addextendedproperty N'MS_Description', N'x'", "The procedure sp_addextendedproperty"),
    ("EXEC master..xp_cmdshell 'dir'", "The procedure xp_cmdshell"),
    ("SELECT name FROM msdb.dbo.sysjobs", "The view dbo.sysjobs"),
    ("KILL 52", "KILL"),
    ("DBCC CHECKDB", "DBCC CHECKDB"),
    ("DBCC FREEPROCCACHE WITH NO_INFOMSGS", "DBCC FREEPROCCACHE"),
    ("BACKUP DATABASE Sales TO DISK = 'x'", "BACKUP DATABASE"),
    ("BACKUP LOG Sales TO DISK = 'x'", "BACKUP LOG"),
    ("RESTORE DATABASE Sales FROM DISK = 'x'", "RESTORE DATABASE"),
    ("SELECT * FROM (DELETE #t OUTPUT deleted.id) AS x", "A change in FROM"),
    ("RESTORE HEADERONLY FROM DISK = 'x'", "RESTORE HEADERONLY"),
    ("SELECT 1 AS a FOR BROWSE", "FOR BROWSE"),
    ("SELECT * FROM OPENROWSET(BULK 'x', SINGLE_BLOB) AS x", "OPENROWSET"),
    ("SELECT * FROM OPENROWSET('SQLNCLI', 'x', 'SELECT 1') AS x", "OPENROWSET"),
    ("SELECT * FROM OPENQUERY(srv, 'SELECT 1')", "OPENQUERY"),
    ("SELECT * FROM OPENDATASOURCE('SQLNCLI', 'x').db.dbo.t", "OPENDATASOURCE"),
    ("SELECT * FROM OPENXML(@i, '/x')", "OPENXML"),
    ("UPDATE #t SET name.WRITE(N'x', 0, 1)", "The method WRITE"),
    ("SELECT PARSE('1' AS int USING 'de-DE')", "PARSE with the culture 'de-DE'"),
    (
        "SELECT 1 FROM #t WHERE name COLLATE Latin1_General_CI_AI = N'x'",
        "The collation Latin1_General_CI_AI",
    ),
    (
        "SELECT 1 WHERE N'a' = N'A' COLLATE Turkish_CS_AS",
        "The collation Turkish_CS_AS",
    ),
    ("SELECT * FROM #t TABLESAMPLE (10 PERCENT)", "TABLESAMPLE"),
    ("SELECT * FROM #t WHERE CONTAINS(name, 'x')", "CONTAINS"),
    ("SELECT * FROM #t WHERE FREETEXT(name, 'x')", "FREETEXT"),
    ("SELECT * FROM CONTAINSTABLE(t, *, 'x') c", "CONTAINSTABLE"),
    ("SELECT id FROM #t GROUP BY ALL id", "GROUP BY ALL"),
    ("SELECT JSON_OBJECT('a':1)", "JSON_OBJECT"),
    ("SELECT JSON_ARRAY(1, 2)", "The function JSON_ARRAY"),
    ("SELECT COMPRESS(0x01)", "The function COMPRESS"),
    ("SELECT DECOMPRESS(0x01)", "The function DECOMPRESS"),
    ("SELECT ENCRYPTBYPASSPHRASE('a', 'b')", "The function ENCRYPTBYPASSPHRASE"),
    ("SELECT PWDENCRYPT('a')", "The function PWDENCRYPT"),
    ("WITH XMLNAMESPACES ('u' AS n) SELECT 1", "WITH XMLNAMESPACES"),
    ("SELECT CAST(NULL AS hierarchyid)", "The data type hierarchyid"),
    ("SELECT CAST(NULL AS geography)", "The data type geography"),
    ("SELECT CAST(NULL AS geometry)", "The data type geometry"),
    ("SELECT CAST('{}' AS json)", "The data type json"),
    ("DECLARE @g geography", "The data type geography"),
    ("DECLARE @h hierarchyid", "The data type hierarchyid"),
    ("DECLARE @j json", "The data type json"),
    ("SELECT geography::Point(1, 2, 4326)", "A method of a type (::)"),
    ("SELECT SOUNDEX('a')", "The function SOUNDEX"),
    ("SELECT DIFFERENCE('a', 'b')", "The function DIFFERENCE"),
    ("SELECT CURRENT_TIMEZONE()", "The function CURRENT_TIMEZONE"),
    ("SELECT DATE_BUCKET(week, 1, GETDATE())", "The function DATE_BUCKET"),
    ("SELECT TEXTPTR(name) FROM #t", "The function TEXTPTR"),
    ("SELECT FILEGROUP_NAME(1)", "The function FILEGROUP_NAME"),
    (
        "SELECT OBJECTPROPERTY(1, 'a'), TYPEPROPERTY('int', 'a'), INDEXPROPERTY(1, 'a', 'b')",
        "The function TYPEPROPERTY",
    ),
    ("SELECT OBJECTPROPERTY(1, 'ExecIsStartup')", "OBJECTPROPERTY with the property 'ExecIsStartup'"),
    ("SELECT STATS_DATE(1, 1), INDEX_COL('t', 1, 1)", "The function STATS_DATE"),
    (
        "SELECT PERMISSIONS(), CONTEXT_INFO(), MIN_ACTIVE_ROWVERSION(), GET_FILESTREAM_TRANSACTION_CONTEXT()",
        "The function PERMISSIONS",
    ),
    ("SELECT $IDENTITY FROM #t", "The pseudo column $IDENTITY"),
    ("SELECT VECTOR_DISTANCE('cosine', 1, 2)", "The function VECTOR_DISTANCE"),
    ("SELECT REGEXP_LIKE('a', 'b')", "The function REGEXP_LIKE"),
    ("SELECT 1 WHERE REGEXP_LIKE('a', 'b')", "REGEXP_LIKE"),
    ("SELECT BIT_COUNT(1), LEFT_SHIFT(1, 2), GET_BIT(1, 1), SET_BIT(1, 1)", "The function BIT_COUNT"),
    ("SELECT 1 << 2", "The shift operator < <"),
    ("SELECT N'a' || N'b'", "The operator ||"),
    ("SELECT {fn NOW()}", "{fn …}"),
    ("SELECT * FROM {oj #t LEFT OUTER JOIN #t AS u ON u.id = #t.id}", "{oj …}"),
    ("SELECT {fn UCASE('a')}", "{fn …}"),
    ("SELECT {guid '6F9619FF-8B86-D011-B42D-00C04FC964FF'}", "{guid …}"),
    ("SELECT * FROM #t FOR SYSTEM_TIME AS OF '2020-01-01'", "FOR SYSTEM_TIME"),
    ("SELECT 1 OPTION (MAXDOP 1, USE HINT ('x'))", "USE HINT"),
    ("SELECT * FROM sys.fn_helpcollations()", "The function FN_HELPCOLLATIONS"),
    ("SELECT * FROM sys.dm_exec_sql_text(0x)", "The function DM_EXEC_SQL_TEXT"),
    (
        "SELECT * FROM fn_listextendedproperty(NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        "The function FN_LISTEXTENDEDPROPERTY",
    ),
    ("CREATE TRIGGER x ON t AFTER INSERT AS SELECT 1", "CREATE TRIGGER"),
    ("CREATE SCHEMA s AUTHORIZATION bob", "A schema that does not belong to dbo"),
    ("CREATE DATABASE d FOR ATTACH", "CREATE DATABASE … FOR"),
    ("CREATE DATABASE AUDIT SPECIFICATION s", "CREATE DATABASE AUDIT SPECIFICATION"),
    ("ALTER DATABASE d SET COMPATIBILITY_LEVEL = 100", "ALTER DATABASE"),
    ("CREATE TYPE t FROM int", "CREATE TYPE … FROM"),
    ("CREATE MASTER KEY", "CREATE MASTER"),
    ("CREATE EVENT SESSION s ON SERVER", "CREATE EVENT"),
    ("DROP TRIGGER t", "DROP TRIGGER"),
    ("ALTER TRIGGER t ON x AFTER INSERT AS SELECT 1", "ALTER TRIGGER"),
    ("DROP MASTER KEY", "DROP MASTER"),
    ("TRUNCATE TABLE #t WITH (PARTITIONS (1))", "TRUNCATE TABLE … WITH PARTITIONS"),
    ("CHECKPOINT", "CHECKPOINT"),
    ("RECONFIGURE", "RECONFIGURE"),
    ("SHUTDOWN", "SHUTDOWN"),
    ("ENABLE TRIGGER x ON t", "ENABLE TRIGGER"),
    ("DISABLE TRIGGER ALL ON DATABASE", "DISABLE TRIGGER"),
    ("ADD SIGNATURE TO p BY CERTIFICATE c", "ADD SIGNATURE"),
    ("OPEN SYMMETRIC KEY k DECRYPTION BY CERTIFICATE c", "OPEN SYMMETRIC"),
    ("CLOSE ALL SYMMETRIC KEYS", "CLOSE ALL"),
    ("OPEN MASTER KEY DECRYPTION BY PASSWORD = 'x'", "OPEN MASTER"),
    ("SEND ON CONVERSATION @v MESSAGE TYPE x", "SEND ON"),
    ("RECEIVE * FROM q", "RECEIVE"),
    ("WAITFOR (RECEIVE * FROM q), TIMEOUT 1", "WAITFOR"),
    ("GET CONVERSATION GROUP @v FROM q", "GET CONVERSATION"),
    ("MOVE CONVERSATION @v TO @v", "MOVE CONVERSATION"),
    ("END CONVERSATION @v", "END CONVERSATION"),
    ("BEGIN DIALOG CONVERSATION @v FROM SERVICE a TO SERVICE 'b'", "BEGIN DIALOG"),
    ("BEGIN DISTRIBUTED TRANSACTION", "BEGIN DISTRIBUTED"),
    ("BEGIN CONVERSATION TIMER (@v) TIMEOUT = 1", "BEGIN CONVERSATION"),
    ("READTEXT t.c @v 0 1", "READTEXT"),
    ("WRITETEXT t.c @v 'x'", "WRITETEXT"),
    ("UPDATETEXT t.c @v 0 0 'x'", "UPDATETEXT"),
    ("LINENO 5", "LINENO"),
    ("DUMP DATABASE x", "DUMP DATABASE"),
    ("LOAD DATABASE x", "LOAD DATABASE"),
    ("RESTORE VERIFYONLY FROM DISK = 'x'", "RESTORE VERIFYONLY"),
    ("EXEC ('SELECT 1') AT srv", "EXECUTE … AT"),
    ("EXEC ('SELECT 1') AS USER = 'x'", "EXECUTE … AS"),
    ("EXEC p WITH RESULT SETS (AS OBJECT dbo.t)", "RESULT SETS with AS OBJECT, AS TYPE or AS FOR XML"),
    ("EXEC p;1", "The number of a procedure"),
    ("SET @i.x = 1", "The method x"),
    ("SET SHOWPLAN_XML ON", "The value ON of this SET option (use OFF)"),
    ("SET ANSI_NULLS OFF", "The value OFF of this SET option (use ON)"),
]

INVALID = [
    ("SELECT id FROM #t LIMIT 1", 102),
    ("SELECT a ILIKE 'b'", 102),
    ("SELECT 1::int", 102),
    ("SHOW TABLES", 102),
    ("VALUES (1)", 156),
    ("REPLACE INTO t VALUES (1)", 102),
    ("COPY t TO 'x'", 102),
    ("SELECT nosuch(1)", 195),
    ("SELECT CAST(1 AS nosuch)", 243),
    ("SELECT N'a' COLLATE nosuch", 448),
    ("SELECT output FROM #t", 207),
    ("SELECT 1 EXCEPT ALL SELECT 1", 324),
    ("SELECT * FROM OPENJSONX('x')", 208),
]
"""Batches that are errors on SQL Server too."""

SUPPORTED = [
    "SELECT 1 AS output, 2 AS window, 3 AS merge_, 4 AS value, 5 AS json",
    "SELECT * FROM #t AS a INNER MERGE JOIN #t AS b ON a.id = b.id",
    "SELECT 1 AS x WHERE 1 !> 2",
    "INSERT #t DEFAULT VALUES",
    "SELECT N'a' COLLATE DATABASE_DEFAULT",
]


def run(text: str) -> Answer:
    """The answer to a batch whose second line is the statement."""

    async def scenario() -> Answer:
        async with tsql_server() as server:
            session = await server.session()
            await answer(session, "CREATE TABLE #t (id int, name nvarchar(10))")
            declared = "DECLARE @i int, @v uniqueidentifier, @x xml, @t TABLE (id int);\n"
            found = await answer(session, declared + text)
            await session.close()
            return found

    return asyncio.run(scenario())


@pytest.mark.parametrize(("text", "name"), UNSUPPORTED)
def test_it_is_not_supported(text: str, name: str) -> None:
    error = run(text).errors[0]
    assert (error.number, error.line) == (40514, 2)
    assert error.text == f"{name} is not supported by this server."


@pytest.mark.parametrize(("text", "number"), INVALID)
def test_what_is_wrong_on_sql_server_too_has_its_number(text: str, number: int) -> None:
    assert run(text).numbers[:1] == [number]


@pytest.mark.parametrize("text", SUPPORTED)
def test_the_words_are_allowed_as_names(text: str) -> None:
    assert run(text).errors == []
