"""ALTER TABLE: adds, changes and drops columns and constraints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.databases.sequences import RowVersions
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements import foreign_keys
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.tables_and_indexes import (
    check_rows,
    on_table,
    repeated,
    replace_table,
    without,
)
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable, WritableTable, bracketed
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import PRIMARY_KEY, Key, PlainIndex, TableRules, mentions
from airflow_provider_ssis.emulator.tsql.query.rules.computed_columns import row_version_database
from airflow_provider_ssis.emulator.tsql.values.arithmetic import folded
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


@on_table
async def _add(interpreter: Runner, statement: table_syntax.AddToTable, frame: Frame, table: WritableTable) -> None:
    session = interpreter.session
    known = {column.name.lower() for column in table.columns}
    for column in statement.columns:
        if column.name.lower() in known:
            text = f"Column names in table '{table.name}' must be unique: '{column.name}' exists already."
            raise SqlError(2705, text, state=4, ends_batch=True)
    added, old = statement.rules.named(), table.rules
    if added.identity is not None and old.identity is not None:
        text = f"Several identity columns are given for table '{table.name}'. Only one is allowed."
        raise SqlError(2744, text, state=2, ends_batch=True)
    rules = TableRules(
        old.identity or added.identity,
        (*old.defaults, *added.defaults),
        (*old.checks, *added.checks),
        (*old.keys, *added.keys),
        (*old.indexes, *added.indexes),
        (*old.foreign_keys, *added.foreign_keys) if isinstance(table, UserTable) else (),
        (*old.computed, *added.computed),
        old.statistics,
    )
    primary = {name.lower() for key in added.keys if key.kind == PRIMARY_KEY for name in key.columns}
    for column in table.columns:
        if column.name.lower() in primary and column.nullable:
            text = f"Cannot add a PRIMARY KEY to table '{table.name}': column '{column.name}' allows NULL."
            raise SqlError(8111, text, ends_batch=True)
    new = tables.with_types(session, replace(table, columns=(*table.columns, *statement.columns), rules=rules))
    tables.check_rules(session, new)
    for key in added.keys:
        if all(name.lower() in known for name in key.columns):
            await session.worker.run(partial(check_rows, session, table, key))
    columns = new.columns[len(table.columns) :]
    values = [_first_value(new, column) for column in columns]
    if added.checks and any(_SEQUENCE.search(value) for value in values):
        raise not_supported("ALTER TABLE … ADD of a column with NEXT VALUE FOR and a CHECK constraint together")
    named = [f"{value} AS {bracketed(column.name)}" for value, column in zip(values, columns, strict=True)]
    source = f"(SELECT {', '.join(['*', *named])} FROM {table.text}) AS {bracketed(table.name)}"
    for check in added.checks:
        await _check_condition(interpreter, table, check.name, check.condition, frame, source)
    rows = None
    if statement.columns:
        rows = await _rows(interpreter, table.text, ", ".join(["*", *values]), frame)
        for column, value in zip(statement.columns, values, strict=True):
            if rows and not column.nullable and value.startswith("CAST(NULL"):
                text = (
                    f"ALTER TABLE cannot add column '{column.name}' to table '{table.name}', which has rows: it needs "
                    "NULL or a DEFAULT."
                )
                raise SqlError(4901, text, ends_batch=True)
        rows = _with_row_versions(session, new, rows, len(table.columns))
    for key in added.keys:
        if rows and any(name.lower() not in known for name in key.columns):
            _check_new_rows(new, key, rows)
    replace_table(session, frame, table, new, rows)
    if added.identity is not None and rows:
        last = added.identity.seed + (len(rows) - 1) * added.identity.increment
        session.identities_of(new).note(new, last)
    if isinstance(new, UserTable):
        for foreign in added.foreign_keys:
            foreign_keys.check_foreign_key(session, new, foreign)
            foreign_keys.check_foreign_rows(session, new, foreign)


_SEQUENCE: Final = re.compile(r"\bNEXT\s+VALUE\s+FOR\b", re.IGNORECASE)


def _first_value(table: WritableTable, column: Column) -> str:
    """The value of a new column in existing rows: its default only where it does not allow NULL."""
    computed = {each.column.lower(): each.expression for each in table.rules.computed}
    if table.rules.is_row_version(column.name):
        return f"CAST(0 AS {column.type})"  # Until _with_row_versions.
    if column.name.lower() in computed:
        return f"({computed[column.name.lower()]})"
    identity = table.rules.identity
    if identity is not None and table.rules.is_identity(column.name):
        number = "ROW_NUMBER() OVER (ORDER BY (SELECT NULL)) - 1"
        return f"CAST({identity.seed} + ({number}) * {identity.increment} AS {column.type})"
    default = table.rules.default_of(column.name)
    if default is None or column.nullable:
        return f"CAST(NULL AS {column.type})"
    return f"CAST(({default}) AS {column.type})"


def _check_new_rows(table: WritableTable, key: Key, rows: Iterable[Sequence[Any]]) -> None:
    """Check that rows with new columns repeat no key.

    :raises SqlError: 1505.
    """
    names = [column.name.lower() for column in table.columns]
    places = [names.index(name.lower()) for name in key.columns]
    found = set()
    for row in rows:
        values = tuple(folded(value) if isinstance(value := row[place], str) else value for place in places)
        if values in found:
            raise repeated(table, key, ", ".join(str(row[place]) for place in places))
        found.add(values)


def _with_row_versions(
    session: SessionState, table: WritableTable, rows: Iterable[tuple[Any, ...]], first: int
) -> list[tuple[Any, ...]]:
    """Rows with the next values in a new rowversion column.

    :param first: the place of the first new column.
    """
    names = [column.name for column in table.columns]
    places = [place for place, name in enumerate(names) if place >= first and table.rules.is_row_version(name)]
    next_version = RowVersions(session.engine.sequences)
    return [
        tuple(
            next_version(row_version_database(table), number) if place in places else value
            for place, value in enumerate(row)
        )
        for number, row in enumerate(rows, start=1)
    ]


async def _check_condition(
    interpreter: Runner, table: WritableTable, name: str, condition: str, frame: Frame, source: str = ""
) -> None:
    """Check that the rows of a table fulfil a condition.

    :param source: the rows. Default: the table.
    :raises SqlError: 547.
    """
    rows = await _rows(interpreter, source or table.text, "TOP (1) 1", frame, f" WHERE NOT ({condition})")
    if rows:
        raise SqlError(547, f"The rows of table '{table.name}' conflict with the CHECK constraint '{name}'.", state=0)


async def _rows(interpreter: Runner, source: str, select: str, frame: Frame, where: str = "") -> list[tuple[Any, ...]]:
    session = interpreter.session
    query = tables.compiled(session, " ".join(["SELECT", select, "FROM", f"{source}{where}"]), frame.tables)
    values = Environment(session, frame)
    return await session.worker.run(partial(session.engine.compiler.run, query, session.connection, values))


@on_table
async def _drop_from(
    interpreter: Runner, statement: table_syntax.DropFromTable, frame: Frame, table: WritableTable
) -> None:
    session = interpreter.session
    rules = table.rules
    constraints = {
        each.name.lower() for group in (rules.defaults, rules.checks, rules.keys, rules.foreign_keys) for each in group
    }
    for name in statement.constraints:
        if name.lower() not in constraints and not statement.if_exists:
            raise SqlError(3728, f"'{name}' is not a constraint of table '{table.name}'.", ends_batch=True)
    rules = without(rules, {name.lower() for name in statement.constraints})
    dropped = {name.lower() for name in statement.columns}
    for name in statement.columns:
        _check_unused(table, rules, name, if_exists=statement.if_exists)
    if rules.identity is not None and rules.identity.column.lower() in dropped:
        rules = replace(rules, identity=None)
    rules = replace(rules, computed=tuple(each for each in rules.computed if each.column.lower() not in dropped))
    kept = tuple(column for column in table.columns if column.name.lower() not in dropped)
    if not kept:
        raise SqlError(4923, f"Table '{table.name}' must keep a column.", ends_batch=True)
    rows = None
    if len(kept) < len(table.columns):
        listed = ", ".join(bracketed(column.name) for column in kept)
        rows = await _rows(interpreter, table.text, listed, frame)
    replace_table(session, frame, table, replace(table, columns=kept, rules=rules), rows)


def _check_unused(table: WritableTable, rules: TableRules, name: str, *, if_exists: bool) -> None:
    """Check that no constraint needs a column.

    :raises SqlError: 5074, one does; 4924, there is no such column.
    """
    lowered = name.lower()
    if lowered not in {column.name.lower() for column in table.columns} and not if_exists:
        raise SqlError(4924, f"Table '{table.name}' has no column '{name}' to drop.", ends_batch=True)
    users = [each.name for each in rules.defaults if each.column.lower() == lowered]
    keyed: list[Key | PlainIndex] = [*rules.keys, *rules.indexes]
    users += [each.name for each in keyed if lowered in {column.lower() for column in each.columns}]
    users += [each.name for each in keyed if mentions(each.filter, name)]
    users += [each.name for each in rules.foreign_keys if lowered in {column.lower() for column in each.columns}]
    users += [each.name for each in rules.checks if mentions(each.condition, name)]
    users += [each.column for each in rules.computed if mentions(each.expression, name) and each.column != name]
    if users:
        raise SqlError(5074, f"The object '{users[0]}' is dependent on column '{name}'.", ends_batch=True)


@on_table
async def _alter_column(
    interpreter: Runner, statement: table_syntax.AlterColumn, frame: Frame, table: WritableTable
) -> None:
    session, column = interpreter.session, statement.column
    names = [each.name.lower() for each in table.columns]
    if column.name.lower() not in names:
        raise SqlError(4924, f"Table '{table.name}' has no column '{column.name}' to alter.", ends_batch=True)
    if table.rules.is_computed(column.name):
        raise SqlError(4928, f"Cannot alter column '{column.name}', because it is computed.", ends_batch=True)
    place = names.index(column.name.lower())
    old = table.columns[place].type
    if column.type != old and (column.type.name != old.name or old.length is None):
        # Another value for a row could violate a rule; text of another length is the same text.
        _check_unused(table, replace(table.rules, defaults=()), column.name, if_exists=False)
    changed = (*table.columns[:place], column, *table.columns[place + 1 :])
    rows = await _rows(interpreter, table.text, "*", frame)
    if not column.nullable and any(row[place] is None for row in rows):
        text = f"Column '{column.name}' of table '{table.name}' has NULL, and cannot become NOT NULL."
        raise SqlError(515, text, state=2)
    replace_table(session, frame, table, replace(table, columns=changed), rows, table.columns)


@on_table
async def _enable(
    interpreter: Runner, statement: table_syntax.EnableConstraints, frame: Frame, table: WritableTable
) -> None:
    rules, session = table.rules, interpreter.session
    known = {each.name.lower() for group in (rules.checks, rules.foreign_keys) for each in group}
    for name in statement.names:
        if name.lower() not in known:
            raise SqlError(4917, f"Constraint '{name}' does not exist in table '{table.name}'.", state=0)
    named = {name.lower() for name in statement.names} or known
    disabled = not statement.enables
    checks = tuple(replace(each, disabled=disabled) if each.name.lower() in named else each for each in rules.checks)
    foreign = tuple(
        replace(each, disabled=disabled) if each.name.lower() in named else each for each in rules.foreign_keys
    )
    if statement.checks_rows:
        for check in checks:
            if check.name.lower() in named:
                await _check_condition(interpreter, table, check.name, check.condition, frame)
        for key in foreign:
            if key.name.lower() in named and isinstance(table, UserTable):
                foreign_keys.check_foreign_rows(session, table, key)
    replace_table(
        session, frame, table, replace(table, rules=replace(rules, checks=checks, foreign_keys=foreign)), None
    )


AWAITED: Final[AwaitedTable] = {
    table_syntax.AddToTable: _add,
    table_syntax.DropFromTable: _drop_from,
    table_syntax.AlterColumn: _alter_column,
    table_syntax.EnableConstraints: _enable,
}
