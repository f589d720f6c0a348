"""Batches through a real driver: statements, control flow, errors with their true lines, transactions."""

# ruff: noqa: E501, ISC004 - a batch reads best on the line of its name

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import pyodbc
import pytds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.tsql.language.parser import parse
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from tests.support.cancelling import cancelled_after

DEADLINE_SECONDS = 30


@pytest.fixture
def connection(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        yield connection


def results(connection: pyodbc.Connection, text: str, *parameters: Any) -> list[list[tuple[Any, ...]]]:
    """All result sets of a batch."""
    with closing(connection.execute(text, *parameters)) as cursor:
        found = []
        while True:
            if cursor.description:
                found.append([tuple(row) for row in cursor.fetchall()])
            if not cursor.nextset():
                return found


BATCHES: list[tuple[str, str, list[list[tuple[Any, ...]]]]] = [
    ("variables", "DECLARE @a int = 2, @b nvarchar(10) = N'x'; SET @a += 3; SELECT @a, @b + 'y'", [[(5, "xy")]]),
    ("characters beyond U+FFFF count twice in a length", "SELECT N'🙂', N'a🙂' + N'b', REVERSE(N'x🙂')", [[("🙂", "a🙂b", "🙂x")]]),
    ("no such character is cut in half",
     "DECLARE @a nvarchar(3) = N'🙂🙂'; SELECT @a, LEFT(N'a🙂', 1), CAST(N'🙂🙂' AS nvarchar(2))", [[("🙂", "a", "🙂")]]),
    ("assignment by SELECT", "DECLARE @n int; SELECT @n = value FROM (VALUES (1), (2)) v (value) ORDER BY value; SELECT @n", [[(2,)]]),
    ("an assignment without rows leaves the variable", "DECLARE @n int = 7; SELECT @n = 1 WHERE 1 = 0; SELECT @n", [[(7,)]]),
    ("a SELECT that adds to a variable does so for each row",
     "DECLARE @s varchar(20) = '', @n int = 0; SELECT @s = @s + c + ',', @n += 1 FROM (VALUES ('b'), ('a'), ('c')) v (c) ORDER BY c;"
     " SELECT @@ROWCOUNT, @s, @n", [[(3, "a,b,c,", 3)]]),
    ("assignments of one SELECT go from left to right",
     "DECLARE @a int, @b int, @c int = 1; SELECT @a = 1, @b = @a + 1; SELECT @c = @c + 1, @c = @c * 10; SELECT @a, @b, @c", [[(1, 2, 20)]]),
    ("an assignment reads what one before it in the same row wrote",
     "DECLARE @a int, @b int, @n int; SELECT @b = @a * 2, @a = v, @n = COUNT(*) FROM (VALUES (1), (2)) v (v) GROUP BY v ORDER BY v;"
     " SELECT @a, @b, @n", [[(2, 2, 1)]]),
    ("a subquery reads what an assignment before it wrote",
     "DECLARE @a int, @b int; SELECT @a = 2, @b = (SELECT SUM(v) FROM (VALUES (1), (2), (3)) v (v) WHERE v >= @a); SELECT @a, @b", [[(2, 5)]]),
    ("a CASE around a column decides what is computed for a row",
     "DECLARE @n int = 1; SELECT @n = @n + CASE WHEN v = 0 THEN 0 ELSE 6 / v END FROM (VALUES (0), (2), (3)) v (v); SELECT @n", [[(6,)]]),
    ("a condition on a subquery is asked for each row",
     "DECLARE @n int = 0; SELECT @n = CASE WHEN v IN (SELECT w FROM (VALUES (2), (3)) w (w)) THEN @n + v ELSE @n END"
     " FROM (VALUES (1), (2), (3)) v (v); SELECT @n", [[(5,)]]),
    ("aggregates and ranks are computed before the assignments",
     "DECLARE @n int = 2, @m int = 0; SELECT @n = SUM(v * @n) FROM (VALUES (1), (2)) v (v);"
     " SELECT @m += ROW_NUMBER() OVER (ORDER BY v) FROM (VALUES (5), (6)) v (v); SELECT @n, @m", [[(6, 3)]]),
    ("a date part is not a column of a row",
     "DECLARE @d date = '2020-01-01'; SELECT @d = DATEADD(day, v, @d) FROM (VALUES (1), (2)) v (v); SELECT DAY(@d)", [[(4,)]]),
    ("grouped rows are assigned one after the other",
     "DECLARE @s varchar(20) = ''; SELECT @s = @s + LEFT(c, 1) + STR(COUNT(*), 1) FROM (VALUES ('ab'), ('ac'), ('b')) v (c)"
     " GROUP BY LEFT(c, 1) ORDER BY LEFT(c, 1); SELECT @s", [[("a2b1",)]]),
    ("no row leaves variables that are added to",
     "DECLARE @s varchar(9) = 'x'; SELECT @s = @s + c FROM (VALUES ('b')) v (c) WHERE c = 'z'; SELECT @s", [[("x",)]]),
    ("IF and ELSE", "IF 1 = 2 SELECT 'yes' ELSE IF EXISTS (SELECT 1) SELECT 'else' ELSE SELECT 'no'", [[("else",)]]),
    ("WHILE, BREAK, CONTINUE",
     "DECLARE @i int = 0, @s varchar(20) = ''; WHILE @i < 10 BEGIN SET @i += 1; IF @i = 2 CONTINUE; IF @i = 5 BREAK;"
     " SET @s += CAST(@i AS varchar(2)) END; SELECT @s, @i", [[("134", 5)]]),
    ("several result sets", "SELECT 1; SELECT 2, 3", [[(1,)], [(2, 3)]]),
    ("@@ROWCOUNT and @@ERROR", "SELECT 1 UNION ALL SELECT 2; SELECT @@ROWCOUNT, @@ERROR", [[(1,), (2,)], [(2, 0)]]),
    ("TRY and CATCH",
     "BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_LINE(), ERROR_SEVERITY() END CATCH",
     [[(8134, 1, 16)]]),
    ("CATCH of RAISERROR, nested TRY",
     "BEGIN TRY BEGIN TRY RAISERROR('in %s %d', 16, 3, 'x', 5) END TRY BEGIN CATCH THROW END CATCH END TRY"
     " BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE(), ERROR_STATE() END CATCH",
     [[(50000, "in x 5", 3)]]),
    ("THROW with arguments",
     "BEGIN TRY THROW 50001, N'mine', 7 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE() END CATCH",
     [[(50001, "mine")]]),
    ("dynamic SQL", "EXEC ('SELECT 1'); EXEC sp_executesql N'SELECT @x + 1', N'@x int', @x = 4", [[(1,)], [(5,)]]),
    ("OUTPUT of dynamic SQL",
     "DECLARE @r int; EXEC sp_executesql N'SET @o = 6', N'@o int OUTPUT', @o = @r OUTPUT; SELECT @r", [[(6,)]]),
    ("a procedure's OUTPUT, return status, and bare words",
     "DECLARE @id bigint, @rc int; EXEC @rc = catalog.create_folder Bare, @id OUTPUT;"
     " SELECT @rc, CASE WHEN @id > 0 THEN name END FROM catalog.folders", [[(0, "Bare")]]),
    ("a table variable",
     "DECLARE @t TABLE (id int NOT NULL, name nvarchar(20)); INSERT INTO @t VALUES (1, N'a'), (2, N'b');"
     " UPDATE @t SET name = N'c' WHERE id = 2; DELETE FROM @t WHERE id = 1; SELECT * FROM @t", [[(2, "c")]]),
    ("a table variable of a table type",
     "DECLARE @t catalog.Package_Table_Type; INSERT @t VALUES (N'a', 0x01); INSERT @t (name) VALUES (N'b'); SELECT * FROM @t",
     [[("a", b"\x01"), ("b", None)]]),
    ("a table type in the system views",
     "SELECT t.name, c.name, TYPE_NAME(c.user_type_id), c.max_length, c.is_nullable FROM sys.table_types t"
     " JOIN sys.columns c ON c.object_id = t.type_table_object_id ORDER BY c.column_id",
     [[("Package_Table_Type", "name", "nvarchar", 520, False), ("Package_Table_Type", "package_data", "varbinary", -1, True)]]),
    ("TRUNCATE empties a temporary table", "SELECT 1 AS a INTO #t; TRUNCATE TABLE #t; SELECT COUNT(*) FROM #t", [[(0,)]]),
    ("a temporary table", "SELECT 1 AS a INTO #t; INSERT INTO #t SELECT 2; SELECT SUM(a) FROM #t; DROP TABLE #t", [[(3,)]]),
    ("INSERT … EXEC", "CREATE TABLE #r (n int); INSERT INTO #r EXEC ('SELECT 4 UNION ALL SELECT 5'); SELECT MAX(n) FROM #r", [[(5,)]]),
    ("USE and three-part names", "USE master; SELECT DB_NAME(); SELECT COUNT(*) FROM SSISDB.catalog.folders", [[("master",)], [(0,)]]),
    ("WAITFOR", "WAITFOR DELAY '00:00:00.010'; SELECT 1", [[(1,)]]),
    ("SET options are accepted", "SET NOCOUNT ON; SET ANSI_NULLS, QUOTED_IDENTIFIER ON; SET DATEFORMAT mdy; SELECT 1", [[(1,)]]),
    ("SET options that change nothing here are accepted",
     "SET FIPS_FLAGGER OFF; SET OFFSETS SELECT, FROM OFF; SET STATISTICS IO, TIME ON; SET LANGUAGE N'us_english';"
     " SET QUOTED_IDENTIFIER, ANSI_WARNINGS OFF; SELECT 1", [[(1,)]]),
    ("SET DATEFIRST moves the days and the weeks",
     "SET DATEFIRST 1; SELECT @@DATEFIRST, DATEPART(weekday, d), DATENAME(weekday, d), DATEPART(week, d), DATENAME(week, d), DAY(DATETRUNC(week, d)),"
     " DATEDIFF(week, '2024-01-06', d) FROM (VALUES (CAST('2024-01-07' AS date))) v (d); SET LANGUAGE us_english; SELECT @@DATEFIRST",
     [[(1, 7, "Sunday", 1, "1", 1, 1)], [(7,)]]),
    ("SET DATEFIRST holds in one batch of dynamic SQL only",
     "EXEC ('SET DATEFIRST 3; SELECT DATEPART(dw, ''2024-01-03'')'); SELECT DATEPART(dw, '2024-01-03')", [[(1,)], [(4,)]]),
    ("SET ANSI_DEFAULTS lets transactions begin by themselves",
     "SET ANSI_DEFAULTS ON; SELECT COUNT(*) FROM catalog.folders; SELECT @@TRANCOUNT; ROLLBACK; SET IMPLICIT_TRANSACTIONS OFF", [[(0,)], [(1,)]]),
    ("comments and semicolons", "/* a /* b */ c */ SELECT 1 -- end\n;;", [[(1,)]]),
    ("a transaction", "BEGIN TRAN; EXEC catalog.create_folder N'T'; SELECT @@TRANCOUNT; ROLLBACK; SELECT COUNT(*) FROM catalog.folders", [[(1,)], [(0,)]]),
    ("application locks", "DECLARE @r int; EXEC @r = sp_getapplock 'x', 'Exclusive', 'Session'; SELECT @r; EXEC sp_releaseapplock 'x', 'Session'", [[(0,)]]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in BATCHES], ids=[case[0] for case in BATCHES])
def test_a_batch_gives_its_results(
    connection: pyodbc.Connection, text: str, expected: list[list[tuple[Any, ...]]]
) -> None:
    assert [rows for rows in results(connection, text) if rows or [] in expected] == expected


def test_a_parameter_with_a_seventh_digit_of_a_second_is_cut_to_microseconds(connection: pyodbc.Connection) -> None:
    latest = "9999-12-31 23:59:59.9999999"
    text = "SELECT CAST(? AS datetime2), CAST(CAST(? AS datetimeoffset) AS varchar(40)), CAST(? AS time)"
    [[(moment, zoned, time)]] = results(connection, text, latest, latest, latest[11:])
    assert (moment, zoned) == (datetime.max, "9999-12-31 23:59:59.9999990 +00:00")
    assert time == datetime.max.time()


ERRORS = [
    ("SELECT 1\nSELEC 2", 102, 2),
    ("SELECT 1;\n\nFROM x", 156, 3),
    ("SELECT 'open", 105, 1),
    ("/* open", 113, 1),
    ("\nSET @x = 1", 137, 2),
    ("DECLARE @x int\nDECLARE @x int", 134, 2),
    ("\n\nEXEC no_such_procedure", 2812, 3),
    ("EXEC catalog.create_environment N'f'", 201, 0),
    ("EXEC catalog.create_folder N'f', NULL, 3", 8144, 0),
    ("EXEC catalog.create_folder @name = N'f'", 8145, 0),
    ("SELECT *\nFROM no_such_table", 208, 2),
    ("SELECT no_such_column\nFROM catalog.folders", 207, 1),
    ("SELECT 1 / 0", 8134, 1),
    ("\nTHROW 50123, 'mine', 1", 50123, 2),
    ("\n\nRAISERROR('mine', 16, 1)", 50000, 3),
    ("USE nowhere", 911, 1),
    ("COMMIT", 3902, 1),
    ("ROLLBACK", 3903, 1),
    ("EXEC sp_releaseapplock 'none', 'Session'", 1223, 1),
    ("GRANT SELECT ON x TO y", 40514, 1),
    ("ALTER TABLE x ADD y int", 1088, 1),
    ("DELETE FROM catalog.folders", 229, 1),
    ("TRUNCATE TABLE catalog.folders", 4701, 1),
    ("DECLARE @t catalog.Package_Table_Type\nINSERT @t VALUES (NULL, NULL)", 515, 2),
    ("SET DATEFIRST 8", 2742, 1),
    ("SET DATEFORMAT dym", 40514, 1),
    ("SET ANSI_NULLS OFF", 40514, 1),
    ("SET ANSI_DEFAULTS OFF", 40514, 1),
    ("SET CONCAT_NULL_YIELDS_NULL OFF", 40514, 1),
    ("SET NUMERIC_ROUNDABORT ON", 40514, 1),
    ("SET OFFSETS SELECT ON", 40514, 1),
    ("SET NO_SUCH_OPTION ON", 195, 1),
    ("SET IDENTITY_INSERT catalog.folders ON", 1088, 1),
    ("CREATE TABLE #t (a int)\nSET IDENTITY_INSERT #t ON", 8106, 2),
    ("DECLARE @s int = 0\nSELECT DISTINCT @s = @s + v FROM (VALUES (1)) v (v)", 40514, 2),
    ("DECLARE @s int = 0; SELECT @s = @s + v FROM (VALUES (1), (2)) v (v) WHERE @s < v", 40514, 1),
    ("DECLARE @s int = 0; SELECT @s = @s + v FROM (VALUES (1)) v (v) ORDER BY 1", 40514, 1),
    ("DECLARE @s int = 0; SELECT @s = SUM(@s) OVER (ORDER BY v) FROM (VALUES (1)) v (v)", 40514, 1),
    ("DECLARE @s int = 0; SELECT @s = SUM(@s + v) FROM (VALUES (1)) v (v) GROUP BY v", 40514, 1),
    ("DECLARE @s int = 0; SELECT @s = (SELECT @s + v) FROM (VALUES (1)) v (v)", 40514, 1),
    ("DECLARE @s int = 0; SELECT @s = CASE WHEN EXISTS (SELECT @s) THEN 1 END FROM (VALUES (1)) v (v)", 40514, 1),
]


@pytest.mark.parametrize(("text", "number", "line"), ERRORS, ids=[case[0] for case in ERRORS])
def test_an_error_has_its_number_and_line(ssisdb_emulator: SsisdbEmulator, text: str, number: int, line: int) -> None:
    with closing(over_tds(ssisdb_emulator)) as connection, pytest.raises(pytds.Error) as failed:
        read_to_the_end(connection.cursor(), text)
    assert failed.value.number == number
    if line:
        assert failed.value.line == line


def read_to_the_end(cursor: Any, text: str) -> None:
    cursor.execute(text)
    while cursor.nextset():
        continue


def over_tds(server: SsisdbEmulator) -> pytds.Connection:
    """python-tds keeps an error's number and line as they came."""
    return pytds.connect(
        dsn=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database="SSISDB",
        autocommit=True,
    )


def test_a_syntax_error_runs_nothing_of_its_batch(connection: pyodbc.Connection) -> None:
    with pytest.raises(pyodbc.Error, match="102"):
        results(connection, "EXEC catalog.create_folder N'Never'; SELEC")
    assert results(connection, "SELECT COUNT(*) FROM catalog.folders") == [[(0,)]]


def test_after_a_statement_error_the_batch_goes_on_and_after_throw_it_ends(connection: pyodbc.Connection) -> None:
    for text, goes_on in (("RAISERROR('x', 16, 1)", True), ("THROW 50001, 'x', 1", False)):
        with pytest.raises(pyodbc.Error):
            results(connection, f"{text}; EXEC catalog.create_folder N'After'")
        assert results(connection, "SELECT COUNT(*) FROM catalog.folders") == [[(int(goes_on),)]]
        if goes_on:
            results(connection, "EXEC catalog.delete_folder N'After'")


def test_an_endless_loop_can_be_cancelled(connection: pyodbc.Connection) -> None:
    cursor = connection.cursor()
    with cancelled_after(0.2, cursor), pytest.raises(pyodbc.Error, match="HY008"):
        cursor.execute("WHILE 1 = 1 SET NOCOUNT ON")
    assert results(connection, "SELECT 1") == [[(1,)]]


@pytest.mark.slow
def test_the_parsing_of_a_long_text_can_be_cancelled(connection: pyodbc.Connection) -> None:
    cursor = connection.cursor()
    with cancelled_after(0.2, cursor), pytest.raises(pyodbc.Error, match="HY008"):
        cursor.execute(
            "DECLARE @t nvarchar(max) = REPLICATE(CAST(N'SET NOCOUNT ON;' AS nvarchar(max)), 70000); EXEC (@t)"
        )
    assert results(connection, "SELECT 1") == [[(1,)]]


def test_a_query_that_takes_too_long_to_parse_is_refused(connection: pyodbc.Connection) -> None:
    with pytest.raises(pyodbc.Error, match=r"The query has 200,\d+ characters.*Split it"):
        connection.execute(f"SELECT 1 /*{'a' * 200_010}*/ AS n")
    [[(length,)]] = results(connection, f"SELECT LEN(N'{'a' * 300_000}')")
    assert length == 300_000


def test_a_transaction_left_open_is_rolled_back_when_its_client_goes(ssisdb_emulator: SsisdbEmulator) -> None:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=False)) as leaving:
        leaving.execute("EXEC catalog.create_folder N'Missing'")
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as other:
        assert results(other, "SELECT COUNT(*) FROM catalog.folders") == [[(0,)]]


