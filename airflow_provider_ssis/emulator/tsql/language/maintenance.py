"""Maintenance of tables: DBCC CHECKIDENT, ALTER INDEX, UPDATE STATISTICS, ALTER SCHEMA and others."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language import extents, table_syntax
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.table_columns import key_columns
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported

_PARENTHESES: Final = {"(": 1, ")": -1}


def statement(stream: TokenStream) -> s.Statement | None:
    """The statement at the current token; None for any other."""
    line, following = stream.now.line, stream.following
    if stream.now.is_word("DBCC") and following.text.upper() == "CHECKIDENT":
        return _check_identity(stream, line)
    if stream.now.is_word("UPDATE") and following.is_word("STATISTICS"):
        return _update_statistics(stream, line)
    if following.is_word("STATISTICS") and stream.now.is_word("CREATE"):
        return _create_statistics(stream, line)
    if following.is_word("STATISTICS") and stream.now.is_word("DROP"):
        return _drop_statistics(stream, line)
    if stream.now.is_word("ALTER") and following.is_word("INDEX"):
        return _alter_index(stream, line)
    if stream.now.is_word("ALTER") and following.is_word("SCHEMA"):
        return _transfer(stream, line)
    return None


def _check_identity(stream: TokenStream, line: int) -> s.Statement:
    """``DBCC CHECKIDENT (table [, NORESEED | RESEED [, value]]) [WITH NO_INFOMSGS]``."""
    stream.advance()
    stream.advance()
    stream.expect_symbol("(")
    name = tuple(split_name(stream.advance().value)) if stream.now.kind is Kind.STRING else stream.name()
    reseeds, value = True, None
    if stream.accept_symbol(","):
        reseeds = stream.advance().text.upper() != "NORESEED"
        if reseeds and stream.accept_symbol(","):
            value = extents.expression(stream)
    stream.expect_symbol(")")
    quiet = stream.now.is_word("WITH") and stream.following.text.upper() == "NO_INFOMSGS"
    if quiet:
        stream.advance()
        stream.advance()
    return table_syntax.CheckIdentity(line, extents.table_name(name, line), reseeds, value, quiet)


def _update_statistics(stream: TokenStream, line: int) -> s.Statement:
    stream.advance()
    stream.advance()
    table = extents.table_name(stream.name(), line)
    if not extents.statement_ends(stream):
        if stream.now.is_symbol("("):
            _skip_parentheses(stream)
        else:
            stream.identifier()
    if stream.accept("WITH"):
        _skip_options(stream)
    return table_syntax.UpdateStatistics(line, table)


def _create_statistics(stream: TokenStream, line: int) -> s.Statement:
    """``CREATE STATISTICS name ON table (columns) [WHERE condition] [WITH options]``."""
    stream.advance()
    stream.advance()
    name = stream.identifier()
    stream.expect("ON")
    table = extents.table_name(stream.name(), line)
    columns = key_columns(stream)
    if stream.accept("WHERE"):
        extents.condition(stream)
    if stream.accept("WITH"):
        _skip_options(stream)
    return table_syntax.CreateStatistics(line, name, table, columns)


def _drop_statistics(stream: TokenStream, line: int) -> s.Statement:
    stream.advance()
    stream.advance()
    names = stream.listed(stream.name)
    if any(len(name) < 2 for name in names):
        raise stream.error()
    return table_syntax.DropStatistics(line, names)


def _alter_index(stream: TokenStream, line: int) -> s.Statement:
    """``ALTER INDEX name | ALL ON table REBUILD | REORGANIZE | DISABLE``."""
    stream.advance()
    stream.advance()
    name = "" if stream.accept("ALL") else stream.identifier()
    stream.expect("ON")
    table = extents.table_name(stream.name(), line)
    action = stream.advance().text.upper()
    if action not in ("REBUILD", "REORGANIZE", "DISABLE"):
        raise not_supported(f"ALTER INDEX … {action}", line=line)
    if stream.now.text.upper() == "PARTITION" and stream.following.is_symbol("="):
        stream.advance()
        stream.advance()
        if not stream.accept("ALL"):
            raise not_supported("ALTER INDEX of one partition", line=line)
    if stream.now.is_word("WITH") and stream.following.is_symbol("("):
        stream.advance()
        _skip_parentheses(stream)
    return table_syntax.AlterIndex(line, table, name, action)


def _transfer(stream: TokenStream, line: int) -> s.Statement:
    """``ALTER SCHEMA name TRANSFER [OBJECT::]table``."""
    stream.advance()
    stream.advance()
    schema = stream.identifier()
    if stream.now.text.upper() != "TRANSFER":
        raise not_supported("ALTER SCHEMA", line=line)
    stream.advance()
    if stream.now.text.upper() in ("TYPE", "XML") and stream.following.is_symbol("::"):
        raise not_supported(f"ALTER SCHEMA … TRANSFER {stream.now.text.upper()}", line=line)
    if stream.now.text.upper() == "OBJECT" and stream.following.is_symbol("::"):
        stream.advance()
        stream.advance()
    return table_syntax.TransferTable(line, schema, extents.table_name(stream.name(), line))


def _skip_options(stream: TokenStream) -> None:
    """Options that change nothing here."""
    while not extents.statement_ends(stream):
        stream.advance()


def _skip_parentheses(stream: TokenStream) -> None:
    depth = 0
    while True:
        if stream.at_end:
            raise stream.error()
        depth += _PARENTHESES.get(stream.advance().text, 0)
        if not depth:
            return
