"""Table variables and temporary tables of a session: temporary DuckDB tables on its connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.metadata.registry import LocalTable
from airflow_provider_ssis.emulator.tsql.query.engine_errors import translated
from airflow_provider_ssis.emulator.tsql.values import conversion, storage
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

Keys = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Image:
    """A table as it was at some time.

    :param rows: as DuckDB gives and takes them.
    """

    table: LocalTable
    keys: Keys
    rows: list[tuple[Any, ...]]


class LocalTables:
    """The local tables of a session.

    :param connection: the session's DuckDB connection.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._tables: dict[str, tuple[LocalTable, Keys]] = {}
        self.of_session: dict[str, LocalTable] = {}
        """The temporary tables that last as long as the session, by name; a rollback changes them too."""

    def create(self, table: LocalTable, keys: Keys = ()) -> None:
        """Make a table.

        :param keys: columns whose values together must be unique.
        :raises SqlError: 1911, a key names a column that there is not.
        """
        names = {column.name.lower(): column for column in table.columns}
        expressions = [", ".join(_key_expression(_key_column(names, name)) for name in key) for key in keys]
        # A rollback of DuckDB may have restored a dropped table variable.
        self._connection.execute(f"DROP TABLE IF EXISTS {table.storage_name}")
        self._connection.execute(storage.create_table(table.storage_name, table.columns, temporary=True))
        for position, expression in enumerate(expressions):
            index = storage.quoted(f"{table.name} {table.level} {position}")
            self._connection.execute(f"CREATE UNIQUE INDEX {index} ON {table.storage_name} ({expression})")
        self._tables[table.storage_name] = (table, keys)
        if _lasts(table):
            self.of_session[table.name] = table

    def drop(self, table: LocalTable) -> None:
        """Drop a table; a missing table is not an error."""
        self._remove(table.storage_name)

    def insert(self, table: LocalTable, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows.

        :param columns: the columns of the rows; one for each column of the table.
        :raises SqlError: 213, 515, 2627 and the errors of conversions.
        """
        if len(columns) != len(table.columns):
            raise SqlError(213, "The number of values does not match the columns of the table.", ends_batch=True)
        stored = []
        for row in rows:
            values = []
            for value, source, target in zip(row, columns, table.columns, strict=True):
                if value is None and not target.nullable:
                    raise SqlError(515, f"Column '{target.name}' of table '{table.name}' does not allow NULL.", state=2)
                kept = conversion.store(value, source.type, target.type, table=table.name, column=target.name)
                values.append(storage.encode(target.type, kept, zoned=True))
            stored.append(values)
        self._write(table, stored)

    def image(self, table: LocalTable) -> Image | None:
        """The table as it is now; None where it is not there."""
        known = self._tables.get(table.storage_name)
        if known is None:
            return None
        return Image(*known, self._connection.execute(f"SELECT * FROM {table.storage_name}").fetchall())

    def images(self, *, variables: bool) -> dict[str, Image]:
        """All tables as they are now, by the names of their DuckDB tables.

        :param variables: table variables alone.
        """
        return {
            name: image
            for name, (table, _) in list(self._tables.items())
            if (table.is_variable or not variables) and (image := self.image(table)) is not None
        }

    def restore(self, images: Mapping[str, Image | None]) -> None:
        """Restore tables to earlier states; None removes a table that did not exist then."""
        for name, image in images.items():
            self._remove(name)
            if image is not None:
                self.create(image.table, image.keys)
                self._write(image.table, image.rows)

    def _remove(self, storage_name: str) -> None:
        known = self._tables.pop(storage_name, None)
        self._connection.execute(f"DROP TABLE IF EXISTS {storage_name}")
        if known is not None and _lasts(known[0]):
            self.of_session.pop(known[0].name, None)

    def _write(self, table: LocalTable, rows: Sequence[Sequence[Any]]) -> None:
        """Add all of the rows, or none: DuckDB gets them as one list for each column, in one statement."""
        if not rows:
            return
        lists = ", ".join(f"unnest(?::{storage.duckdb_type(column.type, zoned=True)}[])" for column in table.columns)
        values = [list(column) for column in zip(*rows, strict=True)]
        try:
            self._connection.execute(f"INSERT INTO {table.storage_name} SELECT {lists}", values)
        except duckdb.ConstraintException:
            text = f"A key of table '{table.name}' is there already: no row was added."
            raise SqlError(2627, text, severity=14) from None
        except duckdb.Error as error:
            raise translated(error) from None


def _lasts(table: LocalTable) -> bool:
    """Whether a table lasts as long as the session: tables of procedures and dynamic SQL do not."""
    return not table.is_variable and table.level == 0


def _key_column(names: Mapping[str, Column], name: str) -> Column:
    column = names.get(name.lower())
    if column is None:
        raise SqlError(1911, f"Column name '{name}' does not exist in the table.", ends_batch=True)
    return column


def _key_expression(column: Column) -> str:
    """The value by which keys are compared: text without regard to case and trailing blanks."""
    name = storage.quoted(column.name)
    if column.type.name in ("char", "varchar", "nchar", "nvarchar"):
        return f"(lower(rtrim({name})))"
    return name
