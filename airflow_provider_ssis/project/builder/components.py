"""Components of data flows, with their inputs, outputs and columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.flow_columns import Column, FlowColumn
from airflow_provider_ssis.project.builder.flow_properties import Properties, Property
from airflow_provider_ssis.project.builder.xml import check_text, plain_element
from airflow_provider_ssis.project.errors import BuildError

if TYPE_CHECKING:
    from lxml.etree import _Element

ERROR_COLUMNS = (("ErrorCode", 1), ("ErrorColumn", 2))
_DISPOSITIONS = ("FailComponent", "IgnoreFailure", "RedirectRow")
_ERROR, _TRUNCATION = "errorRowDisposition", "truncationRowDisposition"


@dataclass(slots=True)
class OutputColumn:
    """A column that an output adds.

    :param special_flags: 1 for an error code, 2 for the column of an error.
    :param operation: the operation that can fail: ``Conversion``, ``Computation``; empty for one
        without a name; None for none.
    :param can_fail: which failures of the operation are handled: errors, truncations.
    :param external: whether it has a column of the source.
    :param sort_position: its position in the sort key, negative for descending, 0 for none.
    """

    column: Column
    special_flags: int | None = None
    operation: str | None = None
    can_fail: tuple[str, ...] = (_ERROR, _TRUNCATION)
    external: bool = False
    sort_position: int = 0
    comparison_flags: int = 0
    attributes: Mapping[str, object] = field(default_factory=dict)
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Output:
    """An output. Give it to the component that follows.

    :param ref_id: its reference.
    :param passed: the columns of the input that it passes on.
    :param added: the columns that it adds.
    :param attributes: its other attributes.
    :param properties: its properties.
    :param target: the reference of the input to which it leads; None for none.
    :param path_name: the name of the path that leads there. Default: empty, the name of the output.
    """

    name: str
    ref_id: str
    passed: tuple[FlowColumn, ...] = ()
    added: tuple[OutputColumn, ...] = ()
    attributes: dict[str, object] = field(default_factory=dict)
    properties: Properties = field(default_factory=dict)
    target: str | None = None
    path_name: str = ""

    @property
    def is_error_output(self) -> bool:
        """Whether it gets the rows that failed."""
        return self.attributes.get("isErrorOut") is not None

    def columns(self) -> dict[str, FlowColumn]:
        """Return the columns that the component after it sees, by name."""
        own = [
            FlowColumn(each.column, self.lineage_id(each.column.name), each.sort_position, each.comparison_flags)
            for each in self.added
        ]
        return {each.column.name: each for each in (*self.passed, *own)}

    def lineage_id(self, name: str) -> str:
        """Return the reference of a column that it adds."""
        return f"{self.ref_id}.Columns[{name}]"

    def element(self) -> _Element:
        """Return ``output``."""
        is_sorted = "true" if any(each.sort_position for each in self.added) else None
        made = node("output", self.ref_id, {"name": self.name, "isSorted": is_sorted, **self.attributes})
        made.extend(properties_of(self.properties))
        columns, external = plain_element("outputColumns"), plain_element("externalMetadataColumns")
        for each in self.added:
            ref_id = self.lineage_id(each.column.name)
            external_id = f"{self.ref_id}.ExternalColumns[{each.column.name}]"
            attributes = {
                "name": each.column.name,
                "lineageId": ref_id,
                "specialFlags": each.special_flags,
                "sortKeyPosition": each.sort_position or None,
                "comparisonFlags": each.comparison_flags or None,
                "externalMetadataColumnId": external_id if each.external else None,
                **each.column.attributes(),
                **each.attributes,
            }
            if each.operation is not None:
                attributes |= {"errorOrTruncationOperation": each.operation or None}
                attributes |= dict.fromkeys(each.can_fail, "FailComponent")
            column = node("outputColumn", ref_id, attributes)
            column.extend(properties_of(each.properties))
            columns.append(column)
            if each.external:
                external.set("isUsed", "True")
                external.append(external_column(external_id, each.column))
        if len(columns):
            made.append(columns)
        made.append(external)
        return made


@dataclass(slots=True)
class InputColumn:
    """A column that a component uses.

    :param source: the column upstream.
    :param target: the column of the destination that it goes to. Default: None, no destination.
    :param target_properties: the properties of that column.
    :param operation: the operation that can fail and replaces the value; None for a column that is only read.
    :param can_fail: which failures of the operation are handled: errors, truncations.
    :param read_write: whether the component changes the value in place.
    """

    source: FlowColumn
    target: Column | None = None
    target_properties: Properties = field(default_factory=dict)
    operation: str | None = None
    can_fail: tuple[str, ...] = (_ERROR, _TRUNCATION)
    read_write: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(slots=True)
class Input:
    """An input.

    :param ref_id: its reference.
    :param columns: the columns that the component uses.
    :param attributes: its other attributes.
    :param properties: its properties.
    :param other_columns: the columns of the destination that get no value.
    :param external_names: the names of the columns of the destination in their order. Default: those that get a value
        come first.
    """

    name: str
    ref_id: str
    columns: tuple[InputColumn, ...] = ()
    attributes: Mapping[str, object] = field(default_factory=dict)
    properties: Properties = field(default_factory=dict)
    other_columns: tuple[Column, ...] = ()
    external_names: tuple[str, ...] = ()

    def column_id(self, name: str) -> str:
        """Return the reference of one of its columns."""
        return f"{self.ref_id}.Columns[{name}]"

    def element(self) -> _Element:
        """Return ``input``."""
        made = node("input", self.ref_id, {"name": self.name, **self.attributes})
        made.extend(properties_of(self.properties))
        used, external = plain_element("inputColumns"), plain_element("externalMetadataColumns")
        for each in self.columns:
            external_id = None if each.target is None else f"{self.ref_id}.ExternalColumns[{each.target.name}]"
            attributes = {
                "externalMetadataColumnId": external_id,
                "lineageId": each.source.lineage_id,
                "usageType": "readWrite" if each.read_write else None,
                **each.source.cached_attributes(),
            }
            if each.operation is not None:
                attributes |= {"errorOrTruncationOperation": each.operation or None}
                attributes |= dict.fromkeys(each.can_fail, "FailComponent")
            column = node("inputColumn", self.column_id(each.source.column.name), attributes)
            column.extend(properties_of(each.properties))
            used.append(column)
            if each.target is not None and external_id is not None:
                external.set("isUsed", "True")
                listed = external_column(external_id, each.target)
                listed.extend(properties_of(each.target_properties))
                external.append(listed)
        for other in self.other_columns:
            external.set("isUsed", "True")
            external.append(external_column(f"{self.ref_id}.ExternalColumns[{other.name}]", other))
        if self.external_names:
            external[:] = sorted(external, key=lambda one: self.external_names.index(one.get("name", "")))
        if len(used):
            made.append(used)
        made.append(external)
        return made


@dataclass(slots=True)
class Component:
    """A source, transformation or destination.

    :param ref_id: its reference.
    :param class_id: its type as the file stores it.
    :param version: the version of the component that the properties belong to.
    :param uses_dispositions: whether its rows can fail one by one.
    :param connection: the connection manager and what it is for.
    :param inputs: its inputs.
    :param outputs: its outputs by name. The first is the main one.
    :param written: its element in the package.
    """

    name: str
    ref_id: str
    class_id: str
    version: int
    uses_dispositions: bool
    properties: Properties
    connection: tuple[str, ConnectionManagerBuilder] | None
    inputs: tuple[Input, ...]
    outputs: dict[str, Output]
    written: _Element | None = field(default=None, repr=False)

    @property
    def output(self) -> Output:
        """The main output.

        :raises BuildError: a destination has none.
        """
        for each in self.outputs.values():
            if not each.is_error_output:
                return each
        raise BuildError(f"the destination {self.name} has no output")

    @property
    def error_output(self) -> Output:
        """The output of the rows that failed.

        :raises BuildError: the component has none.
        """
        for each in self.outputs.values():
            if each.is_error_output:
                return each
        raise BuildError(f"the component {self.name} has no error output")

    def set_dispositions(
        self, error: str = "RedirectRow", truncation: str | None = None, *, column: str | None = None
    ) -> None:
        """Choose what happens to a row that fails in this component.

        :param error: ``FailComponent``, ``IgnoreFailure`` or ``RedirectRow`` to the error output.
            Default: ``RedirectRow``.
        :param truncation: the same for a text that is cut. Default: None, as ``error``.
        :param column: the column, or the output of a Conditional Split, that is meant. Default: None, all.
        :raises BuildError: the value is unknown, the component fails as a whole, or nothing in that column can fail.
        """
        chosen = {_ERROR: error, _TRUNCATION: truncation or error}
        unknown = [value for value in chosen.values() if value not in _DISPOSITIONS]
        if unknown:
            raise BuildError(
                f"the component {self.name} has the unknown disposition {unknown[0]!r}",
                advice=f"Dispositions: {', '.join(_DISPOSITIONS)}",
            )
        commit_size = self.properties.get("FastLoadMaxInsertCommitSize")
        is_whole = commit_size is not None and commit_size.text == "0"
        found = False
        for each in () if self.written is None else self.written.iter("*"):
            if column is None or column in (each.get("name"), each.get("cachedName")):
                for name in chosen.keys() & each.keys():
                    each.set(name, chosen[name])
                    found = True
        if not found or (error == "RedirectRow" and is_whole):
            of = "" if column is None else f" for {column}"
            raise BuildError(
                f"the component {self.name} cannot have the disposition {error}{of}",
                advice="Choose a component or column that can fail row by row, and a commit size other than 0",
            )

    def set_properties(self, properties: Mapping[str, str | int | bool | None]) -> None:
        """Set custom properties that no argument sets: ``{"CommandTimeout": 60}``.

        :param properties: values by name; None to leave out a property that the version of the component does not have.
        :raises BuildError: the component has no such property, or the property cannot have the value.
        """
        found = (
            {}
            if self.written is None
            else {each.get("name", ""): each for each in self.written.iterfind("properties/property")}
        )
        for name, value in properties.items():
            if name not in found:
                raise BuildError(
                    f"the component {self.name} has no property {name}", advice=f"Properties: {', '.join(found)}"
                )
            if value is None:
                owner = found[name].getparent()
                if owner is not None:
                    owner.remove(found[name])
                self.properties = {key: each for key, each in self.properties.items() if key != name}
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            _check_property(f"the property {name} of the component {self.name}", found[name], text)
            found[name].text = text or None
            if found[name].get("dataType") == "System.Null" and text:
                found[name].set("dataType", "System.String")
            self.properties = {**self.properties, name: self.properties[name]._replace(text=text)}

    def add_property(self, name: str, value: str | int | bool) -> None:
        """Add a custom property that another version of the component has: ``add_property("EscapeQualifier", True)``.

        :param name: its name.
        :param value: its value, which gives its type: String, Int32 or Boolean.
        :raises BuildError: the component has such a property.
        """
        if name in self.properties or self.written is None:
            raise BuildError(f"the component {self.name} has the property {name}", advice="Use set_properties")
        kind = "Boolean" if isinstance(value, bool) else "Int32" if isinstance(value, int) else "String"
        made = Property(f"System.{kind}", str(value).lower() if isinstance(value, bool) else str(value))
        self.properties = {**self.properties, name: made}
        written = self.written.find("properties")
        (new,) = properties_of({name: made})
        if written is None:
            self.written.insert(0, new)
        else:
            written.extend(list(new))

    def set_attributes(self, attributes: Mapping[str, str | None]) -> None:
        """Set attributes that no argument sets, as a file stores them: ``{"validateExternalMetadata": "False"}``.

        :param attributes: texts by name; None to leave an attribute out.
        """
        if self.written is None:
            return
        values = {str(name): str(value) for name, value in self.written.attrib.items()}
        values |= {name: value for name, value in attributes.items() if value is not None}
        self.written.attrib.clear()
        for name in ("refId", *sorted(values.keys() - {"refId"}, key=str.casefold)):
            if name not in attributes or attributes[name] is not None:
                self.written.set(name, values[name])

    def element(self) -> _Element:
        """Return ``component``."""
        made = node(
            "component",
            self.ref_id,
            {
                "componentClassID": self.class_id,
                "name": self.name,
                "usesDispositions": "true" if self.uses_dispositions else None,
                "version": self.version or None,
            },
        )
        made.extend(properties_of(self.properties))
        if self.connection is not None:
            name, manager = self.connection
            id_ = f"{manager.id}:external" if manager.project_level else manager.ref_id
            connections = plain_element("connections")
            connections.append(
                node(
                    "connection",
                    f"{self.ref_id}.Connections[{name}]",
                    {"connectionManagerID": id_, "connectionManagerRefId": manager.ref_id, "name": name},
                )
            )
            made.append(connections)
        if self.inputs:
            inputs = plain_element("inputs")
            inputs.extend([each.element() for each in self.inputs])
            made.append(inputs)
        if self.outputs:
            outputs = plain_element("outputs")
            outputs.extend([each.element() for each in self.outputs.values()])
            made.append(outputs)
        return made


def node(tag: str, ref_id: str, attributes: Mapping[str, object]) -> _Element:
    """Return an element of a data flow: its refId, then its attributes in the order of their names.

    :param attributes: attributes by name; those with the value None are left out.
    """
    return plain_element(
        tag, {"refId": ref_id, **dict(sorted(attributes.items(), key=lambda item: item[0].casefold()))}
    )


def properties_of(properties: Properties) -> list[_Element]:
    """Return the element around some properties, in a list; an empty list for no properties."""
    if not properties:
        return []
    made = plain_element("properties")
    for name, found in properties.items():
        is_array = isinstance(found.text, tuple)
        attributes: dict[str, object] = {
            "containsID": "true" if found.contains_id else None,
            "dataType": found.data_type,
            "expressionType": "Notify" if found.can_have_expression else None,
            "isArray": "true" if is_array else None,
            "name": name,
        }
        if isinstance(found.text, tuple):
            listed = plain_element("property", attributes)
            values = plain_element("arrayElements", {"arrayElementCount": len(found.text)})
            values.extend(
                [plain_element("arrayElement", {"dataType": found.data_type}, text=each) for each in found.text]
            )
            listed.append(values)
        else:
            listed = plain_element("property", attributes, text=found.text or None)
        made.append(listed)
    return [made]


def external_column(ref_id: str, column: Column) -> _Element:
    """Return ``externalMetadataColumn``: the column of a table, query or file."""
    return node("externalMetadataColumn", ref_id, {"name": column.name, **column.attributes()})


def error_columns(columns: Iterable[Column] = ()) -> tuple[OutputColumn, ...]:
    """Return the columns of an error output: copies of some columns, the code and the column of the error."""
    own = [OutputColumn(Column(name, "DT_I4"), special_flags=flags) for name, flags in ERROR_COLUMNS]
    return (*[OutputColumn(each) for each in columns], *own)


def _check_property(owner: str, stored: _Element, text: str) -> None:
    check_text(owner, text)
    kind = stored.get("dataType", "").removeprefix("System.")
    is_valid = {"Int32": re.fullmatch(r"-?[0-9]+", text), "Boolean": text in ("true", "false")}.get(kind, True)
    if not is_valid:
        raise BuildError(f"{owner} is of the type {kind}, and cannot be {text!r}")
