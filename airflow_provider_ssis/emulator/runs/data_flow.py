"""The messages and statistics of a Data Flow task. It moves no data: every path reports the same number of rows.

Phases and row counts are those of ``catalog.execution_component_phases`` and ``catalog.execution_data_statistics``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from airflow_provider_ssis.engine.events import EventName
from airflow_provider_ssis.project.models import DataFlow, DataFlowComponent

ROWS: Final = 1000
"""The number of rows that each path of a data flow reports."""

PIPELINE: Final = "SSIS.Pipeline"
"""The name of the pipeline itself among the subcomponents."""


@dataclass(frozen=True, slots=True)
class PipelineMessage:
    """A message of a pipeline.

    :param text: without the name of the task.
    :param code: signed, as the catalog shows it; None for progress.
    """

    event: EventName
    text: str
    code: int | None = None
    subcomponent: str = PIPELINE


def _phase(name: str, code: int) -> tuple[PipelineMessage, ...]:
    return (
        PipelineMessage(EventName.INFORMATION, f"{name} phase is beginning.", code),
        PipelineMessage(EventName.PROGRESS, name),
    )


VALIDATION: Final = _phase("Validation", 0x4004300A)
_BEFORE: Final = (
    *_phase("Prepare for Execute", 0x40043006),
    *_phase("Pre-Execute", 0x40043007),
    PipelineMessage(EventName.INFORMATION, "Execute phase is beginning.", 0x4004300C),
)
_POST_EXECUTE: Final = _phase("Post Execute", 0x40043008)
_CLEANUP: Final = _phase("Cleanup", 0x40043009)
_ROWS_WRITTEN: Final = 0x4004300B
_PROCESS_INPUT_FAILED: Final = 0xC0047022 - (1 << 32)
_PRIME_OUTPUT_FAILED: Final = 0xC0047038 - (1 << 32)


def opening() -> tuple[PipelineMessage, ...]:
    """The messages of a pipeline before the first rows."""
    return _BEFORE


def closing(flow: DataFlow, *, failed: bool) -> list[PipelineMessage]:
    """The messages of a pipeline after the last rows."""
    said = [*_POST_EXECUTE]
    if not failed:
        for component in destinations(flow):
            text = f'"{subcomponent(flow, component)}" wrote {ROWS} rows.'
            said.append(PipelineMessage(EventName.INFORMATION, text, _ROWS_WRITTEN))
    return [*said, *_CLEANUP]


def consequence(flow: DataFlow, component: DataFlowComponent) -> PipelineMessage:
    """The error that a pipeline adds to the error of a component: its input or its output was stopped."""
    name = subcomponent(flow, component)
    if any(path.destination == component.name for path in flow.paths):
        text = f"SSIS Error Code DTS_E_PROCESSINPUTFAILED. {name} failed on its input rows. See the errors before."
        return PipelineMessage(EventName.ERROR, text, _PROCESS_INPUT_FAILED)
    text = f"SSIS Error Code DTS_E_PRIMEOUTPUTFAILED. {name} could not send further rows. See the errors before."
    return PipelineMessage(EventName.ERROR, text, _PRIME_OUTPUT_FAILED)


def destinations(flow: DataFlow) -> list[DataFlowComponent]:
    """The components without an outgoing path."""
    sources = {path.source for path in flow.paths}
    return [component for component in flow.components if component.name not in sources]


def failing_component(flow: DataFlow, name: str | None) -> DataFlowComponent | None:
    """The component of a name, without case; without a name the last destination, where most loads fail."""
    if name is not None:
        return next((each for each in flow.components if each.name.lower() == name.lower()), None)
    return next(iter(reversed(destinations(flow))), None)


def subcomponent(flow: DataFlow, component: DataFlowComponent) -> str:
    """A component as messages name it, with its number in the data flow: ``Orders [2]``."""
    return f"{component.name} [{flow.components.index(component) + 1}]"


def phases(flow: DataFlow, times: PipelineTimes) -> Iterator[tuple[str, str, dt.datetime, dt.datetime]]:
    """The phases of each component: its name, the phase, start and end."""
    entered = {path.destination for path in flow.paths}
    for component in flow.components:
        rows = "ProcessInput" if component.name in entered else "PrimeOutput"
        for phase, (start, end) in {
            "Validate": (times.began, times.flowing),
            "PreExecute": (times.began, times.flowing),
            rows: (times.flowing, times.stopped),
            "PostExecute": (times.stopped, times.ended),
        }.items():
            yield component.name, phase, start, end


@dataclass(frozen=True, slots=True)
class PipelineTimes:
    """The times of a pipeline: its start, its first and last rows, and its end."""

    began: dt.datetime
    flowing: dt.datetime
    stopped: dt.datetime
    ended: dt.datetime
