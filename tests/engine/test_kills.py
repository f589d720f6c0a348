"""Runs that are ended at random moments. ``make kills`` does it 500 times."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.databases import sql_server_database
from tests.support.engine_kills import HERE, SCENARIOS, WAYS, random_moment, try_once

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="the checks read /proc"),
]
_SCENARIOS = sorted(SCENARIOS)


@pytest.mark.parametrize("scenario", _SCENARIOS)
def test_nothing_is_left_of_a_cancelled_run(
    ssisdb_emulator_server: SsisdbEmulator, tmp_path: Path, scenario: str
) -> None:
    chooser = random.Random(scenario)
    server = ssisdb_emulator_server
    database = sql_server_database(server)
    # The library for bulk loads takes ten seconds to report a cut connection; `make kills` includes it.
    ways = ("nothing", "cancel", "cancel" if scenario.startswith("load") else "cut")
    for turn, way in enumerate(ways):
        folder = tmp_path / str(turn)
        folder.mkdir()
        outcome = try_once(scenario, way, random_moment(chooser, 0.3), database, (server.host, server.port), folder)
        assert outcome.status == "success" or way != "nothing"


@pytest.mark.parametrize(
    ("scenario", "way"), list(zip(("processes", "load", "loop"), sorted(set(WAYS) - set(HERE)), strict=True))
)
def test_nothing_is_left_of_a_process_that_is_ended(
    ssisdb_emulator_server: SsisdbEmulator, tmp_path: Path, scenario: str, way: str
) -> None:
    server = ssisdb_emulator_server
    moment = random_moment(random.Random(way), 0.2)
    try_once(scenario, way, moment, sql_server_database(server), (server.host, server.port), tmp_path)
