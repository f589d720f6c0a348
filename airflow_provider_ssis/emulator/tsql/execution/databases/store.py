"""Writes and reads of one DuckDB transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import duckdb

from airflow_provider_ssis.emulator.tsql.execution.databases.table_changes import TableChanges
from airflow_provider_ssis.emulator.tsql.values.duckdb_statements import statement


class Store:
    """Writes and reads inside a write scope, in DuckDB SQL.

    :param connection: the DuckDB connection whose transaction it is.
    :param changes: records each table that a statement changes.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, changes: TableChanges) -> None:
        self._connection = connection
        self._changes = changes
        self._changed: set[str] = set()
        self._after_commit: list[Callable[[], object]] = []

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run an INSERT, UPDATE or DELETE.

        :returns: the number of rows that it touched.
        """
        table = _changed_table(sql)
        self._changed.add(table)
        self._changes.note([table])
        row = self._connection.execute(statement(self._connection, sql), parameters).fetchone()
        return int(row[0]) if row else 0

    def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._connection.execute(statement(self._connection, sql), parameters).fetchall()

    def after_commit(self, action: Callable[[], object]) -> None:
        """Run an action after the writes are committed: at the latest at the end of the caller's transaction."""
        self._after_commit.append(action)

    def forget_after_commit(self) -> None:
        """Drop the actions of :meth:`after_commit`: the writes are undone."""
        self._after_commit.clear()

    def run_after_commit(self) -> None:
        """Note that the changes are committed, and run the actions of :meth:`after_commit`."""
        self._changes.note(self._changed)
        actions, self._after_commit = self._after_commit, []
        for action in actions:
            action()


@lru_cache(maxsize=1024)
def _changed_table(sql: str) -> str:
    """The table that an INSERT, UPDATE or DELETE changes."""
    first, second, third, *_ = sql.split(maxsplit=3)
    match first:
        case "INSERT" | "DELETE":
            return third
        case "UPDATE":
            return second
    raise ValueError(f"neither INSERT, UPDATE nor DELETE: {sql:.80}")
