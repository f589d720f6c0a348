"""The options of EXEC: ``WITH RECOMPILE, RESULT SETS ((Id int NOT NULL, Name nvarchar(50)))``."""

from __future__ import annotations

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.language.data_types import data_type
from airflow_provider_ssis.emulator.tsql.language.table_columns import collation
from airflow_provider_ssis.emulator.tsql.language.token_stream import TokenStream
from airflow_provider_ssis.emulator.tsql.values.errors import not_supported


def execute_options(stream: TokenStream) -> tuple[tuple[Column, ...], ...] | None:
    """Read the options.

    :returns: the columns of each result set; empty for ``RESULT SETS NONE``; None for any result sets.
    :raises SqlError: 40514, a result set is described by an object, a type or XML.
    """
    found: tuple[tuple[Column, ...], ...] | None = None
    if not stream.accept("WITH"):
        return found
    while True:
        if stream.accept("RESULT"):
            stream.expect("SETS")
            found = _result_sets(stream)
        else:
            stream.expect("RECOMPILE")
        if not stream.accept_symbol(","):
            return found


def _result_sets(stream: TokenStream) -> tuple[tuple[Column, ...], ...] | None:
    if stream.accept("UNDEFINED"):
        return None
    if stream.accept("NONE"):
        return ()
    stream.expect_symbol("(")
    found = []
    while True:
        if stream.now.is_word("AS"):
            raise not_supported("RESULT SETS with AS OBJECT, AS TYPE or AS FOR XML", line=stream.now.line)
        stream.expect_symbol("(")
        found.append(stream.listed(lambda: _column(stream)))
        stream.expect_symbol(")")
        if not stream.accept_symbol(","):
            stream.expect_symbol(")")
            return tuple(found)


def _column(stream: TokenStream) -> Column:
    name = stream.identifier()
    line = stream.now.line
    sql_type = data_type(stream, stream.name()[-1], line)
    if stream.accept("COLLATE"):
        collation(stream)
    nullable = not stream.accept("NOT")
    if nullable:
        stream.accept("NULL")
    else:
        stream.expect("NULL")
    return Column(name, sql_type, nullable)
