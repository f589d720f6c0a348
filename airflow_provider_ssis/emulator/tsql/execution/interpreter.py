"""Runs the statements of a batch, one after the other, and says what happened as events.

Each generator of events that runs another closes it before it ends itself (``aclosing``): when a client cancels, tables
are dropped and options restored at once, not some time later.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
import time
from collections import ChainMap
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

import duckdb

from airflow_provider_ssis.emulator.datatypes import INT, NVARCHAR_MAX, Column
from airflow_provider_ssis.emulator.session import (
    DatabaseChanged,
    Event,
    Message,
    ResultColumns,
    Rows,
    StatementDone,
)
from airflow_provider_ssis.emulator.tsql.execution import procedure_calls, raiserror, tables
from airflow_provider_ssis.emulator.tsql.execution.arguments import ActualArgument
from airflow_provider_ssis.emulator.tsql.execution.evaluation import Evaluator
from airflow_provider_ssis.emulator.tsql.execution.frames import (
    BatchEnded,
    Broken,
    Continued,
    Frame,
    Outcome,
    Returned,
    Signal,
    StatementRefused,
)
from airflow_provider_ssis.emulator.tsql.execution.runner import SystemProcedures
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.transactions import UNCOMMITTABLE, given_up
from airflow_provider_ssis.emulator.tsql.language import options, parser
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.query.compiler import CompiledQuery
from airflow_provider_ssis.emulator.tsql.query.engine_errors import translated
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

log = logging.getLogger(__name__)

_DEEPEST: Final = 32
_LONG_BATCH: Final = 4000
"""Characters of a batch that is parsed in a thread."""
_SECONDS_BETWEEN_PAUSES: Final = 0.005
_TIME = re.compile(r"\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.:](\d{1,7}))?)?\s*")


class Interpreter:
    """The interpreter of one session."""

    def __init__(self, session: SessionState, system_procedures: SystemProcedures) -> None:
        self.session: SessionState = session
        self.system_procedures: SystemProcedures = system_procedures
        self.evaluator = Evaluator(session)
        self._try_depth = 0
        self._paused = time.monotonic()

    # --- batches and dynamic SQL

    def run(self, text: str) -> AsyncGenerator[Event]:
        """Run a batch."""
        return self.request(self._batch(text), in_procedure=False)

    async def request(self, events: AsyncGenerator[Event], *, in_procedure: bool = True) -> AsyncGenerator[Event]:
        """The events of a whole request of the client, and how it ends: no error comes out of it.

        :param events: the events of the request.
        """
        session = self.session
        self._try_depth = 0
        session.errors.clear()
        ended = session.transactions.begin_request()
        try:
            if ended:
                events = self._given_up(ended)
            async with aclosing(self._answered(events, in_procedure=in_procedure)) as answered:
                async for event in answered:
                    yield event
        finally:
            session.transactions.end_request()

    async def _given_up(self, ended: Sequence[Event]) -> AsyncGenerator[Event]:
        """The answer to the first request after the transaction was rolled back while the session was idle."""
        for event in ended:
            yield event
        raise given_up()

    async def _answered(self, events: AsyncGenerator[Event], *, in_procedure: bool) -> AsyncGenerator[Event]:
        session = self.session
        session.transactions.refresh()
        failure: SqlError | None = None
        try:
            async with aclosing(events):
                async for event in events:
                    yield event
        except BatchEnded:
            pass
        except StatementRefused as refused:
            failure = refused.error
        except SqlError as error:
            failure = error
        except Exception as fault:
            log.exception("internal error in a request")
            failure = _own_fault(fault)
        if failure is not None:
            with suppress(BatchEnded):
                for event in self._failed(failure, in_procedure=in_procedure):
                    yield event
        if session.transactions.state == UNCOMMITTABLE:
            left = SqlError(3998, "The batch left an uncommittable transaction. The transaction was rolled back.")
            yield left.message()
            for event in session.transactions.abort():
                yield event

    async def _batch(self, text: str) -> AsyncGenerator[Event]:
        frame = Frame(ChainMap(self.session.temporary_tables))
        async with aclosing(self._scope(await self._parsed(text, Frame(ChainMap())), frame)) as events:
            async for event in events:
                yield event

    async def _parsed(self, text: str, frame: Frame) -> s.Batch:
        """Parse a batch that runs in a frame; a long one in a thread."""
        parse = partial(parser.parse, text, frame.types, frozenset(frame.table_variables))
        return parse() if len(text) <= _LONG_BATCH else await self.session.worker.run(parse)

    async def nested(self, text: str, frame: Frame) -> AsyncGenerator[Event]:
        """Run dynamic SQL: ``EXEC ('…')``, ``sp_executesql``, a prepared statement.

        SET options and the database are those of before when it ends.

        :param frame: holds its parameters.
        :raises SqlError: 217; a syntax error; one that a TRY around it is to catch.
        """
        session = self.session
        if frame.level > _DEEPEST:
            raise SqlError(217, f"Procedures and dynamic SQL are nested more than {_DEEPEST} levels deep.")
        batch = await self._parsed(text, frame)
        kept_options, database = replace(session.options), session.database
        try:
            async with aclosing(self._scope(batch, frame)) as events:
                async for event in events:
                    yield event
            if session.database != database:
                yield DatabaseChanged(database, session.database)
        finally:
            session.options, session.database = kept_options, database

    async def _scope(self, batch: s.Batch, frame: Frame) -> AsyncGenerator[Event]:
        """Run the statements of a batch in a frame."""
        try:
            for name, sql_type in batch.variables.items():
                frame.declare(name, sql_type)
            for name, literal in batch.literals.items():
                frame.declare(name, literal.type, literal.value)
            for declaration in batch.tables:
                tables.declare_table(self.session, declaration, frame)
            async with aclosing(self._list(batch.statements, frame)) as events:
                async for event in events:
                    yield event
        except Returned:
            return
        except StatementRefused as refused:
            # It ends this batch or dynamic SQL, not the one around it.
            refused.error.ends_batch = False
            for event in self._failed(refused.error, in_procedure=frame.in_procedure):
                yield event
        finally:
            tables.drop_frame(self.session, frame)

    # --- statements

    async def _list(self, statements: Sequence[s.Statement], frame: Frame) -> AsyncGenerator[Event]:
        session = self.session
        for statement in statements:
            if time.monotonic() - self._paused > _SECONDS_BETWEEN_PAUSES:
                # An endless loop must leave room for others, and for the cancel that ends it.
                await asyncio.sleep(0)
                self._paused = time.monotonic()
            failure: SqlError | None = None
            try:
                immediate = _IMMEDIATE.get(type(statement))
                awaited = _AWAITED.get(type(statement))
                if immediate is not None:
                    for event in immediate(self, statement, frame):
                        yield event
                    session.last_error = 0
                elif awaited is not None:
                    for event in await awaited(self, statement, frame):
                        yield event
                    session.last_error = 0
                else:
                    async with aclosing(_STREAMED[type(statement)](self, statement, frame)) as events:
                        async for event in events:
                            yield event
            except StatementRefused as refused:
                refused.error.line = refused.error.line or statement.line
                raise
            except Signal:
                raise
            except SqlError as error:
                failure = error
            except Exception as fault:
                log.exception("internal error at line %d of a batch", statement.line)
                failure = _own_fault(fault)
            if failure is not None:
                failure.line = failure.line or statement.line
                for event in self._failed(failure, in_procedure=frame.in_procedure):
                    yield event

    def _failed(self, error: SqlError, *, in_procedure: bool) -> Iterator[Event]:
        """The consequences of an error: it goes to the TRY around it, or to the client.

        :raises SqlError: in a TRY.
        :raises BatchEnded: the error ends the batch.
        """
        session = self.session
        session.transactions.recover()
        session.last_error = error.number
        session.row_count = 0
        rolls_back = error.rolls_back or (session.options.xact_abort and not error.by_raiserror)
        if self._try_depth:
            if rolls_back:
                session.transactions.doom()
            raise error
        yield error.message()
        yield StatementDone(is_error=True, in_procedure=in_procedure)
        if rolls_back:
            yield from session.transactions.abort()
        if rolls_back or error.ends_batch:
            raise BatchEnded

    # --- variables and options

    async def _set_variable(self, statement: s.SetVariable, frame: Frame) -> Iterable[Event]:
        await self.evaluator.assign(statement.name, statement.value, frame)
        self.session.row_count = 1
        return ()

    def _set_option(self, statement: s.SetOption, frame: Frame) -> Iterable[Event]:
        value = statement.value
        if value.startswith("@"):
            value = str(frame.values[value.lower()]).upper()
        for name in statement.options:
            options.apply(self.session.options, name, value)
        self.session.row_count = 0
        return ()

    def _set_identity_insert(self, statement: s.SetIdentityInsert, frame: Frame) -> Iterable[Event]:
        """No table that a session may fill has a column with IDENTITY."""
        name = statement.table
        if name in frame.tables:
            raise SqlError(
                8106,
                f"Table '{name}' does not have the identity property. SET IDENTITY_INSERT needs an identity column.",
            )
        raise SqlError(1088, f"Cannot find the table '{name}': it does not exist, or you do not have permission.")

    # --- queries and tables

    async def _query(self, statement: s.Query, frame: Frame) -> AsyncGenerator[Event]:
        session = self.session
        query = await self.evaluator.compile(statement.text, frame)
        returns_rows = not (query.writes or query.assignments or statement.into)
        if session.options.format_only:
            if returns_rows:
                yield ResultColumns(query.columns)
            yield StatementDone(in_procedure=frame.in_procedure)
        else:
            if statement.has_source:
                for event in self.begin_implicitly():
                    yield event
            if returns_rows:
                yield ResultColumns(query.columns)
                count = 0
                async with aclosing(self.evaluator.parts(query, frame)) as parts:
                    async for rows in parts:
                        count += len(rows)
                        yield Rows(rows)
                session.row_count = count
                yield self._done(frame, count)
            else:
                for event in await self._query_without_result(query, statement, frame):
                    yield event
        session.last_error = 0

    async def _query_without_result(self, query: CompiledQuery, statement: s.Query, frame: Frame) -> Iterable[Event]:
        """INSERT, UPDATE, DELETE, SELECT … INTO, and a SELECT that assigns variables."""
        session = self.session
        if query.writes:
            session.row_count = await self.evaluator.change(query, frame)
            return [self._done(frame, session.row_count)]
        rows = await self.evaluator.rows(query, frame)
        session.row_count = len(rows)
        if query.steps:
            await self.evaluator.assign_rows(query, rows, frame)
            return ()
        if query.assignments:
            for name, column, value in zip(query.assignments, query.columns, rows[-1] if rows else (), strict=False):
                self.evaluator.set_variable(name, value, column.type, frame)
            return ()
        await self._fill(statement, query.columns, rows, frame)
        return [self._done(frame, session.row_count)]

    async def _fill(
        self, statement: s.Query, columns: tuple[Column, ...], rows: Sequence[tuple[Any, ...]], frame: Frame
    ) -> None:
        """SELECT … INTO."""
        if not all(column.name for column in columns):
            raise SqlError(1038, f"A column of {statement.into} has no name. Add a name with AS.", severity=15)
        table = tables.create_table(self.session, s.TableDeclaration(statement.line, statement.into, columns), frame)
        await self.session.worker.run(partial(tables.insert_rows, self.session, table, columns, rows))

    def _done(self, frame: Frame, count: int) -> StatementDone:
        return StatementDone(None if self.session.options.nocount else count, in_procedure=frame.in_procedure)

    def begin_implicitly(self) -> Iterable[Event]:
        """Begin the transaction that SET IMPLICIT_TRANSACTIONS ON asks for, if none is open."""
        session = self.session
        if session.options.implicit_transactions and not session.in_transaction:
            return session.transactions.begin()
        return ()

    def _create_table(self, statement: s.CreateTable, frame: Frame) -> Iterable[Event]:
        tables.create_table(self.session, statement.table, frame)
        return ()

    def _drop_tables(self, statement: s.DropTable, frame: Frame) -> Iterable[Event]:
        tables.drop_tables(self.session, statement, frame)
        return ()

    async def _insert_execute(self, statement: s.InsertExecute, frame: Frame) -> AsyncGenerator[Event]:
        target = tables.Target(statement.table, statement.columns, frame)
        async with aclosing(_STREAMED[type(statement.execute)](self, statement.execute, frame)) as events:
            async for event in events:
                if isinstance(event, ResultColumns):
                    target.expect(event.columns)
                elif isinstance(event, Rows):
                    target.take(event.rows)
                elif not isinstance(event, StatementDone) or event.is_error:
                    yield event
        count = self.session.row_count = await target.insert(self.session)
        yield self._done(frame, count)

    # --- control of flow

    def _block(self, statement: s.Block, frame: Frame) -> AsyncGenerator[Event]:
        return self._list(statement.body, frame)

    async def _condition(self, condition: QueryText, frame: Frame) -> bool:
        holds = await self.evaluator.holds(condition, frame)
        self.session.last_error = self.session.row_count = 0
        return holds

    async def _if(self, statement: s.If, frame: Frame) -> AsyncGenerator[Event]:
        branch = statement.then if await self._condition(statement.condition, frame) else statement.otherwise
        if branch is not None:
            async with aclosing(self._list((branch,), frame)) as events:
                async for event in events:
                    yield event

    async def _while(self, statement: s.While, frame: Frame) -> AsyncGenerator[Event]:
        while await self._condition(statement.condition, frame):
            try:
                async with aclosing(self._list((statement.body,), frame)) as events:
                    async for event in events:
                        yield event
            except Continued:
                continue
            except Broken:
                return

    async def _try(self, statement: s.TryCatch, frame: Frame) -> AsyncGenerator[Event]:
        errors = self.session.errors
        caught: SqlError | None = None
        self._try_depth += 1
        try:
            async with aclosing(self._list(statement.body, frame)) as events:
                async for event in events:
                    yield event
        except SqlError as error:
            caught = error
        finally:
            self._try_depth -= 1
        if caught is None:
            return
        errors.append(caught)
        try:
            async with aclosing(self._list(statement.handler, frame)) as events:
                async for event in events:
                    yield event
        finally:
            errors.pop()

    def _return(self, statement: s.Return, frame: Frame) -> Iterable[Event]:
        raise Returned

    def _break(self, statement: s.Break, frame: Frame) -> Iterable[Event]:
        raise Broken

    def _continue(self, statement: s.Continue, frame: Frame) -> Iterable[Event]:
        raise Continued

    async def _wait(self, statement: s.WaitFor, frame: Frame) -> AsyncGenerator[Event]:
        value, source = await self.evaluator.value(statement.value, frame)
        if isinstance(value, dt.datetime):
            value, source = value.time().isoformat(), NVARCHAR_MAX
        text = str(conversion.convert(value, source, NVARCHAR_MAX) or "")
        await asyncio.sleep(self._delay(text, until=statement.until).total_seconds())
        self.session.transactions.refresh()
        yield StatementDone(in_procedure=frame.in_procedure)

    def _delay(self, text: str, *, until: bool) -> dt.timedelta:
        match = _TIME.fullmatch(text)
        hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3]) if match else (24, 0, 0)
        if match is None or hours > 23 or minutes > 59 or seconds > 59:
            raise SqlError(
                148, f"'{text}' is not a valid time for WAITFOR. Use the format hh:mm:ss.", severity=15, ends_batch=True
            )
        delay = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds + float(f"0.{match[4] or 0}"))
        if not until:
            return delay
        now = self.session.engine.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight + delay - now) % dt.timedelta(days=1)

    # --- transactions and databases

    def _transaction(self, statement: s.TransactionStatement, frame: Frame) -> Iterable[Event]:
        transactions = self.session.transactions
        name = statement.name
        if name.startswith("@"):
            name = str(frame.values[name] or "")
        self.session.row_count = 0
        match statement:
            case s.BeginTransaction():
                return transactions.begin(name)
            case s.CommitTransaction():
                return transactions.commit()
            case s.SaveTransaction():
                return transactions.save(name)
        return transactions.roll_back(name)

    def _use(self, statement: s.Use, frame: Frame) -> Iterable[Event]:
        self.session.row_count = 0
        return self.session.use(statement.database)

    # --- messages

    async def _print(self, statement: s.Print, frame: Frame) -> Iterable[Event]:
        text = await self.evaluator.text(statement.value, frame)
        self.session.row_count = 0
        return [Message(0, 0, 1, text or " ", statement.line)]

    async def _raiserror(self, statement: s.Raiserror, frame: Frame) -> AsyncGenerator[Event]:
        text, severity, state, *arguments = await self.evaluator.values(statement.arguments, frame)
        message = raiserror.raised(text, severity, state, arguments, statement.options, statement.line)
        self.session.last_error = message.number if "SETERROR" in statement.options else 0
        self.session.row_count = 0
        yield message

    async def _throw(self, statement: s.Throw, frame: Frame) -> Iterable[Event]:
        if not statement.arguments:
            raise raiserror.thrown_again(self.session.errors[-1])
        number, text, state = await self.evaluator.values(statement.arguments, frame)
        raise raiserror.thrown(number, text, state)

    # --- calls

    def call(
        self, parts: Sequence[str], arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
    ) -> AsyncGenerator[Event]:
        """Call a procedure, as :func:`procedure_calls.call`."""
        return procedure_calls.call(self, parts, arguments, frame, outcome)

    async def _execute(self, statement: s.Execute, frame: Frame) -> AsyncGenerator[Event]:
        arguments = [await self._argument(argument, frame) for argument in statement.arguments]
        parts: Sequence[str] = statement.procedure
        if statement.variable:
            parts = split_name(str(frame.values[statement.variable] or ""))
        outcome = Outcome()
        try:
            async with aclosing(self.call(parts, arguments, frame, outcome)) as events:
                async for event in events:
                    yield event
        finally:
            for argument, sql_type, value in outcome.outputs:
                self.evaluator.set_variable(str(argument.target), value, sql_type, frame)
            if statement.status and outcome.status is not None:
                self.evaluator.set_variable(statement.status, outcome.status, INT, frame)

    async def _argument(self, argument: s.Argument, frame: Frame) -> ActualArgument:
        if argument.value is None:
            return ActualArgument(argument.name, INT, None, default=True)
        variable = argument.variable
        if variable in frame.table_variables:
            value = await tables.table_value(self.session, variable, frame)
            return ActualArgument(argument.name, frame.table_types[variable], value)
        if variable in frame.values:
            return ActualArgument(
                argument.name, frame.types[variable], frame.values[variable], argument.output, target=variable
            )
        if argument.output:
            text = "OUTPUT requires a variable."
            raise StatementRefused(SqlError(179, text, severity=15, line=argument.value.line))
        evaluated, source = await self.evaluator.value(argument.value, frame)
        return ActualArgument(argument.name, source, evaluated)

    async def _execute_text(self, statement: s.ExecuteText, frame: Frame) -> AsyncGenerator[Event]:
        text = await self.evaluator.text(statement.text, frame)
        async with aclosing(self.nested(text or "", frame.inside())) as events:
            async for event in events:
                yield event


def _own_fault(fault: Exception) -> SqlError:
    if isinstance(fault, duckdb.TransactionException):
        return translated(fault)
    return SqlError(
        50000,
        f"Internal error of the server ({type(fault).__name__}). Please report it with the server's log.",
        ends_batch=True,
    )


_IMMEDIATE: Final[Mapping[type[s.Statement], Callable[[Interpreter, Any, Frame], Iterable[Event]]]] = {
    s.SetOption: Interpreter._set_option,
    s.SetIdentityInsert: Interpreter._set_identity_insert,
    s.Return: Interpreter._return,
    s.Break: Interpreter._break,
    s.Continue: Interpreter._continue,
    s.BeginTransaction: Interpreter._transaction,
    s.CommitTransaction: Interpreter._transaction,
    s.RollbackTransaction: Interpreter._transaction,
    s.SaveTransaction: Interpreter._transaction,
    s.Use: Interpreter._use,
    s.CreateTable: Interpreter._create_table,
    s.DropTable: Interpreter._drop_tables,
}
"""The statements without expressions; each sets @@ERROR to 0 when it succeeds."""

_AWAITED: Final[Mapping[type[s.Statement], Callable[[Interpreter, Any, Frame], Awaitable[Iterable[Event]]]]] = {
    s.SetVariable: Interpreter._set_variable,
    s.Print: Interpreter._print,
    s.Throw: Interpreter._throw,
}
"""The statements with expressions; each sets @@ERROR to 0 when it succeeds."""

_STREAMED: Final[Mapping[type[s.Statement], Callable[[Interpreter, Any, Frame], AsyncGenerator[Event]]]] = {
    s.Query: Interpreter._query,
    s.Block: Interpreter._block,
    s.If: Interpreter._if,
    s.While: Interpreter._while,
    s.TryCatch: Interpreter._try,
    s.WaitFor: Interpreter._wait,
    s.Raiserror: Interpreter._raiserror,
    s.Execute: Interpreter._execute,
    s.ExecuteText: Interpreter._execute_text,
    s.InsertExecute: Interpreter._insert_execute,
}
"""The statements that contain others, may wait or return rows, or set @@ERROR themselves."""
