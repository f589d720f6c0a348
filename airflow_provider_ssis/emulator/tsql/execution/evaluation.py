"""Queries, expressions and assignments of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql.execution.environment import Environment
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.metadata.computed_view import NOW
from airflow_provider_ssis.emulator.tsql.query.compiler import CompiledQuery
from airflow_provider_ssis.emulator.tsql.query.rules.assignments import cell_name
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported


class Evaluator:
    """Evaluates what the statements of a session's batches hold."""

    def __init__(self, session: SessionState) -> None:
        self._session = session

    def compile(self, text: QueryText, frame: Frame) -> CompiledQuery:
        """Compile a query.

        :raises StatementRefused: it has no meaning: names, types or syntax.
        """
        session = self._session
        try:
            return session.engine.compiler.compile(
                text,
                variables=frame.types,
                database=session.database,
                connection=session.connection,
                sees_all=session.sees_all,
                local_tables=frame.tables,
            )
        except SqlError as error:
            raise StatementRefused(error) from None

    def rows(self, query: CompiledQuery, frame: Frame) -> list[tuple[Any, ...]]:
        """The rows of a query, no more than SET ROWCOUNT allows.

        :raises SqlError: the error that running it gave.
        """
        session = self._session
        rows = session.engine.compiler.run(query, session.connection, Environment(session, frame))
        return rows[: session.options.row_count] if session.options.row_count else rows

    def change(self, query: CompiledQuery, frame: Frame) -> int:
        """Run INSERT, UPDATE or DELETE; returns the number of rows.

        :raises SqlError: the error that running it gave.
        """
        session = self._session
        if session.options.row_count:
            raise not_supported("Changing rows under SET ROWCOUNT")
        environment = Environment(session, frame)
        values = {name: environment[name] for name in query.parameters}

        def run() -> int:
            return int(session.engine.compiler.run(query, session.connection, values)[0][0])

        return session.transactions.write(frame.tables.values(), run)

    def value(self, text: QueryText, frame: Frame) -> tuple[Any, SqlType]:
        """The value of an expression, and its type."""
        query = self.compile(text, frame)
        session = self._session
        rows = session.engine.compiler.run(query, session.connection, Environment(session, frame))
        return rows[0][0], query.columns[0].type

    def text(self, text: QueryText, frame: Frame) -> str | None:
        """The value of an expression as a string."""
        value, source = self.value(text, frame)
        shown: str | None = conversion.convert(value, source, NVARCHAR_MAX)
        return shown

    def holds(self, condition: QueryText, frame: Frame) -> bool:
        """Whether a condition is true."""
        return bool(self.value(condition, frame)[0])

    def assign(self, name: str, text: QueryText, frame: Frame) -> None:
        """Give a variable the value of an expression."""
        value, source = self.value(text, frame)
        self.set_variable(name, value, source, frame)

    def assign_rows(self, query: CompiledQuery, rows: Sequence[tuple[Any, ...]], frame: Frame) -> None:
        """Take the steps of a SELECT whose assignments follow from one another, for each of its rows.

        :raises SqlError: 40514, which rows there are hangs on the variables, and there are several.
        """
        if query.one_row and len(rows) > 1:
            raise not_supported("A SELECT of several rows that both assigns variables and chooses its rows by them")
        session = self._session
        environment = Environment(session, frame)
        # The clock stands still during a statement.
        now = environment[NOW]
        for row in rows:
            known = {NOW: now, **{cell_name(place): value for place, value in enumerate(row, start=1)}}
            for name, step in zip(query.assignments, query.steps, strict=True):
                values = {each: known[each] if each in known else environment[each] for each in step.parameters}
                value = session.engine.compiler.run(step, session.connection, values)[0][0]
                self.set_variable(name, value, step.columns[0].type, frame)

    def set_variable(self, name: str, value: Any, source: SqlType, frame: Frame) -> None:
        """Give a variable a value of some type.

        :param name: in lower case.
        :raises StatementRefused: a value of that type never becomes one of the variable's.
        :raises SqlError: 245 and others: this value does not.
        """
        target = frame.types[name]
        if value is None:
            frame.values[name] = None
            return
        try:
            conversion.check(source, target, explicit=False)
        except SqlError as error:
            raise StatementRefused(error) from None
        frame.values[name] = conversion.assign(value, source, target)
