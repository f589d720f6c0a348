"""Markers for what tests need, and a guard: a test without the marker ``processes`` cannot start one.

pyproject.toml describes the markers. Fixtures bring theirs with them; ``fast`` is set where there is no other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NOT_FAST = ("processes", "browser", "kerberos", "slow")
BY_FIXTURE = {
    "airflow": "processes",
    "airflow_home": "processes",
    "browser": "browser",
    "postgresql_odbc": "processes",
    "realm": "kerberos",
    "workers": "processes",
}
"""Fixtures that start processes, with their marker."""

_FIRST = (
    "processes/test_short_packages.py",
    "faults/test_protocol.py",
    "ui/test_connections.py",
    "docs/test_code_blocks.py",
    "fuzz/test_fuzz.py",
    "faults/test_airflow_processes.py",
    "faults/test_races.py",
)
"""The files that take minutes, the longest first."""

_MAY_START_PROCESSES = ("processes", "browser", "kerberos")
_AUDIT_EVENTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
_is_forbidden = False


def add_markers(items: Iterable[pytest.Item]) -> None:
    """Set the markers that follow from fixtures, and ``fast`` on tests that have none."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in BY_FIXTURE:
                item.add_marker(BY_FIXTURE[fixture])
        if not _has_any(item, NOT_FAST):
            item.add_marker("fast")


def put_slow_files_first(items: list[pytest.Item]) -> None:
    """Sort the files of tests, so that no process is left with a long one while the others have nothing to do.

    Tests of one file run in one process. Without this, files with few tests come last, and some of them take minutes.
    """
    slow = {item.path for item in items if _has_any(item, NOT_FAST)}
    first = [name for name in _FIRST if any(item.path.match(name) for item in items)]

    def rank(item: pytest.Item) -> int:
        for position, name in enumerate(first):
            if item.path.match(name):
                return position
        return len(first) + (item.path not in slow)

    items.sort(key=rank)


@contextmanager
def process_guard(item: pytest.Item) -> Iterator[None]:
    """While the block lasts, fail each attempt to start a process, unless a marker of the test allows it."""
    global _is_forbidden
    _is_forbidden = not _has_any(item, _MAY_START_PROCESSES)
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


def _has_any(item: pytest.Item, markers: Iterable[str]) -> bool:
    return any(item.get_closest_marker(name) for name in markers)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    # The standard library asks `file` whether Python has 32 or 64 bits.
    if _is_forbidden and event in _AUDIT_EVENTS and arguments[0] != "file":
        raise AssertionError(f"A test that starts a process needs the marker 'processes'. {event}: {arguments!r:.300}")


sys.addaudithook(_audit)
