"""Rules for the rows of a table: IDENTITY, DEFAULT, CHECK, keys, unique indexes and computed columns.

DuckDB's own constraints are not used: they compare text with regard to case, allow many NULLs in a unique key, and fail
before a statement has changed all of its rows.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import Final, TypeVar


@dataclass(frozen=True, slots=True)
class Identity:
    """IDENTITY (seed, increment).

    :param column: its name.
    """

    column: str
    seed: int = 1
    increment: int = 1


@dataclass(frozen=True, slots=True)
class Default:
    """DEFAULT.

    :param column: its name.
    :param expression: T-SQL text.
    :param name: of the constraint; empty for none.
    """

    column: str
    expression: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Computed:
    """A computed column, whose values are stored when its row changes.

    :param column: its name.
    :param expression: T-SQL text; empty for a rowversion column, which gets a new number with each change of its row.
    :param persisted: it is declared with PERSISTED.
    """

    column: str
    expression: str
    persisted: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """CHECK.

    :param condition: T-SQL text.
    :param disabled: NOCHECK CONSTRAINT.
    """

    name: str
    condition: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """PRIMARY KEY, UNIQUE or a unique index.

    :param kind: these words.
    :param filter: T-SQL text of the condition on the rows of a filtered index; empty for all rows.
    """

    name: str
    columns: tuple[str, ...]
    kind: str
    filter: str = ""

    @property
    def number(self) -> int:
        """The error for a duplicate."""
        return 2601 if self.kind == UNIQUE_INDEX else 2627


@dataclass(frozen=True, slots=True)
class PlainIndex:
    """An index that is not unique, which changes nothing but what the system views show.

    :param columns: of the key; none for a clustered columnstore index.
    :param disabled: ALTER INDEX … DISABLE.
    :param columnstore: CREATE COLUMNSTORE INDEX.
    :param filter: as of :class:`Key`.
    """

    name: str
    columns: tuple[str, ...]
    disabled: bool = False
    columnstore: bool = False
    filter: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """FOREIGN KEY … REFERENCES.

    :param name: of the constraint.
    :param columns: that refer.
    :param schema: of the table that they refer to, in the same database.
    :param table: its name.
    :param references: its columns; empty for those of its primary key.
    :param on_delete: CASCADE, SET NULL or SET DEFAULT; empty for NO ACTION.
    :param on_update: likewise.
    :param disabled: NOCHECK CONSTRAINT.
    """

    name: str
    columns: tuple[str, ...]
    schema: str
    table: str
    references: tuple[str, ...] = ()
    on_delete: str = ""
    on_update: str = ""
    disabled: bool = False


PRIMARY_KEY: Final = "PRIMARY KEY"
UNIQUE: Final = "UNIQUE"
UNIQUE_INDEX: Final = "unique index"


_Rule = TypeVar("_Rule", Default, Check, Key, ForeignKey)

UNNUMBERED: Final = "\0"
"""The end of a made-up name of a constraint that has no number yet: a statement can run more than once."""


def mentions(text: str, column: str) -> bool:
    """Whether T-SQL text has the name of a column as a word, in any case and quoted or not."""
    names = "|".join(re.escape(each) for each in {column, column.replace("]", "]]")})
    return re.search(rf"(?<![\w@#$])(?:{names})(?![\w@#$])", text, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class TableRules:
    """All rules of a table.

    :param indexes: those that are not unique.
    :param foreign_keys: those of a table in a database; temporary tables do not enforce them.
    :param statistics: the names of those that CREATE STATISTICS made.
    """

    identity: Identity | None = None
    defaults: tuple[Default, ...] = ()
    checks: tuple[Check, ...] = ()
    keys: tuple[Key, ...] = ()
    indexes: tuple[PlainIndex, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    computed: tuple[Computed, ...] = ()
    statistics: tuple[str, ...] = ()

    @property
    def inspect_rows(self) -> bool:
        """Whether changed rows need more than a conversion to the types of the columns."""
        return bool(self.identity or self.checks or self.keys or self.foreign_keys or self.computed)

    def is_identity(self, column: str) -> bool:
        """Whether a column has IDENTITY."""
        return self.identity is not None and self.identity.column.lower() == column.lower()

    def is_computed(self, column: str) -> bool:
        """Whether a column is computed."""
        return any(each.column.lower() == column.lower() for each in self.computed)

    def is_row_version(self, column: str) -> bool:
        """Whether a column is of type rowversion."""
        return any(each.column.lower() == column.lower() and not each.expression for each in self.computed)

    def is_given(self, column: str) -> bool:
        """Whether an INSERT without a list of columns gives a column a value."""
        return not (self.is_identity(column) or self.is_computed(column))

    @property
    def primary_key(self) -> Key | None:
        """The primary key; None for none."""
        return next((key for key in self.keys if key.kind == PRIMARY_KEY), None)

    @property
    def candidate_keys(self) -> tuple[Key, ...]:
        """The keys that a FOREIGN KEY may refer to: those of all rows."""
        return tuple(key for key in self.keys if not key.filter)

    def named(self) -> TableRules:
        """Return the rules with a unique number in each made-up name, as SQL Server makes them up for each table."""

        def name(rule: _Rule) -> _Rule:
            return replace(rule, name=rule.name.replace(UNNUMBERED, secrets.token_hex(8).upper()))

        return replace(
            self,
            defaults=tuple(name(each) for each in self.defaults),
            checks=tuple(name(each) for each in self.checks),
            keys=tuple(name(each) for each in self.keys),
            foreign_keys=tuple(name(each) for each in self.foreign_keys),
        )

    def default_of(self, column: str) -> str | None:
        """The T-SQL text of a column's default; None for none."""
        return next((each.expression for each in self.defaults if each.column.lower() == column.lower()), None)


NO_RULES: Final = TableRules()
