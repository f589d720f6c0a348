"""The data types of SSIS parameters and variables, and their SQL Server types in a sql_variant."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import BIGINT, BIT, FLOAT, INT, REAL, SMALLINT, TINYINT, SqlType, Variant
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_DATETIMES: Final = ("date", "datetime", "datetime2", "datetimeoffset", "smalldatetime")
_INTEGERS: Final = ("tinyint", "smallint", "int", "bigint")
_NUMBERS: Final = ("decimal", "numeric", "float", "real")

ACCEPTED: Final[dict[str, tuple[str, ...]]] = {
    "Boolean": ("bit", "tinyint", "smallint", "int"),
    "Byte": ("tinyint", "binary", "varbinary"),
    "SByte": ("smallint", "tinyint"),
    "DateTime": _DATETIMES,
    "Decimal": ("decimal", "numeric"),
    "Double": _NUMBERS,
    "Int16": ("smallint", "tinyint"),
    "Int32": ("int", "smallint", "tinyint"),
    "Int64": _INTEGERS,
    "Single": _NUMBERS,
    "String": ("char", "varchar", "nchar", "nvarchar"),
    "UInt32": _INTEGERS,
    "UInt64": _INTEGERS,
}
"""The base types of a sql_variant that each type accepts."""

_SPELLINGS: Final = {name.lower(): name for name in ACCEPTED}
_MAPPED: Final = frozenset(name for names in ACCEPTED.values() for name in names)

_KEPT_AS: Final[dict[str, SqlType]] = {
    "Boolean": BIT,
    "Byte": TINYINT,
    "SByte": SMALLINT,
    "DateTime": SqlType("datetime2", scale=7),
    "Decimal": SqlType("decimal", precision=38, scale=18),
    "Double": FLOAT,
    "Int16": SMALLINT,
    "Int32": INT,
    "Int64": BIGINT,
    "Single": REAL,
    "String": SqlType("nvarchar", length=4000),
    "UInt32": BIGINT,
    "UInt64": BIGINT,
}


_CHECKED_AS: Final = {
    "Boolean": BIT,
    "Byte": TINYINT,
    "SByte": SMALLINT,
    "Int16": SMALLINT,
    "Int32": INT,
    "Int64": BIGINT,
    "UInt32": BIGINT,
    "UInt64": BIGINT,
}
"""The conversion that a value must pass; the value itself is not changed by it."""
_ENCRYPTED_AS: Final = {
    "DateTime": SqlType("datetime2", scale=7),
    **dict.fromkeys(("Decimal", "Double", "Single"), SqlType("decimal", precision=38, scale=18)),
}


def base_type(data_type: str) -> str | None:
    """The SQL type in which the catalog keeps values of an SSIS type; None for a type without values on the server."""
    kept_as = _KEPT_AS.get(canonical(data_type))
    return None if kept_as is None else kept_as.name


def canonical(data_type: str) -> str:
    """The name of a type as SSIS spells it: the catalog compares it without case. An unknown name stays as it is."""
    return _SPELLINGS.get(data_type.lower(), data_type)


def is_same(one: str, other: str) -> bool:
    """Whether two names are of the same type: they are compared without case."""
    return one.lower() == other.lower()


def is_known(data_type: str) -> bool:
    """Whether SSIS parameters and variables can have this type."""
    return canonical(data_type) in ACCEPTED


def is_mapped(value: Variant | None) -> bool:
    """Whether any SSIS type accepts values of this base type; NULL always is accepted."""
    return value is None or value.type.name in _MAPPED


def accepts(data_type: str, value: Variant | None) -> bool:
    """Whether the base type of a value is accepted; NULL always is."""
    return value is None or value.type.name in ACCEPTED[canonical(data_type)]


def kept(data_type: str, value: Variant | None, *, sensitive: bool) -> Variant | None:
    """A value as the catalog keeps it: with the base type that it was given.

    :param sensitive: the catalog encrypts the value: a DateTime as ``datetime2``, a Decimal, Double or Single as
        ``decimal(38, 18)``.
    :raises SqlError: the value does not convert to the SSIS type, SQL Server's own error of the conversion.
    """
    if value is None:
        return None
    data_type = canonical(data_type)
    target = _CHECKED_AS.get(data_type)
    if target is not None:
        conversion.convert(value.value, value.type, target)
    encrypted = _ENCRYPTED_AS.get(data_type) if sensitive else None
    return value if encrypted is None else Variant(encrypted, conversion.convert(value.value, value.type, encrypted))


def converted(data_type: str, value: Variant | None) -> Variant | None:
    """A value in the SQL type of another SSIS type, as a change of a variable's type makes it.

    :raises SqlError: the value does not convert.
    """
    if value is None:
        return None
    target = _KEPT_AS[canonical(data_type)]
    return Variant(target, conversion.convert(value.value, value.type, target))


def from_design(data_type: str, value: Any) -> Variant | None:
    """The design default of a parameter in a project file, as a sql_variant."""
    if value is None or data_type not in _KEPT_AS:
        return None
    target = _KEPT_AS[data_type]
    if isinstance(value, str):
        if data_type == "String":
            return Variant(SqlType("nvarchar", length=max(1, min(4000, len(value)))), value[:4000])
        try:
            return Variant(target, conversion.convert(value, SqlType("nvarchar", length=4000), target))
        except SqlError:
            return None
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.replace(tzinfo=None)
    if data_type == "Decimal":
        value = Decimal(value)
    return Variant(target, value)
