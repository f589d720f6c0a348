"""Scale Out: workers that run packages for the server."""

from __future__ import annotations

import uuid
from typing import Final

from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.emulator.ssisdb.calls import CatalogCall
from airflow_provider_ssis.emulator.ssisdb.declare import catalog_procedure
from airflow_provider_ssis.emulator.ssisdb.principals import ADMIN_ROLE, CLUSTER_EXECUTOR_ROLE
from airflow_provider_ssis.emulator.ssisdb.rows import insert
from airflow_provider_ssis.emulator.tsql.execution.databases.store import Store
from airflow_provider_ssis.emulator.tsql.values.errors import SqlError

IS_ENABLED: Final = "IS_SCALEOUT_ENABLED"
_DEFAULT_MODE: Final = "DEFAULT_EXECUTION_MODE"
_LOG_SERVER: Final = "CLUSTER_LOGDB_SERVER"
_LOG_CONNECTION: Final = "CLUSTER_LOGDB_CONNECTIONSTRING"
_MASTER_ADDRESS: Final = "MASTER_ADDRESS"
_ALL_WORKERS: Final = uuid.UUID("11111111-1111-1111-1111-111111111111")
"""The id of all workers in the tables of a real server: it is the id of no worker."""
_CHANGEABLE: Final = {
    "DISPLAYNAME": "display_name",
    "DESCRIPTION": "description",
    "TAGS": "tags",
}
"""The column of each property that ``set_worker_agent_property`` changes."""


# --- executions


def is_asked_for(call: CatalogCall) -> bool:
    """Whether ``create_execution`` is to make a job of Scale Out. It does not ask whether Scale Out is installed.

    :raises SqlError: 27219, the caller may not use Scale Out.
    """
    asked = call["runinscaleout"]
    if asked is None:
        asked = call.catalog_property(IS_ENABLED) == "TRUE" and call.catalog_property(_DEFAULT_MODE) == "1"
    if asked and not (call.is_admin or call.principal.has_database_role(CLUSTER_EXECUTOR_ROLE)):
        raise call.fail(27219)
    return bool(asked)


def add_job(call: CatalogCall, store: Store, execution_id: int) -> uuid.UUID:
    """Write the job of an execution."""
    job_id = uuid.uuid4()
    if call.catalog_property(IS_ENABLED) == "TRUE":
        # The machine is known when a worker takes the task.
        store.execute("UPDATE internal.operations SET machine_name = '' WHERE operation_id = ?", [execution_id])
    insert(
        store,
        "jobs",
        {
            "job_id": job_id,
            "job_type": 0,
            "status": int(OperationStatus.CREATED),
            "created_time": call.now,
            "job_priority": 0,
            "operation_id": execution_id,
            "is_open_to_any_worker": call["useanyworker"] is not False,
        },
    )
    return job_id


@catalog_procedure("add_execution_worker", "@execution_id bigint, @workeragent_id uniqueidentifier")
async def add_execution_worker(call: CatalogCall) -> None:
    """27103 may not change the execution, 27138 it is NULL, 27101, 27103 no such execution, 27255 it has no job.

    Then the worker: 27100 NULL, 27101 the id of all workers, 27251 the job is open to any, 27243 no such worker. Like
    a real server, it takes a worker that is disabled, and workers for an execution that was started already. All
    logins may call it: ``create_execution`` asks for the role.
    """
    execution_id: int | None = call["execution_id"]
    worker_id: uuid.UUID | None = call["workeragent_id"]
    async with call.transaction() as store:
        if not (call.is_admin or (execution_id is not None and call.may_change(execution_id))):
            raise call.refuse(27103, execution_id)
        if execution_id is None:
            raise call.refuse(27138)
        if execution_id <= 0:
            raise call.refuse(27101, "execution_id")
        row = call.first(
            "SELECT e.job_id, j.is_open_to_any_worker FROM internal.executions e"
            " LEFT JOIN internal.jobs j ON j.job_id = e.job_id WHERE e.execution_id = ?",
            execution_id,
        )
        if row is None:
            raise call.refuse(27103, execution_id)
        job_id, is_open = row
        if job_id is None:
            raise call.refuse(27255)
        if worker_id is None:
            raise call.refuse(27100, "@WorkerAgentId")
        if worker_id == _ALL_WORKERS:
            raise call.refuse(27101, worker_id)
        if is_open:
            raise call.refuse(27251, job_id)
        if call.first("SELECT 1 FROM internal.worker_agents WHERE worker_agent_id = ?", worker_id) is None:
            raise call.fail(27243, worker_id)
        if call.first(
            "SELECT 1 FROM internal.job_worker_agents WHERE job_id = ? AND worker_agent_id = ?", job_id, worker_id
        ):
            raise SqlError(
                2627,
                f"The execution {execution_id} has the worker {worker_id} already: the primary key of"
                " internal.job_worker_agents allows it once.",
                severity=14,
            )
        insert(store, "job_worker_agents", {"job_id": job_id, "worker_agent_id": worker_id})
        store.after_commit(lambda: call.ssisdb.runtime.allow_worker(execution_id, worker_id))


