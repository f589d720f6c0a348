"""What a validation finds: problems of deployed packages, and of the values of their parameters.

The checks read the files and the catalog's rows; no connection is opened, and no expression is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ssis.emulator.ssisdb.error_texts import text
from airflow_provider_ssis.project.models import EvalOp, ExecutableKind, Package, Project
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.tasks import (
    BulkInsertTask,
    ExecutePackageTask,
    ExecuteSqlTask,
    FileSystemTask,
    FtpTask,
    SendMailTask,
)

_EXTERNAL = ":external"
"""What follows the id of a project's connection manager in a data flow."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem.

    :param place: the path of the executable that has it; empty for the package itself.
    :param is_warning: whether the package can still run.
    """

    message: str
    place: str = ""
    is_warning: bool = False


# --- files


def check_package(project: Project, package: Package, document: DtsPackage | None) -> Iterator[Finding]:
    """The problems of the file of a package.

    :param document: the package with its details; None if its file cannot be read.
    """
    if package.control_flow is None or document is None:
        yield Finding(package.note or f"The package {package.name} cannot be read. Deploy the project again.")
        return
    known = _identities(document.connection_managers)
    for manager in project.connection_managers:
        name, identity = manager.name.lower(), manager.id.lower()
        known |= {name, identity, f"{identity}{_EXTERNAL}", f"project.connectionmanagers[{name}]"}
    yield from _check_container(project, document.container, known)


def _identities(managers: Iterable[DtsConnectionManager]) -> set[str]:
    return {
        each.lower()
        for manager in managers
        for each in (manager.name, manager.id, manager.ref_id, f"Package.ConnectionManagers[{manager.name}]")
        if each
    }


def _check_container(project: Project, container: DtsContainer, known: set[str]) -> Iterator[Finding]:
    if container.disabled:
        return
    for name, connection in _connections(container):
        if connection.lower() not in known:
            yield Finding(
                f"The connection manager '{connection}' of {name} does not exist in the package or the project. Add it,"
                " or choose another one.",
                container.path,
            )
    yield from _check_child(project, container)
    yield from _check_constraints(container)
    for handler in container.event_handlers:
        if not handler.disabled:
            yield from _check_constraints(handler)
            for child in handler.children:
                yield from _check_container(project, child, known)
    for child in container.children:
        yield from _check_container(project, child, known)


def _check_constraints(container: DtsContainer | DtsEventHandler) -> Iterator[Finding]:
    """A constraint that evaluates an expression has one. Reading the package has checked its ends and the order."""
    for constraint in container.constraints:
        if constraint.eval_op is not EvalOp.CONSTRAINT and not constraint.expression.strip():
            yield Finding(
                f"The precedence constraint from '{constraint.source}' to '{constraint.target}' evaluates an"
                " expression, but has none. Give it an expression, or let it evaluate the constraint alone.",
                container.path,
            )


def _check_child(project: Project, container: DtsContainer) -> Iterator[Finding]:
    data = container.data() if container.kind is ExecutableKind.TASK else None
    if not isinstance(data, ExecutePackageTask) or not data.use_project_reference:
        return
    if "PackageName" in container.expressions:
        return
    child = project.package(data.package_name)
    if child is None:
        yield Finding(
            f"The project has no package '{data.package_name}', which this Execute Package task runs.", container.path
        )
        return
    names = {parameter.name.lower() for parameter in child.parameters}
    for assignment in data.assignments:
        if assignment.parameter.lower() not in names:
            yield Finding(
                f"The child package '{child.name}' has no parameter '{assignment.parameter}', to which this Execute"
                " Package task assigns a value.",
                container.path,
            )


def _connections(container: DtsContainer) -> list[tuple[str, str]]:
    """The connection managers that a task refers to, each with the part of the task that uses it."""
    if container.kind is not ExecutableKind.TASK:
        return []
    set_later = {name.lower() for name in container.expressions}
    data = container.data()
    task = f"the task '{container.name}'"
    if isinstance(data, Pipeline):
        return [
            (f"the component '{component.name}'", connection.manager_ref_id or connection.manager_id)
            for component in data.components
            for connection in component.connections
            if connection.manager_ref_id or connection.manager_id
        ]
    return [(task, connection) for name, connection in _of_task(data) if connection and name.lower() not in set_later]


def _of_task(data: Any) -> Sequence[tuple[str, str]]:
    """The properties of a task that name connection managers, with their values."""
    match data:
        case ExecuteSqlTask():
            is_file = data.source_type == "FileConnection"
            file = [("SqlStatementSource", data.source)] if is_file else []
            return [("Connection", data.connection), *file]
        case ExecutePackageTask():
            return [] if data.use_project_reference else [("Connection", data.connection)]
        case FileSystemTask():
            return [
                ("Source", "" if data.source_is_variable else data.source),
                ("Destination", "" if data.destination_is_variable else data.destination),
            ]
        case SendMailTask():
            is_file = data.source_type == "FileConnection"
            file = [("MessageSource", data.source)] if is_file else []
            return [("SmtpConnection", data.smtp_server), *file]
        case FtpTask():
            local = [] if data.local_path_is_variable else [("LocalPath", data.local_path)]
            return [("Connection", data.connection), *local]
        case BulkInsertTask():
            return [
                ("SourceConnectionName", data.source_connection),
                ("DestinationConnectionName", data.destination_connection),
            ]
    return []


# --- parameters


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter of a project or package with its value on the server.

    :param variable: the environment variable that gives the value; None for a plain value.
    """

    parameter_id: int
    name: str
    data_type: str
    sensitive: bool
    required: bool
    value_set: bool
    variable: str | None


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A variable of an environment."""

    data_type: str
    sensitive: bool


def check_parameter(
    parameter: ParameterRow, environment: str | None, variables: Mapping[str, VariableRow]
) -> Finding | None:
    """The problem of a parameter's value in an environment.

    :param environment: None for a validation without one.
    :param variables: those of the environment, by lower-case name.
    """
    quoted = f"The parameter '{parameter.name}'"
    if parameter.variable is None:
        if parameter.required and not parameter.value_set:
            return Finding(f"{text(27201)} {quoted} is required. Set its value.")
        return None
    if environment is None:
        hint = f"{quoted} gets its value from the environment variable '{parameter.variable}'."
        return Finding(f"{text(27202)} {hint}", is_warning=not parameter.required)
    variable = variables.get(parameter.variable.lower())
    if variable is None:
        return Finding(f"{text(27207, environment)} {quoted} refers to '{parameter.variable}'.")
    if variable.data_type != parameter.data_type:
        types = f"{quoted} is {parameter.data_type}, the variable '{parameter.variable}' is {variable.data_type}."
        return Finding(f"{text(27148)} {types}")
    if variable.sensitive and not parameter.sensitive:
        return Finding(f"{text(27221)} {quoted} refers to '{parameter.variable}' of '{environment}'.")
    return None
