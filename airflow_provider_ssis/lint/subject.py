"""The files of a project or package to check, read once for all rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_ssis.lint.configuration import LintConfiguration
from airflow_provider_ssis.lint.executable import Executable
from airflow_provider_ssis.lint.findings import Place
from airflow_provider_ssis.lint.flow import Flow
from airflow_provider_ssis.project.errors import ProjectError
from airflow_provider_ssis.project.inspection.sources import SsisFiles
from airflow_provider_ssis.project.manifest.project_manifest import PROJECT_PARAMETERS, Manifest
from airflow_provider_ssis.project.models import Parameter
from airflow_provider_ssis.project.namespaces import DTS, SSIS
from airflow_provider_ssis.project.package.connections import DtsConnectionManager, read_dts_connection_manager
from airflow_provider_ssis.project.package.containers import DtsContainer, DtsEventHandler
from airflow_provider_ssis.project.package.data_flow import Component, Pipeline
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.elements import DtsElement
from airflow_provider_ssis.project.package.variables import DtsVariable
from airflow_provider_ssis.project.type_names import component_class

if TYPE_CHECKING:
    from lxml.etree import _Element

Owner = DtsContainer | DtsEventHandler
"""An object that declares variables and contains executables."""
T = TypeVar("T")
_LARGE_TEXT = 200_000
_WORD = re.compile(r"\w+")
_MENTIONED = re.compile(r"(?:::|[@\[\"',\s(]|^)(\w+)", re.MULTILINE)
_STATEMENTS = ("SqlStatementSource", "SqlCommand")
_NOT_RUN = ("ProjectItem", "arrayElement", "DesignTimeProperties", "PackageVariable")


@dataclass(frozen=True)
class CheckedPackage:
    """A package.

    :param file: its file name.
    :param package: its content.
    :param project_managers: the connection managers of its project.
    """

    file: str
    package: DtsPackage
    project_managers: tuple[DtsConnectionManager, ...] = ()

    @cached_property
    def executables(self) -> tuple[Executable, ...]:
        """All executables, the package first, including those of event handlers."""
        return tuple(_walk(self.package.container, ()))

    @cached_property
    def scopes(self) -> tuple[tuple[Owner, tuple[DtsVariable, ...]], ...]:
        """All executables and event handlers, each with the variables that are visible in it, the nearest first."""
        found: list[tuple[Owner, tuple[DtsVariable, ...]]] = []
        for one in self.executables:
            found.append((one.container, one.variables))
            found += [(handler, (*handler.variables, *one.variables)) for handler in one.container.event_handlers]
        return tuple(found)

    @cached_property
    def disabled(self) -> Mapping[str, Owner | None]:
        """All executables and event handlers by path, each with the disabled one that it is or is in, if any."""
        return dict(_disabled(self.package.container, None))

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """The Data Flow tasks."""
        return tuple(Flow(self.file, one, one.data) for one in self.executables if isinstance(one.data, Pipeline))

    @cached_property
    def managers(self) -> Mapping[str, DtsConnectionManager]:
        """The connection managers of package and project, by id in upper case and by name."""
        found: dict[str, DtsConnectionManager] = {}
        for manager in (*self.project_managers, *self.package.connection_managers):
            found[manager.id.upper()] = found[manager.name] = manager
        return found

    @cached_property
    def text(self) -> str:
        """All texts of the package but descriptions, and those that declare variables and parameters, for searches."""
        return "\n".join(self.texts.elements())

    @cached_property
    def texts(self) -> Counter[str]:
        """The texts and attributes of :attr:`text`, with the number of each."""
        return Counter(_texts(self.package.element))

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The words in the text that can be the name of a variable: after a namespace, ``@``, a quote or a comma."""
        return frozenset(_MENTIONED.findall(self.text))

    @cached_property
    def upper_text(self) -> str:
        """The text in upper case, for searches of ids."""
        return self.text.upper()

    @cached_property
    def enabled_text(self) -> str:
        """As :attr:`text`, without disabled tasks and the layout, and without scripts and SQL, whose comments may name
        what does not exist."""
        disabled = {owner.element for owner in self.disabled.values() if owner is not None}
        return "\n".join(_texts(self.package.element, disabled))

    def place(self, element: DtsElement, path: str = "") -> Place:
        """Return the place of an object."""
        return Place(self.file, element.element.sourceline, path)

    def manager_place(self, manager: DtsConnectionManager) -> Place:
        """Return the place of a connection manager of the package."""
        return self.place(manager, f"{self.package.container.path}.Connections[{manager.name}]")

    def is_disabled(self, path: str) -> bool:
        """Return True for the path of an object that is, or is in, a disabled task, container or event handler."""
        while path and path not in self.disabled:
            # Names of tasks contain neither character.
            path = path[: max(path.rfind("\\"), path.rfind("."), 0)]
        return self.disabled.get(path) is not None

    def uses(self, pattern: str) -> bool:
        """Return True if a regular expression matches somewhere in the package."""
        return re.search(pattern, self.text) is not None

    def uses_variable(self, name: str) -> bool:
        """Return True if the text has a name where the name of a variable can be."""
        if _WORD.fullmatch(name):
            return name in self.mentioned
        return name in self.text

    def maps_variable(self, id_: str) -> bool:
        """Return True if a source gives the variable or parameter with an id to a parameter of its statement."""
        # ParameterMapping has the form: "Parameter0:Input",{id};
        return bool(id_) and f",{id_.upper()}" in self.upper_text


