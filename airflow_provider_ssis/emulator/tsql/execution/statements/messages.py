"""PRINT, RAISERROR and THROW."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Final

from airflow_provider_ssis.emulator.session import Event, Message
from airflow_provider_ssis.emulator.tsql.execution.frames import Frame
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.statements import raiserror
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import AwaitedTable, StreamedTable
from airflow_provider_ssis.emulator.tsql.language import statements as s


async def _print(interpreter: Runner, statement: s.Print, frame: Frame) -> Iterable[Event]:
    text = await interpreter.evaluator.text(statement.value, frame)
    interpreter.session.row_count = 0
    return [Message(0, 0, 1, text or " ", statement.line)]


async def _raiserror(interpreter: Runner, statement: s.Raiserror, frame: Frame) -> AsyncGenerator[Event]:
    text, severity, state, *arguments = await interpreter.evaluator.values(statement.arguments, frame)
    message = raiserror.raised(text, severity, state, arguments, statement.options, statement.line)
    interpreter.session.last_error = message.number if "SETERROR" in statement.options else 0
    interpreter.session.row_count = 0
    yield message


async def _throw(interpreter: Runner, statement: s.Throw, frame: Frame) -> Iterable[Event]:
    if not statement.arguments:
        raise raiserror.thrown_again(interpreter.session.errors[-1])
    number, text, state = await interpreter.evaluator.values(statement.arguments, frame)
    raise raiserror.thrown(number, text, state)


AWAITED: Final[AwaitedTable] = {
    s.Print: _print,
    s.Throw: _throw,
}

STREAMED: Final[StreamedTable] = {
    s.Raiserror: _raiserror,
}
