"""Time for the tests of waiting and stopping."""

from __future__ import annotations

import pytest

from tests.support.scripted_catalog import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time stands still but for sleeping."""
    clock = Clock()
    for module in ("waiting", "watching", "stopping", "submission"):
        monkeypatch.setattr(f"airflow_provider_ssis.executions.{module}.time", clock)
    return clock
