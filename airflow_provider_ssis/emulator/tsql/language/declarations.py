"""DECLARE, and the columns of table variables and temporary tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.language import cursors, extents
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.language.lexer import Kind
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.query.unsupported import UNSUPPORTED_TYPES
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.facets import check_facets

_COLLATIONS: Final = ("DATABASE_DEFAULT", "SQL_LATIN1_GENERAL_CP1_CI_AS")
_TWO_FACETS: Final = ("decimal", "numeric", "dec")
_NOT_FOR_LOCAL_TABLES: Final = (
    *(
        "DEFAULT",
        "IDENTITY",
        "CHECK",
        "AS",
        "ROWGUIDCOL",
        "SPARSE",
        "MASKED",
        "GENERATED",
        "REFERENCES",
        "FOREIGN",
        "INDEX",
    ),
    *("FILESTREAM", "ENCRYPTED", "HIDDEN", "PERSISTED"),
)


@dataclass(frozen=True, slots=True)
class _Key:
    """A PRIMARY KEY or UNIQUE constraint."""

    columns: tuple[str, ...]
    primary: bool


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
            stream.tables[name] = _table(stream, token.text, token.line)
        elif stream.accept("CURSOR"):
            stream.cursors.add(name)
        else:
            found += _variable(stream, token.text, token.line)
        if not stream.accept_symbol(","):
            return found


def _variable(stream: TokenStream, name: str, line: int) -> list[s.SetVariable]:
    parts = stream.name()
    if len(parts) > 1 and parts[0].lower() != "sys":
        stream.tables[name.lower()] = s.TableDeclaration(line, name, (), parts)
        return []
    sql_type = data_type(stream, parts[-1], line)
    initial = None
    if stream.accept_symbol("="):
        initial = extents.expression(stream, ",")
    stream.variables[name.lower()] = sql_type
    return [] if initial is None else [s.SetVariable(line, name.lower(), initial)]


def create_table(stream: TokenStream) -> s.Statement:
    """``CREATE TABLE #name (…)``."""
    line = stream.advance().line
    stream.expect("TABLE")
    name = extents.temporary_name(stream.name(), line)
    return s.CreateTable(line, _table(stream, name, line))


def _table(stream: TokenStream, name: str, line: int) -> s.TableDeclaration:
    stream.expect_symbol("(")
    columns: list[Column] = []
    keys: list[_Key] = []
    while True:
        if stream.now.is_word("PRIMARY", "UNIQUE", "CHECK", "CONSTRAINT", "INDEX", "FOREIGN"):
            keys += _table_constraint(stream)
        else:
            columns.append(_column(stream, keys))
        if stream.accept_symbol(")"):
            break
        stream.expect_symbol(",")
    if not columns:
        raise stream.error()
    never_null = {column.lower() for key in keys if key.primary for column in key.columns}
    return s.TableDeclaration(
        line,
        name,
        tuple(
            Column(column.name, column.type, nullable=column.nullable and column.name.lower() not in never_null)
            for column in columns
        ),
        keys=tuple(key.columns for key in keys),
    )


def _column(stream: TokenStream, keys: list[_Key]) -> Column:
    line = stream.now.line
    name = stream.identifier()
    if stream.now.is_word(*_NOT_FOR_LOCAL_TABLES):
        raise not_supported(f"{stream.now.text.upper()} on a column of a local table", line=line)
    sql_type = data_type(stream, stream.name()[-1], line)
    nullable = True
    while not (stream.at_end or stream.now.is_symbol(",", ")")):
        if stream.accept("NOT"):
            stream.expect("NULL")
            nullable = False
        elif stream.accept("CONSTRAINT"):
            stream.identifier()
        elif stream.accept("COLLATE"):
            _collation(stream)
        elif stream.now.is_word("PRIMARY", "UNIQUE"):
            keys.append(_Key((name,), primary=_key_words(stream)))
        elif stream.now.is_word(*_NOT_FOR_LOCAL_TABLES):
            raise not_supported(f"{stream.now.text.upper()} on a column of a local table", line=stream.now.line)
        else:
            stream.expect("NULL")
    return Column(name, sql_type, nullable)


def _key_words(stream: TokenStream) -> bool:
    """PRIMARY KEY or UNIQUE; returns whether it is the first."""
    primary = stream.expect("PRIMARY", "UNIQUE").is_word("PRIMARY")
    if primary:
        stream.expect("KEY")
    stream.accept("CLUSTERED", "NONCLUSTERED")
    return primary


def _table_constraint(stream: TokenStream) -> list[_Key]:
    """A table constraint; an index has no effect."""
    if stream.accept("CONSTRAINT"):
        stream.identifier()
    primary = plain_index = False
    if stream.accept("INDEX"):
        stream.identifier()
        plain_index = not stream.accept("UNIQUE")
        stream.accept("CLUSTERED", "NONCLUSTERED")
    elif stream.now.is_word("PRIMARY", "UNIQUE"):
        primary = _key_words(stream)
    else:
        raise not_supported(f"{stream.now.text.upper()} on a local table", line=stream.now.line)
    stream.expect_symbol("(")
    names = [_key_column(stream)]
    while stream.accept_symbol(","):
        names.append(_key_column(stream))
    stream.expect_symbol(")")
    return [] if plain_index else [_Key(tuple(names), primary)]


def _key_column(stream: TokenStream) -> str:
    name = stream.identifier()
    stream.accept("ASC", "DESC")
    return name


def _collation(stream: TokenStream) -> None:
    line = stream.now.line
    name = stream.identifier()
    if name.upper() not in _COLLATIONS:
        raise not_supported(f"The collation {name}", line=line)


def data_type(stream: TokenStream, name: str, line: int) -> SqlType:
    """The type of this name, with the facets at the current token.

    :raises SqlError: 2715 no such type; 131, 1001, 1002, 2750, 183: its facets are out of range.
    """
    text = name
    if stream.accept_symbol("("):
        facets = []
        while True:
            facets.append(stream.expect_kind(Kind.NUMBER, Kind.WORD).text)
            if stream.accept_symbol(")"):
                break
            if name.lower() not in _TWO_FACETS or len(facets) > 1:
                raise stream.error()
            stream.expect_symbol(",")
        text += f"({','.join(facets)})"
    try:
        sql_type = SqlType.parse(text)
    except ValueError:
        if name.lower() in UNSUPPORTED_TYPES:
            raise not_supported(f"The data type {name}", line=line) from None
        raise SqlError(2715, f"Cannot find the data type {text}.", state=6, line=line) from None
    check_facets(sql_type, text, line)
    return sql_type
