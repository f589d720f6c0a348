"""The numbers of data types on the wire that reading and writing share (MS-TDS, 2.2.5.4)."""

from __future__ import annotations

import datetime as dt
from typing import Final

COLLATION: Final = bytes((0x09, 0x04, 0xD0, 0x00, 0x34))
"""SQL_Latin1_General_CP1_CI_AS."""
CODE_PAGE: Final = "cp1252"

PLP_NULL: Final = 0xFFFFFFFFFFFFFFFF
SHORT_NULL: Final = 0xFFFF
MAX_LENGTH: Final = 0xFFFF
"""The length in bytes that a ``(max)`` type announces."""
DAY_ONE: Final = dt.date(1, 1, 1).toordinal()
EPOCH_1900: Final = dt.datetime(1900, 1, 1)
TICKS_PER_SECOND: Final = 300

FIXED: Final[dict[int, tuple[str, int]]] = {
    0x30: ("tinyint", 1),
    0x32: ("bit", 1),
    0x34: ("smallint", 2),
    0x38: ("int", 4),
    0x3A: ("smalldatetime", 4),
    0x3B: ("real", 4),
    0x3C: ("money", 8),
    0x3D: ("datetime", 8),
    0x3E: ("float", 8),
    0x7A: ("smallmoney", 4),
    0x7F: ("bigint", 8),
}
"""Types of fixed size by token: the name and the size in bytes."""

CHARACTER: Final = frozenset({"char", "varchar", "nchar", "nvarchar"})