def test_an_open_transaction_sees_what_others_commit_meanwhile(ssisdb_emulator: SsisdbEmulator) -> None:
    odbc = ssisdb_emulator.odbc_connection_string
    with (
        closing(pyodbc.connect(odbc, autocommit=False)) as reader,
        closing(pyodbc.connect(odbc, autocommit=True)) as writer,
    ):
        assert results(reader, "SELECT COUNT(*) FROM catalog.folders") == [[(0,)]]
        results(writer, "EXEC catalog.create_folder N'New'")
        assert results(reader, "SELECT COUNT(*) FROM catalog.folders") == [[(1,)]]


def test_a_writer_waits_for_the_other_until_its_lock_timeout(ssisdb_emulator: SsisdbEmulator) -> None:
    odbc = ssisdb_emulator.odbc_connection_string
    with (
        closing(pyodbc.connect(odbc, autocommit=False)) as first,
        closing(pyodbc.connect(odbc, autocommit=True)) as second,
    ):
        results(first, "EXEC catalog.create_folder N'One'")
        with pytest.raises(pyodbc.Error, match="1222"):
            results(second, "SET LOCK_TIMEOUT 50; EXEC catalog.create_folder N'Two'")
        first.commit()
        results(second, "EXEC catalog.create_folder N'Two'")
        assert results(second, "SELECT COUNT(*) FROM catalog.folders") == [[(2,)]]


