"""Starting executions by the client alone."""

from __future__ import annotations

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.catalog.requests import ExecutionRequest

LOAD = ExecutionRequest(folder="Sales", project="Mart", package="Load.dtsx")


def start(catalog: Catalog, request: ExecutionRequest = LOAD) -> int:
    """The id of an execution that was created and started; Sales/Mart/Load.dtsx unless told otherwise."""
    execution_id = catalog.create_execution(request)
    catalog.start_execution(execution_id)
    return execution_id
