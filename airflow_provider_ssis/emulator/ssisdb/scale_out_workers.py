"""The simulated workers of Scale Out: how they register, and which executions they get."""

from __future__ import annotations

import uuid
from datetime import datetime

from airflow_provider_ssis.emulator.runs.request import ScaleOut
from airflow_provider_ssis.emulator.runs.workers import Worker, WorkerPool
from airflow_provider_ssis.emulator.ssisdb.rows import insert
from airflow_provider_ssis.emulator.tsql.execution.databases.engine import Engine
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store


def register_worker(store: Store, machine_name: str, *, enabled: bool, now: datetime) -> uuid.UUID:
    """Write the row of a worker on a machine; a machine has one. Returns its id.

    :param enabled: whether it may run packages; otherwise ``catalog.enable_worker_agent`` lets it.
    """
    known = store.fetch(
        "SELECT worker_agent_id FROM internal.worker_agents WHERE lower(machine_name) = lower(?)", [machine_name]
    )
    if known:
        found: uuid.UUID = known[0][0]
        store.execute(
            "UPDATE internal.worker_agents SET is_enabled = ?, last_online_time = ? WHERE worker_agent_id = ?",
            [enabled, now, found],
        )
        return found
    worker_id = uuid.uuid4()
    insert(
        store,
        "worker_agents",
        {
            "worker_agent_id": worker_id,
            "display_name": machine_name,
            "description": "",
            "machine_name": machine_name,
            "tags": "",
            "user_account": "NT SERVICE\\SSISScaleOutWorker160",
            "last_online_time": now,
            "is_enabled": enabled,
        },
    )
    return worker_id


def refresh(pool: WorkerPool, engine: Engine) -> None:
    """Give the pool the workers that are enabled."""
    rows = engine.read(
        "SELECT worker_agent_id, machine_name FROM internal.worker_agents WHERE is_enabled ORDER BY machine_name"
    )
    pool.set(Worker(worker_id, machine) for worker_id, machine in rows)


def begin_job(store: Store, execution_id: int, retries: int, now: datetime) -> ScaleOut | None:
    """Write the task of an execution that starts; None for an execution that the server itself runs.

    Without Scale Out, the server runs the jobs itself, as the nodes of Azure-SSIS do.
    """
    row = store.fetch(
        "SELECT e.job_id, j.is_open_to_any_worker, p.property_value FROM internal.executions e"
        " JOIN internal.jobs j ON j.job_id = e.job_id"
        " JOIN internal.catalog_properties p ON p.property_name = 'IS_SCALEOUT_ENABLED' WHERE e.execution_id = ?",
        [execution_id],
    )
    if not row or row[0][2] != "TRUE":
        return None
    job_id, is_open, _ = row[0]
    insert(
        store,
        "tasks",
        {
            "task_id": uuid.uuid4(),
            "job_id": job_id,
            "task_type": 0,
            "task_priority": 0,
            "status": 1,
            "created_time": now,
            "last_updated_time": now,
            "executed_count": 0,
            "max_executed_count": retries + 1,
        },
    )
    if is_open:
        return ScaleOut(None, retries)
    chosen = store.fetch("SELECT worker_agent_id FROM internal.job_worker_agents WHERE job_id = ?", [job_id])
    return ScaleOut({worker_id for (worker_id,) in chosen}, retries)
