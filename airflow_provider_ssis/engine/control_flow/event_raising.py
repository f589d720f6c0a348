"""Raises the events of a run: publishes them, counts errors, and runs event handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

from airflow_provider_ssis.engine.control_flow import texts
from airflow_provider_ssis.engine.control_flow.frames import Frame, SystemValue
from airflow_provider_ssis.engine.control_flow.variables.variables import Change
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import Event, EventName, ExecutableEnded, Message, Result
from airflow_provider_ssis.engine.secrets import Secrets

Sink = Callable[[Event], None]
"""Gets the events of a run, in their order, in the thread of the run."""
_WITH_CODE: Final = (EventName.ERROR, EventName.WARNING, EventName.INFORMATION)
_CANCEL: Final = "System::Cancel"
_PROPAGATE: Final = "System::Propagate"


class Events:
    """The events of a run.

    :param sink: gets the events.
    :param now: the clock of the run.
    :param secrets: what must not appear in texts.
    :param handle: runs an event handler in its frame.
    """

    def __init__(
        self,
        sink: Sink,
        now: Callable[[], datetime],
        secrets: Secrets,
        handle: Callable[[Frame], Awaitable[None]],
    ) -> None:
        self._sink = sink
        self._now = now
        self._secrets = secrets
        self._handle = handle
        self.warnings = 0
        """The number of OnWarning events."""
        self.is_validating = True
        """Whether the package is validated before it runs: event handlers do not end the way of an event then."""

    async def error(self, frame: Frame, failure: TaskFailure) -> bool:
        """Raise OnError for a failure and its causes, unless its errors were raised before.

        :returns: whether an event handler asked to stop the executable.
        """
        if failure.is_reported:
            return False
        stops = False
        for each in failure.chain:
            if not each.text:
                continue
            text = texts.error(frame.container.name, each.text)
            subcomponent = each.subcomponent or failure.subcomponent
            stops |= await self.raise_event(EventName.ERROR, frame, text, each.code, subcomponent, described=each.text)
        return stops

    async def warning(self, frame: Frame, text: str, code: int, subcomponent: str | None = None) -> bool:
        """Raise OnWarning; returns as :meth:`error`.

        :param text: the text without the name of the executable.
        :param code: the code of Integration Services.
        :param subcomponent: the component of a data flow. Default: None.
        """
        shown = texts.warning(frame.container.name, text)
        return await self.raise_event(EventName.WARNING, frame, shown, code, subcomponent, described=text)

    async def information(self, frame: Frame, text: str, code: int, subcomponent: str | None = None) -> bool:
        """Raise OnInformation; parameters as for :meth:`warning`, returns as :meth:`error`."""
        shown = texts.information(frame.container.name, text)
        return await self.raise_event(EventName.INFORMATION, frame, shown, code, subcomponent, described=text)

    async def changed(self, change: Change, by: Frame) -> None:
        """Raise OnVariableValueChanged at the container that declares a variable.

        :param by: the executable that changed it, which waits for the event handlers.
        """
        variable = change.variable
        text = texts.variable_changed(change.frame.container.name, variable.name)
        system = {
            "System::VariableID": ("String", variable.id),
            "System::VariableDescription": ("String", variable.description),
        }
        await self.raise_event(EventName.VARIABLE_VALUE_CHANGED, change.frame, text, system=system, cause=by)

    async def raise_event(
        self,
        name: EventName,
        frame: Frame,
        text: str,
        code: int = 0,
        subcomponent: str | None = None,
        *,
        described: str = "",
        system: Mapping[str, SystemValue] | None = None,
        cause: Frame | None = None,
    ) -> bool:
        """Raise an event: publish it, count it if it is an error, and run its handlers, from the inside out.

        An event handler that is running does not handle the events of its executables.

        :param code: of the message, unsigned. Default: 0, none.
        :param described: the text for System::ErrorDescription. Default: none.
        :param system: more system variables for the handlers. Default: none.
        :param cause: the executable that waits for the handlers. Default: None, the one that raises the event.
        :returns: whether a handler asked to stop the executable (``System::Cancel``).
        """
        self.write(name, frame, text, code, subcomponent)
        self.warnings += name is EventName.WARNING
        cause = cause or frame
        running = cause.running_handlers
        values: dict[str, SystemValue] | None = None
        is_cancelled = False
        stopped_in = None
        for outer in frame.outwards():
            if stopped_in is outer.package:
                continue  # Propagate has no effect on the packages around.
            if name is EventName.ERROR:
                outer.errors += 1
            for handler in outer.container.enabled_handlers:
                if handler.event.lower() != name.value.lower() or any(one is handler for one in running):
                    continue
                if values is None:
                    values = _system_values(name, frame, code, self._secrets.masked(described), system)
                event = {**values, _PROPAGATE: ("Boolean", handler.propagate)}
                inner = outer.handling(handler, cause, event)
                await self._handle(inner)
                is_cancelled = is_cancelled or inner.event[_CANCEL][1] is True
                if inner.event[_PROPAGATE][1] is False and not self.is_validating:
                    stopped_in = outer.package
        return is_cancelled

    def write(self, name: EventName, frame: Frame, text: str, code: int = 0, subcomponent: str | None = None) -> None:
        """Publish the message of an event without running its handlers.

        :param text: the whole text.
        :param code: the code of Integration Services. Default: 0, none.
        :param subcomponent: the component of a data flow. Default: None.
        """
        self._sink(Message(self._now(), name, frame.place, self._public(text), code, subcomponent))

    def ended(self, frame: Frame, began: datetime, result: Result, value: object) -> None:
        """Publish the end of an executable.

        :param value: its execution value; None for none.
        """
        shown = None if value is None else self._public(texts.execution_value(value))
        self._sink(ExecutableEnded(frame.place, began, self._now(), result, shown))

    def _public(self, text: str) -> str:
        """Return a text without secrets, and without the halves of characters that names of files can contain."""
        return self._secrets.masked(text).encode(errors="backslashreplace").decode()

    def publish(self, event: Event) -> None:
        """Publish an event that has no handlers."""
        self._sink(event)


def _system_values(
    name: EventName, frame: Frame, code: int, described: str, system: Mapping[str, SystemValue] | None
) -> dict[str, SystemValue]:
    source = frame.container
    values: dict[str, SystemValue] = {
        "System::SourceID": ("String", source.id),
        "System::SourceName": ("String", source.name),
        "System::SourceDescription": ("String", source.description),
        _CANCEL: ("Boolean", False),
        **(system or {}),
    }
    if name in _WITH_CODE:
        signed = code - (1 << 32) if code >= 1 << 31 else code
        values |= {"System::ErrorCode": ("Int32", signed), "System::ErrorDescription": ("String", described)}
    return values
