"""A whole Airflow with the example DAGs on the embedded SSISDB, to click through.

Run by ``make ui``. It starts the embedded SSISDB and Airflow's components as processes, with a temporary AIRFLOW_HOME,
makes the connection ``ssis_default``, prints where to click, and stops everything when it is interrupted.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any

from airflow_provider_ssis.hooks.form import FIELDS
from scripts.demo import PROJECT, DemoFailed, embedded_ssisdb, make_tables, step
from tests.support.airflow_processes import AirflowProcesses, ComponentEnded, running_airflow
from tests.support.waiting import wait_until

EXAMPLES = PROJECT / "example_dags"
SALES_DW = {"connection_id": "sales_dw", "conn_type": "generic", "login": "loader", "password": "of the demo"}
"""The connection whose password an example DAG gives to a package."""

PORT = 8080
"""Airflow's usual port, if it is free."""


def main() -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP.

    :returns: 0 when interrupted, 1 when something failed.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="ssis-ui-") as home,
            embedded_ssisdb(Path(home)) as server,
            running_airflow(Path(home), EXAMPLES, {}, port=PORT, report=step) as airflow,
        ):
            make_tables(server["odbc"])
            step("Creating the connection ssis_default, reading the example DAGs")
            airflow.ask("POST", "/api/v2/connections", connection(server))
            airflow.ask("POST", "/api/v2/connections", SALES_DW)
            wait_until(lambda: all(airflow.knows(path.stem) for path in EXAMPLES.glob("*.py")), "the DAGs are read")
            print(what_to_click(airflow.url, server), flush=True)
            watch(airflow)
    except KeyboardInterrupt:
        print("ui: everything is stopped", file=sys.stderr)
        return 0
    except (ComponentEnded, DemoFailed, TimeoutError) as error:
        print(f"ui: {error}", file=sys.stderr)
        return 1
    return 0


def connection(server: dict[str, Any]) -> dict[str, Any]:
    """The connection to the embedded SSISDB, as Airflow's API takes it."""
    return {
        "connection_id": "ssis_default",
        "conn_type": "ssis",
        "description": "The embedded SSISDB",
        **{field: server[field] for field in ("host", "port", "password")},
        "login": server["user"],
        # All fields, as the form stores them: of a connection that exists, the form shows only the fields that it has.
        "extra": json.dumps(
            {name: field["schema"].get("default") for name, field in FIELDS.items()}
            | {"trust_server_certificate": True}
        ),
    }


def what_to_click(url: str, server: dict[str, Any]) -> str:
    """Where Airflow is, and what to try. Names the password, which lives as long as the server does."""
    return f"""
Airflow is ready: {url}

  Dags, ssis_quickstart, Trigger       deploys a project and runs its packages; their messages are in the tasks' logs
  Admin, Connections                   the button at the end of the row of ssis_default tests it, step by step
  Admin, Connections, Add Connection   a new connection: type SQL Server Integration Services,
                                       server {server["host"]}, port {server["port"]}, login {server["user"]}, password {server["password"]},
                                       encryption: trust any server certificate

Ctrl+C stops everything.
"""  # noqa: E501 the password's length varies


def watch(airflow: AirflowProcesses) -> None:
    """Wait for an interrupt, or until a component ends by itself."""
    while True:
        airflow.check()
        time.sleep(1)


def _interrupt(signal_number: int, frame: FrameType | None) -> None:
    # Once: a second Ctrl+C would leave components running that are being stopped.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    step("Stopping everything")
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
