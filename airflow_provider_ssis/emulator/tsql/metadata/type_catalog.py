"""SQL Server's types as the catalog views number and measure them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata

COLLATION: Final = "SQL_Latin1_General_CP1_CI_AS"
"""The collation that the server claims."""

TYPES: Final = (
    ("image", 34, 34, 16, 0, 0),
    ("text", 35, 35, 16, 0, 0),
    ("uniqueidentifier", 36, 36, 16, 0, 0),
    ("date", 40, 40, 3, 10, 0),
    ("time", 41, 41, 5, 16, 7),
    ("datetime2", 42, 42, 8, 27, 7),
    ("datetimeoffset", 43, 43, 10, 34, 7),
    ("tinyint", 48, 48, 1, 3, 0),
    ("smallint", 52, 52, 2, 5, 0),
    ("int", 56, 56, 4, 10, 0),
    ("smalldatetime", 58, 58, 4, 16, 0),
    ("real", 59, 59, 4, 24, 0),
    ("money", 60, 60, 8, 19, 4),
    ("datetime", 61, 61, 8, 23, 3),
    ("float", 62, 62, 8, 53, 0),
    ("sql_variant", 98, 98, 8016, 0, 0),
    ("ntext", 99, 99, 16, 0, 0),
    ("bit", 104, 104, 1, 1, 0),
    ("decimal", 106, 106, 17, 38, 38),
    ("numeric", 108, 108, 17, 38, 38),
    ("smallmoney", 122, 122, 4, 10, 4),
    ("bigint", 127, 127, 8, 19, 0),
    ("varbinary", 165, 165, 8000, 0, 0),
    ("varchar", 167, 167, 8000, 0, 0),
    ("binary", 173, 173, 8000, 0, 0),
    ("char", 175, 175, 8000, 0, 0),
    ("timestamp", 189, 189, 8, 0, 0),
    ("nvarchar", 231, 231, 8000, 0, 0),
    ("nchar", 239, 239, 8000, 0, 0),
    ("xml", 241, 241, -1, 0, 0),
    ("sysname", 231, 256, 256, 0, 0),
)
"""Name, system_type_id, user_type_id, max_length, precision, scale of each type that SQL Server comes with."""

TYPE_IDS: Final = {name: user_id for name, _, user_id, *_ in TYPES}
_TYPE_FACETS: Final = {name: sizes for name, _, _, *sizes in TYPES}
TABLE_TYPE_ID: Final = 243
"""The system_type_id of every table type."""
_UNICODE: Final = ("nchar", "nvarchar")
_SCALED_SIZES: Final = {"time": (8, 3), "datetime2": (19, 6), "datetimeoffset": (26, 8)}


def type_id(metadata: Metadata, database: str, name: str) -> int | None:
    """``TYPE_ID(name)``."""
    known = TYPE_IDS.get(name.lower().removeprefix("sys."))
    if known is not None:
        return known
    wanted = name.lower().split(".")
    for number, item in metadata.table_types(database):
        if [item.schema.lower(), item.name.lower()][-len(wanted) :] == wanted:
            return number
    return None


def type_name(metadata: Metadata, database: str, number: int) -> str | None:
    """``TYPE_NAME(number)``."""
    names = {user_id: name for name, _, user_id, *_ in TYPES}
    return names.get(number) or next(
        (item.name for known, item in metadata.table_types(database) if known == number), None
    )


def facets(type: SqlType) -> tuple[int, int, int]:  # noqa: A002 - the field's own word
    """``max_length``, ``precision`` and ``scale`` as ``sys.columns`` counts them: lengths in bytes."""
    if type.schema is not None:
        return -1, 0, 0
    if type.length is not None:
        return (-1 if type.length == MAX else type.length * (2 if type.name in _UNICODE else 1)), 0, 0
    if type.precision is not None:
        precision = type.precision
        return (
            (5 if precision <= 9 else 9 if precision <= 19 else 13 if precision <= 28 else 17),
            precision,
            type.scale or 0,
        )
    if type.name in _SCALED_SIZES:
        scale = type.scale or 0
        digits, size = _SCALED_SIZES[type.name]
        size += 0 if scale <= 2 else 1 if scale <= 4 else 2
        return size, digits + (scale + 1 if scale else 0), scale
    size, precision, scale = _TYPE_FACETS[type.name]
    return size, precision, scale
