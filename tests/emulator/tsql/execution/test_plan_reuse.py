"""A text that runs again gives what it would give the first time: nothing that was kept of the first run shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import closing
from random import Random
from typing import Any

import pyodbc
import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.emulator.ssisdb import declare
from airflow_provider_ssis.emulator.tsql.execution.session import TsqlSession
from airflow_provider_ssis.emulator.tsql.language.parser import PARSED
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import MOST_STATEMENTS, STATEMENTS
from tests.support.mart import MART
from tests.support.random_batches import SETUP, Batches
from tests.support.tsql_session import answer, tsql_server

EXPRESSIONS = 80
VOLATILE = re.compile(r"DATE\(\)|DATETIME\(\)|UTC|SYSDATE|CURRENT_|NEWID|NEWSEQUENTIALID|RAND|SPID", re.IGNORECASE)
PASSWORD = "r3ader-s3cret"


@pytest.fixture
def connection(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        yield connection


@pytest.fixture
def other(ssisdb_emulator: SsisdbEmulator) -> Iterator[pyodbc.Connection]:
    with closing(pyodbc.connect(ssisdb_emulator.odbc_connection_string, autocommit=True)) as connection:
        yield connection


def rows(connection: pyodbc.Connection, text: str, *values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text, *values).fetchall()]


def test_a_temporary_table_of_the_same_name_has_other_columns(
    connection: pyodbc.Connection, other: pyodbc.Connection
) -> None:
    query = "SELECT * FROM #t ORDER BY 1"
    connection.execute("CREATE TABLE #t (a int, b nvarchar(10)); INSERT INTO #t VALUES (1, N'x')")
    other.execute("CREATE TABLE #t (c decimal(5, 2)); INSERT INTO #t VALUES (1.5), (0.5)")
    for _ in range(2):
        assert rows(connection, query) == [(1, "x")]
        assert [str(c) for (c,) in rows(other, query)] == ["0.50", "1.50"]
    connection.execute("DROP TABLE #t; CREATE TABLE #t (b date)")
    assert rows(connection, query) == []
    connection.execute("DROP TABLE #t")
    with pytest.raises(pyodbc.Error, match="Invalid object name '#t'"):
        rows(connection, query)


def test_a_table_variable_of_the_same_name_has_other_columns(connection: pyodbc.Connection) -> None:
    for columns, value, expected in (("a int", "1", 1), ("a nvarchar(5)", "N'é'", "é"), ("a bit", "1", True)):
        text = f"SET NOCOUNT ON; DECLARE @t TABLE ({columns}); INSERT INTO @t VALUES ({value}); SELECT * FROM @t"
        for _ in range(2):
            assert rows(connection, text) == [(expected,)]


def test_a_parameter_of_another_type_gives_another_result(connection: pyodbc.Connection) -> None:
    for _ in range(2):
        assert rows(connection, "SELECT ? + ?", 1, 2) == [(3,)]
        assert rows(connection, "SELECT ? + ?", "1", "2") == [("12",)]


def test_options_and_state_of_the_session_are_read_in_each_run(
    connection: pyodbc.Connection, other: pyodbc.Connection
) -> None:
    rowcount = "SELECT * FROM (VALUES (1), (2), (3)) AS t (n)"
    first_day = "SELECT DATEPART(weekday, CAST('2026-11-29' AS date)), @@SPID, DB_NAME()"
    for _ in range(2):
        assert len(rows(connection, rowcount)) == 3
        [(day, spid, database)] = rows(connection, first_day)
        connection.execute("SET ROWCOUNT 2; SET DATEFIRST 1; USE master")
        assert len(rows(connection, rowcount)) == 2
        assert rows(connection, first_day) == [(7, spid, "master")]
        assert rows(other, first_day) != [(day, spid, database)]
        connection.execute("SET ROWCOUNT 0; SET DATEFIRST 7; USE SSISDB")


def test_a_rolled_back_table_is_unknown_to_the_same_text(connection: pyodbc.Connection) -> None:
    connection.execute("BEGIN TRANSACTION; CREATE TABLE #r (a int); INSERT INTO #r VALUES (5)")
    assert rows(connection, "SELECT a FROM #r") == [(5,)]
    connection.execute("ROLLBACK")
    with pytest.raises(pyodbc.Error, match="Invalid object name '#r'"):
        rows(connection, "SELECT a FROM #r")


@pytest.mark.parametrize("undo", ["ROLLBACK", "ROLLBACK TRANSACTION before"])
def test_a_table_that_was_dropped_is_there_again_after_the_rollback(connection: pyodbc.Connection, undo: str) -> None:
    connection.execute("CREATE TABLE #d (a int); INSERT INTO #d VALUES (5)")
    connection.execute("BEGIN TRANSACTION; SAVE TRANSACTION before; DROP TABLE #d; CREATE TABLE #e (a int)")
    connection.execute(undo)
    assert rows(connection, "SELECT a FROM #d") == [(5,)]
    with pytest.raises(pyodbc.Error, match="Invalid object name '#e'"):
        rows(connection, "SELECT a FROM #e")


@pytest.mark.slow
def test_some_columns_of_a_view_are_those_of_all_its_columns(ssisdb_emulator: SsisdbEmulator) -> None:
    """For an administrator, and for a login that sees only some rows."""
    server = ssisdb_emulator
    server.add_login("operator", PASSWORD)
    with closing(pyodbc.connect(server.odbc_connection_string, autocommit=True)) as admin:
        admin.execute("EXEC catalog.create_folder N'Sales'")
        admin.execute("EXEC catalog.deploy_project N'Sales', N'Mart', ?", MART)
        admin.execute(
            "DECLARE @id bigint; EXEC catalog.create_execution N'Sales', N'Mart', N'Load.dtsx', @execution_id = @id"
            " OUTPUT; EXEC catalog.set_execution_parameter_value @id, 50, N'SYNCHRONIZED', 1;"
            " EXEC catalog.start_execution @id"
        )
        stranger = server.odbc_connection_string.replace(f"UID={server.user}", "UID=operator").replace(
            f"PWD={server.password}", f"PWD={PASSWORD}"
        )
        assert stranger != server.odbc_connection_string
        with closing(pyodbc.connect(stranger, autocommit=True)) as operator:
            for connection in (admin, operator):
                for name, view in declare.VIEWS.items():
                    # pyodbc reads neither of the two types.
                    names = [
                        column.name
                        for column in view.columns
                        if column.type.name not in ("sql_variant", "datetimeoffset")
                    ]
                    whole = rows(connection, f"SELECT {', '.join(names)} FROM catalog.{name}")
                    assert rows(connection, f"SELECT COUNT(*) FROM catalog.{name}") == [(len(whole),)]
                    # Every column is once among the columns that are read, and once among those that are not.
                    for first in (0, 1):
                        part = rows(connection, f"SELECT {', '.join(names[first::2] or names)} FROM catalog.{name}")
                        expected = [row[first::2] if names[first::2] else row for row in whole]
                        assert sorted(map(repr, part)) == sorted(map(repr, expected)), name


async def _outcomes(session: TsqlSession, texts: list[str]) -> list[str]:
    return [repr(await answer(session, text)) for text in texts]


async def _compare(seed: int) -> None:
    batches = Batches(Random(seed))
    texts = [text for _ in range(EXPRESSIONS) if not VOLATILE.search(text := batches.expression())]
    async with tsql_server() as server:
        first, second = await server.session(), await server.session()
        for session in (first, second):
            await answer(session, SETUP.replace("NEWID()", "CAST(0x01 AS uniqueidentifier)"))
        expected = await _outcomes(first, texts)
        assert await _outcomes(first, texts) == expected
        assert await _outcomes(second, texts) == expected
        PARSED.clear()
        STATEMENTS.clear()
        server.engine.compiler.forget()
        assert await _outcomes(second, texts) == expected
        await first.close()
        await second.close()


@pytest.mark.parametrize("seed", range(2))
def test_a_random_query_gives_the_same_with_and_without_what_was_kept(seed: int) -> None:
    asyncio.run(_compare(seed))


def test_few_texts_are_kept(connection: pyodbc.Connection) -> None:
    for number in range(3):
        rows(connection, f"SELECT status FROM catalog.executions WHERE execution_id = {number} AND status = {number}")
    assert 0 < len(STATEMENTS) <= MOST_STATEMENTS
