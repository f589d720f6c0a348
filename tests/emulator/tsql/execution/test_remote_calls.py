"""Remote procedure calls with values that their types do not have."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.session import Message, Rows, RpcParameter, RpcRequest
from tests.support.tsql_session import tsql_server


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
