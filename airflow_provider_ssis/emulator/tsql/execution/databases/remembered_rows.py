"""Rows of small queries on the server's own tables, kept until one of these tables changes.

Clients ask for the same folders, projects and parameters again and again. DuckDB plans each query for up to a
millisecond, many times longer than it takes to see that nothing has changed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from airflow_provider_ssis.emulator.tsql.execution.databases.table_changes import TableChanges
from airflow_provider_ssis.emulator.tsql.query.results import CompiledQuery
from airflow_provider_ssis.emulator.tsql.values.recent import Recent

Row = tuple[Any, ...]

_MOST_KEPT: Final = 256
_MOST_CELLS: Final = 500
_LONGEST_TEXT: Final = 20_000
"""Characters of the DuckDB text of a query whose rows are kept."""
_LARGEST: Final = 10_000
"""Characters and bytes of the values of a query, and of its rows, that are kept together."""
_VARIABLE: Final = "@"
_PURE: Final = (
    exp.Connector,
    exp.Case,
    exp.Cast,
    exp.Coalesce,
    exp.Count,
    exp.Exists,
    exp.If,
    exp.Lower,
    exp.Max,
    exp.Min,
    exp.Sum,
    exp.Trim,
)
"""The functions of DuckDB whose result depends on their arguments alone."""
_PURE_CALLS: Final = ("charindex|", "convert ", "left|", "replace|", "right|", "substring|")
"""The begins of the names of such functions that Python computes, as ``Bridge.call`` writes them."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its values at one moment.

    :param key: the query and its values.
    :param changes: the last changes of the tables that it reads.
    """

    key: tuple[Hashable, ...]
    changes: tuple[int, ...]


class RememberedRows:
    """The rows of the queries that ran last.

    Rows are kept with the last changes of the tables they come from. A change gets a number before it is made and
    another one when it is committed, so rows that were read in between are never used after the commit.

    :param tables: the server's own tables, each a schema and a name.
    :param changes: of these tables.
    """

    def __init__(self, tables: Set[tuple[str, str]], changes: TableChanges) -> None:
        self._tables = tables
        self._changes = changes
        self._sources: Recent[str, tuple[str, ...]] = Recent(_MOST_KEPT)
        self._rows: Recent[tuple[Hashable, ...], tuple[tuple[int, ...], list[Row]]] = Recent(_MOST_KEPT)

    def question(self, query: CompiledQuery, values: Mapping[str, Any]) -> Question | None:
        """A query with its values; None if its rows are not kept, or if :meth:`learn` does not know it.

        :param query: reads committed rows: the session has no open transaction.
        :param values: the values that ``query.parameters`` names.
        """
        sources = self._sources.get(query.sql) if query.sql else None
        if not sources or query.guards or not all(name.startswith(_VARIABLE) for name in query.parameters):
            return None  # A name without "@" is the time or a property of the session.
        try:
            # Not the variables: two queries of one text can compute different arguments from them.
            given = tuple([argument.evaluate(values) for argument in query.arguments])
        except Exception:  # noqa: BLE001 - the run of the query reports it
            return None
        if not _are_small(given):
            return None
        # With the columns, because one text can have columns of other T-SQL types; and the values as text, because two
        # that are equal can differ: the same time in two zones, 1 and 1.0.
        return Question((query.sql, query.columns, repr(given)), self._changes.last(sources))

    def find(self, question: Question) -> list[Row] | None:
        """The rows of a query, if they are known and no table has changed since."""
        kept = self._rows.get(question.key)
        return list(kept[1]) if kept is not None and kept[0] == question.changes else None

    def keep(self, question: Question, rows: Sequence[Row]) -> None:
        """Keep rows that were read after the question was made, unless they are many or large."""
        if not rows or (len(rows) * len(rows[0]) <= _MOST_CELLS and _are_small(chain.from_iterable(rows))):
            self._rows.put(question.key, (question.changes, list(rows)))

    def learn(self, query: CompiledQuery) -> None:
        """Find out which tables a query reads, in any thread; it takes some milliseconds the first time."""
        if query.sql and self._sources.get(query.sql) is None:
            may_be_kept = not (query.sources or query.writes) and len(query.sql) <= _LONGEST_TEXT
            self._sources.put(query.sql, self._read_by(query.sql) if may_be_kept else ())

    def _read_by(self, sql: str) -> tuple[str, ...]:
        """The tables that a query reads; none if it reads anything else, or if it can give other rows of them."""
        try:
            tree = sqlglot.parse_one(sql, read="duckdb")
        except (SqlglotError, RecursionError):
            return ()  # DuckDB has run it: it only reads more than sqlglot does.
        if not all(map(_is_pure, tree.find_all(exp.Func))):
            return ()
        names = {(table.db, table.name) for table in tree.find_all(exp.Table)}
        return tuple(sorted(map(".".join, names))) if names <= self._tables else ()


def _is_pure(function: exp.Func) -> bool:
    if isinstance(function, exp.Anonymous) and function.name.startswith("tsql_"):
        key: str = function.expressions[0].name
        return key.startswith(_PURE_CALLS)
    return isinstance(function, _PURE)


def _are_small(values: Iterable[Any]) -> bool:
    """Whether values can be kept: all of them can be keys, and their text is short."""
    left = _LARGEST
    for value in values:
        if isinstance(value, str | bytes):
            left -= len(value)
        elif not isinstance(value, Hashable):
            return False
    return left >= 0
