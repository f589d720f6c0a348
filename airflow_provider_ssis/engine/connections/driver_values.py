"""Values of types that pyodbc does not read by itself."""

from __future__ import annotations

import struct
import uuid
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyodbc

_DATETIMEOFFSET = -155
"""SQL_SS_TIMESTAMPOFFSET (Microsoft Learn, "Data type support for ODBC date and time improvements")."""

_GUID = -11
"""SQL_GUID."""


def read_all_types(connection: pyodbc.Connection) -> None:
    """Make a connection return datetimeoffset as a datetime with a time zone, and GUIDs as UUID.

    :param connection: the connection.
    """
    connection.add_output_converter(_DATETIMEOFFSET, _datetimeoffset)
    connection.add_output_converter(_GUID, _guid)


def _datetimeoffset(value: bytes | None) -> datetime | None:
    if value is None:
        return None
    year, month, day, hour, minute, second, nanoseconds, hours, minutes = struct.unpack("<6hI2h", value)
    zone = timezone(timedelta(hours=hours, minutes=minutes))
    return datetime(year, month, day, hour, minute, second, nanoseconds // 1000, zone)


def _guid(value: bytes | None) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(bytes_le=value)
