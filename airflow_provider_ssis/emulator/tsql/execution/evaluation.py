"""Values of expressions and rows of queries, for the statements of a session."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, TypeVar

from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.session import ArrowRows
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.changes import Applied
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import NOW
from airflow_provider_ssis.emulator.tsql.query.results import ArrowResult, CompiledQuery
from airflow_provider_ssis.emulator.tsql.query.results import Result as OpenResult
from airflow_provider_ssis.emulator.tsql.query.rules.assignments import cell_name
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

Result = TypeVar("Result")

_LONG: Final = 4000
"""Characters of a query that is compiled in a thread."""


class Evaluator:
    """Evaluates the expressions and queries of a session's batches."""

    def __init__(self, session: SessionState) -> None:
        self._session = session

    async def compile(self, text: QueryText, frame: Frame) -> CompiledQuery:
        """Compile a query.

        :raises StatementRefused: it does not compile: names, types or syntax.
        """
        if len(text.sql) > _LONG:
            return await self._session.worker.run(partial(self._compiled, text, frame))
        return self._compiled(text, frame)

    def _compiled(self, text: QueryText, frame: Frame) -> CompiledQuery:
        session = self._session
        try:
            return session.engine.compiler.compile(
                text,
                variables=frame.types,
                database=session.database,
                connection=session.connection,
                sees_all=session.sees_all,
                date_order=session.options.date_order,
                local_tables=frame.tables,
                metadata=session.metadata,
            )
        except SqlError as error:
            raise StatementRefused(error) from None

    async def rows(self, query: CompiledQuery, frame: Frame) -> list[tuple[Any, ...]]:
        """All rows of a query, up to the number that SET ROWCOUNT allows.

        :raises SqlError: the query fails.
        """
        rows = await self._run(query, Environment(self._session, frame))
        limit = self._session.options.row_count
        return rows[:limit] if limit else rows

    async def parts(self, query: CompiledQuery, frame: Frame) -> AsyncGenerator[list[tuple[Any, ...]] | ArrowRows]:
        """The rows of a query in parts, up to the number that SET ROWCOUNT allows; one part at least.

        Those of a large table come as Arrow tables.

        :raises SqlError: the query fails.
        """
        session = self._session
        values = Environment(session, frame)
        if query.is_quick(values):
            yield await self.rows(query, frame)
            return
        left = session.options.row_count
        is_cancelled = session.worker.is_cancelled
        if query.is_arrow and not left and session.reads_large(query.sources):
            async with aclosing(self._arrow_parts(query, values)) as found:
                async for part in found:
                    yield part
            return

        def begin() -> tuple[OpenResult, list[tuple[Any, ...]]]:
            connection = session.connection_for(query.sources)
            opened = session.engine.compiler.open(query, connection, values, is_cancelled=is_cancelled)
            return opened, opened.fetch()

        result, rows = await session.worker.run(begin)
        while True:
            yield rows[:left] if left else rows
            if result.is_at_end or (left and len(rows) >= left):
                return
            left = left and left - len(rows)
            rows = await session.worker.run(result.fetch)

    async def _arrow_parts(self, query: CompiledQuery, values: Mapping[str, Any]) -> AsyncGenerator[ArrowRows]:
        session = self._session
        connection = session.connection_for(query.sources)
        is_cancelled = session.worker.is_cancelled

        def begin() -> ArrowResult:
            return session.engine.compiler.open_arrow(query, connection, values, is_cancelled=is_cancelled)

        result = await session.worker.run(begin)
        try:
            while (found := await session.worker.run(result.fetch)) is not None:
                arrays, count = found
                yield ArrowRows(query.columns, arrays, count)
        finally:
            result.close()

    async def change(self, query: CompiledQuery, text: QueryText, frame: Frame) -> tuple[CompiledQuery, Applied]:
        """Run INSERT, UPDATE, DELETE or MERGE; variables that it assigns get their values.

        :param text: of the query, which is compiled again if its tables change while it waits for them.
        :returns: the query that was run, and what it did.
        :raises SqlError: the query fails.
        """
        session = self._session
        if session.options.row_count:
            raise not_supported("Changing rows under SET ROWCOUNT")
        locked = {table.storage_name for table in query.tables}
        async with session.transactions.writing(query.tables, session.options):
            if not all(map(session.is_current, query.tables)):
                query = self._compiled(text, frame)
                if not {table.storage_name for table in query.tables} <= locked:
                    raise SqlError(1205, "The table was changed while the statement waited. Run it again.", severity=13)
            environment = Environment(session, frame)
            values = {name: environment[name] for name in query.parameters}
            applied = await session.worker.run(partial(tables.run_change, session, query, values, frame))
        if query.change is not None and applied.variables is not None:
            for (name, source), value in zip(query.change.variables, applied.variables, strict=True):
                self.set_variable(name, value, source, frame)
        return query, applied

    async def value(self, text: QueryText, frame: Frame) -> tuple[Any, SqlType]:
        """The value of an expression, and its type."""
        query = self._compiled(text, frame) if len(text.sql) <= _LONG else await self.compile(text, frame)
        values = Environment(self._session, frame)
        if query.is_quick(values):
            # Most expressions: without a coroutine for each step.
            rows = self._session.engine.compiler.run(query, self._session.connection, values)
        else:
            rows = await self._run(query, values)
        return rows[0][0], query.columns[0].type

    async def values(self, texts: Sequence[QueryText], frame: Frame) -> list[Any]:
        """The values of expressions in order."""
        return [(await self.value(text, frame))[0] for text in texts]

    async def text(self, text: QueryText, frame: Frame) -> str | None:
        """The value of an expression as a string."""
        value, source = await self.value(text, frame)
        shown: str | None = conversion.convert(value, source, NVARCHAR_MAX)
        return shown

    async def holds(self, condition: QueryText, frame: Frame) -> bool:
        """Whether a condition is true."""
        return bool((await self.value(condition, frame))[0])

    async def assign(self, name: str, text: QueryText, frame: Frame) -> None:
        """Assign the value of an expression to a variable."""
        value, source = await self.value(text, frame)
        self.set_variable(name, value, source, frame)

    async def assign_rows(self, query: CompiledQuery, rows: Sequence[tuple[Any, ...]], frame: Frame) -> None:
        """Take the steps of a SELECT whose assignments depend on each other, for each of its rows.

        :raises SqlError: 40514, the rows depend on the variables, and there are several.
        """
        if query.one_row and len(rows) > 1:
            raise not_supported("A SELECT of several rows that both assigns variables and chooses its rows by them")
        session = self._session
        environment = Environment(session, frame)
        # The time is constant during a statement.
        now = environment[NOW]
        for row in rows:
            known = {NOW: now, **{cell_name(place): value for place, value in enumerate(row, start=1)}}
            for name, step in zip(query.assignments, query.steps, strict=True):
                values = {each: known[each] if each in known else environment[each] for each in step.parameters}
                value = (await self._run(step, values))[0][0]
                self.set_variable(name, value, step.columns[0].type, frame)

    def set_variable(self, name: str, value: Any, source: SqlType, frame: Frame) -> None:
        """Assign a value of some type to a variable.

        :param name: in lower case.
        :raises StatementRefused: no value of that type converts to the type of the variable.
        :raises SqlError: 245 and others: this value does not convert.
        """
        target = frame.types[name]
        if value is None:
            frame.values[name] = None
            return
        try:
            conversion.check(source, target, explicit=False)
        except SqlError as error:
            raise StatementRefused(error) from None
        frame.values[name] = conversion.assign(value, source, target, self._session.options.date_order)

    async def _run(self, query: CompiledQuery, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        session = self._session
        run = session.engine.compiler.run
        if query.is_quick(values):
            return run(query, session.connection, values)
        remembered = session.engine.remembered
        question = None if session.in_transaction else remembered.question(query, values)
        if question is not None and (known := remembered.find(question)) is not None:
            return known
        connection = session.connection_for(query.sources)

        def read() -> list[tuple[Any, ...]]:
            rows = run(query, connection, values, is_cancelled=session.worker.is_cancelled)
            remembered.learn(query)
            return rows

        rows = await session.worker.run(read)
        if question is not None:
            remembered.keep(question, rows)
        return rows
