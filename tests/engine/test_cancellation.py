"""Callbacks of a cancel: a driver crashes if a cursor is cancelled while or after another thread closes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

import pytest

from airflow_provider_ssis.engine.cancellation import CancelToken
from airflow_provider_ssis.engine.data_flow.databases.time_limit import time_limit
from airflow_provider_ssis.engine.errors import Cancelled, TaskFailure

SECONDS = 60


@contextmanager
def cancelled_at_once(callback: Callable[[], None]) -> Iterator[None]:
    token = CancelToken()
    with token.interrupts(callback):
        threading.Thread(target=token.cancel).start()
        yield


def timed_out_at_once(callback: Callable[[], None]) -> AbstractContextManager[None]:
    return time_limit(0.001, callback)


@pytest.mark.parametrize("interrupted", [cancelled_at_once, timed_out_at_once])
def test_a_block_ends_after_the_callback_that_runs(
    interrupted: Callable[[Callable[[], None]], AbstractContextManager[None]],
) -> None:
    called, may_return = threading.Event(), threading.Event()
    events: list[str] = []

    def callback() -> None:
        called.set()
        assert may_return.wait(SECONDS)
        events.append("called")

    def query() -> None:
        with interrupted(callback):
            assert called.wait(SECONDS)
            threading.Timer(0.05, may_return.set).start()
            raise RuntimeError("the query was ended")

    with pytest.raises((RuntimeError, TaskFailure)):
        query()
    assert events == ["called"]


def test_a_callback_is_not_called_after_its_block() -> None:
    token = CancelToken()
    events: list[str] = []
    first_has_begun, second_has_begun = threading.Event(), threading.Event()
    first_is_called, first_may_return = threading.Event(), threading.Event()

    def first() -> None:
        first_is_called.set()
        assert first_may_return.wait(SECONDS)

    def cancel() -> None:
        with token.interrupts(first):
            first_has_begun.set()
            assert second_has_begun.wait(SECONDS)
            token.cancel()

    def run_second() -> None:
        with token.interrupts(lambda: events.append("called")):
            second_has_begun.set()
            assert first_is_called.wait(SECONDS)

    with ThreadPoolExecutor() as pool:
        cancelled = pool.submit(cancel)
        assert first_has_begun.wait(SECONDS)
        with pytest.raises(Cancelled):
            run_second()
        first_may_return.set()
        assert isinstance(cancelled.exception(SECONDS), Cancelled)
    assert events == []


def test_a_thread_can_cancel_its_own_block() -> None:
    token = CancelToken()
    events: list[str] = []
    with pytest.raises(Cancelled), token.interrupts(lambda: events.append("called")):
        token.cancel()
    assert events == ["called"]
