"""``airflow-ssis doctor``: tests a connection step by step, on the machine that uses it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from airflow_provider_ssis.cli.airflow_process import DEFAULT_CONN_ID, UnreadableConnection, output_to_stderr
from airflow_provider_ssis.cli.catalog_command import connector_of
from airflow_provider_ssis.cli.connection_options import CONNECTION_PARAMETERS, take_connection
from airflow_provider_ssis.cli.failures import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from airflow_provider_ssis.hooks.checks import Finding
    from airflow_provider_ssis.hooks.connector import CatalogConnector

LONGEST_BAR = 24
ONLY_READS = 3
"""The exit code for a login that may neither run nor deploy anything."""
_PLAIN = str.maketrans({"✓": "+", "✗": "x", "▇": "#"})
"""Replacements for the marks, if the output cannot show them."""


def _run(*, as_json: bool, **options: Any) -> int:
    """List the ODBC drivers of this machine and test a connection, by default Airflow's ssis_default, step by step:
    settings, driver, address, port, token, encryption, login, server, catalog, its version, the identity, and whether
    the login may run, deploy and read logs. Print the T-SQL that grants missing permissions.

    Exit code 0: the connection works; 1: the last step failed and says why; 3: the connection works, but the login may
    neither run nor deploy anything (!).
    """
    _survive_poor_encodings()
    try:
        connection = take_connection(options)
        if not connection.is_given and connection.conn_id is None:
            connection = replace(connection, conn_id=DEFAULT_CONN_ID)
        connector = connector_of(connection, as_json=as_json)
    except (CommandFailed, UnreadableConnection, click.UsageError) as error:
        text = error.message if isinstance(error, click.UsageError) else str(error)
        if not as_json:
            if isinstance(error, click.UsageError) and error.ctx is not None:
                raise
            raise CommandFailed(text) from None
        print(json.dumps({"drivers": [], "steps": [], "error": text, "exit_code": 1}, indent=2))
        return 1
    return _run_json(connector) if as_json else _run_console(connector)


command = click.Command(
    "doctor",
    callback=_run,
    params=[
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            help='Print JSON: {"drivers": [...], "steps": [{"step", "outcome", "text", "seconds"}, ...], "exit_code"}.',
        ),
        *CONNECTION_PARAMETERS,
    ],
    help=_run.__doc__,
)


def _run_console(connector: CatalogConnector) -> int:
    from rich.console import Console

    from airflow_provider_ssis.hooks.checks import check_connection

    console = Console(highlight=False)
    _show_drivers(console)
    return _exit_code(list(_shown(console, check_connection(connector))))


def _run_json(connector: CatalogConnector) -> int:
    from airflow_provider_ssis.hooks.checks import check_connection
    from airflow_provider_ssis.odbc.drivers import OdbcDriverMissing, installed_drivers

    with output_to_stderr():
        try:
            drivers = [{"name": each.label, "family": each.family.value} for each in installed_drivers()]
        except OdbcDriverMissing:
            # The step "driver" reports it.
            drivers = []
        findings = list(check_connection(connector))
    code = _exit_code(findings)
    report: dict[str, Any] = {
        "drivers": drivers,
        "steps": [
            {"step": each.step, "outcome": each.outcome.name.lower(), "text": each.text, "seconds": each.seconds}
            for each in findings
        ],
        "exit_code": code,
    }
    print(json.dumps(report, indent=2))
    return code


def _exit_code(findings: list[Finding]) -> int:
    from airflow_provider_ssis.hooks.checks import may_change_nothing

    if not findings[-1].is_good:
        return 1
    return ONLY_READS if may_change_nothing(findings) else 0


def _survive_poor_encodings() -> None:
    """Replace characters that the output's encoding lacks, as in names of drivers and in messages."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _show_drivers(console: Console) -> None:
    from rich.table import Table

    from airflow_provider_ssis.odbc.drivers import OdbcDriverMissing, installed_drivers

    table = Table(title="ODBC drivers for SQL Server on this machine", title_justify="left")
    table.add_column("preference")
    table.add_column("driver")
    table.add_column("family")
    try:
        drivers = installed_drivers()
    except OdbcDriverMissing as error:
        console.print(f"[red]{error}[/red]")
        return
    for place, driver in enumerate(drivers, start=1):
        table.add_row(str(place), driver.label, driver.family.value)
    console.print(table)


def _shown(console: Console, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, each shown as soon as it is known."""
    from rich.markup import escape

    from airflow_provider_ssis.hooks.checks import Outcome

    colours = {Outcome.GOOD: "green", Outcome.LIMITED: "yellow", Outcome.FAILED: "red"}
    for finding in findings:
        mark = f"[{colours[finding.outcome]}]{finding.outcome.value}[/]"
        if finding.seconds is None:
            time = "   in the time of the line above"
        else:
            bar = "▇" * max(1, min(LONGEST_BAR, round(finding.seconds * 20)))
            time = f"{finding.seconds * 1000:7.1f} ms [cyan]{bar}[/cyan]"
        line = f"{mark} {finding.step:<10} {time}"
        console.print(line.translate(_PLAIN) if console.options.ascii_only else line)
        for part in finding.text.splitlines():
            console.print(f"    {escape(part)}", soft_wrap=True)
        yield finding