def test_a_second_session_gets_an_application_lock_when_the_first_gives_it_back(
    ssisdb_emulator: SsisdbEmulator,
) -> None:
    odbc = ssisdb_emulator.odbc_connection_string
    take = "DECLARE @r int; EXEC @r = sp_getapplock N'run', N'Exclusive', N'Session', {0}; SELECT @r"
    first = pyodbc.connect(odbc, autocommit=True)
    with closing(pyodbc.connect(odbc, autocommit=True)) as second:
        assert results(first, take.format(0)) == [[(0,)]]
        assert results(second, take.format(0)) == [[(-1,)]]
        granted: list[Any] = []
        waiting = threading.Thread(target=lambda: granted.append(results(second, take.format(-1))[0][0][0]))
        waiting.start()
        first.close()
        waiting.join(DEADLINE_SECONDS)
        # 1 after a wait, 0 where the first session had ended before the second asked.
        assert granted in ([0], [1])


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_prepared_statement_runs_again_with_other_values(ssisdb_emulator: SsisdbEmulator, autocommit: bool) -> None:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=autocommit)) as connection:
        cursor = connection.cursor()
        for number in range(5):
            assert cursor.execute("SELECT ? + 1, ?", number, "é").fetchone()[0] == number + 1


def test_print_reaches_the_client_as_a_message(connection: pyodbc.Connection) -> None:
    cursor = connection.execute("PRINT N'hello'")
    assert any("hello" in text for _, text in cursor.messages)


