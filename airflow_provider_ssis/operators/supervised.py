"""Noticing that Airflow's process that watches a task has ended.

If that process is killed, the task's own process continues, and Airflow starts the task again on another worker.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CHECK_SECONDS = 5.0
"""Seconds between two checks."""


@contextmanager
def while_supervised(pid: int | None, on_end: Callable[[], None], *, seconds: float = CHECK_SECONDS) -> Iterator[None]:
    """Call a function if the process that watches this one ends while the block lasts.

    :param pid: the id of that process, which is the parent of this one; None for no such process.
    :param on_end: the function; called once, in another thread.
    :param seconds: seconds between two checks. Default: 5.
    """
    if pid is None:
        yield
        return
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(seconds):
            # A process whose parent has ended gets another one.
            if os.getppid() != pid:
                on_end()
                return

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
