"""Twenty tasks at once that wait for short packages, on a whole Airflow: does each succeed at its first try?

Airflow fails a task that comes back from the triggerer, or that is rescheduled, before the scheduler knows that the
worker process of the time before has ended. ``make race`` prints the numbers of many DAG runs.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyodbc

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.processes.packages import FOLDER, PACKAGES, PROJECT
from tests.support.airflow_processes import COMPONENTS, AirflowProcesses, running_airflow
from tests.support.ssis_projects import make_ispac, package, task
from tests.support.waiting import wait_until

DAGS = Path(__file__).parent / "dags"
PARALLELISM = 12
MAX_SECONDS = 900


@dataclass
class Tally:
    """What became of the task instances of some DAG runs.

    :param states: number of task instances by their state.
    :param tries: number of task instances by the number of their tries.
    :param seconds: how long each DAG run took.
    :param task_seconds: how long each task took from its start to its end, by its operator's task id.
    """

    states: Counter[str] = field(default_factory=Counter)
    tries: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    task_seconds: list[float] = field(default_factory=list)

    @property
    def failures(self) -> int:
        """Task instances that did not succeed."""
        return self.states.total() - self.states["success"]

    def __str__(self) -> str:
        median, longest = (f(self.task_seconds or [0]) for f in (statistics.median, max))
        return (
            f"{len(self.seconds)} DAG runs, {self.states.total()} tasks, {self.failures} failed; a task took "
            f"{median:.1f} s (median) to {longest:.1f} s; {sum(self.seconds):.0f} s in all; {dict(self.states)}"
        )


@contextmanager
def airflow_with_short_packages(
    home: Path,
    *,
    executor: str = "LocalExecutor",
    database: str | None = None,
    broker: str | None = None,
    settings: dict[str, str] | None = None,
) -> Iterator[AirflowProcesses]:
    """Have an Airflow with the DAGs of this test, and an embedded SSISDB with their project, while the block lasts.

    :param home: an empty folder.
    :param executor: Airflow's executor: ``LocalExecutor`` or ``CeleryExecutor``.
    :param database: ``user@host:port/database`` of a PostgreSQL server. Default: SQLite.
    :param broker: URL of a Redis server, for Celery.
    :param settings: environment variables with more of Airflow's configuration.
    """
    with ExitStack() as stack:
        ssisdb = stack.enter_context(SsisdbEmulator())
        _deploy(ssisdb)
        configuration = {
            "AIRFLOW__CORE__EXECUTOR": executor,
            "AIRFLOW__CORE__PARALLELISM": str(PARALLELISM),
            # Airflow's default. It decides how long a worker process may linger after its task has deferred.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "5",
            "AIRFLOW__API__WORKERS": "1",
        }
        components: tuple[str, ...] = COMPONENTS
        if database is not None:
            configuration |= {
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{database}",
            }
        if broker is not None:
            configuration |= {
                "AIRFLOW__CELERY__BROKER_URL": broker,
                "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{database}" if database else broker,
                "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(PARALLELISM),
            }
            components = (*COMPONENTS, "celery worker")
        yield stack.enter_context(
            running_airflow(
                home,
                DAGS,
                {"AIRFLOW_CONN_SSIS_DEFAULT": ssisdb.airflow_uri},
                settings={**configuration, **(settings or {})},
                components=components,
                unique_trigger_ids=False,
            )
        )


def run_times(airflow: AirflowProcesses, dag_id: str, times: int, tally: Tally) -> None:
    """Run a DAG several times, one run after the other, and add what became of its tasks.

    :param airflow: see :func:`airflow_with_short_packages`.
    :param dag_id: ``run_<mix>``, ``sense_deferrable_<mix>`` or ``sense_reschedule_<mix>``, with a mix of
        :mod:`tests.processes.packages`. One more task of ``sense_`` starts all packages.
    :param times: number of DAG runs.
    :param tally: what to add to, after each run.
    :raises TimeoutError: a DAG run does not end.
    """
    for _ in range(times):
        began = time.monotonic()
        run_id = airflow.trigger(dag_id)

        def has_ended(run_id: str = run_id) -> bool:
            airflow.check()
            return airflow.run_state(dag_id, run_id) in ("success", "failed")

        wait_until(has_ended, f"the DAG run {run_id} of {dag_id} ends", seconds=MAX_SECONDS, longest_pause=1)
        tally.seconds.append(time.monotonic() - began)
        for instance in airflow.tasks(dag_id, run_id):
            tally.states[instance["state"]] += 1
            tally.tries[instance["try_number"]] += 1
            if instance["start_date"] and instance["end_date"]:
                start, end = (datetime.fromisoformat(instance[name]) for name in ("start_date", "end_date"))
                tally.task_seconds.append((end - start).total_seconds())


def _deploy(ssisdb: SsisdbEmulator) -> None:
    project = make_ispac(PROJECT, packages=[package(each.file, task("Work")) for each in PACKAGES])
    with Catalog(pyodbc.connect(ssisdb.odbc_connection_string, autocommit=True)) as catalog:
        catalog.create_folder(FOLDER)
        catalog.deploy_project(FOLDER, PROJECT, project)
    for each in PACKAGES:
        ssisdb.scripts.take(each.seconds, package=each.file)
