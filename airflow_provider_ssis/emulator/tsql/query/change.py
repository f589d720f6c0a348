"""A compiled INSERT, UPDATE, DELETE or MERGE that goes through a stage.

The rows that a statement changes are first computed into a temporary DuckDB table, the stage. They are checked there,
get their IDENTITY values, are applied to the table, and are read by OUTPUT. The stage has these columns:

=========== ==========================================================================
``k``       what happens to the row: :data:`INSERTED`, :data:`UPDATED`, :data:`DELETED`
``p``       its number, from 1
``r``       DuckDB's rowid of the row that is changed; NULL for a new row
``n1`` …    the new values of all columns; NULL for a deleted row
``o1`` …    the old values; only where OUTPUT may read them
``s1`` …    the columns of the other sources; likewise
``x1`` …    the values for variables
=========== ==========================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.datatypes import Column, SqlType

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, UserTable, WritableTable
    from airflow_provider_ssis.emulator.tsql.metadata.table_rules import Check
    from airflow_provider_ssis.emulator.tsql.query.binder import Argument

STAGE: Final = 'temp.main."changed rows"'
"""The DuckDB name of the stage."""

NEXT_IDENTITY: Final = "the next identity value"
"""The value of the session from which new rows count."""

INSERTED: Final = "I"
UPDATED: Final = "U"
DELETED: Final = "D"


@dataclass(frozen=True, slots=True)
class Part:
    """DuckDB text with its arguments."""

    sql: str
    arguments: tuple[Argument, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Output:
    """An OUTPUT clause.

    :param into: the table that takes the rows; None sends them to the client.
    :param names: its columns that take them.
    """

    query: Part
    columns: tuple[Column, ...]
    into: WritableTable | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """The condition of a filtered key as DuckDB text.

    :param new: on the rows ``s`` of the stage.
    :param old: on the rows ``b`` of the table.
    """

    new: str
    old: str


@dataclass(frozen=True, slots=True)
class ForeignCheck:
    """A check of a FOREIGN KEY.

    :param text: of the error.
    :param sql: the DuckDB query of a violation.
    :param other: the other table of the constraint.
    """

    text: str
    sql: str
    other: UserTable


@dataclass(frozen=True, slots=True)
class Cascade:
    """What a FOREIGN KEY with an action does to the rows that refer to changed ones.

    :param keys: a local table: ``o1`` … the old values of the key, ``n1`` … the new ones.
    :param rows: the DuckDB query of its rows, which reads the stage before it is applied.
    :param statement: the T-SQL statement that changes the referring rows.
    :param tables: all that it may change or read.
    """

    keys: LocalTable
    rows: str
    statement: str
    tables: tuple[UserTable, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that changes rows through the stage.

    :param rows: the query of the stage.
    :param kinds: which of :data:`INSERTED`, :data:`UPDATED`, :data:`DELETED` may be among them.
    :param updated: the columns that an update sets.
    :param checks: the CHECK constraints, each with the query of a stage row that violates it.
    :param filters: the conditions of filtered keys, by the names of the keys.
    :param foreign: the checks of FOREIGN KEY constraints.
    :param cascades: their actions.
    :param variables: those that the statement assigns, with the types of ``x1`` ….
    :param gives_identity: INSERT names the column with IDENTITY.
    :param once: each row of the table may be changed only once: error 8672.
    """

    table: WritableTable
    rows: Part
    kinds: frozenset[str]
    updated: tuple[str, ...] = ()
    checks: tuple[tuple[Check, Part], ...] = ()
    filters: Mapping[str, KeyFilter] = field(default_factory=dict)
    foreign: tuple[ForeignCheck, ...] = ()
    cascades: tuple[Cascade, ...] = ()
    outputs: tuple[Output, ...] = ()
    variables: tuple[tuple[str, SqlType], ...] = ()
    gives_identity: bool = False
    once: bool = False


@dataclass(frozen=True, slots=True)
class BoundChange:
    """A bound statement that changes rows.

    :param table: the changed one.
    :param direct: DuckDB text that changes the table at once; empty where the statement needs the stage.
    """

    table: WritableTable
    direct: str = ""
    change: Change | None = None

    @property
    def tables(self) -> tuple[WritableTable, ...]:
        """All tables whose rows must not change meanwhile."""
        change = self.change
        if change is None:
            return (self.table,)
        into = [output.into for output in change.outputs if output.into is not None]
        cascaded = [table for cascade in change.cascades for table in cascade.tables]
        return (self.table, *into, *(check.other for check in change.foreign), *cascaded)


def key_expression(type: SqlType, text: str) -> str:  # noqa: A002 - the field's own word
    """The value by which keys are compared: text without regard to case and trailing blanks."""
    return f"lower(rtrim({text}, ' '))" if type.name in ("char", "varchar", "nchar", "nvarchar") else text
