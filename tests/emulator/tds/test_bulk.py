"""The decoder of bulk loads: all types, NULLs, rows with a bitmap, messages in parts, and broken ones."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import struct
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.session import BulkRows
from airflow_provider_ssis.emulator.tds.bulk import BulkDecoder
from airflow_provider_ssis.emulator.tds.packets import ProtocolError
from tests.support.bulk_messages import DONE, message, parts

GUID = UUID("6F9619FF-8B86-D011-B42D-00C04FC964FF")
INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
VALUES: dict[str, list[Any]] = {
    "bit": [True, False],
    "tinyint": [0, 255],
    "smallint": [-(2**15), 2**15 - 1],
    "int": [-(2**31), 2**31 - 1],
    "bigint": [-(2**63), 2**63 - 1],
    "real": [1.5, -0.25],
    "float": [1e300, -1e-300],
    "decimal(5, 2)": [Decimal("-999.99"), Decimal("0.01")],
    "decimal(38, 10)": [Decimal("-1234567890123456789012345678.0123456789"), Decimal(0)],
    "numeric(19)": [Decimal(9999999999999999999), Decimal(-1)],
    "money": [Decimal("-922337203685477.5808"), Decimal("0.0001")],
    "smallmoney": [Decimal("214748.3647"), Decimal("-0.0001")],
    "date": [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "time(7)": [dt.time(23, 59, 59, 999999), dt.time(0)],
    "time(2)": [dt.time(1, 2, 3, 450000), dt.time(0)],
    "datetime": [dt.datetime(1753, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 997000)],
    "smalldatetime": [dt.datetime(1900, 1, 1), dt.datetime(2079, 6, 6, 23, 59)],
    "datetime2(7)": [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)],
    "datetime2(0)": [dt.datetime(1969, 12, 31, 23, 59, 59), dt.datetime(2024, 2, 29)],
    "datetimeoffset(4)": [dt.datetime(2024, 1, 1, 1, 2, 3, 450000, tzinfo=INDIA), dt.datetime(2, 1, 1, tzinfo=dt.UTC)],
    "uniqueidentifier": [GUID, UUID(int=1)],
    "varchar(20)": ["abc", "ä€ü"],
    "char(3)": ["abc", "é  "],
    "nvarchar(20)": ["Zoë 😀 €", "", "plain"],
    "nchar(2)": ["ab", "ü "],
    "varchar(max)": ["x" * 70_000, "€"],
    "nvarchar(max)": ["ä" * 40_000, ""],
    "varbinary(20)": [b"\0\xff", b""],
    "binary(2)": [b"ab", b"\0\0"],
    "varbinary(max)": [bytes(range(256)) * 300, b""],
}


def python(type_: SqlType, value: Any) -> Any:
    """A value of an Arrow array as the protocol's value."""
    if value is None:
        return None
    if type_.name == "uniqueidentifier":
        return UUID(value)
    if type_.name == "datetimeoffset":
        zone = dt.timezone(dt.timedelta(minutes=value["minutes"]))
        return (EPOCH + dt.timedelta(microseconds=value["us"])).astimezone(zone)
    return value


def rows_of(data: bytes, size: int = 1 << 20) -> list[tuple[Any, ...]]:
    async def read() -> list[BulkRows]:
        return [part async for part in parts(data, size)]

    found = []
    for part in asyncio.run(read()):
        columns = [
            [python(column.type, value) for value in array.to_pylist()]
            for column, array in zip(part.columns, part.arrays, strict=True)
        ]
        found += list(zip(*columns, strict=True))
        assert part.count == len(columns[0])
    return found


@pytest.mark.parametrize("with_bitmap", [False, True])
@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize("name", VALUES)
def test_type(name: str, nullable: bool, with_bitmap: bool) -> None:
    column = Column("c", SqlType.parse(name), nullable)
    rows = [(value,) for value in (VALUES[name] * 2 if not nullable else [None, *VALUES[name], None])]
    assert rows_of(message([column], rows, with_bitmap=with_bitmap)) == rows


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_a_message_may_be_cut_anywhere(size: int) -> None:
    draw = random.Random(size)
    columns = [Column(f"c{place}", SqlType.parse(name)) for place, name in enumerate(VALUES) if "max" not in name]
    columns.append(Column("long", SqlType.parse("nvarchar(max)")))
    values = [*[VALUES[name] for name in VALUES if "max" not in name], ["ä" * 300, ""]]
    rows = [tuple(draw.choice([None, *choices]) for choices in values) for _ in range(5)]
    assert rows_of(message(columns, rows), size) == rows
    assert rows_of(message(columns, rows, with_bitmap=True), size) == rows


def test_the_longest_text_counts_as_nchar_counts() -> None:
    columns = [Column("a", SqlType.parse("nvarchar(9)")), Column("b", SqlType.parse("varchar(9)"))]
    part = BulkDecoder().rows(message(columns, [("😀a", "ää"), ("", "")]), last=True)
    assert part is not None
    assert part.longest == (3, 2)


def test_a_message_without_rows() -> None:
    part = BulkDecoder().rows(message([Column("a", SqlType("int"))], []), last=True)
    assert part is not None
    assert (part.count, part.columns[0].name, len(part.arrays[0])) == (0, "a", 0)


INT = message([Column("a", SqlType("int"))], [])[: -len(DONE)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\x02",
        b"\x81\x00\x00",
        INT + b"\xd1\x04\x01",
        INT + b"\xd1\x03\x01\x02\x03" + DONE,
        INT + b"\x99" + DONE,
        INT + DONE + DONE,
        message([Column("a", SqlType("sql_variant"))], []),
        message([Column("a", SqlType("date"))], [])[: -len(DONE)] + b"\xd1\x03\xff\xff\xff" + DONE,
        message([Column("a", SqlType("float"))], [])[: -len(DONE)]
        + b"\xd1\x08"
        + struct.pack("<d", float("nan"))
        + DONE,
        message([Column("a", SqlType.parse("decimal(2)"))], [])[: -len(DONE)] + b"\xd1\x05\x01\x64\0\0\0" + DONE,
        message([Column("a", SqlType.parse("nvarchar(9)"))], [])[: -len(DONE)] + b"\xd1\x03\x00abc" + DONE,
        message([Column("a", SqlType.parse("nvarchar(9)"))], [])[: -len(DONE)] + b"\xd1\x02\x00\x00\xd8" + DONE,
        message([Column("a", SqlType.parse("time(0)"))], [])[: -len(DONE)] + b"\xd1\x03\x80\x51\x01" + DONE,
    ],
)
def test_broken_messages(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        BulkDecoder().rows(data, last=True)
