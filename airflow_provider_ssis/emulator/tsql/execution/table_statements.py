"""The statements that create, alter, drop and empty tables, and their indexes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import Event, Message
from airflow_provider_ssis.emulator.tsql.execution import tables, user_table_statements
from airflow_provider_ssis.emulator.tsql.execution.changes import repeated_key
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.local_tables import check_key_columns
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.table_names import check_right, find_table, is_local
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, UserTable, WritableTable, bracketed
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, PRIMARY_KEY, Key, PlainIndex, TableRules
from airflow_provider_ssis.emulator.tsql.query.rules.computed_columns import computed_text
from airflow_provider_ssis.emulator.tsql.values.arithmetic import folded
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_SKIPPED: Final = "FOREIGN KEY constraint '{}' is skipped: temporary tables do not enforce it."


async def _create(interpreter: Runner, statement: table_syntax.CreateTable, frame: Frame) -> Iterable[Event]:
    if not is_local(statement.name):
        await user_table_statements.create(interpreter.session, statement)
        return ()
    tables.create_table(interpreter.session, statement.table, frame)
    keys = statement.table.rules.foreign_keys
    return [Message(1766, 0, 1, _SKIPPED.format(key.name), statement.line) for key in keys]


async def _drop(interpreter: Runner, statement: table_syntax.DropTable, frame: Frame) -> Iterable[Event]:
    """``DROP TABLE``.

    :raises SqlError: 3701, there is no such table.
    """
    session = interpreter.session
    for name in statement.names:
        if is_local(name):
            found = tables.drop_table(session, name[-1], frame)
        else:
            found = await user_table_statements.drop(session, name)
        if not found and not statement.if_exists:
            text = f"Cannot drop the table '{'.'.join(name)}': it does not exist, or you do not have permission."
            raise SqlError(3701, text, severity=11, state=5)
    return ()


async def _truncate(interpreter: Runner, statement: table_syntax.TruncateTable, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    table = find_table(session, statement.table, frame)
    if table is None:
        name = ".".join(statement.table)
        text = f"Cannot find the table '{name}': it does not exist, or you do not have permission."
        raise StatementRefused(SqlError(4701, text, line=statement.line))
    if isinstance(table, UserTable):
        await _truncate_user_table(session, table)
    else:
        query = tables.compiled(session, f"DELETE FROM {table.text}", frame.tables)
        await session.worker.run(partial(tables.run_change, session, query, {}, frame))
        session.local_tables.identities.reset(table)
        if not session.in_transaction:
            session.local_tables.identities.keep_resets()
    session.row_count = 0
    return ()


async def _truncate_user_table(session: SessionState, table: UserTable) -> None:
    check_right(session, table.database, "ALTER", "TRUNCATE TABLE", table.schema, table.name)
    others = [key for child, key in session.metadata.referring(table) if child.storage_name != table.storage_name]
    if others:
        text = f"Cannot truncate table '{table.name}': the FOREIGN KEY constraint '{others[0].name}' refers to it."
        raise SqlError(4712, text)

    def empty() -> None:
        session.connection.execute(f"TRUNCATE {table.storage_name}")

    async with session.transactions.writing([table], session.options):
        tables.check_current(session, table)
        await session.worker.run(partial(session.transactions.write, [], empty))
        session.engine.identities.reset(table)


# --- indexes and columns


_Body = Callable[[Runner, Any, Frame, WritableTable], Awaitable[None]]


def _on_table(body: _Body) -> Callable[[Runner, Any, Frame], Awaitable[Iterable[Event]]]:
    """A statement about a temporary table or a client's table, which is locked meanwhile.

    :raises SqlError: 1088, there is no such table.
    """

    async def run(interpreter: Runner, statement: Any, frame: Frame) -> Iterable[Event]:
        session = interpreter.session
        table = _found(session, statement.table, frame)
        if not isinstance(table, UserTable):
            await body(interpreter, statement, frame, table)
            return ()
        check_right(session, table.database, "ALTER", "ALTER TABLE", table.schema, table.name)
        rules = getattr(statement, "rules", NO_RULES)
        locked = replace(
            table, rules=replace(table.rules, foreign_keys=(*table.rules.foreign_keys, *rules.foreign_keys))
        )
        async with session.transactions.writing(tables.written_with(session, locked), session.options):
            found = _found(session, statement.table, frame)
            # Expressions mean what they do in the database of the table.
            database, session.database = session.database, table.database
            try:
                await body(interpreter, statement, frame, found)
            finally:
                session.database = database
        return ()

    return run


def _found(session: SessionState, name: Sequence[str], frame: Frame) -> WritableTable:
    table = find_table(session, name, frame)
    if table is None or table.is_variable:
        shown = ".".join(name)
        raise SqlError(1088, f"Cannot find the table '{shown}': it does not exist, or you do not have permission.")
    return table


def replace_table(
    session: SessionState,
    frame: Frame,
    old: WritableTable,
    new: WritableTable,
    rows: Sequence[Any] | None,
    columns: Sequence[Column] = (),
) -> None:
    """Change what a table is.

    :param rows: its rows, as Python values; None leaves them as they are.
    :param columns: those of the rows, which are converted as INSERT does; default the new ones.
    """

    def rebuild() -> None:
        given = columns or new.columns
        if isinstance(new, UserTable):
            stored = session.transactions.user_tables
            stored.describe(new) if rows is None else stored.rebuild(new, given, rows)
        else:
            local = session.local_tables
            local.describe(new) if rows is None else local.rebuild(new, given, rows)

    session.transactions.write([old], rebuild)
    if isinstance(new, LocalTable):
        scope = next(each for each in frame.temporary_tables.maps if old.name in each)
        scope[old.name] = new


def _index_names(table: WritableTable) -> set[str]:
    known: list[Key | PlainIndex] = [*table.rules.indexes, *table.rules.keys]
    return {each.name.lower() for each in known}


@_on_table
async def _create_index(
    interpreter: Runner, statement: table_syntax.CreateIndex, frame: Frame, table: WritableTable
) -> None:
    session = interpreter.session
    if statement.name.lower() in _index_names(table):
        raise SqlError(1913, f"Table '{table.name}' has an index named '{statement.name}' already.")
    check_key_columns(table, statement.columns)
    rules = table.rules
    if statement.key is None:
        index = PlainIndex(statement.name, statement.columns, columnstore=statement.columnstore)
        _check_columnstore(table, index)
        rules = replace(rules, indexes=(*rules.indexes, index))
    else:
        await session.worker.run(partial(_check_rows, session, table, statement.key))
        rules = replace(rules, keys=(*rules.keys, statement.key))
    replace_table(session, frame, table, replace(table, rules=rules), None)


def _check_columnstore(table: WritableTable, index: PlainIndex) -> None:
    """See that a table gets no second columnstore index, and no second clustered one.

    :raises SqlError: 35339, 35372.
    """
    if not index.columnstore:
        return
    if any(each.columnstore for each in table.rules.indexes):
        raise SqlError(35339, f"Table '{table.name}' has a columnstore index already. Several are not supported.")
    if not index.columns and table.rules.primary_key is not None:
        text = f"Cannot create the clustered columnstore index '{index.name}': '{table.name}' has a clustered index."
        raise SqlError(35372, text)


def _check_rows(session: SessionState, table: WritableTable, key: Key) -> None:
    """See that the rows of a table repeat no key.

    :raises SqlError: 1505.
    """
    found = session.read(repeated_key(table, key))
    if found:
        raise _repeated(table, key, found[0][0])


def _check_new_rows(table: WritableTable, key: Key, rows: Iterable[Sequence[Any]]) -> None:
    """See that rows with new columns repeat no key.

    :raises SqlError: 1505.
    """
    names = [column.name.lower() for column in table.columns]
    places = [names.index(name.lower()) for name in key.columns]
    found = set()
    for row in rows:
        values = tuple(folded(value) if isinstance(value := row[place], str) else value for place in places)
        if values in found:
            raise _repeated(table, key, ", ".join(str(row[place]) for place in places))
        found.add(values)


def _repeated(table: WritableTable, key: Key, value: str) -> SqlError:
    text = f"{key.kind} '{key.name}' cannot be created on '{table.name}': the value ({value}) is there twice."
    return SqlError(1505, text)


@_on_table
async def _drop_index(
    interpreter: Runner, statement: table_syntax.DropIndex, frame: Frame, table: WritableTable
) -> None:
    name = statement.name.lower()
    if name not in _index_names(table):
        if statement.if_exists:
            return
        text = f"Cannot drop the index '{table.name}.{statement.name}': it does not exist."
        raise SqlError(3701, text, severity=11, state=7)
    replace_table(interpreter.session, frame, table, replace(table, rules=_without(table.rules, {name})), None)


def _without(rules: TableRules, names: set[str]) -> TableRules:
    """Rules without these constraints and indexes."""
    return replace(
        rules,
        defaults=tuple(each for each in rules.defaults if each.name.lower() not in names),
        checks=tuple(each for each in rules.checks if each.name.lower() not in names),
        keys=tuple(each for each in rules.keys if each.name.lower() not in names),
        indexes=tuple(each for each in rules.indexes if each.name.lower() not in names),
        foreign_keys=tuple(each for each in rules.foreign_keys if each.name.lower() not in names),
    )


@_on_table
async def _add(interpreter: Runner, statement: table_syntax.AddToTable, frame: Frame, table: WritableTable) -> None:
    session = interpreter.session
    known = {column.name.lower() for column in table.columns}
    for column in statement.columns:
        if column.name.lower() in known:
            text = f"Column names in table '{table.name}' must be unique: '{column.name}' is there already."
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
            await session.worker.run(partial(_check_rows, session, table, key))
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
    for key in added.keys:
        if rows and any(name.lower() not in known for name in key.columns):
            _check_new_rows(new, key, rows)
    replace_table(session, frame, table, new, rows)
    if added.identity is not None and rows:
        last = added.identity.seed + (len(rows) - 1) * added.identity.increment
        session.identities_of(new).note(new, last)
    if isinstance(new, UserTable):
        for foreign in added.foreign_keys:
            user_table_statements.check_foreign_key(session, new, foreign)
            user_table_statements.check_foreign_rows(session, new, foreign)


_SEQUENCE: Final = re.compile(r"\bNEXT\s+VALUE\s+FOR\b", re.IGNORECASE)


def _first_value(table: WritableTable, column: Column) -> str:
    """What a new column has in the rows that are there: its default only where it does not allow NULL."""
    computed = {each.column.lower(): computed_text(table, each) for each in table.rules.computed}
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


async def _check_condition(
    interpreter: Runner, table: WritableTable, name: str, condition: str, frame: Frame, source: str = ""
) -> None:
    """See that the rows of a table fulfil a condition.

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


