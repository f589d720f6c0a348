"""Property expressions of a Data Flow task that set properties of its components.

Their names are ``[Component].[Property]``, with an output, an input or a column between:
``[Split].[Errors].[FriendlyExpression]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.stored.component_properties import changed_component
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions import ExpressionError, Settings, compile_expression
from airflow_provider_ssis.expressions.values import to_text
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.data_flow import Pipeline

INVALID_PROPERTY = 0xC0017003


def _targets(container: DtsContainer) -> Iterator[tuple[str, Sequence[str], str]]:
    """Yield the name of each property expression, the names in it (none if it is malformed), and the expression."""
    for name, expression in container.expressions.items():
        text = name.strip()
        if text.startswith("["):
            names = text[1:-1].split("].[") if text.endswith("]") else []
            yield text, names if len(names) > 1 else [], expression


def unknown_targets(pipeline: Pipeline, container: DtsContainer) -> Iterator[Refusal]:
    """Yield a refusal for each property expression whose component or property does not exist."""
    for name, names, _ in _targets(container):
        component = next((one for one in pipeline.components if [one.name] == names[:1]), None)
        if component is None or changed_component(component, names[1:], "") is None:
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
    components = {one.name: one for one in pipeline.components}
    for name, names, expression in _targets(container):
        if names and names[0] in components:
            text = _value(expression, name, context)
            changed = changed_component(components[names[0]], names[1:], text)
            components[names[0]] = components[names[0]] if changed is None else changed
    return replace(pipeline, components=tuple(components.values()))


def _value(expression: str, name: str, context: TaskContext) -> str:
    try:
        compiled = compile_expression(expression, context.scope(), Settings(locale=context.locale_id))
        value = compiled.evaluate()
    except ExpressionError as error:
        raise TaskFailure(f"The property expression of {name} is wrong: {error}", INVALID_PROPERTY) from error
    return "" if value is None else to_text(value, compiled.type)
