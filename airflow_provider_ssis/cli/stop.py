"""``airflow-ssis stop``: stop executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.changes import reporting_changes
from airflow_provider_ssis.cli.option_values import CatalogId, poll_interval_option
from airflow_provider_ssis.cli.output import Output, plain, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import OperationStatus


@catalog_command("stop")
@click.argument("execution", type=CatalogId(), nargs=-1, required=True)
@click.option("--no-wait", is_flag=True, help="Return when the stop is requested.")
@poll_interval_option()
def command(
    catalog: Catalog, output: Output, execution: tuple[int, ...], no_wait: bool, poll_interval: float
) -> int | None:
    """Stop EXECUTIONs or validations, by their ids, and wait until they have ended.

    One that is already stopping or has ended is not an error. Exit code 0: all have ended, or are stopping with
    --no-wait; 1: one could not be stopped.
    """
    from airflow_provider_ssis.cli.names import require_operation

    statuses: dict[int, OperationStatus] = {}
    requested: list[str] = []
    with reporting_changes({"": requested}, verb="Stop requested"):
        for execution_id in execution:
            request_stop(catalog, execution_id)
            requested.append(str(execution_id))
    for execution_id in execution:
        statuses[execution_id] = (
            require_operation(catalog, execution_id).status if no_wait else _end(catalog, execution_id, poll_interval)
        )
    if output.as_json:
        output.json([{"operation_id": number, "status": plain(status)} for number, status in statuses.items()])
    else:
        for number, status in statuses.items():
            click.echo(f"Operation {number}: {shown(status)}.")
    return None


def stop_one(catalog: Catalog, execution_id: int, *, poll_interval: float) -> OperationStatus:
    """Stop an execution and wait for its end.

    :return: its last status.
    """
    request_stop(catalog, execution_id)
    return _end(catalog, execution_id, poll_interval)


def request_stop(catalog: Catalog, execution_id: int) -> None:
    """Request the stop of an execution that runs, and nothing if it has ended or is stopping.

    :raises NotStoppable: it was never started.
    """
    from airflow_provider_ssis.catalog.errors import AlreadyStopping, NotStoppable
    from airflow_provider_ssis.cli.names import require_operation

    if require_operation(catalog, execution_id).status.is_terminal:
        return
    try:
        catalog.stop_operation(execution_id)
    except AlreadyStopping:
        return
    except NotStoppable as error:
        if error.status is None or not error.status.is_terminal:
            raise


def _end(catalog: Catalog, execution_id: int, poll_interval: float) -> OperationStatus:
    from airflow_provider_ssis.cli.following import follow_operation
    from airflow_provider_ssis.cli.names import require_operation

    return follow_operation(catalog, require_operation(catalog, execution_id), poll_interval=poll_interval)
