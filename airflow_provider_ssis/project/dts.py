"""Read DTS elements in both notations: properties as attributes (since SQL Server 2012) or as children (before)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.namespaces import DTS

if TYPE_CHECKING:
    from lxml.etree import _Element


def dts_text(element: _Element, name: str, default: str = "") -> str:
    """Return a property of an element: its attribute, or the text of its child ``DTS:Property``.

    :param element: the owner of the property.
    :param name: the name of the property.
    :param default: returned if the property is absent. Default: empty.
    """
    value = element.get(DTS + name)
    if value is not None:
        return value
    for child in element.iterfind(f"{DTS}Property"):
        if child.get(f"{DTS}Name") == name:
            return child.text or ""
    return default


def dts_flag(element: _Element, name: str) -> bool:
    """Return a boolean property, False where absent. SSIS writes ``True`` since SQL Server 2012, and -1 before."""
    return dts_text(element, name).strip().lower() in ("true", "-1", "1")


def dts_number(element: _Element, name: str, default: int, part: str) -> int:
    """Return an integer property.

    :param element: the owner of the property.
    :param name: the name of the property.
    :param default: returned if the property is absent or empty.
    :param part: the name of the file, for errors.
    :raises InvalidPartError: the property is not an integer.
    """
    text = dts_text(element, name).strip()
    if not text:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()) or len(text) > 11:
        raise InvalidPartError(
            f"the property {name} is {text[:40]!r}, not a whole number", part=part, line=element.sourceline
        )
    return int(text)


def members(element: _Element, collection: str, member: str) -> list[_Element]:
    """Return the members of a collection. Before SQL Server 2012, its members are children of the owner itself.

    :param element: the owner of the collection.
    :param collection: the name of the collection element.
    :param member: the name of the member elements.
    """
    return [*element.iterfind(f"{DTS}{collection}/{DTS}{member}"), *element.iterfind(f"{DTS}{member}")]
