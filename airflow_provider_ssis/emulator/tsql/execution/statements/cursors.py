"""The statements about cursors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Final

from airflow_provider_ssis.emulator.session import Event, ResultColumns, Rows
from airflow_provider_ssis.emulator.tsql.execution.cursors import FETCHED, NO_ROW, Cursor
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import (
    AwaitedTable,
    ImmediateTable,
    StreamedTable,
    done,
)
from airflow_provider_ssis.emulator.tsql.language import cursor_syntax
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


async def _declare(interpreter: Runner, statement: cursor_syntax.DeclareCursor, frame: Frame) -> Iterable[Event]:
    cursor = await _defined(interpreter, statement.cursor, frame)
    interpreter.session.cursors.declare(statement.name, cursor, frame)
    return ()


async def _set(interpreter: Runner, statement: cursor_syntax.SetCursor, frame: Frame) -> Iterable[Event]:
    if isinstance(statement.cursor, cursor_syntax.CursorName):
        frame.cursors[statement.variable] = interpreter.session.cursors.find(statement.cursor, frame)
    else:
        frame.cursors[statement.variable] = await _defined(interpreter, statement.cursor, frame)
    return ()


async def _defined(interpreter: Runner, query: cursor_syntax.CursorQuery, frame: Frame) -> Cursor:
    """A cursor that keeps the variables as they are now: SQL Server reads them when a cursor is declared."""
    compiled = await interpreter.evaluator.compile(query.query, frame)
    if compiled.assignments:
        raise SqlError(154, "A variable assignment is not allowed in the query of a cursor.", severity=15)
    environment = Environment(interpreter.session, frame)
    values = {name: environment[name] for name in query.query.variables if name in frame.values}
    kept = Frame(frame.temporary_tables, frame.level, dict(frame.types), values, frame.table_variables)
    return Cursor(query, kept)


async def _open(interpreter: Runner, statement: cursor_syntax.OpenCursor, frame: Frame) -> Iterable[Event]:
    cursors = interpreter.session.cursors
    cursor = cursors.find(statement.cursor, frame)
    if cursor.rows is not None:
        raise SqlError(16905, "The cursor is already open.")
    query = await interpreter.evaluator.compile(cursor.query.query, cursor.frame)
    cursor.open(query.columns, await interpreter.evaluator.rows(query, cursor.frame))
    cursors.row_count = cursor.shown_rows
    interpreter.session.row_count = 0
    return ()


async def _fetch(interpreter: Runner, statement: cursor_syntax.Fetch, frame: Frame) -> AsyncGenerator[Event]:
    session = interpreter.session
    cursor = session.cursors.find(statement.cursor, frame)
    offset = 0
    if statement.offset is not None:
        value, _ = await interpreter.evaluator.value(statement.offset, frame)
        if not isinstance(value, int):
            raise SqlError(16902, f"FETCH {statement.direction} requires an integer that is not NULL.")
        offset = value
    if cursor.rows is not None and statement.variables is not None and len(statement.variables) != len(cursor.columns):
        text = "Cursorfetch: the number of variables in the INTO list must match that of the selected columns."
        raise SqlError(16924, text)
    row = cursor.move(statement.direction, offset)
    session.cursors.fetch_status = FETCHED if row is not None else NO_ROW
    session.row_count = int(row is not None)
    if statement.variables is None:
        yield ResultColumns(cursor.columns)
        yield Rows([row] if row is not None else [])
        yield done(session, frame, session.row_count)
    elif row is not None:
        for name, column, value in zip(statement.variables, cursor.columns, row, strict=True):
            interpreter.evaluator.set_variable(name, value, column.type, frame)
    session.last_error = 0


def _close(interpreter: Runner, statement: cursor_syntax.CloseCursor, frame: Frame) -> Iterable[Event]:
    interpreter.session.cursors.find(statement.cursor, frame).close()
    interpreter.session.row_count = 0
    return ()


def _deallocate(interpreter: Runner, statement: cursor_syntax.DeallocateCursor, frame: Frame) -> Iterable[Event]:
    interpreter.session.cursors.deallocate(statement.cursor, frame)
    interpreter.session.row_count = 0
    return ()


IMMEDIATE: Final[ImmediateTable] = {
    cursor_syntax.CloseCursor: _close,
    cursor_syntax.DeallocateCursor: _deallocate,
}

AWAITED: Final[AwaitedTable] = {
    cursor_syntax.DeclareCursor: _declare,
    cursor_syntax.SetCursor: _set,
    cursor_syntax.OpenCursor: _open,
}

STREAMED: Final[StreamedTable] = {cursor_syntax.Fetch: _fetch}
