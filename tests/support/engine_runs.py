"""Runs of packages whose tasks are Python functions, for tests of the control flow.

::

    runs = EngineRuns(monkeypatch)
    package = PackageBuilder("Load")
    add_task(package, "Extract")
    result = runs.run(package, {"Extract": lambda context: context.error("The disk is full.", 0xC0000001)})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.control_flow.running import RunResult, run_package
from airflow_provider_ssis.engine.events import EventName, Result
from airflow_provider_ssis.engine.tasks.table import TASKS
from airflow_provider_ssis.engine.tasks.task import Task
from airflow_provider_ssis.project.builder.containers import ContainerContents
from airflow_provider_ssis.project.builder.executables import Options, TaskBuilder
from airflow_provider_ssis.project.builder.package import PackageBuilder
from airflow_provider_ssis.project.builder.project import ProjectBuilder

Function = Callable[[TaskContext], Any]
_HERE = "tests.support.engine_runs"


class FunctionTask(Task):
    """A Script task that calls the function of a test, by the name of the task; without one, it does nothing."""

    functions: ClassVar[Mapping[str, Function]] = {}

    def run(self, context: TaskContext) -> Any:
        """Call the function."""
        function = self.functions.get(self.container.name)
        return None if function is None else function(context)


class InvalidTask(FunctionTask):
    """A Script task that is not valid if its function ``<name> validate`` raises."""

    def validate(self, context: TaskContext) -> None:
        """Call the function."""
        function = self.functions.get(f"{self.container.name} validate")
        if function is not None:
            function(context)


def add_task(container: ContainerContents, name: str, *, options: Options | None = None) -> TaskBuilder:
    """Add a task whose function a test gives."""
    return container.add_script(name, {}, b"compiled", options=options)


class EngineRuns:
    """Runs packages; Script tasks call functions.

    :param monkeypatch: registers the task.
    :param task: the class of Script tasks.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        monkeypatch.setitem(TASKS, "ScriptTask", f"{_HERE}:{InvalidTask.__name__}")

    def run(
        self,
        package: PackageBuilder | ProjectBuilder | bytes,
        functions: Mapping[str, Function] | None = None,
        name: str | None = None,
        **arguments: Any,
    ) -> RunResult:
        """Run a package; the functions of its tasks by the names of the tasks."""
        self._monkeypatch.setattr(FunctionTask, "functions", functions or {})
        if isinstance(package, ProjectBuilder):
            return run_package(package.to_ispac(), name, **arguments)
        data = package if isinstance(package, bytes) else package.to_bytes()
        path = self._folder / ("Package.dtsx" if isinstance(package, bytes) else package.part)
        path.write_bytes(data)
        return run_package(path, **arguments)


def messages(result: RunResult, *names: EventName) -> list[tuple[str, str]]:
    """The messages of a run: event and executable, of some events or all."""
    return [(one.name.value, one.place.name) for one in result.messages if not names or one.name in names]


def codes(result: RunResult, name: EventName = EventName.ERROR) -> list[int]:
    """The codes of the messages of an event."""
    return [one.code for one in result.messages if one.name is name]


def ran(result: RunResult) -> list[str]:
    """The names of the tasks and containers that ran, in the order of their ends, each iteration once."""
    return [one.place.name for one in result.statistics]


def result_of(result: RunResult, name: str) -> Result:
    """The result of an executable in its last iteration."""
    return [one.result for one in result.statistics if one.place.name == name][-1]
