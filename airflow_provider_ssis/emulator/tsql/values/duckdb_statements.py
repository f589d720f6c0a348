"""DuckDB statements that are parsed once: DuckDB's parser takes up to a third of the time of a query.

DuckDB plans a statement again for each run, because a plan depends on the data.
"""

from __future__ import annotations

from typing import Final

import duckdb

from airflow_provider_ssis.emulator.tsql.values.recent import Recent

MOST_STATEMENTS: Final = 1000
"""Statements that are kept."""
_LONGEST: Final = 20_000
"""Characters of a text whose syntax tree is kept."""

STATEMENTS: Final[Recent[str, duckdb.Statement]] = Recent(MOST_STATEMENTS)
"""The statements that ran last, by their text. They belong to no connection and to no database."""


def statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement | str:
    """The form of a text that ``connection.execute`` runs fastest.

    :param connection: parses the text.
    :param sql: DuckDB SQL, not of a client: constant, or compiled.
    :raises duckdb.ParserException: the text is not SQL.
    """
    known = STATEMENTS.get(sql)
    if known is not None:
        return known
    if len(sql) > _LONGEST:
        return sql
    parsed = connection.extract_statements(sql)
    if len(parsed) != 1:
        return sql
    STATEMENTS.put(sql, parsed[0])
    return parsed[0]
