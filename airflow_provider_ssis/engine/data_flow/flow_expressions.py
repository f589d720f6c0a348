"""Property expressions of a Data Flow task that set properties of its components.

Their names are ``[Component].[Property]``, with an output, an input or a column between:
``[Split].[Errors].[FriendlyExpression]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.stored.component_properties import changed_flow
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions import ExpressionError, Settings, compile_expression
from airflow_provider_ssis.expressions.values import to_text
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.property_paths import component_names

INVALID_PROPERTY = 0xC0017003


def _targets(container: DtsContainer) -> Iterator[tuple[str, Sequence[str], str]]:
    """Yield the name of each property expression, the names in it (none if it is malformed), and the expression."""
    for name, expression in container.expressions.items():
        text = name.strip()
        if text.startswith("["):
            yield text, component_names(text), expression


def unknown_targets(pipeline: Pipeline, container: DtsContainer) -> Iterator[Refusal]:
    """Yield a refusal for each property expression whose component or property does not exist."""
    for name, names, _ in _targets(container):
        if not names or changed_flow(pipeline, names, "") is None:
            yield Refusal(
                container.path,
                f"the property expression {name}",
                "the data flow has no such property",
                "Remove the expression, or correct the names in it.",
            )


def changed_pipeline(pipeline: Pipeline, container: DtsContainer, context: TaskContext) -> Pipeline:
    """Return a data flow with the values of the property expressions.

    :raises TaskFailure: an expression is wrong.
    """
    for name, names, expression in _targets(container):
        if names:
            pipeline = changed_flow(pipeline, names, _value(expression, name, context)) or pipeline
    return pipeline


def _value(expression: str, name: str, context: TaskContext) -> str:
    try:
        compiled = compile_expression(expression, context.scope(), Settings(locale=context.locale_id))
        value = compiled.evaluate()
    except ExpressionError as error:
        raise TaskFailure(f"The property expression of {name} is wrong: {error}", INVALID_PROPERTY) from error
    return "" if value is None else to_text(value, compiled.type)
