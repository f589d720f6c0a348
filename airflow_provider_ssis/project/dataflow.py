"""Read the data flow of a Data Flow task: its components and the paths between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import InvalidPartError
from airflow_provider_ssis.project.models import DataFlow, DataFlowComponent, DataFlowPath

if TYPE_CHECKING:
    from lxml.etree import _Element


def read_data_flow(pipeline: _Element, part: str) -> DataFlow:
    """Read a data flow.

    :param pipeline: the element ``pipeline``.
    :param part: the file that contains it, for errors.
    :raises InvalidPartError: a component has no name, or a path does not connect two components.
    """
    components: list[DataFlowComponent] = []
    ends: dict[str, tuple[str, str]] = {}
    for element in pipeline.iterfind("components/component"):
        name = element.get("name")
        if not name:
            raise InvalidPartError("contains a data flow component without a name", part=part, line=element.sourceline)
        properties: tuple[str, ...] = ()
        parts: list[tuple[str, ...]] = []
        for child in element:
            if child.tag == "properties":
                properties = tuple(_names(child))
            elif child.tag in ("inputs", "outputs"):
                for end in child.iterchildren("input", "output"):
                    ends[_key(end)] = (name, end.get("name", ""))
                    parts += _parts(end)
        class_id = element.get("componentClassID", "")
        components.append(DataFlowComponent(name, class_id, element.get("refId", ""), properties, tuple(parts)))
    return DataFlow(tuple(components), tuple(_path(element, ends, part) for element in pipeline.iterfind("paths/path")))


def _names(properties: _Element) -> Iterator[str]:
    return (each.get("name", "") for each in properties.iterchildren("property"))


def _parts(end: _Element) -> Iterator[tuple[str, ...]]:
    """Yield the properties of an input or output and of its columns, as :class:`DataFlowComponent` has them."""
    name = end.get("name", "")
    for properties in end.iterchildren("properties"):
        yield from ((name, each) for each in _names(properties))
    for column in end.iterfind("*/*"):
        if column.tag in ("inputColumn", "outputColumn"):
            for properties in column.iterchildren("properties"):
                of_column = column.get("name", "") or column.get("cachedName", "")
                yield from ((name, of_column, each) for each in _names(properties))


def _path(element: _Element, ends: dict[str, tuple[str, str]], part: str) -> DataFlowPath:
    found = [ends.get(element.get(attribute, "")) for attribute in ("startId", "endId")]
    source, destination = found
    if source is None or destination is None:
        raise InvalidPartError(
            f"contains the data flow path {element.get('name', '')!r}, which does not connect two components",
            part=part,
            line=element.sourceline,
            advice="Open the package in Visual Studio and save it again",
        )
    component, output = source
    return DataFlowPath(
        name=element.get("name", ""),
        id_string=f"Paths[{component}.{output}]",
        source=component,
        destination=destination[0],
    )


def _key(end: _Element) -> str:
    """Return the reference to an input or output in paths: its refId since SQL Server 2012, its number before."""
    return end.get("refId", end.get("id", ""))
