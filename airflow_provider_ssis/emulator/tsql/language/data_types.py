"""The types of variables and columns."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.query.unsupported import UNSUPPORTED_TYPES
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.facets import check_facets

_TWO_FACETS: Final = ("decimal", "numeric", "dec")


def is_known(name: str) -> bool:
    """Whether SQL Server has a type of this name; others are table types, which clients create."""
    if name.lower() in UNSUPPORTED_TYPES:
        return True
    try:
        SqlType.parse(name)
    except ValueError:
        return False
    return True


def data_type(stream: TokenStream, name: str, line: int) -> SqlType:
    """The type of this name, with the facets at the current token.

    :raises SqlError: 2715 no such type; 131, 1001, 1002, 2750, 183: its facets are out of range.
    """
    text = name
    if stream.accept_symbol("("):
        facets = []
        while True:
            facets.append(stream.expect_kind(Kind.NUMBER, Kind.WORD).text)
            if stream.accept_symbol(")"):
                break
            if name.lower() not in _TWO_FACETS or len(facets) > 1:
                raise stream.error()
            stream.expect_symbol(",")
        text += f"({','.join(facets)})"
    try:
        sql_type = SqlType.parse(text)
    except ValueError:
        if name.lower() in UNSUPPORTED_TYPES:
            raise not_supported(f"The data type {name}", line=line) from None
        raise SqlError(2715, f"Cannot find the data type {text}.", state=6, line=line) from None
    check_facets(sql_type, text, line)
    return sql_type
