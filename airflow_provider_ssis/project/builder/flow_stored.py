"""Components of any class, as a file stores them."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ssis.datatypes import COLUMN_TYPES
from airflow_provider_ssis.project.builder.components import Component, Output, OutputColumn
from airflow_provider_ssis.project.builder.flow_columns import Column
from airflow_provider_ssis.project.builder.flow_elements import DataFlowElements
from airflow_provider_ssis.project.builder.xml import stored_xml
from airflow_provider_ssis.project.package.data_flow import ComponentOutput, read_component
from airflow_provider_ssis.project.package.data_flow import OutputColumn as ReadColumn


class StoredComponents(DataFlowElements):
    """The method that adds a component of a class without a method of its type."""

    def add_stored_component(self, data: str, sources: Mapping[str, Output] | None = None) -> Component:
        """Add a component of any class, with its XML.

        :param data: the element ``component`` as a file of formats 6 and 8 stores it, for this data flow.
        :param sources: the output that leads to each input, by the name of the input. Default: none.
        :raises BuildError: the name is invalid or used, the component belongs to another data flow, or it has no such
            input.
        :raises ProjectError: the data is not well-formed XML.
        """
        element = stored_xml(data, self.task.package.part)
        found = read_component(element, self.task.package.part)
        ref_id = self._start(found.name)
        names = [each.name for each in found.inputs]
        given = dict(sources or {})
        if found.key != ref_id or not set(given) <= set(names):
            raise self._error(found.name, f"is one of another data flow, or has other inputs than {', '.join(names)}")
        inputs = [self._input(found.name, ref_id, label, source) for label, source in given.items()]
        keys = {each.key: given[each.name] for each in found.inputs if each.name in given}
        outputs = {each.name: _output(each, keys.get(each.synchronous_input_key)) for each in found.outputs}
        made = Component(
            found.name, ref_id, found.class_id, found.version, found.uses_dispositions, {}, None, tuple(inputs), outputs
        )
        made.written = element
        self._components.append(element)
        self._names.add(found.name.casefold())
        self._outputs |= {each.ref_id: each for each in outputs.values()}
        return made

    def discard(self, name: str) -> None:
        """Remove a component and the paths that lead to it, if there is one of that name.

        :param name: its name.
        :raises BuildError: another component takes one of its outputs.
        """
        ref_id = f"{self.task.ref_id}\\{name}"
        own = [each for each in self._outputs.values() if each.ref_id.startswith(f"{ref_id}.Outputs[")]
        if any(each.target is not None for each in own):
            raise self._error(name, "cannot be removed: another component takes one of its outputs")
        for output in own:
            del self._outputs[output.ref_id]
        for each in self._components:
            if each.get("refId") == ref_id:
                self._components.remove(each)
        self._names.discard(name.casefold())
        self._remove_paths(f"{ref_id}.Inputs[")


def _output(found: ComponentOutput, source: Output | None) -> Output:
    passed = () if source is None else tuple(source.columns().values())
    attributes: dict[str, object] = {"isErrorOut": "true"} if found.is_error_output else {}
    return Output(found.name, found.key, passed, tuple(_column(each) for each in found.columns), attributes)


def _column(found: ReadColumn) -> OutputColumn:
    stored = found.data_type
    code = COLUMN_TYPES.get(stored.name)
    column = Column(
        found.name,
        "DT_WSTR" if code is None else code.name,
        stored.length,
        stored.precision,
        stored.scale,
        stored.code_page or 1252,
    )
    return OutputColumn(column, sort_position=found.sort_key_position, comparison_flags=found.comparison_flags)
