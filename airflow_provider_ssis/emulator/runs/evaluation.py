"""The expressions of a control flow in a simulated run: constraints, loops, Expression tasks, property expressions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ssis.emulator.runs import event_texts
from airflow_provider_ssis.emulator.runs.control_flow import LOOP_TURNS, uses_expression
from airflow_provider_ssis.emulator.runs.frames import Frame
from airflow_provider_ssis.emulator.runs.overrides import FOLLOWED
from airflow_provider_ssis.emulator.runs.variables import RunVariables
from airflow_provider_ssis.expressions import ExpressionError
from airflow_provider_ssis.project.models import Executable, PrecedenceConstraint

_CLOCK_FUNCTIONS = ("GETDATE", "GETUTCDATE")


@dataclass(frozen=True, slots=True)
class Problem:
    """An expression that could not be evaluated.

    :param text: the place and the reason.
    :param code: signed, as the catalog shows it.
    """

    text: str
    code: int


class Evaluation:
    """Evaluates the expressions of a run.

    :param variables: the variables of the run.
    """

    def __init__(self, variables: RunVariables) -> None:
        self._variables = variables

    def untrue(
        self, frame: Frame, constraints: Iterable[PrecedenceConstraint], now: dt.datetime
    ) -> tuple[list[PrecedenceConstraint], list[Problem]]:
        """The constraints whose expressions are not true, and those that have no value, which are not true either.

        :param frame: the container of the constraints.
        :param constraints: the constraints of an executable that ended.
        """
        untrue, problems = [], []
        for constraint in constraints:
            if not uses_expression(constraint):
                continue
            try:
                is_true = self._variables.holds(frame, constraint.expression, now)
            except ExpressionError as error:
                is_true = False
                where = f"The precedence constraint from {constraint.source} to {constraint.target}"
                problems.append(_problem(where, error))
            if not is_true:
                untrue.append(constraint)
        return untrue, problems

    def assign(self, frame: Frame, assignment: str, where: str, now: dt.datetime) -> Problem | None:
        """Change a variable; returns why that was not possible.

        :param where: the place, for the message.
        """
        try:
            self._variables.assign(frame, assignment, now)
        except ExpressionError as error:
            return _problem(where, error)
        return None

    def with_properties(self, frame: Frame, child: Executable, now: dt.datetime) -> tuple[Executable, list[Problem]]:
        """An executable with the values of its property expressions, of the properties that a run follows.

        :param frame: the container of the executable.
        """
        changes: dict[str, Any] = {}
        problems = []
        inner = frame.inside(child, frame.execution_path)
        for name, expression in child.property_expressions:
            if name.lower() not in FOLLOWED:
                continue
            field, parse = FOLLOWED[name.lower()]
            try:
                changes[field] = parse(str(self._variables.value(inner, expression, now)).strip().lower())
            except ExpressionError as error:
                found = _problem(f"The expression of the property {name} of {child.path}", error)
                problems.append(replace(found, code=event_texts.PROPERTY_NOT_EVALUATED))
            except ValueError as error:
                text = f"The expression of the property {name} of {child.path} has a wrong value: {error}."
                problems.append(Problem(text, event_texts.PROPERTY_NOT_SET))
        return replace(child, **changes) if changes else child, problems

    def turns(self, frame: Frame, clock: Callable[[], dt.datetime]) -> Turns:
        """The turns of a loop.

        :param frame: the loop.
        :param clock: returns the time of the run.
        """
        return Turns(self._variables, frame, clock)


class Turns:
    """Decides, before each turn of a loop, whether it takes place."""

    def __init__(self, variables: RunVariables, frame: Frame, clock: Callable[[], dt.datetime]) -> None:
        self._variables = variables
        self._frame = frame
        self._clock = clock
        self._before: object = None
        self.problem: Problem | None = None
        """Why an expression of the loop has no value."""
        self.is_endless = False
        """Whether the loop was ended because nothing that the simulation does can end it."""
        self.reads_clock = False
        """Whether the loop ends at some time."""

    def begins(self, turn: int) -> bool:
        """Whether a turn takes place, after the loop's assignments.

        :param turn: its number, from 1.
        """
        executable = self._frame.executable
        if executable.foreach_items is not None:
            return self._next_item(turn)
        loop = executable.for_expressions
        if loop is None:
            return turn <= LOOP_TURNS
        if not loop.condition:
            self.problem = Problem(f"The loop {executable.path} has no evaluation expression", event_texts.NO_CONDITION)
            return False
        where = "initial" if turn == 1 else "iteration"
        try:
            if assignment := loop.init if turn == 1 else loop.step:
                self._variables.assign(self._frame, assignment, self._clock())
            where = "evaluation"
            if not self._variables.holds(self._frame, loop.condition, self._clock()):
                return False
        except ExpressionError as error:
            self.problem = _problem(f"The {where} expression of the loop {executable.path}", error)
            return False
        return self._changes(turn, loop.condition)

    def _changes(self, turn: int, condition: str) -> bool:
        """Whether something changed since the last turn, or the loop had few turns: tasks do not really run."""
        state = self._variables.snapshot()
        is_same, self._before = state == self._before, state
        self.reads_clock = any(function in condition.upper() for function in _CLOCK_FUNCTIONS)
        self.is_endless = is_same and turn > LOOP_TURNS and not self.reads_clock
        return not self.is_endless

    def _next_item(self, turn: int) -> bool:
        each = self._frame.executable.foreach_items
        if each is None or turn > len(each.items):
            return False
        item = each.items[turn - 1]
        for name, index in each.mappings:
            if index < len(item):
                self._variables.set_item(self._frame, name, item[index])
        return True


def _problem(where: str, error: ExpressionError) -> Problem:
    return Problem(f"{where} cannot be evaluated: {error}", int(error.code) - (1 << 32))
