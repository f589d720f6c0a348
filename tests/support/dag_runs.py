"""Run whole DAGs with real Airflow: a separate process and AIRFLOW_HOME, SQLite, connections from the environment."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

SECONDS = 240

DEFER_AT_ONCE = {"AIRFLOW__SSIS__DEFER_AFTER": "0", "AIRFLOW__SSIS__RESUME_AFTER": "0"}
"""So that tests of deferrals need no long package."""

_RUN = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("dag_under_test", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from airflow.providers.common.compat.sdk import AirflowTaskTimeout
try:
    run = module.dag.test(run_conf=json.loads(sys.argv[2]))
except AirflowTaskTimeout:
    # Airflow 2 raises it from dag.test after the task has its state, before the run has its own.
    from airflow.models import DagRun
    (run,) = DagRun.find(dag_id=module.dag.dag_id)
    run.dag = module.dag
    run.update_state()
tasks = run.get_task_instances()
from airflow.models.renderedtifields import RenderedTaskInstanceFields
print("RESULT" + json.dumps({
    "state": str(run.state),
    "tasks": [
        {
            "task": each.task_id,
            "map_index": each.map_index,
            "state": str(each.state),
            "tries": each.try_number,
            "returned": each.xcom_pull(task_ids=each.task_id, map_indexes=each.map_index),
            "execution_id": each.xcom_pull(task_ids=each.task_id, map_indexes=each.map_index, key="execution_id"),
            "rendered": RenderedTaskInstanceFields.get_templated_fields(each),
        }
        for each in tasks
    ],
}, default=str))
"""


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
    environment = {**airflow_environment(home, home / "dags", {}), **settings}
    _run([sys.executable, "-m", "airflow", "db", "migrate"], environment)
    return home


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
    environment = {**airflow_environment(home, path.parent, connections), **DEFER_AT_ONCE}
    output = _run([sys.executable, "-c", _RUN, str(path), json.dumps(conf or {})], environment)
    log, found, result = output.rpartition("RESULT")
    assert found, output
    # In dag.test Airflow 3.0 prints the messages between its processes, unmasked, at any log level.
    log = "\n".join(line for line in log.splitlines() if "[debug    ]" not in line)
    parsed = json.JSONDecoder().raw_decode(result)[0]
    return DagRunResult(parsed["state"], parsed["tasks"], log)


def _run(command: list[str], environment: dict[str, str]) -> str:
    result = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout
