"""``airflow-ssis run``: run a package on a server, or on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from airflow_provider_ssis.cli.commands import run_here, run_on_server
from airflow_provider_ssis.cli.exit_codes import RunCommand

_BOTH = """Run a package on a server, or on this machine.

With FOLDER PROJECT PACKAGE the server runs a deployed package, and the command waits for its end. With SOURCE, a
package file, project file or project folder, the engine of this package runs it on this machine, without SQL Server.
"""

_NO_ARGUMENT = "Give FOLDER PROJECT PACKAGE for a package on a server, or SOURCE for a package file on this machine."


class RunAnywhere(RunCommand):
    """A command with two forms, which the number of its arguments selects.

    :param name: its name.
    :param on_server: the form with FOLDER PROJECT PACKAGE.
    :param here: the form with SOURCE.
    """

    def __init__(self, name: str, *, on_server: click.Command, here: click.Command) -> None:
        super().__init__(name, help=_BOTH)
        self.forms = (on_server, here)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments with the form that they select."""
        if {"-h", "--help"} & set(args):
            return super().make_context(info_name, args, parent, **extra)
        on_server, here = self.forms
        count = len(list(self._arguments(args)))
        if not count and not extra.get("resilient_parsing"):  # which shell completion sets
            with click.Context(on_server, parent=parent, info_name=info_name) as context:
                raise click.UsageError(_NO_ARGUMENT, context)
        return (here if count == 1 else on_server).make_context(info_name, args, parent, **extra)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help of both forms."""
        self.format_help_text(ctx, formatter)
        for form in self.forms:
            formatter.write_paragraph()
            form.format_help(click.Context(form, parent=ctx.parent, info_name=ctx.info_name), formatter)

    def _arguments(self, args: Sequence[str]) -> Iterator[str]:
        """Yield the arguments that are neither options nor values of options."""
        with_value = {
            name
            for form in self.forms
            for option in form.params
            if isinstance(option, click.Option) and not option.is_flag
            for name in option.opts
        }
        words = iter(args)
        for word in words:
            if word == "--":
                yield from words
            elif not word.startswith("-") or word == "-":
                yield word
            elif word in with_value:
                next(words, None)


command = RunAnywhere("run", on_server=run_on_server.command, here=run_here.command)
