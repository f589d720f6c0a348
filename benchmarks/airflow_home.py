"""Airflow for the benchmarks: a temporary AIRFLOW_HOME, and connections to the server."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Processes that wait must be no bigger than a triggerer.
    from airflow_provider_ssis.emulator.server import Endpoint

SSIS = "ssis_default"
"""Ours: a connection of type ``ssis``."""
ODBC = "odbc_ssisdb"
"""The plain operator's: a connection of type ``odbc``."""


@contextmanager
def airflow_home() -> Iterator[None]:
    """Make an AIRFLOW_HOME, for this process and its children. Call it before anything imports Airflow."""
    before = dict(os.environ)
    home = tempfile.mkdtemp(prefix="airflow-home-")
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ["AIRFLOW_HOME"] = home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    # The peers defer at once, too.
    os.environ["AIRFLOW__SSIS__DEFER_AFTER"] = "0"
    try:
        with log_level("ERROR"):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def log_level(level: str) -> Iterator[None]:
    """Set Airflow's log level for processes that start in the block."""
    before = os.environ.get(_LOG_LEVEL)
    os.environ[_LOG_LEVEL] = level
    try:
        yield
    finally:
        if before is None:
            del os.environ[_LOG_LEVEL]
        else:
            os.environ[_LOG_LEVEL] = before


_LOG_LEVEL = "AIRFLOW__LOGGING__LOGGING_LEVEL"


def connect_airflow(endpoint: Endpoint, *, port: int | None = None) -> None:
    """Define Airflow's connections to a server: ours, and the plain operator's.

    :param endpoint: the server.
    :param port: the port of a proxy. Default: the server's own.
    """
    there = endpoint if port is None else replace(endpoint, port=port)
    os.environ[f"AIRFLOW_CONN_{SSIS.upper()}"] = there.airflow_uri
    os.environ[f"AIRFLOW_CONN_{ODBC.upper()}"] = json.dumps(
        {
            "conn_type": "odbc",
            # Microsoft's driver accepts a port only as a part of the server's name.
            "host": f"{there.host},{there.port}",
            "schema": "SSISDB",
            "login": there.user,
            "password": there.password,
            "extra": {"Encrypt": "yes", "TrustServerCertificate": "yes"},
        }
    )
