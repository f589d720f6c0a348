"""A query that is sent once for each of many keys, such as that of a Lookup without a full cache.

SQL Server gets several of the queries in one request, each with its own parameters: they run one after the other, as
they would in separate requests, and one round trip brings all of their rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyodbc

from airflow_provider_ssis.datatypes import DECIMALS, STRINGS, ColumnType
from airflow_provider_ssis.engine.data_flow.databases.database import Database, provider_failure
from airflow_provider_ssis.engine.data_flow.databases.driver_rows import exact_values
from airflow_provider_ssis.engine.data_flow.databases.reading import column_positions, no_result
from airflow_provider_ssis.engine.data_flow.rows import RowSchema
from airflow_provider_ssis.engine.errors import TaskFailure

Key = tuple[Any, ...]
Row = tuple[Any, ...]
"""The values of the wanted columns, as pyodbc returns them."""

_AT_ONCE = 20
_MOST_PARAMETERS = 2000
"""SQL Server accepts 2,100 in one request."""
_MOST_CHARACTERS = 4000
_SELECT = re.compile(r"\s*SELECT\b", re.IGNORECASE)
_OTHER_STATEMENT = re.compile(
    r";|@|\b(BEGIN|CALL|CREATE|DECLARE|DELETE|DROP|EXEC|EXECUTE|IF|INSERT|INTO|MERGE|PRINT|RETURN|SET|TRUNCATE|UPDATE"
    r"|USE|WAITFOR|WHILE)\b",
    re.IGNORECASE,
)
"""Text that could begin a second statement. A query that contains it, if only in a literal, is sent alone."""


class KeyQuery:
    """The first row that a query returns for each key.

    :param database: the connection.
    :param sql: the query, with a ``?`` for each value of a key; the first of its results that has columns is read.
    :param types: the type of each value of a key.
    :param schema: the columns to read: their names are those of the result.
    """

    def __init__(self, database: Database, sql: str, types: Sequence[ColumnType], schema: RowSchema) -> None:
        self._database, self._sql, self._types, self._schema = database, sql, types, schema
        self._cursor: pyodbc.Cursor | None = None
        self._names: list[str] = []
        self._positions: list[int] = []
        self._is_combinable = (
            bool(types)
            # Each precision of a number would make a new text, for which the server makes a new plan.
            and not any(type_.code in DECIMALS for type_ in types)
            and _SELECT.match(sql) is not None
            and _OTHER_STATEMENT.search(sql) is None
            and database.uses_microsoft_driver
        )

    def rows(self, keys: Sequence[Key]) -> list[Row | None]:
        """Return the row of each key; None for none.

        :param keys: different keys.
        :raises TaskFailure: a query failed, or a column is missing.
        :raises Cancelled: the run was cancelled.
        """
        found: dict[Key, Row | None] = {}
        # The driver asks the server for the type of a parameter that is NULL, and understands one query only.
        together = [key for key in keys if None not in key] if self._is_combinable else []
        size = min(_AT_ONCE, _MOST_PARAMETERS // max(1, len(self._types)))
        for start in range(0, len(together), size):
            part = together[start : start + size]
            rows = self._combined(part)
            if rows is None:
                self._is_combinable = False
                break
            found.update(zip(part, rows, strict=True))
        return [found[key] if key in found else self._single(key) for key in keys]

    def close(self) -> None:
        """Release the prepared statement. Can be called twice."""
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            cursor.close()

    def _single(self, key: Key) -> Row | None:
        try:
            with self._running() as cursor:
                cursor.execute(self._sql, *key)
                while cursor.description is None:
                    if not cursor.nextset():
                        raise no_result()
                return self._first_row(cursor)
        except pyodbc.Error as error:
            self._database.cancel.check()
            raise provider_failure(error, "A query") from error

    def _combined(self, keys: Sequence[Key]) -> list[Row | None] | None:
        """The row of each key; None if a query fails or gives more than one result: then each is sent alone."""
        rows = []
        try:
            with self._running() as cursor:
                cursor.setinputsizes(self._input_sizes() * len(keys))
                cursor.execute("\n;\n".join([self._sql] * len(keys)), *(value for key in keys for value in key))
                for _ in keys:
                    if cursor.description is None:
                        return None
                    rows.append(self._first_row(cursor))
                    has_more = cursor.nextset()
        except (pyodbc.Error, TaskFailure):
            self._database.cancel.check()
            return None
        return None if has_more else rows

    def _input_sizes(self) -> list[tuple[int, int, int] | None]:
        """The types of parameters that would vary with their values, and with them the text for the server."""
        return [
            (pyodbc.SQL_WVARCHAR, max(1, min(2 * type_.length, _MOST_CHARACTERS)), 0) if type_.code in STRINGS else None
            for type_ in self._types
        ]

    def _first_row(self, cursor: pyodbc.Cursor) -> Row | None:
        names = [column[0] for column in cursor.description]
        if names != self._names:
            self._names, self._positions = names, column_positions(names, self._schema)
        row = cursor.fetchone()
        return None if row is None else tuple([row[position] for position in self._positions])

    @contextmanager
    def _running(self) -> Iterator[pyodbc.Cursor]:
        """A cursor; it is kept if no other component uses the connection."""
        database = self._database
        with database.use:
            cursor = self._cursor or database.connection.cursor()
            if not database.is_shared:
                self._cursor = cursor
            try:
                with exact_values(database.connection, self._schema), database.cancel.interrupts(cursor.cancel):
                    yield cursor
            finally:
                cursor.setinputsizes(None)
                if database.is_shared:
                    cursor.close()
