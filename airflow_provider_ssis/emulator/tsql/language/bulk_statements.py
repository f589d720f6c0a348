"""INSERT BULK, which clients send before the rows of a bulk load."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.language import extents
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.data_types import data_type
from airflow_provider_ssis.emulator.tsql.language.table_columns import collation
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

CHECK_CONSTRAINTS: Final = "CHECK_CONSTRAINTS"
KEEP_NULLS: Final = "KEEP_NULLS"
_OPTIONS: Final = (
    *(CHECK_CONSTRAINTS, KEEP_NULLS, "TABLOCK", "FIRE_TRIGGERS", "ROWS_PER_BATCH", "KILOBYTES_PER_BATCH", "ORDER"),
    "ALLOW_ENCRYPTED_VALUE_MODIFICATIONS",
)


def insert_bulk(stream: TokenStream, line: int) -> s.Statement:
    """``table (columns with types) [WITH (options)]``, after ``INSERT BULK``."""
    table = extents.table_name(stream.name(), line)
    columns: list[Column] = []
    if stream.accept_symbol("("):
        columns.append(_column(stream, line))
        while stream.accept_symbol(","):
            columns.append(_column(stream, line))
        stream.expect_symbol(")")
    options: set[str] = set()
    if stream.accept("WITH"):
        stream.expect_symbol("(")
        options.add(_option(stream))
        while stream.accept_symbol(","):
            options.add(_option(stream))
        stream.expect_symbol(")")
    if len({column.name.lower() for column in columns}) != len(columns):
        raise SqlError(264, "A column is named more than once in INSERT BULK.", line=line)
    return s.InsertBulk(line, table, tuple(columns), frozenset(options))


def _column(stream: TokenStream, line: int) -> Column:
    name = stream.identifier()
    sql_type = data_type(stream, stream.name()[-1], line)
    if stream.accept("COLLATE"):
        collation(stream)
    return Column(name, sql_type)


def _option(stream: TokenStream) -> str:
    name = stream.advance().text.upper()
    if name not in _OPTIONS:
        raise not_supported(f"INSERT BULK … WITH {name}", line=stream.now.line)
    if stream.accept_symbol("="):
        stream.advance()
    elif stream.accept_symbol("("):
        # The columns by which the rows are ordered.
        while not stream.accept_symbol(")"):
            if stream.at_end:
                raise stream.error()
            stream.advance()
    return name
