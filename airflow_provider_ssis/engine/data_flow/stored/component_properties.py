"""Values of the properties of a component, of its inputs and outputs, and of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

from airflow_provider_ssis.project.package.data_flow import (
    Component,
    ComponentInput,
    ComponentOutput,
    InputColumn,
    OutputColumn,
    Pipeline,
)

CHANGED_BY_EXPRESSION: Final = "FriendlyExpression by a property expression"
"""A property that is added where a property expression or a property path sets FriendlyExpression."""

_Owner = TypeVar("_Owner", Component, ComponentInput, ComponentOutput, InputColumn, OutputColumn)
_End = TypeVar("_End", ComponentInput, ComponentOutput)


def changed_flow(pipeline: Pipeline, names: Sequence[str], text: str) -> Pipeline | None:
    """Return a data flow with another value of a property; None if there is no such property.

    :param names: the names of the component and of the property, which is compared without case; between them, the
        names of an output or input, and of a column of it.
    """
    components = pipeline.components
    for index, component in enumerate(components):
        changed = _changed_component(component, names[1:], text) if component.name == names[0] else None
        if changed is not None:
            return replace(pipeline, components=(*components[:index], changed, *components[index + 1 :]))
    return None


def _changed_component(component: Component, names: Sequence[str], text: str) -> Component | None:
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


def _changed_end(end: _End, names: Sequence[str], text: str) -> _End | None:
    if end.name != names[0] or len(names) > 3:
        return None
    if len(names) == 2:
        return _changed(end, names[1], text)
    columns = [
        _changed(column, names[2], text) or column if _name(column) == names[1] else column for column in end.columns
    ]
    if all(column is before for column, before in zip(columns, end.columns, strict=True)):
        return None
    return replace(end, columns=tuple(columns))


def _name(column: InputColumn | OutputColumn) -> str:
    """Return the name of a column; input columns have that of the column upstream unless they store another one."""
    return column.name or (column.cached_name if isinstance(column, InputColumn) else "")


def _changed(owner: _Owner, name: str, text: str) -> _Owner | None:
    key = next((one for one in owner.properties if one.lower() == name.lower()), None)
    if key is None:
        return None
    stored = owner.properties[key]
    is_null = stored.data_type == "System.Null"
    changed = replace(stored, text=text, data_type="System.String" if is_null else stored.data_type)
    properties = {**owner.properties, key: changed}
    if key == "FriendlyExpression":
        properties[CHANGED_BY_EXPRESSION] = changed
    return replace(owner, properties=properties)
