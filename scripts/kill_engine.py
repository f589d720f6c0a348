"""End runs of packages at random moments, and check what is left of them: ``python -m scripts.kill_engine``.

Run by ``make kills``. Packages run in this process and in separate ones, on an embedded server. They are cancelled,
killed, cut from the server, or can no longer write. After each run, no process, lock, temporary folder or part of a
batch may be left, and a success must be complete. Needs Linux.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.databases import sql_server_database
from tests.support.engine_kills import HERE, SCENARIOS, WAYS, random_moment, try_once


def main(arguments: Sequence[str]) -> int:
    """Run the trials; returns 1 if one of them found a fault, else 0."""
    parser = argparse.ArgumentParser(prog="python -m scripts.kill_engine", description=__doc__)
    parser.add_argument("--times", type=int, default=500, help="how many runs are ended (default: 500)")
    parser.add_argument("--seed", default="kills", help="the seed of the random choices")
    parser.add_argument("--ways", nargs="+", choices=WAYS, help="how runs are ended (default: mostly cancelled)")
    given = parser.parse_args(arguments)
    chooser = random.Random(given.seed)  # noqa: S311 no secret
    ways = given.ways or ["cancel"] * 12 + [way for way in WAYS if way not in ("cancel", "nothing")]
    ends: Counter[tuple[str, str]] = Counter()
    faults = 0
    with SsisdbEmulator() as server, TemporaryDirectory(prefix="ssis-kills-") as root:
        database = sql_server_database(server)
        address = (server.host, server.port)

        def attempt(name: str, scenario: str, way: str, moment: float) -> float:
            folder = Path(root, name)
            folder.mkdir()
            outcome = try_once(scenario, way, moment, database, address, folder)
            ends[way, outcome.status] += 1
            if way == "nothing" and outcome.status != "success":
                raise AssertionError(f"{scenario} does not succeed: {outcome.status}")
            return outcome.seconds

        longest = {name: max(attempt(f"{name}-{turn}", name, "nothing", 0) for turn in (1, 2)) for name in SCENARIOS}
        for number in range(given.times):
            scenario, way = chooser.choice(list(SCENARIOS)), chooser.choice(ways)
            moment = random_moment(chooser, longest[scenario] * (1.0 if way in HERE else 0.6))
            try:
                attempt(str(number), scenario, way, moment)
            except (AssertionError, TimeoutError) as fault:
                faults += 1
                print(f"{number}: {scenario}, {way} after {moment:.3f} s: {fault}", flush=True)
    for (way, status), count in sorted(ends.items()):
        print(f"{way}: {count} {status}")
    print(f"{given.times} runs were ended, {faults} faults.")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
