"""Statements that create, alter, drop and empty tables, and their indexes."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.language import extents, table_syntax
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.data_types import data_type
from airflow_provider_ssis.emulator.tsql.language.database_statements import (
    alter_database,
    create_database,
    create_schema,
    drop_database_or_schema,
)
from airflow_provider_ssis.emulator.tsql.language.table_columns import (
    TableParts,
    index_filter,
    index_options,
    key_columns,
    read_part,
    table_declaration,
)
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import UNIQUE_INDEX, Key, PlainIndex
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported

_INDEX_WORDS: Final = ("UNIQUE", "CLUSTERED", "NONCLUSTERED", "COLUMNSTORE", "INDEX")


def create(stream: TokenStream) -> s.Statement:
    """``CREATE TABLE name (…)``, ``CREATE INDEX name ON table (…)``, and CREATE of a schema or database."""
    line = stream.advance().line
    if stream.now.is_word(*_INDEX_WORDS):
        return _create_index(stream, line)
    if stream.now.is_word("DATABASE"):
        return create_database(stream, line)
    if stream.now.is_word("SCHEMA"):
        return create_schema(stream, line)
    stream.expect("TABLE")
    name = extents.table_name(stream.name(), line)
    declaration = table_declaration(stream, name[-1], line)
    index_options(stream)
    return table_syntax.CreateTable(line, declaration, name)


def _create_index(stream: TokenStream, line: int) -> s.Statement:
    unique = stream.accept("UNIQUE")
    clustered = stream.now.is_word("CLUSTERED")
    stream.accept("CLUSTERED", "NONCLUSTERED")
    columnstore = not unique and stream.accept("COLUMNSTORE")
    stream.expect("INDEX")
    name = stream.identifier()
    stream.expect("ON")
    table = _table(stream, line)
    columns = () if columnstore and clustered else key_columns(stream)
    if stream.accept("INCLUDE"):
        key_columns(stream)
    condition = index_filter(stream)
    if condition and clustered:
        raise not_supported("WHERE of a clustered index", line=line)
    index_options(stream)
    if unique:
        return table_syntax.CreateIndex(line, table, Key(name, columns, UNIQUE_INDEX, condition))
    index = PlainIndex(name, columns, columnstore=columnstore, filter=condition)
    return table_syntax.CreateIndex(line, table, index)


def _table(stream: TokenStream, line: int) -> table_syntax.Name:
    return extents.table_name(stream.name(), line)


def alter(stream: TokenStream) -> s.Statement:
    """``ALTER TABLE name ADD … | DROP … | ALTER COLUMN …``, and ``ALTER DATABASE``."""
    line = stream.advance().line
    if stream.now.is_word("DATABASE"):
        return alter_database(stream, line)
    stream.expect("TABLE")
    table = _table(stream, line)
    checks_rows = False
    if stream.accept("WITH"):
        checks_rows = stream.expect("CHECK", "NOCHECK").is_word("CHECK")
        if not stream.now.is_word("ADD", "CHECK"):
            raise stream.error()
        if not checks_rows and stream.now.is_word("ADD"):
            raise not_supported("ALTER TABLE … WITH NOCHECK ADD", line=line)
    if stream.now.is_word("CHECK", "NOCHECK"):
        enables = stream.advance().is_word("CHECK")
        stream.expect("CONSTRAINT")
        names = () if stream.accept("ALL") else stream.listed(stream.identifier)
        return table_syntax.EnableConstraints(line, table, names, enables, checks_rows)
    if stream.accept("ADD"):
        parts = TableParts(table[-1])
        read_part(stream, parts)
        while stream.accept_symbol(","):
            read_part(stream, parts)
        return table_syntax.AddToTable(line, table, parts.checked_columns, parts.rules)
    if stream.accept("DROP"):
        return _drop_parts(stream, line, table)
    if stream.accept("ALTER"):
        stream.expect("COLUMN")
        name = stream.identifier()
        sql_type = data_type(stream, stream.name()[-1], line)
        nullable = True
        if stream.accept("NOT"):
            nullable = False
            stream.expect("NULL")
        else:
            stream.accept("NULL")
        return table_syntax.AlterColumn(line, table, Column(name, sql_type, nullable))
    if stream.accept("SWITCH"):
        if stream.accept("PARTITION"):
            raise not_supported("ALTER TABLE … SWITCH PARTITION", line=line)
        stream.expect("TO")
        target = _table(stream, line)
        if stream.accept("PARTITION"):
            raise not_supported("ALTER TABLE … SWITCH TO … PARTITION", line=line)
        index_options(stream)
        return table_syntax.SwitchTable(line, table, target)
    if stream.accept("REBUILD"):
        if stream.accept("PARTITION"):
            stream.expect_symbol("=")
            stream.expect("ALL")
        index_options(stream)
        return table_syntax.UpdateStatistics(line, table)
    raise not_supported(f"ALTER TABLE … {stream.now.text.upper()}", line=stream.now.line)


def _drop_parts(stream: TokenStream, line: int, table: table_syntax.Name) -> s.Statement:
    columns: list[str] = []
    constraints: list[str] = []
    found = constraints
    while True:
        if stream.accept("COLUMN"):
            found = columns
        elif stream.accept("CONSTRAINT"):
            found = constraints
        if_exists = stream.accept_if_exists()
        found.append(stream.identifier())
        if not stream.accept_symbol(","):
            return table_syntax.DropFromTable(line, table, tuple(columns), tuple(constraints), if_exists)


def drop(stream: TokenStream) -> s.Statement:
    """``DROP TABLE [IF EXISTS] name``, ``DROP INDEX name ON table``, and DROP of a schema or database."""
    line = stream.advance().line
    if stream.now.is_word("DATABASE", "SCHEMA"):
        return drop_database_or_schema(stream, line)
    index = stream.expect("TABLE", "INDEX").is_word("INDEX")
    if_exists = stream.accept_if_exists()
    if index:
        return _drop_index(stream, line, if_exists=if_exists)
    return table_syntax.DropTable(line, stream.listed(lambda: _table(stream, line)), if_exists)


def _drop_index(stream: TokenStream, line: int, *, if_exists: bool) -> s.Statement:
    parts = stream.name()
    if stream.accept("ON"):
        return table_syntax.DropIndex(line, _table(stream, line), parts[-1], if_exists)
    if len(parts) < 2:
        raise stream.error()
    return table_syntax.DropIndex(line, extents.table_name(parts[:-1], line), parts[-1], if_exists)


def truncate(stream: TokenStream) -> s.Statement:
    """``TRUNCATE TABLE name``, which also resets its IDENTITY."""
    line = stream.advance().line
    stream.expect("TABLE")
    parts = stream.name()
    if stream.now.is_word("WITH") and stream.following.is_symbol("("):
        raise not_supported("TRUNCATE TABLE … WITH PARTITIONS", line=line)
    return table_syntax.TruncateTable(line, extents.table_name(parts, line))
