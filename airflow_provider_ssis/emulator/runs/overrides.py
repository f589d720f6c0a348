"""Property overrides: resolve property paths in a package, and set the values.

Paths are those of ``catalog.set_execution_property_override_value`` and of ``dtexec /SET``:
``\\Package\\Task.Properties[Disable]``, ``\\Package.Variables[User::Day].Value``,
``\\Package.Connections[Sales].Properties[ConnectionString]``. A path that names nothing fails the run, as in SSIS. A
run follows the properties that decide its course (:data:`FOLLOWED`); other values are accepted and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from airflow_provider_ssis.emulator.runs.event_texts import PATH_NOT_RESOLVED, PROPERTY_NOT_SET
from airflow_provider_ssis.project import object_properties
from airflow_provider_ssis.project.connection_properties import properties_of_connection
from airflow_provider_ssis.project.models import ConnectionManager, DataFlow, EventHandler, Executable, Package
from airflow_provider_ssis.project.property_paths import Target, component_names, read_target

_PARAMETER_NAMESPACES: Final = ("$Package", "$Project")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an override cannot be applied. It does not contain the value, which can be a secret.

    :param code: signed, as the catalog shows it.
    """

    text: str
    code: int


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that property paths can contain, in addition to executables.

    :param connections: the connection managers of the package and of its project.
    :param package_parameters: the names of the package's parameters.
    :param project_parameters: the names of its project's parameters.
    """

    connections: Sequence[ConnectionManager] = ()
    package_parameters: Sequence[str] = ()
    project_parameters: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """An executable or event handler, with which a property path begins.

    :param properties: the names of its properties in lower case; None where they are not known.
    :param variables: the visible variables: its own, and those of the containers around it.
    """

    path: str
    properties: frozenset[str] | None
    variables: tuple[str, ...]
    data_flow: DataFlow | None = None
    log_providers: tuple[str, ...] = ()


def apply_overrides(
    package: Package, scope: Scope, overrides: Mapping[str, str | None]
) -> tuple[Package, list[Problem]]:
    """The package with the overrides applied, and why some could not be.

    :param scope: the names that the paths can contain.
    :param overrides: values by property path.
    """
    root = package.control_flow
    if root is None or not overrides:
        return package, []
    places = {place.path.lower(): place for place in _places(root, ())}
    changes: dict[str, dict[str, Any]] = {}
    problems = []
    for path, value in overrides.items():
        # The longest match is the right one: names can contain dots, and handlers follow a dot.
        start = max((known for known in places if path.lower().startswith(f"{known}.")), key=len, default="")
        if not start:
            problems.append(_unresolved(path, "there is no such executable"))
            continue
        place, rest = places[start], path[len(start) :]
        target = read_target(rest)
        missing = _missing(rest, target, place, scope)
        if missing:
            problems.append(_unresolved(path, missing))
            continue
        if target is None or target.collection or target.property.lower() not in FOLLOWED:
            continue
        field, parse = FOLLOWED[target.property.lower()]
        try:
            changes.setdefault(place.path, {})[field] = parse((value or "").strip().lower())
        except ValueError as error:
            problems.append(Problem(f"The property {path} could not be set: {error}.", PROPERTY_NOT_SET))
    return (replace(package, control_flow=_changed(root, changes)) if changes else package), problems


def _places(executable: Executable, outer: tuple[str, ...]) -> Iterator[_Place]:
    """The executables and event handlers of a control flow.

    :param outer: the variables of the containers around it.
    """
    variables = (*outer, *executable.variables)
    yield _Place(
        executable.path,
        object_properties.properties_of(
            executable.kind, executable.type, is_data_flow=executable.data_flow is not None
        ),
        variables,
        executable.data_flow,
        executable.log_providers,
    )
    for child in executable.children:
        yield from _places(child, variables)
    for handler in executable.event_handlers:
        inner = (*variables, *handler.variables)
        yield _Place(handler.path, object_properties.EVENT_HANDLER, inner)
        for child in handler.children:
            yield from _places(child, inner)


def _missing(rest: str, target: Target | None, place: _Place, scope: Scope) -> str:
    """Which part of a property path does not exist; empty if all parts exist."""
    if target is None:
        return f"'{rest}' is not of the form .Properties[name] or .Variables[name].Value"
    if target.collection:
        check = _MEMBERS.get(target.collection)
        return check(target.member, target.property, place, scope) if check else ""
    names = component_names(target.property)
    if names and place.data_flow is not None:
        return _missing_component(place.data_flow, names[0], names[1:])
    return _missing_property(target.property, place.properties)


def _missing_property(name: str, known: Iterable[str] | None) -> str:
    return "" if known is None or name.lower() in known else f"there is no property '{name}'"


def _missing_component(flow: DataFlow, name: str, rest: Sequence[str]) -> str:
    """Which part does not exist of the property of a component.

    :param name: the component.
    :param rest: the property; before it, an input or output, and a column of it.
    """
    component = next((each for each in flow.components if each.name.lower() == name.lower()), None)
    if component is None:
        return f"the data flow has no component '{name}'"
    lower = tuple(each.lower() for each in rest)
    if len(lower) > 1:
        if lower in {tuple(each.lower() for each in part) for part in component.parts}:
            return ""
        return f"the component '{name}' has no property '{'.'.join(rest)}'"
    known = {each.lower() for each in component.properties}
    if known and lower[0] not in known:
        return f"the component '{name}' has no property '{rest[0]}'"
    return ""


def _missing_connection(name: str, property_name: str, place: _Place, scope: Scope) -> str:
    manager = next((each for each in scope.connections if each.name.lower() == name.lower()), None)
    if manager is None:
        return f"there is no connection manager '{name}'"
    if property_name == "Value":
        return "a connection manager has properties, and no value"
    return _missing_property(property_name, properties_of_connection(manager.creation_name))


def _missing_variable(name: str, property_name: str, place: _Place, scope: Scope) -> str:
    namespace, _, own = name.rpartition("::")
    if namespace in _PARAMETER_NAMESPACES:
        known = scope.package_parameters if namespace == "$Package" else scope.project_parameters
        return _missing_parameter_of(known, own, property_name)
    # Names of variables are compared with case; without a namespace, any fits.
    if namespace and name not in place.variables:
        return f"there is no variable '{name}'"
    if not namespace and all(own != each.rpartition("::")[2] for each in place.variables):
        return f"there is no variable '{name}'"
    return _missing_property(property_name, object_properties.VARIABLE)


def _missing_parameter(name: str, property_name: str, place: _Place, scope: Scope) -> str:
    return _missing_parameter_of((*scope.package_parameters, *scope.project_parameters), name, property_name)


def _missing_parameter_of(known: Iterable[str], name: str, property_name: str) -> str:
    if name not in known:
        return f"there is no parameter '{name}'"
    return _missing_property(property_name, object_properties.PARAMETER)


def _missing_log_provider(name: str, property_name: str, place: _Place, scope: Scope) -> str:
    if name.lower() not in {each.lower() for each in place.log_providers}:
        return f"there is no log provider '{name}'"
    return _missing_property(property_name, object_properties.LOG_PROVIDER)


_MEMBERS: Final[Mapping[str, Callable[[str, str, _Place, Scope], str]]] = {
    "connections": _missing_connection,
    "variables": _missing_variable,
    "parameters": _missing_parameter,
    "logproviders": _missing_log_provider,
}
"""The check of a member of each collection."""


def _unresolved(path: str, why: str) -> Problem:
    return Problem(f"The property path {path} names nothing in the package: {why}.", PATH_NOT_RESOLVED)


def _changed(executable: Executable, changes: Mapping[str, dict[str, Any]]) -> Executable:
    """The executable with the changes in it and in all executables inside."""
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
