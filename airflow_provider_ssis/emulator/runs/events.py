"""Raises the events of a run: writes their messages, counts errors, and runs event handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from airflow_provider_ssis.catalog.codes import MessageSourceType, MessageType
from airflow_provider_ssis.emulator.runs import data_flow, event_texts
from airflow_provider_ssis.emulator.runs.clock import RunClock
from airflow_provider_ssis.emulator.runs.dumps import DumpRule
from airflow_provider_ssis.emulator.runs.evaluation import Problem
from airflow_provider_ssis.emulator.runs.frames import Frame, context_of, event_record
from airflow_provider_ssis.emulator.runs.levels import Event, LogFilter
from airflow_provider_ssis.emulator.runs.records import DumpRecord, EventRecord
from airflow_provider_ssis.emulator.runs.steps import Steps
from airflow_provider_ssis.project.models import EventHandler

_TEXTS: Final = {
    Event.INFORMATION: event_texts.information,
    Event.PROGRESS: event_texts.progress,
    Event.WARNING: event_texts.warning,
    Event.ERROR: event_texts.error,
}


class Events:
    """The events of a run.

    :param clock: the time of the run.
    :param log_filter: selects the events whose messages are written.
    :param dumps: selects the event after which the run writes its dump.
    :param thread_id: the thread in the messages.
    :param handle: runs an event handler of an executable.
    """

    def __init__(
        self,
        clock: RunClock,
        log_filter: LogFilter,
        dumps: DumpRule,
        thread_id: int,
        handle: Callable[[Frame, EventHandler], Steps[None]],
    ) -> None:
        self._clock = clock
        self._filter = log_filter
        self._dumps = dumps
        self._thread_id = thread_id
        self._handle = handle
        self._has_dumped = False
        self.executing = False
        """Whether the package has begun to execute."""

    def say(
        self, frame: Frame, event: Event, text: str, *, code: int | None = None, subcomponent: str | None = None
    ) -> Steps[None]:
        """Raise an event whose message begins with the name of the executable and the kind of the event.

        :param event: one of information, progress, warning, error.
        """
        text = _TEXTS[event](frame.executable.name, text)
        yield from self.raise_event(event, frame, text, code=code, subcomponent=subcomponent)

    def error(self, frame: Frame, text: str, code: int) -> Steps[None]:
        """Raise an error."""
        yield from self.say(frame, Event.ERROR, text, code=code)

    def problems(self, frame: Frame, problems: Iterable[Problem]) -> Steps[None]:
        """Raise an error for each expression that could not be evaluated."""
        for problem in problems:
            yield from self.error(frame, problem.text, problem.code)

    def of_pipeline(self, frame: Frame, said: Iterable[data_flow.PipelineMessage]) -> Steps[None]:
        """Raise the messages of a pipeline as events of its task."""
        for one in said:
            yield from self.say(frame, one.event, one.text, code=one.code, subcomponent=one.subcomponent)

    def raise_event(
        self, event: Event, frame: Frame, text: str, *, code: int | None = None, subcomponent: str | None = None
    ) -> Steps[None]:
        """Raise an event: write it, count it if it is an error, and run its handlers, from the inside out."""
        yield from self.write(event, frame, text, code, subcomponent)
        if not self._has_dumped and self._dumps.applies(event, code):
            self._has_dumped = True
            yield DumpRecord(text, frame.package.name, self._clock.tick())
        is_heard = True
        for outer in frame.outwards():
            if event is Event.ERROR:
                outer.errors += 1
            if not is_heard:
                continue
            for handler in outer.executable.event_handlers:
                if not handler.disabled and handler.event.lower() == event.event_name.lower():
                    yield from self._handle(outer, handler)
                    if not handler.propagate:
                        return
            # Events that are raised in a handler are not handled outside: they would call the handler again.
            is_heard = not outer.is_handler

    def write(
        self, event: Event, frame: Frame, text: str, code: int | None = None, subcomponent: str | None = None
    ) -> Steps[None]:
        """Write the message of an event, without its handlers, if the logging level has it."""
        if event in self._filter.events:
            context = context_of(frame, executing=self.executing) if event in self._filter.contexts else ()
            yield event_record(event, frame, self._clock.tick(), text, code, subcomponent, self._thread_id, context)

    def process_error(self, text: str, code: int) -> EventRecord:
        """An error of the process that runs packages, before it has the package."""
        return self.process_message(MessageType.ERROR, text, code)

    def process_message(self, kind: MessageType, text: str, code: int | None = None) -> EventRecord:
        """A message of the process that runs packages."""
        return EventRecord(self._clock.tick(), kind, MessageSourceType.EXTERNAL_PROCESS, text, message_code=code)
