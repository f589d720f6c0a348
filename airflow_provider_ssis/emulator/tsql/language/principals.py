"""Statements about logins, users and roles: CREATE, ALTER, DROP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from airflow_provider_ssis.emulator.tsql.language import principal_syntax as p
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.metadata.principals import LoginKind
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported

_SETTINGS: Final = ("CHECK_POLICY", "CHECK_EXPIRATION", "DEFAULT_DATABASE", "DEFAULT_LANGUAGE")
"""Options of logins that change nothing here."""


def statement(stream: TokenStream) -> s.Statement | None:
    """The statement about a principal at the current token; None for any other statement."""
    kind = stream.following.text.upper() if stream.following.kind is Kind.WORD else ""
    read = _STATEMENTS.get((stream.now.text.upper(), kind)) if stream.now.kind is Kind.WORD else None
    if read is None:
        return None
    line = stream.advance().line
    stream.advance()
    return read(stream, line)


def _create_login(stream: TokenStream, line: int) -> s.Statement:
    name = stream.identifier()
    if stream.accept("FROM"):
        if stream.accept("EXTERNAL"):
            stream.expect("PROVIDER")
            return p.CreateLogin(line, name, LoginKind.ENTRA)
        if not stream.accept("WINDOWS"):
            raise not_supported(f"CREATE LOGIN … FROM {stream.now.text.upper()}", line=line)
        if stream.accept("WITH"):
            _settings(stream, line)
        return p.CreateLogin(line, name, LoginKind.WINDOWS)
    stream.expect("WITH")
    stream.expect("PASSWORD")
    stream.expect_symbol("=")
    if stream.now.kind is Kind.BINARY:
        raise not_supported("CREATE LOGIN with a hashed password", line=line)
    password = stream.expect_kind(Kind.STRING).value
    stream.accept("MUST_CHANGE")
    sid = _settings(stream, line) if stream.accept_symbol(",") else None
    return p.CreateLogin(line, name, LoginKind.SQL, password, sid)


def _settings(stream: TokenStream, line: int, statement: str = "CREATE LOGIN") -> bytes | None:
    """Read options of a login; returns the sid among them."""
    sid = None
    while True:
        word = stream.expect_kind(Kind.WORD).text.upper()
        stream.expect_symbol("=")
        if word == "SID" and statement == "CREATE LOGIN":
            digits = stream.expect_kind(Kind.BINARY).text[2:]
            sid = bytes.fromhex(digits if len(digits) % 2 == 0 else f"0{digits}")
        elif word in _SETTINGS:
            stream.expect_kind(Kind.WORD, Kind.QUOTED)
        else:
            raise not_supported(f"{statement} … WITH {word}", line=line)
        if not stream.accept_symbol(","):
            return sid


def _alter_login(stream: TokenStream, line: int) -> s.Statement:
    name = stream.identifier()
    if stream.now.is_word("ENABLE", "DISABLE"):
        return p.AlterLogin(line, name, enabled=stream.advance().is_word("ENABLE"))
    stream.expect("WITH")
    if not stream.accept("PASSWORD"):
        _settings(stream, line, "ALTER LOGIN")
        return p.AlterLogin(line, name)
    stream.expect_symbol("=")
    password = stream.expect_kind(Kind.STRING).value
    if stream.accept("OLD_PASSWORD"):
        raise not_supported("ALTER LOGIN … OLD_PASSWORD", line=line)
    while stream.accept("MUST_CHANGE", "UNLOCK"):
        pass
    if stream.accept_symbol(","):
        _settings(stream, line, "ALTER LOGIN")
    return p.AlterLogin(line, name, password=password)


def _drop_login(stream: TokenStream, line: int) -> s.Statement:
    return p.DropLogin(line, stream.identifier())


def _create_user(stream: TokenStream, line: int) -> s.Statement:
    name = stream.identifier()
    login: str | None = name
    is_external = False
    if stream.accept("WITHOUT"):
        stream.expect("LOGIN")
        login = None
    elif stream.now.is_word("FROM") and stream.following.is_word("EXTERNAL"):
        stream.advance()
        stream.advance()
        stream.expect("PROVIDER")
        is_external = True
    elif stream.accept("FOR", "FROM"):
        if not stream.accept("LOGIN"):
            raise not_supported(f"CREATE USER … FOR {stream.now.text.upper()}", line=line)
        login = stream.identifier()
    if stream.accept("WITH"):
        word = stream.expect_kind(Kind.WORD).text.upper()
        if word != "DEFAULT_SCHEMA":
            raise not_supported(f"CREATE USER … WITH {word}", line=line)
        stream.expect_symbol("=")
        stream.identifier()
    return p.CreateUser(line, name, login, is_external)


def _drop_user(stream: TokenStream, line: int) -> s.Statement:
    if_exists = stream.accept_if_exists()
    return p.DropUser(line, stream.identifier(), if_exists)


def _create_role(stream: TokenStream, line: int) -> s.Statement:
    name = stream.identifier()
    if stream.accept("AUTHORIZATION"):
        stream.identifier()
    return p.CreateRole(line, name)


def _drop_role(stream: TokenStream, line: int) -> s.Statement:
    if_exists = stream.accept_if_exists()
    return p.DropRole(line, stream.identifier(), if_exists)


def _alter_role(stream: TokenStream, line: int, *, of_server: bool = False) -> s.Statement:
    role = stream.identifier()
    if stream.now.is_word("WITH"):
        raise not_supported("ALTER ROLE … WITH NAME", line=line)
    adds = stream.expect("ADD", "DROP").is_word("ADD")
    stream.expect("MEMBER")
    return p.AlterRole(line, role, stream.identifier(), adds, of_server)


def _alter_server_role(stream: TokenStream, line: int) -> s.Statement:
    stream.expect("ROLE")
    return _alter_role(stream, line, of_server=True)


_STATEMENTS: Final[dict[tuple[str, str], Callable[[TokenStream, int], s.Statement]]] = {
    ("ALTER", "LOGIN"): _alter_login,
    ("ALTER", "ROLE"): _alter_role,
    ("ALTER", "SERVER"): _alter_server_role,
    ("CREATE", "LOGIN"): _create_login,
    ("CREATE", "ROLE"): _create_role,
    ("CREATE", "USER"): _create_user,
    ("DROP", "LOGIN"): _drop_login,
    ("DROP", "ROLE"): _drop_role,
    ("DROP", "USER"): _drop_user,
}
