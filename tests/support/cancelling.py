"""Cancelling a running statement from a second thread, as ODBC allows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyodbc


@contextmanager
def cancelled_after(seconds: float, cursor: pyodbc.Cursor) -> Iterator[None]:
    """Cancel the running statement of a cursor; the block ends only when the cancelling call has returned.

    Microsoft's driver crashes the process when a connection is closed during a call that cancels.
    """
    timer = threading.Timer(seconds, cursor.cancel)
    timer.start()
    try:
        yield
    finally:
        timer.join()
