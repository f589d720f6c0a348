"""Markers for all tests; a folder for temporary files; the embedded SSISDB as Airflow's connection."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.support.dag_runs import DEFER_AT_ONCE
from tests.support.examples import MOST_FAST_EXAMPLES, is_fast_run, limit_examples
from tests.support.markers import add_markers, has_no_fast_test, process_guard
from tests.support.order import put_slow_files_first, shuffle

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.emulator.server import SsisdbEmulator

_TEMPORARY = pytest.StashKey[str]()

_GC_THRESHOLDS = (10_000, 20, 50)
"""The thresholds of the garbage collector: collections are rarer than by default."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle", type=int, metavar="SEED", help="run files, and the tests of each file, in random order"
    )


def pytest_configure(config: pytest.Config) -> None:
    # pytest keeps its own folders, with the files of failed tests.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    # All other temporary files of this run, and of the processes that it starts and kills: a run leaves no file, and
    # one that cleans up the system's folder does not delete what another uses.
    folder = config.stash[_TEMPORARY] = tempfile.mkdtemp(prefix="ssis-tests-")
    Path(folder).chmod(0o701)  # the account of PostgreSQL has a folder in it
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    # Before anything imports Airflow, which writes its configuration into its home at once.
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
    os.environ.update(DEFER_AT_ONCE)
    # Each run has the same examples, so that a test fails because of a change; a seed draws others. How long an example
    # takes depends on the machine.
    fixed = config.getoption("--hypothesis-seed", None) is None
    hypothesis.settings.register_profile("airflow-provider-ssis", deadline=None, derandomize=fixed)
    hypothesis.settings.register_profile("fast", deadline=None, derandomize=fixed, max_examples=MOST_FAST_EXAMPLES)
    hypothesis.settings.load_profile("fast" if is_fast_run(config) else "airflow-provider-ssis")


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash.get(_TEMPORARY, ""), ignore_errors=True)
    # pytest now collects garbage ten times, which takes seconds with everything that the tests have imported.
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The number of processes for ``--numprocesses=auto``: more than there are processors, because some tests wait."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    # Modules and test items live to the end: the garbage collector need not look at them again and again.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        # At the end DuckDB's module reports objects that are still there.
        atexit.register(gc.unfreeze)
        # Tests import and make many objects that live to the end, which each full collection looks at again.
        gc.set_threshold(*_GC_THRESHOLDS)
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if is_fast_run(config) and collection_path.is_file() and has_no_fast_test(collection_path):
        return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    # Before pytest selects tests by their markers.
    add_markers(items)
    put_slow_files_first(items)
    if is_fast_run(config):
        limit_examples(items)
    result = yield
    seed = config.getoption("--shuffle")
    if seed is not None:
        shuffle(items, seed)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with process_guard(item):
        return (yield)


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


@pytest.fixture
def quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tasks and triggers retry soon after a failed poll; what they do is the same as after seconds."""
    from airflow_provider_ssis.catalog.retries import RetryPolicy
    from airflow_provider_ssis.executions import outage

    monkeypatch.setattr(outage, "BACKOFF", RetryPolicy(first_delay=0.05, longest_delay=0.5))
