"""Cancelling a run from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_provider_ssis.engine.errors import Cancelled


class CancelToken:
    """Reports to the threads of a run that it was cancelled. All methods can be called from any thread."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Cancel: call the callbacks of all running operations, once."""
        with self._lock:
            if self._cancelled.is_set():
                return
            self._cancelled.set()
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def check(self) -> None:
        """Raise :class:`~airflow_provider_ssis.engine.errors.Cancelled` if the run was cancelled."""
        if self._cancelled.is_set():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Wait; returns early and raises :class:`~airflow_provider_ssis.engine.errors.Cancelled` on cancelling.

        :param seconds: the longest time.
        """
        if self._cancelled.wait(seconds):
            raise Cancelled

    @contextmanager
    def interrupts(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call a function when the run is cancelled while the block runs: one that ends a query or a process.

        :param callback: is called from the cancelling thread; must not raise and must not wait.
        :raises Cancelled: the run was cancelled before the block began, or while it ran.
        """
        with self._lock:
            self.check()
            self._callbacks.append(callback)
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)
        self.check()
