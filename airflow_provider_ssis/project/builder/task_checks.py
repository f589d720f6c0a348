"""Checks for the methods that add tasks: connection managers, variables and choices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_ssis.project.builder.executables import Options, ScopeBuilder, TaskBuilder
from airflow_provider_ssis.project.builder.task_types import TaskType
from airflow_provider_ssis.project.builder.variables import BuiltParameter, BuiltVariable, Variable
from airflow_provider_ssis.project.errors import BuildError

if TYPE_CHECKING:
    from lxml.etree import _Element

    from airflow_provider_ssis.project.builder.connection_manager import ConnectionManagerBuilder


class TaskChecks(ScopeBuilder, ABC):
    """A container that checks the arguments of its tasks."""

    @abstractmethod
    def _add_task(self, name: str, task_type: TaskType, data: _Element, options: Options | None) -> TaskBuilder:
        """Add a task to the container."""

    def _connection(self, task: str, connection: ConnectionManagerBuilder, *kinds: str) -> str:
        if not self.package.sees(connection):
            raise self._error(
                task, f"the connection manager {connection.name} of another package or project", "Add it to this one"
            )
        if connection.kind not in kinds:
            raise self._error(
                task,
                f"the connection manager {connection.name} of type {connection.kind}",
                f"Types: {', '.join(kinds)}",
            )
        return connection.id

    def _path(self, task: str, path: ConnectionManagerBuilder | Variable) -> str:
        if isinstance(path, (str, BuiltVariable, BuiltParameter)):
            return self.variable_name(path)
        return self._connection(task, path, "FILE", "FLATFILE")

    def _source(self, task: str, source_type: str, source: str | Variable | ConnectionManagerBuilder) -> str:
        self._one_of(task, "source type", source_type, ("DirectInput", "Variable", "FileConnection"))
        is_name = isinstance(source, (str, BuiltVariable, BuiltParameter))
        if source_type == "FileConnection" and not is_name:
            return self._connection(task, source, "FILE")  # type: ignore[arg-type]
        if source_type == "Variable" and is_name:
            return self.variable_name(source)  # type: ignore[arg-type]
        if source_type == "DirectInput" and isinstance(source, str):
            return source
        raise self._error(task, f"a source that does not fit the source type {source_type}", "")

    def _optional_variable(self, variable: Variable | None) -> str:
        return "" if variable is None else self.variable_name(variable)

    def _optional_target(self, variable: Variable | None) -> str:
        return "" if variable is None else self.target_name(variable)

    def _one_of(self, task: str, what: str, value: str, known: Sequence[str]) -> None:
        if value not in known:
            raise self._error(task, f"the unknown {what} {value!r}", f"Known: {', '.join(known)}")

    def _error(self, task: str, problem: str, advice: str) -> BuildError:
        return BuildError(f"the task {task} has {problem}", part=self.package.part, advice=advice)


def is_variable(path: ConnectionManagerBuilder | Variable) -> bool:
    """Return True for a variable, a parameter, or the name of one."""
    return isinstance(path, (str, BuiltVariable, BuiltParameter))
