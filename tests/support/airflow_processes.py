"""A whole Airflow for a test: API server, scheduler, DAG processor and triggerer, each as a process."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.fernet import Fernet

from tests.support.dag_runs import airflow_environment, migrated_home
from tests.support.places import ROOT
from tests.support.ports import free_port
from tests.support.waiting import wait_until

STOP_SECONDS = 5
COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")


class ComponentEnded(Exception):
    """A component of Airflow ended by itself."""


class AirflowProcesses:
    """Airflow's components.

    :param home: an AIRFLOW_HOME with a database; logs go there too.
    :param environment: the environment of the processes.
    :param port: the port of the API server.
    """

    def __init__(self, home: Path, environment: dict[str, str], port: int) -> None:
        self._home = home
        self._environment = environment
        self.url = f"http://127.0.0.1:{port}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._token = ""

    def start(self, component: str) -> None:
        """Start a component."""
        with self.log_of(component).open("ab") as log:
            self._processes[component] = subprocess.Popen(
                [sys.executable, "-m", "airflow", *component.split()],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log_of(self, component: str) -> Path:
        """The file with everything that a component has printed."""
        return self._home / f"{component.replace(' ', '-')}.log"

    def stop(self) -> None:
        """End all components and all their children."""
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            # A component that does not end in time, and children that a scheduler leaves.
            _signal(process, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    def check(self) -> None:
        """Make sure that all components that were started are still running.

        :raises ComponentEnded: a component has ended; the end of its log is in the text.
        """
        for component, process in self._processes.items():
            if process.poll() is not None:
                log = self.log_of(component).read_text(errors="replace")
                raise ComponentEnded(f"airflow {component} ended with exit code {process.returncode}:\n{log[-2000:]}")

    def log_in(self) -> None:
        """Wait for the API server, and get a token from it."""
        wait_until(self._get_token, "the API server answers")

    def _get_token(self) -> bool:
        self.check()
        try:
            self._token = self.ask("GET", "/auth/token")["access_token"]
        except OSError:
            return False
        return True

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call Airflow's API."""
        request = urllib.request.Request(  # noqa: S310 the test's own server
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            text = response.read()
        return json.loads(text) if text else None

    def knows(self, dag_id: str) -> bool:
        """Whether a DAG has been read."""
        try:
            self.ask("GET", f"/api/v2/dags/{dag_id}")
        except urllib.error.HTTPError:
            return False
        return True

    def trigger(self, dag_id: str) -> str:
        """Start a run of a DAG; returns its id."""
        wait_until(lambda: self.knows(dag_id), f"the DAG {dag_id} is read")
        self.ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
        run = self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})
        return str(run["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """The state of a DAG run."""
        return str(self.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """All task instances of a DAG run, up to 100."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100"
        return list(self.ask("GET", path)["task_instances"])

    def task(self, dag_id: str, run_id: str, task_id: str = "load") -> Any:
        """A task instance."""
        return self.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")

    def mark(self, dag_id: str, run_id: str, state: str, task_id: str = "load") -> None:
        """Mark a task instance as a person does in the UI."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        self.ask("PATCH", path, {"new_state": state})

    def clear(self, dag_id: str, run_id: str, task_id: str = "load") -> None:
        """Clear a task instance as a person does in the UI."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], "only_failed": False}
        self.ask("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", body)

    def end_run(self, dag_id: str, run_id: str) -> None:
        """Mark a DAG run as failed; Airflow deletes no running DAG runs."""
        self.ask("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"})

    def delete_run(self, dag_id: str, run_id: str) -> None:
        """Delete a DAG run."""
        self.ask("DELETE", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def files(self) -> dict[str, bytes]:
        """Everything that Airflow has written, by path: its database, and the logs of components and tasks."""
        return {
            str(path.relative_to(self._home)): path.read_bytes() for path in self._home.rglob("*") if path.is_file()
        }


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a component and all its children, if there are any left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def number_triggers_through(home: Path) -> None:
    """Make SQLite never reuse the id of a deleted trigger, like the databases of production Airflows.

    Airflow assigns events by that id. A task that is cleared and defers again at once could get the event of its old
    trigger, and resume before the scheduler knows that it was deferred; then the scheduler fails it.

    :param home: an AIRFLOW_HOME with a database in which no task has deferred yet.
    """
    with closing(sqlite3.connect(home / "airflow.db")) as database, database:
        tables = "SELECT sql FROM sqlite_master WHERE tbl_name = 'trigger' ORDER BY type DESC"
        table, *indexes = [sql for (sql,) in database.execute(tables) if sql]
        numbered = table.replace("id INTEGER NOT NULL", "id INTEGER PRIMARY KEY AUTOINCREMENT", 1)
        numbered = re.sub(r",\s*CONSTRAINT \w+ PRIMARY KEY \(id\)", "", numbered)
        for statement in ("DROP TABLE trigger", numbered, *indexes):
            database.execute(statement)


@contextmanager
def running_airflow(
    home: Path,
    dags: Path,
    connections: Mapping[str, str],
    *,
    port: int = 0,
    settings: Mapping[str, str] = MappingProxyType({}),
    components: Sequence[str] = COMPONENTS,
    unique_trigger_ids: bool = True,
    report: Callable[[str], None] = lambda _: None,
) -> Iterator[AirflowProcesses]:
    """Run a whole Airflow while the block lasts.

    :param home: an empty folder.
    :param dags: the folder with the DAGs.
    :param connections: environment variables with the connections.
    :param port: the preferred port of the API server. Default: any free one.
    :param settings: environment variables with more of Airflow's configuration. They override those that are set here.
    :param components: the components to start, as ``airflow``'s commands. Default: all but a Celery worker.
    :param unique_trigger_ids: on SQLite, see :func:`number_triggers_through`. False for a database that Airflow made
        and nothing else changed.
    :param report: receives each step as a text.
    """
    port = free_port(port)
    environment = {
        **airflow_environment(home, dags, connections),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        # Otherwise components that start at the same time make a key each, or store passwords without one.
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        # Airflow 3.0 gives PyJWT no issuer otherwise, which its later versions refuse.
        "AIRFLOW__API_AUTH__JWT_ISSUER": "tests",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # The test button is disabled by default.
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__PARALLELISM": "4",
        # Another Airflow on this machine may use the default ports.
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    report("Preparing Airflow's database")
    airflow = AirflowProcesses(migrated_home(home, settings), environment, port)
    if unique_trigger_ids:
        number_triggers_through(home)
    try:
        report(f"Starting Airflow: {', '.join(components)}")
        for component in components:
            airflow.start(component)
        airflow.log_in()
        yield airflow
    finally:
        airflow.stop()
