"""INSERT BULK, and the rows that follow it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from functools import partial
from typing import Final

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.session import BulkDataInvalid, BulkRows, Event
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import BulkTarget
from airflow_provider_ssis.emulator.tsql.execution.statements.bulk_rows import DirectLoad, StagedLoad, load_of
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable, done
from airflow_provider_ssis.emulator.tsql.execution.statements.table_names import find_table
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserTable
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


async def _insert_bulk(interpreter: Runner, statement: s.InsertBulk, frame: Frame) -> Iterable[Event]:
    session, name = interpreter.session, ".".join(statement.table)
    table = find_table(session, statement.table, frame)
    if table is None:
        raise SqlError(208, f"Invalid object name '{name}'.", ends_batch=True)
    if isinstance(table, UserTable):
        allowed = session.may("INSERT", table.database, table.schema, table.name)
        if allowed is None:
            raise session.no_user(table.database)
        if not allowed:
            raise SqlError(229, f"The INSERT permission was denied on the object '{table.name}'.", severity=14, state=5)
    known = {column.name.lower(): column for column in table.columns}
    for column in statement.columns:
        if column.name.lower() not in known:
            raise SqlError(207, f"Invalid column name '{column.name}'.", ends_batch=True)
    columns = tuple(Column(known[each.name.lower()].name, each.type) for each in statement.columns) or table.columns
    session.bulk_target = BulkTarget(table, columns, statement.options)
    return ()


async def bulk_load(interpreter: Runner, rows: AsyncIterator[BulkRows]) -> AsyncGenerator[Event]:
    """Store the rows of a bulk load: all of them or none.

    :raises SqlError: 4002, INSERT BULK does not come before it; 4815, 4816, 515, 547, 2601, 2627 and the errors of
        conversions.
    """
    session = interpreter.session
    target, session.bulk_target = session.bulk_target, None
    if target is None:
        raise SqlError(4002, "A bulk load came without INSERT BULK.", ends_batch=True)
    for event in interpreter.begin_implicitly():
        yield event
    async with session.transactions.writing(tables.written_with(session, target.table), session.options):
        tables.check_current(session, target.table)
        count = await _stored(interpreter, target, rows)
    session.row_count = count
    yield done(session, Frame(ChainMap()), count)


async def _stored(interpreter: Runner, target: BulkTarget, rows: AsyncIterator[BulkRows]) -> int:
    """Store the rows, and return their number."""
    session = interpreter.session
    load: DirectLoad | StagedLoad | None = None
    try:
        async for part in rows:
            load = load or load_of(session, target, part.columns)
            await session.worker.run(partial(load.add, part))
        return 0 if load is None else await session.worker.run(load.finish)
    except BulkDataInvalid as error:
        raise SqlError(4816, f"The rows of the bulk load cannot be read: {error}.", ends_batch=True) from None
    finally:
        if load is not None:
            load.close()


AWAITED: Final[AwaitedTable] = {
    s.InsertBulk: _insert_bulk,
}
