"""Reading DTS elements in both spellings: properties as attributes (since SQL Server 2012) or as children (before)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.models import ConnectionManager
from airflow_provider_ssis.project.namespaces import DTS

if TYPE_CHECKING:
    from lxml.etree import _Element


def dts_text(element: _Element, name: str, default: str = "") -> str:
    """A property of an element: its attribute, else the text of its child ``DTS:Property``."""
    value = element.get(DTS + name)
    if value is not None:
        return value
    for child in element.iterfind(f"{DTS}Property"):
        if child.get(f"{DTS}Name") == name:
            return child.text or ""
    return default


def dts_flag(element: _Element, name: str) -> bool:
    """A switch, off where absent; ``True`` since SQL Server 2012, -1 before."""
    return dts_text(element, name).lower() in ("true", "-1", "1")


def dts_number(element: _Element, name: str, default: int, part: str) -> int:
    """A whole number.

    :raises InvalidPartError: the property is something else.
    """
    text = dts_text(element, name).strip()
    if not text:
        return default
    if not text.removeprefix("-").isdecimal() or len(text) > 11:
        raise InvalidPartError(
            f"the property {name} is {text[:40]!r}, not a whole number", part=part, line=element.sourceline
        )
    return int(text)


def members(element: _Element, collection: str, member: str) -> list[_Element]:
    """The members of a collection element; before SQL Server 2012 they stood directly inside their owner."""
    return [*element.iterfind(f"{DTS}{collection}/{DTS}{member}"), *element.iterfind(f"{DTS}{member}")]


def read_connection_manager(element: _Element, part: str) -> ConnectionManager:
    """The connection manager of a .conmgr file or of a package.

    :param element: ``DTS:ConnectionManager``.
    :param part: where it stands, for errors.
    :raises InvalidPartError: it is another element, or has no name.
    """
    if element.tag != f"{DTS}ConnectionManager":
        raise InvalidPartError(f"is no connection manager: its root is {element.tag!r}", part=part)
    name = dts_text(element, "ObjectName")
    if not name:
        raise InvalidPartError("holds a connection manager without a name", part=part, line=element.sourceline)
    return ConnectionManager(
        name=name,
        id=dts_text(element, "DTSID"),
        creation_name=dts_text(element, "CreationName"),
        connection_string=_connection_string(element),
        description=dts_text(element, "Description"),
    )


def _connection_string(element: _Element) -> str:
    """The inner element's shape depends on the type of connection; the attribute's name is the same in all."""
    for inner in element.iterfind(f"{DTS}ObjectData/*"):
        text = dts_text(inner, "ConnectionString") or inner.get("ConnectionString", "")
        if text:
            return text
    return ""
