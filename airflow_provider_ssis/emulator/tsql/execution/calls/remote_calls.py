"""Remote procedure calls: a procedure called by the protocol, not by a batch."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import AsyncGenerator
from contextlib import aclosing

from airflow_provider_ssis.emulator.session import Event, ReturnStatus, ReturnValue, RpcRequest, StatementDone
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import ActualArgument
from airflow_provider_ssis.emulator.tsql.execution.calls.procedure_calls import call
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, Outcome
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.values.conversion import is_valid
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_GROUP_NUMBER = re.compile(r";\d+$")


async def remote_call(runner: Runner, request: RpcRequest) -> AsyncGenerator[Event]:
    """Call a procedure; its OUTPUT arguments and its return status go back to the client."""
    session = runner.session
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
    for ordinal, parameter in enumerate(request.parameters, start=1):
        if not is_valid(parameter.value, parameter.type):
            text = (
                f'Parameter {ordinal} ("{parameter.name}"): the supplied value is not a valid instance of data type '
                f"{parameter.type.name}. Check the source data for invalid values."
            )
            error = SqlError(8023, text, severity=16, state=3)
            yield error.message()
            yield StatementDone(is_error=True, in_procedure=True)
            return
    outcome = Outcome()
    parts = split_name(_GROUP_NUMBER.sub("", request.procedure))
    frame = Frame(ChainMap(session.temporary_tables))
    async with aclosing(runner.request(call(runner, parts, arguments, frame, outcome))) as events:
        async for event in events:
            yield event
    if outcome.status is not None:
        yield ReturnStatus(outcome.status)
    for argument, sql_type, value in outcome.outputs:
        yield ReturnValue(int(argument.target), argument.name, sql_type, value)
