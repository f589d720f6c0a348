"""The values of parameters: those that the user gives, or the design defaults."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_ssis.engine.control_flow.package_runs import TypedValue
from airflow_provider_ssis.engine.control_flow.variables.values import default_of, given_value
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.loading import LoadedProject, LoadError
from airflow_provider_ssis.engine.secrets import Secrets
from airflow_provider_ssis.project.package.document import DtsPackage

CONNECTION = "CM."
SENSITIVE = "$Sensitive::"
"""The start of a property path of dtexec whose value is a secret."""
NOT_LOADED = 0xC00220E4
"""DTS_E_TKEXECPACKAGE_UNABLETOLOAD: the child package of an Execute Package task cannot be loaded."""
_PARAMETER_PATH = re.compile(
    r"\\package\.variables\[(\$(?:package|project)::[^\]]+)\](?:\.value|\.properties\[value\])?", re.IGNORECASE
)
PROJECT, PACKAGE = "$Project::", "$Package::"


def given_parameters(
    project: LoadedProject, file: str, package: DtsPackage, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the given values by full name, and those of connection parameters by ``Manager.Property``.

    :param given: values by name: ``Region``, ``$Package::Region``, ``$Project::Server``, ``CM.Sales.ServerName``. A
        name without a scope is that of the package's parameter or, if it has none, of the project's.
    :raises LoadError: there is no such parameter.
    """
    own = {f"{PACKAGE}{one.name}".casefold(): f"{PACKAGE}{one.name}" for one in package.parameters}
    shared = {f"{PROJECT}{one.name}".casefold(): f"{PROJECT}{one.name}" for one in project.parameters}
    values: dict[str, Any] = {}
    connections: dict[str, Any] = {}
    for name, value in given.items():
        bare = name.rpartition("::")[2]
        if bare.upper().startswith(CONNECTION):
            connections[bare[len(CONNECTION) :]] = value
            continue
        keys = [name] if "::" in name else [f"{PACKAGE}{name}", f"{PROJECT}{name}"]
        found = next((known for key in keys if (known := (own | shared).get(key.casefold()))), None)
        if found is None:
            known = ", ".join(sorted((own | shared).values())) or "none"
            raise LoadError(f"{file} has no parameter {name}. Parameters: {known}.")
        values[found] = value
    return values, connections


def given_names(project: LoadedProject, package: DtsPackage, given: Iterable[str]) -> frozenset[str]:
    """Return the full names of the values that the user gives, in lower case: those of parameters and connections.

    :param package: the package that the user runs. A name without a scope is first one of it, then of the project.
    :param given: the names, as in :func:`given_parameters`.
    """
    own = {one.name.casefold() for one in package.parameters}
    managers = {one.name.casefold() for one in package.connection_managers}
    found: set[str] = set()
    for name in given:
        scope, _, bare = name.casefold().rpartition("::")
        if bare.startswith(CONNECTION.casefold()):
            manager = bare[len(CONNECTION) :].rpartition(".")[0]
            found.add((PACKAGE if manager in managers else PROJECT).casefold() + bare)
        else:
            found.add(f"{scope}::{bare}" if scope else (PACKAGE if bare in own else PROJECT).casefold() + bare)
    return frozenset(found)


def overridden_parameters(overrides: Iterable[str]) -> Iterator[str]:
    """Yield the full names of the parameters that property overrides set.

    :param overrides: the property paths.
    """
    for path in overrides:
        found = _PARAMETER_PATH.fullmatch(path.removeprefix(SENSITIVE))
        if found is not None:
            yield found[1]


def of_child(given: Iterable[str], assigned: Iterable[str]) -> frozenset[str]:
    """Return what a child package gets: the values for the project, and what its Execute Package task assigns.

    :param given: what the parent package gets, as :func:`given_names` returns it.
    :param assigned: the parameters that the task assigns.
    """
    shared = {name for name in given if name.startswith(PROJECT.casefold())}
    return frozenset(shared | {f"{PACKAGE}{name.removeprefix(PACKAGE)}".casefold() for name in assigned})


def parameter_values(
    project: LoadedProject, package: DtsPackage, given: Mapping[str, Any], secrets: Secrets
) -> dict[str, TypedValue]:
    """Return the values of all parameters by full name.

    :param given: the given values by full name.
    :param secrets: gets the values of sensitive parameters.
    :raises LoadError: a value is not one of the parameter's type.
    """
    declared = [(f"{PACKAGE}{one.name}", one.data_type, one.value, one.sensitive) for one in package.parameters]
    declared += [(f"{PROJECT}{one.name}", one.data_type, one.value, one.sensitive) for one in project.parameters]
    found: dict[str, TypedValue] = {}
    for name, type_name, stored, sensitive in declared:
        value = default_of(type_name) if stored is None else stored
        if name in given:
            try:
                value = given_value(given[name], type_name)
            except ValueError as error:
                raise LoadError(f"The value of the parameter {name} is not valid: {error}.") from None
        if sensitive:
            secrets.add(value)
        found[name] = (type_name, value)
    return found


def missing_parameters(project: LoadedProject, package: DtsPackage, given: Mapping[str, Any]) -> list[str]:
    """Return the full names of the required parameters of a package and its project without a given value."""
    required = [f"{PACKAGE}{one.name}" for one in package.parameters if one.required]
    required += [f"{PROJECT}{one.name}" for one in project.parameters if one.required]
    return [name for name in required if name not in given]


def sensitive_parameters(project: LoadedProject, package: DtsPackage) -> list[str]:
    """Return the full names of the sensitive parameters of a package and its project."""
    found = [f"{PACKAGE}{one.name}" for one in package.parameters if one.sensitive]
    return found + [f"{PROJECT}{one.name}" for one in project.parameters if one.sensitive]


def check_assignments(
    child: str, assignments: Iterable[tuple[str, str]], secrets: Collection[str], parameters: Mapping[str, bool]
) -> None:
    """Check what an Execute Package task assigns to the parameters of its child package.

    :param child: the file name of the child package.
    :param assignments: the names of parameters, and of the variables or parameters with their values.
    :param secrets: the full names of the sensitive parameters of the parent package and its project.
    :param parameters: for each parameter of the child, by name, whether it is sensitive.
    :raises TaskFailure: the child has no such parameter, or a secret would become public. Source: "Execute Package
        Task".
    """
    known = {name.casefold(): is_sensitive for name, is_sensitive in parameters.items()}
    for name, source in assignments:
        is_sensitive = known.get(name.removeprefix(PACKAGE).casefold())
        if is_sensitive is None:
            names = ", ".join(sorted(parameters)) or "none"
            raise TaskFailure(f"{child} has no parameter {name}. Parameters: {names}.", NOT_LOADED)
        if source in secrets and not is_sensitive:
            raise TaskFailure(
                f"The parameter {name} of {child} is not sensitive, and cannot get the value of the sensitive parameter"
                f" {source}. Make {name} sensitive too.",
                NOT_LOADED,
            )
