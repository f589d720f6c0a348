"""How SQL Server's types and values are kept in DuckDB.

===================================  ====================================================================
SQL Server                           DuckDB
===================================  ====================================================================
bit                                  BOOLEAN
tinyint, smallint, int, bigint       UTINYINT, SMALLINT, INTEGER, BIGINT
decimal(p, s), money, smallmoney     DECIMAL(p, s), DECIMAL(19, 4), DECIMAL(10, 4)
real, float                          FLOAT, DOUBLE
character types, xml                 VARCHAR
binary types                         BLOB
uniqueidentifier                     UUID
date, time                           DATE, TIME
datetime, smalldatetime, datetime2   TIMESTAMP
datetimeoffset                       TIMESTAMPTZ in the engine's tables (the instant; it is shown with the
                                     server's offset), :data:`ZONED` where the offset matters
sql_variant                          :data:`VARIANT`: the base type with its facets, and the value as text
===================================  ====================================================================

DuckDB returns a TIMESTAMPTZ to Python only with another package installed, so queries convert such a column to
:data:`ZONED`.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb

from airflow_provider_ssis.emulator.datatypes import Column, SqlType, Variant

VARIANT = 'STRUCT("type" VARCHAR, "text" VARCHAR)'
"""A sql_variant: the text of its base type (``nvarchar(20)``, ``decimal(9,2)``), and its value in invariant text."""

ZONED = "STRUCT(us BIGINT, minutes SMALLINT)"
"""A datetimeoffset with its own offset: microseconds since 1970 in UTC, and the offset in minutes."""

_DUCKDB_TYPES = {
    "bit": "BOOLEAN",
    "tinyint": "UTINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "money": "DECIMAL(19,4)",
    "smallmoney": "DECIMAL(10,4)",
    "real": "FLOAT",
    "float": "DOUBLE",
    "char": "VARCHAR",
    "nchar": "VARCHAR",
    "varchar": "VARCHAR",
    "nvarchar": "VARCHAR",
    "text": "VARCHAR",
    "ntext": "VARCHAR",
    "xml": "VARCHAR",
    "binary": "BLOB",
    "varbinary": "BLOB",
    "image": "BLOB",
    "uniqueidentifier": "UUID",
    "date": "DATE",
    "time": "TIME",
    "datetime": "TIMESTAMP",
    "smalldatetime": "TIMESTAMP",
    "datetime2": "TIMESTAMP",
    "datetimeoffset": "TIMESTAMPTZ",
    "sql_variant": VARIANT,
}

_MOST_DIGITS = 38
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def duckdb_type(type: SqlType, *, zoned: bool = False) -> str:  # noqa: A002 - the field's own word
    """The DuckDB type that holds values of a SQL Server type.

    :param zoned: keep the offset of each datetimeoffset (:data:`ZONED`) rather than the instant alone.
    :raises ValueError: DuckDB cannot hold the type (table types).
    """
    if type.name in ("decimal", "numeric"):
        return f"DECIMAL({type.precision},{type.scale})"
    if zoned and type.name == "datetimeoffset":
        return ZONED
    try:
        return _DUCKDB_TYPES[type.name]
    except KeyError:
        raise ValueError(f"a column cannot have the type {type}") from None


def quoted(name: str) -> str:
    """A name as a DuckDB identifier."""
    return '"' + name.replace('"', '""') + '"'


def create_table(name: str, columns: Sequence[Column], *, temporary: bool = False, zoned: bool | None = None) -> str:
    """The DuckDB statement that creates a table.

    :param name: the table's DuckDB name, already quoted where it needs to be.
    :param temporary: a table of this connection alone.
    :param zoned: whether it keeps the offsets of datetimeoffset columns, as the tables of clients do. Default: a
        temporary table does.
    """
    zoned = temporary if zoned is None else zoned
    parts = [
        f"{quoted(column.name)} {duckdb_type(column.type, zoned=zoned)}{'' if column.nullable else ' NOT NULL'}"
        for column in columns
    ]
    return f"CREATE {'TEMPORARY ' if temporary else ''}TABLE {name} ({', '.join(parts)})"


def encode(type: SqlType, value: Any, *, zoned: bool = False) -> Any:  # noqa: A002 - the field's own word
    """A Python value as a DuckDB parameter for a place of this type."""
    if value is None:
        return None
    if type.name == "sql_variant":
        return {"type": str(value.type), "text": variant_text(value)}
    if zoned and type.name == "datetimeoffset":
        return zoned_value(value)
    if isinstance(value, Decimal) and value.as_tuple().exponent == -_MOST_DIGITS:
        # DuckDB would take a number of 38 decimals and fewer digits, such as 1E-38, as a DOUBLE.
        return duckdb.Value(format(value, "f"), duckdb.decimal_type(_MOST_DIGITS, _MOST_DIGITS))
    return value


def decode(type: SqlType, value: Any) -> Any:  # noqa: A002 - the field's own word
    """A value that DuckDB returned, as a Python value; a datetimeoffset comes as :data:`ZONED`."""
    if value is None:
        return None
    match type.name:
        case "sql_variant":
            return variant_value(value["type"], value["text"])
        case "datetimeoffset":
            offset = dt.timezone(dt.timedelta(minutes=value["minutes"]))
            return (_EPOCH + value["us"] * _MICROSECOND).astimezone(offset)
        case _:
            return value


def zoned_value(value: dt.datetime) -> dict[str, int]:
    """A datetimeoffset as a DuckDB parameter of type :data:`ZONED`."""
    offset = value.utcoffset()
    if offset is None:
        raise ValueError("a datetimeoffset needs a time zone")
    return {"us": (value - _EPOCH) // _MICROSECOND, "minutes": offset // dt.timedelta(minutes=1)}


def variant_text(variant: Variant) -> str:
    """The value of a sql_variant as invariant text, which :func:`variant_value` reads back unchanged."""
    value = variant.value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def variant_value(type_text: str, text: str) -> Variant:
    """The sql_variant kept as a base type and its text."""
    base = SqlType.parse(type_text)
    return Variant(base, _READERS.get(base.name, str)(text))


_READERS: dict[str, Any] = {
    "bit": lambda text: text == "1",
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), int),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney"), Decimal),
    **dict.fromkeys(("real", "float"), float),
    **dict.fromkeys(("binary", "varbinary"), bytes.fromhex),
    **dict.fromkeys(("datetime", "smalldatetime", "datetime2", "datetimeoffset"), dt.datetime.fromisoformat),
    "uniqueidentifier": uuid.UUID,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
}
