"""Property paths, as ``dtexec /SET`` and property overrides of executions use them.

``\\Package\\Sequence\\Task.Properties[Disable]``, ``\\Package.Variables[User::Day].Value``,
``\\Package.Connections[Mart].Properties[ConnectionString]``. Source: the documentation of dtexec.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from airflow_provider_ssis.project.errors import BuildError
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.property_paths import read_target

COLLECTIONS = ("Variables", "Parameters", "Connections", "LogProviders", "Configurations", "PrecedenceConstraints")
_ADVICE = (
    r"Write \Package\Task.Properties[Name], \Package.Variables[User::Name].Value or "
    r"\Package.Connections[Name].Properties[ConnectionString]"
)
_SPELLINGS = {each.lower(): each for each in ("", "ForEachEnumerator", *COLLECTIONS)}
_TARGET = re.compile(rf"\.(?:Properties|ForEachEnumerator|{'|'.join(COLLECTIONS)})(?=[\[.])", re.IGNORECASE)

Place = DtsContainer | DtsEventHandler


@dataclass(frozen=True, slots=True)
class PropertyPath:
    """A property path whose executable was found.

    :param text: the path.
    :param place: the executable or event handler.
    :param collection: one of :data:`COLLECTIONS`, ``ForEachEnumerator``, or empty for a property of the place itself.
    :param member: the name of the member of the collection.
    :param property: the name of the property.
    """

    text: str
    place: Place
    collection: str
    member: str
    property: str

    def error(self, problem: str) -> BuildError:
        """Return the error for a problem with this path."""
        return BuildError(f"the property path {self.text} {problem}", part=self.place.part, advice=_ADVICE)


def places(package: DtsPackage) -> dict[str, Place]:
    """Return the executables and event handlers of a package by their path."""
    found: dict[str, Place] = {}
    for container in package.container.walk():
        found[container.path] = container
        for handler in container.event_handlers:
            found[handler.path] = handler
    return found


def resolve(text: str, package: DtsPackage) -> PropertyPath:
    """Find the executable of a property path, and split the rest of the path.

    :param text: the path. Its first word is ``\\Package`` for each package.
    :param package: the package.
    :raises BuildError: the path has another form, or there is no such executable.
    """
    known = places(package)
    path = re.sub(r"^\\package(?=[\\.]|$)", r"\\Package", text.strip(), flags=re.IGNORECASE)
    # Names can contain dots, so the longest path that exists is the right one.
    start = max((each for each in known if path.startswith(f"{each}.")), key=len, default="")
    if not start:
        names = ", ".join(sorted(known)[:10])
        near = nearest_executable(path, known)
        raise BuildError(
            f"the property path {text} names no executable of the package{near}",
            part=package.part,
            advice=f"{_ADVICE}. Executables: {names}",
        )
    place, rest = known[start], path[len(start) :]
    target = read_target(rest)
    if target is None:
        raise PropertyPath(text, place, "", "", "").error(f"has an unknown form after {place.path}: {rest}")
    return PropertyPath(text, place, _SPELLINGS[target.collection], target.member, target.property)


def executable(text: str, package: DtsPackage) -> DtsContainer:
    """Return the executable with a path.

    :param text: the path: ``\\Package\\Sequence\\Task``.
    :raises BuildError: there is none.
    """
    known: Mapping[str, Place] = places(package)
    found = known.get(text.strip())
    if not isinstance(found, DtsContainer):
        raise BuildError(
            f"contains no executable {text}{nearest(text, known)}",
            part=package.part,
            advice=f"Executables: {', '.join(sorted(known)[:10])}",
        )
    return found


def nearest_executable(path: str, known: Iterable[str]) -> str:
    """Return a question as :func:`nearest` does, for the executable of a property path that names none."""
    return nearest(_TARGET.split(path, 1)[0], known)


def nearest(wanted: str, known: Iterable[str]) -> str:
    """Return a question with the existing name that is nearest to an unknown one; empty if none is near.

    :param wanted: the unknown name.
    :param known: the existing names.
    """
    by_folded = {each.casefold(): each for each in sorted(known)}
    near = get_close_matches(wanted.strip().casefold(), by_folded, n=1, cutoff=0.7)
    return f" (did you mean {by_folded[near[0]]}?)" if near else ""
