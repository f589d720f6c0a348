"""The catalog's records of a run, simulated or executed, from the engine's events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from airflow_provider_ssis.catalog.codes import ExecutionResult
from airflow_provider_ssis.emulator.datatypes import INT, SqlType, Variant
from airflow_provider_ssis.emulator.runs.control_flow import all_executables
from airflow_provider_ssis.emulator.runs.frames import Frame, context_of, event_record
from airflow_provider_ssis.emulator.runs.levels import Event, LogFilter
from airflow_provider_ssis.emulator.runs.records import (
    DataStatisticsRecord,
    EventRecord,
    ExecutableRecord,
    PhaseRecord,
    Record,
    StatisticsRecord,
)
from airflow_provider_ssis.engine.events import (
    ComponentPhase,
    EventName,
    ExecutableEnded,
    Message,
    Place,
    RowsSent,
)
from airflow_provider_ssis.engine.events import Event as EngineEvent
from airflow_provider_ssis.project.models import Executable, ExecutableKind, Package, Project

_EVENTS = {event.event_name: event for event in Event}
_SIGN = 1 << 31
_WHOLE = re.compile(r"-?[0-9]{1,10}")


@dataclass(slots=True)
class EventRecords:
    """Makes records of the events of one run.

    :param project: the deployed project.
    :param log_filter: selects the records that the logging level has.
    :param thread_id: the thread in the messages.
    """

    project: Project
    log_filter: LogFilter
    thread_id: int
    _frames: dict[tuple[str, str], Frame] = field(default_factory=dict)
    _executing: bool = False

    def of(self, event: EngineEvent) -> Iterator[Record]:
        """Yield the records of an event."""
        yield from self._new_package(event.place)
        if isinstance(event, Message):
            yield from self._message(event)
        elif isinstance(event, ExecutableEnded):
            if self.log_filter.statistics:
                yield StatisticsRecord(
                    package_name=event.place.package,
                    package_path=event.place.path,
                    execution_path=event.place.execution_path,
                    start_time=event.start,
                    end_time=event.end,
                    execution_duration=(event.end - event.start) // timedelta(milliseconds=1),
                    execution_result=ExecutionResult(event.result.value),
                    execution_value=execution_value(event.execution_value),
                )
        elif isinstance(event, ComponentPhase):
            if self.log_filter.phases:
                yield PhaseRecord(
                    event.place.package,
                    event.place.name,
                    event.component,
                    event.phase,
                    event.start,
                    event.end,
                    event.place.execution_path,
                )
        elif isinstance(event, RowsSent) and self.log_filter.data:
            yield DataStatisticsRecord(
                package_name=event.place.package,
                task_name=event.place.name,
                dataflow_path_id_string=event.path_id,
                dataflow_path_name=event.path_name,
                source_component_name=event.source,
                destination_component_name=event.destination,
                rows_sent=event.rows,
                created_time=event.time,
                execution_path=event.place.execution_path,
            )

    def _message(self, message: Message) -> Iterator[EventRecord]:
        event = _EVENTS[message.name.value]
        if message.name is EventName.PRE_EXECUTE:
            self._executing = True
        if event not in self.log_filter.events:
            return
        frame = self._frame(message.place)
        code = message.code - (1 << 32) if message.code >= _SIGN else message.code or None
        context = context_of(frame, executing=self._executing) if event in self.log_filter.contexts else ()
        yield event_record(
            event, frame, message.time, message.text, code, message.subcomponent, self.thread_id, context
        )

    def _new_package(self, place: Place) -> Iterator[ExecutableRecord]:
        """The executables of a package, before its first record."""
        if (place.package, "\\Package") in self._frames:
            return
        package = self.project.package(place.package)
        if package is None or package.control_flow is None:
            raise ValueError(f"the engine runs the package {place.package}, which the project does not have")
        self._add(Frame(package.control_flow, package, "\\Package", None))
        if self.log_filter.executables:
            for executable in all_executables(package.control_flow):
                yield ExecutableRecord(executable.name, executable.id, package.name, executable.path)

    def _add(self, frame: Frame) -> None:
        executable = frame.executable
        self._frames[frame.package.name, executable.path] = frame
        for handler in executable.event_handlers:
            inner = frame.handling(handler)
            for child in handler.children:
                self._add(inner.inside(child))
        for child in executable.children:
            self._add(frame.inside(child))

    def _frame(self, place: Place) -> Frame:
        known = self._frames.get((place.package, place.path))
        if known is None:
            package = self._package(place.package)
            stranger = Executable(name=place.name, path=place.path, id=place.id, kind=ExecutableKind.SEQUENCE)
            return Frame(stranger, package, place.execution_path, None)
        return Frame(known.executable, known.package, place.execution_path, known.parent, is_handler=known.is_handler)

    def _package(self, name: str) -> Package:
        found = self.project.package(name)
        assert found is not None  # noqa: S101 its first record found it
        return found


def execution_value(text: str | None) -> Variant | None:
    """The execution value of an executable as the catalog shows it: an int, or at most 4,000 characters.

    :param text: the value; None for none.
    """
    if text is None:
        return None
    if _WHOLE.fullmatch(text) and -(1 << 31) <= int(text) < 1 << 31:
        return Variant(INT, int(text))
    return Variant(SqlType("nvarchar", length=max(1, min(len(text), 4000))), text[:4000])
