"""Reads sql_variant as text with the name of its base type, because drivers read it differently.

FreeTDS cannot read it through ODBC, pymssql returns the raw bytes, and pyodbc fails on some base types and on NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

VariantValue = bool | int | float | Decimal | str | bytes | date | datetime | None
"""A value read from a sql_variant column. It is None for NULL and for every value that is marked sensitive."""

BASE_TYPE_SUFFIX = "_base_type"
"""Suffix of the name of the column with the base type."""


def base_type_of(expression: str) -> str:
    """The expression for the name of a sql_variant's base type."""
    return f"CAST(SQL_VARIANT_PROPERTY({expression}, 'BaseType') AS nvarchar(128))"


def variant_columns(expression: str, name: str, base_type: str | None = None) -> str:
    """The columns to select for a sql_variant.

    :param expression: the column of the view.
    :param name: the name of the field.
    :param base_type: a column that has the base type already. Default: none.
    """
    base_type = base_type or base_type_of(expression)
    # The default conversions to text would lose digits of floating numbers and the seconds of a datetime.
    text = (
        f"CASE WHEN {base_type} IN (N'float', N'real') "
        f"THEN CONVERT(nvarchar(4000), CAST({expression} AS float), 3) "
        f"WHEN {base_type} IN (N'datetime', N'smalldatetime') "
        f"THEN CONVERT(nvarchar(4000), CAST({expression} AS datetime2(7)), 126) "
        f"WHEN {base_type} IN (N'binary', N'varbinary') "
        f"THEN CONVERT(nvarchar(4000), CAST({expression} AS varbinary(1999)), 2) "
        f"ELSE CAST({expression} AS nvarchar(4000)) END"
    )
    return f"{text} AS {name}, {base_type} AS {name}{BASE_TYPE_SUFFIX}"


def variant_value(text: str | None, base_type: str | None) -> VariantValue:
    """The value in the two columns of :func:`variant_columns`."""
    if text is None or base_type is None:
        return None
    return _READERS.get(base_type.lower(), str)(text)


def _moment(text: str) -> datetime:
    # SQL Server writes up to seven digits of a second and a blank before the offset; Python reads six and none.
    return datetime.fromisoformat(_MOMENT.sub(r"\g<second>", text.strip()))


_MOMENT = re.compile(r"(?P<second>\.\d{1,6})\d*|\s+(?=[+-])")
_READERS: dict[str, Callable[[str], VariantValue]] = {
    "bit": lambda text: text == "1",
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), int),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney"), Decimal),
    **dict.fromkeys(("float", "real"), float),
    **dict.fromkeys(("datetime", "smalldatetime", "datetime2", "datetimeoffset"), _moment),
    **dict.fromkeys(("binary", "varbinary"), bytes.fromhex),
    "date": date.fromisoformat,
}
