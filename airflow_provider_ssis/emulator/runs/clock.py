"""The time of a simulated run, which passes only at pauses and with each event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from typing import Final

from airflow_provider_ssis.emulator.runs.steps import Pause, RunStopped
from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.errors import Cancelled

_TICK: Final = dt.timedelta(microseconds=1)
"""The time between two events, so that their times sort in their order."""


class RunClock:
    """The time of a run.

    :param start: the start of the run.
    :param cancel: is cancelled when the run is stopped at a pause.
    """

    def __init__(self, start: dt.datetime, cancel: CancelToken) -> None:
        self.start = start
        self.now = start
        self._cancel = cancel

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return (self.now - self.start).total_seconds()

    def tick(self) -> dt.datetime:
        """The time of the next event."""
        self.now += _TICK
        return self.now

    async def pause(self, until: float) -> None:
        """Let time pass.

        :param until: seconds since the start; can be in the past.
        :raises Cancelled: the run was stopped in the meantime, or before.
        """
        self._cancel.check()
        try:
            await _Step(Pause(until))
        except RunStopped as stop:
            self._pass_time(stop.at)
            self._cancel.cancel()
            raise Cancelled from None
        self._pass_time(until)

    def _pass_time(self, until: float) -> None:
        self.now = max(self.now, self.start + dt.timedelta(seconds=until))


class _Step:
    """Awaiting it passes a pause to the caller of the coroutine, which continues when the time has passed."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause

    def __await__(self) -> Generator[Pause, None, None]:
        yield self._pause