@_on_table
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
    rules = _without(rules, {name.lower() for name in statement.constraints})
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
    """See that no constraint needs a column.

    :raises SqlError: 5074, one does; 4924, there is no such column.
    """
    lowered = name.lower()
    if lowered not in {column.name.lower() for column in table.columns} and not if_exists:
        raise SqlError(4924, f"Table '{table.name}' has no column '{name}' to drop.", ends_batch=True)
    users = [each.name for each in rules.defaults if each.column.lower() == lowered]
    keyed: list[Key | PlainIndex] = [*rules.keys, *rules.indexes]
    users += [each.name for each in keyed if lowered in {column.lower() for column in each.columns}]
    users += [each.name for each in rules.foreign_keys if lowered in {column.lower() for column in each.columns}]
    users += [each.name for each in rules.checks if lowered in each.condition.lower()]
    users += [each.column for each in rules.computed if lowered in each.expression.lower() and each.column != name]
    if users:
        raise SqlError(5074, f"The object '{users[0]}' is dependent on column '{name}'.", ends_batch=True)


@_on_table
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


@_on_table
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
                user_table_statements.check_foreign_rows(session, table, key)
    replace_table(
        session, frame, table, replace(table, rules=replace(rules, checks=checks, foreign_keys=foreign)), None
    )


AWAITED: Final[AwaitedTable] = {
    table_syntax.CreateTable: _create,
    table_syntax.DropTable: _drop,
    table_syntax.DropIndex: _drop_index,
    table_syntax.TruncateTable: _truncate,
    table_syntax.CreateIndex: _create_index,
    table_syntax.AddToTable: _add,
    table_syntax.DropFromTable: _drop_from,
    table_syntax.AlterColumn: _alter_column,
    table_syntax.EnableConstraints: _enable,
}
