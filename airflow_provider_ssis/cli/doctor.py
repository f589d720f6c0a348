"""``airflow-ssis doctor``: tests a connection step by step, on the machine that uses it."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.option_values import reject_together

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from airflow_provider_ssis.hooks.checks import Finding
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

LONGEST_BAR = 24
ONLY_READS = 3
"""The exit code for a login that may neither run nor deploy anything."""
URI_CONN_ID = "airflow_ssis_doctor"
"""The id under which Airflow gets the connection of ``--uri``."""
_ADVICE = (
    "Check the id ('airflow connections list'). A machine without access to the metadata database knows only the "
    "connections in environment variables and secrets backends. Use --uri to test another connection."
)
_PLAIN = str.maketrans({"✓": "+", "✗": "x", "▇": "#"})
"""Replacements for the marks, if the output cannot show them."""


class _Unreadable(Exception):
    """The connection cannot be read. The message shows nothing of its value."""


@click.command("doctor")
@click.option("--conn-id", default="ssis_default", metavar="ID", help="An Airflow connection.")
@click.option("--uri", metavar="URI", help="A connection URI or JSON object, as in AIRFLOW_CONN_..., instead.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help='Print JSON: {"drivers": [...], "steps": [{"step", "outcome", "text", "seconds"}, ...], "exit_code"}.',
)
def command(conn_id: str, uri: str | None, as_json: bool) -> int:
    """List the ODBC drivers of this machine and test a connection step by step: settings, driver, address, port,
    token, encryption, login, server, catalog, its version, the identity, and whether the login may run, deploy and
    read logs. Print the T-SQL that grants missing permissions.

    Exit code 0: the connection works; 1: the last step failed and says why; 3: the connection works, but the login may
    neither run nor deploy anything (!).
    """
    reject_together("conn_id", "uri")
    # Airflow 3 lets a process read connections from the metadata database only if it declares, before Airflow is
    # imported, that it is not a task. Airflow's own commands do the same.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    _survive_poor_encodings()
    try:
        # Imports and logs of Airflow and of this package must not mix with JSON on the standard output.
        with _output_to_stderr() if as_json else _as_it_is():
            hook = _hook(conn_id, uri)
    except (ImportError, _Unreadable) as error:
        if not as_json:
            raise CommandFailed(str(error)) from None
        print(json.dumps({"drivers": [], "steps": [], "error": str(error), "exit_code": 1}, indent=2))
        return 1
    return _run_json(hook) if as_json else _run_console(hook)


def _hook(conn_id: str, uri: str | None) -> SsisCatalogHook:
    """The hook of the connection, which is loaded already.

    :raises ImportError: the driver manager is missing; the message says what to install.
    :raises _Unreadable: the connection cannot be read.
    """
    # Airflow and its configuration are loaded for this command only.
    from airflow_provider_ssis.catalog.errors import ConnectError
    from airflow_provider_ssis.hooks.connection_values import HOW_TO_WRITE, problem_in
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

    if uri is not None:
        problem = problem_in(uri) if uri.strip() else "it is empty"
        if problem is not None:
            raise _Unreadable(f"the URI cannot be read: {problem}. {HOW_TO_WRITE}")
        # The one way to pass a connection that all versions of Airflow share.
        conn_id = URI_CONN_ID
        os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = uri
    hook = SsisCatalogHook(ssis_conn_id=conn_id)
    try:
        # Airflow logs exceptions about a value that it cannot read, with parts of it.
        with _without_logs():
            hook.connection  # noqa: B018 loaded now, to report a missing connection separately
    except ConnectError as error:
        raise _Unreadable(str(error)) from None
    except Exception as error:  # noqa: BLE001 Airflow's own, which differ between its versions
        if uri is not None:
            raise _Unreadable(f"the URI cannot be read. {HOW_TO_WRITE}") from None
        raise _Unreadable(f"the connection {conn_id!r} cannot be read: {error}. {_ADVICE}") from None
    return hook


def _run_console(hook: SsisCatalogHook) -> int:
    from rich.console import Console

    from airflow_provider_ssis.hooks.checks import check_connection

    console = Console(highlight=False)
    _show_drivers(console)
    return _exit_code(list(_shown(console, check_connection(hook))))


def _run_json(hook: SsisCatalogHook) -> int:
    from airflow_provider_ssis.hooks.checks import check_connection
    from airflow_provider_ssis.odbc.drivers import OdbcDriverMissing, installed_drivers

    with _output_to_stderr():
        try:
            drivers = [{"name": each.label, "family": each.family.value} for each in installed_drivers()]
        except OdbcDriverMissing:
            # The step "driver" reports it.
            drivers = []
        findings = list(check_connection(hook))
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


@contextmanager
def _output_to_stderr() -> Iterator[None]:
    output, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = output


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _without_logs() -> Iterator[None]:
    """No log line and no output of anything that Airflow calls."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    output, errors = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 a device
        # Airflow 3 logs through structlog, which writes to the streams itself.
        sys.stdout = sys.stderr = nowhere
        try:
            yield
        finally:
            sys.stdout, sys.stderr = output, errors
            logging.disable(before)


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
