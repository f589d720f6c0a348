"""DECLARE."""

from __future__ import annotations

from airflow_provider_ssis.emulator.tsql.language import cursors, extents
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.data_types import data_type, is_known
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.table_columns import table_declaration
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


def declare(stream: TokenStream) -> list[s.Statement]:
    """``DECLARE @a int = 1, @b TABLE (…)``: notes the declarations and returns the initial values as statements."""
    line = stream.advance().line
    if stream.now.kind in (Kind.WORD, Kind.QUOTED):
        return [cursors.declare(stream, line)]
    found: list[s.Statement] = []
    while True:
        token = stream.expect_kind(Kind.VARIABLE)
        name = token.text.lower()
        if name.startswith("@@"):
            raise SqlError(102, f"Incorrect syntax near '{token.text}'.", severity=15, line=token.line)
        if name in stream.variables or name in stream.cursors or stream.has_table(name):
            raise SqlError(
                134, f"The variable name '{token.text}' is declared twice.", severity=15, state=2, line=token.line
            )
        stream.accept("AS")
        if stream.accept("TABLE"):
            stream.tables[name] = table_declaration(stream, token.text, token.line)
        elif stream.accept("CURSOR"):
            stream.cursors.add(name)
        else:
            found += _variable(stream, token.text, token.line)
        if not stream.accept_symbol(","):
            return found


def _variable(stream: TokenStream, name: str, line: int) -> list[s.SetVariable]:
    parts = stream.name()
    if (len(parts) > 1 and parts[0].lower() != "sys") or not (stream.now.is_symbol("(") or is_known(parts[-1])):
        stream.tables[name.lower()] = s.TableDeclaration(line, name, (), parts)
        return []
    sql_type = data_type(stream, parts[-1], line)
    initial = None
    if stream.accept_symbol("="):
        initial = extents.expression(stream, ",")
    stream.variables[name.lower()] = sql_type
    return [] if initial is None else [s.SetVariable(line, name.lower(), initial)]
