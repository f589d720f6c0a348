"""Values of types of SQL Server that pyodbc does not read by itself."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyodbc

_DATETIMEOFFSET = -155
"""SQL_SS_TIMESTAMPOFFSET (Microsoft Learn, "Data type support for ODBC date and time improvements")."""


def read_all_types(connection: pyodbc.Connection) -> None:
    """Make a connection return datetimeoffset as a datetime with a time zone.

    :param connection: the connection.
    """
    connection.add_output_converter(_DATETIMEOFFSET, _datetimeoffset)


def _datetimeoffset(value: bytes | None) -> datetime | None:
    if value is None:
        return None
    year, month, day, hour, minute, second, nanoseconds, hours, minutes = struct.unpack("<6hI2h", value)
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return datetime(year, month, day, hour, minute, second, nanoseconds // 1000, zone)
