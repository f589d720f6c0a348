"""Cursors: DECLARE, SET, OPEN, FETCH, CLOSE, DEALLOCATE."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language import cursor_syntax, extents
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_GROUPS: Final = (
    ("LOCAL", "GLOBAL"),
    ("FORWARD_ONLY", "SCROLL"),
    ("STATIC", "KEYSET", "DYNAMIC", "FAST_FORWARD"),
    ("READ_ONLY", "SCROLL_LOCKS", "OPTIMISTIC"),
    ("TYPE_WARNING",),
)
"""The options of DECLARE CURSOR; those of a group exclude each other."""
_OPTIONS: Final = tuple(word for group in _GROUPS for word in group)
_EXCLUDED: Final = (
    *(frozenset({one, other}) for group in _GROUPS for one in group for other in group if one != other),
    frozenset({"FAST_FORWARD", "SCROLL"}),
    frozenset({"FAST_FORWARD", "SCROLL_LOCKS"}),
    frozenset({"FAST_FORWARD", "OPTIMISTIC"}),
    frozenset({"STATIC", "SCROLL_LOCKS"}),
)
_DIRECTIONS: Final = ("NEXT", "PRIOR", "FIRST", "LAST", "ABSOLUTE", "RELATIVE")


def declare(stream: TokenStream, line: int) -> cursor_syntax.DeclareCursor:
    """``DECLARE name CURSOR options FOR query``, after DECLARE; the options of the standard come before CURSOR."""
    name = cursor_syntax.CursorName(stream.identifier().lower())
    options = set()
    is_insensitive = stream.accept("INSENSITIVE")
    if stream.accept("SCROLL"):
        options.add("SCROLL")
    if is_insensitive:
        options |= {"STATIC"} if options else {"STATIC", "FORWARD_ONLY"}
    stream.expect("CURSOR")
    if options and stream.now.is_word(*_OPTIONS):
        text = "Options before CURSOR and options after it cannot be used together."
        raise SqlError(1049, text, severity=15, line=stream.now.line)
    return cursor_syntax.DeclareCursor(line, name, _definition(stream, options))


def assign(stream: TokenStream, line: int) -> cursor_syntax.SetCursor:
    """``SET @name = CURSOR …`` and ``SET @name = cursor``, after SET."""
    variable = stream.advance().text.lower()
    stream.expect_symbol("=")
    if stream.accept("CURSOR"):
        return cursor_syntax.SetCursor(line, variable, _definition(stream, set()))
    return cursor_syntax.SetCursor(line, variable, _cursor(stream))


def _definition(stream: TokenStream, options: set[str]) -> cursor_syntax.CursorQuery:
    while stream.now.is_word(*_OPTIONS):
        token = stream.advance()
        word = token.text.upper()
        if clash := next((each for each in sorted(options) if frozenset({each, word}) in _EXCLUDED), ""):
            text = f"Conflicting cursor options {clash} and {word}."
            raise SqlError(1048, text, severity=15, line=token.line)
        options.add(word)
    stream.expect("FOR")
    if not stream.now.is_word("SELECT", "WITH"):
        raise stream.error()
    query = extents.query(stream)
    if query.into:
        raise SqlError(156, "Incorrect syntax near the keyword 'INTO'.", severity=15, line=query.line)
    if stream.accept("FOR"):
        _purpose(stream)
    return cursor_syntax.CursorQuery(frozenset(options), query.text)


def _purpose(stream: TokenStream) -> None:
    """READ ONLY, or UPDATE OF columns: no row changes through a cursor here."""
    if stream.accept("READ"):
        token = stream.advance()
        if token.text.upper() != "ONLY":
            raise stream.error()
        return
    stream.expect("UPDATE")
    if stream.accept("OF"):
        stream.identifier()
        while stream.accept_symbol(","):
            stream.identifier()


def _cursor(stream: TokenStream) -> cursor_syntax.CursorName:
    """The name of a cursor, or a cursor variable."""
    token = stream.now
    if token.kind is Kind.VARIABLE:
        name = token.text.lower()
        if name not in stream.cursors:
            stream.check_variable()
            text = f"The variable '{token.text}' is not a cursor variable."
            raise SqlError(16949, text, line=token.line)
        stream.advance()
        return cursor_syntax.CursorName(name)
    only_global = stream.now.is_word("GLOBAL") and stream.following.kind in (Kind.WORD, Kind.QUOTED)
    if only_global:
        stream.advance()
    return cursor_syntax.CursorName(stream.identifier().lower(), only_global)


def open_cursor(stream: TokenStream) -> s.Statement:
    """``OPEN name``."""
    line = stream.advance().line
    return cursor_syntax.OpenCursor(line, _cursor(stream))


def close(stream: TokenStream) -> s.Statement:
    """``CLOSE name``."""
    line = stream.advance().line
    return cursor_syntax.CloseCursor(line, _cursor(stream))


def deallocate(stream: TokenStream) -> s.Statement:
    """``DEALLOCATE name``."""
    line = stream.advance().line
    return cursor_syntax.DeallocateCursor(line, _cursor(stream))


def fetch(stream: TokenStream) -> s.Statement:
    """``FETCH [[direction] FROM] name [INTO @a, @b]``."""
    line = stream.advance().line
    direction, offset = "NEXT", None
    if stream.now.is_word(*_DIRECTIONS):
        direction = stream.advance().text.upper()
        if direction in ("ABSOLUTE", "RELATIVE"):
            offset = _offset(stream)
        stream.expect("FROM")
    else:
        stream.accept("FROM")
    cursor = _cursor(stream)
    variables = stream.listed(lambda: _variable(stream)) if stream.accept("INTO") else None
    return cursor_syntax.Fetch(line, cursor, direction, offset, variables)


def _offset(stream: TokenStream) -> QueryText:
    sign = "-" if stream.accept_symbol("-") else ""
    if stream.now.kind is Kind.VARIABLE and not sign:
        stream.check_scalar()
    elif stream.now.kind is not Kind.NUMBER:
        raise stream.error()
    token = stream.advance()
    return QueryText.parse(f"SELECT {sign}{token.text}", token.line)


def _variable(stream: TokenStream) -> str:
    if stream.now.kind is not Kind.VARIABLE:
        raise stream.error()
    stream.check_scalar()
    return stream.advance().text.lower()
