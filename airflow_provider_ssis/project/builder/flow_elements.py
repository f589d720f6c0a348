"""The elements of a data flow: components with their inputs and outputs, and the paths between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.components import (
    Component,
    Output,
    OutputColumn,
    Properties,
    error_columns,
    input_element,
    node,
)
from airflow_provider_ssis.project.builder.flow_columns import Column, FlowColumn, stored_expression
from airflow_provider_ssis.project.builder.xml import check_name, plain_element
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.type_names import class_id

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.builder.connections import ConnectionManagerBuilder
    from airflow_provider_ssis.project.builder.executables import TaskBuilder


class DataFlowElements:
    """The elements of a data flow, which :class:`DataFlowBuilder` adds for each class of component.

    :param task: the Data Flow task.
    :param pipeline: its element ``pipeline``, to which components and paths are added.
    """

    def __init__(self, task: TaskBuilder, pipeline: _Element) -> None:
        self.task = task
        self._names: set[str] = set()
        self._path_names: set[str] = set()
        self._components, self._paths = plain_element("components"), plain_element("paths")
        pipeline.append(self._components)
        self._pipeline = pipeline

    def _start(self, name: str, connection: ConnectionManagerBuilder | None = None, kind: str = "") -> str:
        """Check the name and the connection manager of a component, and return its reference."""
        check_name(name, "component", self.task.package.part)
        if name.casefold() in self._names:
            raise self._error(name, "has the name of another component")
        if connection is not None and not (self.task.package.sees(connection) and connection.kind == kind):
            raise self._error(name, f"needs a connection manager of type {kind} of the package or its project")
        return f"{self.task.ref_id}\\{name}"

    def _add(
        self,
        name: str,
        class_name: str,
        version: int,
        uses_dispositions: bool,
        properties: Properties,
        connection: tuple[str, ConnectionManagerBuilder] | None,
        input_: _Element | None,
        outputs: dict[str, Output],
    ) -> Component:
        made = Component(
            name,
            f"{self.task.ref_id}\\{name}",
            class_id(class_name, self.task.package.format_version),
            version,
            uses_dispositions,
            properties,
            connection,
            input_,
            outputs,
        )
        made.written = made.element()
        self._components.append(made.written)
        self._names.add(name.casefold())
        return made

    def _source_outputs(
        self, ref_id: str, label: str, columns: Sequence[Column], own: Properties, name: str
    ) -> dict[str, Output]:
        if not columns or len({each.name for each in columns}) < len(columns):
            raise self._error(name, "needs columns with different names")
        main, error = f"{label} Output", f"{label} Error Output"
        added = tuple(OutputColumn(each, operation="Conversion", external=True, properties=own) for each in columns)
        return {
            main: Output(main, self._output(ref_id, main), (), added),
            error: Output(error, self._output(ref_id, error), (), error_columns(columns), {"isErrorOut": "true"}),
        }

    def _transform(
        self,
        name: str,
        ref_id: str,
        class_name: str,
        label: str,
        source: Output,
        used: Mapping[str, FlowColumn],
        added: tuple[OutputColumn, ...],
    ) -> Component:
        passed = source.columns()
        names = [each.column.name for each in added]
        if not names or len(set(names)) < len(names) or set(names) & set(passed):
            raise self._error(name, "needs new columns, with names that no other column has")
        group = {"exclusionGroup": 1, "synchronousInputId": f"{ref_id}.Inputs[{label} Input]"}
        main, error = f"{label} Output", f"{label} Error Output"
        outputs = {
            main: Output(main, self._output(ref_id, main), tuple(passed.values()), added, {**group}),
            error: Output(
                error,
                self._output(ref_id, error),
                tuple(passed.values()),
                error_columns(),
                {**group, "isErrorOut": "true"},
            ),
        }
        made = self._input(name, ref_id, f"{label} Input", source, [(each, None) for each in used.values()])
        return self._add(name, class_name, 0, True, {}, None, made, outputs)

    def _input(
        self,
        name: str,
        ref_id: str,
        label: str,
        source: Output,
        columns: Sequence[tuple[FlowColumn, Column | None]] = (),
        attributes: Mapping[str, object] | None = None,
    ) -> _Element:
        """Return the input of a component, and add the path that leads to it."""
        if source.target is not None or not source.ref_id.startswith(f"{self.task.ref_id}\\"):
            raise self._error(name, f"cannot use the output {source.name}: it has a path, or is in another data flow")
        input_id = f"{ref_id}.Inputs[{label}]"
        source.target = input_id
        path, number = source.name, 0
        while path.casefold() in self._path_names:
            number += 1
            path = f"{source.name}{number}"
        self._path_names.add(path.casefold())
        attributes_of_path = {"endId": input_id, "name": source.name, "startId": source.ref_id}
        self._paths.append(node("path", f"{self.task.ref_id}.Paths[{path}]", attributes_of_path))
        if self._paths.getparent() is None:
            self._pipeline.append(self._paths)
        return input_element(input_id, label, columns, attributes)

    def _mapped(
        self, name: str, source: Output, mappings: Mapping[str, Column | str] | Mapping[str, Column] | None
    ) -> list[tuple[FlowColumn, Column | None]]:
        upstream = source.columns()
        chosen: Mapping[str, Column | str] = {each: each for each in upstream} if mappings is None else mappings
        made: list[tuple[FlowColumn, Column | None]] = []
        for original, target in chosen.items():
            found = self._column(name, original, upstream)
            made.append((found, replace(found.column, name=target) if isinstance(target, str) else target))
        return made

    def _column(self, name: str, original: str, upstream: Mapping[str, FlowColumn]) -> FlowColumn:
        if original not in upstream:
            raise self._error(name, f"uses the unknown column {original}. Columns: {', '.join(upstream) or 'none'}")
        return upstream[original]

    def _expression(self, text: str, upstream: Mapping[str, FlowColumn], used: dict[str, FlowColumn], name: str) -> str:
        stored, columns = stored_expression(text, upstream, name)
        used |= {each.column.name: each for each in columns}
        return stored

    def _output(self, ref_id: str, name: str) -> str:
        check_name(name, "output", self.task.package.part)
        return f"{ref_id}.Outputs[{name}]"

    def _error(self, name: str, problem: str) -> BuildError:
        return BuildError(f"the component {name} of {self.task.ref_id} {problem}", part=self.task.package.part)
