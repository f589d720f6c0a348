"""Code for data flows."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from lxml import etree

from airflow_provider_ssis.project.builder.components import Output
from airflow_provider_ssis.project.builder_code.adjustment import adjust
from airflow_provider_ssis.project.builder_code.calls import Code, Ref
from airflow_provider_ssis.project.builder_code.component_code import WRITERS
from airflow_provider_ssis.project.builder_code.equality import differences
from airflow_provider_ssis.project.builder_code.flow_state import FlowCode
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
    :raises BuildError: the builder cannot add one of its components.
    """
    attributes = {str(name): str(value) for name, value in found.element.attrib.items() if name != "version"}
    if attributes:
        code.call(flow, "set_attributes", attributes)
    state = FlowCode(code, flow, managers, variables, {})
    inputs = {each.output_key: each.input_key for each in found.paths}
    names = {each.output_key: each.name for each in found.paths}
    for component in _ordered(found):
        made = _typed(state, component) or _stored(state, component)
        for output in component.outputs:
            if output.key in inputs:
                leading = _output(made, output.name)
                if names[output.key] != output.name:
                    code.assign(leading, "path_name", names[output.key])
                state.upstream[inputs[output.key]] = leading


def _typed(state: FlowCode, component: Component) -> Ref | None:
    """Write the calls for a component with the method of its class; None if it makes no equal component."""
    write = WRITERS.get(component_class(component))
    mark = state.code.mark()
    if write is None:
        return None
    try:
        made = write(state, component)
        adjust(state, component, made)
    except (BuildError, LookupError, ValueError, TypeError):
        made = None
    if made is not None and not differences(component.element, made.value.written, component.part):
        return made
    state.code.undo(mark)
    state.flow.value.discard(component.name)
    return None


def _stored(state: FlowCode, component: Component) -> Ref:
    """Write the call that adds a component with its XML."""
    data = etree.tostring(component.element, encoding="unicode", with_tail=False)
    sources = {each.name: state.upstream[each.key] for each in component.inputs if each.key in state.upstream}
    given = (sources,) if sources else ()
    return state.code.call(state.flow, "add_stored_component", data, *given, into=component.name)


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
