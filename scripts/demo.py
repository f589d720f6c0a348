"""The demo: a real Airflow DAG deploys and runs an SSIS project on the embedded SSISDB.

Run by ``make demo``. It starts the embedded SSISDB as a process, runs the quickstart DAG with Airflow's own
``airflow dags test`` in a temporary AIRFLOW_HOME, prints the execution's messages and a summary, and stops what it
started, also when it is interrupted.
"""

from __future__ import annotations

import json
import os
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

PROJECT = Path(__file__).resolve().parent.parent
DAG_ID = "ssis_quickstart"
STOP_SECONDS = 10


class DemoFailed(Exception):
    """A step of the demo failed; the message says which and why."""


def main() -> int:
    """Run the demo.

    :returns: 0 when the DAG succeeded, 1 when something failed, 130 when interrupted.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    try:
        with embedded_ssisdb() as server, tempfile.TemporaryDirectory(prefix="ssis-demo-") as home:
            environment = airflow_environment(Path(home), server["airflow_uri"])
            step("Preparing Airflow's database")
            run_quietly(environment, "db", "migrate")
            step(f"Running the DAG {DAG_ID}: build, deploy, run, wait")
            run_dag(environment)
            step("What SSISDB says of it")
            print_executions(server["odbc"])
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything it started is stopped", file=sys.stderr)
        return 130
    except DemoFailed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"\nThe demo succeeded after {time.monotonic() - started:.0f} s.")
    return 0


def step(text: str) -> None:
    """Say what happens now."""
    print(f"==> {text}", flush=True)


@contextmanager
def embedded_ssisdb() -> Iterator[dict[str, Any]]:
    """The embedded SSISDB as a process of its own, for the time of the block."""
    step("Starting the embedded SSISDB")
    command = [sys.executable, "-m", "airflow_provider_ssis.cli.main", "emulator", "--json"]
    with child(command, dict(os.environ), stdout=subprocess.PIPE) as process:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise DemoFailed(f"the embedded SSISDB did not start (exit code {process.wait()})")
        server: dict[str, Any] = json.loads(line)
        print(f"    {server['host']}:{server['port']}, login {server['user']}", flush=True)
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


def run_dag(environment: dict[str, str]) -> None:
    """Run the DAG and show its log as it comes."""
    with child([sys.executable, "-m", "airflow", "dags", "test", DAG_ID], environment) as process:
        exit_code = process.wait()
    if exit_code:
        raise DemoFailed(f"the DAG run failed (exit code {exit_code}); its log is above")


@contextmanager
def child(
    command: list[str], environment: dict[str, str], *, stdout: int | None = None, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A child process that is gone, with its own children, when the block is left, however it is left."""
    # A session of its own: Ctrl+C reaches the demo alone, which then stops its children in order.
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


def print_executions(odbc: str) -> None:
    """Print each execution's messages and how it ended, read back from the catalog."""
    import pyodbc

    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import OperationStatus

    with closing(pyodbc.connect(odbc, autocommit=True)) as connection:
        catalog = Catalog(connection)
        executions = catalog.executions()
        if not executions:
            raise DemoFailed("the DAG succeeded, but the catalog holds no execution")
        for execution in executions:
            print(f"\nExecution {execution.execution_id}: {execution.package_name}")
            messages = catalog.event_messages(execution.execution_id)
            for message in messages:
                print(f"    {message.message}")
            kinds = Counter(message.event_name or "other" for message in messages)
            print(f"    -- {OperationStatus(execution.status).name.lower()}, {len(messages)} messages: ", end="")
            print(", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
