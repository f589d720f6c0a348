"""Run single tasks of the engine: a context with variables, connection managers and a record of the messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.connection import Connections, RunConnection
from airflow_provider_ssis.engine.connections.open_connections import OpenConnections
from airflow_provider_ssis.engine.connections.paths import PathMap
from airflow_provider_ssis.engine.connections.replacements import Replacement
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.tasks.table import task_class
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.expressions import Scope, Variable
from airflow_provider_ssis.expressions.values import from_python, type_code, variable_type
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.type_names import task_type

_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    "Boolean": bool,
    "Int16": int,
    "Int32": int,
    "Int64": int,
    "Double": float,
    "Decimal": Decimal,
    "String": str,
    "DateTime": datetime,
    "Object": object,
}


@dataclass(frozen=True)
class Said:
    """A message that a task raised."""

    event: str
    text: str
    code: int


@dataclass
class Context:
    """The context of a task, with the variables and connection managers of its package."""

    package: DtsPackage
    container: DtsContainer
    connections: Connections
    opened: OpenConnections
    execution_path: str
    options: RunOptions = field(default_factory=RunOptions)
    cancel: CancelToken = field(default_factory=CancelToken)
    locale_id: int = 1033
    package_name: str = "Test"
    variables: dict[str, Any] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    read_only: set[str] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)
    published: list[object] = field(default_factory=list)
    children: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    child: Callable[[str], None] | None = None

    def _full(self, name: str) -> str:
        ids = {variable.id: variable.qualified_name for variable in self.package.container.variables}
        full = ids.get(name, name if "::" in name else f"User::{name}")
        if full not in self.types:
            raise TaskFailure(f"There is no variable {name}.", 0xC0010001)
        return full

    def read(self, name: str) -> Any:
        return self.variables[self._full(name)]

    def type_of(self, name: str) -> str:
        return self.types[self._full(name)]

    def scope(self) -> Scope:
        return Scope({name: _as_variable(kind, self.variables[name]) for name, kind in self.types.items()})

    def write(self, name: str, value: Any) -> None:
        full = self._full(name)
        kind = self.types[full]
        if full in self.read_only or full.startswith("$"):
            raise TaskFailure(f"The variable {name} is read-only.", 0xC0016015)
        if kind != "Object" and (
            not isinstance(value, _PYTHON[kind]) or (kind != "Boolean" and isinstance(value, bool))
        ):
            raise TaskFailure(f"{type(value).__name__} is not a {kind}.", 0xC001F009)
        self.variables[full] = value

    def information(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        self.said.append(Said("information", text, code))

    def warning(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        self.said.append(Said("warning", text, code))

    def error(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        self.said.append(Said("error", text, code))

    def progress(self, percent: int, text: str, *, subcomponent: str | None = None) -> None:
        self.said.append(Said("progress", text, percent))

    def publish(self, event: object) -> None:
        self.published.append(event)

    def run_child(self, package: str, parameters: Mapping[str, Any]) -> None:
        self.children.append((package, dict(parameters)))
        if self.child is not None:
            self.child(package)

    def codes(self, event: str) -> list[int]:
        """The codes of the messages of a kind."""
        return [said.code for said in self.said if said.event == event]


def _as_variable(kind: str, value: Any) -> Variable:
    code = type_code(kind)
    if code is None:
        return Variable(None, None)
    return Variable(variable_type(code, value), from_python(value, variable_type(code, value)))


def run_connection(manager: DtsConnectionManager) -> RunConnection:
    """A connection manager with its stored values."""
    return RunConnection(
        manager.name,
        manager.id,
        manager.kind,
        manager.creation_name,
        manager.connection_string,
        manager.properties,
        manager.columns,
        manager.cache_columns,
    )


def connections_of(
    package: DtsPackage,
    *,
    replacements: Mapping[str, Replacement] | None = None,
    paths: PathMap | None = None,
    cancel: CancelToken | None = None,
) -> OpenConnections:
    """The connection managers of a package."""

    def resolve(reference: str) -> RunConnection:
        for manager in package.connection_managers:
            if reference.lower() in (manager.id.lower(), manager.name.lower(), manager.ref_id.lower()):
                return run_connection(manager)
        raise TaskFailure(f"There is no connection manager {reference}.", 0xC001000E)

    return OpenConnections(resolve, replacements=replacements, paths=paths, cancel=cancel)


def task_context(
    package: DtsPackage,
    *,
    name: str | None = None,
    replacements: Mapping[str, Replacement] | None = None,
    paths: PathMap | None = None,
    options: RunOptions | None = None,
) -> Context:
    """The context of a task of a package.

    :param name: the name of the task. Default: the first one.
    """
    container = next(each for each in package.container.children if name in (None, each.name))
    cancel = CancelToken()
    opened = connections_of(package, replacements=replacements, paths=paths, cancel=cancel)
    context = Context(
        package,
        container,
        opened,
        opened,
        container.path,
        options=options or RunOptions(),
        cancel=cancel,
    )
    for variable in package.container.variables:
        context.types[variable.qualified_name] = variable.data_type
        context.variables[variable.qualified_name] = None if variable.data_type == "Object" else variable.value
        if variable.read_only:
            context.read_only.add(variable.qualified_name)
    for parameter in package.parameters:
        context.types[f"$Package::{parameter.name}"] = parameter.data_type
        context.variables[f"$Package::{parameter.name}"] = parameter.value
    return context


def task_of(context: Context) -> Task:
    """The task of a context."""
    found = task_class(task_type(context.container.type))
    assert found is not None, context.container.type
    return found(context.container, context.container.data())


def run_task(context: Context) -> Any:
    """Validate and run the task of a context; returns its execution value."""
    task = task_of(context)
    refused = list(task.refusals(context.options))
    assert not refused, refused
    try:
        task.validate(context)
        return task.run(context)
    finally:
        context.opened.close()


def failure_of(action: Callable[[], Any]) -> TaskFailure:
    """The failure of an action that must fail."""
    try:
        action()
    except TaskFailure as error:
        return error
    raise AssertionError("it did not fail")


def causes(failure: TaskFailure) -> Iterator[int]:
    """The codes of a failure and its causes, in the order in which they are reported."""
    return (each.code for each in failure.chain)
