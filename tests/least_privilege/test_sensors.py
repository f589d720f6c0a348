"""The tests of the sensor once more, as a login that may only read what others have started."""

from __future__ import annotations

import pytest

from tests.sensors.test_execution import *  # noqa: F403

pytestmark = pytest.mark.slow


@pytest.fixture
def roles() -> list[str]:
    """What waiting for other logins' executions needs."""
    return ["ssis_logreader"]
