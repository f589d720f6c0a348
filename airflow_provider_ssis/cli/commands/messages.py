"""``airflow-ssis messages``: the messages of an execution or another operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.option_values import CatalogId, poll_interval_option
from airflow_provider_ssis.cli.output import Output

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog

LEVELS = ("error", "warning", "information", "all")


@catalog_command("messages")
@click.argument("operation", type=CatalogId())
@click.option("--follow", is_flag=True, help="Print new messages until the operation ends.")
@click.option("--level", type=click.Choice(LEVELS), default="all", help="The least important messages to print.")
@click.option("--after", type=CatalogId(0), default=0, metavar="ID", help="Only messages with a higher id.")
@poll_interval_option()
def command(
    catalog: Catalog, output: Output, operation: int, follow: bool, level: str, after: int, poll_interval: float
) -> int | None:
    """Print the messages of an execution, a deployment, a validation or another OPERATION, by its id.

    With --json, each message is an object on its own line. Exit code 0: the messages are printed. With --follow: 0 if
    the operation succeeded, 1 if it failed, 3 if it was canceled.
    """
    from airflow_provider_ssis.catalog.codes import OperationStatus
    from airflow_provider_ssis.cli.following import follow_operation
    from airflow_provider_ssis.cli.message_lines import MessagePrinter
    from airflow_provider_ssis.cli.names import require_operation

    found = require_operation(catalog, operation)
    if follow and found.status is OperationStatus.CREATED:
        click.echo(f"Execution {operation} was created and has not been started yet.", err=True)
    printer = MessagePrinter(catalog, operation, output, level=level, after=after)
    if not follow:
        printer.print_rest()
        return None
    from airflow_provider_ssis.cli.exit_codes import exit_code_of_status

    status = follow_operation(catalog, found, poll_interval=poll_interval, each_poll=printer.print_new)
    printer.print_rest()
    return exit_code_of_status(status)
