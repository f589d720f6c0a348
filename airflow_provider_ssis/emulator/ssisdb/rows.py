"""Writes rows of the internal tables, by the names of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ssis.emulator.tsql.execution.store import Store


def insert(store: Store, table: str, values: Mapping[str, Any]) -> None:
    """Insert one row; columns that are left out are NULL.

    :param table: a table of schema ``internal``.
    :param values: by column.
    """
    places = ", ".join("?" for _ in values)
    store.execute(f"INSERT INTO internal.{table} ({', '.join(values)}) VALUES ({places})", list(values.values()))


def next_id(store: Store, sequence: str) -> int:
    """A new id.

    :param sequence: one of ``tables.SEQUENCES``.
    """
    return int(store.fetch(f"SELECT nextval('internal.{sequence}')")[0][0])
