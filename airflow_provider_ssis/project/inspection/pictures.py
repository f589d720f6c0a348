"""Write graphs as SVG, Graphviz DOT and Mermaid."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from airflow_provider_ssis.project.inspection.graph import Box, Edge, Graph, Node

_HEADER = 32.0
_COLOURS = {"green": "#2e8b57", "red": "#c0392b", "blue": "#2c6fbb", "gray": "#777777"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def to_svg(graph: Graph) -> str:
    """Return a graph as an SVG document.

    :param graph: the graph.
    """
    boxes = dict(_absolute(graph.nodes, 0, 0))
    left = min((box.x for box in boxes.values()), default=0) - 20
    top = min((box.y for box in boxes.values()), default=0) - 20
    width = max((box.x + box.width for box in boxes.values()), default=100) - left + 20
    height = max((box.y + box.height for box in boxes.values()), default=40) - top + 20
    markers = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        f'<path d="M0 0 L8 4 L0 8 z" fill="{color}"/></marker>'
        for name, color in _COLOURS.items()
    )
    content = "\n".join((*_svg_nodes(graph.nodes, boxes), *_svg_edges(_all_edges(graph), boxes)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:g} {top:g} {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="sans-serif" font-size="12">\n<title>{_text(graph.title)}</title>\n'
        f"<defs>{markers}</defs>\n{content}\n</svg>\n"
    )


def to_dot(graph: Graph) -> str:
    """Return a graph in the language of Graphviz.

    :param graph: the graph.
    """
    ids = _ids(graph)
    lines = ["digraph {", f"  label={_dot_text(graph.title)};", "  compound=true;", "  node [shape=box];"]
    lines += _dot_nodes(graph.nodes, ids, "  ")
    lines += [_dot_edge(edge, ids, graph) for edge in _all_edges(graph)]
    return "\n".join([*lines, "}", ""])


def to_mermaid(graph: Graph) -> str:
    """Return a graph as a Mermaid flowchart.

    :param graph: the graph.
    """
    ids = _ids(graph)
    lines = ["flowchart TD", *_mermaid_nodes(graph.nodes, ids, "  ")]
    for number, edge in enumerate(_all_edges(graph)):
        arrow = "-.->" if edge.is_dashed else "-->"
        label = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        lines.append(f"  {ids[edge.source]} {arrow}{label} {ids[edge.target]}")
        lines.append(f"  linkStyle {number} stroke:{_COLOURS[edge.color]}")
    return "\n".join([*lines, ""])


PICTURES: Mapping[str, Callable[[Graph], str]] = {"svg": to_svg, "dot": to_dot, "mermaid": to_mermaid}
"""The kinds of pictures by name."""


def _absolute(nodes: Sequence[Node], x: float, y: float) -> Iterator[tuple[str, Box]]:
    for node in nodes:
        box = Box(x + node.box.x, y + node.box.y, node.box.width, node.box.height)
        yield node.id, box
        yield from _absolute(node.children, box.x, box.y + _HEADER)


def _all_nodes(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _all_nodes(node.children)


def _all_edges(graph: Graph) -> list[Edge]:
    """Return the edges whose ends are nodes of the graph."""
    nodes = list(_all_nodes(graph.nodes))
    ids = {node.id for node in nodes}
    edges = [*graph.edges, *(edge for node in nodes for edge in node.edges)]
    return [edge for edge in edges if edge.source in ids and edge.target in ids]


def _ids(graph: Graph) -> dict[str, str]:
    return {node.id: f"n{number}" for number, node in enumerate(_all_nodes(graph.nodes))}


def _svg_nodes(nodes: Sequence[Node], boxes: Mapping[str, Box]) -> Iterator[str]:
    for node in nodes:
        box = boxes[node.id]
        opacity = ' opacity="0.45"' if node.is_muted else ""
        fill = "#f7f7f7" if node.children else "#ffffff"
        yield (
            f'<g{opacity}><rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="4" '
            f'fill="{fill}" stroke="#999999"/><text x="{box.x + 8:g}" y="{box.y + 17:g}">{_text(node.label)}</text>'
            f'<text x="{box.x + 8:g}" y="{box.y + 33:g}" fill="#777777" font-size="10">{_text(node.kind)}</text></g>'
        )
        yield from _svg_nodes(node.children, boxes)


def _svg_edges(edges: Sequence[Edge], boxes: Mapping[str, Box]) -> Iterator[str]:
    for edge in edges:
        source, target = boxes[edge.source], boxes[edge.target]
        start, end = (source.x + source.width / 2, source.y + source.height), (target.x + target.width / 2, target.y)
        if start[1] > end[1]:  # the target is not below
            start = (source.x + source.width, source.y + source.height / 2)
            end = (target.x, target.y + target.height / 2)
        dashes = ' stroke-dasharray="5 4"' if edge.is_dashed else ""
        yield (
            f'<line x1="{start[0]:g}" y1="{start[1]:g}" x2="{end[0]:g}" y2="{end[1]:g}" '
            f'stroke="{_COLOURS[edge.color]}" stroke-width="1.5"{dashes} marker-end="url(#{edge.color})"/>'
        )
        if edge.label:
            x, y = (start[0] + end[0]) / 2 + 4, (start[1] + end[1]) / 2
            yield f'<text x="{x:g}" y="{y:g}" font-size="10" fill="#555555">{_text(edge.label)}</text>'


def _dot_nodes(nodes: Sequence[Node], ids: Mapping[str, str], indent: str) -> Iterator[str]:
    for node in nodes:
        style = "dashed" if node.is_muted else "solid"
        if node.children:
            yield f"{indent}subgraph cluster_{ids[node.id]} {{"
            yield f"{indent}  label={_dot_text(node.label)}; style={style};"
            yield from _dot_nodes(node.children, ids, f"{indent}  ")
            yield f"{indent}}}"
        else:
            label = _dot_text(node.label + "\n" + node.kind)
            yield f"{indent}{ids[node.id]} [label={label}, style={style}];"


def _dot_edge(edge: Edge, ids: Mapping[str, str], graph: Graph) -> str:
    """Return an edge. Graphviz connects nodes, so an edge of a container is one of a node inside, cut at its border."""
    nodes = {node.id: node for node in _all_nodes(graph.nodes)}
    options = [f"color={_dot_text(_COLOURS[edge.color])}"]
    if edge.label:
        options.append(f"label={_dot_text(edge.label)}")
    if edge.is_dashed:
        options.append("style=dashed")
    ends = []
    for end, option in ((edge.source, "ltail"), (edge.target, "lhead")):
        node = nodes[end]
        if node.children:
            options.append(f"{option}=cluster_{ids[end]}")
        while node.children:
            node = node.children[0]
        ends.append(ids[node.id])
    return f"  {ends[0]} -> {ends[1]} [{', '.join(options)}];"


def _mermaid_nodes(nodes: Sequence[Node], ids: Mapping[str, str], indent: str) -> Iterator[str]:
    for node in nodes:
        label = _mermaid_text(node.label)
        if node.children:
            yield f'{indent}subgraph {ids[node.id]}["{label}"]'
            yield from _mermaid_nodes(node.children, ids, f"{indent}  ")
            yield f"{indent}end"
        else:
            yield f'{indent}{ids[node.id]}["{label}<br/>{_mermaid_text(node.kind)}"]'
        if node.is_muted:
            yield f"{indent}style {ids[node.id]} stroke-dasharray:5"


def _text(text: str) -> str:
    return escape(_CONTROL.sub(" ", text))


def _dot_text(text: str) -> str:
    return '"' + _CONTROL.sub(" ", text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _mermaid_text(text: str) -> str:
    """Return a text for Mermaid, which needs entities for everything that it could read as its own."""
    return re.sub(r"[^\w .,:()\-]", lambda match: f"#{ord(match[0])};", _CONTROL.sub(" ", text).replace("\n", " "))
