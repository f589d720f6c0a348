"""Writes rows of the internal tables, by the names of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_ssis.emulator.ssisdb.tables import DEFAULT_PROPERTIES, PROPERTIES, TYPES
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store


def insert(store: Store, table: str, values: Mapping[str, Any]) -> None:
    """Insert one row; columns that are left out are NULL.

    :param table: a table of schema ``internal``.
    :param values: by column.
    """
    places = ", ".join("?" for _ in values)
    store.execute(f"INSERT INTO internal.{table} ({', '.join(values)}) VALUES ({places})", list(values.values()))


def insert_rows(store: Store, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns."""
    if rows:
        insert_columns(store, table, {column: [row[column] for row in rows] for column in rows[0]})


def insert_columns(store: Store, table: str, columns: Mapping[str, list[Any]]) -> None:
    """Insert rows that are given column by column: one statement for any number of rows."""
    types = TYPES[table]
    places = ", ".join(f"unnest(CAST(${number} AS {types[name]}[]))" for number, name in enumerate(columns, 1))
    store.execute(f"INSERT INTO internal.{table} ({', '.join(columns)}) SELECT {places}", list(columns.values()))


def next_id(store: Store, sequence: str) -> int:
    """A new id.

    :param sequence: one of ``tables.SEQUENCES``.
    """
    return next_ids(store, sequence, 1)


def next_ids(store: Store, sequence: str, count: int) -> int:
    """The first of several new ids that follow each other.

    :param sequence: one of ``tables.SEQUENCES``.
    :param count: the number of ids, at least one.
    """
    next_value = f"nextval('internal.{sequence}')"
    # The first form takes a third of the time.
    sql = f"SELECT {next_value}" if count == 1 else f"SELECT min({next_value}) FROM range({count})"
    return int(store.fetch(sql)[0][0])


def write_default_properties(store: Store) -> None:
    """Fill the table of the catalog's properties."""
    insert_columns(
        store,
        PROPERTIES,
        {"property_name": list(DEFAULT_PROPERTIES), "property_value": list(DEFAULT_PROPERTIES.values())},
    )
