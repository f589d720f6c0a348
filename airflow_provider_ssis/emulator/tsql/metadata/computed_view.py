"""Views without a table: their rows are computed when a query runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata

NOW: Final = "sysdatetimeoffset()"
"""The name of the clock among the values that a session supplies to its queries."""

Rows = Callable[[Metadata, str], Iterator[tuple[Any, ...]]]
"""The rows of a view for a database, in the order of the columns."""

SessionRows = Callable[[Metadata, str, Mapping[str, Any]], Iterator[tuple[Any, ...]]]
"""The rows of a view that reads the session: for a database, from the values that the session supplies."""


@dataclass(frozen=True, slots=True)
class ComputedView:
    """One view.

    :param name: schema and name.
    :param rows: where its rows come from.
    :param fresh: the rows depend on more than the registered names, so they are computed for each query.
    :param session_rows: where they come from, for a view that reads the session or the tables.
    :param needs: what ``session_rows`` reads, by the names of ``session_values.py``.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Rows | None = None
    fresh: bool = False
    session_rows: SessionRows | None = None
    needs: tuple[str, ...] = ()

    def reader(self, metadata: Metadata, database: str, position: int) -> Callable[[Mapping[str, Any]], list[Any]]:
        """The function that returns the values of one column, counted from 1, when a query runs."""

        def read(values: Mapping[str, Any]) -> list[Any]:
            return [row[position - 1] for row in self._all_rows(metadata, database, values)]

        return read

    def _all_rows(self, metadata: Metadata, database: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        if self.session_rows is not None:
            return list(self.session_rows(metadata, database, values))
        if self.rows is None:
            return []
        return (
            list(self.rows(metadata, database)) if self.fresh else metadata.remembered(self.name, database, self.rows)
        )


def columns_of(text: str) -> tuple[Column, ...]:
    """Columns as ``name type`` with a ``?`` after the nullable ones, separated by semicolons."""
    columns = []
    for part in text.split(";"):
        name, type_text = part.split(maxsplit=1)
        columns.append(Column(name, SqlType.parse(type_text.rstrip("? \n")), nullable=type_text.rstrip().endswith("?")))
    return tuple(columns)
