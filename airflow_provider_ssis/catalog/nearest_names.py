"""Which existing names an unknown name may have meant, in words."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

_MOST_NEAREST = 3
_MOST_LISTED = 10


def existing_names(kind: str, wanted: str, known: Sequence[str]) -> str:
    """A sentence with the existing names that are nearest to an unknown one.

    :param kind: what has the names: ``project``, ``environment``.
    :param wanted: the unknown name.
    :param known: the existing names that the login can see.
    """
    if not known:
        return f"It sees no {kind} there at all, and may lack READ."
    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(wanted.casefold(), by_folded, n=_MOST_NEAREST)
    if near:
        shown = ", ".join(repr(by_folded[name]) for name in near)
        others = len(known) - len(near)
        rest = f" {others} more exist there." if others else ""
        return f"Did you mean {shown}?{rest}"
    listed = ", ".join(map(repr, sorted(known)[:_MOST_LISTED]))
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    if len(known) == 1:
        return f"There is the {kind} {listed}."
    kinds = " or ".join(f"{each[:-1]}ies" if each.endswith("y") else f"{each}s" for each in kind.split(" or "))
    return f"There are the {kinds} {listed}{more}."


def contains_name(names: Sequence[str], name: str) -> bool:
    """Whether a name is among others, as the catalog compares names: in upper or lower case.

    :param names: the names.
    :param name: the name.
    """
    return name.casefold() in (each.casefold() for each in names)
