"""CREATE, ALTER and DROP of views, procedures and functions: all of the rest of the batch belongs to the definition."""

from __future__ import annotations

from typing import Final

from airflow_provider_ssis.emulator.datatypes import SqlType
from airflow_provider_ssis.emulator.tsql.language import module_syntax as m
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.data_types import data_type
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.table_columns import table_declaration
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_KINDS: Final = {
    "VIEW": m.VIEW,
    "PROC": m.PROCEDURE,
    "PROCEDURE": m.PROCEDURE,
    "FUNCTION": m.FUNCTION,
}


def statement(stream: TokenStream) -> s.Statement | None:
    """The statement about a module at the current token; None for any other statement."""
    start = stream.position
    token = stream.now
    creates, drops = token.is_word("CREATE"), token.is_word("DROP")
    if not (creates or drops or token.is_word("ALTER")):
        return None
    stream.advance()
    alters = not creates
    if creates and stream.accept("OR"):
        alters = stream.accept("ALTER")
    kind = _KINDS.get(stream.now.text.upper()) if stream.now.kind is Kind.WORD else None
    if kind is None:
        stream.position = start
        return None
    stream.advance()
    if drops:
        return _drop(stream, token.line, kind)
    if start:
        text = f"'CREATE/ALTER {kind}' must be the first statement in a query batch."
        raise SqlError(111, text, severity=15, line=token.line)
    if any(name.startswith("@long_literal_") for name in stream.variables):
        raise not_supported(f"A {kind} with a literal of more than 4,096 characters", line=token.line)
    read = {m.VIEW: _view, m.PROCEDURE: _procedure, m.FUNCTION: _function}[kind]
    return read(stream, token.line, creates, alters)


def _drop(stream: TokenStream, line: int, kind: str) -> s.Statement:
    if_exists = stream.accept_if_exists()
    return m.DropModules(line, kind, stream.listed(stream.name), if_exists)


def _view(stream: TokenStream, line: int, creates: bool, alters: bool) -> s.Statement:
    name = stream.name()
    columns: tuple[str, ...] = ()
    if stream.accept_symbol("("):
        columns = stream.listed(stream.identifier)
        stream.expect_symbol(")")
    _options(stream, line, "VIEW")
    stream.expect("AS")
    body = _rest(stream).rstrip().rstrip(";")
    if body.upper().rstrip().endswith("WITH CHECK OPTION"):
        raise not_supported("WITH CHECK OPTION", line=line)
    return m.DefineModule(line, m.VIEW, name, creates, alters, body, stream.text, columns=columns)


def _procedure(stream: TokenStream, line: int, creates: bool, alters: bool) -> s.Statement:
    name = stream.name()
    if stream.now.is_symbol(";"):
        raise not_supported("A numbered procedure", line=line)
    enclosed = stream.accept_symbol("(")
    signature = _signature(stream, ")") if enclosed else _signature(stream)
    if enclosed:
        stream.expect_symbol(")")
    principal = _options(stream, line, "PROCEDURE")
    stream.expect("AS")
    return m.DefineModule(
        *(line, m.PROCEDURE, name, creates, alters, _rest(stream), stream.text, signature),
        as_owner=principal == "OWNER",
        as_self=principal == "SELF",
    )


def _function(stream: TokenStream, line: int, creates: bool, alters: bool) -> s.Statement:
    name = stream.name()
    stream.expect_symbol("(")
    signature = _signature(stream, ")")
    stream.expect_symbol(")")
    stream.expect("RETURNS")
    returns: SqlType | None = None
    table: s.TableDeclaration | None = None
    if stream.now.kind is Kind.VARIABLE:
        variable = stream.advance().text
        stream.expect("TABLE")
        table = table_declaration(stream, variable, line)
    elif not stream.accept("TABLE"):
        returns = data_type(stream, stream.name()[-1], line)
    _options(stream, line, "FUNCTION")
    stream.accept("AS")
    enclosed = returns is not None or table is not None
    if enclosed:
        stream.expect("BEGIN")
    has_statements = enclosed and (table is not None or not stream.now.is_word("RETURN"))
    body = _returned(stream, enclosed=enclosed, has_statements=has_statements)
    rest = (name, creates, alters, body, stream.text, signature, (), returns, has_statements, table)
    return m.DefineModule(line, m.FUNCTION, *rest)


def _returned(stream: TokenStream, *, enclosed: bool, has_statements: bool) -> str:
    """The expression or query after RETURN where it is the only statement of the function; else the statements."""
    if not has_statements:
        stream.expect("RETURN")
    rest = _rest(stream).rstrip().rstrip(";").rstrip()
    if enclosed:
        if rest[-3:].upper() != "END":
            raise stream.error()
        rest = rest[:-3].rstrip()
        if not has_statements:
            rest = rest.rstrip(";")
    return rest


def _signature(stream: TokenStream, *ends: str) -> str:
    """The text of parameters."""
    start, depth = stream.now, 0
    while not stream.at_end:
        # AS may stand between a name and its type.
        ends_here = stream.now.is_symbol(*ends) or stream.now.is_word("AS", "WITH", "FOR")
        if depth == 0 and ends_here and stream.previous.kind is not Kind.VARIABLE:
            break
        depth += {"(": 1, ")": -1}.get(stream.now.text, 0) if stream.now.kind is Kind.SYMBOL else 0
        stream.advance()
    return stream.text[start.start : stream.previous.end] if stream.now is not start else ""


def _options(stream: TokenStream, line: int, kind: str) -> str:
    """``WITH SCHEMABINDING`` and other options that change nothing here.

    :return: the word after EXECUTE AS: CALLER, OWNER or SELF. Default: CALLER.
    """
    principal = "CALLER"
    if not stream.accept("WITH"):
        return principal
    while True:
        word = stream.advance().text.upper()
        if word in ("EXEC", "EXECUTE"):
            stream.expect("AS")
            token = stream.advance()
            principal = "OWNER" if token.value.lower() == "dbo" else token.text.upper()
            allowed = ("CALLER", "OWNER", "SELF") if kind == "PROCEDURE" else ("CALLER",)
            if principal not in allowed:
                raise not_supported(f"{kind} … WITH EXECUTE AS {token.text}", line=line)
        elif word not in ("SCHEMABINDING", "RECOMPILE", "VIEW_METADATA"):
            raise not_supported(f"{kind} … WITH {word}", line=line)
        if not stream.accept_symbol(","):
            return principal


def _rest(stream: TokenStream) -> str:
    """All of the text that follows, in its lines."""
    if stream.at_end:
        raise stream.error()
    first = stream.now
    while not stream.at_end:
        stream.advance()
    return "\n" * (first.line - 1) + stream.text[first.start :]
