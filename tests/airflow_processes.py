"""A whole Airflow for a test: API server, scheduler, DAG processor and triggerer as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.dag_runs import airflow_environment, migrated_home

SECONDS = 120
COMPONENTS = ("api-server", "dag-processor", "scheduler", "triggerer")


class AirflowProcesses:
    """Airflow's components.

    :param home: an AIRFLOW_HOME with a database; logs go there too.
    :param environment: of the processes.
    :param port: of the API server.
    """

    def __init__(self, home: Path, environment: dict[str, str], port: int) -> None:
        self._home = home
        self._environment = environment
        self._url = f"http://127.0.0.1:{port}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._token = ""

    def start(self, component: str) -> None:
        """Start a component."""
        with (self._home / f"{component}.log").open("ab") as log:
            self._processes[component] = subprocess.Popen(
                [sys.executable, "-m", "airflow", component],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, component: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a component and all its children."""
        process = self._processes.pop(component)
        os.killpg(process.pid, number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # Children that a scheduler leaves behind.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def stop(self) -> None:
        """End all components."""
        for component in list(self._processes):
            self.kill(component, signal.SIGTERM)

    def log_in(self) -> None:
        """Wait for the API server, and get a token from it."""
        wait_for(lambda: self._get_token(), "the API server answers")

    def _get_token(self) -> bool:
        try:
            self._token = self.ask("GET", "/auth/token")["access_token"]
        except OSError:
            return False
        return True

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call Airflow's API."""
        request = urllib.request.Request(  # noqa: S310 the test's own server
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            text = response.read()
        return json.loads(text) if text else None

    def _knows(self, dag_id: str) -> bool:
        try:
            self.ask("GET", f"/api/v2/dags/{dag_id}")
        except urllib.error.HTTPError:
            return False
        return True

    def trigger(self, dag_id: str) -> str:
        """Start a run of a DAG; its id."""
        wait_for(lambda: self._knows(dag_id), f"the DAG {dag_id} is read")
        self.ask("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
        run = self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})
        return str(run["dag_run_id"])

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
        """Mark a DAG run as failed; Airflow deletes none that runs."""
        self.ask("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"})

    def delete_run(self, dag_id: str, run_id: str) -> None:
        """Delete a DAG run."""
        self.ask("DELETE", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def files(self) -> dict[str, bytes]:
        """Everything that Airflow has written, by path: its database, and the logs of components and tasks."""
        return {
            str(path.relative_to(self._home)): path.read_bytes() for path in self._home.rglob("*") if path.is_file()
        }


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition; fail if it does not come true in time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS} s: {what}"
        time.sleep(0.2)


@contextmanager
def running_airflow(home: Path, dags: Path, connections: Mapping[str, str]) -> Iterator[AirflowProcesses]:
    """Have a whole Airflow while the block lasts.

    :param home: an empty folder.
    :param dags: the folder with the DAGs.
    :param connections: environment variables with the connections.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **airflow_environment(home, dags, ""),
        **connections,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the test alone, as long as HMAC-SHA512 wants it: 64 bytes",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    airflow = AirflowProcesses(migrated_home(home), environment, port)
    try:
        for component in COMPONENTS:
            airflow.start(component)
        airflow.log_in()
        yield airflow
    finally:
        airflow.stop()
