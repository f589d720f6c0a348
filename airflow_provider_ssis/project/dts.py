"""Read DTS elements in both notations: properties as attributes (since SQL Server 2012) or as children (before)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.namespaces import DTS

if TYPE_CHECKING:
    from lxml.etree import _Element

_PROPERTY, _NAME = f"{DTS}Property", f"{DTS}Name"
_TRUE = ("true", "-1", "1")


class DtsContents:
    """The properties and children of an element, collected in one pass: faster than a search for each property.

    :param element: the element.
    """

    __slots__ = ("_groups", "_properties", "element")

    def __init__(self, element: _Element) -> None:
        self.element = element
        properties: dict[str, str] = {}
        groups: dict[str, list[_Element]] = {}
        for child in element:
            tag: str = child.tag  # type: ignore[assignment]  # there are elements only
            if tag == _PROPERTY:
                properties.setdefault(DTS + child.get(_NAME, ""), child.text or "")
            elif tag in groups:
                groups[tag].append(child)
            else:
                groups[tag] = [child]
        properties.update(element.items())  # an attribute takes precedence over a child element
        self._properties = properties
        self._groups = groups

    def text(self, name: str, default: str = "") -> str:
        """Return a property; see :func:`dts_text`."""
        return self._properties.get(DTS + name, default)

    def flag(self, name: str) -> bool:
        """Return a boolean property; see :func:`dts_flag`."""
        value = self._properties.get(DTS + name)
        return value is not None and value.strip().lower() in _TRUE

    def number(self, name: str, default: int, part: str) -> int:
        """Return an integer property; see :func:`dts_number`.

        :raises InvalidPartError: the property is not an integer.
        """
        value = self._properties.get(DTS + name)
        return default if value is None else _number(value, name, default, part, self.element)

    def children(self, name: str) -> list[_Element]:
        """Return the children with a name."""
        return self._groups.get(DTS + name, [])

    def members(self, collection: str, member: str) -> list[_Element]:
        """Return the members of a collection; see :func:`members`."""
        found = self._groups.get(DTS + member, [])
        for group in self._groups.get(DTS + collection, ()):
            tag = DTS + member
            found = [*(one for one in group if one.tag == tag), *found]
        return found


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
    return dts_text(element, name).strip().lower() in _TRUE


def dts_number(element: _Element, name: str, default: int, part: str) -> int:
    """Return an integer property.

    :param element: the owner of the property.
    :param name: the name of the property.
    :param default: returned if the property is absent or empty.
    :param part: the name of the file, for errors.
    :raises InvalidPartError: the property is not an integer.
    """
    return _number(dts_text(element, name), name, default, part, element)


def _number(text: str, name: str, default: int, part: str, element: _Element) -> int:
    text = text.strip()
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
