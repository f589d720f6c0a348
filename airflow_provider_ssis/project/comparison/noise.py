"""What changes in an SSIS file although nothing that runs changes: layout, machine names, times, versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.project.namespaces import DTS, SSIS

if TYPE_CHECKING:
    from lxml.etree import _Element

MACHINE_PROPERTIES = frozenset(
    {"CreationDate", "CreatorComputerName", "CreatorName", "LastModifiedProductVersion", "TaskContact"}
)
"""Properties about the author's machine and Visual Studio."""

VERSION_PROPERTIES = frozenset({"VersionBuild", "VersionGUID"})
"""Properties that Visual Studio changes each time it saves a package."""

_LAYOUT_TAGS = frozenset({f"{DTS}DesignTimeProperties", f"{DTS}PackageVariable"})


def is_layout(element: _Element) -> bool:
    """Return True for an element with the designer's layout.

    :param element: the element.
    """
    return element.tag in _LAYOUT_TAGS


def property_name(element: _Element) -> str:
    """Return the name of a property that is stored as an element; an empty text for another element.

    :param element: the element.
    """
    for namespace in (DTS, SSIS):
        if element.tag == f"{namespace}Property":
            return element.get(f"{namespace}Name", "")
    return ""


def remove_noise(root: _Element, *, layout: bool, machine: bool) -> None:
    """Remove noise from a file.

    :param root: its root element; changed in place.
    :param layout: remove the designer's layout; the designer arranges the objects again.
    :param machine: remove the properties about machine, author, times and versions of Visual Studio.
    """
    for element in list(root.iter("*")):
        is_noise = (layout and is_layout(element)) or (machine and property_name(element) in MACHINE_PROPERTIES)
        parent = element.getparent()
        if is_noise and parent is not None:
            _remove(element, parent)
        elif machine:
            for name in MACHINE_PROPERTIES:
                element.attrib.pop(DTS + name, None)
            element.attrib.pop("contactInfo", None)


def _remove(element: _Element, parent: _Element) -> None:
    """Remove an element, but not the text after it."""
    tail, before = element.tail, element.getprevious()
    parent.remove(element)
    if tail and tail.strip():
        if before is not None:
            before.tail = (before.tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
