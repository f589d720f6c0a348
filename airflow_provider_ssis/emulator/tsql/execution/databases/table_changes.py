"""Which of the server's own tables have changed, and when."""

from __future__ import annotations

import itertools
from collections.abc import Iterable


class TableChanges:
    """The changes of the server's own tables, by their DuckDB names: ``schema.table``.

    Several threads use it: a number is given once only.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._last: dict[str, int] = {}
        self.since_reset: set[str] = set()
        """The tables that may have other rows than a new server."""

    def note(self, tables: Iterable[str]) -> None:
        """Note that the rows of tables are changing now, or have just been committed."""
        for table in tables:
            self.since_reset.add(table)
            self._last[table] = next(self._numbers)

    def last(self, tables: Iterable[str]) -> tuple[int, ...]:
        """The number of the last change of each table; 0 for none."""
        return tuple([self._last.get(table, 0) for table in tables])
