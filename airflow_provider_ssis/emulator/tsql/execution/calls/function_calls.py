"""Runs clients' functions that have statements, in the thread of the query that calls them.

Their queries use another DuckDB connection than the query around them, which is busy: they see what is committed. A
function that reads a table which the transaction has changed is refused.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final, TypeVar

import duckdb

from airflow_provider_ssis.emulator.datatypes import Column
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import UNTYPED_TABLE
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, Returned, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.interpreter import Interpreter
from airflow_provider_ssis.emulator.tsql.execution.runner import SystemProcedures
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.worker import Worker
from airflow_provider_ssis.emulator.tsql.language import parser
from airflow_provider_ssis.emulator.tsql.metadata.objects import LocalTable, UserFunction
from airflow_provider_ssis.emulator.tsql.metadata.registry import Metadata
from airflow_provider_ssis.emulator.tsql.query.rules.user_modules import CELL_END, ESCAPES, ROW_END
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, cancelled, not_supported

Result = TypeVar("Result")

_DEEPEST: Final = 32
_REMEMBERED: Final = 2048
"""Calls of functions that return tables, whose rows a statement keeps: DuckDB asks for one column after the other, for
2,048 rows at a time."""


class _InlineWorker(Worker):
    """Runs queries in the thread that it is called in.

    :param outer: of the session whose query calls the function.
    """

    def __init__(self, outer: Worker) -> None:
        self._outer = outer

    def add(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._outer.add(connection)

    def is_cancelled(self) -> bool:
        return self._outer.is_cancelled()

    async def pause(self) -> None:
        if self.is_cancelled():
            raise cancelled()

    async def run(self, action: Callable[[], Result]) -> Result:
        await self.pause()
        return action()


class _FunctionSession(SessionState):
    """The session of the queries of functions.

    :param outer: the session whose query calls the functions.
    """

    def __init__(self, outer: SessionState) -> None:
        super().__init__(outer.engine, outer.principal, outer.database, outer.login)
        # It is not a session of a client.
        outer.engine.sessions.discard(self)
        self.spid = outer.spid
        self.worker = _InlineWorker(outer.worker)
        self.worker.add(self.connection)
        self._outer_session = outer

    @property
    def metadata(self) -> Metadata:
        return self._outer_session.metadata

    def connection_for(self, sources: Collection[str]) -> duckdb.DuckDBPyConnection:
        if self._outer_session.has_changed(sources):
            raise not_supported("A function with statements that reads a table which the transaction has changed")
        return self.connection

    def has_changed(self, sources: Collection[str]) -> bool:
        return self._outer_session.has_changed(sources)


class FunctionRunner:
    """Runs the functions that the queries of a session call.

    :param session: the session.
    :param system_procedures: the procedures that every database has.
    :param level: how many functions are around those that it runs.
    """

    def __init__(self, session: SessionState, system_procedures: SystemProcedures, level: int = 0) -> None:
        self._outer = session
        self._procedures = system_procedures
        self._level = level
        self._inner: _FunctionSession | None = None

    def statement(self) -> Callable[[tuple[str, str, str], Sequence[Any]], Any]:
        """The calls of one statement: the value of a function, or its rows as one text."""
        remembered: dict[tuple[Any, ...], str | None] = {}

        def call(names: tuple[str, str, str], arguments: Sequence[Any]) -> Any:
            function = self._outer.metadata.user_function(*names)
            if function is None:
                raise SqlError(208, f"Invalid object name '{names[-1]}'.")
            if function.returns is not None:
                return self._run(function, arguments)
            key = (names, *arguments)
            if key not in remembered:
                if len(remembered) >= _REMEMBERED:
                    del remembered[next(iter(remembered))]
                remembered[key] = _as_text(function.columns, self._run(function, arguments))
            return remembered[key]

        return call

    def close(self) -> None:
        """Release the connection."""
        if self._inner is not None:
            self._inner.functions.close()
            self._inner.close()
            self._inner = None

    def _run(self, function: UserFunction, arguments: Sequence[Any]) -> Any:
        if self._level >= _DEEPEST:
            text = "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32)."
            raise SqlError(217, text)
        inner = self._inner
        if inner is None:
            inner = self._inner = _FunctionSession(self._outer)
            inner.functions = FunctionRunner(inner, self._procedures, self._level + 1)
        inner.principal, inner.sees_all = self._outer.principal, self._outer.sees_all
        inner.database, inner.chained = function.database, function.database.lower()
        inner.options = replace(self._outer.options, row_count=0, implicit_transactions=False, format_only=False)
        interpreter = Interpreter(inner, self._procedures)
        # Its errors leave the function: they are errors of the query.
        interpreter.try_depth = 1
        try:
            return _finished(_body(interpreter, function, arguments, self._level + 1))
        except StatementRefused as refused:
            raise refused.error from None


async def _body(interpreter: Interpreter, function: UserFunction, arguments: Sequence[Any], level: int) -> Any:
    """The value of a function, or its rows."""
    session = interpreter.session
    frame = Frame(ChainMap({}), level, procedure=function.name, returns=function.returns)
    for parameter, value in zip(function.parameters, arguments, strict=True):
        frame.declare(parameter.name.lower(), parameter.type, value)
    try:
        if function.table:
            table = LocalTable(function.table.lower(), function.columns, level, function.rules.named())
            session.local_tables.create(table)
            frame.table_variables[table.name] = table
            frame.table_types[table.name] = UNTYPED_TABLE
        batch = parser.parse(function.body, frame.types, frozenset(frame.table_variables), in_module=True)
        for name, sql_type in batch.variables.items():
            frame.declare(name, sql_type)
        for declaration in batch.tables:
            tables.declare_table(session, declaration, frame)
        frame.cursors.update(dict.fromkeys(batch.cursors))
        try:
            async with aclosing(interpreter.run_list(batch.statements, frame)) as events:
                async for _ in events:
                    pass
        except Returned:
            pass
        if not function.table:
            return frame.result
        return (await tables.table_value(session, function.table.lower(), frame)).rows
    finally:
        tables.drop_frame(session, frame)


def _finished(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    finally:
        coroutine.close()
    raise RuntimeError("a statement of a function waited")


def _as_text(columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]) -> str | None:
    """Rows as one text, which the query takes apart; None for no row."""
    if not rows:
        return None
    return ROW_END.join(CELL_END.join(map(_cell, row)) for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value.hex() if isinstance(value, bytes) else str(value)
    for written, marks in reversed(ESCAPES):
        text = text.replace(written, marks)
    return f"={text}"
