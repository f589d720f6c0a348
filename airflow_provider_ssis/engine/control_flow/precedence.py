"""Precedence constraints: which executables may start."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

from airflow_provider_ssis.engine.events import Result
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsPrecedenceConstraint

Results = Mapping[str, Result | None]
"""The results of the executables that ended, by path; None for one that never starts."""
Constraint = DtsPrecedenceConstraint

_WANTED: Final = {ConstraintValue.SUCCESS: Result.SUCCESS, ConstraintValue.FAILURE: Result.FAILURE}


class Decision(Enum):
    """The decision of the constraints of an executable."""

    START = "start"
    WAIT = "wait"
    NEVER = "never"


def decide(constraints: Sequence[Constraint], results: Results, is_true: Callable[[Constraint], bool]) -> Decision:
    """Decide whether an executable starts.

    It starts when all constraints with a logical AND hold, or as soon as one with a logical OR holds. Constraints of
    both kinds at one executable do not occur in packages that were examined.

    :param constraints: those that arrive at the executable.
    :param results: the results of their sources that ended.
    :param is_true: whether the expression of a constraint is true; asked only for constraints whose source ended.
    """
    if not constraints:
        return Decision.START
    states = [(one.logical_and, _holds(one, results, is_true)) for one in constraints]
    every = [state for logical_and, state in states if logical_and]
    any_ = [state for logical_and, state in states if not logical_and]
    if any(state is True for state in any_) or (every and all(state is True for state in every)):
        return Decision.START
    every_is_over = not every or any(state is False for state in every)
    any_is_over = all(state is False for state in any_)
    return Decision.NEVER if every_is_over and any_is_over else Decision.WAIT


def uses_expression(constraint: Constraint) -> bool:
    """Return whether the expression of a constraint counts."""
    return constraint.eval_op is not EvalOp.CONSTRAINT and bool(constraint.expression)


def _holds(constraint: Constraint, results: Results, is_true: Callable[[Constraint], bool]) -> bool | None:
    """Return whether a constraint holds; None while its source has not ended."""
    if constraint.source not in results:
        return None
    result = results[constraint.source]
    if result is None or result is Result.CANCELED:
        return False
    has_outcome = constraint.value is ConstraintValue.COMPLETION or result is _WANTED[constraint.value]
    match constraint.eval_op:
        case EvalOp.EXPRESSION:
            return is_true(constraint)
        case EvalOp.EXPRESSION_AND_CONSTRAINT:
            return has_outcome and is_true(constraint)
        case EvalOp.EXPRESSION_OR_CONSTRAINT:
            return has_outcome or is_true(constraint)
        case _:
            return has_outcome


class Schedule:
    """The executables of a container in one turn: which of them can start now.

    :param children: the executables.
    :param constraints: the precedence constraints between them.
    """

    def __init__(self, children: Sequence[DtsContainer], constraints: Iterable[Constraint]) -> None:
        self._children = children
        self._arriving: defaultdict[str, list[Constraint]] = defaultdict(list)
        self._leaving: defaultdict[str, list[Constraint]] = defaultdict(list)
        for constraint in constraints:
            self._arriving[constraint.target].append(constraint)
            self._leaving[constraint.source].append(constraint)
        self._results: dict[str, Result | None] = {}
        self._untrue: set[int] = set()
        self._waiting: dict[str, int] = {}
        self._ready: list[int] = []
        for position, child in enumerate(children):
            if self._arriving[child.path]:
                self._waiting[child.path] = position
            else:
                self._ready.append(position)

    def next(self) -> DtsContainer | None:
        """Return an executable that starts now, the first in the order of the package; None if none can start."""
        return self._children[heapq.heappop(self._ready)] if self._ready else None

    @property
    def is_empty(self) -> bool:
        """Whether no further executable can start, now or later."""
        return not self._ready and not self._waiting

    def clear(self) -> None:
        """Start no further executable."""
        self._ready.clear()
        self._waiting.clear()

    def with_expressions(self, path: str) -> list[Constraint]:
        """Return the constraints after an executable whose expressions count."""
        return [one for one in self._leaving[path] if uses_expression(one)]

    def ended(self, path: str, result: Result, untrue: Iterable[Constraint] = ()) -> None:
        """Note the end of an executable.

        :param untrue: the constraints after it whose expressions are not true. Default: none.
        """
        self._untrue.update(map(id, untrue))
        self._results[path] = result
        changed = [path]
        while changed:
            for target in {one.target for one in self._leaving[changed.pop()]}:
                position = self._waiting.get(target)
                if position is None:
                    continue
                decision = decide(self._arriving[target], self._results, lambda one: id(one) not in self._untrue)
                if decision is Decision.WAIT:
                    continue
                del self._waiting[target]
                if decision is Decision.START:
                    heapq.heappush(self._ready, position)
                else:
                    self._results[target] = None
                    changed.append(target)
