"""CREATE STATISTICS and DROP STATISTICS. Statistics choose plans in SQL Server; here they are names alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import check_right, find_table
from airflow_provider_ssis.emulator.tsql.execution.statements.tables_and_indexes import replace_table
from airflow_provider_ssis.emulator.tsql.execution.transactions.local_tables import check_key_columns
from airflow_provider_ssis.emulator.tsql.language import table_syntax
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable, WritableTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


async def _create_statistics(
    interpreter: Runner, statement: table_syntax.CreateStatistics, frame: Frame
) -> Iterable[Event]:
    session = interpreter.session
    table = _any_table(session, statement.table, frame)
    check_key_columns(table, statement.columns)
    if statement.name.lower() in _names(table):
        raise SqlError(1927, f"There are already statistics on table '{table.name}' named '{statement.name}'.")
    await _set_statistics(session, frame, table, (*table.rules.statistics, statement.name))
    return ()


async def _drop_statistics(
    interpreter: Runner, statement: table_syntax.DropStatistics, frame: Frame
) -> Iterable[Event]:
    session = interpreter.session
    for *parts, name in statement.names:
        table = find_table(session, parts, frame)
        if table is None or name.lower() not in {each.lower() for each in table.rules.statistics}:
            shown = ".".join((*parts, name))
            raise SqlError(3701, f"Cannot drop the statistics '{shown}': they do not exist.", severity=11, state=6)
        kept = tuple(each for each in table.rules.statistics if each.lower() != name.lower())
        await _set_statistics(session, frame, table, kept)
    return ()


def _names(table: WritableTable) -> set[str]:
    rules = table.rules
    indexes = [*(each.name for each in rules.indexes), *(each.name for each in rules.keys)]
    return {each.lower() for each in (*indexes, *rules.statistics)}


async def _set_statistics(session: SessionState, frame: Frame, table: WritableTable, names: tuple[str, ...]) -> None:
    if isinstance(table, UserTable):
        check_right(session, table.database, "ALTER", "ALTER TABLE", table.schema, table.name)
    async with session.transactions.writing([table], session.options):
        tables.check_current(session, table)
        replace_table(session, frame, table, replace(table, rules=replace(table.rules, statistics=names)), None)


def _any_table(session: SessionState, name: Sequence[str], frame: Frame) -> WritableTable:
    table = find_table(session, name, frame)
    if table is None:
        raise SqlError(1088, f"Cannot find the object '{'.'.join(name)}': it does not exist, or you may not use it.")
    return table


AWAITED: Final[AwaitedTable] = {
    table_syntax.CreateStatistics: _create_statistics,
    table_syntax.DropStatistics: _drop_statistics,
}
