"""The reports of a running data flow: messages, the rows of its paths, and the phases of its components."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from airflow_provider_ssis.engine.context import TaskContext
from airflow_provider_ssis.engine.data_flow.plan import PlannedPath
from airflow_provider_ssis.engine.errors import TaskFailure
from airflow_provider_ssis.engine.events import ComponentPhase, Place, RowsSent, RowsWritten

PIPELINE = "SSIS.Pipeline"
"""The subcomponent of the messages of the data flow itself."""

ROWS_WRITTEN = 0x4004300B
_EVENT_SECONDS = 0.5
"""The shortest time between two events of a path."""


@dataclass(slots=True)
class SentRows:
    """The rows of a path.

    :param rows: the rows so far.
    :param published: the rows that events have reported.
    :param next_event: the earliest time of the next event.
    """

    rows: int = 0
    published: int = 0
    next_event: float = 0.0


class FlowReports:
    """The reports of one run of a data flow. All methods can be called from any thread.

    :param task: the context of the task.
    :param clock: returns the time.
    """

    def __init__(self, task: TaskContext, clock: Callable[[], datetime]) -> None:
        self._task = task
        self._clock = clock
        self._times: dict[tuple[str, str], tuple[datetime, datetime]] = {}
        container = task.container
        self._place = Place(
            f"{task.package_name}.dtsx", container.path, task.execution_path, container.name, container.id
        )

    def message(self, text: str, code: int) -> None:
        """Report an information of the data flow."""
        self._task.information(text, code, subcomponent=PIPELINE)

    def warning(self, text: str, code: int) -> None:
        """Report a warning of the data flow."""
        self._task.warning(text, code, subcomponent=PIPELINE)

    def error(self, text: str, code: int) -> None:
        """Report an error of the data flow."""
        self._task.error(text, code, subcomponent=PIPELINE)

    def failure(self, failure: TaskFailure) -> None:
        """Report a failure and its causes."""
        for each in failure.chain:
            self._task.error(each.text, each.code, subcomponent=each.subcomponent or failure.subcomponent)

    def rows_sent(self, path: PlannedPath, count: SentRows, *, is_last: bool) -> None:
        """Report the rows of a path, unless it was done a moment ago.

        :param is_last: report in any case.
        """
        now = time.monotonic()
        new = count.rows - count.published
        if not new or (now < count.next_event and not is_last):
            return
        count.published = count.rows
        count.next_event = now + _EVENT_SECONDS
        source, target = path.source.stored.name, path.target.stored.name
        self._task.publish(RowsSent(self._clock(), self._place, path.id, path.name, source, target, new))

    def rows_written(self, component: str, rows: int) -> None:
        """Report the rows that a destination has written."""
        self.message(f'"{component}" wrote {rows} rows.', ROWS_WRITTEN)
        self._task.publish(RowsWritten(self._clock(), self._place, component, rows))

    @contextmanager
    def phase(self, component: str, phase: str) -> Iterator[None]:
        """Measure the work of a component; a phase with several parts lasts from the first to the last."""
        key = (component, phase)
        start = self._times[key][0] if key in self._times else self._clock()
        try:
            yield
        finally:
            self._times[key] = (start, self._clock())

    def phases(self) -> None:
        """Report the phases of all components."""
        for (component, phase), (start, end) in self._times.items():
            self._task.publish(ComponentPhase(self._place, component, phase, start, end))
