"""Components of data flows, with their inputs, outputs and columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.connections import ConnectionManagerBuilder
from airflow_provider_ssis.project.builder.flow_columns import Column, FlowColumn
from airflow_provider_ssis.project.builder.xml import plain_element
from airflow_provider_ssis.project.errors import BuildError

if TYPE_CHECKING:
    from lxml.etree import _Element

Properties = Mapping[str, tuple[str, str]]
"""The type and the text of properties, by name, in the order of Visual Studio."""

ERROR_COLUMNS = (("ErrorCode", 1), ("ErrorColumn", 2))
_DISPOSITIONS = ("FailComponent", "IgnoreFailure", "RedirectRow")
_FAIL = {"errorRowDisposition": "FailComponent", "truncationRowDisposition": "FailComponent"}


@dataclass(slots=True)
class OutputColumn:
    """A column that an output adds.

    :param special_flags: 1 for an error code, 2 for the column of an error.
    :param operation: what can fail: ``Conversion``, ``Computation``; None if nothing can.
    :param external: whether it has a column of the source.
    """

    column: Column
    special_flags: int | None = None
    operation: str | None = None
    external: bool = False
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
    """

    name: str
    ref_id: str
    passed: tuple[FlowColumn, ...] = ()
    added: tuple[OutputColumn, ...] = ()
    attributes: dict[str, object] = field(default_factory=dict)
    properties: Properties = field(default_factory=dict)
    target: str | None = None

    def columns(self) -> dict[str, FlowColumn]:
        """Return the columns that the component after it sees, by name."""
        own = [FlowColumn(each.column, self.lineage_id(each.column.name)) for each in self.added]
        return {each.column.name: each for each in (*self.passed, *own)}

    def lineage_id(self, name: str) -> str:
        """Return the reference of a column that it adds."""
        return f"{self.ref_id}.Columns[{name}]"

    def element(self) -> _Element:
        """Return ``output``."""
        made = node("output", self.ref_id, {"name": self.name, **self.attributes})
        made.extend(properties_of(self.properties))
        columns, external = plain_element("outputColumns"), plain_element("externalMetadataColumns")
        for each in self.added:
            ref_id = self.lineage_id(each.column.name)
            external_id = f"{self.ref_id}.ExternalColumns[{each.column.name}]"
            attributes = {
                "name": each.column.name,
                "lineageId": ref_id,
                "specialFlags": each.special_flags,
                "externalMetadataColumnId": external_id if each.external else None,
                **each.column.attributes(),
            }
            if each.operation is not None:
                attributes |= {"errorOrTruncationOperation": each.operation, **_FAIL}
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
class Component:
    """A source, transformation or destination.

    :param ref_id: its reference.
    :param class_id: its type as the file stores it.
    :param version: the version of the component that the properties belong to.
    :param uses_dispositions: whether its rows can fail one by one.
    :param connection: the connection manager and what it is for.
    :param input: its input.
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
    input: _Element | None
    outputs: dict[str, Output]
    written: _Element | None = field(default=None, repr=False)

    @property
    def output(self) -> Output:
        """The main output.

        :raises BuildError: a destination has none.
        """
        for each in self.outputs.values():
            if not each.attributes.get("isErrorOut"):
                return each
        raise BuildError(f"the destination {self.name} has no output")

    @property
    def error_output(self) -> Output:
        """The output of the rows that failed.

        :raises BuildError: the component has none.
        """
        for each in self.outputs.values():
            if each.attributes.get("isErrorOut"):
                return each
        raise BuildError(f"the component {self.name} has no error output")

    def set_dispositions(self, error: str = "RedirectRow", truncation: str | None = None) -> None:
        """Choose what happens to a row that fails in this component.

        :param error: ``FailComponent``, ``IgnoreFailure`` or ``RedirectRow`` to the error output.
            Default: ``RedirectRow``.
        :param truncation: the same for a text that is cut. Default: None, as ``error``.
        :raises BuildError: the value is unknown, or the component fails as a whole.
        """
        chosen = {"errorRowDisposition": error, "truncationRowDisposition": truncation or error}
        unknown = [value for value in chosen.values() if value not in _DISPOSITIONS]
        if unknown:
            raise BuildError(
                f"the component {self.name} has the unknown disposition {unknown[0]!r}",
                advice=f"Dispositions: {', '.join(_DISPOSITIONS)}",
            )
        commit_size = self.properties.get("FastLoadMaxInsertCommitSize", ("", ""))[1]
        if not self.uses_dispositions or (error == "RedirectRow" and commit_size == "0"):
            raise BuildError(
                f"the component {self.name} cannot have the disposition {error}",
                advice="Choose a component with an error output, and a commit size other than 0",
            )
        for each in () if self.written is None else self.written.iter("*"):
            for name in chosen.keys() & each.keys():
                each.set(name, chosen[name])

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
        if self.input is not None:
            inputs = plain_element("inputs")
            inputs.append(self.input)
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
    for name, (data_type, text) in properties.items():
        attributes: dict[str, object] = {"dataType": data_type}
        if "#{" in text:
            attributes["containsID"] = "true"
        attributes["name"] = name
        made.append(plain_element("property", attributes, text=text or None))
    return [made]


def input_element(
    ref_id: str,
    name: str,
    columns: Iterable[tuple[FlowColumn, Column | None]] = (),
    attributes: Mapping[str, object] | None = None,
) -> _Element:
    """Return ``input``.

    :param ref_id: its reference.
    :param name: its name.
    :param columns: the columns that the component uses, each with the column of the destination that it goes to.
        Default: none.
    :param attributes: other attributes. Default: none.
    """
    made = node("input", ref_id, {"name": name, **(attributes or {})})
    used, external = plain_element("inputColumns"), plain_element("externalMetadataColumns")
    for each, target in columns:
        external_id = None if target is None else f"{ref_id}.ExternalColumns[{target.name}]"
        used.append(
            node(
                "inputColumn",
                f"{ref_id}.Columns[{each.column.name}]",
                {
                    "cachedName": each.column.name,
                    "externalMetadataColumnId": external_id,
                    "lineageId": each.lineage_id,
                    **each.column.attributes("cached"),
                },
            )
        )
        if target is not None and external_id is not None:
            external.set("isUsed", "True")
            external.append(external_column(external_id, target))
    if len(used):
        made.append(used)
    made.append(external)
    return made


def external_column(ref_id: str, column: Column) -> _Element:
    """Return ``externalMetadataColumn``: the column of a table, query or file."""
    return node("externalMetadataColumn", ref_id, {"name": column.name, **column.attributes()})


def error_columns(columns: Iterable[Column] = ()) -> tuple[OutputColumn, ...]:
    """Return the columns of an error output: copies of some columns, the code and the column of the error."""
    own = [OutputColumn(Column(name, "DT_I4"), special_flags=flags) for name, flags in ERROR_COLUMNS]
    return (*[OutputColumn(each) for each in columns], *own)
