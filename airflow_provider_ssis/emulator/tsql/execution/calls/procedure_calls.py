"""Calls of procedures: find the procedure, bind its arguments, return its results."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import ActualArgument, bind, table_type_of
from airflow_provider_ssis.emulator.tsql.execution.calls.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, Outcome
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.session_state import SessionState
from airflow_provider_ssis.emulator.tsql.execution.tables import declare_table_value
from airflow_provider_ssis.emulator.tsql.metadata.missing_procedures import is_missing_procedure
from airflow_provider_ssis.emulator.tsql.metadata.names import DEFAULT_SCHEMA, qualified
from airflow_provider_ssis.emulator.tsql.metadata.objects import UserProcedure
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

_SYSTEM_SCHEMAS: Final = (DEFAULT_SCHEMA, "sys")


async def call(
    runner: Runner, parts: Sequence[str], arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
) -> AsyncGenerator[Event]:
    """Call a procedure.

    :param parts: of its name.
    :param frame: the caller's.
    :param outcome: gets the return status and the values of OUTPUT arguments, also when an error leaves the call.
    :raises SqlError: 2812 there is no such procedure; those of the arguments; those of the procedure itself.
    """
    session, system = runner.session, runner.system_procedures
    wanted = qualified(parts, session.database)
    database, schema, name = session.metadata.resolved(wanted)
    procedure = session.metadata.routine(database, schema, name)
    if procedure is not None:
        if not session.may_use(procedure.database):
            raise session.no_user(procedure.database)
        for event in runner.begin_implicitly():
            yield event
    elif schema.lower() in _SYSTEM_SCHEMAS:
        dynamic = system.dynamic.get(name.lower())
        if dynamic is not None:
            called = dynamic(runner, arguments, frame, outcome)
            async with aclosing(_in_database(session, database, called)) as events:
                async for event in events:
                    yield event
            return
        if name.lower() in system.unsupported:
            raise not_supported(f"The server cursor of {name}: use a forward-only, read-only cursor of the client. It")
        procedure = system.fixed.get(name.lower())
    if isinstance(procedure, UserProcedure):
        count = session.transactions.count
        async with aclosing(_run_module(runner, procedure, arguments, frame, outcome)) as events:
            async for event in events:
                yield event
        check_transactions(session, count)
        return
    if not isinstance(procedure, Procedure) and (database, schema, name) != wanted:
        raise SqlError(5313, f"Synonym '{'.'.join(parts)}' refers to an invalid object.")
    if (
        not isinstance(procedure, Procedure)
        and schema.lower() in _SYSTEM_SCHEMAS
        and is_missing_procedure(database, name)
    ):
        raise not_supported(f"The procedure {name}")
    if not isinstance(procedure, Procedure):
        raise SqlError(2812, f"Could not find stored procedure '{'.'.join(parts)}'.", state=62)
    called = _run(runner, procedure, arguments, outcome)
    is_system = system.fixed.get(name.lower()) is procedure
    async with aclosing(_in_database(session, database, called) if is_system else called) as events:
        async for event in events:
            yield event


def check_transactions(session: SessionState, before: int) -> None:
    """Check that a call left as many transactions open as it found. XACT_ABORT ON turns the check off.

    :param before: the number at the start of the call.
    :raises SqlError: 266, the number changed.
    """
    after, options = session.transactions.count, session.options
    if after != before and not (options.xact_abort or options.implicit_transactions):
        text = f"EXECUTE changed the number of open transactions from {before} to {after}. Pair BEGIN with COMMIT."
        raise SqlError(266, text, state=2)


async def _in_database(session: SessionState, database: str, called: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    """Run a system procedure in the database that its name begins with: each database has all of them."""
    known = session.metadata.database_name(database)
    if known is None:
        raise SqlError(911, f"Database '{database}' does not exist. Check the name.", ends_batch=True)
    if known != session.database and not session.may_use(known):
        raise session.no_user(known)
    home, session.database = session.database, known
    try:
        async with aclosing(called) as events:
            async for event in events:
                yield event
    finally:
        session.database = home


async def _run_module(
    runner: Runner, procedure: UserProcedure, arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
) -> AsyncGenerator[Event]:
    """Run a procedure that a client created."""
    session = runner.session
    if not session.may("EXECUTE", procedure.database, procedure.schema, procedure.name):
        text = f"The EXECUTE permission was denied on the object '{procedure.name}', database '{procedure.database}'."
        raise SqlError(229, text, severity=14, state=5)
    bound = bind(procedure, arguments, session.metadata, session.options.date_order)
    inner = frame.inside()
    inner.procedure = procedure.name
    for parameter in procedure.parameters:
        value = bound.values[parameter.key]
        table_type = table_type_of(procedure, parameter, session.metadata)
        if table_type is not None:
            declare_table_value(session, f"@{parameter.key}", table_type, value, inner)
        else:
            inner.declare(f"@{parameter.key}", parameter.type, value)
    database, session.database = session.database, procedure.database
    place = session.impersonation.enter()
    chained, session.chained = session.chained, procedure.database.lower()
    try:
        if procedure.as_owner:
            session.impersonation.act_as_owner(session, procedure.database)
        async with aclosing(runner.nested(procedure.body, inner, in_module=True)) as events:
            async for event in events:
                yield event
        outcome.status = inner.status or 0
    finally:
        session.impersonation.leave(place)
        session.database, session.chained = database, chained
        for parameter, argument in bound.outputs:
            outcome.outputs.append((argument, parameter.type, inner.values[f"@{parameter.key}"]))


async def _run(
    runner: Runner, procedure: Procedure, arguments: Sequence[ActualArgument], outcome: Outcome
) -> AsyncGenerator[Event]:
    session = runner.session
    bound = bind(procedure, arguments, session.metadata, session.options.date_order)
    call_ = ProcedureCall(session, bound.values)
    failure: SqlError | None = None
    try:
        outcome.status = await procedure.body(call_) or 0
        session.last_error = 0
    except SqlError as error:
        failure = error
        error.procedure = error.procedure or procedure.name
        error.line = error.line or 1
        # An error of a body that does not end the batch is the equivalent of RAISERROR in a T-SQL procedure.
        error.by_raiserror = not error.ends_batch
        outcome.status = error.return_status
    for parameter, argument in bound.outputs:
        if parameter.key in call_.outputs:
            outcome.outputs.append((argument, parameter.type, call_.outputs[parameter.key]))
    for event in call_.events:
        yield event
    if failure is not None:
        raise failure
