r"""The grammar of property paths, after the executable: ``.Properties[Disable]``, ``.Variables[User::Day].Value``.

They are those of dtexec's ``/SET``, of configurations and of ``catalog.set_execution_property_override_value``.
Source: "dtexec utility".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

ENUMERATOR: Final = "foreachenumerator"
"""The collection of a target in the enumerator of a Foreach loop, which has no member."""

_PROPERTY: Final = re.compile(r"\.Properties\[(?P<name>.+)\]|\.(?P<bare>\w+)", re.IGNORECASE | re.DOTALL)
_MEMBER: Final = re.compile(
    r"\.(?P<collection>Connections|Variables|Parameters|LogProviders|Configurations|PrecedenceConstraints)"
    r"\[(?P<member>.+?)\](?:\.(?:Properties\[(?P<name>.+)\]|(?P<bare>\w+)))?",
    re.IGNORECASE | re.DOTALL,
)
_ENUMERATOR: Final = re.compile(
    r"\.ForEachEnumerator\.(?:Properties\[(?P<name>.+)\]|(?P<bare>\w+))", re.IGNORECASE | re.DOTALL
)
_NAMES: Final = re.compile(r"\[[^\]]+\](\.\[[^\]]+\])+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """The property to which a property path leads.

    :param collection: ``variables``, ``connections``, ... in lower case; empty for the executable itself.
    :param member: the name of the member of the collection.
    :param property: the name of the property; ``Value`` where a path ends with the member.
    """

    collection: str
    member: str
    property: str


def read_path(path: str) -> tuple[str, Target] | None:
    """Return the executable and the target of a property path; None if it has another form.

    :param path: the whole path. Names of executables can contain dots, but no brackets.
    """
    text = path.strip()
    for dot in re.finditer(r"\.", text):
        if (target := read_target(text[dot.start() :])) is not None:
            return text[: dot.start()], target
    return None


def read_target(rest: str) -> Target | None:
    """Return the target of a property path; None if it has another form.

    :param rest: the path after the executable, beginning with its dot.
    """
    if (found := _MEMBER.fullmatch(rest)) is not None:
        return Target(found["collection"].lower(), found["member"], found["name"] or found["bare"] or "Value")
    if (found := _ENUMERATOR.fullmatch(rest)) is not None:
        return Target(ENUMERATOR, "", found["name"] or found["bare"])
    if (found := _PROPERTY.fullmatch(rest)) is not None:
        return Target("", "", found["name"] or found["bare"])
    return None


def component_names(name: str) -> list[str]:
    """Return the names in a property of a component of a data flow; none if it is another property.

    :param name: ``[Lookup].[SqlCommand]``; with an output, input or column: ``[Split].[Big].[FriendlyExpression]``.
    """
    text = name.strip()
    return text[1:-1].split("].[") if _NAMES.fullmatch(text) else []
