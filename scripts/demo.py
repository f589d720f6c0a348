"""The demo: a real Airflow DAG deploys an SSIS project to the embedded SSISDB, which executes its packages.

Run by ``make demo``. It starts the embedded SSISDB as a process, makes the tables of the example project there, and
runs the quickstart DAG with Airflow's own ``airflow dags test`` in a temporary AIRFLOW_HOME. The packages load files
into the tables. It shows the tasks' logs, the catalog's executions and the rows in the tables, and stops what it
started, also when it is interrupted. ``--verbose`` shows everything that Airflow prints. ``--picture FILE`` also draws
the terminal as an SVG file: the picture in README.md is made this way.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

PROJECT = Path(__file__).resolve().parent.parent
DATA = PROJECT / "example_dags" / "ssis" / "sales_mart_data"
DATABASE = "SalesMart"
DAG_ID = "ssis_quickstart"
STOP_SECONDS = 10
PICTURE_COLUMNS = 112
PICTURE_LINES = 12
"""How many lines of each task's log the picture shows."""

_LOG_LINE = re.compile(r"^\S+Z? \[(?P<level>\w+)\s*\] (?P<text>.*?)\s+\[(?P<logger>[\w.]+)\] loc=")
_TASK_BEGINS = re.compile(r"starting task_id=(\w+)")
_LEVELS = {"warning": "yellow", "error": "red", "critical": "red"}

console = Console(highlight=False, emoji=False)


class DemoFailed(Exception):
    """A step of the demo failed; the message says which and why."""


def main(arguments: list[str] | None = None) -> int:
    """Run the demo.

    :returns: 0 when the DAG succeeded, 1 when something failed, 130 when interrupted.
    """
    global console
    parser = argparse.ArgumentParser(
        description="Deploy and run an SSIS project with an Airflow DAG, without SQL Server."
    )
    parser.add_argument("--verbose", action="store_true", help="show everything that Airflow prints")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the terminal as an SVG file too")
    options = parser.parse_args(arguments)
    if options.picture:
        console = Console(record=True, width=PICTURE_COLUMNS, highlight=False, emoji=False, force_terminal=True)
        console.print("$ make demo")
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="ssis-demo-") as home, embedded_ssisdb(Path(home)) as server:
            step(f"Making the tables of the database {DATABASE}")
            make_tables(server["odbc"])
            environment = airflow_environment(Path(home), server["airflow_uri"])
            step("Preparing Airflow's database")
            run_quietly(environment, "db", "migrate")
            step(f"Running the DAG {DAG_ID}: build, deploy, run, wait")
            run_dag(environment, verbose=options.verbose, log_lines=PICTURE_LINES if options.picture else None)
            step("The executions in the SSISDB catalog")
            print_executions(server["odbc"])
            step("The rows that the packages loaded")
            print_rows(server["odbc"])
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything it started is stopped", file=sys.stderr)
        return 130
    except DemoFailed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    console.print(f"\n[green]The demo succeeded after {time.monotonic() - started:.0f} s.[/green]")
    if options.picture:
        options.picture.write_text(picture(), encoding="utf-8")
    return 0


def step(text: str) -> None:
    """Show which step begins."""
    console.print(f"[bold cyan]==> {escape(text)}[/bold cyan]")


def picture() -> str:
    """The recorded terminal as SVG. It names no font to download, so that it shows the same everywhere."""
    svg = console.export_svg(title="airflow-provider-ssis")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


@contextmanager
def embedded_ssisdb(home: Path) -> Iterator[dict[str, Any]]:
    """The embedded SSISDB as a separate process that executes packages, while the block lasts.

    :param home: gets a copy of the files that the packages load.
    """
    step("Starting the embedded SSISDB")
    inbox = home / "inbox"
    shutil.copytree(DATA / "inbox", inbox)
    command = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "emulator", "--json", "--execute"]
    command += ["--connection", f"SalesMartDW=embedded:{DATABASE}", "--map-path", f"inbox={inbox}"]
    with child(command, dict(os.environ), stdout=subprocess.PIPE) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise DemoFailed(f"the embedded SSISDB did not start (exit code {process.wait()})")
        server: dict[str, Any] = json.loads(line)
        console.print(f"    {server['host']}:{server['port']}, login {server['user']}")
        yield server


def airflow_environment(home: Path, connection_uri: str) -> dict[str, str]:
    """The environment of an Airflow that knows the example DAGs and the embedded SSISDB, and nothing else."""
    dags = home / "dags"
    shutil.copytree(PROJECT / "example_dags", dags)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SSIS_DEFAULT": connection_uri,
    }


