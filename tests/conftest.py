"""Airflow for the tests: a home of its own for the session, and the embedded SSISDB as its connection."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.dag_runs import DEFER_AT_ONCE

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.emulator.server import SsisdbEmulator

_HOME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    # Before anything imports Airflow, which writes its configuration into its home at once.
    config.stash[_HOME] = tempfile.mkdtemp(prefix="airflow-home-")
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ["AIRFLOW_HOME"] = config.stash[_HOME]
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
    os.environ.update(DEFER_AT_ONCE)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash.get(_HOME, ""), ignore_errors=True)


@pytest.fixture
def ssisdb(ssisdb_emulator: SsisdbEmulator, monkeypatch: pytest.MonkeyPatch) -> SsisdbEmulator:
    """The embedded SSISDB with a clean catalog, known to Airflow as the connection ``ssis_default``."""
    monkeypatch.setenv("AIRFLOW_CONN_SSIS_DEFAULT", ssisdb_emulator.airflow_uri)
    return ssisdb_emulator


@pytest.fixture
def catalog(ssisdb: SsisdbEmulator) -> Iterator[Catalog]:
    """A client of the embedded SSISDB, to prepare and to check with."""
    from airflow_provider_ssis.hooks.ssis import SsisCatalogHook

    with SsisCatalogHook().open_catalog() as catalog:
        yield catalog


@pytest.fixture
def mart(catalog: Catalog) -> Catalog:
    """A client of an embedded SSISDB that holds the project Sales/Mart."""
    from tests.support.mart import MART

    catalog.create_folder("Sales")
    catalog.deploy_project("Sales", "Mart", MART)
    return catalog
