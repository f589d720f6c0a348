"""Many short deferrable tasks at once on a whole Airflow: how many fail?

Run by ``make race``. It starts Airflow's components as processes with each executor and database that this machine
has, runs the DAGs of ``tests/processes`` several times each, and prints a table.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.processes.packages import MIXES
from tests.processes.race import Tally, airflow_with_short_packages, run_times
from tests.support.postgresql import postgresql_programs, running_postgresql
from tests.support.redis_server import running_redis

PLACES = {
    "sqlite": ("LocalExecutor", False, False),
    "postgresql": ("LocalExecutor", True, False),
    "celery": ("CeleryExecutor", True, True),
}
"""Executor, whether with PostgreSQL, whether with Redis."""

KINDS = ("run", "sense_deferrable", "sense_reschedule")


def main() -> int:
    """Run the race.

    :returns: 0 when no task failed, 1 otherwise.
    """
    parser = argparse.ArgumentParser(prog="race", description=__doc__)
    parser.add_argument("--place", action="append", choices=PLACES, help="executor and database; default: all")
    parser.add_argument("--kind", action="append", choices=KINDS, help="which tasks wait; default: run")
    parser.add_argument("--mix", action="append", choices=MIXES, help="the packages' durations; default: mixed")
    parser.add_argument("--times", type=int, default=20, help="DAG runs of each combination, 20 tasks each")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="Airflow's configuration")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to keep Airflow's logs and database")
    given = parser.parse_args()
    settings = dict(each.split("=", 1) for each in given.set)
    failures = 0
    for place in given.place or PLACES:
        with _home(place, given.keep) as home:
            failures += _race(place, home, given.kind or ["run"], given.mix or ["mixed"], given.times, settings)
    return int(failures > 0)


@contextmanager
def _home(place: str, keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="ssis-race-") as temporary:
            yield Path(temporary)
    else:
        folder = keep / place
        folder.mkdir(parents=True)
        yield folder.resolve()


def _race(place: str, home: Path, kinds: list[str], mixes: list[str], times: int, settings: dict[str, str]) -> int:
    executor, with_postgresql, with_redis = PLACES[place]
    failures = 0
    with ExitStack() as stack:
        database = broker = None
        if with_postgresql:
            programs = postgresql_programs()
            if programs is None:
                print(f"{place}: PostgreSQL is not installed (Debian: sudo apt-get install postgresql)")
                return 1
            database = stack.enter_context(running_postgresql(programs))
        if with_redis:
            program = shutil.which("redis-server")
            if program is None:
                print(f"{place}: Redis is not installed (Debian: sudo apt-get install redis-server)")
                return 1
            broker = stack.enter_context(running_redis(program))
        airflow = stack.enter_context(
            airflow_with_short_packages(home, executor=executor, database=database, broker=broker, settings=settings)
        )
        for kind in kinds:
            for mix in mixes:
                tally = Tally()
                for _ in range(times):
                    run_times(airflow, f"{kind}_{mix}", 1, tally)
                    print(f"{time.strftime('%H:%M:%S')} {place:10} {kind:16} {mix:6} {tally}", flush=True)
                failures += tally.failures
    return failures


if __name__ == "__main__":
    sys.exit(main())
