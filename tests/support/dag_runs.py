"""Run whole DAGs with real Airflow: a separate process and AIRFLOW_HOME, SQLite, connections from the environment.

To import Airflow and to build its API takes several seconds, so one process (``dag_run_server``) does that for all runs
of an AIRFLOW_HOME and forks another one for each run. To make Airflow's tables takes as long, so homes get a copy.
"""

from __future__ import annotations

import functools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

SECONDS = 240

DEFER_AT_ONCE = {"AIRFLOW__SSIS__DEFER_AFTER": "0", "AIRFLOW__SSIS__RESUME_AFTER": "0"}
"""So that tests of deferrals need no long package."""


@dataclass(frozen=True)
class DagRunResult:
    """The result of a DAG run.

    :param tasks: state, number of tries, return value, XCom ``execution_id`` and rendered fields of each task instance.
    :param log: all output, with the tasks' logs.
    """

    state: str
    tasks: list[dict[str, Any]]
    log: str

    def task(self, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """One task instance."""
        (found,) = [each for each in self.tasks if (each["task"], each["map_index"]) == (task_id, map_index)]
        return found


def airflow_environment(home: Path, dags: Path, connections: Mapping[str, str]) -> dict[str, str]:
    """The environment of an Airflow that knows these DAGs and connections, and nothing else."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return {
        **inherited,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # Airflow 3.2 needs it in dag.test too.
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        **connections,
    }


def migrated_home(home: Path, settings: Mapping[str, str] = MappingProxyType({})) -> Path:
    """An AIRFLOW_HOME with a database.

    :param home: an empty folder.
    :param settings: environment variables with Airflow's configuration, such as another database. Default: SQLite.
    """
    if settings:
        _migrate({**airflow_environment(home, home / "dags", {}), **settings})
        return home
    shutil.copyfile(_migrated_database(), home / "airflow.db")
    return home


@functools.cache
def _migrated_database() -> Path:
    """The SQLite file of a new Airflow; one for all processes of this run of the tests."""
    folder = Path(os.environ["AIRFLOW_HOME"]) / "migrated"
    folder.mkdir(exist_ok=True)
    _migrate(airflow_environment(folder, folder / "dags", {}))
    return folder / "airflow.db"


def _migrate(environment: Mapping[str, str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert result.returncode == 0, result.stdout


def run_dag(
    home: Path,
    path: Path,
    connection: str,
    conf: dict[str, Any] | None = None,
    *,
    connections: Mapping[str, str] = MappingProxyType({}),
) -> DagRunResult:
    """Run the DAG ``dag`` of a file to its end.

    :param home: an AIRFLOW_HOME with a database.
    :param path: the DAG's file; its folder is the DAG folder.
    :param connection: the URI of the connection ``ssis_default``.
    :param conf: the run's configuration.
    :param connections: environment variables with further connections. Default: none.
    """
    connections = {"AIRFLOW_CONN_SSIS_DEFAULT": connection, **connections}
    server = _server(home, path.parent)
    output = server.run(path, conf or {}, connections)
    log, found, result = output.rpartition("RESULT")
    assert found, output
    # In dag.test Airflow 3.0 prints the messages between its processes, unmasked, at any log level.
    log = "\n".join(line for line in log.splitlines() if "[debug    ]" not in line)
    parsed = json.JSONDecoder().raw_decode(result)[0]
    return DagRunResult(parsed["state"], parsed["tasks"], log)


class _Server:
    """A process with Airflow that runs DAGs, one after the other. It ends when its input ends.

    :param environment: the environment of all runs, without connections.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.dag_run_server"],
            env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, path: Path, conf: dict[str, Any], connections: Mapping[str, str]) -> str:
        """Run the DAG of a file; returns all that Airflow printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile() as output:
            order = {"dag": str(path), "conf": conf, "environment": dict(connections), "output": output.name}
            self._process.stdin.write(f"{json.dumps(order)}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            text = Path(output.name).read_text(encoding="utf-8", errors="replace")
        assert answer.strip() == "0", f"The run ended with {answer!r}:\n{text}"
        return text

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(SECONDS)


_servers: dict[tuple[Path, Path], _Server] = {}


def _server(home: Path, dags: Path) -> _Server:
    """The process for an AIRFLOW_HOME and a DAG folder. There is one at a time: each takes some 200 MB."""
    key = (home, dags)
    if key not in _servers:
        for other in list(_servers):
            _servers.pop(other).close()
        _servers[key] = _Server({**airflow_environment(home, dags, {}), **DEFER_AT_ONCE})
    return _servers[key]
