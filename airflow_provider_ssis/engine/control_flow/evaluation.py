"""The expressions of a control flow: constraints, loops, assignments, property expressions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.variables.variables import Change, View
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.expressions import (
    ExpressionCode,
    ExpressionError,
    Settings,
    compile_assignment,
    compile_expression,
)
from airflow_provider_ssis.expressions.values import to_python

NOT_BOOLEAN: Final = 0xC0017006
"""DTS_E_EXPRESSIONNOTBOOLEAN."""
PROPERTY_NOT_EVALUATED: Final = 0xC0017003
"""DTS_E_PROPERTYEXPRESSIONEVAL."""
PROPERTY_NOT_SET: Final = 0xC0017004
"""DTS_E_PROPERTYEXPRESSIONSET."""


class Evaluation:
    """Evaluates the expressions of a run.

    :param now: the clock of the run, for GETDATE.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def settings(self, locale: int) -> Settings:
        """Return the settings that expressions use besides variables."""
        return Settings(clock=self._now, locale=locale)

    def view(self, frame: Frame) -> View:
        """Return the variables and settings that a frame can use."""
        return View(frame, self.settings)

    def value(self, frame: Frame, expression: str) -> Any:
        """Return the value of an expression, in Python's types; None for NULL.

        :param frame: where it is evaluated.
        :raises ExpressionError: it has no value.
        """
        compiled = compile_expression(expression, self.view(frame).scope(), self.settings(frame.locale_id))
        return to_python(compiled.evaluate(), compiled.type)

    def holds(self, frame: Frame, expression: str) -> bool:
        """Return whether a condition is true; NULL is not.

        :raises ExpressionError: it has no value, or its value is not Boolean.
        """
        compiled = compile_expression(expression, self.view(frame).scope(), self.settings(frame.locale_id))
        if compiled.type.code.name != "DT_BOOL":
            reason = f"The condition must be DT_BOOL, not {compiled.type.code.name}"
            raise ExpressionError(ExpressionCode.DTS_E_EXPREVALCANNOTCONVERTRESULT, reason, 0, expression)
        return compiled.evaluate() is True

    def assign(self, frame: Frame, assignment: str) -> Change | None:
        """Change a variable by an assignment.

        :returns: the change, if it raises an event.
        :raises ExpressionError: it is not an assignment, or has no value.
        :raises TaskFailure: the variable is read-only.
        """
        view = self.view(frame)
        compiled = compile_assignment(assignment, view.scope(), self.settings(frame.locale_id))
        value = to_python(compiled.expression.evaluate(), compiled.expression.type)
        if value is None:
            reason = f"The expression is NULL, and the variable {compiled.variable!r} cannot be NULL"
            raise ExpressionError(ExpressionCode.DTS_E_EXPREVALASSIGNMENTTYPEMISMATCH, reason, 0, assignment)
        return view.write(compiled.variable, value)


def failure(where: str, error: ExpressionError | TaskFailure, code: int | None = None) -> TaskFailure:
    """Return the failure of a task whose expression has no value.

    :param where: the expression: ``The expression of the property Disable of \\Package\\Load``.
    :param code: the code of the message. Default: that of the error.
    """
    return TaskFailure(f"{where} cannot be evaluated: {error}", int(error.code) if code is None else code)
