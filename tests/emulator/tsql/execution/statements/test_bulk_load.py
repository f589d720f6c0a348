"""Bulk loads: the rows get into the table, or none of them does."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.session import BulkDataInvalid, BulkRows
from airflow_provider_ssis.emulator.tsql.execution.session import TsqlSession
from tests.support.bulk_messages import message, parts
from tests.support.tsql_session import Answer, answer, collect, tsql_server

T = """CREATE TABLE t (id int IDENTITY(10, 10) CONSTRAINT pk PRIMARY KEY, name nvarchar(5) NOT NULL,
    amount decimal(9, 2), made datetime2(3) DEFAULT '2024-01-01', CONSTRAINT ck CHECK (amount > 0))"""
PLAIN = "CREATE TABLE t (a int NOT NULL, b varchar(5), c decimal(9, 2))"
NAME_AMOUNT = "INSERT BULK t (name nvarchar(5), amount decimal(9, 2))"


def columns(*types: str) -> list[Column]:
    return [Column(f"c{place}", SqlType.parse(text)) for place, text in enumerate(types)]


async def load(session: TsqlSession, data: bytes, size: int = 1 << 20) -> Answer:
    found = Answer()
    async for event in session.bulk(parts(data, size)):
        collect(found, event)
    return found


def loaded(
    table: str, statement: str, types: Sequence[str], rows: Sequence[tuple[Any, ...]], *, before: str = "", query: str
) -> tuple[Answer, list[tuple[Any, ...]]]:
    """Load rows into a new table.

    :param before: run before INSERT BULK.
    :param query: run afterwards, for the rows.
    """

    async def run() -> tuple[Answer, list[tuple[Any, ...]]]:
        async with tsql_server() as server:
            session = await server.session()
            try:
                for text in ("CREATE DATABASE Shop", f"USE Shop; {table}", before, statement):
                    assert (await answer(session, text)).errors == []
                found = await load(session, message(columns(*types), rows), 50)
                return found, (await answer(session, query)).results[0]
            finally:
                await session.close()

    return asyncio.run(run())


LOADS: dict[str, tuple[Any, ...]] = {
    "rows of the types of the columns": (
        *(
            PLAIN,
            "INSERT BULK t (a int, b varchar(5), c decimal(9, 2)) WITH (TABLOCK, ROWS_PER_BATCH = 5, ORDER (a ASC))",
        ),
        *(["int", "varchar(5)", "decimal(9,2)"], [(n, "x" * (n % 6), Decimal(n)) for n in range(100)]),
        [(n, "x" * (n % 6), Decimal(n)) for n in range(100)],
    ),
    "columns in another order, and one without values": (
        *(PLAIN, "insert bulk dbo.t ([C] decimal(9, 2), [a] int)", ["decimal(9,2)", "int"]),
        *([(None, 1), (Decimal(2), 2)], [(1, None, None), (2, None, Decimal(2))]),
    ),
    "values of other types": (
        *(PLAIN, "INSERT BULK t (a int, b varchar(5), c decimal(9, 2))", ["nvarchar(9)", "nvarchar(9)", "float"]),
        *([("1", "é€", 2.5)], [(1, "é€", Decimal("2.50"))]),
    ),
    "IDENTITY and DEFAULT": (
        *(T, NAME_AMOUNT, ["nvarchar(5)", "decimal(9,2)"], [("a", Decimal(1)), ("b", None)]),
        [(10, "a", Decimal(1), dt.datetime(2024, 1, 1)), (20, "b", None, dt.datetime(2024, 1, 1))],
    ),
    "NULL becomes the DEFAULT": (
        *(T, "INSERT BULK t (name nvarchar(5), made datetime2(3))", ["nvarchar(5)", "datetime2(3)"]),
        *([("a", None)], [(10, "a", None, dt.datetime(2024, 1, 1))]),
    ),
    "KEEP_NULLS, and CHECK is not checked": (
        *(T, "INSERT BULK t (name nvarchar(5), amount decimal(9,2), made datetime2(3)) WITH (KEEP_NULLS)"),
        *(["nvarchar(5)", "decimal(9,2)", "datetime2(3)"], [("a", Decimal(-1), None)], [(10, "a", Decimal(-1), None)]),
    ),
    "values for the column with IDENTITY": (
        *("CREATE TABLE t (id int IDENTITY PRIMARY KEY, b varchar(5))", "INSERT BULK t (id int, b varchar(5))"),
        *(["int", "varchar(5)"], [(7, "a"), (3, "b")], [(3, "b"), (7, "a")]),
    ),
    "a temporary table": (
        *("CREATE TABLE #t (a int, b varchar(5) DEFAULT 'd')", "INSERT BULK #t (a int)", ["int"], [(1,), (2,)]),
        [(1, "d"), (2, "d")],
    ),
}


@pytest.mark.parametrize("name", LOADS)
def test_load(name: str) -> None:
    table, statement, types, rows, expected = LOADS[name]
    source = "#t" if "#t" in table else "t"
    found, read = loaded(table, statement, types, rows, query=f"SELECT * FROM {source} ORDER BY 1")
    assert (found.errors, found.counts) == ([], [len(rows)])
    assert read == expected


def test_identity_goes_on_after_given_and_after_generated_values() -> None:
    table = "CREATE TABLE t (id int IDENTITY PRIMARY KEY, b varchar(5))"
    found, read = loaded(
        table, "INSERT BULK t (id int)", ["int"], [(5,)], query="INSERT t (b) VALUES ('x'); SELECT id FROM t ORDER BY 1"
    )
    assert found.errors == []
    assert read == [(5,), (6,)]
    _, read = loaded(
        *(table, "INSERT BULK t (b varchar(5))", ["varchar(5)"], [("a",), ("b",)]),
        query="INSERT t (b) VALUES ('x'); SELECT id FROM t ORDER BY 1",
    )
    assert read == [(1,), (2,), (3,)]


KEY = "CREATE TABLE t (a int PRIMARY KEY, b varchar(5), c decimal(9, 2)); INSERT t VALUES (1, 'x', 1)"
CHILD = "CREATE TABLE p (id int PRIMARY KEY); INSERT p VALUES (1); CREATE TABLE t (a int REFERENCES p (id))"
ERRORS: dict[str, tuple[Any, ...]] = {
    "NULL": (PLAIN, "INSERT BULK t (a int)", ["int"], [(1,), (None,)], 515),
    "NULL in a column without a value": (PLAIN, "INSERT BULK t (b varchar(5))", ["varchar(5)"], [("x",)], 515),
    "NULL after a conversion": (PLAIN, "INSERT BULK t (a int)", ["nvarchar(5)"], [(None,)], 515),
    "longer than announced": (
        PLAIN,
        "INSERT BULK t (a int, b varchar(5))",
        ["int", "varchar(9)"],
        [(1, "123456")],
        4815,
    ),
    "longer than the column": (
        PLAIN,
        "INSERT BULK t (a int, b varchar(9))",
        ["int", "varchar(9)"],
        [(1, "123456")],
        2628,
    ),
    "longer than the column, with a conversion": (
        *(PLAIN, "INSERT BULK t (a int, b nvarchar(9))", ["int", "nvarchar(9)"], [(1, "123456")], 2628),
    ),
    "not a number": (PLAIN, "INSERT BULK t (a int)", ["varchar(5)"], [("x",)], 245),
    "too large": (PLAIN, "INSERT BULK t (a int)", ["bigint"], [(2**40,)], 8115),
    "a key twice among the rows": (KEY, "INSERT BULK t (a int)", ["int"], [(2,), (2,)], 2627),
    "a key that is there": (KEY, "INSERT BULK t (a int)", ["int"], [(2,), (1,)], 2627),
    "a key twice, with a conversion": (KEY, "INSERT BULK t (a int)", ["nvarchar(5)"], [("2",), ("1",)], 2627),
    "a unique index": (
        *(f"{PLAIN}; CREATE UNIQUE INDEX u ON t (b)", "INSERT BULK t (a int, b varchar(5))", ["int", "varchar(5)"]),
        *([(1, "a"), (2, "A ")], 2601),
    ),
    "CHECK": (T, f"{NAME_AMOUNT} WITH (CHECK_CONSTRAINTS)", ["nvarchar(5)", "decimal(9,2)"], [("a", Decimal(-1))], 547),
    "FOREIGN KEY": (CHILD, "INSERT BULK t (a int) WITH (CHECK_CONSTRAINTS, FIRE_TRIGGERS)", ["int"], [(1,), (2,)], 547),
    "fewer columns than announced": (PLAIN, "INSERT BULK t (a int, b varchar(5))", ["int"], [(1,)], 4816),
}


@pytest.mark.parametrize("in_transaction", [False, True])
@pytest.mark.parametrize("name", ERRORS)
def test_a_row_with_an_error_leaves_nothing(name: str, in_transaction: bool) -> None:
    table, statement, types, rows, number = ERRORS[name]
    good = [rows[0]] * 30 if len(rows) > 1 and "key" not in name and "unique" not in name else []
    before = "BEGIN TRAN; CREATE TABLE other (a int); INSERT other VALUES (1)" if in_transaction else ""
    query = "SELECT COUNT(*), (SELECT COUNT(*) FROM sys.tables WHERE name = 'other'), @@TRANCOUNT FROM t"
    found, read = loaded(table, statement, types, [*good, *rows], before=before, query=query)
    assert found.numbers == [number], found.errors
    # A value that does not convert rolls the transaction back.
    kept = int(in_transaction and number != 245)
    assert read == [(int("INSERT t" in table), kept, kept)]


def test_a_load_in_a_transaction_is_rolled_back_with_it_and_repeated_after_an_error() -> None:
    rows = [(n, None, None) for n in range(50)]
    found, read = loaded(
        *(PLAIN, "INSERT BULK t (a int, b varchar(5), c decimal(9, 2))", ["int", "varchar(5)", "decimal(9,2)"], rows),
        before="BEGIN TRAN",
        query="""SET NOCOUNT ON; BEGIN TRY; INSERT t VALUES (1, 'too long', 1); END TRY BEGIN CATCH END CATCH
        DECLARE @kept int = (SELECT COUNT(*) FROM t); ROLLBACK; SELECT @kept, COUNT(*), @@TRANCOUNT FROM t""",
    )
    assert found.errors == []
    assert read == [(50, 0, 0)]


def test_what_is_refused_before_the_rows_come() -> None:
    async def run() -> list[list[int]]:
        async with tsql_server() as server:
            session, guest = await server.session(), await server.session("guest")
            texts = [
                "INSERT BULK Shop..nowhere (a int)",
                "INSERT BULK Shop..t (nope int)",
                "INSERT BULK Shop..t (a int, A int)",
                "INSERT BULK Shop..t (a int) WITH (IGNORE_DUP_KEY)",
            ]
            await answer(session, "CREATE DATABASE Shop; CREATE TABLE Shop..t (a int)")
            found = [(await answer(session, text)).numbers for text in texts]
            found += [(await answer(guest, "INSERT BULK Shop..t (a int)")).numbers]
            found += [(await load(session, message(columns("int"), [(1,)]))).numbers]
            await session.close()
            await guest.close()
            return found

    assert asyncio.run(run()) == [[208], [207], [264], [40514], [916], [4002]]


def test_a_load_that_the_client_breaks_off_leaves_nothing() -> None:
    async def broken(data: bytes) -> AsyncIterator[BulkRows]:
        async for part in parts(data, 50):
            yield part
        raise BulkDataInvalid("the client cancelled it")

    async def run() -> tuple[Answer, Answer]:
        async with tsql_server() as server:
            session = await server.session()
            await answer(session, "CREATE DATABASE Shop; CREATE TABLE Shop..t (a int)")
            await answer(session, "INSERT BULK Shop..t (a int)")
            found = Answer()
            async for event in session.bulk(broken(message(columns("int"), [(n,) for n in range(100)]))):
                collect(found, event)
            after = await answer(session, "SELECT COUNT(*) FROM Shop..t")
            await session.close()
            return found, after

    found, after = asyncio.run(run())
    assert found.numbers == [4816]
    assert after.results == [[(0,)]]
