"""The order of tests: the slow files first, or random."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.markers import SLOW, has_any

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


def put_slow_files_first(items: list[pytest.Item]) -> None:
    """Sort the files of tests, so that no process is left with a long one while the others have nothing to do.

    Tests of one file run in one process. Without this, files with few tests come last, and some of them take minutes.
    """
    slow = {item.path for item in items if has_any(item, SLOW)}

    def rank(path: Path) -> int:
        for position, name in enumerate(_FIRST):
            if path.match(name):
                return position
        return len(_FIRST) + (path not in slow)

    ranks = {path: rank(path) for path in {item.path for item in items}}
    items.sort(key=lambda item: ranks[item.path])


def shuffle(items: list[pytest.Item], seed: int) -> None:
    """Put the files in a random order, and the tests of each file too. A test that fails then depends on another."""
    generator = random.Random(seed)
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    groups = list(files.values())
    generator.shuffle(groups)
    for group in groups:
        generator.shuffle(group)
    items[:] = [item for group in groups for item in group]
