"""Data flows of formats 2 to 5, whose objects refer to each other by numbers, which change easily."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_REFERENCE = re.compile(r"#(\d+)")


def with_names(root: _Element) -> _Element:
    """Return a package in which the data flows refer to objects by name, as those of format 6 and 8 do.

    :param root: the root element. It is not changed.
    :returns: a changed copy; the same element if no data flow has numbers.
    """
    if not any(_is_numbered(flow) for flow in root.iter("pipeline")):
        return root
    copy = deepcopy(root)
    for flow in copy.iter("pipeline"):
        if _is_numbered(flow):
            _name(flow)
    return copy


def _is_numbered(flow: _Element) -> bool:
    return any((one.get("id") or "").isdecimal() for one in flow.iterfind("components/component"))


def _name(flow: _Element) -> None:
    names = dict(_names(flow))
    for element in flow.iter("*"):
        element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            if str(key).endswith("Id"):
                element.set(str(key), names.get(str(value), str(value)))
        if element.tag == "property" and (element.get("containsID") or "").lower() == "true" and element.text:
            text = element.text.strip()
            element.text = names.get(text) or _REFERENCE.sub(
                lambda match: f"#{{{names[match[1]]}}}" if match[1] in names else match[0], element.text
            )


def _names(flow: _Element) -> Iterator[tuple[str, str]]:
    """Yield the numbers of components, inputs, outputs and columns with their names."""
    columns: dict[str, str] = {}
    for component in flow.iterfind("components/component"):
        owner = component.get("name", "")
        yield component.get("id", ""), owner
        for end in (*component.iterfind("inputs/input"), *component.iterfind("outputs/output")):
            path = f"{owner}.{end.get('name', '')}"
            yield end.get("id", ""), path
            for column in end.iterfind("externalMetadataColumns/externalMetadataColumn"):
                yield column.get("id", ""), f"{path}.ExternalColumns[{column.get('name', '')}]"
            for column in end.iterfind("outputColumns/outputColumn"):
                name = f"{path}.Columns[{column.get('name', '')}]"
                columns[column.get("lineageId", "")] = name
                yield column.get("id", ""), name
    yield from columns.items()
    for component in flow.iterfind("components/component"):
        for end in component.iterfind("inputs/input"):
            for column in end.iterfind("inputColumns/inputColumn"):
                source = columns.get(column.get("lineageId", ""), "")
                yield column.get("id", ""), f"{component.get('name', '')}.{end.get('name', '')}.Columns[{source}]"
