"""Statements about transactions."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream

TRANSACTION: Final = ("TRAN", "TRANSACTION")


def begin(stream: TokenStream, line: int) -> s.BeginTransaction:
    """``BEGIN TRANSACTION [name]``, after these words."""
    name = _name(stream)
    _option(stream, "MARK")
    return s.BeginTransaction(line, name)


def commit(stream: TokenStream) -> s.Statement:
    """``COMMIT [TRANSACTION [name]]``."""
    line = stream.advance().line
    name = ""
    if stream.accept(*TRANSACTION):
        name = _name(stream)
    else:
        stream.accept("WORK")
    _option(stream, "(")
    return s.CommitTransaction(line, name)


def rollback(stream: TokenStream) -> s.Statement:
    """``ROLLBACK [TRANSACTION [name]]``."""
    line = stream.advance().line
    if stream.accept(*TRANSACTION):
        return s.RollbackTransaction(line, _name(stream))
    stream.accept("WORK")
    return s.RollbackTransaction(line)


def save(stream: TokenStream) -> s.Statement:
    """``SAVE TRANSACTION name``."""
    line = stream.advance().line
    stream.expect(*TRANSACTION)
    name = _name(stream)
    if not name:
        raise stream.error()
    return s.SaveTransaction(line, name)


def _name(stream: TokenStream) -> str:
    token = stream.now
    if token.kind is Kind.VARIABLE:
        stream.check_scalar()
        return stream.advance().text.lower()
    if token.kind is Kind.QUOTED or (token.kind is Kind.WORD and not token.is_keyword):
        return stream.advance().value
    return ""


def _option(stream: TokenStream, kind: str) -> None:
    """WITH MARK of BEGIN and WITH (DELAYED_DURABILITY …) of COMMIT: neither changes anything here."""
    if not (stream.now.is_word("WITH") and stream.following.text.upper() == kind):
        return
    stream.advance()
    if stream.accept("MARK"):
        if stream.now.kind is Kind.STRING:
            stream.advance()
        return
    stream.expect_symbol("(")
    stream.expect("DELAYED_DURABILITY")
    stream.expect_symbol("=")
    stream.expect("ON", "OFF")
    stream.expect_symbol(")")
