"""The elements of a data flow: components with their inputs and outputs, and the paths between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.components import (
    Component,
    Input,
    InputColumn,
    Output,
    OutputColumn,
    error_columns,
    node,
)
from airflow_provider_ssis.project.builder.flow_columns import (
    Column,
    FlowColumn,
    SortKey,
    sort_keys,
    stored_expression,
)
from airflow_provider_ssis.project.builder.flow_properties import Properties, Property, int32, text
from airflow_provider_ssis.project.builder.variables import BuiltVariable, Variable
from airflow_provider_ssis.project.builder.xml import check_name, check_text, plain_element
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.type_names import class_id

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
    from airflow_provider_ssis.project.builder.executables import TaskBuilder

SIDE_EFFECTS = {"hasSideEffects": "true"}
"""The attribute of an input whose rows are needed even if nothing reads the output."""


class DataFlowElements:
    """The elements of a data flow, to which the methods of :class:`DataFlowBuilder` add components of each class.

    :param task: the Data Flow task.
    :param pipeline: its element ``pipeline``, to which components and paths are added.
    """

    def __init__(self, task: TaskBuilder, pipeline: _Element) -> None:
        self.task = task
        self._names: set[str] = set()
        self._path_names: set[str] = set()
        self._leading: dict[str, Output] = {}
        self._outputs: dict[str, Output] = {}
        self._components, self._paths = plain_element("components"), plain_element("paths")
        pipeline.append(self._components)
        self._pipeline = pipeline

    def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Set attributes of the data flow, as a file stores them: ``{"defaultBufferMaxRows": "50000"}``.

        :param attributes: texts by name.
        :raises BuildError: a text has a character that XML does not allow.
        """
        check_text(f"the data flow {self.task.ref_id}", "".join(attributes.values()))
        values = {str(name): str(value) for name, value in self._pipeline.attrib.items()} | dict(attributes)
        self._pipeline.attrib.clear()
        for name in sorted(values, key=str.casefold):
            self._pipeline.set(name, values[name])

    def _start(self, name: str, connection: ConnectionManagerBuilder | None = None, *kinds: str) -> str:
        """Check the name and the connection manager of a component, and return its reference."""
        check_name(name, "component", self.task.package.part, forbidden="\\[]")
        if name.casefold() in self._names:
            raise self._error(name, "has the name of another component")
        if connection is not None and not (self.task.package.sees(connection) and connection.kind in kinds):
            raise self._error(
                name, f"needs a connection manager of type {' or '.join(kinds)} of the package or its project"
            )
        return f"{self.task.ref_id}\\{name}"

    def _add(
        self,
        name: str,
        class_name: str,
        version: int,
        properties: Properties,
        *,
        uses_dispositions: bool = False,
        connection: tuple[str, ConnectionManagerBuilder] | None = None,
        inputs: Sequence[Input] = (),
        outputs: Sequence[Output] = (),
        managed: str = "",
    ) -> Component:
        """Add a component.

        :param class_name: its class: ``Lookup``, ``OLEDBSource``; ``ManagedComponentHost`` for one of .NET.
        :param managed: the .NET type of a managed component. Default: none.
        """
        if managed:
            properties = {**properties, "UserComponentTypeName": text(managed)}
        by_name = {each.name: each for each in outputs}
        if len(by_name) < len(outputs):
            raise self._error(name, "has two outputs of one name")
        try:
            stored_class = class_id(class_name, self.task.package.format_version)
        except KeyError:
            raise BuildError(
                f"the component {name} of {self.task.ref_id} cannot be written in format 6: the class id of "
                f"{class_name} there is not known",
                part=self.task.package.part,
                advice="Write the package in format 8 (SQL Server 2016 and later)",
            ) from None
        made = Component(
            name,
            f"{self.task.ref_id}\\{name}",
            stored_class,
            version,
            uses_dispositions,
            properties,
            connection,
            tuple(inputs),
            by_name,
        )
        made.written = made.element()
        self._components.append(made.written)
        self._names.add(name.casefold())
        self._outputs |= {each.ref_id: each for each in outputs}
        return made

    def _source_outputs(
        self,
        name: str,
        ref_id: str,
        label: str,
        columns: Sequence[Column],
        own: Properties,
        *,
        sorted_by: Sequence[SortKey | str] = (),
    ) -> tuple[Output, Output]:
        """Return the main output and the error output of a source."""
        if not columns or len({each.name for each in columns}) < len(columns):
            raise self._error(name, "needs columns with different names")
        keys = self._keys(name, sorted_by, [each.name for each in columns])
        added = tuple(
            OutputColumn(
                each,
                operation="Conversion",
                external=True,
                properties=own,
                sort_position=keys.get(each.name, (0, 0))[0],
                comparison_flags=keys.get(each.name, (0, 0))[1],
            )
            for each in columns
        )
        return (
            self._output(ref_id, f"{label} Output", added=added),
            self._output(
                ref_id, f"{label} Error Output", added=error_columns(columns), attributes={"isErrorOut": "true"}
            ),
        )

    def _keys(self, name: str, keys: Sequence[SortKey | str], columns: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return the position and comparison flags of the sort key by column."""
        found = sort_keys(keys)
        unknown = [each for each in found if each not in columns]
        if unknown or len(found) < len(keys):
            raise self._error(name, f"has an invalid sort key: {', '.join(unknown) or 'a column appears twice'}")
        return found

    def _row_outputs(
        self,
        ref_id: str,
        label: str,
        source: Output,
        added: tuple[OutputColumn, ...] = (),
        attributes: Mapping[str, object] | None = None,
    ) -> tuple[Output, Output]:
        """Return the outputs of a transformation that sends each row to its main output or its error output.

        :param label: the beginning of the names of its input and outputs.
        :param added: the columns that it adds to the rows.
        :param attributes: other attributes of the main output. Default: none.
        """
        group = self._group(ref_id, f"{label} Input")
        passed = tuple(source.columns().values())
        return (
            self._output(ref_id, f"{label} Output", passed, added, {**group, **(attributes or {})}),
            self._error_output(ref_id, label, source),
        )

    def _error_output(self, ref_id: str, label: str, source: Output) -> Output:
        """Return the error output of a transformation or destination: the rows with the code of the error."""
        return self._output(
            ref_id,
            f"{label} Error Output",
            tuple(source.columns().values()),
            error_columns(),
            {**self._group(ref_id, f"{label} Input"), "isErrorOut": "true"},
        )

    def _group(self, ref_id: str, input_name: str) -> dict[str, object]:
        """Return the attributes of an output that gets a row of the input if no other output gets it."""
        return {"exclusionGroup": 1, "synchronousInputId": f"{ref_id}.Inputs[{input_name}]"}

    def _input(
        self,
        name: str,
        ref_id: str,
        label: str,
        source: Output,
        columns: Sequence[InputColumn] = (),
        attributes: Mapping[str, object] | None = None,
    ) -> Input:
        """Return the input of a component, and add the path that leads to it."""
        if source.target is not None or self._outputs.get(source.ref_id) is not source:
            raise self._error(name, f"cannot use the output {source.name}: it has a path, or is in another data flow")
        input_id = f"{ref_id}.Inputs[{label}]"
        source.target = input_id
        name_of_path = source.path_name or source.name
        path, number = name_of_path, 0
        while path.casefold() in self._path_names:
            number += 1
            path = f"{name_of_path}{number}"
        self._path_names.add(path.casefold())
        self._leading[input_id] = source
        attributes_of_path = {"endId": input_id, "name": name_of_path, "startId": source.ref_id}
        self._paths.append(node("path", f"{self.task.ref_id}.Paths[{path}]", attributes_of_path))
        if self._paths.getparent() is None:
            self._pipeline.append(self._paths)
        return Input(label, input_id, tuple(columns), attributes or {})

    def _remove_paths(self, start: str) -> None:
        """Remove the paths to the inputs whose references begin with a text."""
        for each in list(self._paths):
            input_id = each.get("endId", "")
            if input_id.startswith(start):
                self._paths.remove(each)
                self._path_names.discard(each.get("refId", "").rpartition("[")[2].removesuffix("]").casefold())
                self._leading.pop(input_id).target = None

    def _mapped(
        self, name: str, source: Output, mappings: Mapping[str, Column | str] | Mapping[str, Column] | None
    ) -> list[InputColumn]:
        """Return the input columns of a destination; ``mappings`` maps columns upstream to columns."""
        upstream = source.columns()
        chosen: Mapping[str, Column | str] = {each: each for each in upstream} if mappings is None else mappings
        made: list[InputColumn] = []
        for original, target in chosen.items():
            found = self._column(name, original, upstream)
            made.append(InputColumn(found, replace(found.column, name=target) if isinstance(target, str) else target))
        return made

    def _column(self, name: str, original: str, upstream: Mapping[str, FlowColumn]) -> FlowColumn:
        if original not in upstream:
            raise self._error(name, f"uses the unknown column {original}. Columns: {', '.join(upstream) or 'none'}")
        return upstream[original]

    def _typed(self, name: str, original: str, source: Output, types: Sequence[str]) -> FlowColumn:
        """Return a column upstream that has one of some types."""
        found = self._column(name, original, source.columns())
        if found.column.data_type not in types:
            raise self._error(name, f"needs one of the types {', '.join(types)} for {original}")
        return found

    def _new_columns(self, name: str, added: Sequence[OutputColumn], source: Output) -> tuple[OutputColumn, ...]:
        """Return the columns that a transformation adds to the rows of its input."""
        names = [each.column.name for each in added]
        if len(set(names)) < len(names) or set(names) & set(source.columns()):
            raise self._error(name, "needs new columns, with names that no other column has")
        return tuple(added)

    def _expression(
        self, text_: str, upstream: Mapping[str, FlowColumn], used: dict[str, FlowColumn], name: str
    ) -> str:
        stored, columns = stored_expression(text_, upstream, name)
        used |= {each.column.name: each for each in columns}
        return stored

    def _variable(self, name: str, variable: Variable, *types: str) -> str:
        """Return the qualified name of a variable that is visible in the task and has one of some types."""
        variable_name = self.task.variable_name(variable)
        found = self.task.visible(variable_name)
        if not isinstance(found, BuiltVariable) or found.value.data_type.name not in types:
            raise self._error(name, f"needs a variable of type {', '.join(types)}; {variable_name} is none")
        return variable_name

    def _used(self, name: str, source: Output, columns: Sequence[str] | None) -> list[InputColumn]:
        """Return input columns for some columns upstream; None for all of them."""
        upstream = source.columns()
        return [InputColumn(self._column(name, each, upstream)) for each in (upstream if columns is None else columns)]

    def _row_set(
        self, name: str, table: str, table_variable: Variable | None, sql: str, sql_variable: Variable | None
    ) -> tuple[str, str, int]:
        """Return the names of the variables of the table and the query, and the access mode."""
        given = [bool(table), table_variable is not None, bool(sql), sql_variable is not None]
        if given.count(True) != 1:
            raise self._error(name, "needs either a table or a query, as a text or in a variable")
        table_name = "" if table_variable is None else self._variable(name, table_variable, "String")
        sql_name = "" if sql_variable is None else self._variable(name, sql_variable, "String")
        return table_name, sql_name, given.index(True)

    def _raw_file(self, name: str, path: str, path_variable: Variable | None) -> dict[str, Property]:
        """Return the properties that name a raw file."""
        if bool(path) is (path_variable is not None):
            raise self._error(name, "needs either a path or a variable")
        return {
            "AccessMode": int32(0 if path else 1),
            "FileName": text(path),
            "FileNameVariable": text("" if path_variable is None else self._variable(name, path_variable, "String")),
        }

    def _output(
        self,
        ref_id: str,
        name: str,
        passed: tuple[FlowColumn, ...] = (),
        added: tuple[OutputColumn, ...] = (),
        attributes: Mapping[str, object] | None = None,
        properties: Properties | None = None,
    ) -> Output:
        check_name(name, "output", self.task.package.part, forbidden="[]")
        return Output(name, f"{ref_id}.Outputs[{name}]", passed, added, dict(attributes or {}), dict(properties or {}))

    def _error(self, name: str, problem: str) -> BuildError:
        return BuildError(f"the component {name} of {self.task.ref_id} {problem}", part=self.task.package.part)
