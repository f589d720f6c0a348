"""Bound expressions: DuckDB text with a T-SQL type, and for expressions that read no row a Python function too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import SqlType

Values = Mapping[str, Any]
"""The values that a session supplies: ``@name`` variables, ``@@`` functions, ``suser_sname()`` and others."""

Evaluate = Callable[[Values], Any]

CASE_SENSITIVE: Final = "CS"
BINARY: Final = "BIN"
SENSITIVE: Final = (BINARY, CASE_SENSITIVE)
"""The collations that distinguish upper and lower case."""
WINDOWS: Final = "WIN"
"""A collation by which varchar has the order of nvarchar."""

NULL_TYPE: Final = SqlType("int")
"""The type of the bare word NULL where nothing else gives it one."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A value.

    :param sql: DuckDB text; its DuckDB type is the one that ``storage.duckdb_type(type, zoned=True)`` gives.
    :param evaluate: the value in Python, for an expression that reads no row; None for others.
    :param bare_null: the word NULL itself, which takes the type of the other operand.
    :param constant: the value of a literal, which rules may look at; None for others.
    :param name: the column's name, for a plain column reference.
    :param collation: how COLLATE lets it be compared; empty for the collation of the server.
    """

    sql: str
    type: SqlType
    nullable: bool = True
    evaluate: Evaluate | None = None
    bare_null: bool = False
    constant: Any = None
    name: str = ""
    collation: str = ""

    def named(self, name: str) -> Typed:
        """The same value under another column name."""
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition, which is true, false or unknown; in T-SQL it is not a value.

    :param sql: DuckDB text of type BOOLEAN.
    :param evaluate: as in :class:`Typed`; None in its result means unknown.
    """

    sql: str
    evaluate: Evaluate | None = None


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A query whose names and types are known.

    :param sql: DuckDB text; its columns are called ``c1``, ``c2`` ... (:func:`output_name`).
    :param columns: the outputs; only type, nullable and name of each still matter.
    :param evaluate: the rows in Python, where the query reads no table; None otherwise.
    :param has_place: a column ``place`` follows the outputs: the number of the row, in the order of a function.
    """

    sql: str
    columns: tuple[Typed, ...]
    evaluate: Callable[[Values], list[tuple[Any, ...]]] | None = None
    has_place: bool = False


def output_name(position: int) -> str:
    """The DuckDB name of a query's column, from 1."""
    return f"c{position}"
