"""A short run of each fuzz target, with the same inputs each time. ``make fuzz`` runs longer, with new ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random

import pytest

from tests.fuzz.batches import Batches
from tests.fuzz.target import FaultFound, Target, faults
from tests.fuzz.targets import TARGETS

COUNT = 250
SHORT_TARGETS: dict[str, Callable[[], Target]] = {**TARGETS, Batches.name: partial(Batches, every=8)}

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("name", SHORT_TARGETS)
def test_a_short_run_finds_no_fault(name: str) -> None:
    found = [str(fault) for fault in faults(SHORT_TARGETS[name](), count=COUNT)]
    assert not found, "\n".join(found)


class Broken:
    """A target that does not survive one kind of input."""

    name = "broken"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Do nothing."""
        yield

    def make(self, chance: Random) -> bytes:
        """One digit."""
        return str(chance.randrange(10)).encode()

    def feed(self, data: bytes) -> None:
        """Fail on a seven."""
        if data == b"7":
            raise FaultFound("a seven")


def test_a_fault_is_kept_and_can_be_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr("tests.fuzz.target.KEPT", tmp_path)
    first, *others = faults(Broken(), seed=3, count=100)
    assert others
    assert first.path.read_bytes() == b"7"
    (again,) = faults(Broken(), seed=3, first=first.number, count=1)
    assert again == first
