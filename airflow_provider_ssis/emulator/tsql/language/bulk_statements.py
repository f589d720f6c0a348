"""INSERT BULK, which clients send before the rows of a bulk load, and BULK INSERT from a file."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.language import extents
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.data_types import data_type
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
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
    columns: tuple[Column, ...] = ()
    if stream.accept_symbol("("):
        columns = stream.listed(lambda: _column(stream, line))
        stream.expect_symbol(")")
    options: tuple[str, ...] = ()
    if stream.accept("WITH"):
        stream.expect_symbol("(")
        options = stream.listed(lambda: _option(stream))
        stream.expect_symbol(")")
    if len({column.name.lower() for column in columns}) != len(columns):
        raise SqlError(264, "A column is named more than once in INSERT BULK.", line=line)
    return s.InsertBulk(line, table, columns, frozenset(options))


_FILE_OPTIONS: Final = (
    *("CHECK_CONSTRAINTS", "KEEPNULLS", "KEEPIDENTITY", "TABLOCK", "FIRE_TRIGGERS", "ROWS_PER_BATCH"),
    *("KILOBYTES_PER_BATCH", "ORDER", "FIELDTERMINATOR", "ROWTERMINATOR", "FIRSTROW", "LASTROW", "MAXERRORS"),
    *("CODEPAGE", "DATAFILETYPE", "FORMAT", "FIELDQUOTE"),
)
_VALUES: Final = {"DATAFILETYPE": ("char", "widechar"), "FORMAT": ("CSV",)}


def bulk_insert(stream: TokenStream) -> s.Statement:
    """``BULK INSERT table FROM 'file' [WITH (option = value, …)]``.

    :raises SqlError: 40514, an option that this server does not have.
    """
    line = stream.advance().line
    stream.expect("INSERT")
    table = extents.table_name(stream.name(), line)
    stream.expect("FROM")
    path = stream.expect_kind(Kind.STRING).value
    options: dict[str, str] = {}
    if stream.accept("WITH"):
        stream.expect_symbol("(")
        while True:
            name, value = _file_option(stream)
            options[name] = value
            if not stream.accept_symbol(","):
                break
        stream.expect_symbol(")")
    return s.BulkInsert(line, table, path, tuple(options.items()))


def _file_option(stream: TokenStream) -> tuple[str, str]:
    line = stream.now.line
    name = stream.advance().text.upper()
    if name not in _FILE_OPTIONS:
        raise not_supported(f"BULK INSERT … WITH {name}", line=line)
    value = ""
    if stream.accept_symbol("="):
        token = stream.advance()
        value = token.value if token.kind is Kind.STRING else token.text
    elif stream.accept_symbol("("):
        while not stream.accept_symbol(")"):
            if stream.at_end:
                raise stream.error()
            stream.advance()
    if name in _VALUES and value.lower() not in map(str.lower, _VALUES[name]):
        raise not_supported(f"BULK INSERT … {name} = '{value}'", line=line)
    return name, value


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
