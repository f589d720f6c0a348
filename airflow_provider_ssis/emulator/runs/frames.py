"""The place of an executable in a package, and the records of its events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.catalog.codes import ContextType, MessageSourceType
from airflow_provider_ssis.emulator.datatypes import BIT, INT, Variant
from airflow_provider_ssis.emulator.runs.levels import Event
from airflow_provider_ssis.emulator.runs.records import ContextRecord, EventRecord
from airflow_provider_ssis.project.models import EventHandler, Executable, ExecutableKind, Package

_CONTEXT_TYPES: Final = {
    ExecutableKind.PACKAGE: ContextType.PACKAGE,
    ExecutableKind.SEQUENCE: ContextType.SEQUENCE,
    ExecutableKind.FOR_LOOP: ContextType.FOR_LOOP,
    ExecutableKind.FOREACH_LOOP: ContextType.FOREACH_LOOP,
    ExecutableKind.TASK: ContextType.TASK,
}
_NOT_FORCED: Final = -1


@dataclass(slots=True, eq=False)
class Frame:
    """The place of an executable whose records are written.

    :param execution_path: its package path, with the iterations of loops and the paths of parent packages.
    :param parent: the frame around it; None for a package.
    :param is_handler: whether it is an event handler, which raises no events itself.
    """

    executable: Executable
    package: Package
    execution_path: str
    parent: Frame | None
    is_handler: bool = False

    def outwards(self) -> Iterator[Frame]:
        """This frame and the frames around it, from the inside out."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent

    def inside(self, child: Executable) -> Frame:
        """The frame of an executable inside this one."""
        return Frame(child, self.package, "", self)

    def handling(self, handler: EventHandler) -> Frame:
        """The frame of an event handler of this executable."""
        container = Executable(
            name=handler.event,
            path=handler.path,
            id=handler.id,
            kind=ExecutableKind.SEQUENCE,
            children=handler.children,
        )
        return Frame(container, self.package, "", self, is_handler=True)


def event_record(
    event: Event,
    frame: Frame,
    time: dt.datetime,
    text: str,
    code: int | None,
    subcomponent: str | None,
    thread_id: int,
    context: tuple[ContextRecord, ...],
) -> EventRecord:
    """The message of an event that an executable raises."""
    executable = frame.executable
    return EventRecord(
        message_time=time,
        message_type=event.message_type,
        message_source_type=_source_type(executable),
        message=text,
        package_name=frame.package.name,
        event_name=event.event_name,
        message_source_name=executable.name,
        message_source_id=executable.id,
        subcomponent_name=subcomponent,
        package_path=executable.path,
        execution_path=frame.execution_path,
        thread_id=thread_id,
        message_code=code,
        contexts=context,
    )


def _source_type(executable: Executable) -> MessageSourceType:
    if executable.data_flow is not None:
        return MessageSourceType.DATA_FLOW
    if executable.kind is ExecutableKind.TASK:
        return MessageSourceType.TASK
    if executable.kind is ExecutableKind.PACKAGE:
        return MessageSourceType.PACKAGE
    return MessageSourceType.CONTAINER


def context_of(frame: Frame, *, executing: bool) -> tuple[ContextRecord, ...]:
    """The properties, of the executable and of those around it, that decide about the consequences of an error in it.

    :param executing: False before the package begins to execute.
    """
    frames = [outer for outer in frame.outwards() if not outer.is_handler]
    return tuple(
        ContextRecord(
            context_depth=depth if executing else 0,
            package_path=outer.executable.path,
            context_type=_context_type(outer.executable),
            context_source_name=outer.executable.name,
            context_source_id=outer.executable.id,
            property_name=name,
            property_value=value,
        )
        for depth, outer in enumerate(frames, start=1)
        for name, value in _properties(outer.executable).items()
    )


def _context_type(executable: Executable) -> ContextType:
    return ContextType.PIPELINE if executable.data_flow is not None else _CONTEXT_TYPES[executable.kind]


def _properties(executable: Executable) -> dict[str, Variant]:
    forced = executable.force_execution_result
    return {
        "FailPackageOnFailure": Variant(BIT, executable.fail_package_on_failure),
        "FailParentOnFailure": Variant(BIT, executable.fail_parent_on_failure),
        "ForceExecutionResult": Variant(INT, _NOT_FORCED if forced is None else forced),
        "MaximumErrorCount": Variant(INT, executable.max_error_count),
    }
