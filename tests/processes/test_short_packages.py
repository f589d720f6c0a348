"""Tasks that wait for short packages succeed at their first try, on whole Airflows. ``make race`` runs more of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest

from tests.processes.packages import TASKS
from tests.processes.race import Tally, airflow_with_short_packages, run_times
from tests.support.airflow_processes import AirflowProcesses
from tests.support.postgresql import postgresql_programs, running_postgresql
from tests.support.redis_server import running_redis

pytestmark = pytest.mark.processes


def run(airflow: AirflowProcesses, dag_id: str) -> Tally:
    tally = Tally()
    run_times(airflow, dag_id, 1, tally)
    return tally


def is_missing(program: str, package: str) -> NoReturn:
    """Skip the test, or fail it in CI, which has everything."""
    reason = f"there is no {program} on this machine (Debian: sudo apt-get install {package})"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def postgresql() -> Iterator[str]:
    programs = postgresql_programs()
    if programs is None:
        is_missing("PostgreSQL", "postgresql")
    with running_postgresql(programs) as database:
        yield database


@pytest.mark.skipif(find_spec("airflow.sdk") is None, reason="Airflow 2 has other components")
def test_on_sqlite(tmp_path: Path) -> None:
    with airflow_with_short_packages(tmp_path) as airflow:
        tally = run(airflow, "run_mixed")
        assert tally.states == {"success": TASKS}
        assert tally.tries == {1: TASKS}


def test_on_postgresql_with_sensors(tmp_path: Path) -> None:
    with postgresql() as database, airflow_with_short_packages(tmp_path, database=database) as airflow:
        assert run(airflow, "run_mixed").states == {"success": TASKS}
        for way in ("deferrable", "reschedule"):
            assert run(airflow, f"sense_{way}_mixed").states == {"success": 1 + TASKS}


def test_with_celery(tmp_path: Path) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        program = shutil.which("redis-server")
        if program is None:
            is_missing("Redis", "redis-server")
        airflow = airflow_with_short_packages(
            tmp_path,
            executor="CeleryExecutor",
            database=database,
            broker=stack.enter_context(running_redis(program)),
        )
        assert run(stack.enter_context(airflow), "run_mixed").states == {"success": TASKS}
