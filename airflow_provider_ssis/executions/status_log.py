"""The lines of the task log about the state of a long wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ssis.executions.deadline import SYSTEM_CLOCK

if TYPE_CHECKING:
    from airflow_provider_ssis.executions.deadline import Clock
    from airflow_provider_ssis.executions.message_log import TaskLog

INTERVAL = 600.0
"""Seconds after which a state that has not changed is logged again."""


class StatusLog:
    """Logs the state of a wait when it changes, and again every ten minutes: a package may write no messages for hours.

    :param log: the task's log.
    :param clock: the time. Default: the system's.
    """

    def __init__(self, log: TaskLog, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._log = log
        self._clock = clock
        self._text = ""
        self._due = 0.0

    def report(self, text: str) -> None:
        """Log a state, unless it is in the log already.

        :param text: the whole line.
        """
        now = self._clock.monotonic()
        if text != self._text or now >= self._due:
            self._text, self._due = text, now + INTERVAL
            self._log.info("%s", text)
