"""The packages of :mod:`tests.processes.race` and how many tasks wait for them.

A module without imports of the project: each task's process reads it with the DAG.
"""

from __future__ import annotations

from dataclasses import dataclass

FOLDER = "Race"
PROJECT = "Short"
TASKS = 20


@dataclass(frozen=True, slots=True)
class ShortPackage:
    """A package that takes a fixed time.

    :param name: the time, as tables show it.
    :param seconds: the time.
    """

    name: str
    seconds: float

    @property
    def file(self) -> str:
        """The package's name in the project."""
        return f"Takes{self.name}.dtsx"


PACKAGES = (
    ShortPackage("20ms", 0.02),
    ShortPackage("2s", 2),
    ShortPackage("6s", 6),
    ShortPackage("15s", 15),
    # Ends after the deferral, and before the task may resume.
    ShortPackage("25s", 25),
)
MIXES = {"mixed": PACKAGES, **{each.name: (each,) for each in PACKAGES}}
"""Which packages the tasks of a DAG run wait for."""
