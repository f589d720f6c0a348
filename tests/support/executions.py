"""Executions of the embedded SSISDB, through the client alone: start one, read statuses, wait for one."""

from __future__ import annotations

from contextlib import suppress

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.codes import OperationStatus
from airflow_provider_ssis.catalog.requests import ExecutionRequest
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.waiting import wait_until

LOAD = ExecutionRequest(folder="Sales", project="Mart", package="Load.dtsx")


def start(catalog: Catalog, request: ExecutionRequest = LOAD) -> int:
    """Create and start an execution, by default of Sales/Mart/Load.dtsx; returns its id."""
    execution_id = catalog.create_execution(request)
    catalog.start_execution(execution_id)
    return execution_id


def status_of(catalog: Catalog, execution_id: int) -> OperationStatus:
    """The status of one execution."""
    execution = catalog.execution(execution_id)
    assert execution is not None
    return execution.status


def statuses(catalog: Catalog) -> list[OperationStatus]:
    """The statuses of all executions, the oldest execution first."""
    return [each.status for each in sorted(catalog.executions(), key=lambda each: each.execution_id)]


def wait_for_status(catalog: Catalog, execution_id: int, status: OperationStatus) -> None:
    """Wait until an execution has a status."""
    wait_until(lambda: status_of(catalog, execution_id) is status, f"execution {execution_id} is {status.name}")


def wait_for_end(catalog: Catalog, execution_id: int) -> OperationStatus:
    """Wait until an execution has ended; returns its last status."""
    wait_until(lambda: status_of(catalog, execution_id).is_terminal, f"execution {execution_id} has ended")
    return status_of(catalog, execution_id)


def set_status(server: SsisdbEmulator, operation_id: int, status: OperationStatus) -> None:
    """Set the status of an operation; for a fault, which calls it in the server's thread."""
    catalog = server._server.ssisdb
    assert catalog is not None
    sql = "UPDATE internal.operations SET status = ? WHERE operation_id = ?"
    with suppress(StopIteration):
        catalog.background.write(lambda store: store.execute(sql, [int(status), operation_id])).send(None)
