"""The context of a running task: the bridge from its thread to the event loop of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.connections.connection import Connections
from airflow_provider_ssis.engine.context import RunOptions
from airflow_provider_ssis.engine.control_flow import texts
from airflow_provider_ssis.engine.control_flow.evaluation import Evaluation
from airflow_provider_ssis.engine.control_flow.event_raising import Events
from airflow_provider_ssis.engine.control_flow.frames import Frame
from airflow_provider_ssis.engine.control_flow.variables.variables import View
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import Event, EventName
from airflow_provider_ssis.expressions import Scope

T = TypeVar("T")
RunChild = Callable[[Frame, str, Mapping[str, Any]], Awaitable[None]]


class StoppedByHandler(TaskFailure):
    """An event handler asked to stop the task (``System::Cancel``). Its errors were raised before."""

    def __init__(self) -> None:
        super().__init__("")


class WalkContext:
    """The context of a task in a real run; see :class:`~airflow_provider_ssis.engine.context.TaskContext`.

    :param frame: the task.
    :param loop: the event loop of the run. The methods are called from other threads, and wait for it.
    :param run_child: runs a child package.
    """

    def __init__(
        self,
        frame: Frame,
        loop: asyncio.AbstractEventLoop,
        cancel: CancelToken,
        events: Events,
        evaluation: Evaluation,
        connections: Connections,
        options: RunOptions,
        run_child: RunChild,
    ) -> None:
        self.container = frame.container
        self.package_name = frame.package.name
        self.execution_path = frame.execution_path
        self.cancel = cancel
        self.connections = connections
        self.options = options
        self.locale_id = frame.locale_id
        self._frame = frame
        self._loop = loop
        self._events = events
        self._evaluation = evaluation
        self._run_child = run_child

    # --- variables

    def read(self, name: str) -> Any:
        """Return the value of a variable or parameter."""
        return self._view().read(name)

    def type_of(self, name: str) -> str:
        """Return the type of a variable."""
        return self._view().type_of(name)

    def scope(self) -> Scope:
        """Return the variables and parameters as expressions see them."""
        return self._view().scope()

    def write(self, name: str, value: Any) -> None:
        """Change a variable."""
        change = self._view().write(name, value)
        if change is not None:
            self._wait(self._events.changed(change, self._frame))

    def _view(self) -> View:
        return self._evaluation.view(self._frame)

    # --- events

    def information(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """Raise OnInformation."""
        shown = texts.information(self.container.name, text)
        self._raise(EventName.INFORMATION, shown, code, subcomponent, described=text)

    def warning(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """Raise OnWarning."""
        shown = texts.warning(self.container.name, text)
        self._raise(EventName.WARNING, shown, code, subcomponent, described=text)

    def error(self, text: str, code: int, *, subcomponent: str | None = None) -> None:
        """Raise OnError."""
        shown = texts.error(self.container.name, text)
        self._raise(EventName.ERROR, shown, code, subcomponent, described=text)

    def progress(self, percent: int, text: str, *, subcomponent: str | None = None) -> None:
        """Raise OnProgress."""
        shown = texts.progress(self.container.name, text, percent)
        system = {
            "System::PercentComplete": ("Int32", percent),
            "System::ProgressCountHigh": ("Int32", 0),
            "System::ProgressCountLow": ("Int32", 0),
            "System::ProgressDescription": ("String", text),
        }
        self._wait(self._events.raise_event(EventName.PROGRESS, self._frame, shown, 0, subcomponent, system=system))

    def publish(self, event: object) -> None:
        """Publish another event, without waiting."""
        if not isinstance(event, Event):
            raise TypeError(f"{type(event).__name__} is not an event of a run")
        self._loop.call_soon_threadsafe(self._events.publish, event)

    def _raise(self, name: EventName, text: str, code: int, subcomponent: str | None, *, described: str) -> None:
        raised = self._events.raise_event(name, self._frame, text, code, subcomponent, described=described)
        if self._wait(raised):
            raise StoppedByHandler

    # --- packages

    def run_child(self, package: str, parameters: Mapping[str, Any]) -> None:
        """Run a package inside this task."""

        async def run() -> None:
            await self._run_child(self._frame, package, parameters)

        self._wait(run())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
