"""Values as binaries and as uniqueidentifiers."""

from __future__ import annotations

import struct
import uuid
from typing import Any

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType
from airflow_provider_ssis.emulator.tsql.values import moments
from airflow_provider_ssis.emulator.tsql.values.code_page import encoded
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.number_conversion import INTEGER_BYTES
from airflow_provider_ssis.emulator.tsql.values.precedence import APPROXIMATE, FIXED_WIDTH, MONEY, UNICODE, family


def to_binary(value: Any, source: SqlType, target: SqlType, style: int | None) -> bytes:
    """A value as a binary."""
    match family(source):
        case "binary":
            data = value
        case "guid":
            data = value.bytes_le
        case "string":
            data = _bytes_from_text(value, source, style)
        case "number":
            return _fit_number(_bytes_from_number(value, source), target)
        case _ if source.name == "datetime":
            return _fit_number(moments.datetime_bytes(value), target)
        case _:
            raise SqlError(
                529,
                f"Converting {source.name} to {target.name} is not supported by this server. "
                "Convert it to a string first.",
            )
    if target.length is None or target.length == MAX:
        return bytes(data)
    data = data[: target.length]
    return bytes(data.ljust(target.length, b"\0") if target.name in FIXED_WIDTH else data)


def _fit_number(data: bytes, target: SqlType) -> bytes:
    """Numbers lose, or get, bytes on the left."""
    if target.length is None or target.length == MAX:
        return data
    data = data[-target.length :]
    return data.rjust(target.length, b"\0") if target.name in FIXED_WIDTH else data


def _bytes_from_text(text: str, source: SqlType, style: int | None) -> bytes:
    if style in (1, 2):
        digits = text[2:] if style == 1 and text[:2].lower() == "0x" else text if style == 2 else None
        try:
            if digits is None or any(character.isspace() for character in digits):
                raise ValueError(text)
            return bytes.fromhex(digits)
        except ValueError:
            raise SqlError(8114, f"Error converting data type {source.name} to varbinary.") from None
    return text.encode("utf-16-le", "surrogatepass") if source.name in UNICODE else encoded(text)


def _bytes_from_number(value: Any, source: SqlType) -> bytes:
    if source.name in INTEGER_BYTES:
        return int(value).to_bytes(INTEGER_BYTES[source.name], "big", signed=int(value) < 0)
    if source.name in MONEY:
        return int(value * 10000).to_bytes(8 if source.name == "money" else 4, "big", signed=True)
    if source.name in APPROXIMATE:
        return struct.pack(">d" if source.name == "float" else ">f", value)
    raise SqlError(
        529, f"Converting {source.name} to varbinary is not supported by this server. Convert it to a string first."
    )


def to_guid(value: Any, source: SqlType, target: SqlType, style: int | None) -> uuid.UUID:
    """A value as a uniqueidentifier."""
    if isinstance(value, uuid.UUID):
        return value
    if isinstance(value, bytes):
        if len(value) < 16:
            raise SqlError(8169, "A uniqueidentifier needs 16 bytes.")
        return uuid.UUID(bytes_le=value[:16])
    text = value.strip()
    digits = text[1:37] if text.startswith("{") and text[37:38] == "}" else text[:36]
    if [len(part) for part in digits.split("-")] == [8, 4, 4, 4, 12]:
        try:
            return uuid.UUID(digits)
        except ValueError:
            pass
    raise SqlError(8169, "Conversion failed: a string is not a valid uniqueidentifier.")
