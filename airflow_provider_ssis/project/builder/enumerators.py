"""The enumerators of Foreach loops, written from the classes that the reader returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_ssis.project.builder.task_types import ASSEMBLY_VERSION
from airflow_provider_ssis.project.builder.xml import plain_element
from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.loops import (
    AdoEnumerator,
    Enumerator,
    FileEnumerator,
    ItemEnumerator,
    NodeListEnumerator,
    SchemaRowsetEnumerator,
    SmoEnumerator,
    VariableEnumerator,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

_TYPES: Mapping[type, tuple[str, str]] = {
    FileEnumerator: ("File", "DTS.ForEachFileEnumerator.3"),
    ItemEnumerator: ("Item", "Item"),
    AdoEnumerator: ("ADO", "ADO"),
    SchemaRowsetEnumerator: ("SchemaRowset", "SchemaRowset"),
    VariableEnumerator: ("FromVar", "FromVar"),
    NodeListEnumerator: ("NodeList", "NodeList"),
    SmoEnumerator: ("SMO", "SMO"),
}


def enumerator_type(enumerator: Enumerator, format_version: int) -> str:
    """Return the type of an enumerator as a file stores it.

    :param enumerator: the enumerator.
    :param format_version: 6 or 8.
    :raises BuildError: the builder does not write enumerators of that type.
    """
    if type(enumerator) not in _TYPES:
        raise BuildError(f"cannot write the enumerator {type(enumerator).__name__}", advice=f"Use one of {_names()}")
    name, old = _TYPES[type(enumerator)]
    if format_version == 8:
        return f"Microsoft.ForEach{name}Enumerator"
    if "." in old:
        return old
    return (
        f"Microsoft.SqlServer.Dts.Runtime.Enumerators.{old}.ForEach{name}Enumerator,"
        f" Microsoft.SqlServer.ForEach{name}Enumerator, {ASSEMBLY_VERSION}"
    )


def enumerator_data(enumerator: Enumerator) -> _Element:
    """Return the element with the data of an enumerator.

    :param enumerator: the enumerator, of a type that :func:`enumerator_type` knows.
    """
    return _WRITERS[type(enumerator)](enumerator)


def _names() -> str:
    return ", ".join(each.__name__ for each in _TYPES)


def _file(found: FileEnumerator) -> _Element:
    made = plain_element("ForEachFileEnumeratorProperties")
    for name, value in (
        ("Folder", found.folder),
        ("FileSpec", found.file_spec),
        ("FileNameRetrievalType", str(found.name_retrieval)),
        ("Recurse", "-1" if found.recurse else "0"),
    ):
        made.append(plain_element("FEFEProperty", {name: value}))
    return made


def _item(found: ItemEnumerator) -> _Element:
    made = plain_element("FEIEItems")
    for item in found.items:
        row = plain_element("FEIEItem")
        row.extend([plain_element("FEIEItemValue", {"Type": code, "Value": text}) for code, text in item])
        made.append(row)
    return made


def _ado(found: AdoEnumerator) -> _Element:
    return plain_element("FEEADO", {"EnumType": found.enumeration, "VarName": found.variable})


def _schema_rowset(found: SchemaRowsetEnumerator) -> _Element:
    return plain_element(
        "FEESchemaRowset", {**found.properties, "Connection": found.connection, "Schema": found.schema}
    )


def _variable(found: VariableEnumerator) -> _Element:
    return plain_element("FEEFVE", {"VariableName": found.variable})


def _node_list(found: NodeListEnumerator) -> _Element:
    return plain_element(
        "FEENODELIST",
        {
            "EnumerationType": found.enumeration_type,
            "SourceType": found.source_type,
            "SourceDocument": found.source_document,
            "OuterXPathSourceType": found.outer_xpath_source_type,
            "OuterXPathString": found.outer_xpath,
            "InnerElementType": found.inner_element_type,
            "InnerXPathSourceType": found.inner_xpath_source_type,
            "InnerXPathString": found.inner_xpath,
            **found.properties,
        },
    )


def _smo(found: SmoEnumerator) -> _Element:
    return plain_element("FEESMO", {"EnumURN": found.urn})


_WRITERS: Mapping[type, Callable[[Any], _Element]] = {
    FileEnumerator: _file,
    ItemEnumerator: _item,
    AdoEnumerator: _ado,
    SchemaRowsetEnumerator: _schema_rowset,
    VariableEnumerator: _variable,
    NodeListEnumerator: _node_list,
    SmoEnumerator: _smo,
}