@dataclass
class Subject:
    """The files to check.

    :param files: the opened files.
    :param configuration: the configuration of the checks.
    :param unreadable: what could not be read, with the reason.
    """

    files: SsisFiles
    configuration: LintConfiguration
    unreadable: list[tuple[str, ProjectError]] = field(default_factory=list)

    @property
    def manifest(self) -> Manifest | None:
        """The manifest of a project; None for a package or a project of the package deployment model."""
        return self.files.manifest

    @cached_property
    def project_parameters(self) -> tuple[Parameter, ...]:
        """The parameters of the project."""
        try:
            return self.files.project_parameters()
        except ProjectError as error:
            self.unreadable.append((PROJECT_PARAMETERS, error))
            return ()

    @cached_property
    def project_managers(self) -> tuple[tuple[str, DtsConnectionManager], ...]:
        """The connection managers of the project with their file names."""
        found = []
        for name in (one for one in self.files.names if one.lower().endswith(".conmgr")):
            try:
                found.append((name, read_dts_connection_manager(self.files.root(name), name)))
            except ProjectError as error:
                self.unreadable.append((name, error))
        return tuple(found)

    @cached_property
    def packages(self) -> tuple[CheckedPackage, ...]:
        """The packages that can be read."""
        managers = tuple(manager for _, manager in self.project_managers)
        found = []
        for name in self.files.package_names:
            try:
                package = CheckedPackage(name, self.files.package(name), managers)
                _ = package.executables  # reads the data of all tasks
                found.append(package)
            except ProjectError as error:
                self.unreadable.append((name, error))
        return tuple(found)

    @property
    def parameters_file(self) -> str:
        """The file that declares the parameters of the project."""
        return PROJECT_PARAMETERS if PROJECT_PARAMETERS in self.files.names else self.files.part

    def parameter_place(self, name: str) -> Place:
        """Return the place of a parameter of the project."""
        return Place(self.parameters_file, self._line(self.parameters_file, "Parameter", name), f"Project::{name}")

    def manifest_place(self) -> Place:
        """Return the place of the manifest of the project."""
        name = "" if self.manifest is None else self.manifest.name
        return Place(self.files.part, self._line(self.files.part, "Project"), name)

    def _line(self, file: str, tag: str, name: str | None = None) -> int | None:
        """Return the line of an element of the manifest or of Project.params; None if it is not known."""
        try:
            elements = self.files.root(file).iter(f"{SSIS}{tag}")
        except ProjectError:
            return None
        return next((one.sourceline for one in elements if name in (None, one.get(f"{SSIS}Name"))), None)

    @property
    def is_complete(self) -> bool:
        """True for a project of which everything could be read, so that nothing else can use its parts."""
        is_read = not self.unreadable and len(self.packages) == len(self.files.package_names)
        return self.files.is_project and is_read

    def is_disabled(self, place: Place) -> bool:
        """Return True for a place in a disabled task, container or event handler."""
        return any(one.file == place.file and one.is_disabled(place.path) for one in self.packages)

    def executables(self) -> Iterator[tuple[Place, Executable]]:
        """Yield the executables of all packages."""
        for one in self.packages:
            for executable in one.executables:
                yield one.place(executable.container, executable.container.path), executable

    def with_data(self, type_: type[T]) -> Iterator[tuple[Place, DtsContainer, T]]:
        """Yield the tasks or loops whose data have a type."""
        for place, executable in self.executables():
            if isinstance(executable.data, type_):
                yield place, executable.container, executable.data

    def variables(self) -> Iterator[tuple[Place, CheckedPackage, DtsVariable]]:
        """Yield the declared variables of all packages."""
        for one in self.packages:
            for owner, _ in one.scopes:
                for variable in owner.variables:
                    path = f"{owner.path}.Variables[{variable.qualified_name}]"
                    yield one.place(variable, path), one, variable

    def managers(self) -> Iterator[tuple[Place, DtsConnectionManager]]:
        """Yield the connection managers of the project and of all packages."""
        for file, manager in self.project_managers:
            yield Place(file, manager.element.sourceline, manager.name), manager
        for one in self.packages:
            for manager in one.package.connection_managers:
                yield one.manager_place(manager), manager

    def components(self, *classes: str) -> Iterator[tuple[Flow, Component]]:
        """Yield the components of all data flows.

        :param classes: the names of their classes: ``Lookup``. Default: all.
        """
        for one in self.packages:
            for flow in one.flows:
                for component in flow.pipeline.components:
                    if not classes or component_class(component) in classes:
                        yield flow, component

    def read(self) -> None:
        """Read everything, so that :attr:`unreadable` is complete."""
        _ = self.project_parameters, self.packages


