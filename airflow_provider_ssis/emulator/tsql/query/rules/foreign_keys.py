"""FOREIGN KEY constraints of changed rows: queries of the stage that find a violation, and the actions.

The queries run before the rows are applied, so that a statement that fails has changed nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, UserTable, WritableTable, bracketed
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import ForeignKey
from airflow_provider_ssis.emulator.tsql.query.change import (
    DELETED,
    INSERTED,
    STAGE,
    UPDATED,
    Cascade,
    ForeignCheck,
    key_expression,
)
from airflow_provider_ssis.emulator.tsql.query.rules.stored_values import column_named
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
    from airflow_provider_ssis.emulator.tsql.query.binder import Binder


_CASCADED: Final = 1
"""The level of the local tables with changed keys."""


def has_foreign_keys(binder: Binder, table: WritableTable) -> bool:
    """Whether a table refers to others, or others refer to it."""
    if not isinstance(table, UserTable):
        return False
    return bool(table.rules.foreign_keys or binder.compilation.metadata.referring(table))


def bind_foreign_keys(
    binder: Binder, table: WritableTable, kinds: Collection[str], updated: Collection[str] = ()
) -> tuple[ForeignCheck, ...]:
    """The queries of stage rows that violate a FOREIGN KEY.

    :param kinds: what the statement may do: the letters of ``change.py``.
    :param updated: the columns that an update sets.
    """
    if not isinstance(table, UserTable):
        return ()
    metadata, names = binder.compilation.metadata, {name.lower() for name in updated}
    found = [
        _of_new_rows(table, key, referred(metadata, table, key))
        for key in table.rules.foreign_keys
        if not key.disabled
        and (INSERTED in kinds or (UPDATED in kinds and any(name.lower() in names for name in key.columns)))
    ]
    for child, key in metadata.referring(table):
        checked = [kind for kind, action in _actions(table, key, kinds, names) if not action]
        if checked:
            found.append(_of_old_rows(table, key, child, checked))
    return tuple(found)


def _actions(table: UserTable, key: ForeignKey, kinds: Collection[str], updated: set[str]) -> list[tuple[str, str]]:
    """What a statement may do to the rows that a foreign key refers to, each with the action of the key."""
    if key.disabled:
        return []
    found = [(DELETED, key.on_delete)] if DELETED in kinds else []
    if UPDATED in kinds and any(name.lower() in updated for name in referred_columns(table, key)):
        found.append((UPDATED, key.on_update))
    return found


def bind_cascades(
    binder: Binder, table: WritableTable, kinds: Collection[str], updated: Collection[str] = ()
) -> tuple[Cascade, ...]:
    """The actions of FOREIGN KEY constraints; the parameters are those of :func:`bind_foreign_keys`."""
    if not isinstance(table, UserTable):
        return ()
    metadata, names = binder.compilation.metadata, {name.lower() for name in updated}
    return tuple(
        _cascade(metadata, table, key, child, kind, action)
        for child, key in metadata.referring(table)
        for kind, action in _actions(table, key, kinds, names)
        if action
    )


def _cascade(
    metadata: Metadata, table: UserTable, key: ForeignKey, child: UserTable, kind: str, action: str
) -> Cascade:
    columns = [column_named(table, name) for name in referred_columns(table, key)]
    places = range(1, len(columns) + 1)
    old = [f"b.{quoted(column.name)}" for column in columns]
    new = [f"s.n{_place(table, column.name)}" for column in columns]
    listed = [
        f"{sql} AS {letter}{place}"
        for letter, values in (("o", old), ("n", new))
        for place, sql in zip(places, values, strict=True)
    ]
    differ = " OR ".join(f"{one} IS DISTINCT FROM {other}" for one, other in zip(old, new, strict=True))
    source = f"{STAGE} AS s JOIN {table.storage_name} AS b ON b.rowid = s.r"
    keys = LocalTable(
        f"#keys of {child.schema}.{key.name} {kind}".lower(),
        tuple(
            Column(f"{letter}{place}", column.type)
            for letter in "on"
            for place, column in zip(places, columns, strict=True)
        ),
        _CASCADED,
    )
    matches = " AND ".join(f"c.{bracketed(name)} = k.o{place}" for place, name in zip(places, key.columns, strict=True))
    joined = f"FROM {child.text} AS c JOIN {keys.text} AS k ON {matches}"
    values = {"CASCADE": [f"k.n{place}" for place in places], "SET NULL": ["NULL"] * len(columns)}
    if kind == DELETED and action == "CASCADE":
        statement = f"DELETE c {joined}"
    else:
        given = values.get(action, ["DEFAULT"] * len(columns))
        pairs = zip(key.columns, given, strict=True)
        statement = f"UPDATE c SET {', '.join(f'{bracketed(name)} = {value}' for name, value in pairs)} {joined}"
    wanted = [f"s.k = '{kind}'"] + ([f"({differ})"] if kind == UPDATED else [])
    rows = _select(source, *wanted, value=", ".join(listed))
    return Cascade(keys, rows, statement, tuple(_concerned(metadata, child)))


def _concerned(metadata: Metadata, table: UserTable) -> list[UserTable]:
    """A table, those that it refers to, and all that an action may reach from it."""
    found = {table.storage_name: table}
    waiting = [table]
    while waiting:
        each = waiting.pop()
        parents = [metadata.relation(each.database, key.schema, key.table) for key in each.rules.foreign_keys]
        found |= {parent.storage_name: parent for parent in parents if isinstance(parent, UserTable)}
        for child, _ in metadata.referring(each):
            if child.storage_name not in found:
                found[child.storage_name] = child
                waiting.append(child)
    return list(found.values())


def referred(metadata: Metadata, table: UserTable, key: ForeignKey) -> UserTable:
    """The table that a foreign key refers to.

    :raises SqlError: 1767, there is none.
    """
    parent = metadata.relation(table.database, key.schema, key.table)
    if not isinstance(parent, UserTable):
        text = f"Foreign key '{key.name}' references the table '{key.schema}.{key.table}', which does not exist."
        raise SqlError(1767, text, state=0)
    return parent


def referred_columns(parent: UserTable, key: ForeignKey) -> tuple[str, ...]:
    """The columns that a foreign key refers to.

    :raises SqlError: 1773, they are not given, and the table has no primary key.
    """
    if key.references:
        return key.references
    if parent.rules.primary_key is None:
        text = f"Foreign key '{key.name}' refers to '{parent.name}', which has no primary key. Name the columns."
        raise SqlError(1773, text, state=0)
    return parent.rules.primary_key.columns


def violation_query(child: UserTable, key: ForeignKey, parent: UserTable) -> str:
    """The DuckDB query of a row in a table whose foreign key refers to nothing."""
    mine = [f"c.{quoted(column_named(child, name).name)}" for name in key.columns]
    theirs = [f"p.{quoted(column_named(parent, name).name)}" for name in referred_columns(parent, key)]
    exists = _select(f"{parent.storage_name} AS p", _matches(child, key, mine, theirs))
    return _select(f"{child.storage_name} AS c", _all_given(mine), f"NOT EXISTS ({exists})") + " LIMIT 1"


def _of_new_rows(table: UserTable, key: ForeignKey, parent: UserTable) -> ForeignCheck:
    references = referred_columns(parent, key)
    mine = [f"s.n{_place(table, name)}" for name in key.columns]
    theirs = [f"p.{quoted(column_named(parent, name).name)}" for name in references]
    is_own = parent.storage_name == table.storage_name
    stays = [f"p.rowid NOT IN ({_select(STAGE, 'r IS NOT NULL', value='r')})"] if is_own else []
    exists = _select(f"{parent.storage_name} AS p", _matches(table, key, mine, theirs), *stays)
    wanted = [f"s.k <> '{DELETED}'", _all_given(mine), f"NOT EXISTS ({exists})"]
    if is_own:
        new = [f"n.n{_place(table, name)}" for name in references]
        among = _select(f"{STAGE} AS n", f"n.k <> '{DELETED}'", _matches(table, key, mine, new))
        wanted.append(f"NOT EXISTS ({among})")
    text = (
        f"The statement conflicts with the FOREIGN KEY constraint '{key.name}': table "
        f"'{parent.schema}.{parent.name}' of database '{parent.database}' has no such row."
    )
    return ForeignCheck(text, _select(f"{STAGE} AS s", *wanted) + " LIMIT 1", parent)


def _of_old_rows(table: UserTable, key: ForeignKey, child: UserTable, kinds: Sequence[str]) -> ForeignCheck:
    references = referred_columns(table, key)
    mine = [f"c.{quoted(column_named(child, name).name)}" for name in key.columns]
    theirs = [f"b.{quoted(column_named(table, name).name)}" for name in references]
    new = [f"s.n{_place(table, name)}" for name in references]
    changed = _select(STAGE, f"k <> '{INSERTED}'", value="r")
    kept = _select(f"{STAGE} AS s", f"s.k <> '{DELETED}'", _matches(child, key, mine, new))
    checked = _select(STAGE, f"k IN ({', '.join(map(repr, kinds))})", value="r")
    wanted = [f"b.rowid IN ({checked})", f"NOT EXISTS ({kept})"]
    if child.storage_name == table.storage_name:
        wanted.append(f"c.rowid NOT IN ({changed})")
    source = f"{child.storage_name} AS c JOIN {table.storage_name} AS b ON {_matches(child, key, mine, theirs)}"
    text = (
        f"The statement conflicts with the REFERENCE constraint '{key.name}': rows of table "
        f"'{child.schema}.{child.name}' of database '{child.database}' refer to the row."
    )
    return ForeignCheck(text, _select(source, *wanted) + " LIMIT 1", child)


def _select(source: str, *conditions: str, value: str = "1") -> str:
    return " ".join(["SELECT", value, "FROM", source, "WHERE", " AND ".join(conditions)])


def _all_given(texts: Sequence[str]) -> str:
    """A foreign key with NULL in a column refers to nothing."""
    return " AND ".join(f"{text} IS NOT NULL" for text in texts)


def _matches(child: UserTable, key: ForeignKey, mine: Sequence[str], theirs: Sequence[str]) -> str:
    types = [column_named(child, name).type for name in key.columns]
    return " AND ".join(
        f"{key_expression(type_, one)} = {key_expression(type_, other)}"
        for type_, one, other in zip(types, mine, theirs, strict=True)
    )


def _place(table: UserTable, name: str) -> int:
    return [column.name.lower() for column in table.columns].index(name.lower()) + 1
