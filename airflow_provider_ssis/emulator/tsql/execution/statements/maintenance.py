"""DBCC CHECKIDENT, ALTER INDEX, UPDATE STATISTICS and ALTER SCHEMA, and the renaming of tables and columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Final

from airflow_provider_ssis.emulator.session import Event, Message
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right, find_table
from airflow_provider_ssis.emulator.tsql.execution.statements.tables_and_indexes import replace_table
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.names import is_global, qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable, WritableTable, bracketed
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.storage import quoted


async def _check_identity(interpreter: Runner, statement: table_syntax.CheckIdentity, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    table = find_table(session, statement.table, frame)
    shown = ".".join(statement.table)
    if table is None:
        raise SqlError(2501, f"Cannot find a table or object with the name '{shown}'. Check the name.", state=45)
    identity = table.rules.identity
    if identity is None:
        raise SqlError(7997, f"'{shown}' does not contain an identity column.")
    if isinstance(table, UserTable):
        check_right(session, table.database, "ALTER", "DBCC CHECKIDENT", table.schema, table.name)
    identities = session.identities_of(table)
    value = None
    if statement.value is not None:
        value, _ = await interpreter.evaluator.value(statement.value, frame)
        if not isinstance(value, int):
            raise SqlError(2560, "The value of DBCC CHECKIDENT must be a whole number.", state=9)
    extreme = "max" if identity.increment > 0 else "min"
    furthest = session.read(f"SELECT {extreme}({quoted(identity.column)}) FROM {table.storage_name}")[0][0]
    last = identities.last(table)
    writing = session.transactions.writing([table], session.options) if statement.reseeds else nullcontext()
    async with writing:
        if value is not None:
            identities.reseed(table, value)
        elif statement.reseeds and furthest is not None:
            identities.note(table, int(furthest))
    if not session.in_transaction:
        session.local_tables.identities.keep_resets()
    if statement.quiet:
        return ()
    current = f"current identity value '{'NULL' if last is None else last}'"
    if value is None:
        current += f", current column value '{'NULL' if furthest is None else int(furthest)}'"
    return [
        Message(7998, 0, 1, f"Checking identity information: {current}.", statement.line),
        Message(2528, 0, 1, "DBCC execution completed.", statement.line),
    ]


async def _update_statistics(
    interpreter: Runner, statement: table_syntax.UpdateStatistics, frame: Frame
) -> Iterable[Event]:
    """There are no statistics: it only finds the table."""
    _existing(interpreter.session, statement.table, frame)
    return ()


def _existing(session: SessionState, name: Sequence[str], frame: Frame) -> WritableTable:
    table = find_table(session, name, frame)
    if table is None:
        raise SqlError(1088, f"Cannot find the object '{'.'.join(name)}': it does not exist, or you may not use it.")
    return table


async def _alter_index(interpreter: Runner, statement: table_syntax.AlterIndex, frame: Frame) -> Iterable[Event]:
    """Plain indexes change no result, so REBUILD and DISABLE change only what the views show."""
    session = interpreter.session
    table = _existing(session, statement.table, frame)
    if isinstance(table, UserTable):
        check_right(session, table.database, "ALTER", "ALTER INDEX", table.schema, table.name)
    name = statement.name.lower()
    keys = {key.name.lower() for key in table.rules.keys}
    if name and name not in keys | {index.name.lower() for index in table.rules.indexes}:
        raise SqlError(2727, f"Cannot find the index '{statement.name}' of table '{table.name}'.", severity=11)
    if statement.action == "DISABLE" and (name in keys or (not name and keys)):
        raise not_supported("ALTER INDEX … DISABLE of a unique index or key")
    if statement.action == "REORGANIZE":
        return ()
    disabled = statement.action == "DISABLE"
    changed = tuple(
        replace(index, disabled=disabled) if name in ("", index.name.lower()) else index
        for index in table.rules.indexes
    )
    if changed != table.rules.indexes:
        async with session.transactions.writing([table], session.options):
            tables.check_current(session, table)
            replace_table(session, frame, table, replace(table, rules=replace(table.rules, indexes=changed)), None)
    return ()


async def _transfer(interpreter: Runner, statement: table_syntax.TransferTable, frame: Frame) -> Iterable[Event]:
    session = interpreter.session
    table = find_table(session, statement.table, frame)
    shown = ".".join(statement.table)
    if not isinstance(table, UserTable):
        item = session.metadata.item(*qualified(statement.table, session.database))
        if item is not None:
            raise not_supported("ALTER SCHEMA … TRANSFER of other objects than tables")
        raise SqlError(15151, f"Cannot find the object '{shown}', because it does not exist or you may not use it.")
    number = session.metadata.schema_id(table.database, statement.schema)
    schema = None if number is None else session.metadata.schema_name(table.database, number)
    if schema is None:
        raise SqlError(15151, f"Cannot alter the schema '{statement.schema}', because it does not exist.")
    await rename_table(session, table, replace(table, schema=schema))
    return ()


async def rename_table(session: SessionState, table: UserTable, new: UserTable) -> None:
    """Give a table another name or schema.

    :raises SqlError: 15335, the name is taken; 262, the login may not; 40514, one of the names is that of a temporary
        table.
    """
    check_right(session, table.database, "ALTER", "ALTER TABLE")
    if is_global(table.name) or new.name.startswith("#"):
        raise not_supported("A new name of a temporary table, or for one,")
    if new.storage_name.lower() != table.storage_name.lower():
        check_free_name(session, new, new.name)
    referring = [child for child, _ in session.metadata.referring(table)]
    async with session.transactions.writing([table, new, *referring], session.options):
        tables.check_current(session, table)
        session.transactions.write([], lambda: session.transactions.user_tables.rename(table, new))


def check_free_name(session: SessionState, table: UserTable, name: str) -> None:
    """Check that no object or constraint in the schema of a table has a name.

    :raises SqlError: 15335.
    """
    if session.metadata.object_id(table.database, f"{bracketed(table.schema)}.{bracketed(name)}") is not None:
        raise SqlError(15335, f"The new name '{name}' is already in use as an object name.", severity=11)


AWAITED: Final[AwaitedTable] = {
    table_syntax.CheckIdentity: _check_identity,
    table_syntax.UpdateStatistics: _update_statistics,
    table_syntax.AlterIndex: _alter_index,
    table_syntax.TransferTable: _transfer,
}
