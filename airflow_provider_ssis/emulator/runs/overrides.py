"""Property overrides: what a property path names in a package, and the package with the values put in.

Paths are those of ``catalog.set_execution_property_override_value`` and of ``dtexec /SET``:
``\\Package\\Task.Properties[Disable]``, ``\\Package.Variables[User::Day].Value``,
``\\Package.Connections[Sales].Properties[ConnectionString]``. A run follows the properties that decide its course
(:data:`FOLLOWED`); other values are accepted as long as their path names something. Variables and the other collections
of a package are not read from its file, so their members are taken to exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from airflow_provider_ssis.emulator.runs.control_flow import all_executables
from airflow_provider_ssis.emulator.runs.event_texts import PATH_NOT_RESOLVED, PROPERTY_NOT_SET
from airflow_provider_ssis.project.models import DataFlow, EventHandler, Executable, Package

_PROPERTY: Final = re.compile(r"\.Properties\[(?P<name>.+)\]", re.IGNORECASE | re.DOTALL)
_COMPONENT_PROPERTY: Final = re.compile(r"\[(?P<component>.+)\]\.\[.+\]", re.DOTALL)
_MEMBER: Final = re.compile(
    r"\.(?P<collection>Connections|Variables|Parameters|LogProviders|PrecedenceConstraints)\[(?P<member>.+?)\]"
    r"\.(?:Properties\[.+\]|Value)|\.ForEachEnumerator\.Properties\[.+\]",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an override cannot be applied. It does not tell the value, which can be a secret.

    :param code: signed, as the catalog shows it.
    """

    text: str
    code: int


def apply_overrides(
    package: Package, connections: Collection[str], overrides: Mapping[str, str | None]
) -> tuple[Package, list[Problem]]:
    """The package with the overrides applied, and why some could not be.

    :param connections: names of the connection managers that the package can use, its project's too.
    :param overrides: values by property path.
    """
    root = package.control_flow
    if root is None or not overrides:
        return package, []
    places = {path.lower(): (path, data_flow) for path, data_flow in _places(root)}
    known_connections = {name.lower() for name in connections}
    changes: dict[str, dict[str, Any]] = {}
    problems = []
    for path, value in overrides.items():
        # The longest one is meant: names may contain dots, and handlers stand behind one.
        place = max((known for known in places if path.lower().startswith(f"{known}.")), key=len, default="")
        if not place:
            problems.append(_unresolved(path, "there is no such executable"))
            continue
        place_path, data_flow = places[place]
        rest = path[len(place) :]
        missing = _missing(rest, data_flow, known_connections)
        if missing:
            problems.append(_unresolved(path, missing))
            continue
        found = _PROPERTY.fullmatch(rest)
        if found is None or found["name"].lower() not in FOLLOWED:
            continue
        field, parse = FOLLOWED[found["name"].lower()]
        try:
            changes.setdefault(place_path, {})[field] = parse((value or "").strip().lower())
        except ValueError as error:
            problems.append(Problem(f"The property {path} could not be set: {error}.", PROPERTY_NOT_SET))
    return (replace(package, control_flow=_changed(root, changes)) if changes else package), problems


def _places(root: Executable) -> Iterator[tuple[str, DataFlow | None]]:
    """The paths with which property paths begin: those of executables and event handlers."""
    for executable in all_executables(root):
        yield executable.path, executable.data_flow
        for handler in executable.event_handlers:
            yield handler.path, None


def _missing(rest: str, data_flow: DataFlow | None, connections: Collection[str]) -> str:
    """What the rest of a property path names that does not exist; empty where all does."""
    if (found := _PROPERTY.fullmatch(rest)) is not None:
        component = _COMPONENT_PROPERTY.fullmatch(found["name"])
        if component is None or data_flow is None:
            return ""
        known = any(each.name.lower() == component["component"].lower() for each in data_flow.components)
        return "" if known else f"the data flow has no component '{component['component']}'"
    member = _MEMBER.fullmatch(rest)
    if member is None:
        return f"'{rest}' is not of the form .Properties[name] or .Variables[name].Value"
    if (member["collection"] or "").lower() == "connections" and member["member"].lower() not in connections:
        return f"there is no connection manager '{member['member']}'"
    return ""


def _unresolved(path: str, why: str) -> Problem:
    return Problem(f"The property path {path} names nothing in the package: {why}.", PATH_NOT_RESOLVED)


def _changed(executable: Executable, changes: Mapping[str, dict[str, Any]]) -> Executable:
    """The executable with the changes made in it and in all inside it."""
    return replace(
        executable,
        children=tuple(_changed(child, changes) for child in executable.children),
        event_handlers=tuple(_changed_handler(handler, changes) for handler in executable.event_handlers),
        **changes.get(executable.path, {}),
    )


def _changed_handler(handler: EventHandler, changes: Mapping[str, dict[str, Any]]) -> EventHandler:
    return replace(
        handler,
        children=tuple(_changed(child, changes) for child in handler.children),
        disabled=changes.get(handler.path, {}).get("disabled", handler.disabled),
    )


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError("it is a Boolean, True or False")
    return _BOOLEANS[text]


def _error_count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("it is a number of errors, 0 or more")
    return int(text)


def _forced_result(text: str) -> int | None:
    if text not in _FORCED:
        raise ValueError("it is None, Success, Failure or Completion")
    return _FORCED[text]


_BOOLEANS: Final = {"true": True, "1": True, "-1": True, "false": False, "0": False}
_FORCED: Final = {"none": None, "-1": None, "success": 0, "0": 0, "failure": 1, "1": 1, "completion": 2, "2": 2}

FOLLOWED: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "disable": ("disabled", _boolean),
    "failpackageonfailure": ("fail_package_on_failure", _boolean),
    "failparentonfailure": ("fail_parent_on_failure", _boolean),
    "forceexecutionresult": ("force_execution_result", _forced_result),
    "maximumerrorcount": ("max_error_count", _error_count),
}
"""The properties that a run follows, by name in lower case: the field that each one changes, and how it is read."""
