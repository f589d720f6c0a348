"""Many clients that deploy, configure, run, stop and read under injected deadlocks and lock timeouts."""

from __future__ import annotations

import pytest

from tests.support.concurrent_clients import work_together
from tests.support.emulator_process import EmulatorProcess

pytestmark = pytest.mark.processes


def test_twenty_clients_lose_nothing_and_write_nothing_twice_under_deadlocks_and_lock_timeouts() -> None:
    with EmulatorProcess() as server:
        outcome = work_together(server, clients=20, operations=400, seed="twenty")
    assert outcome.operations >= 400
    assert outcome.repetitions > 30
    assert outcome.executions > 50