def _walk(container: DtsContainer, outer: tuple[DtsVariable, ...]) -> Iterator[Executable]:
    variables = (*container.variables, *outer)
    yield Executable(container, container.data(), variables)
    for handler in container.event_handlers:
        for child in handler.children:
            yield from _walk(child, (*handler.variables, *variables))
    for child in container.children:
        yield from _walk(child, variables)


def is_always_disabled(container: DtsContainer) -> bool:
    """Return True for a disabled task or container, unless an expression decides that in each run.

    :param container: the task or container.
    """
    return container.disabled and {"Disable", "Disabled"}.isdisjoint(container.expressions)


def _disabled(container: DtsContainer, outer: Owner | None) -> Iterator[tuple[str, Owner | None]]:
    found = container if outer is None and is_always_disabled(container) else outer
    yield container.path, found
    for handler in container.event_handlers:
        is_off = found is None and (handler.disabled or container.disable_event_handlers)
        inner = handler if is_off else found
        yield handler.path, inner
        for child in handler.children:
            yield from _disabled(child, inner)
    for child in container.children:
        yield from _disabled(child, found)


def _texts(root: _Element, without: Collection[_Element] | None = None) -> Iterator[str]:
    """Yield the texts and attributes of a package but descriptions, and those that declare variables and parameters.

    :param without: elements to leave out, and scripts, statements of SQL and the layout with them. Default: None, leave
        nothing out.
    """
    declarations = (f"{DTS}Variable", f"{DTS}PackageParameter")
    for element in root.iter("*") if without is None else _without(root, without):
        found = [] if element.tag in declarations else [(str(name), str(text)) for name, text in element.items()]
        if element.tag in declarations:
            found.append(("Expression", str(element.get(f"{DTS}Expression") or "")))
        found.append((str(element.get(f"{DTS}Name") or element.get("name") or ""), str(element.text or "")))
        for name, text in found:
            kind = name.rpartition("}")[2]
            # The source of a statement can also be the name of a variable or parameter.
            is_sql = kind in _STATEMENTS and not text.startswith("$")
            is_free = kind.lower() == "description" and element.tag != f"{DTS}PropertyExpression"
            if text and len(text) < _LARGE_TEXT and not is_free and not (is_sql and without is not None):
                yield text


def _without(element: _Element, excluded: Collection[_Element]) -> Iterator[_Element]:
    if element not in excluded and str(element.tag).rpartition("}")[2] not in _NOT_RUN:
        yield element
        for child in element.iterchildren("*"):
            yield from _without(child, excluded)
