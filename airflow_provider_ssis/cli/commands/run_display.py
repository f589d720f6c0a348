"""A run on this machine as people see it: lines of messages, or a live display of tasks and rows."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from airflow_provider_ssis.cli.output import STYLES, Output, console, printable, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.engine.events import Event, Message

_SHOWN_PATHS = 12


class EventPrinter:
    """Prints the messages of a run.

    :param output: prints a line for people, or every event as an object of JSON.
    :param level: the name of a ``MessageLevel``; None for no messages.
    """

    def __init__(self, output: Output, level: str | None) -> None:
        from airflow_provider_ssis.catalog.message_levels import MessageLevel

        self._output = output
        self._level = None if level is None else MessageLevel(level)

    def show(self, event: Event) -> None:
        """Print an event, if it is a message of the level."""
        from airflow_provider_ssis.catalog.message_levels import format_message
        from airflow_provider_ssis.engine.catalog_messages import catalog_message
        from airflow_provider_ssis.engine.events import Message
        from airflow_provider_ssis.engine.process.event_lines import event_fields

        if self._output.as_json:
            self._output.json_line(event_fields(event))
        elif self._level is not None and isinstance(event, Message):
            message = catalog_message(event)
            if self._level.includes(message):
                colour = STYLES.get(shown(message.message_type)) if sys.stdout.isatty() else None
                click.echo(click.style(printable(format_message(message)), fg=colour))


class RunningTasks:
    """A live display on a terminal: the running tasks, the rows of each path, and rows per second.

    Written to standard error, and only if that is a terminal.

    :param title: the package.
    :param enabled: False for no display.
    """

    def __init__(self, title: str, *, enabled: bool) -> None:
        self._title = printable(title)
        self._began = time.monotonic()
        self._tasks: dict[str, float] = {}
        self._rows: dict[str, int] = {}
        self._live: Any = None
        if enabled and sys.stderr.isatty():
            from rich.live import Live

            self._live = Live(
                console=console(stderr=True), transient=True, refresh_per_second=4, get_renderable=self._table
            )

    def __enter__(self) -> RunningTasks:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Take an event into the display."""
        from airflow_provider_ssis.engine.events import ExecutableEnded, Message, RowsSent

        if self._live is None:
            return
        if isinstance(event, Message):
            self._of_message(event)
        elif isinstance(event, ExecutableEnded):
            self._tasks.pop(event.place.execution_path, None)
        elif isinstance(event, RowsSent):
            path = f"{event.place.name}: {event.source} → {event.destination}"
            self._rows[path] = self._rows.get(path, 0) + event.rows

    def _of_message(self, event: Message) -> None:
        from airflow_provider_ssis.engine.events import EventName

        if event.name is EventName.PRE_EXECUTE:
            self._tasks.setdefault(event.place.execution_path, time.monotonic())

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        table = Table.grid(padding=(0, 2))
        table.add_row(Text(self._title), Text(f"{now - self._began:.0f} s"), "")
        for path, since in list(self._tasks.items()):
            table.add_row(Text(f"  {printable(path)}"), Text(f"{now - since:.0f} s"), "")
        for path, rows in list(self._rows.items())[-_SHOWN_PATHS:]:
            speed = rows / max(now - self._began, 0.001)
            table.add_row(Text(f"    {printable(path)}"), Text(f"{rows:,} rows"), Text(f"{speed:,.0f}/s"))
        return table
