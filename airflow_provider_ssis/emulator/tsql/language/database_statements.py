"""Statements about databases and schemas."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.language.table_columns import collation
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported

_OPTIONS: Final = {
    "RECOVERY": ("SIMPLE", "FULL", "BULK_LOGGED"),
    "READ_COMMITTED_SNAPSHOT": ("ON",),
    "ALLOW_SNAPSHOT_ISOLATION": ("ON", "OFF"),
    "AUTO_CLOSE": ("ON", "OFF"),
    "AUTO_SHRINK": ("ON", "OFF"),
    "AUTO_CREATE_STATISTICS": ("ON", "OFF"),
    "AUTO_UPDATE_STATISTICS": ("ON", "OFF"),
}
"""Options that change nothing here: readers never wait, and there is neither a log nor a plan to choose."""


def alter_database(stream: TokenStream, line: int) -> s.Statement:
    """``DATABASE name SET SINGLE_USER | MULTI_USER [WITH ROLLBACK … | NO_WAIT]``, after ``ALTER``."""
    stream.expect("DATABASE")
    name = None if stream.accept("CURRENT") else stream.identifier()
    option = stream.advance().text.upper() if stream.accept("SET") else ""
    if (value := _OPTIONS.get(option)) is not None and stream.now.is_word(*value):
        stream.advance()
        _termination(stream)
        return s.SetDatabaseOption(line, name)
    if option not in ("SINGLE_USER", "MULTI_USER"):
        raise not_supported("ALTER DATABASE", line=line)
    _termination(stream)
    return s.SetUserAccess(line, name, option == "SINGLE_USER")


def _termination(stream: TokenStream) -> None:
    """``WITH ROLLBACK IMMEDIATE``, ``WITH ROLLBACK AFTER 5 SECONDS`` or ``WITH NO_WAIT``."""
    if stream.accept("WITH"):
        if stream.accept("ROLLBACK"):
            when = stream.advance().text.upper()
            if when == "AFTER":
                stream.advance()
                if stream.now.text.upper() == "SECONDS":
                    stream.advance()
        else:
            stream.advance()


def create_database(stream: TokenStream, line: int) -> s.Statement:
    """``DATABASE name [COLLATE …]``, after ``CREATE``."""
    stream.expect("DATABASE")
    name = stream.identifier()
    if stream.accept("COLLATE"):
        collation(stream)
    if stream.now.is_word("ON", "LOG", "WITH", "AS", "FOR", "CONTAINMENT"):
        raise not_supported(f"CREATE DATABASE … {stream.now.text.upper()}", line=line)
    if stream.now.is_word("SPECIFICATION", "CREDENTIAL", "KEY"):
        raise not_supported(f"CREATE DATABASE {name.upper()} {stream.now.text.upper()}", line=line)
    return table_syntax.CreateDatabase(line, name)


def create_schema(stream: TokenStream, line: int) -> s.Statement:
    """``SCHEMA name [AUTHORIZATION dbo]``, after ``CREATE``."""
    stream.expect("SCHEMA")
    name = stream.identifier()
    if stream.accept("AUTHORIZATION") and stream.identifier().lower() != "dbo":
        raise not_supported("A schema that does not belong to dbo", line=line)
    return table_syntax.CreateSchema(line, name)


def drop_database_or_schema(stream: TokenStream, line: int) -> s.Statement:
    """``DATABASE [IF EXISTS] name, …`` and ``SCHEMA [IF EXISTS] name``, after ``DROP``."""
    is_schema = stream.expect("DATABASE", "SCHEMA").is_word("SCHEMA")
    if_exists = stream.accept_if_exists()
    if is_schema:
        return table_syntax.DropSchema(line, stream.identifier(), if_exists)
    return table_syntax.DropDatabase(line, stream.listed(stream.identifier), if_exists)
