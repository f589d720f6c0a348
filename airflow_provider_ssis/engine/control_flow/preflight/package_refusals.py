"""Finds the unsupported parts of a package, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from airflow_provider_ssis.engine.connections.providers import reads_excel, unsupported_provider
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.control_flow.connection_values import hidden_secrets, stored_connection
from airflow_provider_ssis.engine.control_flow.enumerators.table import enumerator_class
from airflow_provider_ssis.engine.control_flow.preflight.connection_refusals import connection_refusals
from airflow_provider_ssis.engine.control_flow.preflight.project_parts import missing_project_parts
from airflow_provider_ssis.engine.control_flow.preflight.query_parameters import query_parameter_refusals
from airflow_provider_ssis.engine.control_flow.preflight.stored_attributes import (
    ignored_of_executable,
    ignored_of_manager,
    ignored_of_package,
)
from airflow_provider_ssis.engine.control_flow.preflight.stored_names import ignored_names, ignored_of_handler
from airflow_provider_ssis.engine.control_flow.preflight.stored_values import damaged_parts, damaged_task
from airflow_provider_ssis.engine.control_flow.properties.configurations import configuration_refusals
from airflow_provider_ssis.engine.control_flow.properties.preparing import PACKAGE_PROPERTIES
from airflow_provider_ssis.engine.control_flow.properties.property_table import (
    CONTAINER,
    HANDLER,
    can_set,
    is_of_component,
)
from airflow_provider_ssis.engine.control_flow.transactions import transaction_refusals
from airflow_provider_ssis.engine.control_flow.variables.parameters import (
    CONNECTION,
    PACKAGE,
    PROJECT,
    given_names,
    of_child,
    overridden_parameters,
)
from airflow_provider_ssis.engine.loading import LoadedProject, LoadError, PackageNotFoundError
from airflow_provider_ssis.engine.refusals import Refusal
from airflow_provider_ssis.engine.tasks.refused import refused_task
from airflow_provider_ssis.engine.tasks.table import task_class
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.models import ExecutableKind
from airflow_provider_ssis.project.package.connections import DtsConnectionManager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.data_flow import Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.elements import is_true
from airflow_provider_ssis.project.package.loops import ForeachLoop
from airflow_provider_ssis.project.package.tasks import ExecutePackageTask
from airflow_provider_ssis.project.type_names import task_type

_DISABLE = re.compile(r"\\package(?P<path>.*)\.(?:properties\[disabled?\]|disabled?)", re.IGNORECASE | re.DOTALL)
_OTHER_OBJECTS = (
    "ConnectionManagers",
    "ConnectionManager",
    "EventHandlers",
    "EventHandler",
    "Executables",
    "Executable",
)
_GIVE_VALUE = "Give its value when you run the package"


def check(
    project: LoadedProject,
    file: str,
    options: RunOptions,
    *,
    replacements: Collection[str] = (),
    parameters: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    is_child: bool = False,
) -> list[Refusal]:
    """Return the unsupported parts of a package and its child packages. Nothing is opened.

    :param project: its project.
    :param file: its file name.
    :param options: the options of the user. A script is supported if a function replaces it.
    :param replacements: the names of the connection managers that the user replaces. Default: none.
    :param parameters: the parameters that the user gives. Default: none.
    :param overrides: the property overrides, which can disable executables. Default: none.
    :param is_child: whether it is a child package: functions of the run may belong to its parents. Default: False.
    :raises ProjectError: the package cannot be read.
    """
    found = _Check(project, options, {name.casefold(): name for name in replacements}, is_child=is_child)
    package = project.package(file)
    container = _with_overrides(package.container, dict(_disabled(overrides or {})))
    given = given_names(project, package, [*(parameters or ()), *overridden_parameters(overrides or {})])
    refusals = [*found.package(file, replace(package, container=container), "", given)]
    if not is_child:
        refusals += [*found.unknown_scripts(), *found.unknown_replacements()]
    return list(dict.fromkeys(refusals))


def _disabled(overrides: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the executables that property overrides disable or enable, by path."""
    for path, value in overrides.items():
        found = _DISABLE.fullmatch(path)
        if found is not None:
            yield f"\\Package{found['path']}", is_true(str(value))


