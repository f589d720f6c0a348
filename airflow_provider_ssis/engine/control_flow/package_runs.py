"""The run of one package: its parameters, variables and settings, which live as long as it runs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow_provider_ssis.engine.connections.open_connections import OpenConnections
from airflow_provider_ssis.engine.control_flow.variables.run_variables import RunVariable
from airflow_provider_ssis.engine.loading import LoadedProject
from airflow_provider_ssis.project.package.containers import ContainerData, DtsContainer
from airflow_provider_ssis.project.package.document import DtsPackage
from airflow_provider_ssis.project.package.variables import DtsVariable

TypedValue = tuple[str, Any]
"""The name of a type, and a value of it."""


@dataclass(slots=True)
class Settings:
    """The values that replace stored ones, by owner and by the name of the property.

    :param executables: by path.
    :param enumerators: of Foreach loops, by path.
    :param connections: by id in upper case.
    """

    executables: dict[str, dict[str, Any]] = field(default_factory=dict)
    enumerators: dict[str, dict[str, Any]] = field(default_factory=dict)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """A message about the preparation of a package, which is raised when it starts.

    :param code: unsigned.
    :param is_warning: whether it is a warning or an information.
    """

    text: str
    code: int
    is_warning: bool = False


@dataclass(slots=True, eq=False)
class PackageRun:
    """The run of a package.

    :param file: its file name.
    :param project: where its connection managers and child packages are.
    :param parameters: by ``$Package::Name`` and ``$Project::Name``.
    :param start: when it started.
    :param settings: the values that replace stored ones.
    :param failed_configurations: the names of the configurations that were not applied.
    :param notes: the messages at its start.
    :param server_execution_id: the id of the execution in the catalog; 0 outside of a server.
    :param slots: the number of tasks that can still start; None for no limit.
    :param connections: its connection managers, with the connections that are open.
    """

    file: str
    package: DtsPackage
    project: LoadedProject
    parameters: dict[str, TypedValue] = field(repr=False)
    start: datetime
    settings: Settings = field(default_factory=Settings)
    failed_configurations: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    server_execution_id: int = 0
    slots: asyncio.Semaphore | None = None
    connections: OpenConnections | None = None
    instance_guid: str = field(default_factory=lambda: f"{{{uuid.uuid4()}}}".upper())
    _variables: dict[str, dict[str, RunVariable]] = field(default_factory=dict)
    _data: dict[str, ContainerData] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the file without ``.dtsx``."""
        return self.file.rpartition(".")[0] or self.file

    def variables_of(self, container: DtsContainer) -> dict[str, RunVariable]:
        """Return the variables that a container declares, by name with namespace."""
        return self.variables_at(container.path, container.variables)

    def variables_at(self, path: str, declared: Iterable[DtsVariable]) -> dict[str, RunVariable]:
        """Return the variables that a container or event handler declares.

        :param path: its path.
        :param declared: its variables as stored.
        """
        found = self._variables.get(path)
        if found is None:
            # System::Propagate is stored with each event handler; each run of the handler has its own value.
            found = {one.qualified_name: RunVariable.of(one, path) for one in declared if one.namespace != "System"}
            self._variables[path] = found
        return found

    def prefill(self, path: str, data: ContainerData, variables: dict[str, RunVariable]) -> None:
        """Set what a container stores, for a package that has no file."""
        self._data[path] = data
        self._variables[path] = variables

    def snapshot(self) -> list[tuple[str, str, Any]]:
        """Return the values of all variables, to compare them later: path, name and value of each."""
        return [(path, one.name, one.value) for path, store in self._variables.items() for one in store.values()]

    def data_of(self, container: DtsContainer) -> ContainerData:
        """Return the data of a task or loop as stored, read once."""
        if container.path not in self._data:
            self._data[container.path] = container.data()
        return self._data[container.path]
