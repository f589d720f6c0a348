"""PRINT, RAISERROR, THROW and WAITFOR."""

from __future__ import annotations

from airflow_provider_ssis.emulator.tsql.language import extents
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


def print_statement(stream: TokenStream) -> s.Statement:
    """``PRINT value``."""
    line = stream.advance().line
    return s.Print(line, extents.expression(stream))


def raiserror(stream: TokenStream) -> s.Statement:
    """``RAISERROR (message, severity, state, arguments) WITH options``."""
    line = stream.advance().line
    stream.expect_symbol("(")
    arguments = stream.listed(lambda: extents.expression(stream, ","))
    if len(arguments) < 3:
        raise stream.error()
    stream.expect_symbol(")")
    chosen = stream.listed(lambda: stream.expect("LOG", "NOWAIT", "SETERROR")) if stream.accept("WITH") else ()
    return s.Raiserror(line, arguments, frozenset(token.text.upper() for token in chosen))


def throw(stream: TokenStream, *, in_handler: bool) -> s.Statement:
    """``THROW [number, message, state]``.

    :param in_handler: inside a CATCH block.
    :raises SqlError: 10704, no arguments and not in a CATCH block.
    """
    line = stream.advance().line
    if extents.statement_ends(stream):
        if not in_handler:
            text = "THROW without arguments is allowed only inside a CATCH block."
            raise SqlError(10704, text, severity=15, line=line)
        return s.Throw(line, ())
    number = extents.expression(stream, ",")
    stream.expect_symbol(",")
    message = extents.expression(stream, ",")
    stream.expect_symbol(",")
    return s.Throw(line, (number, message, extents.expression(stream, ",")))


def waitfor(stream: TokenStream) -> s.Statement:
    """``WAITFOR DELAY 'time'`` and ``WAITFOR TIME 'time'``."""
    line = stream.advance().line
    until = stream.expect("DELAY", "TIME").is_word("TIME")
    return s.WaitFor(line, until, extents.expression(stream))
