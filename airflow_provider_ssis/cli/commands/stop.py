"""``airflow-ssis stop``: stop executions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.catalog.codes import OperationStatus, OperationType
from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.changes import reporting_changes
from airflow_provider_ssis.cli.following import Clock
from airflow_provider_ssis.cli.option_values import CatalogId, poll_interval_option
from airflow_provider_ssis.cli.output import Output, plain, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import Operation

_STOPPABLE = frozenset({OperationType.EXECUTION, OperationType.VALIDATE_PROJECT, OperationType.VALIDATE_PACKAGE})


@catalog_command("stop")
@click.argument("execution", type=CatalogId(), nargs=-1, required=True)
@click.option("--no-wait", is_flag=True, help="Return when the stop is requested.")
@poll_interval_option()
def command(
    catalog: Catalog, output: Output, execution: tuple[int, ...], no_wait: bool, poll_interval: float
) -> int | None:
    """Stop EXECUTIONs or validations, by their ids, and wait until they have ended.

    One that is already stopping or has ended is not an error. The catalog cannot stop one that is still pending: it is
    stopped as soon as it runs. Exit code 0: all have ended, or are stopping with --no-wait; 1: one could not be
    stopped, or is pending with --no-wait.
    """
    from airflow_provider_ssis.cli.names import require_operation

    numbers = list(dict.fromkeys(execution))
    # A wrong id is reported before anything is stopped.
    found = [require_operation(catalog, number) for number in numbers]
    requested: list[str] = []
    with reporting_changes({"": requested}, verb="Stop requested"):
        pending = [each for each in found if not _request_stop(catalog, each, requested, may_wait=not no_wait)]
        _stop_when_running(catalog, pending, requested, poll_interval)
    statuses = {
        number: require_operation(catalog, number).status if no_wait else _end(catalog, number, poll_interval)
        for number in numbers
    }
    if output.as_json:
        output.json([{"operation_id": number, "status": plain(status)} for number, status in statuses.items()])
    else:
        for number, status in statuses.items():
            click.echo(f"Operation {number}: {shown(status)}.")
    return None


def stop_one(catalog: Catalog, execution_id: int, *, poll_interval: float) -> OperationStatus:
    """Stop an execution, as soon as it runs if it is pending, and wait for its end.

    :return: its last status.
    """
    from airflow_provider_ssis.cli.names import require_operation

    operation = require_operation(catalog, execution_id)
    if not _request_stop(catalog, operation, []):
        _stop_when_running(catalog, [operation], [], poll_interval)
    return _end(catalog, execution_id, poll_interval)


def _request_stop(catalog: Catalog, operation: Operation, requested: list[str], *, may_wait: bool = True) -> bool:
    """Request the stop of an execution that runs, and nothing if it has ended or is stopping.

    :param operation: the execution or validation as it was just read.
    :param requested: gets the id if the stop is requested.
    :param may_wait: whether a pending execution is not an error. Default: True.
    :return: False if it is pending, or its process is not registered yet: then it must be requested again.
    :raises NotStoppable: it was never started, or is neither an execution nor a validation.
    """
    from airflow_provider_ssis.catalog.errors import AlreadyStopping, NotStoppable

    may_wait = may_wait and operation.operation_type in _STOPPABLE
    if operation.status is OperationStatus.PENDING and may_wait:
        return False
    if operation.status.is_terminal:
        return True
    try:
        catalog.stop_operation(operation.operation_id)
    except AlreadyStopping:
        return True
    except NotStoppable as error:
        if may_wait and error.status in (OperationStatus.PENDING, OperationStatus.RUNNING):
            return False
        if error.status is None or not error.status.is_terminal:
            raise
        return True
    requested.append(str(operation.operation_id))
    return True


def _stop_when_running(
    catalog: Catalog, pending: list[Operation], requested: list[str], poll_interval: float, clock: Clock = time
) -> None:
    """Request the stop of each pending execution as soon as it runs."""
    from airflow_provider_ssis.cli.names import require_operation

    for each in pending:
        click.echo(f"Operation {each.operation_id} is pending, and is stopped as soon as it runs.", err=True)
    while pending:
        latest = [require_operation(catalog, each.operation_id) for each in pending]
        if pending := [each for each in latest if not _request_stop(catalog, each, requested)]:
            clock.sleep(poll_interval)


def _end(catalog: Catalog, execution_id: int, poll_interval: float) -> OperationStatus:
    from airflow_provider_ssis.cli.following import follow_operation
    from airflow_provider_ssis.cli.names import require_operation

    return follow_operation(catalog, require_operation(catalog, execution_id), poll_interval=poll_interval)
