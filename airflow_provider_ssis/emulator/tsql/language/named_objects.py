"""CREATE and DROP of synonyms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from airflow_provider_ssis.emulator.tsql.language import named_object_syntax as n
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream

SYNONYM: Final = "SYNONYM"


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
    if_exists = stream.accept("IF")
    if if_exists:
        stream.expect("EXISTS")
    return n.DropObjects(line, SYNONYM, (stream.name(),), if_exists)


_STATEMENTS: Final[dict[tuple[str, str], Callable[[TokenStream, int], s.Statement]]] = {
    ("CREATE", SYNONYM): _create_synonym,
    ("DROP", SYNONYM): _drop_synonym,
}
