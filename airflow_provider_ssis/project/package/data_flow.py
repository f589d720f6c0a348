"""Data flows: components with their properties, inputs, outputs and columns, and the paths between them.

Formats 6 and 8 refer to objects by refId, older formats by number; ``key`` is the one that the format uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.package.elements import DtsElement, is_true, number, unescaped

if TYPE_CHECKING:
    from lxml.etree import _Element

NOT_USED = "NotUsed"
INVALID = ":invalid"
"""The end of a reference to a connection manager that was deleted."""


@dataclass(frozen=True, slots=True)
class ComponentProperty(DtsElement):
    """A property of a component, an input, an output or a column.

    :param data_type: ``System.Int32``, ``System.String``, ``System.Null`` for no value, ...
    :param text: the value as text, without escapes; empty for an array.
    :param items: the values of an array.
    :param contains_id: the value refers to an object of the data flow: ``#{refId}`` or ``#123``.
    :param can_have_expression: a property expression of the Data Flow task may set it.
    """

    name: str
    data_type: str
    text: str
    items: tuple[str, ...]
    is_array: bool
    contains_id: bool
    can_have_expression: bool


@dataclass(frozen=True, slots=True)
class ComponentConnection(DtsElement):
    """The connection manager of a component.

    :param name: what the component uses it for: ``OleDbConnection``, ``FlatFileConnection``, ...
    :param manager_id: the id of the connection manager, in formats 6 and 8 the refId for one of the package, and
        ``{id}:external`` for one of the project.
    :param manager_ref_id: ``Package.ConnectionManagers[Name]`` or ``Project.ConnectionManagers[Name]``; empty in old
        formats.
    """

    name: str
    manager_id: str
    manager_ref_id: str


@dataclass(frozen=True, slots=True)
class DataType:
    """The type of a column.

    :param name: ``i4``, ``wstr``, ``numeric``, ...
    :param length: of a text or of bytes.
    """

    name: str
    length: int
    precision: int
    scale: int
    code_page: int


@dataclass(frozen=True, slots=True)
class OutputColumn(DtsElement):
    """A column that a component creates.

    :param lineage_id: by which the components that follow refer to it.
    :param sort_key_position: its position in the sort key, from 1; negative for descending, 0 for none.
    :param special_flags: 1 for an error code, 2 for the column of an error.
    :param error_disposition: ``NotUsed``, ``FailComponent``, ``IgnoreFailure`` or ``RedirectRow``.
    :param truncation_disposition: as ``error_disposition``.
    :param external_key: the external column that it is bound to; empty for none.
    """

    key: str
    name: str
    data_type: DataType
    lineage_id: str
    sort_key_position: int
    comparison_flags: int
    special_flags: int
    error_disposition: str
    truncation_disposition: str
    external_key: str
    properties: Mapping[str, ComponentProperty]


@dataclass(frozen=True, slots=True)
class InputColumn(DtsElement):
    """A column that a component uses.

    :param name: its own name; empty if it is that of the column upstream.
    :param lineage_id: the column that it is; its type is that of the output column.
    :param usage: ``readOnly``, ``readWrite`` or ``ignored``.
    :param cached_name: the copy of the name upstream in formats 6 and 8.
    :param cached_type: the copy of the type upstream in formats 6 and 8; None in older formats.
    """

    key: str
    name: str
    lineage_id: str
    usage: str
    cached_name: str
    cached_type: DataType | None
    error_disposition: str
    truncation_disposition: str
    external_key: str
    properties: Mapping[str, ComponentProperty]


@dataclass(frozen=True, slots=True)
class ExternalColumn(DtsElement):
    """A column of the table, query or file that a source or destination uses."""

    key: str
    name: str
    data_type: DataType
    properties: Mapping[str, ComponentProperty]


@dataclass(frozen=True, slots=True)
class ComponentInput(DtsElement):
    """An input of a component.

    :param dangling: a spare input, to which no path leads.
    """

    key: str
    name: str
    error_disposition: str
    truncation_disposition: str
    has_side_effects: bool
    dangling: bool
    columns: tuple[InputColumn, ...]
    external_columns: tuple[ExternalColumn, ...]
    properties: Mapping[str, ComponentProperty]


@dataclass(frozen=True, slots=True)
class ComponentOutput(DtsElement):
    """An output of a component.

    :param synchronous_input_key: the input whose rows it passes on; empty for an asynchronous output.
    :param exclusion_group: a row goes to one output of each group other than 0, and to all outputs of group 0.
    """

    key: str
    name: str
    is_error_output: bool
    synchronous_input_key: str
    exclusion_group: int
    is_sorted: bool
    is_default: bool
    has_side_effects: bool
    dangling: bool
    error_disposition: str
    truncation_disposition: str
    columns: tuple[OutputColumn, ...]
    external_columns: tuple[ExternalColumn, ...]
    properties: Mapping[str, ComponentProperty]


@dataclass(frozen=True, slots=True)
class Component(DtsElement):
    """A source, transformation or destination.

    :param class_id: its type: a name in format 8, a ProgID or GUID in older formats.
    :param locale_id: None if it is that of the task.
    """

    key: str
    name: str
    class_id: str
    description: str
    version: int
    locale_id: int | None
    uses_dispositions: bool
    validate_external_metadata: bool
    properties: Mapping[str, ComponentProperty]
    connections: tuple[ComponentConnection, ...]
    inputs: tuple[ComponentInput, ...]
    outputs: tuple[ComponentOutput, ...]

    @property
    def ends(self) -> tuple[ComponentInput | ComponentOutput, ...]:
        """The inputs and outputs, which paths connect."""
        return (*self.inputs, *self.outputs)


@dataclass(frozen=True, slots=True)
class ComponentPath(DtsElement):
    """A path from an output to an input."""

    key: str
    name: str
    output_key: str
    input_key: str


@dataclass(frozen=True, slots=True)
class Pipeline(DtsElement):
    """The data of a Data Flow task.

    :param buffer_size: in bytes.
    """

    engine_threads: int
    buffer_max_rows: int
    buffer_size: int
    auto_adjust_buffer_size: bool
    run_in_optimized_mode: bool
    components: tuple[Component, ...]
    paths: tuple[ComponentPath, ...]


def read_pipeline(element: _Element, part: str) -> Pipeline:
    """Read the data of a Data Flow task.

    :param element: ``pipeline``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: a number in it is not a number.
    """
    reader = _Reader(part)
    return Pipeline(
        element,
        part,
        engine_threads=reader.number(element, "engineThreads", 10),
        buffer_max_rows=reader.number(element, "defaultBufferMaxRows", 10_000),
        buffer_size=reader.number(element, "defaultBufferSize", 10_485_760),
        auto_adjust_buffer_size=is_true(element.get("autoAdjustBufferSize")),
        run_in_optimized_mode=is_true(element.get("runInOptimizedMode"), default=True),
        components=tuple(reader.component(one) for one in element.iterfind("components/component")),
        paths=tuple(
            ComponentPath(
                one,
                part,
                key=_key(one),
                name=one.get("name", ""),
                output_key=one.get("startId", ""),
                input_key=one.get("endId", ""),
            )
            for one in element.iterfind("paths/path")
        ),
    )


def read_component(element: _Element, part: str) -> Component:
    """Read a component.

    :param element: ``component``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: a number in it is not a number.
    """
    return _Reader(part).component(element)


@dataclass(frozen=True, slots=True)
class _Reader:
    part: str

    def component(self, element: _Element) -> Component:
        locale_id = self.number(element, "localeId", -1)
        return Component(
            element,
            self.part,
            key=_key(element),
            name=element.get("name", ""),
            class_id=element.get("componentClassID", ""),
            description=element.get("description", ""),
            version=self.number(element, "version", 0),
            locale_id=None if locale_id == -1 else locale_id,
            uses_dispositions=is_true(element.get("usesDispositions")),
            validate_external_metadata=is_true(element.get("validateExternalMetadata"), default=True),
            properties=self.properties(element),
            connections=tuple(
                ComponentConnection(
                    one,
                    self.part,
                    name=one.get("name", ""),
                    manager_id=one.get("connectionManagerID", ""),
                    manager_ref_id=one.get("connectionManagerRefId", ""),
                )
                for one in element.iterfind("connections/connection")
            ),
            inputs=tuple(self.input(one) for one in element.iterfind("inputs/input")),
            outputs=tuple(self.output(one) for one in element.iterfind("outputs/output")),
        )

    def input(self, element: _Element) -> ComponentInput:
        return ComponentInput(
            element,
            self.part,
            key=_key(element),
            name=element.get("name", ""),
            error_disposition=element.get("errorRowDisposition", NOT_USED),
            truncation_disposition=element.get("truncationRowDisposition", NOT_USED),
            has_side_effects=is_true(element.get("hasSideEffects")),
            dangling=is_true(element.get("dangling")),
            columns=tuple(self.input_column(one) for one in element.iterfind("inputColumns/inputColumn")),
            external_columns=self.external_columns(element),
            properties=self.properties(element),
        )

    def output(self, element: _Element) -> ComponentOutput:
        synchronous = element.get("synchronousInputId", "")
        return ComponentOutput(
            element,
            self.part,
            key=_key(element),
            name=element.get("name", ""),
            is_error_output=is_true(element.get("isErrorOut")),
            synchronous_input_key="" if synchronous == "0" else synchronous,
            exclusion_group=self.number(element, "exclusionGroup", 0),
            is_sorted=is_true(element.get("isSorted")),
            is_default=is_true(element.get("isDefaultOut")),
            has_side_effects=is_true(element.get("hasSideEffects")),
            dangling=is_true(element.get("dangling")),
            error_disposition=element.get("errorRowDisposition", NOT_USED),
            truncation_disposition=element.get("truncationRowDisposition", NOT_USED),
            columns=tuple(self.output_column(one) for one in element.iterfind("outputColumns/outputColumn")),
            external_columns=self.external_columns(element),
            properties=self.properties(element),
        )

    def input_column(self, element: _Element) -> InputColumn:
        has_copy = element.get("cachedDataType") is not None
        return InputColumn(
            element,
            self.part,
            key=_key(element),
            name=element.get("name", ""),
            lineage_id=element.get("lineageId", ""),
            usage=element.get("usageType", "readOnly"),
            cached_name=element.get("cachedName", ""),
            cached_type=self.data_type(element, "cached") if has_copy else None,
            error_disposition=element.get("errorRowDisposition", NOT_USED),
            truncation_disposition=element.get("truncationRowDisposition", NOT_USED),
            external_key=_reference(element, "externalMetadataColumnId"),
            properties=self.properties(element),
        )

    def output_column(self, element: _Element) -> OutputColumn:
        return OutputColumn(
            element,
            self.part,
            key=_key(element),
            name=element.get("name", ""),
            data_type=self.data_type(element),
            lineage_id=element.get("lineageId", ""),
            sort_key_position=self.number(element, "sortKeyPosition", 0),
            comparison_flags=self.number(element, "comparisonFlags", 0),
            special_flags=self.number(element, "specialFlags", 0),
            error_disposition=element.get("errorRowDisposition", NOT_USED),
            truncation_disposition=element.get("truncationRowDisposition", NOT_USED),
            external_key=_reference(element, "externalMetadataColumnId"),
            properties=self.properties(element),
        )

    def external_columns(self, element: _Element) -> tuple[ExternalColumn, ...]:
        return tuple(
            ExternalColumn(
                one,
                self.part,
                key=_key(one),
                name=one.get("name", ""),
                data_type=self.data_type(one),
                properties=self.properties(one),
            )
            for one in element.iterfind("externalMetadataColumns/externalMetadataColumn")
        )

    def data_type(self, element: _Element, prefix: str = "") -> DataType:
        def name(attribute: str) -> str:
            return prefix + attribute[0].upper() + attribute[1:] if prefix else attribute

        return DataType(
            name=element.get(name("dataType"), ""),
            length=self.number(element, name("length"), 0),
            precision=self.number(element, name("precision"), 0),
            scale=self.number(element, name("scale"), 0),
            code_page=self.number(element, "cachedCodepage" if prefix else "codePage", 0),
        )

    def properties(self, element: _Element) -> dict[str, ComponentProperty]:
        found = (self.property(one) for one in element.iterfind("properties/property"))
        return {one.name: one for one in found}

    def property(self, element: _Element) -> ComponentProperty:
        is_array = is_true(element.get("isArray"))
        text = element.text or ""
        return ComponentProperty(
            element,
            self.part,
            name=element.get("name", ""),
            data_type=element.get("dataType", ""),
            text="" if is_array else unescaped(text) if element.get("state") == "escaped" else text,
            items=tuple(item.text or "" for item in element.iterfind("arrayElements/arrayElement")),
            is_array=is_array,
            contains_id=is_true(element.get("containsID")),
            can_have_expression=element.get("expressionType") == "Notify",
        )

    def number(self, element: _Element, name: str, default: int) -> int:
        return number(element.get(name), default, DtsElement(element, self.part), name)


def _key(element: _Element) -> str:
    return element.get("refId", element.get("id", ""))


def _reference(element: _Element, name: str) -> str:
    value = element.get(name, "")
    return "" if value == "0" else value