def _enabled_by_expression(root: DtsContainer) -> Iterator[tuple[str, bool]]:
    """Yield the executables that an expression of the property Disable can enable, by path."""
    for container in root.walk():
        if container.disabled and _has_disable(container):
            yield container.path, False


def _has_disable(owner: DtsContainer | DtsEventHandler) -> bool:
    return any(name.lower() in ("disable", "disabled") for name in owner.expressions)


def _with_overrides(container: DtsContainer, disabled: Mapping[str, bool]) -> DtsContainer:
    """Return the containers with those disabled or enabled that property overrides name."""
    if not disabled:
        return container
    handlers = tuple(
        replace(
            handler,
            disabled=disabled.get(handler.path, handler.disabled),
            children=tuple(_with_overrides(child, disabled) for child in handler.children),
        )
        for handler in container.event_handlers
    )
    return replace(
        container,
        disabled=disabled.get(container.path, container.disabled),
        event_handlers=handlers,
        children=tuple(_with_overrides(child, disabled) for child in container.children),
    )


class _Check:
    def __init__(
        self, project: LoadedProject, options: RunOptions, replacements: Mapping[str, str], *, is_child: bool
    ) -> None:
        self._is_child = is_child
        self._project = project
        self._options = options
        self._replacements = replacements
        self._given: frozenset[str] = frozenset()
        self._seen: set[tuple[str, frozenset[str]]] = set()
        self._places: set[str] = set()
        self._managers: dict[str, str] = {}
        self._has_other_children = False
        self._text = self._tasks_text = ""

    def package(self, file: str, package: DtsPackage, prefix: str, given: frozenset[str]) -> Iterator[Refusal]:
        """Yield the refusals of a package.

        :param prefix: the text before paths: the file name of a child package.
        :param given: the values that the package gets, as :func:`given_names` returns them.
        """
        self._seen.add((file, given))
        self._given = given
        root = _with_overrides(package.container, dict(_enabled_by_expression(package.container)))
        if root.disabled:
            return
        text = _text(root, _OTHER_OBJECTS)
        self._text = text.upper()
        self._tasks_text = _text(root, (*_OTHER_OBJECTS, "ForEachEnumerator")).upper()
        refusals = [*self._package(package), *self._secrets(package), *self._providers(package)]
        for where, manager in self._connections(package):
            refusals += [*connection_refusals(where, manager), *ignored_of_manager(where, manager)]
        managers = (*package.connection_managers, *self._project.connection_managers)
        for manager in managers:
            self._managers |= {manager.name.casefold(): manager.name, manager.id.casefold(): manager.name}
        refusals += transaction_refusals(root, managers)
        if not self._project.is_project:
            refusals += configuration_refusals(package)
        if not (self._project.is_project or self._is_child):
            # A child gets the parameters of its parent's project.
            texts = (text, *(one for _, manager in self._connections(package) for one in manager.expressions.values()))
            refusals += missing_project_parts(root, "\n".join(texts), managers, self._project.parameters)
        self._places.update(_places(root))
        for container in root.walk_enabled():
            refusals += self._executable(container)
            refusals += self._query_parameters(container, package)
        for one in refusals:
            yield replace(one, where=f"{prefix}{one.where}")
        for name, assigned in _children(root):
            if name is None:
                self._has_other_children = True
            else:
                yield from self._child(name, of_child(given, assigned))

    def unknown_scripts(self) -> Iterator[Refusal]:
        """Yield the functions of the run that replace nothing in the packages.

        They may belong to a child package that is known only when the package runs.
        """
        for path in () if self._has_other_children else self._options.scripts:
            if path not in self._places:
                near = get_close_matches(path, self._places, n=1)
                advice = f"Did you mean {near[0]}?" if near else "Give the path of a task, or of a component after it."
                yield Refusal(
                    path, "the function that replaces it", "the package has no such task or component", advice
                )

    def unknown_replacements(self) -> Iterator[Refusal]:
        """Yield the replacements of connection managers that the packages do not have.

        They may belong to a child package that is known only when the package runs.
        """
        for name, written in () if self._has_other_children else self._replacements.items():
            if name not in self._managers:
                near = get_close_matches(name, self._managers, n=1)
                names = ", ".join(sorted(set(self._managers.values()))) or "none"
                advice = f"Did you mean {self._managers[near[0]]}?" if near else f"Connection managers: {names}."
                why = "the package and its project have no such connection manager"
                yield Refusal(written, "the connection string that replaces it", why, advice)

    def _child(self, name: str, given: frozenset[str]) -> Iterator[Refusal]:
        try:
            file = self._project.file_name(name)
            if (file, given) not in self._seen:
                yield from self.package(file, self._project.package(file), f"{file}: ", given)
        except PackageNotFoundError as error:
            advice = "Add it to the folder, or give the folder or project file of the whole project."
            yield Refusal(name, "the child package", str(error).removesuffix("."), advice, needs_value=True)
        except (LoadError, ProjectError) as error:
            yield Refusal(name, "the child package", str(error).removesuffix("."))

    def _package(self, package: DtsPackage) -> Iterator[Refusal]:
        where = package.container.path
        if package.max_concurrent_executables < 1 and package.max_concurrent_executables != -1:
            why = f"{package.max_concurrent_executables} executables cannot run at the same time"
            yield Refusal(where, "MaxConcurrentExecutables", why, "Set it to -1, or to 1 or more.")
        yield from ignored_of_package(package)

    def _connections(self, package: DtsPackage) -> Iterator[tuple[str, DtsConnectionManager]]:
        """Yield the connection managers that the package uses and the user does not replace, with their places."""
        text = self._text
        for manager in (*package.connection_managers, *self._project.connection_managers):
            is_own = manager in package.connection_managers
            if manager.name.casefold() not in self._replacements and _is_used(manager, text):
                yield f"{package.container.path}.Connections[{manager.name}]" if is_own else manager.name, manager

    def _providers(self, package: DtsPackage) -> Iterator[Refusal]:
        if package.enable_configurations and package.configurations:
            return  # they can change the connection strings
        for where, manager in self._connections(package):
            if "ConnectionString" in manager.expressions or self._gives_property(manager, "ConnectionString"):
                continue
            connection = stored_connection(manager)
            problem = unsupported_provider(connection)
            if problem is not None and reads_excel(connection) and not _is_used(manager, self._tasks_text):
                continue  # only enumerators of schema rowsets use it, and they list tables of Excel
            if problem is not None:
                yield Refusal(where, "the connection manager", problem.why, problem.advice)

    def _secrets(self, package: DtsPackage) -> Iterator[Refusal]:
        for where, manager in self._connections(package):
            for secret in hidden_secrets(manager):
                if self._gives_property(manager, secret) or secret in manager.expressions:
                    continue
                advice = f"{_GIVE_VALUE}, or replace the connection manager, or give the password of the project."
                what = f"the sensitive property {secret}"
                yield Refusal(where, what, "it is encrypted", advice, needs_value=True)
        text = self._text
        hidden = [f"$Package::{one.name}" for one in package.parameters if one.encrypted]
        hidden += [f"$Project::{name}" for name in self._project.encrypted_parameters]
        for parameter in hidden:
            if parameter.upper() in text and parameter.casefold() not in self._given:
                where = f"{package.container.path}.Variables[{parameter}]"
                advice = f"{_GIVE_VALUE}, or give the password of the project."
                yield Refusal(where, "the sensitive parameter", "its value is encrypted", advice, needs_value=True)

    def _gives_property(self, manager: DtsConnectionManager, name: str) -> bool:
        """Whether the user gives a property of a connection manager."""
        scope = PROJECT if manager in self._project.connection_managers else PACKAGE
        return f"{scope}{CONNECTION}{manager.name}.{name}".casefold() in self._given

    def _query_parameters(self, container: DtsContainer, package: DtsPackage) -> Iterator[Refusal]:
        try:
            data = container.data()
        except ProjectError:
            return  # reported with the executable
        if isinstance(data, Pipeline):
            yield from query_parameter_refusals(container.path, data, package, self._project)

    def _executable(self, container: DtsContainer) -> Iterator[Refusal]:
        where = container.path
        try:
            data = container.data()
            for variable in container.variables:
                _ = variable.value
        except ProjectError as error:
            yield Refusal(where, "its definition", str(error))
            return
        yield from damaged_parts(container)
        yield from ignored_of_executable(container)
        if container.kind is ExecutableKind.TASK:
            found = task_class(task_type(container.type))
            if found is None:
                yield refused_task(container)
            elif damaged := [*damaged_task(container, data, found)]:
                yield from damaged
            else:
                yield from ignored_names(container, data)
                yield from found(container, data).refusals(self._options)
        elif isinstance(data, ForeachLoop):
            yield from ignored_names(container, data)
            yield from _enumerator(where, data)
        for handler in container.event_handlers:
            yield from _handler(handler)
        known = PACKAGE_PROPERTIES if container.kind is ExecutableKind.PACKAGE else frozenset()
        for name in container.expressions:
            lower = name.lower()
            is_known = lower in CONTAINER or lower in known or is_of_component(data, name)
            if not is_known and (container.kind is ExecutableKind.PACKAGE or not can_set(data, name)):
                why = "the engine cannot set this property"
                yield Refusal(where, f"the expression of the property {name}", why, "Remove the expression.")


