"""Precedence constraints: which executables may start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final

from airflow_provider_ssis.engine.events import Result
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp
from airflow_provider_ssis.project.package.containers import DtsPrecedenceConstraint

Results = Mapping[str, Result | None]
"""The results of the executables that ended, by path; None for one that never starts."""
Constraint = DtsPrecedenceConstraint

_WANTED: Final = {ConstraintValue.SUCCESS: Result.SUCCESS, ConstraintValue.FAILURE: Result.FAILURE}


class Decision(Enum):
    """What the constraints of an executable say."""

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
