"""Environment variables that drivers read while they connect: separate for each connection, and removed afterwards."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack

import pytest

from airflow_provider_ssis.odbc.driver_environment import driver_environment

NAME = "SSIS_TEST_VARIABLE"
SECONDS = 30


@pytest.fixture(autouse=True)
def _before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "before")


def test_they_are_set_for_the_block_and_restored_after_it() -> None:
    with driver_environment({NAME: "a", f"{NAME}_2": "b"}):
        assert (os.environ[NAME], os.environ[f"{NAME}_2"]) == ("a", "b")
    assert os.environ[NAME] == "before"
    assert f"{NAME}_2" not in os.environ


def test_they_are_restored_after_an_error() -> None:
    with pytest.raises(ValueError, match="connect"), driver_environment({NAME: "a"}):
        raise ValueError("no connect")
    assert os.environ[NAME] == "before"


def test_those_that_want_the_same_do_not_wait_for_each_other() -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(driver_environment({NAME: "a"}))
        assert os.environ[NAME] == "a"
    assert os.environ[NAME] == "before"


def test_who_looks_at_none_of_them_never_waits() -> None:
    with driver_environment({NAME: "a"}), driver_environment(None):
        assert os.environ[NAME] == "a"


@pytest.fixture
def rounds() -> list[tuple[str, str | None]]:
    """What threads wanted and what they found, all at once and again and again."""
    found: list[tuple[str, str | None]] = []
    start = threading.Barrier(6)

    def connect(value: str) -> None:
        start.wait(SECONDS)
        for _ in range(200):
            with driver_environment({NAME: value} if value else {}):
                seen = os.environ.get(NAME)
                os.sched_yield()
                found.append((value or "before", seen if seen == os.environ.get(NAME) else None))

    threads = [threading.Thread(target=connect, args=(value,)) for value in ("a", "a", "b", "b", "", "")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    return found


def test_no_connection_sees_the_values_of_another(rounds: list[tuple[str, str | None]]) -> None:
    assert len(rounds) == 6 * 200
    assert all(wanted == seen for wanted, seen in rounds)
    assert os.environ[NAME] == "before"
