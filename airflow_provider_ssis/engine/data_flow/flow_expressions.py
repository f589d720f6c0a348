"""Property expressions of a Data Flow task that set properties of its components.

Their names are ``[Component].[Property]``, with an output, an input or a column between:
``[Split].[Errors].[FriendlyExpression]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.row_expressions import CHANGED_BY_EXPRESSION
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.expressions import ExpressionError, Settings, compile_expression
from airflow_provider_ssis.expressions.values import to_text
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.data_flow import (
    Component,
    ComponentInput,
    ComponentOutput,
    ComponentProperty,
    InputColumn,
    OutputColumn,
    Pipeline,
)

INVALID_PROPERTY = 0xC0017003

_Owner = TypeVar("_Owner", Component, ComponentInput, ComponentOutput, InputColumn, OutputColumn)


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
        if component is None or _changed_component(component, names[1:], "") is None:
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
            changed = _changed_component(components[names[0]], names[1:], text)
            components[names[0]] = components[names[0]] if changed is None else changed
    return replace(pipeline, components=tuple(components.values()))


def _value(expression: str, name: str, context: TaskContext) -> str:
    try:
        compiled = compile_expression(expression, context.scope(), Settings(locale=context.locale_id))
        value = compiled.evaluate()
    except ExpressionError as error:
        raise TaskFailure(f"The property expression of {name} is wrong: {error}", INVALID_PROPERTY) from error
    return "" if value is None else to_text(value, compiled.type)


def _changed_component(component: Component, names: Sequence[str], text: str) -> Component | None:
    """The component with another value of a property; None if there is no such property."""
    if len(names) == 1:
        return _changed(component, names[0], text)
    for index, output in enumerate(component.outputs):
        changed = _changed_end(output, names, text)
        if changed is not None:
            outputs = (*component.outputs[:index], changed, *component.outputs[index + 1 :])
            return replace(component, outputs=outputs)
    for at, one in enumerate(component.inputs):
        changed_input = _changed_end(one, names, text)
        if changed_input is not None:
            return replace(component, inputs=(*component.inputs[:at], changed_input, *component.inputs[at + 1 :]))
    return None


_End = TypeVar("_End", ComponentInput, ComponentOutput)


def _changed_end(end: _End, names: Sequence[str], text: str) -> _End | None:
    if end.name != names[0]:
        return None
    if len(names) == 2:
        return _changed(end, names[1], text)
    columns = [
        _changed(column, names[2], text) or column if column.name == names[1] else column for column in end.columns
    ]
    if all(column is before for column, before in zip(columns, end.columns, strict=True)):
        return None
    return replace(end, columns=tuple(columns))


def _changed(owner: _Owner, name: str, text: str) -> _Owner | None:
    stored = owner.properties.get(name)
    if stored is None:
        return None
    properties = {**owner.properties, name: _with_text(stored, text)}
    if name == "FriendlyExpression":
        properties[CHANGED_BY_EXPRESSION] = _with_text(stored, text)
    return replace(owner, properties=properties)


def _with_text(stored: ComponentProperty, text: str) -> ComponentProperty:
    is_null = stored.data_type == "System.Null"
    return replace(stored, text=text, data_type="System.String" if is_null else stored.data_type)
