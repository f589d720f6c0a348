"""Twenty mapped tasks at once that wait for short packages, without retries."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task_group

from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor
from tests.processes.packages import FOLDER, MIXES, PROJECT, TASKS

RUN: dict[str, Any] = {"folder": FOLDER, "project": PROJECT, "retries": 0}
SENSORS: dict[str, dict[str, Any]] = {"deferrable": {"deferrable": True}, "reschedule": {"mode": "reschedule"}}


@task_group
def start_and_wait(package: str, sensor: dict[str, Any]) -> None:
    """Start a package and wait for it in another task."""
    run = SsisRunPackageOperator(task_id="run", package=package, wait_for_termination=False, **RUN)
    SsisExecutionSensor(task_id="wait", execution_id=run.output, poke_interval=1, timeout=600, retries=0, **sensor)


for mix, packages in MIXES.items():
    of_tasks = [packages[number % len(packages)].file for number in range(TASKS)]

    with DAG(dag_id=f"run_{mix}", schedule=None, catchup=False, max_active_tasks=TASKS):
        SsisRunPackageOperator.partial(task_id="run", deferrable=True, poll_interval=1, **RUN).expand(package=of_tasks)

    for way, arguments in SENSORS.items():
        with DAG(dag_id=f"sense_{way}_{mix}", schedule=None, catchup=False, max_active_tasks=TASKS):
            start_and_wait.partial(sensor=arguments).expand(package=of_tasks)
