"""The values of parameters: those that the user gives, or the design defaults."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from airflow_provider_ssis.engine.control_flow.package_runs import TypedValue
from airflow_provider_ssis.engine.control_flow.values import default_of, given_value
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.loading import LoadedProject, LoadError
from airflow_provider_ssis.engine.secrets import Secrets
from airflow_provider_ssis.project.package.document import DtsPackage

CONNECTION = "CM."
NOT_LOADED = 0xC00220E4
"""DTS_E_TKEXECPACKAGE_UNABLETOLOAD: the child package of an Execute Package task cannot be loaded."""
_PROJECT, _PACKAGE = "$Project::", "$Package::"


def given_parameters(
    project: LoadedProject, file: str, package: DtsPackage, given: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the given values by full name, and those of connection parameters by ``Manager.Property``.

    :param given: values by name: ``Region``, ``$Package::Region``, ``$Project::Server``, ``CM.Sales.ServerName``. A
        name without a scope is that of the package's parameter or, if it has none, of the project's.
    :raises LoadError: there is no such parameter.
    """
    own = {f"{_PACKAGE}{one.name}".casefold(): f"{_PACKAGE}{one.name}" for one in package.parameters}
    shared = {f"{_PROJECT}{one.name}".casefold(): f"{_PROJECT}{one.name}" for one in project.parameters}
    values: dict[str, Any] = {}
    connections: dict[str, Any] = {}
    for name, value in given.items():
        bare = name.rpartition("::")[2]
        if bare.upper().startswith(CONNECTION):
            connections[bare[len(CONNECTION) :]] = value
            continue
        keys = [name] if "::" in name else [f"{_PACKAGE}{name}", f"{_PROJECT}{name}"]
        found = next((known for key in keys if (known := (own | shared).get(key.casefold()))), None)
        if found is None:
            known = ", ".join(sorted((own | shared).values())) or "none"
            raise LoadError(f"{file} has no parameter {name}. Parameters: {known}.")
        values[found] = value
    return values, connections


def parameter_values(
    project: LoadedProject, package: DtsPackage, given: Mapping[str, Any], secrets: Secrets
) -> dict[str, TypedValue]:
    """Return the values of all parameters by full name.

    :param given: the given values by full name.
    :param secrets: gets the values of sensitive parameters.
    :raises LoadError: a value is not one of the parameter's type.
    """
    declared = [(f"{_PACKAGE}{one.name}", one.data_type, one.value, one.sensitive) for one in package.parameters]
    declared += [(f"{_PROJECT}{one.name}", one.data_type, one.value, one.sensitive) for one in project.parameters]
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
    required = [f"{_PACKAGE}{one.name}" for one in package.parameters if one.required]
    required += [f"{_PROJECT}{one.name}" for one in project.parameters if one.required]
    return [name for name in required if name not in given]


def sensitive_parameters(project: LoadedProject, package: DtsPackage) -> list[str]:
    """Return the full names of the sensitive parameters of a package and its project."""
    found = [f"{_PACKAGE}{one.name}" for one in package.parameters if one.sensitive]
    return found + [f"{_PROJECT}{one.name}" for one in project.parameters if one.sensitive]


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
        is_sensitive = known.get(name.removeprefix(_PACKAGE).casefold())
        if is_sensitive is None:
            names = ", ".join(sorted(parameters)) or "none"
            raise TaskFailure(f"{child} has no parameter {name}. Parameters: {names}.", NOT_LOADED)
        if source in secrets and not is_sensitive:
            raise TaskFailure(
                f"The parameter {name} of {child} is not sensitive, and cannot get the value of the sensitive parameter"
                f" {source}. Make {name} sensitive too.",
                NOT_LOADED,
            )
