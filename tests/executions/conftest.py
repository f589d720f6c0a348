"""Time for the tests of waiting and stopping."""

from __future__ import annotations

import pytest

from tests.support.scripted_catalog import Clock


@pytest.fixture
def clock() -> Clock:
    """Time that only passes while a test sleeps on it."""
    return Clock()
