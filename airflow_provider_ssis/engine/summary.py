"""Totals of the events of a run: errors, warnings, and rows by destination."""

from __future__ import annotations

from datetime import datetime

from airflow_provider_ssis.catalog.failures.causes import describe, first_causes
from airflow_provider_ssis.catalog.models import EventMessage
from airflow_provider_ssis.engine.catalog_messages import catalog_message
from airflow_provider_ssis.engine.events import Event, EventName, Message, RowsWritten

_KEPT_ERRORS = 200


class RunSummary:
    """The summary of a run. Add its events in their order."""

    def __init__(self) -> None:
        self.errors = 0
        self.warnings = 0
        self.rows: dict[str, int] = {}
        """The rows that destinations accepted, by ``\\Package\\Task\\Destination``."""
        self._failures: list[EventMessage] = []
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, event: Event) -> None:
        """Add an event.

        :param event: the event.
        """
        if isinstance(event, RowsWritten):
            destination = f"{event.place.path}\\{event.component}"
            self.rows[destination] = self.rows.get(destination, 0) + event.rows
        elif isinstance(event, Message):
            self._first = self._first or event.time
            self._last = event.time
            self.errors += event.name is EventName.ERROR
            self.warnings += event.name is EventName.WARNING
            is_failure = event.name in (EventName.ERROR, EventName.TASK_FAILED)
            if is_failure and len(self._failures) < _KEPT_ERRORS:
                self._failures.append(catalog_message(event))

    def causes(self) -> list[str]:
        """Return the first errors that are not consequences of others, each with its code, its place and advice."""
        return [describe(cause) for cause in first_causes(self._failures)]

    @property
    def duration(self) -> float:
        """Seconds from the first message to the last one; 0.0 without messages."""
        return 0.0 if self._first is None or self._last is None else (self._last - self._first).total_seconds()

    def text(self) -> str:
        """Return the summary as a sentence and a list of destinations."""
        rows = "".join(f"\n  {destination}: {count} rows" for destination, count in self.rows.items())
        return f"Duration: {self.duration:.1f} s, errors: {self.errors}, warnings: {self.warnings}.{rows}"
