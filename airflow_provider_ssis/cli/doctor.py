"""``airflow-ssis doctor``: try a connection step by step, on the machine where it is to work."""

from __future__ import annotations

import argparse
import json
import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    from airflow_provider_ssis.hooks.checks import Finding

LONGEST_BAR = 24
ONLY_LOOKS = 3
"""The exit code for a login that may neither run nor deploy anything."""
_ADVICE = (
    "Check the id (airflow connections list); a machine that has no way to the metadata database knows only those of "
    "environment variables and secrets backends. Another can be tried with --uri."
)

_UNREADABLE_URI = (
    "airflow-ssis doctor: the URI cannot be read. It is ssis://LOGIN:PASSWORD@HOST:PORT/SSISDB?FIELD=VALUE "
    "with a number as port; percent-encode what is special in its parts "
    "(@ is %40, : is %3A, / is %2F, # is %23, % is %25, a backslash %5C)."
)
_PLAIN = str.maketrans({"✓": "+", "✗": "x", "▇": "#"})
"""What stands for the marks where the output cannot show them."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "doctor",
        help="try a connection step by step",
        description="Shows the ODBC drivers of this machine and tries a connection step by step: driver, "
        "address, port, token, encryption, login, server, catalog, its version, identity, and whether that may run, "
        "deploy and read logs. Exit code 0: it works; 1: the last step says why not; 3: it connects, but may neither "
        "run nor deploy anything (!).",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--conn-id", default="ssis_default", help="an Airflow connection (default: ssis_default)")
    which.add_argument("--uri", help="a connection URI instead, as in AIRFLOW_CONN_...")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command.

    :returns: 0 if the connection works, 1 if not, 3 if it works but may neither run nor deploy anything.
    """
    # Airflow 3 lets a process read connections from the metadata database only if it says before Airflow is imported
    # that it is no task. Airflow 2 always does. Airflow's own commands do the same.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    # Airflow and its configuration are loaded for this command alone.
    from rich.console import Console

    from airflow_provider_ssis.hooks.checks import check_connection, may_change_nothing

    try:
        from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
    except ImportError as error:
        print(f"airflow-ssis doctor: {error}", file=sys.stderr)
        return 1
    _survive_poor_encodings()
    console = Console(highlight=False)
    conn_id = options.conn_id
    if options.uri:
        if not _is_readable(options.uri):
            print(_UNREADABLE_URI, file=sys.stderr)
            return 1
        # The one way to hand a connection over that all versions of Airflow share.
        conn_id = "airflow_ssis_doctor"
        os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = options.uri
    hook = SsisCatalogHook(ssis_conn_id=conn_id)
    try:
        hook.connection  # noqa: B018 read now, to tell a missing one apart
    except Exception as error:  # noqa: BLE001 Airflow's, which differ between its versions
        if options.uri:
            print(_UNREADABLE_URI, file=sys.stderr)
            return 1
        print(f"airflow-ssis doctor: the connection {conn_id!r} cannot be read: {error}. {_ADVICE}", file=sys.stderr)
        return 1
    _show_drivers(console)
    findings = list(_shown(console, check_connection(hook)))
    if not findings[-1].is_good:
        return 1
    return ONLY_LOOKS if may_change_nothing(findings) else 0


def _is_readable(connection: str) -> bool:
    """Whether Airflow can read a connection, which may be JSON too, as everywhere in Airflow.

    Of one that it cannot, Airflow says only that an id is not defined, one that nobody gave; and Airflow 2 logs why,
    with the part that it took for the port, which may be the password.
    """
    try:
        if connection.lstrip().startswith("{"):
            json.loads(connection)
            return True
        parts = urlsplit(connection)
        _ = parts.port
    except ValueError:
        return False
    # A third :// belongs percent-encoded.
    return bool(parts.scheme) and connection.count("://") in (1, 2)


def _survive_poor_encodings() -> None:
    """Have characters that the output's encoding lacks replaced, as in the names of drivers and in messages."""
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
    """The findings, each shown when it is there."""
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
        console.print(f"    {escape(finding.text)}", soft_wrap=True)
        yield finding
