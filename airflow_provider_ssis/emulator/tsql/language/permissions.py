"""GRANT, DENY and REVOKE."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.tsql.language import principal_syntax as p
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported

_ACTIONS: Final = ("GRANT", "DENY", "REVOKE")
_KINDS: Final = ("DATABASE", "SCHEMA", "OBJECT")


def statement(stream: TokenStream) -> s.Statement | None:
    """The statement at the current token; None for any other."""
    if not stream.now.is_word(*_ACTIONS):
        return None
    line, action = stream.now.line, stream.advance().text.upper()
    if action == "REVOKE" and stream.now.is_word("GRANT"):
        raise not_supported("REVOKE GRANT OPTION FOR", line=line)
    permissions = stream.listed(lambda: _permission(stream, line))
    kind, securable = _securable(stream, line) if stream.accept("ON") else ("DATABASE", ())
    stream.expect("TO", "FROM") if action == "REVOKE" else stream.expect("TO")
    principals = stream.listed(lambda: _principal(stream))
    with_option = action == "GRANT" and stream.accept("WITH")
    if with_option:
        stream.expect("GRANT")
        stream.expect("OPTION")
    stream.accept("CASCADE")
    if stream.accept("AS"):
        stream.identifier()
    return p.ChangePermissions(line, action, permissions, kind, securable, principals, with_option)


def _principal(stream: TokenStream) -> str:
    return stream.advance().value if stream.now.is_word("PUBLIC") else stream.identifier()


def _permission(stream: TokenStream, line: int) -> str:
    words = []
    while stream.now.kind is Kind.WORD and not stream.now.is_word("ON", "TO", "FROM"):
        words.append(stream.advance().text.upper())
    if not words:
        raise stream.error()
    if stream.now.is_symbol("("):
        raise not_supported("A permission on columns", line=line)
    name = " ".join(words).removesuffix(" PRIVILEGES")
    return {"EXEC": "EXECUTE"}.get(name, name)


def _securable(stream: TokenStream, line: int) -> tuple[str, tuple[str, ...]]:
    kind = "OBJECT"
    if stream.following.is_symbol("::"):
        kind = stream.advance().text.upper()
        stream.advance()
        if kind not in _KINDS:
            raise not_supported(f"A permission on {kind}", line=line)
    return kind, stream.name()
