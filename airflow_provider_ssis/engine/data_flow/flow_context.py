"""The context of the components of a running data flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.expressions import Scope


class FlowContext:
    """The context of the Data Flow task, with a token that also stops the components after an error of another one.

    :param task: the context of the task.
    :param cancel: is cancelled when the data flow stops for any reason.
    :param sharing: the number of components that share the memory of the data flow. Default: 1.
    """

    def __init__(self, task: TaskContext, cancel: CancelToken, sharing: int = 1) -> None:
        self._task = task
        self.cancel = cancel
        self.container = task.container
        self.package_name = task.package_name
        self.execution_path = task.execution_path
        self.connections = task.connections
        self.options = replace(task.options, memory_limit=task.options.memory_limit // max(1, sharing))
        self.locale_id = task.locale_id

    def read(self, name: str) -> Any:
        """As :meth:`TaskContext.read`."""
        return self._task.read(name)

    def scope(self) -> Scope:
        """As :meth:`TaskContext.scope`."""
        return self._task.scope()

    def type_of(self, name: str) -> str:
        """As :meth:`TaskContext.type_of`."""
        return self._task.type_of(name)

    def write(self, name: str, value: Any) -> None:
        """As :meth:`TaskContext.write`."""
        self._task.write(name, value)

    def information(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """As :meth:`TaskContext.information`."""
        self._task.information(text, code, subcomponent=subcomponent)

    def warning(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """As :meth:`TaskContext.warning`."""
        self._task.warning(text, code, subcomponent=subcomponent)

    def error(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """As :meth:`TaskContext.error`."""
        self._task.error(text, code, subcomponent=subcomponent)

    def progress(self, percent: int, text: str, *, subcomponent: str | None = None) -> None:
        """As :meth:`TaskContext.progress`."""
        self._task.progress(percent, text, subcomponent=subcomponent)

    def publish(self, event: object) -> None:
        """As :meth:`TaskContext.publish`."""
        self._task.publish(event)

    def run_child(self, package: str, parameters: Mapping[str, Any]) -> None:
        """As :meth:`TaskContext.run_child`."""
        self._task.run_child(package, parameters)
