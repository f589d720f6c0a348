"""A group of commands whose modules are imported when a command is used, not when the commands are listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click


@dataclass(frozen=True)
class CommandEntry:
    """A command and the module that defines it as ``command``."""

    name: str
    module: str
    """The module's full name. Importing it must load only click, modules of ``cli`` and tables of choices: everything
    else is imported inside functions, because shell completion imports the modules of all commands."""
    help: str
    """One line for the list of commands."""
    heading: str = "Commands"
    """The heading under which ``--help`` lists the command."""

    def load(self) -> click.Command:
        """Import the module, and return its command."""
        command: click.Command = import_module(self.module).command
        return command


class Group(click.Group):
    """Commands. The error for an unknown one has the nearest names."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name.

        :raises click.UsageError: there is no such command.
        """
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = get_close_matches(args[0], known)
            instead = f"Did you mean {' or '.join(map(repr, near))}?" if near else "--help lists the commands."
            raise click.UsageError(f"There is no command {args[0]!r}. {instead}", ctx)
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """Commands from a table. Importing the group imports none of their modules."""

    def __init__(self, *arguments: Any, table: Sequence[CommandEntry] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.table = {entry.name: entry for entry in table}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the table's order."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, whose module is imported now; None if there is none."""
        entry = self.table.get(cmd_name)
        return None if entry is None else entry.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands under their headings, without importing one."""
        for heading in dict.fromkeys(entry.heading for entry in self.table.values()):
            with formatter.section(heading):
                formatter.write_dl(
                    [(entry.name, entry.help) for entry in self.table.values() if entry.heading == heading]
                )


def print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """Print the version of the distribution and end the command line."""
    if value and not ctx.resilient_parsing:
        click.echo(f"{ctx.command_path} {version('airflow-provider-ssis')}")
        ctx.exit()
