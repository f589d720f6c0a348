"""SQL Server's data types, as the wire protocol and the T-SQL engine both see them.

Values travel through the embedded SSISDB as Python objects, one Python type for each family:

=============================================  ==================================================
SQL Server                                     Python
=============================================  ==================================================
bit                                            ``bool``
tinyint, smallint, int, bigint                 ``int``
decimal, numeric, money, smallmoney            ``decimal.Decimal``
real, float                                    ``float``
(n)char, (n)varchar, (n)text, xml              ``str``
binary, varbinary, image                       ``bytes``
uniqueidentifier                               ``uuid.UUID``
date, time                                     ``datetime.date``, ``datetime.time``
datetime, smalldatetime, datetime2             ``datetime.datetime`` without a time zone
datetimeoffset                                 ``datetime.datetime`` with a fixed-offset time zone
sql_variant                                    :class:`Variant`
table types                                    :class:`TableValue`
=============================================  ==================================================

NULL is ``None``. Times keep microseconds; the seventh digit of datetime2(7) is always zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

MAX = -1
"""The length of the ``(max)`` types."""


@dataclass(frozen=True, slots=True)
class SqlType:
    """One SQL Server data type with its facets.

    :param name: base name in lower case, ``nvarchar`` for instance; aliases (``sysname``, ``integer``, ``dec``,
        ``rowversion`` ...) are resolved by :meth:`parse`.
    :param length: characters of (n)(var)char, bytes of (var)binary, :data:`MAX` for ``(max)``; None for other types.
    :param precision: digits of decimal and numeric.
    :param scale: digits after the decimal point of decimal and numeric; fractional seconds of time, datetime2 and
        datetimeoffset.
    :param schema: schema of a user-defined table type, whose name is then ``name``.
    """

    name: str
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    schema: str | None = None

    @classmethod
    def parse(cls, text: str) -> SqlType:
        """The type that T-SQL text such as ``nvarchar(128)``, ``decimal(18, 2)`` or ``sysname`` names.

        Facets that the text leaves out get SQL Server's defaults for a declaration: nvarchar is nvarchar(1),
        decimal is decimal(18, 0), datetime2 is datetime2(7).

        :raises ValueError: the text names no type of SQL Server.
        """
        match = _TYPE_TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"not a data type: {text!r}")
        name = match["name"].lower().strip("[]")
        facets = [part.strip().lower() for part in (match["facets"] or "").split(",") if part.strip()]
        if name in _ALIASES:
            return _ALIASES[name] if not facets else cls.parse(f"{_ALIASES[name].name}({', '.join(facets)})")
        if name in _WITHOUT_FACETS or (name == "float" and not facets):
            return cls(name)
        if name == "float":
            return cls("real" if int(facets[0]) <= 24 else "float")
        if name in ("decimal", "numeric"):
            return cls(
                name,
                precision=int(facets[0]) if facets else 18,
                scale=int(facets[1]) if len(facets) > 1 else 0,
            )
        if name in ("time", "datetime2", "datetimeoffset"):
            return cls(name, scale=int(facets[0]) if facets else 7)
        if name in _WITH_LENGTH:
            length = 1 if not facets else MAX if facets[0] == "max" else int(facets[0])
            return cls(name, length=length)
        raise ValueError(f"not a data type: {text!r}")

    def __str__(self) -> str:
        if self.schema is not None:
            return f"{self.schema}.{self.name}"
        if self.length is not None:
            return f"{self.name}({'max' if self.length == MAX else self.length})"
        if self.precision is not None:
            return f"{self.name}({self.precision},{self.scale})"
        if self.scale is not None:
            return f"{self.name}({self.scale})"
        return self.name


_TYPE_TEXT = re.compile(r"\s*(?P<name>\[?[A-Za-z_]\w*\]?)\s*(?:\((?P<facets>[^)]*)\))?\s*")
_WITHOUT_FACETS = frozenset(
    "bit tinyint smallint int bigint real money smallmoney uniqueidentifier date datetime smalldatetime "
    "sql_variant text ntext image xml".split()
)
_WITH_LENGTH = frozenset("char nchar varchar nvarchar binary varbinary".split())
_ALIASES = {
    "sysname": SqlType("nvarchar", length=128),
    "integer": SqlType("int"),
    "dec": SqlType("decimal", precision=18, scale=0),
    "character": SqlType("char", length=1),
    "rowversion": SqlType("binary", length=8),
    "timestamp": SqlType("binary", length=8),
}

BIT = SqlType("bit")
TINYINT = SqlType("tinyint")
SMALLINT = SqlType("smallint")
INT = SqlType("int")
BIGINT = SqlType("bigint")
REAL = SqlType("real")
FLOAT = SqlType("float")
NVARCHAR_MAX = SqlType("nvarchar", length=MAX)
VARBINARY_MAX = SqlType("varbinary", length=MAX)
UNIQUEIDENTIFIER = SqlType("uniqueidentifier")
DATETIMEOFFSET = SqlType("datetimeoffset", scale=7)
SQL_VARIANT = SqlType("sql_variant")


@dataclass(frozen=True, slots=True)
class Variant:
    """A value of a sql_variant, which carries its own base type. A NULL sql_variant is ``None``, not this."""

    type: SqlType
    value: Any


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result set or of a table-valued parameter."""

    name: str
    type: SqlType
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class TableValue:
    """The value of a table-valued parameter."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]


def utf16_length(text: str) -> int:
    """The length of a text as nchar and nvarchar count it: a character above U+FFFF counts as two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def slice_utf16(text: str, start: int, end: int) -> str:
    """A part of a text by places as nchar and nvarchar count them, without half a character at its ends.

    :param start: the first place, from 0.
    :param end: the place after the last one.
    """
    if text.isascii() or max(text) <= "\uffff":
        return text[start:end]
    data = text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end]
    begin = 2 if len(data) > 1 and data[1] in _SECOND_HALVES else 0
    stop = len(data) - (2 if data and data[-1] in _FIRST_HALVES else 0)
    return data[begin:stop].decode("utf-16-le", "surrogatepass")


def cut_utf16(data: bytes, length: int) -> bytes:
    """The beginning of UTF-16 text, without half a character at its end.

    :param length: bytes to keep at most, an even number.
    """
    if len(data) <= length:
        return data
    ends_in_half = length > 0 and data[length - 1] in _FIRST_HALVES
    return data[: length - 2 if ends_in_half else length]


_FIRST_HALVES = range(0xD8, 0xDC)
"""The higher bytes of the first half of a surrogate pair."""
_SECOND_HALVES = range(0xDC, 0xE0)
