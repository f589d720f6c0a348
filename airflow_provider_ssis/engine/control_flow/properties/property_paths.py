r"""Property paths of dtexec's ``/SET``, of configurations and of property overrides.

``\Package\Load.Properties[Disable]``, ``\Package.Variables[User::Day].Value``,
``\Package.Connections[Sales].Properties[ConnectionString]``. A path that names nothing is an error, as in SSIS. The
first word is ``\Package``, however the package is called. Source: "dtexec utility".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ssis.engine.control_flow.connection_values import is_unchanged, property_name
from airflow_provider_ssis.engine.control_flow.connections import find_manager
from airflow_provider_ssis.engine.control_flow.package_runs import PackageRun
from airflow_provider_ssis.engine.control_flow.properties.preparing import PACKAGE_PROPERTIES
from airflow_provider_ssis.engine.control_flow.properties.property_table import (
    CONTAINER,
    HANDLER,
    boolean,
    can_set,
    with_container_property,
    with_data_property,
    with_enumerator_property,
)
from airflow_provider_ssis.engine.control_flow.properties.unsupported_properties import (
    UnsupportedProperty,
    check_ignored,
    check_ignored_of_part,
)
from airflow_provider_ssis.engine.control_flow.variables.run_variables import RunVariable
from airflow_provider_ssis.engine.control_flow.variables.values import given_value
from airflow_provider_ssis.engine.loading import LoadError
from airflow_provider_ssis.project import object_properties
from airflow_provider_ssis.project.connection_properties import properties_of_connection
from airflow_provider_ssis.project.editing.property_paths import nearest, nearest_executable
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.loops import ForeachLoop
from airflow_provider_ssis.project.property_paths import ENUMERATOR, Target, read_target

if TYPE_CHECKING:
    from lxml.etree import _Element

_FLAGS: Final = {
    "evaluateasexpression": "is_evaluated",
    "raisechangedevent": "raise_changed_event",
    "readonly": "read_only",
}
_TEXTS: Final = {"description": "description", "expression": "stored_expression"}
_ROOT: Final = "\\Package"

Owner = DtsContainer | DtsEventHandler


class PathError(LoadError):
    """A property path names nothing, or its value is not one of the property. It does not contain the value."""


class UnsupportedPathError(PathError):
    """A property path leads to a property that the engine does not apply."""


def set_property(run: PackageRun, path: str, value: Any) -> None:
    """Set a property of a package that has not started.

    :param run: the package.
    :param path: the property path.
    :param value: the value: a text as on the command line, or a value of Python.
    :raises UnsupportedPathError: the engine does not apply the property.
    :raises PathError: the path names nothing, or the value is not one of the property.
    """
    owners = {owner.path: owner for owner in _owners(run.package.container)}
    full = _ROOT + path[len(_ROOT) :] if path[: len(_ROOT)].lower() == _ROOT.lower() else path
    # The longest path is the right one: names can contain dots, and handlers follow a dot.
    start = max((known for known in owners if full.startswith(f"{known}.")), key=len, default="")
    if not start:
        raise _unresolved(path, f"there is no such executable{nearest_executable(path, owners)}")
    owner, rest = owners[start], full[len(start) :]
    try:
        target = read_target(rest)
        if target is None:
            raise _Unknown(f"'{rest}' is not of the form .Properties[name] or .Variables[name].Value")
        if target.collection == ENUMERATOR:
            _set_enumerator(run, owner, target.property, value)
        elif target.collection:
            _set_member(run, owner, target, value)
        else:
            _set_executable(run, owner, target.property, value)
    except _Unknown as error:
        raise _unresolved(path, str(error)) from None
    except UnsupportedProperty as error:
        advice = "Set it in the package, or run the package on a server."
        raise UnsupportedPathError(f"The property {path} cannot be set: {error}. {advice}") from None
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
    except (_Unknown, UnsupportedProperty) as error:
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
    lower = name.lower()
    if isinstance(owner, DtsEventHandler):
        if lower not in HANDLER:
            _check(owner.element, object_properties.EVENT_HANDLER, name, value)
            return
        if lower.startswith("disable") and owner.disabled and not boolean(value):
            raise UnsupportedProperty("the engine enables no event handlers that are stored disabled")
    elif lower in CONTAINER:
        with_container_property(owner, name, value)  # raises if the value is not one of the property
    elif owner.kind is ExecutableKind.PACKAGE:
        if lower not in PACKAGE_PROPERTIES:
            _check(owner.element, object_properties.properties_of(owner.kind, "", is_data_flow=False), name, value)
            return
    else:
        data = run.data_of(owner)
        if not can_set(data, name):
            if isinstance(data, Pipeline):
                check_ignored_of_part(data, name)
            known = object_properties.properties_of(owner.kind, owner.type, is_data_flow=isinstance(data, Pipeline))
            _check(owner.element, known, name, value)
            return
        with_data_property(data, name, value)
    run.settings.executables.setdefault(owner.path, {})[name] = value


def _check(element: _Element, known: Collection[str] | None, name: str, value: Any) -> None:
    """Check a property that the engine does not apply: the value must be the stored one.

    :param known: the properties that the object has, in lower case; None if they are not known.
    """
    if known is not None and name.lower() not in known:
        raise _Unknown(f"there is no property '{name}'{nearest(name, known)}")
    check_ignored(element, name, value)


def _set_enumerator(run: PackageRun, owner: Owner, name: str, value: Any) -> None:
    data = run.data_of(owner) if isinstance(owner, DtsContainer) else None
    if not isinstance(data, ForeachLoop) or data.enumerator is None:
        raise _Unknown("there is no enumerator")
    if not can_set(data.enumerator, name):
        raise UnsupportedProperty(f"the engine does not set the property '{name}' of this enumerator")
    with_enumerator_property(data, name, value)
    run.settings.enumerators.setdefault(owner.path, {})[name] = value


def _set_member(run: PackageRun, owner: Owner, target: Target, value: Any) -> None:
    member, name = target.member, target.property
    if target.collection == "connections":
        if name == "Value":
            raise _Unknown("a connection manager has properties, and no value")
        manager = find_manager(run, member)
        if manager is None:
            managers = (*run.package.connection_managers, *run.project.connection_managers)
            near = nearest(member, [one.name for one in managers])
            raise _Unknown(f"there is no connection manager '{member}'{near}")
        _set_connection(run, manager, name, value)
    elif target.collection == "variables":
        _set_variable(run, owner, member, name, value)
    elif target.collection == "parameters":
        scopes = ("$Package", "$Project")
        full = next((f"{one}::{member}" for one in scopes if f"{one}::{member}" in run.parameters), member)
        _set_parameter(run, full, name, value)
    elif target.collection == "logproviders":
        # They write nothing here, so that their properties have no effect.
        if all(provider.name != member for provider in run.package.log_providers):
            raise _Unknown(f"there is no log provider '{member}'")
    else:
        raise UnsupportedProperty(f"the engine does not set properties of {target.collection}")


def _set_connection(run: PackageRun, manager: DtsConnectionManager, name: str, value: Any) -> None:
    known = property_name(manager, name)
    if known is not None:
        run.settings.connections.setdefault(manager.id.upper(), {})[known] = value
    elif name.lower() not in (properties_of_connection(manager.creation_name) or ()):
        raise _Unknown(f"the connection manager '{manager.name}' has no property '{name}' that the engine can set")
    elif not is_unchanged(manager, name, value):
        raise UnsupportedProperty(f"the engine does not apply the property '{name}' of connection managers")


def _set_parameter(run: PackageRun, member: str, name: str, value: Any) -> None:
    if member not in run.parameters:
        raise _Unknown(f"there is no parameter '{member}'{nearest(member, run.parameters)}")
    if name.lower() != "value":
        raise UnsupportedProperty("the engine sets no properties of parameters, only their values")
    type_name = run.parameters[member][0]
    run.parameters[member] = (type_name, given_value(value, type_name))


def _set_variable(run: PackageRun, owner: Owner, member: str, name: str, value: Any) -> None:
    if member.startswith("$"):
        _set_parameter(run, member, name, value)
        return
    variable = _variable(run, owner, member)
    lower = name.lower()
    if lower == "value":
        variable.value = given_value(value, variable.type)
    elif lower in _FLAGS:
        setattr(variable, _FLAGS[lower], boolean(value))
    elif lower in _TEXTS:
        setattr(variable, _TEXTS[lower], "" if value is None else str(value))
    elif lower not in object_properties.VARIABLE:
        raise _Unknown(f"a variable has no property '{name}'{nearest(name, object_properties.VARIABLE)}")
    elif lower != "includeindebugdump":
        namespace, _, own = variable.name.rpartition("::")
        same = {"name": own, "namespace": namespace, "qualifiedname": variable.name, "id": variable.id}
        if same.get(lower) != str(value):
            raise UnsupportedProperty(f"the engine does not change the property '{name}' of variables")


def _variable(run: PackageRun, owner: Owner, member: str) -> RunVariable:
    """Return the variable that the owner sees: its own, or the nearest around it."""
    seen: list[str] = []
    around = [one for one in _owners(run.package.container) if _contains(one, owner)]
    for scope in sorted(around, key=lambda one: len(one.path), reverse=True):
        known = run.variables_at(scope.path, scope.variables)
        seen += known
        for name, variable in known.items():
            # Names are compared with case; without a namespace, any fits.
            if member in (name, name.rpartition("::")[2]):
                return variable
    raise _Unknown(f"there is no variable '{member}'{nearest(member, seen)}")


def _contains(outer: Owner, inner: Owner) -> bool:
    return inner.path == outer.path or inner.path.startswith((f"{outer.path}\\", f"{outer.path}."))


def _unresolved(path: str, why: str) -> PathError:
    return PathError(f"The property path {path} names nothing in the package: {why} (0xC001F02F).")
