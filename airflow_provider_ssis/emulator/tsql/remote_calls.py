"""Remote procedure calls: a procedure called by the protocol, not by a batch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from airflow_provider_ssis.emulator.session import Event, ReturnStatus, ReturnValue, RpcRequest, StatementDone
from airflow_provider_ssis.emulator.tsql.calls import ActualArgument
from airflow_provider_ssis.emulator.tsql.errors import SqlError
from airflow_provider_ssis.emulator.tsql.interpreter import BatchEnded, Interpreter, Outcome
from airflow_provider_ssis.emulator.tsql.metadata import split_name

if TYPE_CHECKING:
    from airflow_provider_ssis.emulator.tsql.session import TsqlSession


async def remote_call(session: TsqlSession, interpreter: Interpreter, request: RpcRequest) -> AsyncIterator[Event]:
    """Call a procedure; its OUTPUT arguments and its return status go back to the client."""
    arguments = [
        ActualArgument(
            parameter.name,
            parameter.type,
            parameter.value,
            output=parameter.output,
            default=parameter.default,
            target=ordinal,
        )
        for ordinal, parameter in enumerate(request.parameters)
    ]
    outcome = Outcome()
    try:
        async for event in interpreter.call(split_name(request.procedure), arguments, 1, outcome):
            yield event
    except SqlError as error:
        session.last_error = error.number
        yield error.message()
        yield StatementDone(is_error=True, in_procedure=True)
        if session.options.xact_abort or session.transaction_state == -1:
            for event in session.abort_transaction():
                yield event
    except BatchEnded:
        outcome.status = None
    if outcome.status is not None:
        yield ReturnStatus(outcome.status)
    for argument, sql_type, value in outcome.outputs:
        yield ReturnValue(int(argument.target), argument.name, sql_type, value)
