"""ALTER TABLE … SWITCH: moves all rows of a table to an empty one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right, find_table
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.values.storage import quoted


async def _switch(interpreter: Runner, statement: table_syntax.SwitchTable, frame: Frame) -> Iterable[Event]:
    """Move all rows of a table to an empty one."""
    session = interpreter.session
    source, target = (_table(session, name, frame) for name in (statement.table, statement.target))
    for table in (source, target):
        check_right(session, table.database, "ALTER", "ALTER TABLE", table.schema, table.name)
    if source.database.lower() != target.database.lower():
        raise not_supported("ALTER TABLE … SWITCH to a table of another database")
    names = ", ".join(quoted(column.name) for column in source.columns)

    def move() -> None:
        connection = session.connection
        select = f"SELECT {names} FROM {source.storage_name}"
        connection.execute(f"INSERT INTO {target.storage_name} ({names}) {select}")
        connection.execute(f"DELETE FROM {source.storage_name}")

    locked = [*tables.written_with(session, source), *tables.written_with(session, target)]
    async with session.transactions.writing(locked, session.options):
        tables.check_current(session, source)
        tables.check_current(session, target)
        _check_fit(session, source, target)
        if session.count_rows(target.storage_name):
            raise SqlError(
                4905, f"ALTER TABLE SWITCH statement failed. The target table '{target.name}' must be empty."
            )
        await session.worker.run(partial(session.transactions.write, [], move))
    return ()


def _check_fit(session: SessionState, source: UserTable, target: UserTable) -> None:
    """Check that two tables have the same columns, and that the rows of the first obey the rules of the second.

    :raises SqlError: 4943, 4944, 4947, 4957, 4967, 4970, 4985: they do not.
    """
    failed = "ALTER TABLE SWITCH statement failed"
    names = f"'{source.name}' and '{target.name}'"
    if len(source.columns) != len(target.columns):
        raise SqlError(4943, f"{failed}: the tables {names} have different numbers of columns.")
    for mine, other in zip(source.columns, target.columns, strict=True):
        if mine.name.lower() != other.name.lower():
            raise SqlError(4957, f"{failed}: column '{mine.name}' is called '{other.name}' in '{target.name}'.")
        if mine.type != other.type:
            text = f"{failed}: column '{mine.name}' has the type {mine.type}, and {other.type} in '{target.name}'."
            raise SqlError(4944, text)
        if mine.nullable != other.nullable:
            raise SqlError(4985, f"{failed}: column '{mine.name}' allows NULL in only one of {names}.")
    if [each.expression for each in source.rules.computed] != [each.expression for each in target.rules.computed]:
        raise SqlError(4965, f"{failed}: the computed columns of {names} differ.")
    mine_keys = {(key.kind, _lowered(key.columns), key.filter) for key in source.rules.keys}
    for key in target.rules.keys:
        if (key.kind, _lowered(key.columns), key.filter) not in mine_keys:
            text = f"{failed}. There is no identical index in source table '{source.name}' for the index '{key.name}'."
            raise SqlError(4947, text)
    if session.metadata.referring(source):
        key_name = session.metadata.referring(source)[0][1].name
        raise SqlError(4967, f"{failed}: the FOREIGN KEY constraint '{key_name}' refers to '{source.name}'.")
    conditions = {check.condition for check in source.rules.checks if not check.disabled}
    for check in target.rules.checks:
        if not check.disabled and check.condition not in conditions:
            text = f"{failed}: the CHECK constraint '{check.name}' of '{target.name}' is missing on '{source.name}'."
            raise SqlError(4970, text)
    parents = {(_lowered(key.columns), key.schema.lower(), key.table.lower()) for key in source.rules.foreign_keys}
    for foreign in target.rules.foreign_keys:
        if (_lowered(foreign.columns), foreign.schema.lower(), foreign.table.lower()) not in parents:
            text = f"{failed}: the FOREIGN KEY '{foreign.name}' of '{target.name}' is missing on '{source.name}'."
            raise SqlError(4968, text)


def _lowered(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


def _table(session: SessionState, name: Sequence[str], frame: Frame) -> UserTable:
    table = find_table(session, name, frame)
    if not isinstance(table, UserTable):
        shown = ".".join(name)
        raise SqlError(1088, f"Cannot find the object '{shown}': it does not exist, or you do not have permission.")
    return table


AWAITED: Final[AwaitedTable] = {table_syntax.SwitchTable: _switch}
