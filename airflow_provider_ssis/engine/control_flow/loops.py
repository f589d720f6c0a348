"""The iterations of For and Foreach loops."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.evaluation import NOT_BOOLEAN, Evaluation, failure
from airflow_provider_ssis.engine.control_flow.event_raising import Events
from airflow_provider_ssis.engine.control_flow.executor import Executor, Work
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.properties.preparing import prepare_enumerator
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import ExpressionCode, ExpressionError
from airflow_provider_ssis.project.package.loops import ForeachLoop, ForLoop

NO_CONDITION: Final = 0xC001F185
"""DTS_E_NOEVALEXPRESSION."""
_INIT: Final = ("initial", 0xC0017009, 0x8001F204)
_ASSIGN: Final = ("iteration", 0xC0017008, 0x8001F203)
_EVAL_INVALID: Final = 0xC0017005
MAPPING_FAILED: Final = 0xC001C012
"""DTS_E_FOREACHVARIABLEMAPPING."""


class Loops:
    """Runs the expressions and enumerators of loops.

    :param executor: gives the values of Foreach loops.
    """

    def __init__(self, evaluation: Evaluation, events: Events, executor: Executor) -> None:
        self._evaluation = evaluation
        self._events = events
        self._executor = executor

    async def turns(self, work: Work) -> AsyncGenerator[int]:
        """Yield the number of each iteration, from 1, when it is to begin.

        :raises TaskFailure: an expression or the enumerator fails; the loop fails.
        """
        if isinstance(work.data, ForLoop):
            async with aclosing(self._for(work.frame, work.data)) as turns:
                async for turn in turns:
                    yield turn
        elif isinstance(work.data, ForeachLoop):
            async with aclosing(self._foreach(work.frame, work.data)) as turns:
                async for turn in turns:
                    yield turn

    async def _for(self, frame: Frame, loop: ForLoop) -> AsyncGenerator[int]:
        where = f"of the loop {frame.container.path}"
        if not loop.eval_expression.strip():
            raise TaskFailure(f"The evaluation expression {where} is empty.", NO_CONDITION)
        for turn in itertools.count(1):
            step, (kind, code, warning) = (
                (loop.init_expression, _INIT) if turn == 1 else (loop.assign_expression, _ASSIGN)
            )
            if step.strip():
                await self._assign(frame, step, f"The {kind} expression {where}", code, warning)
            try:
                goes_on = self._evaluation.holds(frame, loop.eval_expression)
            except (ExpressionError, TaskFailure) as error:
                is_type = error.code is ExpressionCode.DTS_E_EXPREVALCANNOTCONVERTRESULT
                code = NOT_BOOLEAN if is_type else _EVAL_INVALID
                raise failure(f"The evaluation expression {where}", error, code) from None
            if not goes_on or not await self._executor.begins_turn(Work(frame, loop), turn):
                return
            yield turn

    async def _assign(self, frame: Frame, assignment: str, where: str, code: int, warning: int) -> None:
        try:
            change = self._evaluation.assign(frame, assignment)
        except (ExpressionError, TaskFailure) as error:
            try:
                self._evaluation.value(frame, assignment)
            except (ExpressionError, TaskFailure):
                raise failure(where, error, code) from None
            # An expression without an assignment is allowed, and has no effect.
            await self._events.warning(frame, f"{where} is not an assignment, so it has no effect.", warning)
            return
        if change is not None:
            await self._events.changed(change, frame)

    async def _foreach(self, frame: Frame, loop: ForeachLoop) -> AsyncGenerator[int]:
        loop = prepare_enumerator(self._evaluation, frame, loop)
        turn = 0
        async with aclosing(self._executor.turns(Work(frame, loop))) as found:
            async for values in found:
                turn += 1
                await self._map(frame, loop, values)
                yield turn

    async def _map(self, frame: Frame, loop: ForeachLoop, values: Sequence[Any]) -> None:
        for mapping in loop.mappings:
            if not 0 <= mapping.index < len(values):
                text = f"The variable {mapping.variable} is mapped to the value {mapping.index}, but an iteration"
                raise TaskFailure(f"{text} has only {len(values)}, counted from 0.", MAPPING_FAILED)
            try:
                change = self._evaluation.view(frame).write(mapping.variable, values[mapping.index])
            except TaskFailure as error:
                text = f"The value {mapping.index} of an iteration does not fit {mapping.variable}: {error.text}"
                raise TaskFailure(text, MAPPING_FAILED) from None
            if change is not None:
                await self._events.changed(change, frame)
