"""Runs the statements of a batch, one after the other, and reports the results as events.

Each generator of events that runs another closes it before it ends itself (``aclosing``): when a client cancels, tables
are dropped and options restored at once, not some time later.
"""

from __future__ import annotations

import logging
from collections import ChainMap
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import Final

import duckdb

from airflow_provider_ssis.emulator.session import (
    DatabaseChanged,
    Event,
    StatementDone,
)
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.calls import procedure_calls
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import ActualArgument
from airflow_provider_ssis.emulator.tsql.execution.evaluation import Evaluator
from airflow_provider_ssis.emulator.tsql.execution.frames import (
    BatchEnded,
    Frame,
    Jumped,
    Outcome,
    Returned,
    Signal,
    StatementRefused,
)
from airflow_provider_ssis.emulator.tsql.execution.runner import SystemProcedures
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.statements.table import (
    AWAITED,
    BEGIN_IMPLICITLY,
    IMMEDIATE,
    STREAMED,
)
from airflow_provider_ssis.emulator.tsql.execution.transactions.transaction_state import given_up
from airflow_provider_ssis.emulator.tsql.execution.transactions.transactions import UNCOMMITTABLE
from airflow_provider_ssis.emulator.tsql.language import parser
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.query.engine_errors import translated
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

log = logging.getLogger(__name__)

_DEEPEST: Final = 32


