"""Workers for the tests of faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.workers import Workers, running_workers


@pytest.fixture(scope="package")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Processes that run tasks and can be killed."""
    with running_workers(tmp_path_factory.mktemp("workers")) as workers:
        yield workers
