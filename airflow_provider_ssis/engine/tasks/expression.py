"""The Expression task."""

from __future__ import annotations

from typing import Any

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.expressions import Assignment, ExpressionError, Settings, compile_assignment
from airflow_provider_ssis.expressions.values import to_python
from airflow_provider_ssis.project.package.tasks import ExpressionTask as Stored


class ExpressionTask(Task):
    """Assigns the value of an expression to a variable."""

    data: Stored

    def validate(self, context: TaskContext) -> None:
        """Check the types of the assignment."""
        self._compiled(context)

    def run(self, context: TaskContext) -> Any:
        """Assign.

        :returns: the value.
        """
        assignment = self._compiled(context)
        try:
            value = to_python(assignment.expression.evaluate(), assignment.expression.type)
        except ExpressionError as error:
            raise _failure(error) from None
        context.write(assignment.variable, value)
        return value

    def _compiled(self, context: TaskContext) -> Assignment:
        if not self.data.expression.strip():
            raise TaskFailure("The task has no expression. Set the property Expression.")
        try:
            return compile_assignment(self.data.expression, context.scope(), Settings(locale=context.locale_id))
        except ExpressionError as error:
            raise _failure(error) from None


def _failure(error: ExpressionError) -> TaskFailure:
    return TaskFailure(f"The expression of the task is not valid: {error}.", int(error.code))
