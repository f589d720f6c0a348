"""Statements that create, drop and empty tables."""

from __future__ import annotations

from airflow_provider_ssis.emulator.tsql.language import declarations
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


def create(stream: TokenStream) -> s.Statement:
    """``CREATE TABLE #name (…)``."""
    return declarations.create_table(stream)


def drop(stream: TokenStream) -> s.Statement:
    """``DROP TABLE [IF EXISTS] #name``."""
    line = stream.advance().line
    stream.expect("TABLE")
    if_exists = stream.accept("IF")
    if if_exists:
        stream.expect("EXISTS")
    names = [stream.name()[-1].lower()]
    while stream.accept_symbol(","):
        names.append(stream.name()[-1].lower())
    return s.DropTable(line, tuple(names), if_exists)


def truncate(stream: TokenStream) -> s.Statement:
    """``TRUNCATE TABLE #name``, which empties a local table as DELETE does."""
    line = stream.advance().line
    stream.expect("TABLE")
    name = stream.now
    parts = stream.name()
    if stream.now.is_word("WITH") and stream.following.is_symbol("("):
        raise not_supported("TRUNCATE TABLE … WITH PARTITIONS", line=line)
    if not parts[-1].startswith("#"):
        raise SqlError(4701, f"Cannot truncate the table '{'.'.join(parts)}': it is not a temporary table.", line=line)
    return s.Query(line, QueryText.parse(f"DELETE FROM {name.text}", line))
