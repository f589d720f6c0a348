"""The statements that create, alter, drop and empty local tables, and their indexes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import Event, Message
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.changes import key_expression
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.handlers import AwaitedTable, ImmediateTable
from airflow_provider_ssis.emulator.tsql.execution.local_tables import check_key_columns
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.registry import LocalTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import PRIMARY_KEY, Key, TableRules
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.storage import quoted

_SKIPPED: Final = "FOREIGN KEY constraint '{}' is skipped: temporary tables do not enforce it."


def _create(interpreter: Runner, statement: table_syntax.CreateTable, frame: Frame) -> Iterable[Event]:
    tables.create_table(interpreter.session, statement.table, frame)
    return [
        Message(
            1766,
            0,
            1,
            _SKIPPED.format(name),
            statement.line,
        )
        for name in statement.table.foreign_keys
    ]


def _drop(interpreter: Runner, statement: table_syntax.DropTable, frame: Frame) -> Iterable[Event]:
    tables.drop_tables(interpreter.session, statement, frame)
    return ()


async def _truncate(interpreter: Runner, statement: table_syntax.TruncateTable, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    table = frame.tables.get(statement.table)
    if table is None:
        text = f"Cannot find the table '{statement.table}': it does not exist, or you do not have permission."
        raise StatementRefused(SqlError(4701, text, line=statement.line))
    query = tables.compiled(session, f"DELETE FROM {tables.quoted_name(table.name)}", frame.tables)
    await session.worker.run(partial(tables.run_change, session, query, {}, frame))
    session.local_tables.reset_identity(table)
    session.row_count = 0
    return ()


# --- indexes and columns


def _found(name: str, frame: Frame) -> LocalTable:
    """The temporary table of a statement.

    :raises SqlError: 1088, there is none.
    """
    table = frame.temporary_tables.get(name)
    if table is None:
        raise SqlError(1088, f"Cannot find the table '{name}': it does not exist, or you do not have permission.")
    return table


def _replace(
    session: SessionState,
    frame: Frame,
    old: LocalTable,
    new: LocalTable,
    rows: Sequence[Any] | None,
    columns: Sequence[Column] = (),
) -> None:
    """Change what a table is.

    :param rows: its rows, as Python values; None leaves them as they are.
    :param columns: those of the rows, which are converted as INSERT does; default the new ones.
    """

    def rebuild() -> None:
        if rows is None:
            session.local_tables.describe(new)
        else:
            session.local_tables.rebuild(new, columns or new.columns, rows)

    session.transactions.write([old], rebuild)
    scope = next(each for each in frame.temporary_tables.maps if old.name in each)
    scope[old.name] = new


def _index_names(table: LocalTable) -> set[str]:
    return {name.lower() for name in (*table.rules.indexes, *(key.name for key in table.rules.keys))}


async def _create_index(interpreter: Runner, statement: table_syntax.CreateIndex, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    table = _found(statement.table, frame)
    if statement.name.lower() in _index_names(table):
        raise SqlError(1913, f"Table '{table.name}' has an index named '{statement.name}' already.")
    check_key_columns(table, statement.columns)
    rules = table.rules
    if statement.key is None:
        rules = replace(rules, indexes=(*rules.indexes, statement.name))
    else:
        await session.worker.run(partial(_check_rows, session, table, statement.key))
        rules = replace(rules, keys=(*rules.keys, statement.key))
    _replace(session, frame, table, replace(table, rules=rules), None)
    return ()


def _check_rows(session: SessionState, table: LocalTable, key: Key) -> None:
    """See that the rows of a table repeat no key.

    :raises SqlError: 1505.
    """
    names = [column.name.lower() for column in table.columns]
    places = [names.index(name.lower()) + 1 for name in key.columns]
    keys = ", ".join(key_expression(table, quoted(table.columns[place - 1].name), place) for place in places)
    shown = ", ".join(f"CAST(any_value({quoted(table.columns[place - 1].name)}) AS VARCHAR)" for place in places)
    found = session.read(
        " ".join(["SELECT", shown, "FROM", f"{table.storage_name} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1"])
    )
    if found:
        values = ", ".join("<NULL>" if value is None else str(value) for value in found[0])
        text = f"{key.kind} '{key.name}' cannot be created on '{table.name}': the value ({values}) is there twice."
        raise SqlError(1505, text)


def _drop_index(interpreter: Runner, statement: table_syntax.DropIndex, frame: Frame) -> Iterable[Event]:
    table = _found(statement.table, frame)
    name = statement.name.lower()
    if name not in _index_names(table):
        if statement.if_exists:
            return ()
        text = f"Cannot drop the index '{table.name}.{statement.name}': it does not exist."
        raise SqlError(3701, text, severity=11, state=7)
    _replace(interpreter.session, frame, table, replace(table, rules=_without(table.rules, {name})), None)
    return ()


def _without(rules: TableRules, names: set[str]) -> TableRules:
    """Rules without these constraints and indexes."""
    return replace(
        rules,
        defaults=tuple(each for each in rules.defaults if each.name.lower() not in names),
        checks=tuple(each for each in rules.checks if each.name.lower() not in names),
        keys=tuple(each for each in rules.keys if each.name.lower() not in names),
        indexes=tuple(name for name in rules.indexes if name.lower() not in names),
    )


async def _add(interpreter: Runner, statement: table_syntax.AddToTable, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    table = _found(statement.table, frame)
    known = {column.name.lower() for column in table.columns}
    for column in statement.columns:
        if column.name.lower() in known:
            text = f"Column names in table '{table.name}' must be unique: '{column.name}' is there already."
            raise SqlError(2705, text, state=4, ends_batch=True)
    added, old = statement.rules, table.rules
    if added.identity is not None:
        raise not_supported("ALTER TABLE … ADD of a column with IDENTITY")
    rules = TableRules(
        old.identity,
        (*old.defaults, *added.defaults),
        (*old.checks, *added.checks),
        (*old.keys, *added.keys),
        (*old.indexes, *added.indexes),
    )
    primary = {name.lower() for key in added.keys if key.kind == PRIMARY_KEY for name in key.columns}
    for column in table.columns:
        if column.name.lower() in primary and column.nullable:
            text = f"Cannot add a PRIMARY KEY to table '{table.name}': column '{column.name}' allows NULL."
            raise SqlError(8111, text, ends_batch=True)
    new = replace(table, columns=(*table.columns, *statement.columns), rules=rules)
    tables.check_rules(session, new)
    for key in added.keys:
        if all(name.lower() in known for name in key.columns):
            await session.worker.run(partial(_check_rows, session, table, key))
    for check in added.checks:
        await _check_condition(interpreter, table, check.name, check.condition, frame)
    rows = None
    if statement.columns:
        values = [_first_value(new, column) for column in statement.columns]
        rows = await _rows(interpreter, table, ", ".join(["*", *values]), frame)
        for column, value in zip(statement.columns, values, strict=True):
            if rows and not column.nullable and value.startswith("CAST(NULL"):
                text = (
                    f"ALTER TABLE cannot add column '{column.name}' to table '{table.name}', which has rows: it needs "
                    "NULL or a DEFAULT."
                )
                raise SqlError(4901, text, ends_batch=True)
    _replace(session, frame, table, new, rows)
    return ()


def _first_value(table: LocalTable, column: Column) -> str:
    """What a new column has in the rows that are there: its default only where it does not allow NULL."""
    default = table.rules.default_of(column.name)
    if default is None or column.nullable:
        return f"CAST(NULL AS {column.type})"
    return f"CAST(({default}) AS {column.type})"


async def _check_condition(interpreter: Runner, table: LocalTable, name: str, condition: str, frame: Frame) -> None:
    rows = await _rows(interpreter, table, "TOP (1) 1", frame, f" WHERE NOT ({condition})")
    if rows:
        raise SqlError(547, f"The rows of table '{table.name}' conflict with the CHECK constraint '{name}'.", state=0)


async def _rows(
    interpreter: Runner, table: LocalTable, select: str, frame: Frame, where: str = ""
) -> list[tuple[Any, ...]]:
    session = interpreter.session
    source = tables.quoted_name(table.name)
    query = tables.compiled(session, " ".join(["SELECT", select, "FROM", f"{source}{where}"]), frame.tables)
    values = Environment(session, frame)
    return await session.worker.run(partial(session.engine.compiler.run, query, session.connection, values))


async def _drop_from(interpreter: Runner, statement: table_syntax.DropFromTable, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    table = _found(statement.table, frame)
    rules = table.rules
    constraints = {each.name.lower() for group in (rules.defaults, rules.checks, rules.keys) for each in group}
    for name in statement.constraints:
        if name.lower() not in constraints and not statement.if_exists:
            raise SqlError(3728, f"'{name}' is not a constraint of table '{table.name}'.", ends_batch=True)
    rules = _without(rules, {name.lower() for name in statement.constraints})
    dropped = {name.lower() for name in statement.columns}
    for name in statement.columns:
        _check_unused(table, rules, name, if_exists=statement.if_exists)
    if rules.identity is not None and rules.identity.column.lower() in dropped:
        rules = replace(rules, identity=None)
    kept = tuple(column for column in table.columns if column.name.lower() not in dropped)
    if not kept:
        raise SqlError(4923, f"Table '{table.name}' must keep a column.", ends_batch=True)
    rows = None
    if len(kept) < len(table.columns):
        listed = ", ".join(tables.bracketed(column.name) for column in kept)
        rows = await _rows(interpreter, table, listed, frame)
    _replace(session, frame, table, replace(table, columns=kept, rules=rules), rows)
    return ()


def _check_unused(table: LocalTable, rules: TableRules, name: str, *, if_exists: bool) -> None:
    """See that no constraint needs a column.

    :raises SqlError: 5074, one does; 4924, there is no such column.
    """
    lowered = name.lower()
    if lowered not in {column.name.lower() for column in table.columns} and not if_exists:
        raise SqlError(4924, f"Table '{table.name}' has no column '{name}' to drop.", ends_batch=True)
    users = [each.name for each in rules.defaults if each.column.lower() == lowered]
    users += [each.name for each in rules.keys if lowered in {column.lower() for column in each.columns}]
    users += [each.name for each in rules.checks if lowered in each.condition.lower()]
    if users:
        raise SqlError(5074, f"The object '{users[0]}' is dependent on column '{name}'.", ends_batch=True)


async def _alter_column(interpreter: Runner, statement: table_syntax.AlterColumn, frame: Frame) -> Iterable[Event]:
    session, column = interpreter.session, statement.column
    table = _found(statement.table, frame)
    names = [each.name.lower() for each in table.columns]
    if column.name.lower() not in names:
        raise SqlError(4924, f"Table '{table.name}' has no column '{column.name}' to alter.", ends_batch=True)
    place = names.index(column.name.lower())
    old = table.columns[place].type
    if column.type != old and (column.type.name != old.name or old.length is None):
        # Another value for a row could violate a rule; text of another length is the same text.
        _check_unused(table, replace(table.rules, defaults=()), column.name, if_exists=False)
    changed = (*table.columns[:place], column, *table.columns[place + 1 :])
    rows = await _rows(interpreter, table, "*", frame)
    if not column.nullable and any(row[place] is None for row in rows):
        text = f"Column '{column.name}' of table '{table.name}' has NULL, and cannot become NOT NULL."
        raise SqlError(515, text, state=2)
    _replace(session, frame, table, replace(table, columns=changed), rows, table.columns)
    return ()


IMMEDIATE: Final[ImmediateTable] = {
    table_syntax.CreateTable: _create,
    table_syntax.DropTable: _drop,
    table_syntax.DropIndex: _drop_index,
}

AWAITED: Final[AwaitedTable] = {
    table_syntax.TruncateTable: _truncate,
    table_syntax.CreateIndex: _create_index,
    table_syntax.AddToTable: _add,
    table_syntax.DropFromTable: _drop_from,
    table_syntax.AlterColumn: _alter_column,
}
