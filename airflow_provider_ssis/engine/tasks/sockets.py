"""End calls that wait for a server when the run is cancelled."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from airflow_provider_ssis.engine.cancellation import CancelToken

_AGAIN = 0.05
"""Seconds between two attempts: a connection that is not open yet cannot be broken."""


@contextmanager
def breaks_on_cancel(cancel: CancelToken, *connections: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Break connections from another thread when the run is cancelled while the block runs.

    :param cancel: the token of the run.
    :param connections: return the connections at that moment; None for one that is not open.
    :raises Cancelled: the run was cancelled.
    """
    wake, done = threading.Event(), threading.Event()

    def watch() -> None:
        wake.wait()
        while not done.is_set():
            for connection in connections:
                found = connection()
                if found is not None:
                    with suppress(OSError):
                        found.shutdown(socket.SHUT_RDWR)
            done.wait(_AGAIN)

    watcher = threading.Thread(target=watch, name="ssis-connection", daemon=True)
    with cancel.interrupts(wake.set):
        watcher.start()
        try:
            yield
        finally:
            done.set()
            wake.set()
            watcher.join()
