"""The sources of a query, the columns that names refer to, and the clauses that allow aggregates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.tsql.query.typed import Typed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.metadata.objects import WritableTable

RECURSION_LEVEL: Final = "level of recursion"
"""The hidden column that counts how deep a recursive common table expression is."""

ROW_ID: Final = "row id of a change"
"""The hidden column that identifies the rows of a local table."""

PLACE: Final = "place of a row"
"""The hidden column that numbers the rows of a function, and of the first source where functions follow."""

_HIDDEN: Final = (RECURSION_LEVEL, ROW_ID, PLACE)


class Clause(Enum):
    """A part of a statement."""

    SELECT = "SELECT"
    WHERE = "WHERE"
    ON = "ON"
    GROUP_BY = "GROUP BY"
    HAVING = "HAVING"
    SET = "SET"
    VALUES = "VALUES"
    AGGREGATE = "an aggregate"
    OVER = "OVER"


_NO_AGGREGATE: Final = {
    Clause.WHERE: 147,
    Clause.ON: 1015,
    Clause.GROUP_BY: 144,
    Clause.SET: 157,
    Clause.VALUES: 147,
    Clause.AGGREGATE: 130,
}
"""The errors for an aggregate, by its clause."""

_NO_WINDOW: Final = {
    **dict.fromkeys((Clause.WHERE, Clause.ON, Clause.GROUP_BY, Clause.HAVING, Clause.SET, Clause.VALUES), 4108),
    Clause.AGGREGATE: 4109,
    Clause.OVER: 4109,
}
"""The errors for a window function, by its clause."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something in FROM.

    :param names: how it may be called in front of a column: its alias alone, or for a table without one its name with
        nothing, its schema, or database and schema before it; longest last.
    :param columns: its columns, named; ``sql`` of each reads it from this source.
    :param table: the local table that it is.
    """

    names: tuple[tuple[str, ...], ...]
    columns: tuple[Typed, ...]
    table: WritableTable | None = None

    @property
    def shown(self) -> tuple[Typed, ...]:
        """The columns of a star."""
        return tuple(column for column in self.columns if column.name not in _HIDDEN)

    def hidden(self, name: str) -> str:
        """The DuckDB text of a hidden column; empty where there is none."""
        return next((column.sql for column in self.columns if column.name == name), "")

    def called(self, qualifier: tuple[str, ...]) -> bool:
        """Whether this is what ``qualifier.`` in front of a column means."""
        return qualifier in self.names


@dataclass(slots=True)
class Groups:
    """The groups of a query as a separate source, which subqueries can read: DuckDB's subqueries see no aggregate.

    :param alias: of the source in DuckDB.
    :param columns: its columns as DuckDB texts; the column at place 1 is called ``g1``.
    """

    alias: str
    columns: list[str] = field(default_factory=list)

    def column(self, sql: str) -> str:
        """The column that has the value of an expression of the grouped query."""
        if sql not in self.columns:
            self.columns.append(sql)
        return f"{self.alias}.g{self.columns.index(sql) + 1}"

    def source(self, tail: str) -> str:
        """The FROM clause.

        :param tail: of the grouped query, from FROM to GROUP BY.
        """
        listed = ", ".join(f"{sql} AS g{place}" for place, sql in enumerate(self.columns, start=1)) or "1"
        return f" FROM (SELECT {listed}{tail}) AS {self.alias}"


@dataclass(slots=True)
class Scope:
    """The sources of one SELECT, and the scopes around it.

    :param grouped: in a grouped query, what each grouping expression reads as: DuckDB text to DuckDB text. None while
        the query is not grouped, or inside an aggregate's argument.
    :param groups: the groups where they are a separate source.
    :param subtotals: the groups are of several kinds, and those of some kinds have NULL for an expression.
    """

    parent: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    grouped: dict[str, str] | None = None
    subtotals: bool = False
    clause: Clause = Clause.SELECT
    groups: Groups | None = None

    @property
    def places(self) -> list[str]:
        """The DuckDB texts that order the rows of functions; empty without one.

        SQL Server returns the elements of OPENJSON in order where the query has no ORDER BY; DuckDB's joins do not.
        """
        if not any(source.hidden(PLACE) for source in self.sources):
            return []
        return [text for source in self.sources if (text := source.hidden(PLACE) or source.hidden(ROW_ID))]

    def group_first(self, alias: str) -> None:
        """Read the groups from a separate source."""
        self.groups = Groups(alias)
        self.grouped = {key: self.groups.column(reading) for key, reading in (self.grouped or {}).items()}

    def aggregate(self, value: Typed) -> Typed:
        """An aggregate of the groups as the rest of the query reads it."""
        return value if self.groups is None else replace(value, sql=self.groups.column(value.sql))

    @contextmanager
    def inside(self, clause: Clause) -> Iterator[None]:
        """Bind the parts of a clause."""
        around, self.clause = self.clause, clause
        try:
            yield
        finally:
            self.clause = around

    def check_aggregate(self, name: str) -> None:
        """Check that an aggregate is allowed here.

        :raises SqlError: 130, 144, 147, 157, 1015: it may not.
        """
        number = _NO_AGGREGATE.get(self.clause, 147 if self.grouped is None else 0)
        if number:
            text = f"The aggregate {name.upper()} is not allowed in {self.clause.value}."
            raise SqlError(number, text, severity=15)

    def check_window(self, name: str) -> None:
        """Check that a window function is allowed here.

        :raises SqlError: 4108, 4109: it may not.
        """
        number = _NO_WINDOW.get(self.clause, 0)
        if number:
            text = f"The window function {name.upper()} is not allowed in {self.clause.value}."
            raise SqlError(number, text, severity=15)

    def around(self) -> Iterator[Scope]:
        """This scope and those around it, from the inside out."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def add(self, source: Source) -> None:
        """Put a source in.

        :raises SqlError: 1011 or 1013, another source is called the same.
        """
        if any(source.names and known.names and source.names[-1] == known.names[-1] for known in self.sources):
            name = ".".join(source.names[-1])
            raise SqlError(1013, f"Two sources in FROM are called {name!r}. Use different aliases.")
        self.sources.append(source)

    def resolve(self, parts: Sequence[str]) -> tuple[Typed, Scope]:
        """The column that a name of one to four parts means, and the scope that it is from.

        :raises SqlError: 207 (no such column), 209 (more than one), 4104 (no such source).
        """
        *qualifier, name = parts
        called = tuple(part.lower() for part in qualifier)
        for scope in self.around():
            sources = [source for source in scope.sources if not called or source.called(called)]
            found = [column for source in sources for column in source.columns if column.name.lower() == name.lower()]
            if len(found) > 1:
                raise SqlError(209, f"Ambiguous column name {name!r}: more than one source has it.")
            if found:
                return found[0], scope
            if called and sources:
                break
            if called and scope.parent is None:
                raise SqlError(4104, f"The multi-part identifier '{'.'.join(parts)}' could not be bound.")
        raise SqlError(207, f"Invalid column name {name!r}.")
