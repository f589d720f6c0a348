"""``airflow-ssis run FOLDER PROJECT PACKAGE``: run a package on a server, and wait for its end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.catalog_command import catalog_command
from airflow_provider_ssis.cli.commands.messages import LEVELS
from airflow_provider_ssis.cli.exit_codes import ExitCode, RunCommand, exit_code_of_error, exit_code_of_status
from airflow_provider_ssis.cli.failures import CommandFailed, OutputFailed, sentence
from airflow_provider_ssis.cli.interrupts import interruptible
from airflow_provider_ssis.cli.option_values import (
    FilePath,
    Pair,
    Pairs,
    package_name,
    poll_interval_option,
    reject_together,
)
from airflow_provider_ssis.cli.output import Output, plain, printable, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import OperationStatus
    from airflow_provider_ssis.catalog.models import Execution, Operation


@catalog_command("run", exit_code_of=exit_code_of_error, command_class=RunCommand)
@click.argument("folder")
@click.argument("project")
@click.argument("package", type=package_name)
@click.option("--environment", metavar="NAME", help="Environment of the run: NAME, FOLDER/NAME, or ./NAME.")
@click.option("--environment-folder", metavar="NAME", help="Folder of the environment, if its name contains a slash.")
@click.option("--parameter", type=Pair(), multiple=True, help="Value of a package parameter.")
@click.option("--project-parameter", type=Pair(), multiple=True, help="Value of a project parameter.")
@click.option(
    "--connection",
    "connection_manager",
    type=Pair("MANAGER.PROPERTY=VALUE"),
    multiple=True,
    help="Value of a connection manager's property, such as Warehouse.ServerName=dw01.",
)
@click.option(
    "--set",
    "overrides",
    type=Pair("PATH=VALUE"),
    multiple=True,
    help="Value of any property, such as '\\Package\\Load.Properties[Disable]=true'. The path ends at the first "
    "= outside of brackets.",
)
@click.option(
    "--values",
    type=FilePath(allow_dash=True),
    metavar="FILE",
    help="JSON file with values, which then are not in the process list: an object with the keys parameters, "
    'project_parameters, connection_managers and property_overrides. The value {"sensitive": VALUE} is encrypted and '
    "never shown. - is the standard input.",
)
@click.option("--logging-level", metavar="LEVEL", help="none, basic, performance, verbose, or a customized level.")
@click.option("--use32bit", is_flag=True, help="Run with the 32-bit runtime.")
@click.option("--scale-out/--no-scale-out", default=None, help="Run on a Scale Out worker, or on the server.")
@click.option("--follow", is_flag=True, help="Print the messages of the run as they are written.")
@click.option(
    "--level", type=click.Choice(LEVELS), default="information", help="The least important messages of --follow."
)
@click.option("--no-wait", is_flag=True, help="Return when the execution is started.")
@click.option(
    "--stop-on-interrupt",
    is_flag=True,
    help="Stop the execution on Ctrl+C and SIGTERM. Without it, the execution continues on the server.",
)
@poll_interval_option()
def command(
    catalog: Catalog,
    output: Output,
    folder: str,
    project: str,
    package: str,
    environment: str | None,
    environment_folder: str | None,
    parameter: Pairs,
    project_parameter: Pairs,
    connection_manager: Pairs,
    overrides: Pairs,
    values: Path | None,
    logging_level: str | None,
    use32bit: bool,
    scale_out: bool | None,
    follow: bool,
    level: str,
    no_wait: bool,
    stop_on_interrupt: bool,
    poll_interval: float,
) -> int | None:
    """Run PACKAGE of PROJECT in FOLDER on the server, and wait for its end.

    Exit codes, as those of dtexec: 0 the package succeeded, or was started with --no-wait; 1 it failed; 3 it was
    canceled; 4 the package was not found; 5 the execution could not be created or started; 6 the command line or a
    value is wrong. 7: it was started, but its end could not be read. 130: interrupted while the execution continues.
    """
    from airflow_provider_ssis.catalog.requests import ExecutionRequest
    from airflow_provider_ssis.cli.commands.run_values import read_values

    reject_together("follow", "no_wait")
    given = read_values(
        values,
        parameters=parameter,
        project_parameters=project_parameter,
        connection_managers=connection_manager,
        property_overrides=overrides,
    )
    request = ExecutionRequest(
        folder=folder,
        project=project,
        package=package,
        environment=environment,
        environment_folder=environment_folder,
        parameters=given.parameters,
        project_parameters=given.project_parameters,
        connection_managers=given.connection_managers,
        property_overrides=given.property_overrides,
        logging_level=logging_level,
        use32bit=use32bit,
        run_in_scale_out=scale_out,
    )
    execution_id = catalog.create_execution(request, needs_values=True)
    # Before the start and also with --json, so that the log of a CI job that is killed has the id.
    click.echo(printable(f"Starting execution {execution_id} of {request.path}."), err=True)
    if no_wait:
        catalog.start_execution(execution_id)
        with _started(execution_id):
            output.done(f"Started execution {execution_id} of {request.path}.", execution_id=execution_id)
        return None
    wait = _Wait(catalog, execution_id, output, request.path, level=level if follow else None, interval=poll_interval)
    status = wait.run_until_end(stop_on_interrupt=stop_on_interrupt)
    with _started(execution_id, status):
        _print_end(catalog, output, execution_id)
    return exit_code_of_status(status)


@contextmanager
def _started(execution_id: int, status: OperationStatus | None = None) -> Iterator[None]:
    """Let an error of the catalog or the output not look like one before the start, after which users start the package
    again.

    :param status: the last status, if the execution has ended.
    """
    from airflow_provider_ssis.catalog.errors import CatalogError

    try:
        yield
    except OSError as error:
        known = "was started" if status is None else shown(status)
        code = ExitCode.UNKNOWN if status is None else exit_code_of_status(status)
        raise OutputFailed(error, code, f"Execution {execution_id} {known}: airflow-ssis show {execution_id}") from None
    except (CatalogError, CommandFailed) as error:
        raise CommandFailed(
            f"execution {execution_id} was started, but its end could not be read: {sentence(str(error))} To see its "
            f"status: airflow-ssis show {execution_id}",
            ExitCode.UNKNOWN,
            cause=error,
        ) from None


class _Wait:
    """Starts an execution, waits for its end, and shows its messages or its progress."""

    def __init__(
        self, catalog: Catalog, execution_id: int, output: Output, title: str, *, level: str | None, interval: float
    ) -> None:
        self._catalog = catalog
        self._execution_id = execution_id
        self._output = output
        self._title = title
        self._level = level
        self._interval = interval

    def run_until_end(self, *, stop_on_interrupt: bool) -> OperationStatus:
        signals = (signal.SIGINT, signal.SIGTERM) if stop_on_interrupt else (signal.SIGINT,)
        try:
            with interruptible(*signals):
                self._catalog.start_execution(self._execution_id)
                with _started(self._execution_id):
                    return self._follow()
        except KeyboardInterrupt:
            if not stop_on_interrupt:
                click.echo(
                    f"Execution {self._execution_id} continues on the server. To stop it: airflow-ssis stop "
                    f"{self._execution_id}",
                    err=True,
                )
                raise
        with _started(self._execution_id):
            return self._stop()

    def _stop(self) -> OperationStatus:
        from airflow_provider_ssis.catalog.errors import CatalogError
        from airflow_provider_ssis.cli.commands.stop import stop_one

        try:
            return stop_one(self._catalog, self._execution_id, poll_interval=self._interval)
        except CatalogError:
            # The signal may have broken the connection; the client opens another one.
            return stop_one(self._catalog, self._execution_id, poll_interval=self._interval)

    def _follow(self) -> OperationStatus:
        from airflow_provider_ssis.cli.following import RunDisplay, follow_operation
        from airflow_provider_ssis.cli.message_lines import MessagePrinter
        from airflow_provider_ssis.cli.names import require_operation

        operation: Operation = require_operation(self._catalog, self._execution_id)
        if self._level is None:
            with RunDisplay(
                self._catalog, self._execution_id, self._title, enabled=not self._output.as_json
            ) as display:
                return follow_operation(
                    self._catalog, operation, poll_interval=self._interval, each_poll=display.update
                )
        printer = MessagePrinter(self._catalog, self._execution_id, self._output, level=self._level)
        status = follow_operation(self._catalog, operation, poll_interval=self._interval, each_poll=printer.print_new)
        printer.print_rest()
        return status


def _print_end(catalog: Catalog, output: Output, execution_id: int) -> None:
    from airflow_provider_ssis.catalog.codes import MessageType, OperationStatus
    from airflow_provider_ssis.catalog.failures.causes import describe, first_causes
    from airflow_provider_ssis.cli.names import require_execution

    execution = require_execution(catalog, execution_id)
    summary = catalog.execution_summary(execution_id)
    causes = []
    if execution.status in (OperationStatus.FAILED, OperationStatus.ENDED_UNEXPECTEDLY):
        types = [MessageType.ERROR, MessageType.TASK_FAILED]
        errors = catalog.event_messages(execution_id, message_types=types) or catalog.event_messages(
            execution_id, after=None, message_types=types
        )
        causes = [describe(cause) for cause in first_causes(errors)]
    if output.as_json:
        output.json_line({"execution": plain(execution), "summary": plain(summary), "causes": causes})
        return
    for cause in causes:
        click.echo(printable(f"  - {cause}"), err=True)
    click.echo(printable(end_line(execution, errors=summary.errors, warnings=summary.warnings)))
    for written in summary.rows_written:
        click.echo(printable(f"  {written.destination}: {written.rows} rows written"))


def end_line(execution: Execution, *, errors: int, warnings: int) -> str:
    """The last line of a run: its status, duration, errors and warnings."""
    duration = ""
    if execution.start_time is not None and execution.end_time is not None:
        duration = f" after {(execution.end_time - execution.start_time).total_seconds():.1f} s"
    return (
        f"Execution {execution.execution_id} of {execution.folder_name}/{execution.project_name}/"
        f"{execution.package_name} {shown(execution.status)}{duration}, errors: {errors}, warnings: {warnings}."
    )
