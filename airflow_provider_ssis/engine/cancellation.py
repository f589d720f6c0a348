"""Cancelling a run from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_provider_ssis.engine.errors import Cancelled


class _Interrupt:
    """A callback that is called until its block ends.

    :param callback: ends what the block runs.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        # The thread that cancels can be the one that runs the block.
        self._lock = threading.RLock()
        self._has_ended = False

    def call(self) -> None:
        """Call it, unless its block has ended."""
        with self._lock:
            if not self._has_ended:
                self._callback()

    def end(self) -> None:
        """Wait for a call that runs now, and allow no other: a driver crashes if a closed cursor is cancelled."""
        with self._lock:
            self._has_ended = True


class CancelToken:
    """Reports to the threads of a run that it was cancelled. All methods can be called from any thread."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._interrupts: list[_Interrupt] = []

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
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            interrupt.call()

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

        :param callback: is called from the cancelling thread, and never after the block; must not raise and must not
            wait.
        :raises Cancelled: the run was cancelled before the block began, or while it ran.
        """
        interrupt = _Interrupt(callback)
        with self._lock:
            self.check()
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)
            interrupt.end()
        self.check()
