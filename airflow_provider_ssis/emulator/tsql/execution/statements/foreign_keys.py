"""Checks of new foreign keys: what they refer to, their actions, and the rows that are already there."""

from __future__ import annotations

from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import ForeignKey
from airflow_provider_ssis.emulator.tsql.query.rules.foreign_keys import (
    referred,
    referred_columns,
    violation_query,
)
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError
from airflow_provider_ssis.emulator.tsql.values.precedence import family


def check_foreign_key(session: SessionState, table: UserTable, key: ForeignKey) -> None:
    """Check that a new FOREIGN KEY refers to a key of a table, with the same types.

    :raises SqlError: 1767, 1769, 1773, 1776, 1778, 8139; 1761, 1785: its actions cannot be taken.
    """
    metadata = session.metadata.copy()
    metadata.add(table)
    parent = referred(metadata, table, key)
    _check_actions(metadata, table, key)
    names = referred_columns(parent, key)
    if len(names) != len(key.columns):
        raise SqlError(8139, f"Foreign key '{key.name}' has another number of columns than the key it refers to.")
    for name, wanted in zip(key.columns, names, strict=True):
        mine = next((column for column in table.columns if column.name.lower() == name.lower()), None)
        other = next((column for column in parent.columns if column.name.lower() == wanted.lower()), None)
        if mine is None:
            raise SqlError(
                1769, f"Foreign key '{key.name}' references invalid column '{name}' in table '{table.name}'."
            )
        if other is None:
            raise SqlError(1770, f"Foreign key '{key.name}' references invalid column '{wanted}' in '{parent.name}'.")
        if family(mine.type) != family(other.type):
            text = f"Column '{parent.name}.{other.name}' has another type than '{table.name}.{name}' in '{key.name}'."
            raise SqlError(1778, text, state=0)
    wanted_names = {name.lower() for name in names}
    if not any({name.lower() for name in each.columns} == wanted_names for each in parent.rules.candidate_keys):
        text = f"There are no primary or candidate keys in table '{parent.name}' for the foreign key '{key.name}'."
        raise SqlError(1776, text, state=0)


def _check_actions(metadata: Metadata, table: UserTable, key: ForeignKey) -> None:
    """Check that the actions of a FOREIGN KEY can be taken.

    :raises SqlError: 1761, SET NULL on a column that is never NULL; 1785, a table would be reached in two ways.
    """
    for action, word in ((key.on_delete, "DELETE"), (key.on_update, "UPDATE")):
        names = {name.lower() for name in key.columns}
        never_null = any(column.name.lower() in names and not column.nullable for column in table.columns)
        if action == "SET NULL" and never_null:
            text = f"Foreign key '{key.name}' cannot have ON {word} SET NULL: its columns must allow NULL."
            raise SqlError(1761, text)
        if action and _reaches_twice(metadata, table, key):
            text = (
                f"Foreign key '{key.name}' on table '{table.name}' may cause cycles or several cascade paths. Use ON "
                f"{word} NO ACTION."
            )
            raise SqlError(1785, text, state=0)


def _reaches_twice(metadata: Metadata, table: UserTable, key: ForeignKey) -> bool:
    """Whether a change of the table that a new key refers to, or of one above it, reaches a table in two ways."""
    waiting = [referred(metadata, table, key)]
    above = {}
    while waiting:
        each = waiting.pop()
        if each.storage_name not in above:
            above[each.storage_name] = each
            keys = [one for one in each.rules.foreign_keys if one.on_delete or one.on_update]
            waiting += [referred(metadata, each, one) for one in keys]
    return any(_repeats(metadata, each) for each in above.values())


def _repeats(metadata: Metadata, start: UserTable) -> bool:
    reached = {start.storage_name}
    waiting = [start]
    while waiting:
        for child, key in metadata.referring(waiting.pop()):
            if key.on_delete or key.on_update:
                if child.storage_name in reached:
                    return True
                reached.add(child.storage_name)
                waiting.append(child)
    return False


def check_foreign_rows(session: SessionState, table: UserTable, key: ForeignKey) -> None:
    """Check that the rows of a table obey a new FOREIGN KEY.

    :raises SqlError: 547.
    """
    parent = referred(session.metadata, table, key)
    if session.read(violation_query(table, key, parent)):
        text = f"The rows of table '{table.name}' conflict with the FOREIGN KEY constraint '{key.name}'."
        raise SqlError(547, text, state=0)
