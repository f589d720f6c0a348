"""The layout of the control flow and the data flows, as the designer stores it.

The designer draws the lines between the objects, and arranges event handlers, when it opens them. Source: layouts of
packages that Visual Studio wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lxml import etree

from airflow_provider_ssis.project.inspection.graph import Node, control_flow_graph, data_flow_graph
from airflow_provider_ssis.project.package.data_flow import Pipeline

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.package.document import DtsPackage

_VERSIONS = {6: "sql11", 8: "8"}
_GRAPH = (
    "clr-namespace:Microsoft.SqlServer.IntegrationServices.Designer.Model.Serialization;"
    "assembly=Microsoft.SqlServer.IntegrationServices.Graph"
)
_HEADER = 43
_HEADER_OF_PICTURES = 32


def layout_text(package: DtsPackage) -> str:
    """Return the text of ``DTS:DesignTimeProperties``.

    :param package: the package without a layout.
    """
    root = etree.Element("Objects", {"Version": _VERSIONS[package.format_version]})
    root.append(_graph("Package", "Package", control_flow_graph(package).nodes))
    for container in package.container.walk():
        data = container.data()
        if isinstance(data, Pipeline) and data.components:
            root.append(_graph("TaskHost", container.ref_id, data_flow_graph(package, container, data).nodes))
    etree.indent(root)
    return '<?xml version="1.0"?>\n' + etree.tostring(root, encoding="unicode")


def _graph(tag: str, name: str, nodes: Sequence[Node]) -> _Element:
    made = etree.Element(tag, {"design-time-name": name})
    info = etree.SubElement(made, "LayoutInfo")
    places = list(_places(nodes))
    graph = etree.SubElement(info, f"{{{_GRAPH}}}GraphLayout", {"Capacity": str(max(4, len(places)))}, {None: _GRAPH})
    for kind, attributes in places:
        etree.SubElement(graph, f"{{{_GRAPH}}}{kind}", attributes)
    return made


def _places(nodes: Sequence[Node]) -> Iterator[tuple[str, dict[str, str]]]:
    for node in nodes:
        box = node.box
        place = {"Id": node.id, "TopLeft": f"{box.x:g},{box.y:g}"}
        if not node.children:
            yield "NodeLayout", {"Size": f"{box.width:g},{box.height:g}", **place}
            continue
        panel = box.height - _HEADER_OF_PICTURES
        yield (
            "ContainerLayout",
            {
                "HeaderHeight": str(_HEADER),
                "IsExpanded": "True",
                "PanelSize": f"{box.width:g},{panel:g}",
                "Size": f"{box.width:g},{panel + _HEADER:g}",
                **place,
            },
        )
        yield from _places(node.children)
