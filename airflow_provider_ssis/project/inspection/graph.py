"""Control flows and data flows as graphs, with the layout that the designer stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.models import ConstraintValue, EvalOp
from airflow_provider_ssis.project.namespaces import DTS
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.ranks import ranks
from airflow_provider_ssis.project.safe_xml import parse_xml
from airflow_provider_ssis.project.type_names import component_class, task_type

if TYPE_CHECKING:
    from lxml.etree import _Element

_WIDTH_OF_CHARACTER, _MINIMUM_WIDTH, _HEIGHT = 7.0, 120.0, 42.0
_GAP, _MARGIN, _HEADER = 40.0, 12.0, 32.0
_COLOURS = {ConstraintValue.SUCCESS: "green", ConstraintValue.FAILURE: "red", ConstraintValue.COMPLETION: "blue"}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in pixels, relative to the surrounding node."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Node:
    """A container, task or component.

    :param id: unique in the graph.
    :param kind: the second line of the picture: the type.
    :param is_muted: it is disabled.
    :param children: the nodes inside a container.
    :param edges: the edges between the children.
    :param box: where it is.
    """

    id: str
    label: str
    kind: str
    box: Box
    is_muted: bool = False
    children: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """A precedence constraint or path.

    :param source: the id of a node.
    :param target: the id of a node.
    :param color: ``green``, ``red``, ``blue``, ``gray``.
    :param is_dashed: one of several constraints is enough, or the path is an error output.
    """

    source: str
    target: str
    label: str
    color: str
    is_dashed: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """A picture of a control flow or data flow.

    :param is_stored: all positions are those that the designer stored.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    is_stored: bool = field(default=False)


def control_flow_graph(package: DtsPackage) -> Graph:
    """Return the graph of a package's control flow, without event handlers.

    :param package: the package.
    """
    places = stored_places(package)
    root = package.container
    nodes = _arranged([_container(child, places) for child in root.children], _edges(root), places)
    is_stored = bool(places) and all(
        one.ref_id in places for one in root.walk() if one is not root and not _in_handler(one)
    )
    return Graph(root.name, tuple(nodes), _edges(root), is_stored)


def data_flow_graph(package: DtsPackage, task: DtsContainer, pipeline: Pipeline) -> Graph:
    """Return the graph of a data flow.

    :param package: the package, which stores the layout.
    :param task: the Data Flow task.
    :param pipeline: its data.
    """
    places = stored_places(package)
    owners = {end.key: one.key for one in pipeline.components for end in one.ends}
    errors = {out.key for one in pipeline.components for out in one.outputs if out.is_error_output}
    edges = tuple(
        Edge(
            owners[path.output_key],
            owners[path.input_key],
            path.name,
            "red" if path.output_key in errors else "blue",
            path.output_key in errors,
        )
        for path in pipeline.paths
        if path.output_key in owners and path.input_key in owners
    )
    nodes = [
        Node(one.key, one.name, component_class(one), _size(one.name, places.get(one.key)))
        for one in pipeline.components
    ]
    is_stored = bool(nodes) and all(one.key in places for one in pipeline.components)
    return Graph(task.name, tuple(_arranged(nodes, edges, places)), edges, is_stored)


def stored_places(package: DtsPackage) -> dict[str, Box]:
    """Return the layout that the designer stored, by refId. Damaged layouts count as absent, as in the designer.

    :param package: the package.
    """
    text = package.element.findtext(f"{DTS}DesignTimeProperties")
    if not text or not text.strip():
        return {}
    try:
        root = parse_xml(text.strip().encode(), package.part)
    except ProjectError:
        return {}
    groups = dict(_groups(root))
    return {id_: _absolute(id_, box, groups) for id_, box in _places(root)}


def _places(root: _Element) -> Iterator[tuple[str, Box]]:
    for element in root.iter("{*}NodeLayout", "{*}ContainerLayout"):
        numbers = f"{element.get('TopLeft', '')},{element.get('Size', '')}".split(",")
        try:
            box = Box(*map(float, numbers))
        except (TypeError, ValueError):
            continue
        if element.get("Id") and all(-1e6 < one < 1e6 for one in (box.x, box.y, box.width, box.height)):
            yield str(element.get("Id")), box


def _groups(root: _Element) -> Iterator[tuple[str, tuple[str, Box]]]:
    """Yield the id of each member of a group, with the id of the group and where its members start.

    Groups exist on the design surface only; the places of their members are relative to them.
    """
    for element in root.iter("{*}GroupLayout"):
        numbers = f"{element.get('TopLeft', '')},{element.get('HeaderHeight', '')}".split(",")
        try:
            x, y, header = map(float, numbers)
        except ValueError:
            continue
        for member in element.iterfind("{*}GroupLayout.ChildrenIds/*"):
            yield (member.text or "").strip(), (element.get("Id", ""), Box(x, y + header, 0, 0))


def _absolute(id_: str, box: Box, groups: Mapping[str, tuple[str, Box]]) -> Box:
    """Return the place of a node with those of its groups added."""
    seen: set[str] = set()
    while id_ in groups and id_ not in seen:
        seen.add(id_)
        id_, outer = groups[id_]
        box = replace(box, x=box.x + outer.x, y=box.y + outer.y)
    return box


def _in_handler(container: DtsContainer) -> bool:
    return ".EventHandlers[" in container.path


def _container(container: DtsContainer, places: dict[str, Box]) -> Node:
    edges = _edges(container)
    kind = container.kind.value if container.kind.is_container else task_type(container.type)
    box = _size(container.name, places.get(container.ref_id))
    children: Sequence[Node] = ()
    if container.children:
        children = _arranged([_container(child, places) for child in container.children], edges, places)
        if container.ref_id not in places:
            right = max(one.box.x + one.box.width for one in children) + _MARGIN
            bottom = max(one.box.y + one.box.height for one in children) + _MARGIN
            box = Box(box.x, box.y, max(box.width, right), bottom + _HEADER)
    return Node(_key(container), container.name, kind, box, container.disabled, tuple(children), edges)


def _edges(owner: DtsContainer) -> tuple[Edge, ...]:
    keys = {child.path: _key(child) for child in owner.children}
    return tuple(
        Edge(
            keys[one.source],
            keys[one.target],
            one.expression if one.eval_op is not EvalOp.CONSTRAINT else "",
            "gray" if one.eval_op is EvalOp.EXPRESSION else _COLOURS[one.value],
            not one.logical_and,
        )
        for one in owner.constraints
    )


def _key(container: DtsContainer) -> str:
    """Return the id of a node: its refId since SQL Server 2012, and its path before."""
    return container.ref_id or container.path


def _size(label: str, place: Box | None) -> Box:
    if place is not None:
        return place
    return Box(0, 0, max(_MINIMUM_WIDTH, 20 + _WIDTH_OF_CHARACTER * len(label)), _HEIGHT)


def _arranged(nodes: list[Node], edges: Sequence[Edge], places: dict[str, Box]) -> list[Node]:
    """Return the nodes at their stored places or, if one of them has none, in rows along the edges."""
    if all(node.id in places for node in nodes):
        return nodes
    rank = ranks([node.id for node in nodes], [(edge.source, edge.target) for edge in edges])
    placed = []
    y = _MARGIN
    for row in range(max(rank.values(), default=0) + 1):
        x, height = _MARGIN, 0.0
        for node in (one for one in nodes if rank[one.id] == row):
            box = Box(x, y, node.box.width, node.box.height)
            placed.append(replace(node, box=box))
            x += box.width + _GAP
            height = max(height, box.height)
        y += height + _GAP
    return placed
