"""Chromium, and a whole Airflow with the example DAGs, one of each for all tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyodbc
import pytest

from airflow_provider_ssis.catalog.client import Catalog
from airflow_provider_ssis.emulator.server import SsisdbEmulator
from tests.support.airflow_processes import AirflowProcesses, running_airflow
from tests.support.places import ROOT
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    # Takes a second, which a run of other tests need not wait for.
    from playwright.sync_api import Browser, Page

SCREENSHOTS = ROOT / "build" / "screenshots"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
MILLISECONDS = 30_000


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless, with an empty profile."""
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        reason = "there is no Chromium on this machine (Debian: sudo apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server() -> Iterator[SsisdbEmulator]:
    """The embedded SSISDB to connect to."""
    with SsisdbEmulator() as server:
        yield server


@pytest.fixture(scope="package")
def airflow(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowProcesses]:
    """A whole Airflow without connections. It is not started where there is no browser."""
    with running_airflow(tmp_path_factory.mktemp("airflow-home"), ROOT / "example_dags", {}) as airflow:
        wait_until(lambda: airflow.knows("ssis_quickstart"), "the example DAGs are read")
        yield airflow


@pytest.fixture
def page(browser: Browser, airflow: AirflowProcesses, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window. Its last content is kept as a screenshot."""
    context = browser.new_context(base_url=airflow.url, viewport={"width": 1280, "height": 960})
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    yield page
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def catalog(server: SsisdbEmulator) -> Iterator[Catalog]:
    """A client of that server, with an empty catalog."""
    server.reset()
    connection = pyodbc.connect(server.odbc_connection_string, autocommit=True)
    with Catalog(connection) as catalog:
        yield catalog
