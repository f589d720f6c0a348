"""BEGIN, IF, WHILE, TRY, RETURN, GOTO and WAITFOR."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Final

from airflow_provider_ssis.emulator.datatypes import INT, NVARCHAR_MAX
from airflow_provider_ssis.emulator.session import Event, StatementDone
from airflow_provider_ssis.emulator.tsql.execution.frames import Broken, Continued, Frame, Jumped, Returned
from airflow_provider_ssis.emulator.tsql.execution.runner import Runner
from airflow_provider_ssis.emulator.tsql.execution.statements.handlers import (
    AwaitedTable,
    ImmediateTable,
    StreamedTable,
)
from airflow_provider_ssis.emulator.tsql.language import statements as s
from airflow_provider_ssis.emulator.tsql.query.source import QueryText
from airflow_provider_ssis.emulator.tsql.values import conversion
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

_TIME: Final = re.compile(r"\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.:](\d{1,7}))?)?\s*")


def _block(interpreter: Runner, statement: s.Block, frame: Frame) -> AsyncGenerator[Event]:
    return interpreter.run_list(statement.body, frame)


async def _condition(interpreter: Runner, condition: QueryText, frame: Frame) -> bool:
    holds = await interpreter.evaluator.holds(condition, frame)
    interpreter.session.last_error = interpreter.session.row_count = 0
    return holds


async def _if(interpreter: Runner, statement: s.If, frame: Frame) -> AsyncGenerator[Event]:
    branch = statement.then if await _condition(interpreter, statement.condition, frame) else statement.otherwise
    if branch is not None:
        async with aclosing(interpreter.run_list((branch,), frame)) as events:
            async for event in events:
                yield event


async def _while(interpreter: Runner, statement: s.While, frame: Frame) -> AsyncGenerator[Event]:
    while await _condition(interpreter, statement.condition, frame):
        try:
            async with aclosing(interpreter.run_list((statement.body,), frame)) as events:
                async for event in events:
                    yield event
        except Continued:
            continue
        except Broken:
            return


async def _try(interpreter: Runner, statement: s.TryCatch, frame: Frame) -> AsyncGenerator[Event]:
    errors = interpreter.session.errors
    caught: SqlError | None = None
    interpreter.try_depth += 1
    try:
        async with aclosing(interpreter.run_list(statement.body, frame)) as events:
            async for event in events:
                yield event
    except SqlError as error:
        caught = error
    finally:
        interpreter.try_depth -= 1
    if caught is None:
        return
    errors.append(caught)
    try:
        async with aclosing(interpreter.run_list(statement.handler, frame)) as events:
            async for event in events:
                yield event
    finally:
        errors.pop()


async def _return(interpreter: Runner, statement: s.Return, frame: Frame) -> Iterable[Event]:
    if statement.value is not None and frame.returns is not None:
        value, source = await interpreter.evaluator.value(statement.value, frame)
        frame.result = conversion.assign(value, source, frame.returns, interpreter.session.options.date_order)
    elif statement.value is not None:
        value, source = await interpreter.evaluator.value(statement.value, frame)
        frame.status = conversion.assign(0 if value is None else value, source if value is not None else INT, INT)
    raise Returned


def _break(interpreter: Runner, statement: s.Break, frame: Frame) -> Iterable[Event]:
    raise Broken


def _continue(interpreter: Runner, statement: s.Continue, frame: Frame) -> Iterable[Event]:
    raise Continued


def _label(interpreter: Runner, statement: s.Label, frame: Frame) -> Iterable[Event]:
    return ()


def _goto(interpreter: Runner, statement: s.GoTo, frame: Frame) -> Iterable[Event]:
    raise Jumped(statement.name)


async def _wait(interpreter: Runner, statement: s.WaitFor, frame: Frame) -> AsyncGenerator[Event]:
    value, source = await interpreter.evaluator.value(statement.value, frame)
    if isinstance(value, dt.datetime):
        value, source = value.time().isoformat(), NVARCHAR_MAX
    text = str(conversion.convert(value, source, NVARCHAR_MAX) or "")
    await asyncio.sleep(_delay(interpreter, text, until=statement.until).total_seconds())
    interpreter.session.transactions.refresh()
    yield StatementDone(in_procedure=frame.in_procedure)


def _delay(interpreter: Runner, text: str, *, until: bool) -> dt.timedelta:
    match = _TIME.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3]) if match else (24, 0, 0)
    if match is None or hours > 23 or minutes > 59 or seconds > 59:
        raise SqlError(
            148, f"'{text}' is not a valid time for WAITFOR. Use the format hh:mm:ss.", severity=15, ends_batch=True
        )
    delay = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds + float(f"0.{match[4] or 0}"))
    if not until:
        return delay
    now = interpreter.session.engine.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + delay - now) % dt.timedelta(days=1)


IMMEDIATE: Final[ImmediateTable] = {
    s.Break: _break,
    s.Continue: _continue,
    s.Label: _label,
    s.GoTo: _goto,
}

AWAITED: Final[AwaitedTable] = {
    s.Return: _return,
}

STREAMED: Final[StreamedTable] = {
    s.Block: _block,
    s.If: _if,
    s.While: _while,
    s.TryCatch: _try,
    s.WaitFor: _wait,
}
