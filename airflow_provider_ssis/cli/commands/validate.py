"""``airflow-ssis validate``: validate a package or a project on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.commands.messages import LEVELS
from airflow_provider_ssis.cli.exit_codes import exit_code_of_status
from airflow_provider_ssis.cli.interrupts import saying_if_interrupted
from airflow_provider_ssis.cli.option_values import package_name, poll_interval_option, reject_together
from airflow_provider_ssis.cli.output import Output, plain, printable, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog


@catalog_command("validate")
@click.argument("folder")
@click.argument("project")
@click.argument("package", type=package_name, required=False)
@click.option("--environment", metavar="NAME", help="Validate with this environment: NAME, FOLDER/NAME, or ./NAME.")
@click.option("--all-environments", is_flag=True, help="Validate with every environment that the project refers to.")
@click.option("--use32bit", is_flag=True, help="Validate with the 32-bit runtime.")
@click.option("--level", type=click.Choice(LEVELS), default="warning", help="The least important messages to print.")
@poll_interval_option()
def command(
    catalog: Catalog,
    output: Output,
    folder: str,
    project: str,
    package: str | None,
    environment: str | None,
    all_environments: bool,
    use32bit: bool,
    level: str,
    poll_interval: float,
) -> int:
    """Validate PACKAGE, or all packages of PROJECT in FOLDER, on the server, and print what it found.

    With --json, each message is an object on its own line; the last line has the validation. Exit code 0: valid; 1:
    not valid, or the validation did not start; 3: the validation was canceled.
    """
    from airflow_provider_ssis.catalog.requests import EnvironmentScope
    from airflow_provider_ssis.cli.following import follow_operation
    from airflow_provider_ssis.cli.message_lines import MessagePrinter
    from airflow_provider_ssis.cli.names import require_operation, require_project

    reject_together("environment", "all_environments")
    require_project(catalog, folder, project)
    reference = None
    if environment is not None:
        reference = catalog.find_environment_reference(folder, project, environment).reference_id
    scope = EnvironmentScope.ALL if all_environments else None
    if package is None:
        number = catalog.validate_project(folder, project, reference_id=reference, scope=scope, use32bit=use32bit)
    else:
        number = catalog.validate_package(
            folder, project, package, reference_id=reference, scope=scope, use32bit=use32bit
        )
    name = f"{folder}/{project}" + (f"/{package}" if package else "")
    # Also with --json, so that the log of a CI job that is killed has the id.
    click.echo(printable(f"Started validation {number} of {name}."), err=True)
    with saying_if_interrupted(f"Validation {number} continues on the server. To stop it: airflow-ssis stop {number}"):
        status = follow_operation(catalog, require_operation(catalog, number), poll_interval=poll_interval)
    MessagePrinter(catalog, number, output, level=level).print_rest()
    if output.as_json:
        output.json_line({"validation": plain(catalog.validation(number))})
    else:
        click.echo(printable(f"Validation {number} of {name} {shown(status)}."))
    return exit_code_of_status(status)
