"""The output of commands: tables and lines for people, JSON for programs."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDEST = 100_000
"""Columns of an output that is not a terminal, so that no line is broken."""

STYLES = {
    "succeeded": "green",
    "completed": "green",
    "failed": "red",
    "ended unexpectedly": "red",
    "canceled": "yellow",
    "stopping": "yellow",
    "running": "cyan",
    "error": "red",
    "task failed": "red",
    "warning": "yellow",
}
"""The colours of statuses and types of messages, on a terminal."""


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    :param title: its heading.
    :param value: the name of the row's attribute in the cell, or computes the cell from the row.
    """

    title: str
    value: str | Callable[[Any], object]

    def of(self, row: Any) -> object:
        """The cell of a row."""
        return getattr(row, self.value) if isinstance(self.value, str) else self.value(row)


class Output:
    """Prints the result of a command on the standard output.

    :param as_json: JSON instead of text.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def rows(self, rows: Sequence[Any], *columns: Column) -> None:
        """Print rows: as a table, or as a JSON array with all their fields.

        :param rows: dataclasses.
        :param columns: the table's columns.
        """
        if self.as_json:
            self.json([plain(row) for row in rows])
            return
        from rich.measure import Measurement
        from rich.table import Table

        table = Table(*(column.title for column in columns), box=None, pad_edge=False, header_style="bold")
        for row in rows:
            table.add_row(*(_cell(column.of(row)) for column in columns))
        target = console()
        needed = Measurement.get(target, target.options.update(max_width=_WIDEST), table).minimum
        if needed <= target.width:
            target.print(table)
            return
        # The terminal is so narrow that words would be cut, and an id that is cut is another id.
        for number, row in enumerate(rows):
            if number:
                target.print()
            target.print(_record((column.title, column.of(row)) for column in columns))

    def record(self, fields: Mapping[str, object], **further: object) -> None:
        """Print one thing: a line for each field, or a JSON object.

        :param fields: the fields by their names in words. In JSON the words are joined by underscores.
        :param further: more fields, for JSON only.
        """
        if self.as_json:
            named = {name.replace(" ", "_"): plain(value) for name, value in fields.items()}
            self.json({**named, **{name: plain(value) for name, value in further.items()}})
            return
        console().print(_record(fields.items()))

    def done(self, text: str, **fields: object) -> None:
        """Print that something was done.

        :param text: a sentence for people.
        :param fields: the same as a JSON object.
        """
        if self.as_json:
            self.json({name: plain(value) for name, value in fields.items()})
        else:
            click.echo(printable(text))

    def json(self, value: object) -> None:
        """Print JSON, indented."""
        click.echo(_json_text(value, indent=2))

    def json_line(self, value: object) -> None:
        """Print JSON as one line, for results that grow."""
        click.echo(_json_text(value))


def _record(fields: Iterable[tuple[str, object]]) -> Table:
    """One thing as a line for each field; long values take several lines."""
    from rich.table import Column as TableColumn
    from rich.table import Table

    table = Table("", TableColumn(overflow="fold"), box=None, show_header=False, pad_edge=False)
    for name, value in fields:
        table.add_row(f"{name}:", _cell(value))
    return table


def _json_text(value: object, *, indent: int | None = None) -> str:
    """JSON, with escapes if the encoding of the output lacks a character."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent)
    return text


def console(*, stderr: bool = False) -> Console:
    """A console of rich: coloured and as wide as the terminal, or neither if the output is not a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDEST)


def plain(value: Any) -> Any:
    """A value as JSON has it: codes by their names in lower case, times in ISO 8601, exact numbers as text."""
    if isinstance(value, Enum):
        return value.name.lower()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def shown(value: object) -> str:
    """A value as text for people; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return value.name.lower().replace("_", " ")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def printable(text: str) -> str:
    """Text without the control characters with which names and messages could change the terminal."""
    return "".join(each if each.isprintable() or each in "\n\t" else "�" for each in text)


def _cell(value: object) -> Any:
    from rich.text import Text

    text = printable(shown(value))
    return Text(text, style=STYLES.get(text, "") if isinstance(value, Enum) else "")
