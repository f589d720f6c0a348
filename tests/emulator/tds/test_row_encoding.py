"""Rows that are encoded all at once have the bytes of rows that are encoded one after the other."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.session import BulkRows
from airflow_provider_ssis.emulator.tds.bulk import BulkDecoder
from airflow_provider_ssis.emulator.tds.row_encoding import encoded
from tests.emulator.tds.test_bulk import VALUES
from tests.support.bulk_messages import DONE, message


def arrays_of(part: BulkRows | None) -> list[Any]:
    """The arrays of a bulk load as DuckDB returns them, with hyphens in a uniqueidentifier."""
    assert part is not None
    return [
        pa.array([None if value is None else str(UUID(value)) for value in array.to_pylist()])
        if column.type.name == "uniqueidentifier"
        else array
        for column, array in zip(part.columns, part.arrays, strict=True)
    ]


def rows_only(data: bytes) -> bytes:
    """The rows of a message, without its metadata."""
    return data.removesuffix(DONE)


@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize("name", VALUES)
def test_type(name: str, nullable: bool) -> None:
    columns = [Column("a", SqlType.parse(name), nullable), Column("b", SqlType.parse("nvarchar(9)"))]
    values = VALUES[name] if not nullable else [None, *VALUES[name], None]
    rows = [(value, f"ä{place}" if place % 2 else None) for place, value in enumerate(values)]
    data = message(columns, rows)
    arrays = arrays_of(BulkDecoder().rows(data, last=True))
    expected = rows_only(data)[len(message(columns, [])) - len(DONE) :]
    assert encoded(columns, arrays, len(rows)) == expected
    sliced = [pa.concat_arrays([array, array]).slice(len(rows)) for array in arrays]
    assert encoded(columns, sliced, len(rows)) == expected


def test_many_columns() -> None:
    draw = random.Random(1)
    columns = [Column(f"c{place}", SqlType.parse(name)) for place, name in enumerate(VALUES)]
    rows = [tuple(draw.choice([None, *choices]) for choices in VALUES.values()) for _ in range(20)]
    data = message(columns, rows)
    arrays = arrays_of(BulkDecoder().rows(data, last=True))
    assert data.endswith((encoded(columns, arrays, len(rows)) or b"") + DONE)


def test_no_rows() -> None:
    assert encoded([Column("a", SqlType("int"))], [pa.array([], pa.int32())], 0) == b""


def test_a_text_that_is_longer_than_its_type_is_left_to_the_slow_way() -> None:
    assert encoded([Column("a", SqlType.parse("varchar(2)"))], [pa.array(["abc"])], 1) is None
    assert encoded([Column("a", SqlType.parse("nvarchar(1)"))], [pa.array(["😀"])], 1) is None
