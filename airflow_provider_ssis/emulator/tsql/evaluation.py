"""Queries, expressions and assignments of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.emulator.datatypes import NVARCHAR_MAX, SqlType
from airflow_provider_ssis.emulator.tsql import conversion
from airflow_provider_ssis.emulator.tsql.environment import Environment
from airflow_provider_ssis.emulator.tsql.errors import SqlError, not_supported
from airflow_provider_ssis.emulator.tsql.frames import Frame, StatementRefused
from airflow_provider_ssis.emulator.tsql.queries import CompiledQuery
from airflow_provider_ssis.emulator.tsql.statements import Text

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.session import TsqlSession


class Evaluator:
    """Evaluates what the statements of a session's batches hold."""

    def __init__(self, session: TsqlSession) -> None:
        self._session = session

    def compile(self, text: Text, frame: Frame) -> CompiledQuery:
        """Compile a query.

        :raises StatementRefused: it has no meaning: names, types or syntax.
        """
        session = self._session
        try:
            return session.engine.compiler.compile(
                text.sql,
                line=text.line,
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

    def value(self, text: Text, frame: Frame) -> tuple[Any, SqlType]:
        """The value of an expression, and its type."""
        query = self.compile(text, frame)
        session = self._session
        rows = session.engine.compiler.run(query, session.connection, Environment(session, frame))
        return rows[0][0], query.columns[0].type

    def text(self, text: Text, frame: Frame) -> str | None:
        """The value of an expression as a string."""
        value, source = self.value(text, frame)
        shown: str | None = conversion.convert(value, source, NVARCHAR_MAX)
        return shown

    def holds(self, condition: Text, frame: Frame) -> bool:
        """Whether a condition is true."""
        return bool(self.value(condition, frame)[0])

    def assign(self, name: str, text: Text, frame: Frame) -> None:
        """Give a variable the value of an expression."""
        value, source = self.value(text, frame)
        self.set_variable(name, value, source, frame)

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