@given(text=st.text(st.sampled_from(list("SELECT FROM BEGIN END IF(),;'[]@x=1 \n--/*\"")), max_size=60))
def test_any_text_is_parsed_or_refused_with_an_error_of_sql_server(text: str) -> None:
    assert refusal(text) in {None, 102, 105, 113, 134, 137, 156, 2715, 40514}


@given(
    words=st.lists(
        st.sampled_from(
            """SELECT EXEC DECLARE SET IF ELSE WHILE BEGIN END TRY CATCH TRAN COMMIT ROLLBACK PRINT RETURN THROW RAISERROR
            WITH CASE WHEN THEN INSERT INTO UPDATE DELETE @a #t 'x' 1 = ( ) , ; + catalog.folders int""".split()
        ),
        max_size=25,
    )
)
def test_any_sequence_of_words_is_parsed_or_refused(words: list[str]) -> None:
    assert refusal(" ".join(words)) != 0


def refusal(text: str) -> int | None:
    """The number of the error with which a text is refused; None if it is parsed."""
    try:
        parse(text)
    except SqlError as error:
        return error.number
    return None


def test_a_table_of_a_declared_type_comes_through_python_tds(ssisdb_emulator: SsisdbEmulator) -> None:
    server = ssisdb_emulator
    packages = pytds.TableValuedParam(
        "catalog.Package_Table_Type",
        columns=(
            pytds.Column(type=pytds.tds_types.NVarCharType(260)),
            pytds.Column(type=pytds.tds_types.VarBinaryMaxType()),
        ),
        rows=[("a.dtsx", b"x"), ("b.dtsx", None)],
    )
    with closing(
        pytds.connect(server.host, "SSISDB", server.user, server.password, port=server.port, autocommit=True)
    ) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT name, package_data FROM %s", (packages,))
        assert cursor.fetchall() == [("a.dtsx", b"x"), ("b.dtsx", None)]


def test_a_table_of_a_declared_type_comes_through_pyodbc(connection: pyodbc.Connection) -> None:
    packages = ["Package_Table_Type", "catalog", ("a.dtsx", b"x"), ("b.dtsx", b"yy")]
    assert results(connection, "SELECT name, package_data FROM ?", (packages,)) == [
        [("a.dtsx", b"x"), ("b.dtsx", b"yy")]
    ]


def test_a_table_of_an_unknown_type_is_refused(ssisdb_emulator: SsisdbEmulator) -> None:
    server = ssisdb_emulator
    ids = pytds.TableValuedParam(
        "catalog.NoSuchType", columns=(pytds.Column(type=pytds.tds_types.IntType()),), rows=[(1,)]
    )
    with (
        closing(pytds.connect(server.host, port=server.port, user=server.user, password=server.password)) as connection,
        pytest.raises(pytds.Error, match=r"cannot find the data type catalog\.NoSuchType"),
    ):
        connection.cursor().execute("SELECT * FROM %s", (ids,))
