"""EXEC."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from airflow_provider_ssis.emulator.datatypes import INT
from airflow_provider_ssis.emulator.session import Event
from airflow_provider_ssis.emulator.tsql.execution import tables
from airflow_provider_ssis.emulator.tsql.execution.calls.arguments import ActualArgument
from airflow_provider_ssis.emulator.tsql.execution.calls.procedure_calls import check_transactions
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame, Outcome, StatementRefused
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import StreamedTable
from airflow_provider_ssis.emulator.tsql.execution.statements.result_sets import with_result_sets
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.metadata.names import split_name
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError


async def _execute(interpreter: Runner, statement: s.Execute, frame: Frame) -> AsyncGenerator[Event]:
    arguments = [await _argument(interpreter, argument, frame) for argument in statement.arguments]
    parts: Sequence[str] = statement.procedure
    if statement.variable:
        parts = split_name(str(frame.values[statement.variable] or ""))
    outcome = Outcome()
    count = interpreter.session.transactions.count
    try:
        called = interpreter.call(parts, arguments, frame, outcome)
        order = interpreter.session.options.date_order
        async with aclosing(with_result_sets(called, statement.result_sets, order)) as events:
            async for event in events:
                yield event
    finally:
        for argument, sql_type, value in outcome.outputs:
            interpreter.evaluator.set_variable(str(argument.target), value, sql_type, frame)
        if statement.status and outcome.status is not None:
            interpreter.evaluator.set_variable(statement.status, outcome.status, INT, frame)
    check_transactions(interpreter.session, count)


async def _argument(interpreter: Runner, argument: s.Argument, frame: Frame) -> ActualArgument:
    if argument.value is None:
        return ActualArgument(argument.name, INT, None, default=True)
    variable = argument.variable
    if variable in frame.table_variables:
        value = await tables.table_value(interpreter.session, variable, frame)
        return ActualArgument(argument.name, frame.table_types[variable], value)
    if variable in frame.values:
        return ActualArgument(
            argument.name, frame.types[variable], frame.values[variable], argument.output, target=variable
        )
    if argument.output:
        text = "OUTPUT requires a variable."
        raise StatementRefused(SqlError(179, text, severity=15, line=argument.value.line))
    evaluated, source = await interpreter.evaluator.value(argument.value, frame)
    return ActualArgument(argument.name, source, evaluated)


async def _execute_text(interpreter: Runner, statement: s.ExecuteText, frame: Frame) -> AsyncGenerator[Event]:
    text = await interpreter.evaluator.text(statement.text, frame)
    count = interpreter.session.transactions.count
    nested = interpreter.nested(text or "", frame.inside())
    order = interpreter.session.options.date_order
    async with aclosing(with_result_sets(nested, statement.result_sets, order)) as events:
        async for event in events:
            yield event
    check_transactions(interpreter.session, count)


STREAMED: Final[StreamedTable] = {
    s.Execute: _execute,
    s.ExecuteText: _execute_text,
}