class Interpreter:
    """The interpreter of one session."""

    def __init__(self, session: SessionState, system_procedures: SystemProcedures) -> None:
        self.session: SessionState = session
        self.system_procedures: SystemProcedures = system_procedures
        self.evaluator = Evaluator(session)
        self.try_depth: int = 0
        """The number of TRY blocks that run now."""

    # --- batches and dynamic SQL

    def run(self, text: str) -> AsyncGenerator[Event]:
        """Run a batch."""
        return self.request(self._batch(text), in_procedure=False)

    async def request(self, events: AsyncGenerator[Event], *, in_procedure: bool = True) -> AsyncGenerator[Event]:
        """The events of a whole request of the client, and how it ends: no error comes out of it.

        :param events: the events of the request.
        """
        session = self.session
        self.try_depth = 0
        session.errors.clear()
        session.worker.note_wait()
        session.refresh_principal()
        ended = session.transactions.begin_request()
        try:
            if ended:
                events = self._given_up(ended)
            async with aclosing(self._answered(events, in_procedure=in_procedure)) as answered:
                async for event in answered:
                    yield event
        finally:
            session.transactions.end_request()
            session.engine.memory.count_request()

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
            # A fault of this server: the client gets an error, and its session continues.
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

    async def _parsed(self, text: str, frame: Frame, *, in_module: bool = False) -> s.Batch:
        """Parse a batch that runs in a frame; a long one in a thread."""
        arguments = text, frame.types, frozenset(frame.table_variables)
        if parser.is_quick(*arguments):
            return parser.parse(*arguments, in_module=in_module)
        worker = self.session.worker
        parse = partial(parser.parse, *arguments, in_module=in_module, is_cancelled=worker.is_cancelled)
        return await worker.run(parse)

    async def nested(self, text: str, frame: Frame, *, in_module: bool = False) -> AsyncGenerator[Event]:
        """Run dynamic SQL: ``EXEC ('…')``, ``sp_executesql``, a prepared statement; or the body of a procedure.

        SET options and the database are those of before when it ends.

        :param frame: holds its parameters.
        :raises SqlError: 217; a syntax error; one that a TRY around it is to catch.
        """
        session = self.session
        if frame.level > _DEEPEST:
            raise SqlError(217, f"Procedures and dynamic SQL are nested more than {_DEEPEST} levels deep.")
        try:
            batch = await self._parsed(text, frame, in_module=in_module)
        except SqlError as error:
            error.place(frame.procedure)
            raise
        kept_options, database, chained = replace(session.options), session.database, session.chained
        place = session.impersonation.enter()
        if not in_module:
            # Dynamic SQL uses the rights of the caller.
            session.chained = ""
        try:
            async with aclosing(self._scope(batch, frame)) as events:
                async for event in events:
                    yield event
            if session.database != database:
                yield DatabaseChanged(database, session.database)
        finally:
            session.options, session.database, session.chained = kept_options, database, chained
            session.impersonation.leave(place)

    async def _scope(self, batch: s.Batch, frame: Frame) -> AsyncGenerator[Event]:
        """Run the statements of a batch in a frame."""
        try:
            for name, sql_type in batch.variables.items():
                frame.declare(name, sql_type)
            for name, literal in batch.literals.items():
                frame.declare(name, literal.type, literal.value)
            frame.cursors.update(dict.fromkeys(batch.cursors))
            for declaration in batch.tables:
                tables.declare_table(self.session, declaration, frame)
            async with aclosing(self.run_list(batch.statements, frame)) as events:
                async for event in events:
                    yield event
        except Returned:
            return
        except StatementRefused as refused:
            # It ends this batch or dynamic SQL, not the one around it.
            refused.error.ends_batch = False
            refused.error.place(frame.procedure)
            for event in self._failed(refused.error, in_procedure=frame.in_procedure):
                yield event
        finally:
            tables.drop_frame(self.session, frame)

    # --- statements

    async def run_list(self, statements: Sequence[s.Statement], frame: Frame) -> AsyncGenerator[Event]:
        """Run statements in order."""
        session = self.session
        place = 0
        while place < len(statements):
            statement = statements[place]
            place += 1
            # An endless loop must let other sessions run, and the cancel that ends it.
            await session.worker.pause()
            failure: SqlError | None = None
            try:
                if session.options.implicit_transactions and type(statement) in BEGIN_IMPLICITLY:
                    for event in self.begin_implicitly():
                        yield event
                immediate = IMMEDIATE.get(type(statement))
                awaited = AWAITED.get(type(statement))
                if immediate is not None:
                    for event in immediate(self, statement, frame):
                        yield event
                    session.last_error = 0
                elif awaited is not None:
                    for event in await awaited(self, statement, frame):
                        yield event
                    session.last_error = 0
                else:
                    async with aclosing(STREAMED[type(statement)](self, statement, frame)) as events:
                        async for event in events:
                            yield event
            except StatementRefused as refused:
                refused.error.line = refused.error.line or statement.line
                raise
            except Jumped as jump:
                place = _place_of(jump.label, statements)
                if place < 0:
                    raise
            except Signal:
                raise
            except SqlError as error:
                failure = error
            except Exception as fault:
                # As above; TRY can handle it.
                log.exception("internal error at line %d of a batch", statement.line)
                failure = _own_fault(fault)
            if failure is not None:
                failure.line = failure.line or statement.line
                failure.place(frame.procedure)
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
        if self.try_depth:
            if rolls_back:
                session.transactions.doom()
            raise error
        yield error.message()
        yield StatementDone(is_error=True, in_procedure=in_procedure)
        if rolls_back:
            yield from session.transactions.abort()
        if rolls_back or error.ends_batch:
            raise BatchEnded

    def begin_implicitly(self) -> Iterable[Event]:
        """Begin the transaction that SET IMPLICIT_TRANSACTIONS ON asks for, if none is open."""
        session = self.session
        if session.options.implicit_transactions and not session.in_transaction:
            return session.transactions.begin()
        return ()

    def call(
        self, parts: Sequence[str], arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
    ) -> AsyncGenerator[Event]:
        """Call a procedure, as :func:`procedure_calls.call`."""
        return procedure_calls.call(self, parts, arguments, frame, outcome)


def _place_of(label: str, statements: Sequence[s.Statement]) -> int:
    """The place of a label in a list of statements; -1 where it is not there."""
    return next(
        (place for place, each in enumerate(statements) if isinstance(each, s.Label) and each.name == label), -1
    )


def _own_fault(fault: Exception) -> SqlError:
    if isinstance(fault, duckdb.TransactionException):
        return translated(fault)
    return SqlError(
        50000,
        f"Internal error of the server ({type(fault).__name__}). Please report it with the server's log.",
        ends_batch=True,
    )
