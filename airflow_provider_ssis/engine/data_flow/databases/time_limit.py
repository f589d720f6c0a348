"""The longest time of a statement, for drivers of any kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_provider_ssis.engine.errors import TaskFailure

TIMED_OUT = 0xC0202009


@contextmanager
def time_limit(seconds: float, cancel: Callable[[], None]) -> Iterator[None]:
    """Cancel a statement that takes too long. Not all drivers have a query timeout, but all can cancel.

    :param seconds: the longest time; 0 for no limit.
    :param cancel: cancels the statement; is called from another thread, and never after the block.
    :raises TaskFailure: the time has passed.
    """
    if not seconds:
        yield
        return
    expired = threading.Event()

    def stop() -> None:
        expired.set()
        cancel()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if not expired.is_set():
            raise
        raise TaskFailure(f"A statement took longer than its timeout of {seconds:g} seconds.", TIMED_OUT) from error
    finally:
        timer.cancel()
        # A driver crashes if a statement that is closed after the block is cancelled.
        timer.join()
