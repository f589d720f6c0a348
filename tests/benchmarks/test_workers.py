"""Processes of a benchmark."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.workers import Worker
from tests.support.services import Echo, NeverReady

pytestmark = pytest.mark.processes


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_service_answers_from_a_separate_process_which_ends_with_the_block() -> None:
    with Worker(Echo) as worker:
        assert worker.started != os.getpid()
        assert worker.call("again", {"a": [1]}) == {"a": [1]}
    assert not runs(worker.started)


def test_a_method_that_fails_says_why_and_the_service_goes_on() -> None:
    with Worker(Echo) as worker:
        with pytest.raises(RuntimeError, match="ValueError: failed on request"):
            worker.call("fail")
        assert worker.call("again", 1) == 1


def test_a_service_that_cannot_start_leaves_no_process() -> None:
    with pytest.raises(RuntimeError, match=r"process \d+ has no port") as failed, Worker(NeverReady):
        pass
    process = int(str(failed.value).split("process ")[-1].split()[0])
    assert not runs(process)


def test_a_service_runs_with_the_python_that_is_asked_for(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    with Worker(Echo, python=python) as worker:
        assert worker.call("python") == str(python)
