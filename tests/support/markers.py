"""Markers for what tests need, and a guard: a test without the marker ``processes`` cannot start one.

pyproject.toml describes the markers. Fixtures bring theirs with them; ``fast`` is set where there is no other. Of a
test with many cases, a few are ``fast`` and the others ``exhaustive``.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SLOW = frozenset({"processes", "browser", "kerberos", "slow"})
"""The markers of tests that are not fast."""
_EXHAUSTIVE = "exhaustive"

FAST_CASES = 2
"""The most cases of one test that are fast: the first and the last."""

_SERVER = "ssisdb_emulator_server"
"""A fixture of tests that talk to a server. One case of such a test is fast: each takes as long as ten of others."""

BY_FIXTURE = {
    "airflow": "processes",
    "airflow_home": "processes",
    "browser": "browser",
    "postgresql_odbc": "processes",
    "realm": "kerberos",
    "workers": "processes",
}
"""Fixtures that start processes, with their marker."""

_MAY_START_PROCESSES = frozenset({"processes", "browser", "kerberos"})
_AUDIT_EVENTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
_is_forbidden = False


def add_markers(items: Iterable[pytest.Item]) -> None:
    """Set the markers that follow from fixtures, and ``fast`` or ``exhaustive`` on tests that have none."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in BY_FIXTURE:
                item.add_marker(BY_FIXTURE[fixture])
        if not has_any(item, SLOW):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for of_one_test in cases.values():
        fast = _fast_places(of_one_test)
        for place, item in enumerate(of_one_test):
            item.add_marker("fast" if place in fast else _EXHAUSTIVE)


def _fast_places(cases: Sequence[pytest.Item]) -> set[int]:
    """The places of the fast cases among those of one test."""
    if _SERVER in getattr(cases[0], "fixturenames", ()):
        # Not always the first, which would be the same driver for all tests; but the same in each run.
        return {zlib.crc32(cases[0].nodeid.partition("[")[0].encode()) % len(cases)}
    last = len(cases) - 1
    return {last * number // (FAST_CASES - 1) for number in range(FAST_CASES)}


def has_no_fast_test(path: Path) -> bool:
    """Whether a file says at its top that each of its tests is slow: a fast run need not import it."""
    return path.suffix == ".py" and bool(_ALL_SLOW.search(path.read_text(encoding="utf-8")))


_ALL_SLOW = re.compile(rf"^pytestmark = (?:\[[^\]]*)?pytest\.mark\.(?:{'|'.join(sorted(SLOW))})\b", re.MULTILINE)


@contextmanager
def process_guard(item: pytest.Item) -> Iterator[None]:
    """While the block lasts, fail each attempt to start a process, unless a marker of the test allows it."""
    global _is_forbidden
    _is_forbidden = not has_any(item, _MAY_START_PROCESSES)
    try:
        yield
    finally:
        _is_forbidden = False


@contextmanager
def processes_allowed() -> Iterator[None]:
    """Allow the teardown of a fixture to start a process; it can happen within a test that may not."""
    global _is_forbidden
    before, _is_forbidden = _is_forbidden, False
    try:
        yield
    finally:
        _is_forbidden = before


def has_any(item: pytest.Item, markers: frozenset[str]) -> bool:
    """Whether a test has one of these markers."""
    return any(marker.name in markers for marker in item.iter_markers())


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    # The standard library asks `file` whether Python has 32 or 64 bits.
    if _is_forbidden and event in _AUDIT_EVENTS and arguments[0] != "file":
        raise AssertionError(f"A test that starts a process needs the marker 'processes'. {event}: {arguments!r:.300}")


sys.addaudithook(_audit)
