"""EXECUTE AS and REVERT."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ssis.emulator.tsql.language import calls
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.statements import Statement
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported

LOGIN = "LOGIN"
USER = "USER"
CALLER = "CALLER"


@dataclass(frozen=True, slots=True)
class ExecuteAs(Statement):
    """``EXECUTE AS LOGIN | USER = name`` and ``EXECUTE AS CALLER``.

    :param kind: one of these words.
    :param name: of the login or user, or the variable that has it; empty for the caller.
    :param is_variable: whether it is a variable.
    :param is_final: WITH NO REVERT.
    """

    kind: str
    name: str = ""
    is_variable: bool = False
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Revert(Statement):
    """``REVERT``."""


def execute(stream: TokenStream) -> Statement:
    """A call, or EXECUTE AS."""
    if not stream.following.is_word("AS"):
        return calls.execute(stream)
    line = stream.advance().line
    stream.advance()
    kind = stream.expect(LOGIN, USER, CALLER).text.upper()
    if kind == CALLER:
        return ExecuteAs(line, kind)
    stream.expect_symbol("=")
    if stream.now.kind is Kind.VARIABLE:
        stream.check_scalar()
    name = stream.expect_kind(Kind.STRING, Kind.VARIABLE)
    is_final = False
    if stream.accept("WITH"):
        if stream.now.is_word("COOKIE"):
            raise not_supported("EXECUTE AS … WITH COOKIE", line=line)
        stream.expect("NO")
        stream.expect("REVERT")
        is_final = True
    is_variable = name.kind is Kind.VARIABLE
    return ExecuteAs(line, kind, name.text.lower() if is_variable else name.value, is_variable, is_final)


def revert(stream: TokenStream) -> Statement:
    """``REVERT``."""
    line = stream.advance().line
    if stream.now.is_word("WITH"):
        raise not_supported("REVERT WITH COOKIE", line=line)
    return Revert(line)
