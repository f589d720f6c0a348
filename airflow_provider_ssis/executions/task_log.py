"""What is needed of a task's log: Airflow 2 gives Python's own loggers to tasks, Airflow 3 those of structlog."""

from __future__ import annotations

from typing import Any, Protocol


class TaskLog(Protocol):
    """A log that takes a format and its arguments."""

    def info(self, event: Any, /, *args: Any) -> Any:
        """Tell what goes on."""

    def warning(self, event: Any, /, *args: Any) -> Any:
        """Tell what may be wrong."""

    def error(self, event: Any, /, *args: Any) -> Any:
        """Tell what is wrong."""
