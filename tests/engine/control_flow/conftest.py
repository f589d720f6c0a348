"""What the tests of the control flow share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.engine_runs import EngineRuns


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EngineRuns:
    """Runs packages whose Script tasks are functions of the test."""
    return EngineRuns(monkeypatch, tmp_path)
