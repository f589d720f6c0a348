"""Order the nodes of a graph along its edges."""

from __future__ import annotations

from collections.abc import Collection


def ranks(nodes: Collection[str], edges: Collection[tuple[str, str]]) -> dict[str, int]:
    """Return the number of edges on the longest way to each node. In a circle, the ranks stay below some limit.

    :param nodes: the nodes.
    :param edges: source and target of each edge; one with an unknown end is ignored.
    """
    found = dict.fromkeys(nodes, 0)
    for _ in nodes:
        changed = False
        for source, target in edges:
            if source in found and target in found and found[target] <= found[source] < len(found):
                found[target] = found[source] + 1
                changed = True
        if not changed:
            break
    return found
