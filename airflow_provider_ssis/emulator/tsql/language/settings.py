"""SET: variables and options."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language import cursors, extents, options
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_COMPOUND: Final = ("+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=")
_STATISTICS: Final = ("STATISTICS IO", "STATISTICS TIME", "STATISTICS PROFILE", "STATISTICS XML")


def set_statement(stream: TokenStream) -> s.Statement:
    """``SET @name = value`` and ``SET option value``."""
    line = stream.advance().line
    if stream.now.kind is not Kind.VARIABLE:
        return _set_option(stream, line)
    if stream.now.text.lower() in stream.cursors:
        return cursors.assign(stream, line)
    stream.check_scalar()
    name = stream.advance().text
    if stream.now.is_symbol("."):
        raise not_supported(f"The method {stream.following.text}", line=stream.now.line)
    operator = stream.expect_kind(Kind.SYMBOL).text
    if operator == "=":
        return s.SetVariable(line, name.lower(), extents.expression(stream))
    if operator not in _COMPOUND:
        stream.position -= 1
        raise stream.error()
    return s.SetVariable(line, name.lower(), extents.expression(stream, before=f"{name} {operator[0]} "))


def _set_option(stream: TokenStream, line: int) -> s.Statement:
    if stream.accept("IDENTITY_INSERT"):
        table = extents.table_name(stream.name(), line)
        on = stream.expect("ON", "OFF").is_word("ON")
        return s.SetIdentityInsert(line, table, on)
    names = [_option_name(stream)]
    while stream.accept_symbol(","):
        names.append(_option_name(stream, names[-1].partition(" ")[0] if names[-1] in _STATISTICS else ""))
    sign = "-" if stream.accept_symbol("-") else ""
    if stream.now.kind is Kind.VARIABLE:
        stream.check_scalar()
    first = stream.expect_kind(Kind.WORD, Kind.NUMBER, Kind.STRING, Kind.VARIABLE, Kind.BINARY)
    value = sign + first.text.upper()
    if first.is_word("READ", "REPEATABLE"):
        value += " " + stream.expect("READ", "COMMITTED", "UNCOMMITTED").text.upper()
    return s.SetOption(line, tuple(names), value)


def _option_name(stream: TokenStream, family: str = "") -> str:
    line = stream.now.line
    name = family or stream.expect_kind(Kind.WORD).text.upper()
    if name == "STATISTICS":
        name += " " + stream.expect_kind(Kind.WORD).text.upper()
    elif name == "OFFSETS":
        # The words whose places are asked for.
        stream.expect_kind(Kind.WORD)
        while stream.accept_symbol(","):
            stream.expect_kind(Kind.WORD)
    elif name == "TRANSACTION":
        name += f" {stream.expect('ISOLATION').text} {stream.expect('LEVEL').text}".upper()
    if not options.is_option(name):
        raise SqlError(195, f"'{name}' is not a recognized SET option.", severity=15, line=line)
    return name


def use(stream: TokenStream) -> s.Statement:
    """``USE database``."""
    line = stream.advance().line
    return s.Use(line, stream.identifier())
