"""Connection managers with all their properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.dts import DtsContents, dts_text, members
from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.models import ConnectionManager
from airflow_provider_ssis.project.namespaces import DTS, XML_ENCRYPTION
from airflow_provider_ssis.project.package.elements import (
    DtsElement,
    attributes,
    is_true,
    local_name,
    property_expressions,
    unescaped,
)
from airflow_provider_ssis.project.protection.encrypted_values import require_readable

if TYPE_CHECKING:
    from lxml.etree import _Element

_NAMED = f"{DTS}Property"


@dataclass(frozen=True, slots=True)
class FlatFileColumn(DtsElement):
    """A column of a flat file.

    :param column_type: ``Delimited`` or ``FixedWidth``.
    :param delimiter: the characters after the column; empty for a fixed width.
    :param width: the width of a column with fixed width, in characters.
    :param maximum_width: the length of the output column, in characters.
    :param data_type: the OLE DB type code of the output column.
    """

    name: str
    column_type: str
    delimiter: str
    width: int
    maximum_width: int
    data_type: int
    precision: int
    scale: int
    text_qualified: bool
    id: str


@dataclass(frozen=True, slots=True)
class CacheColumn(DtsElement):
    """A column of the cache that a CACHE connection manager keeps for lookups.

    :param data_type: the OLE DB type code.
    :param index_position: its position in the key, from 1; 0 for a column that is not part of the key.
    """

    name: str
    data_type: int
    length: int
    precision: int
    scale: int
    code_page: int
    index_position: int


@dataclass(frozen=True, slots=True)
class DtsConnectionManager(DtsElement):
    """A connection manager of a project or package.

    :param kind: its type without details: ``OLEDB``, ``FLATFILE``, ``ADO.NET``, ...
    :param creation_name: its type as stored: ``ADO.NET:System.Data.SqlClient.SqlConnection, …``.
    :param connection_string: as stored; not part of the ``repr``, because it can contain a password.
    :param properties: all stored properties by name, including the connection string; not part of the ``repr``.
    :param secrets: the names of its sensitive properties, whose values are not in ``properties``.
    :param expressions: property expressions by name.
    :param columns: the columns of a flat file.
    :param cache_columns: the columns of a cache.
    """

    name: str
    id: str
    ref_id: str
    kind: str
    creation_name: str
    description: str
    delay_validation: bool
    connection_string: str = field(repr=False)
    properties: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...]
    expressions: Mapping[str, str]
    columns: tuple[FlatFileColumn, ...]
    cache_columns: tuple[CacheColumn, ...] = ()


def read_dts_connection_manager(element: _Element, part: str) -> DtsConnectionManager:
    """Read a connection manager.

    :param element: ``DTS:ConnectionManager``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: it is another element, or has no name.
    :raises ProtectedError: the file is encrypted as a whole.
    """
    if element.tag != f"{DTS}ConnectionManager":
        raise InvalidPartError(f"is not a connection manager: its root element is {element.tag!r}", part=part)
    require_readable(element, part)
    found = DtsContents(element)
    name = found.text("ObjectName")
    if not name:
        raise InvalidPartError("contains a connection manager without a name", part=part, line=element.sourceline)
    properties: dict[str, str] = {}
    secrets: list[str] = []
    columns: list[FlatFileColumn] = []
    cache_columns: list[CacheColumn] = []
    for inner in element.iterfind(f"{DTS}ObjectData/*"):
        _collect(inner, properties, secrets)
        columns += [_column(column, part) for column in members(inner, "FlatFileColumns", "FlatFileColumn")]
        cache_columns += [_cache_column(column, part) for column in members(inner, "CacheColumns", "CacheColumn")]
    creation_name = found.text("CreationName")
    return DtsConnectionManager(
        element,
        part,
        name=name,
        id=found.text("DTSID"),
        ref_id=element.get(f"{DTS}refId", ""),
        kind=creation_name.partition(":")[0],
        creation_name=creation_name,
        description=found.text("Description"),
        delay_validation=found.flag("DelayValidation"),
        connection_string=_connection_string(element),
        properties=properties,
        secrets=tuple(secrets),
        expressions=property_expressions(element),
        columns=tuple(columns),
        cache_columns=tuple(cache_columns),
    )


def read_connection_manager(element: _Element, part: str) -> ConnectionManager:
    """Read a connection manager as plain data, without the properties of its type.

    :param element: ``DTS:ConnectionManager``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: as for :func:`read_dts_connection_manager`.
    :raises ProtectedError: as for :func:`read_dts_connection_manager`.
    """
    return plain_connection_manager(read_dts_connection_manager(element, part))


def plain_connection_manager(found: DtsConnectionManager) -> ConnectionManager:
    """Return a connection manager as plain data, without the properties of its type.

    :param found: the connection manager.
    """
    return ConnectionManager(
        name=found.name,
        id=found.id,
        creation_name=found.creation_name,
        connection_string=found.connection_string,
        description=found.description,
    )


def _connection_string(element: _Element) -> str:
    """Return the connection string, which is an attribute, a property or, for some vendors, a child element.

    The name of the element inside ``ObjectData`` depends on the type of connection.
    """
    for inner in element.iterfind(f"{DTS}ObjectData/*"):
        text = (
            dts_text(inner, "ConnectionString")
            or inner.get("ConnectionString", "")
            or next((child.text for child in inner.iter("{*}ConnectionString") if child.text), "")
        )
        if text:
            return text
    return ""


def _collect(element: _Element, properties: dict[str, str], secrets: list[str]) -> None:
    """Collect the properties of an element: its attributes, named properties and child elements."""
    properties.update(attributes(element))
    for child in element:
        name = child.get(f"{DTS}Name") or local_name(child)
        if child.tag == f"{XML_ENCRYPTION}EncryptedData":
            secrets.append("Password")
        elif is_true(child.get("Sensitive")):
            secrets.append(name)
        elif child.tag == _NAMED or (not len(child) and not child.attrib):
            properties[name] = child.text or ""
        elif local_name(child) not in ("FlatFileColumns", "FlatFileColumn", "CacheColumns"):
            _collect(child, properties, secrets)


def _column(element: _Element, part: str) -> FlatFileColumn:
    found = DtsContents(element)

    def whole(name: str) -> int:
        return found.number(name, 0, part)

    return FlatFileColumn(
        element,
        part,
        name=found.text("ObjectName"),
        column_type=found.text("ColumnType"),
        delimiter=unescaped(found.text("ColumnDelimiter")),
        width=whole("ColumnWidth"),
        maximum_width=whole("MaximumWidth"),
        data_type=whole("DataType"),
        precision=whole("DataPrecision"),
        scale=whole("DataScale"),
        text_qualified=found.flag("TextQualified"),
        id=found.text("DTSID"),
    )


def _cache_column(element: _Element, part: str) -> CacheColumn:
    found = DtsContents(element)

    def whole(name: str) -> int:
        return found.number(name, 0, part)

    return CacheColumn(
        element,
        part,
        name=found.text("ObjectName"),
        data_type=whole("DataType"),
        length=whole("Length"),
        precision=whole("Precision"),
        scale=whole("Scale"),
        code_page=whole("CodePage"),
        index_position=whole("IndexPosition"),
    )
