"""The context of a running task or component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.connection import Connections
from airflow_provider_ssis.engine.injections import Injection
from airflow_provider_ssis.expressions import Scope
from airflow_provider_ssis.project.package.containers import DtsContainer

Script = Callable[[Any], Any]
"""A Python function that replaces a script of .NET."""


@dataclass(frozen=True, slots=True)
class DataTap:
    """A tap on a path of a data flow.

    :param task: the path of the Data Flow task: ``\\Package\\Load``.
    :param path_id: ``Paths[Lookup.Lookup Match Output]``, or the name of the component to which the path leads.
    :param sink: returns a new sink for each run of the task (:mod:`airflow_provider_ssis.engine.data_flow.taps`); is
        called with the execution path of the task, which has the iterations of loops.
    :param max_rows: the most rows of each run; None for all. Default: None.
    """

    task: str
    path_id: str
    sink: Callable[[str], Any]
    max_rows: int | None = None


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run.

    :param scripts: Python functions that replace scripts, by the path of the task, and of the component after it:
        ``\\Package\\Load\\Clean Up``.
    :param logging_level: 0 None, 1 Basic, 2 Performance, 3 Verbose. Default: 1.
    :param temp_folder: where operations that exceed their memory write; None for the system's. Default: None.
    :param memory_limit: bytes that the blocking components of a data flow may use together before they write to disk.
        Default: 256 MiB.
    :param taps: taps on paths of data flows. Default: none.
    :param injections: actions that a test adds to the work of executables. Default: nothing.
    """

    scripts: Mapping[str, Script] = field(default_factory=dict)
    logging_level: int = 1
    temp_folder: str | None = None
    memory_limit: int = 256 * 1024 * 1024
    taps: tuple[DataTap, ...] = ()
    injections: tuple[Injection, ...] = ()


class TaskContext(Protocol):
    """The context of a running task. Tasks run in threads; all members can be used from any thread."""

    container: DtsContainer
    """The task."""
    package_name: str
    """The package, without ``.dtsx``."""
    execution_path: str
    """The path with the iterations of loops: ``\\Package\\Loop[2]\\Load``."""
    cancel: CancelToken
    connections: Connections
    options: RunOptions
    locale_id: int
    """The locale of the task, after inheritance."""

    def read(self, name: str) -> Any:
        """Return the value of a variable or parameter, evaluated if it has an expression.

        :param name: ``User::Rows``, ``Rows``, ``$Package::Folder``, ``$Project::Server``, ``System::TaskName``, or the
            id of a variable or parameter in braces.
        :returns: bool, int, float, Decimal, str, datetime, UUID, or None for NULL; any object for the type Object.
        :raises TaskFailure: there is no such variable, or its expression has no value.
        """

    def type_of(self, name: str) -> str:
        """Return the type of a variable: ``Int32``, ``String``, ``DateTime``, ``Object``, ...

        :raises TaskFailure: there is no such variable.
        """

    def scope(self) -> Scope:
        """Return the variables and parameters as expressions see them, each evaluated when an expression reads it.

        The settings of an expression of the task are ``Settings(locale=context.locale_id)``.
        """

    def write(self, name: str, value: Any) -> None:
        """Change a variable; the value is converted to its type as Integration Services does.

        :raises TaskFailure: there is no such variable, it is read-only, or the value does not convert.
        """

    def information(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """Raise OnInformation, and run its event handlers."""

    def warning(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """Raise OnWarning, and run its event handlers."""

    def error(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """Raise OnError, and run its event handlers. The task's result is still its own decision."""

    def progress(self, percent: int, text: str, *, subcomponent: str | None = None) -> None:
        """Raise OnProgress."""

    def publish(self, event: object) -> None:
        """Publish another event of :mod:`airflow_provider_ssis.engine.events`, such as the rows of a path."""

    def run_child(self, package: str, parameters: Mapping[str, Any]) -> None:
        """Run a package of the project, or one that was loaded before, inside this task.

        :param package: its file name.
        :param parameters: values of its parameters by name.
        :raises TaskFailure: it cannot be loaded, or it failed.
        """
