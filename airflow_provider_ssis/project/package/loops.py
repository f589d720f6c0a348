"""For and Foreach loops: expressions, enumerators and variable mappings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.dts import dts_text
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.elements import (
    DtsElement,
    attributes,
    is_true,
    local_name,
    number,
    property_expressions,
)

if TYPE_CHECKING:
    from lxml.etree import _Element


@dataclass(frozen=True, slots=True)
class ForLoop(DtsElement):
    """The data of a For loop.

    :param init_expression: the assignment before the first iteration; empty for none.
    :param eval_expression: the condition of each iteration.
    :param assign_expression: the assignment after each iteration; empty for none.
    """

    init_expression: str
    eval_expression: str
    assign_expression: str


@dataclass(frozen=True, slots=True)
class FileEnumerator:
    """Files of a folder.

    :param name_retrieval: 0 full path, 1 name with extension, 2 name without extension.
    """

    folder: str
    file_spec: str
    name_retrieval: int
    recurse: bool


@dataclass(frozen=True, slots=True)
class ItemEnumerator:
    """Rows of fixed values.

    :param items: for each iteration its values, each with its OLE Automation type code and text.
    """

    items: tuple[tuple[tuple[int, str], ...], ...]


@dataclass(frozen=True, slots=True)
class AdoEnumerator:
    """Rows or tables in a variable.

    :param enumeration: ``EnumerateRowsInFirstTable``, ``EnumerateAllRows`` or ``EnumerateTables``.
    :param variable: the name of the variable.
    """

    enumeration: str
    variable: str


@dataclass(frozen=True, slots=True)
class SchemaRowsetEnumerator:
    """Rows of a database's schema.

    :param connection: the id of the connection manager.
    :param schema: the id of the schema rowset.
    :param properties: all properties, including restrictions.
    """

    connection: str
    schema: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VariableEnumerator:
    """Elements of the object in a variable."""

    variable: str


@dataclass(frozen=True, slots=True)
class NodeListEnumerator:
    """Nodes of an XML document, selected by XPath.

    :param properties: all properties, with the names that SSIS uses.
    """

    enumeration_type: str
    source_type: str
    source_document: str
    outer_xpath_source_type: str
    outer_xpath: str
    inner_element_type: str
    inner_xpath_source_type: str
    inner_xpath: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SmoEnumerator:
    """Objects of a SQL Server, selected by URN."""

    urn: str


@dataclass(frozen=True, slots=True)
class OtherEnumerator:
    """An enumerator without a model class of its kind.

    :param properties: its properties, attributes of all its elements.
    """

    properties: Mapping[str, str]


Enumerator = (
    FileEnumerator
    | ItemEnumerator
    | AdoEnumerator
    | SchemaRowsetEnumerator
    | VariableEnumerator
    | NodeListEnumerator
    | SmoEnumerator
    | OtherEnumerator
)


@dataclass(frozen=True, slots=True)
class VariableMapping:
    """The variable that gets a value of each iteration.

    :param variable: its qualified name.
    :param index: the number of the value, from 0.
    """

    variable: str
    index: int


@dataclass(frozen=True, slots=True)
class ForeachLoop(DtsElement):
    """The data of a Foreach loop.

    :param enumerator: what the loop iterates over; None if it has no enumerator.
    :param creation_name: the type of the enumerator as stored.
    :param expressions: property expressions of the enumerator, by name in Microsoft's object model.
    :param mappings: the variables that get the values of each iteration.
    """

    enumerator: Enumerator | None
    creation_name: str
    expressions: Mapping[str, str]
    mappings: tuple[VariableMapping, ...]


def read_for_loop(element: _Element, part: str) -> ForLoop:
    """Read the data of a For loop.

    :param element: the element of the container.
    :param part: the file that contains it, for errors.
    """
    return ForLoop(
        element,
        part,
        init_expression=dts_text(element, "InitExpression"),
        eval_expression=dts_text(element, "EvalExpression"),
        assign_expression=dts_text(element, "AssignExpression"),
    )


def read_foreach_loop(element: _Element, part: str) -> ForeachLoop:
    """Read the data of a Foreach loop.

    :param element: the element of the container.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: a number in it is not a number.
    """
    found = element.find(f"{DTS}ForEachEnumerator")
    mappings = (
        *element.iterfind(f"{DTS}ForEachVariableMappings/{DTS}ForEachVariableMapping"),
        *element.iterfind(f"{DTS}ForEachVariableMapping"),
    )
    return ForeachLoop(
        element,
        part,
        enumerator=None if found is None else _enumerator(found, part),
        creation_name="" if found is None else dts_text(found, "CreationName"),
        expressions={} if found is None else property_expressions(found),
        mappings=tuple(_mapping(mapping, part) for mapping in mappings),
    )


def _mapping(element: _Element, part: str) -> VariableMapping:
    index = number(dts_text(element, "ValueIndex"), 0, DtsElement(element, part), "ValueIndex")
    return VariableMapping(dts_text(element, "VariableName"), index)


def _enumerator(element: _Element, part: str) -> Enumerator:
    data = element.find(f"{DTS}ObjectData/*")
    if data is None:
        return OtherEnumerator({})
    read = _READERS.get(local_name(data), _other)
    return read(data, DtsElement(data, part))


def _file(data: _Element, owner: DtsElement) -> FileEnumerator:
    found = _all_attributes(data)
    return FileEnumerator(
        folder=found.get("Folder", ""),
        file_spec=found.get("FileSpec", ""),
        name_retrieval=number(found.get("FileNameRetrievalType"), 0, owner, "FileNameRetrievalType"),
        recurse=is_true(found.get("Recurse")),
    )


def _item(data: _Element, owner: DtsElement) -> ItemEnumerator:
    def value(element: _Element) -> tuple[int, str]:
        found = attributes(element)
        return number(found.get("Type"), 0, owner, "Type"), found.get("Value", "")

    return ItemEnumerator(
        tuple(
            tuple(value(one) for one in item if local_name(one) == "FEIEItemValue")
            for item in data
            if local_name(item) == "FEIEItem"
        )
    )


def _ado(data: _Element, owner: DtsElement) -> AdoEnumerator:
    found = attributes(data)
    return AdoEnumerator(found.get("EnumType", ""), found.get("VarName", ""))


def _schema_rowset(data: _Element, owner: DtsElement) -> SchemaRowsetEnumerator:
    found = _all_attributes(data)
    return SchemaRowsetEnumerator(found.get("Connection", ""), found.get("Schema", ""), found)


def _variable(data: _Element, owner: DtsElement) -> VariableEnumerator:
    return VariableEnumerator(attributes(data).get("VariableName", ""))


def _node_list(data: _Element, owner: DtsElement) -> NodeListEnumerator:
    found = _all_attributes(data)
    return NodeListEnumerator(
        enumeration_type=found.get("EnumerationType", ""),
        source_type=found.get("SourceType", ""),
        source_document=found.get("SourceDocument", ""),
        outer_xpath_source_type=found.get("OuterXPathSourceType", ""),
        outer_xpath=found.get("OuterXPathString", ""),
        inner_element_type=found.get("InnerElementType", ""),
        inner_xpath_source_type=found.get("InnerXPathSourceType", ""),
        inner_xpath=found.get("InnerXPathString", ""),
        properties=found,
    )


def _smo(data: _Element, owner: DtsElement) -> SmoEnumerator:
    return SmoEnumerator(attributes(data).get("EnumURN", ""))


def _other(data: _Element, owner: DtsElement) -> OtherEnumerator:
    return OtherEnumerator(_all_attributes(data))


def _all_attributes(data: _Element) -> dict[str, str]:
    """Return the attributes of an element and of all elements inside, in which some enumerators keep one each."""
    found: dict[str, str] = {}
    for element in data.iter("*"):
        found |= attributes(element)
    return found


_READERS: Mapping[str, Callable[[_Element, DtsElement], Enumerator]] = {
    "ForEachFileEnumeratorProperties": _file,
    "FEIEItems": _item,
    "FEEADO": _ado,
    "FEESchemaRowset": _schema_rowset,
    "FEEFVE": _variable,
    "FEENODELIST": _node_list,
    "FEESMO": _smo,
}