# --- the server


@catalog_procedure("enable_scaleout", "", granted_to=ADMIN_ROLE, windows_only=False)
async def enable_scaleout(call: CatalogCall) -> None:
    """27260 not a member of sysadmin."""
    if not call.principal.is_sysadmin:
        raise call.refuse(27260)
    async with call.transaction() as store:
        store.execute(
            "UPDATE internal.catalog_properties SET property_value = 'TRUE' WHERE property_name = ?", [IS_ENABLED]
        )


@catalog_procedure(
    "update_logdb_info",
    "@server_name nvarchar(max), @connection_string nvarchar(max)",
    granted_to=ADMIN_ROLE,
    windows_only=False,
)
async def update_logdb_info(call: CatalogCall) -> None:
    """The database to which workers write their logs."""
    async with call.transaction() as store:
        _set_master_property(store, _LOG_SERVER, call["server_name"])
        _set_master_property(store, _LOG_CONNECTION, call["connection_string"])


@catalog_procedure("update_master_address", "@MasterAddress nvarchar(256)", granted_to=ADMIN_ROLE, windows_only=False)
async def update_master_address(call: CatalogCall) -> None:
    """The address at which workers find the Scale Out Master."""
    async with call.transaction() as store:
        _set_master_property(store, _MASTER_ADDRESS, call["masteraddress"])


def _set_master_property(store: Store, name: str, value: str | None) -> None:
    store.execute("DELETE FROM internal.master_properties WHERE property_name = ?", [name])
    insert(store, "master_properties", {"property_name": name, "property_value": value or ""})


# --- workers


@catalog_procedure("enable_worker_agent", "@WorkerAgentId uniqueidentifier", granted_to=ADMIN_ROLE, windows_only=False)
async def enable_worker_agent(call: CatalogCall) -> None:
    """27100 NULL, 27243 no such worker."""
    await _set_enabled(call, enabled=True)


@catalog_procedure("disable_worker_agent", "@WorkerAgentId uniqueidentifier", granted_to=ADMIN_ROLE, windows_only=False)
async def disable_worker_agent(call: CatalogCall) -> None:
    """27100 NULL, 27243 no such worker. Executions that the worker already runs continue."""
    await _set_enabled(call, enabled=False)


async def _set_enabled(call: CatalogCall, *, enabled: bool) -> None:
    async with call.transaction() as store:
        worker_id = _worker(call)
        store.execute(
            "UPDATE internal.worker_agents SET is_enabled = ? WHERE worker_agent_id = ?", [enabled, worker_id]
        )
        store.after_commit(call.ssisdb.refresh_workers)


@catalog_procedure("delete_worker_agent", "@WorkerAgentId uniqueidentifier", granted_to=ADMIN_ROLE, windows_only=False)
async def delete_worker_agent(call: CatalogCall) -> None:
    """27100 NULL, 27243 no such worker. Executions that it ran keep its id."""
    async with call.transaction() as store:
        worker_id = _worker(call)
        for table in ("worker_agents", "job_worker_agents", "machine_properties"):
            store.execute(f"DELETE FROM internal.{table} WHERE worker_agent_id = ?", [worker_id])
        store.after_commit(call.ssisdb.refresh_workers)


@catalog_procedure(
    "set_worker_agent_property",
    "@WorkerAgentId uniqueidentifier, @PropertyName nvarchar(256), @PropertyValue nvarchar(max)",
    granted_to=ADMIN_ROLE,
    windows_only=False,
)
async def set_worker_agent_property(call: CatalogCall) -> None:
    """27100 NULL, 27101 the property cannot be changed, 27243 no such worker."""
    for key, name in {"propertyname": "PropertyName", "propertyvalue": "PropertyValue"}.items():
        if call["workeragentid"] is not None and call[key] is None:
            raise call.refuse(27100, name)
    name = str(call["propertyname"]).upper()
    if call["workeragentid"] is not None and name not in _CHANGEABLE:
        raise call.refuse(27101, "PropertyName")
    async with call.transaction() as store:
        worker_id = _worker(call)
        store.execute(
            f"UPDATE internal.worker_agents SET {_CHANGEABLE[name]} = ? WHERE worker_agent_id = ?",
            [call["propertyvalue"], worker_id],
        )


def _worker(call: CatalogCall) -> uuid.UUID:
    worker_id: uuid.UUID | None = call["workeragentid"]
    if worker_id is None:
        raise call.refuse(27100, "WorkerAgentId")
    if call.first("SELECT 1 FROM internal.worker_agents WHERE worker_agent_id = ?", worker_id) is None:
        raise call.fail(27243, worker_id)
    return worker_id
