"""End a running query when the run is cancelled, or when its time is over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from airflow_provider_ssis.engine.cancellation import CancelToken

if TYPE_CHECKING:
    import pyodbc

_AGAIN = 0.05
"""Seconds between two attempts: a query that has not begun yet does not notice the first one."""


class QueryTimeout(Exception):
    """The query took longer than its time limit, and was ended."""


@contextmanager
def interruptible(cursor: pyodbc.Cursor, cancel: CancelToken, seconds: float = 0) -> Iterator[None]:
    """End the queries of a cursor from another thread when the run is cancelled or the time is over.

    :param cursor: the cursor that the block uses.
    :param cancel: the token of the run.
    :param seconds: the longest time of the block. Default: 0, no limit.
    :raises Cancelled: the run was cancelled.
    :raises QueryTimeout: the time was over.
    """
    import pyodbc

    done = threading.Event()
    wake = threading.Event()
    timed_out = False

    def watch() -> None:
        nonlocal timed_out
        if not wake.wait(seconds or None):
            timed_out = True
        while not done.is_set():
            with suppress(pyodbc.Error):
                cursor.cancel()
            done.wait(_AGAIN)

    def finish() -> None:
        done.set()
        wake.set()

    watcher = threading.Thread(target=watch, name="ssis-query", daemon=True)
    try:
        with cancel.interrupts(wake.set):
            watcher.start()
            try:
                yield
            finally:
                finish()
                watcher.join()
    except pyodbc.Error:
        cancel.check()
        if timed_out:
            raise QueryTimeout from None
        raise
