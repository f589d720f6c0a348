"""Messages of an operation as lines."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from airflow_provider_ssis.cli.output import STYLES, Output, plain, printable, shown

if TYPE_CHECKING:
    from airflow_provider_ssis.catalog.client import Catalog
    from airflow_provider_ssis.catalog.models import EventMessage

_PAGE = 1000


class MessagePrinter:
    """Prints the messages of an operation, each once.

    :param catalog: the catalog.
    :param operation_id: the operation.
    :param output: prints a line for people, or a JSON object on its own line.
    :param level: the name of a ``MessageLevel``.
    :param after: only messages with a higher id. Default: 0, all.
    """

    def __init__(self, catalog: Catalog, operation_id: int, output: Output, *, level: str, after: int = 0) -> None:
        from airflow_provider_ssis.catalog.message_levels import MessageLevel

        self._catalog = catalog
        self._operation_id = operation_id
        self._output = output
        self._level = MessageLevel(level)
        self._after = after

    def print_new(self) -> None:
        """Print the messages that were written since the last call."""
        while True:
            messages = self._catalog.event_messages(self._operation_id, after=self._after, limit=_PAGE)
            for message in messages:
                self._print(message)
                self._after = message.event_message_id or self._after
            if len(messages) < _PAGE:
                return

    def print_rest(self) -> None:
        """Print the remaining messages, and those of Scale Out workers, which have no id."""
        self.print_new()
        for message in self._catalog.event_messages(self._operation_id, after=None, limit=None):
            self._print(message)

    def _print(self, message: EventMessage) -> None:
        from airflow_provider_ssis.catalog.message_levels import format_message

        if not self._level.includes(message):
            return
        if self._output.as_json:
            self._output.json_line({"message": plain(message)})
            return
        colour = STYLES.get(shown(message.message_type)) if sys.stdout.isatty() else None
        click.echo(click.style(printable(format_message(message)), fg=colour))
