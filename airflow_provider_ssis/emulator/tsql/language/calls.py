"""EXEC, and INSERT … EXEC."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language import extents
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.bulk_statements import insert_bulk
from airflow_provider_ssis.emulator.tsql.language.execute_options import execute_options
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_NAME_PARTS: Final = 3


def insert(stream: TokenStream) -> s.Statement:
    """INSERT … EXEC is a separate statement; every other INSERT is a query."""
    start = stream.position
    line = stream.advance().line
    if stream.accept("BULK"):
        return insert_bulk(stream, line)
    stream.accept("INTO")
    table, columns = stream.advance(), []
    name = [table.value]
    while stream.accept_symbol("."):
        if not stream.now.is_symbol("."):
            name.append(stream.advance().value)
        else:
            name.append("")
    if stream.accept_symbol("("):
        while stream.now.kind in (Kind.WORD, Kind.QUOTED):
            columns.append(stream.advance().value)
            stream.accept_symbol(",")
        stream.accept_symbol(")")
    if not stream.now.is_word("EXEC", "EXECUTE"):
        stream.position = start
        return extents.statement(stream)
    if table.kind is Kind.VARIABLE and not stream.has_table(table.text.lower()):
        text = f'Must declare the table variable "{table.text}".'
        raise SqlError(1087, text, severity=15, state=2, line=table.line)
    target = extents.table_name(tuple(name), line) if table.kind is not Kind.VARIABLE else (table.value.lower(),)
    return s.InsertExecute(line, target, tuple(columns), execute(stream))


def execute(stream: TokenStream) -> s.Execute | s.ExecuteText:
    """``EXEC procedure arguments`` and ``EXEC ('text')``."""
    line = stream.advance().line
    if stream.accept_symbol("("):
        text = extents.expression(stream)
        stream.expect_symbol(")")
        if stream.now.is_word("AT", "AS"):
            raise not_supported(f"EXECUTE … {stream.now.text.upper()}", line=stream.now.line)
        return s.ExecuteText(line, text, execute_options(stream))
    status = ""
    if stream.now.kind is Kind.VARIABLE and stream.following.is_symbol("="):
        stream.check_scalar()
        status = stream.advance().text.lower()
        stream.advance()
    return execute_procedure(stream, line, status)


def execute_procedure(stream: TokenStream, line: int, status: str) -> s.Execute:
    """A procedure call after EXEC.

    :param status: the variable that takes the return status; empty for none.
    """
    variable = ""
    name: tuple[str, ...] = ()
    if stream.now.kind is Kind.VARIABLE:
        stream.check_scalar()
        variable = stream.advance().text.lower()
    else:
        name = stream.name()
        if len(name) > _NAME_PARTS:
            raise SqlError(7202, f"There is no linked server '{name[0]}'.", severity=11, state=2, line=line)
    if stream.now.is_symbol(";") and stream.following.kind is Kind.NUMBER:
        raise not_supported("The number of a procedure", line=stream.now.line)
    arguments = stream.listed(lambda: _argument(stream)) if _begins_argument(stream) else ()
    return s.Execute(line, name, arguments, status, variable, execute_options(stream))


def _begins_argument(stream: TokenStream) -> bool:
    token = stream.now
    if stream.at_label:
        return False
    if token.kind in (Kind.VARIABLE, Kind.STRING, Kind.NUMBER, Kind.BINARY, Kind.QUOTED):
        return True
    if token.is_symbol("+", "-", "$") or token.is_word("DEFAULT", "NULL"):
        return True
    return token.kind is Kind.WORD and not token.is_keyword and not token.is_word("THROW")


def _argument(stream: TokenStream) -> s.Argument:
    name = ""
    if stream.now.kind is Kind.VARIABLE and stream.following.is_symbol("="):
        name = stream.advance().text
        stream.advance()
    token = stream.now
    if stream.accept("DEFAULT"):
        return s.Argument(name, None)
    if token.kind is Kind.VARIABLE:
        stream.check_variable()
        stream.advance()
        output = stream.accept("OUTPUT", "OUT")
        return s.Argument(name, QueryText.parse(f"SELECT {token.text}", token.line), token.text.lower(), output)
    if token.kind is Kind.QUOTED or (token.kind is Kind.WORD and not token.is_keyword):
        # A bare word is a string: EXEC p @flag = False.
        stream.advance()
        return s.Argument(name, QueryText.parse("SELECT N'" + token.value.replace("'", "''") + "'", token.line))
    sign = stream.advance().text if token.is_symbol("+", "-", "$") else ""
    if stream.now.kind is not Kind.NUMBER and (
        sign or not (stream.now.kind in (Kind.STRING, Kind.BINARY) or stream.now.is_word("NULL"))
    ):
        raise stream.error()
    return s.Argument(name, QueryText.parse(f"SELECT {sign}{stream.advance().text}", token.line))
