"""Remote procedure calls with values that their types do not have."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ssis.emulator.datatypes import INT, NVARCHAR_MAX, Column, SqlType, TableValue
from airflow_provider_ssis.emulator.session import Message, ReturnValue, Rows, RpcParameter, RpcRequest
from tests.support.tsql_session import answer, answers, tsql_server


async def _numbers_and_rows(type_text: str, value: Any) -> tuple[list[int], list[Any]]:
    async with tsql_server() as server:
        session = await server.session()
        request = RpcRequest(
            "sp_executesql",
            (
                RpcParameter("", NVARCHAR_MAX, "SELECT @p FROM (VALUES (1)) v (n)"),
                RpcParameter("", NVARCHAR_MAX, f"@p {type_text}"),
                RpcParameter("@p", SqlType.parse(type_text), value),
            ),
        )
        events = [event async for event in session.call(request)]
        await session.close()
    numbers = [event.number for event in events if isinstance(event, Message)]
    return numbers, [row[0] for event in events if isinstance(event, Rows) for row in event.rows]


@pytest.mark.parametrize(
    ("type_text", "value"),
    [
        ("decimal(38, 0)", Decimal(10) ** 38),
        ("decimal(38, 38)", Decimal(1)),
        ("decimal(5, 2)", Decimal("99999.99")),
        ("decimal(38, 0)", Decimal("NaN")),
        ("money", Decimal(10) ** 30),
        ("float", float("inf")),
        ("real", float("nan")),
    ],
)
def test_a_value_beyond_its_type_is_error_8023(type_text: str, value: Any) -> None:
    assert asyncio.run(_numbers_and_rows(type_text, value)) == ([8023], [])


@pytest.mark.parametrize(
    ("type_text", "value"),
    [
        ("decimal(38, 0)", Decimal("9" * 38)),
        ("decimal(38, 38)", Decimal("0." + "9" * 38)),
        ("money", Decimal("922337203685477.5807")),
        ("float", 1.7976931348623157e308),
    ],
)
def test_the_largest_value_of_a_type_comes_back(type_text: str, value: Any) -> None:
    assert asyncio.run(_numbers_and_rows(type_text, value)) == ([], [value])


def test_half_of_a_surrogate_pair_is_not_supported_in_a_query_with_from() -> None:
    assert asyncio.run(_numbers_and_rows("nvarchar(10)", "\ud83d")) == ([40514], [])


async def _handles(*calls: tuple[str, Any]) -> tuple[list[Any], int]:
    """The answers of prepared statements, and how many of them the session keeps.

    :param calls: a procedure and the handle to give, as the place of the call that has returned it; None for none.
    """
    rows: list[Any] = []
    handles: list[int] = []
    async with tsql_server() as server:
        session = await server.session()
        for number, (procedure, place) in enumerate(calls):
            handle = RpcParameter("", INT, None if place is None else handles[place], output=True)
            texts = (RpcParameter("", NVARCHAR_MAX, "@p int"), RpcParameter("", NVARCHAR_MAX, f"SELECT @p + {number}0"))
            value = RpcParameter("@p", INT, 1)
            given = {"sp_prepexec": (handle, *texts, value), "sp_prepare": (handle, *texts)}
            request = RpcRequest(procedure, given.get(procedure, (handle, value)))
            if procedure == "sp_unprepare":
                handle = RpcParameter("", INT, handle.value)
                request = RpcRequest(procedure, (handle,))
            for event in [event async for event in session.call(request)]:
                match event:
                    case ReturnValue(ordinal=0, value=int(new)):
                        handles.append(new)
                    case Rows(found):
                        rows += [row[0] for row in found]
                    case Message(refused):
                        rows.append(f"error {refused}")
        kept = session.state.prepared_statements
        await session.close()
    return rows, kept


@pytest.mark.parametrize(
    ("calls", "answers", "kept"),
    [
        ([("sp_prepexec", None)] * 3, [1, 11, 21], 3),
        ([("sp_prepexec", None), ("sp_prepexec", 0), ("sp_prepexec", 1)], [1, 11, 21], 1),
        ([("sp_prepare", None), ("sp_prepare", 0), ("sp_execute", 1)], [11], 1),
        ([("sp_prepexec", None), ("sp_prepexec", 0), ("sp_execute", 0)], [1, 11, "error 8179"], 1),
        ([("sp_prepexec", None), ("sp_unprepare", 0), ("sp_prepexec", 0)], [1, 21], 1),
    ],
)
def test_a_statement_that_replaces_another_one_frees_its_handle(
    calls: list[tuple[str, Any]], answers: list[Any], kept: int
) -> None:
    assert asyncio.run(_handles(*calls)) == (answers, kept)


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (SqlType("", schema="dbo"), [(2, "b")]),
        (SqlType("Ids", schema="dbo"), [(2, "b")]),
        (SqlType("Others", schema="dbo"), [206]),
    ],
)
def test_a_table_valued_parameter_of_a_clients_procedure(type_: SqlType, expected: Any) -> None:
    """ODBC sends the rows of a call without the name of their type."""

    async def run() -> list[Any]:
        async with tsql_server() as server:
            session = await server.session()
            await answer(session, "CREATE DATABASE Shop; USE Shop; CREATE TYPE Ids AS TABLE (id int, v varchar(5))")
            await answer(session, "CREATE TYPE Others AS TABLE (id int, v varchar(5))")
            await answer(session, "CREATE PROC take @rows Ids READONLY AS SELECT COUNT(*), MAX(v) FROM @rows")
            columns = (Column("", INT), Column("", SqlType("nvarchar", length=5)))
            rows = TableValue(columns, ((1, "a"), (2, "b")))
            events = [each async for each in session.call(RpcRequest("take", (RpcParameter("@rows", type_, rows),)))]
            await session.close()
            return events

    events = asyncio.run(run())
    found = [row for event in events if isinstance(event, Rows) for row in event.rows]
    numbers = [event.number for event in events if isinstance(event, Message)]
    assert (found or numbers) == expected


def test_the_table_type_of_an_argument_is_described() -> None:
    """ODBC asks for it before it sends the rows of ``EXEC take ?``."""
    described = answers(
        "CREATE DATABASE Shop; USE Shop; CREATE TYPE Ids AS TABLE (id int)",
        "CREATE PROC take @rows Ids READONLY, @n int AS SELECT COUNT(*) FROM @rows",
        "EXEC sp_describe_undeclared_parameters N'EXEC take @P1, @P2'",
    )[2]
    rows = [dict(zip(described.columns[0], row, strict=True)) for row in described.results[0]]
    names = ("suggested_system_type_id", "suggested_user_type_schema", "suggested_user_type_name")
    assert [tuple(row[name] for name in names) for row in rows] == [(243, "dbo", "Ids"), (56, None, None)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (((1, "a"), (1, "b")), 2627),
        (((1, "a"), (2, "A")), 2601),
        (((1, "abcd"),), 2628),
        (((1, "a"), (2, "-"), (3, "-")), None),
    ],
)
def test_a_table_valued_parameter_obeys_the_keys_and_lengths_of_its_type(rows: Any, expected: int | None) -> None:
    async def run() -> list[Any]:
        async with tsql_server() as server:
            session = await server.session()
            keyed = "TABLE (id int PRIMARY KEY, v varchar(3), INDEX u UNIQUE (v) WHERE v <> '-')"
            await answer(session, f"CREATE DATABASE Shop; USE Shop; CREATE TYPE Ids AS {keyed}")
            await answer(session, "CREATE PROC take @rows Ids READONLY AS SELECT COUNT(*), MAX(v) FROM @rows")
            value = TableValue((Column("", INT), Column("", SqlType("nvarchar", length=9))), rows)
            parameter = RpcParameter("@rows", SqlType("Ids", schema="dbo"), value)
            events = [each async for each in session.call(RpcRequest("take", (parameter,)))]
            await session.close()
            return events

    numbers = [event.number for event in asyncio.run(run()) if isinstance(event, Message)]
    assert numbers == ([] if expected is None else [expected])


def test_a_table_valued_parameter_of_dynamic_sql_without_rows() -> None:
    """A driver sends DEFAULT for it."""

    async def run() -> list[Any]:
        async with tsql_server() as server:
            session = await server.session()
            await answer(session, "CREATE DATABASE Shop; USE Shop; CREATE TYPE Ids AS TABLE (id int)")
            texts = [RpcParameter("", NVARCHAR_MAX, text) for text in ("SELECT COUNT(*) FROM @p", "@p Ids READONLY")]
            empty = RpcParameter("@p", SqlType("Ids", schema="dbo"), None, default=True)
            events = [each async for each in session.call(RpcRequest("sp_executesql", (*texts, empty)))]
            await session.close()
            return events

    assert [row for event in asyncio.run(run()) if isinstance(event, Rows) for row in event.rows] == [(0,)]


def test_a_procedure_that_leaves_a_transaction_open_is_error_266() -> None:
    async def run() -> list[Any]:
        async with tsql_server() as server:
            session = await server.session()
            await answer(session, "CREATE DATABASE Shop; USE Shop")
            await answer(session, "CREATE PROC opens AS BEGIN TRAN")
            events = [each async for each in session.call(RpcRequest("opens", ()))]
            await session.close()
            return events

    assert [event.number for event in asyncio.run(run()) if isinstance(event, Message)] == [266]
