"""Calls of procedures: whose name it is, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution.arguments import ActualArgument, bind
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, Outcome
from airflow_provider_ssis.emulator.tsql.execution.procedures import Procedure, ProcedureCall
from airflow_provider_ssis.emulator.tsql.metadata.registry import DEFAULT_SCHEMA, qualified
from airflow_provider_ssis.emulator.tsql.system_procedures.table import (
    DYNAMIC_PROCEDURES,
    SYSTEM_PROCEDURES,
    UNSUPPORTED_PROCEDURES,
)
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError, not_supported

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.execution.interpreter import Interpreter

_SYSTEM_SCHEMAS: Final = (DEFAULT_SCHEMA, "sys")


async def call(
    interpreter: Interpreter, parts: Sequence[str], arguments: Sequence[ActualArgument], frame: Frame, outcome: Outcome
) -> AsyncGenerator[Event]:
    """Call a procedure.

    :param parts: of its name.
    :param frame: the caller's.
    :param outcome: gets the return status and the values of OUTPUT arguments, also when an error leaves the call.
    :raises SqlError: 2812 there is no such procedure; those of the arguments; those of the procedure itself.
    """
    session = interpreter.session
    database, schema, name = qualified(parts, session.database)
    procedure = session.engine.procedure(database, schema, name)
    if procedure is not None:
        for event in interpreter.begin_implicitly():
            yield event
    elif schema.lower() in _SYSTEM_SCHEMAS:
        dynamic = DYNAMIC_PROCEDURES.get(name.lower())
        if dynamic is not None:
            async with aclosing(dynamic(interpreter, arguments, frame, outcome)) as events:
                async for event in events:
                    yield event
            return
        if name.lower() in UNSUPPORTED_PROCEDURES:
            raise not_supported(f"The server cursor of {name}: use a forward-only, read-only cursor of the client. It")
        procedure = SYSTEM_PROCEDURES.get(name.lower())
    if procedure is None:
        raise SqlError(2812, f"Could not find stored procedure '{'.'.join(parts)}'.", state=62)
    async with aclosing(_run(interpreter, procedure, arguments, outcome)) as events:
        async for event in events:
            yield event


async def _run(
    interpreter: Interpreter, procedure: Procedure, arguments: Sequence[ActualArgument], outcome: Outcome
) -> AsyncGenerator[Event]:
    session = interpreter.session
    bound = bind(procedure, arguments, session.engine.metadata)
    call_ = ProcedureCall(session, bound.values)
    failure: SqlError | None = None
    try:
        outcome.status = await procedure.body(call_) or 0
        session.last_error = 0
    except SqlError as error:
        failure = error
        error.procedure = error.procedure or procedure.name
        error.line = error.line or 1
        # What a body raises without ending the batch stands for the RAISERROR of a procedure written in T-SQL.
        error.by_raiserror = not error.ends_batch
        outcome.status = error.return_status
    for parameter, argument in bound.outputs:
        if parameter.key in call_.outputs:
            outcome.outputs.append((argument, parameter.type, call_.outputs[parameter.key]))
    for event in call_.events:
        yield event
    if failure is not None:
        raise failure
