"""The time of a simulated run, which passes only at pauses and with each event."""

from __future__ import annotations

import datetime as dt
from typing import Final

from airflow_provider_ssis.emulator.runs.steps import Pause, RunStopped, Steps

_TICK: Final = dt.timedelta(microseconds=1)
"""The time between two events, so that their times sort in their order."""


class RunClock:
    """The time of a run.

    :param start: the start of the run.
    """

    def __init__(self, start: dt.datetime) -> None:
        self.start = start
        self.now = start

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return (self.now - self.start).total_seconds()

    def tick(self) -> dt.datetime:
        """The time of the next event."""
        self.now += _TICK
        return self.now

    def pause(self, until: float) -> Steps[None]:
        """Let time pass.

        :param until: seconds since the start; can be in the past.
        :raises RunStopped: the run was stopped in the meantime.
        """
        try:
            yield Pause(until)
        except RunStopped as stop:
            self._pass_time(stop.at)
            raise
        self._pass_time(until)

    def _pass_time(self, until: float) -> None:
        self.now = max(self.now, self.start + dt.timedelta(seconds=until))
