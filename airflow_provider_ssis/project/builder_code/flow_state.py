"""The state that the code for the components of a data flow shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ssis.datatypes import COLUMN_TYPES, TYPE_PARAMETERS
from airflow_provider_ssis.project.builder.flow_columns import Column, SortKey
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.data_flow import Component, DataType


@dataclass
class FlowCode:
    """The state of the code for a data flow.

    :param code: the program.
    :param flow: the data flow that it builds.
    :param managers: the connection managers by id and reference.
    :param variables: the qualified names of variables by id in upper case.
    :param upstream: the output that leads to each input, by the key of the input.
    """

    code: Code
    flow: Ref
    managers: Mapping[str, Ref]
    variables: Mapping[str, str]
    upstream: dict[str, Ref]

    def connection(self, component: Component) -> Ref:
        """Return the connection manager of a component."""
        for each in component.connections:
            for key in (each.manager_ref_id, each.manager_id.removesuffix(":external")):
                if key.casefold() in self.managers:
                    return self.managers[key.casefold()]
        raise BuildError(f"the component {component.name} has no known connection manager")

    def source(self, component: Component, number: int = 0) -> Ref:
        """Return the output that leads to an input of a component."""
        key = component.inputs[number].key if number < len(component.inputs) else ""
        if key not in self.upstream:
            raise BuildError(f"no path leads to the component {component.name}")
        return self.upstream[key]

    def call(self, method: str, component: Component, *args: object, **kwargs: object) -> Ref:
        """Write the call that adds a component."""
        given = {name: value for name, value in kwargs.items() if value is not None}
        return self.code.call(self.flow, method, component.name, *args, into=component.name, **given)


def column(name: str, data_type: DataType) -> Column:
    """Return a column of the builder for a column that was read."""
    code = COLUMN_TYPES.get(data_type.name)
    if code is None:
        raise BuildError(f"the column {name} has the unknown type {data_type.name}")
    parts = TYPE_PARAMETERS.get(code, ())
    values: dict[str, Any] = {
        "length": data_type.length,
        "precision": data_type.precision,
        "scale": data_type.scale,
        "code_page": data_type.code_page,
    }
    return replace(Column(name, code.name), **{each: values[each] for each in parts})


def names_by_lineage(source: Ref) -> dict[str, str]:
    """Return the names of the columns of an output by their lineage ids."""
    return {each.lineage_id: name for name, each in source.value.columns().items()}


def property_text(component: Component, name: str) -> str:
    """Return the text of a property of a component; empty where it has none of this name."""
    found = component.properties.get(name)
    return "" if found is None else found.text


def sort_key(name: str, position: int, flags: int) -> object:
    """Return the sort key as the builder takes it: the name alone for an ascending key without flags.

    :param name: the column.
    :param position: the stored position, from 1; negative for a descending key.
    :param flags: the comparison flags.
    """
    return SortKey(name, position < 0, flags) if position < 0 or flags else name