def _places(root: DtsContainer) -> Iterator[str]:
    """Yield the paths of the tasks and components that a function can replace."""
    for container in root.walk():
        yield container.path
        try:
            data = container.data()
        except ProjectError:
            continue  # it is refused itself
        if isinstance(data, Pipeline):
            for component in data.components:
                yield f"{container.path}\\{component.name}"


def _enumerator(where: str, loop: ForeachLoop) -> Iterator[Refusal]:
    if loop.enumerator is None and not loop.creation_name:
        return  # the loop is not finished, and fails its validation
    found = None if loop.enumerator is None else enumerator_class(loop.enumerator)
    if found is None or loop.enumerator is None:
        what = f"enumerator of the type {loop.creation_name or 'none'}"
        yield Refusal(where, what, "the engine does not run enumerators of this type", "Use another enumerator.")
        return
    yield from found(loop.enumerator, where).refusals()
    for name in loop.expressions:
        if not can_set(loop.enumerator, name):
            what = f"the expression of the property {name} of the enumerator"
            yield Refusal(where, what, "the engine cannot set this property", "Remove the expression.")


def _handler(handler: DtsEventHandler) -> Iterator[Refusal]:
    if handler.disabled:
        if _has_disable(handler):
            why = "the engine enables no event handlers that are stored disabled"
            yield Refusal(handler.path, "the expression of the property Disable", why, "Enable the event handler.")
        return
    yield from damaged_parts(handler)
    yield from ignored_of_executable(handler)
    yield from ignored_of_handler(handler)
    if handler.event.lower() == "onquerycancel" and not all(child.disabled for child in handler.children):
        why = "the engine does not ask event handlers whether to cancel, and runs none while it cancels"
        yield Refusal(handler.path, "the event handler", why, "Disable or remove the event handler.")
    try:
        for variable in handler.variables:
            _ = variable.value
    except ProjectError as error:
        yield Refusal(handler.path, "its definition", str(error))
    for name in handler.expressions:
        if name.lower() not in HANDLER:
            what = f"the expression of the property {name}"
            yield Refusal(handler.path, what, "the engine cannot set this property", "Remove the expression.")


