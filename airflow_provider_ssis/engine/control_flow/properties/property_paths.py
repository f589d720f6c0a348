r"""Property paths of dtexec's ``/SET``, of configurations and of property overrides.

``\Package\Load.Properties[Disable]``, ``\Package.Variables[User::Day].Value``,
``\Package.Connections[Sales].Properties[ConnectionString]``. A path that names nothing is an error, as in SSIS. The
first word is ``\Package``, however the package is called. Source: "dtexec utility".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from airflow_provider_ssis.engine.control_flow.connection_values import is_unchanged, property_name
from airflow_provider_ssis.engine.control_flow.connections import find_manager
from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun
from airflow_provider_ssis.engine.control_flow.properties.preparing import PACKAGE_PROPERTIES
from airflow_provider_ssis.engine.control_flow.properties.property_table import (
    CONTAINER,
    can_set,
    with_container_property,
    with_data_property,
    with_enumerator_property,
)
from airflow_provider_ssis.engine.control_flow.variables.run_variables import RunVariable
from airflow_provider_ssis.engine.control_flow.variables.values import given_value
from airflow_provider_ssis.engine.loading import LoadError
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.elements import is_true
from airflow_provider_ssis.project.package.loops import ForeachLoop

_PROPERTY: Final = re.compile(r"\.Properties\[(?P<name>.+)\]|\.(?P<bare>\w+)", re.IGNORECASE | re.DOTALL)
_MEMBER: Final = re.compile(
    r"\.(?P<collection>Connections|Variables|LogProviders|Configurations|PrecedenceConstraints)\[(?P<member>.+?)\]"
    r"(?:\.(?:Properties\[(?P<property>.+)\]|(?P<bare>\w+)))?",
    re.IGNORECASE | re.DOTALL,
)
_ENUMERATOR: Final = re.compile(r"\.ForEachEnumerator\.Properties\[(?P<name>.+)\]", re.IGNORECASE | re.DOTALL)
_VARIABLE_FIELDS: Final = {
    "evaluateasexpression": "evaluate",
    "expression": "expression",
    "raisechangedevent": "raise_changed_event",
    "readonly": "read_only",
}
_ROOT: Final = "\\Package"

Owner = DtsContainer | DtsEventHandler


class PathError(LoadError):
    """A property path names nothing, or its value is not one of the property. It does not contain the value."""


def set_property(run: PackageRun, path: str, value: Any) -> None:
    """Set a property of a package that has not started.

    :param run: the package.
    :param path: the property path.
    :param value: the value: a text as on the command line, or a value of Python.
    :raises PathError: the path names nothing, or the value is not one of the property.
    """
    owners = {owner.path: owner for owner in _owners(run.package.container)}
    full = _ROOT + path[len(_ROOT) :] if path[: len(_ROOT)].lower() == _ROOT.lower() else path
    # The longest path is the right one: names can contain dots, and handlers follow a dot.
    start = max((known for known in owners if full.startswith(f"{known}.")), key=len, default="")
    if not start:
        raise _unresolved(path, "there is no such executable")
    owner, rest = owners[start], full[len(start) :]
    try:
        if (member := _MEMBER.fullmatch(rest)) is not None:
            name = member["property"] or member["bare"] or "Value"
            _set_member(run, owner, member["collection"].lower(), member["member"], name, value)
        elif (enumerator := _ENUMERATOR.fullmatch(rest)) is not None:
            _set_enumerator(run, owner, enumerator["name"], value)
        elif (found := _PROPERTY.fullmatch(rest)) is not None:
            _set_executable(run, owner, found["name"] or found["bare"], value)
        else:
            raise _Unknown(f"'{rest}' is not of the form .Properties[name] or .Variables[name].Value")
    except _Unknown as error:
        raise _unresolved(path, str(error)) from None
    except ValueError as error:
        raise PathError(f"The property {path} cannot be set: {error}.") from None


def set_connection_property(run: PackageRun, name: str, value: Any) -> None:
    """Set a property of a connection manager.

    :param name: ``Sales.ConnectionString``.
    :raises PathError: there is no such connection manager.
    """
    manager_name, _, member = name.rpartition(".")
    manager = find_manager(run, manager_name) if manager_name else None
    if manager is None:
        raise PathError(f"{run.file} has no connection manager for the parameter CM.{name}.")
    try:
        _set_connection(run, manager, member, value)
    except _Unknown as error:
        raise PathError(f"The parameter CM.{name} cannot be set: {error}.") from None


class _Unknown(ValueError):
    """A part of a path names nothing."""


def _owners(container: DtsContainer) -> Iterator[Owner]:
    yield container
    for handler in container.event_handlers:
        yield handler
        for child in handler.children:
            yield from _owners(child)
    for child in container.children:
        yield from _owners(child)


def _set_executable(run: PackageRun, owner: Owner, name: str, value: Any) -> None:
    if isinstance(owner, DtsEventHandler):
        if name.lower() not in CONTAINER:
            raise _Unknown(f"an event handler has no property '{name}' that the engine can set")
    elif name.lower() in CONTAINER:
        with_container_property(owner, name, value)
    elif owner.kind is ExecutableKind.PACKAGE:
        if name.lower() not in PACKAGE_PROPERTIES:
            raise _Unknown(f"a package has no property '{name}' that the engine can set")
    else:
        data = run.data_of(owner)
        if not can_set(data, name):
            raise _Unknown(f"there is no property '{name}' that the engine can set")
        with_data_property(data, name, value)  # raises if the value is not one of the property
    run.settings.executables.setdefault(owner.path, {})[name] = value


def _set_enumerator(run: PackageRun, owner: Owner, name: str, value: Any) -> None:
    data = run.data_of(owner) if isinstance(owner, DtsContainer) else None
    if not isinstance(data, ForeachLoop) or data.enumerator is None or not can_set(data.enumerator, name):
        raise _Unknown(f"there is no enumerator with the property '{name}'")
    with_enumerator_property(data, name, value)
    run.settings.enumerators.setdefault(owner.path, {})[name] = value


def _set_member(run: PackageRun, owner: Owner, collection: str, member: str, name: str, value: Any) -> None:
    if collection == "connections":
        if name == "Value":
            raise _Unknown("a connection manager has properties, and no value")
        manager = find_manager(run, member)
        if manager is None:
            raise _Unknown(f"there is no connection manager '{member}'")
        _set_connection(run, manager, name, value)
    elif collection == "variables":
        _set_variable(run, owner, member, name, value)
    elif collection == "logproviders":
        if all(provider.name != member for provider in run.package.log_providers):
            raise _Unknown(f"there is no log provider '{member}'")
    else:
        raise _Unknown(f"the engine does not set properties of {collection}")


def _set_connection(run: PackageRun, manager: DtsConnectionManager, name: str, value: Any) -> None:
    known = property_name(manager, name)
    if known is None:
        if is_unchanged(manager, name, value):
            return
        raise _Unknown(f"the connection manager '{manager.name}' has no property '{name}' that the engine can set")
    run.settings.connections.setdefault(manager.id.upper(), {})[known] = value


def _set_variable(run: PackageRun, owner: Owner, member: str, name: str, value: Any) -> None:
    if member.startswith("$"):
        if member not in run.parameters:
            raise _Unknown(f"there is no parameter '{member}'")
        type_name = run.parameters[member][0]
        run.parameters[member] = (type_name, given_value(value, type_name))
        return
    variable = _variable(run, owner, member)
    if name.lower() == "value":
        variable.value = given_value(value, variable.type)
    elif name.lower() not in _VARIABLE_FIELDS:
        raise _Unknown(f"a variable has no property '{name}' that can be set")
    elif name.lower() == "expression":
        variable.expression = str(value)
    elif name.lower() == "evaluateasexpression":
        if not is_true(str(value)):
            variable.expression = ""
        elif not variable.expression:
            raise _Unknown(f"the variable '{member}' has no expression that is evaluated")
    else:
        setattr(variable, _VARIABLE_FIELDS[name.lower()], is_true(str(value)))


def _variable(run: PackageRun, owner: Owner, member: str) -> RunVariable:
    """Return the variable that the owner sees: its own, or the nearest around it."""
    around = [one for one in _owners(run.package.container) if _contains(one, owner)]
    for scope in sorted(around, key=lambda one: len(one.path), reverse=True):
        known = run.variables_at(scope.path, scope.variables)
        for name, variable in known.items():
            # Names are compared with case; without a namespace, any fits.
            if member in (name, name.rpartition("::")[2]):
                return variable
    raise _Unknown(f"there is no variable '{member}'")


def _contains(outer: Owner, inner: Owner) -> bool:
    return inner.path == outer.path or inner.path.startswith((f"{outer.path}\\", f"{outer.path}."))


def _unresolved(path: str, why: str) -> PathError:
    return PathError(f"The property path {path} names nothing in the package: {why} (0xC001F02F).")
