"""What a fuzz target is, and how one is run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from tests.support.places import ROOT

KEPT = ROOT / "build" / "fuzz"
"""Where inputs that found a fault are kept."""


class FaultFound(Exception):
    """An input had an effect that no input may have; the text describes it."""


class Target(Protocol):
    """Code that must survive any input.

    :ivar name: its name on the command line.
    """

    name: str

    def running(self) -> AbstractContextManager[None]:
        """Prepare and, in the end, check and clean up."""

    def make(self, chance: Random) -> bytes:
        """Make an input."""

    def feed(self, data: bytes) -> None:
        """Process an input.

        :raises FaultFound: the target did not survive it as it should.
        """


@dataclass(frozen=True)
class Fault:
    """A fault that an input found.

    :param number: the number of the input; with the seed it makes the same input again.
    :param path: the file with the input.
    """

    target: str
    seed: int
    number: int
    text: str
    path: Path

    def __str__(self) -> str:
        return f"{self.target}, seed {self.seed}, input {self.number}: {self.text} (input kept in {self.path})"


def faults(
    target: Target, *, seed: int = 0, first: int = 0, count: int | None = None, seconds: float | None = None
) -> Iterator[Fault]:
    """Feed inputs to a target, and yield a fault for each input that finds one.

    :param seed: makes the inputs differ from those of other seeds.
    :param first: the number of the first input. Default: 0.
    :param count: the number of inputs. Default: no limit.
    :param seconds: when to stop. Default: never.
    """
    end = None if seconds is None else time.monotonic() + seconds
    number = first
    with target.running():
        while (count is None or number < first + count) and (end is None or time.monotonic() < end):
            data = target.make(Random(f"{target.name} {seed} {number}"))
            try:
                target.feed(data)
            except FaultFound as fault:
                KEPT.mkdir(parents=True, exist_ok=True)
                path = KEPT / f"{target.name}-{seed}-{number}"
                path.write_bytes(data)
                yield Fault(target.name, seed, number, str(fault), path)
            number += 1
