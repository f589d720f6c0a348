"""Twenty mapped tasks at once that wait for short packages, without retries."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_ssis.operators.run import SsisRunPackageOperator
from airflow_provider_ssis.sensors.execution import SsisExecutionSensor
from tests.processes.packages import FOLDER, MIXES, PROJECT, TASKS

RUN: dict[str, Any] = {"folder": FOLDER, "project": PROJECT, "retries": 0}
SENSORS: dict[str, dict[str, Any]] = {"deferrable": {"deferrable": True}, "reschedule": {"mode": "reschedule"}}


@task(retries=0)
def start(packages: list[str]) -> list[int]:
    """Start packages without waiting; returns the ids of their executions."""
    from airflow_provider_ssis.catalog.requests import ExecutionRequest
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

    with SsisCatalogHook().open_catalog() as catalog:
        requests = [ExecutionRequest(folder=FOLDER, project=PROJECT, package=package) for package in packages]
        execution_ids = [catalog.create_execution(request) for request in requests]
        for execution_id in execution_ids:
            catalog.start_execution(execution_id)
    return execution_ids


for mix, packages in MIXES.items():
    of_tasks = [packages[number % len(packages)].file for number in range(TASKS)]

    with DAG(dag_id=f"run_{mix}", schedule=None, catchup=False, max_active_tasks=TASKS):
        SsisRunPackageOperator.partial(task_id="run", deferrable=True, poll_interval=1, **RUN).expand(package=of_tasks)

    for way, arguments in SENSORS.items():
        with DAG(dag_id=f"sense_{way}_{mix}", schedule=None, catchup=False, max_active_tasks=TASKS):
            SsisExecutionSensor.partial(task_id="wait", poke_interval=1, timeout=600, retries=0, **arguments).expand(
                execution_id=start(of_tasks)
            )
