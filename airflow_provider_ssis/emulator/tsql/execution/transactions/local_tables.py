"""Table variables and temporary tables of a session: temporary DuckDB tables on its connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.execution.databases.identities import Identities
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, WritableTable
from airflow_provider_ssis.emulator.tsql.query.engine_errors import no_null, translated
from airflow_provider_ssis.emulator.tsql.values import conversion, storage
from airflow_provider_ssis.emulator.tsql.values.date_styles import MDY
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


@dataclass(frozen=True, slots=True)
class Image:
    """A table as it was at some time.

    :param rows: as DuckDB gives and takes them.
    """

    table: LocalTable
    rows: list[tuple[Any, ...]]


class LocalTables:
    """The local tables of a session.

    :param connection: the session's DuckDB connection.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._tables: dict[str, LocalTable] = {}
        self.identities = Identities()
        self.of_session: dict[str, LocalTable] = {}
        """The temporary tables that last as long as the session, by name; a rollback changes them too."""

    def create(self, table: LocalTable) -> None:
        """Make a table.

        :raises SqlError: 1911, a key names a column that there is not.
        """
        for key in table.rules.keys:
            check_key_columns(table, key.columns)
        self.identities.reset(table)
        self._make(table)

    def _make(self, table: LocalTable) -> None:
        # A rollback of DuckDB may have restored a dropped table variable.
        self._connection.execute(f"DROP TABLE IF EXISTS {table.storage_name}")
        self._connection.execute(storage.create_table(table.storage_name, table.columns, temporary=True))
        self.describe(table)

    def drop(self, table: LocalTable) -> None:
        """Drop a table; a missing table is not an error."""
        self._remove(table.storage_name)

    def insert(
        self, table: LocalTable, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], date_order: str = MDY
    ) -> None:
        """Add rows.

        :param columns: the columns of the rows; one for each column of the table.
        :param date_order: SET DATEFORMAT.
        :raises SqlError: 213, 515 and the errors of conversions. The rules of the table are not applied.
        """
        write_rows(self._connection, table, stored_rows(table, columns, rows, date_order))

    def describe(self, table: LocalTable) -> None:
        """Take new rules for a table."""
        self._tables[table.storage_name] = table
        if _lasts(table):
            self.of_session[table.name] = table

    def rebuild(
        self, table: LocalTable, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], date_order: str
    ) -> None:
        """Make a table again, with other columns and these rows; after an error it is as before.

        :param columns: the columns of the rows; one for each new column of the table.
        :param date_order: SET DATEFORMAT.
        :raises SqlError: see :meth:`insert`.
        """
        stored = stored_rows(table, columns, rows, date_order)
        self._make(table)
        write_rows(self._connection, table, stored)

    def image(self, table: LocalTable) -> Image | None:
        """The table as it is now; None where it is not there."""
        known = self._tables.get(table.storage_name)
        if known is None:
            return None
        return Image(known, self._connection.execute(f"SELECT * FROM {table.storage_name}").fetchall())

    def images(self, *, variables: bool) -> dict[str, Image]:
        """All tables as they are now, by the names of their DuckDB tables.

        :param variables: table variables alone.
        """
        return {
            name: image
            for name, table in list(self._tables.items())
            if (table.is_variable or not variables) and (image := self.image(table)) is not None
        }

    def restore(self, images: Mapping[str, Image | None]) -> None:
        """Restore tables to earlier states; None removes a table that did not exist then."""
        for name, image in images.items():
            self._remove(name)
            if image is not None:
                self._make(image.table)
                write_rows(self._connection, image.table, image.rows)

    def _remove(self, storage_name: str) -> None:
        known = self._tables.pop(storage_name, None)
        self._connection.execute(f"DROP TABLE IF EXISTS {storage_name}")
        if known is not None and _lasts(known):
            self.of_session.pop(known.name, None)


def stored_rows(
    table: WritableTable, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], date_order: str
) -> list[list[Any]]:
    """Rows as DuckDB takes them.

    :param columns: those of the rows, one for each of the table.
    :param date_order: SET DATEFORMAT.
    :raises SqlError: 213, 515 and the errors of conversions.
    """
    if len(columns) != len(table.columns):
        raise SqlError(213, "The number of values does not match the columns of the table.", ends_batch=True)
    stored = []
    for row in rows:
        values = []
        for value, source, target in zip(row, columns, table.columns, strict=True):
            if value is None and not target.nullable:
                raise no_null(table.name, target.name)
            names = {"table": table.name, "column": target.name}
            kept = conversion.store(value, source.type, target.type, **names, order=date_order)
            values.append(storage.encode(target.type, kept, zoned=True))
        stored.append(values)
    return stored


def write_rows(connection: duckdb.DuckDBPyConnection, table: WritableTable, rows: Sequence[Sequence[Any]]) -> None:
    """Add all of the rows, or none: DuckDB gets them as one list for each column, in one statement."""
    if not rows:
        return
    lists = ", ".join(f"unnest(?::{storage.duckdb_type(column.type, zoned=True)}[])" for column in table.columns)
    values = [list(column) for column in zip(*rows, strict=True)]
    try:
        connection.execute(f"INSERT INTO {table.storage_name} SELECT {lists}", values)
    except duckdb.Error as error:
        raise translated(error) from None


def _lasts(table: LocalTable) -> bool:
    """Whether a table lasts as long as the session: tables of procedures and dynamic SQL do not."""
    return not table.is_variable and table.level == 0


def check_key_columns(table: WritableTable, names: Sequence[str]) -> None:
    """Check that a table has the columns of a key.

    :raises SqlError: 1911, it has not.
    """
    known = {column.name.lower() for column in table.columns}
    for name in names:
        if name.lower() not in known:
            raise SqlError(1911, f"Column name '{name}' does not exist in the table.", ends_batch=True)
