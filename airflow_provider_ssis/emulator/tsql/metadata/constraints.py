"""The constraints and indexes of clients' tables, numbered as the system views show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import (
    PRIMARY_KEY,
    UNIQUE,
    Check,
    Default,
    ForeignKey,
    Key,
)

Numbered = Iterable[tuple[int, UserTable]]
"""Tables with their object ids."""

Rule = Key | Default | Check | ForeignKey
_KINDS: Final[dict[type[Rule], str]] = {Default: "D ", Check: "C ", ForeignKey: "F "}


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table.

    :param id: its object id.
    :param kind: the two letters of ``sys.objects.type``.
    :param table_id: the object id of the table.
    """

    id: int
    kind: str
    name: str
    table_id: int
    table: UserTable
    rule: Rule


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table.

    :param id: within the table; a heap is 0, the clustered index 1.
    :param key: of a unique index; None for others.
    """

    id: int
    name: str | None
    table_id: int
    table: UserTable
    key: Key | None
    columns: tuple[str, ...] = ()
    is_clustered: bool = False
    is_disabled: bool = False
    is_columnstore: bool = False
    filter: str = ""


def constraints(tables: Numbered) -> Iterator[Constraint]:
    """All constraints of tables."""
    for number, table in tables:
        rules = table.rules
        keys = [key for key in rules.keys if key.kind in (PRIMARY_KEY, UNIQUE)]
        found: list[Rule] = [*keys, *rules.defaults, *rules.checks, *rules.foreign_keys]
        for place, rule in enumerate(found, start=1):
            is_primary = isinstance(rule, Key) and rule.kind == PRIMARY_KEY
            kind = "PK" if is_primary else _KINDS.get(type(rule), "UQ")
            yield Constraint(number + place, kind, rule.name, number, table, rule)


def indexes(tables: Numbered) -> Iterator[Index]:
    """All indexes of tables; the primary key is the clustered one."""
    for number, table in tables:
        primary = table.rules.primary_key
        clustered = next((each for each in table.rules.indexes if each.columnstore and not each.columns), None)
        if primary is None and clustered is not None:
            names = tuple(column.name for column in table.columns)
            yield Index(1, clustered.name, number, table, None, names, True, clustered.disabled, is_columnstore=True)
        elif primary is None:
            yield Index(0, None, number, table, None)
        else:
            yield Index(1, primary.name, number, table, primary, primary.columns, is_clustered=True)
        others = [key for key in table.rules.keys if key is not primary]
        for place, key in enumerate(others, start=2):
            yield Index(place, key.name, number, table, key, key.columns, filter=key.filter)
        plain = [index for index in table.rules.indexes if index is not clustered]
        for place, index in enumerate(plain, start=2 + len(others)):
            yield Index(
                *(place, index.name, number, table, None, index.columns),
                is_disabled=index.disabled,
                is_columnstore=index.columnstore,
                filter=index.filter,
            )


def column_ids(table: UserTable, names: tuple[str, ...]) -> list[int]:
    """The places of columns, from 1."""
    known = [column.name.lower() for column in table.columns]
    return [known.index(name.lower()) + 1 for name in names]
