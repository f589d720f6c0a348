"""Workers, and a whole Airflow, for the tests of faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from airflow_provider_ssis.hooks.ssis import SsisCatalogHook
from tests.support.airflow_processes import AirflowProcesses, running_airflow
from tests.support.canaries import CANARY_CONNECTION
from tests.support.dag_runs import DEFER_AT_ONCE
from tests.support.mart import MART
from tests.support.workers import Workers, running_workers

DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="package")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Processes that run tasks and can be killed."""
    with running_workers(tmp_path_factory.mktemp("workers")) as workers:
        yield workers


@pytest.fixture(scope="package")
def server() -> Iterator[SsisdbEmulator]:
    """The embedded SSISDB that the whole Airflow is connected to."""
    with SsisdbEmulator() as server:
        yield server


@pytest.fixture(scope="package")
def airflow(server: SsisdbEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowProcesses]:
    """A whole Airflow. One for all tests, since its start is slow; each test has its own DAG run."""
    home = tmp_path_factory.mktemp("airflow-home")
    connections = {"AIRFLOW_CONN_SSIS_DEFAULT": server.airflow_uri, "AIRFLOW_CONN_CANARY": CANARY_CONNECTION}
    with running_airflow(home, DAGS, connections, settings=DEFER_AT_ONCE) as airflow:
        yield airflow


@pytest.fixture
def served_mart(server: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    """The catalog of that server, with the project Sales/Mart and nothing else."""
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", server.airflow_uri)
    server.reset()
    with SsisCatalogHook().open_catalog() as catalog:
        catalog.create_folder("Sales")
        catalog.deploy_project("Sales", "Mart", MART)
        yield catalog
