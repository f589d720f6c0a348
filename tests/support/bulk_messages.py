"""Messages of bulk loads, as a client sends them."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import BulkRows
from airflow_provider_ssis.emulator.tds import tokens
from airflow_provider_ssis.emulator.tds.bulk import BulkDecoder

DONE = struct.pack("<BHHQ", 0xFD, 0, 0, 0)


def message(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], *, with_bitmap: bool = False) -> bytes:
    """The message with these rows.

    :param with_bitmap: NULLs are bits of a bitmap, not values.
    """
    encoders = tokens.row_encoders(columns)
    parts = [tokens.columns(columns)]
    for row in rows:
        pieces = tokens.row(encoders, row)
        if with_bitmap:
            given = [place for place, value in enumerate(row) if value is not None]
            bitmap = bytearray((len(columns) + 7) // 8)
            for place, value in enumerate(row):
                bitmap[place // 8] |= (value is None) << place % 8
            values = tokens.row([encoders[place] for place in given], [row[place] for place in given])
            pieces = [b"\xd2", bytes(bitmap), *values[1:]]
        parts += pieces
    return b"".join([*parts, DONE])


async def parts(data: bytes, size: int = 1 << 20) -> AsyncIterator[BulkRows]:
    """The rows of a message that comes in parts of some bytes."""
    decoder = BulkDecoder()
    for start in range(0, len(data), size):
        found = decoder.rows(data[start : start + size], last=start + size >= len(data))
        if found is not None:
            yield found
