"""CREATE, ALTER and DROP of synonyms, sequences and table types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from airflow_provider_ssis.emulator.datatypes import BIGINT
from airflow_provider_ssis.emulator.tsql.language import named_object_syntax as n
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.data_types import data_type
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.table_columns import table_declaration
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.metadata.objects import DEFAULT_CACHE
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

SYNONYM: Final = "SYNONYM"
SEQUENCE: Final = "SEQUENCE"
TYPE: Final = "TYPE"


def statement(stream: TokenStream) -> s.Statement | None:
    """The statement at the current token; None for any other."""
    kind = stream.following.text.upper() if stream.following.kind is Kind.WORD else ""
    read = _STATEMENTS.get((stream.now.text.upper(), kind)) if stream.now.kind is Kind.WORD else None
    if read is None:
        return None
    line = stream.advance().line
    stream.advance()
    return read(stream, line)


def _create_synonym(stream: TokenStream, line: int) -> s.Statement:
    name = stream.name()
    stream.expect("FOR")
    return n.CreateSynonym(line, name, stream.name())


def _drop_synonym(stream: TokenStream, line: int) -> s.Statement:
    if_exists = stream.accept_if_exists()
    return n.DropObjects(line, SYNONYM, (stream.name(),), if_exists)


def _create_type(stream: TokenStream, line: int) -> s.Statement:
    name = stream.name()
    if stream.now.is_word("FROM"):
        raise not_supported("CREATE TYPE … FROM", line=line)
    stream.expect("AS")
    stream.expect("TABLE")
    return n.CreateTableType(line, name, table_declaration(stream, name[-1], line))


def _drop_type(stream: TokenStream, line: int) -> s.Statement:
    if_exists = stream.accept_if_exists()
    return n.DropObjects(line, TYPE, (stream.name(),), if_exists)


def _create_sequence(stream: TokenStream, line: int) -> s.Statement:
    name = stream.name()
    kind = data_type(stream, stream.name()[-1], line) if stream.accept("AS") else BIGINT
    options, _ = _options(stream, alters=False)
    return n.CreateSequence(line, name, kind, options)


def _alter_sequence(stream: TokenStream, line: int) -> s.Statement:
    name = stream.name()
    options, restarts = _options(stream, alters=True)
    if options == n.SequenceOptions() and not restarts:
        raise stream.error()
    return n.AlterSequence(line, name, options, restarts)


def _options(stream: TokenStream, *, alters: bool) -> tuple[n.SequenceOptions, bool]:
    """The options of a sequence, in any order; and whether RESTART is one."""
    found = n.SequenceOptions()
    restarts = False
    while stream.now.kind is Kind.WORD:
        word = stream.now.text.upper()
        if word in ("START", "AS") and alters:
            shown = "START WITH" if word == "START" else word
            text = f"Argument '{shown}' cannot be used in an ALTER SEQUENCE statement."
            raise SqlError(11711, text, severity=15, line=stream.now.line)
        if word == "RESTART" and alters:
            stream.advance()
            restarts = True
            if stream.accept("WITH"):
                found = replace(found, start=_integer(stream))
        elif word == "START":
            stream.advance()
            stream.expect("WITH")
            found = replace(found, start=_integer(stream))
        elif word == "INCREMENT":
            stream.advance()
            stream.expect("BY")
            found = replace(found, increment=_integer(stream))
        elif word == "NO":
            stream.advance()
            found = _without(stream, found)
        elif word == "MINVALUE":
            stream.advance()
            found = replace(found, minimum=_integer(stream))
        elif word == "MAXVALUE":
            stream.advance()
            found = replace(found, maximum=_integer(stream))
        elif word == "CYCLE":
            stream.advance()
            found = replace(found, cycles=True)
        elif word == "CACHE":
            line = stream.advance().line
            found = replace(found, cache=_cache(stream))
            if not found.cache:
                raise SqlError(11706, "The cache size for a sequence object must be greater than 0.", line=line)
        else:
            break
    return found, restarts


def _without(stream: TokenStream, found: n.SequenceOptions) -> n.SequenceOptions:
    word = stream.advance().text.upper()
    match word:
        case "MINVALUE":
            return replace(found, minimum=n.NO)
        case "MAXVALUE":
            return replace(found, maximum=n.NO)
        case "CYCLE":
            return replace(found, cycles=False)
        case "CACHE":
            return replace(found, cache=1)
    raise stream.error()


def _cache(stream: TokenStream) -> int:
    return _integer(stream) if stream.now.kind is Kind.NUMBER else DEFAULT_CACHE


def _integer(stream: TokenStream) -> int:
    sign = -1 if stream.accept_symbol("-") else 1
    stream.accept_symbol("+")
    token = stream.expect_kind(Kind.NUMBER)
    if not token.text.isdecimal():
        raise stream.error()
    return sign * int(token.text)


def _drop_sequence(stream: TokenStream, line: int) -> s.Statement:
    if_exists = stream.accept_if_exists()
    return n.DropObjects(line, SEQUENCE, stream.listed(stream.name), if_exists)


_STATEMENTS: Final[dict[tuple[str, str], Callable[[TokenStream, int], s.Statement]]] = {
    ("ALTER", SEQUENCE): _alter_sequence,
    ("CREATE", SEQUENCE): _create_sequence,
    ("CREATE", SYNONYM): _create_synonym,
    ("CREATE", TYPE): _create_type,
    ("DROP", TYPE): _drop_type,
    ("DROP", SEQUENCE): _drop_sequence,
    ("DROP", SYNONYM): _drop_synonym,
}