def _children(root: DtsContainer) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """Yield the packages that Execute Package tasks run, with the parameters that they assign.

    The package is None if it is known only when the package runs.
    """
    for container in root.walk_enabled():
        if container.kind is not ExecutableKind.TASK or task_type(container.type) != "ExecutePackageTask":
            continue
        names = {name.lower() for name in container.expressions}
        data = container.data()
        is_named = not names & {"packagename", "packagenamefromprojectreference"}
        if is_named and isinstance(data, ExecutePackageTask) and data.use_project_reference and data.package_name:
            yield data.package_name, tuple(one.parameter for one in data.assignments)
        else:
            yield None, ()


def _is_used(manager: DtsConnectionManager, text: str) -> bool:
    """Whether a text of :func:`_text`, in upper case, names a connection manager."""
    names = (manager.id.upper(), f"CONNECTIONMANAGERS[{manager.name}]".upper(), f'"{manager.name}"'.upper())
    return any(name and name in text for name in names)


def _text(root: DtsContainer, without: Collection[str]) -> str:
    """Return the texts and attributes of the executables that can run.

    :param without: the child elements that are left out.
    """
    parts: list[str] = []
    for container in root.walk_enabled():
        parts += [f'"{value}"' for value in container.element.attrib.values()]
        for child in container.element:
            if str(child.tag).rpartition("}")[2] in without:
                continue
            for element in child.iter("*"):
                parts += [f'"{value}"' for value in element.attrib.values()]
                parts.append(element.text or "")
    return "\n".join(parts)
