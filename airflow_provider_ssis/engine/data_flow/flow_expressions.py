"""Property expressions of a Data Flow task that set properties of its components.

Their names are ``[Component].[Property]``, with an output, an input or a column between:
``[Split].[Errors].[FriendlyExpression]``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from airflow_provider_ssis.project.package.elements import is_true

_NAME = re.compile(r"\[[^\]]+\](?:\.\[[^\]]+\])+")
_PART = re.compile(r"\[([^\]]+)\]")
_OF_THE_TASK: Mapping[str, Callable[[Pipeline, str], Pipeline]] = {
    "DefaultBufferMaxRows": lambda found, text: replace(found, buffer_max_rows=int(text)),
    "DefaultBufferSize": lambda found, text: replace(found, buffer_size=int(text)),
    "AutoAdjustBufferSize": lambda found, text: replace(found, auto_adjust_buffer_size=is_true(text)),
    "RunInOptimizedMode": lambda found, text: replace(found, run_in_optimized_mode=is_true(text)),
}
INVALID_PROPERTY = 0xC0017003

_Owner = TypeVar("_Owner", Component, ComponentInput, ComponentOutput, InputColumn, OutputColumn)


def _targets(container: DtsContainer) -> Iterator[tuple[Sequence[str], str]]:
    """The names in a property expression's name, and the expression."""
    for name, expression in container.expressions.items():
        if _NAME.fullmatch(name):
            yield _PART.findall(name), expression


def unknown_targets(pipeline: Pipeline, container: DtsContainer) -> Iterator[Refusal]:
    """Yield a refusal for each property expression whose component or property does not exist."""
    for names, _ in _targets(container):
        component = next((one for one in pipeline.components if one.name == names[0]), None)
        if component is None or _changed_component(component, names[1:], "") is None:
            shown = ".".join(f"[{name}]" for name in names)
            yield Refusal(
                container.path,
                f"the property expression {shown}",
                "the data flow has no such property",
                "Remove the expression, or correct the names in it.",
            )


def changed_pipeline(pipeline: Pipeline, container: DtsContainer, context: TaskContext) -> Pipeline:
    """Return a data flow with the values of the property expressions.

    :raises TaskFailure: an expression is wrong.
    """
    components = {one.name: one for one in pipeline.components}
    for names, expression in _targets(container):
        if names[0] in components:
            text = _value(expression, ".".join(f"[{name}]" for name in names), context)
            changed = _changed_component(components[names[0]], names[1:], text)
            components[names[0]] = components[names[0]] if changed is None else changed
    result = replace(pipeline, components=tuple(components.values()))
    for name, change in _OF_THE_TASK.items():
        if name in container.expressions:
            result = change(result, _value(container.expressions[name], name, context))
    return result


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
