"""The demo: a real Airflow DAG deploys and runs an SSIS project on the embedded SSISDB.

Run by ``make demo``. It starts the embedded SSISDB as a process, runs the quickstart DAG with Airflow's own ``dags
test`` in a temporary AIRFLOW_HOME, prints the execution's messages and a summary, and stops what it started,
also when interrupted.
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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
DAG_ID = "ssis_quickstart"
STOP_SECONDS = 10


def main() -> int:
    """Run the demo.

    :returns: 0 when the DAG succeeded, 1 when it failed, 130 when interrupted.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    try:
        with embedded_ssisdb() as server, tempfile.TemporaryDirectory(prefix="ssis-demo-") as home:
            environment = airflow_environment(Path(home), server["airflow_uri"])
            step("Preparing Airflow's database")
            run_quietly([*airflow(), "db", "migrate"], environment)
            step(f"Running the DAG {DAG_ID} (deploy, run, wait)")
            succeeded = run_dag(environment)
            print_messages(server)
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything it started is stopped", file=sys.stderr)
        return 130
    except DemoFailed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print(f"\n{'The demo succeeded' if succeeded else 'The demo FAILED'} after {time.monotonic() - started:.0f} s.")
    return 0 if succeeded else 1


class DemoFailed(Exception):
    """A step of the demo failed; the message says which and why."""


def step(text: str) -> None:
    """Say what happens now."""
    print(f"==> {text}", flush=True)


@contextmanager
def embedded_ssisdb() -> Iterator[dict[str, Any]]:
    """The embedded SSISDB as a process of its own, for the time of the block; what it says of itself comes out."""
    step("Starting the embedded SSISDB")
    # A session of its own: Ctrl+C reaches the demo alone, which then stops its children in order.
    process = subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_ssis.cli.main", "emulator", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise DemoFailed(f"the embedded SSISDB did not start (exit code {process.wait()})")
        server = json.loads(line)
        print(f"    {server['host']}:{server['port']}, login {server['user']}", flush=True)
        yield server
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """End a process and its children, kindly first."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.stdout:
        process.stdout.close()


def airflow_environment(home: Path, connection_uri: str) -> dict[str, str]:
    """The environment of an Airflow that knows the example DAGs and the embedded SSISDB, and nothing else."""
    dags = home / "dags"
    shutil.copytree(PROJECT / "example_dags", dags)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW_CONN_SSIS_DEFAULT": connection_uri,
    }


def airflow() -> list[str]:
    """The command ``airflow`` of this environment."""
    return [sys.executable, "-m", "airflow"]


def run_quietly(command: list[str], environment: dict[str, str]) -> None:
    """Run a command whose output matters only if it fails."""
    result = child(command, environment, subprocess.PIPE)
    output = result.communicate()[0]
    if result.returncode:
        raise DemoFailed(f"{' '.join(command[2:])} failed with exit code {result.returncode}:\n{output}")


def run_dag(environment: dict[str, str]) -> bool:
    """Run the DAG and show its log as it comes.

    :returns: whether the DAG run succeeded.
    """
    process = child([*airflow(), "dags", "test", DAG_ID], environment, None)
    return process.wait() == 0


def child(command: list[str], environment: dict[str, str], stdout: int | None) -> subprocess.Popen[str]:
    """Start a child that is stopped, with its children, if the demo is interrupted while it runs."""
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=stdout,
        stderr=subprocess.STDOUT if stdout else None,
        text=True,
        start_new_session=True,
    )
    CHILDREN.append(process)
    return process


CHILDREN: list[subprocess.Popen[str]] = []
