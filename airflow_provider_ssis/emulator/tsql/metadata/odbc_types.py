"""SQL Server's data types as ODBC numbers, measures and spells them."""

from __future__ import annotations

from typing import Final, NamedTuple

from airflow_provider_ssis.emulator.datatypes import MAX, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.type_catalog import facets


class OdbcType(NamedTuple):
    """A type, in the order of the columns of ``sp_datatype_info`` that differ between types.

    :param data_type: ODBC's number.
    :param precision: the most digits or characters.
    :param verbose_type: the number that dates and times share.
    :param sub_type: the code that distinguishes dates from times.
    """

    name: str
    data_type: int
    precision: int
    prefix: str | None
    suffix: str | None
    parameters: str | None
    searchable: int
    unsigned: int | None
    largest_scale: int | None
    verbose_type: int
    sub_type: int | None


ODBC_TYPES: Final = (
    OdbcType("datetimeoffset", -155, 34, "'", "'", "scale", 3, None, 7, -155, None),
    OdbcType("time", -154, 16, "'", "'", "scale", 3, None, 7, -154, None),
    OdbcType("xml", -152, 0, "N'", "'", None, 0, None, None, -152, None),
    OdbcType("sql_variant", -150, 8000, None, None, None, 2, None, 0, -150, None),
    OdbcType("uniqueidentifier", -11, 36, "'", "'", None, 2, None, None, -11, None),
    OdbcType("ntext", -10, 1073741823, "N'", "'", None, 1, None, None, -10, None),
    OdbcType("nvarchar", -9, 4000, "N'", "'", "max length", 3, None, None, -9, None),
    OdbcType("sysname", -9, 128, "N'", "'", None, 3, None, None, -9, None),
    OdbcType("nchar", -8, 4000, "N'", "'", "length", 3, None, None, -8, None),
    OdbcType("bit", -7, 1, None, None, None, 2, None, 0, -7, None),
    OdbcType("tinyint", -6, 3, None, None, None, 2, 1, 0, -6, None),
    OdbcType("bigint", -5, 19, None, None, None, 2, 0, 0, -5, None),
    OdbcType("image", -4, 2147483647, "0x", None, None, 0, None, None, -4, None),
    OdbcType("varbinary", -3, 8000, "0x", None, "max length", 2, None, None, -3, None),
    OdbcType("binary", -2, 8000, "0x", None, "length", 2, None, None, -2, None),
    OdbcType("text", -1, 2147483647, "'", "'", None, 1, None, None, -1, None),
    OdbcType("char", 1, 8000, "'", "'", "length", 3, None, None, 1, None),
    OdbcType("numeric", 2, 38, None, None, "precision,scale", 2, 0, 38, 2, None),
    OdbcType("decimal", 3, 38, None, None, "precision,scale", 2, 0, 38, 3, None),
    OdbcType("money", 3, 19, "$", None, None, 2, 0, 4, 3, None),
    OdbcType("smallmoney", 3, 10, "$", None, None, 2, 0, 4, 3, None),
    OdbcType("int", 4, 10, None, None, None, 2, 0, 0, 4, None),
    OdbcType("smallint", 5, 5, None, None, None, 2, 0, 0, 5, None),
    OdbcType("float", 6, 53, None, None, None, 2, 0, None, 6, None),
    OdbcType("real", 7, 24, None, None, None, 2, 0, None, 7, None),
    OdbcType("varchar", 12, 8000, "'", "'", "max length", 3, None, None, 12, None),
    OdbcType("date", 91, 10, "'", "'", None, 3, None, 0, 9, 1),
    OdbcType("datetime2", 93, 27, "'", "'", "scale", 3, None, 7, 9, 3),
    OdbcType("datetime", 93, 23, "'", "'", None, 3, None, 3, 9, 3),
    OdbcType("smalldatetime", 93, 16, "'", "'", None, 3, None, 0, 9, 3),
)
RADIX_TWO: Final = ("float", "real")

_BY_NAME: Final = {odbc.name: odbc for odbc in ODBC_TYPES}
_TABLE: Final = OdbcType("table", -153, 0, None, None, None, 0, None, None, -153, None)
_TEXT: Final = ("char", "varchar", "nchar", "nvarchar", "text", "ntext")
_BYTES: Final = ("binary", "varbinary", "image")
_LENGTHS: Final = {
    **dict.fromkeys(("bit", "tinyint"), 1),
    **dict.fromkeys(("int", "real"), 4),
    **dict.fromkeys(("bigint", "float"), 8),
    **dict.fromkeys(("smallmoney", "time"), 12),
    **dict.fromkeys(("uniqueidentifier", "datetime", "smalldatetime", "datetime2"), 16),
    "smallint": 2,
    "date": 6,
    "datetimeoffset": 20,
    "money": 21,
    "sql_variant": 8000,
}
"""Bytes of a value in the client's memory, by type; for the other types it follows from the facets."""


class Measures(NamedTuple):
    """A column or parameter as the catalog functions of ODBC describe it, in their order."""

    data_type: int
    type_name: str
    precision: int
    length: int
    scale: int | None
    radix: int | None


def measures(sql_type: SqlType) -> Measures:
    """How ODBC measures a type with its facets; 0 stands for the length of the ``(max)`` types."""
    odbc = odbc_type(sql_type)
    size, precision, scale = facets(sql_type)
    if sql_type.name in (*_TEXT, *_BYTES):
        characters = odbc.precision if sql_type.length is None else 0 if sql_type.length == MAX else sql_type.length
        return Measures(odbc.data_type, sql_type.name, characters, max(size, 0), None, None)
    has_digits = odbc.unsigned is not None
    return Measures(
        odbc.data_type,
        sql_type.name,
        precision if sql_type.scale is not None else odbc.precision,
        _LENGTHS.get(sql_type.name, precision + 2 if sql_type.precision is not None else 0),
        scale if odbc.largest_scale is not None and sql_type.name not in ("bit", "sql_variant") else None,
        2 if sql_type.name in RADIX_TWO else 10 if has_digits else None,
    )


def odbc_type(sql_type: SqlType) -> OdbcType:
    """The row of a type; table types share one row."""
    return _TABLE if sql_type.schema is not None else _BY_NAME[sql_type.name]


def octets(sql_type: SqlType) -> int | None:
    """Bytes of the longest text or binary value, 0 for the ``(max)`` types; None for other types."""
    return max(facets(sql_type)[0], 0) if sql_type.name in (*_TEXT, *_BYTES) else None
