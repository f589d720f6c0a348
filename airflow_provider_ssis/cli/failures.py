"""How a command fails: one line on standard error, and an exit code."""

from __future__ import annotations

import click


class CommandFailed(Exception):
    """A command could not do its work.

    :param message: what happened, where, and what to do next. Empty if that is printed already.
    :param exit_code: the exit code of the process. Default: 1.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        context = click.get_current_context(silent=True)
        self.command = context.command_path if context else "airflow-ssis"

    def show(self) -> None:
        """Print the message after the name of the command, on standard error."""
        if str(self):
            click.echo(f"{self.command}: {self}", err=True)
