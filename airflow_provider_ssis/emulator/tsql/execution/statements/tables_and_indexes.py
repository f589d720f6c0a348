"""The statements that create, drop and empty tables, and their indexes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import Event, Message
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements import user_tables
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right, find_table, is_local
from airflow_provider_ssis.emulator.tsql.execution.transactions.local_tables import check_key_columns
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, UserTable, WritableTable
from airflow_provider_ssis.emulator.tsql.metadata.table_rules import NO_RULES, Key, PlainIndex, TableRules
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_SKIPPED: Final = "FOREIGN KEY constraint '{}' is skipped: temporary tables do not enforce it."


async def _create(interpreter: Runner, statement: table_syntax.CreateTable, frame: Frame) -> Iterable[Event]:
    if not is_local(statement.name):
        await user_tables.create(interpreter.session, statement)
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
            found = await user_tables.drop(session, name)
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


def on_table(body: _Body) -> Callable[[Runner, Any, Frame], Awaitable[Iterable[Event]]]:
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
    # Now: after a savepoint is rolled back, the transaction repeats the change, perhaps with other options.
    order = session.options.date_order

    def rebuild() -> None:
        given = columns or new.columns
        if isinstance(new, UserTable):
            stored = session.transactions.user_tables
            stored.describe(new) if rows is None else stored.rebuild(new, given, rows, order)
        else:
            local = session.local_tables
            local.describe(new) if rows is None else local.rebuild(new, given, rows, order)

    session.transactions.write([old], rebuild)
    if isinstance(new, LocalTable):
        scope = next(each for each in frame.temporary_tables.maps if old.name in each)
        scope[old.name] = new


def _index_names(table: WritableTable) -> set[str]:
    known: list[Key | PlainIndex] = [*table.rules.indexes, *table.rules.keys]
    return {each.name.lower() for each in known}


@on_table
async def _create_index(
    interpreter: Runner, statement: table_syntax.CreateIndex, frame: Frame, table: WritableTable
) -> None:
    session, index, rules = interpreter.session, statement.index, table.rules
    if index.name.lower() in _index_names(table):
        raise SqlError(1913, f"Table '{table.name}' has an index named '{index.name}' already.")
    check_key_columns(table, index.columns)
    if isinstance(index, PlainIndex):
        _check_columnstore(table, index)
        new = replace(table, rules=replace(rules, indexes=(*rules.indexes, index)))
    else:
        new = replace(table, rules=replace(rules, keys=(*rules.keys, index)))
    tables.check_filters(session, new)
    if isinstance(index, Key):
        await session.worker.run(partial(check_rows, session, table, index))
    replace_table(session, frame, table, new, None)


def _check_columnstore(table: WritableTable, index: PlainIndex) -> None:
    """Check that a table gets no second columnstore index, and no second clustered one.

    :raises SqlError: 35339, 35372.
    """
    if not index.columnstore:
        return
    if any(each.columnstore for each in table.rules.indexes):
        raise SqlError(35339, f"Table '{table.name}' has a columnstore index already. Several are not supported.")
    if not index.columns and table.rules.primary_key is not None:
        text = f"Cannot create the clustered columnstore index '{index.name}': '{table.name}' has a clustered index."
        raise SqlError(35372, text)


def check_rows(session: SessionState, table: WritableTable, key: Key) -> None:
    """Check that the rows of a table repeat no key.

    :raises SqlError: 1505.
    """
    found = tables.repeated_in(session, table, key)
    if found:
        raise repeated(table, key, found[0][0])


def repeated(table: WritableTable, key: Key, value: str) -> SqlError:
    """The error for a key that rows repeat."""
    text = f"{key.kind} '{key.name}' cannot be created on '{table.name}': the value ({value}) occurs twice."
    return SqlError(1505, text)


@on_table
async def _drop_index(
    interpreter: Runner, statement: table_syntax.DropIndex, frame: Frame, table: WritableTable
) -> None:
    name = statement.name.lower()
    if name not in _index_names(table):
        if statement.if_exists:
            return
        text = f"Cannot drop the index '{table.name}.{statement.name}': it does not exist."
        raise SqlError(3701, text, severity=11, state=7)
    replace_table(interpreter.session, frame, table, replace(table, rules=without(table.rules, {name})), None)


def without(rules: TableRules, names: set[str]) -> TableRules:
    """Rules without these constraints and indexes."""
    return replace(
        rules,
        defaults=tuple(each for each in rules.defaults if each.name.lower() not in names),
        checks=tuple(each for each in rules.checks if each.name.lower() not in names),
        keys=tuple(each for each in rules.keys if each.name.lower() not in names),
        indexes=tuple(each for each in rules.indexes if each.name.lower() not in names),
        foreign_keys=tuple(each for each in rules.foreign_keys if each.name.lower() not in names),
    )


AWAITED: Final[AwaitedTable] = {
    table_syntax.CreateTable: _create,
    table_syntax.DropTable: _drop,
    table_syntax.DropIndex: _drop_index,
    table_syntax.TruncateTable: _truncate,
    table_syntax.CreateIndex: _create_index,
}
