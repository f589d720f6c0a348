"""Wait for the end of an operation, with a progress display on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_ssis.cli.failures import CommandFailed
from airflow_provider_ssis.cli.output import console, printable

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.codes import OperationStatus
    from airflow_provider_ssis.catalog.models import Operation

_FIRST_DELAY = 0.2
_GROWTH = 1.5


class Clock(Protocol):
    """The time; the module ``time`` is one."""

    def sleep(self, seconds: float, /) -> None: ...


def follow_operation(
    catalog: Catalog,
    operation: Operation,
    *,
    poll_interval: float,
    each_poll: Callable[[], None] = lambda: None,
    clock: Clock = time,
) -> OperationStatus:
    """Wait until an operation ends.

    :param catalog: the catalog. Its client repeats calls during short outages.
    :param operation: the operation.
    :param poll_interval: seconds between two polls; shorter at first.
    :param each_poll: called at each poll.
    :param clock: the time. Default: the system's.
    :return: the last status.
    :raises CommandFailed: the catalog no longer shows the operation.
    """
    delay = min(_FIRST_DELAY, poll_interval)
    status = operation.status
    while not status.is_terminal:
        each_poll()
        clock.sleep(delay)
        delay = min(delay * _GROWTH, poll_interval)
        current = catalog.operation(operation.operation_id)
        if current is None:
            raise CommandFailed(f"the catalog no longer shows the operation {operation.operation_id}.")
        status = current.status
    return status


class RunDisplay:
    """The progress of an execution on a terminal: executables done, the current one, rows, errors, time.

    Written to standard error, and only if that is a terminal.

    :param catalog: the catalog.
    :param execution_id: the execution.
    :param title: what the display calls it.
    :param enabled: False for no display. Default: True.
    """

    def __init__(self, catalog: Catalog, execution_id: int, title: str, *, enabled: bool = True) -> None:
        self._catalog = catalog
        self._execution_id = execution_id
        self._title = printable(title)
        self._progress: Any = None
        if enabled and sys.stderr.isatty():
            self._progress = _progress()

    def __enter__(self) -> RunDisplay:
        if self._progress is not None:
            self._progress.start()
            self._bar = self._progress.add_task(self._title, total=None, details="")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def update(self) -> None:
        """Read the progress, and show it."""
        if self._progress is None:
            return
        progress = self._catalog.execution_progress(self._execution_id)
        if progress is None:
            return
        rows = sum(each.rows for each in self._catalog.execution_summary(self._execution_id).rows_written)
        self._progress.update(
            self._bar,
            completed=progress.done,
            total=progress.total or None,
            details=progress_text(progress.done, progress.total, rows, progress.errors, progress.executable),
        )


def progress_text(done: int, total: int, rows: int, errors: int, executable: str | None) -> str:
    """The details of the display.

    :param done: executables that have ended.
    :param total: all executables.
    :param rows: rows that data flows have sent.
    :param errors: error messages so far.
    :param executable: the path of the current executable; None if none is known.
    """
    parts = [f"{done}/{total} executables", f"{rows} rows", f"{errors} errors"]
    return ", ".join(parts) + (f"  {printable(executable)}" if executable else "")


def _progress() -> Any:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[details]}", markup=False),
        console=console(stderr=True),
        transient=True,
    )
