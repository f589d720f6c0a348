"""The steps of a simulated run: records to write, and pauses."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

from airflow_provider_ssis.emulator.runs.records import Record


@dataclass(frozen=True, slots=True)
class Pause:
    """A step at which time passes, and at which the run can be stopped.

    :param until: seconds since the start of the run; can be in the past.
    """

    until: float


class RunStopped(Exception):
    """Thrown into a simulation at a :class:`Pause`, to stop the run there.

    :param at: seconds since the start of the run.
    """

    def __init__(self, at: float) -> None:
        super().__init__(f"the run was stopped {at:.3f} s after its start")
        self.at = at


Step = Record | Pause
Result = TypeVar("Result")
Steps = Generator[Step, None, Result]
