"""Code for data flows."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from airflow_provider_ssis.project.builder.components import Output
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.builder_code.component_code import WRITERS, FlowCode, adjust
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.data_flow import Component, Pipeline
from airflow_provider_ssis.project.type_names import component_class


def flow_code(
    code: Code, flow: Ref, found: Pipeline, managers: Mapping[str, Ref], variables: Mapping[str, str]
) -> None:
    """Write the code for the components of a data flow.

    :param code: the program.
    :param flow: the data flow that it builds.
    :param found: the data flow.
    :param managers: the connection managers by id and reference.
    :param variables: the qualified names of variables by id in upper case.
    :raises BuildError: the methods of the builder do not make one of its components.
    :raises LookupError: the same.
    :raises ValueError: the same.
    """
    attributes = {str(name): str(value) for name, value in found.element.attrib.items() if name != "version"}
    if attributes:
        code.call(flow, "set_attributes", attributes)
    state = FlowCode(code, flow, managers, variables, {})
    inputs = {each.output_key: each.input_key for each in found.paths}
    for component in _ordered(found):
        write = WRITERS.get(component_class(component))
        if write is None:
            raise BuildError(f"the component {component.name} has no method of the builder")
        made = write(state, component)
        adjust(state, component, made)
        for output in component.outputs:
            if output.key in inputs:
                state.upstream[inputs[output.key]] = _output(made, output.name)


def _ordered(found: Pipeline) -> list[Component]:
    """Return the components, each after those that lead to it."""
    by_end = {end.key: component for component in found.components for end in component.ends}
    by_key = {component.key: component for component in found.components}
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(by_key, ()))
    for path in found.paths:
        sorter.add(by_end[path.input_key].key, by_end[path.output_key].key)
    try:
        return [by_key[key] for key in sorter.static_order()]
    except CycleError:
        raise BuildError("the paths of the data flow form a cycle") from None


def _output(made: Ref, name: str) -> Ref:
    """Return the expression of an output: ``source.output``, ``split.outputs["Big"]``."""
    wanted = made.value.outputs[name]
    for attribute in ("output", "error_output"):
        try:
            found = getattr(made.value, attribute)
        except BuildError:
            continue
        if isinstance(found, Output) and found is wanted:
            return Ref(f"{made.text}.{attribute}", found)
    return made.outputs.item(name)