def run_quietly(environment: dict[str, str], *arguments: str) -> None:
    """Run an Airflow command whose output matters only if it fails."""
    command = [sys.executable, "-m", "airflow", *arguments]
    with child(command, environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        output = process.communicate()[0]
    if process.returncode:
        raise DemoFailed(f"airflow {' '.join(arguments)} ended with exit code {process.returncode}:\n{output}")


def run_dag(environment: dict[str, str], *, verbose: bool, log_lines: int | None) -> None:
    """Run the DAG and show the log of each task while it runs.

    :param environment: of the process.
    :param verbose: show all that Airflow prints instead.
    :param log_lines: show only the first and last lines of each task, at most so many; all without a number.
    """
    command = [sys.executable, "-m", "airflow", "dags", "test", DAG_ID]
    everything: list[str] = []
    waiting: list[tuple[str, str]] = []
    with child(command, environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout or ():
            everything.append(line)
            if verbose:
                console.print(line.rstrip(), markup=False)
            elif begins := _TASK_BEGINS.search(line):
                show_log(waiting, log_lines)
                console.print(f"    [bold]{begins.group(1)}[/bold]")
            elif (found := _LOG_LINE.match(line)) and "airflow_provider_ssis" in found["logger"]:
                waiting.append((found["level"], found["text"]))
                if log_lines is None:
                    show_log(waiting, None)
        show_log(waiting, log_lines)
        exit_code = process.wait()
    if exit_code:
        raise DemoFailed(f"the DAG run failed (exit code {exit_code}):\n{''.join(everything)}")


def show_log(lines: list[tuple[str, str]], most: int | None) -> None:
    """Show lines of a task's log, with their levels, and empty the list.

    :param lines: level and text of each.
    :param most: leave out lines in the middle if there are more.
    """
    if most is not None and len(lines) > most:
        lines[most // 2 : most // 2 - most] = [("info", "…")]
    for level, text in lines:
        style = _LEVELS.get(level, "")
        console.print(f"      {text}", style=style, markup=False, no_wrap=most is not None, overflow="ellipsis")
    lines.clear()


@contextmanager
def child(
    command: list[str], environment: dict[str, str], *, stdout: int | None = None, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A child process that is stopped, with its own children, at the end of the block."""
    # Its own session: Ctrl+C reaches the demo alone, which then stops its children in order.
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=stdout,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.stdout:
            process.stdout.close()


def make_tables(odbc: str) -> None:
    """Create the database of the example project on the embedded server."""
    import pyodbc

    batches = re.split(r"^GO$", (DATA / "schema.sql").read_text(encoding="utf-8"), flags=re.MULTILINE)
    with closing(pyodbc.connect(odbc, autocommit=True)) as connection:
        for batch in (f"CREATE DATABASE {DATABASE}", f"USE {DATABASE}", *filter(str.strip, batches)):
            connection.execute(batch)


def print_rows(odbc: str) -> None:
    """Show the rows in the tables, by SQL."""
    import pyodbc

    table = Table("customer", "sales", "amount")
    with closing(pyodbc.connect(odbc, autocommit=True)) as connection:
        connection.execute(f"USE {DATABASE}")
        files = connection.execute("SELECT COUNT(*) FROM etl.LoadedFile").fetchval()
        rows = connection.execute(
            "SELECT CustomerName, COUNT(*), SUM(Amount) FROM mart.FactSales GROUP BY CustomerName ORDER BY 3 DESC"
        ).fetchall()
    if not files or not rows:
        raise DemoFailed("the DAG succeeded, but its packages loaded nothing")
    for customer, sales, amount in rows:
        table.add_row(customer, str(sales), f"{amount:,.2f}")
    console.print(f"    mart.FactSales has {sum(row[1] for row in rows)} rows, from {files} files")
    console.print(table)


def print_executions(odbc: str) -> None:
    """Show the executions as the catalog has them: what ran, how it ended, and what it wrote."""
    import pyodbc

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import OperationStatus

    table = Table("execution", "package", "status", "messages")
    with closing(pyodbc.connect(odbc, autocommit=True)) as connection:
        catalog = Catalog(connection)
        executions = list(catalog.executions())
        if not executions:
            raise DemoFailed("the DAG succeeded, but the catalog holds no execution")
        for execution in sorted(executions, key=lambda each: each.execution_id):
            kinds = Counter(each.event_name or "other" for each in catalog.event_messages(execution.execution_id))
            most = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(2))
            status = OperationStatus(execution.status).name.lower()
            name = f"{execution.folder_name}/{execution.project_name}/{execution.package_name}"
            table.add_row(str(execution.execution_id), name, status, f"{kinds.total()}: {most}, …")
    console.print(table)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
